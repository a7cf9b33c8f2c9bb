"""Typed, strict load and dump: YAML for people, JSON for machines; every error has a file and a place.

YAML is read by the rules of YAML 1.2's core schema (https://yaml.org/spec/1.2.2/, chapter 10.3), so that
`on` and `no` are words and `1e-4` is a number; beyond it, an unquoted ISO 8601 date or instant is a date or
an instant. A number with a point is kept as the exact Decimal that was written.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import types
import typing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec

from assay.errors import ConfigError, UsageError, nearest

__all__ = [
    "atomic",
    "convert",
    "dump_json",
    "dump_yaml",
    "format_duration",
    "json_schema",
    "line_of",
    "load_yaml",
    "parse_duration",
    "plain",
    "read_text",
]

T = TypeVar("T")
MOST_VALUES = 200_000

_INT = re.compile(r"[-+]?(?:[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_SPECIAL = {".inf": "Infinity", "+.inf": "Infinity", "-.inf": "-Infinity", ".nan": "NaN"}
_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[-+]\d\d:?\d\d)?\Z")
_DURATION = re.compile(r"(-?)((?:\d+(?:\.\d+)?(?:ms|us|[wdhms]))+)\Z")
_UNITS = {
    "w": 604_800_000_000,
    "d": 86_400_000_000,
    "h": 3_600_000_000,
    "m": 60_000_000,
    "s": 1_000_000,
    "ms": 1_000,
    "us": 1,
}


def scalar(text: str) -> Any:
    """Return the value that an unquoted YAML scalar stands for.

    >>> [scalar(t) for t in ("on", "no", "1e-4", "0x1F", "true", "2013-01-01", "-")]
    ['on', 'no', Decimal('0.0001'), 31, True, datetime.date(2013, 1, 1), '-']
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text, 0) if text.lstrip("+-").lower().startswith(("0x", "0o")) else int(text)
    if text.lower() in _SPECIAL:
        return Decimal(_SPECIAL[text.lower()])
    if _FLOAT.match(text):
        return Decimal(text)
    try:
        if _DATE.match(text):
            return date.fromisoformat(text)
        if _INSTANT.match(text):
            return datetime.fromisoformat(text)
    except ValueError:
        return text
    return text


