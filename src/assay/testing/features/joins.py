"""Joins as of an instant: a row may be given what was known of its entity at its time, by two clocks, and nothing later."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.codec import parse_duration
from assay.errors import AssayError, UsageError, nearest
from assay.testing.contract import Crashed, broken, call, contract, held, seeded, undecided
from assay.testing.features.clocks import instants, microseconds, said_span
from assay.testing.features.disturbing import disturbed
from assay.testing.features.feature import named_columns
from assay.testing.features.ground import quiet, relabelled
from assay.testing.features.trials import said_cell
from assay.testing.outputs import aligned, differing, frame_of
from assay.testing.rows import Rows, rows_of
from assay.testing.shrinking import smallest
from assay.verdict import Example, Outcome

__all__ = ["Join", "join", "join_ignores_the_future", "joins_as_of"]

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Join:
    """A join of rows with a log of features. Make one with `join`.

    - `function`: takes (rows, log) and returns the rows with the log's features; None where a table that was made before is judged.
    - `log`: the features as they became known: entity, event time, the instant at which it was known, and values.
    - `entity`: the columns that say whose a row is, in both; `time`: the column of instants in the rows; `log_time` in the log (default:
      the same name); `known_at`: the column of the log that says when its row became known (default: its event time).
    - `columns`: the features that are joined; a mapping where they are called otherwise in the result ({"log's name": "result's"}).
    - `within`: how old a feature may be and still be joined (default: any age); `strict`: it has to be older than the row, not as old.
    """

    function: Callable[..., Any] | None
    log: Any
    name: str
    entity: tuple[str, ...]
    time: str
    log_time: str
    known_at: str = ""
    columns: Mapping[str, str] | None = None
    within: timedelta | None = None
    strict: bool = False
    rtol: float = 1e-9


def join(
    function: Callable[..., Any] | None, log: Any, *, entity: str | Sequence[str], time: str, log_time: str = "",
    columns: str | Sequence[str] | Mapping[str, str] = (), **declared: Any,
) -> Join:  # fmt: skip
    """Declare a join as of an instant. `Join` says what each argument is; `within` may be a text ("30d").

    Raises UsageError where an argument is not one of a join's, or a duration cannot be read.

    >>> log = [{"user": 1, "at": 1, "score": 0.5}]
    >>> join(None, log, entity="user", time="asked", log_time="at", columns="score").columns
    {'score': 'score'}
    """
    known = set(Join.__dataclass_fields__)
    stray = [name for name in declared if name not in known]
    if stray:
        raise UsageError(f"a join has no {stray[0]!r}", hint=f"it has: {', '.join(sorted(known))}")
    if isinstance(declared.get("within"), str):
        try:
            declared["within"] = parse_duration(declared["within"].lower())
        except ValueError as error:
            raise UsageError(f"within: {error}") from None
    named = dict(columns) if isinstance(columns, Mapping) else {name: name for name in named_columns(columns)}
    declared.setdefault("name", getattr(function, "__name__", "the joined table"))
    return Join(
        function,
        log,
        entity=named_columns(entity),
        time=time,
        log_time=log_time or time,
        columns=named or None,
        **declared,
    )


@dataclass(frozen=True, eq=False)
class _Log:
    """The log by its clocks: the place of the right row for each row that asks."""

    frame: pl.DataFrame
    time: NDArray[np.int64]
    known: NDArray[np.int64]
    there: NDArray[np.bool_]
    spans: bool


@contract(
    "join",
    title="each row has the newest values of its entity that were known at its time, and no newer ones",
    catches="a join by entity alone, the nearest time, event time where values arrive late, values past their age, rows that multiply",
    rubric=("D7",),
)
def joins_as_of(subject: Join, data: object = None, /) -> Outcome:
    """Judge that each row was joined with what was known of its entity at its time, by looking it up in the log once more.

    `data` are the rows that ask (with `function`), or the joined table itself (without). For a row at t, the log's rows of its entity
    with event time <= t and known_at <= t count (< t where `strict`), not older than `within`; of these the latest by event time, then the
    latest known, is right. Where several are the latest, any of them is. Where none is, null is right.

    A wrong value is looked for in the log, so that the message says what it is: from the future, known only later, an old one, another
    entity's. INCONCLUSIVE where no row has a match in the log, as null is then right whatever the join does.

    >>> log = [
    ...     {"user": 1, "at": 1, "known": 1, "score": 0.1},
    ...     {"user": 1, "at": 3, "known": 9, "score": 0.3},
    ... ]
    >>> table = [{"user": 1, "asked": 5, "score": 0.3}]
    >>> made = join(None, log, entity="user", time="asked", log_time="at", known_at="known", columns="score")
    >>> print(joins_as_of(made, table).why)
    score of row 0 (1, 5) is 0.3 and should be 0.1: it is the value of 3, which was known only at 9 (1 of 1 rows is wrong)
    """
    try:
        rows, values = _joined(subject, data)
    except _Count as count:
        return _miscounted(count)
    log = _log_of(subject)
    right = _right(subject, rows, log)
    if not any(right):
        return undecided(
            f"none of {rows.height:,} rows has a match in the log that was known at its time; give rows that have"
        )
    wrong: list[tuple[int, str]] = []
    for source, made in _columns(subject, log, values).items():
        wrong += [(place, source) for place in _wrong(log.frame[source], values[made], right, subject.rtol)]
    if not wrong:
        known = sum(bool(found) for found in right)
        return held(
            f"{rows.height:,} rows have what was known at their time ({known:,} a value, {rows.height - known:,} none)",
            n_rows=rows.height,
        )
    failing = len({place for place, _ in wrong})
    examples = [_wrongly(subject, rows, values, log, right, place, source) for place, source in wrong[:8]]
    place, source = wrong[0]
    name = _columns(subject, log, values)[source]
    expected = log.frame[source][right[place][0]] if right[place] else None
    many = f"{failing:,} of {rows.height:,} rows {'is' if failing == 1 else 'are'} wrong"
    return broken(
        f"{name} of {_said(subject, rows, place)} is {said_cell(values[name][place])} and should be {said_cell(expected)}: "
        f"{examples[0].why} ({many})",
        examples=examples, n_rows=rows.height, n_failing=failing,
        note="join on the entity and on the latest event whose event time and known_at are both at or before the row's time",
    )  # fmt: skip


@contract(
    "join",
    title="what is joined to a row stays the same when the log's later rows are changed or left out, and there is one row for each",
    catches="a join that looks ahead, late values used early, rows that multiply or vanish",
    needs=("function",),
    rubric=("D7",),
)
def join_ignores_the_future(subject: Join, data: object = None, /, *, cuts: int = 4, seed: int = 0) -> Outcome:
    """Judge that a join function gives rows the same values when the log's rows that happened, or became known, later are changed.

    For several instants T, the log's rows with event time or known_at after T are changed, then left out; what is joined to rows at or
    before T has to stay. Each row has to come out once. The log is shrunk to the fewest rows that show a failure.

    INCONCLUSIVE where nothing in the log is later than any row.

    >>> import assay, polars as pl
    >>> log = pl.DataFrame({"user": [1, 1, 1], "at": [1, 4, 8], "score": [0.1, 0.4, 0.8]})
    >>> asked = pl.DataFrame({"user": [1, 1], "asked": [5, 9]})
    >>> def latest(rows, log):
    ...     return rows.join_asof(log, left_on="asked", right_on="at", by="user", check_sortedness=False)
    >>> def newest(rows, log):
    ...     return rows.join(log.sort("at").group_by("user").last(), on="user", how="left")
    >>> told = assay.join(latest, log, entity="user", time="asked", log_time="at")
    >>> join_ignores_the_future(told, asked).verdict.value
    'pass'
    >>> told = assay.join(newest, log, entity="user", time="asked", log_time="at")
    >>> print(join_ignores_the_future(told, asked).why)
    changing 1 row of the log that was not known yet moved score of row 0 (1, 5) from 0.8 to 2.40296
    """
    rows, log = relabelled(rows_of(_given(subject, data))), relabelled(rows_of(subject.log))
    try:
        base = _asked(subject, rows, log)
    except _Count as count:
        return _miscounted(count)
    rng, clock = seeded("join_ignores_the_future", seed), _log_of(subject)
    asked, there, _ = _instants(rows.frame, subject.time, subject)
    later_than = np.maximum(clock.time, clock.known)
    tried = 0
    for cut in _cuts(asked[there], later_than[clock.there], cuts, rng):
        touched, judged = np.flatnonzero(clock.there & (later_than > cut)), np.flatnonzero(there & (asked <= cut))
        if not len(touched) or not len(judged):
            continue
        for kind in ("changing", "leaving out"):
            tried += 1
            try:
                found = _moved(subject, rows, log, base, (kind, touched, judged), rng)
            except _Count as count:
                return _miscounted(count)
            if found is not None:
                return found
    if not tried:
        return undecided(
            "nothing in the log happened, or became known, after any of the rows; give rows that are older than some of it"
        )
    return held(
        f"the log's later rows were changed or left out in {tried} trials; what is joined to earlier rows stayed",
        n_rows=rows.height,
    )


def _moved(
    subject: Join, rows: Rows, log: Rows, base: pl.DataFrame, edit: tuple[str, Places, Places], rng: np.random.Generator
) -> Outcome | None:  # fmt: skip
    """Return the outcome where an edit of the log moves a row that it must not, with the fewest rows of the log; None where none does."""
    kind, touched, judged = edit
    clocks = (*subject.entity, subject.log_time, subject.known_at)
    names = list(subject.columns or [name for name in log.columns if name not in clocks])
    cells = disturbed(log, touched, names, rng) if kind == "changing" else {}

    def edited(keep: Places, places: Places) -> Rows:
        if kind == "leaving out":
            return log.take(np.setdiff1d(keep, places))
        made = log.take(keep)
        for name, values in cells.items():
            made = made.changed(name, np.searchsorted(keep, places), values[np.searchsorted(touched, places).tolist()])
        return made

    moved = differing(
        base[judged.tolist()],
        _asked(subject, rows, edited(np.arange(log.height), touched))[judged.tolist()],
        rtol=subject.rtol,
    )
    if not moved.any():
        return None
    at, column = (int(each) for each in np.argwhere(moved)[0])
    place, name = int(judged[at]), base.columns[column]
    one = rows.take([place])

    def seen(keep: Places, places: Places) -> tuple[object, object] | None:
        try:
            before, after = _asked(subject, one, log.take(keep)), _asked(subject, one, edited(keep, places))
        except (Crashed, AssayError, _Count):
            return None
        apart = differing(before.select(name), after, rtol=subject.rtol)
        return (before[name][0], after[name][0] if name in after.columns else None) if apart.any() else None

    keep, places = np.arange(log.height), touched
    if seen(keep, places) is not None:
        places = np.array(
            smallest(touched.tolist(), lambda some: seen(keep, np.array(some)) is not None, tries=60), np.int64
        )
        others = np.setdiff1d(keep, places)
        keep = _with(places, [])
        if seen(keep, places) is None:
            keep = _with(
                places, smallest(others.tolist(), lambda some: seen(_with(places, some), places) is not None, tries=100)
            )
    before, after = seen(keep, places) or (base[name][place], None)
    examples = [_log_row(log, int(p), cells, touched, p in places, kind) for p in keep[:11]]
    return broken(
        f"{kind} {_count(len(places), 'row')} of the log that {'was' if len(places) == 1 else 'were'} not known yet moved {name} of "
        f"{_said(subject, rows, place)} from {said_cell(before)} to {said_cell(after)}",
        examples=examples, n_rows=len(judged), n_failing=int(moved.any(axis=1).sum()),
        note="keep the log's rows with event time and known_at at or before the row's time, then take the latest",
    )  # fmt: skip


def _with(places: Places, some: Sequence[int]) -> Places:
    return np.union1d(places, np.array(list(some), np.int64)).astype(np.int64)


def _log_row(
    log: Rows, place: int, cells: Mapping[str, pl.Series], touched: Places, edited: bool, kind: str
) -> Example:
    values = {name: said_cell(log.frame[name][place]) for name in log.columns[:8]}
    if edited:
        at = int(np.searchsorted(touched, place))
        for name, new in cells.items():
            values[name] = f"{said_cell(log.frame[name][place])} -> {said_cell(new[at])}"
    done = {"changing": "changed", "leaving out": "left out"}[kind]
    return Example(place, values, f"{done}: not known yet" if edited else "")


class _Count(Exception):
    """Say that rows multiplied or vanished in a join: which row, and how often it came out."""


def _asked(subject: Join, rows: Rows, log: Rows) -> pl.DataFrame:
    """Return what the join gives these rows, in their order; raise _Count where a row does not come out once."""
    assert subject.function is not None
    with quiet():
        result = call(subject.function, rows.handed(), log.handed(), what=subject.name)
    found, key = frame_of(result), [*subject.entity, subject.time]
    if not set(key) <= set(found.columns):
        if found.height != rows.height:
            raise _Count(f"{found.height:,} rows came out of {rows.height:,}")
        return aligned(result, rows).of(rows.numbers)
    wanted = rows.frame.select(key)
    found = found.cast({name: wanted.schema[name] for name in key})
    turn = pl.int_range(pl.len()).over(key).alias("__turn")
    wanted, found = wanted.with_columns(turn), found.with_columns(turn)
    for one, other, said in ((found, wanted, "more"), (wanted, found, "less")):
        stray = one.join(other, on=[*key, "__turn"], how="anti", nulls_equal=True)
        if stray.height:
            named = ", ".join(said_cell(stray[name][0]) for name in key)
            raise _Count(
                f"{found.height:,} rows came out of {wanted.height:,}: ({named}) came out {said} often than it went in"
            )
    return wanted.join(found, on=[*key, "__turn"], how="left", nulls_equal=True, maintain_order="left").drop(
        *key, "__turn"
    )


def _given(subject: Join, data: object) -> object:
    if data is None:
        raise UsageError(f"there are no rows to judge {subject.name} on", hint="give them as the second argument")
    return data


def _joined(subject: Join, data: object) -> tuple[Rows, pl.DataFrame]:
    rows = relabelled(rows_of(_given(subject, data)))
    return rows, rows.frame if subject.function is None else _asked(subject, rows, relabelled(rows_of(subject.log)))


def _instants(frame: pl.DataFrame, name: str, subject: Join) -> tuple[Places, NDArray[np.bool_], bool]:
    if name not in frame.columns:
        raise UsageError(f"{subject.name}: there is no column {name!r}", hint=nearest(name, frame.columns))
    return instants(frame[name], name)


def _log_of(subject: Join) -> _Log:
    frame = rows_of(subject.log).frame
    time, there, spans = _instants(frame, subject.log_time, subject)
    for name in subject.entity:
        if name not in frame.columns:
            raise UsageError(f"{subject.name}: the log has no column {name!r}", hint=nearest(name, frame.columns))
    if subject.within is not None and not spans:
        raise UsageError(
            f"{subject.name}: within is a duration, and {subject.log_time} is a number", hint="give instants"
        )
    known = time
    if subject.known_at:
        known, known_there, _ = _instants(frame, subject.known_at, subject)
        there = there & known_there
    return _Log(frame, time, known, there, spans)


def _right(subject: Join, rows: Rows, log: _Log) -> list[list[int]]:
    """Return for each row the places of the log any of which is right for it; none where nothing was known."""
    asked, there, spans = _instants(rows.frame, subject.time, subject)
    if spans != log.spans:
        raise UsageError(
            f"{subject.name}: {subject.time!r} and {subject.log_time!r} are not both instants", hint="give both alike"
        )
    groups: dict[tuple[object, ...], list[int]] = {}
    for place, key in enumerate(log.frame.select(subject.entity).rows()):
        if log.there[place]:
            groups.setdefault(key, []).append(place)
    by_entity = {key: np.array(places) for key, places in groups.items()}
    found: list[list[int]] = []
    for place, key in enumerate(rows.frame.select(subject.entity).rows()):
        places = by_entity.get(key)
        found.append([] if places is None or not there[place] else _latest(subject, log, places, int(asked[place])))
    return found


def _latest(subject: Join, log: _Log, places: Places, now: int) -> list[int]:
    time, known = log.time[places], log.known[places]
    fits = (time < now) & (known < now) if subject.strict else (time <= now) & (known <= now)
    if subject.within is not None:
        fits &= time >= now - microseconds(subject.within)
    if not fits.any():
        return []
    fits &= time == time[fits].max()
    fits &= known == known[fits].max()
    return [int(place) for place in places[fits]]


def _columns(subject: Join, log: _Log, values: pl.DataFrame) -> dict[str, str]:
    """Return the features that are judged: the log's name and the result's."""
    clocks = (*subject.entity, subject.log_time, subject.known_at)
    named = dict(
        subject.columns or {name: name for name in log.frame.columns if name not in clocks and name in values.columns}
    )
    if not named:
        raise UsageError(
            f"{subject.name}: the result has no column of the log", hint="declare columns={log's name: result's name}"
        )
    for source, made in named.items():
        if source not in log.frame.columns:
            raise UsageError(
                f"{subject.name}: the log has no column {source!r}", hint=nearest(source, log.frame.columns)
            )
        if made not in values.columns:
            raise UsageError(f"{subject.name}: the result has no column {made!r}", hint=nearest(made, values.columns))
    return named


def _wrong(source: pl.Series, made: pl.Series, right: list[list[int]], rtol: float) -> list[int]:
    """Return the rows whose value is none of those that are right."""
    expected = source[pl.Series([places[0] if places else None for places in right], dtype=pl.UInt32)]
    apart = differing(expected.alias("x").to_frame(), made.alias("x").to_frame(), rtol=rtol)[:, 0]
    found = []
    for place in np.flatnonzero(apart):
        others = right[int(place)][1:]
        got = made[int(place) : int(place) + 1].alias("x").to_frame()
        if not any(not differing(source[[other]].alias("x").to_frame(), got, rtol=rtol).any() for other in others):
            found.append(int(place))
    return found


def _wrongly(
    subject: Join, rows: Rows, values: pl.DataFrame, log: _Log, right: list[list[int]], place: int, source: str
) -> Example:
    name = _columns(subject, log, values)[source]
    expected = log.frame[source][right[place][0]] if right[place] else None
    shown = {each: said_cell(rows.frame[each][place]) for each in (*subject.entity, subject.time)}
    cells = {"feature": name, "expected": said_cell(expected), "got": said_cell(values[name][place])}
    return Example(int(rows.numbers[place]), shown | cells, _origin(subject, rows, values, log, right, place, source))


def _origin(
    subject: Join, rows: Rows, values: pl.DataFrame, log: _Log, right: list[list[int]], place: int, source: str
) -> str:
    """Return where a wrong value comes from, by looking for it in the log."""
    got = values[_columns(subject, log, values)[source]][place : place + 1].alias("x").to_frame()
    now = int(_instants(rows.frame, subject.time, subject)[0][place])
    if got["x"][0] is None and right[place]:
        return f"nothing was joined, though the value of {_at(log, subject.log_time, right[place][0])} was known"
    every = log.frame[source].alias("x").to_frame()
    repeated = pl.concat([got] * every.height) if every.height else got.clear()
    same = ~differing(repeated, every, rtol=subject.rtol)[:, 0] & log.there
    mine = np.array(
        [key == rows.frame.select(subject.entity).row(place) for key in log.frame.select(subject.entity).rows()],
        dtype=bool,
    )
    ours = np.flatnonzero(same & mine)
    later = ours[log.time[ours] > now]
    unknown = ours[log.known[ours] > now]
    if len(ours) and len(later) == len(ours):
        span = said_span(int(log.time[later[0]] - now), spans=log.spans)
        return f"it is the value of {_at(log, subject.log_time, later[0])}, which is {span} later"
    if len(ours) and len(np.union1d(later, unknown)) == len(ours):
        when = _at(log, subject.known_at, unknown[0])
        return f"it is the value of {_at(log, subject.log_time, unknown[0])}, which was known only at {when}"
    if len(ours):
        older = _at(log, subject.log_time, np.setdiff1d(ours, np.union1d(later, unknown))[-1])
        newer = f"and that of {_at(log, subject.log_time, right[place][0])} was known" if right[place] else ""
        return f"it is the value of {older}, {newer or _past(subject, log)}"
    theirs = np.flatnonzero(same & ~mine)
    if len(theirs):
        other = ", ".join(said_cell(each) for each in log.frame.select(subject.entity).row(int(theirs[0])))
        return f"the log has that value only of others, such as {other}"
    return "the log has no such value"


def _past(subject: Join, log: _Log) -> str:
    if subject.within is not None:
        return f"which is more than {said_span(microseconds(subject.within), spans=log.spans)} old"
    return "which is as old as the row, and it has to be older"


def _at(log: _Log, column: str, place: int) -> str:
    return said_cell(log.frame[column][int(place)])


def _said(subject: Join, rows: Rows, place: int) -> str:
    values = ", ".join(said_cell(rows.frame[name][place]) for name in (*subject.entity, subject.time))
    return f"row {rows.numbers[place]} ({values})"


def _count(many: int, what: str) -> str:
    return f"{many:,} {what}{'' if many == 1 else 's'}"


def _cuts(asked: Places, later: Places, many: int, rng: np.random.Generator) -> Iterator[int]:
    """Yield instants after which there is something in the log, and at or before which rows ask."""
    fit = np.unique(asked[asked < later.max()]) if len(later) else asked[:0]
    for place in np.unique((rng.random(many) * len(fit)).astype(np.int64)) if len(fit) else ():
        yield int(fit[place])


def _miscounted(count: _Count) -> Outcome:
    return broken(
        str(count),
        note="keep one row of the log for each row that asks, and the rows for which there is none (how='left')",
    )
