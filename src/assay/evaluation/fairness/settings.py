"""What is asked of a model's fairness: sensitive columns, the groups made of them, and the bounds of gaps."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Literal

import msgspec

__all__ = ["FOUR_FIFTHS", "FairnessSettings", "GapBound"]

FOUR_FIFTHS = 0.8  # of the Uniform Guidelines on Employee Selection Procedures, 29 CFR 1607.4 D (1978)


class GapBound(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The bounds of one measure's gaps: `at_most` of the difference between groups, `at_least` of their ratio.

    The difference is that of the greatest and the least group, the ratio that of the least to the greatest.
    """

    at_most: float | None = None
    at_least: float | None = None

    def __post_init__(self) -> None:
        if self.at_most is None and self.at_least is None:
            raise ValueError("a bound has at_most (of the difference), at_least (of the ratio), or both")
        if self.at_most is not None and self.at_most < 0:
            raise ValueError(f"at_most is {self.at_most:g}; a difference between groups is 0 or more")
        if self.at_least is not None and not 0 < self.at_least <= 1:
            raise ValueError(f"at_least is {self.at_least:g}; a ratio of groups is in (0, 1]")


class FairnessSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which groups are compared in which measures, and what gap between them is too large; a file of YAML has the same keys.

    `columns` are the sensitive columns (default: those that the dataset names so), and up to `crosses` of them are crossed: 1
    leaves each by itself, 2 adds the groups of every pair, 3 of every three. `bins` gives the edges by which a column of
    numbers is cut, others with more than ten values are cut into `quantiles` groups of about equal size. `measures` are names
    of the table of measures (default: all that suit the task), `positive` the classes of several that they are of (default:
    each).

    A group is estimable in a measure from `min_rows` rows that the measure is of: fewer leave a bound undecided. Beside the
    gap between the extremes each group is compared with one: the `reference` of a column is its "largest" group or the "best"
    in the measure, or the one that `references` names.

    `bounds` gives each measure's; `four_fifths` is short for a ratio of selection rates of at least 0.8. "flip_rate",
    "flip_change" and "proxy_auc" have `at_most` only. A bound is broken where a p-value, adjusted over all bounds by `correction`, is at
    most `alpha`. `flips` asks the model about the same rows with another value of the sensitive column, `proxies` whether the
    other features give the column away.
    """

    columns: tuple[str, ...] = ()
    crosses: int = 2
    bins: dict[str, tuple[float, ...]] = {}
    quantiles: int = 4
    measures: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()
    min_rows: int = 30
    reference: Literal["largest", "best"] = "largest"
    references: dict[str, str] = {}
    bounds: dict[str, GapBound] = {}
    four_fifths: bool = False
    alpha: float = 0.05
    correction: str = "holm"
    flips: bool = True
    proxies: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.crosses <= 3:
            raise ValueError(f"crosses is {self.crosses}; from 1 to 3 columns are crossed")
        if self.quantiles < 2:
            raise ValueError(f"quantiles is {self.quantiles}; a column is cut into at least 2 groups")
        if self.min_rows < 1:
            raise ValueError(f"min_rows is {self.min_rows}; a group has at least one row")
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha is {self.alpha:g}; an error rate is in (0, 1)")
        for column, edges in self.bins.items():
            if not edges or any(a >= b for a, b in itertools.pairwise(edges)):
                raise ValueError(f"bins.{column} is {list(edges)}; edges rise, and there is at least one")

    @property
    def all_bounds(self) -> Mapping[str, GapBound]:
        """Return the bound of each measure, with that of the four-fifths rule where it is asked for."""
        if not self.four_fifths:
            return self.bounds
        told = self.bounds.get("selection_rate", GapBound(at_least=FOUR_FIFTHS))
        strict = GapBound(at_most=told.at_most, at_least=max(told.at_least or 0.0, FOUR_FIFTHS))
        return {**self.bounds, "selection_rate": strict}
