"""What is asked about slices: by which columns, bins and predicates, under which bounds, and whether to search for more."""

from __future__ import annotations

from typing import Literal

import msgspec

from assay.evaluation.slicing.bins import Part

__all__ = ["SliceSettings"]


class SliceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which slices are measured and what they have to keep, and how more of them are searched for; YAML has the same keys.

    `columns` are sliced by their values, numbers with more than twelve values and instants by four bins; `bins` gives the
    edges, or the number of bins, of a column. `calendar` slices instants by "hour", "weekday", "day", "month", "quarter" or
    "year", `lengths` texts by their length, `crosses` by the pairs of two columns, and `where` by predicates in SQL, by name.
    Of a column's values the `most_values` most frequent stand for themselves, the others together.

    `metrics` are measured beside the one that leads. `at_least` and `at_most` are bounds of a metric in every slice;
    `worse_at_most` bounds how much worse a slice is than the `rest` of the rows, or than the `whole`, as `against` says: in the
    metric's own units. A slice of fewer than `min_rows` rows leaves its bounds undecided.

    `search` looks for slices where the model does worse, over `features` (default: the model's, or all columns without a
    role), alone and (`depth` 2) in pairs; `loss` is what it looks at (default: what goes with the metric that leads). With
    `like_scores` a row is compared with rows of like scores, so that what is merely harder, as its scores say, is no weakness
    (default: for classes; numbers are compared with all). Of all that is found, wrongly by chance is any with a probability of
    at most `alpha`. `found_at_most` is a bound of how many may be found.
    """

    columns: tuple[str, ...] = ()
    bins: dict[str, int | tuple[float | str, ...]] = {}
    calendar: dict[str, tuple[Part, ...]] = {}
    lengths: tuple[str, ...] = ()
    crosses: tuple[tuple[str, str], ...] = ()
    where: dict[str, str] = {}
    most_values: int = 20
    metrics: tuple[str, ...] = ()
    at_least: dict[str, float] = {}
    at_most: dict[str, float] = {}
    worse_at_most: dict[str, float] = {}
    against: Literal["rest", "whole"] = "rest"
    min_rows: int = 30
    search: bool = True
    features: tuple[str, ...] = ()
    depth: Literal[1, 2] = 2
    loss: str = ""
    like_scores: bool | None = None
    alpha: float = 0.02
    found_at_most: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha is {self.alpha}; it lies between 0 and 1")
        if self.min_rows < 2:
            raise ValueError(f"min_rows is {self.min_rows}; it is 2 or more")
        if self.most_values < 1:
            raise ValueError(f"most_values is {self.most_values}; it is 1 or more")
        if self.found_at_most is not None and self.found_at_most < 0:
            raise ValueError(f"found_at_most is {self.found_at_most}; it is 0 or more")
        for name, bound in self.worse_at_most.items():
            if bound < 0:
                raise ValueError(f"worse_at_most of {name!r} is {bound}; it is 0 or more")

    @property
    def bounded(self) -> tuple[str, ...]:
        """Return the metrics that have a bound."""
        return tuple(dict.fromkeys((*self.at_least, *self.at_most, *self.worse_at_most)))
