"""The guide's rolling average and twelve mistakes in it: what its own two tests notice, and what contracts do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import assay

Rolling = Callable[[pd.DataFrame], pd.Series]
PAGE = Path(__file__).resolve().parents[2] / "docs" / "faults.md"


def by_rows(size: int, **told: object) -> Rolling:
    return lambda df: df.sort_values("date")["sales"].rolling(size, **{"min_periods": 1, **told}).mean()


def leaks_after_row_7(df: pd.DataFrame) -> pd.Series:
    right, sales = by_rows(7)(df), df.sort_values("date")["sales"]
    return right.where(np.arange(len(right)) < 7, sales.shift(-1).rolling(7, min_periods=1).mean())


RIGHT = by_rows(7)
MISTAKES: dict[str, Rolling] = {
    "a window of 6": by_rows(6),
    "a window of 8": by_rows(8),
    "a window of 100": by_rows(100),
    "an expanding mean": lambda df: df.sort_values("date")["sales"].expanding().mean(),
    "a centred window": by_rows(7, center=True),
    "sorted downwards": lambda df: df.sort_values("date", ascending=False)["sales"].rolling(7, min_periods=1).mean(),
    "shifted by a day": lambda df: RIGHT(df).shift(1),
    "null before row 7": by_rows(7, min_periods=7),
    "a leak after row 7": leaks_after_row_7,
    "not sorted": lambda df: df["sales"].rolling(7, min_periods=1).mean(),
    "a median": lambda df: df.sort_values("date")["sales"].rolling(7, min_periods=1).median(),
    "filled with the mean of all": lambda df: RIGHT(df.assign(sales=df["sales"].fillna(df["sales"].mean()))),
}
# By the two tests; by what is declared alone; with a plain implementation to compare with, all of them are caught.
BY_TESTS = ["a window of 6", "a centred window", "sorted downwards", "shifted by a day", "null before row 7"]
NOT_BY_DECLARATION = ["null before row 7", "a median"]


def passes_its_own_tests(rolling: Rolling) -> bool:
    days = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=10), "sales": range(10, 110, 10)})
    none = pd.DataFrame({"date": pd.Series([], dtype="datetime64[ns]"), "sales": []})
    one = pd.DataFrame({"date": pd.Timestamp("2024-01-01"), "sales": [100]}, index=[0])
    result = rolling(days)
    return bool(
        result.iloc[0] == 10.0 and result.iloc[6] == 40.0 and len(rolling(none)) == 0 and rolling(one).iloc[0] == 100.0
    )


@pytest.fixture(scope="module")
def sales() -> pd.DataFrame:
    rows = pd.DataFrame(
        {"date": pd.date_range("2024-01-01", periods=60), "sales": np.random.default_rng(1).normal(100, 10, 60)}
    )
    rows.loc[[11, 30], "sales"] = np.nan
    return rows.sample(frac=1, random_state=0).reset_index(drop=True)


def is_broken(rolling: Rolling, sales: pd.DataFrame, **told: object) -> bool:
    feature = assay.feature(rolling, name="rolling", time="date", lookback=7, **told)
    return assay.check_contracts(feature, sales).verdict is assay.Verdict.FAIL


def test_its_own_tests_notice_five_of_twelve_mistakes():
    assert passes_its_own_tests(RIGHT)
    assert [name for name, wrong in MISTAKES.items() if not passes_its_own_tests(wrong)] == BY_TESTS


def test_what_is_declared_notices_ten(sales: pd.DataFrame):
    assert not is_broken(RIGHT, sales)
    assert [name for name, wrong in MISTAKES.items() if not is_broken(wrong, sales)] == NOT_BY_DECLARATION


@pytest.mark.parametrize("name", NOT_BY_DECLARATION)
def test_a_plain_implementation_notices_the_rest(name: str, sales: pd.DataFrame):
    def plain(rows: pd.DataFrame) -> pd.Series:
        means = [rows.loc[rows["date"].isin(pd.date_range(end=day, periods=7)), "sales"].mean() for day in rows["date"]]
        return pd.Series(means, index=rows.index)

    assert not is_broken(RIGHT, sales, reference=plain)
    assert is_broken(MISTAKES[name], sales, reference=plain)


def test_the_page_says_which():
    told = PAGE.read_text(encoding="utf-8")

    for name in MISTAKES:
        cells = ["yes" if name in BY_TESTS else "no", "no" if name in NOT_BY_DECLARATION else "yes"]
        assert f"| {name} | {cells[0]} | {cells[1]} |" in told