def read_text(path: str | Path) -> str:
    """Return a file's text; raise `UsageError` where it cannot be read, `ConfigError` where it is not UTF-8."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError("there is no such file", place=str(path)) from None
    except IsADirectoryError:
        raise UsageError("this is a folder; a file is expected", place=str(path)) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"byte {error.start} is not UTF-8", place=str(path), hint="save the file as UTF-8") from None
    except OSError as error:
        raise UsageError(f"the file cannot be read: {error.strerror}", place=str(path)) from None


def load_yaml(text: str, kind: type[T], *, file: str = "<text>") -> T:
    """Return YAML text as a value of `kind`; raise `ConfigError` with file, line and key where it does not fit."""
    import yaml

    try:
        node = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"this is not YAML: {error.problem}", place=f"{file}:{line}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"this is not YAML: {error}", place=file) from None
    lines: dict[str, int] = {}
    value = _build(node, "$", lines, file) if node is not None else {}
    return convert(value, kind, file=file, lines=lines)


def refuse_other_format(written: object, known: int, *, place: str, older: str) -> None:
    """Raise `ConfigError` where a file was written in another format than is read; `older` is the way out of an older one.

    >>> refuse_other_format(2, 1, place="p.json: format", older="profile the data again")
    Traceback (most recent call last):
    assay.errors.ConfigError: p.json: format: format is 2; this assay reads format 1; install a newer assay
    """
    if written != known:
        way = "install a newer assay" if isinstance(written, int) and written > known else older
        raise ConfigError(f"format is {written!r}; this assay reads format {known}", place=place, hint=way)


def line_of(text: str, path: Sequence[str]) -> int:
    r"""Return the line of a path of keys in YAML text, or of as much of it as there is; the first line is 1.

    >>> line_of("a:\n  b: 1\n", ["a", "b"])
    2
    """
    import yaml

    node, line = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)), 1
    for key in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next(((k, v) for k, v in pairs if getattr(k, "value", None) == key), None)
        if found is None:
            break
        node, line = found[1], found[0].start_mark.line + 1
    return line


def _build(node: Any, path: str, lines: dict[str, int], file: str, inside: tuple[int, ...] = ()) -> Any:
    lines[path] = node.start_mark.line + 1
    if len(lines) > MOST_VALUES:
        raise ConfigError(
            f"the file and its aliases hold more than {MOST_VALUES:,} values", place=f"{file}:{lines[path]}"
        )
    if id(node) in inside:
        raise ConfigError("an alias contains itself", place=f"{file}:{lines[path]}")
    inside = (*inside, id(node))
    if node.id == "scalar":
        return scalar(node.value) if node.style in (None, "") else node.value
    if node.id == "sequence":
        return [_build(item, f"{path}[{i}]", lines, file, inside) for i, item in enumerate(node.value)]
    built: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if key_node.id != "scalar":
            raise ConfigError("a key is a list or a mapping; keys are words", place=f"{file}:{line}")
        key = key_node.value
        if key in built:
            raise ConfigError(f"the key {key!r} stands twice", place=f"{file}:{line}", hint="keep one of them")
        built[key] = _build(value_node, f"{path}.{key}", lines, file, inside)
        lines[f"{path}.{key}"] = line
    return built


def convert(value: Any, kind: type[T], *, file: str = "<value>", lines: dict[str, int] | None = None) -> T:
    """Return plain data as a value of `kind`, strictly: unknown keys and wrong types are a `ConfigError`."""
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `")
        path, hint = path.rstrip("`") or "$", ""
        if unknown := re.match(r"Object contains unknown field `(.*)`\Z", message):
            message, hint = f"there is no key {unknown[1]!r}", _known_keys(unknown[1], kind, path)
            path = f"{path}.{unknown[1]}"
        path = _written(path, lines or {})
        line = _line(path, lines or {})
        where = path.removeprefix("$").lstrip(".")
        raise ConfigError(
            _worded(message), place=file + (f":{line}" if line else "") + (f": {where}" if where else ""), hint=hint
        ) from None


def _written(path: str, lines: dict[str, int]) -> str:
    """Return a path with the keys that stand in the file in place of the `[...]` that msgspec writes for them."""
    if "[...]" not in path:
        return path
    pattern = re.compile(re.escape(path).replace(re.escape("[...]"), r"\.[^.\[]+") + r"\Z")
    return next((known for known in lines if pattern.match(known)), path.replace("[...]", ".*"))


def _known_keys(key: str, kind: Any, path: str) -> str:
    """Return the hint that names the keys of the record at a path, where it can be told which record that is."""
    for step in re.findall(r"\.([^.\[]+)|\[", path.removeprefix("$").replace("[...]", "[]")):
        kind = _inside(kind, step)
    record = next(
        (k for k in (kind, *typing.get_args(kind)) if isinstance(k, type) and issubclass(k, msgspec.Struct)), None
    )
    return nearest(key, record.__struct_encode_fields__) if record is not None else ""


def _inside(kind: Any, step: str) -> Any:
    choices = typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)
    for choice in choices:
        if isinstance(choice, type) and issubclass(choice, msgspec.Struct) and step in choice.__struct_encode_fields__:
            return typing.get_type_hints(choice)[
                dict(zip(choice.__struct_encode_fields__, choice.__struct_fields__, strict=True))[step]
            ]
        if typing.get_origin(choice) is not None:
            return next((a for a in reversed(typing.get_args(choice)) if a is not Ellipsis), Any)
    return Any


def _line(path: str, lines: dict[str, int]) -> int | None:
    while path:
        if path in lines:
            return lines[path]
        path = path[: max(path.rfind("."), path.rfind("["))] if max(path.rfind("."), path.rfind("[")) > 0 else ""
    return lines.get("$")


_TYPES = {
    "int": "a whole number", "float": "a number", "decimal": "a number", "str": "a text", "bool": "true or false",
    "array": "a list", "object": "a mapping", "null": "nothing", "date": "a date", "datetime": "an instant", "time": "a time",
}  # fmt: skip


def _worded(message: str) -> str:
    """Return msgspec's words of a value that does not fit in those of a person who wrote it.

    >>> _worded("Expected `int | null`, got `str`")
    'expected a whole number or nothing, got a text'
    """
    found = re.match(r"Expected `([\w| ]+)`, got `(\w+)`\Z", message)
    if found is None:
        return (message[:1].lower() + message[1:] if message.startswith("Expected") else message).replace("`", "'")
    wanted = dict.fromkeys(_TYPES.get(word.strip(), word.strip()) for word in found[1].split("|"))
    return f"expected {' or '.join(wanted)}, got {_TYPES.get(found[2], found[2])}"


def dump_json(value: Any, *, indent: int = 2) -> str:
    """Return a value as JSON: sorted by field, not-a-number as null, with a newline at the end."""
    raw = msgspec.json.encode(value, enc_hook=_encode)
    return (msgspec.json.format(raw, indent=indent) if indent else raw).decode() + "\n"


def _encode(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)


def dump_yaml(value: Any) -> str:
    """Return plain data (see `plain`) as YAML that `load_yaml` reads back to the same value.

    Strings that would be read as something else are quoted; short lists stand on one line.

    >>> print(dump_yaml({"domain": ["on", "1"], "at_most": Decimal("1.10")}), end="")
    domain: [on, "1"]
    at_most: 1.10
    """
    return "".join(_lines(value, 0))


def _lines(value: Any, depth: int) -> Iterator[str]:
    pad = "  " * depth
    if isinstance(value, dict) and value:
        for key, item in value.items():
            shown = _flow(item)
            if shown is not None and len(pad) + len(str(key)) + len(shown) < 118:
                yield f"{pad}{_key(str(key))}: {shown}\n"
            else:
                yield f"{pad}{_key(str(key))}:\n"
                yield from _lines(item, depth + 1)
    elif isinstance(value, list | tuple) and value:
        for item in value:
            shown = _flow(item)
            if shown is not None and len(pad) + len(shown) < 116:
                yield f"{pad}- {shown}\n"
            else:
                block = "".join(_lines(item, depth + 1))
                yield f"{pad}- {block[len(pad) + 2 :]}"
    else:
        yield f"{pad}{_flow(value)}\n"


def _flow(value: Any) -> str | None:
    """Return the one-line form of a leaf, a list of leaves, or a small mapping of them; None where there is none."""
    if isinstance(value, list | tuple):
        parts = [_scalar_text(v) if not isinstance(v, dict | list | tuple) else None for v in value]
        return None if any(p is None for p in parts) else "[" + ", ".join(str(p) for p in parts) + "]"
    if isinstance(value, dict):
        items = {k: _flow(v) for k, v in value.items()}
        if not value:
            return "{}"
        if len(items) > 4 or any(v is None or isinstance(value[k], dict) for k, v in items.items()):
            return None
        return "{" + ", ".join(f"{_key(str(k))}: {v}" for k, v in items.items()) + "}"
    return _scalar_text(value)


def _scalar_text(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float | Decimal):
        return _number_text(Decimal(repr(value)) if isinstance(value, float) else value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return format_duration(value)
    return _key(str(value))


def _number_text(value: Decimal) -> str:
    if not value.is_finite():
        return ".nan" if value.is_nan() else (".inf" if value > 0 else "-.inf")
    text = str(value)
    return text if _FLOAT.match(text) and not _INT.match(text) else f"{text}.0"


# What YAML 1.2 does not let stand as it is (chapter 5.1), and the line separators that editors break lines at.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_PLAIN = re.compile(r"[A-Za-z_\u00a1-\uffff][\w \-./+@$%^()\u00a1-\uffff]*\Z")


def _key(text: str) -> str:
    if _PLAIN.match(text) and text == text.strip() and isinstance(scalar(text), str) and not text.endswith(":"):
        return text
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def plain(value: Any) -> Any:
    """Return a typed value as dicts, lists and leaves, keeping Decimal, dates and instants as they are."""
    return msgspec.to_builtins(value, builtin_types=(Decimal, datetime, date, time, timedelta), enc_hook=_encode)


def json_schema(kind: type) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a typed record."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **msgspec.json.schema(kind, schema_hook=lambda _: {}),
    }


def parse_duration(text: str) -> timedelta:
    """Return a duration written as `90s`, `5m`, `24h`, `7d`, `1h30m`; raise ValueError with the rule otherwise.

    >>> parse_duration("1h30m")
    datetime.timedelta(seconds=5400)
    """
    match = _DURATION.match(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a duration; write a number and w, d, h, m, s, ms or us, such as 5m or 1h30m")
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|us|[wdhms])", match[2])
    micros = sum(Decimal(number) * _UNITS[unit] for number, unit in parts)
    return timedelta(microseconds=int(micros) * (-1 if match[1] else 1))


def format_duration(value: timedelta) -> str:
    """Return a duration as `parse_duration` reads it.

    >>> format_duration(timedelta(hours=25, seconds=1))
    '1d1h1s'
    """
    micros = value // timedelta(microseconds=1)
    parts = []
    rest = abs(micros)
    for unit in ("d", "h", "m", "s", "ms", "us"):
        count, rest = divmod(rest, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return ("-" if micros < 0 else "") + ("".join(parts) or "0s")


@contextmanager
def atomic(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file for writing that appears under its name whole, or not at all; make its folder where there is none.

    Raises `UsageError` where the folder cannot be made or written.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    except OSError as error:
        raise UsageError(f"cannot write here: {error.strerror}", place=str(path)) from None
    try:
        with open(handle, mode, encoding=None if "b" in mode else "utf-8") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
