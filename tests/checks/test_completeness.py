from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

from assay.checks.check import CannotJudge
from assay.checks.completeness import RULES
from assay.checks.suite import make_check
from assay.errors import ConfigError
from checks.judging import judged

NAN = float("nan")
FORM = pl.DataFrame({"street": ["a", None, None, "d"], "city": ["A", None, "C", None]})
Rng = np.random.Generator


def test_null_nan_and_sentinels_are_missing_and_the_rows_are_shown():
    frame = pl.DataFrame({"x": [1.0, None, NAN, -1.0]})

    seen = judged(RULES["no_missing"], frame, "x", sentinels={"x": (-1,)})

    assert (seen.n_rows, seen.n_failing) == (4, 3)
    assert [example.row for example in seen.examples] == [1, 2, 3]


@pytest.mark.parametrize(
    ("at_most", "held"), [("0.3333333333333333333333333333", False), ("0.3333333333333333333333333334", True)]
)
def test_a_missing_share_is_compared_without_rounding(at_most: str, held: bool):
    frame = pl.DataFrame({"x": [1, 2, None]})

    assert judged(RULES["missing_share"], frame, "x", at_most=Decimal(at_most)).holds is held


def test_a_missing_share_comes_with_wilsons_interval():
    seen = judged(RULES["missing_share"], pl.DataFrame({"x": [None, *range(9)]}), "x", at_most=Decimal("0.05"))

    # p = 1/10, z = 1.96: (0.1 + 0.19207 ± 1.96·sqrt(0.009 + 0.0096036)) / 1.384146 = (0.29207 ± 0.26733) / 1.384146
    assert seen.observed is not None
    assert (seen.observed.value, seen.observed.low, seen.observed.high) == (
        0.1,
        pytest.approx(0.0179, abs=1e-4),
        pytest.approx(0.4042, abs=1e-4),
    )
    assert seen.why == "1 of 10 rows (10%) have no value; expected missing in at most 5% of the rows"


def test_a_share_written_as_percent_is_refused_with_what_was_meant():
    with pytest.raises(ConfigError, match=r"at_most is 5; shares lie in \[0, 1\], and 5 percent is 0.05"):
        make_check("missing_share", ("x",), 5)


def test_missing_rows_are_counted():
    assert [judged(RULES["missing_rows"], FORM, "city", at_most=most).holds for most in (1, 2)] == [False, True]


def test_nothing_is_judged_where_there_is_no_row():
    empty = FORM.clear()

    assert {judged(RULES[rule], empty, "city", at_most=0).holds for rule in ("missing_share", "missing_rows")} == {None}


def test_rows_are_complete_in_all_columns_or_in_any():
    all_of = judged(RULES["complete_rows"], FORM, "street", "city")
    any_of = judged(RULES["complete_rows"], FORM, "street", "city", of="any")

    assert ([e.row for e in all_of.examples], [e.row for e in any_of.examples]) == ([1, 2, 3], [1])


def test_columns_are_missing_together():
    seen = judged(RULES["missing_together"], FORM, "street", "city")

    assert [example.row for example in seen.examples] == [2, 3]


def test_one_column_is_not_missing_together_with_any():
    with pytest.raises(CannotJudge, match="missing_together compares columns and only one is named; name at least two"):
        judged(RULES["missing_together"], FORM, "city")


def test_nan_and_both_infinities_are_not_finite_and_null_is_not_judged():
    frame = pl.DataFrame({"x": [1.0, NAN, float("inf"), -float("inf"), None]})

    seen = judged(RULES["finite"], frame, "x")

    assert (seen.n_rows, seen.n_failing) == (4, 3)


def mixed(values: Any, value: Any, share: float, rng: Rng) -> Any:
    """Return the values with one of them in a share of the places."""
    copy = np.array(values, dtype=object if isinstance(value, str | date) else None)
    copy[rng.random(len(copy)) < share] = value
    return copy


def days(numbers: Any) -> list[date]:
    return [date(1950, 1, 1) + timedelta(days=int(number)) for number in numbers]


