"""A schema: what the columns of datasets have to be, as frozen data; written in YAML that a person edits.

It is inferred from a profile (`assay.profiles.infer`), compared with another (`assay.profiles.diff`), and judged by the
same checks as a suite (`assay.checks.of_schema`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec
import polars as pl

from assay.codec import (
    atomic,
    convert,
    dump_json,
    dump_yaml,
    json_schema,
    line_of,
    load_yaml,
    plain,
    read_text,
    refuse_other_format,
)
from assay.data.dataset import Roles
from assay.data.kinds import Kind
from assay.errors import ConfigError, UsageError, nearest

__all__ = [
    "FORMAT", "NUMBER", "DatasetSchema", "Field", "Schema", "dump_schema", "is_schema", "join_schemas", "kinds_of", "load_schema",
    "parse_schema", "save_schema", "schema_schema", "type_words",
]  # fmt: skip

FORMAT = 1
NUMBER = "number"  # what integers, floats and decimals are together
Role = Literal["", "id", "time", "label", "prediction", "sensitive", "split"]


class Field(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one column has to be. What is not said is not asked.

    `type` is a kind (`integer`, `text`, `number`, …) or a Polars type (`Int64`). A range is `between: [low, high]`, or
    one of `at_least`, `at_most` (inside it), `above`, `below` (outside it). `missing` are values that stand for a missing
    one. `missing_share_at_most` and `other_share_at_most` (rows outside `one_of`) are shares in [0, 1]. `rising` values
    never fall from row to row; `rising: strictly` forbids ties too. `only_in` and `not_in` name the environments that
    have the column. A `deprecated` column may be gone and only warns; a `planned` one is not judged yet.
    """

    type: str = ""
    required: bool = True
    missing_share_at_most: Decimal | int | float | None = None
    one_of: tuple[Any, ...] = ()
    other_share_at_most: Decimal | int | float = 0
    between: tuple[Any, Any] | None = None
    at_least: Any = None
    at_most: Any = None
    above: Any = None
    below: Any = None
    unique: bool = False
    rising: bool | Literal["strictly"] = False
    matches: str = ""
    length: tuple[int, int] | None = None
    missing: tuple[Any, ...] = ()
    role: Role = ""
    only_in: tuple[str, ...] = ()
    not_in: tuple[str, ...] = ()
    lifecycle: Literal["active", "deprecated", "planned"] = "active"
    description: str = ""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, float | list | tuple):
                msgspec.structs.force_setattr(self, name, _exact(value))
        if self.between is not None:
            low, high = self.between
            if (self.at_least, self.at_most) != (None, None):
                raise ValueError("between says at_least and at_most already; keep one of them")
            for name, value in (("at_least", low), ("at_most", high), ("between", None)):
                msgspec.structs.force_setattr(self, name, value)

    @property
    def bounds(self) -> dict[str, Any]:
        """Return the bounds of the range that are given, by their names."""
        names = ("at_least", "at_most", "above", "below")
        return {name: bound for name in names if (bound := getattr(self, name)) is not None}

    def in_environment(self, environment: str) -> bool:
        """Return whether the column belongs to an environment; with no environment, every column does."""
        if not environment:
            return True
        return environment not in self.not_in and (not self.only_in or environment in self.only_in)


