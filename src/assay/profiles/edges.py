"""Edges of histograms: the quantiles of a dataset's first rows, and of all of its rows where the first were not like them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
import numpy as np
import polars as pl

from assay.data.dataset import Dataset
from assay.data.engine import Engine
from assay.data.kinds import kind_of
from assay.profiles.column import Need, sorted_numbers
from assay.profiles.kernel import Failed, Measured, Measurement, present
from assay.profiles.sketches import POINTS, Histogram, Numbers, Quantiles
from assay.profiles.table import STATES

__all__ = ["Edges", "quantile_edges", "refitted", "sample_edges", "sketch_edges"]

Edges = Mapping[str, tuple[float, ...]]
SAMPLE_ROWS = 65_536
SAMPLE_CELLS = 4_194_304
CROWDED = 1 / 64  # a place that holds more than this share of the values is looked at again; a bin should hold 1 / 1024


def sample_edges(
    dataset: Dataset, *, sentinels: Mapping[str, tuple[Any, ...]] | None = None, columns: Collection[str] | None = None
) -> dict[str, tuple[float, ...]]:
    """Return for each column on a scale (of `columns`, where they are given) the edges of the quantile bins of the first rows.

    They are empty where these hold no number. At most `SAMPLE_ROWS` rows are read, fewer of a wide table: this is no scan.
    """
    scales = {
        name: dtype
        for name, dtype in dataset.schema.items()
        if STATES["histogram"].applies(kind_of(dtype)) and (columns is None or name in columns)
    }
    if not scales:
        return {}
    rows = max(min(SAMPLE_ROWS, SAMPLE_CELLS // len(scales)), 1024)
    wanted = [_number(name, dtype, (sentinels or {}).get(name, ())) for name, dtype in scales.items()]
    try:
        frame = dataset.scan().head(rows).select(wanted).collect(engine="streaming")
    except (pl.exceptions.PolarsError, OSError):
        return {}  # the scan that follows says what cannot be read, and where
    # Polars' series methods select by name, and would read a name such as '^a$' as a pattern.
    samples = {series.name: series.alias("sample").drop_nulls() for series in frame.iter_columns()}
    return {name: quantile_edges(sorted_numbers(sample)) for name, sample in samples.items()}


def _number(name: str, dtype: pl.DataType, sentinels: tuple[Any, ...]) -> pl.Expr:
    values = present(name, dtype, sentinels)
    return (values.to_physical() if dtype.is_temporal() else values).cast(pl.Float64).alias(name)


def quantile_edges(ordered: Numbers, *, weights: Numbers | None = None, bins: int = POINTS) -> tuple[float, ...]:
    """Return the edges of at most `bins` bins that share sorted values evenly; each value counts as `weights` rows.

    The edges are the least value, quantiles and the greatest, each once; infinite values are left out. A greatest value
    that repeats gets a bin of its own.

    >>> quantile_edges(np.array([1, 2, 2, 3, 9]), bins=2)
    (1.0, 2.0, 9.0)
    """
    finite = np.isfinite(ordered)
    values = ordered[finite].astype(float)
    if not len(values):
        return ()
    last = np.cumsum(np.ones(len(values), dtype=np.int64) if weights is None else weights[finite])
    n = int(last[-1])
    ranks = np.linspace(0, n - 1, min(bins, len(values)) + 1).round()
    edges = np.unique(values[np.searchsorted(last, ranks, side="right")])
    if len(edges) > 1 and values[-1] == values[-2]:
        edges = np.append(edges, np.nextafter(edges[-1], np.inf))
    return tuple(edges[np.isfinite(edges)].tolist())


def sketch_edges(sketch: Quantiles, *, bins: int = POINTS) -> tuple[float, ...]:
    """Return the edges of the quantile bins of all values that a sketch has seen."""
    if not sketch.levels:
        return ()
    values, weights = _points(sketch)
    return quantile_edges(values, weights=weights, bins=bins)


def _points(sketch: Quantiles) -> tuple[Numbers, Numbers]:
    """Return the kept values in order, and how many rows each stands for."""
    values, upto = sketch.cumulative()
    return values, np.diff(upto, prepend=0)


def refitted(
    measured: Measured, plan: Measurement, *, dataset: Dataset, engine: Engine, edges: Mapping[str, tuple[float, ...]]
) -> Measured:  # fmt: skip
    """Return what was measured with those histograms again whose `edges`, from the first rows, turned out not to fit.

    They do not fit where a place between two edges, or beyond them, holds more than 1/64 of the values beside its most
    frequent one, and the quantiles of all rows leave at most half of that in any: the column rises, or moves, with the
    rows. A column whose edges are empty, as its first rows hold no number, gets its histogram only now. That takes a
    second scan, of only these columns; there is none where all edges fit.
    """
    old = {name: Need("histogram", (name,), told) for name, told in edges.items()}
    new = {name: better for name, need in old.items() if (better := _better(measured, need))}
    if not new:
        return measured
    needs = tuple(Need("histogram", (name,), better) for name, better in new.items())
    again = engine.fold(dataset, Measurement(plan.schema, needs, (), plan.sentinels))
    if again.rows != measured.rows:
        return measured  # the source has changed between the scans
    states = dict(measured.states)
    for need in needs:
        if not isinstance(again.states[need], Failed):
            states.pop(old[need.columns[0]], None)
            states[need] = again.states[need]
    return msgspec.structs.replace(measured, states=states)


def _better(measured: Measured, need: Need) -> tuple[float, ...]:
    """Return the edges that fit a column better than those of its histogram; nothing where these will do."""
    histogram, sketch = measured.states.get(need), measured.states.get(Need("quantiles", need.columns))
    if not isinstance(sketch, Quantiles) or not sketch.levels:
        return ()
    if not need.parameter:
        return sketch_edges(sketch)
    if not isinstance(histogram, Histogram):
        return ()
    widest = max(int(histogram.counts.max(initial=0)), histogram.below, histogram.above)
    if widest <= CROWDED * histogram.n:
        return ()
    values, weights = _points(sketch)
    edges = sketch_edges(sketch)
    crowd = _crowd(values, weights, histogram.edges)
    return edges if crowd > CROWDED * sketch.n and 2 * _crowd(values, weights, np.asarray(edges)) <= crowd else ()


def _crowd(values: Numbers, weights: Numbers, edges: Numbers) -> int:
    """Return how many finite values the fullest place between or beyond edges has beside its most frequent one."""
    finite = np.isfinite(values)
    distinct, which = np.unique(values[finite], return_inverse=True)
    rows = np.bincount(which, weights=weights[finite])
    places = np.searchsorted(edges, distinct, side="right")
    starts = np.flatnonzero(np.diff(places, prepend=-1))
    if not len(starts):
        return 0
    return int((np.add.reduceat(rows, starts) - np.maximum.reduceat(rows, starts)).max())
