from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

from assay.checks.check import CannotJudge
from assay.checks.suite import make_check
from assay.checks.units import UNITS, Unit
from assay.checks.values import RULES
from assay.errors import ConfigError
from checks.judging import judged, profile_of

Rng = np.random.Generator
D = Decimal


def frame_of(values: Any, dtype: Any = None) -> pl.DataFrame:
    return pl.DataFrame({"x": pl.Series(values, dtype=dtype)})


# Ranges and sets ------------------------------------------------------------------------------------------------------


def test_values_outside_a_range_are_counted_and_shown():
    seen = judged(RULES["between"], frame_of([5, 130, None, -1]), "x", at_least=0, at_most=120)

    assert (seen.n_rows, seen.n_failing) == (3, 2)
    assert [(e.row, e.values) for e in seen.examples] == [(1, {"x": 130}), (3, {"x": -1})]
    assert seen.why == "2 of 3 rows (66.7%) are not between 0 and 120"


def test_a_column_may_have_any_name():
    for name in ("*", "^x$", "a.b", 'quo"te', "Größe", ""):
        seen = judged(RULES["between"], pl.DataFrame({name: [1, 9]}), name, at_most=5)

        assert seen.n_failing == 1, name


@pytest.mark.parametrize(("rule", "failing"), [("one_of", 2), ("none_of", 1)])
def test_a_set_is_what_values_must_or_must_not_come_from(rule: str, failing: int):
    assert judged(RULES[rule], frame_of(["a", "b", "c", None]), "x", values=["a"]).n_failing == failing


@pytest.mark.parametrize(
    ("rule", "told", "message"),
    [
        ("between", {}, "no bound is given"),
        ("distinct_share", {"at_least": D("0.5"), "at_most": D("0.1")}, "at_least 0.5 is more than at_most 0.1"),
        ("one_of", [], "no value is given"),
        ("one_of", ["a", None], "null stands among the values; missing values are judged by no_missing"),
        ("one_of", [["a"]], "a list stands among the values; expected single values"),
        ("multiple_of", 0, "step is 0; expected a number above 0"),
        ("distinct_set", [], "no value is given"),
        ("top_value", {}, "nothing is asked; give one_of, at_most or at_least"),
        ("outliers", {"iqr": 3, "sigma": 3}, "give iqr or sigma, not both"),
        ("outliers", {"sigma": 0}, "sigma is 0; expected a number above 0"),
        ("unit_change", {"least": 1}, "least is 1; expected at least 10 values"),
    ],
)
def test_arguments_that_say_nothing_are_refused(rule: str, told: Any, message: str):
    with pytest.raises(ConfigError) as caught:
        make_check(rule, ("x",), told)

    assert message in str(caught.value)


def test_pairs_are_judged_in_rows_that_have_both_values():
    frame = pl.DataFrame({"city": ["Rome", "Paris", "Rome", None], "country": ["IT", "FR", "FR", "IT"]})

    seen = judged(RULES["pairs_in"], frame, "city", "country", pairs=[["Rome", "IT"], ["Paris", "FR"]])

    assert (seen.n_rows, [e.row for e in seen.examples]) == (3, [2])
    assert seen.why == "1 of 3 rows (33.3%) is not one of ('Rome', 'IT'), ('Paris', 'FR')"


def test_three_columns_form_one_of_the_given_combinations():
    frame = pl.DataFrame({"a": [1, 1, 2], "b": ["x", "y", "x"], "c": [True, True, False]})

    seen = judged(RULES["pairs_in"], frame, "a", "b", "c", pairs=[[1, "x", True], [1, "y", False], [2, "x", False]])

    assert [e.row for e in seen.examples] == [1]


def test_pairs_must_be_as_wide_as_the_columns():
    frame = pl.DataFrame({"a": [1], "b": [1]})

    with pytest.raises(
        CannotJudge, match="2 columns are named and the pairs hold 3 values each; give one value a column"
    ):
        judged(RULES["pairs_in"], frame, "a", "b", pairs=[[1, 2, 3]])


@pytest.mark.parametrize(
    ("values", "dtype", "step", "failing"),
    [
        ([0, 15, -30, 7], pl.Int64, 15, 1),
        ([2**64 - 1], pl.UInt64, 5, 0),
        ([D("0.10"), D("0.12")], pl.Decimal(10, 2), D("0.05"), 1),
        ([D("1.00")], pl.Decimal(10, 2), D("0.3"), 1),
        ([0.1 * 3, 0.7, 1e15 + 0.5], pl.Float64, D("0.1"), 0),
        ([0.7], pl.Float32, D("0.1"), 0),
        ([0.75, float("inf")], pl.Float64, D("0.1"), 2),
        ([7, 8], pl.Int8, D("3.5"), 1),
    ],
)
def test_multiples_are_exact_for_whole_numbers_and_decimals(values: list[Any], dtype: Any, step: Any, failing: int):
    assert judged(RULES["multiple_of"], frame_of(values, dtype), "x", step=step).n_failing == failing


