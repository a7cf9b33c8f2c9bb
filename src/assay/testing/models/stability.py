"""A row's answer is its own: the same among others and alone, in any order, and each time."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.testing.contract import broken, contract, held, seeded
from assay.testing.models.answers import REPEAT, Answer, differing
from assay.testing.models.asking import Refusal
from assay.testing.models.chance import reseeded
from assay.testing.models.declared import DeclaredModel
from assay.testing.models.showing import counted, sampled, shown, too_few
from assay.testing.rows import Rows
from assay.verdict import Outcome

__all__ = ["batch_invariance", "repeatable"]


@contract(
    "model",
    title="a row is answered alike alone, among others, in any order, and twice in one batch",
    catches="scaling by the batch's own mean, batch normalisation left in training, ranks within the batch, answers sorted",
    rubric=("I2",),
)
def batch_invariance(
    subject: DeclaredModel, data: Any = None, /, *, rows: int = 200, alone: int = 30, seed: int = 0
) -> Outcome:
    """Judge that a row's answer depends on no other row: one row against many, another order, a half, each row twice.

    At most `rows` rows are tried, `alone` of them one at a time. Answers are the same to within the subject's tolerance: sums
    of many products are made in another order for one row than for many.

    >>> from assay.testing.models.declared import model
    >>> centred = model(lambda rows: rows[:, 0] - rows[:, 0].mean())
    >>> batch_invariance(centred, np.array([[1.0], [3.0]])).why
    'row 0 is answered 0 alone, and -1 among 2 rows'
    """
    rng = seeded("batch_invariance", seed)
    given = sampled(subject.inputs(data), rows, rng)
    if given.height < 2:
        return too_few(given, 2)
    whole = subject.ask(given)
    if whole.height != given.height:
        return broken(
            f"{counted(given.height)} went in, and {counted(whole.height, 'answer')} came out", n_rows=given.height
        )
    single = np.sort(rng.permutation(given.height)[:alone])
    for place in single:
        answer = subject.tried(given.take([place]))
        if isinstance(answer, Refusal):
            return broken(f"row {given.numbers[place]} alone is refused: {answer.said}", examples=shown(given, [place], {}),
                          n_rows=given.height, note="keep the axis of the rows: squeeze no batch of one")  # fmt: skip
        if answer.height != 1 or differing(whole.take([place]), answer, share=subject.tolerance).any():
            if answer.height != 1:
                return broken(f"row {given.numbers[place]} alone has {answer.height} answers", n_rows=given.height)
            return _other(given, whole, answer, np.asarray([place]), "alone")
    order = rng.permutation(given.height)
    ways = {
        "in another order": order,
        "among half of the rows": np.sort(order[: (given.height + 1) // 2]),
        "where each row is there twice": np.repeat(np.arange(given.height), 2),
    }
    for how, places in ways.items():
        answer = subject.ask(given.take(places))
        if answer.height != len(places):
            return broken(
                f"{how}, {counted(len(places))} are answered with {counted(answer.height, 'answer')}",
                n_rows=given.height, note="give one answer for each row: drop, merge and sort none of them",
            )  # fmt: skip
        expected = whole.take(places)
        off = np.flatnonzero(differing(expected, answer, share=subject.tolerance))
        if len(off):
            return _other(given, whole, answer.take(off), places[off], how)
    return held(
        f"{counted(len(single))} were answered alike alone, and {given.height} {', '.join(ways)}", n_rows=given.height
    )


@contract(
    "model",
    title="the same rows are answered the same each time, whatever was asked in between",
    catches="dropout left on, chance that is drawn at prediction, a cache or a counter that answers change",
    rubric=("I2",),
)
def repeatable(
    subject: DeclaredModel, data: Any = None, /, *, rows: int = 200, times: int = 3, seed: int = 0
) -> Outcome:
    """Judge that predicting draws no chance and keeps no memory: other rows are asked for between two calls with the same.

    The chance of `random`, NumPy and torch has another seed at each call, and afterwards the state that it had before. The
    answers are the same to within 1e-9 of the greatest (1e-6 in single precision): threads may add in another order.

    >>> from assay.testing.models.declared import model
    >>> repeatable(model(lambda rows: rows[:, 0] * 2), np.array([[1.0], [3.0]])).why
    '2 rows were answered alike 3 times'
    """
    rng = seeded("repeatable", seed)
    given = sampled(subject.inputs(data), rows, rng)
    if not given.height:
        return too_few(given, 1)
    between = given.take(rng.permutation(given.height)[: (given.height + 1) // 2])
    with reseeded(seed) as reseed:
        first = subject.ask(given)
        share = REPEAT["single" if first.single else "double"]
        for time in range(1, times):
            subject.ask(between)
            reseed(seed + time)
            again = subject.ask(given)
            off = np.flatnonzero(differing(first, again, share=share))
            if again.height != first.height:
                return broken(f"the same rows had {first.height} answers, then {again.height}", n_rows=given.height)
            if len(off):
                return broken(
                    f"{len(off):,} of {given.height:,} answers differ when the same rows are asked for again",
                    examples=shown(given, off, {"before": first.take(off), "after": again.take(off)}),
                    n_rows=given.height, n_failing=len(off),
                    note="set it to evaluation, give it a seed of its own, and keep no state from call to call",
                )  # fmt: skip
    return held(f"{counted(given.height)} were answered alike {times} times", n_rows=given.height)


def _other(given: Rows, whole: Answer, answer: Answer, places: Any, how: str) -> Outcome:
    return broken(
        f"row {given.numbers[places[0]]} is answered {answer.told(0)} {how}, and {whole.told(int(places[0]))} among "
        f"{counted(given.height)}",
        examples=shown(given, places, {"among all": whole.take(places), how: answer}), n_rows=given.height,
        n_failing=len(set(places.tolist())),
        note="use what was learnt in training (means, ranks, categories), never what the batch holds",
    )  # fmt: skip
