"""What a drift check may be told: by what it compares, by what it measures, and what counts as drift."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from assay.checks.check import Arguments
from assay.checks.shares import Share

__all__ = ["NONE", "Drift", "Treat"]

NONE = "none"  # no comparison: the size alone decides; no distance: the p-value alone does
Treat = Literal["", "scale", "categories"]


class Drift(Arguments, frozen=True):
    """By what a column is compared with the reference's, and what counts as drift; what is left out is the aspect's own.

    A column has drifted where `comparison` rejects at `alpha` after `correction` over all that are judged together, and
    the size by `distance` is `at_least`. Either may be "none". Where nothing is rejected although samples as large as
    these would have missed a size of `detectable_at_most` more than once in five times, the check is inconclusive.
    `usual` raises `at_least` to what `windows` of the reference's own history let expect. `treat` says of a number
    whether it is a scale or the name of a category; `importance` is the column's share of what a model goes by.
    """

    comparison: str = ""
    distance: str = ""
    at_least: Share | None = None
    alpha: Decimal = Decimal("0.01")
    correction: str = "benjamini_hochberg"
    detectable_at_most: Share | None = None
    usual: Decimal | None = None
    windows: int = 0
    treat: Treat = ""
    importance: Decimal | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha is {self.alpha}; it lies between 0 and 1, such as 0.01")
        for name in ("at_least", "detectable_at_most", "usual", "importance"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} is {value}; a size is 0 or more, whichever way a column moves")
        if self.windows < 0:
            raise ValueError(f"windows is {self.windows}; they are counted from 0 up")
        if self.comparison == NONE and self.distance == NONE:
            raise ValueError("comparison and distance are both none; one of them must judge")
