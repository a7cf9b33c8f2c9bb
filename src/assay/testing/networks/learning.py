"""Contracts of how a network learns: the loss falls, gradients reach every parameter, a few rows can be learned by heart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.errors import UsageError, nearest
from assay.testing.contract import Crashed, broken, contract, held, undecided
from assay.testing.networks.batch import Batch, batch_of, leaves
from assay.testing.networks.network import Network
from assay.testing.networks.trial import trial
from assay.verdict import Estimate, Example, Outcome

__all__ = [
    "gradients_reach", "initial_loss", "loss_falls", "optimizer_moves_all", "overfits", "parameters_registered",
]  # fmt: skip

Array = NDArray[Any]
RATES = (1e-2, 1e-3, 1e-4)
_TINY = 1e-7
_TURN = 10
# A bias before a normalisation has a gradient of rounding errors alone, which moves nothing: about 1e-8 of the largest.
_NOISE = 1e-6


@contract(
    "network",
    title="one step of training on a few rows lowers their loss",
    catches="a loss with the wrong sign, a detached tensor, an argmax in the way, frozen weights, too great a rate",
    needs=("loss",),
    rubric=("I2",),
)
def loss_falls(subject: Network, data: object, /, *, rows: int = 8, seed: int = 0) -> Outcome:
    """Judge that one step of training lowers the loss of the rows that it was made on.

    The step is the declared `step=` or `optimizer=`; where none is, one of Adam, and the contract holds where a rate of 0.01, 0.001
    or 0.0001 lowers it: along a right gradient a small enough step does. The loss is that of training mode, before and after with
    the same chance, so that dropout drops the same. A loss that is 0 already is undecided.

    Source: Breck et al. (2017), "The ML Test Score", Infra 2.

    >>> import numpy as np
    >>> from assay.testing.networks.network import network
    >>> squared = lambda y, target: ((y[:, 0] - target) ** 2).mean()
    >>> net = network(lambda w, x: x @ w, name="linear", params=np.zeros((2, 1), dtype=np.float32), loss=squared)
    >>> loss_falls(net, (np.eye(2, dtype=np.float32), np.array([1.0, 3.0], dtype=np.float32))).why
    'one step at a rate of 0.01 lowered the loss of 2 rows from 5 to 4.96'
    """
    few = _few(batch_of(data), rows)
    before = trial(subject).loss(few, seed=seed)
    if not math.isfinite(before):
        return broken(f"the loss of {few.rows} rows is {before} before any step", n_rows=few.rows)
    if abs(before) < _TINY:
        return undecided(
            f"the loss of {few.rows} rows is {before:.3g} already", note="give rows that it has not learned"
        )
    own = subject.step is not None or subject.optimizer is not None
    after = before
    for rate in (0.0,) if own else RATES:
        copy = trial(subject)
        copy.learn(few, rate=rate, seed=seed)
        after = copy.loss(few, seed=seed)
        if after < before:
            how = "of its own" if own else f"at a rate of {rate:g}"
            return held(
                f"one step {how} lowered the loss of {few.rows} rows from {before:.4g} to {after:.4g}", n_rows=few.rows
            )
    how = (
        "one step of its own" if own else f"no step at a rate of {', '.join(f'{rate:g}' for rate in RATES)} lowered it:"
    )
    same = "the loss stays" if after == before else "the loss goes"
    where = f"{same} {before:.4g}" if after == before else f"{same} from {before:.4g} to {after:.4g}"
    why = f"{how + ':' if own else how} {where} on {few.rows} rows"
    note = (
        "nothing learns: look at gradients_reach" if after == before else "see the loss's sign, and the learning rate"
    )
    return broken(why, n_rows=few.rows, note=note)


@contract(
    "network",
    title="a finite gradient reaches every trainable parameter",
    catches="a layer that forward() does not use, detach() or no_grad() in the way, dead units, NaN in the backward pass",
    needs=("loss",),
    rubric=("I2",),
)
def gradients_reach(
    subject: Network, data: object, /, *, but: Sequence[str] = (), steps: int = 5, seed: int = 0
) -> Outcome:
    """Judge that every trainable parameter gets a finite gradient that is not all zero, but those in `but`.

    A parameter that starts behind a zero (the first factor of a low-rank adapter, the layers of a block whose last weight starts
    at zero) gets its gradient after a step or two: it counts as reached where a gradient reaches it within so many `steps` of
    training. Each row of the failure is a parameter, with its shape and what is wrong.

    Source: Breck et al. (2017), "The ML Test Score", Infra 2.

    >>> import numpy as np
    >>> from assay.testing.networks.network import network
    >>> weights = {"used": np.ones((2, 1), dtype=np.float32), "idle": np.ones(3, dtype=np.float32)}
    >>> squared = lambda y, target: ((y[:, 0] - target) ** 2).mean()
    >>> net = network(lambda params, x: x @ params["used"], name="linear", params=weights, loss=squared)
    >>> gradients_reach(net, (np.eye(2, dtype=np.float32), np.array([1.0, 3.0], dtype=np.float32))).why
    'no gradient reaches 1 of 2 trainable parameters: idle'
    """
    rows = batch_of(data)
    copy = trial(subject)
    shapes = copy.trainable()
    allowed = _exempt(shapes, (*subject.but, *but))
    asked = [name for name in shapes if name not in allowed]
    if not asked:
        frozen = len(copy.frozen())
        return undecided(
            f"no parameter is trainable{f': {frozen} are frozen' if frozen else ''}", note="unfreeze what should learn"
        )
    first = copy.passed(rows, seed=seed)
    wrong = _wrong(first.gradients, asked)
    for step in range(1, steps):
        if not wrong or "NaN or infinite" in wrong.values():
            break
        copy.learn(rows, rate=1e-3, seed=seed + step)
        again = _wrong(copy.passed(rows, seed=seed + step).gradients, list(wrong))
        wrong = {name: said for name, said in again.items() if said != "NaN or infinite"}
    aside = [f"{len(allowed)} set apart by but="] if allowed else []
    aside += [f"{len(copy.frozen())} frozen"] if copy.frozen() else []
    if not wrong:
        also = f" ({', '.join(aside)})" if aside else ""
        return held(f"a finite gradient reaches all {len(asked)} trainable parameters{also}", n_rows=rows.rows)
    shown = [
        Example(None, {"parameter": name, "shape": str(shapes[name]), "gradient": said}) for name, said in wrong.items()
    ]
    if "NaN or infinite" in wrong.values():
        lost = [name for name, said in wrong.items() if said == "NaN or infinite"]
        why = f"the gradient of {len(lost)} of {len(asked)} trainable parameters is NaN or infinite: {_listed(lost)}"
        return broken(why, examples=shown[:12], n_rows=rows.rows, n_failing=len(lost), note=_LOST)
    why = f"no gradient reaches {len(wrong)} of {len(asked)} trainable parameters: {_listed(list(wrong))}"
    return broken(why, examples=shown[:12], n_rows=rows.rows, n_failing=len(wrong), note=_IDLE)


_LOST = "look for a square root or a norm at 0, a logarithm of 0, and a where() that computes both of its sides"
_IDLE = "is the layer used by forward, and nothing detached behind it? where it should not learn, freeze it or name it in but="


def _wrong(gradients: Mapping[str, Array | None], asked: Sequence[str]) -> dict[str, str]:
    found = {}
    for name in asked:
        gradient = gradients.get(name)
        if gradient is None:
            found[name] = "none"
        elif not np.isfinite(gradient).all():
            found[name] = "NaN or infinite"
        elif not gradient.any():
            found[name] = "all zero"
    return found


def _exempt(names: Mapping[str, object], patterns: Sequence[str]) -> set[str]:
    found = set()
    for pattern in patterns:
        matched = {name for name in names if fnmatch(name, pattern)}
        if not matched:
            raise UsageError(f"but= names {pattern!r}, which fits no trainable parameter", hint=nearest(pattern, names))
        found |= matched
    return found


@contract(
    "network",
    title="every parameter of a layer is one of the module's own",
    catches="layers kept in a plain list, tuple or dict, which no optimizer moves, no checkpoint holds and no device is moved to",
    needs=("module",),
    rubric=("I2",),
)
def parameters_registered(subject: Network, data: object = None, /) -> Outcome:
    """Judge that no parameter hides in a plain list, tuple or dict, where `module.parameters()` does not find it.

    >>> parameters_registered.contract.needs  # of torch alone
    ('module',)
    """
    from assay.testing.networks.torch import TorchTrial, hidden

    found = hidden(TorchTrial(subject).module)
    if not found:
        return held(f"all {len(list(subject.module.parameters()))} parameters are registered")
    shown = [Example(None, {"parameter": name, "shape": str(tuple(p.shape))}) for name, p in found[:12]]
    why = f"{len(found)} parameters are in plain lists or dicts, where no optimizer finds them: {_listed([name for name, _ in found])}"
    return broken(
        why, examples=shown, n_failing=len(found), note="use torch.nn.ModuleList, ModuleDict or ParameterList"
    )


@contract(
    "network",
    title="its own optimizer moves every parameter that has a gradient, and none that is frozen",
    catches="an optimizer made of one part of the parameters, or before layers were added; frozen weights that move",
    needs=("optimizer",),
    rubric=("I2",),
)
def optimizer_moves_all(subject: Network, data: object, /, *, steps: int = 3, seed: int = 0) -> Outcome:
    """Judge that a few steps of the declared `optimizer=` move every trainable parameter that gets a gradient, and no other.

    A gradient below a millionth of the largest is one of rounding errors, such as that of a bias before a normalisation.

    >>> optimizer_moves_all.contract.needs
    ('optimizer',)
    """
    rows = batch_of(data)
    copy = trial(subject)
    before, shapes = copy.state(), copy.trainable()
    reached: set[str] = set()
    for step in range(steps):
        gradients = copy.passed(rows, seed=seed + step).gradients
        sizes = {name: float(np.abs(each).max()) for name, each in gradients.items() if each is not None and each.size}
        least = _NOISE * max(sizes.values(), default=0.0)
        reached |= {name for name, size in sizes.items() if size > least}
        copy.learn(rows, rate=0.0, seed=seed + step)
    after = copy.state()
    still = [name for name in shapes if name in reached and np.array_equal(before[name], after[name])]
    moved = [name for name in copy.frozen() if not np.array_equal(before[name], after[name])]
    if not reached:
        return undecided("no parameter gets a gradient", note="see gradients_reach")
    if still or moved:
        what = (
            f"{len(still)} of {len(reached)} parameters with a gradient do not move"
            if still
            else f"{len(moved)} frozen ones move"
        )
        shown = [Example(None, {"parameter": name, "shape": str(before[name].shape)}) for name in (still or moved)[:12]]
        note = (
            "give the optimizer all of module.parameters(), after the last layer is there"
            if still
            else "freeze before training"
        )
        return broken(
            f"in {steps} steps {what}: {_listed(still or moved)}", examples=shown, n_rows=rows.rows, note=note
        )
    return held(f"{steps} steps moved all {len(reached)} parameters with a gradient", n_rows=rows.rows)


@contract(
    "network",
    title="it learns a few rows by heart",
    catches="targets that do not belong to their rows, a model too small, a loss that cannot be followed, a wrong training step",
    needs=("loss",),
    rubric=("I2",),
)
def overfits(
    subject: Network, data: object, /, *, rows: int = 2, steps: int = 300, below: float | None = None, seed: int = 0
) -> Outcome:  # fmt: skip
    """Judge that training on a few rows brings their loss down: `below` a bound, or (default) to a tenth of where it began.

    Trained by the declared `step=` or `optimizer=`, else by Adam at 0.01 and at 0.001, `steps` steps each, with torch's dropout
    layers off; the loss is that of training mode. It stops where the bound is reached. The rows are the first with inputs and
    targets of their own, so that no constant answer will do; two are few enough for the smallest network. Ask for more where it
    should be large enough for them. Before that, their targets change places, which has to change the loss. A loss that
    may be negative, or has a floor, needs `below`.

    Source: Karpathy (2019), "A recipe for training neural networks" ("overfit a single batch of only a few examples, e.g. two").

    >>> import numpy as np
    >>> from assay.testing.networks.network import network
    >>> squared = lambda y, target: ((y[:, 0] - target) ** 2).mean()
    >>> net = network(lambda w, x: x @ w, name="linear", params=np.zeros((2, 1), dtype=np.float32), loss=squared)
    >>> overfits(net, (np.eye(2, dtype=np.float32), np.array([1.0, 1.5], dtype=np.float32))).verdict.value
    'pass'
    """
    few = _distinct(batch_of(data), rows)
    start = trial(subject).quieted().loss(few, seed=seed)
    if not math.isfinite(start):
        return broken(f"the loss of {few.rows} rows is {start} before any step", n_rows=few.rows)
    if below is None and start <= _TINY:
        return undecided(f"the loss of {few.rows} rows is {start:.3g} already", note="say how low it should be: below=")
    unpaired = _unpaired(subject, few, start, seed)
    if unpaired is not None:
        return unpaired
    bound = start / 10 if below is None else below
    own = subject.step is not None or subject.optimizer is not None
    copies = {rate: trial(subject).quieted() for rate in ((0.0,) if own else RATES[:2])}
    best, step = start, 0
    while step < steps:
        # The rates take turns, so that the better one ends it without waiting for the other.
        stop = min(step + _TURN, steps)
        for rate, copy in copies.items():
            for each in range(step, stop):
                copy.learn(few, rate=rate, seed=seed + 1 + each)
            now = copy.loss(few, seed=seed)
            best = min(best, now) if math.isfinite(now) else best
            if now <= bound:
                why = f"{few.rows} rows were learned in {stop} steps: the loss fell from {start:.4g} to {now:.3g} (at most {bound:.3g})"
                return held(why, n_rows=few.rows, observed=Estimate(now, n=few.rows))
        step = stop
    why = f"{steps} steps on {few.rows} rows brought the loss from {start:.4g} to {best:.4g} at best; at most {bound:.3g} was asked"
    return broken(why, n_rows=few.rows, observed=Estimate(best, n=few.rows), note=_HEART)


def _alike(array: Array) -> bool:
    """Return whether the rows of an array are within a hundredth of its greatest number of each other."""
    numbers = array.astype(np.float64)
    return bool(np.ptp(numbers, axis=0).max(initial=0.0) <= 0.01 * np.abs(numbers).max(initial=0.0))


def _unpaired(subject: Network, few: Batch, start: float, seed: int) -> Outcome | None:
    """Return the broken contract where the loss is the same whichever target stands beside which row; None where it is not.

    Targets of the shape (n,) beside outputs of (n, 1) are spread over all pairs, without an error. Rows whose answers, or whose
    targets, are all nearly alike tell nothing, nor do losses of half precision, which are equal too often.
    """
    copy = trial(subject).quieted()
    found = copy.answer(few, training=True, seed=seed)
    answers = [each for each in found.arrays.values() if each.ndim and len(each) == few.rows]
    targets = [leaf.array for _, leaf in leaves(few.targets) if few.by_row(leaf)]
    if not answers or not targets or any(map(_alike, (*answers, *targets))) or "16" in " ".join(found.dtypes.values()):
        return None
    turned = Batch(few.inputs, few.take(np.roll(np.arange(few.rows), 1)).targets, few.rows)
    after = copy.loss(turned, seed=seed)
    if not math.isclose(start, after, rel_tol=1e-6):
        return None
    shapes = f"the output is {answers[0].shape}, the targets are {targets[0].shape}"
    return broken(
        f"the loss of {few.rows} rows stays {start:.4g} when their targets change places: no target belongs to a row ({shapes})",
        n_rows=few.rows,
        note="give output and targets one shape: squeeze(-1) the output, or unsqueeze(-1) the targets; see that the loss reads both",
    )  # fmt: skip


_HEART = (
    "do the targets belong to the rows, and is it large enough for them? where the loss has a floor (noise, smoothing), say below=; "
    "where it falls slowly, say steps="
)


@contract(
    "network",
    title="before training, the loss is near that of a guess",
    catches="a softmax before a loss that has its own, logits of a great spread, labels among the inputs, weights that are not fresh",
    needs=("loss", "classes"),
    rubric=("I2",),
)
def initial_loss(subject: Network, data: object, /, *, within: float = 0.5, seed: int = 0) -> Outcome:
    """Judge that a cross-entropy over K classes begins near log K nats: an untrained network knows nothing.

    It is broken where the mean loss is above log K + `within`, or below H - `within`, by more than twice its standard error
    (taken to be at most 0.7 / sqrt(n), that of usual first weights). H is the entropy of the targets where they are whole numbers
    of classes, and at most log K: a last bias that starts at the classes' shares may know H. With `build=` a fresh network is
    asked, else the one that was given, which has to be untrained.

    Source: Karpathy (2019), "A recipe for training neural networks" ("verify loss @ init").

    >>> import numpy as np
    >>> from assay.testing.networks.network import network
    >>> import jax
    >>> def loss(logits, target):
    ...     return -jax.nn.log_softmax(logits)[np.arange(len(logits)), target].mean()
    >>> net = network(lambda w, x: x @ w, name="linear", params=np.zeros((4, 3), np.float32), loss=loss, classes=3)
    >>> initial_loss(net, (np.ones((6, 4), np.float32), np.array([0, 1, 2, 0, 1, 2]))).why
    'the loss of 6 rows begins at 1.099; a guess among 3 classes has 1.099'
    """
    rows = batch_of(data)
    copy = trial(subject, fresh=True)
    chance = math.log(subject.classes or 2)
    try:
        each = copy.losses(rows, seed=seed)
    except Crashed:  # a loss of all rows together, such as one that the module computes itself
        each = np.array([copy.loss(rows, seed=seed)])
    mean = float(each.mean())
    if not math.isfinite(mean):
        return broken(f"the loss of {rows.rows} rows begins at {mean}", n_rows=rows.rows)
    # Rows whose losses are far apart are the mistake itself: the error is at most that of logits with a deviation of 0.7.
    error = float(min(each.std(ddof=1), 0.7) / math.sqrt(len(each))) if len(each) > 1 else 0.0
    floor = min(_entropy(rows, subject.classes or 2), chance)
    observed = Estimate(mean, n=rows.rows, low=mean - 2 * error, high=mean + 2 * error, confidence=0.95, unit="nats")
    said = (
        f"the loss of {rows.rows} rows begins at {mean:.4g}; a guess among {subject.classes} classes has {chance:.4g}"
    )
    if mean - 2 * error > chance + within:
        note = (
            "make the last layer's weights small; normalise the inputs; see that the loss gets logits, and one softmax"
        )
        return broken(said, n_rows=rows.rows, observed=observed, note=note)
    if mean + 2 * error < floor - within:
        note = "is the network trained already (declare build=), or a label among the inputs?"
        return broken(said, n_rows=rows.rows, observed=observed, note=note)
    return held(said, n_rows=rows.rows, observed=observed)


def _entropy(rows: Batch, classes: int) -> float:
    """Return the entropy of targets that are whole numbers of classes, in nats; log K where they are not."""
    found = [leaf.array for _, leaf in leaves(rows.targets) if leaf.array.dtype.kind in "iub"]
    if len(found) != 1 or found[0].min() < 0:
        return math.log(classes)
    shares = np.bincount(found[0].astype(np.int64).ravel(), minlength=classes) / found[0].size
    return float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())


def _few(rows: Batch, most: int) -> Batch:
    return rows if rows.rows <= most else rows.take(range(most))


def _distinct(rows: Batch, most: int) -> Batch:
    """Return the first rows whose inputs and targets no row before them has, then those whose inputs none before has."""
    sides = [[leaf.array for _, leaf in leaves(side) if rows.by_row(leaf)] for side in (rows.inputs, rows.targets)]
    seen: tuple[set[bytes], set[bytes]] = set(), set()
    own: list[int] = []
    rest: list[int] = []
    for row in range(rows.rows):
        key, target = (b"".join(np.ascontiguousarray(array[row]).tobytes() for array in side) for side in sides)
        if key in seen[0]:
            continue  # two targets for one input cannot both be learned
        (rest if target in seen[1] else own).append(row)
        seen[0].add(key)
        seen[1].add(target)
    return rows.take([*own, *rest][:most])


def _listed(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
