"""Requests and answers of any shape in JSON: a body with places for the data, and paths to what is read."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from assay.errors import DataError, UsageError, nearest

__all__ = ["DEFAULT", "at_path", "filled", "one_by_one", "plain_rows", "refuse_template"]

DEFAULT: Mapping[str, str] = {"instances": "$records"}
PLACES = ("$records", "$rows", "$columns", "$record", "$row")
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+|\*)\]")


def filled(template: object, frame: pl.DataFrame) -> object:
    """Return a request's body: the template, in which texts that name the data are the data.

    >>> filled({"inputs": "$rows", "names": "$columns"}, pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}))
    {'inputs': [[1, 'x'], [2, 'y']], 'names': ['a', 'b']}
    """
    if isinstance(template, Mapping):
        return {key: filled(value, frame) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [filled(value, frame) for value in template]
    if template == "$columns":
        return list(frame.columns)
    if template in ("$rows", "$row"):
        rows = [list(row) for row in frame.rows()]
        return rows if template == "$rows" else rows[0]
    if template in ("$records", "$record"):
        records = frame.to_dicts()
        return records if template == "$records" else records[0]
    return template


def _texts(template: object) -> list[str]:
    if isinstance(template, Mapping):
        return [text for value in template.values() for text in _texts(value)]
    if isinstance(template, list | tuple):
        return [text for value in template for text in _texts(value)]
    return [template] if isinstance(template, str) else []


def refuse_template(template: object) -> None:
    """Raise UsageError where a template has no place for the data, or one that there is not."""
    texts = [text for text in _texts(template) if text.startswith("$")]
    for text in texts:
        if text not in PLACES:
            raise UsageError(f"the request has {text!r}, which stands for nothing", hint=nearest(text, PLACES))
    if not set(texts) - {"$columns"}:
        raise UsageError(
            "the request has no place for the rows", hint=f"one of its texts is one of {', '.join(PLACES)}"
        )


def one_by_one(template: object) -> bool:
    """Return whether a request holds one row."""
    return bool({"$record", "$row"} & set(_texts(template)))


def plain_rows(frame: pl.DataFrame, *, model: str) -> pl.DataFrame:
    """Return rows that JSON can hold: NaN is null, a Decimal a float.

    Raises DataError where a number is infinite, which JSON has no word for.
    """
    floats = [name for name, dtype in frame.schema.items() if dtype.is_float()]
    endless = [name for name in floats if frame.get_column(name).is_infinite().any()]
    if endless:
        raise DataError(
            f"{', '.join(map(repr, endless))} hold infinite numbers, which JSON has no word for", place=model
        )
    decimals = [name for name, dtype in frame.schema.items() if dtype.is_decimal()]
    return frame.with_columns(pl.col(floats).fill_nan(None), pl.col(decimals).cast(pl.Float64))


def at_path(answer: object, path: str, *, place: str) -> object:
    """Return what stands at a path of an answer; `[*]` takes it of every element.

    >>> at_path({"results": [{"p": 0.5}, {"p": 0.75}]}, "results[*].p", place="")
    [0.5, 0.75]

    Raises UsageError for a path that cannot be read, DataError where the answer has no such place.
    """
    steps, end = [], 0
    for found in _STEP.finditer(path):
        if found.start() != end:
            break
        steps.append(found[1] if found[1] is not None else found[2] if found[2] == "*" else int(found[2]))
        end = found.end()
    if end != len(path):
        raise UsageError(
            f"the path {path!r} cannot be read at {path[end:]!r}", hint="such as predictions, or results[*].score"
        )
    return _walk(answer, steps, path, place)


def _walk(answer: object, steps: list[str | int], path: str, place: str) -> object:
    for number, step in enumerate(steps):
        if step == "*":
            if not isinstance(answer, list):
                raise DataError(f"the answer has no list at {path!r}: {_glance(answer)}", place=place)
            return [_walk(each, steps[number + 1 :], path, place) for each in answer]
        listed = isinstance(step, int) and isinstance(answer, list) and step < len(answer)
        if not (listed or (isinstance(answer, Mapping) and step in answer)):
            raise DataError(f"the answer has nothing at {path!r}: there is {_glance(answer)}", place=place)
        answer = answer[step]  # type: ignore[index]  # it has one, as was just seen
    return answer


def _glance(answer: object) -> str:
    if isinstance(answer, Mapping):
        return "an object of " + (", ".join(map(repr, list(answer)[:8])) or "nothing")
    if isinstance(answer, list):
        return f"a list of {len(answer)}"
    return repr(answer)[:80]
