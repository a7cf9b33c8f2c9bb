"""Pick the small dataset that represents a large one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from assay.api.options import DEFAULTS, SEED, Options, instant
from assay.api.profiling import engine
from assay.data.sources import dataset

if TYPE_CHECKING:
    from assay.testing.slicing.telling import Sliced

__all__ = ["slice"]


def slice(data: object, *, rows: int = 200, seed: int = SEED, options: Options = DEFAULTS) -> Sliced:
    """Return the small dataset that represents a large one, and the findings that say what it covers and what it could not.

    It has at most `rows` rows of the data, in their order: those that between them have every category, pattern of missing values,
    extreme, edge case, part of each range and corner of related columns that the data has, and the rest by chance. The same seed
    gives the same rows. It is for pipeline tests; it over-represents what is rare, so measure nothing on it.

    Two scans (three where a column moves with the rows), in bounded memory.

    Raises UsageError where `rows` is below 1, DataError where the data cannot be read.

    >>> import polars as pl
    >>> small = slice(pl.DataFrame({"n": [*range(1000), None], "kind": ["usual"] * 1000 + ["rare"]}), rows=20)
    >>> small.frame.height, "rare" in small.frame["kind"], small.findings.verdict.value
    (20, True, 'pass')
    """
    from assay import __version__
    from assay.testing.slicing.slicing import slice_dataset
    from assay.testing.slicing.telling import Sliced, slice_findings

    begun = time.perf_counter()
    whole = dataset(data)
    scanning = engine()
    chosen = slice_dataset(whole, rows=rows, seed=seed, engine=scanning, progress=options.progress)
    seconds = time.perf_counter() - begun
    findings = slice_findings(
        chosen, whole, seed=seed, now=instant(options), version=__version__, seconds=seconds, scans=scanning.scans
    )
    return Sliced(chosen.frame, chosen.numbers, findings)
