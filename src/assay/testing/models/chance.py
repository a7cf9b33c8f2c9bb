"""The chance that libraries share: given another seed while code under test runs, and its own state back afterwards."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["reseeded"]

# Module, and what its state is read, written and seeded by. Nothing is drawn here: what counts is what the code under test
# draws, and only a module that was imported can be drawn from.
SHARED = (
    ("random", "getstate", "setstate", "seed"),
    ("numpy.random", "get_state", "set_state", "seed"),
    ("torch", "get_rng_state", "set_rng_state", "manual_seed"),
)


@contextmanager
def reseeded(seed: int) -> Iterator[Callable[[int], None]]:
    """Seed the chance of `random`, NumPy and torch, as far as they are loaded; yield what seeds them again.

    >>> import random
    >>> before = random.getstate()
    >>> with reseeded(7):
    ...     drawn = random.random()
    >>> random.getstate() == before
    True
    """
    there = [(sys.modules[name], read, write, begin) for name, read, write, begin in SHARED if name in sys.modules]
    states = [(module, write, getattr(module, read)()) for module, read, write, _ in there]

    def reseed(number: int) -> None:
        for module, _, _, begin in there:
            getattr(module, begin)(number % 2**32)

    reseed(seed)
    try:
        yield reseed
    finally:
        for module, write, state in states:
            getattr(module, write)(state)
