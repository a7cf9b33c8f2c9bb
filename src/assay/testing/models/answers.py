"""What a model answered, whatever its form, and whether two answers are the same."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from assay.errors import DataError
from assay.evaluation.models.answer import array_of, missing, table_of

__all__ = ["DOUBLE", "REPEAT", "SINGLE", "Answer", "Kind", "differing", "noise", "of_raw"]

Kind = Literal["probability", "label", "value"]

# How far two answers that should be equal may be apart, as a share of the greatest answer (of 1 for probabilities). A product
# of matrices is summed in another order for one row than for many: some 1e-13 in double precision after a badly conditioned
# step, some 1e-6 in single precision after many layers. A model that looks at the rest of its batch is off by 1e-3 or more.
DOUBLE, SINGLE = 1e-6, 1e-4
# Two calls with the same rows sum in the same order, but for threads that finish in another one.
REPEAT = {"double": 1e-9, "single": 1e-6}


@dataclass(frozen=True, eq=False)
class Answer:
    """What a model says of n rows.

    `numbers` are n by k: values, probabilities, or the margins behind labels (None where there are none). `labels` are n
    (n by k for several at once), None where the model says numbers only. `classes` name the columns of probabilities where
    they are known. `blocks` are the widths of the probabilities that belong together: one block for each label. `dtype` is what
    the model itself returned, and `shape` its shape.
    """

    kind: Kind
    numbers: NDArray[np.float64] | None
    labels: NDArray[Any] | None
    dtype: str
    shape: tuple[int, ...]
    classes: tuple[Hashable, ...] = ()
    blocks: tuple[int, ...] = ()

    @property
    def height(self) -> int:
        """Return how many rows were answered."""
        return self.shape[0]

    @property
    def judged(self) -> NDArray[Any]:
        """Return what is judged, n by k: the labels of a model that says labels, else the numbers."""
        told = self.labels if self.kind == "label" else self.numbers
        assert told is not None  # of_raw fills the one that belongs to the kind
        return _wide(told)

    @property
    def single(self) -> bool:
        """Return whether the numbers were made in less than double precision."""
        return self.dtype in ("float32", "float16", "bfloat16")

    def take(self, places: Sequence[int] | NDArray[Any]) -> Answer:
        """Return the answers of some rows, in the order given."""
        found = np.asarray(places, dtype=np.int64)
        numbers = None if self.numbers is None else self.numbers[found]
        labels = None if self.labels is None else self.labels[found]
        return Answer(self.kind, numbers, labels, self.dtype, (len(found), *self.shape[1:]), self.classes, self.blocks)

    def invalid(self) -> NDArray[np.bool_]:
        """Return which rows have an answer that is none: NaN, infinite, or missing."""
        told = self.judged
        lost = missing(told)
        if told.dtype.kind == "f":
            lost = lost | np.isinf(told).any(axis=1)
        return np.asarray(lost, dtype=bool)

    def shown(self, place: int) -> Any:
        """Return the answer of one row for a message: one value, or a text of several; two probabilities as the last."""
        row = self.judged[place]
        if len(row) == 1 or (self.kind == "probability" and len(row) == 2):
            last = row[-1]
            return last.item() if hasattr(last, "item") else last
        said = ", ".join(f"{one:.4g}" if isinstance(one, float) else str(one) for one in row[:6].tolist())
        return f"{said}, … ({len(row)} in all)" if len(row) > 6 else said

    def told(self, place: int) -> str:
        """Return the answer of one row for a sentence, its numbers to six digits."""
        value = self.shown(place)
        return f"{value:.6g}" if isinstance(value, float) else str(value)


def of_raw(raw: object, kind: Kind | None, *, classes: Sequence[Hashable] = (), margins: object = None) -> Answer:
    """Return what a model returned as an answer: an array, a list, a series, a frame, a tensor, or a list of these.

    Without a kind, floats are values, and everything else labels. `margins` are the numbers behind labels, where known.

    Raises DataError where it is nothing that has rows, or holds no numbers where the kind wants them.

    >>> of_raw([[0.25, 0.75]], "probability").shown(0)
    0.75
    >>> of_raw(["no", "yes"], None).kind
    'label'
    """
    blocks: tuple[int, ...] = ()
    if isinstance(raw, list) and raw and all(hasattr(one, "ndim") and one.ndim == 2 for one in raw):
        parts = [np.asarray(one) for one in raw]  # one matrix of probabilities for each of several labels
        array, blocks = np.column_stack(parts), tuple(part.shape[1] for part in parts)
    else:
        array = _array(raw)
    if array.ndim == 0:
        raise DataError(
            f"the model answered {str(raw)[:60]!r}, which has no rows", hint="it answers one value for each row"
        )
    kind = kind or ("value" if array.dtype.kind in "fc" else "label")
    dtype, shape = str(array.dtype), array.shape
    if kind == "label":
        numbers = None if margins is None else _numbers(margins)
        return Answer(kind, numbers, array if array.ndim == 1 else _wide(array), dtype, shape)
    wide = _numbers(array)
    return Answer(kind, wide, None, dtype, shape, tuple(classes), blocks or (wide.shape[1],))


def noise(answer: Answer, *, share: float | None = None) -> NDArray[np.float64]:
    """Return how far two equal numbers of each column may be apart: a share of the greatest one, by their precision.

    The greatest is 1 for probabilities. The share is 1e-6 for numbers in double precision, 1e-4 for single.

    >>> noise(of_raw([[0.2, 0.8]], "probability")).tolist()
    [1e-06, 1e-06]
    """
    assert answer.numbers is not None  # asked of answers that have numbers
    if share is None:
        share = SINGLE if answer.single else DOUBLE
    if answer.kind == "probability":
        return np.full(answer.numbers.shape[1], share)
    whole = np.abs(np.where(np.isfinite(answer.numbers), answer.numbers, 0.0)).max(axis=0, initial=0.0)
    if answer.single:
        # Of several outputs, one may be the small difference of large sums: its noise is that of the sums.
        whole = np.maximum(whole, 0.01 * whole.max(initial=0.0))
    return np.asarray(share * whole, dtype=np.float64)


def differing(one: Answer, other: Answer, *, share: float | None = None) -> NDArray[np.bool_]:
    """Return which rows two answers differ in, beyond the noise of `one`; NaN equals NaN.

    Labels differ where they are unequal, unless the margins behind them are known and equal: then the row is a tie, which
    either label answers.

    >>> differing(of_raw([1.0, 2.0], "value"), of_raw([1.0 + 1e-9, 2.1], "value")).tolist()
    [False, True]
    """
    if one.kind == "label":
        if one.judged.shape != other.judged.shape:
            return np.ones(one.height, dtype=bool)
        unequal = np.asarray(one.judged != other.judged, dtype=bool).any(axis=1)
        unequal &= ~(missing(one.judged) & missing(other.judged))
        if one.numbers is None or other.numbers is None or one.numbers.shape != other.numbers.shape:
            return np.asarray(unequal)
        return np.asarray(unequal & _apart(one, other, share))
    if one.judged.shape != other.judged.shape:
        return np.ones(one.height, dtype=bool)
    return _apart(one, other, share)


def _apart(one: Answer, other: Answer, share: float | None) -> NDArray[np.bool_]:
    a, b = one.numbers, other.numbers
    if a is None or b is None:
        return np.ones(one.height, dtype=bool)
    with np.errstate(invalid="ignore"):
        near = (np.abs(a - b) <= noise(one, share=share)) | (a == b) | (np.isnan(a) & np.isnan(b))
    return np.asarray(~near.all(axis=1))


def _array(raw: object) -> NDArray[Any]:
    if hasattr(raw, "detach"):  # a tensor of torch
        raw = raw.detach().cpu().numpy()
    if hasattr(raw, "toarray"):  # a sparse matrix of SciPy
        raw = raw.toarray()
    columns = table_of(raw)
    if columns is None:
        return array_of(raw)
    held = list(columns.values())
    if any(column.ndim == 0 for column in held):
        raise DataError(f"the model answered a mapping of single values, {str(raw)[:60]!r}", hint="one for each row")
    return held[0] if len(held) == 1 else np.column_stack(held)


def _numbers(raw: object) -> NDArray[np.float64]:
    array = np.asarray(raw)
    if array.dtype.kind == "c":
        raise DataError("the model answered complex numbers", hint="it answers real ones")
    try:
        made = array.astype(np.float64)
    except (TypeError, ValueError):
        raise DataError(f"the model answered {array.ravel()[:1].tolist()}, where a number was promised") from None
    return _wide(made)


def _wide(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array as rows and columns; reshape cannot tell how many columns an empty one has."""
    return array.reshape(len(array), -1) if array.size else array.reshape(len(array), int(np.prod(array.shape[1:])))
