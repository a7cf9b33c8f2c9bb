"""Numbers of things in words."""

from __future__ import annotations

__all__ = ["counted"]


def counted(n: int, what: str) -> str:
    """Return a number of things as a sentence has it.

    >>> counted(1, "row"), counted(2_000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"
