"""An estimator of scikit-learn as a path: each step of its `Pipeline` is one, fitted on what the one before made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from assay.errors import UsageError, require
from assay.testing.rows import rows_of

__all__ = ["RAW", "Fitting", "is_estimator", "steps_of"]

RAW = "raw"  # the model is asked with raw rows, not with what its last step was given


@dataclass(frozen=True, eq=False)
class Fitting:
    """What passes from step to step while a pipeline is fitted: the rows as they are by now, and the label."""

    rows: Any
    label: Any
    fitted: tuple[tuple[str, Any], ...] = ()


def is_estimator(path: object) -> bool:
    """Return whether it is an estimator: an object that is fitted, and can say its parameters."""
    return (
        not isinstance(path, type)
        and callable(getattr(path, "fit", None))
        and callable(getattr(path, "get_params", None))
    )


def steps_of(estimator: Any, label: str) -> list[tuple[str, Callable[[Any], Any]]]:
    """Return the steps that fit a clone of an estimator; the last one returns it, fitted."""
    parts = getattr(estimator, "steps", None)
    if not isinstance(parts, list):
        return [("fit", partial(_fit_whole, estimator=estimator, label=label))]
    steps: list[tuple[str, Callable[[Any], Any]]] = [("label", partial(_begin, label=label))]
    steps += [(str(name), partial(_fit_part, name=name, part=part)) for name, part in parts[:-1]]
    name, last = parts[-1]
    steps.append((str(name), partial(_fit_last, name=name, last=last)))
    return steps


def _parted(data: Any, label: str) -> tuple[Any, Any]:
    rows = rows_of(data)
    if label not in rows.columns:
        raise UsageError(f"there is no column {label!r} in the data", hint=f"it has {', '.join(rows.columns)}")
    features = rows.select([name for name in rows.columns if name != label])
    return features.handed(), rows.frame[label].to_numpy()


def _begin(data: Any, *, label: str) -> Fitting:
    return Fitting(*_parted(data, label))


def _fit_part(given: Fitting, *, name: str, part: Any) -> Fitting:
    if part is None or part == "passthrough":
        return replace(given, fitted=(*given.fitted, (name, "passthrough")))
    made = _clone(part)
    if hasattr(made, "fit_transform"):
        rows = made.fit_transform(given.rows, given.label)
    else:
        rows = made.fit(given.rows, given.label).transform(given.rows)
    return Fitting(rows, given.label, (*given.fitted, (name, made)))


def _fit_last(given: Fitting, *, name: str, last: Any) -> Any:
    made = last if last is None or last == "passthrough" else _clone(last).fit(given.rows, given.label)
    return require("sklearn.pipeline", extra="sklearn").Pipeline([*given.fitted, (name, made)])


def _fit_whole(data: Any, *, estimator: Any, label: str) -> Any:
    rows, labels = _parted(data, label)
    return _clone(estimator).fit(rows, labels)


def _clone(estimator: Any) -> Any:
    return require("sklearn.base", extra="sklearn").clone(estimator)
