"""How far back a feature looks: nothing older than its look-back, and the oldest edge of it too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.testing.contract import Crashed, broken, contract, held, seeded
from assay.testing.features.clocks import Clock, microseconds, said_span
from assay.testing.features.disturbing import disturbed
from assay.testing.features.feature import Feature
from assay.testing.features.ground import Ground, Nothing, on_ground
from assay.testing.features.trials import Case, Edit, Tally, Trial, changing, failed, said_cell, said_row, tried
from assay.verdict import Example, Outcome

__all__ = ["looks_back", "uses_window"]

Places = NDArray[np.int64]
_DAY = 86_400_000_000  # microseconds


@contract(
    "feature",
    title="a value stays the same when what is older than the look-back is changed or left out, with gaps in time as well",
    catches="window 8 or 100 for 7, an expanding window, rows counted where days are meant (a gap in time), a constant from all rows",
    needs=("lookback",),
    rubric=("D7",),
)
def looks_back(subject: Feature, data: object = None, /, *, cuts: int = 4, seed: int = 0) -> Outcome:
    """Judge that a feature looks at nothing older than its `lookback`.

    A duration reaches from a row's instant t back over (t - lookback, t], or [t - lookback, t] with `closed="both"`. Rows older than that
    are changed and left out: of the data as they are, then of the data with gaps made in time, as a window of seven rows is one of
    seven days only where no day is missing. A number of rows counts the rows of the same entity in the order of time, the row
    itself included; rows that share their time may stand in either order.

    INCONCLUSIVE where no row is older than the look-back of another.

    >>> import polars as pl
    >>> from datetime import date
    >>> from assay.testing.features.feature import feature
    >>> sales = pl.DataFrame(
    ...     {"day": [date(2024, 1, d) for d in range(1, 20)], "sales": [float(d) for d in range(1, 20)]}
    ... )
    >>> rows_of_three = feature(
    ...     lambda rows: rows["sales"].rolling_mean(3, min_samples=1), name="mean3", time="day", lookback="3d"
    ... )
    >>> looks_back(rows_of_three, sales).why[-24:]
    '(with gaps made in time)'
    """

    def judge(ground: Ground) -> Outcome:
        rng, tally = seeded("looks_back", seed), Tally()
        for made in _grounds(ground, rng):
            case = tried(_trials(made, cuts, rng), tally)
            if case is not None:
                return failed(case, _tail(case), note=_note(case))
        if not tally.trials:
            raise Nothing(
                f"no row is older than the look-back of another; it takes rows over more than {_said(ground)}"
            )
        return held(
            f"rows older than {_said(ground)} were changed or left out in {tally.trials} trials; {tally.judged:,} values stayed",
            n_rows=ground.height,
        )

    return on_ground(subject, data, judge)


@contract(
    "feature",
    title="a value moves when the oldest rows of its look-back change",
    catches="window 6 for 7, a constant, a look-back that is longer than what the code reads",
    needs=("lookback",),
    rubric=("D7",),
)
def uses_window(subject: Feature, data: object = None, /, *, rows: int = 8, seed: int = 0) -> Outcome:
    """Judge that a feature uses its whole `lookback`: the rows at its oldest edge, of the same entity, matter.

    Of the rows that have another at the very edge of their look-back (the oldest that it still holds), some are taken; for each, the
    row at the edge is changed twice and left out once. The contract holds where one of these moves the value. `looks_back` judges
    the other side, that nothing beyond matters; both hold only for a window of the declared length.

    `rows` is how many are tried at most. INCONCLUSIVE where no row has another in the older half of its look-back.

    >>> import assay, polars as pl
    >>> sales = pl.DataFrame({"day": range(1, 30), "sales": [float(day % 5) for day in range(1, 30)]})
    >>> def mean7(rows):
    ...     return rows["sales"].rolling_mean(7, min_samples=1)
    >>> uses_window(assay.feature(mean7, time="day", lookback=7), sales).verdict.value
    'pass'
    >>> def mean6(rows):
    ...     return rows["sales"].rolling_mean(6, min_samples=1)
    >>> print(uses_window(assay.feature(mean6, time="day", lookback=7), sales).why)
    changing or leaving out row 0 (1), at the oldest edge of the look-back of 7 rows of row 6 (7),
    leaves sales at 2.0; so do 7 more such rows: the oldest row that matters is the 6th row back, itself counted
    """

    def judge(ground: Ground) -> Outcome:
        rng = seeded("uses_window", seed)
        pairs = _edges(ground, rows)
        for row, edge in pairs:
            if _matters(ground, row, np.array([edge]), rng):
                return held(
                    f"{said_row(ground, edge)}, at the oldest edge of the {_said(ground)} of {said_row(ground, row)}, moves its value",
                    n_rows=ground.height,
                )
        return _unused(ground, pairs, rng)

    return on_ground(subject, data, judge)


def _grounds(ground: Ground, rng: np.random.Generator) -> Iterator[Ground]:
    yield ground
    if isinstance(ground.subject.lookback, timedelta) and ground.height > 3:
        made = ground.remade(ground.rows.take(_with_gaps(ground.clock, rng)), "with gaps made in time")
        if made is not None:
            yield made


def _with_gaps(clock: Clock, rng: np.random.Generator) -> Places:
    """Return the places that stay: a quarter of the rows is missing at chance, and a tenth of the time is missing whole."""
    stays = rng.random(len(clock.time)) >= 0.25
    start, end = int(clock.time.min()), int(clock.time.max())
    begin = start + int((end - start) * rng.uniform(0.3, 0.6))
    stays &= ~((clock.time >= begin) & (clock.time < begin + (end - start) / 10))
    stays[0] = True
    return np.flatnonzero(stays)


def _trials(ground: Ground, cuts: int, rng: np.random.Generator) -> Iterator[Trial]:
    sides = (
        _rows_apart(ground, cuts, rng) if isinstance(ground.subject.lookback, int) else _spans_apart(ground, cuts, rng)
    )
    legal = _beyond(ground.subject.lookback) if isinstance(ground.subject.lookback, int) else None
    for place, (touched, judged) in enumerate(sides):
        if not len(touched) or not len(judged):
            continue
        yield changing(ground, touched, judged, rng, legal=legal)
        if place % 2 == 0:
            yield Trial(ground, Edit("removed", touched), judged, legal=legal)


def _spans_apart(ground: Ground, cuts: int, rng: np.random.Generator) -> Iterator[tuple[Places, Places]]:
    """Yield rows up to an instant, and the rows whose look-back begins after it; instants that a row just misses come first."""
    clock, span = ground.clock, microseconds(ground.subject.lookback)  # type: ignore[arg-type]
    closed = ground.subject.closed == "both"
    times = np.unique(clock.time[clock.timed])
    after = np.searchsorted(times, times + span, side="right" if closed else "left")
    found = np.flatnonzero(after < len(times))
    if not len(found):
        return
    spare = times[after[found]] - (times[found] + span)
    near = found[np.lexsort((rng.random(len(found)), spare))][: cuts - cuts // 3]
    gaps = np.searchsorted(times, _before_gaps(clock))
    chosen = np.unique(
        np.r_[near, gaps[np.isin(gaps, found)], rng.choice(found, size=min(len(found), cuts // 3), replace=False)]
    )
    for place in rng.permutation(chosen):
        cut = times[place]
        enough = clock.time > cut + span if closed else clock.time >= cut + span
        yield np.flatnonzero(clock.timed & (clock.time <= cut)), np.flatnonzero(clock.timed & enough)


def _before_gaps(clock: Clock) -> Places:
    """Return the last instants before the longest gap in time: of all rows, and of the rows of one entity."""
    order = np.lexsort((clock.time, clock.entity))
    order = order[clock.timed[order]]
    time, entity = clock.time[order], clock.entity[order]
    gaps = np.where(np.diff(entity) == 0, np.diff(time), 0)
    every = np.unique(time)
    found = [time[np.argmax(gaps)]] if len(gaps) else []
    return np.array([*found, *([every[np.argmax(np.diff(every))]] if len(every) > 1 else [])], np.int64)


def _rows_apart(ground: Ground, cuts: int, rng: np.random.Generator) -> Iterator[tuple[Places, Places]]:
    """Yield the first rows of each entity, and those that have the look-back's number of rows or more after them."""
    first, last = ground.clock.ranks()
    many = int(ground.subject.lookback)  # type: ignore[arg-type]
    most = int(first.max()) - many
    if most < 0:
        return
    for cut in np.unique(np.r_[rng.integers(0, most + 1, size=cuts), most // 2]):
        yield np.flatnonzero(last <= cut), np.flatnonzero(first - many >= cut)


def _beyond(many: int) -> Callable[[Clock, Places, int], bool]:
    """Return what says of some rows alone whether the edited ones are beyond the look-back of a row, counted in rows."""

    def legal(clock: Clock, places: Places, row: int) -> bool:
        first, last = clock.ranks()
        same = places[clock.entity[places] == clock.entity[row]]
        return bool((first[row] - last[same] >= many).all())

    return legal


def _tail(case: Case) -> str:
    ground, place = case.ground, int(case.places[0])
    clock, lookback = ground.clock, ground.subject.lookback
    if not isinstance(lookback, int):
        age = said_span(int(clock.time[case.row] - clock.time[place]), spans=clock.spans)
        return f", which is {age} later; the look-back is {said_span(microseconds(lookback))}"
    kept = clock.take(case.keep)
    first, last = kept.ranks()
    here, there = np.searchsorted(case.keep, [case.row, place])
    if kept.entity[here] != kept.entity[there]:
        return f", which is of another entity; the look-back is {lookback} rows of the same"
    count = int(first[here] - last[there]) + 1
    return f", of which it is the {_nth(count)} back, itself counted; the look-back is {lookback} rows"


def _note(case: Case) -> str:
    if case.ground.clock.entity[case.row] != case.ground.clock.entity[case.places[0]]:
        return "keep to rows of the same entity: `keeps_entities_apart` judges that alone"
    if not isinstance(case.ground.subject.lookback, int):
        clock = case.ground.clock
        age = int(clock.time[case.row] - clock.time[case.places[0]])
        if age == microseconds(case.ground.subject.lookback) and (clock.time[clock.timed] % _DAY).any():
            return 'leave the edge out of the window (pandas, Polars: closed="right"), or declare closed="both" where it counts'
        return (
            "a window of N rows is one of N days only where no day is missing: use a window in time, or put the missing days in "
            "first; if rows are what is meant, declare lookback= as a number of rows"
        )
    return "make the window as long as was declared, and keep to rows of the same entity; or declare the look-back that it has"


def _nth(count: int) -> str:
    last = "th" if 10 < count % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    return f"{count}{last} row"


def _said(ground: Ground) -> str:
    lookback = ground.subject.lookback
    return (
        f"look-back of {lookback} rows"
        if isinstance(lookback, int)
        else f"look-back of {said_span(microseconds(lookback))}"
    )


def _edges(ground: Ground, many: int) -> list[tuple[int, int]]:
    """Return rows, and for each the row at the oldest edge of its look-back; the oldest edges first, of as many entities as may be.

    Raises Nothing where no row has another in the older half of its look-back.
    """
    lookback = ground.subject.lookback
    ages = _ages_in_rows(ground.clock, lookback) if isinstance(lookback, int) else _ages_in_time(ground)
    if not ages:
        half = f"{-(-lookback // 2)} rows" if isinstance(lookback, int) else said_span(microseconds(lookback) / 2)
        raise Nothing(
            f"no row has another of its entity that is at least {half} older and within the {_said(ground)}: "
            "nothing stands at its edge; it takes denser rows"
        )
    ages.sort(key=lambda age: -age[0])
    ties = [age for age in ages if age[0] == ages[0][0]]
    chosen = (ties[:: max(1, len(ties) // many)] if len(ties) >= many else ages)[:many]
    return [(row, edge) for _, row, edge in chosen]


def _ages_in_time(ground: Ground) -> list[tuple[int, int, int]]:
    clock, span = ground.clock, microseconds(ground.subject.lookback)  # type: ignore[arg-type]
    found = []
    for entity in np.unique(clock.entity):
        places = np.flatnonzero((clock.entity == entity) & clock.timed)
        places = places[np.argsort(clock.time[places], kind="stable")]
        times = clock.time[places]
        edges = np.searchsorted(times, times - span, side="left" if ground.subject.closed == "both" else "right")
        for i, edge in enumerate(edges):
            age = int(times[i] - times[edge])
            if 2 * age >= span and age > 0:
                found.append((age, int(places[i]), int(places[edge])))
    return found


def _ages_in_rows(clock: Clock, many: int) -> list[tuple[int, int, int]]:
    first, last = clock.ranks()
    alone = (first == last) & clock.timed
    at = {(int(clock.entity[p]), int(first[p])): int(p) for p in np.flatnonzero(alone)}
    pairs = ((p, at.get((int(clock.entity[p]), int(first[p]) - many + 1))) for p in at.values())
    return [(many, row, edge) for row, edge in pairs if edge is not None]


def _matters(ground: Ground, row: int, places: Places, rng: np.random.Generator) -> bool:
    """Return whether the value of a row moves when the rows at `places` are changed, twice, or left out."""
    everything, judged = np.arange(ground.height), np.array([row])
    places = np.sort(places)  # a window stands in the order of time, which the rows need not
    for gentle in (False, True):
        cells = disturbed(ground.rows, places, ground.inputs, rng, gentle=gentle)
        try:
            if (
                cells
                and ground.moved(Edit("changed", places, cells).done(ground.rows, everything, places), judged).any()
            ):
                return True
        except Crashed:
            if gentle:
                raise
    if ground.subject.time and places.tolist() == [row] and _own_time_matters(ground, row):
        return True
    others = np.setdiff1d(places, judged)
    return bool(len(others)) and bool(ground.moved(ground.rows.take(np.setdiff1d(everything, others)), judged).any())


def _own_time_matters(ground: Ground, row: int) -> bool:
    """Return whether the value of a row moves with its own time: an hour or a weekday is made of nothing else."""
    name, place = ground.subject.time, np.array([row])
    own = ground.rows.frame[name][[row]]
    if own.dtype == pl.Date or isinstance(own.dtype, pl.Datetime):
        later = [own.dt.offset_by(span) for span in ("1d", "40d", *(("9h",) if own.dtype != pl.Date else ()))]
    else:
        later = [own + step for step in (1, 9, 40)] if own.dtype.is_numeric() else []
    everything = np.arange(ground.height)
    edits = (Edit("delayed", place, {name: time}) for time in later)
    return any(ground.moved(edit.done(ground.rows, everything, place), place).any() for edit in edits)


def _unused(ground: Ground, pairs: list[tuple[int, int]], rng: np.random.Generator) -> Outcome:
    """Return the outcome where no edge mattered: how far back the first row's value does look, and the rows of its window."""
    row, edge = pairs[0]
    clock, spans = ground.clock, isinstance(ground.subject.lookback, timedelta)
    older = np.flatnonzero((clock.entity == clock.entity[row]) & clock.timed & (clock.time <= clock.time[row]))
    window = older[(clock.time[older] >= clock.time[edge])]
    window = window[np.argsort(clock.time[window], kind="stable")]
    low, high = 0, len(window)
    if _matters(ground, row, window, rng):
        while high - low > 1:  # the oldest `low` rows do not matter, the oldest `high` do
            middle = (low + high) // 2
            low, high = (low, middle) if _matters(ground, row, window[:middle], rng) else (middle, high)
        reached = int(window[high - 1])
        far = (
            said_span(int(clock.time[row] - clock.time[reached]))
            if spans
            else f"the {_nth(len(window) - high + 1)} back"
        )
        says = (
            f"the oldest row that matters is {far} old"
            if spans
            else f"the oldest row that matters is {far}, itself counted"
        )
    else:
        reached, says = -1, "no row of the look-back matters, its own among them"
    column = ground.columns[0]
    value = ground.base.of(ground.rows.numbers[[row]])[column][0]
    marks = {edge: "at the edge: does not matter", reached: "the oldest that matters"}
    shown = window[-12:] if edge in window[-12:] else np.r_[window[:6], window[-6:]]
    examples = [_shown(ground, int(place), marks, row) for place in shown]
    return broken(
        f"changing or leaving out {said_row(ground, edge)}, at the oldest edge of the {_said(ground)} of {said_row(ground, row)}, "
        f"leaves {column} at {said_cell(value)}; so do {len(pairs) - 1} more such rows: {says}",
        examples=examples, n_rows=len(pairs), n_failing=len(pairs),
        note="make the window as long as was declared, or declare the look-back that the code has" + _of_the_calendar(clock),
    )  # fmt: skip


def _of_the_calendar(clock: Clock) -> str:
    """Return what is to be said of windows that begin with a day or an hour, where the times lie between those."""
    if not clock.spans or not (clock.time[clock.timed] % _DAY).any():
        return ""
    return (
        '; a window that begins with the calendar\'s day or hour has no one edge: leave this out, but=["uses_window"]'
    )


def _shown(ground: Ground, place: int, marks: dict[int, str], row: int) -> Example:
    subject, frame = ground.subject, ground.rows.frame
    names = [name for name in (*subject.entity, subject.time, *ground.inputs[:3]) if name]
    values: dict[str, object] = {name: said_cell(frame[name][place]) for name in names}
    number = ground.rows.numbers[[place]]
    values[ground.columns[0]] = said_cell(ground.base.of(number)[ground.columns[0]][0])
    return Example(int(number[0]), values, marks.get(place, "its value is judged" if place == row else ""))
