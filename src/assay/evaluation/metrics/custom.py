"""Metrics of a user's own: a formula of SQL text, a table of costs, or a function of a frame."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Literal, TypeAlias

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.data.dataset import first_line
from assay.data.sql import rowwise
from assay.errors import DataError, UsageError, nearest
from assay.evaluation.columns import Task
from assay.evaluation.metrics.means import counted, mean_of
from assay.evaluation.metrics.metric import REAL, Metric, Need, Sums, Whole
from assay.evaluation.predictions import Predictions
from assay.stats.resampling import Draws, Resamples

__all__ = ["Formula", "by_costs", "by_formula", "by_function", "columns_of"]

Floats = NDArray[np.float64]
Better: TypeAlias = Literal["higher", "lower"]
Fold: TypeAlias = Literal["mean", "sum"]
Costs: TypeAlias = Mapping[str, Mapping[str, float]]

_TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression", "quantile", "ranking")
_FOLD = re.compile(r"\s*(mean|sum)\s*:\s*", re.IGNORECASE)
_NO_ROWS = "there are no rows"


class Formula(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A metric of your own, as it stands in a file of settings: by `formula` or by `costs`.

    `formula` is SQL text over the dataset's columns and `label`, `prediction` and `score`, one number for each row. The
    metric is its mean; "sum: ..." asks for the sum: "sum: CASE WHEN prediction = 1 THEN 90 * label - 10 ELSE 0 END".
    `costs` says for each label what each prediction costs, 0 where nothing is said. `better` is "higher" (a formula, unless
    it says otherwise) or "lower" (costs); `unit` is what the number counts ("EUR"); `title` is its name in reports.
    """

    formula: str = ""
    costs: dict[str, dict[str, float]] = {}
    better: Better | None = None
    unit: str = ""
    title: str = ""

    def __post_init__(self) -> None:
        if bool(self.formula) == bool(self.costs):
            raise ValueError("a metric of your own has either a formula or costs")

    def metric(self, name: str) -> Metric:
        """Return it as a metric; raise UsageError where the formula is no SQL expression of single rows."""
        if self.formula:
            return by_formula(name, self.formula, better=self.better or "higher", unit=self.unit, title=self.title)
        return by_costs(name, self.costs, better=self.better or "lower", unit=self.unit, title=self.title)


# The columns of a metric ------------------------------------------------------------------------------------------------


def columns_of(rows: Predictions) -> dict[str, Callable[[], pl.Series]]:
    """Return how to have each of the columns that stand beside the dataset's own, and before those of the same name.

    `label`, and `prediction` where there is one, are values as they stand in the data (a class, or a number). `score` is that of
    the positive class, or of a document; of several classes `score@CLASS` is that of each, and `prediction@LEVEL` is the forecast
    of a level. `weight` is 1 where rows have none.
    """
    made: dict[str, Callable[[], pl.Series]] = {"weight": lambda: pl.Series(rows.own_weights)}
    classes = rows.task in ("binary", "multiclass")

    def values(codes: NDArray[np.int64] | NDArray[np.float64]) -> pl.Series:
        return (
            pl.Series(list(rows.classes), strict=False).gather(codes.astype(np.int64)) if classes else pl.Series(codes)
        )

    made["label"] = lambda: values(rows.labels)
    said, scores = rows.predictions, rows.scores
    if said is not None and said.ndim == 1:
        made["prediction"] = lambda: values(said)
    elif said is not None:
        made |= {f"prediction@{level}": _nth(said, place) for place, level in enumerate(rows.classes)}
    if scores is not None:
        made |= (
            {f"score@{c}": _nth(scores, place) for place, c in enumerate(rows.classes)}
            if rows.task == "multiclass"
            else {}
        )
        made |= {"score": _nth(scores, scores.shape[1] - 1)} if rows.task in ("binary", "ranking") else {}
    return made


def _nth(array: NDArray[np.int64] | NDArray[np.float64], place: int) -> Callable[[], pl.Series]:
    return lambda: pl.Series(array[:, place])


def _frame(rows: Predictions, names: Collection[str]) -> pl.DataFrame:
    own = columns_of(rows)
    return pl.DataFrame({name: own[name]() if name in own else rows.frame.get_column(name) for name in names})


