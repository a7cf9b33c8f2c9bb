"""Checks that could have caught a survivor, learned from a reference: what `advice` tries, and proposes where it works."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import polars as pl

from assay.checks.check import Check
from assay.checks.comparisons import comparisons
from assay.checks.drift.settings import DriftSettings, drift_suite
from assay.checks.suggest import suggest
from assay.checks.suite import Suite, dump_suite, make_check
from assay.checks.table import get_rule
from assay.codec import format_duration, load_yaml
from assay.data.polars_engine import PolarsEngine
from assay.errors import AssayError
from assay.profiles.profile import Profile
from assay.stats.intervals import correlation
from assay.testing.faults.cells import kind_word
from assay.testing.faults.judges import dataset_of

__all__ = ["candidate_checks", "flow"]

WORDS = 50
SLACK = 4.0
# A key that YAML reads as a text without quotes.
_KEY = re.compile(r'"([A-Za-z_][A-Za-z0-9_]*)": ')


def candidate_checks(
    reference: pl.DataFrame, known: Profile, *, rows: int, now: datetime, seed: int = 0, time: str = "", label: str = ""
) -> tuple[Check, ...]:  # fmt: skip
    """Return checks that a reference suggests, each at the level at which it fails, the plainest first.

    `rows` is how many rows a batch has, for the number of rows that is too few. `time` and `label` are columns, where known.
    First come the number of rows and repeated rows, then what a reference suggests by itself, order, gaps and pairs of columns
    that go together, last what compares with the reference.
    """
    rng = np.random.default_rng([seed, 1])
    suggested = suggest(dataset_of(reference), engine=PolarsEngine(), now=now, rng=rng)
    drifting = drift_suite(known, DriftSettings())
    pool = [*_of_table(reference, rows), *suggested.checks, *_of_columns(reference), *_of_time(reference, time)]
    pool += [
        *_of_pairs(reference),
        *_of_label(reference, label),
        *comparisons(known),
        *drifting.checks,
    ]
    return _one_of_each(msgspec.structs.replace(check, level="fail") for check in pool)


def _one_of_each(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Return the checks, of those that an outcome calls the same only the first."""
    found: dict[tuple[str, str, str], Check] = {}
    for check in checks:
        found.setdefault((check.rule, check.subject, check.where), check)
    return tuple(found.values())


def _made(rule: str, columns: Sequence[str], told: object = None) -> Iterator[Check]:
    try:
        yield make_check(rule, columns, told)
    except AssayError:  # what this reference has makes no such check: a bound that is none, a kind that does not fit
        return


def _of_table(reference: pl.DataFrame, rows: int) -> Iterator[Check]:
    yield from _made("row_count", (), {"at_least": max(1, int(0.8 * rows)), "at_most": max(2, int(1.25 * rows) + 1)})
    repeated = 1 - reference.n_unique() / max(reference.height, 1) if not _nested(reference) else 1.0
    if repeated < 0.5:
        yield from _made("duplicates", (), {"at_most_share": round(1.5 * repeated + (0.002 if repeated else 0.0), 4)})


def _nested(frame: pl.DataFrame) -> bool:
    return any(dtype.is_nested() or dtype == pl.Object for dtype in frame.dtypes)


def _of_columns(reference: pl.DataFrame) -> Iterator[Check]:
    for name, dtype in reference.schema.items():
        column, kind = reference[name], kind_word(dtype)
        present = column.drop_nulls()
        if not len(present) or kind == "other":
            continue
        missing = column.null_count() / len(column)
        yield from _made(
            "no_missing" if not missing else "missing_share",
            (name,),
            None if not missing else {"at_most": _above(missing, len(column))},
        )
        yield from _made("required", (name,))
        if kind in ("number", "text"):
            yield from _made("sentinel_spike", (name,))
        if kind == "text":
            yield from _made("clean_text", (name,))
            if present.n_unique() <= WORDS:
                yield from _made("one_of", (name,), sorted(present.cast(pl.String).unique().to_list()))
                yield from _made("spelling", (name,))
        top = int(present.value_counts(sort=True)["count"][0]) / len(present)
        if top >= 0.01:  # where no value comes twice as a rule, the most frequent one says how many rows there are
            yield from _made("top_value", (name,), {"at_most": min(1.0, _above(top, len(present)))})
        if kind == "number" and not dtype.is_decimal():
            low, high = (float(v) for v in (present.min(), present.max()))  # type: ignore[arg-type]
            reach = 0.1 * (high - low)
            yield from _made(
                "between",
                (name,),
                {
                    "at_least": _short(low - reach if low < 0 else max(0.0, low - reach)),
                    "at_most": _short(high + reach),
                },
            )


