"""The check of JSON documents in texts against a JSON Schema. Missing values are not judged here."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from assay.checks.check import Arguments, CannotJudge, Check, Context, RowTest, Rule, rules
from assay.codec import read_text
from assay.data.kinds import Kind
from assay.data.names import col as column
from assay.errors import require

__all__ = ["RULES", "JsonSchema"]


class JsonSchema(Arguments, frozen=True):
    """The schema that documents must fit: its JSON text, or the path of a file that holds it."""

    schema: str


def _json_schema(check: Check, context: Context) -> RowTest:
    told, name = check.arguments, check.columns[0]
    assert isinstance(told, JsonSchema)
    written = told.schema if told.schema.lstrip().startswith("{") else read_text(told.schema)
    fits = _validator(written, told.schema)
    failing = column(name).map_batches(partial(_failing, fits), return_dtype=pl.Boolean)
    shown = "the schema" if written is told.schema else Path(told.schema).name
    return RowTest(failing, f"JSON that fits {shown}", judged=column(name).is_not_null(), show=(name,))


def _validator(written: str, place: str) -> Any:
    """Return jsonschema's validator of a schema; raise `CannotJudge` where it is no JSON, or no schema."""
    jsonschema = require("jsonschema", extra="json")
    try:
        schema = msgspec.json.decode(written)
        kind = jsonschema.validators.validator_for(schema)
        kind.check_schema(schema)
    except msgspec.DecodeError as error:
        raise CannotJudge(f"the schema is not JSON: {error}", place=place[:80]) from None
    except jsonschema.exceptions.SchemaError as error:
        raise CannotJudge(f"this is no JSON Schema: {error.message}", place=place[:80]) from None
    return kind(schema)


def _failing(validator: Any, texts: pl.Series) -> pl.Series:
    """Return which texts do not fit. Each different text is read once: the validator is Python's, some 50,000 a second."""
    values = pl.Series("value", texts, dtype=pl.String)
    different = values.unique().drop_nulls()
    broken = pl.Series("broken", [not _fits(validator, text) for text in different.to_list()], dtype=pl.Boolean)
    verdicts = pl.DataFrame({"value": different, "broken": broken})
    return values.to_frame().join(verdicts, on="value", how="left", maintain_order="left").get_column("broken")


def _fits(validator: Any, text: str) -> bool:
    try:
        return bool(validator.is_valid(msgspec.json.decode(text)))
    except msgspec.DecodeError:
        return False


RULES = rules(
    Rule(
        "json_schema",
        "text",
        "Texts are JSON documents that fit a JSON Schema.",
        _json_schema,
        JsonSchema,
        bare=("schema",),
        kinds=frozenset({Kind.TEXT, Kind.CATEGORY}),
    )
)