# By formula -------------------------------------------------------------------------------------------------------------


def by_formula(name: str, formula: str, *, better: Better = "higher", unit: str = "", title: str = "") -> Metric:
    """Return the metric that is the mean, or the sum, of what SQL text says of each row.

    The text is over the dataset's columns and those of `columns_of`; "sum: " or "mean: " (which it is else) stand before it.
    A missing value is null in it; where the formula is null, or infinite, on a row, the metric is undefined, and says on how many.
    Measuring raises UsageError, with the formula and the name, where it names an unknown column or does not fit the types.

    >>> by_formula("profit", "sum: CASE WHEN prediction = 1 THEN 90 * label - 10 ELSE 0 END", unit="EUR").formula
    'Σ CASE WHEN prediction = 1 THEN 90 * label - 10 ELSE 0 END'
    """
    found = _FOLD.match(formula)
    fold: Fold = "sum" if found is not None and found.group(1).lower() == "sum" else "mean"
    text = formula[found.end() :] if found is not None else formula

    def numbers(rows: Predictions) -> Floats:
        return _evaluated(name, text, rows)

    def refuse(rows: Predictions) -> str:
        told = counted(~np.isfinite(numbers(rows)), "rows have no finite value by its formula")
        return f"{told}; COALESCE(x, 0) says what stands for a missing x" if told else ""

    total = Sums(lambda rows: numbers(rows)[:, None], lambda s: s[..., 0])
    of, said = (total, f"Σ {text}") if fold == "sum" else (mean_of(numbers), f"Σ {text} / n")
    return Metric(
        title or name, _TASKS, of, _NO_ROWS, said, "", better=better, needs=_need(name, text), span=REAL, unit=unit, refuse=refuse,
        caution="a sum grows with the rows: those of two slices, or two datasets, do not compare" if fold == "sum" else "",
    )  # fmt: skip


def _need(name: str, text: str) -> Need:
    """Return what a formula takes of the predictions; raise UsageError where it is no expression of single rows."""
    try:
        named = pl.sql_expr(text).meta.root_names()
    except pl.exceptions.PolarsError as error:
        raise UsageError(f"metric {name!r}: {text!r} is not an SQL expression: {first_line(error)}") from None
    try:
        rowwise(text, named, hint="a metric is the same tomorrow: write the instant")
    except UsageError as error:
        raise UsageError(f"metric {name!r}: {error.message}", hint=error.hint) from None
    scores = [word for word in named if word.split("@")[0] == "score"]
    if any(word.split("@")[0] == "prediction" for word in named):
        return "predictions"
    return "scores" if scores else "labels"


def _evaluated(name: str, text: str, rows: Predictions) -> Floats:
    """Return what a formula says of each row, NaN where it is null."""
    known = list(dict.fromkeys((*columns_of(rows), *rows.frame.columns)))
    try:
        parsed = rowwise(text, known)
    except UsageError as error:
        raise UsageError(f"metric {name!r}: {error.message}", hint=error.hint) from None
    frame = _frame(rows, list(dict.fromkeys(parsed.meta.root_names())))
    floats = [column for column, dtype in frame.schema.items() if dtype.is_float()]
    try:
        found = frame.lazy().with_columns(pl.col(floats).fill_nan(None)).select(parsed.alias("x")).collect()["x"]
    except pl.exceptions.PolarsError as error:
        types = ", ".join(f"{column} {dtype}" for column, dtype in frame.schema.items())
        raise UsageError(
            f"metric {name!r}: {text!r} does not fit the columns' types ({types}): {first_line(error)}",
            hint="write a cast as TRY_CAST(x AS DOUBLE), and a text in single quotes",
        ) from None
    if not (found.dtype.is_numeric() or found.dtype == pl.Boolean):
        raise UsageError(f"metric {name!r}: {text!r} gives {str(found.dtype).lower()} values; numbers are expected")
    return np.asarray(found.cast(pl.Float64).fill_null(math.nan).to_numpy(), dtype=np.float64)


# By costs ---------------------------------------------------------------------------------------------------------------


