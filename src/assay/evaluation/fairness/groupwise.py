"""A measure of every group, by what it is a function of."""

from __future__ import annotations

import numpy as np

from assay.evaluation.fairness.areas import area_by_group
from assay.evaluation.fairness.calibrated import error_by_group, slope_by_group
from assay.evaluation.fairness.ground import ByGroup, Ground
from assay.evaluation.fairness.measures import Areas, Binned, Mean, Measure, Share, Slope
from assay.evaluation.fairness.shares import mean_by_group, share_by_group

__all__ = ["by_group"]


def by_group(measure: Measure, ground: Ground) -> ByGroup:
    """Return a measure of every group of the rows; raise TypeError for what is made of several measures."""
    with np.errstate(invalid="ignore", divide="ignore"):
        match measure.of:
            case Share():
                return share_by_group(measure.of, ground)
            case Mean():
                return mean_by_group(measure.of, ground, measure.span)
            case Areas():
                return area_by_group(measure.of, ground, measure.span)
            case Slope():
                return slope_by_group(ground)
            case Binned(bins=bins):
                return error_by_group(bins, ground)
            case _:
                raise TypeError(f"{measure.title} is made of several measures")
