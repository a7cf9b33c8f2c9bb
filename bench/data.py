"""Make the files that are measured: 20 columns of the shapes that real tables have, from a fixed seed.

`rows` is the file that checks and profiles are measured on, and the reference of a comparison; `current` has other rows
and small shifts in five of its columns.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl

ROWS = {"1k": 1_000, "100k": 100_000, "5m": 5_000_000}
CHUNK = 250_000
COUNTRIES = [f"country_{i:02d}" for i in range(50)]


def chunk(start: int, n: int, rng: np.random.Generator) -> pl.DataFrame:
    """Return rows [start, start + n): ten floats, four integers, four texts, an instant that rises, a boolean."""

    def holes(values: np.ndarray, share: float) -> pl.Series:
        return pl.Series(values).set(pl.Series(rng.random(n) < share), None)

    zipf50 = 1 / np.arange(1, 51)
    zipf5k = 1 / np.arange(1, 5001) ** 0.8
    skus = pl.Series([f"sku-{i:04d}" for i in range(5000)])
    users = rng.integers(0, 1_000_000, n).astype(np.uint64) * np.uint64(2654435761) % np.uint64(2**32)
    columns = {
        "normal": rng.normal(size=n),
        "lognormal": rng.lognormal(0, 0.5, n),
        "exponential": rng.exponential(2, n),
        "uniform": rng.random(n),
        "two_humps": np.where(rng.random(n) < 0.3, rng.normal(-4, 1, n), rng.normal(4, 1, n)),
        "heavy_tail": rng.standard_t(3, n),
        "five_missing": holes(rng.normal(50, 10, n), 0.05),
        "third_missing": holes(rng.gamma(2, 2, n), 0.30),
        "mostly_zero": np.where(rng.random(n) < 0.9, 0.0, rng.exponential(1, n)),
        "price": np.round(rng.gamma(3, 10, n), 2),
        "id": np.arange(start, start + n) + 10_000_000,
        "count": rng.poisson(3, n),
        "code": rng.integers(0, 10_000, n),
        "hash": rng.integers(-(2**62), 2**62, n),
        "colour": pl.Series(["red", "green", "blue"]).gather(rng.choice(3, n, p=[0.5, 0.3, 0.2])),
        "country": holes_text(pl.Series(COUNTRIES).gather(rng.choice(50, n, p=zipf50 / zipf50.sum())), rng, n),
        "sku": skus.gather(rng.choice(5000, n, p=zipf5k / zipf5k.sum())),
        "user": pl.select(pl.format("user_{}", pl.Series(users).cast(pl.String).str.zfill(10))).to_series(),
        "at": pl.Series(1_700_000_000_000_000 + start * 1_000_000 + np.cumsum(rng.integers(1, 2_000_000, n)))
        .cast(pl.Datetime("us"))
        .sort(),
        "flag": rng.random(n) < 0.2,
    }
    return pl.DataFrame(columns)


def holes_text(values: pl.Series, rng: np.random.Generator, n: int) -> pl.Series:
    """Return texts with one percent of them missing."""
    return pl.select(pl.when(pl.Series(rng.random(n) >= 0.01)).then(values)).to_series()


def moved(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with small shifts: a mean, a scale, a tail, the commonest category and the missing values of a column."""
    c, row = pl.col, pl.int_range(pl.len())
    return frame.with_columns(
        c("normal") + 0.05,
        c("lognormal") * 1.05,
        pl.when(row % 100 == 7).then(c("price") * 10).otherwise(c("price")).alias("price"),
        pl.when((row % 20 == 3) & (c("colour") == "red")).then(pl.lit("green")).otherwise(c("colour")).alias("colour"),
        pl.when(row % 50 != 11).then(c("five_missing")).alias("five_missing"),
    )


SEEDS = {"rows": 20, "current": 21}


def make(folder: Path, size: str, part: str = "rows") -> Path:
    """Write a part's file of a size, unless it is there; return its path."""
    path = folder / f"{part}_{size}.parquet"
    if path.exists():
        return path
    rng = np.random.default_rng(SEEDS[part])
    rows = ROWS[size]
    parts = [chunk(start, min(CHUNK, rows - start), rng) for start in range(0, rows, CHUNK)]
    frame = pl.concat(parts).with_columns(pl.col("at").sort())
    frame = moved(frame) if part == "current" else frame
    frame.write_parquet(path, compression="zstd", row_group_size=262_144)
    return path


if __name__ == "__main__":
    for asked in sys.argv[3:] or ["rows"]:
        make(Path(sys.argv[1]), sys.argv[2], asked)
