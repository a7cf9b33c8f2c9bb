"""A working copy of a pure function and its parameters, as JAX has them."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.errors import UsageError, require
from assay.testing.contract import Crashed, call
from assay.testing.networks.batch import Batch, Leaf, leaves, mapped
from assay.testing.networks.chance import kept
from assay.testing.networks.network import Network
from assay.testing.networks.trial import Answer, Pass

__all__ = ["JaxTrial"]

Array = NDArray[Any]

_KEYS = ("key", "rng")
_TRAINS = {"train": True, "training": True, "is_training": True, "deterministic": False}
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8


class JaxTrial:
    """A function and a copy of its parameters; the whole numbers among them are no weights and are left as they are. See `Trial`."""

    def __init__(self, network: Network, *, fresh: bool = False) -> None:
        self.network = network
        self.name = network.name
        self.jax: Any = require("jax", extra="jax")
        with kept(0):
            built = fresh and network.build is not None
            params = call(network.build, what=f"build of {self.name}") if built else network.params  # type: ignore[arg-type]
        found, self._tree = self.jax.tree_util.tree_flatten_with_path(params)
        self._names = [_named(path) for path, _ in found]
        self._leaves = [self.jax.numpy.array(leaf) for _, leaf in found]
        self._taken = _keywords(network.apply)
        floats = [leaf for leaf in self._leaves if self._floats(leaf)]
        self._moments: list[list[Any]] = [[self.jax.numpy.zeros_like(leaf) for leaf in floats] for _ in range(2)]
        self._steps = 0

    # What it holds ---------------------------------------------------------------------------------------------------

    def trainable(self) -> dict[str, tuple[int, ...]]:
        return {
            name: tuple(leaf.shape) for name, leaf in zip(self._names, self._leaves, strict=True) if self._floats(leaf)
        }

    def frozen(self) -> tuple[str, ...]:
        return ()

    def state(self) -> dict[str, Array]:
        return {name: _numpy(leaf) for name, leaf in zip(self._names, self._leaves, strict=True)}

    # Passes ----------------------------------------------------------------------------------------------------------

    def answer(self, batch: Batch, *, training: bool = False, seed: int = 0) -> Answer:
        with kept(seed):
            found = self._arrays(self._called(self._leaves, self._inputs(batch), training=training, seed=seed))
        return Answer(
            {name: _numpy(array) for name, array in found.items()},
            {name: str(array.dtype) for name, array in found.items()},
        )

    def compiled(self, batch: Batch, *, seed: int = 0) -> Answer:
        """Return what comes out of the function compiled by `jax.jit`."""

        def pure(kept_leaves: list[Any], inputs: Any) -> Any:
            return self._arrays(self._called(kept_leaves, inputs, training=False, seed=seed))

        with kept(seed):
            found = call(self.jax.jit(pure), self._leaves, self._inputs(batch), what=f"jax.jit of {self.name}")
        return Answer(
            {name: _numpy(array) for name, array in found.items()},
            {name: str(array.dtype) for name, array in found.items()},
        )

    def loss(self, batch: Batch, *, training: bool = True, seed: int = 0) -> float:
        with kept(seed):
            raw = self._called(self._leaves, self._inputs(batch), training=training, seed=seed)
            return float(self._lost(raw, self._targets(batch)))

    def losses(self, batch: Batch, *, seed: int = 0) -> Array:
        with kept(seed):
            raw = self._called(self._leaves, self._inputs(batch), training=True, seed=seed)
            cut = [
                self._lost(
                    self.jax.tree_util.tree_map(
                        lambda a, i=i: a[i : i + 1] if getattr(a, "ndim", 0) and len(a) == batch.rows else a, raw
                    ),
                    self._targets(batch.take([i])),
                )
                for i in range(batch.rows)
            ]
        return np.array([float(row) for row in cut])

    def passed(self, batch: Batch, *, seed: int = 0) -> Pass:
        loss, gradients = self._gradients(batch, seed)
        names = [name for name, leaf in zip(self._names, self._leaves, strict=True) if self._floats(leaf)]
        return Pass(float(loss), {name: _numpy(each) for name, each in zip(names, gradients, strict=True)})

    def learn(self, batch: Batch, *, rate: float, seed: int = 0) -> None:
        if self.network.step is not None:
            params = self.jax.tree_util.tree_unflatten(self._tree, self._leaves)
            given = params, mapped(batch.inputs, self._array), self._targets(batch)
            with kept(seed):
                made = call(self.network.step, *given, what=f"the step of {self.name}")
            found, tree = self.jax.tree_util.tree_flatten(made)
            if tree != self._tree:
                raise UsageError(
                    f"the step of {self.name} returns {tree}, not parameters like the ones it was given",
                    hint="return params, and nothing else: step(params, inputs, targets) -> params",
                )
            self._leaves = list(found)
            return
        _, gradients = self._gradients(batch, seed)
        self._adam(gradients, rate)

    def influence(self, batch: Batch, row: int, *, seed: int = 0) -> Array | None:
        numbers = self.jax.numpy
        tree = mapped(batch.inputs, lambda leaf: (leaf, self._array(leaf)))
        found, shape = self.jax.tree_util.tree_flatten(tree, is_leaf=lambda one: isinstance(one, tuple) and _pair(one))
        pairs = [one if isinstance(one, tuple) and _pair(one) else (None, one) for one in found]
        places = [
            i
            for i, (leaf, array) in enumerate(pairs)
            if leaf is not None and batch.by_row(leaf) and self._floats(array)
        ]
        if not places:
            return None

        def total(free: list[Any]) -> Any:
            given = [array for _, array in pairs]
            for place, array in zip(places, free, strict=True):
                given[place] = array
            raw = self._called(self._leaves, self.jax.tree_util.tree_unflatten(shape, given), training=False, seed=seed)
            outputs = [array for array in self._arrays(raw).values() if self._floats(array)]
            keys = self.jax.random.split(self.jax.random.PRNGKey(seed), max(len(outputs), 1))
            parts = [
                (array[row] * self.jax.random.uniform(key, array[row].shape)).sum()
                for array, key in zip(outputs, keys, strict=False)
            ]
            return sum(parts, start=numbers.zeros(()))

        try:
            with kept(seed):
                gradients = call(self.jax.grad(total), [pairs[place][1] for place in places], what=self.name)
        except Crashed:
            return None
        sizes = [np.abs(_numpy(each)).reshape(batch.rows, -1).max(axis=1) for each in gradients]
        largest: Array = np.max(sizes, axis=0)
        return largest

    # Checkpoints -----------------------------------------------------------------------------------------------------

    def saved(self) -> bytes:
        file = io.BytesIO()
        arrays = {str(place): np.asarray(leaf) for place, leaf in enumerate(self._leaves)}
        # numpy's files know no bfloat16: its bytes are kept, and the dtype that is restored is the one of the parameters.
        plain = {
            name: array.view(np.uint16) if array.dtype.name == "bfloat16" else array for name, array in arrays.items()
        }
        np.savez(file, **plain)  # type: ignore[arg-type]  # the names are places
        return file.getvalue()

    def restored(self, checkpoint: bytes) -> JaxTrial:
        other = JaxTrial(self.network, fresh=True)
        with np.load(io.BytesIO(checkpoint)) as file:
            held = [file[str(place)] for place in range(len(self._leaves))]
        if [tuple(leaf.shape) for leaf in other._leaves] != [array.shape for array in held]:
            raise Crashed(ValueError("its parameters have other shapes than the checkpoint"), f"build of {self.name}")
        other._leaves = [
            self.jax.numpy.array(array.view(leaf.dtype) if leaf.dtype.name == "bfloat16" else array)
            for array, leaf in zip(held, self._leaves, strict=True)
        ]
        return other

    def quieted(self) -> JaxTrial:
        return self  # a function's dropout is its own: it cannot be told from the rest

    @property
    def has_modes(self) -> bool:
        """Return whether the function takes the mode by keyword."""
        return bool(self._taken & set(_TRAINS))

    # Inside ----------------------------------------------------------------------------------------------------------

    def _gradients(self, batch: Batch, seed: int) -> Any:
        """Return the loss and the gradients of the trainable leaves, compiled where the function can be."""
        places = [i for i, leaf in enumerate(self._leaves) if self._floats(leaf)]

        def lost(free: list[Any], rest: list[Any], inputs: Any, targets: Any, seed: Any) -> Any:
            given = list(rest)
            for place, leaf in zip(places, free, strict=True):
                given[place] = leaf
            return self._lost(self._called(given, inputs, training=True, seed=seed), targets)

        arguments = (
            [self._leaves[i] for i in places], list(self._leaves), self._inputs(batch), self._targets(batch), np.int32(seed),
        )  # fmt: skip
        what = f"the gradient of {self.name}"
        shared = _shared(self.network)
        with kept(seed):
            if self._tree not in shared:
                graded = self.jax.value_and_grad(lost)
                shared[self._tree] = self.jax.jit(graded)
                try:
                    return call(shared[self._tree], *arguments, what=what)
                except Crashed:
                    # It may still be differentiated: that it does not compile is for another contract to say.
                    shared[self._tree] = graded
            return call(shared[self._tree], *arguments, what=what)

    def _adam(self, gradients: list[Any], rate: float) -> None:
        self._steps += 1
        places = [i for i, leaf in enumerate(self._leaves) if self._floats(leaf)]
        weights = [self._leaves[place] for place in places]
        # Compiled once for all copies: one by one, its few dozen operations would take longer than the gradient.
        step = self.jax.jit(_adam_step)
        made, *self._moments = step(weights, gradients, *self._moments, np.float32(self._steps), np.float32(rate))
        for place, weight in zip(places, made, strict=True):
            self._leaves[place] = weight

    def _called(self, weights: list[Any], inputs: Any, *, training: bool, seed: Any) -> Any:
        params = self.jax.tree_util.tree_unflatten(self._tree, weights)
        told: dict[str, Any] = {name: training is means for name, means in _TRAINS.items() if name in self._taken}
        told |= {name: self.jax.random.PRNGKey(seed) for name in _KEYS if name in self._taken}
        if self.network.spread and isinstance(inputs, dict):
            return call(self.network.apply, params, what=self.name, **inputs, **told)  # type: ignore[arg-type]
        given = inputs if self.network.spread and isinstance(inputs, list | tuple) else (inputs,)
        return call(self.network.apply, params, *given, what=self.name, **told)  # type: ignore[arg-type]

    def _lost(self, raw: Any, targets: Any) -> Any:
        if self.network.loss is None:
            raise UsageError(f"{self.name} has no loss", hint="declare loss=")
        told = () if targets is None else (targets,)
        loss = self.jax.numpy.asarray(call(self.network.loss, raw, *told, what=f"the loss of {self.name}"))
        if loss.size != 1:
            raise UsageError(f"the loss of {self.name} is {loss.shape}, not one number", hint="reduce it to its mean")
        return loss.reshape(())

    def _arrays(self, raw: Any) -> dict[str, Any]:
        seen = raw if self.network.read is None else call(self.network.read, raw, what=f"read= of {self.name}")
        found = {name or "output": one for name, one in leaves(seen)}
        if not found:
            raise UsageError(f"{self.name} returns {type(raw).__name__}, which holds no arrays", hint="declare read=")
        return found

    def _inputs(self, batch: Batch) -> Any:
        return mapped(batch.inputs, self._array)

    def _targets(self, batch: Batch) -> Any:
        return mapped(batch.targets, self._array)

    def _array(self, leaf: Leaf) -> Any:
        array = leaf.array
        if leaf.dtype == "torch.bfloat16":
            return self.jax.numpy.asarray(array).astype("bfloat16")
        return self.jax.numpy.array(array)

    def _floats(self, array: Any) -> bool:
        return bool(self.jax.numpy.issubdtype(array.dtype, self.jax.numpy.inexact))


def _adam_step(
    weights: list[Any], gradients: list[Any], means: list[Any], squares: list[Any], step: Any, rate: Any
) -> tuple[list[Any], list[Any], list[Any]]:
    """Return the weights and both moments after one step of Adam (Kingma and Ba, 2015) with its usual settings."""
    means = [_BETA1 * mean + (1 - _BETA1) * gradient for mean, gradient in zip(means, gradients, strict=True)]
    squares = [
        _BETA2 * square + (1 - _BETA2) * gradient**2 for square, gradient in zip(squares, gradients, strict=True)
    ]
    moved = []
    for weight, mean, square in zip(weights, means, squares, strict=True):
        size = (square / (1 - _BETA2**step)) ** 0.5 + _EPSILON
        moved.append((weight - rate * mean / (1 - _BETA1**step) / size).astype(weight.dtype))
    return moved, means, squares


@lru_cache(maxsize=4)
def _shared(network: Network) -> dict[Any, Callable[..., Any]]:
    """Return where the copies of one network keep their compiled gradients, by the tree of the parameters: compiling is slow."""
    return {}


def _numpy(array: Any) -> Array:
    made = np.asarray(array)
    return made.astype(np.float32) if made.dtype.name == "bfloat16" else np.array(made)


def _pair(one: tuple[Any, ...]) -> bool:
    return len(one) == 2 and isinstance(one[0], Leaf)


def _named(path: tuple[Any, ...]) -> str:
    """Return a leaf's path as torch would write it: "dense.kernel", "layers.0.w"."""
    parts = [next((getattr(step, key) for key in ("key", "idx", "name") if hasattr(step, key)), step) for step in path]
    return ".".join(str(part) for part in parts) or "params"


def _keywords(function: Callable[..., Any] | None) -> frozenset[str]:
    """Return the keywords of chance and mode that a function has."""
    try:
        told = set(inspect.signature(function).parameters)  # type: ignore[arg-type]  # what cannot be called is refused before
    except (TypeError, ValueError):
        return frozenset()
    return frozenset(told & {*_KEYS, *_TRAINS})
