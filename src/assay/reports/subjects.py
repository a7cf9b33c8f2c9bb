"""What an outcome is about: its columns set apart in a sentence, and the rows that it shows."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assay.reports import words
from assay.reports.page import Code, Column, Examples, Line, Row
from assay.verdict import Outcome

__all__ = ["examples_of", "with_names"]

EXAMPLES = 5
EXAMPLE_COLUMNS = 8


def with_names(said: str, subject: str) -> Line:
    """Return a sentence in which the names of the subject's columns are set apart."""
    names = sorted(
        {words.name(subject), *(words.name(part) for part in subject.split(", "))} - {"table", ""},
        key=len,
        reverse=True,
    )
    if not names:
        return said
    pattern = "|".join(re.escape(name) for name in names)
    parts = re.split(rf"(?<![\w.])([`']?)({pattern})\1(?!\w)", said)
    line = tuple(Code(part) if i % 3 == 2 else part for i, part in enumerate(parts) if i % 3 != 1 and part)
    return line or said


def examples_of(outcome: Outcome, *, most: int = EXAMPLES) -> Examples:
    """Return at most `most` of the rows that an outcome shows, the judged columns first, and how many rows and columns were left out."""
    judged = [
        name
        for name in (outcome.subject, *outcome.subject.split(", "))
        if any(name in e.values for e in outcome.examples)
    ]
    about = list(dict.fromkeys(judged))
    names = list(dict.fromkeys([*about, *(name for example in outcome.examples for name in example.values)]))
    shown = names[: max(EXAMPLE_COLUMNS, len(about))]
    rows = tuple(
        Row(
            example.row,
            tuple(words.value(example.values[name]) if name in example.values else "" for name in shown),
            words.clean(example.why),
        )
        for example in outcome.examples[:most]
    )
    columns = tuple(
        Column(words.name(name), number=_numeric([example.values.get(name) for example in outcome.examples]))
        for name in shown
    )
    left = [words.plural(len(names) - len(shown), "more column")] if len(names) > len(shown) else []
    known = max(outcome.n_failing or 0, len(outcome.examples))
    if known > len(rows):
        left.insert(0, words.plural(known - len(rows), "more row"))
    note = f"and {' and '.join(left)}" if left else ""
    return Examples(columns, rows, about=len(about), note=note)


def _numeric(values: Sequence[object]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, int | float) for value in known)
