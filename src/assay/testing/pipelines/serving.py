"""The interface of a served model: what it answers to rows, and what it answers to requests that are wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import AssayError, UsageError, nearest
from assay.evaluation.models import templates
from assay.evaluation.models.model import Output
from assay.evaluation.models.transport import Reply, Transport
from assay.testing.contract import Crashed, broken, contract, held, undecided
from assay.testing.outputs import differing, frame_of
from assay.testing.pipelines.counting import counted
from assay.testing.pipelines.pipeline import Pipeline
from assay.testing.pipelines.requests import body_of, inference_target, model_of, template_of
from assay.testing.pipelines.running import Run, answers, asked, built, model_rows
from assay.testing.pipelines.service import Service
from assay.testing.pipelines.ways import opened
from assay.testing.rows import Rows
from assay.verdict import Example, Outcome

__all__ = ["FAULTY", "Faulty", "serves"]

SHOWN = 12
MESSAGES = ("error", "message", "detail", "error_message", "msg", "errors")


@dataclass(frozen=True, eq=False)
class _Good:
    """A request that was answered, of which the wrong ones are made."""

    service: Service
    frame: pl.DataFrame
    body: bytes
    transport: Transport

    @property
    def parsed(self) -> Any:
        return json.loads(self.body)

    def of(self, frame: pl.DataFrame) -> bytes:
        """Return the body for other columns, of a protocol that has rows by the names of columns."""
        rows = templates.plain_rows(frame, model="it")
        return msgspec.json.encode(
            templates.filled(template_of(self.service), rows)
        )  # instants too, as the good ones are sent


@dataclass(frozen=True, slots=True)
class Faulty:
    """A request that is wrong. `make` returns its body, or None where it cannot be made. `refused`: it has to be refused.

    A request that need not be refused may be answered, but no request may be answered with a status of 500 or more.
    """

    title: str
    make: Callable[[_Good], bytes | None]
    refused: bool = True


def _no_json(good: _Good) -> bytes | None:
    return good.body[: len(good.body) // 2]


def _without_column(good: _Good) -> bytes | None:
    if good.service.protocol != "v2":
        return good.of(good.frame.drop(good.frame.columns[0])) if good.frame.width > 1 else None
    body = good.parsed
    first = body["inputs"][0]
    if len(body["inputs"]) > 1:
        body["inputs"].pop(0)
    elif len(first["shape"]) == 2 and first["shape"][1] > 1:
        n, k = first["shape"]
        first["data"] = [cell for i, cell in enumerate(first["data"]) if i % k]
        first["shape"] = [n, k - 1]
    else:
        return None
    return json.dumps(body).encode()


def _text_in_number(good: _Good) -> bytes | None:
    if good.service.protocol == "v2":
        body = good.parsed
        number = next((one for one in body["inputs"] if one["datatype"] != "BYTES"), None)
        if number is None:
            return None
        number["data"][0] = "not a number"
        return json.dumps(body).encode()
    number = next((name for name, dtype in good.frame.schema.items() if dtype.is_numeric()), None)
    return None if number is None else good.of(good.frame.with_columns(pl.lit("not a number").alias(number)))


def _other_shape(good: _Good) -> bytes | None:
    if good.service.protocol == "mlflow":
        body = good.parsed
        for row in body["dataframe_split"]["data"]:
            row.append(1)
        return json.dumps(body).encode()
    if good.service.protocol != "v2":
        return None
    body = good.parsed
    body["inputs"][0]["shape"][0] += 1
    return json.dumps(body).encode()


def _unknown_type(good: _Good) -> bytes | None:
    if good.service.protocol != "v2":
        return None
    body = good.parsed
    body["inputs"][0]["datatype"] = "FP99"
    return json.dumps(body).encode()


def _null(good: _Good) -> bytes | None:
    if good.service.protocol == "v2":
        body = good.parsed
        body["inputs"][0]["data"][0] = None
        return json.dumps(body).encode()
    return good.of(good.frame.with_columns(pl.lit(None).alias(good.frame.columns[0])))


def _more_columns(good: _Good) -> bytes | None:
    return (
        None
        if good.service.protocol == "v2"
        else good.of(good.frame.with_columns(pl.lit(1).alias("a column that nobody knows")))
    )


def _no_rows(good: _Good) -> bytes | None:
    if good.service.protocol == "v2":
        body = good.parsed
        for one in body["inputs"]:
            one.update(shape=[0, *one["shape"][1:]], data=[])
        return json.dumps(body).encode()
    return None if templates.one_by_one(template_of(good.service)) else good.of(good.frame.clear())


FAULTY: Mapping[str, Faulty] = {
    "no json": Faulty("half of a body", _no_json),
    "empty body": Faulty("an empty body", lambda good: b""),
    "empty object": Faulty("the body {}", lambda good: b"{}"),
    "missing column": Faulty("rows without their first column", _without_column),
    "text for number": Faulty("a text where a number belongs", _text_in_number),
    "other shape": Faulty("rows of another length than was said", _other_shape),
    "unknown type": Faulty("a datatype that there is not", _unknown_type),
    "null": Faulty("a null in the first column", _null, refused=False),
    "more columns": Faulty("a column that nobody knows", _more_columns, refused=False),
    "no rows": Faulty("no rows", _no_rows, refused=False),
}


@dataclass(eq=False)
class _Trials:
    """What was asked so far, and what was answered wrongly."""

    tried: int = 0
    wrong: list[Example] = field(default_factory=list)

    def add(self, request: str, expected: str, got: str) -> None:
        self.tried += 1
        if got:
            self.wrong.append(Example(None, {"request": request, "expected": expected}, f"got {got}"))


@contract(
    "pipeline",
    title="the service answers each row as the model does, and refuses wrong requests with a status of 4xx and a reason",
    catches="answers for another number of rows; a renamed field; 200 with an error in it; 500 for a wrong request; "
    "another model, or another order of columns, behind the service",
    needs=("serve",),
    rubric=("I3",),
)
def serves(subject: Pipeline, data: object, /, *, rows: int = 32, seed: int = 0) -> Outcome:
    """Judge the interface of the service: good requests of 1, 2 and up to `rows` rows, and each of `FAULTY` that can be made for it.

    A good request is answered with 200, JSON, and as many answers as rows, of the kind that was declared, each as the model in this
    process gives it (to the service's `rtol`). A wrong one is refused: 4xx, JSON with a reason, no traceback. INCONCLUSIVE where there
    are no rows to ask with.

    >>> import assay
    >>> rows = [{"x": 1.0}, {"x": 2.0}, {"x": 3.0}]
    >>> def model(rows):
    ...     return [row["x"] / 10 for row in rows]
    >>> def answer(body):
    ...     try:
    ...         return {"predictions": [float(row["x"]) / 10 for row in body["instances"]]}
    ...     except (KeyError, TypeError, ValueError) as error:
    ...         return 422, {"error": repr(error)}
    >>> serves(assay.pipeline(None, model=model, serve=answer), rows).verdict.value
    'pass'
    >>> def careless(body):
    ...     return {"predictions": [row.get("x", 0.0) / 10 for row in body["instances"]]}
    >>> print(serves(assay.pipeline(None, model=model, serve=careless), rows).why)
    3 of 13 answers (json through its function) are wrong: to the body {}, 500: {"error": "KeyError: 'instances'"}
    """
    told = subject.serve
    assert told is not None
    for name in told.but:
        if name not in FAULTY:
            raise UsageError(f"but names {name!r}", hint=nearest(name, FAULTY, most=len(FAULTY)))
    made = built(subject, data, seed=seed) if subject.steps or subject.model is not None else None
    given = model_rows(subject, made or Run((), data, data))
    given = given.take(range(min(given.height, rows)))
    if not given.height:
        return undecided("there are no rows to ask it with", n_rows=0)
    trials = _Trials()
    with opened(told) as transport:
        for n in sorted({1, min(2, given.height), given.height}):
            _ask(subject, made, transport, given.take(range(n)), trials)
        if trials.wrong:
            return _outcome(subject, trials, given.height, compared=made is not None)
        few = given.frame[: min(2, given.height)]
        good = _Good(told, few, body_of(told, few, transport), transport)
        for name, faulty in FAULTY.items():
            body = None if name in told.but else faulty.make(good)
            if body is not None:
                reply = transport.send(inference_target(told), body)
                expected = "4xx with a reason" if faulty.refused else "200, or 4xx with a reason"
                trials.add(faulty.title, expected, _refusal(reply, must=faulty.refused))
    return _outcome(subject, trials, given.height, compared=made is not None and answers(subject, made.model))


def _ask(subject: Pipeline, made: Run | None, transport: Transport, rows: Rows, trials: _Trials) -> None:
    """Send a good request, and judge its answer."""
    assert subject.serve is not None
    request = counted(rows.height, "row")
    try:
        output = model_of(subject.serve, transport, tuple(rows.columns)).predict(rows.frame)
    except AssayError as error:
        trials.add(request, f"200, and {counted(rows.height, 'answer')}", str(error))
        return
    trials.add(request, "", "")
    for expected, got in _typed(subject.serve, output):
        trials.add(request, expected, got)
    if made is not None and answers(subject, made.model):
        trials.add(request, "the model's own answers", _otherwise(subject, made, rows, output))


def _typed(told: Service, output: Output) -> Iterator[tuple[str, str]]:
    """Yield what was declared of the answers, and what they are where they are not that."""
    found = output.scores if output.scores is not None else output.predictions
    assert found is not None
    said: NDArray[Any] = found[:, -1] if found.ndim == 2 and found.shape[1] == 2 else found
    if told.output == "probability":
        numbers = said.dtype.kind in "fiu"
        out = np.zeros(1) if not numbers else said[(said < 0) | (said > 1) | ~np.isfinite(said)]
        yield "probabilities in [0, 1]", (f"{said.dtype}" if not numbers else f"{out[0]:.6g}") if len(out) else ""
    elif told.output == "value":
        bad = said.dtype.kind not in "fiu" or not np.isfinite(said).all()
        yield "finite numbers", f"{said.ravel()[:3].tolist()}" if bad else ""
    elif told.output == "label" and told.classes and output.predictions is not None:
        known = {str(each) for each in told.classes}
        strange = [each for each in output.predictions.ravel().tolist() if str(each) not in known]
        yield f"one of {', '.join(sorted(known))}", repr(strange[0]) if strange else ""


def _otherwise(subject: Pipeline, made: Run, rows: Rows, output: Output) -> str:
    """Return how the service's answers differ from each way to ask the model; empty where they are those of one."""
    assert subject.serve is not None
    said = [frame_of(part) for part in (output.scores, output.predictions) if part is not None]
    if output.scores is not None and output.scores.shape[1] == 2:
        said.insert(0, frame_of(output.scores[:, -1]))  # one probability a row is read as those of two classes
    nearest_said, fewest = "", rows.height + 1
    for own in _ways(subject, made, rows):
        for one in said:
            if one.width != own.width:
                continue
            cells = differing(
                own, one.rename(dict(zip(one.columns, own.columns, strict=True))), rtol=subject.serve.rtol, atol=1e-9
            )
            wrong = np.flatnonzero(cells.any(axis=1))
            if not len(wrong):
                return ""
            if len(wrong) < fewest:
                row, column = int(wrong[0]), int(np.flatnonzero(cells[int(wrong[0])])[0])
                fewest = len(wrong)
                both = f"row {row} is {_cell(one, row, column)}, the model says {_cell(own, row, column)}"
                nearest_said = f"{len(wrong)} of {rows.height} others: {both}"
    return nearest_said or f"answers of another form: {said[0].width} numbers a row"


def _ways(subject: Pipeline, made: Run, rows: Rows) -> Iterator[pl.DataFrame]:
    """Yield what the model answers, in each way that it can be asked: whole, the last class alone, and as labels."""
    whole = asked(subject, made.model, rows)
    yield whole
    if whole.width > 1:
        yield whole.select(whole.columns[-1])
    predict = getattr(made.model, "predict", None)
    if subject.predict is None and callable(predict):
        try:
            yield frame_of(predict(rows.handed()))
        except Exception as error:  # the model's own code
            raise Crashed(error, f"predict of {subject.name}") from error


def _refusal(reply: Reply, *, must: bool) -> str:
    """Return what is wrong with how a wrong request was answered; empty where nothing is."""
    text = reply.body.decode("utf-8", "replace")
    if reply.status >= 500:
        return f"{reply.status}: {_short(text)}"
    if "Traceback (most recent call last)" in text:
        return f"{reply.status} with a traceback"
    if 200 <= reply.status < 300:
        return f"{reply.status}: {_short(text)}" if must else ""
    try:
        told = json.loads(text)
    except ValueError:
        return f"{reply.status}, no JSON: {_short(text)}"
    if not (isinstance(told, dict) and any(told.get(name) for name in MESSAGES)):
        return f"{reply.status} without a reason: {_short(text)}"
    return ""


def _outcome(subject: Pipeline, trials: _Trials, height: int, *, compared: bool) -> Outcome:
    assert subject.serve is not None
    of = f"{subject.serve.protocol} through {'a URL' if subject.serve.way == 'url' else f'its {subject.serve.way}'}"
    if not trials.wrong:
        note = "" if compared else "Its answers were compared with nothing: there is no model in this process."
        return held(
            f"{trials.tried} answers to requests ({of}) were as they should be, of up to {counted(height, 'row')}",
            n_rows=height,
            note=note,
        )
    first = trials.wrong[0]
    return broken(
        f"{len(trials.wrong)} of {trials.tried} answers ({of}) are wrong: to {first.values['request']}, {first.why.removeprefix('got ')}",
        examples=trials.wrong[:SHOWN], n_rows=height, n_failing=len(trials.wrong),
        note="Check a request before the model sees it, and answer 4xx with a reason. What is meant to be taken is named in but=.",
    )  # fmt: skip


def _cell(frame: pl.DataFrame, row: int, column: int) -> str:
    value = frame.row(row)[column]
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else f"{line[:119]}…"
