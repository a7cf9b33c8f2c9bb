"""The contracts of feature code, by name: of features, transformers, the two paths of training and serving, and joins."""

from __future__ import annotations

from typing import Any

from assay.testing.contract import Judgement
from assay.testing.features.edges import edge_cases
from assay.testing.features.entities import keeps_entities_apart
from assay.testing.features.future import no_future
from assay.testing.features.joins import join_ignores_the_future, joins_as_of
from assay.testing.features.known import agrees_with_reference, known_outputs, output_schema
from assay.testing.features.lookback import looks_back, uses_window
from assay.testing.features.order import row_order
from assay.testing.features.sameness import idempotent, keeps_input, repeatable, row_by_row
from assay.testing.features.scaling import (
    fits_on_train_only,
    fits_the_same_twice,
    leaves_input,
    same_transformation,
    standardizes,
    survives_round_trip,
    was_fitted_on_train,
)  # fmt: skip
from assay.testing.features.skew import same_columns, skew

__all__ = ["FEATURE_CONTRACTS", "JOIN_CONTRACTS", "PATHS_CONTRACTS", "TRANSFORMER_CONTRACTS"]

_FEATURE: tuple[Any, ...] = (
    no_future, looks_back, uses_window, keeps_entities_apart, row_order, repeatable, keeps_input, row_by_row, idempotent, edge_cases,
    known_outputs, agrees_with_reference, output_schema,
)  # fmt: skip

_TRANSFORMER: tuple[Any, ...] = (
    standardizes, same_transformation, fits_on_train_only, was_fitted_on_train, fits_the_same_twice, survives_round_trip, leaves_input,
)  # fmt: skip
_PATHS: tuple[Any, ...] = (skew, same_columns)
_JOIN: tuple[Any, ...] = (joins_as_of, join_ignores_the_future)

FEATURE_CONTRACTS: dict[str, Judgement] = {judge.contract.name: judge for judge in _FEATURE}
TRANSFORMER_CONTRACTS: dict[str, Judgement] = {judge.contract.name: judge for judge in _TRANSFORMER}
PATHS_CONTRACTS: dict[str, Judgement] = {judge.contract.name: judge for judge in _PATHS}
JOIN_CONTRACTS: dict[str, Judgement] = {judge.contract.name: judge for judge in _JOIN}
