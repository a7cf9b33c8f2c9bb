"""A trial: a working copy of a network, on which a contract may do what it likes; one shape for torch and for JAX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assay.testing.networks.batch import Batch
from assay.testing.networks.network import Network

__all__ = ["Answer", "Pass", "Trial", "apart", "closeness", "trial"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Answer:
    """The arrays that came out, by their paths (a single one is called "output"), and the dtypes that they came in."""

    arrays: Mapping[str, Array]
    dtypes: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Pass:
    """One pass forth and back: the loss, and the gradient of each trainable parameter, None where none reached it."""

    loss: float
    gradients: Mapping[str, Array | None]


class Trial(Protocol):
    """A working copy of a network. Nothing that is done to it reaches the person's own, nor the chance of the run."""

    name: str

    def trainable(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every parameter that training may change, by its name."""
        ...

    def frozen(self) -> tuple[str, ...]:
        """Return the names of the parameters that training may not change."""
        ...

    def state(self) -> dict[str, Array]:
        """Return a copy of every array that the network holds: parameters, and buffers such as running means."""
        ...

    def answer(self, batch: Batch, *, training: bool = False, seed: int = 0) -> Answer:
        """Return what comes out for a batch, in one of the modes; raise `Crashed` where it raises."""
        ...

    def loss(self, batch: Batch, *, training: bool = True, seed: int = 0) -> float:
        """Return the loss of a batch."""
        ...

    def losses(self, batch: Batch, *, seed: int = 0) -> Array:
        """Return the loss of each row by itself, of one answer to all of them, in training mode."""
        ...

    def passed(self, batch: Batch, *, seed: int = 0) -> Pass:
        """Return the loss and the gradients of one pass in training mode; nothing is changed but running statistics."""
        ...

    def learn(self, batch: Batch, *, rate: float, seed: int = 0) -> None:
        """Make one step of training: the declared one, else one of Adam with this rate."""
        ...

    def influence(self, batch: Batch, row: int, *, seed: int = 0) -> Array | None:
        """Return how much each row of the inputs moves the answer of one row: the largest |derivative|; None where unknown."""
        ...

    def saved(self) -> bytes:
        """Return the checkpoint."""
        ...

    def restored(self, checkpoint: bytes) -> Trial:
        """Return another copy, its parameters first made to differ, then restored from a checkpoint."""
        ...

    def quieted(self) -> Trial:
        """Return this trial with dropout off in training mode too, where that can be told."""
        ...


def trial(network: Network, *, fresh: bool = False) -> Trial:
    """Return a working copy of a network; with `fresh`, a newly built one where `build=` is declared."""
    if network.params is not None:
        from assay.testing.networks.jax import JaxTrial

        return JaxTrial(network, fresh=fresh)
    from assay.testing.networks.torch import TorchTrial

    return TorchTrial(network, fresh=fresh)


def closeness(dtype: str) -> float:
    """Return how far two answers to the same rows may be apart, as a share of the largest: by the type's precision.

    Kernels add the same numbers in another order for another batch size; the error grows with their count. About a thousand
    units in the last place: 1e-4 in single, 2e-13 in double, and 4 units in the last place in half precision (where sums are
    mostly kept in single).

    >>> closeness("float32"), closeness("float64")
    (0.0001, 1e-12)
    """
    return {"float64": 1e-12, "float16": 4e-3, "bfloat16": 3e-2}.get(dtype, 1e-4)


def apart(one: Array, other: Array, *, share: float) -> NDArray[np.bool_]:
    """Return which elements differ by more than a share of the largest; NaN equals NaN, an infinity itself."""
    a, b = _numbers(one), _numbers(other)
    sizes = [np.abs(x[np.isfinite(x)]).max(initial=0.0) for x in (a, b)]
    with np.errstate(invalid="ignore"):
        near = np.abs(a - b) <= share * max(sizes)
    return np.asarray(~(near | (a == b) | (np.isnan(a) & np.isnan(b))))


def _numbers(array: Array) -> Array:
    return array if array.dtype.kind == "c" else array.astype(np.float64)
