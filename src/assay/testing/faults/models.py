"""Models that answer wrongly: nothing, always the same, the reverse, too sure, or as an older version did.

Each operator takes an object that predicts, or a function, and returns one that makes the mistake (see `proxies`). What an
adapter of `assay.evaluation.models` answers (`Output`) is changed alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import is_dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.testing.faults.fault import Fault, Layer, NotApplicable, Operator
from assay.testing.faults.proxies import Ask, Mistaken, reshaped

__all__ = ["MODELS"]

Array = NDArray[Any]
# What one array of an answer becomes. The text says what it holds: "scores" (of classes), "labels" or "values".
Change = Callable[[Array, str], Array]
_SCORES = ("predict_proba", "predict_log_proba", "decision_function")


def _answering(model: Any, change: Change) -> Mistaken:
    """Return a model whose answers are changed, whatever shape they have; labels are left to `change` too."""

    def asked(name: str, ask: Ask, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        answer = ask(*args, **kwargs)
        if is_dataclass(answer) and hasattr(answer, "predictions"):
            return _output(answer, change)
        values = np.asarray(answer)
        return reshaped(answer, change(values, "scores" if name in _SCORES else _held(values)))

    return Mistaken(model, asked)


def _output(answer: Any, change: Change) -> Any:
    """Return an adapter's Output with its scores changed, and its predictions too where the change is about them."""
    scores, said = answer.scores, answer.predictions
    new = None if scores is None else change(np.asarray(scores), "scores")
    told = None if said is None else change(np.asarray(said), "labels" if new is not None else _held(np.asarray(said)))
    return replace(answer, scores=new, predictions=told)


def _held(values: Array) -> str:
    """Return what an array of predictions holds: "scores" in [0, 1], "values", or "labels" (texts, whole numbers)."""
    if values.dtype.kind != "f":
        return "labels"
    if values.ndim == 2 and values.shape[1] > 1:
        return "scores"
    known = values[np.isfinite(values)]
    if not len(known):
        return "values"
    if np.isin(known, (0.0, 1.0)).all():
        return "labels"
    return "scores" if known.min() >= 0 and known.max() <= 1 else "values"


def _rows(values: Array, fault: Fault, rng_seed: int) -> NDArray[np.bool_]:
    """Return the rows that a mistake touches: the same share in each call, others for another number of rows."""
    fresh = np.random.default_rng([rng_seed, len(values)])
    share = float(fault.severity)
    mask = np.zeros(len(values), dtype=bool)
    mask[fresh.permutation(len(values))[: max(1, round(share * len(values))) if len(values) else 0]] = True
    return mask


def _share(fault: Fault) -> float:
    if not 0 < fault.severity <= 1:
        raise NotApplicable(f"the severity is {fault.severity:g}; it is a share of rows, above 0 and at most 1")
    return fault.severity


def _bad(model: Any, fault: Fault, rng: np.random.Generator) -> Mistaken:
    _share(fault)
    seed = int(rng.integers(2**31))
    value = float(fault.settings.get("value", "nan"))

    def change(values: Array, held: str) -> Array:
        if values.dtype.kind not in "fiub":
            texts = values.astype(object)
            texts[_rows(values, fault, seed)] = None
            return texts
        changed = values.astype(np.float64)
        changed[_rows(values, fault, seed)] = value
        return changed

    return _answering(model, change)


def _constant(model: Any, fault: Fault, rng: np.random.Generator) -> Mistaken:
    _share(fault)
    seed = int(rng.integers(2**31))

    def change(values: Array, held: str) -> Array:
        changed = values.copy()
        if len(values):
            changed[_rows(values, fault, seed)] = values[0]
        return changed

    return _answering(model, change)


def _outside(model: Any, fault: Fault, rng: np.random.Generator) -> Mistaken:
    _share(fault)
    seed = int(rng.integers(2**31))

    def change(values: Array, held: str) -> Array:
        if values.dtype.kind not in "fiub" or (held == "labels" and values.dtype.kind != "f"):
            return values
        changed, mask = values.astype(np.float64), _rows(values, fault, seed)
        if held == "scores" and values.ndim == 2:  # a probability below 0, and its neighbour above 1: the sum stays
            changed[mask, 0], changed[mask, -1] = 1.2, 1.0 - changed[mask, :-1].sum(axis=1) - 1.2 + changed[mask, 0]
        else:
            reach = float(np.nanmax(np.abs(changed))) if changed.size else 1.0
            changed[mask] = 1.0 + reach * 10.0
        return changed

    return _answering(model, change)


