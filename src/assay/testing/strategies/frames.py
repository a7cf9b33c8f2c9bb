"""The strategies that a person asks for: rows like theirs, frames, series and records of a schema, a profile or data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from assay.data.dataset import Dataset
from assay.data.polars_engine import PolarsEngine
from assay.data.sample import take_sample
from assay.data.sources import dataset
from assay.errors import UsageError, nearest
from assay.profiles.profile import Profile
from assay.profiles.saved import is_profile, load_profile
from assay.profiles.schema import DatasetSchema, Schema, is_schema, load_schema
from assay.testing.rows import Rows, rows_of
from assay.testing.strategies.drawing import Heights, drawn_rows
from assay.testing.strategies.from_profile import resembling
from assay.testing.strategies.from_schema import made_up
from assay.testing.strategies.pools import Kinds, Pool, as_kind, pool_of, replace_columns, shuffled, within

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["POOL", "frames", "pool_from", "records", "rows_like", "series"]

POOL = 1_000  # rows that are made up of a schema or a profile, to draw from
SAMPLE = 10_000  # rows of a file that are drawn from
SEED = 0

Together = Sequence[Sequence[str]]


def rows_like(
    reference: object, /, *, edits: int = 3, rows: Heights = (1, 20), columns: Sequence[str] = (),
    schema: Schema | DatasetSchema | None = None, kind: Kinds | None = None,
) -> SearchStrategy[Any]:  # fmt: skip
    """Return a strategy of rows of the reference itself, of which at most `edits` cells are changed to edge cases.

    What is drawn is of the reference's own kind: a pandas frame (with its dtypes and, unless it only counts, its index), a Polars
    frame, a pyarrow table, an array, a list of dicts; `kind` asks for another. The rows are real, so that their columns go together
    as they do in life; the edge cases are those next to each column's values (`edge_cases`): missing, -1, just above the greatest, an
    empty text, … A failing example shrinks to few rows, the plainest ones, with few changed cells; Hypothesis prints which.

    - `reference`: a frame; the path of a dataset, of which at most 10,000 rows are drawn from; a profile, a schema or the path of one,
      which hold no rows, so that `frames` makes them up.
    - `rows`: how many, or the least and the most. Rows may be drawn twice. `columns`: only these.
    - `schema`: draw only what it allows: other rows and edge cases are left out, keys and unique columns do not repeat, rising
      ones keep their order, and beyond its share a missing value is replaced by one that the reference has.

    Raises UsageError where the reference has no rows, the schema allows none of them, or an argument makes no sense.

    >>> from hypothesis import find
    >>> reference = pl.DataFrame({"age": [18, 40, 64], "city": ["Oslo", "Rome", "Bern"]})
    >>> find(rows_like(reference), lambda rows: (rows["age"] < 0).any()).to_dicts()
    [{'age': -1, 'city': 'Oslo'}]
    """
    pool = pool_from(reference, columns=columns, schema=schema, kind=kind)
    return drawn_rows(pool, rows=rows, edits=edits, made=_native, name="rows_like")


def frames(
    source: object, /, *, edits: int = 3, rows: Heights = (1, 20), columns: Sequence[str] = (), together: Together = (),
    schema: Schema | DatasetSchema | None = None, kind: Kinds | None = None,
) -> SearchStrategy[Any]:  # fmt: skip
    """Return a strategy of frames whose columns, each by itself, are like those of the source, and else go together by chance.

    - `source`: a schema (the frames are what it allows, edge cases too), a profile (marginals, categories, missing values and shapes of
      text are the profile's), the path of one of them, or data, whose columns are shuffled apart from each other.
    - `together`: groups of columns of data that stay joined as they are: `[("price", "currency")]`. A schema or a profile does not
      say how columns go together, so it is refused there; `rows_like` keeps all of them joined.
    - `edits`, `rows`, `columns`, `schema`, `kind`: as in `rows_like`; made-up frames are Polars' unless `kind` says otherwise.

    Rows are made up once, 1,000 of them, always the same; Hypothesis draws from them.

    Raises UsageError, which names the column, where a schema or a profile does not say what is in it (lists, structs).

    >>> from hypothesis import find
    >>> from assay.profiles.schema import DatasetSchema, Field
    >>> people = DatasetSchema(columns={"age": Field(type="integer", between=(0, 120), missing_share_at_most=0)})
    >>> find(frames(people), lambda frame: frame["age"].max() > 100).height
    1
    """
    pool = pool_from(source, columns=columns, schema=schema, kind=kind, together=tuple(together))
    return drawn_rows(pool, rows=rows, edits=edits, made=_native, name="frames")


def series(
    source: object,
    name: str = "",
    /,
    *,
    edits: int = 1,
    rows: Heights = (1, 20),
    schema: Schema | DatasetSchema | None = None,
) -> SearchStrategy[Any]:
    """Return a strategy of one column: a pandas or Polars series, an array or a list, as the source is.

    `source` is such a series, or anything that `frames` takes, of which `name` says the column.

    Raises UsageError where `name` is missing and the source has several columns.

    >>> from hypothesis import find
    >>> find(series([3, 4, 5]), lambda values: None in values)
    [None]
    """
    frame, back = _framed(source, name)
    pool = pool_from(frame, columns=(name,) if name else (), schema=schema)
    if len(pool.rows.columns) > 1:
        raise UsageError(f"the source has {len(pool.rows.columns)} columns", hint="name one: series(source, 'age')")
    column = pool.rows.columns[0]
    return drawn_rows(pool, rows=rows, edits=edits, made=lambda drawn: _column(drawn, column, back), name="series")


def records(
    source: object, /, *, edits: int = 1, rows: Heights = (1, 20), columns: Sequence[str] = (),
    schema: Schema | DatasetSchema | None = None,
) -> SearchStrategy[list[dict[str, Any]]]:  # fmt: skip
    """Return a strategy of rows as dicts of Python values, drawn as `rows_like` draws them; one row alone: `.map(lambda r: r[0])`.

    >>> from hypothesis import find
    >>> find(records([{"a": 1}, {"a": 2}]), lambda rows: rows[0]["a"] == 2)
    [{'a': 2}]
    """
    pool = pool_from(source, columns=columns, schema=schema, kind="records")
    found: SearchStrategy[list[dict[str, Any]]] = drawn_rows(pool, rows=rows, edits=edits, made=_native, name="records")
    return found


def pool_from(
    source: object, *, columns: Sequence[str] = (), schema: Schema | DatasetSchema | None = None, kind: Kinds | None = None,
    together: Together | None = None,
) -> Pool:  # fmt: skip
    """Return the pool of any source; `together` of None keeps whole rows, else only these groups of columns stay joined."""
    opened = _opened(source)
    asked = schema
    if isinstance(opened, Schema | DatasetSchema | Profile):
        _refuse_together(together, opened)
        rng = np.random.default_rng(SEED)
        if isinstance(opened, Profile):
            frame = resembling(opened, rows=POOL, rng=rng, columns=columns)
        else:
            asked = replace_columns(found := _one(opened), _chosen(found, columns))
            frame = made_up(asked, rows=POOL, rng=rng)
        rows = as_kind(frame, kind or "polars")
    else:
        rows = rows_of(opened)
        rows = rows if kind is None or kind == rows.kind else as_kind(rows.frame, kind)
        if together is not None and rows.height:
            rows = shuffled(rows, together, rng=np.random.default_rng(SEED))
    pool = pool_of(rows, columns=columns)
    return pool if asked is None else within(pool, _one(asked))


def _opened(source: object) -> object:
    if isinstance(source, str | Path):
        if is_schema(source):
            return load_schema(source)
        if is_profile(source):
            return load_profile(source)
        source = dataset(source)
    if isinstance(source, Dataset):
        return take_sample(source, SAMPLE, engine=PolarsEngine(), seed=SEED).rows
    return source


def _one(schema: Schema | DatasetSchema) -> DatasetSchema:
    if isinstance(schema, DatasetSchema):
        return schema
    if len(schema.datasets) != 1:
        names = ", ".join(schema.datasets) or "none"
        raise UsageError(f"the schema has several datasets: {names}", hint="give one: schema.dataset(name)")
    return next(iter(schema.datasets.values()))


def _chosen(schema: DatasetSchema, columns: Sequence[str]) -> dict[str, Any]:
    for name in columns:
        if name not in schema.columns:
            raise UsageError(f"columns= names {name!r}, which is not in the schema", hint=nearest(name, schema.columns))
    return {name: schema.columns[name] for name in columns or schema.columns}


def _refuse_together(together: Together | None, source: object) -> None:
    if not together:
        return
    what = "profile" if isinstance(source, Profile) else "schema"
    names = " and ".join(repr(name) for name in together[0])
    raise UsageError(
        f"a {what} does not say how {names} go together", hint="give the rows themselves, or leave out together="
    )


def _native(rows: Rows) -> Any:
    """Return rows that code under test may change as it likes."""
    return rows.handed() if rows.kind == "records" else rows.native  # the others are copies already


def _framed(source: object, name: str) -> tuple[object, str]:
    """Return a series as a frame of one column, and what it is to be turned back into."""
    if isinstance(source, pl.Series):
        return source.alias(source.name or name or "value").to_frame(), "polars"
    if isinstance(source, np.ndarray) and source.ndim == 1:
        return pl.DataFrame({name or "value": source}), "array"
    if isinstance(source, list | tuple) and not (source and isinstance(source[0], dict)):
        return pl.DataFrame({name or "value": list(source)}, strict=False), "list"
    if type(source).__module__.partition(".")[0] == "pandas" and type(source).__name__ == "Series":
        shown = source.name if getattr(source, "name", None) is not None else name or "value"  # type: ignore[attr-defined]
        return source.to_frame(shown), "pandas"  # type: ignore[attr-defined]
    return source, ""


def _column(drawn: Rows, name: str, back: str) -> Any:
    if drawn.kind == "pandas":
        return drawn.native[name].copy()
    values = drawn.frame.get_column(name)
    if back == "list":
        return values.to_list()
    if back == "array" or drawn.kind == "array":
        return values.to_numpy(writable=True)
    if drawn.kind == "pyarrow":
        return drawn.native.column(name)
    return values
