"""The search for slices where a model does worse: found on one half of the rows, judged on the other.

Every run of places of one feature, and of every pair of features, is looked at on the half to discover on: thousands of slices,
of which the worst are worse by chance alone. What the other half says of them is not: it did not choose them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.evaluation.slicing.axes import axes_of
from assay.evaluation.slicing.cuts import Cut
from assay.evaluation.slicing.lattice import Candidate, candidates, chosen
from assay.evaluation.slicing.losses import LOSSES, excess_of, likeness, loss_for, loss_of
from assay.evaluation.slicing.measuring import Ground, Measured
from assay.evaluation.slicing.sample import Gap, Run, Sample, gap, halves
from assay.evaluation.slicing.settings import SliceSettings
from assay.evaluation.slicing.slices import rows_of
from assay.evaluation.slicing.table import Row, judged, table
from assay.evaluation.trial import FAMILY, Part, Trial
from assay.stats.corrections import holm
from assay.stats.intervals import student_quantile
from assay.verdict import Estimate, Exhibit, Outcome, Verdict

__all__ = ["Found", "Searched", "confirmed", "search", "searched"]

Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]

LEAST_SHARE = 0.002  # of the rows: smaller slices are not looked for
CLASSES = ("binary", "multiclass", "multilabel")


def search(trial: Trial, settings: SliceSettings) -> Part:
    """Return the slices where a model does worse that nobody asked for, and what was looked at to find them.

    The exhibit `slices_found` has the columns of `slices`, worst first, measured on the half of the rows that did not choose
    them; `slice_search` has every slice that was judged, with what either half says of it. The outcome "slices found" is
    judged by `found_at_most`, and each slice by the bounds of its metric.

    Raises UsageError where a feature is not there, ConfigError where there is no such loss.
    """
    features = settings.features or trial.rows.features
    loss = settings.loss or loss_for(trial.metric(trial.lead), trial.rows)
    if not settings.search or not features or not loss:
        return Part()
    least = max(2 * settings.min_rows, int(np.ceil(LEAST_SHARE * trial.rows.n)))
    if trial.rows.n < 4 * least:
        return Part((_nothing_looked_at(trial.rows.n, 4 * least, settings),))
    done = searched(trial, settings, loss=loss)
    rows = [row for one in done.leading for row in _rows(trial, done, one)]
    rows, outcomes = judged(rows, settings, confidence=trial.confidence, loss=LOSSES[loss].whole)
    note = (
        f"Found on {done.n_discovered:,} rows, and measured on {done.n_held:,} others. Wrongly found is any of them with a "
        f"probability of at most {settings.alpha:g}. Share of errors is that of all {LOSSES[loss].whole}."
    )
    exhibits = [table(rows, name="slices_found", title="Slices that were found", note=note)] if rows else []
    exhibits += [_exhibit(done, settings)] if done.found else []
    return Part((_summary(done, settings), *outcomes), tuple(exhibits))


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search found and how: `found` are all slices that were judged, those confirmed first; `held` the rows that did.

    `says` is what the loss is called that was looked at, `notes` which columns could not be searched.
    """

    found: tuple[Found, ...]
    alpha: float
    loss: str
    says: str
    n_discovered: int
    held_rows: Codes
    held: Sample
    notes: tuple[str, ...]

    @property
    def n_held(self) -> int:
        """Return how many rows judged."""
        return len(self.held_rows)

    @property
    def leading(self) -> tuple[Found, ...]:
        """Return the slices that are confirmed and stand alone, worst first."""
        return tuple(one for one in self.found if one.adjusted <= self.alpha and not one.within)