# Different values -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "held", "why"),
    [
        ("within", False, "'c' is not in the set"),
        ("contains", False, "'z' does not occur"),
        ("equals", False, "'c' is not in the set; 'z' does not occur"),
    ],
)
def test_the_different_values_stand_to_a_set(how: str, held: bool, why: str):
    seen = judged(RULES["distinct_set"], frame_of(["a", "c", None]), "x", values=["a", "z"], how=how)

    assert (seen.holds, seen.why) == (held, why)


def test_a_set_of_many_values_is_judged_only_where_the_sketch_leaves_no_doubt(rng: Rng):
    many = frame_of(rng.permutation(np.arange(60_000) % 3_000))

    within = judged(RULES["distinct_set"], many, "x", values=list(range(3_000)), how="within", batch_rows=4_000)
    fewer = judged(RULES["distinct_set"], many, "x", values=list(range(2_000)), how="within", batch_rows=4_000)

    assert (within.holds, fewer.holds) == (None, False)
    assert within.why.endswith("so that rare ones are not listed; one_of looks at each row")


def test_different_values_are_counted_exactly_while_they_are_few():
    seen = judged(RULES["distinct_count"], frame_of([1, 1, 2, None]), "x", at_most=1)

    assert (seen.holds, seen.why) == (
        False,
        "3 values are 2 different ones; expected a column of at most 1 different values",
    )


@pytest.mark.parametrize(("at_least", "held"), [(15_000, True), (20_000, None), (30_000, False)])
def test_an_estimated_count_near_its_bound_is_inconclusive(at_least: int, held: bool | None):
    # 20,000 different values: the standard error is 1.6 %, so 4 of them reach from about 18,750 to 21,250.
    many = frame_of(np.arange(20_000))

    assert judged(RULES["distinct_count"], many, "x", at_least=at_least).holds is held


def test_the_share_of_different_values_is_exact_while_they_are_few():
    thirds = frame_of(["a", "a", "b", None])

    held = [
        judged(RULES["distinct_share"], thirds, "x", at_least=D(bound)).holds
        for bound in ("0.6666666666666666", "0.6666666666666667")
    ]

    assert held == [True, False]


@pytest.mark.parametrize(
    ("told", "held"),
    [
        ({"at_most": D("0.5")}, True),
        ({"at_most": D("0.49")}, False),
        ({"at_least": D("0.5")}, True),
        ({"one_of": ["b"]}, False),
        ({"one_of": ["a", "b"], "at_most": D("0.6")}, True),
    ],
)
def test_the_most_frequent_value_has_a_share_and_a_name(told: dict[str, Any], held: bool):
    assert judged(RULES["top_value"], frame_of(["a", "a", "b", "c", None]), "x", **told).holds is held


def test_of_equally_frequent_values_any_may_be_the_expected_one():
    assert judged(RULES["top_value"], frame_of(["a", "b"]), "x", one_of=["b"]).holds


def test_the_most_frequent_of_many_values_is_named_where_no_other_comes_near(rng: Rng):
    many = frame_of(rng.permutation(["a"] * 5_000 + [f"b{number}" for number in range(5_000)]))

    held = [judged(RULES["top_value"], many, "x", one_of=[value], batch_rows=1_000).holds for value in ("a", "b7")]

    assert held == [True, False]


def test_spellings_of_one_value_are_found_and_listed():
    frame = frame_of(["USA"] * 3 + ["usa ", "U.S.A.", "New York", "New-York", "C", "C++", "A+", "A-", "1.5", "15"])

    seen = judged(RULES["spelling"], frame, "x")

    assert seen.holds is False
    assert (
        seen.why
        == "'USA' (3) and 'U.S.A.' (1) and 'usa ' (1); 'New York' (1) and 'New-York' (1) look like spellings of one value"
    )


def test_composed_and_decomposed_letters_are_spellings_of_one_value():
    assert judged(RULES["spelling"], frame_of(["caf\u00e9", "cafe\u0301"]), "x").holds is False


def test_spellings_among_more_values_than_are_listed_are_not_vouched_for():
    many = frame_of([f"word {chr(97 + number % 26)}{number}" for number in range(2_000)])

    assert judged(RULES["spelling"], many, "x").holds is None


# Outliers -------------------------------------------------------------------------------------------------------------


def test_values_beyond_the_fences_are_counted():
    # Of these 101 values the quartiles are 25 and 75, so that 3 interquartile ranges reach from -125 to 225.
    frame = frame_of([*range(100), 226])

    seen = judged(RULES["outliers"], frame, "x", at_most=0)

    assert seen.holds is False
    assert seen.observed is not None
    assert seen.observed.value == pytest.approx(1 / 101)


