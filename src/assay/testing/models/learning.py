"""Whether a model has learnt anything, and whether it can: ten rows by heart, and better than saying the same of every row."""

from __future__ import annotations

import copy
import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.errors import require
from assay.evaluation.models.answer import missing as missing_of
from assay.evaluation.models.frames import family_of
from assay.stats.intervals import student_quantile
from assay.testing.contract import Crashed, broken, call, contract, held, seeded, undecided
from assay.testing.models.answers import Answer, Kind
from assay.testing.models.asking import asked_as, names_classes
from assay.testing.models.chance import reseeded
from assay.testing.models.declared import DeclaredModel
from assay.testing.models.showing import counted, not_asked
from assay.testing.rows import Rows
from assay.verdict import Estimate, Outcome, Verdict

__all__ = ["better_than_a_dummy", "learns_ten_rows", "losses"]

TEN, PAIRS = 10, 5


@contract(
    "model",
    title="trained on ten rows, it knows them: training reaches the model",
    catches="labels that do not belong to their rows, features zeroed before training, a fit that ignores its labels",
    needs=("labels",),
    rubric=("I2",),
)
def learns_ten_rows(
    subject: DeclaredModel, data: Any = None, /, *, at_least: float = 0.3, draws: int = 3, times: int = 30, seed: int = 0
) -> Outcome:  # fmt: skip
    """Judge that training works at all: a fresh model, fitted on ten rows, says what they are.

    `draws` times, ten rows of all classes are drawn, and each is given `times` times, so that rules like "at least 20 rows in a
    leaf" do not bind. Skill is 1 - L / L0, the share of the loss of the best constant that the model takes away: L is the share
    of wrong labels, or the squared error of values. Its mean over the draws must be at least `at_least` (a constant has 0, all ten
    known is 1). A model of few parameters cannot know any ten rows: one with less skill keeps the contract where it knows both rows
    of five pairs, which need nothing but that features and labels reach it.

    The model is cloned and fitted by its own `fit`, or by the declared `train`. Skipped where there is neither.

    >>> from assay.testing.models.declared import model
    >>> rows, labels = np.arange(20.0).reshape(-1, 1), np.arange(20) % 2
    >>> learns_ten_rows(model(lambda rows: rows[:, 0], labels=labels), rows).why
    'it has no fit, and train= is not declared'
    """
    why = _untrainable(subject)
    if why:
        return not_asked(why)
    given, labels = subject.inputs(data), subject.labels_of(data)
    there = np.flatnonzero(~missing_of(labels))
    if len(there) < TEN or len(set(labels[there].tolist())) < 2:
        return undecided(
            f"it takes 10 rows with labels of 2 kinds, and there are {counted(len(there))}", n_rows=given.height
        )
    rng = seeded("learns_ten_rows", seed)
    values = _is_values(subject, labels)
    try:
        ten = [
            _drilled(subject, given, labels, _repeated(_drawn(labels, there, TEN, values, rng), times, rng))
            for _ in range(draws)
        ]
        skill = float(np.mean([one for one, _ in ten]))
        pairs = (
            []
            if skill >= at_least
            else [
                _drilled(subject, given, labels, _repeated(_drawn(labels, there, 2, values, rng), times, rng))
                for _ in range(PAIRS)
            ]
        )
    except Crashed as crash:
        return undecided(
            f"it cannot be trained on ten rows: {crash}", note="declare train=, how it is trained on few rows"
        )
    said = f"trained on ten rows, it takes away {skill:.0%} of the loss that the best constant has on them"
    if not values:
        said = f"trained on ten rows, it knows {', '.join(str(right) for _, right in ten)} of them"
    seen = Estimate(skill, n=draws * TEN)
    knows = pairs and min(one for one, _ in pairs) >= at_least
    if skill >= at_least or knows:
        return held(f"{said}{f', and both rows of each of {PAIRS} pairs' if knows else ''}", n_rows=TEN, observed=seen)
    known = sum(one >= at_least for one, _ in pairs)
    return broken(
        f"{said}: a skill of {skill:.2g} where {at_least:g} is the least; trained on two, it knows both in {known} of {PAIRS} pairs",
        n_rows=TEN,
        observed=seen, note="see that each label stands beside its row, and that the features reach the model; a model with a "
        "strong penalty may learn little of ten rows: declare train= with a weaker one, or say at_least=",
    )  # fmt: skip


