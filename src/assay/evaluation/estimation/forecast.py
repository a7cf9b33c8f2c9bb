"""What the labels of a window will be, from calibrated scores: the sums expected of them, and draws of these sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.columns import Scored
from assay.evaluation.estimation import tally as sums
from assay.evaluation.estimation.calibrators import Calibrator
from assay.evaluation.estimation.tally import Tally

__all__ = ["forecast"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

DRAWS = 1_000
CELLS = 2_048


def forecast(
    calibrator: Calibrator, window: Scored, *, rng: np.random.Generator, times: int = DRAWS, cells: int = CELLS
) -> tuple[Tally, Tally]:
    """Return the expected tally of a window, and draws of the tally that its labels will give.

    A draw moves the calibrator by its own uncertainty, then draws each label from its probability. Rows with about the
    same scores are drawn together, in about as many cells as told: their number of labels of each class is multinomial.
    """
    p = calibrator.probabilities(window.scores, window.predictions)
    order = sums.ranks(window.scores)
    expected = sums.of_probabilities(p, predictions=window.predictions, ranks=order)
    return expected, _drawn(calibrator, _cells(p, window, order, cells), rng, times)


@dataclass(frozen=True, slots=True)
class _Cells:
    """Rows drawn together: their number, prediction, mean probabilities, scores, and the ranks their labels will have."""

    sizes: Codes
    predictions: Codes | None
    p: Floats
    scores: Floats
    ranks: Floats
    predicted: Floats


def _cells(p: Floats, window: Scored, order: Floats, cells: int) -> _Cells:
    n, k = p.shape
    said = np.zeros(n, dtype=np.int64) if window.predictions is None else window.predictions
    key = p[:, -1] if k == 2 else p[np.arange(n), said] if window.predictions is not None else p.max(1)
    rows = np.lexsort((key, said))
    first = np.unique(np.concatenate([
        np.linspace(0, n, min(n, cells), endpoint=False).astype(np.int64),
        np.flatnonzero(np.diff(said[rows])) + 1,
    ]))  # fmt: skip
    sizes = np.diff(np.concatenate([first, [n]]))

    def mean(values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values[rows], first, axis=0) / sizes[:, None])

    p_mean = mean(p)
    # The rows of a cell that turn out to be of a class are rather those more likely to: their mean rank is weighted so.
    weighted = np.divide(mean(p * (order - 1)), p_mean, out=np.zeros_like(p_mean), where=p_mean > 0)
    return _Cells(
        sizes, None if window.predictions is None else said[rows][first], p_mean, mean(window.scores), weighted,
        np.zeros(k) if window.predictions is None else np.bincount(said, minlength=k).astype(np.float64),
    )  # fmt: skip


def _drawn(calibrator: Calibrator, cells: _Cells, rng: np.random.Generator, times: int) -> Tally:
    c, k = cells.p.shape
    basis = calibrator.basis
    x = basis.columns(basis.log_odds(cells.scores), cells.predictions, k)
    at_once = max(1, 4_000_000 // (c * k))
    odds = np.log(np.maximum(cells.p, 1e-300))
    hits, actual, rank_sum = (np.empty((times, k)) for _ in range(3))
    for start in range(0, times, at_once):
        some = slice(start, min(start + at_once, times))
        moved = np.einsum("cmd,tmd->tcm", x, calibrator.drawn(rng, times=some.stop - start))
        counts = _labels_drawn(rng, cells.sizes, odds, moved)
        actual[some] = counts.sum(1)
        rank_sum[some] = np.einsum("tck,ck->tk", counts, cells.ranks)
        if cells.predictions is not None:
            of_class = cells.predictions[:, None] == np.arange(k)
            hits[some] = np.einsum("tck,ck->tk", counts, of_class)
    return Tally(int(cells.sizes.sum()), hits, actual, cells.predicted, rank_sum, actual)


def _labels_drawn(rng: np.random.Generator, sizes: Codes, odds: Floats, moved: Floats) -> Floats:
    """Return how many labels of each class the rows of each cell get, draws by cells by classes."""
    k = odds.shape[1]
    if k == 2:
        p = 1 / (1 + np.exp(-(odds[:, 1] - odds[:, 0] + moved[..., 0])))
        of_positive = rng.binomial(sizes, p).astype(np.float64)
        return np.stack([sizes - of_positive, of_positive], axis=-1)
    raised = odds + moved
    raised = np.exp(raised - raised.max(axis=-1, keepdims=True))
    return rng.multinomial(sizes, raised / raised.sum(axis=-1, keepdims=True)).astype(np.float64)
