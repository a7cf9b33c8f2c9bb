"""The shop's data, made by code: one row for each day on which a customer bought something.

`python -m churn.data` writes `data/train.parquet` and `data/serving.parquet`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["LABEL", "days", "known_days", "split", "write"]

LABEL = "churned"
START = "2024-01-01"


def days(customers: int = 80, length: int = 60, seed: int = 0) -> pd.DataFrame:
    """Return days of purchase, by date and customer; a customer does not buy every day, so there are gaps.

    `churned` says whether the customer left within the month after that day. It goes with complaints, with small
    purchases, and with the plan; the rest is chance. An income is missing in one row of ten.
    """
    rng = np.random.default_rng(seed)
    n = customers
    who = pd.DataFrame(
        {
            "customer": [f"c{i:03d}" for i in range(n)],
            "age": np.clip(rng.normal(35, 10, n), 18, 90).round(),
            "gender": rng.choice(["M", "F"], n),
            "plan": rng.choice(["basic", "plus", "family"], n, p=[0.5, 0.3, 0.2]),
            "usual": rng.lognormal(3, 0.6, n),
        }
    )
    rows = who.merge(pd.DataFrame({"date": pd.date_range(START, periods=length, freq="D")}), how="cross")
    rows = rows[rng.random(len(rows)) < 0.45].sort_values(["date", "customer"]).reset_index(drop=True)
    rows["income"] = np.where(rng.random(len(rows)) < 0.1, np.nan, rng.lognormal(10, 0.5, len(rows)).round())
    rows["complaints"] = rng.poisson(0.6, len(rows))
    rows["sales"] = (rows["usual"] * rng.lognormal(0, 0.3, len(rows))).round(2)
    risk = rows["complaints"] - 0.06 * rows["usual"] + 0.8 * (rows["plan"] == "basic") - 0.2
    rows[LABEL] = (rng.random(len(rows)) < 1 / (1 + np.exp(-risk))).astype(int)
    return rows[["date", "customer", "sales", "age", "income", "gender", "plan", "complaints", LABEL]]


def known_days() -> pd.DataFrame:
    """Return the days that training and tests use."""
    return days(seed=1)


def split(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return rows of training and of testing: every customer is on one side, one in four on that of testing."""
    names = sorted(rows["customer"].unique())
    tested = rows["customer"].isin(names[3::4])
    return {"train": rows[~tested], "test": rows[tested]}


def write(folder: str | Path = "data") -> None:
    """Write the rows of training and a later batch as files."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    known_days().to_parquet(place / "train.parquet", index=False)
    days(customers=30, length=20, seed=2).to_parquet(place / "serving.parquet", index=False)


if __name__ == "__main__":
    write()
