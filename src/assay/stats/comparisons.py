"""The table of comparisons: each says how likely two samples are to differ so much by chance alone.

A new comparison is one function of a `Pair` and one entry here. Whether a difference matters is not theirs to say: of
millions of values the least difference is no chance any more. For its size see `assay.stats.distances`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assay.errors import member
from assay.stats import kolmogorov, order, positions, tables
from assay.stats.compared import Compared, too_few
from assay.stats.pair import Pair

__all__ = ["COMPARISONS", "Compared", "Comparison", "get_comparison", "permuted"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison: what it computes, on what, when it has no answer, and who found it.

    `on` says what it compares: a scale, whose places rise, or categories, where order does not matter (any pair fits);
    `statistic` is what its statistic is, with its range; `ties` how it treats equal values, and what that costs.
    """

    name: str
    title: str
    formula: str
    on: Literal["scale", "categories"]
    statistic: str
    undefined: str
    source: str
    ties: str
    compare: Callable[[Pair], Compared]

    def fits(self, pair: Pair) -> bool:
        """Return whether the pair is one that this compares."""
        return self.on == "categories" or pair.is_scale


def get_comparison(name: str, *, place: str = "") -> Comparison:
    """Return a comparison by its name; raise `ConfigError` with the nearest name where there is none.

    >>> get_comparison("ks").title
    'Kolmogorov-Smirnov'
    """
    return member(COMPARISONS, name, what="comparison", place=place)


def permuted(
    pair: Pair, statistic: Callable[[Pair], float], *, rng: np.random.Generator, rounds: int = 999
) -> Compared:
    """Return any statistic of a pair with its p-value by permutation: greater values speak for a difference.

    p = (1 + k) / (1 + B): k of B rounds, in each of which the pooled values are dealt to the two sides anew, have a
    statistic at least as large. It is never 0, and keeps its rate for every B, however many values are equal. A round
    draws counts (multivariate hypergeometric), not rows. Undefined for fewer than two values on a side.
    Source: Phipson & Smyth 2010.

    >>> from assay.stats.pair import of_samples
    >>> pair = of_samples([1, 2, 3, 4], [11, 12, 13, 14])
    >>> permuted(pair, lambda p: kolmogorov.ks(p).statistic, rng=np.random.default_rng(7), rounds=99).p_value
    0.02
    """
    if rounds < 1:
        raise ValueError(f"rounds is {rounds}; at least 1")
    if (few := too_few(pair)) is not None:
        return few
    seen = statistic(pair)
    pooled = pair.reference + pair.current
    least = seen - 1e-12 * abs(seen)  # equal statistics count, whatever the rounding
    k = 0
    for _ in range(rounds):
        dealt = rng.multivariate_hypergeometric(pooled, pair.n_reference, method="marginals")
        k += statistic(Pair(dealt, pooled - dealt, pair.low, pair.high, pair.labels)) >= least
    return Compared(seen, (1 + k) / (1 + rounds), f"{rounds} rounds")


