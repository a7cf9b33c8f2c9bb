"""A batch: what a network is given, and what it should say; its arrays are held as numpy's, each with the dtype that it came in."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.errors import UsageError
from assay.testing.networks.chance import kept

__all__ = ["Batch", "Leaf", "batch", "batch_of", "leaves", "mapped"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Leaf:
    """One array of a batch; `dtype` is what it was before numpy ("torch.bfloat16"), empty where it was numpy's own."""

    array: Array
    dtype: str = ""

    @property
    def floats(self) -> bool:
        """Return whether it holds floating-point numbers."""
        return self.dtype in ("torch.bfloat16", "bfloat16") or self.array.dtype.kind == "f"


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows for a network: `inputs` and `targets` are a `Leaf`, or lists, tuples and mappings of them and of other values.

    Every `Leaf` whose first side is `rows` has a place for each row; others are the same for all rows. Make one with `batch`.
    """

    inputs: Any
    targets: Any
    rows: int

    def take(self, places: Sequence[int] | Array) -> Batch:
        """Return some of the rows, in the order given."""
        found = np.asarray(places, dtype=np.int64)

        def taken(leaf: Leaf) -> Leaf:
            return replace(leaf, array=leaf.array[found]) if self.by_row(leaf) else leaf

        return Batch(mapped(self.inputs, taken), mapped(self.targets, taken), len(found))

    def changed(self, change: Callable[[Leaf], Array]) -> Batch:
        """Return the rows with each array of the inputs that has a place for each row changed."""

        def made(leaf: Leaf) -> Leaf:
            return replace(leaf, array=change(leaf)) if self.by_row(leaf) else leaf

        return replace(self, inputs=mapped(self.inputs, made))

    def by_row(self, leaf: Leaf) -> bool:
        """Return whether an array has a place for each row."""
        return leaf.array.ndim > 0 and len(leaf.array) == self.rows

    @property
    def shapes(self) -> str:
        """Return the inputs' shapes, for messages: "(8, 4)"."""
        return ", ".join(str(leaf.array.shape) for _, leaf in leaves(self.inputs))


def batch(inputs: object, targets: object = None) -> Batch:
    """Return rows for a network: arrays of torch, JAX or numpy, frames and lists of numbers, alone or in tuples and mappings.

    The first side of the first array of the inputs counts the rows.

    Raises UsageError where the inputs hold no array with a row.

    >>> rows = batch({"x": np.zeros((8, 4)), "mask": np.ones((8, 4), dtype=bool)}, np.zeros(8))
    >>> rows.rows, rows.shapes
    (8, '(8, 4), (8, 4)')
    """
    held_inputs, held_targets = _held(inputs), _held(targets)
    first = next((leaf.array for _, leaf in leaves(held_inputs) if leaf.array.ndim), None)
    if first is None or not len(first):
        raise UsageError(
            f"the batch holds no rows: its inputs are {type(inputs).__name__}",
            hint="give (inputs, targets), where the first side of an array of inputs counts the rows",
        )
    return Batch(held_inputs, held_targets, len(first))


def batch_of(data: object) -> Batch:
    """Return what a contract was given as a batch: a `Batch`, a pair of inputs and targets, inputs alone, or a loader's first.

    A list or tuple of two is a pair of inputs and targets; where it is two inputs, say so: `batch((a, b))`. What else can be
    iterated (a loader) gives its first element, and chance is left as it was.
    """
    if isinstance(data, Batch):
        return data
    if isinstance(data, list | tuple):
        if len(data) != 2:
            raise UsageError(
                f"a {type(data).__name__} of {len(data)} is no pair of inputs and targets",
                hint="give (inputs, targets), or batch(inputs, targets)",
            )
        return batch(data[0], data[1])
    if _is_array(data) or isinstance(data, Mapping) or hasattr(data, "to_numpy") or not hasattr(data, "__iter__"):
        return batch(data)
    with kept(0):
        first = next(iter(data), None)
    if first is None:
        raise UsageError(f"{type(data).__name__} gives no batch", hint="give one that has rows")
    return batch_of(first)


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every array or `Leaf` in lists, tuples, mappings and dataclasses, with its path: "0", "logits", "hidden.1".

    >>> [name for name, _ in leaves({"a": np.zeros(1), "b": (np.zeros(2), None)})]
    ['a', 'b.0']
    """
    if isinstance(tree, Leaf) or _is_array(tree):
        yield path, tree
        return
    if isinstance(tree, Mapping):
        parts: Any = tree.items()
    elif isinstance(tree, list | tuple):
        names = getattr(tree, "_fields", range(len(tree)))
        parts = zip(names, tree, strict=True)
    elif dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        parts = [(field.name, getattr(tree, field.name)) for field in dataclasses.fields(tree)]
    else:
        return
    for name, part in parts:
        yield from leaves(part, f"{path}.{name}" if path else str(name))


def mapped(tree: Any, change: Callable[[Leaf], Any]) -> Any:
    """Return lists, tuples and mappings with each `Leaf` changed, and all else as it is."""
    if isinstance(tree, Leaf):
        return change(tree)
    if isinstance(tree, Mapping):
        return {name: mapped(part, change) for name, part in tree.items()}
    if isinstance(tree, list | tuple):
        parts = [mapped(part, change) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    return tree


def _held(tree: Any) -> Any:
    """Return a tree with each array copied into a `Leaf`."""
    if _is_array(tree):
        return _leaf(tree)
    if hasattr(tree, "to_numpy"):
        return _leaf(tree.to_numpy())
    if isinstance(tree, list) and tree and all(isinstance(part, bool | int | float) for part in tree):
        return Leaf(np.asarray(tree))
    if isinstance(tree, Mapping):
        return {name: _held(part) for name, part in tree.items()}
    if isinstance(tree, list | tuple):
        parts = [_held(part) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    return tree


def _leaf(array: Any) -> Leaf:
    if not hasattr(array, "detach"):
        return Leaf(np.array(array), str(array.dtype) if str(array.dtype) == "bfloat16" else "")
    dense = array.detach().to("cpu")
    if str(dense.dtype) == "torch.bfloat16":  # numpy has no such type; single precision holds its values exactly
        dense = dense.float()
    return Leaf(dense.numpy().copy(), str(array.dtype))


def _is_array(value: object) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype") and hasattr(value, "__getitem__")
