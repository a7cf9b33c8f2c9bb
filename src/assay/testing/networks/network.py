"""A neural network: a torch module, or a pure function with its parameters, and what is declared of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from assay.errors import UsageError

__all__ = ["Network", "network"]


@dataclass(frozen=True, eq=False)
class Network:
    """A network, and what its author says of it. Make one with `network`.

    - `module`: a torch module; or `apply` and `params`: a pure function of parameters (a pytree) and of a batch's inputs, as
      JAX has them. `apply` may take `key` or `rng` (a key for chance) and `train`, `training`, `is_training` or
      `deterministic` (the mode) by keyword: it is given those that it has.
    - `loss`: `loss(output, targets)`, one number to make small; `loss(output)` where the batch has no targets.
    - `output`: the output's shape, None for a side of any length: `(None, 3)`; `dtype` ("float32") and `between` (0, 1) where
      they are known. Of several outputs these are said of the first.
    - `read`: which tensors of an output are looked at, as a function of it (default: all that are there).
    - `classes`: how many classes the loss is a cross-entropy over. `but`: the trainable parameters that need no gradient, as
      patterns ("embed.*"). `modes`: the submodules whose answer may depend on the mode beside dropout and normalisation.
    - `optimizer`: makes the optimizer of the parameters that it is given (torch); or `step`: one step of training, as
      `step(module, inputs, targets)` in place (torch) or `step(params, inputs, targets) -> params` (JAX).
    - `build`: makes a fresh network: a module, or params. `time_axis`: the axis of time, where a place may look only back.
    - `spread`: whether a tuple or mapping of inputs is spread over the arguments, or is one argument.
    """

    name: str
    module: Any = None
    apply: Callable[..., Any] | None = None
    params: Any = None
    loss: Callable[..., Any] | None = None
    output: tuple[int | None, ...] = ()
    dtype: str = ""
    between: tuple[float, float] | None = None
    read: Callable[[Any], Any] | None = None
    classes: int | None = None
    but: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    optimizer: Callable[..., Any] | None = None
    step: Callable[..., Any] | None = None
    build: Callable[[], Any] | None = None
    time_axis: int | None = None
    spread: bool = True


def network(
    module: Any = None, *, name: str = "", params: Any = None, loss: Callable[..., Any] | None = None,
    but: str | Sequence[str] = (), modes: str | Sequence[str] = (), **declared: Any,
) -> Network:  # fmt: skip
    """Declare a network: a torch module, or a pure function with `params=`, and what is known of it. `Network` says what each is.

    The module itself is never run or changed: contracts work on copies.

    Raises UsageError where it is neither, or an argument is not one of a network's.

    >>> net = network(lambda params, x: x @ params["w"], name="linear", params={"w": 1.0}, output=(None, 3), classes=3)
    >>> net.name, net.output, net.but
    ('linear', (None, 3), ())
    """
    known = set(Network.__dataclass_fields__) - {"apply"}
    stray = [key for key in declared if key not in known]
    if stray:
        raise UsageError(f"a network has no {stray[0]!r}", hint=f"it has: {', '.join(sorted(known))}")
    if "output" in declared:
        if not isinstance(declared["output"], tuple | list):
            raise UsageError(f"output is {declared['output']!r}", hint="give its shape, None for any length: (None, 3)")
        declared["output"] = tuple(declared["output"])
    classes = declared.get("classes")
    if classes is not None and not (isinstance(classes, int) and classes >= 2):
        raise UsageError(f"classes is {classes!r}", hint="give how many: chance has two sides at least, 2 or more")
    called = name or getattr(module, "__name__", type(module).__name__)
    rest = {"loss": loss, "but": _names(but), "modes": _names(modes), **declared}
    if params is not None:
        if not callable(module):
            raise UsageError(f"{called} cannot be called", hint="give network(apply, params=...)")
        return Network(called, apply=module, params=params, **rest)
    if not (_of_torch(module) and hasattr(module, "state_dict") and callable(module)):
        raise UsageError(
            f"{type(module).__module__}.{type(module).__qualname__} is no network",
            hint="give a torch.nn.Module, or a function of (params, inputs) with params=",
        )
    return Network(called, module=module, **rest)


def _of_torch(module: object) -> bool:
    return any(kind.__module__.partition(".")[0] == "torch" for kind in type(module).__mro__)


def _names(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)