def searched(trial: Trial, settings: SliceSettings, *, loss: str) -> Searched:
    """Return the slices where a loss is greater, discovered on one half of a trial's rows and judged on the other."""
    rows = trial.rows
    like = settings.like_scores
    if like is None:
        like = rows.task in CLASSES and loss in LOSSES and likeness(loss, rows) is not None
    losses = loss_of(loss, rows)
    least = max(2 * settings.min_rows, int(np.ceil(LEAST_SHARE * rows.n)))
    axes, notes = axes_of(rows.frame, settings.features or rows.features, rows_at_least=least, rng=trial.rng)
    clusters = _clusters(trial)
    parts = halves(rows.n, clusters=clusters, rng=trial.rng)
    samples = []
    for part in parts:
        whole = Sample(losses, axes, rows.weights, clusters).at(part)
        bare = replace(rows, frame=pl.DataFrame()).at(part)
        samples.append(replace(whole, losses=excess_of(loss, bare)) if like else whole)
    first, second = samples
    worst = candidates(first, rows_at_least=least // 2, depth=settings.depth)
    found = confirmed(first, second, chosen(first, worst, rows_at_least=least // 2), alpha=settings.alpha)
    alike = "predictions" if rows.task == "regression" else "scores"
    says = f"{LOSSES[loss].says} beyond like {alike}" if like else LOSSES[loss].says
    return Searched(
        tuple(found), settings.alpha, loss, says, first.n, parts[1], second, notes,
    )  # fmt: skip


def _clusters(trial: Trial) -> Codes | None:
    """Return what is drawn together: entities, blocks of time, or queries; None where each row stands for itself."""
    if trial.units.kind in ("entities", "blocks"):
        return trial.rows.entity if trial.units.kind == "entities" else trial.rows.block
    return trial.rows.query if trial.rows.task == "ranking" else None


def _rows(trial: Trial, done: Searched, one: Found) -> list[Row]:
    """Return a slice's rows of the table, on the held half: of the loss it was found by, and of the metric that leads."""
    mask = done.held.mask(one.runs)
    cut = Cut(one.columns, np.where(mask, 0, -1), (one.name,))
    held = replace(trial.rows, frame=pl.DataFrame()).at(done.held_rows)
    losses = loss_of(done.loss, held)
    ground = Ground(held, trial.units.of(done.held_rows), trial.confidence)
    lead = rows_of(trial, ground, cut, trial.lead, losses, how="found")[0]
    plain = gap(replace(done.held, losses=losses), mask)
    rows = [
        replace(
            lead, metric=done.says, measured=_measured(one.held, trial.confidence, one.p_value), adjusted=one.adjusted
        )
    ]
    if done.says != LOSSES[done.loss].says:
        rows.append(replace(lead, metric=LOSSES[done.loss].says, measured=_measured(plain, trial.confidence, None)))
    return rows if trial.lead in {row.metric for row in rows} else [*rows, lead]


def _measured(found: Gap, confidence: float, p_value: float | None) -> Measured:
    half = student_quantile((1 + confidence) / 2, max(found.n - 1, 1)) * found.own_error
    ends = (found.value - half, found.value + half), found.interval(confidence)
    value, deficit = (
        Estimate(
            size, n=found.n, low=low if np.isfinite(low) else None, high=high if np.isfinite(high) else None,
            confidence=confidence, method=method,
        )
        for size, (low, high), method in zip((found.value, found.deficit), ends, ("student", "welch"), strict=True)
    )  # fmt: skip
    return Measured(value, found.rest, deficit, p_value)


@dataclass(frozen=True, slots=True)
class Found:
    """A slice that was found on one half (`discovered`) and judged on the other (`held`).

    `p_value` is that of the slice against the rest, or for a pair against either of its runs, whichever is greatest; `adjusted`
    is corrected over all that were judged. `within` names the slice before it that explains it, empty where it stands alone.
    """

    name: str
    columns: tuple[str, ...]
    runs: tuple[Run, ...]
    discovered: Gap
    held: Gap
    p_value: float
    adjusted: float
    within: str = ""


def confirmed(discovery: Sample, held: Sample, asked: Sequence[Candidate], *, alpha: float) -> list[Found]:
    """Return what the held half says of candidates, those that it confirms at `alpha` first, worst first.

    A slice whose rows, without those of a slice before it, are not worse than the rest (p above `alpha`) is `within` that one.
    """
    gaps = [(gap(discovery, discovery.mask(one.runs)), gap(held, held.mask(one.runs))) for one in asked]
    p_values = np.array([_hardest(held, one.runs, found.p_value) for one, (_, found) in zip(asked, gaps, strict=True)])
    adjusted = holm(p_values)
    order = sorted(range(len(asked)), key=lambda i: (adjusted[i] > alpha, -gaps[i][1].worse))
    leading: list[tuple[str, Mask]] = []
    found = []
    for i in order:
        runs = asked[i].runs
        name = " AND ".join(held.axes[axis].name(run) for axis, run in runs)
        columns = tuple(dict.fromkeys(held.axes[axis].column for axis, _ in runs))
        mask = held.mask(runs)
        is_confirmed = adjusted[i] <= alpha
        within = _within(held, mask, leading, alpha) if is_confirmed else ""
        if is_confirmed and not within:
            leading.append((name, mask))
        found.append(Found(name, columns, runs, *gaps[i], float(p_values[i]), float(adjusted[i]), within))
    return found


def _hardest(held: Sample, runs: tuple[Run, ...], p_value: float) -> float:
    """Return the greatest p-value of a slice against the rest and against each of the runs that it is in."""
    if len(runs) == 1:
        return p_value
    mask = held.mask(runs)
    return max(p_value, *(gap(held, mask, held.mask((run,))).p_value for run in runs))


def _within(held: Sample, mask: Mask, leading: list[tuple[str, Mask]], alpha: float) -> str:
    for name, before in leading:
        if (mask & before).any() and gap(held, mask & ~before, ~before).p_value > alpha:
            return name
    return ""


# What it says --------------------------------------------------------------------------------------------------------


def _nothing_looked_at(n: int, needed: int, settings: SliceSettings) -> Outcome:
    verdict = Verdict.SKIP if settings.found_at_most is None else Verdict.INCONCLUSIVE
    why = f"nothing was searched: there are {n} rows, and at least {needed} are needed"
    return Outcome(
        "slice", "slices found", verdict, observed=Estimate(None, n=n, why=why), expected=_bound(settings), why=why, n_rows=n,
        family=FAMILY, id="slice.slices found",
    )  # fmt: skip


def _bound(settings: SliceSettings) -> str:
    return "" if settings.found_at_most is None else f"at most {settings.found_at_most}"


def _summary(done: Searched, settings: SliceSettings) -> Outcome:
    count = len(done.leading)
    verdict = Verdict.SKIP
    if settings.found_at_most is not None:
        verdict = Verdict.PASS if count <= settings.found_at_most else Verdict.FAIL
    n = done.n_discovered + done.n_held
    among = f"{len(done.found)} slice{'' if len(done.found) == 1 else 's'}"
    said = "none is" if not count else "1 is" if count == 1 else f"{count} are"
    why = (
        f"of {among} that {done.n_discovered:,} rows pointed to, {said} worse than the rest by {done.says} on "
        f"{done.n_held:,} others"
    )
    if count:
        why += f"; the worst is {done.leading[0].name}"
    if within := sum(bool(one.within) for one in done.found):
        why += f"; {within} more are worse only where they overlap {'it' if count == 1 else 'these'}"
    return Outcome(
        "slice", "slices found", verdict, observed=Estimate(count, n=n, confidence=1.0), expected=_bound(settings),
        why="; ".join((why, *done.notes)), n_rows=n, family=FAMILY, id="slice.slices found",
    )  # fmt: skip


def _exhibit(done: Searched, settings: SliceSettings) -> Exhibit:
    found = done.found
    ends = [one.held.interval(0.95) for one in found]
    columns: dict[str, tuple[float | int | str | None, ...]] = {
        "slice": tuple(one.name for one in found),
        "discovered": tuple(one.discovered.deficit for one in found),
        "n_discovered": tuple(one.discovered.n for one in found),
        "held": tuple(one.held.deficit for one in found),
        "held_low": tuple(low for low, _ in ends),
        "held_high": tuple(high for _, high in ends),
        "n_held": tuple(one.held.n for one in found),
        "p_value": tuple(one.p_value for one in found),
        "adjusted": tuple(one.adjusted for one in found),
        "within": tuple(one.within for one in found),
    }
    note = (
        f"How much worse each slice is than the rest by {done.says}: on the half that chose it, where chance flatters it, and on "
        f"the half that judged it. Found is what has an adjusted p-value (Holm) of at most {settings.alpha:g}; what is within "
        "another is no worse where it does not overlap it."
    )
    return Exhibit("slice_search", "Slices that were judged", columns, note=note)
