"""Whole rows: whether two datasets can be told apart at all, by which columns, and which rows give it away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import polars as pl

from assay.checks.bounds import shown
from assay.data.dataset import Dataset
from assay.data.engine import Engine
from assay.data.sample import Sample, take_sample
from assay.stats.classifier import Apart, tell_apart
from assay.stats.corrections import adjusted
from assay.stats.encoder import Encoded, encode
from assay.stats.matrix import RowsCompared
from assay.stats.rows import ROW_COMPARISONS, RowComparison
from assay.stats.rows import compare_rows as compare
from assay.stats.tells import Reason, Tell, tells, unlike
from assay.verdict import Estimate, Evidence, Example, Outcome, Verdict

__all__ = ["LEAST_SIZE", "MOST_ROWS", "compare_rows"]

MOST_ROWS = 10_000  # of each side that are looked at
ALPHA = 0.01
CORRECTION = "holm"
# How far from no difference a size must be before it counts.
LEAST_SIZE = {"classifier": 0.05, "mmd": 0.05, "energy": 0.01, "reconstruction": 0.05}
NAMED = 5  # columns that the reason names


@dataclass(frozen=True, slots=True)
class Seen:
    """What was compared: both sides as matrices, and the rows drawn."""

    encoded: Encoded
    reference: Sample
    current: Sample


def compare_rows(
    reference: Dataset, current: Dataset, *, engine: Engine, seed: int, ignore: Sequence[str] = ()
) -> list[Outcome]:
    """Return the outcomes of every comparison of whole rows, on at most 10,000 rows of each side, drawn by the seed.

    They have drifted where a comparison rejects at 0.01 after Holm's correction over them, and its size is far enough
    from no difference. Identifiers and instants are left out, and `ignore`. The domain classifier's outcome
    names the columns that tell the sides apart, and shows the rows most unlike the reference.
    """
    names = [name for name in reference.schema if name not in _left_out(reference, current, ignore)]
    seen = Seen(*_drawn(reference, current, names, engine, seed))
    rng = np.random.default_rng(seed)
    apart = tell_apart(seen.encoded.reference, seen.encoded.current, rng=rng)
    found = {name: compare(seen.encoded, name, rng=rng) for name in ROW_COMPARISONS if name != "classifier"}
    found = {"classifier": apart.compared, **found}
    corrected = adjusted(CORRECTION, [one.p_value for one in found.values()])
    among = sum(one.p_value is not None for one in found.values())
    outcomes = [
        _outcome(ROW_COMPARISONS[n], one, p, among) for (n, one), p in zip(found.items(), corrected, strict=True)
    ]
    return [_explained(outcomes[0], apart, seen, rng), *outcomes[1:]]


def _left_out(reference: Dataset, current: Dataset, ignore: Sequence[str]) -> set[str]:
    roles = (reference.roles, current.roles)
    times = {name for side in roles for name in (*side.id, side.time) if name is not None}
    times |= {name for name, kind in reference.columns.items() if kind.is_instant}  # a short window's hours are its own
    absent = {name for name in reference.schema if name not in current.schema}
    return {*times, *absent, *ignore}


def _drawn(
    reference: Dataset, current: Dataset, names: list[str], engine: Engine, seed: int
) -> tuple[Encoded, Sample, Sample]:
    a = take_sample(reference, MOST_ROWS, engine=engine, seed=seed, columns=names)
    b = take_sample(current, MOST_ROWS, engine=engine, seed=seed + 1, columns=names)
    return encode(a.rows, b.rows), a, b


def _outcome(comparison: RowComparison, found: RowsCompared, corrected: float | None, among: int) -> Outcome:
    least = LEAST_SIZE[comparison.name]
    evidence = Evidence(
        comparison=comparison.name, distance=comparison.name, n_reference=found.n_reference, n=found.n,
        statistic=found.statistic, p_value=found.p_value, adjusted=corrected, correction=CORRECTION, among=among, alpha=ALPHA,
        at_least=comparison.none_at + least,
    )  # fmt: skip
    verdict, why = _verdict(comparison, found, corrected)
    expected = f"{comparison.size} below {comparison.none_at + least:g}, or p above {ALPHA:g}"
    return Outcome(
        check="row_drift", subject="table", verdict=verdict, expected=expected, observed=_estimate(comparison, found), why=why,
        family="drift", id=f"rows.{comparison.name}", evidence=evidence,
    )  # fmt: skip


def _verdict(comparison: RowComparison, found: RowsCompared, corrected: float | None) -> tuple[Verdict, str]:
    rows = f"{found.n:,} rows against {found.n_reference:,}"
    if found.size is None or corrected is None:
        return Verdict.INCONCLUSIVE, f"{comparison.title} is undefined: {found.why}; {rows}"
    said = f"{comparison.title}: {comparison.size.partition(',')[0]} {found.size:.3g}, p {corrected:.2g} after correction; {rows}"
    far = abs(found.size - comparison.none_at) >= LEAST_SIZE[comparison.name]
    return (Verdict.FAIL if far and corrected <= ALPHA else Verdict.PASS), said


def _estimate(comparison: RowComparison, found: RowsCompared) -> Estimate:
    if found.size is None:
        return Estimate(None, found.n, unit=comparison.size, why=found.why)
    return Estimate(found.size, found.n, found.size_low, found.size_high, 0.95, comparison.size)


def _explained(outcome: Outcome, apart: Apart, seen: Seen, rng: np.random.Generator) -> Outcome:
    """Return the classifier's outcome with what gives the sides away, where it found that something does."""
    if outcome.verdict is not Verdict.FAIL:
        return outcome
    named = [
        tell
        for tell in tells(apart, columns=seen.encoded.encoder.columns, rng=rng)
        if max(tell.drop, tell.alone - 0.5) > 0.01
    ]
    told = ", ".join(f"{tell.column} (alone {tell.alone:.2f})" for tell in named[:NAMED])
    rows = seen.current.rows
    examples = tuple(
        Example(
            int(seen.current.numbers[row.place]), _values(rows, row.place, [r.column for r in row.reasons], named),
            "; ".join(_reason(rows, row.place, reason) for reason in row.reasons),
        )
        for row in unlike(apart, columns=seen.encoded.encoder.columns)
    )  # fmt: skip
    why = f"{outcome.why}; the columns that tell the sides apart: {told}" if told else outcome.why
    return msgspec.structs.replace(outcome, why=why, examples=examples)


def _values(rows: pl.DataFrame, place: int, reasons: Sequence[str], named: Sequence[Tell]) -> dict[str, object]:
    """Return a row's values in the columns that speak most: its own reasons first."""
    telling = [tell.column for tell in named[:NAMED]]
    return {name: rows.get_column(name)[place] for name in dict.fromkeys((*reasons, *telling))}


def _reason(rows: pl.DataFrame, place: int, reason: Reason) -> str:
    value = shown(rows.get_column(reason.column)[place])
    return f"{reason.column} about {value}: {reason.current_share:.2%} of the rows, {reason.reference_share:.2%} in the reference"
