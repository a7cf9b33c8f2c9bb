"""Features of a shop's sales: correct ones, and mutants that each make one mistake; in pandas and in Polars."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from assay.testing.features.feature import Feature, feature

Function = Callable[[Any], Any]
DAYS = 60


def regular() -> pl.DataFrame:
    """Two stores, one row a day each, sorted by day."""
    rng = np.random.default_rng(1)
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 1, 1) + pl.duration(days=DAYS - 1), eager=True).cast(
        pl.Datetime("us")
    )
    return pl.DataFrame(
        {
            "date": days.gather(np.repeat(np.arange(DAYS), 2)),
            "store": ["a", "b"] * DAYS,
            "sales": np.round(rng.gamma(3.0, 10.0, 2 * DAYS), 1),
            "visits": rng.integers(1, 90, 2 * DAYS),
        }
    )


def gappy() -> pl.DataFrame:
    """A seventh of the rows is missing, and one sale in twenty is null."""
    rng = np.random.default_rng(2)
    frame = regular()
    frame = frame.filter(pl.Series(rng.random(frame.height) > 1 / 7))
    return frame.with_columns(sales=pl.when(pl.Series(rng.random(frame.height) > 0.05)).then(pl.col("sales")))


def irregular() -> pl.DataFrame:
    """Instants at chance, with a time zone."""
    rng = np.random.default_rng(3)
    frame = regular()
    minutes = np.sort(rng.choice(DAYS * 1440, frame.height, replace=False))
    start = pl.datetime(2024, 3, 1, time_zone="Europe/Berlin")
    return frame.with_columns(date=start + pl.duration(minutes=pl.Series(minutes)))


def tied() -> pl.DataFrame:
    """Three rows of each store share each day."""
    return regular().with_columns(date=pl.col("date").dt.truncate("3d"))


DATA: dict[str, Callable[[], pl.DataFrame]] = {"regular": regular, "gappy": gappy, "irregular": irregular, "tied": tied}


def as_pandas(frame: pl.DataFrame) -> pd.DataFrame:
    return frame.to_pandas()


def within_store(compute: Function) -> Function:
    """Return a pandas feature that sorts by store and day, and computes in each store."""

    def computed(rows: pd.DataFrame) -> pd.Series:
        return (
            rows.sort_values(["store", "date"], kind="stable").groupby("store", sort=False)["sales"].transform(compute)
        )

    return computed


def rolling(window: int, **settings: Any) -> Function:
    return within_store(lambda sales: sales.rolling(window, min_periods=1, **settings).mean())


def rolling_days(window: str = "7D") -> Function:
    def computed(rows: pd.DataFrame) -> pd.Series:
        ordered = rows.sort_values(["store", "date"], kind="stable")
        made = ordered.set_index("date").groupby("store")["sales"].rolling(window, min_periods=1).mean()
        return pd.Series(made.to_numpy(), index=ordered.index, name="average")

    return computed


def past_mean_of_weekday(rows: pd.DataFrame) -> pd.Series:
    """Encode the day of the week by the mean of its sales before."""
    ordered = rows.sort_values(["store", "date"], kind="stable")
    keys = [ordered["store"], ordered["date"].dt.day_of_week]
    return ordered.groupby(keys)["sales"].transform(lambda sales: sales.shift(1).expanding().mean())


WEEK: dict[str, Any] = {"time": "date", "entity": "store", "lookback": "7d", "columns": "sales"}
ROWS: dict[str, Any] = {**WEEK, "lookback": 7}
EVER: dict[str, Any] = {"time": "date", "entity": "store", "columns": "sales"}
ALONE: dict[str, Any] = {**EVER, "fixed": True}

# Correct features of pandas: the function, and what is declared.
CORRECT: dict[str, tuple[Function, dict[str, Any]]] = {
    "mean of 7 rows": (rolling(7), ROWS),
    "mean of 7 days": (rolling_days(), WEEK),
    "deviation of 7 rows": (within_store(lambda sales: sales.rolling(7, min_periods=2).std()), ROWS),
    "ewm": (within_store(lambda sales: sales.ewm(span=5).mean()), EVER),
    "cumulative sum": (within_store(lambda sales: sales.cumsum()), EVER),
    "lag": (within_store(lambda sales: sales.shift(1)), {**ROWS, "lookback": 2}),
    "difference": (within_store(lambda sales: sales.diff()), {**ROWS, "lookback": 2}),
    "expanding mean": (within_store(lambda sales: sales.expanding().mean()), EVER),
    "expanding rank": (within_store(lambda sales: sales.expanding().rank()), EVER),
    "running maximum": (within_store(lambda sales: sales.cummax()), EVER),
    "weekday": (lambda rows: rows["date"].dt.day_of_week, ALONE),
    "log": (lambda rows: np.log1p(rows["sales"].clip(lower=0)), ALONE),
    "past mean of the weekday": (past_mean_of_weekday, EVER),
    "frame with a column": (lambda rows: rows.assign(average=rolling_days()(rows)), WEEK),
    "forward fill": (within_store(lambda sales: sales.ffill()), EVER),
}


def leaks_after_row_seven(rows: pd.DataFrame) -> pd.Series:
    place = rows.groupby("store").cumcount()
    return rolling_days()(rows).where(place < 7, rows.groupby("store")["sales"].transform("mean"))


def rolling_avg_7d(df: pd.DataFrame, value_col: str = "sales", date_col: str = "date") -> pd.Series:
    """Compute the mean of seven rows, as an article published it."""
    df = df.sort_values(date_col)
    return df[value_col].rolling(window=7, min_periods=1).mean()


def descending(rows: pd.DataFrame) -> pd.Series:
    ordered = rows.sort_values(["store", "date"], ascending=[True, False], kind="stable")
    return ordered.groupby("store")["sales"].transform(lambda sales: sales.rolling(7, min_periods=1).mean())


# Mutants of pandas: the function, what is declared, and the contracts that have to catch it on regular data.
MUTANTS: dict[str, tuple[Function, dict[str, Any], set[str]]] = {
    "window 6": (rolling(6), ROWS, {"uses_window"}),
    "window 8": (rolling(8), ROWS, {"looks_back"}),
    "window 100": (rolling(100), ROWS, {"looks_back"}),
    "6 days": (rolling_days("6D"), WEEK, {"uses_window"}),
    "8 days": (rolling_days("8D"), WEEK, {"looks_back"}),
    "expanding": (within_store(lambda sales: sales.expanding().mean()), ROWS, {"looks_back"}),
    "centred": (rolling(7, center=True), ROWS, {"no_future", "uses_window"}),
    "shift(-1)": (within_store(lambda sales: sales.shift(-1)), ROWS, {"no_future", "uses_window"}),
    "descending sort": (descending, ROWS, {"no_future", "uses_window"}),
    "no sort": (
        lambda rows: rows.groupby("store")["sales"].transform(lambda sales: sales.rolling(7, min_periods=1).mean()), ROWS, {"row_order"}
    ),
    "leak after row 7": (leaks_after_row_seven, WEEK, {"no_future", "looks_back", "row_order"}),
    "global fillna": (lambda rows: rolling_days()(rows.assign(sales=rows["sales"].fillna(rows["sales"].mean()))), WEEK, {"no_future"}),
    "back fill": (within_store(lambda sales: sales.bfill()), EVER, {"no_future"}),
    "positional values": (
        lambda rows: rolling_days()(rows).to_numpy(), WEEK, {"no_future", "looks_back", "keeps_entities_apart", "row_order"}
    ),
    "constant": (lambda rows: pd.Series(3.0, index=rows.index), WEEK, {"uses_window"}),
    "entity ignored": (
        lambda rows: rows.sort_values("date", kind="stable")["sales"].rolling(7, min_periods=1).mean(), ROWS,
        {"keeps_entities_apart", "uses_window", "row_order"},
    ),
    "gap in time": (rolling(7), WEEK, {"looks_back"}),
    "published": (rolling_avg_7d, WEEK, {"looks_back", "keeps_entities_apart", "row_order"}),
    "global rank": (lambda rows: rows["sales"].rank(), EVER, {"no_future", "keeps_entities_apart"}),
    "scaled by the batch": (lambda rows: (rows["sales"] - rows["sales"].mean()) / rows["sales"].std(), ALONE,
                            {"no_future", "keeps_entities_apart", "row_by_row"}),
}  # fmt: skip


# The same in Polars: an expression over stores, computed on sorted rows and put back by the number of the row.
def expression(made: Callable[[], pl.Expr]) -> Function:
    def computed(rows: pl.DataFrame) -> pl.DataFrame:
        ordered = rows.with_row_index("__row").sort("store", "date", maintain_order=True)
        return ordered.with_columns(made().over("store").alias("value")).sort("__row").select("value")

    return computed


def sales() -> pl.Expr:
    return pl.col("sales")


CORRECT_POLARS: dict[str, tuple[Function, dict[str, Any]]] = {
    "mean of 7 rows": (expression(lambda: sales().rolling_mean(7, min_samples=1)), ROWS),
    "mean of 7 days": (expression(lambda: sales().rolling_mean_by("date", "7d", closed="right")), WEEK),
    "ewm": (expression(lambda: sales().ewm_mean(span=5)), EVER),
    "cumulative sum": (expression(lambda: sales().cum_sum()), EVER),
    "lag": (expression(lambda: sales().shift(1)), {**ROWS, "lookback": 2}),
    "difference": (expression(lambda: sales().diff()), {**ROWS, "lookback": 2}),
    "running maximum": (expression(lambda: sales().cum_max()), EVER),
    "forward fill": (expression(lambda: sales().forward_fill()), EVER),
    "weekday": (lambda rows: rows["date"].dt.weekday(), ALONE),
    "log": (lambda rows: rows["sales"].clip(lower_bound=0).log1p(), ALONE),
    "keyed": (
        lambda rows: rows.sort("store", "date", maintain_order=True).select(
            "store", "date", value=sales().shift(1).over("store")
        ),
        {**ROWS, "lookback": 2, "key": ("store", "date")},
    ),
}
MUTANTS_POLARS: dict[str, tuple[Function, dict[str, Any], set[str]]] = {
    "window 6": (expression(lambda: sales().rolling_mean(6, min_samples=1)), ROWS, {"uses_window"}),
    "window 8": (expression(lambda: sales().rolling_mean(8, min_samples=1)), ROWS, {"looks_back"}),
    "6 days": (expression(lambda: sales().rolling_mean_by("date", "6d")), WEEK, {"uses_window"}),
    "closed on both sides": (expression(lambda: sales().rolling_mean_by("date", "7d", closed="both")), WEEK, {"looks_back"}),
    "expanding": (expression(lambda: sales().cum_sum() / sales().cum_count()), ROWS, {"looks_back"}),
    "centred": (expression(lambda: sales().rolling_mean(7, min_samples=1, center=True)), ROWS, {"no_future", "uses_window"}),
    "shift(-1)": (expression(lambda: sales().shift(-1)), ROWS, {"no_future", "uses_window"}),
    "no sort": (lambda rows: rows.select(sales().rolling_mean(7, min_samples=1).over("store")), ROWS, {"row_order"}),
    "sorted and not put back": (
        lambda rows: rows.sort("date", "store").select(sales().shift(1).over("store")), {**ROWS, "lookback": 2}, {"row_order"}
    ),
    "global fill": (expression(lambda: sales().fill_null(strategy="mean")), EVER, {"no_future"}),
    "constant": (lambda rows: pl.Series("value", [1.0] * rows.height), WEEK,
                 {"uses_window"}),
    "entity ignored": (lambda rows: rows.select(sales().rolling_mean(7, min_samples=1)), {**ROWS, "order": "as given"},
                       {"keeps_entities_apart", "uses_window"}),
    "gap in time": (expression(lambda: sales().rolling_mean(7, min_samples=1)), WEEK, {"looks_back"}),
    "mean of all": (lambda rows: rows.select(sales() - sales().mean()), EVER, {"no_future", "keeps_entities_apart"}),
}  # fmt: skip


def declared(name: str, function: Function, settings: dict[str, Any]) -> Feature:
    return feature(function, name=name, **settings)