@contract(
    "model",
    title="it is better than a dummy, which says the same of every row",
    catches="a model that has learnt nothing, features that do not reach it, classes the wrong way round",
    needs=("labels",),
    rubric=("M5",),
)
def better_than_a_dummy(
    subject: DeclaredModel, data: Any = None, /, *, confidence: float = 0.95, margin: float = 0.0
) -> Outcome:
    """Judge that a model loses less than the best constant does on these labels, by an interval and not by luck.

    The losses of a row: Brier's score Σ_k (p_k - y_k)² for probabilities, against the classes' shares; wrong or right for labels,
    against the commonest one; the squared error for values, against the mean. The dummy knows these labels and the model does not,
    so that a tie goes to the dummy. The interval is Student's, of the mean of the rows' differences.

    PASS where all of it is above `margin` (a share of the dummy's loss), FAIL where none of it is, else INCONCLUSIVE. Give rows
    that it was not trained on.

    >>> from assay.testing.models.declared import model
    >>> rows, labels = np.arange(20.0).reshape(-1, 1), np.arange(20) % 2
    >>> coded = model(lambda rows: rows[:, 0] % 2, output="value", labels=labels)
    >>> better_than_a_dummy(coded, rows).verdict.value
    'pass'
    """
    given, labels = subject.inputs(data), subject.labels_of(data)
    there = np.flatnonzero(~missing_of(labels))
    kinds = len(set(labels[there].tolist()))
    if len(there) < TEN or kinds < 2:
        return undecided(
            f"it takes 10 rows with labels of 2 kinds: there are {counted(len(there))} with labels of {kinds}"
        )
    answer = subject.ask(given.take(there))
    loss, constant = losses(answer, labels[there])
    if not np.isfinite(loss).all():
        return broken(
            f"{counted(int((~np.isfinite(loss)).sum()), 'answer')} are none, and lose without bound", n_rows=len(there)
        )
    gain = constant - loss
    spread, n = float(gain.std(ddof=1)), len(gain)
    half = student_quantile((1 + confidence) / 2, n - 1) * spread / math.sqrt(n)
    scale = float(constant.mean())
    value, half = float(gain.mean()) / scale, half / scale
    seen = Estimate(value, n=n, low=value - half, high=value + half, confidence=confidence, method="student")
    told = f"it loses {loss.mean():.4g} a row and the best constant {scale:.4g}: {value:+.1%} [{value - half:+.1%}, {value + half:+.1%}]"
    verdict = seen.above(margin)
    if verdict is Verdict.PASS and value - half > margin:
        return held(told, n_rows=n, observed=seen)
    if value + half <= margin or verdict is Verdict.FAIL:
        return broken(
            told, n_rows=n, observed=seen,
            note="see that features and classes reach it in the order of its training; then whether there is anything to learn",
        )  # fmt: skip
    if value <= margin:
        more = "the interval reaches above what is demanded, and the value does not"
    else:
        more = f"about {math.ceil(n * (half / (value - margin)) ** 2 * 1.2):,} rows would tell"
    return undecided(f"{told}, which may be luck; {more}", n_rows=n)


