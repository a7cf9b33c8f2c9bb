"""Findings as files: loading them with a clear word about what does not fit, and the JSON Schema of their format."""

from __future__ import annotations

from inspect import cleandoc
from pathlib import Path

import msgspec

from assay.codec import convert, dump_json, json_schema, read_text, refuse_other_format
from assay.errors import ConfigError
from assay.verdict import FORMAT, Findings, Verdict

__all__ = ["SCHEMA_ID", "findings_schema", "load_findings", "read_findings"]

KIND = "assay.findings"
SCHEMA_ID = f"urn:assay:findings:{FORMAT}"


def load_findings(path: str | Path) -> Findings:
    """Return the findings of a JSON file.

    Raises `UsageError` where there is no such file, and `ConfigError` with file and place where it is not JSON, not
    findings, of a newer format, or has a field that does not fit.
    """
    return read_findings(read_text(path), file=str(path))


def read_findings(text: str, *, file: str = "<text>") -> Findings:
    """Return the findings that JSON text holds; see `load_findings`."""
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ConfigError(
            f"this is not JSON: {error}", place=file, hint="findings are written by: assay check … --format json"
        ) from None
    _recognize(value, file)
    try:
        return convert(value, Findings, file=file)
    except ConfigError as error:
        known = ", ".join(verdict.value for verdict in Verdict)
        hint = (
            f"a verdict is one of {known}"
            if "enum value" in error.message
            else "the file was not written by assay, or was changed since"
        )
        raise ConfigError(error.message, place=error.place, hint=error.hint or hint) from None


def _recognize(value: object, file: str) -> None:
    if not isinstance(value, dict) or value.get("kind") != KIND:
        found = f"kind is {value['kind']!r}" if isinstance(value, dict) and "kind" in value else "no kind is given"
        raise ConfigError(
            f"these are not findings: {found}; expected {KIND!r}",
            place=f"{file}: kind",
            hint="give a file that assay check … --format json wrote",
        )
    refuse_other_format(value.get("format"), FORMAT, place=f"{file}: format", older="write the findings again")


def findings_schema() -> str:
    """Return the JSON Schema (draft 2020-12) of findings, as text."""
    schema = json_schema(Findings)
    for definition in schema["$defs"].values():
        if "description" in definition:
            definition["description"] = cleandoc(definition["description"])
    top = schema["$defs"]["Findings"]
    top["properties"] |= {"format": {"const": FORMAT}, "kind": {"const": KIND}}
    top["required"] += ["format", "kind"]
    return dump_json({"$schema": schema.pop("$schema"), "$id": SCHEMA_ID, "title": "Findings of Assay", **schema})
