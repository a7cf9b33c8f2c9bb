"""Where the numbers of an axis stand, and how they are written."""

from __future__ import annotations

from math import ceil, floor, isfinite, log10

__all__ = ["place", "ticks"]

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
LARGEST = 1e12
SMALLEST = 1e-300  # less has no tenth part that a float holds


def ticks(low: float, high: float, *, most: int = 6) -> tuple[tuple[float, str], ...]:
    """Return round numbers between two ends, at most so many, each with its text; the ends themselves where none is round.

    >>> [text for _, text in ticks(0.0, 1.0)]
    ['0', '0.2', '0.4', '0.6', '0.8', '1']
    >>> [text for _, text in ticks(1180.0, 1420.0, most=4)]
    ['1,200', '1,300', '1,400']
    """
    span = high - low
    if not (isfinite(span) and span > SMALLEST):
        return ((low, f"{low:.4g}"),)
    power = 10.0 ** floor(log10(span / max(most - 1, 1)))
    steps = (factor * power for factor in STEPS)
    step = next(
        (each for each in steps if _between(low, high, each)[1] - _between(low, high, each)[0] < most), 10 * power
    )
    first, last = _between(low, high, step)
    digits = max(0, ceil(-log10(step) - 1e-9) + (1 if step / power == 2.5 else 0))
    if last <= first or max(abs(low), abs(high)) >= LARGEST or digits > 6:
        return (low, f"{low:.3g}"), (high, f"{high:.3g}")
    found = [(i * step, f"{i * step:,.{digits}f}") for i in range(first, last + 1)]
    return tuple((at, "0" if not at else _short(text)) for at, text in found)


def _between(low: float, high: float, step: float) -> tuple[int, int]:
    """Return the first and the last multiple of a step between two ends."""
    return ceil(low / step - 1e-9), floor(high / step + 1e-9)


def _short(text: str) -> str:
    """Return a number without the zeros that end its fraction."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def place(value: float, scale: tuple[float, float]) -> float:
    """Return where a value stands on a scale, in [0, 1] from its low end to its high one; beyond an end, at it.

    >>> place(0.25, (0.0, 1.0)), place(7.0, (0.0, 1.0))
    (0.25, 1.0)
    """
    low, high = (end / 2 for end in scale)  # halves: the span may be more than a float holds
    span = high - low
    return min(max((value / 2 - low) / span, 0.0), 1.0) if span > 0 else 0.5
