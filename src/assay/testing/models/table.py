"""The contracts of models, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from assay.testing.contract import Judgement
from assay.testing.models.bad_values import infinite_values, missing_values, unseen_categories
from assay.testing.models.behaviour import directional, invariant, known_outputs, monotone
from assay.testing.models.columns import column_order, extra_features, missing_features
from assay.testing.models.inputs import accepts_input, all_zero_input, keeps_input, no_rows
from assay.testing.models.learning import better_than_a_dummy, learns_ten_rows
from assay.testing.models.loading import safe_to_load
from assay.testing.models.outputs import labels_agree, not_constant, output_range, output_schema, probabilities
from assay.testing.models.saving import survives_saving
from assay.testing.models.stability import batch_invariance, repeatable

__all__ = ["MODEL_CONTRACTS"]

# In the order in which a person would ask: does it run, does it answer sense, is it steady, does it behave, can it be kept.
_ALL = (
    accepts_input, output_schema, output_range, probabilities, labels_agree, not_constant,
    all_zero_input, no_rows, missing_values, infinite_values, unseen_categories,
    missing_features, extra_features, column_order, keeps_input,
    batch_invariance, repeatable,
    known_outputs, invariant, directional, monotone,
    learns_ten_rows, better_than_a_dummy,
    survives_saving, safe_to_load,
)  # fmt: skip
MODEL_CONTRACTS: Mapping[str, Judgement] = {one.__name__: cast("Judgement", one) for one in _ALL}
