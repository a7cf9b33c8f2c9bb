"""Comparisons of whole rows, and of embeddings: differences that no single column shows.

Each takes two matrices of floats (see `assay.stats.encoder` for how frames become such) and says how likely so great a
difference is by chance alone, and how great it is. A new one is a function and an entry of the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from assay.errors import member
from assay.stats.classifier import classifier
from assay.stats.components import reconstruction
from assay.stats.encoder import Encoded
from assay.stats.kernels import energy, mmd
from assay.stats.matrix import Floats, RowsCompared

__all__ = ["ROW_COMPARISONS", "CompareRows", "RowComparison", "compare_rows"]


class CompareRows(Protocol):
    """A comparison of two matrices of equal width, NaN where a value is missing; all chance comes from `rng`."""

    def __call__(self, reference: Floats, current: Floats, *, rng: np.random.Generator) -> RowsCompared: ...


@dataclass(frozen=True, slots=True)
class RowComparison:
    """One entry of the table: `size` says what the size is and which value is no difference, `extra` what it needs.

    `distances` says that it goes by distances between rows, so that codes of words should be spread first.
    """

    name: str
    title: str
    formula: str
    size: str
    none_at: float
    compare: CompareRows
    undefined: str
    source: str
    extra: str = ""
    distances: bool = True


def compare_rows(sides: Encoded, name: str, *, rng: np.random.Generator) -> RowsCompared:
    """Return what the comparison of that name says of two frames, as `assay.stats.encoder.encode` made matrices of them.

    Codes of words are spread for those that go by distances. Raises `ConfigError` where there is no such comparison.

    >>> import polars as pl
    >>> from assay.stats.encoder import encode
    >>> rng = np.random.default_rng(1)
    >>> a = pl.DataFrame({"word": ["x", "y"] * 50, "n": rng.normal(size=100)})
    >>> b = pl.DataFrame({"word": ["x", "z"] * 50, "n": rng.normal(size=100)})
    >>> compare_rows(encode(a, b), "energy", rng=rng).p_value
    0.001
    """
    entry = member(ROW_COMPARISONS, name, what="comparison of rows")
    reference, current = sides.reference, sides.current
    if entry.distances:
        reference, current = sides.encoder.spread(reference), sides.encoder.spread(current)
    return entry.compare(reference, current, rng=rng)


_FEW = "below 30 rows a side, and where no column has two different values"

ROW_COMPARISONS: dict[str, RowComparison] = {
    entry.name: entry
    for entry in (
        RowComparison(
            "classifier", "Domain classifier", "AUC = P(score(y) > score(x)) + P(=)/2, on rows held out",
            "AUC, ½ to 1", 0.5, classifier, _FEW, "Lopez-Paz & Oquab 2017; Hediger, Michel & Näf 2022",
            extra="drift", distances=False,
        ),
        RowComparison(
            "mmd", "Maximum mean discrepancy", "MMD² = mean k(x, x') + mean k(y, y') - 2·mean k(x, y)",
            "MMD, 0 to √2", 0.0, mmd, _FEW, "Gretton et al. 2012",
        ),
        RowComparison(
            "energy", "Energy distance", "E = 2·mean |x - y| - mean |x - x'| - mean |y - y'|",
            "E / (2·mean |x - y|), 0 to 1", 0.0, energy, _FEW, "Székely & Rizzo 2013",
        ),
        RowComparison(
            "reconstruction", "Reconstruction error", "|z - z·VᵀV|², compared by Mann-Whitney",
            "ratio of mean errors, above 0", 1.0, reconstruction,
            f"{_FEW}; for a single column; where every row is rebuilt without an error", "Jackson & Mudholkar 1979",
        ),
    )
}  # fmt: skip
