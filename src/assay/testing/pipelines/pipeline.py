"""A pipeline: the path from raw data to a model that answers, and what is declared of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from assay.codec import parse_duration
from assay.errors import UsageError, nearest
from assay.testing.pipelines import estimators
from assay.testing.pipelines.environments import Environment
from assay.testing.pipelines.service import Service, service

__all__ = ["Pipeline", "Step", "pipeline"]

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|[KMGT]i?B)", re.IGNORECASE)
_UNITS = {
    "b": 1,
    **{f"{p}ib": 1024**i for i, p in enumerate("kmgt", 1)},
    **{f"{p}b": 1000**i for i, p in enumerate("kmgt", 1)},
}
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: a function of what the step before returned; the first one is given the raw data.

    A step that has a parameter `seed` is given the seed of the run.
    """

    name: str
    function: Callable[..., Any]


@dataclass(frozen=True)
class Pipeline:
    """A path from raw data to a model, and what its author says of it. Make one with `pipeline`.

    - `steps`: the functions that run in order. The last one's result is the model.
    - `predict`: how the model is asked: a function of the model and of rows, which returns an answer for each row. Without it
      the model's `predict_proba`, else its `predict`, else the model itself is called.
    - `inputs`: rows that the model is asked with. Without it they are what the last step was given, without the `label`.
    - `score`: a function of the model and of what the last step was given (with the label), which returns a number.
    - `model`: a fitted model to judge in place of the one that the path makes.
    - `label`, `time`: columns of the rows; `key` tells rows apart; `entity` are the groups that a split may not part.
    - `split`: the parts of the data: a function of the data, a column that names the part, or the parts themselves by name. `gap`
      is the least time between two parts. `ledger` is the file that the evaluations of the test set are written down in.
    - `save(model, path)` and `load(path)`: how the model is packaged, where `kind` (pickle, joblib, skops, cloudpickle) is not how.
    - `serve`: the service that answers requests: see `assay.testing.pipelines.service.service`.
    - `latency`: budgets by quantile (`{"p50": "5ms", "p99": "20ms"}`; a bare duration bounds p95). `machine` is how long the
      reference workload takes on the machine that the budgets are meant for.
    - `memory`: the most bytes that a fresh process may hold at its peak ("800MiB").
    - `lock`: the versions at training: an `Environment`, its file, or a lock file (requirements.txt, uv.lock, pylock.toml, poetry.lock).
    - `rtol`, `atol`: how far two equal numbers may be apart.
    """

    steps: tuple[Step, ...]
    name: str
    predict: Callable[[Any, Any], Any] | None = None
    inputs: Any = None
    score: Callable[[Any, Any], float] | None = None
    model: Any = None
    label: str = ""
    time: str = ""
    key: tuple[str, ...] = ()
    entity: tuple[str, ...] = ()
    split: Any = None
    gap: timedelta = timedelta(0)
    ledger: str | Path = ""
    kind: str = "pickle"
    save: Callable[[Any, Path], object] | None = None
    load: Callable[[Path], Any] | None = None
    serve: Service | None = None
    latency: Mapping[float, timedelta] = field(default_factory=dict)
    machine: timedelta | None = None
    memory: int | None = None
    lock: Environment | str | Path | None = None
    rtol: float = 1e-9
    atol: float = 1e-12
    kept: dict[str, Any] = field(
        default_factory=dict, repr=False, compare=False
    )  # the last run, so that it is not run again