_SHORT = "fewer than 2 values on a side"
_EXACT = "counted as they are"
_ALL = (
    Comparison(
        name="ks",
        title="Kolmogorov-Smirnov",
        formula="D = max |F(x) - G(x)|",
        on="scale",
        statistic="the greatest distance of the two distribution functions, in [0, 1]",
        undefined=_SHORT,
        source="Smirnov 1939; Schröer & Trenkler 1995",
        ties=f"{_EXACT}; the p-value is that of the places at hand, exact up to {kolmogorov.EXACT} values in both samples",
        compare=kolmogorov.ks,
    ),
    Comparison(
        name="anderson_darling",
        title="Anderson-Darling",
        formula="A² = (N - 1)/N · Σ lₖ/N · mn/N · (F̄ₖ - Ḡₖ)² / (uₖ(1 - uₖ) - lₖ/4N)",
        on="scale",
        statistic="the squared distance of the two distribution functions in units of its variance, ≥ 0, 1 by chance",
        undefined=_SHORT,
        source="Pettitt 1976; Scholz & Stephens 1987",
        ties=f"{_EXACT}, by midranks; the p-value is that of the places at hand",
        compare=order.anderson_darling,
    ),
    Comparison(
        name="cramer_von_mises",
        title="Cramér-von Mises",
        formula="T = mn/N² · Σ lₖ (F̄ₖ - Ḡₖ)² + 1/(4N)",
        on="scale",
        statistic="the squared distance of the two distribution functions, ≥ 0, about 1/6 by chance",
        undefined=_SHORT,
        source="Anderson 1962",
        ties=f"{_EXACT}, by midranks; the p-value is that of the places at hand",
        compare=order.cramer_von_mises,
    ),
    Comparison(
        name="mann_whitney",
        title="Mann-Whitney",
        formula="U = Σ cₖ (reference values below k + rₖ/2)",
        on="scale",
        statistic="the pairs in which the current value is greater, equal ones half, in [0, mn], mn/2 by chance",
        undefined=_SHORT,
        source="Mann & Whitney 1947; Lehmann 1975",
        ties=f"{_EXACT}, in the variance",
        compare=order.mann_whitney,
    ),
    Comparison(
        name="smooth",
        title="Neyman's smooth comparison",
        formula="S = Σ Zⱼ², Zⱼ the standardised difference of the mean of hⱼ(u), j = 1 to 4",
        on="scale",
        statistic="how far location, spread, skew and tails of the ranks differ, ≥ 0, 4 by chance",
        undefined=_SHORT,
        source="Neyman 1937; Janic-Wróblewska & Ledwina 2000; Rayner, Thas & Best 2009",
        ties=f"{_EXACT}: the polynomials are orthonormal over the places at hand",
        compare=order.smooth,
    ),
    Comparison(
        name="omnibus",
        title="Anderson-Darling or smooth",
        formula="p = min(1, 2 · min(p of A², p of S))",
        on="scale",
        statistic="the smaller p-value of the two, in (0, 1]",
        undefined=_SHORT,
        source="Bonferroni 1936",
        ties=f"{_EXACT}, as both count them",
        compare=order.omnibus,
    ),
    Comparison(
        name="welch",
        title="Welch's t",
        formula="t = (mean c - mean r) / √(s²r/m + s²c/n)",
        on="scale",
        statistic="the difference of the means in standard errors, any number, 0 by chance",
        undefined=f"{_SHORT}; no spread on either side and different means",
        source="Welch 1947",
        ties="no matter",
        compare=positions.welch,
    ),
    Comparison(
        name="brown_forsythe",
        title="Brown-Forsythe",
        formula="F = t² of |x - median|",
        on="scale",
        statistic="the squared difference of the mean distances from the median in standard errors, ≥ 0, 1 by chance",
        undefined=f"{_SHORT}; distances that differ between the sides and not within them",
        source="Brown & Forsythe 1974",
        ties="no matter",
        compare=positions.brown_forsythe,
    ),
    Comparison(
        name="levene",
        title="Levene",
        formula="F = t² of |x - mean|",
        on="scale",
        statistic="the squared difference of the mean distances from the mean in standard errors, ≥ 0, 1 by chance",
        undefined=f"{_SHORT}; distances that differ between the sides and not within them",
        source="Levene 1960",
        ties="no matter",
        compare=positions.levene,
    ),
    Comparison(
        name="psi",
        title="population stability index",
        formula="PSI = Σ (cₖ - rₖ) ln(cₖ / rₖ); PSI / (1/n + 1/m) ~ χ²",
        on="categories",
        statistic="the index itself, ≥ 0, (K - 1)(1/n + 1/m) by chance",
        undefined=f"{_SHORT}; categories so rare that one pooled place is left",
        source="Yurdakul & Naranjo 2020",
        ties="equal values share a group of the reference's quantiles",
        compare=tables.psi,
    ),
    Comparison(
        name="chi_squared",
        title="chi-squared",
        formula="X² = Σ (seen - expected)² / expected",
        on="categories",
        statistic="the squared differences of the counts in units of their expectation, ≥ 0, K - 1 by chance",
        undefined=f"{_SHORT}; places so rare that one pooled place is left",
        source="Pearson 1900; Cochran 1954",
        ties="each value is a place of its own; rare places are pooled",
        compare=tables.chi_squared,
    ),
    Comparison(
        name="g_test",
        title="G-test",
        formula="G = 2 Σ seen · ln(seen / expected)",
        on="categories",
        statistic="twice the logarithm of the likelihoods' ratio, ≥ 0, K - 1 by chance",
        undefined=f"{_SHORT}; places so rare that one pooled place is left",
        source="Wilks 1935; Williams 1976",
        ties="each value is a place of its own; rare places are pooled",
        compare=tables.g_test,
    ),
    Comparison(
        name="fisher",
        title="Fisher's exact comparison",
        formula="p = Σ P(table) over all tables no likelier than the one seen, given the margins",
        on="categories",
        statistic="the probability of the table seen, in (0, 1]",
        undefined=f"{_SHORT}; three or more places that make more than {tables.TABLES:,} tables",
        source="Fisher 1934; Freeman & Halton 1951",
        ties="each value is a place of its own; exact, and so conservative where tables are few",
        compare=tables.fisher,
    ),
)
COMPARISONS: dict[str, Comparison] = {comparison.name: comparison for comparison in _ALL}
