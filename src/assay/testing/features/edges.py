"""Rows at the edge of what can come: none, one, all null, extremes, one instant, categories that were never seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from assay.errors import AssayError, UsageError, nearest
from assay.testing.contract import Crashed, broken, contract, held
from assay.testing.features.disturbing import integer_bounds
from assay.testing.features.feature import Feature
from assay.testing.features.ground import Ground, Nothing, on_ground, quiet
from assay.testing.features.trials import said_cell
from assay.testing.rows import Rows
from assay.testing.shrinking import smallest
from assay.verdict import Example, Outcome

__all__ = ["EDGES", "Edge", "edge_cases"]

FEW = 12


@dataclass(frozen=True)
class Edge:
    """An edge case: how a few rows of the data are made one (None where they can't be), and whether its values must be finite.

    Where they must, a column is let off that is infinite for the data's own rows, but in the case of these rows (`own`).
    """

    make: Callable[[Ground], Rows | None]
    finite: bool = True
    own: bool = False


def _numbers(ground: Ground) -> list[str]:
    return [name for name in ground.inputs if ground.rows.frame.schema[name].is_numeric()]


def _texts(ground: Ground) -> list[str]:
    kinds = (pl.String, pl.Categorical)
    return [name for name in ground.inputs if isinstance(ground.rows.frame.schema[name], kinds)]


def _filled(ground: Ground, values: dict[str, object], places: Sequence[int] | None = None) -> Rows | None:
    """Return a few rows of which some columns hold one value each; None where there is no such column."""
    rows = _few(ground)
    places = range(rows.height) if places is None else [place for place in places if place < rows.height]
    for name, value in values.items():
        dtype = rows.frame.schema[name]
        keeps = (
            value is None
            or not dtype.is_numeric()
            or dtype.is_decimal()
            or isinstance(value, float) == dtype.is_float()
        )
        new = pl.Series([value] * len(places), dtype=dtype if keeps else None, strict=False)
        rows = rows.changed(name, list(places), new)
    return rows if values else None


def _as_they_are(ground: Ground) -> Rows | None:
    """Return the rows that were given, where no number that goes in is infinite."""
    floats = [ground.rows.frame[name] for name in ground.inputs if ground.rows.frame.schema[name].is_float()]
    return None if any(_infinite(values) for values in floats) else ground.rows


def _few(ground: Ground) -> Rows:
    return ground.rows.take(np.arange(min(FEW, ground.height)))


def _end(ground: Ground, which: str) -> dict[str, object]:
    frame = ground.rows.frame
    ends = {name: getattr(frame[name].drop_nulls(), which)() for name in _numbers(ground)}
    return {name: value for name, value in ends.items() if value is not None}


def _zero(ground: Ground) -> dict[str, object]:
    """Return zero for the columns in whose range it lies: elsewhere it may be no value that can come."""
    low, high = _end(ground, "min"), _end(ground, "max")
    floats = ground.rows.frame.schema
    return {name: 0.0 if floats[name].is_float() else 0 for name in low if low[name] <= 0 <= high[name]}  # type: ignore[operator]


def _huge(ground: Ground) -> dict[str, object]:
    schema = ground.rows.frame.schema
    plain = [name for name in _numbers(ground) if not schema[name].is_decimal()]
    return {
        name: (1e300 if schema[name] == pl.Float64 else 1e38)
        if schema[name].is_float()
        else integer_bounds(schema[name])[1]
        for name in plain
    }


def _one_entity(ground: Ground) -> Rows | None:
    if len(np.unique(ground.clock.entity)) < 2:
        return None
    return ground.rows.take(np.flatnonzero(ground.clock.entity == ground.clock.entity[0])[:FEW])


def _one_instant(ground: Ground) -> Rows | None:
    time = ground.subject.time
    if time in ground.subject.key:  # it tells the rows apart
        return None
    return (
        _filled(ground, {time: ground.rows.frame[time].drop_nulls()[0]}) if time and ground.clock.timed.any() else None
    )


def _floats(ground: Ground, value: float) -> dict[str, object]:
    return {name: value for name in _numbers(ground) if ground.rows.frame.schema[name].is_float()}


EDGES: dict[str, Edge] = {
    "as they are": Edge(_as_they_are, own=True),
    "no row": Edge(lambda ground: ground.rows.take([])),
    "one row": Edge(lambda ground: ground.rows.take([0])),
    "two rows": Edge(lambda ground: ground.rows.take([0, 1]) if ground.height > 1 else None),
    "all null": Edge(lambda ground: _filled(ground, dict.fromkeys([*_numbers(ground), *_texts(ground)]))),
    "all lowest": Edge(lambda ground: _filled(ground, _end(ground, "min"))),
    "all highest": Edge(lambda ground: _filled(ground, _end(ground, "max"))),
    "all zero": Edge(lambda ground: _filled(ground, _zero(ground))),
    "huge": Edge(lambda ground: _filled(ground, _huge(ground), [1, 4]), finite=False),
    "infinite": Edge(lambda ground: _filled(ground, _floats(ground, np.inf), [1, 4]), finite=False),
    "minus infinite": Edge(lambda ground: _filled(ground, _floats(ground, -np.inf), [2]), finite=False),
    "one instant": Edge(_one_instant),
    "one entity": Edge(_one_entity),
    "unseen category": Edge(lambda ground: _filled(ground, dict.fromkeys(_texts(ground), "never seen before"), [0, 3])),
    "empty text": Edge(lambda ground: _filled(ground, dict.fromkeys(_texts(ground), ""), [0, 3])),
}


@contract(
    "feature",
    title="it answers for no row, one row, nulls, extremes, one instant and unseen categories: a value for each row, none infinite",
    catches="a crash on an empty batch or an unseen category, a division by zero, rows that vanish or multiply, columns that come and go",
    rubric=("D7",),
)
def edge_cases(
    subject: Feature, data: object = None, /, *, only: Sequence[str] = (), but: Sequence[str] = ()
) -> Outcome:
    """Judge that a feature answers for each case of `EDGES`, made of at most twelve rows of the data, and for the data as they are.

    Each has to return without an error, with the columns that it has for the data, with a value (or a null) for each row where the
    data's own rows have one, and, where no input was huge or infinite, without an infinite value; one that the data as they are
    give is said once. Zero is only tried where it lies between the column's least and greatest value.

    `only` and `but` name cases to try and to leave out: a function that refuses no row by design says `but=["no row"]`.

    >>> import polars as pl
    >>> from assay.testing.features.feature import feature
    >>> share = feature(lambda rows: rows["sales"] / rows["visits"], name="share")
    >>> edge_cases(share, pl.DataFrame({"sales": [1.0, 2.0], "visits": [1, 4]})).verdict.value
    'pass'
    >>> print(edge_cases(share, pl.DataFrame({"sales": [1.0, 2.0], "visits": [-1, 4]})).why)
    1 of 11 edge cases break it: all zero: made sales infinite
    """
    for name in (*only, *but):
        if name not in EDGES:
            raise UsageError(f"there is no edge case {name!r}", hint=nearest(name, EDGES, most=len(EDGES)))

    def judge(ground: Ground) -> Outcome:
        wrong, many = {}, 0
        for name, edge in EDGES.items():
            rows = edge.make(ground) if (not only or name in only) and name not in but else None
            if rows is None or (rows.kind == "records" and not rows.height and name != "no row"):
                continue
            many += 1
            said = _wrong(ground, rows, edge)
            if said:
                wrong[name] = (rows, said)
        if not many:
            raise Nothing("no edge case can be made of these rows; leave fewer of them out")
        if wrong:
            return _broken(ground, wrong, many)
        return held(f"{many} edge cases were answered with a value or a null for each row", n_rows=ground.height)

    return on_ground(subject, data, judge)


def _wrong(ground: Ground, rows: Rows, edge: Edge) -> str:
    """Return what is wrong with the answer for these rows; empty where nothing is."""
    try:
        with quiet():
            found = ground.subject.compute(rows)
    except Crashed as crash:
        return str(crash).removeprefix(f"{ground.subject.name} ")
    except AssayError as error:
        return error.message
    whole = len(ground.base.rows) == ground.height
    if whole and ground.base.whole and len(found.rows) != rows.height:
        return f"answered {len(found.rows)} rows for {rows.height}"
    missing = [name for name in ground.columns if name not in found.values.columns]
    if missing and not (rows.kind == "records" and not rows.height):
        return f"returned no column {missing[0]!r}"
    for name in ground.columns if edge.finite else ():
        values = found.values[name] if name in found.values.columns else None
        if (
            values is not None
            and values.dtype.is_float()
            and _infinite(values)
            and (edge.own or not _infinite(ground.base.values[name]))
        ):
            return f"made {name} infinite"
    return ""


def _infinite(values: pl.Series) -> bool:
    return values.dtype.is_float() and bool(values.is_infinite().any())


def _broken(ground: Ground, wrong: dict[str, tuple[Rows, str]], many: int) -> Outcome:
    """Return the outcome for the cases that broke it, and the smallest rows of the first that has any."""
    said = "; ".join(f"{name}: {what}" for name, (_, what) in list(wrong.items())[:4])
    more = f"; and {len(wrong) - 4} more" if len(wrong) > 4 else ""
    examples = []
    shown = next(((name, rows) for name, (rows, _) in wrong.items() if rows.height), None)
    if shown is not None:
        name, rows = shown
        edge = EDGES[name]
        keep = smallest(range(rows.height), lambda some: bool(_wrong(ground, rows.take(list(some)), edge)), tries=60)
        for place in keep:
            values = {column: said_cell(rows.frame[column][place]) for column in rows.columns[:8]}
            examples.append(Example(int(rows.numbers[place]), values, name))
    return broken(
        f"{len(wrong)} of {many} edge cases break it: {said}{more}",
        examples=examples, n_rows=many, n_failing=len(wrong),
        note="let it answer null where there is nothing to say; a case that can never come is left out with but=[…]",
    )  # fmt: skip
