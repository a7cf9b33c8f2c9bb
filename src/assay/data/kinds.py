"""The kinds of column: what a check or a statistic may assume about values, whatever file they came from."""

from __future__ import annotations

from enum import Enum

import polars as pl

__all__ = ["Kind", "kind_of"]


class Kind(Enum):
    """What the values of a column are."""

    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    TEXT = "text"
    CATEGORY = "category"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    DURATION = "duration"
    BINARY = "binary"
    LIST = "list"
    STRUCT = "struct"
    NULL = "null"
    OTHER = "other"

    @property
    def is_number(self) -> bool:
        """Return whether the values can be added up."""
        return self in (Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL)

    @property
    def is_instant(self) -> bool:
        """Return whether the values are points in time."""
        return self in (Kind.DATE, Kind.DATETIME)

    @property
    def is_temporal(self) -> bool:
        """Return whether the values are points or spans of time."""
        return self in (Kind.DATE, Kind.DATETIME, Kind.TIME, Kind.DURATION)

    @property
    def is_text(self) -> bool:
        """Return whether the values are words: free text or categories."""
        return self in (Kind.TEXT, Kind.CATEGORY)

    @property
    def is_nested(self) -> bool:
        """Return whether one value holds several."""
        return self in (Kind.LIST, Kind.STRUCT)


def kind_of(dtype: pl.DataType) -> Kind:
    """Return the kind of a Polars data type.

    >>> kind_of(pl.Int32()), kind_of(pl.Categorical())
    (<Kind.INTEGER: 'integer'>, <Kind.CATEGORY: 'category'>)
    """
    if dtype.is_integer():
        return Kind.INTEGER
    if dtype.is_float():
        return Kind.FLOAT
    if dtype.is_decimal():
        return Kind.DECIMAL
    if isinstance(dtype, pl.Array):
        return Kind.LIST
    return _KINDS.get(type(dtype), Kind.OTHER)


_KINDS: dict[type[pl.DataType], Kind] = {
    pl.Boolean: Kind.BOOLEAN,
    pl.String: Kind.TEXT,
    pl.Categorical: Kind.CATEGORY,
    pl.Enum: Kind.CATEGORY,
    pl.Date: Kind.DATE,
    pl.Datetime: Kind.DATETIME,
    pl.Time: Kind.TIME,
    pl.Duration: Kind.DURATION,
    pl.Binary: Kind.BINARY,
    pl.List: Kind.LIST,
    pl.Struct: Kind.STRUCT,
    pl.Null: Kind.NULL,
}
