"""The data-validation script that many tutorials print, as a function of a batch, and 21 faults of data to try it with.

It asserts that columns are there and that age lies in 0 to 120, warns where a two-sample Kolmogorov-Smirnov test of age has p < 0.05,
and where the mean logarithm of income has moved by more than 0.2. It looks at nothing else.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import polars as pl
from scipy.stats import ks_2samp

from assay.testing.faults.fault import Fault

BATCH = 100


def people(n: int, seed: int) -> pl.DataFrame:
    """Return people as the script draws them; ages lie within the range that it asserts."""
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "age": np.clip(rng.normal(35, 10, n), 1, 110),
            "income": rng.lognormal(10, 0.5, n),
            "gender": rng.choice(["M", "F"], n),
        }
    )


TRAIN = people(1000, 0)


def script(train: pl.DataFrame) -> Callable[[pl.DataFrame], None]:
    """Return the script as a function of the serving batch."""

    def validate(serving: pl.DataFrame) -> None:
        batch = serving.to_pandas()
        assert all(column in batch.columns for column in ("age", "income", "gender")), "Missing columns"
        assert batch["age"].between(0, 120).all(), "Age out of range"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of SciPy, on no rows: the script itself says nothing of it
            p_value = ks_2samp(train["age"].to_numpy(), batch["age"], nan_policy="propagate").pvalue
            moved = abs(np.log(batch["income"].to_numpy()).mean() - train["income"].log().mean())
        if p_value < 0.05:
            warnings.warn(f"Age distribution shift detected (p={p_value:.4f})", stacklevel=2)
        if moved > 0.2:
            warnings.warn("Income log-mean shift", stacklevel=2)

    return validate


# What stops it, what it only warns of, what it lets pass in silence in at least 90 % of the runs, and what it sees now and then.
FAILS: dict[str, Fault] = {
    "one age is null": Fault("nulls", "age", 0.001),
    "age and income change places": Fault("column_swap", "age", 1.0, settings={"other": "income"}),
    "age in months": Fault("unit_change", "age", 12.0),
    "age as a text": Fault("dtype_change", "age"),
    "missing ages are -1": Fault("sentinel", "age", 0.1),
}
WARNED: dict[str, Fault] = {
    "income in cents": Fault("unit_change", "income", 100.0),
    "income in thousands in one region": Fault("unit_change", "income", 0.001, settings={"share": 0.2}),
    "age stands still": Fault("constant_column", "age", 1.0, settings={"value": "mean"}),
}
SILENT: dict[str, Fault] = {
    "a third of the incomes is null": Fault("nulls", "income", 0.3),
    "incomes are a tenth higher": Fault("shift_scale", "income", 0.1, settings={"how": "scale"}),
    "M and F change places": Fault("category_swap", "gender", 1.0),
    "m for M and f for F": Fault("category_recode", "gender", 1.0),
    "gender stands still": Fault("constant_column", "gender", 1.0),
    "a new gender": Fault("new_category", "gender", 0.2),
    "half of the genders are null": Fault("nulls", "gender", 0.5),
    "some missing incomes are -1": Fault("sentinel", "income", 0.02),
    "incomes are shuffled": Fault("column_shuffle", "income", 1.0),
    "the batch is empty": Fault("drop_rows", "", 1.0),
    "older rows come again": Fault("out_of_order", "", 1.0, settings={"time": "age"}),
}
NOW_AND_THEN: dict[str, Fault] = {
    "half of the rows come twice": Fault("duplicate_rows", "", 0.5),
    "three rows arrive": Fault("drop_rows", "", 0.97),
}
ALL = {**FAILS, **WARNED, **SILENT, **NOW_AND_THEN}