def test_fences_may_be_standard_deviations():
    frame = frame_of([0] * 50 + [1] * 50 + [100])

    assert [judged(RULES["outliers"], frame, "x", sigma=sigma, at_most=0).holds for sigma in (5, 20)] == [False, True]


def test_no_fence_can_stand_where_half_of_the_values_are_equal():
    seen = judged(RULES["outliers"], frame_of([1, 1, 1, 1, 9]), "x")

    assert seen.holds is None
    assert seen.why == "half of the values are equal, so that there is no interquartile range to measure by; use sigma"


def test_a_reference_sets_fences_that_are_counted_exactly():
    reference = profile_of(frame_of(np.arange(1_000.0)))
    current = frame_of([10.0, 5_000.0, -5_000.0, None])

    seen = judged(RULES["outliers"], current, "x", of="reference", at_most=0, reference=reference)

    assert (seen.holds, seen.n_rows, seen.n_failing) == (False, 3, 2)


def test_a_normal_column_has_few_outliers_whatever_its_size(rng: Rng):
    normal = frame_of(rng.normal(size=50_000))

    # Beyond 1.5 interquartile ranges of the quartiles lie 2·(1 - Φ(2.698)) = 0.7 % of a normal distribution.
    held = [
        judged(RULES["outliers"], normal, "x", iqr=D("1.5"), at_most=D(bound), batch_rows=8_192).holds
        for bound in ("0.001", "0.05")
    ]

    assert held == [False, True]


# Units ----------------------------------------------------------------------------------------------------------------

COLUMNS: dict[str, Callable[[Rng], Any]] = {
    "heights": lambda rng: rng.normal(1.7, 0.1, 2_000),
    "years": lambda rng: rng.integers(1990, 2020, 2_000).astype(float),
    "weights": lambda rng: rng.gamma(20, 4, 2_000),
}
GROWN: dict[str, Callable[[Any], Any]] = {
    "as before": lambda values: values,
    "grown by a fifth": lambda values: values * 1.2,
    "moved by two standard deviations": lambda values: values + 2 * values.std(),
    "twice as wide": lambda values: (values - values.mean()) * 2 + values.mean(),
}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.words)
@pytest.mark.parametrize("name", COLUMNS)
def test_a_fresh_sample_in_another_unit_is_recognised(name: str, unit: Unit, rng: Rng):
    reference = profile_of(frame_of(COLUMNS[name](rng)))
    current = frame_of(COLUMNS[name](rng) * unit.factor + unit.shift)

    seen = judged(RULES["unit_change"], current, "x", reference=reference)

    assert seen.holds is False, seen.why


def test_the_sentence_about_a_unit_names_both(rng: Rng):
    reference = profile_of(frame_of(np.linspace(1.4, 2.0, 601)))
    current = frame_of(np.linspace(140, 200, 601))

    seen = judged(RULES["unit_change"], current, "x", reference=reference)

    assert seen.why == (
        "the median is 170 and was 1.7: the values are spread as 100 times the reference's, "
        "as from fractions (or metres, or euros) to percent (or centimetres, or cents)"
    )


@pytest.mark.parametrize("change", GROWN)
@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_that_changed_like_the_world_does_is_in_its_unit(name: str, change: str, rng: Rng):
    reference = profile_of(frame_of(COLUMNS[name](rng)))
    current = frame_of(GROWN[change](COLUMNS[name](rng)))

    assert judged(RULES["unit_change"], current, "x", reference=reference).holds is True


def test_values_from_zero_up_that_became_more_are_in_their_unit(rng: Rng):
    reference = profile_of(frame_of(rng.exponential(10, 2_000)))

    assert judged(RULES["unit_change"], frame_of(rng.exponential(25.4, 2_000)), "x", reference=reference).holds is True


def test_whole_numbers_in_another_unit_may_have_been_rounded(rng: Rng):
    celsius = rng.normal(20, 5, 2_000).round()
    reference = profile_of(frame_of(celsius))
    fahrenheit = (rng.permutation(celsius) * 1.8 + 32).round()

    assert judged(RULES["unit_change"], frame_of(fahrenheit), "x", reference=reference).holds is False


def test_too_few_values_say_nothing_about_units():
    reference = profile_of(frame_of([1.0, 2.0]))

    seen = judged(RULES["unit_change"], frame_of([100.0, 200.0]), "x", reference=reference)

    assert (seen.holds, seen.why) == (None, "2 values here and 2 in the reference; at least 300 are needed")


def test_a_unit_needs_a_reference_with_that_column():
    with pytest.raises(CannotJudge, match="this check compares with a reference and none was given"):
        judged(RULES["unit_change"], frame_of([1.0]), "x")
    with pytest.raises(CannotJudge, match="the reference has no column 'x' of numbers to compare with"):
        judged(RULES["unit_change"], frame_of([1.0]), "x", reference=profile_of(frame_of(["a"])))
