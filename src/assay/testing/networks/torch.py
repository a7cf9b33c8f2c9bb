"""A working copy of a torch module."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.errors import UsageError, require
from assay.testing.contract import Crashed, call
from assay.testing.networks.batch import Batch, Leaf, leaves, mapped
from assay.testing.networks.chance import kept
from assay.testing.networks.network import Network
from assay.testing.networks.trial import Answer, Pass

__all__ = ["TorchTrial", "hidden"]

Array = NDArray[Any]


class TorchTrial:
    """A deep copy of a module, on the module's own device; see `Trial`."""

    def __init__(self, network: Network, *, fresh: bool = False) -> None:
        self.network = network
        self.name = network.name
        self.torch: Any = require("torch", extra="torch")
        self.module = self._built() if fresh and network.build is not None else self._copied()
        self._quiet = False
        self._optimizer: Any = None
        self._rate = 0.0

    def _built(self) -> Any:
        with kept(0):
            return call(self.network.build, what=f"build of {self.name}")  # type: ignore[arg-type]  # it is declared

    def _copied(self) -> Any:
        if any(self.torch.nn.parameter.is_lazy(p) for p in self.network.module.parameters()):
            raise UsageError(
                f"{self.name} is lazy: its shapes are not known yet", hint="pass one batch through it first"
            )
        try:
            made = copy.deepcopy(self.network.module)
        except Exception as error:  # what a module holds may refuse to be copied in any way
            if self.network.build is None:
                raise UsageError(
                    f"{self.name} cannot be copied: {type(error).__name__}: {error}",
                    hint="declare build=, a function that makes a fresh module, so that yours is left alone",
                ) from None
            made = self._built()
            made.load_state_dict(self.network.module.state_dict())
        made.zero_grad(set_to_none=True)
        return made

    # What it holds ---------------------------------------------------------------------------------------------------

    def trainable(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(p.shape) for name, p in self.module.named_parameters() if p.requires_grad}

    def frozen(self) -> tuple[str, ...]:
        return tuple(name for name, p in self.module.named_parameters() if not p.requires_grad)

    def state(self) -> dict[str, Array]:
        named = [*self.module.named_parameters(), *self.module.named_buffers()]
        return {name: self._numpy(tensor).copy() for name, tensor in named}

    # Passes ----------------------------------------------------------------------------------------------------------

    def answer(self, batch: Batch, *, training: bool = False, seed: int = 0) -> Answer:
        with kept(seed), self.torch.no_grad(), self._mode(training):
            return self._answered(self._called(batch))

    def _answered(self, raw: Any) -> Answer:
        found = self._tensors(raw)
        return Answer(
            {name: self._numpy(tensor) for name, tensor in found.items()},
            {name: str(tensor.dtype).removeprefix("torch.") for name, tensor in found.items()},
        )

    def held_answer(self, batch: Batch, *, still: Collection[str], seed: int = 0) -> Answer:
        """Return what comes out in training mode, with the submodules of these names in evaluation."""
        with kept(seed), self.torch.no_grad(), self._mode(True):
            for name, part in self.module.named_modules():
                if name in still:
                    part.training = False
            return self._answered(self._called(batch))

    def inputs_after(self, batch: Batch, *, training: bool, seed: int = 0) -> dict[str, Array]:
        """Return what a pass left of the tensors that it was given, by their paths."""
        inputs = mapped(batch.inputs, self._tensor)
        with kept(seed), self.torch.no_grad(), self._mode(training):
            self._spread(inputs)
        return {name: self._numpy(tensor) for name, tensor in leaves(inputs)}

    def loss(self, batch: Batch, *, training: bool = True, seed: int = 0) -> float:
        with kept(seed), self.torch.no_grad(), self._mode(training):
            return float(self._lost(self._called(batch), batch))

    def losses(self, batch: Batch, *, seed: int = 0) -> Array:
        with kept(seed), self.torch.no_grad(), self._mode(True):
            raw = self._called(batch)
            rows = [self._lost(_rows_of(raw, i, batch.rows), batch.take([i])) for i in range(batch.rows)]
        return np.array([float(row) for row in rows])

    def passed(self, batch: Batch, *, seed: int = 0) -> Pass:
        with kept(seed), self.torch.enable_grad(), self._mode(True):
            self.module.zero_grad(set_to_none=True)
            loss = self._lost(self._called(batch), batch)
            if loss.requires_grad:
                call(loss.backward, what=f"the gradient of {self.name}")
        found = {
            name: None if p.grad is None else self._numpy(p.grad).copy()
            for name, p in self.module.named_parameters()
            if p.requires_grad
        }
        self.module.zero_grad(set_to_none=True)
        return Pass(float(loss.detach()), found)

    def learn(self, batch: Batch, *, rate: float, seed: int = 0) -> None:
        with kept(seed), self.torch.enable_grad(), self._mode(True):
            if self.network.step is not None:
                inputs, targets = mapped(batch.inputs, self._tensor), mapped(batch.targets, self._tensor)
                call(self.network.step, self.module, inputs, targets, what=f"the step of {self.name}")
                return
            optimizer = self._optimizer_at(rate)
            optimizer.zero_grad(set_to_none=True)
            loss = self._lost(self._called(batch), batch)
            if loss.requires_grad:
                call(loss.backward, what=f"the gradient of {self.name}")
                call(optimizer.step, what=f"the optimizer of {self.name}")

    def influence(self, batch: Batch, row: int, *, seed: int = 0) -> Array | None:
        given: list[Any] = []

        def followed(leaf: Leaf) -> Any:
            tensor = self._tensor(leaf)
            if tensor.is_floating_point() and batch.by_row(leaf):
                tensor.requires_grad_()
                given.append(tensor)
            return tensor

        inputs = mapped(batch.inputs, followed)
        if not given:
            return None
        with kept(seed), self.torch.enable_grad(), self._mode(False):
            # A change in place of a tensor that gradients are asked of is an error, so that it is given as a copy.
            try:
                found = self._tensors(self._spread(mapped_tensors(inputs, lambda tensor: tensor.clone())))
                total = sum(self._mixed(tensor[row]) for tensor in found.values() if tensor.requires_grad)
            except Crashed:
                return None
            if not isinstance(total, self.torch.Tensor):
                return None
            gradients = self.torch.autograd.grad(total, given, allow_unused=True)
        sizes = [
            np.zeros(batch.rows) if each is None else np.abs(self._numpy(each)).reshape(batch.rows, -1).max(axis=1)
            for each in gradients
        ]
        largest: Array = np.max(sizes, axis=0)
        return largest

    # Checkpoints, modes ----------------------------------------------------------------------------------------------

    def saved(self) -> bytes:
        file = io.BytesIO()
        held = call(self.module.state_dict, what=f"state_dict of {self.name}")
        call(self.torch.save, held, file, what=f"saving state_dict of {self.name}")
        return file.getvalue()

    def restored(self, checkpoint: bytes) -> TorchTrial:
        other = TorchTrial(self.network, fresh=True)
        with self.torch.no_grad(), kept(1):
            for tensor in [*other.module.parameters(), *(p for _, p in hidden(other.module))]:
                if tensor.is_floating_point():
                    tensor.add_(self.torch.rand_like(tensor) + 0.5)
        weights = call(self.torch.load, io.BytesIO(checkpoint), what="torch.load(weights_only=True)", weights_only=True)
        call(other.module.load_state_dict, weights, what=f"load_state_dict of {self.name}")
        return other

    def quieted(self) -> TorchTrial:
        self._quiet = True
        return self

    def moded(self) -> dict[str, Any]:
        """Return every submodule whose own work depends on the mode by design: dropout, normalisation and their like."""
        return {name: part for name, part in self.module.named_modules() if _by_mode(self.torch, part)}

    @contextmanager
    def _mode(self, training: bool) -> Iterator[None]:
        self.module.train(training)
        if training and self._quiet:
            for part in self.module.modules():
                if _drops(self.torch, part):
                    part.train(False)
        yield

    # Inside ----------------------------------------------------------------------------------------------------------

    def _optimizer_at(self, rate: float) -> Any:
        if self._optimizer is None or (self._rate != rate and self.network.optimizer is None):
            learning = [p for p in self.module.parameters() if p.requires_grad]
            if self.network.optimizer is not None:
                self._optimizer = call(self.network.optimizer, learning, what=f"the optimizer of {self.name}")
            else:
                self._optimizer = self.torch.optim.Adam(learning, lr=rate)
            self._rate = rate
        return self._optimizer

    def _called(self, batch: Batch) -> Any:
        return self._spread(mapped(batch.inputs, self._tensor))

    def _spread(self, inputs: Any) -> Any:
        what = f"{self.name}"
        if self.network.spread and isinstance(inputs, dict):
            return call(self.module, what=what, **inputs)
        if self.network.spread and isinstance(inputs, list | tuple):
            return call(self.module, *inputs, what=what)
        return call(self.module, inputs, what=what)

    def _lost(self, raw: Any, batch: Batch) -> Any:
        if self.network.loss is None:
            raise UsageError(f"{self.name} has no loss", hint="declare loss=")
        targets = mapped(batch.targets, self._tensor)
        told = () if targets is None else (targets,)
        loss = call(self.network.loss, raw, *told, what=f"the loss of {self.name}")
        if not isinstance(loss, self.torch.Tensor) or loss.numel() != 1:
            shape = tuple(loss.shape) if isinstance(loss, self.torch.Tensor) else type(loss).__name__
            raise UsageError(f"the loss of {self.name} is {shape}, not one number", hint="reduce it to its mean")
        return loss.reshape(())

    def _tensors(self, raw: Any) -> dict[str, Any]:
        seen = raw if self.network.read is None else call(self.network.read, raw, what=f"read= of {self.name}")
        found = {name or "output": one for name, one in leaves(seen) if isinstance(one, self.torch.Tensor)}
        if not found:
            raise UsageError(f"{self.name} returns {type(raw).__name__}, which holds no tensors", hint="declare read=")
        return found

    def _mixed(self, tensor: Any) -> Any:
        """Return a sum with weights that are all different, in which no two parts can cancel."""
        return (tensor * self.torch.rand(tensor.shape, device=tensor.device, dtype=self.torch.float32)).sum()

    def _tensor(self, leaf: Leaf) -> Any:
        """Return an array as a tensor on the module's device; numpy's own floats in the precision of its parameters."""
        tensor = self.torch.from_numpy(leaf.array.copy())
        state = [*self.module.parameters(), *self.module.buffers()]
        first = next((p for p in state if p.is_floating_point()), None)
        device = state[0].device if state else "cpu"
        if leaf.dtype.startswith("torch."):
            return tensor.to(device=device, dtype=getattr(self.torch, leaf.dtype.removeprefix("torch.")))
        if tensor.is_floating_point():
            return tensor.to(device=device, dtype=self.torch.float32 if first is None else first.dtype)
        return tensor.to(device=device, dtype=tensor.dtype if tensor.dtype == self.torch.bool else self.torch.int64)

    def _numpy(self, tensor: Any) -> Array:
        dense = tensor.detach().to("cpu")
        array: Array = (dense.float() if dense.dtype == self.torch.bfloat16 else dense).numpy()
        return array


