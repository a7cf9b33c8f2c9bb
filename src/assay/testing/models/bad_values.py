"""Values that a model may not have seen: missing, infinite, and categories that are new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from assay.testing.contract import broken, contract, held, seeded
from assay.testing.models.answers import Answer, differing
from assay.testing.models.asking import Refusal
from assay.testing.models.declared import DeclaredModel
from assay.testing.models.outputs import range_of
from assay.testing.models.showing import counted, not_asked, sampled, shown, too_few
from assay.testing.rows import Rows
from assay.verdict import Outcome

__all__ = ["UNSEEN", "infinite_values", "missing_values", "unseen_categories"]

UNSEEN = "assay:unseen"
ROWS, COLUMNS = 20, 20


@contract(
    "model",
    title="a missing value is refused, or answered validly as declared, and changes no other row's answer",
    catches="NaN that comes out as NaN, a fill by the batch's mean, a missing value that spoils the batch, a refusal for a promised answer",
    rubric=("I2",),
)
def missing_values(subject: DeclaredModel, data: Any = None, /, *, seed: int = 0) -> Outcome:
    """Judge what a model makes of one missing cell, in each of its columns (at most 20) in turn, among 20 rows and alone.

    `missing="refuse"`: it must raise. `missing="accept"`: it must answer, validly. Undeclared, it may do either; what breaks the
    contract is an answer that is none, another row that changes, or another answer where the row is asked for alone.

    >>> from assay.testing.models.declared import model
    >>> missing_values(model(lambda rows: rows[:, 0]), np.array([[1.0], [2.0]])).why
    "a missing value in '0' is answered with nan, which is NaN, infinite or missing"
    """
    return _judged(subject, data, "missing", subject.missing, seed)


@contract(
    "model",
    title="an infinite value is refused, or answered validly as declared, and changes no other row's answer",
    catches="an infinite or NaN answer, one overflow that spoils the whole batch",
    rubric=("I2",),
)
def infinite_values(subject: DeclaredModel, data: Any = None, /, *, seed: int = 0) -> Outcome:
    """Judge what a model makes of +inf and -inf in one cell, in each of its columns of numbers (at most 20) in turn.

    `infinite="refuse"`: it must raise. `infinite="accept"`: it must answer, validly. Undeclared, it may do either.

    >>> from assay.testing.models.declared import model
    >>> clipped = model(lambda rows: np.clip(rows[:, 0], 0, 9), infinite="accept")
    >>> infinite_values(clipped, np.array([[1.0], [2.0]])).why
    'an infinite value is answered validly in 1 column'
    """
    return _judged(subject, data, "infinite", subject.infinite, seed)


@contract(
    "model",
    title="a category that was not there in training is refused, or answered validly, and changes no other row's answer",
    catches="a new country that comes out as NaN, or that shifts the codes of the other rows' categories",
    rubric=("I2",),
)
def unseen_categories(subject: DeclaredModel, data: Any = None, /, *, seed: int = 0) -> Outcome:
    """Judge what a model makes of a text that it has never seen, in each column of texts or categories in turn.

    Skipped where no column holds text.

    >>> from assay.testing.models.declared import model
    >>> rates = {"de": 0.1, "fr": 0.2}
    >>> strict = model(lambda rows: [rates[row["country"]] for row in rows])
    >>> unseen_categories(strict, [{"country": "de"}, {"country": "fr"}]).why
    'a new category is refused in 1 column'
    """
    return _judged(subject, data, "unseen", "", seed)


def _judged(subject: DeclaredModel, data: Any, what: str, policy: str, seed: int) -> Outcome:
    given = sampled(subject.inputs(data), ROWS, seeded(what, seed))
    if not given.height:
        return too_few(given, 1)
    columns, values = _targets(given, what)
    if not columns:
        return not_asked(f"no column holds {'text' if what == 'unseen' else 'numbers'}")
    columns = _clean(given, columns) if what == "missing" else columns
    whole = subject.ask(given)
    place = given.height // 2
    refused, answered = [], []
    for name in columns:
        for value in values:
            changed = given.changed(name, [place], [value])
            answer = subject.tried(changed)
            shownvalue = {"missing": "a missing value"}.get(what, repr(value))
            if isinstance(answer, Refusal):
                if policy == "accept":
                    return broken(f'{shownvalue} in {name!r} is refused, and {what}="accept" is declared: {answer.said}',
                                  examples=shown(changed, [place], {}, first=(name,)), n_rows=given.height)  # fmt: skip
                refused.append(name)
                continue
            if policy == "refuse":
                return broken(
                    f'{shownvalue} in {name!r} is answered with {answer.told(place)}, and {what}="refuse" is declared',
                    examples=shown(changed, [place], {"got": answer.take([place])}, first=(name,)), n_rows=given.height,
                    n_failing=1, note="raise an error that names the column and the row",
                )  # fmt: skip
            wrong = _wrong(subject, (changed, whole, answer), place, f"{shownvalue} in {name!r}", name)
            if wrong is None:
                wrong = _alone(subject, (changed, answer), place, f"{shownvalue} in {name!r}", name)
            if wrong is not None:
                return wrong
            answered.append(name)
    said = [f"refused in {counted(len(set(refused)), 'column')}" if refused else "",
            f"answered validly in {counted(len(set(answered)), 'column')}" if answered else ""]  # fmt: skip
    names = {"missing": "a missing value", "infinite": "an infinite value", "unseen": "a new category"}
    return held(f"{names[what]} is {' and '.join(part for part in said if part)}", n_rows=given.height)


def _wrong(
    subject: DeclaredModel, seen: tuple[Rows, Answer, Answer], place: int, when: str, name: str
) -> Outcome | None:
    """Return the outcome where the answer to a bad value is none, or another row's changed; None where neither is so."""
    changed, whole, answer = seen
    if answer.height != changed.height:
        return broken(f"with {when}, {counted(changed.height)} are answered with {counted(answer.height, 'answer')}")
    off, why = range_of(subject, answer)
    others = np.flatnonzero(differing(whole, answer, share=subject.tolerance))
    others = others[others != place]
    if len(others):
        shown_rows = [place, *others.tolist()]
        said = {"before": whole.take(shown_rows), "after": answer.take(shown_rows)}
        return broken(
            f"{when} of row {changed.numbers[place]} changes the answers to {counted(len(others), 'other row')}",
            examples=shown(changed, shown_rows, said, first=(name,)), n_rows=changed.height, n_failing=len(others),
            note="a row's answer depends on that row alone: fill, scale and encode with what was learnt in training",
        )  # fmt: skip
    if off[place]:
        return broken(
            f"{when} is answered with {answer.told(place)}, which is {why}",
            examples=shown(changed, [place], {"before": whole.take([place]), "got": answer.take([place])}, first=(name,)),
            n_rows=changed.height, n_failing=1, note="refuse it by an error, or fill it before it reaches the model",
        )  # fmt: skip
    return None


