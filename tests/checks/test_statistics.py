"""Checks of statistics: exact verdicts on the rows that are there, sure ones on the population, and no number where there is none."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.checks.check import CannotJudge
from assay.checks.readings import STATISTICS
from assay.checks.statistics import RULES
from assay.errors import ConfigError
from checks.judging import judged

A_WEEK = [datetime(2024, 1, day) for day in range(1, 8)]


def value(name: str, column: list[Any] | pl.Series, **told: Any) -> Any:
    """Return what a statistic is, whatever its bound."""
    series = pl.Series("x", column, strict=False) if isinstance(column, list) else column.alias("x")
    observed = judged(RULES[name], series.to_frame(), "x", **{"at_least": 0, **told}).observed
    assert observed is not None
    return observed.value


def holds(name: str, column: list[Any] | pl.Series, **told: Any) -> bool | None:
    series = pl.Series("x", column, strict=False) if isinstance(column, list) else column.alias("x")
    return judged(RULES[name], series.to_frame(), "x", **told).holds


# What each statistic is, against numpy and SciPy -----------------------------------------------------------------------

X = np.random.default_rng(7).gamma(2.0, 3.0, 5000) - 1.0
ORACLES = {
    "mean": X.mean(),
    "sum": X.sum(),
    "std": X.std(ddof=1),
    "variance": X.var(ddof=1),
    "skewness": scipy.stats.skew(X),
    "kurtosis": scipy.stats.kurtosis(X),
    "mean_log": np.log(X[X > 0]).mean(),
    "std_log": np.log(X[X > 0]).std(ddof=1),
    "minimum": X.min(),
    "maximum": X.max(),
    "zeros_share": 0.0,
    "negatives_share": (X < 0).mean(),
}


@pytest.mark.parametrize("name", ORACLES)
def test_a_statistic_of_numbers_is_numpys_and_scipys_in_any_batches(name: str):
    frame = pl.DataFrame({"x": X})

    whole, parts = (judged(RULES[name], frame, "x", at_least=-1000, batch_rows=rows).observed for rows in (10_000, 512))

    assert whole is not None
    assert parts is not None
    assert whole.value == pytest.approx(ORACLES[name], rel=1e-11)
    assert parts.value == pytest.approx(ORACLES[name], rel=1e-11)


# A, A, A, B: -(3/4)·log2(3/4) - (1/4)·log2(1/4) = 0.3113 + 0.5 bits; the rarest is a quarter; lengths 1, 1, 1, 3.
OTHERS: dict[str, tuple[list[Any], Any]] = {
    "entropy": (["A", "A", "A", "BBB", None], 0.8112781244591328),
    "label_balance": (["A", "A", "A", "BBB", None], 0.25),
    "mean_length": (["A", "A", "A", "BBB", None], 1.5),
    "true_share": ([True, True, True, False, None], 0.75),
    "median": ([5, 1, 3, 2], 2),
    "quantile": ([5, 1, 3, 2], 2),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_statistic_of_a_few_values_is_what_a_hand_gets(name: str):
    column, expected = OTHERS[name]
    told = {"q": 0.5} if name == "quantile" else {}

    assert value(name, column, **told) == pytest.approx(expected)


def test_no_statistic_is_forgotten():
    assert ORACLES.keys() | OTHERS.keys() == STATISTICS.keys()
    assert STATISTICS.keys() | {"correlation", "association"} == RULES.keys()


UNDEFINED = {
    "mean": [], "sum": [], "std": [1.0], "variance": [1.0], "skewness": [2.0, 2.0], "kurtosis": [2.0, 2.0], "mean_log": [-1.0, 0.0],
    "std_log": [1.0, -1.0], "minimum": [], "maximum": [], "median": [], "quantile": [], "zeros_share": [], "negatives_share": [],
    "true_share": [], "entropy": [], "label_balance": ["one", "one"], "mean_length": [],
}  # fmt: skip
TYPES: dict[str, pl.DataType] = {
    "true_share": pl.Boolean(), "entropy": pl.String(), "label_balance": pl.String(), "mean_length": pl.String(),
}  # fmt: skip


@pytest.mark.parametrize("name", STATISTICS)
def test_a_statistic_without_a_value_is_inconclusive_and_says_why(name: str):
    column = pl.Series("x", UNDEFINED[name], dtype=TYPES.get(name, pl.Float64()))
    told = {"q": 0.5} if name == "quantile" else {}

    outcome = judged(RULES[name], column.to_frame(), "x", at_least=0, **told)

    assert outcome.holds is None
    assert outcome.observed is not None
    assert outcome.observed.value is None
    assert outcome.observed.why


# Exactness -------------------------------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(
    values=st.lists(st.integers(-20, 20), min_size=1, max_size=40),
    eighths=st.integers(0, 8),
    bound=st.integers(-21, 21) | st.decimals(-21, 21, places=1),
)
def test_the_verdict_on_a_quantile_is_that_of_numpys_inverted_cdf(
    values: list[int], eighths: int, bound: int | Decimal
):
    q = Decimal(eighths) / 8  # q·n is then exact in floats too, as numpy computes it
    quantile = int(np.quantile(values, float(q), method="inverted_cdf"))

    assert holds("quantile", values, q=q, at_least=bound) is (quantile >= bound)
    assert holds("quantile", values, q=q, at_most=bound) is (quantile <= bound)
    assert value("quantile", values, q=q) == quantile


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), share=st.decimals(0, 1, places=3), places=st.integers(1, 3))
def test_the_verdict_on_a_quantile_is_exact_where_the_sketch_is_not(seed: int, share: Decimal, places: int):
    values = np.random.default_rng(seed).normal(size=20_000).round(places)
    quantile = sorted(values)[max(math.ceil(share * 20_000), 1) - 1]
    beside = np.nextafter(quantile, math.inf)
    frame = pl.DataFrame({"x": values})

    at, above = (
        judged(RULES["quantile"], frame, "x", q=share, at_least=float(b), batch_rows=3000) for b in (quantile, beside)
    )

    assert (at.holds, above.holds) == (True, False)
    assert at.observed is not None
    low, high = at.observed.low, at.observed.high
    assert low is not None
    assert high is not None
    assert low <= quantile <= high
    assert at.observed.confidence == 1


def test_whole_numbers_beyond_floats_are_compared_exactly():
    column = pl.Series([9007199254740993, 0])

    assert holds("maximum", column, at_most=9007199254740992) is False
    assert holds("sum", column, at_most=9007199254740992) is False
    assert holds("sum", column, at_least=9007199254740993) is True
    assert value("sum", column) == "9007199254740993"


def test_a_sum_does_not_overflow():
    assert value("sum", pl.Series([2**63 - 1] * 4)) == str(4 * (2**63 - 1))


def test_decimals_are_summed_without_floats():
    column = pl.Series([Decimal("0.10")] * 3, dtype=pl.Decimal(10, 2))

    assert value("sum", column) == "0.30"
    assert holds("sum", column, at_least=Decimal("0.3"), at_most=Decimal("0.3")) is True


def test_the_mean_of_whole_numbers_is_exact_in_any_batches():
    # The means of the batches are no floats: 5/3 and 7/3. That of all is 2.
    frame = pl.DataFrame({"x": [1, 2, 2, 3, 2, 2]})

    assert judged(RULES["mean"], frame, "x", at_least=2, at_most=2, batch_rows=3).holds is True


def test_a_mean_of_floats_meets_a_bound_within_its_last_digits():
    # Ten times 0.1 is 0.9999999999999999 in floats; the mean is not below 0.1.
    assert holds("mean", [0.1] * 10, at_least=Decimal("0.1")) is True
    assert holds("mean", [0.1] * 10, at_least=Decimal("0.100000000000001")) is False


def test_a_constant_has_a_standard_deviation_of_zero():
    assert value("std", [0.1] * 1000) == 0.0


# Times -----------------------------------------------------------------------------------------------------------------


def test_the_mean_of_instants_is_an_instant():
    column = pl.Series(A_WEEK)

    assert value("mean", column, at_least=date(2024, 1, 1)) == "2024-01-04T00:00:00"
    assert holds("mean", column, at_least=datetime(2024, 1, 4), at_most=datetime(2024, 1, 4)) is True


def test_a_date_stands_for_its_whole_day_in_the_columns_zone():
    zoned = (
        pl.Series([datetime(2024, 1, 2, 4, 30)]).dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York")
    )

    # 04:30 UTC is 23:30 on the day before in New York.
    assert holds("maximum", zoned, at_most=date(2024, 1, 1)) is True
    assert holds("minimum", zoned, at_least=date(2024, 1, 2)) is False


def test_instants_are_compared_across_zones():
    zoned = pl.Series([datetime(2024, 1, 2)]).dt.replace_time_zone("Europe/Berlin")

    assert holds("maximum", zoned, at_most=datetime(2024, 1, 1, 23, tzinfo=UTC)) is True
    assert holds("maximum", zoned, at_most=datetime(2024, 1, 1, 22, tzinfo=UTC)) is False


def test_the_mean_of_spans_is_bounded_by_a_span():
    column = pl.Series([timedelta(minutes=4), timedelta(minutes=6)])

    assert value("mean", column, at_least="0s") == "5m"
    assert holds("mean", column, at_most="5m") is True
    assert holds("mean", column, at_most="299s") is False


def test_the_spread_of_instants_is_bounded_by_a_span():
    # Days 1 to 7: the variance is 28/6, the standard deviation 2.16 days.
    assert holds("std", pl.Series(A_WEEK), at_most="52h") is True
    assert holds("std", pl.Series(A_WEEK), at_most="51h") is False


def test_nanoseconds_are_not_rounded_away():
    column = pl.Series([1500]).cast(pl.Duration("ns"))

    assert holds("maximum", column, at_most=timedelta(microseconds=1)) is False
    assert holds("minimum", column, at_least=timedelta(microseconds=1)) is True


# Missing and infinite values, and types --------------------------------------------------------------------------------


def test_missing_values_and_sentinels_are_not_counted():
    frame = pl.DataFrame({"x": [1.0, 3.0, math.nan, None, -1.0]})

    outcome = judged(RULES["mean"], frame, "x", at_least=2, at_most=2, sentinels={"x": (-1,)})

    assert outcome.holds is True
    assert outcome.observed is not None
    assert outcome.observed.n == 2


def test_infinite_values_are_left_out_and_said():
    outcome = judged(RULES["mean"], pl.DataFrame({"x": [1.0, math.inf]}), "x", at_most=1)

    assert outcome.holds is True
    assert outcome.why == "the mean is 1; 1 infinite value left out"


def test_an_infinite_value_is_the_greatest():
    assert holds("maximum", [1.0, math.inf], at_most=10**9) is False


def test_single_precision_meets_a_bound_as_it_was_written():
    assert holds("maximum", pl.Series([0.1], dtype=pl.Float32), at_most=Decimal("0.1")) is True


def test_a_bound_of_another_type_cannot_be_judged():
    with pytest.raises(CannotJudge, match="the bound 'x' is a text and the column 'x' holds integer values"):
        holds("mean", [1], at_most="x")
    with pytest.raises(CannotJudge, match="no span of time"):
        holds("std", pl.Series(A_WEEK), at_most=3)
    with pytest.raises(CannotJudge, match="the bound '5' is no number"):
        holds("skewness", [1, 2], at_most="5")


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({}, "no bound is given"),
        ({"at_least": 2, "at_most": 1}, "at_least 2 is more than at_most 1"),
        ({"at_least": 1, "confidence": 95}, "confidence is 95; it lies between 0 and 1"),
    ],
)
def test_a_range_that_says_nothing_is_refused(told: dict[str, Any], message: str):
    with pytest.raises(ConfigError, match=message):
        holds("mean", [1], **told)


def test_more_values_than_can_be_counted_are_inconclusive():
    outcome = judged(RULES["entropy"], pl.DataFrame({"x": range(3000)}), "x", at_least=1)

    assert outcome.holds is None
    assert "too many to count exactly" in outcome.why


# The population ----------------------------------------------------------------------------------------------------------

# 1, 2, 3, 4: the mean is 2.5, and at 95 % 2.5 ± 3.1824·1.2910/2 = 0.446 to 4.554.
SURE = [
    (2.5, None, None),
    (0.4, None, True),
    (4.6, None, False),
    (None, 2.5, None),
    (None, 4.6, True),
    (None, 0.4, False),
    (0.4, 4.6, True),
    (0.4, 3, None),
]


@pytest.mark.parametrize(("low", "high", "expected"), SURE)
def test_with_confidence_a_mean_fails_only_where_its_interval_excludes_the_bound(
    low: Any, high: Any, expected: bool | None
):
    assert holds("mean", [1, 2, 3, 4], at_least=low, at_most=high, confidence=0.95) is expected


def test_without_confidence_the_rows_that_are_there_are_judged():
    assert holds("mean", [1, 2, 3, 4], at_least=2.5) is True
    assert holds("mean", [1, 2, 3, 4], at_least=2.6) is False


def test_an_inconclusive_mean_says_how_many_values_would_tell():
    # The interval is 2.054 wide on either side and the bound is 0.5 away: 4 · (2.054/0.5)² = 67.5.
    outcome = judged(RULES["mean"], pl.DataFrame({"x": [1, 2, 3, 4]}), "x", at_least=2, confidence=0.95)

    assert outcome.why.endswith("which does not tell whether it is at least 2; about 68 values would")


# Of 100 values 30 lie below 30.5: at 95 % the population's share below it is 0.219 to 0.396 (Wilson).
QUANTILES = [("0.5", 30.5, True), ("0.39", 30.5, None), ("0.25", 30.5, None), ("0.2", 30.5, False)]


@pytest.mark.parametrize(("q", "bound", "expected"), QUANTILES)
def test_with_confidence_a_quantile_is_judged_by_the_interval_of_the_share_below_its_bound(
    q: str, bound: float, expected: bool | None
):
    values = list(range(1, 101))

    assert holds("quantile", values, q=Decimal(q), at_least=bound, confidence=0.95) is expected


def test_one_value_is_too_few_for_confidence():
    assert holds("mean", [5], at_least=1, confidence=0.95) is None


def test_a_statistic_without_an_interval_takes_no_confidence():
    with pytest.raises(CannotJudge, match="sum has no interval"):
        holds("sum", [1], at_least=1, confidence=0.95)


def test_a_true_bound_is_failed_as_rarely_as_the_confidence_says(rng: np.random.Generator):
    # 400 samples whose mean is at its bound: each fails with a chance of at most 0.05/2. More than 0.025·400 +
    # 3.29·√(400·0.025·0.975) = 20.3 failures would come once in a thousand runs.
    verdicts = [holds("mean", rng.normal(0, 1, 30).tolist(), at_least=0, confidence=0.95) for _ in range(400)]

    assert verdicts.count(False) <= 20


# Two columns -------------------------------------------------------------------------------------------------------------


def test_the_correlation_is_numpys(rng: np.random.Generator):
    a = rng.normal(size=300)
    frame = pl.DataFrame({"a": a, "b": a + rng.normal(size=300)})

    outcome = judged(RULES["correlation"], frame, "a", "b", at_least=0.5, batch_rows=70)

    assert outcome.observed is not None
    assert outcome.observed.value == pytest.approx(np.corrcoef(frame["a"], frame["b"])[0, 1])
    assert outcome.holds is True


def test_a_column_that_does_not_vary_correlates_with_nothing():
    outcome = judged(RULES["correlation"], pl.DataFrame({"a": [1, 1, 1], "b": [1, 2, 3]}), "a", "b", at_least=0)

    assert (outcome.holds, outcome.why) == (None, "the correlation is undefined: a does not vary")


def test_a_correlation_is_of_two_columns():
    with pytest.raises(CannotJudge, match="about two columns and 1 was named"):
        judged(RULES["correlation"], pl.DataFrame({"a": [1]}), "a", at_least=0)


def test_the_association_is_scipys_cramers_v(rng: np.random.Generator):
    a, noise = rng.integers(0, 4, 500), rng.integers(0, 3, 500)
    b = np.where(rng.random(500) < 0.4, a % 3, noise)
    frame = pl.DataFrame({"a": [f"a{i}" for i in a], "b": [f"b{i}" for i in b]})
    table = np.zeros((4, 3), dtype=int)
    np.add.at(table, (a, b), 1)

    outcome = judged(RULES["association"], frame, "a", "b", at_least=0)

    assert outcome.observed is not None
    assert outcome.observed.value == pytest.approx(scipy.stats.contingency.association(table, method="cramer"))


def test_an_association_looks_only_at_rows_with_both_values_and_of_the_filter():
    frame = pl.DataFrame({"a": ["x", "y", None, "x"], "b": ["p", "q", "p", "q"], "use": [1, 1, 1, 0]})

    outcome = judged(RULES["association"], frame, "a", "b", at_least=1, where="use = 1")

    assert outcome.holds is True
    assert outcome.observed is not None
    assert outcome.observed.n == 2


def test_a_category_of_one_value_associates_with_nothing():
    outcome = judged(RULES["association"], pl.DataFrame({"a": ["x", "x"], "b": ["p", "q"]}), "a", "b", at_least=0)

    assert (outcome.holds, outcome.why) == (
        None, "the association (Cramér's V) is undefined: one of the columns does not vary",
    )  # fmt: skip
