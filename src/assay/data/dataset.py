"""A dataset: where rows come from, what their columns are for, and what identifies them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import msgspec
import polars as pl

from assay.data.kinds import Kind, kind_of
from assay.errors import DataError, UsageError, nearest
from assay.verdict import Mark

__all__ = ["Dataset", "Roles"]


class Roles(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What columns are for. Each name must be a column of the dataset that it is used with."""

    id: tuple[str, ...] = ()
    time: str | None = None
    label: str | None = None
    prediction: str | None = None
    sensitive: tuple[str, ...] = ()
    split: str | None = None

    def names(self) -> tuple[str, ...]:
        """Return every column that has a role."""
        single = (self.time, self.label, self.prediction, self.split)
        return (*self.id, *(name for name in single if name is not None), *self.sensitive)


@dataclass(frozen=True)
class Dataset:
    """A table under test: a lazy plan of its rows, column roles, and a fingerprint.

    Make one with `assay.dataset(...)`. `open` returns a fresh lazy plan each time it is called; nothing is read
    before an engine scans it. `fingerprint` identifies the content as far as `assay.data.fingerprint` says.
    `notes` are what a person should know about how it was read ("'age': read as missing: 'NA' (2)").

    >>> data = Dataset(name="toy", source="a frame", open=lambda: pl.LazyFrame({"age": [1, 2]}), fingerprint="")
    >>> list(data.columns)
    ['age']
    """

    name: str
    source: str
    open: Callable[[], pl.LazyFrame]
    fingerprint: str = ""
    roles: Roles = field(default_factory=Roles)
    part: str = "current"
    n_rows: int | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def schema(self) -> Mapping[str, pl.DataType]:
        """Return the column names, in order, with their Polars types; raise `DataError` where they can't be read."""
        try:
            return dict(self.open().collect_schema())
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise DataError(f"the columns cannot be read: {first_line(error)}", place=self.source) from None

    @property
    def columns(self) -> Mapping[str, Kind]:
        """Return the column names, in order, with their kinds."""
        return {name: kind_of(dtype) for name, dtype in self.schema.items()}

    def scan(self) -> pl.LazyFrame:
        """Return the lazy plan of the rows, in their order."""
        return self.open()

    def with_roles(self, roles: Roles) -> Dataset:
        """Return the same dataset with these roles; raise `UsageError` where one names a column that is not there."""
        self.refuse_unknown(roles.names())
        return replace(self, roles=roles)

    def refuse_unknown(self, columns: Iterable[str]) -> None:
        """Raise `UsageError`, with the nearest name, where a column is not there."""
        for name in columns:
            if name not in self.schema:
                raise UsageError(f"{self.name} has no column {name!r}", hint=nearest(name, self.schema))

    def mark(self, rows: int | None = None) -> Mark:
        """Return what identifies this dataset in findings."""
        seen = self.n_rows if rows is None else rows
        return Mark(
            self.name,
            self.source,
            self.fingerprint,
            rows=seen,
            columns=len(self.schema),
            part=self.part,
            notes=self.notes,
        )


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, without a full stop at its end."""
    text = str(error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__