def losses(answer: Answer, labels: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what an answer loses on each row, and what the best constant loses on each of the same rows.

    Probabilities lose Brier's score, labels 1 where they are wrong, values their squared error.

    >>> from assay.testing.models.answers import of_raw
    >>> [part.tolist() for part in losses(of_raw([1.0, 4.0], "value"), np.array([2.0, 4.0]))]
    [[1.0, 0.0], [1.0, 1.0]]
    """
    if answer.kind == "value":
        y = labels.astype(np.float64)
        return (answer.judged[:, 0] - y) ** 2, (y - y.mean()) ** 2
    if answer.kind == "label":
        names, counts = np.unique(labels.astype(str), return_counts=True)
        said = answer.judged[:, 0]
        numbers = said.dtype.kind in "biuf" and labels.dtype.kind in "biuf"
        wrong = said != labels if numbers else said.astype(str) != labels.astype(str)
        return wrong.astype(np.float64), (labels.astype(str) != names[counts.argmax()]).astype(np.float64)
    chances = answer.judged if answer.judged.shape[1] > 1 else np.column_stack([1 - answer.judged, answer.judged])
    classes = list(answer.classes) or sorted(set(labels.tolist()))
    places = {str(name): place for place, name in enumerate(classes)}
    truth = np.zeros((len(labels), max(chances.shape[1], len(classes))))
    for row, label in enumerate(labels.tolist()):
        place = places.get(str(label))
        if place is not None:
            truth[row, place] = 1.0
    wide = np.zeros_like(truth)
    wide[:, : chances.shape[1]] = chances
    share = truth.mean(axis=0)
    return ((wide - truth) ** 2).sum(axis=1), ((share - truth) ** 2).sum(axis=1)


def _untrainable(subject: DeclaredModel) -> str:
    """Return why no fresh model can be trained; empty where one can."""
    if subject.train is not None:
        return ""
    if not callable(getattr(subject.source, "fit", None)) or "mlflow" in family_of(subject.source):
        return "it has no fit, and train= is not declared"
    return ""


def _trained(subject: DeclaredModel, rows: Rows, labels: NDArray[Any]) -> Any:
    """Return how a fresh model, trained on these rows, is asked for the labels or values that it says."""
    with warnings.catch_warnings(), reseeded(0):
        warnings.simplefilter("ignore")  # that it has not converged on ten rows, say
        if subject.train is not None:
            fitted = call(subject.train, rows.handed(), labels.copy(), what=f"the training of {subject.name}")
        else:
            fresh = _fresh(subject.source)
            call(fresh.fit, rows.handed(), labels.copy(), what=f"{subject.name}.fit")
            fitted = fresh
    kind: Kind | None = "value" if subject.output == "value" else None
    says_labels = callable(getattr(fitted, "predict", None)) and names_classes(fitted)
    return asked_as(fitted, subject.name, kind="label" if says_labels else kind, classes=subject.classes)


def _fresh(source: Any) -> Any:
    """Return an unfitted copy of a model."""
    if callable(getattr(source, "get_params", None)) and not hasattr(source, "copy"):
        try:
            return require("sklearn.base", extra="sklearn").clone(source)
        except (TypeError, RuntimeError):
            pass  # it looks like scikit-learn's and is not
    return copy.deepcopy(source)


def _is_values(subject: DeclaredModel, labels: NDArray[Any]) -> bool:
    """Return whether the labels are values rather than classes."""
    if subject.output is not None:
        return subject.output == "value"
    if subject.classes or callable(getattr(subject.source, "predict_proba", None)):
        return False
    return labels.dtype.kind == "f" or len(set(labels.tolist())) > max(20, len(labels) // 10)


def _repeated(few: NDArray[np.int64], times: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.permutation(np.repeat(few, times))


def _drilled(subject: DeclaredModel, given: Rows, labels: NDArray[Any], many: NDArray[np.int64]) -> tuple[float, int]:
    """Return the skill of a fresh model on the few rows that it was trained on, many times, and how many of them it knows."""
    few = np.unique(many)
    fitted = _trained(subject, given.take(many), labels[many])
    loss, constant = losses(fitted(given.take(few)), labels[few])
    loss = np.where(np.isfinite(loss), loss, np.inf)
    return float(1 - loss.mean() / constant.mean()), int((loss == 0).sum())


def _drawn(
    labels: NDArray[Any], there: NDArray[np.int64], size: int, values: bool, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return a few rows: of values any, but not all equal; of classes as many of each as can be."""
    order = rng.permutation(there)
    if values:
        first = order[:size].copy()
        if len(set(labels[first].tolist())) == 1:  # swap one for a row with another value
            first[-1] = next(i for i in order[size:] if labels[i] != labels[first[0]])
        return np.asarray(first)
    queues = {name: [i for i in order if labels[i] == name] for name in dict.fromkeys(labels[order].tolist())}
    picked: list[int] = []
    while len(picked) < size:
        for queue in queues.values():
            if queue and len(picked) < size:
                picked.append(queue.pop())
    return np.asarray(picked)
