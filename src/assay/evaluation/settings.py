"""What an evaluation does, as one typed record: in YAML, in assay.yaml, or in Python."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

import msgspec

from assay.codec import load_yaml, parse_duration, read_text
from assay.evaluation.baselines.baselines import BaselineSettings
from assay.evaluation.behaviour.cost import CostSettings
from assay.evaluation.behaviour.explanations import ExplanationSettings
from assay.evaluation.behaviour.robustness import RobustnessSettings
from assay.evaluation.calibration.calibration import CalibrationSettings
from assay.evaluation.calibration.thresholds import ThresholdSettings
from assay.evaluation.fairness.settings import FairnessSettings
from assay.evaluation.ledger import LedgerSettings
from assay.evaluation.metrics.custom import Formula
from assay.evaluation.models.options import ModelOptions
from assay.evaluation.residuals.residuals import ResidualSettings
from assay.evaluation.slicing.settings import SliceSettings

__all__ = ["FORMAT", "EvaluationSettings", "MetricBound", "PartName", "load_settings"]

FORMAT = 1
PartName = Literal[
    "metrics", "baselines", "confusion", "curves", "calibration", "thresholds", "residuals", "slices", "search", "fairness",
    "explanations", "robustness", "cost",
]  # fmt: skip


class MetricBound(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a metric has to keep, by its whole interval."""

    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        if self.at_least is None and self.at_most is None:
            raise ValueError("the bound is empty; give at_least or at_most")


class EvaluationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is measured, what it has to keep, and what each part of an evaluation is told; a file of YAML has the same keys.

    `metrics` are names of the table of metrics (default: the task's usual ones); the first one leads: slices, robustness and
    importances are in its terms. `formulas` are metrics of your own, by name. `bounds` are about metrics. Intervals hold at
    `confidence`, bootstrap intervals draw `replicates` resamples; with a time column, `block` ("7d") draws stretches of time.
    A score from `threshold` up counts as positive where no column of predictions is named. `model` says what a model does not
    say itself: its kind, its classes, what its numbers mean, how an endpoint is asked. `without` leaves parts out; the other
    keys are for the part that they name.
    """

    format: int = FORMAT
    metrics: tuple[str, ...] = ()
    formulas: dict[str, Formula] = {}
    bounds: dict[str, MetricBound] = {}
    confidence: float = 0.95
    replicates: int = 1000
    threshold: float = 0.5
    block: str = ""
    without: tuple[PartName, ...] = ()
    model: ModelOptions = ModelOptions()
    baselines: BaselineSettings = BaselineSettings()
    slices: SliceSettings = SliceSettings()
    fairness: FairnessSettings = FairnessSettings()
    calibration: CalibrationSettings = CalibrationSettings()
    thresholds: ThresholdSettings = ThresholdSettings()
    residuals: ResidualSettings = ResidualSettings()
    explanations: ExplanationSettings = ExplanationSettings()
    robustness: RobustnessSettings = RobustnessSettings()
    cost: CostSettings = CostSettings()
    ledger: LedgerSettings = LedgerSettings()

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(f"format is {self.format}; this version of Assay reads format {FORMAT}")
        if not 0 < self.confidence < 1:
            raise ValueError(f"confidence is {self.confidence}; it lies between 0 and 1")
        if not 100 <= self.replicates <= 100_000:
            raise ValueError(f"replicates is {self.replicates}; it is between 100 and 100,000")
        if not math.isfinite(self.threshold):
            raise ValueError(f"threshold is {self.threshold}; it is a finite number")
        if self.block and not parse_duration(self.block):
            raise ValueError(f"block is {self.block!r}; it is longer than nothing")


def load_settings(path: str | Path) -> EvaluationSettings:
    """Return the settings in a YAML file; raise `ConfigError` with file and place where one breaks a rule."""
    return load_yaml(read_text(path), EvaluationSettings, file=str(path))
