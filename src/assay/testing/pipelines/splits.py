"""The parts of a split: no row, key or group in two of them, none that begins before an earlier one ends, one final look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import msgspec
import polars as pl

from assay.errors import UsageError
from assay.testing.contract import broken, call, contract, held, undecided
from assay.testing.outputs import frame_of
from assay.testing.pipelines.counting import counted
from assay.testing.pipelines.pipeline import Pipeline
from assay.testing.pipelines.running import handed, rows_in
from assay.verdict import Example, Outcome, Verdict

__all__ = ["parts_of", "splits_apart", "used_test_set_once"]

ORDER = ("train", "training", "fit", "validation", "valid", "val", "dev", "calibration", "test", "holdout")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # the checks of leakage do not ask what time it is
SHOWN = 12


@contract(
    "pipeline",
    title="the parts of the split share no row, no key and no group, and each ends before the next one begins",
    catches="rows that were copied before the split; a customer on both sides; a random split of data in time; a gap that was forgotten",
    needs=("split",),
)
def splits_apart(subject: Pipeline, data: object = None, /) -> Outcome:
    """Judge that no two parts of the pipeline's `split` overlap: in whole rows, in its `key`, in its `entity`, in its `time`.

    These are the checks no_shared_rows, no_shared_keys, no_shared_groups and time_split of a suite, for each pair of parts. Where rows have
    a key, equal rows with other keys are a WARN: common values, or copies. INCONCLUSIVE where there are fewer than two parts, or one
    is empty.

    >>> import assay
    >>> sales = [{"customer": i // 2, "sales": float(i)} for i in range(6)]
    >>> def by_customer(rows):
    ...     return rows[:4], rows[4:]
    >>> def by_row(rows):
    ...     return rows[:3], rows[3:]
    >>> splits_apart(assay.pipeline(len, split=by_customer, entity="customer"), sales).verdict.value
    'pass'
    >>> print(splits_apart(assay.pipeline(len, split=by_row, entity="customer"), sales).why)
    1 of 3 rows of test break no_shared_groups with train:
    1 of 3 rows (33.3%) is not kept apart from earlier (the same customer)
    """
    parts = parts_of(subject, data)
    if len(parts) < 2:
        return undecided(
            f"the split has {counted(len(parts), 'part')}", note="It takes two or more: a training and a test set."
        )
    empty = next((name for name, frame in parts.items() if not frame.height), None)
    if empty is not None:
        return undecided(f"the part {empty!r} has no rows")
    judged = [(one, other, o) for one, other in combinations(parts, 2) for o in _judged(subject, parts, one, other)]
    worst = max(outcome.verdict for _, _, outcome in judged)
    bad = [each for each in judged if each[2].verdict is worst]
    one, other, first = bad[0]
    sizes = ", ".join(f"{name} ({frame.height:,})" for name, frame in parts.items())
    rows = sum(frame.height for frame in parts.values())
    if worst is Verdict.PASS:
        names = dict.fromkeys(outcome.check for _, _, outcome in judged)
        return held(f"{sizes} share nothing: {counted(len(judged), 'comparison')} by {', '.join(names)}", n_rows=rows)
    if worst not in (Verdict.FAIL, Verdict.WARN):
        return undecided(f"{other} against {one}: {first.check}: {first.why}", n_rows=rows)
    why = f"{first.n_failing or 0:,} of {first.n_rows or 0:,} rows of {other} break {first.check} with {one}: {first.why or first.expected}"
    more = f" ({len(bad)} of {len(judged)} comparisons)" if len(bad) > 1 else ""
    examples = tuple(Example(e.row, e.values, f"{other}, {first.check}") for e in first.examples[:SHOWN])
    seen = broken(why + more, examples=examples, n_rows=rows, n_failing=first.n_failing, note=_ADVICE[first.check])
    return seen if worst is Verdict.FAIL else msgspec.structs.replace(seen, verdict=Verdict.WARN)


_ADVICE = {
    "no_shared_rows": "Take copies out before the split, or declare key= where equal rows are different cases.",
    "no_shared_keys": "Split by the key: each of its values belongs to one part.",
    "no_shared_groups": "Split by group (GroupKFold, GroupShuffleSplit), so that the test asks about groups that were never seen.",
    "time_split": "Split at an instant: what is tested lies after what was learned from, by the gap that labels need.",
}


@contract(
    "pipeline",
    title="the test set was not used for tuning, and the final figure was taken from it once",
    catches="the best of many looks at one set, reported as if it were the only one",
    needs=("ledger",),
)
def used_test_set_once(subject: Pipeline, data: object = None, /) -> Outcome:
    """Judge, by the ledger of evaluations, that the test set has no look for tuning, and one final look.

    The test set is the last part of the pipeline's `split`, else the data themselves; the ledger knows it by the fingerprint of its rows
    (of its file, where it was evaluated as a file). A look for tuning is a FAIL, a second final one a WARN, with how much wider an interval
    has to be. INCONCLUSIVE where the ledger has no look at it.

    >>> import assay, polars as pl, tempfile
    >>> from assay.data.sources import dataset
    >>> from assay.evaluation.ledger import Entry, append
    >>> test = pl.DataFrame({"x": [1.0, 2.0], "left": [0, 1]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     told = assay.pipeline(len, ledger=f"{folder}/looks.jsonl")
    ...     for use in ("final", "tuning"):
    ...         append(Entry("2024-05-01T12:00:00Z", dataset(test).fingerprint, use, "test", rows=2), told.ledger)
    ...         print(used_test_set_once(told, test).why)
    the ledger has one look at the test set, the final one
    the test set was looked at 1 time for tuning, and 1 time for a final figure
    """
    from assay.data.sources import dataset
    from assay.evaluation.ledger import read, widths

    given: object = data
    if subject.split is not None:
        found = _split(subject, data)
        given = found[_ordered(found)[-1]]
    tested = dataset(given)
    looks = [entry for entry in read(subject.ledger) if entry.fingerprint == tested.fingerprint]
    if not looks:
        return undecided(
            f"the ledger {subject.ledger} has no evaluation of this set ({tested.fingerprint})",
            note="Evaluate with a ledger: settings.ledger.path, and use: final for the figure that is reported.",
        )
    shown = [
        Example(None, {"at": e.at, "use": e.use, "model": e.model, **dict(list(e.metrics.items())[:3])})
        for e in looks[-SHOWN:]
    ]
    tuned = sum(entry.use == "tuning" for entry in looks)
    final = len(looks) - tuned
    if tuned:
        return broken(
            f"the test set was looked at {counted(tuned, 'time')} for tuning, and {counted(final, 'time')} for a final figure",
            examples=shown, n_rows=_rows_of(looks), n_failing=tuned,
            note="Tune on a validation set, and take the final figure from rows that no choice was made by.",
        )  # fmt: skip
    if final > 1:
        after = widths(final)
        wide = f"{after.named:.2f} times as wide, {after.adaptive:.2f} where each look led to the next"
        why = f"the final figure was taken {final} times: an interval that holds for all is {wide}"
        return Outcome(
            "", "", Verdict.WARN, why=why, examples=tuple(shown), n_rows=_rows_of(looks), n_failing=final - 1
        )
    return held("the ledger has one look at the test set, the final one", n_rows=_rows_of(looks))


def _rows_of(looks: Sequence[Any]) -> int:
    """Return how many rows the last look was at."""
    return int(looks[-1].rows)


def parts_of(subject: Pipeline, data: object) -> dict[str, pl.DataFrame]:
    """Return the parts of the split by name, the earliest first: train, validation, test, then others in their order.

    Raises UsageError where the split gives no parts.
    """
    found = _split(subject, data)
    return {name: _frame(found[name], name) for name in _ordered(found)}


def _split(subject: Pipeline, data: object) -> dict[str, Any]:
    split = subject.split
    if isinstance(split, str):
        return _by_column(split, data)
    if callable(split) and not isinstance(split, Mapping):
        function: Callable[[Any], Any] = split
        split = call(function, handed(data), what=f"split of {subject.name}")
    if isinstance(split, Mapping):
        return {str(name): part for name, part in split.items()}
    if isinstance(split, tuple | list) and 2 <= len(split) <= 3:
        names = ("train", "test") if len(split) == 2 else ("train", "validation", "test")
        return dict(zip(names, split, strict=True))
    raise UsageError(
        f"the split of {subject.name} gives {type(split).__qualname__}",
        hint="give the parts by name: {'train': …, 'test': …}, or two or three in their order",
    )


def _by_column(column: str, data: object) -> dict[str, Any]:
    rows = rows_in(data)
    if rows is None or column not in rows.columns:
        raise UsageError(
            f"the data have no column {column!r} that names the part", hint="give split= another column, or the parts"
        )
    parts = rows.frame.partition_by(column, as_dict=True, include_key=False, maintain_order=True)
    return {str(key[0]): frame for key, frame in parts.items() if key[0] is not None}


def _ordered(parts: Mapping[str, Any]) -> list[str]:
    names = list(parts)
    return sorted(
        names, key=lambda name: (ORDER.index(name.lower()) if name.lower() in ORDER else len(ORDER), names.index(name))
    )


def _frame(part: Any, name: str) -> pl.DataFrame:
    rows = rows_in(part)
    if rows is not None:
        return rows.frame
    if isinstance(part, tuple) and part and rows_in(part[0]) is not None:  # X and y
        whole = frame_of(part[0])
        return whole.hstack(frame_of(part[1]).rename(lambda n: f"label {n}")) if len(part) > 1 else whole
    raise UsageError(f"the part {name!r} is {type(part).__qualname__}, no rows", hint="give frames")


def _judged(subject: Pipeline, parts: Mapping[str, pl.DataFrame], one: str, other: str) -> tuple[Outcome, ...]:
    """Return what the checks of leakage say of two parts, of which the first is the earlier one."""
    from assay.checks.judge import Inputs, judge
    from assay.checks.suite import Suite, make_check
    from assay.data.polars_engine import PolarsEngine
    from assay.data.sources import dataset

    against = {"other": "earlier"}
    content = [n for n in parts[other].columns if n in parts[one].columns and n not in subject.key]
    level = "warn" if subject.key else "fail"
    checks = [make_check("no_shared_rows", content, {**against, "level": level})] if content else []
    checks += [make_check("no_shared_keys", subject.key, against)] if subject.key else []
    checks += [make_check("no_shared_groups", [name], against) for name in subject.entity]
    if subject.time:
        checks.append(make_check("time_split", [subject.time], {**against, "gap": subject.gap}))
    earlier = dataset(parts[one], name="earlier", part="other")
    inputs = Inputs(EPOCH, others={"earlier": earlier})
    return judge(
        Suite(tuple(checks), "split"), dataset(parts[other], name=other), inputs, engine=PolarsEngine()
    ).outcomes
