"""What is known of a feature's output: pairs of input and output, a plain reference, and the dtypes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl

from assay.errors import AssayError, UsageError
from assay.testing.contract import Crashed, broken, contract, held
from assay.testing.features.feature import Feature
from assay.testing.features.ground import Ground, Nothing, on_ground, quiet, relabelled
from assay.testing.features.trials import said_cell, said_row
from assay.testing.outputs import differing, frame_of
from assay.testing.rows import Rows, rows_of
from assay.testing.shrinking import smallest
from assay.verdict import Example, Outcome

__all__ = ["KINDS", "agrees_with_reference", "known_outputs", "output_schema"]

# What a schema may call a kind of column, beside the exact names of Polars ("float64", "string", "date").
KINDS: dict[str, Callable[[pl.DataType], bool]] = {
    "number": lambda dtype: dtype.is_numeric(),
    "float": lambda dtype: dtype.is_float(),
    "integer": lambda dtype: dtype.is_integer(),
    "text": lambda dtype: isinstance(dtype, pl.String | pl.Categorical | pl.Enum),
    "boolean": lambda dtype: dtype == pl.Boolean,
    "instant": lambda dtype: isinstance(dtype, pl.Datetime),
    "date": lambda dtype: dtype == pl.Date,
}


@contract(
    "feature",
    title="the known inputs give their known outputs",
    catches="another formula, an off-by-one, a unit, a rounding, a changed default",
    needs=("examples",),
    rubric=("D7",),
)
def known_outputs(subject: Feature, data: object = None, /) -> Outcome:
    """Judge that each of the feature's `examples`, pairs of input rows and output, comes out as known.

    The output is what the function should return: a frame, a series, or a list with one value for each input row. Numbers are the
    same to the feature's tolerance. `data` is not looked at.

    >>> from assay.testing.features.feature import feature
    >>> double = feature(
    ...     lambda rows: [2 * row["x"] for row in rows], name="double", examples=[([{"x": 1}, {"x": 3}], [2, 7])]
    ... )
    >>> print(known_outputs(double).why)
    example 1: result of row 1 is 6, not the known 7
    """
    rows_seen = 0
    for place, (given, known) in enumerate(subject.examples, 1):
        rows = relabelled(rows_of(given))
        expected, found = frame_of(known), subject.compute(rows).of(rows.numbers)
        rows_seen += rows.height
        if expected.height != rows.height:
            raise UsageError(
                f"example {place} of {subject.name} has {rows.height} rows and {expected.height} outputs",
                hint="give one for each row",
            )
        if expected.width == found.width == 1:
            expected = expected.rename({expected.columns[0]: found.columns[0]})
        moved = differing(expected, found, rtol=subject.rtol, atol=subject.atol)
        if moved.any():
            row, column = (int(each) for each in np.argwhere(moved)[0])
            name = expected.columns[column]
            got = found[name] if name in found.columns else pl.Series(["no such column"] * found.height)
            examples = [
                Example(
                    i,
                    {key: said_cell(rows.frame[key][i]) for key in rows.columns[:6]}
                    | {"expected": said_cell(expected[name][i]), "got": said_cell(got[i])},
                    "differs" if moved[i, column] else "",
                )
                for i in range(max(0, row - 8), min(rows.height, max(0, row - 8) + 12))
            ]
            return broken(
                f"example {place}: {name} of row {row} is {said_cell(got[row])}, not the known {said_cell(expected[name][row])}",
                examples=examples, n_rows=rows.height, n_failing=int(moved.any(axis=1).sum()),
            )  # fmt: skip
    return held(f"{len(subject.examples)} known examples of {rows_seen} rows came out as known", n_rows=rows_seen)


@contract(
    "feature",
    title="it gives what a plain reference implementation gives",
    catches="a median for a mean, another formula, a fast path that is not the slow one",
    needs=("reference",),
    rubric=("D7",),
)
def agrees_with_reference(subject: Feature, data: object = None, /) -> Outcome:
    """Judge that a feature gives the values of `reference`, a second function that computes the same: plainer, slower, or older.

    What no other contract can see, a wrong formula with the right footprint, shows here. The failure is shrunk to the fewest rows.

    >>> import polars as pl
    >>> from assay.testing.features.feature import feature
    >>> fast = feature(
    ...     lambda rows: rows["x"].rolling_median(3), name="mean3", reference=lambda rows: rows["x"].rolling_mean(3)
    ... )
    >>> print(agrees_with_reference(fast, pl.DataFrame({"x": [1.0, 2.0, 9.0, 4.0]})).why)
    x of row 3 is 4.0, and 5.0 by the reference (2 of 4 rows differ)
    """

    def judge(ground: Ground) -> Outcome:
        assert subject.reference is not None
        plain = replace(subject, function=subject.reference, name=f"the reference of {subject.name}")

        def both(rows: Rows) -> tuple[pl.DataFrame, pl.DataFrame]:
            with quiet():
                one, other = subject.compute(rows).of(rows.numbers), plain.compute(rows).of(rows.numbers)
            if one.width == other.width == 1:
                other = other.rename({other.columns[0]: one.columns[0]})
            return one.select(ground.columns), other

        def breaks(some: object) -> bool:
            try:
                return bool(ground.apart(*both(ground.rows.take(np.array(some)))).any())
            except (Crashed, AssayError):
                return False

        moved = ground.apart(*both(ground.rows))
        if not moved.any():
            return held(f"{ground.height:,} rows have the reference's values", n_rows=ground.height)
        keep = np.array(smallest(range(ground.height), breaks, tries=120))
        rows = ground.rows.take(keep)
        one, other = both(rows)
        apart = ground.apart(one, other)
        at, column = (int(each) for each in np.argwhere(apart)[0])
        name = ground.columns[column]
        theirs = other[name] if name in other.columns else pl.Series([None] * other.height)
        shown = [name for name in (*subject.entity, subject.time, *ground.inputs[:4]) if name]
        examples = [
            Example(
                int(rows.numbers[i]),
                {each: said_cell(rows.frame[each][i]) for each in shown}
                | {"expected": said_cell(theirs[i]), "got": said_cell(one[name][i])},
                "differs" if apart[i].any() else "",
            )
            for i in range(min(rows.height, 12))
        ]
        return broken(
            f"{name} of {said_row(ground, int(keep[at]))} is {said_cell(one[name][at])}, and {said_cell(theirs[at])} by the reference "
            f"({int(moved.any(axis=1).sum())} of {ground.height:,} rows differ)",
            examples=examples, n_rows=ground.height, n_failing=int(moved.any(axis=1).sum()),
        )  # fmt: skip

    return on_ground(subject, data, judge)


@contract(
    "feature",
    title="it returns the columns that were declared, with their dtypes, for all rows and for one alone",
    catches="a column that was renamed, a number that became text, a dtype that depends on the data",
    needs=("schema",),
    rubric=("D7",),
)
def output_schema(subject: Feature, data: object = None, /) -> Outcome:
    """Judge that a feature returns the columns of its `schema`, with these dtypes, and no other that it made.

    A dtype is named as Polars names it ("float64", "int64", "string", "date"), or by its kind: `number`, `float`, `integer`, `text`,
    `boolean`, `instant`, `date`. Columns of the input that come out as they went in are not counted. Both all rows and each of the
    first three alone are tried, as the dtype of what pandas returns may depend on whether a null is among the values.

    Raises UsageError where the schema names a dtype that is not known.

    >>> import assay, polars as pl
    >>> sales = pl.DataFrame({"sales": [2.0, 4.0, 9.0]})
    >>> def shown(dtype):
    ...     return lambda rows: rows.select((pl.col("sales") / 10).cast(dtype).alias("tenth"))
    >>> output_schema(assay.feature(shown(pl.Float64), name="shown", schema={"tenth": "float"}), sales).verdict.value
    'pass'
    >>> print(output_schema(assay.feature(shown(pl.String), name="shown", schema={"tenth": "float"}), sales).why)
    for all rows tenth is String, not float
    """

    def judge(ground: Ground) -> Outcome:
        for word in subject.schema.values():
            _fits(pl.Float64(), word)
        cases = [("all rows", ground.rows)] + [
            (f"row {ground.rows.numbers[i]} alone", ground.rows.take([i])) for i in range(min(3, ground.height))
        ]
        for said, rows in cases:
            wrong = _unlike(ground, subject.compute(rows).values, subject)
            if wrong:
                return broken(f"for {said} {wrong}", n_rows=rows.height, note="cast the result, or correct the schema")
        names = ", ".join(f"{name} ({word})" for name, word in subject.schema.items())
        return held(f"{names} came out of all rows and of single ones", n_rows=ground.height)

    if not subject.schema:
        raise Nothing("the schema names no column")
    return on_ground(subject, data, judge)


def _unlike(ground: Ground, values: pl.DataFrame, subject: Feature) -> str:
    """Return how the columns differ from the schema; empty where they do not."""
    schema = dict(subject.schema)
    made = [name for name in values.columns if name in schema or name in ground.columns]
    if len(schema) == len(made) == 1:  # a series' name is most often that of the column that it came from
        schema = {made[0]: next(iter(schema.values()))}
    for name, word in schema.items():
        if name not in values.columns:
            return f"there is no column {name!r}; there are {', '.join(values.columns)}"
        if not _fits(values.schema[name], word):
            return f"{name} is {values.schema[name]}, not {word}"
    stray = [name for name in made if name not in schema]
    return f"there is a column {stray[0]!r}, which the schema does not name" if stray else ""


def _fits(dtype: pl.DataType, word: str) -> bool:
    known = {str(getattr(pl, name)).lower() for name in _EXACT}
    word = word.lower()
    if word in KINDS:
        return KINDS[word](dtype)
    if word not in known:
        raise UsageError(f"there is no dtype {word!r}", hint=f"there are: {', '.join([*KINDS, *sorted(known)])}")
    return str(dtype.base_type()).lower() == word


_EXACT = (
    "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64", "String", "Boolean", "Date",
    "Datetime", "Duration", "Time", "Categorical", "Enum", "Decimal", "Binary", "List",
)  # fmt: skip
