"""Contracts of what a network keeps: its modes, its answers under a seed, and its checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatch
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.testing.contract import Crashed, broken, contract, held, undecided
from assay.testing.networks.batch import Batch, batch_of
from assay.testing.networks.network import Network
from assay.testing.networks.trial import Answer, apart, closeness, trial
from assay.verdict import Example, Outcome

__all__ = ["modes_agree", "repeatable", "restores"]

Array = NDArray[Any]


@contract(
    "network",
    title="evaluation is the same each time and changes nothing; training differs only by dropout and normalisation",
    catches="functional dropout without training=self.training, eval() that does not reach a layer, statistics that move in evaluation",
    rubric=("I2",),
)
def modes_agree(subject: Network, data: object, /, *, seed: int = 0) -> Outcome:
    """Judge that training and evaluation differ only where they should.

    In evaluation, two passes under other chance give the very same numbers, and no parameter or buffer moves. In training, with
    dropout and normalisation layers (and those that `modes=` names) held in evaluation, the answer is that of evaluation: else
    the submodule whose mode moves it is named. Of a JAX function the first is asked, and of one without a mode and a key too.

    >>> import numpy as np
    >>> from assay.testing.networks.network import network
    >>> net = network(lambda params, x: x @ params["w"], name="linear", params={"w": np.ones((4, 3))})
    >>> modes_agree(net, np.ones((8, 4), dtype=np.float32)).why
    'evaluation gave the same numbers twice and changed nothing; it has one mode'
    """
    rows = batch_of(data)
    copy = trial(subject)
    held_before = copy.state()
    one, other = copy.answer(rows, seed=seed), copy.answer(rows, seed=seed + 1)
    moved = _moved(held_before, copy.state())
    if moved:
        why = f"a pass in evaluation changes {len(moved)} of its arrays: {', '.join(moved[:4])}"
        return broken(why, n_rows=rows.rows, note="update statistics only where self.training")
    differing = _differs(one, other)
    if differing is not None:
        name, shown = differing
        why = f"two passes in evaluation, on the same {rows.rows} rows, give other numbers for {name}"
        return broken(why, examples=shown, n_rows=rows.rows, note=_DROPOUT)
    if subject.module is None:
        modes = getattr(copy, "has_modes", False)
        return held(f"evaluation gave the same numbers twice and changed nothing{'' if modes else '; it has one mode'}")
    return _held_still(subject, rows, one, seed)


_DROPOUT = "pass training=self.training to functional dropout, and keep layers where eval() reaches them (ModuleList, not a list)"


def _held_still(subject: Network, rows: Batch, evaluated: Answer, seed: int) -> Outcome:
    """Judge that training answers like evaluation once the layers that may depend on the mode are held in evaluation."""
    from assay.testing.networks.torch import TorchTrial

    copy = TorchTrial(subject)
    expected = {name for name in copy.moded() if name}
    expected |= {
        name for name in dict(copy.module.named_modules()) if any(fnmatch(name, each) for each in subject.modes)
    }

    def differs(still: set[str]) -> tuple[str, list[Example]] | None:
        return _differs(evaluated, TorchTrial(subject).held_answer(rows, still=still, seed=seed), share=True)

    found = differs(expected)
    named = f"{len(expected)} layer{'s' if len(expected) != 1 else ''} of dropout and normalisation"
    if found is None:
        also = f" with {named} held still" if expected else ""
        return held(
            f"evaluation gave the same numbers twice and changed nothing, and training gives them too{also}",
            n_rows=rows.rows,
        )
    name, shown = found
    parts = [part for part in dict(copy.module.named_modules()) if part not in expected]
    guilty = [part for part in parts if differs({*expected, part}) is None]
    where = (
        f"the mode of {', '.join(part or 'the whole module' for part in guilty[:3])}"
        if guilty
        else "the mode of several submodules"
    )
    why = f"with {named} held in evaluation, {where} still changes {name}"
    return broken(why, examples=shown, n_rows=rows.rows, note="where this is meant, name the submodule in modes=")


@contract(
    "network",
    title="under the same seed, two copies give the same answers, gradients and steps",
    catches="chance that no seed reaches, state kept outside the network, an order of a set, a step without zero_grad()",
    rubric=("I2",),
)
def repeatable(subject: Network, data: object, /, *, steps: int = 3, seed: int = 0) -> Outcome:
    """Judge that two copies, under the same seed, do the same: answers in both modes and, where a loss is declared, a few steps.

    The seed is set for torch (or the key of JAX), numpy and Python. Of torch, a declared `step=` has to make the same of gradients that
    are cleared between the steps: it may not add to those of the step before. Numbers are
    compared to a hundredth of `closeness`, as kernels
    of several threads may add in another order.

    >>> import numpy as np
    >>> from assay.testing.networks.network import network
    >>> chance = np.random.default_rng(0)
    >>> net = network(lambda params, x: x * chance.normal() * params, name="noisy", params=np.float32(1))
    >>> repeatable(net, np.ones((8, 4), dtype=np.float32)).why
    'two copies under the seed 0 give other numbers for output in evaluation'
    """
    rows = batch_of(data)
    copies = trial(subject), trial(subject)
    for mode, training in (("evaluation", False), ("training", True)):
        found = _differs(*(copy.answer(rows, training=training, seed=seed) for copy in copies), share=0.01)
        if found is not None:
            why = f"two copies under the seed {seed} give other numbers for {found[0]} in {mode}"
            return broken(why, examples=found[1], n_rows=rows.rows, note=_SEED)
    if subject.loss is None and subject.step is None:
        return held(f"two copies under the seed {seed} gave the same answers in both modes", n_rows=rows.rows)
    for step in range(steps):
        for copy in copies:
            copy.learn(rows, rate=1e-3, seed=seed + step)
    one, other = (copy.state() for copy in copies)
    moved = [name for name in one if apart(one[name], other[name], share=closeness(str(one[name].dtype)) / 100).any()]
    if moved:
        why = f"after {steps} steps under the seed {seed}, {len(moved)} of {len(one)} arrays of two copies differ: {', '.join(moved[:4])}"
        return broken(why, n_rows=rows.rows, note=_SEED)
    stale = _stale(subject, rows, one, steps, seed)
    if stale:
        said = f"{len(stale)} of {len(one)} arrays differ where gradients are cleared between the steps"
        why = f"after {steps} steps, {said}: {', '.join(stale[:4])}"
        return broken(why, n_rows=rows.rows, note=_STALE)
    return held(
        f"two copies under the seed {seed} gave the same answers in both modes, and the same weights after {steps} steps",
        n_rows=rows.rows,
    )


def _stale(subject: Network, rows: Batch, one: Mapping[str, Array], steps: int, seed: int) -> list[str]:
    """Return the arrays that are others where torch's gradients are cleared after each of its own steps: those of a step are left over."""
    if subject.step is None or subject.module is None:
        return []
    from assay.testing.networks.torch import TorchTrial

    copy = TorchTrial(subject)
    for mode in (False, True):  # as the other copies did before their steps
        copy.answer(rows, training=mode, seed=seed)
    for step in range(steps):
        copy.learn(rows, rate=1e-3, seed=seed + step)
        copy.module.zero_grad(set_to_none=True)
    cleared = copy.state()
    return [name for name in one if apart(one[name], cleared[name], share=closeness(str(one[name].dtype)) / 100).any()]