def _above(share: float, n: int) -> float:
    """Return a share above the one that was seen: by four standard errors, and by a fifth of it."""
    return round(share + max(SLACK * float(np.sqrt(share * (1 - share) / n)), 0.2 * share * (1 - share), 0.001), 4)


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _of_time(reference: pl.DataFrame, time: str) -> Iterator[Check]:
    instants = [name for name, dtype in reference.schema.items() if kind_word(dtype) == "instant"]
    for name in dict.fromkeys((*([time] if time else []), *instants)):
        known = reference[name].drop_nulls()
        if len(known) < 3:
            continue
        steps = known.sort().diff().drop_nulls()
        widest = steps.max()
        if isinstance(widest, timedelta) and widest > timedelta(0):
            yield from _made("no_gaps", (name,), {"at_most": format_duration(2 * widest)})
        if known.is_sorted():
            yield from _made("rising", (name,), True)
        yield from _made("unique", (name,), True) if known.n_unique() == len(known) else ()
        for other in instants:
            if (
                other != name
                and (reference[name] <= reference[other]).all()
                and not (reference[name] == reference[other]).all()
            ):
                yield from _made("compare", (), {"left": name, "op": "<=", "right": other})


def _of_pairs(reference: pl.DataFrame) -> Iterator[Check]:
    """Yield for each column the pair of numbers, or of categories, that goes together most: which a shuffle breaks."""
    numbers = [n for n, dtype in reference.schema.items() if kind_word(dtype) in ("number", "boolean")]
    seen: set[frozenset[str]] = set()
    frame = reference.select(pl.col(numbers).cast(pl.Float64).fill_nan(None)) if numbers else pl.DataFrame()
    for name in numbers:
        found = [
            (abs(r), r, other)
            for other in numbers
            if other != name and (r := _correlation(frame, name, other)) is not None
        ]
        for _, r, other in sorted(found, reverse=True)[:1]:
            low, high = correlation(r, reference.height, confidence=0.9999)
            if (low > 0 or high < 0) and frozenset((name, other)) not in seen:
                seen.add(frozenset((name, other)))
                yield from _made(
                    "correlation", (name, other), {"at_least": round(low, 3)} if r > 0 else {"at_most": round(high, 3)}
                )
    yield from _associations(reference)


def _correlation(frame: pl.DataFrame, one: str, other: str) -> float | None:
    r = frame.select(pl.corr(one, other)).item()
    return float(r) if r is not None and np.isfinite(r) else None


def _associations(reference: pl.DataFrame) -> Iterator[Check]:
    words = [
        n
        for n, dtype in reference.schema.items()
        if kind_word(dtype) in ("text", "boolean") and reference[n].n_unique() <= WORDS
    ]
    few = [n for n, dtype in reference.schema.items() if dtype.is_integer() and reference[n].n_unique() <= WORDS]
    for name in words:
        found = [(_cramer(reference, name, other), other) for other in (*words, *few) if other != name]
        for v, other in sorted(found, reverse=True)[:1]:
            if v > 0.1:
                yield from _made("association", (name, other), {"at_least": round(0.7 * v, 3)})


def _cramer(reference: pl.DataFrame, one: str, other: str) -> float:
    """Return Cramér's V of two columns, without the share of it that independent columns would have."""
    counts = reference.select(one, other).drop_nulls().group_by(one, other).len()
    n = int(counts["len"].sum())
    rows, columns = counts[one].n_unique(), counts[other].n_unique()
    if min(rows, columns) < 2 or not n:
        return 0.0
    total = counts.with_columns(pl.col("len").sum().over(one).alias("a"), pl.col("len").sum().over(other).alias("b"))
    chi = n * (float((total["len"] ** 2 / (total["a"] * total["b"])).sum()) - 1)
    corrected = max(0.0, chi / n - (rows - 1) * (columns - 1) / (n - 1))
    return float(np.sqrt(corrected / (min(rows, columns) - 1)))


def _of_label(reference: pl.DataFrame, label: str) -> Iterator[Check]:
    if not label or label not in reference.columns:
        return
    yield from _made("too_good", (), {"label": label})
    known = reference[label].drop_nulls()
    if 2 <= known.n_unique() <= WORDS and reference.height >= 50:
        least = int(known.value_counts(sort=True)["count"][-1]) / known.len()
        off = SLACK * float(np.sqrt(least * (1 - least) / known.len()))
        yield from _made(
            "label_balance", (label,), {"at_least": round(max(0.0, least - off), 4), "at_most": round(least + off, 4)}
        )


def flow(check: Check) -> str:
    """Return a check as one line of YAML that stands in a suite as it is; a comment says where it needs a reference to compare with.

    >>> flow(make_check("between", ("age",), [0, 120]))
    'columns: {age: {between: [0, 120]}}'
    """
    content: dict[str, Any] = load_yaml(dump_suite(Suite((check,))), dict[str, Any], file="advice")
    part = "columns" if get_rule(check.rule).on == "column" else "table"
    told = json.dumps(content[part], ensure_ascii=False, default=_told)
    needs = "  # with --reference" if get_rule(check.rule).needs_reference else ""
    return f"{part}: " + _KEY.sub(r"\1: ", told) + needs


def _told(value: object) -> float | str:
    return float(value) if isinstance(value, Decimal) else str(value)
