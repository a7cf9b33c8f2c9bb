"""Contracts of what a network answers: it runs, as declared, for any number of rows, each row apart from the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.testing.contract import Crashed, broken, contract, held, seeded, undecided
from assay.testing.networks.batch import Batch, Leaf, batch_of, leaves
from assay.testing.networks.network import Network
from assay.testing.networks.trial import Answer, Trial, apart, closeness, trial
from assay.testing.shrinking import smallest
from assay.verdict import Example, Outcome

__all__ = [
    "any_batch_size", "batch_kept", "compiles", "finite_at_edges", "forward_runs", "looks_back_only", "output_as_declared", "rows_apart",
]  # fmt: skip

Array = NDArray[Any]


@contract(
    "network",
    title="a forward pass in either mode gives finite numbers, a place for each row",
    catches="a layer of the wrong width, a NaN, a lost or added row",
    rubric=("I2",),
)
def forward_runs(subject: Network, data: object, /, *, seed: int = 0) -> Outcome:
    """Judge that a batch goes through the network, in evaluation and in training: finite numbers, a place for each row.

    It is broken where an output's first side is not the number of rows, or where a number is NaN or infinite. An output that
    has no sides (a loss) is asked to be finite alone. A crash is the outcome ERROR, with its line.

    >>> import numpy as np
    >>> from assay.testing.networks.network import network
    >>> net = network(lambda params, x: x @ params["w"], name="linear", params={"w": np.ones((4, 3))})
    >>> forward_runs(net, np.ones((8, 4), dtype=np.float32)).why
    '8 rows went through in both modes: output (8, 3) float32'
    """
    rows = batch_of(data)
    copy = trial(subject)
    answer = copy.answer(rows, seed=seed)
    for mode, found in (("evaluation", answer), ("training", copy.answer(rows, training=True, seed=seed))):
        for name, array in found.arrays.items():
            if array.ndim and len(array) != rows.rows:
                why = f"{rows.rows} rows went in and {name} has the shape {array.shape} in {mode}: its first side is not the rows'"
                return broken(
                    why, note="a reshape or a transpose moved the rows; the first side of each output is the batch"
                )
            bad = ~np.isfinite(array) if array.dtype.kind in "fc" else np.zeros(array.shape, dtype=bool)
            if bad.any():
                why = f"{int(bad.sum())} of {bad.size} numbers of {name} are NaN or infinite in {mode}"
                return broken(why, examples=_shown(array, bad), n_rows=rows.rows, note=_SOFT)
    said = ", ".join(f"{name} {array.shape} {answer.dtypes[name]}" for name, array in list(answer.arrays.items())[:4])
    return held(f"{rows.rows} rows went through in both modes: {said}", n_rows=rows.rows)


_SOFT = "look for a logarithm of 0, a division by 0, or an exponential of a large number: log_softmax, logsumexp and eps= are safe"


@contract(
    "network",
    title="the output has the declared shape, dtype and range",
    catches="a missing softmax, a wrong number of classes, half precision left on",
    needs=("output",),
    rubric=("I2",),
)
def output_as_declared(subject: Network, data: object, /, *, seed: int = 0) -> Outcome:
    """Judge that the first output has the declared shape (`output=`), `dtype=`, and range (`between=`), in evaluation.

    >>> import numpy as np
    >>> from assay.testing.networks.network import network
    >>> net = network(lambda params, x: x @ params["w"], name="linear", params={"w": np.ones((4, 3))}, output=(None, 2))
    >>> output_as_declared(net, np.ones((8, 4), dtype=np.float32)).why
    'output has the shape (8, 3); (any, 2) is declared'
    """
    rows = batch_of(data)
    answer = trial(subject).answer(rows, seed=seed)
    name, array = next(iter(answer.arrays.items()))
    told = subject.output
    if array.ndim != len(told) or any(side not in (None, there) for side, there in zip(told, array.shape, strict=True)):
        shown = ", ".join("any" if side is None else str(side) for side in told)
        return broken(
            f"{name} has the shape {array.shape}; ({shown}{',' * (len(told) == 1)}) is declared", n_rows=rows.rows
        )
    if subject.dtype and answer.dtypes[name] != subject.dtype:
        return broken(f"{name} is {answer.dtypes[name]}; {subject.dtype} is declared", n_rows=rows.rows)
    said = f"{name} is {array.shape} {answer.dtypes[name]}"
    if subject.between is None:
        return held(said, n_rows=rows.rows)
    low, high = subject.between
    outside = ~((array >= low) & (array <= high))
    if outside.any():
        why = f"{int(outside.sum())} of {outside.size} numbers of {name} are outside [{low:g}, {high:g}]"
        return broken(why, examples=_shown(array, outside), n_rows=rows.rows)
    return held(f"{said}, all in [{low:g}, {high:g}]", n_rows=rows.rows)


@contract(
    "network",
    title="one row alone, a few or all of them get the same answers in evaluation",
    catches="squeeze() that loses the row of a batch of one, a reshape with a fixed batch size, batch norm left in training",
    rubric=("I2",),
)
def any_batch_size(subject: Network, data: object, /, *, seed: int = 0) -> Outcome:
    """Judge that a row's answer does not depend on how many rows are asked at once: 1, 2, half, and all of the batch.

    Two answers are the same where they are apart by no more than `closeness` of the type: kernels add in another order for
    another size. With fewer than two rows it is undecided.

    >>> import numpy as np
    >>> from assay.testing.networks.network import network
    >>> net = network(lambda params, x: (x @ params["w"]).squeeze(), name="squeezed", params={"w": np.ones((4, 1))})
    >>> any_batch_size(net, np.ones((8, 4), dtype=np.float32)).why
    'of row 0 alone, output has the shape () instead of (1,)'
    """
    rows = batch_of(data)
    if rows.rows < 2:
        return undecided("the batch has 1 row", note="give 2 or more: 8 are plenty")
    copy = trial(subject)
    whole = copy.answer(rows, seed=seed)
    parts = [[0], [rows.rows - 1], [0, 1], list(range(rows.rows // 2, rows.rows))]
    for places in parts:
        asked = f"row {places[0]} alone" if len(places) == 1 else f"rows {places[0]} to {places[-1]}"
        try:
            part = copy.answer(rows.take(places), seed=seed)
        except Crashed as crash:
            return broken(f"all {rows.rows} rows are answered, but {asked}: {crash}", n_rows=rows.rows)
        for name, array in whole.arrays.items():
            want = array[places] if array.ndim and len(array) == rows.rows else None
            if want is None:
                continue
            got = part.arrays[name]
            if got.shape != want.shape:
                why = f"of {asked}, {name} has the shape {got.shape} instead of {want.shape}"
                return broken(
                    why, n_rows=rows.rows, note="name the axis: squeeze(-1), flatten(1), view(x.shape[0], -1)"
                )
            differs = apart(want, got, share=closeness(whole.dtypes[name]))
            if differs.any():
                row = int(np.flatnonzero(_any(differs))[0])
                why = f"{asked} and all {rows.rows} rows get other answers: {name} is apart by {_gap(want, got):.3g}"
                shown = _pair(places[row], want[row], got[row], ("among all", "asked so"))
                return broken(
                    why, examples=shown, n_rows=rows.rows, note="something is computed over the rows of a batch"
                )
    return held(
        f"1, 2, {rows.rows - rows.rows // 2} and {rows.rows} rows at once get the same answers", n_rows=rows.rows
    )


@contract(
    "network",
    title="in evaluation a row's answer depends on no other row of its batch",
    catches="a mean, softmax or normalisation over the batch's side, a reshape that mixes rows, batch statistics in evaluation",
    rubric=("I2",),
)
def rows_apart(subject: Network, data: object, /, *, seed: int = 0) -> Outcome:
    """Judge that no information flows between the rows of a batch, in evaluation.

    For up to four rows: the derivative of the row's answer by every other row of the inputs is exactly 0 (where the inputs are
    floating-point and the network can be differentiated), and the answer stays the same (to `closeness`) when all other rows
    are replaced by others of the batch, as they are and ten times as large. With fewer than two rows it is undecided.

    Source: Karpathy (2019), "A recipe for training neural networks" ("use backprop to chart dependencies").

    >>> import numpy as np
    >>> from assay.testing.networks.network import network
    >>> centred = lambda params, x: (x - x.mean(axis=0)) @ params["w"]
    >>> x = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    >>> rows_apart(network(centred, name="centred", params={"w": np.ones((4, 3))}), x).verdict.value
    'fail'
    """
    rows = batch_of(data)
    if rows.rows < 2:
        return undecided("the batch has 1 row", note="give 2 or more: 8 are plenty")
    copy = trial(subject)
    before = copy.answer(rows, seed=seed)
    if not any(array.ndim and len(array) == rows.rows for array in before.arrays.values()):
        return undecided("no output has a place for each row", note="declare read=, which picks the tensors to look at")
    probed = sorted({0, rows.rows // 3, 2 * rows.rows // 3, rows.rows - 1})
    derived = 0
    for row in probed:
        moved = _moved_by(copy, rows, row, before, seed)
        if moved is not None:
            return moved
        influence = copy.influence(rows, row, seed=seed)
        if influence is not None:
            derived += 1
            others = np.flatnonzero((influence != 0) & (np.arange(rows.rows) != row))
            if len(others):
                other = int(others[influence[others].argmax()])
                why = f"the answer to row {row} depends on row {other}: the derivative by it is {influence[other]:.3g}, not 0"
                shown = [Example(int(i), {"largest derivative": float(influence[i])}) for i in others[:12]]
                return broken(why, examples=shown, n_rows=rows.rows, n_failing=len(others), note=_ROWS)
    ways = "replacing all others, and by derivatives" if derived else "replacing all others"
    return held(f"{len(probed)} of {rows.rows} rows answered alike after {ways}", n_rows=rows.rows)


_ROWS = "name the axis of each mean, softmax, sort and reshape: the batch is axis 0, and nothing is computed over it"


def _moved_by(copy: Trial, rows: Batch, row: int, before: Answer, seed: int) -> Outcome | None:
    """Return the broken contract where other rows, replaced, move the answer to this one; shrunk to the fewest of them."""
    others = [place for place in range(rows.rows) if place != row]
    for factor in (1, 10):

        def differs(places: Any, factor: int = factor) -> dict[str, NDArray[np.bool_]]:
            after = copy.answer(_replaced(rows, places, factor), seed=seed)
            return {
                name: apart(array[row], after.arrays[name][row], share=closeness(before.dtypes[name]))
                for name, array in before.arrays.items()
                if array.ndim and len(array) == rows.rows
            }

        try:
            found = differs(others)
        except Crashed:
            if factor == 1:
                raise
            continue  # it refuses larger numbers, such as codes of a category
        if not any(each.any() for each in found.values()):
            continue
        least = smallest(others, lambda places: any(e.any() for e in differs(places).values()), tries=60)
        after = copy.answer(_replaced(rows, least, factor), seed=seed)
        name = next(name for name, each in differs(least).items() if each.any())
        said = f"row {least[0]}" if len(least) == 1 else f"{len(least)} other rows"
        gap = _gap(before.arrays[name][row], after.arrays[name][row])
        why = f"the answer to row {row} changes by {gap:.3g} when only {said} of the batch {'is' if len(least) == 1 else 'are'} replaced"
        shown = _pair(row, before.arrays[name][row], after.arrays[name][row], ("before", "after"))
        return broken(why, examples=shown, n_rows=rows.rows, note=_ROWS)
    return None


def _replaced(rows: Batch, places: Any, factor: int) -> Batch:
    """Return a batch with some rows replaced by the next ones, their floating-point numbers that many times as large."""
    chosen = np.asarray(places, dtype=np.int64)

    def change(leaf: Leaf) -> Array:
        made = leaf.array.copy()
        # Rolled within the whole batch, every row gets values that a row of this data has.
        made[chosen] = np.roll(leaf.array, 1, axis=0)[chosen]
        if leaf.floats and factor != 1:
            made[chosen] = made[chosen] * made.dtype.type(factor)
        return made

    return rows.changed(change)


@contract(
    "network",
    title="an answer at a time depends on no later time",
    catches="a causal mask that is missing, off by one or transposed, padding on both sides, a bidirectional layer",
    needs=("time_axis",),
    rubric=("I2",),
)
def looks_back_only(subject: Network, data: object, /, *, seed: int = 0) -> Outcome:
    """Judge that what comes after a time moves no answer at or before it, along `time_axis`, in evaluation.

    At up to five cuts, every input's later part is replaced by its own values in another order (and shifted by 1 where they are
    floating-point); outputs with as many places along the axis are compared up to the cut. With one time it is undecided.

    >>> import numpy as np
    >>> from assay.testing.networks.network import network
    >>> x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype(np.float32)
    >>> sums = network(lambda params, x: x.cumsum(axis=1) * params, name="sums", params=np.float32(1), time_axis=1)
    >>> looks_back_only(sums, x).why
    'answers at up to 5 of 6 times did not move when all that came later was changed'
    """
    rows, axis = batch_of(data), int(subject.time_axis or 0)
    lengths = {leaf.array.shape[axis] for _, leaf in leaves(rows.inputs) if leaf.array.ndim > axis}
    length = max(lengths, default=0)
    copy = trial(subject)
    before = copy.answer(rows, seed=seed)
    seen = [n for n, a in before.arrays.items() if a.ndim > axis and a.shape[axis] == length]
    if length < 2 or not seen:
        shapes = ", ".join(str(array.shape) for array in before.arrays.values())
        return undecided(
            f"the inputs are {rows.shapes} and the outputs {shapes}: no two times along axis {axis} on both sides",
            note="give longer rows, or declare the axis of time by time_axis=",
        )
    for cut in sorted({0, length // 4, length // 2, 3 * length // 4, length - 2}):
        after = copy.answer(rows.changed(_later(axis, cut, length, seed)), seed=seed)
        for name in seen:
            one, other = (np.moveaxis(answer.arrays[name], axis, 0)[: cut + 1] for answer in (before, after))
            differs = apart(one, other, share=closeness(before.dtypes[name]))
            if differs.any():
                time = int(np.flatnonzero(_any(differs))[0])
                gap = _gap(one[time], other[time])
                why = f"the answer at time {time} changes by {gap:.3g} when only what comes after time {cut} is changed"
                shown = _pair(time, one[time], other[time], ("before", "after"))
                return broken(why, examples=shown, n_rows=rows.rows, note=_CAUSAL)
    return held(
        f"answers at up to 5 of {length} times did not move when all that came later was changed", n_rows=rows.rows
    )


_CAUSAL = (
    "pad on the left alone, give attention a mask that is true above the diagonal, and no layer that reads both ways"
)


def _later(axis: int, cut: int, length: int, seed: int) -> Callable[[Leaf], Array]:
    def change(leaf: Leaf) -> Array:
        if leaf.array.ndim <= axis or leaf.array.shape[axis] != length:
            return leaf.array
        moved = np.moveaxis(leaf.array.copy(), axis, 0)
        later = moved[cut + 1 :]
        order = seeded("looks_back_only", seed).permutation(length)[: len(later)]
        fresh = np.moveaxis(leaf.array, axis, 0)[order]
        moved[cut + 1 :] = fresh + fresh.dtype.type(1) if leaf.floats else fresh
        return np.moveaxis(moved, 0, axis)

    return change


@contract(
    "network",
    title="all-zero, constant, small and large inputs give finite answers, losses and gradients",
    catches="a logarithm of 0, a division by a norm or a deviation of 0, an exponential that overflows",
    rubric=("I2",),
)
def finite_at_edges(subject: Network, data: object, /, *, large: float = 100.0, seed: int = 0) -> Outcome:
    """Judge that floating-point inputs that are all zero, all one, a millionth, and `large` times as large stay finite.

    Where a loss is declared, it and every gradient are looked at too: a square root has a value at 0, and no derivative. Where the
    network raises, columns that hold whole numbers only stay as they are, as they may be codes of categories. Where no input is
    floating-point it is undecided.

    >>> import numpy as np
    >>> from assay.testing.networks.network import network
    >>> unit = network(
    ...     lambda params, x: x / (x**2).sum(axis=1, keepdims=True) ** 0.5 * params, name="unit", params=np.float32(1)
    ... )
    >>> finite_at_edges(unit, np.ones((8, 4), dtype=np.float32)).why
    'of inputs that are all zero, 32 of 32 numbers of output are NaN or infinite'
    """
    rows = batch_of(data)
    if not any(leaf.floats for _, leaf in leaves(rows.inputs)):
        return undecided(
            "no input holds floating-point numbers", note="for whole numbers, see the edge cases of a model"
        )
    for said, change in _EDGES(large).items():
        edge = rows.changed(lambda leaf, change=change: change(leaf.array) if leaf.floats else leaf.array)  # type: ignore[misc]
        copy = trial(subject)
        try:
            answer = copy.answer(edge, seed=seed)
        except Crashed:
            spared = rows.changed(lambda leaf, change=change: _but_codes(leaf, change))  # type: ignore[misc]
            edge, answer = spared, copy.answer(spared, seed=seed)
        for name, array in answer.arrays.items():
            bad = ~np.isfinite(array) if array.dtype.kind in "fc" else np.zeros(array.shape, dtype=bool)
            if bad.any():
                why = f"of inputs that are {said}, {int(bad.sum())} of {bad.size} numbers of {name} are NaN or infinite"
                return broken(why, examples=_shown(array, bad), n_rows=rows.rows, note=_SOFT)
        if subject.loss is None:
            continue
        back = copy.passed(edge, seed=seed)
        lost = [name for name, each in back.gradients.items() if each is not None and not np.isfinite(each).all()]
        if not np.isfinite(back.loss) or lost:
            what = f"the gradient of {lost[0]} is" if lost else f"the loss is {back.loss}:"
            return broken(f"of inputs that are {said}, {what} NaN or infinite", n_rows=rows.rows, note=_SOFT)
    looked = "answers" if subject.loss is None else "answers, losses and gradients"
    return held(f"{looked} stayed finite for inputs that are {', '.join(_EDGES(large))}", n_rows=rows.rows)


def _but_codes(leaf: Leaf, change: Callable[[Array], Array]) -> Array:
    """Return floating-point numbers changed but for the columns that hold whole numbers only: an embedding looks those up."""
    if not leaf.floats or leaf.array.ndim < 2:
        return leaf.array
    whole = (leaf.array == np.round(leaf.array)).all(axis=tuple(range(leaf.array.ndim - 1)))
    return np.where(whole, leaf.array, change(leaf.array)).astype(leaf.array.dtype)


def _EDGES(large: float) -> dict[str, Callable[[Array], Array]]:  # noqa: N802  # a table that has one number to fill in
    return {
        "all zero": np.zeros_like,
        "all one": np.ones_like,
        "a millionth": lambda array: array * array.dtype.type(1e-6),
        f"{large:g} times as large": lambda array: array * array.dtype.type(large),
    }


@contract(
    "network",
    title="the batch that it is given is not changed",
    catches="x += 1, x.clamp_(), relu(inplace=True) on the input itself",
    needs=("module",),
    rubric=("I2",),
)
def batch_kept(subject: Network, data: object, /, *, seed: int = 0) -> Outcome:
    """Judge that a pass, in either mode, leaves the tensors that it is given as they were. JAX's arrays cannot be changed.

    >>> batch_kept.contract.needs  # of torch alone
    ('module',)
    """
    from assay.testing.networks.torch import TorchTrial

    rows = batch_of(data)
    copy = TorchTrial(subject)
    inputs = dict(leaves(rows.inputs))
    for training in (False, True):
        for name, after in copy.inputs_after(rows, training=training, seed=seed).items():
            before = inputs[name].array
            differs = apart(before, after, share=0.0) if before.dtype.kind in "fc" else before != after
            if differs.any():
                row = int(np.flatnonzero(_any(differs))[0]) if before.ndim else 0
                why = f"{int(differs.sum())} of {differs.size} numbers of the input{f' {name}' if name else ''} are changed by a pass"
                shown = _pair(row, np.atleast_1d(before)[row], np.atleast_1d(after)[row], ("before", "after"))
                return broken(
                    why, examples=shown, n_rows=rows.rows, note="work on x.clone(), or write x = x + 1 for x += 1"
                )
    said = "an input of 1 array was" if len(inputs) == 1 else f"inputs of {len(inputs)} arrays were"
    return held(f"{said} left alone by a pass in each mode", n_rows=rows.rows)


@contract(
    "network",
    title="compiled by jax.jit it gives the same answers",
    catches="a Python branch on a value, a side effect, state outside the parameters",
    needs=("params",),
    rubric=("I2",),
)
def compiles(subject: Network, data: object, /, *, seed: int = 0) -> Outcome:
    """Judge that a JAX function can be compiled, and answers compiled as it does when it is not, to `closeness`.

    >>> import numpy as np
    >>> from assay.testing.networks.network import network
    >>> net = network(
    ...     lambda params, x: x @ params["w"] if x.sum() > 0 else x, name="branch", params={"w": np.ones((4, 4))}
    ... )
    >>> compiles(net, np.ones((8, 4), dtype=np.float32)).verdict.value
    'fail'
    """
    from assay.testing.networks.jax import JaxTrial

    rows = batch_of(data)
    copy = JaxTrial(subject)
    before = copy.answer(rows, seed=seed)
    try:
        after = copy.compiled(rows, seed=seed)
    except Crashed as crash:
        return broken(
            f"it cannot be compiled: {crash}", n_rows=rows.rows, note="write jax.lax.cond or jnp.where for a branch"
        )
    for name, array in before.arrays.items():
        if apart(array, after.arrays[name], share=closeness(before.dtypes[name])).any():
            gap = _gap(array, after.arrays[name])
            return broken(
                f"compiled and not, {name} is apart by {gap:.3g}", n_rows=rows.rows, note="give all state as arguments"
            )
    return held(f"{rows.rows} rows get the same answers compiled", n_rows=rows.rows)


def _any(differs: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which places of the first side hold a difference."""
    return np.asarray(differs.reshape(len(differs), -1).any(axis=1))


def _gap(one: Array, other: Array) -> float:
    with np.errstate(invalid="ignore"):
        found = np.abs(one.astype(np.complex128) - other.astype(np.complex128))
    return float(np.nanmax(found)) if np.isfinite(found).any() else float("nan")


def _shown(array: Array, bad: NDArray[np.bool_]) -> list[Example]:
    """Return the first places of an array that are wrong."""
    places = np.argwhere(bad)[:6]
    return [
        Example(
            int(place[0]) if len(place) else None,
            {"place": str(tuple(int(i) for i in place)), "value": float(np.real(array[tuple(place)]))},
        )
        for place in places
    ]


def _pair(row: int, one: Array, other: Array, names: tuple[str, str]) -> list[Example]:
    """Return the numbers of one row, before and after, those that differ most first."""
    flat, other_flat = np.ravel(one), np.ravel(other)
    with np.errstate(invalid="ignore"):
        order = np.argsort(
            -np.nan_to_num(np.abs(flat - other_flat) if flat.dtype.kind in "fci" else flat != other_flat, nan=np.inf),
            kind="stable",
        )
    return [
        Example(row, {"place": int(i), names[0]: flat[i].item(), names[1]: other_flat[i].item()}) for i in order[:4]
    ]