_STALE = "a step adds to the gradients of the step before: begin it with optimizer.zero_grad()"
_SEED = "draw from torch's or JAX's own generator, or from one that the network is given; iterate over sorted(), not over a set"


@contract(
    "network",
    title="a network restored from its checkpoint gives the same answers",
    catches="weights that state_dict() does not hold, buffers kept as plain attributes, a loader that skips keys",
    rubric=("I2",),
)
def restores(subject: Network, data: object, /, *, steps: int = 2, seed: int = 0) -> Outcome:
    """Judge that a checkpoint holds all that the answers depend on.

    A copy is trained for a few steps (where a loss is declared; else it only makes a pass in training mode) and saved. Another
    copy (a fresh one, where `build=` is declared) gets other weights, then the checkpoint, by torch's `save` and
    `load(weights_only=True)`, or JAX's parameters by numpy. Both answer the batch in evaluation with the very same numbers.

    Source: Breck et al. (2017), "The ML Test Score", Infra 2 and its test of restoring from a checkpoint.

    >>> import numpy as np
    >>> from assay.testing.networks.network import network
    >>> net = network(lambda params, x: x @ params["w"], name="linear", params={"w": np.ones((4, 3))})
    >>> restores(net, np.ones((8, 4), dtype=np.float32)).why
    'a copy restored from the checkpoint (1 array) answers 8 rows with the same numbers'
    """
    rows = batch_of(data)
    copy = trial(subject)
    if subject.loss is not None or subject.step is not None:
        for step in range(steps):
            copy.learn(rows, rate=1e-2, seed=seed + step)
    else:
        copy.answer(rows, training=True, seed=seed)
    if not copy.state():
        return undecided("it holds no parameters and no buffers", note="there is nothing to restore")
    before = copy.answer(rows, seed=seed)
    try:
        other = copy.restored(copy.saved())
        after = other.answer(rows, seed=seed)
    except Crashed as crash:
        return broken(
            f"it cannot be restored: {crash}", n_rows=rows.rows, note="save state_dict(), and load it strictly"
        )
    found = _differs(before, after)
    many = len(copy.state())
    if found is None:
        said = f"{many} array{'s' * (many > 1)}"
        return held(
            f"a copy restored from the checkpoint ({said}) answers {rows.rows} rows with the same numbers",
            n_rows=rows.rows,
        )
    why = f"a copy restored from the checkpoint answers with other numbers for {found[0]}"
    return broken(why, examples=found[1], n_rows=rows.rows, note=_LEFT)


_LEFT = (
    "make it a Parameter, a buffer (register_buffer) or a submodule: a plain attribute or list is not in state_dict()"
)


def _moved(before: Mapping[str, Array], after: Mapping[str, Array]) -> list[str]:
    return [name for name in before if name not in after or apart(before[name], after[name], share=0.0).any()]


def _differs(one: Answer, other: Answer, *, share: bool | float = False) -> tuple[str, list[Example]] | None:
    """Return the first output that differs, with the numbers that differ most; `share` of the type's closeness is let pass."""
    for name, array in one.arrays.items():
        got = other.arrays.get(name)
        if got is None or got.shape != array.shape:
            return name, [
                Example(None, {"before": str(array.shape), "after": "none" if got is None else str(got.shape)})
            ]
        differs = apart(array, got, share=float(share) * closeness(one.dtypes[name]))
        if differs.any():
            places = np.argwhere(differs)[:4]
            return name, [
                Example(
                    int(p[0]) if len(p) else None,
                    {"place": str(tuple(p.tolist())), "before": array[tuple(p)].item(), "after": got[tuple(p)].item()},
                )
                for p in places
            ]
    return None
