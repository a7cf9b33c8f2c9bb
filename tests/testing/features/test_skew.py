"""The path of training against the path of serving, row by row."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest

from assay.errors import DataError, UsageError
from assay.testing.features.skew import CAUSES, paths, same_columns, skew
from assay.verdict import Verdict

RNG = np.random.default_rng(8)
PEOPLE = pd.DataFrame(
    {"id": range(40), "age": RNG.integers(18, 80, 40).astype(float), "income": RNG.gamma(3.0, 1000.0, 40).round(2)}
)
PEOPLE.loc[[3, 7, 9], "income"] = np.nan
MEDIAN = float(PEOPLE["income"].median())


def training(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"age": rows["age"] / 100, "income": np.log1p(rows["income"].fillna(MEDIAN))}, index=rows.index)


def serving(record: dict[str, float], *, default: float = MEDIAN) -> dict[str, float]:
    income = record["income"]
    return {
        "age": record["age"] / 100,
        "income": math.log1p(default if income is None or math.isnan(income) else income),
    }


def served(path, **declared):
    return paths(training, path, takes="record", name="people", **declared)


def test_the_same_values_in_both_paths_pass_with_an_exact_share():
    seen = skew(served(serving), PEOPLE)

    assert seen.verdict is Verdict.PASS
    assert (seen.observed.value, seen.observed.n) == (0.0, 40)


def test_another_default_is_shown_with_its_rows():
    seen = skew(served(lambda record: serving(record, default=0.0)), PEOPLE)

    assert seen.verdict is Verdict.FAIL
    assert seen.why.startswith("income differs in 3 of 40 rows: row 3 is")
    assert "two defaults" in seen.why
    assert [row.row for row in seen.examples] == [3, 7, 9]
    assert seen.observed.value == pytest.approx(3 / 40)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (lambda record: serving(record) | {"age": record["age"]}, "serving is 100.0 times training: a unit?"),
        (lambda record: serving(record) | {"age": record["age"] / 100 + 2}, "serving is training plus 2.0"),
        (
            lambda record: serving(record) | {"income": round(serving(record)["income"], 2)},
            "serving is rounded to 2 digits",
        ),
        (
            lambda record: serving(record) | {"age": serving(record)["income"], "income": serving(record)["age"]},
            "are swapped",
        ),
    ],
)
def test_what_a_difference_looks_like_is_said(path, said):
    assert said in skew(served(path), PEOPLE).why


def test_every_cause_is_recognized_and_equal_chance_is_none():
    a = np.array([1.23456789012345, 2.34567890123456, 3.45678901234567])
    pairs = {
        "null": (np.full(3, np.nan), np.zeros(3)),
        "default": (np.full(3, 5.0), np.zeros(3)),
        "32 bits": (a, a.astype(np.float32).astype(np.float64)),
        "rounded": (a, a.round(3)),
        "factor": (a, 60 * a),
        "shift": (a, a + 3600),
    }

    assert set(pairs) == set(CAUSES)
    assert all(CAUSES[name](*pair) for name, pair in pairs.items())
    assert not any(cause(a, np.array([7.1, -2.3, 0.4])) for cause in CAUSES.values())


def test_a_share_of_rows_may_differ():
    other = served(lambda record: serving(record, default=0.0))

    assert skew(other, PEOPLE, share=0.1).verdict is Verdict.PASS
    assert skew(other, PEOPLE, share=0.05).verdict is Verdict.FAIL
    with pytest.raises(UsageError, match="share is 2"):
        skew(other, PEOPLE, share=2.0)


def test_a_tolerance_may_be_given_by_column():
    cents = served(
        lambda record: serving(record) | {"income": round(serving(record)["income"], 2)}, atol={"income": 0.005}
    )

    assert skew(cents, PEOPLE).verdict is Verdict.PASS


def test_a_batch_path_and_frames_of_one_row_are_compared_too():
    whole = paths(training, training, name="whole")
    batch_mean = paths(
        lambda rows: rows["age"] - rows["age"].mean(),
        lambda row: row["age"] - row["age"].mean(),
        takes="one",
        name="mean",
    )

    assert skew(whole, PEOPLE).verdict is Verdict.PASS
    seen = skew(batch_mean, PEOPLE)
    assert seen.verdict is Verdict.FAIL
    assert "0.0 in serving" in seen.why


def test_a_log_of_requests_is_compared_by_its_key():
    log = [{"id": 7, "age": 0.5}, {"id": 3, "age": 9.0}]
    table = pl.DataFrame({"id": [3, 7, 11], "age": [0.25, 0.5, 0.75]})

    seen = skew(paths(table, log, key="id"))

    assert seen.why == "age differs in 1 of 2 rows: row 0 (3) is 0.25 in training and 9.0 in serving"


def test_a_function_is_compared_with_the_log_of_what_serving_computed():
    log = training(PEOPLE).assign(id=PEOPLE["id"])[5:20]
    both = paths(training, log, key="id", columns=["age", "income"], name="logged")

    seen = skew(both, PEOPLE)

    assert seen.verdict is Verdict.PASS
    assert seen.n_rows == 15


def test_nothing_in_common_is_inconclusive():
    assert (
        skew(paths(pl.DataFrame({"id": [1], "a": [1]}), pl.DataFrame({"id": [2], "a": [1]}), key="id")).verdict
        is Verdict.INCONCLUSIVE
    )
    assert (
        skew(paths(lambda rows: rows["age"], lambda rows: rows["income"], name="x"), PEOPLE).verdict
        is Verdict.INCONCLUSIVE
    )


@pytest.mark.parametrize(
    ("both", "data", "kind", "said"),
    [
        (paths(training, serving, name="x"), None, UsageError, "no rows to put through"),
        (paths(pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [1, 2]})), None, UsageError, "declare key="),
        (paths(training, pl.DataFrame({"age": [1.0]})), PEOPLE, UsageError, "nothing says which of its rows is which"),
        (
            paths(pl.DataFrame({"id": [1, 1]}), pl.DataFrame({"id": [1]}), key="id"),
            None,
            DataError,
            "1 rows of the training side share",
        ),
        (
            paths(training, lambda row: [[1.0], [2.0]], takes="record", name="x"),
            PEOPLE,
            DataError,
            "serving answered 2 rows for row 0",
        ),
    ],
)
def test_what_can_not_be_compared_is_refused_by_name(both, data, kind, said):
    with pytest.raises(kind, match=said):
        skew(both, data)


def test_an_unknown_way_to_serve_is_refused():
    with pytest.raises(UsageError, match="takes is 'row'"):
        paths(training, serving, takes="row")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (pl.DataFrame({"a": [1]}), "serving has no column 'b'"),
        (pl.DataFrame({"a": [1], "b": ["x"], "c": [1]}), "serving has a column 'c', which training has not"),
        (pl.DataFrame({"b": ["x"], "a": [1]}), "a is column 0 in training and column 1 in serving"),
        (pl.DataFrame({"a": ["1"], "b": ["x"]}), "a is Int64 in training and String in serving"),
        (
            pl.DataFrame({"a": [1], "b": ["x"]}, schema={"a": pl.Int64, "b": pl.Categorical}),
            "b is String in training and Categorical",
        ),
    ],
)
def test_columns_that_are_not_those_of_training_are_named(other, said):
    seen = same_columns(paths(pl.DataFrame({"a": [1], "b": ["x"]}), other))

    assert seen.verdict is Verdict.FAIL
    assert said in seen.why


def test_order_and_width_are_judged_as_asked():
    one, wide = pl.DataFrame({"a": [1], "b": [2.0]}), pl.DataFrame({"b": [2.0], "a": [1]})
    single = one.with_columns(pl.col("b").cast(pl.Float32))

    assert same_columns(paths(one, wide), order=False).verdict is Verdict.PASS
    assert same_columns(paths(one, single)).verdict is Verdict.PASS
    assert same_columns(paths(one, single), exact=True).why == "b is Float64 in training and Float32 in serving"
