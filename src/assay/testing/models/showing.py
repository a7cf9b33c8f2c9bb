"""Rows for messages: which rows to try, which to show, and how much of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.testing.contract import undecided
from assay.testing.models.answers import Answer
from assay.testing.rows import Rows
from assay.verdict import Example, Outcome, Verdict

__all__ = ["ANSWER", "counted", "listed", "not_asked", "sampled", "shown", "too_few"]

ROWS, CELLS = 12, 8
ANSWER = "answer"


def sampled(rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    """Return at most so many of the rows, by chance, in their order."""
    if rows.height <= most:
        return rows
    return rows.take(np.sort(rng.choice(rows.height, size=most, replace=False)))


def shown(
    rows: Rows, places: Sequence[int] | NDArray[Any], said: Mapping[str, Answer], *, first: Sequence[str] = (), why: str = ""
) -> tuple[Example, ...]:  # fmt: skip
    """Return rows as examples: their numbers, at most eight of their values (`first` among them), and what was answered.

    `said` holds, by the name of its column, an answer to each of the rows at `places`, in the order of `places`.
    """
    names = list(dict.fromkeys([*first, *rows.columns]))[: max(CELLS, len(first))]
    made = []
    for order, place in enumerate(list(places)[:ROWS]):
        values = rows.frame.select(names).row(int(place), named=True)
        answers = {name: answer.shown(order) for name, answer in said.items()}
        made.append(Example(int(rows.numbers[place]), {**values, **answers}, why if order == 0 else ""))
    return tuple(made)


def counted(n: int, what: str = "row") -> str:
    """Return a number with its noun.

    >>> counted(1), counted(1200, "column")
    ('1 row', '1,200 columns')
    """
    return f"{n:,} {what}" + ("" if n == 1 else "s")


def listed(names: Sequence[object], *, most: int = 6) -> str:
    """Return names as a text, the first few of them.

    >>> listed(["a", "b"]), listed(["a", "b", "c"], most=2)
    ("'a', 'b'", "'a', 'b' and 1 more")
    """
    text = ", ".join(repr(name) for name in names[:most])
    return text + (f" and {len(names) - most} more" if len(names) > most else "")


def too_few(rows: Rows, least: int) -> Outcome:
    """Return the outcome of a contract that was given fewer rows than it needs."""
    there = "there is 1 row" if rows.height == 1 else f"there are {rows.height} rows"
    return undecided(f"{there} to try, and it takes {least}", n_rows=rows.height)


def not_asked(why: str) -> Outcome:
    """Return the outcome of a contract that has no meaning for this model or this data, and why."""
    return Outcome("", "", Verdict.SKIP, why=why)