def _reversed(model: Any, fault: Fault, rng: np.random.Generator) -> Mistaken:
    def change(values: Array, held: str) -> Array:
        if held == "scores":
            return values[:, ::-1].copy() if values.ndim == 2 else 1.0 - values
        classes = np.unique(values)
        if held != "labels" or not 2 <= len(classes) <= 50:
            return -values if held == "values" else values
        return np.asarray(classes[::-1][np.searchsorted(classes, values)])

    return _answering(model, change)


def _argmax(model: Any, fault: Fault, rng: np.random.Generator) -> Mistaken:
    def change(values: Array, held: str) -> Array:
        if held != "scores":
            return values
        if values.ndim == 1:
            return (values >= 0.5).astype(values.dtype)
        return np.asarray(np.eye(values.shape[1], dtype=values.dtype)[values.argmax(axis=1)])

    return _answering(model, change)


def _degraded(model: Any, fault: Fault, rng: np.random.Generator) -> Mistaken:
    """Return the model with a share of its answers given to other rows: what was learned of them is lost."""
    _share(fault)
    seed = int(rng.integers(2**31))

    def change(values: Array, held: str) -> Array:
        places = np.flatnonzero(_rows(values, fault, seed))
        changed = values.copy()
        changed[places] = values[np.roll(places, max(1, len(places) // 2))]
        return changed

    return _answering(model, change)


def _miscalibrated(model: Any, fault: Fault, rng: np.random.Generator) -> Mistaken:
    """Return the model with p^k / Σ p^k for its scores: k above 1 is too sure; the order of the rows stays."""
    power = fault.severity
    if power <= 0:
        raise NotApplicable(f"the severity is {power:g}; it is a power above 0")

    def change(values: Array, held: str) -> Array:
        if held != "scores" or (values.size and (np.nanmin(values) < 0 or np.nanmax(values) > 1)):
            return values
        both = values if values.ndim == 2 else np.column_stack([1 - values, values])
        raised = np.power(both.astype(np.float64), power)
        scaled = raised / raised.sum(axis=1, keepdims=True)
        return np.asarray(scaled if values.ndim == 2 else scaled[:, 1])

    return _answering(model, change)


def _prior_shift(model: Any, fault: Fault, rng: np.random.Generator) -> Mistaken:
    """Return the model with the odds of its last class multiplied: what training on rebalanced classes does."""
    odds = fault.severity
    if odds <= 0:
        raise NotApplicable(f"the severity is {odds:g}; it is a factor of the odds above 0")

    def change(values: Array, held: str) -> Array:
        if held != "scores" or (values.size and (np.nanmin(values) < 0 or np.nanmax(values) > 1)):
            return values
        both = (values if values.ndim == 2 else np.column_stack([1 - values, values])).astype(np.float64)
        both[:, -1] *= odds
        both /= both.sum(axis=1, keepdims=True)
        return np.asarray(both if values.ndim == 2 else both[:, 1])

    return _answering(model, change)


def _wrong_version(model: Any, fault: Fault, rng: np.random.Generator) -> Any:
    """Return the other model that `settings` give; without one, the model one release late: its version says another."""
    other = fault.settings.get("other")
    if other is not None and not isinstance(other, str):
        return other
    names = ("version", "model_version", "version_")
    told = next((name for name in names if isinstance(getattr(model, name, None), str | int)), None)
    if told is None:
        raise NotApplicable("the model says no version, and other= (an older model) is not given")
    return _Renamed(model, told, other or "0.0.0-older")


class _Renamed(Mistaken):
    """A model that answers as it did and says another version."""

    def __init__(self, inner: Any, name: str, value: str) -> None:
        super().__init__(inner, lambda called, ask, args, kwargs: ask(*args, **kwargs))
        self.__dict__[name] = value


def _scaled_weights(model: Any, fault: Fault, rng: np.random.Generator) -> Any:
    """Return a copy of the model whose learned numbers are multiplied: coefficients, or the parameters of a network."""
    import copy

    made = copy.deepcopy(model)
    inner = made.steps[-1][1] if hasattr(made, "steps") else made
    for name in ("coef_", "coefs_", "dual_coef_"):
        weights = getattr(inner, name, None)
        if weights is not None:
            scaled = (
                [each * fault.severity for each in weights] if isinstance(weights, list) else weights * fault.severity
            )
            setattr(inner, name, scaled)
            return made
    if callable(getattr(inner, "state_dict", None)) and callable(getattr(inner, "load_state_dict", None)):
        state = inner.state_dict()
        inner.load_state_dict({k: v * fault.severity if v.is_floating_point() else v for k, v in state.items()})
        return made
    raise NotApplicable(f"a {type(inner).__name__} has no weights that are known: coef_, coefs_, or a state_dict")


_QUALITY = "quality of the model, compared with a baseline"

MODELS: dict[str, Operator] = {
    "nan_predictions": Operator(
        "nan_predictions", Layer.MODEL, "predictions are no numbers", "a division by zero in a preprocessing step; an overflow",
        _bad, ladder=(0.01, 0.1, 1.0), unit="share of the predictions that are NaN (value: inf)", on="model",
        settings={"value": "nan"}, caught_by="the contracts output and output_range, no_missing of the predictions",
    ),
    "constant_predictions": Operator(
        "constant_predictions", Layer.MODEL, "all predictions are the same", "preprocessing gave zeros for every column", _constant,
        ladder=(0.2, 0.5, 1.0), unit="share of the predictions that are the first one's", on="model",
        caught_by="the contract not_constant, prediction drift, quality of the model",
    ),
    "out_of_range": Operator(
        "out_of_range", Layer.MODEL, "predictions lie outside their range", "raw margins were taken for probabilities", _outside,
        ladder=(0.01, 0.1, 1.0), unit="share of the predictions that lie outside", on="model",
        caught_by="the contract output_range, between of the predictions",
    ),
    "reversed_classes": Operator(
        "reversed_classes", Layer.MODEL, "classes stand in the reverse order", "the columns of predict_proba were exchanged", _reversed,
        unit="every prediction", on="model",
        chance=False, caught_by=f"the contract known_examples, {_QUALITY}",
    ),
    "argmax_only": Operator(
        "argmax_only", Layer.MODEL, "scores are 0 and 1 alone", "predict was served in place of predict_proba", _argmax,
        unit="every score", on="model",
        chance=False, caught_by="calibration, prediction drift, the contract known_examples",
    ),
    "model_degrade": Operator(
        "model_degrade", Layer.MODEL, "the model has learned less", "a retraining on fewer rows, or on shuffled labels", _degraded,
        ladder=(0.05, 0.2, 0.5, 1.0), unit="share of the rows that get another row's prediction", on="model", caught_by=_QUALITY,
    ),
    "miscalibrated": Operator(
        "miscalibrated", Layer.MODEL, "scores are too sure", "a loss without regularization; a temperature left out", _miscalibrated,
        ladder=(1.5, 2.0, 4.0), unit="power to which probabilities are raised", on="model",

        chance=False, caught_by="calibration, log loss, prediction drift",
    ),
    "prior_shift": Operator(
        "prior_shift", Layer.MODEL, "scores are those of other base rates", "trained on rebalanced classes, and served as it was",
        _prior_shift,
        ladder=(2.0, 5.0, 20.0), unit="factor of the odds of the last class", on="model",

        chance=False, caught_by="calibration in the large, prediction drift",
    ),
    "wrong_version": Operator(
        "wrong_version", Layer.MODEL, "another version of the model answers", "a rollback that nobody noted; a stale cache", _wrong_version,
        unit="the model", on="model", settings={"other": ""},

        chance=False, caught_by="a test of the model's version, known_examples, quality of the model",
    ),
    "scaled_weights": Operator(
        "scaled_weights", Layer.MODEL, "the learned numbers are scaled", "quantization, or a file of another precision", _scaled_weights,
        ladder=(1.1, 2.0, 10.0), unit="factor by which coefficients are multiplied", on="model",

        chance=False, caught_by="calibration, known_examples, quality of the model",
    ),
}  # fmt: skip
