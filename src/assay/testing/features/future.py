"""No feature may look ahead: rows that happened, or became known, after an instant leave every value before it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.testing.contract import contract, held, seeded
from assay.testing.features.clocks import microseconds, said_span
from assay.testing.features.disturbing import holed
from assay.testing.features.feature import Feature
from assay.testing.features.ground import Ground, Nothing, on_ground
from assay.testing.features.trials import Case, Edit, Tally, Trial, changing, failed, tried
from assay.testing.rows import Rows
from assay.verdict import Outcome

__all__ = ["no_future"]

Places = NDArray[np.int64]


@contract(
    "feature",
    title="a value stays the same when what comes later is changed, left out or delayed",
    catches="shift(-1), a centred window, no sort or a descending one, a mean over all rows, a leak after row 7, late rows used early",
    needs=("time",),
    rubric=("D7",),
)
def no_future(subject: Feature, data: object = None, /, *, cuts: int = 4, seed: int = 0) -> Outcome:
    """Judge that a feature's values do not depend on what happened, or became known, after them.

    For several instants T, the rows after T are changed, left out or delayed, and every value at or before T has to stay: of all
    entities, so that another entity's future is seen as well. It is tried on the rows as they are, with a tenth of the cells
    made null (what fills them may come from later), and, where `known_at` is declared, with rows that arrive late: a row that
    was not known at T may not be looked at, however early it happened. With `lag`, rows newer than T - lag may not either. A
    row's own cells may always be looked at, unless a lag is declared.

    `cuts` is the number of instants for each kind of change. INCONCLUSIVE where all rows have one time.

    >>> import polars as pl
    >>> from datetime import date
    >>> sales = pl.DataFrame({"day": [date(2024, 1, d) for d in range(1, 10)], "sales": [3.0, 1, 4, 1, 5, 9, 2, 6, 5]})
    >>> from assay.testing.features.feature import feature
    >>> yesterday = feature(lambda rows: rows["sales"].shift(1), name="yesterday", time="day")
    >>> no_future(yesterday, sales).verdict.value
    'pass'
    >>> tomorrow = feature(lambda rows: rows["sales"].shift(-1), name="tomorrow", time="day")
    >>> print(no_future(tomorrow, sales).why)
    changing sales of row ... moved sales of row ... from ... to ..., which is 1 day earlier
    """

    def judge(ground: Ground) -> Outcome:
        rng, tally = seeded("no_future", seed), Tally()
        for made in _grounds(ground, rng):
            case = tried(_trials(made, cuts if made is ground else max(2, cuts // 2), rng), tally)
            if case is not None:
                return failed(case, _tail(case), note=_NOTE)
        if not tally.trials:
            raise Nothing("all rows have the same time, so that none is later; it takes rows of two instants or more")
        return held(
            f"what came later was changed, left out or delayed in {tally.trials} trials; {tally.judged:,} earlier values stayed",
            n_rows=ground.height,
        )

    return on_ground(subject, data, judge)


_NOTE = (
    "a value may look at its own row and earlier ones: sort by time before a window, shift by a positive number, no center=True, "
    "and fill nulls with what was known before; if the value is meant to be known later, declare it a label, not a feature"
)


def _grounds(ground: Ground, rng: np.random.Generator) -> Iterator[Ground]:
    """Yield the rows as they are, with nulls, and with late rows."""
    yield ground
    with_nulls = holed(ground.rows, ground.inputs, rng)
    if with_nulls is not ground.rows:
        made = ground.remade(with_nulls, "with a tenth of the cells made null")
        if made is not None:
            yield made
    if ground.subject.known_at:
        late = ground.remade(_with_late_rows(ground, rng), "with some rows made known later")
        if late is not None:
            yield late


def _trials(ground: Ground, cuts: int, rng: np.random.Generator) -> Iterator[Trial]:
    instants = rng.permutation(_cuts(ground, cuts, rng))
    for place, cut in enumerate(instants):
        yield changing(ground, *_sides(ground, cut, rng), rng)
        if place % 2 == 0:
            touched, judged = _sides(
                ground, cut, rng, lag=0
            )  # without newer rows, other rows are the last that may be seen
            yield Trial(ground, Edit("removed", touched), judged)
    if ground.subject.lag is None and len(instants):
        yield from _delays(ground, int(instants[len(instants) // 2]), rng)


def _sides(ground: Ground, cut: int, rng: np.random.Generator, *, lag: int | None = None) -> tuple[Places, Places]:
    """Return the rows that nobody could know at the cut, and the rows whose values were there by then.

    Of the rows that happened by the cut and became known after it, half are judged and half changed: a row may know itself.
    """
    clock = ground.clock
    there = clock.timed & (clock.time <= cut)
    late = there & (clock.known > cut) if ground.subject.known_at else np.zeros(ground.height, dtype=bool)
    spared = late & (rng.random(ground.height) < 0.5)
    lag = microseconds(ground.subject.lag) if lag is None else lag
    hidden = clock.timed & ((clock.time > cut - lag) | late) & ~spared
    return np.flatnonzero(hidden), np.flatnonzero(there & (spared | ~late))


def _cuts(ground: Ground, many: int, rng: np.random.Generator) -> Places:
    """Return instants between the first and the last, spread over the rows, each at a place of chance.

    Some are the instants of rows that have a null (what fills it from the next row shows nowhere else), and some lie between the time of
    a late row and the instant at which it became known.
    """
    clock, frame = ground.clock, ground.rows.frame
    distinct = np.unique(clock.time[clock.timed])
    if len(distinct) < 2:
        return distinct[:0]
    spread = (np.arange(many) + rng.random(many)) / many * (len(distinct) - 1)
    chosen = distinct[spread.astype(np.int64)]
    nulls = frame.select(
        pl.any_horizontal([pl.col(name).is_null() for name in ground.inputs] or [pl.lit(value=False)])
    ).to_series()
    with_null = np.unique(clock.time[clock.timed & nulls.to_numpy() & (clock.time < distinct[-1])])
    for telling, most in ((with_null, 2), (_while_unknown(ground, distinct), many)):
        if len(telling):
            chosen = np.r_[chosen, rng.choice(telling, size=min(most, len(telling)), replace=False)]
    return np.unique(chosen)


def _while_unknown(ground: Ground, distinct: Places) -> Places:
    """Return the instants of rows while an earlier row of their entity was not known yet."""
    if not ground.subject.known_at:
        return distinct[:0]
    clock = ground.clock
    order = np.lexsort((clock.time, clock.entity))
    order = order[clock.timed[order]]
    late, after = order[:-1], order[1:]
    unknown = (
        (clock.entity[late] == clock.entity[after])
        & (clock.known[late] > clock.time[after])
        & (clock.time[late] < clock.time[after])
    )
    return np.unique(clock.time[after[unknown]])


def _delays(ground: Ground, cut: int, rng: np.random.Generator) -> Iterator[Trial]:
    touched, judged = _sides(ground, cut, rng)
    if ground.subject.known_at:
        touched = touched[ground.clock.time[touched] > cut]
    column = ground.rows.frame[ground.subject.time]
    later = _shifted(column, touched, int(rng.integers(1, 30)))
    if later is not None and len(touched):
        cells = {ground.subject.time: later}
        if ground.subject.known_at:
            known = _shifted(ground.rows.frame[ground.subject.known_at], touched, 60)
            cells |= {} if known is None else {ground.subject.known_at: known}
        yield Trial(ground, Edit("delayed", touched, cells), judged)


def _shifted(series: pl.Series, places: Places, days: int) -> pl.Series | None:
    """Return times some days (or numbers) later; None where they are text."""
    some: pl.Series = series[places.tolist()]
    if series.dtype == pl.Date or isinstance(series.dtype, pl.Datetime):
        return some.dt.offset_by(f"{days}d") if len(some) else some
    return some + days if series.dtype.is_numeric() else None


def _with_late_rows(ground: Ground, rng: np.random.Generator) -> Rows:
    """Return the rows, of which three in ten became known up to five typical gaps later than they did."""
    subject, clock = ground.subject, ground.clock
    places = np.flatnonzero(clock.timed & (rng.random(ground.height) < 0.3))
    gaps = np.diff(np.unique(clock.time[clock.timed]))
    gap = int(np.median(gaps)) if len(gaps) else 1
    some = ground.rows.frame[subject.known_at][places.tolist()]
    steps = np.maximum(1, rng.integers(1, 6, len(places)))
    if some.dtype == pl.Date:
        new = some.cast(pl.Datetime("us"))
        new = (new + pl.Series(steps * max(gap, 86_400_000_000)).cast(pl.Duration("us"))).cast(pl.Date)
    elif isinstance(some.dtype, pl.Datetime):
        new = some + pl.Series(steps * gap).cast(pl.Duration("us"))
    elif some.dtype.is_numeric():
        new = some + pl.Series(steps * gap)
    else:
        return ground.rows
    return ground.rows.changed(subject.known_at, places, new)


def _tail(case: Case) -> str:
    clock, place = case.ground.clock, int(case.places[0])
    ahead = int(clock.time[place] - clock.time[case.row])
    if ahead > 0:
        return f", which is {said_span(ahead, spans=clock.spans)} earlier" if clock.spans else ", which is earlier"
    if case.ground.subject.known_at and clock.known[place] > clock.time[case.row]:
        late = said_span(int(clock.known[place] - clock.time[case.row]), spans=clock.spans)
        return f"; the former became known {late} after the latter"
    return f", though the lag is {said_span(microseconds(case.ground.subject.lag))}"
