"""Checks of time: order, gaps, frequency, overlaps and the clock, for one entity and for many."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.checks.check import CannotJudge, Check, Context, QuestionTest
from assay.checks.times import RULES, Every, MostGap, Rising
from assay.errors import ConfigError
from checks.judging import NOON, dataset_of, judged

MIDNIGHT = datetime(2024, 1, 1)


def hours(*numbers: float | None) -> pl.DataFrame:
    """Return instants so many hours after midnight of 1 January 2024."""
    return pl.DataFrame(
        {"t": [None if n is None else MIDNIGHT + timedelta(hours=n) for n in numbers]}, schema={"t": pl.Datetime("us")}
    )


def of_two(*rows: tuple[str, float]) -> pl.DataFrame:
    return hours(*(hour for _, hour in rows)).with_columns(who=pl.Series([who for who, _ in rows], dtype=pl.String))


# Order -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_rows", [1, 2, 100])
def test_rows_that_stand_in_order_rise_without_a_question(batch_rows: int):
    outcome = judged(RULES["rising"], hours(0, 1, 1, 5), "t", batch_rows=batch_rows)

    assert (outcome.holds, outcome.n_rows, outcome.n_failing) == (True, 4, 0)


def test_a_row_that_stands_too_late_is_named_with_the_one_before_it():
    outcome = judged(RULES["rising"], hours(0, 5, 3, 4), "t")

    assert (outcome.holds, outcome.n_rows, outcome.n_failing) == (False, 4, 1)
    assert outcome.examples[0].row == 2
    assert outcome.examples[0].values == {"t": datetime(2024, 1, 1, 3)}
    assert outcome.examples[0].why == "it was 2024-01-01 05:00:00.000000 before"


def test_equal_neighbours_rise_but_not_strictly():
    assert judged(RULES["rising"], hours(0, 1, 1), "t").holds is True
    assert judged(RULES["rising"], hours(0, 1, 1), "t", strict=True).n_failing == 1


def test_falling_is_rising_the_other_way():
    assert judged(RULES["falling"], hours(3, 2, 2), "t").holds is True
    assert judged(RULES["falling"], hours(3, 2, 2), "t", strict=True).n_failing == 1
    assert judged(RULES["falling"], hours(1, 2), "t").n_failing == 1


def test_each_entity_is_in_order_by_itself():
    mixed = of_two(("a", 5), ("b", 1), ("a", 6), ("b", 2), ("b", 1))

    assert judged(RULES["rising"], mixed, "t").n_failing == 3
    outcome = judged(RULES["rising"], mixed, "t", by="who")
    assert (outcome.n_rows, outcome.n_failing) == (5, 1)
    assert outcome.examples[0].values == {"t": datetime(2024, 1, 1, 1), "who": "b"}


def test_order_is_of_the_rows_of_the_filter():
    mixed = of_two(("a", 5), ("b", 1), ("a", 6))

    outcome = judged(RULES["rising"], mixed, "t", where="who = 'a'")

    assert (outcome.holds, outcome.n_rows) == (True, 2)


def test_missing_values_neither_rise_nor_fall():
    outcome = judged(RULES["rising"], hours(0, None, 1, None), "t")

    assert (outcome.holds, outcome.n_rows) == (True, 2)


def test_a_row_without_an_entity_is_of_none():
    frame = of_two(("a", 5), ("b", 1)).with_columns(who=pl.lit(None, dtype=pl.String))

    assert judged(RULES["rising"], frame, "t", by="who").n_rows == 0


def test_numbers_rise_too_and_sentinels_are_missing():
    frame = pl.DataFrame({"n": [1, -1, 2, 3]})

    assert judged(RULES["rising"], frame, "n", sentinels={"n": (-1,)}).holds is True
    assert judged(RULES["rising"], frame, "n").n_failing == 1


@settings(max_examples=100)
@given(
    rows=st.lists(st.tuples(st.sampled_from("ab"), st.none() | st.integers(0, 3)), max_size=12), strict=st.booleans()
)
def test_rising_by_entity_counts_as_a_loop_would(rows: list[tuple[str, int | None]], strict: bool):
    frame = pl.DataFrame(
        {"who": [w for w, _ in rows], "n": [n for _, n in rows]}, schema={"who": pl.String, "n": pl.Int64}
    )

    outcome = judged(RULES["rising"], frame, "n", by=["who"], strict=strict)

    series = [[n for who, n in rows if who == one and n is not None] for one in "ab"]
    assert outcome.n_failing == sum(b < a or (strict and b == a) for one in series for a, b in pairwise(one))


# Gaps ------------------------------------------------------------------------------------------------------------------


def test_the_widest_gap_is_observed():
    outcome = judged(RULES["no_gaps"], hours(0, 1, 4, 5), "t", at_most="3h")

    assert outcome.holds is True
    assert outcome.observed is not None
    assert outcome.observed.value == "3h"


def test_gaps_are_counted_and_named():
    outcome = judged(RULES["no_gaps"], hours(0, 1, 4, 5, 9), "t", at_most="2h")

    assert (outcome.holds, outcome.n_failing) == (False, 2)
    assert outcome.why == "2 gaps are wider than 2h; the widest gap between 5 instants is 4h"
    assert [(e.row, e.why) for e in outcome.examples] == [
        (2, "3h after 2024-01-01 01:00:00.000000"), (4, "4h after 2024-01-01 05:00:00.000000"),
    ]  # fmt: skip


def test_gaps_of_rows_in_no_order_are_those_of_sorted_rows_and_it_is_said():
    outcome = judged(RULES["no_gaps"], hours(4, 1, 0, 2), "t", at_most="2h")

    assert outcome.holds is True
    assert outcome.why.endswith("the rows do not stand in order of time (2 go back) and were sorted")


def test_gaps_are_of_each_entity():
    mixed = of_two(("a", 0), ("b", 1), ("a", 2), ("b", 5))

    assert judged(RULES["no_gaps"], mixed, "t", at_most="3h").holds is True
    assert judged(RULES["no_gaps"], mixed, "t", at_most="3h", by="who").n_failing == 1


def test_gaps_are_tolerated_as_told():
    assert judged(RULES["no_gaps"], hours(0, 1, 4), "t", at_most="2h", tolerate_rows=1).holds is True


def test_one_instant_has_no_gap():
    assert judged(RULES["no_gaps"], hours(3), "t", at_most="1h", by=[]).holds is True
    assert judged(RULES["no_gaps"], hours(), "t", at_most="1h").holds is None


def test_dates_have_gaps_of_whole_days():
    days = pl.DataFrame({"t": [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 5)]})

    assert judged(RULES["no_gaps"], days, "t", at_most="2d").n_failing == 1
    assert judged(RULES["no_gaps"], days, "t", at_most="3d").holds is True
    with pytest.raises(CannotJudge, match="12h is no whole number of days"):
        judged(RULES["no_gaps"], days, "t", at_most="12h")


# Frequency -------------------------------------------------------------------------------------------------------------


def test_instants_at_a_fixed_step_are_regular():
    outcome = judged(RULES["regular"], hours(0, 1, 2, 3), "t", every="1h")

    assert (outcome.holds, outcome.n_rows, outcome.n_failing) == (True, 4, 0)


def test_missing_instants_are_counted_and_named():
    # From 0 to 6 there are 7 hours: 2, 4 and 5 are missing.
    outcome = judged(RULES["regular"], hours(0, 1, 3, 6), "t", every="1h")

    assert (outcome.holds, outcome.n_rows, outcome.n_failing) == (False, 7, 3)
    assert outcome.observed is not None
    assert outcome.observed.value == pytest.approx(3 / 7)
    assert [e.why for e in outcome.examples] == [
        "1 instant is missing after 2024-01-01 01:00:00.000000", "2 instants are missing after 2024-01-01 03:00:00.000000",
    ]  # fmt: skip
    assert outcome.why.startswith(
        "3 of 7 instants expected every 1h from 2024-01-01T00:00:00 to 2024-01-01T06:00:00 are missing"
    )


def test_missing_instants_are_tolerated_as_a_share_of_those_expected():
    assert judged(RULES["regular"], hours(0, 1, 3), "t", every="1h", tolerate_rows=1).holds is True


def test_instants_off_the_step_are_told_apart_from_missing_ones():
    outcome = judged(RULES["regular"], hours(0, 1, 2.01, 3.01), "t", every="1h")

    assert outcome.n_failing == 1
    assert "0 of 4 instants" in outcome.why
    assert "1 are off the step" in outcome.why


def test_repeated_instants_count_once_and_rows_are_sorted():
    outcome = judged(RULES["regular"], hours(2, 0, 1, 1), "t", every="1h")

    assert outcome.holds is True
    assert "1 rows repeat an instant" in outcome.why
    assert "were sorted" in outcome.why


def test_each_entity_is_regular_by_itself():
    mixed = of_two(("a", 0), ("b", 0), ("a", 2), ("b", 1))

    outcome = judged(RULES["regular"], mixed, "t", every="1h", by="who")

    assert (outcome.n_rows, outcome.n_failing) == (5, 1)


def test_a_day_is_a_day_where_the_clocks_change():
    days = pl.datetime_range(datetime(2024, 3, 25), datetime(2024, 4, 5), "1d", time_zone="Europe/Berlin", eager=True)
    clock = pl.datetime_range(datetime(2024, 3, 30), datetime(2024, 4, 1), "1h", time_zone="Europe/Berlin", eager=True)

    assert judged(RULES["regular"], days.alias("t").to_frame(), "t", every="1d").holds is True
    assert judged(RULES["regular"], clock.alias("t").to_frame(), "t", every="1h").holds is True


@settings(max_examples=100)
@given(numbers=st.lists(st.integers(0, 30), min_size=1, max_size=15))
def test_missing_instants_are_those_of_the_full_range(numbers: list[int]):
    outcome = judged(RULES["regular"], hours(*numbers), "t", every="1h")

    expected = set(range(min(numbers), max(numbers) + 1))
    assert (outcome.n_rows, outcome.n_failing) == (len(expected), len(expected - set(numbers)))


# The clock -------------------------------------------------------------------------------------------------------------


def test_the_newest_row_is_as_old_as_the_clock_says():
    frame = pl.DataFrame({"t": [NOON - timedelta(hours=30), NOON - timedelta(hours=5)]})

    outcome = judged(RULES["fresh"], frame, "t", max_age="5h")

    assert outcome.holds is True
    assert outcome.observed is not None
    assert outcome.observed.value == "5h"
    assert judged(RULES["fresh"], frame, "t", max_age="299m").holds is False


def test_instants_without_a_zone_are_taken_as_utc_and_it_is_said():
    frame = pl.DataFrame({"t": [datetime(2026, 1, 15, 11)]})

    outcome = judged(RULES["fresh"], frame, "t", max_age="1h")

    assert outcome.holds is True
    assert outcome.why == "the newest value, 2026-01-15T11:00:00, is 1h old; instants without a zone are taken as UTC"


def test_another_zone_is_another_clock():
    frame = pl.DataFrame({"t": [datetime(2026, 1, 15, 12)]}).with_columns(
        pl.col("t").dt.replace_time_zone("Europe/Berlin")
    )

    assert judged(RULES["fresh"], frame, "t", max_age="1h").holds is True
    assert judged(RULES["fresh"], frame, "t", max_age="59m").holds is False


def test_a_date_is_as_old_as_its_end():
    frame = pl.DataFrame({"t": [date(2026, 1, 14)]})

    assert judged(RULES["fresh"], frame, "t", max_age="12h").holds is True
    assert judged(RULES["fresh"], frame, "t", max_age="11h").holds is False


def test_no_row_is_neither_fresh_nor_stale():
    assert judged(RULES["fresh"], hours(), "t", max_age="1h").holds is None


def test_rows_of_the_future_are_named():
    frame = pl.DataFrame({"t": [NOON, NOON + timedelta(minutes=6)]})

    outcome = judged(RULES["no_future"], frame, "t")

    assert (outcome.n_failing, outcome.examples[0].row) == (1, 1)
    assert judged(RULES["no_future"], frame, "t", slack="5m").n_failing == 1
    assert judged(RULES["no_future"], frame, "t", slack="6m").holds is True


def test_the_future_of_dates_begins_tomorrow():
    frame = pl.DataFrame({"t": [date(2026, 1, 15), date(2026, 1, 16)]})

    assert judged(RULES["no_future"], frame, "t").examples[0].row == 1


def test_the_future_of_instants_without_a_zone_is_utcs():
    frame = pl.DataFrame({"t": [datetime(2026, 1, 15, 12), datetime(2026, 1, 15, 12, 0, 1)]})

    assert judged(RULES["no_future"], frame, "t").n_failing == 1


# Intervals, zones, days, spans -------------------------------------------------------------------------------------------


def bookings(*rows: tuple[str, float, float | None]) -> pl.DataFrame:
    starts, ends = hours(*(start for _, start, _ in rows))["t"], hours(*(end for _, _, end in rows))["t"]
    return pl.DataFrame({"room": [room for room, _, _ in rows], "start": starts, "end": ends})


def test_an_interval_that_starts_before_another_has_ended_overlaps_it():
    frame = bookings(("a", 0, 10), ("a", 1, 2), ("a", 9, 11), ("b", 3, 4))

    outcome = judged(RULES["no_overlap"], frame, "start", "end", by="room")

    assert (outcome.n_rows, outcome.n_failing) == (4, 2)
    assert [e.row for e in outcome.examples] == [1, 2]
    assert judged(RULES["no_overlap"], frame, "start", "end").n_failing == 3


def test_intervals_may_touch():
    assert judged(RULES["no_overlap"], bookings(("a", 0, 1), ("a", 1, 2)), "start", "end", by="room").holds is True


def test_an_interval_that_ends_before_it_starts_is_named():
    outcome = judged(RULES["no_overlap"], bookings(("a", 5, 4)), "start", "end", by="room")

    assert outcome.examples[0].why == "it ends before it starts"


def test_an_interval_without_an_end_is_not_judged():
    assert judged(RULES["no_overlap"], bookings(("a", 0, None), ("a", 1, 2)), "start", "end", by="room").n_rows == 1


def test_overlaps_are_of_two_columns_of_one_type():
    with pytest.raises(CannotJudge, match="two columns"):
        judged(RULES["no_overlap"], bookings(), "start")
    with pytest.raises(CannotJudge, match="give both the same type"):
        judged(RULES["no_overlap"], pl.DataFrame({"start": [date(2024, 1, 1)], "end": [MIDNIGHT]}), "start", "end")


def test_a_zone_is_the_one_that_is_told():
    zoned = hours(0).with_columns(pl.col("t").dt.replace_time_zone("UTC"))

    assert judged(RULES["timezone"], zoned, "t", zone="UTC").holds is True
    assert judged(RULES["timezone"], zoned, "t").holds is False
    assert judged(RULES["timezone"], hours(0), "t", zone="UTC").why == "the instants have no zone"
    assert judged(RULES["timezone"], hours(0), "t").holds is True


def test_days_of_the_week_are_those_of_the_columns_zone():
    # 1 January 2024 was a Monday; at 02:00 UTC it was still Sunday in New York.
    zoned = hours(2).with_columns(pl.col("t").dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York"))

    assert judged(RULES["weekday"], hours(2), "t", days=["mon"]).holds is True
    assert judged(RULES["weekday"], zoned, "t", days=["mon"]).n_failing == 1


def test_a_span_is_the_time_from_the_first_instant_to_the_last():
    assert judged(RULES["span"], hours(5, 0, 2), "t", at_least="5h", at_most="5h").holds is True
    assert judged(RULES["span"], hours(5, 0, 2), "t", at_most="299m").holds is False
    assert judged(RULES["span"], hours(), "t", at_most="1h").holds is None


# Arguments ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "told", "message"),
    [
        ("no_gaps", {"at_most": 5}, "at_most is 5; a span of time is expected"),
        ("no_gaps", {"at_most": "0s"}, "a span above 0 is expected"),
        ("no_gaps", {"at_most": "5 minutes"}, "'5 minutes' is not a duration"),
        ("regular", {"every": "-1h"}, "a span above 0 is expected"),
        ("weekday", {"days": ["monday"]}, "'monday' is no day of the week"),
        ("span", {}, "no bound is given"),
    ],
)
def test_an_argument_that_says_nothing_is_refused(rule: str, told: dict[str, Any], message: str):
    with pytest.raises(ConfigError, match=message):
        judged(RULES[rule], hours(0), "t", **told)


def test_spans_are_equal_however_they_are_written():
    assert MostGap(at_most="90m") == MostGap(at_most=timedelta(hours=1.5))
    assert Every(every="60s", by="who") == Every(every="1m", by=("who",))
    assert Rising(by="who") == Rising(by=["who"])  # type: ignore[arg-type]


def test_quarantine_gets_the_rows_that_break_an_order_and_none_for_what_has_no_row():
    dataset = dataset_of(hours(0, 5, 3, 4))
    context = Context(dataset, dataset.schema, dataset.columns, dataset.roles, NOON)
    rows = dataset.scan().with_row_index("__row__")

    rising = RULES["rising"].plan(Check("rising", ("t",), Rising()), context)
    regular = RULES["regular"].plan(Check("regular", ("t",), Every(every="1h")), context)

    assert isinstance(rising, QuestionTest)
    assert isinstance(regular, QuestionTest)
    failing = rising.question.failing(rows, {})
    assert failing is not None
    assert failing.collect().to_series().to_list() == [2]
    assert regular.question.failing(rows, {}) is None


def test_every_rule_of_time_is_tried_here():
    text = Path(__file__).read_text(encoding="utf-8")

    assert [name for name in RULES if f'RULES["{name}"]' not in text] == []


def test_the_clock_is_told_and_not_read():
    frame = pl.DataFrame({"t": [datetime(2001, 1, 1, tzinfo=UTC)]})

    assert judged(RULES["fresh"], frame, "t", max_age="1h", now=datetime(2001, 1, 1, 1, tzinfo=UTC)).holds is True
