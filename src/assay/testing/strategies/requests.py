"""Bodies of requests to a served model, as its clients send them, and bodies that it has to refuse."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import polars as pl

from assay.data.kinds import Kind, kind_of
from assay.errors import UsageError, member, require
from assay.evaluation.models.templates import DEFAULT, filled, plain_rows, refuse_template
from assay.testing.rows import Rows
from assay.testing.strategies.drawing import Heights, drawn_rows
from assay.testing.strategies.edge_cases import EdgeCases
from assay.testing.strategies.frames import pool_from
from assay.testing.strategies.pools import Pool

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["BODIES", "MISTAKES", "BadBody", "Mistake", "bad_bodies", "request_bodies"]

Body: TypeAlias = dict[str, Any]
Protocol = Literal["v2", "mlflow", "json"]


def request_bodies(
    source: object, /, *, protocol: Protocol = "v2", request: object = None, edits: int = 1, rows: Heights = (1, 5),
    columns: Sequence[str] = (),
) -> SearchStrategy[Body]:  # fmt: skip
    """Return a strategy of bodies as a client sends them, of rows like the source's, with at most `edits` edge cases.

    - `protocol`: "v2" (Open Inference Protocol: a tensor of the shape [n, 1] for each column), "mlflow" (`dataframe_split`), or "json".
    - `request`: of "json", the body as a template, in which a text stands for the data: "$records", "$rows", "$columns", "$record"
      or "$row" (one row). Default: `{"instances": "$records"}`.
    - `source`, `columns`: as in `rows_like`. Leave the label out with `columns`.

    A body holds what JSON can: missing values and NaN are null, instants and decimals texts and numbers; no number is infinite.

    >>> from hypothesis import find
    >>> people = pl.DataFrame({"age": [40, 18], "city": ["Rome", "Oslo"]})
    >>> body = find(request_bodies(people), lambda body: True)
    >>> [(one["name"], one["shape"], one["datatype"], one["data"]) for one in body["inputs"]]
    [('age', [1, 1], 'INT64', [40]), ('city', [1, 1], 'BYTES', ['Rome'])]
    """
    made = member(BODIES, protocol, what="protocol")
    template = _template(protocol, request)
    pool = _sendable(pool_from(source, columns=columns, kind="polars"))
    return drawn_rows(
        pool, rows=rows, edits=edits, made=lambda drawn: made(_plain(drawn), template), name="request_bodies"
    )


@dataclass(frozen=True)
class BadBody:
    """A body that a service has to refuse with a status of 4xx, and what is wrong with it."""

    what: str
    body: object


def bad_bodies(
    source: object, /, *, protocol: Protocol = "v2", request: object = None, columns: Sequence[str] = (),
    only: Sequence[str] = (),
) -> SearchStrategy[BadBody]:  # fmt: skip
    """Return a strategy of bodies with one mistake each: a good body of rows like the source's, broken in a way that is named.

    `only` names some of `MISTAKES`; the others are those that the protocol can make. What a service must answer to each is a status
    of 4xx: never 200 with a figure, never 500.

    >>> from hypothesis import find
    >>> find(bad_bodies(pl.DataFrame({"age": [40]}), only=["no data at all"]), lambda bad: True).body
    {}
    """
    st = require("hypothesis.strategies", extra="testing")
    fitting = {name: one for name, one in MISTAKES.items() if protocol in one.protocols}
    chosen = {name: member(fitting, name, what="mistake") for name in only} or fitting
    good = request_bodies(source, protocol=protocol, request=request, edits=0, rows=(1, 3), columns=columns)

    def broken(drawn: tuple[Body, str]) -> BadBody:
        return BadBody(drawn[1], chosen[drawn[1]].make(copy.deepcopy(drawn[0])))

    found: SearchStrategy[BadBody] = st.tuples(good, st.sampled_from(list(chosen))).map(broken)
    return found


# Good bodies.


def _v2(frame: pl.DataFrame, template: object) -> Body:
    return {"inputs": [_tensor(frame.get_column(name)) for name in frame.columns]}


_DATATYPES = {
    pl.Int8: "INT8", pl.Int16: "INT16", pl.Int32: "INT32", pl.Int64: "INT64", pl.UInt8: "UINT8", pl.UInt16: "UINT16",
    pl.UInt32: "UINT32", pl.UInt64: "UINT64", pl.Float32: "FP32", pl.Float64: "FP64", pl.Boolean: "BOOL",
}  # fmt: skip


def _tensor(values: pl.Series) -> Body:
    word = _DATATYPES.get(type(values.dtype), "BYTES")
    return {"name": values.name, "shape": [len(values), 1], "datatype": word, "data": values.to_list()}


def _filled(frame: pl.DataFrame, template: object) -> Body:
    body = filled(template, frame)
    if not isinstance(body, dict):
        return {"instances": body}
    return body


BODIES: Mapping[str, Callable[[pl.DataFrame, object], Body]] = {"v2": _v2, "mlflow": _filled, "json": _filled}
_SPLIT = {"dataframe_split": {"columns": "$columns", "data": "$rows"}}


def _template(protocol: str, request: object) -> object:
    if request is not None and protocol != "json":
        raise UsageError(f"request= is for protocol 'json'; {protocol!r} has a body of its own", hint="leave it out")
    if request is not None:
        refuse_template(request)
        return request
    return _SPLIT if protocol == "mlflow" else dict(DEFAULT)


def _plain(rows: Rows) -> pl.DataFrame:
    """Return rows as JSON can hold them: instants and spans as ISO texts, categories as texts."""
    frame = plain_rows(rows.frame, model="the request")
    texts = [
        name for name, dtype in frame.schema.items() if kind_of(dtype).is_temporal or kind_of(dtype) is Kind.CATEGORY
    ]
    return frame.with_columns([_text(frame.get_column(name)) for name in texts])


def _text(values: pl.Series) -> pl.Series:
    form = "iso" if values.dtype.is_temporal() else None
    return values.dt.to_string(form) if form else values.cast(pl.String)


def _sendable(pool: Pool) -> Pool:
    """Return a pool without what JSON has no word for: infinite numbers; refuse columns of bytes and of nested values."""
    frame = pool.rows.frame
    kept = pool.order
    edges: dict[str, EdgeCases] = {}
    for name, cases in pool.edges.items():
        dtype = frame.schema[name]
        if kind_of(dtype) in (Kind.BINARY, Kind.OTHER):
            raise UsageError(
                f"{name!r} holds {kind_of(dtype).value} values, which JSON does not", hint="leave it out with columns="
            )
        endless = cases.values.is_infinite() if dtype.is_float() else pl.Series([False] * len(cases))
        edges[name] = cases.only(~endless.fill_null(value=False))
        if dtype.is_float():
            finite = ~frame.get_column(name).is_infinite().fill_null(value=False)
            kept = kept[finite.to_numpy()[kept]]
    if not len(kept):
        raise UsageError("every row holds an infinite number, which JSON has no word for", hint="give other rows")
    return Pool(pool.rows, edges, kept, pool.limits, pool.fillers)


# Mistakes.


@dataclass(frozen=True)
class Mistake:
    """A way to break a good body: what is made of it, and the protocols that have it."""

    make: Callable[[Body], object]
    protocols: tuple[str, ...] = ("v2", "mlflow", "json")


def _split(body: Body, change: Callable[[Body], object]) -> Body:
    change(body["dataframe_split"])
    return body


def _first(body: Body, **changed: object) -> Body:
    body["inputs"][0].update(changed)
    return body


def _without_tensor(body: Body) -> Body:
    return {**body, "inputs": body["inputs"][1:]}


def _ragged(body: Body) -> Body:
    return _split(body, lambda split: split["data"].append([]))


def _unknown_column(body: Body) -> Body:
    return _split(body, lambda split: split["columns"].__setitem__(0, "no such column"))


def _lost_column(body: Body) -> Body:
    def lose(split: Body) -> None:
        split["columns"] = split["columns"][1:]
        split["data"] = [row[1:] for row in split["data"]]

    return _split(body, lose)


def _short(body: Body) -> Body:
    one = body["inputs"][0]
    return _first(body, shape=[one["shape"][0] + 1, 1])


def _emptied(body: Body) -> Body:
    return dict.fromkeys(body)


def _renamed(body: Body) -> Body:
    return {f"no {key}": value for key, value in body.items()}


MISTAKES: Mapping[str, Mistake] = {
    "no data at all": Mistake(lambda body: {}),
    "a list in place of an object": Mistake(lambda body: [body]),
    "a text in place of an object": Mistake(str),
    "null": Mistake(lambda body: None),
    "other keys": Mistake(_renamed),
    "null in place of the data": Mistake(_emptied),
    "a tensor is missing": Mistake(_without_tensor, ("v2",)),
    "a shape that does not fit the data": Mistake(_short, ("v2",)),
    "a negative shape": Mistake(lambda body: _first(body, shape=[-1, 1]), ("v2",)),
    "a datatype that there is not": Mistake(lambda body: _first(body, datatype="FP7"), ("v2",)),
    "a tensor without a name": Mistake(lambda body: _first(body, name=None), ("v2",)),
    "data that is no list": Mistake(lambda body: _first(body, data="all of it"), ("v2",)),
    "a row of another length": Mistake(_ragged, ("mlflow",)),
    "a column that there is not": Mistake(_unknown_column, ("mlflow",)),
    "a column is missing": Mistake(_lost_column, ("mlflow",)),
}  # fmt: skip
