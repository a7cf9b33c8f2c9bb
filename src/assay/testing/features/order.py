"""The order of rows: what a feature makes of it, against what was declared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from assay.errors import AssayError, require
from assay.testing.contract import Crashed, broken, contract, held, seeded
from assay.testing.features.feature import Feature
from assay.testing.features.ground import Ground, Nothing, on_ground, quiet
from assay.testing.features.trials import Case, Edit, Tally, Trial, failed, said_cell, said_row, tried
from assay.testing.rows import Rows
from assay.testing.shrinking import smallest
from assay.verdict import Example, Outcome, Verdict

__all__ = ["row_order"]

Places = NDArray[np.int64]
NOTHING = np.array([], dtype=np.int64)


@contract(
    "feature",
    title="each row gets the same value in whatever order the rows come, as far as was declared, and under any index labels",
    catches="no sort, values put back by position (.values, reset_index), labels taken for places, an order among ties that nothing fixes",
    rubric=("D7",),
)
def row_order(subject: Feature, data: object = None, /, *, shuffles: int = 2, seed: int = 0) -> Outcome:
    """Judge that a feature gives each row its value whatever order the rows come in, as far as `order` declares it.

    - `order="any"`: the rows are reversed and shuffled, those of one entity and instant staying in their order; then only these are
      swapped, which tells an order of time from one that nothing fixes.
    - `order="time"`: rows come sorted by time within their entity; those of several entities are interleaved in other ways. Rows of
      one entity and instant keep their order: declare this where the order of such rows is fixed before.
    - `order="as given"`: the order means something; only labels are tried.

    pandas rows are also given under other labels of their index: other numbers, and texts. INCONCLUSIVE where nothing can be
    put in another order.

    >>> import polars as pl
    >>> from assay.testing.features.feature import feature
    >>> sales = pl.DataFrame({"day": [1, 2, 3, 4], "sales": [1.0, 2.0, 3.0, 4.0]})
    >>> unsorted = feature(lambda rows: rows["sales"].cum_sum(), name="so_far", time="day")
    >>> row_order(unsorted, sales).verdict.value
    'fail'
    """

    def judge(ground: Ground) -> Outcome:
        rng, tally = seeded("row_order", seed), Tally()
        case = tried(_trials(ground, shuffles, rng), tally)
        if case is not None:
            return failed(case, ", though no row changed", note=_note(case))
        case = tried(_swaps(ground, shuffles, rng), tally)
        if case is not None:
            return failed(case, ", though only rows of one instant changed places", note=_TIES)
        wrong = _labels(ground, tally, rng)
        if wrong is not None:
            return wrong
        if not tally.trials and subject.order != "any":
            return Outcome(
                "", "", Verdict.SKIP, why=f"with order={subject.order!r}, these rows can come in no other order"
            )
        if not tally.trials:
            raise Nothing(
                "nothing can be put in another order; it takes two rows or more that need not come as they do"
            )
        return held(
            f"the rows came in {tally.trials} other orders or under other labels; all {ground.height:,} values stayed",
            n_rows=ground.height,
        )

    return on_ground(subject, data, judge)


_TIES = (
    "sort by a further column that tells rows of one instant apart, or use all of them alike; if their order is fixed before the "
    "feature sees them, declare order='time'"
)


def _trials(ground: Ground, shuffles: int, rng: np.random.Generator) -> Iterator[Trial]:
    height, everything = ground.height, np.arange(ground.height)
    orders = []
    if ground.subject.order == "any" and height > 1:
        orders = [_ties_kept(ground, everything[::-1])]
        orders += [_ties_kept(ground, rng.permutation(height)) for _ in range(shuffles)]
    elif ground.subject.order == "time" and ground.subject.time and len(np.unique(ground.clock.entity)) > 1:
        entity, time = ground.clock.entity, ground.clock.time
        orders = [np.lexsort((everything, time, entity)), np.lexsort((everything, -entity, time))]
    for order in orders:
        if (order != everything).any():
            yield Trial(ground, Edit("reordered", NOTHING, order=order), everything)


def _ties_kept(ground: Ground, order: Places) -> Places:
    """Return an order in which the rows of one entity and instant stand as they did: their places are dealt out anew."""
    if not ground.subject.time:
        return order
    first, _ = ground.clock.ranks()
    groups = first + (first.max() + 1) * ground.clock.entity
    made = order.copy()
    by_group, by_group_sorted = np.argsort(groups[order], kind="stable"), np.lexsort((order, groups[order]))
    made[by_group] = order[by_group_sorted]
    return made


def _swaps(ground: Ground, shuffles: int, rng: np.random.Generator) -> Iterator[Trial]:
    if ground.subject.order != "any" or not ground.subject.time or not ground.clock.tied().any():
        return
    first, _ = ground.clock.ranks()
    groups = first + (first.max() + 1) * ground.clock.entity
    everything = np.arange(ground.height)
    for _ in range(shuffles):
        order = everything.copy()
        order[np.argsort(groups, kind="stable")] = np.lexsort((rng.random(ground.height), groups))
        yield Trial(ground, Edit("reordered", NOTHING, order=order), everything)


def _note(case: Case) -> str:
    ground = case.ground
    after = ground.subject.compute(ground.rows.take(case.trial.edit.order))  # type: ignore[arg-type]
    names = [name for name in ground.columns if name in after.values.columns]
    one, other = (values.select(names).fill_nan(None).rows() for values in (ground.base.values, after.values))
    if len(one) == len(other) and sorted(map(str, one)) == sorted(map(str, other)):
        how = "keep the data's index" if ground.rows.kind == "pandas" else "put the rows back in the order they came in"
        return f"the same values came back on other rows: {how}, or return the columns of a key and declare key="
    return "sort by time (within the entity) first; if the rows always come sorted, declare order='time', else order='as given'"


def _labels(ground: Ground, tally: Tally, rng: np.random.Generator) -> Outcome | None:
    """Return what breaks under other labels of a pandas index; None where nothing does, or where the labels mean something."""
    rows = ground.rows
    if rows.kind != "pandas" or rows.native.index.dtype.kind not in "iu" or rows.native.index.name is not None:
        return None
    pandas = require("pandas", extra="pandas")
    kinds = {
        "other numbers": rng.permutation(rows.height) + 7,
        "texts": [f"r{number}" for number in rows.numbers],
        "its numbers in another order": rng.permutation(rows.height),
    }
    for said, labels in kinds.items():
        again = Rows(rows.native.set_axis(pandas.Index(labels)), rows.kind, rows.numbers)
        tally.trials += 1
        if _labelled_apart(ground, again, np.arange(rows.height)).any():
            return _mislabelled(ground, again, said)
    return None


def _labelled_apart(ground: Ground, again: Rows, keep: Places) -> NDArray[np.bool_]:
    """Return which outputs differ between the rows at `keep` as they are and under their other labels."""
    numbers = ground.rows.numbers[keep]
    with quiet():
        before = ground.subject.compute(ground.rows.take(keep)).of(numbers)
        after = ground.subject.compute(again.take(keep)).of(numbers)
    return ground.apart(before, after)


def _mislabelled(ground: Ground, again: Rows, said: str) -> Outcome:
    def breaks(some: Sequence[int]) -> bool:
        try:
            return bool(_labelled_apart(ground, again, np.array(some)).any())
        except (Crashed, AssayError):
            return False

    failing = int(_labelled_apart(ground, again, np.arange(ground.height)).any(axis=1).sum())
    keep = np.array(smallest(range(ground.height), breaks, tries=80))
    moved = _labelled_apart(ground, again, keep)
    at, column = (int(place) for place in np.argwhere(moved)[0])
    name, row, numbers = ground.columns[column], int(keep[at]), ground.rows.numbers[keep]
    before = ground.subject.compute(ground.rows.take(keep)).of(numbers)[name]
    after = ground.subject.compute(again.take(keep)).of(numbers)[name]
    shown = [name for name in (*ground.subject.entity, ground.subject.time, *ground.inputs[:3]) if name]
    examples = [
        Example(
            int(numbers[i]),
            {
                "label": str(again.native.index[place]),
                **{each: said_cell(ground.rows.frame[each][int(place)]) for each in shown},
                "before": said_cell(before[i]),
                "after": said_cell(after[i]),
            },
            "must not move" if moved[i].any() else "",
        )
        for i, place in enumerate(keep[:12])
    ]
    return broken(
        f"under other labels of the index ({said}), {name} of {said_row(ground, row)} went from {said_cell(before[at])} to "
        f"{said_cell(after[at])}",
        examples=examples, n_rows=ground.height, n_failing=failing,
        note="labels are no places: assign arrays or a series with the data's own index, and use .iloc where a place is meant",
    )  # fmt: skip
