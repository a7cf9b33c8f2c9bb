"""What pytest shows where a comparison of an outcome, an estimate or findings fails."""

from __future__ import annotations

import msgspec

from assay.verdict import Estimate, Findings, Outcome, Verdict

__all__ = ["compared"]


def compared(op: str, left: object, right: object) -> list[str] | None:
    """Return the lines that explain a comparison that failed; None where Assay has nothing to say of it.

    >>> compared("==", Estimate(0.9, n=100), 0.9)[0]
    'Estimate(0.9, n=100) == 0.9'
    """
    head = f"{left!r} {op} {right!r}"
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Estimate) and isinstance(other, int | float):
            return [
                head,
                "an estimate is no number: compare its .value, or judge its interval by .above(…) or .below(…)",
            ]
        if isinstance(one, Outcome | Findings) and isinstance(other, bool | Verdict):
            return [head, "its verdict is an attribute: compare .verdict, or assert it by itself"]
    if type(left) is type(right) and isinstance(left, Outcome | Estimate) and op == "==":
        return [head, *_fields(left, right)]
    return None


def _fields(left: msgspec.Struct, right: object) -> list[str]:
    differing = [name for name in left.__struct_fields__ if getattr(left, name) != getattr(right, name)]
    return [f"{name}: {getattr(left, name)!r} != {getattr(right, name)!r}" for name in differing]