def pipeline(path: object, *, name: str = "", **declared: Any) -> Pipeline:
    """Declare a pipeline: its path, and what is promised of it. `Pipeline` says what each argument is.

    `path` is one function of the raw data that returns a model; several, as a mapping from names or a list of functions or pairs, which
    run in order; or an estimator of scikit-learn, with `label=`: each step of its `Pipeline` is a step of the path. It is None where
    a fitted `model` or a service is judged alone. Durations and sizes may be texts: "20ms", "800MiB".

    Raises UsageError where an argument is not one of a pipeline's, or cannot be read.

    >>> told = pipeline({"clean": sorted, "fit": max}, latency={"p99": "20ms"}, memory="1GiB")
    >>> [step.name for step in told.steps], told.latency, told.memory
    (['clean', 'fit'], {0.99: datetime.timedelta(microseconds=20000)}, 1073741824)
    """
    known = set(Pipeline.__dataclass_fields__) - {"steps", "kept"}
    for stray in declared.keys() - known:
        raise UsageError(f"a pipeline has no {stray!r}", hint=nearest(stray, sorted(known), most=len(known)))
    for several in ("key", "entity"):
        if isinstance(declared.get(several), str):
            declared[several] = (declared[several],)
        elif several in declared:
            declared[several] = tuple(declared[several])
    for span in ("gap", "machine"):
        if isinstance(declared.get(span), str):
            declared[span] = _duration(declared[span], span)
    if "latency" in declared:
        declared["latency"] = _budgets(declared["latency"])
    if isinstance(declared.get("memory"), str):
        declared["memory"] = _bytes(declared["memory"])
    if declared.get("serve") is not None and not isinstance(declared["serve"], Service):
        declared["serve"] = service(declared["serve"])
    if bool(declared.get("save")) != bool(declared.get("load")):
        raise UsageError("save and load come together", hint="give both, or kind= for a known format")
    steps = _steps(path, declared)
    return Pipeline(steps, name or _name_of(path), **declared)


def _steps(path: object, declared: dict[str, Any]) -> tuple[Step, ...]:
    if path is None:
        if declared.get("model") is None and declared.get("serve") is None:
            raise UsageError(
                "the pipeline has no steps", hint="give functions, or a model= or a service (serve=) to judge"
            )
        return ()
    if estimators.is_estimator(path):
        if not declared.get("label"):
            raise UsageError(f"{_name_of(path)} learns from a label", hint="name its column: label=")
        declared.setdefault("inputs", estimators.RAW)
        return tuple(Step(called, made) for called, made in estimators.steps_of(path, declared["label"]))
    if isinstance(path, Mapping):
        pairs = list(path.items())
    elif isinstance(path, Sequence) and not isinstance(path, str):
        pairs = [each if isinstance(each, tuple) else (_name_of(each), each) for each in path]
    else:
        pairs = [("build", path)]
    for called, function in pairs:
        if not callable(function):
            raise UsageError(
                f"the step {called!r} is no function: {function!r}", hint="give functions, or one estimator"
            )
    names = [str(called) for called, _ in pairs]
    twice = next((one for one in names if names.count(one) > 1), None)
    if twice is not None:
        raise UsageError(f"two steps are called {twice!r}", hint="give pairs of a name and a function")
    if not pairs:
        raise UsageError("the pipeline has no steps", hint="give one function at least")
    return tuple(Step(str(called), function) for called, function in pairs)


def _name_of(path: object) -> str:
    if path is None or isinstance(path, Mapping | list | tuple):
        return "pipeline"
    return str(getattr(path, "__name__", type(path).__name__))


def _budgets(told: object) -> dict[float, timedelta]:
    if isinstance(told, str | timedelta):
        told = {"p95": told}
    if not isinstance(told, Mapping):
        raise UsageError(f"latency is {told!r}", hint='give budgets by quantile: {"p99": "20ms"}')
    found = {}
    for quantile, span in told.items():
        share = _QUANTILES.get(str(quantile), quantile)
        if not isinstance(share, float) or not 0 < share < 1:
            raise UsageError(
                f"latency has the quantile {quantile!r}", hint=f"it is one of {', '.join(_QUANTILES)}, or in (0, 1)"
            )
        found[share] = span if isinstance(span, timedelta) else _duration(str(span), f"latency {quantile}")
    return found


def _duration(text: str, what: str) -> timedelta:
    try:
        return parse_duration(text.replace(" ", ""))
    except ValueError as error:
        raise UsageError(f"{what}: {error}") from None


def _bytes(text: str) -> int:
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is no size", hint="such as 800MiB, 1.5GB, or a number of bytes")
    return int(float(found[1]) * _UNITS[found[2].lower()])
