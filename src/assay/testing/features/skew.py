"""Train-serve skew, row by row: the same rows through the path of training and the path of serving give the same values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import DataError, UsageError, nearest
from assay.testing.contract import broken, call, contract, held, undecided
from assay.testing.features.feature import named_columns
from assay.testing.features.trials import said_cell
from assay.testing.outputs import aligned, differing, frame_of
from assay.testing.rows import Rows, rows_of
from assay.verdict import Estimate, Example, Outcome

__all__ = ["CAUSES", "Paths", "paths", "same_columns", "skew"]

MOST_ROWS = 2_000
MOST_CALLS = 300
NUMBER = "__number"


@dataclass(frozen=True)
class Paths:
    """The two ways by which a row's features are computed. Make one with `paths`.

    - `training`, `serving`: a function of rows, or what it computed before (a log of requests, a table of features).
    - `takes`: what serving is given at a time: all "rows", "one" row as a frame, or a "record", a dict.
    - `key`: the columns that say which row is which, where one of the two is a table.
    - `rtol`, `atol`: how far two equal numbers may be apart; `atol` for all columns, or by column.
    """

    training: Any
    serving: Any
    name: str
    takes: Literal["rows", "one", "record"] = "rows"
    key: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rtol: float = 1e-6
    atol: float | Mapping[str, float] = field(default=1e-9)


def paths(
    training: Any, serving: Any, *, name: str = "", key: str | Sequence[str] = (), columns: str | Sequence[str] = (), **declared: Any
) -> Paths:  # fmt: skip
    """Declare the path of training and the path of serving: two functions of rows, or tables of what each computed.

    Raises UsageError where an argument is not one of theirs.

    >>> both = paths(lambda rows: rows["age"], lambda row: {"age": row["age"]}, takes="record", name="age")
    >>> both.takes, both.rtol
    ('record', 1e-06)
    """
    known = set(Paths.__dataclass_fields__)
    stray = [name for name in declared if name not in known]
    if stray:
        raise UsageError(f"paths have no {stray[0]!r}", hint=f"they have: {', '.join(sorted(known))}")
    if declared.get("takes", "rows") not in ("rows", "one", "record"):
        raise UsageError(
            f"takes is {declared['takes']!r}",
            hint="serving takes 'rows', 'one' (a frame of one row) or 'record' (a dict)",
        )
    named = name or getattr(serving, "__name__", "") or "serving"
    return Paths(training, serving, named, key=named_columns(key), columns=named_columns(columns), **declared)


@contract(
    "paths",
    title="each row gets the values in serving that it gets in training",
    catches="another default for a missing value, a rounding, a unit, an old scaler, swapped columns, a statistic of the batch",
    rubric=("O3", "D7"),
)
def skew(subject: Paths, data: object = None, /, *, share: float = 0.0) -> Outcome:
    """Judge that the same rows have the same values by the path of training and by that of serving, row by row.

    `data` are the rows that both are given; where both are tables, none are needed. Of many rows 2,000 are taken, evenly spread (300 where
    serving takes one at a time). The columns that both have are compared, and the worst column and its rows are shown, with what the
    difference looks like: null against a default, rounded, a factor, shifted, swapped, 32 bits. `share` is the share of rows, in
    [0, 1], that may differ. Names, order and dtypes of the columns are judged by `same_columns`.

    INCONCLUSIVE where no row, or no column, is on both sides. The outcome's `observed` is the share of rows that differ, exact.

    >>> rows = [{"income": 10.0}, {"income": None}]
    >>> training = lambda rows: [row["income"] if row["income"] is not None else -1.0 for row in rows]
    >>> serving = lambda row: row["income"] or 0.0
    >>> print(skew(paths(training, serving, takes="record"), rows).why)
    result differs in 1 of 2 rows: row 1 is -1.0 in training and 0.0 in serving
    """
    if not 0 <= share <= 1:
        raise UsageError(f"share is {share:g}", hint="the share of rows that may differ is in [0, 1]")
    rows, one, other = _computed(subject, data)
    names = [name for name in one.columns if name in other.columns]
    if not one.height or not names:
        what = (
            "no row is on both sides"
            if not one.height
            else f"no column is: {', '.join(one.columns)} and {', '.join(other.columns)}"
        )
        return undecided(f"there is nothing to compare: {what}")
    moved = np.hstack([_differing(subject, one, other, name) for name in names])
    wrong = moved.any(axis=1)
    observed = Estimate(float(wrong.mean()), one.height, confidence=1.0, unit="share of rows")
    if wrong.mean() <= share:
        allowed = f", {share:g} allowed" if share else ""
        stray = [name for name in (*one.columns, *other.columns) if name not in names]
        aside = f"; {', '.join(stray)} on one side only" if stray else ""
        return held(
            f"{len(names)} columns of {one.height:,} rows are the same in training and serving ({int(wrong.sum())} rows "
            f"differ{allowed}){aside}",
            n_rows=one.height, observed=observed,
        )  # fmt: skip
    worst = int(np.argmax(moved.sum(axis=0)))
    name = names[worst]
    places = np.flatnonzero(moved[:, worst])
    order = places[np.argsort(-_apart(one[name], other[name])[places], kind="stable")]
    first = int(order[0])
    more = sum(bool(column.any()) for column in moved.T) - 1
    looks = _looks_like(one, other, name, moved[:, worst])
    return broken(
        f"{name} differs in {len(places):,} of {one.height:,} rows: {_called(rows, first, subject)} is {said_cell(one[name][first])} in "
        f"training and {said_cell(other[name][first])} in serving{looks}"
        + (f"; {more} more column{'s differ' if more > 1 else ' differs'}" if more else ""),
        examples=[_example(rows, one, other, int(place), moved[place], names) for place in order[:8]],
        n_rows=one.height, n_failing=int(wrong.sum()), observed=observed,
        note="compute features in one place that both paths call; what training learnt (means, defaults, categories) is saved for serving",
    )  # fmt: skip


@contract(
    "paths",
    title="serving has the columns of training, in their order, of their kinds",
    catches="a column that is missing, new, renamed or at another place, a number that is text, a category that became text",
    rubric=("O3",),
)
def same_columns(subject: Paths, data: object = None, /, *, order: bool = True, exact: bool = False) -> Outcome:
    """Judge that the path of serving returns the columns of training: the same names, in the same order, of the same kinds.

    A kind is number, text, category, boolean, date or instant; with `exact`, the dtypes have to be the same ("float32" is not "float64").
    `order=False` lets the columns stand in any order, as a model that goes by names allows.

    >>> print(
    ...     same_columns(paths(lambda rows: rows, lambda rows: rows[:, ::-1]), __import__("numpy").eye(2)).verdict.value
    ... )
    pass
    """
    _, one, other = _computed(subject, data)
    missing = [name for name in one.columns if name not in other.columns]
    extra = [name for name in other.columns if name not in one.columns]
    found = [
        Example(None, {"column": name, "training": str(one.schema[name]), "serving": "missing"}) for name in missing
    ]
    found += [
        Example(None, {"column": name, "training": "missing", "serving": str(other.schema[name])}) for name in extra
    ]
    shared = [name for name in one.columns if name in other.columns]
    kinds = [name for name in shared if not _alike(one[name], other[name], exact)]
    found += [
        Example(None, {"column": n, "training": str(one.schema[n]), "serving": str(other.schema[n])}) for n in kinds
    ]
    places = [
        name
        for name, there in zip(shared, [n for n in other.columns if n in one.columns], strict=True)
        if name != there
    ]
    if missing or extra:
        why = (
            f"serving has no column {missing[0]!r}"
            if missing
            else f"serving has a column {extra[0]!r}, which training has not"
        )
    elif kinds:
        why = f"{kinds[0]} is {one.schema[kinds[0]]} in training and {other.schema[kinds[0]]} in serving"
    elif order and places:
        name = places[0]
        why = (
            f"{name} is column {one.columns.index(name)} in training and column {other.columns.index(name)} in serving"
        )
        found = [
            Example(i, {"training": a, "serving": b})
            for i, (a, b) in enumerate(zip(one.columns, other.columns, strict=True))
        ][:12]
    else:
        return held(f"{one.width} columns have the same names, {'order and ' if order else ''}kinds", n_rows=one.height)
    return broken(why, examples=found[:12], n_rows=one.width, n_failing=len(found))


def _computed(subject: Paths, data: object) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return the rows by which a message names them, with their number, and the values of both paths, row by row."""
    if callable(subject.training) or callable(subject.serving):
        if data is None:
            raise UsageError(
                f"there are no rows to put through {subject.name}", hint="give them as the second argument"
            )
        rows = rows_of(data)
        rows = rows.take(_spread(rows.height, MOST_ROWS if subject.takes == "rows" else MOST_CALLS))
        one = _of_rows(subject, "training", rows, data)
        other = _of_rows(subject, "serving", rows, data)
        there = _in_log(subject, rows)
        return (
            rows.frame.with_columns(pl.Series(NUMBER, rows.numbers)).filter(there),
            _chosen(subject, one.filter(there)),
            _chosen(subject, other.filter(there)),
        )
    one, other = (
        frame_of(table) if not isinstance(table, list) else rows_of(table).frame
        for table in (subject.training, subject.serving)
    )
    if not subject.key:
        if one.height != other.height:
            raise UsageError(
                f"{subject.name}: {one.height} rows of training and {other.height} of serving",
                hint="declare key=, the columns that both have",
            )
        return pl.DataFrame(), _chosen(subject, one), _chosen(subject, other)
    key = list(subject.key)
    for side, table in (("training", one), ("serving", other)):
        _keyed(side, table, key)
    both = one.select(key).join(other.select(key).cast(one.select(key).schema), on=key, how="inner", nulls_equal=True)
    one = both.join(one, on=key, how="left", nulls_equal=True, maintain_order="left")
    other = both.join(
        other.cast({name: both.schema[name] for name in key}),
        on=key,
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    return both, _chosen(subject, one.drop(key)), _chosen(subject, other.drop(key))


def _of_rows(subject: Paths, side: str, rows: Rows, data: object) -> pl.DataFrame:
    """Return the values of one path for these rows, in their order."""
    path = getattr(subject, side)
    what = f"the {side} path of {subject.name}"
    if not callable(path):
        table = rows_of(path).frame if isinstance(path, list) else frame_of(path)
        _keyed(side, table, subject.key)
        found = _looked_up(rows.frame, table, subject.key)
        return found.drop(subject.key)
    if side == "training" or subject.takes == "rows":
        return aligned(call(path, rows.handed(), what=what), rows, key=subject.key).of(rows.numbers)
    single = [rows.take([place]) for place in range(rows.height)]
    given = [row.frame.row(0, named=True) if subject.takes == "record" else row.handed() for row in single]
    answers = [call(path, each, what=what) for each in given]
    return _one_frame(answers)


def _one_frame(answers: list[Any]) -> pl.DataFrame:
    """Return what serving answered to single rows as one frame: dicts, numbers, sequences, or frames of one row."""
    if all(isinstance(answer, Mapping) for answer in answers):
        return pl.DataFrame([dict(answer) for answer in answers], infer_schema_length=None, strict=False)
    if all(isinstance(answer, int | float | str | bool | np.generic) or answer is None for answer in answers):
        return frame_of([answer.item() if isinstance(answer, np.generic) else answer for answer in answers])
    frames = [frame_of(np.atleast_2d(a) if isinstance(a, np.ndarray | list | tuple) else a) for a in answers]
    tall = next((place for place, frame in enumerate(frames) if frame.height != 1), None)
    if tall is not None:
        raise DataError(
            f"serving answered {frames[tall].height} rows for row {tall} alone", hint="it has to answer one"
        )
    return pl.concat(frames, how="diagonal_relaxed")


def _in_log(subject: Paths, rows: Rows) -> NDArray[np.bool_]:
    """Return which rows both sides know: all, but for a table that has some only."""
    found = np.ones(rows.height, dtype=bool)
    for path in (subject.training, subject.serving):
        if not callable(path):
            table = rows_of(path).frame if isinstance(path, list) else frame_of(path)
            marked = table.select(subject.key).with_columns(pl.lit(value=True).alias("__there"))
            found &= _looked_up(rows.frame, marked, subject.key)["__there"].is_not_null().to_numpy()
    return found


def _looked_up(frame: pl.DataFrame, table: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Return the row of a table for each row of the frame, by key; null where it has none."""
    names = list(key)
    wanted = frame.select(names)
    same = table.cast({name: wanted.schema[name] for name in names})
    return wanted.join(same, on=names, how="left", nulls_equal=True, maintain_order="left")


def _keyed(side: str, table: pl.DataFrame, key: Sequence[str]) -> None:
    if not key:
        raise UsageError(
            f"the {side} side is a table, and nothing says which of its rows is which", hint="declare key="
        )
    for name in key:
        if name not in table.columns:
            raise UsageError(f"the {side} side has no column {name!r}", hint=nearest(name, table.columns))
    many = table.height - table.select(key).n_unique()
    if many:
        raise DataError(
            f"{many} rows of the {side} side share a value of {', '.join(key)}",
            hint="declare a key that tells them apart",
        )


def _chosen(subject: Paths, values: pl.DataFrame) -> pl.DataFrame:
    if not subject.columns:
        return values
    missing = [name for name in subject.columns if name not in values.columns]
    if missing:
        raise UsageError(f"{subject.name}: there is no column {missing[0]!r}", hint=nearest(missing[0], values.columns))
    return values.select(subject.columns)


def _spread(height: int, most: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, height - 1, min(height, most)).round().astype(np.int64)) if height else np.arange(0)


def _differing(subject: Paths, one: pl.DataFrame, other: pl.DataFrame, name: str) -> NDArray[np.bool_]:
    near = subject.atol.get(name, 1e-9) if isinstance(subject.atol, Mapping) else subject.atol
    return differing(one.select(name), other, rtol=subject.rtol, atol=near)


def _apart(one: pl.Series, other: pl.Series) -> NDArray[np.float64]:
    """Return how far apart each pair is: numbers by their difference; all else, and a null on one side, farthest."""
    if not (one.dtype.is_numeric() and other.dtype.is_numeric()):
        return np.zeros(len(one))
    gap = (one.cast(pl.Float64) - other.cast(pl.Float64)).abs().fill_null(np.inf).fill_nan(np.inf)
    return gap.to_numpy()


def _example(
    rows: pl.DataFrame, one: pl.DataFrame, other: pl.DataFrame, place: int, moved: NDArray[np.bool_], names: list[str]
) -> Example:
    given = {name: said_cell(rows[name][place]) for name in rows.columns[:4] if name != NUMBER}
    wrong = [name for name, apart in zip(names, moved, strict=True) if apart][:3]
    values = {
        f"{name} ({side})": said_cell(table[name][place])
        for name in wrong
        for side, table in (("training", one), ("serving", other))
    }
    return Example(_number(rows, place), given | values)


def _number(rows: pl.DataFrame, place: int) -> int:
    return int(rows[NUMBER][place]) if NUMBER in rows.columns else place


def _called(rows: pl.DataFrame, place: int, subject: Paths) -> str:
    key = ", ".join(said_cell(rows[name][place]) for name in subject.key if name in rows.columns)
    return f"row {_number(rows, place)}" + (f" ({key})" if key else "")


_KINDS: tuple[tuple[str, Callable[[pl.DataType], bool]], ...] = (
    ("boolean", lambda dtype: dtype == pl.Boolean),
    ("number", lambda dtype: dtype.is_numeric()),
    ("category", lambda dtype: isinstance(dtype, pl.Categorical | pl.Enum)),
    ("text", lambda dtype: dtype == pl.String),
    ("date", lambda dtype: dtype == pl.Date),
    ("instant", lambda dtype: isinstance(dtype, pl.Datetime)),
)


def _alike(one: pl.Series, other: pl.Series, exact: bool) -> bool:
    if exact or one.dtype == other.dtype:
        return one.dtype == other.dtype
    if one.null_count() == len(one) or other.null_count() == len(other):
        return True
    return any(is_kind(one.dtype) and is_kind(other.dtype) for _, is_kind in _KINDS)


# What a difference looks like --------------------------------------------------------------------------------------------

Numbers = NDArray[np.float64]


def _nulls(a: Numbers, b: Numbers) -> str:
    for side, there, other in (("training", a, b), ("serving", b, a)):
        if np.isnan(there).all() and len(set(other[~np.isnan(other)])) == 1 and not np.isnan(other).any():
            return f"null in {side} is {said_cell(float(other[0]))} on the other side"
    return ""


def _defaults(a: Numbers, b: Numbers) -> str:
    if len(a) > 1 and len(set(a)) == len(set(b)) == 1:
        return f"{said_cell(float(a[0]))} in training is always {said_cell(float(b[0]))} in serving: two defaults"
    return ""


def _factor(a: Numbers, b: Numbers) -> str:
    with np.errstate(all="ignore"):
        ratio = b / a
    if (
        len(a) > 1
        and np.isfinite(ratio).all()
        and ratio[0]
        and np.allclose(ratio, ratio[0], rtol=1e-6)
        and len(set(a)) > 1
    ):
        return f"serving is {said_cell(float(ratio[0]))} times training: a unit?"
    return ""


def _shift(a: Numbers, b: Numbers) -> str:
    gap = b - a
    if len(a) > 1 and np.isfinite(gap).all() and np.allclose(gap, gap[0], rtol=1e-6, atol=1e-9) and len(set(a)) > 1:
        return f"serving is training plus {said_cell(float(gap[0]))}"
    return ""


def _rounded(a: Numbers, b: Numbers) -> str:
    for digits in range(-2, 7):
        for side, whole, short in (("serving", a, b), ("training", b, a)):
            if (
                np.isfinite(whole).all()
                and len(set(short)) > 1
                and np.allclose(np.round(whole, digits), short, rtol=0, atol=1e-12)
            ):
                return f"{side} is rounded to {digits} digits"
    return ""


def _single(a: Numbers, b: Numbers) -> str:
    with np.errstate(all="ignore"):
        for side, whole, short in (("serving", a, b), ("training", b, a)):
            if np.array_equal(whole.astype(np.float32), short.astype(np.float32)):
                return f"{side} has numbers of 32 bits"
    return ""


# What a difference may come from, likeliest first: each says so of the differing pairs (training, serving), or nothing.
CAUSES: dict[str, Callable[[Numbers, Numbers], str]] = {
    "null": _nulls,
    "default": _defaults,
    "32 bits": _single,
    "rounded": _rounded,
    "factor": _factor,
    "shift": _shift,
}


def _looks_like(one: pl.DataFrame, other: pl.DataFrame, name: str, moved: NDArray[np.bool_]) -> str:
    """Return what the difference of a column looks like, as a tail of a sentence; empty where nothing is recognized."""
    swapped = next(
        (n for n in one.columns if n != name and n in other.columns and one[n].dtype == other[name].dtype
         and one[name].dtype == other[n].dtype and one[n].equals(other[name]) and one[name].equals(other[n])), None
    )  # fmt: skip
    if swapped is not None:
        return f" ({name} and {swapped} are swapped)"
    if not (one[name].dtype.is_numeric() and other[name].dtype.is_numeric()):
        return ""
    a, b = (values.cast(pl.Float64).fill_null(np.nan).to_numpy()[moved] for values in (one[name], other[name]))
    if int(moved.sum()) < 2:
        return ""
    said = next((said for said in (cause(a, b) for cause in CAUSES.values()) if said), "")
    return f" ({said})" if said else ""
