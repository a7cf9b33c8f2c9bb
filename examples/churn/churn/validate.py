"""The validation that many tutorials print, as a script: it compares a batch with the data of training.

`python -m churn.validate data/train.parquet data/serving.parquet` ends with 1 where a column is missing or an age
is none, and says so where the ages or the incomes have moved. That is all it looks at;
`assay faults` shows what it lets through.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp

__all__ = ["main", "validate"]

REQUIRED = ["age", "income", "gender"]


def validate(train: pd.DataFrame, serving: pd.DataFrame) -> Iterator[str]:
    """Yield what a person is warned of; raise AssertionError where the batch is refused."""
    assert all(column in serving.columns for column in REQUIRED), "Missing columns"
    assert serving["age"].between(0, 120).all(), "Age out of range"
    p_value = ks_2samp(train["age"], serving["age"]).pvalue
    if p_value < 0.05:
        yield f"WARNING: Age distribution shift detected (p={p_value:.4f})"
    usual, now = np.log(train["income"]).mean(), np.log(serving["income"]).mean()
    if abs(now - usual) > 0.2:
        yield f"WARNING: Income log-mean shift: {now:.2f} vs {usual:.2f}"


def main(paths: list[str]) -> None:
    """Validate the second file by the first."""
    train, serving = (pd.read_parquet(path) for path in paths)
    for line in validate(train, serving):
        print(line)


if __name__ == "__main__":
    main(sys.argv[1:])
