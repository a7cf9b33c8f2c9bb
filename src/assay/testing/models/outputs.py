"""What a model answers: its shape, its range, probabilities that are some, labels that agree with them, and not always the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.testing.contract import broken, call, contract, held, undecided
from assay.testing.models.answers import Answer, noise, of_raw
from assay.testing.models.declared import DeclaredModel
from assay.testing.models.showing import ANSWER, counted, listed, not_asked, sampled, shown, too_few
from assay.verdict import Outcome

__all__ = ["labels_agree", "not_constant", "output_range", "output_schema", "probabilities", "range_of"]

# Probabilities in single precision over many classes: each is rounded to 6e-8 of itself, and so is each sum.
SUMS = 1e-5


@contract(
    "model",
    title="it answers each row once, in one shape and type, whether it is given one row, two or many",
    catches="a squeezed batch of one, rows dropped or doubled, one type for some rows and another for others",
    rubric=("I2",),
)
def output_schema(subject: DeclaredModel, data: Any = None, /, *, rows: int = 200, seed: int = 0) -> Outcome:
    """Judge the shape and type of what a model answers: n answers for n rows, of one width and type for each n.

    The declared `width`, `dtype` and number of `classes` are held to, where there are any. Types of text may be of any length.

    >>> from assay.testing.models.declared import model
    >>> output_schema(model(lambda rows: rows[1:, 0]), np.ones((3, 1))).why
    '3 rows went in, and 2 answers came out'
    """
    given = sampled(subject.inputs(data), rows, np.random.default_rng(seed))
    if not given.height:
        return too_few(given, 1)
    seen: dict[int, Answer] = {}
    for n in sorted({1, min(2, given.height), given.height}, reverse=True):
        answer = subject.ask(given.take(np.arange(n)))
        if answer.height != n:
            return broken(
                f"{counted(n)} went in, and {counted(answer.height, 'answer')} came out", n_rows=n,
                note="each row has one answer, in the rows' order",
            )  # fmt: skip
        seen[n] = answer
    whole = seen[given.height]
    for n, answer in seen.items():
        if answer.shape[1:] != whole.shape[1:]:
            return broken(
                f"{counted(given.height)} are answered in the shape {whole.shape}, and {counted(n)} in {answer.shape}",
                n_rows=given.height, note="keep the axis of the rows: squeeze no batch of one",
            )  # fmt: skip
        if _kind_of(answer.dtype) != _kind_of(whole.dtype):
            said = f"{counted(given.height)} are answered in {whole.dtype}, and {counted(n)} in {answer.dtype}"
            return broken(said, n_rows=given.height)
    wrong = _undeclared(subject, whole)
    if wrong:
        return broken(wrong, n_rows=given.height)
    sizes = ", ".join(str(n) for n in sorted(seen))
    return held(f"batches of {sizes} rows were answered in {whole.dtype}, {_wide(whole)}", n_rows=given.height)


@contract(
    "model",
    title="each answer is finite, and in the declared range or among the declared classes",
    catches="NaN or infinite predictions, probabilities outside [0, 1], negative amounts, a class that is none",
    rubric=("I2",),
)
def output_range(subject: DeclaredModel, data: Any = None, /) -> Outcome:
    """Judge that each answer is one: not NaN, not infinite, not missing; in `between`, in [0, 1], or among `classes`.

    >>> from assay.testing.models.declared import model
    >>> price = model(lambda rows: rows[:, 0] - 2, between=(0, None))
    >>> output_range(price, np.array([[5.0], [1.0]])).why
    '1 of 2 answers are outside [0, inf]; the first, of row 1, is -1'
    """
    given = subject.inputs(data)
    if not given.height:
        return too_few(given, 1)
    answer = subject.ask(given)
    off, why = range_of(subject, answer)
    places = np.flatnonzero(off)
    if len(places):
        return broken(
            f"{len(places):,} of {given.height:,} answers are {why}; the first, of row {given.numbers[places[0]]}, "
            f"is {answer.told(int(places[0]))}",
            examples=shown(given, places, {ANSWER: answer.take(places)}), n_rows=given.height, n_failing=len(places),
        )  # fmt: skip
    if answer.kind == "label":
        return held(f"{counted(given.height)} have a label: {listed(_labels(answer))}", n_rows=given.height)
    low, high = float(answer.judged.min()), float(answer.judged.max())
    return held(f"the answers of {counted(given.height)} lie in [{low:.4g}, {high:.4g}]", n_rows=given.height)


@contract(
    "model",
    title="probabilities lie in [0, 1], and those of a row sum to one",
    catches="logits or votes returned as probabilities, a class left out, weights that were never normalised",
    rubric=("I2",),
)
def probabilities(subject: DeclaredModel, data: Any = None, /) -> Outcome:
    """Judge that the probabilities of each row are some: each in [0, 1], and their sum within 1e-5 of 1.

    One probability a row has no sum to judge. A model of several labels has a sum for each of them. Skipped for models that
    answer values or labels.

    >>> from assay.testing.models.declared import model
    >>> votes = model(lambda rows: np.column_stack([rows, rows]) / 4, output="probability")
    >>> probabilities(votes, np.array([[1.0], [2.0]])).why
    'the probabilities of 1 of 2 rows do not sum to one; those of row 0 sum to 0.5'
    """
    given = subject.inputs(data)
    if not given.height:
        return too_few(given, 1)
    answer = subject.ask(given)
    if answer.kind != "probability":
        return not_asked(f"it answers {answer.kind}s, not probabilities")
    off, why = range_of(subject, answer)
    sums = _sums(answer)
    if not off.any() and sums is not None:
        off, why = np.asarray((np.abs(sums - 1) > SUMS).any(axis=1)), "do not sum to one"
    places = np.flatnonzero(off)
    if len(places):
        of = "" if sums is None else f"; those of row {given.numbers[places[0]]} sum to {sums[places[0]].max():.6g}"
        return broken(
            f"the probabilities of {len(places):,} of {given.height:,} rows {why if why.startswith('do') else f'are {why}'}{of}",
            examples=shown(given, places, {ANSWER: answer.take(places)}), n_rows=given.height, n_failing=len(places),
            note='scores that are no probabilities yet need a softmax or a sigmoid, or output="value"',
        )  # fmt: skip
    if sums is None:
        return held(f"{counted(given.height)} have a probability in [0, 1]", n_rows=given.height)
    most = float(np.abs(sums - 1).max())
    return held(f"the probabilities of {counted(given.height)} sum to one, to within {most:.1g}", n_rows=given.height)


@contract(
    "model",
    title="the label it predicts is the class of its greatest probability",
    catches="classes in another order than the probabilities, a threshold that only one of the two knows",
)
def labels_agree(subject: DeclaredModel, data: Any = None, /, *, threshold: float | None = None) -> Outcome:
    """Judge that `predict` and `predict_proba` say the same: the label is the class with the greatest probability.

    With `threshold`, two classes: the label is the last class where its probability is at least that. Rows whose two greatest
    probabilities are equal, to 1e-6, may have either label. Skipped for a model that has not got both.

    >>> from assay.testing.models.declared import model
    >>> labels_agree(model(lambda rows: rows[:, 0]), np.ones((2, 1))).why
    'it has not both predict and predict_proba of named classes'
    """
    source = subject.source
    both = callable(getattr(source, "predict", None)) and callable(getattr(source, "predict_proba", None))
    given = subject.inputs(data)
    if not given.height:
        return too_few(given, 1)
    said = subject.ask(given) if both else None
    if said is None or said.kind != "probability" or not said.classes or len(said.blocks) > 1:
        return not_asked("it has not both predict and predict_proba of named classes")
    raw = call(source.predict, given.handed(), what=f"{subject.name}.predict")
    labels = of_raw(raw, "label").judged[:, 0]
    classes = np.asarray(said.classes)
    p = said.judged
    if threshold is None:
        best, margin = p.argmax(axis=1), np.diff(np.sort(p, axis=1)[:, -2:], axis=1)[:, 0]
    elif p.shape[1] != 2:
        return undecided(f"a threshold tells two classes apart, and there are {p.shape[1]}")
    else:
        best, margin = (p[:, 1] >= threshold).astype(int), np.abs(p[:, 1] - threshold)
    off = np.flatnonzero((classes[best] != labels) & (margin > noise(said)[0]))
    if len(off):
        first = int(off[0])
        chances = ", ".join(f"{name}: {chance:.4g}" for name, chance in zip(classes, p[first], strict=True))
        return broken(
            f"{len(off):,} of {given.height:,} labels are not the class of the greatest probability: row "
            f"{given.numbers[first]} is labelled {labels[first]!s}, with {chances}",
            examples=shown(given, off, {"probabilities": said.take(off), "label": of_raw(labels[off], "label")}),
            n_rows=given.height, n_failing=len(off),
            note="where a threshold of its own is meant, say threshold=; else see the order of the classes",
        )  # fmt: skip
    return held(f"{counted(given.height)} are labelled with the class of the greatest probability", n_rows=given.height)


@contract(
    "model",
    title="it does not say the same of every row",
    catches="features zeroed before they reach the model, a constant fallback, weights that were never loaded",
    rubric=("I2",),
)
def not_constant(subject: DeclaredModel, data: Any = None, /) -> Outcome:
    """Judge that the answers to rows that differ are not all the same, beyond the noise of numbers.

    A model of labels is judged by the margins behind them where it has some: it may well say "no" of each row.

    >>> from assay.testing.models.declared import model
    >>> not_constant(model(lambda rows: np.full(len(rows), 0.5)), np.array([[1.0], [2.0]])).why
    'each of 2 distinct rows is answered with 0.5'
    """
    given = subject.inputs(data)
    distinct = given.frame.n_unique() if given.height else 0
    if distinct < 2:
        return undecided(f"{counted(given.height)} to try, {distinct} distinct, and it takes 2", n_rows=given.height)
    answer = subject.ask(given)
    if answer.kind == "label" and answer.numbers is None:
        kinds = _labels(answer)
        if len(kinds) > 1:
            return held(
                f"{counted(distinct, 'distinct row')} have {len(kinds)} labels: {listed(kinds)}", n_rows=given.height
            )
    else:
        assert answer.numbers is not None  # values, probabilities or margins
        spread = np.ptp(answer.numbers, axis=0)
        if bool((spread > noise(answer)).any() or np.isnan(spread).any()):
            return held(
                f"the answers of {counted(distinct, 'distinct row')} are apart by {spread.max():.4g}",
                n_rows=given.height,
            )
    ends = [0, given.height - 1]
    return broken(
        f"each of {counted(distinct, 'distinct row')} is answered with {answer.told(0)}",
        examples=shown(given, ends, {ANSWER: answer.take(ends)}), n_rows=given.height, n_failing=given.height,
        note="see what reaches the model: a scaler, a join or a default that makes all rows alike",
    )  # fmt: skip


def range_of(subject: DeclaredModel, answer: Answer) -> tuple[NDArray[np.bool_], str]:
    """Return which rows have an answer that is none or out of the declared range, and what is wrong with them."""
    off = answer.invalid()
    if off.any():
        return off, "NaN, infinite or missing"
    if answer.kind == "label":
        if not subject.classes:
            return off, ""
        said, classes = answer.judged, np.asarray(subject.classes)
        if not (said.dtype.kind in "biuf" and classes.dtype.kind in "biuf"):
            said, classes = said.astype(str), classes.astype(str)
        strange = ~np.isin(said, classes).all(axis=1)
        return np.asarray(strange), f"none of the classes {listed(list(subject.classes))}"
    low, high = subject.between
    if answer.kind == "probability":
        low, high = 0.0 if low is None else low, 1.0 if high is None else high
    room = noise(answer)
    below = (answer.judged < (-np.inf if low is None else low - room)).any(axis=1)
    above = (answer.judged > (np.inf if high is None else high + room)).any(axis=1)
    words = f"outside [{'-inf' if low is None else f'{low:g}'}, {'inf' if high is None else f'{high:g}'}]"
    return np.asarray(below | above), words


def _sums(answer: Answer) -> NDArray[np.float64] | None:
    """Return the sum of each block of probabilities, n by blocks; None where each row has one probability."""
    if answer.judged.shape[1] == 1:
        return None
    starts = np.cumsum([0, *answer.blocks[:-1]])
    return np.asarray(np.add.reduceat(answer.judged, starts, axis=1))


def _undeclared(subject: DeclaredModel, answer: Answer) -> str:
    width = answer.judged.shape[1]
    if subject.width is not None and width != subject.width:
        return f"a row is answered with {counted(width, 'number')}, and width={subject.width} is declared"
    if subject.dtype and answer.dtype != subject.dtype:
        return f"the answers are {answer.dtype}, and dtype={subject.dtype!r} is declared"
    several = answer.kind == "probability" and len(answer.blocks) == 1 and width > 1
    if several and subject.classes and width != len(subject.classes):
        return f"a row has {width} probabilities, and {len(subject.classes)} classes are declared: {listed(subject.classes)}"
    return ""


def _kind_of(dtype: str) -> str:
    kind = np.dtype(dtype).kind
    return "text" if kind in "UTO" else dtype


def _labels(answer: Answer) -> list[Any]:
    return sorted({str(label) for label in answer.judged.ravel().tolist()})


def _wide(answer: Answer) -> str:
    return "one value each" if answer.judged.shape[1] == 1 else f"{answer.judged.shape[1]} values each"