def _alone(subject: DeclaredModel, seen: tuple[Rows, Answer], place: int, when: str, name: str) -> Outcome | None:
    """Return the outcome where the row of the bad value is answered otherwise, or refused, without the rows beside it."""
    changed, answer = seen
    one = changed.take([place])
    alone = subject.tried(one)
    among = f"among {counted(changed.height)}"
    note = "a row's answer depends on that row alone: fill, scale and encode with what was learnt in training"
    if isinstance(alone, Refusal):
        return broken(
            f"{when} is answered {among}, and refused where its row is alone: {alone.said}",
            examples=shown(changed, [place], {among: answer.take([place])}, first=(name,)), n_rows=changed.height,
            n_failing=1, note=note,
        )  # fmt: skip
    if alone.height == 1 and not differing(answer.take([place]), alone, share=subject.tolerance).any():
        return None
    told = alone.told(0) if alone.height == 1 else counted(alone.height, "answer")
    said = {among: answer.take([place])} | ({"alone": alone} if alone.height == 1 else {})
    return broken(
        f"{when} is answered with {answer.told(place)} {among}, and with {told} where its row is alone",
        examples=shown(changed, [place], said, first=(name,)), n_rows=changed.height, n_failing=1, note=note,
    )  # fmt: skip


def _targets(given: Rows, what: str) -> tuple[list[str], Sequence[object]]:
    """Return the columns to try, and the values to put in."""
    schema = given.frame.schema
    texts = [name for name, dtype in schema.items() if dtype in (pl.String, pl.Categorical, pl.Enum)]
    if what == "unseen":
        return [name for name in texts if schema[name] != pl.Enum][:COLUMNS], [UNSEEN]
    if what == "infinite":
        return [name for name, dtype in schema.items() if dtype.is_float()][:COLUMNS], [float("inf"), float("-inf")]
    return list(schema)[:COLUMNS], [None]


def _clean(given: Rows, columns: list[str]) -> list[str]:
    """Return the columns whose cell in the row that is changed holds a value, as there is nothing to lose in others."""
    row = given.frame.row(given.height // 2, named=True)
    held_values = [name for name in columns if row[name] is not None and row[name] == row[name]]
    return held_values or columns
