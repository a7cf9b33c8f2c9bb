"""The most memory that a process needs between two moments, beyond what it held at the first."""

from __future__ import annotations

import gc
import re
import tracemalloc
from pathlib import Path

__all__ = ["Meter"]

_STATUS = Path("/proc/self/status")
_MARK = Path("/proc/self/clear_refs")


class Meter:
    """Measure from when it is made until `read`.

    Linux keeps the most that a process ever held resident, and can be told to start anew: so everything counts that any library
    holds, at no cost. Elsewhere Python's own allocations count (tracemalloc), numpy's arrays among them, and not what other
    libraries allocate by themselves.
    """

    def __init__(self) -> None:
        gc.collect()
        self._before = _restarted()
        self._traced = self._before is None
        self._began = self._traced and not tracemalloc.is_tracing()
        if self._began:
            tracemalloc.start()
        if self._traced:
            tracemalloc.reset_peak()
            self._before = tracemalloc.get_traced_memory()[0]

    def read(self) -> tuple[int | None, str]:
        """Return the bytes needed and how they were measured; None, and why, where they could not be."""
        if self._before is None:
            return None, "the system does not say"
        if not self._traced:
            peak = _kept("VmHWM")
            if peak is None:
                return None, "the system stopped saying how much memory is held"
            return max(peak - self._before, 0), "resident memory"
        peak = tracemalloc.get_traced_memory()[1]
        if self._began:
            tracemalloc.stop()
        return max(peak - self._before, 0), "memory allocated by Python"


def _restarted() -> int | None:
    """Let Linux measure the greatest resident size anew, and return it as it is now, in bytes; None where it does not."""
    try:
        _MARK.write_text("5")
        return _kept("VmHWM")
    except OSError:
        return None


def _kept(field: str) -> int | None:
    try:
        found = re.search(rf"^{field}:\s+(\d+) kB$", _STATUS.read_text(), flags=re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None
