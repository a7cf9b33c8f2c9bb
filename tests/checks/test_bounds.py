"""Bounds against an oracle that compares exactly: Python's integers, fractions, dates and instants."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.checks.bounds import above, below, check_range, equals_any, fit, phrase, shown
from assay.checks.check import CannotJudge
from assay.checks.values import Between

RANGES: dict[Any, tuple[int, int]] = {
    pl.Int8: (-(2**7), 2**7 - 1),
    pl.UInt8: (0, 2**8 - 1),
    pl.Int64: (-(2**63), 2**63 - 1),
    pl.UInt64: (0, 2**64 - 1),
    pl.Int128: (-(2**127), 2**127 - 1),
    pl.UInt128: (0, 2**128 - 1),
}
EDGES = [2**k + d for k in (7, 8, 15, 31, 32, 53, 63, 64, 127, 128) for d in (-1, 0, 1)]
INTEGERS = st.sampled_from(EDGES) | st.integers(-(2**130), 2**130) | st.integers(-300, 300)
DECIMALS = st.decimals(allow_nan=False) | st.decimals(-1000, 1000, places=3)
INSTANTS = st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1))
OWN_TYPE = "write a bound of the column's type"
SAO_PAULO = ZoneInfo("America/Sao_Paulo")  # where a summer day once began at one o'clock


def answers(values: Sequence[Any], dtype: Any, bound: Any) -> dict[str, list[Any]]:
    """Return, for each way to compare, what the expressions say of the values and of a missing one after them."""
    frame = pl.DataFrame({"x": pl.Series([*values, None], dtype=dtype)})
    kind, x = frame.schema["x"], pl.col("x")
    fitted = fit(bound, kind, column="x")
    return frame.select(
        below=below(x, fitted, kind),
        at_most=below(x, fitted, kind, or_equal=True),
        above=above(x, fitted, kind),
        at_least=above(x, fitted, kind, or_equal=True),
        equal=equals_any(x, (bound,), kind, column="x"),
    ).to_dict(as_series=False)


def truth(values: Sequence[Any], bound: Any, exactly: Callable[[Any], Any]) -> dict[str, list[Any]]:
    told, seen = exactly(bound), [exactly(value) for value in values]
    return {
        "below": [*(v < told for v in seen), None],
        "at_most": [*(v <= told for v in seen), None],
        "above": [*(v > told for v in seen), None],
        "at_least": [*(v >= told for v in seen), None],
        "equal": [*(v == told for v in seen), None],
    }


def exact_number(value: Any) -> Any:
    return float(value) if not math.isfinite(value) else Fraction(value)


@given(st.data())
def test_whole_numbers_of_every_width_compare_exactly(data: st.DataObject):
    dtype = data.draw(st.sampled_from(list(RANGES)))
    low, high = RANGES[dtype]
    values = data.draw(st.lists(st.integers(low, high), min_size=1, max_size=3))
    bound = data.draw(INTEGERS | DECIMALS | st.sampled_from(values) | st.sampled_from(values).map(lambda v: v + 1))

    assert answers(values, dtype, bound) == truth(values, bound, exact_number)


@given(st.integers(0, 10), st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=3), INTEGERS | DECIMALS)
def test_decimals_of_every_scale_compare_exactly(scale: int, digits: list[int], bound: Any):
    values = [Decimal(value).scaleb(-scale) for value in digits]

    assert answers(values, pl.Decimal(30, scale), bound) == truth(values, bound, exact_number)


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=3), st.data())
def test_floats_compare_exactly_with_whole_numbers(values: list[float], data: st.DataObject):
    near = st.sampled_from(values).map(lambda v: int(v) + 1 if math.isfinite(v) else 7)
    bound = data.draw(INTEGERS | near)

    assert answers(values, pl.Float64, bound) == truth(values, bound, exact_number)


@given(st.lists(st.floats(allow_nan=False, width=32), min_size=1, max_size=3), st.data())
def test_narrow_floats_compare_exactly_with_whole_numbers(values: list[float], data: st.DataObject):
    near = st.sampled_from(values).map(lambda v: int(v) + 1 if math.isfinite(v) else 7)
    bound = data.draw(INTEGERS | near)

    assert answers(values, pl.Float32, bound) == truth(values, bound, exact_number)


@pytest.mark.parametrize("dtype", [pl.Float64, pl.Float32, pl.Float16])
def test_a_float_equals_the_decimal_that_it_was_written_as(dtype: Any):
    seen = answers([0.1], dtype, Decimal("0.1"))

    assert (seen["equal"], seen["at_most"], seen["below"]) == ([True, None], [True, None], [False, None])


@given(st.sampled_from(["ms", "us", "ns"]), st.lists(INSTANTS, min_size=1, max_size=3), st.data())
def test_instants_of_every_unit_compare_exactly_over_all_years(unit: Any, values: list[datetime], data: st.DataObject):
    kept = [v.replace(microsecond=v.microsecond // 1000 * 1000) for v in values]
    bound = data.draw(
        st.datetimes() | st.sampled_from(kept) | st.sampled_from(kept).map(lambda v: v + timedelta(microseconds=1))
    )

    assert answers(kept, pl.Datetime(unit), bound) == truth(kept, bound, lambda v: v)


@given(st.lists(INSTANTS, min_size=1, max_size=3), st.dates(date(1801, 1, 1), date(2199, 1, 1)))
def test_a_date_among_instants_is_its_whole_day(values: list[datetime], day: date):
    seen = answers([*values, datetime(day.year, day.month, day.day, 23, 59, 59, 999999)], pl.Datetime("us"), day)

    assert seen == truth([*(v.date() for v in values), day], day, lambda v: v)


@given(st.lists(INSTANTS, min_size=1, max_size=3))
def test_a_date_among_instants_with_a_zone_is_the_day_in_that_zone(values: list[datetime]):
    local = [value.replace(tzinfo=UTC).astimezone(SAO_PAULO) for value in values]
    day = local[0].date()

    assert answers(local, pl.Datetime("us", "America/Sao_Paulo"), day) == truth(
        [v.date() for v in local], day, lambda v: v
    )


def test_an_instant_compares_across_zones():
    noon = datetime(2013, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))  # 10:00 UTC

    seen = answers([noon], pl.Datetime("ms", "Asia/Tokyo"), datetime(2013, 7, 1, 10, tzinfo=UTC))

    assert (seen["equal"], seen["below"], seen["above"]) == ([True, None], [False, None], [False, None])


@pytest.mark.parametrize(
    ("value", "dtype", "bound"),
    [
        (time(9, 30), pl.Time, "09:30"),
        (time(9, 30), pl.Time, time(9, 30)),
        (timedelta(minutes=5), pl.Duration("ns"), "5m"),
        (date(2013, 1, 31), pl.Date, "2013-01-31"),
        (datetime(2013, 1, 31, 12), pl.Datetime("us"), "2013-01-31T12:00:00"),
        (7, pl.Int64, np.int64(7)),
        (0.5, pl.Float64, np.float64(0.5)),
    ],
)
def test_a_bound_may_be_written_as_text_or_come_from_numpy(value: Any, dtype: Any, bound: Any):
    assert answers([value], dtype, bound)["equal"] == [True, None]


@pytest.mark.parametrize(
    ("dtype", "bound", "message"),
    [
        (
            pl.Int64,
            "5",
            "the bound '5' is a text and the column 'age' holds integer values; write a bound of the column's type",
        ),
        (
            pl.Int64,
            True,
            "the bound true is a boolean and the column 'age' holds integer values; write a bound of the column's type",
        ),
        (
            pl.String,
            5,
            "the bound 5 is a number and the column 'age' holds text values; write a bound of the column's type",
        ),
        (
            pl.Date,
            datetime(2013, 1, 1),
            "the bound 2013-01-01T00:00:00 is an instant and the column 'age' holds date values; " + OWN_TYPE,
        ),
        (
            pl.Date,
            "soon",
            (
                "the bound 'soon' is not a date or an instant, as the column 'age' holds; "
                "write it like 2013-01-31 or 2013-01-31T12:00:00Z"
            ),
        ),
        (
            pl.Datetime("us", "UTC"),
            datetime(2013, 1, 1),
            (
                "the bound 2013-01-01T00:00:00 has no zone and the column 'age' is in UTC; "
                "write the bound with its zone, such as 2013-01-01T00:00:00Z"
            ),
        ),
        (
            pl.Datetime("us"),
            datetime(2013, 1, 1, tzinfo=UTC),
            "the bound 2013-01-01T00:00:00+00:00 has a zone and the column 'age' has none; drop the zone from the bound",
        ),
        (pl.Time, "25:00", "the bound '25:00' is not a time of day, as the column 'age' holds; write it like 09:30"),
        (
            pl.Duration("us"),
            5,
            "the bound 5 is a number and the column 'age' holds duration values; write a bound of the column's type",
        ),
        (pl.Float64, math.nan, "the bound is not a number (NaN), and nothing compares with that"),
        (
            pl.List(pl.Int64),
            1,
            "the bound 1 is a number and the column 'age' holds list values; write a bound of the column's type",
        ),
    ],
)
def test_a_bound_of_another_type_says_what_the_column_holds(dtype: Any, bound: Any, message: str):
    with pytest.raises(CannotJudge) as caught:
        fit(bound, pl.Series([], dtype=dtype).dtype, column="age")

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({}, "no bound is given; give at_least, at_most, above or below"),
        ({"at_least": 5, "at_most": 3}, "at_least 5 is more than at_most 3; nothing lies between them"),
        ({"above": 3, "below": 3}, "above 3 is not less than below 3; nothing lies between them"),
        ({"at_least": 1, "above": 2}, "give at_least or above, not both"),
        ({"at_most": 1, "below": 2}, "give at_most or below, not both"),
        ({"at_most": Decimal("nan")}, "at_most is not a number (NaN), and nothing compares with that"),
        ({"at_most": (1, 2)}, "at_most is (1, 2); expected one value"),
    ],
)
def test_a_range_that_says_nothing_is_refused(told: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=r".") as caught:
        check_range(**told)

    assert str(caught.value) == message


def test_a_range_keeps_floats_as_the_decimals_that_were_written():
    assert Between(at_least=0.1, at_most=np.float64(0.3)) == Between(at_least=Decimal("0.1"), at_most=Decimal("0.3"))


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"at_least": 0, "at_most": 120}, "between 0 and 120"),
        ({"at_least": 5, "at_most": 5}, "exactly 5"),
        ({"above": 0, "at_most": Decimal("0.5")}, "above 0 and at most 0.5"),
        ({"below": timedelta(hours=36)}, "below 1d12h"),
    ],
)
def test_a_range_reads_as_english(told: dict[str, Any], words: str):
    assert phrase(**told) == words


def test_values_are_shown_as_people_write_them():
    values = (True, "a", Decimal("1E-7"), Decimal("1E+20"), date(2013, 1, 31), time(9, 30), timedelta(minutes=90))

    assert [shown(value) for value in values] == ["true", "'a'", "1E-7", "1E+20", "2013-01-31", "09:30:00", "1h30m"]