def hidden(module: Any) -> list[tuple[str, Any]]:
    """Return the parameters that a module holds in plain lists, tuples or dicts, where no optimizer and no checkpoint finds them."""
    torch: Any = require("torch", extra="torch")
    known = {id(p) for p in module.parameters()}
    found: dict[int, tuple[str, Any]] = {}
    for name, part in module.named_modules():
        for attribute, value in vars(part).items():
            if isinstance(value, list | tuple | dict) and not attribute.startswith("_"):
                for path, parameter in _parameters_in(torch, value, f"{name}.{attribute}" if name else attribute):
                    if id(parameter) not in known:
                        found.setdefault(id(parameter), (path, parameter))
    return list(found.values())


def _parameters_in(torch: Any, value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the parameters in nested plain containers, with their paths: "layers[0].weight"."""
    if isinstance(value, torch.nn.Parameter):
        yield path, value
    elif isinstance(value, torch.nn.Module):
        yield from ((f"{path}.{name}", parameter) for name, parameter in value.named_parameters())
    elif isinstance(value, list | tuple | dict):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _parameters_in(torch, part, f"{path}[{key!r}]")


def mapped_tensors(tree: Any, change: Callable[[Any], Any]) -> Any:
    """Return lists, tuples and mappings with each tensor changed, and all else as it is."""
    if isinstance(tree, dict):
        return {name: mapped_tensors(part, change) for name, part in tree.items()}
    if isinstance(tree, list | tuple):
        parts = [mapped_tensors(part, change) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    return change(tree) if hasattr(tree, "requires_grad") else tree


def _rows_of(raw: Any, row: int, rows: int) -> Any:
    """Return an output's place for one row, in whatever it is held."""

    def cut(tensor: Any) -> Any:
        return tensor[row : row + 1] if tensor.ndim and len(tensor) == rows else tensor

    return mapped_tensors(raw, cut)


def _drops(torch: Any, part: Any) -> bool:
    """Return whether a submodule is dropout: torch's own, or a leaf that other packages call so (DropPath, StochasticDepth)."""
    if isinstance(part, torch.nn.modules.dropout._DropoutNd):
        return True
    name = type(part).__name__
    return ("Drop" in name or name == "StochasticDepth") and not list(part.children())


def _by_mode(torch: Any, part: Any) -> bool:
    nn = torch.nn
    if _drops(torch, part) or isinstance(part, nn.modules.batchnorm._NormBase | nn.RReLU):
        return True
    return isinstance(part, nn.MultiheadAttention | nn.modules.rnn.RNNBase) and bool(part.dropout)
