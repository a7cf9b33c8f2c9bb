"""How a model must behave: what it must know, what must leave its answer, what must move it, and which way.

These are CheckList's three kinds of test, for tables: minimum functionality (MFT), invariance (INV) and direction (DIR). Each
reports the share of rows that fail, with Wilson's interval, and the worst of them.

Source: Ribeiro, Wu, Guestrin and Singh (2020), "Beyond Accuracy: Behavioral Testing of NLP Models with CheckList", ACL.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import UsageError
from assay.stats.intervals import share as wilson
from assay.testing.contract import broken, contract, held, seeded, undecided
from assay.testing.models.answers import Answer, differing, noise
from assay.testing.models.declared import DeclaredModel
from assay.testing.models.edits import Edit
from assay.testing.models.showing import ROWS, counted, not_asked, sampled, too_few
from assay.testing.rows import Rows, rows_of
from assay.verdict import Estimate, Example, Outcome, Verdict

__all__ = ["directional", "failure_rate", "invariant", "known_outputs", "monotone"]

CONFIDENCE = 0.95


@contract(
    "model",
    title="it says what it must of the rows that are known",
    catches="a case that the model must never get wrong, and does",
    needs=("examples",),
    rubric=("I2",),
)
def known_outputs(subject: DeclaredModel, data: Any = None, /, *, within: float = 1e-6, allow: float = 0.0) -> Outcome:
    """Judge the known examples (CheckList's minimum functionality tests): rows, and what must be said of each.

    What is expected of a row is a label, a number (the answer is at most `within` from it), or a pair (least, greatest; None is
    no bound). A number or a pair is compared with the value, or the probability of the positive class. At most the share
    `allow` of the rows may fail.

    >>> from assay.testing.models.declared import model
    >>> spam = model(lambda rows: [row["links"] / 10 for row in rows], examples=[([{"links": 9}], (0.8, None))])
    >>> known_outputs(spam).verdict.value
    'pass'
    """
    failed: list[Example] = []
    n = 0
    for given, expected in subject.examples:
        rows = subject.inputs(given)
        wanted = list(expected) if isinstance(expected, list | np.ndarray | pl.Series) else [expected] * rows.height
        if len(wanted) != rows.height:
            raise UsageError(f"an example has {counted(rows.height)} and says what {len(wanted)} must be answered with")
        answer = subject.ask(rows)
        for place, want in enumerate(wanted):
            n += 1
            if not _meets(subject, answer.take([place]), want, within):
                values = rows.frame.row(place, named=True)
                failed.append(
                    Example(n - 1, {**values, "expected": _worded(want), "got": _got(subject, answer, place, want)})
                )
    return _rated(failed, n, allow, "known rows are answered otherwise", "known rows are answered as they must be")


@contract(
    "model",
    title="edits that mean nothing leave its answers as they are",
    catches="a decision that turns with the gender, the name or the postcode, all else equal",
    needs=("invariant_to",),
    rubric=("I2",),
)
def invariant(
    subject: DeclaredModel, data: Any = None, /, *, within: float | None = None, allow: float = 0.0, rows: int = 500,
    seed: int = 0,
) -> Outcome:  # fmt: skip
    """Judge that each edit in `invariant_to` leaves the answer as it was (CheckList's INV).

    A row fails where its answer moves by more than `within` (default: by more than the noise of numbers). Only rows that an edit
    changes count. At most the share `allow` of them may fail.

    >>> from assay.testing.models.declared import model
    >>> pay = model(lambda rows: [row["age"] for row in rows], invariant_to={"sex": {"f": "m", "m": "f"}})
    >>> invariant(pay, [{"age": 30.0, "sex": "f"}, {"age": 40.0, "sex": "m"}]).verdict.value
    'pass'
    """
    rng = seeded("invariant", seed)
    given = sampled(subject.inputs(data), rows, rng)
    if not given.height:
        return too_few(given, 1)
    whole = subject.ask(given)
    failed: list[tuple[float, Example]] = []
    n = 0
    for edit in subject.invariant_to:
        edited, places = _edited(given, edit, rng)
        if not len(places):
            return undecided(
                f"the edit {edit.name!r} changes none of {counted(given.height)}", note="give rows it changes"
            )
        n += len(places)
        after = subject.ask(edited)
        off = _moved(whole, after, within)[places]
        for place in places[off]:
            failed.append((_distance(whole, after, place), _pair(given, edited, (whole, after), place, edit)))
    worst = [example for _, example in sorted(failed, key=lambda one: -one[0])]
    edits = ", ".join(edit.name for edit in subject.invariant_to)
    return _rated(worst, n, allow, "answers move that should not", f"answers stay under {edits}")


@contract(
    "model",
    title="edits that mean something move its answers the way they must",
    catches="a sign turned round, a feature that the model does not read, a larger debt that makes a better customer",
    needs=("directional",),
    rubric=("I2",),
)
def directional(
    subject: DeclaredModel, data: Any = None, /, *, at_least: float = 0.0, allow: float = 0.0, rows: int = 500, seed: int = 0
) -> Outcome:  # fmt: skip
    """Judge that each edit in `directional` moves the answer "up" or "down", or leaves it (CheckList's DIR).

    A row fails where its answer moves the wrong way beyond the noise of numbers, or, with `at_least`, where it does not move by
    that much the right way. Only rows that an edit changes count. At most the share `allow` of them may fail.

    >>> from assay.testing.models.declared import model
    >>> from assay.testing.models.edits import adding
    >>> risk = model(lambda rows: [-row["debt"] for row in rows], directional=[(adding("debt", 5.0), "up")])
    >>> directional(risk, [{"debt": 1.0}, {"debt": 2.0}]).n_failing
    2
    """
    rng = seeded("directional", seed)
    given = sampled(subject.inputs(data), rows, rng)
    if not given.height:
        return too_few(given, 1)
    whole = subject.ask(given)
    before, room = subject.score(whole), _room(subject, whole)
    failed: list[tuple[float, Example]] = []
    n = moved = 0
    for edit, way in subject.directional:
        edited, places = _edited(given, edit, rng)
        if not len(places):
            return undecided(
                f"the edit {edit.name!r} changes none of {counted(given.height)}", note="give rows it changes"
            )
        n += len(places)
        after = subject.ask(edited)
        rise = (subject.score(after) - before) * (1 if way == "up" else -1)
        moved += int((np.abs(rise[places]) > room).sum())
        for place in places[~(rise[places] >= at_least - room)]:
            failed.append((float(rise[place]), _pair(given, edited, (whole, after), place, edit)))
    worst = [example for _, example in sorted(failed, key=lambda one: one[0])]
    if not failed and not moved:
        return undecided(f"no edit moves any of {counted(n, 'answer')}, so that no direction shows", n_rows=n)
    return _rated(worst, n, allow, "answers move the wrong way", f"answers move the right way or stay; {moved:,} move")


@contract(
    "model",
    title="the answer never falls as an increasing column grows, nor rises as a decreasing one does, all else equal",
    catches="a price that falls with the size of the house, a risk that falls with the debt, a constraint lost in a refit",
    rubric=("I2",),
)
def monotone(
    subject: DeclaredModel, data: Any = None, /, *, slack: float | None = None, points: int = 9, rows: int = 100,
    allow: float = 0.0, seed: int = 0,
) -> Outcome:  # fmt: skip
    """Judge that the answer is monotone in each declared column, all other values being held.

    For each of `rows` rows the column takes `points` values, from its least to its greatest in the data by equal shares of rows; a
    row fails where the answer moves against the declared direction by more than `slack` between two of them (default: the
    noise of numbers). At most the share `allow` of the rows may fail.

    >>> from assay.testing.models.declared import model
    >>> monotone(model(lambda rows: rows[:, 0] ** 2, increasing="0"), np.array([[-1.0], [0.0], [1.0]])).n_failing
    3
    """
    if not subject.monotone:
        return not_asked("neither increasing= nor decreasing= is declared")
    rng = seeded("monotone", seed)
    everything = subject.inputs(data)
    given = sampled(everything, rows, rng)
    if not given.height:
        return too_few(given, 1)
    failed: list[tuple[float, Example]] = []
    n = 0
    for name in subject.monotone:
        values = _grid(everything, name, points)
        if len(values) < 2:
            return undecided(
                f"{name!r} has one value in {counted(everything.height)}, and it takes 2", n_rows=given.height
            )
        repeated = np.repeat(np.arange(given.height), len(values))
        swept = given.take(repeated).put(name, pl.concat([values] * given.height).alias(name))
        whole = subject.ask(swept)
        scores = subject.score(whole).reshape(given.height, len(values))
        room = _room(subject, whole) if slack is None else slack
        sign = 1 if name in subject.increasing else -1
        n += given.height
        for place in range(given.height):
            drop, low, high = _worst_drop(scores[place] * sign)
            if drop > room:
                moved = f"{_cell(values[low])} -> {_cell(values[high])}"
                ends = {"before": float(scores[place, low]), "after": float(scores[place, high])}
                rest = {each: value for each, value in given.frame.row(place, named=True).items() if each != name}
                first = dict(list(rest.items())[:5])
                why = "it must not fall" if sign > 0 else "it must not rise"
                failed.append((drop, Example(int(given.numbers[place]), {name: moved, **ends, **first}, why)))
    worst = [example for _, example in sorted(failed, key=lambda one: -one[0])]
    columns = ", ".join(subject.monotone)
    return _rated(
        worst, n, allow, "rows have an answer that turns back", f"rows are monotone in {columns}, at {points} values"
    )


def failure_rate(failing: int, n: int, allow: float) -> tuple[Estimate, Verdict]:
    """Return the share of rows that fail with Wilson's interval, and what it says of the share that is allowed.

    Where none is allowed, one is a FAIL. Otherwise PASS where the whole interval is at most `allow`, FAIL where all of it is
    above, else INCONCLUSIVE.

    >>> failure_rate(0, 20, 0.0)[1].value, failure_rate(1, 20, 0.1)[1].value
    ('pass', 'inconclusive')
    """
    low, high = wilson(failing, n, confidence=CONFIDENCE)
    rate = Estimate(failing / n, n=n, low=low, high=high, confidence=CONFIDENCE, method="wilson")
    if allow <= 0:
        return rate, Verdict.FAIL if failing else Verdict.PASS
    return rate, rate.below(allow)


def _rated(failed: list[Example], n: int, allow: float, wrong: str, right: str) -> Outcome:
    if not n:
        return undecided("there are no rows to try")
    rate, verdict = failure_rate(len(failed), n, allow)
    told = f"a failure rate of {rate.value:.3g} [{rate.low:.3g}, {rate.high:.3g}]"
    if verdict is Verdict.PASS:
        return held(f"{n - len(failed):,} of {n:,} {right}: {told}", n_rows=n, observed=rate)
    if verdict is Verdict.FAIL:
        limit = f", and at most {allow:g} is allowed" if allow > 0 else ""
        return broken(
            f"{len(failed):,} of {n:,} {wrong}: {told}{limit}", examples=failed[:ROWS], n_rows=n, n_failing=len(failed),
            observed=rate,
        )  # fmt: skip
    least = int(np.ceil(3.8415 * (1 / allow - 1)))  # Wilson's upper end with no failure is z²/(n + z²)
    return undecided(
        f"{len(failed):,} of {n:,} {wrong}: {told}, which does not tell whether at most {allow:g} fail",
        n_rows=n, note=f"give more rows: {max(least, n + 1):,} without a failure would tell",
    )  # fmt: skip


def _edited(given: Rows, edit: Edit, rng: np.random.Generator) -> tuple[Rows, NDArray[np.int64]]:
    """Return edited rows, in their own kind, and which of them the edit changed."""
    frame = edit.apply(given.frame, rng)
    if frame.height != given.height or frame.columns != given.frame.columns:
        raise UsageError(f"the edit {edit.name!r} changed the rows' number or columns", hint="it changes values alone")
    changed = np.zeros(given.height, dtype=bool)
    for name in frame.columns:
        changed |= frame[name].ne_missing(given.frame[name]).to_numpy()
    return Rows(rows_of(given.rebuilt(frame)).native, given.kind, given.numbers), np.flatnonzero(changed)


def _moved(before: Answer, after: Answer, within: float | None) -> NDArray[np.bool_]:
    if within is None or before.kind == "label":
        return differing(before, after)
    return np.asarray(~(np.abs(after.judged - before.judged) <= within).all(axis=1))


def _distance(before: Answer, after: Answer, place: int) -> float:
    if before.numbers is None or after.numbers is None:
        return 1.0
    return float(np.abs(after.numbers[place] - before.numbers[place]).max())


def _pair(given: Rows, edited: Rows, answers: tuple[Answer, Answer], place: int, edit: Edit) -> Example:
    """Return one row before and after an edit: what changed as "old -> new", then the answers, then other values."""
    old, new = given.frame.row(int(place), named=True), edited.frame.row(int(place), named=True)
    changed = {name: f"{_cell(old[name])} -> {_cell(new[name])}" for name in old if old[name] != new[name]}
    rest = {name: value for name, value in old.items() if name not in changed}
    ends = {"before": answers[0].shown(int(place)), "after": answers[1].shown(int(place))}
    return Example(int(given.numbers[place]), {**changed, **ends, **dict(list(rest.items())[:5])}, edit.name)


def _room(subject: DeclaredModel, answer: Answer) -> float:
    if answer.numbers is None:
        return 0.0
    return float(noise(answer, share=subject.tolerance).max())


def _grid(rows: Rows, name: str, points: int) -> pl.Series:
    """Return values that a column has in the data, rising, at equal shares of its rows."""
    if name not in rows.columns:
        raise UsageError(f"there is no column {name!r}", hint=f"there are: {', '.join(rows.columns)}")
    column = rows.frame[name]
    if not column.dtype.is_numeric():
        raise UsageError(f"{name!r} holds {column.dtype}, which neither grows nor falls", hint="monotone takes numbers")
    there = column.drop_nulls()
    there = (there.drop_nans() if there.dtype.is_float() else there).sort()
    if not len(there):
        return there
    places = np.unique(np.round(np.linspace(0, len(there) - 1, points)).astype(np.int64))
    return there.gather(places).unique().sort()


def _worst_drop(scores: NDArray[np.float64]) -> tuple[float, int, int]:
    """Return the greatest fall from an earlier score to a later one, and their places."""
    highest = np.maximum.accumulate(scores)
    high = int(np.argmax(highest - scores))
    return float(highest[high] - scores[high]), int(np.argmax(scores[: high + 1])), high


def _meets(subject: DeclaredModel, answer: Answer, want: Any, within: float) -> bool:
    if isinstance(want, tuple):
        low, high = want
        score = subject.score(answer)[0]
        return bool((low is None or score >= low) and (high is None or score <= high))
    label = _label(answer)
    if label is not None and (answer.kind == "label" or isinstance(want, str) or want in answer.classes):
        return bool(str(label) == str(want)) or label == want
    return bool(abs(subject.score(answer)[0] - float(want)) <= within)


def _label(answer: Answer) -> Any:
    """Return the label of one row; None where the answer has none."""
    if answer.kind == "label":
        return answer.judged[0, 0]
    if answer.kind == "probability" and answer.classes and len(answer.classes) == answer.judged.shape[1]:
        return answer.classes[int(answer.judged[0].argmax())]
    return None


def _got(subject: DeclaredModel, answer: Answer, place: int, want: Any) -> Any:
    one = answer.take([place])
    label = _label(one)
    named = label is not None and not isinstance(want, tuple) and (isinstance(want, str) or want in answer.classes)
    return label if named else answer.shown(place)


def _worded(want: Any) -> Any:
    if not isinstance(want, tuple):
        return want.item() if hasattr(want, "item") else want
    low, high = want
    return f"at most {high:g}" if low is None else f"at least {low:g}" if high is None else f"{low:g} to {high:g}"


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "null" if value is None else str(value)
