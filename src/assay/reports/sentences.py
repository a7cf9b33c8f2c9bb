"""What one outcome says: its sentence, what was seen, and how many rows of how many."""

from __future__ import annotations

from assay.reports import words
from assay.verdict import Estimate, Outcome

__all__ = ["estimate_text", "failing_share", "quantity_text", "rows_text", "sentence"]


def sentence(outcome: Outcome) -> str:
    """Return what an outcome says, as one sentence: its own reason, or what was seen beside what was expected.

    >>> from assay.verdict import Verdict
    >>> sentence(Outcome("between", "age", Verdict.FAIL, expected="between 0 and 120", n_rows=200, n_failing=3))
    '3 of 200 rows (1.5%) break the check; expected between 0 and 120.'
    """
    if outcome.why:
        return words.sentence_case(words.clean(outcome.why), names=[outcome.check, *outcome.subject.split(", ")])
    if outcome.observed is not None and outcome.observed.value is None and outcome.observed.why:
        return words.sentence_case(
            words.clean(outcome.observed.why), names=[outcome.check, *outcome.subject.split(", ")]
        )
    expected = f"expected {words.clean(outcome.expected)}" if outcome.expected else ""
    seen = _rows_seen(outcome) or _value_seen(outcome)
    return words.sentence_case("; ".join(part for part in (seen, expected) if part) or "no reason was given")


def _rows_seen(outcome: Outcome) -> str:
    if outcome.n_failing is None or outcome.n_rows is None:
        return ""
    if outcome.n_failing == 0:
        return f"no row of {outcome.n_rows:,} breaks the check"
    return f"{rows_text(outcome)} {'breaks' if outcome.n_failing == 1 else 'break'} the check"


def _value_seen(outcome: Outcome) -> str:
    seen = outcome.observed
    if seen is None:
        return ""
    if seen.value is None:
        return "there is no value to judge"
    return f"observed {estimate_text(seen, beside=outcome.expected)}"


def rows_text(outcome: Outcome) -> str:
    """Return how many rows break the check, of how many that were judged, with their share."""
    total, failing = outcome.n_rows or 0, outcome.n_failing or 0
    return f"{failing:,} of {words.plural(total, 'row')}" + (f" ({words.share(failing / total)})" if total else "")


def estimate_text(seen: Estimate, *, beside: str = "") -> str:
    """Return an estimate with its unit and interval; where it would look like a number in `beside`, with more digits.

    >>> estimate_text(Estimate(0.0198, n=170_618, low=0.0191, high=0.0204, confidence=0.95, unit="share"))
    '1.98% (95% interval 1.91% to 2.04%)'
    >>> estimate_text(Estimate(None, n=0, why="no row has a value"))
    'undefined (no row has a value)'
    """
    if seen.value is None:
        return f"undefined ({words.clean(seen.why)})" if seen.why else "undefined"
    unit = words.clean(seen.unit)
    after = unit.removeprefix("share") if unit.startswith("share") else f" {unit}" if unit else ""
    text = quantity_text(seen.value, unit, beside=beside) + after
    if seen.low is None and seen.high is None:
        return text
    low = "-∞" if seen.low is None else quantity_text(seen.low, unit)
    high = "∞" if seen.high is None else quantity_text(seen.high, unit)
    if seen.confidence == 1:
        return f"{text} (certainly {low} to {high})"
    name = f"{words.share(seen.confidence)} interval" if seen.confidence else "interval"
    return f"{text} ({name} {low} to {high})"


def quantity_text(value: float | int | str, unit: str, *, beside: str = "") -> str:
    """Return a quantity without its unit: a share (its unit begins so) as a percentage, anything else as a number."""
    is_share = unit.startswith("share") and not isinstance(value, str)
    return words.share(float(value), beside=beside) if is_share else words.number(value, beside=beside)


def failing_share(outcome: Outcome) -> float:
    """Return the share of the judged rows that break the check, in [0, 1]; 0 where none was judged."""
    return (outcome.n_failing or 0) / outcome.n_rows if outcome.n_rows else 0.0