def _exact(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(repr(value))
    return tuple(_exact(item) for item in value) if isinstance(value, list | tuple) else value


class DatasetSchema(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one dataset has to be: its columns, the columns that tell its rows apart, and whether others may be there.

    Each of `keys` is a list of columns that are never missing and never equal in two rows. With `ordered`, the columns
    stand in the order in which they are written here.
    """

    description: str = ""
    columns: dict[str, Field] = {}
    keys: tuple[tuple[str, ...], ...] = ()
    extra_columns: bool = True
    ordered: bool = False

    @property
    def roles(self) -> Roles:
        """Return what the columns are for."""
        by_role: dict[str, list[str]] = {}
        for name, field in self.columns.items():
            by_role.setdefault(field.role, []).append(name)
        one = {role: by_role.get(role, [None])[0] for role in ("time", "label", "prediction", "split")}
        return Roles(id=tuple(by_role.get("id", ())), sensitive=tuple(by_role.get("sensitive", ())), **one)

    @property
    def missing(self) -> dict[str, tuple[Any, ...]]:
        """Return for each column that has them the values that stand for a missing one."""
        return {name: field.missing for name, field in self.columns.items() if field.missing}


class Schema(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The schemas of datasets by name, and the environments (training, serving) in which they are used."""

    datasets: dict[str, DatasetSchema] = {}
    environments: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def dataset(self, name: str) -> DatasetSchema:
        """Return the schema of a dataset, or the only one there is; raise `UsageError` where that is not clear."""
        if name in self.datasets:
            return self.datasets[name]
        if len(self.datasets) == 1:
            return next(iter(self.datasets.values()))
        raise UsageError(f"the schema has no dataset {name!r}", hint=nearest(name, self.datasets))


class _Raw(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of a schema file before its columns are read."""

    datasets: dict[str, dict[str, Any]]
    format: int = FORMAT
    environments: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of a schema file."""

    format: int
    datasets: dict[str, DatasetSchema]
    environments: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def is_schema(path: object) -> bool:
    """Return whether a file is a schema: YAML whose top level has `datasets`; False where there is no such file."""
    if not str(path).endswith((".yaml", ".yml")) or not Path(str(path)).is_file():
        return False
    return any(line.startswith("datasets:") for line in read_text(str(path)).splitlines())


def load_schema(path: str | Path) -> Schema:
    """Return the schema in a YAML file; raise `ConfigError` with file, line and key where it breaks a rule."""
    return parse_schema(read_text(path), file=str(path))


def parse_schema(text: str, *, file: str = "<schema>") -> Schema:
    """Return the schema that YAML text describes; see `load_schema`."""
    head = load_yaml(text, dict[str, Any], file=file)
    place = _place(text, file, ("format",))
    refuse_other_format(head.get("format", FORMAT), FORMAT, place=place, older=f"write format: {FORMAT}")
    content = load_yaml(text, _Raw, file=file)
    datasets = {name: _read_dataset(told, text, file, name) for name, told in content.datasets.items()}
    schema = Schema(datasets=datasets, environments=content.environments, notes=content.notes)
    for path, message, hint in _faults(schema):
        raise ConfigError(message, place=_place(text, file, path), hint=hint)
    return schema


def _read_dataset(told: dict[str, Any], text: str, file: str, name: str) -> DatasetSchema:
    # Each column is read by itself, so that an error can name its line.
    columns = told.get("columns") or {}
    if not isinstance(columns, dict):
        place = _place(text, file, ("datasets", name, "columns"))
        raise ConfigError("the columns are no mapping", place=place, hint="write each as name: {type: integer}")
    fields = {}
    for column, field in columns.items():
        place = _place(text, file, ("datasets", name, "columns", column))
        fields[column] = convert({} if field is None else field, Field, file=place)
    whole = convert(
        {key: value for key, value in told.items() if key != "columns"},
        DatasetSchema,
        file=_place(text, file, ("datasets", name)),
    )
    return msgspec.structs.replace(whole, columns=fields)


def _place(text: str, file: str, path: Sequence[str]) -> str:
    """Return file, line and key of a path of keys in YAML text."""
    return f"{file}:{line_of(text, path)}: {'.'.join(path)}"


Fault = tuple[tuple[str, ...], str, str]


def _faults(schema: Schema) -> Iterator[Fault]:
    """Yield the rules that a schema breaks: the path of keys, what is wrong, and the way out."""
    for name, dataset in schema.datasets.items():
        at = ("datasets", name)
        for column, field in dataset.columns.items():
            for key, message, hint in _field_faults(field, schema.environments):
                yield (*at, "columns", column, key), message, hint
        for names in dataset.keys:
            unknown = next((column for column in names if column not in dataset.columns), None)
            if unknown is not None or not names:
                known = nearest(unknown or "", dataset.columns)
                yield (*at, "keys"), f"there is no column {unknown!r}" if names else "a key has no columns", known
        for role in ("time", "label", "prediction", "split"):
            holders = [column for column, field in dataset.columns.items() if field.role == role]
            if len(holders) > 1:
                yield (
                    (*at, "columns", holders[1], "role"),
                    f"{holders[0]!r} and {holders[1]!r} are both the {role}",
                    "keep one of them",
                )


def _field_faults(field: Field, environments: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    if field.type and not kinds_of(field.type):
        yield (
            "type",
            f"there is no type {field.type!r}",
            nearest(field.type, [*type_words(), *_types()], most=len(type_words())),
        )
    for key in ("missing_share_at_most", "other_share_at_most"):
        share = getattr(field, key)
        if share is not None and not 0 <= share <= 1:
            yield key, f"{share} is not a share; shares lie in [0, 1]", "one percent is 0.01"
    yield from _range_faults(field)
    if field.length is not None and not 0 <= field.length[0] <= field.length[1]:
        yield "length", f"{list(field.length)} is no range of lengths", "write [least, greatest]"
    if field.matches:
        try:
            pl.Series([""]).str.contains(field.matches)
        except pl.exceptions.ComputeError as error:
            yield (
                "matches",
                f"{field.matches!r} is not a regular expression: {str(error).splitlines()[0]}",
                "quote it with '…' so that \\ stays \\",
            )
    for key in ("only_in", "not_in"):
        unknown = next((name for name in getattr(field, key) if environments and name not in environments), None)
        if unknown is not None:
            yield key, f"there is no environment {unknown!r}", nearest(unknown, environments)


def _range_faults(field: Field) -> Iterator[tuple[str, str, str]]:
    for low_name, high_name in (
        ("at_least", "at_most"),
        ("at_least", "below"),
        ("above", "at_most"),
        ("above", "below"),
    ):
        low, high = getattr(field, low_name), getattr(field, high_name)
        if low is None or high is None:
            continue
        key = "between" if (low_name, high_name) == ("at_least", "at_most") else low_name
        try:
            if low > high:
                yield key, f"{low} is above {high}", "the lower bound comes first"
        except TypeError:
            yield key, f"{low!r} and {high!r} are of different types", "write both as the column's type"


@cache
def type_words() -> tuple[str, ...]:
    """Return the words for types of a column, of any engine: those of `Kind`, and `number`."""
    return (*(kind.value for kind in Kind if kind is not Kind.OTHER), NUMBER)


@cache
def _types() -> dict[str, Kind]:
    """Return the names of Polars types with the kind of each."""
    named = {
        "String": Kind.TEXT,
        "Utf8": Kind.TEXT,
        "Categorical": Kind.CATEGORY,
        "Enum": Kind.CATEGORY,
        "Array": Kind.LIST,
    }
    found: dict[str, Kind] = {}
    for name in dir(pl):
        kind = getattr(pl, name)
        if isinstance(kind, type) and issubclass(kind, pl.DataType) and kind is not pl.DataType:
            by_name = next((k for k in Kind if k.value == name.lower()), Kind.OTHER)
            number = Kind.INTEGER if kind.is_integer() else Kind.FLOAT if kind.is_float() else by_name
            found[name] = named.get(name, number)
    return found


def kinds_of(word: str) -> frozenset[Kind]:
    """Return the kinds of column that a type's word allows; none where there is no such type.

    >>> sorted(kind.value for kind in kinds_of("number")), kinds_of("Int64") == kinds_of("integer")
    (['decimal', 'float', 'integer'], True)
    """
    if word == NUMBER:
        return frozenset({Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL})
    if word in type_words():
        return frozenset({Kind(word)})
    kind = _types().get(word.partition("(")[0].strip())
    return frozenset() if kind is None else frozenset({kind})


def dump_schema(schema: Schema) -> str:
    """Return a schema as YAML that `parse_schema` reads back to the same schema."""
    content: dict[str, Any] = {"format": FORMAT}
    content |= {"notes": list(schema.notes)} if schema.notes else {}
    content |= {"environments": list(schema.environments)} if schema.environments else {}
    content["datasets"] = {name: _written(dataset) for name, dataset in schema.datasets.items()}
    return dump_yaml(content)


def _written(dataset: DatasetSchema) -> dict[str, Any]:
    told: Mapping[str, Any] = plain(dataset)
    written = {key: value for key, value in told.items() if key != "columns"}
    return {**written, "columns": {name: _field_written(field) for name, field in dataset.columns.items()}}


def _field_written(field: Field) -> dict[str, Any]:
    told: dict[str, Any] = plain(field)
    written: dict[str, Any] = {}
    for key, value in told.items():
        if key == "at_least" and "at_most" in told:
            written["between"] = [value, told["at_most"]]
        elif not (key == "at_most" and "at_least" in told):
            written[key] = value
    return written


def save_schema(schema: Schema, path: str | Path) -> None:
    """Write a schema as YAML, whole or not at all."""
    with atomic(path) as stream:
        stream.write(dump_schema(schema))


def join_schemas(schemas: Iterable[Schema]) -> Schema:
    """Return one schema with the datasets of all; raise `UsageError` where two datasets have the same name."""
    datasets: dict[str, DatasetSchema] = {}
    environments: dict[str, None] = {}
    notes: tuple[str, ...] = ()
    for schema in schemas:
        twice = next((name for name in schema.datasets if name in datasets), None)
        if twice is not None:
            raise UsageError(f"two datasets are called {twice!r}", hint="give them different names")
        datasets |= schema.datasets
        environments |= dict.fromkeys(schema.environments)
        notes += schema.notes
    return Schema(datasets=datasets, environments=tuple(environments), notes=notes)


def schema_schema() -> str:
    """Return the JSON Schema (draft 2020-12) of a schema file, as text."""
    schema = json_schema(_File)
    titled = {
        "$schema": schema.pop("$schema"),
        "$id": f"urn:assay:schema:{FORMAT}",
        "title": "A schema of Assay",
        **schema,
    }
    return dump_json(titled).replace('"_File"', '"File"').replace("/_File", "/File")
