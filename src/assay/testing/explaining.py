"""What an outcome says to a person in plain text: the verdict, what was expected, what broke it, and the rows."""

from __future__ import annotations

from collections.abc import Sequence

from assay.verdict import Example, Outcome

__all__ = ["explained", "table"]

_CELL = 40


def explained(outcome: Outcome) -> str:
    """Return an outcome as text: one sentence, then the rows that show it, then the way out.

    >>> from assay.verdict import Verdict
    >>> rows = (Example(3, {"sales": 40.0, "before": 25.0, "after": 31.0}),)
    >>> seen = Outcome(
    ...     "no_future", "rolling", Verdict.FAIL, why="row 3 changed", examples=rows, note="shift it by a day"
    ... )
    >>> print(explained(seen))
    FAIL no_future of rolling: row 3 changed
    <BLANKLINE>
      row  sales  before  after
        3   40.0    25.0   31.0
    <BLANKLINE>
      shift it by a day
    """
    parts = [f"{outcome.verdict.value.upper()} {outcome.check} of {outcome.subject}: {outcome.why or outcome.expected}"]
    if outcome.expected and outcome.why:
        parts[0] += f"\n  expected: {outcome.expected}"
    if outcome.examples:
        parts.append("\n".join(f"  {line}" for line in table(outcome.examples)))
    if outcome.note:
        parts.append(f"  {outcome.note}")
    # Rows may hold what no terminal, file or message can: half of a character.
    return "\n\n".join(parts).encode("utf-8", "backslashreplace").decode()


def table(examples: Sequence[Example]) -> list[str]:
    """Return rows as lines of aligned text, one head line first; what is said of a row stands at its end."""
    names = list(dict.fromkeys(name for example in examples for name in example.values))
    numbered = any(example.row is not None for example in examples)
    said = any(example.why for example in examples)
    head = [*(["row"] if numbered else []), *map(str, names), *([""] if said else [])]
    body = [
        [
            *(["" if example.row is None else str(example.row)] if numbered else []),
            *(_cell(example.values[name]) if name in example.values else "" for name in names),
            *([example.why] if said else []),
        ]
        for example in examples
    ]
    widths = [max(len(line[i]) for line in (head, *body)) for i in range(len(head))]
    last = len(head) - 1 if said else -1
    return [
        "  ".join(
            cell if i == last else cell.rjust(width) for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in (head, *body)
    ]


def _cell(value: object) -> str:
    if value is None:
        return "null"
    text = f"{value:.6g}" if isinstance(value, float) and value != round(value, 1) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"