def by_costs(name: str, costs: Costs, *, better: Better = "lower", unit: str = "", title: str = "") -> Metric:
    """Return the metric that is the mean of what each row costs: `costs[label][prediction]`, 0 where nothing is said.

    Classes are told by their text. Measuring raises UsageError where `costs` names a class that there is not.

    >>> by_costs("loss", {"1": {"0": 100}, "0": {"1": 5}}, unit="EUR").formula
    'Σ cost of the label and the prediction / n: 1 as 0: 100, 0 as 1: 5'
    """
    told = {(str(label), str(said)): float(cost) for label, row in costs.items() for said, cost in row.items()}
    wrong = [pair for pair, cost in told.items() if not math.isfinite(cost)]
    if wrong:
        raise UsageError(f"metric {name!r}: the cost of {wrong[0][0]!r} as {wrong[0][1]!r} is no finite number")

    def numbers(rows: Predictions) -> Floats:
        known = [str(c) for c in rows.classes]
        for pair in told:
            for word in pair:
                if word not in known:
                    raise UsageError(f"metric {name!r}: the costs name the class {word!r}", hint=nearest(word, known))
        table = np.array([[told.get((label, said), 0.0) for said in known] for label in known])
        return np.asarray(table[rows.labels.astype(np.int64), rows.said.astype(np.int64)])

    words = ", ".join(f"{label} as {said}: {cost:g}" for (label, said), cost in told.items())
    return Metric(
        title or name, ("binary", "multiclass"), mean_of(numbers), _NO_ROWS, f"Σ cost of the label and the prediction / n: {words}",
        "Elkan 2001", better=better, span=REAL, unit=unit,
    )  # fmt: skip


# By a function ----------------------------------------------------------------------------------------------------------

Function: TypeAlias = Callable[[pl.DataFrame], "float | None"]


def by_function(
    name: str, function: Function, *, columns: tuple[str, ...] | None = None, better: Better = "higher", unit: str = "", title: str = ""
) -> Metric:  # fmt: skip
    """Return the metric that a function of a frame computes; where that is None or NaN, it is undefined.

    The frame has the dataset's columns (or those that `columns` names, which makes a resample faster) and those of
    `columns_of`. Its interval is the bootstrap's: for each resample the rows are drawn, and the function called, anew; a
    resample for which it fails is undefined. Measuring raises DataError, with the metric's name, where the function fails
    on the rows themselves or returns no number.
    """
    tasks: tuple[Task, ...] = (*_TASKS, "multilabel")

    def frame(rows: Predictions, weights: Floats) -> pl.DataFrame:
        own = columns_of(rows)
        asked = tuple(rows.frame.columns) if columns is None else columns
        for column in asked:
            if column not in own and column not in rows.frame.columns:
                raise UsageError(
                    f"metric {name!r}: there is no column {column!r}", hint=nearest(column, rows.frame.columns)
                )
        made = _frame(rows, list(dict.fromkeys((*asked, *own))))
        return made.with_columns(weight=pl.Series(weights))

    def value(rows: Predictions, weights: Floats) -> float:
        return _called(name, function, frame(rows, weights))

    def draws(rows: Predictions, units: Resamples) -> Draws:
        whole = frame(rows, rows.own_weights)
        replicates = np.full(len(units.times), np.nan)
        for i, times in enumerate(units.times):
            drawn = np.repeat(np.arange(rows.n), times[units.of_row].astype(np.int64))
            try:
                replicates[i] = _called(name, function, whole[drawn])
            except DataError:  # a resample may lack what the function needs, such as a class
                continue
        return Draws(_called(name, function, whole), replicates, np.zeros(0))

    return Metric(
        title or name, tasks, Whole(value, draws), "its function says nothing of these rows", f"the function {_called_as(function)}", "",
        better=better, needs="labels", span=REAL, unit=unit,
    )  # fmt: skip


def _called_as(function: Function) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _called(name: str, function: Function, frame: pl.DataFrame) -> float:
    try:
        found = function(frame)
    except Exception as error:  # a user's function may raise anything
        raise DataError(
            f"metric {name!r}: its function failed with {type(error).__name__}: {first_line(error)}"
        ) from error
    if found is None:
        return math.nan
    try:
        return float(found)
    except (TypeError, ValueError):
        kind = type(found).__name__
        raise DataError(f"metric {name!r}: its function returned a {kind}; it returns a number, or None") from None