N = 4_000
WAY_OUT = "if it means missing, declare missing: [-1]; if not, ignore: [-1]"
# Columns as nature makes them: zeros, ties, ends, codes and words that mean what they say.
NATURAL: dict[str, Callable[[Rng], Any]] = {
    "counts": lambda rng: rng.poisson(1.2, N),
    "counts with more zeros": lambda rng: mixed(rng.poisson(3, N), 0, 0.6, rng),
    "rare events": lambda rng: rng.geometric(0.9, N) - 1,
    "heavy counts": lambda rng: rng.zipf(2, N),
    "amounts with free ones": lambda rng: mixed(rng.lognormal(3, 1, N), 0, 0.3, rng),
    "fares with a few of nothing": lambda rng: mixed(rng.gamma(2, 15, N) + 4, 0, 0.02, rng),
    "orders from 20 up, or none": lambda rng: mixed(rng.uniform(20, 100, N), 0, 0.15, rng),
    "a flag": lambda rng: rng.integers(0, 2, N),
    "a sign": lambda rng: rng.integers(-1, 2, N),
    "a sign, mostly down": lambda rng: rng.choice([-1, 0, 1], N, p=[0.8, 0.1, 0.1]),
    "a grade around zero": lambda rng: rng.choice([-1, 0, 1, 2], N, p=[0.7, 0.1, 0.1, 0.1]),
    "two days": lambda rng: days(rng.choice([0, 7_305], N, p=[0.1, 0.9])),
    "packs of ten, or none": lambda rng: mixed(mixed(rng.integers(2, 15, N) * 10, 10, 0.96, rng), 0, 0.1, rng),
    "two classes": lambda rng: rng.choice([-1, 1], N),
    "a scale around zero": lambda rng: rng.integers(-2, 3, N),
    "a rating": lambda rng: rng.integers(0, 6, N),
    "normal": lambda rng: rng.normal(size=N),
    "cauchy": lambda rng: rng.standard_cauchy(N),
    "whole differences": lambda rng: np.round(rng.normal(0, 3, N)),
    "cut off above": lambda rng: np.minimum(rng.lognormal(0, 1, N), 3),
    "cut off below": lambda rng: np.maximum(rng.normal(2, 2, N), 0),
    "cut off at -1": lambda rng: np.maximum(rng.exponential(10, N) - 1, -1).round(),
    "prices": lambda rng: rng.choice([99, 199, 299, 499, 999, 1999], N),
    "prices that end in 99": lambda rng: np.round(rng.lognormal(3, 1, N)) + 0.99,
    "doses": lambda rng: rng.choice([0, 5, 10, 20, 50, 100], N),
    "shares with full and empty ones": lambda rng: mixed(mixed(rng.random(N), 0, 0.1, rng), 1, 0.1, rng),
    "two humps": lambda rng: np.where(rng.random(N) < 0.5, rng.normal(0, 1, N), rng.normal(100, 1, N)),
    "a sparse feature": lambda rng: mixed(rng.uniform(0.6, 0.8, N), 0, 0.6, rng),
    "temperatures": lambda rng: rng.normal(10, 8, N).round(1),
    "years": lambda rng: rng.integers(1990, 2020, N),
    "countries, Namibia among them": lambda rng: rng.choice(["NA", *(a + b for a in "QRSTUV" for b in "XYZW")], N),
    "plans": lambda rng: rng.choice(["none", "basic", "pro"], N),
    "strands": lambda rng: rng.choice(["+", "-"], N),
    "days": lambda rng: days(rng.integers(0, 20_000, N)),
    "days from 1970 on": lambda rng: [date(1970, 1, 1) + timedelta(days=i % 700) for i in range(N)],
}


@pytest.mark.parametrize("name", NATURAL)
def test_no_sentinel_is_seen_in_a_natural_column(name: str, rng: Rng):
    frame = pl.DataFrame({"x": pl.Series(NATURAL[name](rng))})

    seen = judged(RULES["sentinel_spike"], frame, "x")

    assert seen.holds, seen.why


