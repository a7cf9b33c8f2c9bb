"""What a fitted model goes by: its own importances or coefficients, by the columns it was fitted on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay.errors import UsageError

__all__ = ["importances_of"]


def importances_of(model: object) -> dict[str, float]:
    """Return for each column that a fitted model was given how much it goes by it, 0 or more.

    Trees and their ensembles say `feature_importances_`. Of a linear model it is the absolute coefficient, the mean over
    its outputs: comparable where the columns were put on one scale. Of a pipeline the last step is asked, with the names
    that it was given. Raises `UsageError` where the model says neither, or not for which columns.

    >>> class Fitted:
    ...     feature_names_in_ = ["age", "fare"]
    ...     coef_ = [[0.5, -2.0]]
    >>> importances_of(Fitted())
    {'age': 0.5, 'fare': 2.0}
    """
    steps = getattr(model, "steps", None)
    last = steps[-1][1] if isinstance(steps, list) and steps else model
    weights = _weights(last)
    names = _names(model, last, steps)
    if weights is None:
        hint = "give a mapping from columns to numbers, such as permutation importances"
        raise UsageError(f"{type(last).__name__} has neither feature_importances_ nor coef_", hint=hint)
    if names is None or len(names) != len(weights):
        hint = "fit it on a frame with named columns, or give a mapping from columns to numbers"
        raise UsageError(
            f"{type(model).__name__} does not say which columns its {len(weights)} weights are of", hint=hint
        )
    return dict(zip(names, weights, strict=True))


def _weights(model: object) -> list[float] | None:
    found = getattr(model, "feature_importances_", None)
    found = getattr(model, "coef_", None) if found is None else found
    if found is None:
        return None
    array = np.abs(np.asarray(found, dtype=np.float64))
    return [float(weight) for weight in (array.mean(axis=0) if array.ndim > 1 else array)]


def _names(model: object, last: object, steps: object) -> Sequence[str] | None:
    """Return the columns as the last step saw them: its own names, or what the steps before it made of the first ones."""
    for one in (last, model):
        names = getattr(one, "feature_names_in_", None)
        if names is not None and (one is last or not isinstance(steps, list) or len(steps) == 1):
            return [str(name) for name in names]
    if isinstance(steps, list) and hasattr(model, "feature_names_in_"):
        names = list(model.feature_names_in_)
        for _, step in steps[:-1]:
            named = getattr(step, "get_feature_names_out", None)
            if named is None:
                return None
            names = list(named(names))
        return [str(name) for name in names]
    return None
