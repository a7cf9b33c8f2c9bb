"""Checks against a reference: what moved, by how much, how sure that is, and when nothing can be said."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

from assay.checks.against import LEAST, RULES
from assay.checks.check import CannotJudge, Judged
from assay.errors import ConfigError
from checks.judging import judged, profile_of

COLUMN_RULES = [
    "mean_shift", "log_mean_shift", "std_ratio", "quantile_shift", "missing_share_change", "distinct_change", "category_share_change",
    "new_patterns", "new_categories", "lost_categories", "new_range", "order_kept",
]  # fmt: skip


def against(name: str, now: list[Any] | pl.Series, then: list[Any] | pl.Series, **told: Any) -> Judged:
    current, reference = (
        (pl.Series("x", values) if isinstance(values, list) else values.alias("x")).to_frame() for values in (now, then)
    )
    return judged(RULES[name], current, "x", reference=profile_of(reference), **told)


def number(outcome: Judged) -> Any:
    assert outcome.observed is not None
    return outcome.observed.value


# The reference: 100 values, half 0 and half 2. The mean is 1, the standard deviation √(100/99) = 1.00504.
HALVES = [0.0, 2.0] * 50
UNIT = math.sqrt(100 / 99)


# Means -----------------------------------------------------------------------------------------------------------------


def test_a_mean_shift_is_counted_in_the_references_standard_deviations():
    outcome = against("mean_shift", [x + 3 for x in HALVES], HALVES)

    assert number(outcome) == pytest.approx(3 / UNIT)
    assert outcome.holds is False
    assert outcome.why.endswith("not at most 2: the mean went from 1 to 4")


def test_a_shift_down_counts_as_one_up():
    assert against("mean_shift", [x - 3 for x in HALVES], HALVES).holds is False


def test_a_shift_within_its_bound_passes():
    assert against("mean_shift", [x + 1 for x in HALVES], HALVES).holds is True
    assert against("mean_shift", [x + 1 for x in HALVES], HALVES, at_most=0.5).holds is False


def test_a_shift_that_may_be_chance_is_inconclusive():
    # 2.1 beyond a bound of 2, each mean known to about ±0.2.
    outcome = against("mean_shift", [x + 2.1 * UNIT for x in HALVES], HALVES)

    assert outcome.holds is None
    assert outcome.why.startswith(
        "the mean moved by 2.1 (1.82 to 2.38 at 95%) standard deviations of the reference, which is not at most 2"
    )


def test_more_confidence_needs_a_wider_shift():
    shifted = [x + 2.35 * UNIT for x in HALVES]

    assert against("mean_shift", shifted, HALVES).holds is False
    assert against("mean_shift", shifted, HALVES, confidence=0.999).holds is None


def test_a_mean_shifts_on_the_log_scale():
    then = [1.0, math.e**2] * 50  # logarithms 0 and 2, as in HALVES
    now = [x * math.e**3 for x in then]

    for outcome in (against("mean_shift", now, then, scale="log"), against("log_mean_shift", now, then)):
        assert number(outcome) == pytest.approx(3 / UNIT)
        assert outcome.holds is False


def test_only_positive_values_have_a_logarithm():
    assert against("log_mean_shift", [-1.0, 0.0] * 50, [1.0, 2.0] * 50).holds is None


def test_a_column_that_is_no_number_has_no_logarithm():
    days = [date(2024, 1, 1 + i % 20) for i in range(60)]

    with pytest.raises(CannotJudge, match="which have no logarithm"):
        against("mean_shift", days, days, scale="log")


def test_instants_shift_too():
    then = [datetime(2024, 1, 1) + timedelta(hours=i) for i in range(100)]

    outcome = against("mean_shift", [t + timedelta(days=30) for t in then], then)

    assert outcome.holds is False
    assert outcome.why.endswith("the mean went from 2024-01-03T01:30:00 to 2024-02-02T01:30:00")


def test_a_reference_that_does_not_vary_has_no_unit():
    outcome = against("mean_shift", HALVES, [5.0] * 100)

    assert outcome.holds is None
    assert "the reference does not vary (all its values are 5)" in outcome.why


def test_no_shift_is_failed_as_rarely_as_the_confidence_says(rng: np.random.Generator):
    # The true shift is at the bound, 0.2: a failure has a chance of about 0.05/2 each time. More than 0.025·300 +
    # 3.29·√(300·0.025·0.975) = 16.4 in 300 would come once in a thousand runs.
    reference = profile_of(pl.DataFrame({"x": rng.normal(size=20_000)}))
    frames = [pl.DataFrame({"x": rng.normal(0.2, 1, 200)}) for _ in range(300)]
    outcomes = [judged(RULES["mean_shift"], frame, "x", reference=reference, at_most=0.2) for frame in frames]

    assert sum(outcome.holds is False for outcome in outcomes) <= 16


# Spread, quantiles ------------------------------------------------------------------------------------------------------


def test_a_spread_is_a_ratio_to_the_references(rng: np.random.Generator):
    x = rng.normal(size=500)

    wider = against("std_ratio", (3 * x).tolist(), x.tolist())

    assert number(wider) == pytest.approx(3)
    assert wider.holds is False
    assert against("std_ratio", (1.5 * x).tolist(), x.tolist()).holds is True
    assert against("std_ratio", (2.1 * x).tolist(), x.tolist()).holds is None


def test_a_spread_that_vanished_fails():
    assert against("std_ratio", [1.0] * 50, HALVES).holds is False


def test_a_quantile_shifts_in_interquartile_ranges():
    # 1 to 100: the quartiles are 25 and 75, so that the range between them is 50.
    then = list(range(1, 101))

    outcome = against("quantile_shift", [x + 100 for x in then], then)

    assert number(outcome) == pytest.approx(100 / 50)
    assert outcome.holds is False
    assert against("quantile_shift", [x + 25 for x in then], then, q=0.9).holds is True


def test_a_reference_whose_middle_is_one_value_has_no_unit():
    outcome = against("quantile_shift", list(range(100)), [999] * 95 + [1] * 5)

    assert (outcome.holds, number(outcome)) == (None, None)
    assert "the middle half of the reference is one value (999)" in outcome.why


# Missing, distinct, rows --------------------------------------------------------------------------------------------------


def test_a_missing_share_moves_either_way():
    full, half = [1.0] * 200, [1.0, None] * 100

    outcome = against("missing_share_change", half, full)

    assert (outcome.holds, number(outcome)) == (False, 0.5)
    assert outcome.why.endswith("the missing share went from 0% to 50%")
    assert against("missing_share_change", full, half).holds is False
    assert against("missing_share_change", half, half).holds is True


def test_all_missing_is_a_change_of_the_missing_share():
    empty = pl.Series([None] * 100, dtype=pl.Float64)

    assert against("missing_share_change", empty, pl.Series([1.0] * 100)).holds is False


def test_different_values_are_counted_against_the_references():
    outcome = against("distinct_change", list(range(100)), [i % 10 for i in range(100)])

    assert (outcome.holds, number(outcome)) == (False, 10.0)
    assert outcome.why.endswith("100 different values of 100, 10 of 100 in the reference")


def test_rows_are_counted_against_the_references():
    reference = profile_of(pl.DataFrame({"x": [1] * 100}))

    assert judged(RULES["row_count_change"], pl.DataFrame({"x": [1] * 50}), reference=reference).holds is True
    assert judged(RULES["row_count_change"], pl.DataFrame({"x": [1] * 49}), reference=reference).holds is False
    assert judged(RULES["row_count_change"], pl.DataFrame({"x": [1] * 201}), reference=reference).holds is False


def test_a_reference_without_rows_counts_for_nothing():
    reference = profile_of(pl.DataFrame({"x": []}, schema={"x": pl.Int64}))

    assert judged(RULES["row_count_change"], pl.DataFrame({"x": [1]}), reference=reference).holds is None


# Categories -------------------------------------------------------------------------------------------------------------


def test_new_categories_are_rows():
    outcome = against("new_categories", ["a", "c", None, "c"], ["a", "b"])

    assert (outcome.holds, outcome.n_rows, outcome.n_failing) == (False, 3, 2)
    assert [e.row for e in outcome.examples] == [1, 3]


NEW = [
    ([1, 2, 3], [1, 2], 1),
    ([True, False], [True], 1),
    ([date(2024, 1, 1)], [date(2024, 1, 2)], 1),
    (pl.Series(["a", "c"], dtype=pl.Categorical), pl.Series(["a", "b"], dtype=pl.Categorical), 1),
    ([2**60 + 1], [2**60], 1),
]


@pytest.mark.parametrize(("now", "then", "failing"), NEW)
def test_new_categories_are_told_apart_in_every_type(now: Any, then: Any, failing: int):
    assert against("new_categories", now, then).n_failing == failing


def test_new_categories_of_a_reference_with_too_many_values_cannot_be_judged():
    with pytest.raises(CannotJudge, match="more different values of 'x' than a profile lists"):
        against("new_categories", ["a"], [str(i) for i in range(5000)])


def test_a_category_that_so_many_rows_would_hold_is_lost():
    outcome = against("lost_categories", ["a"] * 100, ["a", "b"] * 100)

    assert (outcome.holds, number(outcome)) == (False, 1)
    assert outcome.why == "1 of 2 categories are gone: 'b'"
    assert against("lost_categories", ["a"] * 100, ["a", "b"] * 100, at_most=1).holds is True


def test_a_category_that_few_rows_may_miss_by_chance_is_not_lost():
    # With a share of 0.1, nine rows miss it with a chance of 0.9⁹ = 0.39.
    outcome = against("lost_categories", ["a"] * 9, ["a"] * 90 + ["b"] * 10)

    assert outcome.holds is None
    assert "'b' is not seen either, but so rare that 9 values may miss them by chance" in outcome.why


def test_a_rare_category_is_not_missed():
    outcome = against("lost_categories", ["a"] * 5000, ["a"] * 4999 + ["b"])

    assert outcome.holds is True
    assert outcome.why == "0 of 1 categories are gone; 1 rarer than 0.1% of the reference not judged"


def test_the_category_whose_share_moved_most_is_named():
    now, then = ["a"] * 50 + ["b"] * 50, ["a"] * 80 + ["b"] * 15 + ["c"] * 5

    outcome = against("category_share_change", now, then)

    assert number(outcome) == pytest.approx(0.35)  # b: from 0.15 to 0.5
    assert outcome.holds is False
    assert outcome.why.endswith("the share of 'b' went from 15% to 50%")


def test_a_share_that_may_have_moved_by_chance_is_inconclusive():
    assert against("category_share_change", ["a"] * 18 + ["b"] * 22, ["a", "b"] * 20).holds is True
    assert against("category_share_change", ["a"] * 16 + ["b"] * 24, ["a", "b"] * 20).holds is None


def test_texts_of_a_new_shape_are_found():
    then, now = [f"N{i}" for i in range(100, 200)], [f"n-{i}" for i in range(100, 200)]

    outcome = against("new_patterns", now, then)

    assert (outcome.holds, number(outcome)) == (False, 1.0)
    assert outcome.why.endswith("the most frequent new shape is 'a-9+'")
    assert against("new_patterns", then, then).holds is True


# Ranges, order ------------------------------------------------------------------------------------------------------------


RANGES = [
    ([0, 1, 10, 11], [1, 10], [0, 3]),
    ([0.5, 10.5], [1.0, 10.0], [0, 1]),
    ([date(2023, 12, 31), date(2024, 1, 1)], [date(2024, 1, 1), date(2024, 1, 9)], [0]),
    ([timedelta(seconds=-1), timedelta(0)], [timedelta(0), timedelta(1)], [0]),
    ([2**63 - 1, 2**63 - 2], [0, 2**63 - 2], [0]),
]


@pytest.mark.parametrize(("now", "then", "rows"), RANGES)
def test_values_outside_the_references_range_are_rows(now: list[Any], then: list[Any], rows: list[int]):
    outcome = against("new_range", now, then)

    assert [e.row for e in outcome.examples] == rows


def test_decimals_leave_a_range_exactly():
    then = pl.Series([Decimal("1.00"), Decimal("2.00")], dtype=pl.Decimal(10, 2))
    now = pl.Series([Decimal("2.00"), Decimal("2.01")], dtype=pl.Decimal(10, 2))

    assert against("new_range", now, then).n_failing == 1


def test_a_range_has_a_margin():
    assert against("new_range", [11, 12], [0, 10], margin=0.1).n_failing == 1


def test_the_central_range_needs_a_tolerance():
    then = list(range(1, 10_001))

    with pytest.raises(CannotJudge, match=r"say how many may, such as tolerate_share: 0\.01"):
        against("new_range", [1], then, of="central")
    outcome = against("new_range", [5, 50, 9999], then, of="central", tolerate_rows=1)
    assert outcome.n_failing == 2


def test_the_order_of_the_reference_is_kept():
    then = [datetime(2024, 1, day) for day in (1, 2, 3)]

    assert against("order_kept", then, then).holds is True
    broken = against("order_kept", [then[0], then[2], then[1], then[1]], then)
    assert (broken.holds, broken.n_failing) == (False, 2)
    assert [e.row for e in broken.examples] == [2, 3]
    assert against("order_kept", then[::-1], then[::-1]).holds is True


def test_a_reference_in_no_order_has_none_to_keep():
    with pytest.raises(CannotJudge, match="stand in no order"):
        against("order_kept", [datetime(2024, 1, 1)], [datetime(2024, 1, day) for day in (1, 3, 2)])


# Columns ----------------------------------------------------------------------------------------------------------------

THEN = pl.DataFrame({"a": [1], "b": ["x"], "a.c:d": [1.0]})


def test_columns_that_came_and_went_are_named():
    now = pl.DataFrame({"a": [1], "b": ["x"], "new": [1]})

    came = judged(RULES["new_columns"], now, reference=profile_of(THEN))
    went = judged(RULES["lost_columns"], now, reference=profile_of(THEN))

    assert (came.holds, came.why) == (False, "1 column: new (Int64)")
    assert (went.holds, went.why) == (False, "1 column: a.c:d (Float64)")
    assert judged(RULES["lost_columns"], now, reference=profile_of(THEN), ignore=["a.c:d"]).holds is True


def test_types_that_changed_are_named():
    now = pl.DataFrame({"a": pl.Series([1], dtype=pl.Int32), "b": [1]})

    loose = judged(RULES["type_changed"], now, reference=profile_of(THEN))
    exact = judged(RULES["type_changed"], now, reference=profile_of(THEN), exact=True)

    assert loose.why == "1 column: b (String in the reference, Int64 here)"
    assert number(exact) == 2


# What cannot be said ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COLUMN_RULES)
def test_a_check_against_a_reference_needs_one(name: str):
    with pytest.raises(CannotJudge, match="none was given; pass --reference DATA"):
        judged(RULES[name], pl.DataFrame({"x": [1]}), "x")


@pytest.mark.parametrize("name", COLUMN_RULES)
def test_a_column_that_the_reference_lacks_cannot_be_judged(name: str):
    with pytest.raises(CannotJudge, match="the reference has no column 'x'"):
        judged(RULES[name], pl.DataFrame({"x": [1]}), "x", reference=profile_of(pl.DataFrame({"y": [1]})))


@pytest.mark.parametrize("name", COLUMN_RULES)
def test_a_column_of_another_kind_cannot_be_judged(name: str):
    with pytest.raises(
        CannotJudge, match=r"holds integer values \(Int64\), and text values \(String\) in the reference"
    ):
        against(name, [1], ["a"])


@pytest.mark.parametrize("name", ["mean_shift", "log_mean_shift", "std_ratio", "quantile_shift"])
@pytest.mark.parametrize(("now", "then", "side"), [(29, 100, "there are 29"), (100, 29, "the reference has 29")])
def test_too_few_values_are_inconclusive_and_say_how_many_it_takes(name: str, now: int, then: int, side: str):
    outcome = against(name, [float(i + 1) for i in range(now)], [float(i + 1) for i in range(then)])

    assert (outcome.holds, number(outcome)) == (None, None)
    assert outcome.why == f"the change cannot be said: {side} values; it takes {LEAST}"


@pytest.mark.parametrize("name", [*COLUMN_RULES[:6]])
def test_a_sample_of_the_reference_passes(name: str, rng: np.random.Generator):
    then = rng.lognormal(size=4000).round(1)

    assert against(name, rng.choice(then, 1000).tolist(), then.tolist()).holds is True


@pytest.mark.parametrize(
    ("name", "told", "message"),
    [
        ("mean_shift", {"at_most": -1}, "at_most is -1; a change has a size of 0 or more"),
        ("mean_shift", {"confidence": 95}, "it lies between 0 and 1"),
        ("missing_share_change", {"at_most": 5}, "5 percent is 0.05"),
        ("std_ratio", {"at_least": 3}, "at_least 3 is more than at_most 2"),
    ],
)
def test_an_argument_that_says_nothing_is_refused(name: str, told: dict[str, Any], message: str):
    with pytest.raises(ConfigError, match=message):
        against(name, [1], [1], **told)


def test_every_rule_against_a_reference_is_tried_here():
    assert {*COLUMN_RULES, "row_count_change", "new_columns", "lost_columns", "type_changed"} == RULES.keys()