# What stands for missing, its share, and the column that it hides in.
HIDDEN: dict[str, tuple[Any, float, Callable[[Rng], Any]]] = {
    "-1 among ages": (-1, 0.1, lambda rng: rng.integers(0, 80, N)),
    "-1 among lengths": (-1.0, 0.1, lambda rng: rng.gamma(4, 10, N)),
    "999 among percents": (999, 0.03, lambda rng: rng.normal(40, 10, N)),
    "-999 among temperatures": (-999, 0.02, lambda rng: rng.normal(0, 10, N)),
    "0 among heights": (0, 0.02, lambda rng: rng.normal(170, 8, N)),
    "0 among blood pressures": (0, 0.05, lambda rng: rng.normal(72, 12, N).clip(24).round()),
    "9999 among years": (9999, 0.02, lambda rng: rng.integers(1950, 2020, N)),
    "the greatest 32-bit number": (2**31 - 1, 0.01, lambda rng: rng.integers(0, 1000, N)),
    "a number of nobody's list": (777_777, 0.02, lambda rng: rng.normal(50, 3, N)),
    "unknown among colours": ("Unknown", 0.1, lambda rng: rng.choice(["red", "green", "blue"], N)),
    "unknown among yes and no": ("unknown", 0.02, lambda rng: rng.choice(["yes", "no"], N)),
    "an empty text": ("", 0.1, lambda rng: rng.choice(["red", "green", "blue"], N)),
    "none among names": ("none", 0.05, lambda rng: [f"name {number % 97}" for number in range(N)]),
    "1900-01-01 among days": (date(1900, 1, 1), 0.02, lambda rng: days(rng.integers(0, 20_000, N))),
    "1970-01-01 among days": (date(1970, 1, 1), 0.02, lambda rng: days(rng.integers(0, 20_000, N))),
    "9999-12-31 among few days": (date(9999, 12, 31), 0.02, lambda rng: days(rng.integers(0, 9, N))),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_a_value_that_stands_for_missing_is_named_with_its_share_and_the_way_out(name: str, rng: Rng):
    value, share, column = HIDDEN[name]
    values = mixed(column(rng), value, share, rng)
    frame = pl.DataFrame({"x": pl.Series(list(values))})

    seen = judged(RULES["sentinel_spike"], frame, "x")

    assert seen.holds is False
    assert seen.n_failing == sum(one == value for one in values)
    assert "if it means missing, declare missing: [" in seen.why


def test_the_sentence_about_a_sentinel_says_what_gives_it_away():
    frame = pl.DataFrame({"age": [*range(40), *range(40), *[-1] * 20]})

    seen = judged(RULES["sentinel_spike"], frame, "age")

    assert seen.why == "-1 stands in 20 of 100 values (20%): no other value is below 0; " + WAY_OUT


def test_a_declared_sentinel_is_no_longer_suspected():
    frame = pl.DataFrame({"age": [*range(40), *range(40), *[-1] * 20]})

    assert judged(RULES["sentinel_spike"], frame, "age", sentinels={"age": (-1,)}).holds is True


def test_a_value_may_be_ignored_suspected_and_tolerated():
    ages = pl.DataFrame({"age": [*range(40), *range(40), *[-1] * 20]})

    told: tuple[dict[str, Any], ...] = (
        {"ignore": [-1]},
        {"at_most": Decimal("0.2")},
        {"ignore": [-1], "suspects": [39], "at_most": Decimal("0.01")},
    )

    assert [judged(RULES["sentinel_spike"], ages, "age", **one).holds for one in told] == [True, True, True]
    assert (
        judged(RULES["sentinel_spike"], pl.DataFrame({"code": ["a"] * 9 + ["zz"] * 6}), "code", suspects=["zz"]).holds
        is False
    )


def test_instants_of_the_epoch_are_seen_in_any_zone():
    instants = [datetime(2013, 1, 1) + timedelta(minutes=17 * i) for i in range(200)] + [datetime(1970, 1, 1)] * 20
    frame = pl.DataFrame({"x": instants}).select(pl.col("x").dt.replace_time_zone("Europe/Berlin"))

    assert judged(RULES["sentinel_spike"], frame, "x").holds is False


def test_a_column_without_values_has_no_sentinel_to_judge():
    assert judged(RULES["sentinel_spike"], pl.DataFrame({"x": pl.Series([None], dtype=pl.Int64)}), "x").holds is None
