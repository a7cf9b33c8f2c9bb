"""Chance that code under test draws from: set to a seed, and put back as it was."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

__all__ = ["kept"]


@contextmanager
def kept(seed: int) -> Iterator[None]:
    """Set the global generators of Python, numpy and torch (where it is loaded) to a seed, and put them back at the end.

    A network may draw from any of them; a test that runs after it must not notice.

    >>> before = np.random.mtrand._rand.get_state()[1].tolist()
    >>> with kept(7):
    ...     drawn = np.random.mtrand._rand.random()
    >>> np.random.mtrand._rand.get_state()[1].tolist() == before
    True
    """
    python: Any = importlib.import_module("random")  # it is put back here, never drawn from
    legacy: Any = np.random.mtrand._rand  # the generator behind numpy.random's functions
    torch: Any = sys.modules.get("torch")
    before = python.getstate(), legacy.get_state()
    cards = torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized()
    tensors = torch.get_rng_state() if torch is not None else None
    on_cards = torch.cuda.get_rng_state_all() if cards else None
    python.seed(seed)
    legacy.seed(seed)
    if torch is not None:
        torch.manual_seed(seed)
    try:
        yield
    finally:
        python.setstate(before[0])
        legacy.set_state(before[1])
        if torch is not None:
            torch.set_rng_state(tensors)
        if cards:
            torch.cuda.set_rng_state_all(on_cards)
