"""What a challenger has to show, and the conditions that it is judged by."""

from __future__ import annotations

import math

import msgspec

from assay.codec import parse_duration
from assay.evaluation.slicing.settings import SliceSettings

__all__ = ["Policy"]


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a challenger has to show to take the champion's place; a file of YAML has the same keys.

    `metric` is the one that decides (default: the leading one): the challenger has to be better by at least `lift_at_least`, in the
    metric's own unit, with the whole interval of the difference. `not_worse_by` gives margins to other metrics, by which the
    challenger may be worse and no more. In no slice of at least `min_rows` rows may it be worse than the champion by more than
    `no_slice_worse_than` (None: slices are shown and not judged); `slices` says which (default: the values, or bins, of the
    features). `flips_at_most` bounds the share of rows whose prediction changes. `latency_at_most` ("50ms") bounds the 95th
    centile of the challenger's latency of a row, `latency_ratio_at_most` and `size_ratio_at_most` its latency and size in those
    of the champion. What is judged of several challengers is corrected over them: all of it holds at 1 - `alpha`.
    """

    metric: str = ""
    lift_at_least: float = 0.0
    not_worse_by: dict[str, float] = {}
    no_slice_worse_than: float | None = None
    slices: SliceSettings = SliceSettings()
    min_rows: int = 100
    flips_at_most: float | None = None
    latency_at_most: str = ""
    latency_ratio_at_most: float | None = None
    size_ratio_at_most: float | None = None
    alpha: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha is {self.alpha}; it lies between 0 and 1")
        if not 0 <= self.lift_at_least < math.inf:
            raise ValueError(
                f"lift_at_least is {self.lift_at_least}; it is 0 or more (not_worse_by lets a metric be worse)"
            )
        for name, margin in (*self.not_worse_by.items(), ("no_slice_worse_than", self.no_slice_worse_than or 0.0)):
            if not 0 <= margin < math.inf:
                raise ValueError(f"the margin of {name!r} is {margin}; it is 0 or more")
        for name in ("flips_at_most", "latency_ratio_at_most", "size_ratio_at_most"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:
                raise ValueError(f"{name} is {value}; it is 0 or more")
        if self.latency_at_most:
            parse_duration(self.latency_at_most)
        if self.min_rows < 2:
            raise ValueError(f"min_rows is {self.min_rows}; it is 2 or more")

    @property
    def weighs_cost(self) -> bool:
        """Return whether a bound is about the models' cost."""
        return (
            bool(self.latency_at_most) or self.latency_ratio_at_most is not None or self.size_ratio_at_most is not None
        )
