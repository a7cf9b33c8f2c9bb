from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.reports import words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2013, "2013"),
        (-9999, "-9999"),
        (10_000, "10,000"),
        (9007199254740993, "9,007,199,254,740,993"),
        (10**30, "1.000e+30"),
        (0.0, "0"),
        (0.1 + 0.2, "0.3"),
        (1234.56, "1,234.6"),
        (12345.6, "12,346"),
        (5e-324, "4.94e-324"),
        (-1e300, "-1.00e+300"),
        (float("inf"), "∞"),
        (float("-inf"), "-∞"),
        (float("nan"), "NaN"),
        (Decimal("1.10"), "1.1"),
        ("2013-01-01", "2013-01-01"),
        (None, "–"),
    ],
)
def test_a_number_is_written_as_people_read_it(value: float | int | str | Decimal | None, text: str):
    assert words.number(value) == text


def test_a_number_that_only_just_breaks_its_bound_does_not_look_equal_to_it():
    assert words.number(0.0100001, beside="at most 0.01") == "0.0100001"
    assert words.number(0.02, beside="at most 0.01") == "0.02"
    assert words.share(0.0100001, beside="at most 1%") == "1.00001%"


@given(st.floats(min_value=0, max_value=1, exclude_min=True, exclude_max=True))
def test_a_share_between_nothing_and_all_is_shown_as_neither(value: float):
    assert words.share(value) not in ("0%", "100%")


@given(st.text())
def test_clean_text_has_no_character_that_hides_or_moves_another(text: str):
    shown = words.clean(text)

    assert not set(shown) & {"\n", "\r", "\t", "\x00", "\x1b", "\x7f", "\u202e", "\u2066", "\u200b", "\ufeff", "\u2028"}


def test_two_values_that_differ_look_different():
    values = [None, "null", "", " ", "a", " a", "a ", "NaN", float("nan"), True, "true", 1, b"\x01", "a\nb", "a\\tb"]

    assert len({words.value(value) for value in values}) == len(values)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e308, "1e+308"),
        (b"\x00" * 500, "0x" + "00" * 58 + "0…"),
        ({"a": [1, None, "x"]}, "{a: [1, null, x]}"),
        (timedelta(hours=25), "1d1h"),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00+00:00"),
        (10**400, "1.000e+400"),
        ("x" * 500, "x" * 119 + "…"),
    ],
)
def test_any_value_is_one_short_line(value: object, text: str):
    assert words.value(value) == text


def test_a_long_list_names_the_first_and_counts_the_rest():
    assert words.listed([]) == ""
    assert words.listed(["a"]) == "a"
    assert words.listed([str(i) for i in range(1_500)], most=2) == "0, 1 and 1,498 more"
