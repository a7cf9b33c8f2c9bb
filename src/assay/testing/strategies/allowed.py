"""What a schema allows: which values of a column, and what whole frames of it must keep to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl

from assay.checks.check import CannotJudge, Context, RowTest
from assay.checks.of_schema import schema_checks
from assay.checks.table import get_rule
from assay.data.dataset import Dataset, Roles
from assay.data.kinds import kind_of
from assay.data.names import col
from assay.errors import UsageError
from assay.profiles.kernel import present
from assay.profiles.schema import DatasetSchema, Field

__all__ = ["Limits", "allowed", "limits_of"]


@dataclass(frozen=True)
class Limits:
    """What a drawn frame keeps to as a whole: no row twice, rows in their order, at most a share of missing or other values.

    `fixed` are the columns whose cells no edit may change, as they tell rows apart or put them in order. `missing` and
    `other` are the greatest shares of missing values, and of values outside a set, by column. `free` says that nothing is asked.
    """

    distinct: bool = False
    ordered: bool = False
    fixed: frozenset[str] = frozenset()
    missing: Mapping[str, float] = field(default_factory=dict)
    other: Mapping[str, float] = field(default_factory=dict)

    @property
    def free(self) -> bool:
        """Return whether nothing is asked of a frame."""
        return not (self.distinct or self.ordered or self.missing or self.other)


def limits_of(schema: DatasetSchema) -> Limits:
    """Return what a schema asks of whole frames."""
    fields = schema.columns
    unique = [name for name, told in fields.items() if told.unique]
    rising = [name for name, told in fields.items() if told.rising]
    keys = [name for key in schema.keys for name in key]
    missing = {
        name: float(told.missing_share_at_most)
        for name, told in fields.items()
        if told.missing_share_at_most is not None
    }
    other = {name: float(told.other_share_at_most) for name, told in fields.items() if told.one_of}
    strictly = any(told.rising == "strictly" for told in fields.values())
    fixed = frozenset((*unique, *rising, *keys))
    return Limits(bool(unique or keys or strictly), bool(rising), fixed, {**missing, **dict.fromkeys(keys, 0.0)}, other)


def allowed(values: pl.Series, told: Field, *, name: str) -> pl.Series:
    """Return which values a schema allows in a column, as a mask: its set, range, pattern and lengths; missing ones by its share.

    It is judged by the very checks that judge data by a schema. Raises UsageError where one of them cannot judge the column: a
    bound of another type.

    >>> allowed(pl.Series([-1, 0, 120, 121, None]), Field(between=(0, 120)), name="age").to_list()
    [False, True, True, False, True]
    """
    frame, dtype = values.alias(name).to_frame(), values.dtype
    sentinels = tuple(told.missing)
    clean = frame.with_columns(present(name, dtype, sentinels).alias(name))
    failing = [pl.lit(value=False)]
    failing += [test.failing for test in _row_tests(name, told, dtype)]
    may_miss = told.missing_share_at_most is None or told.missing_share_at_most > 0
    kept = pl.when(col(name).is_null()).then(pl.lit(value=may_miss)).otherwise(~pl.any_horizontal(failing))
    return clean.select(kept.fill_null(value=False).alias(name)).to_series()


def _row_tests(name: str, told: Field, dtype: pl.DataType) -> Iterator[RowTest]:
    schema = {name: dtype}
    about = Dataset(name, "a schema", pl.LazyFrame)
    context = Context(about, schema, {name: kind_of(dtype)}, Roles(), _NEVER)
    for check in schema_checks(DatasetSchema(columns={name: told}), columns=schema):
        try:
            test = get_rule(check.rule).plan(check, context)
        except CannotJudge as error:
            raise UsageError(f"the schema of {name!r}: {error}") from None
        if isinstance(test, RowTest):
            yield test


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # no rule about the values of a row asks what time it is
