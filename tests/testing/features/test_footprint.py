"""What a feature may look at: the past, its look-back, its own entity; and what its rows' order may mean."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

from assay.errors import UsageError
from assay.testing.contract import ContractBroken, expect
from assay.testing.explaining import explained
from assay.testing.features.clocks import clock_of, instants, said_span
from assay.testing.features.disturbing import disturbed, holed, integer_bounds, other_values
from assay.testing.features.entities import keeps_entities_apart
from assay.testing.features.feature import feature
from assay.testing.features.future import no_future
from assay.testing.features.ground import MOST_ROWS
from assay.testing.features.lookback import looks_back, uses_window
from assay.testing.features.order import row_order
from assay.testing.rows import rows_of
from assay.verdict import Verdict
from testing.features.zoo import as_pandas, gappy, regular, rolling, rolling_days, within_store

DAYS = [date(2024, 1, day) for day in range(1, 31)]
LINE = pl.DataFrame({"day": DAYS, "sales": [float(value * value % 37) for value in range(30)]})


def of_line(expression: pl.Expr, **declared):
    return feature(lambda rows: rows.select(expression.alias("value")), name="value", time="day", **declared)


SALES = pl.col("sales")


# The future ---------------------------------------------------------------------------------------------------------------


def test_a_look_at_tomorrow_is_shown_by_two_rows_the_changed_cell_and_the_value_before_and_after():
    seen = no_future(of_line(SALES.shift(-1)), LINE)

    changed, must_stay = sorted(seen.examples, key=lambda row: row.why)
    assert seen.verdict is Verdict.FAIL
    assert (changed.why, must_stay.why) == ("changed", "must not move")
    assert changed.row == must_stay.row + 1
    assert changed.values["sales"] == f"{must_stay.values['before']} -> {must_stay.values['after']}"
    assert "which is 1 day earlier" in seen.why
    assert "->" in explained(seen)


def test_expect_raises_with_the_rows():
    with pytest.raises(ContractBroken, match="must not move"):
        expect(no_future(of_line(SALES.shift(-1)), LINE))


def test_a_count_of_later_rows_is_seen_by_leaving_them_out():
    waiting = feature(lambda rows: rows.select(pl.len() - pl.int_range(pl.len())), name="waiting", time="day")

    seen = no_future(waiting, LINE.select("day"))

    assert seen.verdict is Verdict.FAIL
    assert seen.why.startswith("leaving out row")


def test_the_time_until_the_next_event_is_seen_by_delaying_it():
    until_next = feature(lambda rows: rows["day"].diff().shift(-1).dt.total_days(), name="until next", time="day")

    assert no_future(until_next, LINE).verdict is Verdict.FAIL


def test_a_leak_that_only_shows_where_a_value_is_null_is_found_on_data_without_nulls():
    seen = no_future(of_line(SALES.fill_null(strategy="backward") + 0.5), LINE)

    assert seen.verdict is Verdict.FAIL
    assert "made null" in seen.why


def late_rows() -> pl.DataFrame:
    known = [day + timedelta(days=9 if place % 5 == 0 else 0) for place, day in enumerate(DAYS)]
    return LINE.with_columns(known=pl.Series(known))


def known_mean(rows: pl.DataFrame) -> list[float | None]:
    """Return the mean of the sales that were known on each day, its own aside."""
    return [
        rows.filter((pl.col("day") < now) & (pl.col("known") <= now))["sales"].mean() for now in rows["day"]
    ]  # fmt: skip


def test_rows_that_were_known_late_may_not_be_looked_at_before():
    so_far = of_line(SALES.shift(1).cum_sum(), known_at="known")

    seen = no_future(so_far, late_rows())

    assert seen.verdict is Verdict.FAIL
    assert "became known" in seen.why


def test_a_mean_of_what_was_known_passes():
    assert no_future(feature(known_mean, time="day", known_at="known"), late_rows()).verdict is Verdict.PASS


def test_rows_that_all_came_at_once_are_made_late_to_see_whether_known_at_is_honoured():
    at_once = LINE.with_columns(known=pl.col("day"))

    seen = no_future(of_line(SALES.shift(1).cum_sum(), known_at="known"), at_once)

    assert seen.verdict is Verdict.FAIL
    assert "made known later" in seen.why
    assert no_future(feature(known_mean, time="day", known_at="known"), at_once).verdict is Verdict.PASS


def test_a_lag_forbids_the_rows_that_are_newer():
    yesterday, two_days_ago = (of_line(SALES.shift(days), lag="2d", order="time") for days in (1, 2))

    assert no_future(yesterday, LINE).verdict is Verdict.FAIL
    assert no_future(two_days_ago, LINE).verdict is Verdict.PASS


def test_rows_of_one_instant_have_no_future():
    seen = no_future(of_line(SALES.cum_sum()), LINE.with_columns(day=pl.lit(date(2024, 1, 1))))

    assert seen.verdict is Verdict.INCONCLUSIVE
    assert "two instants" in seen.why


def test_no_rows_are_inconclusive_and_none_given_is_a_mistake():
    assert no_future(of_line(SALES), LINE.head(0)).verdict is Verdict.INCONCLUSIVE
    with pytest.raises(UsageError, match="no rows"):
        no_future(of_line(SALES))


def test_the_sum_of_floats_that_leaves_dust_behind_is_no_leak():
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=300), "sales": rng.normal(1e6, 1.0, 300)})
    deviation = feature(
        lambda rows: rows["sales"].rolling(5).std(), name="deviation", time="day", order="time", lookback=5
    )

    assert no_future(deviation, data).verdict is Verdict.PASS
    assert looks_back(deviation, data).verdict is Verdict.PASS


def test_numbers_as_time_tell_past_from_future():
    steps = pl.DataFrame({"step": [1, 2, 3, 5, 8, 13], "sales": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]})

    assert no_future(feature(lambda rows: rows["sales"].shift(-1), time="step"), steps).verdict is Verdict.FAIL
    assert no_future(feature(lambda rows: rows["sales"].shift(1), time="step"), steps).verdict is Verdict.PASS


def test_dates_as_text_are_read_and_other_text_is_refused():
    texts = LINE.with_columns(day=pl.col("day").cast(pl.String))

    assert no_future(of_line(SALES.shift(-1)), texts).verdict is Verdict.FAIL
    with pytest.raises(UsageError, match="is text"):
        no_future(of_line(SALES), texts.with_columns(day=pl.lit("soon")))


def test_a_time_that_is_the_index_is_told_so():
    indexed = LINE.to_pandas().set_index("day")

    with pytest.raises(UsageError, match="is the index"):
        no_future(feature(lambda rows: rows["sales"], time="day"), indexed)


def test_a_function_that_crashes_on_values_far_off_is_tried_with_the_datas_own():
    codes = LINE.with_columns(code=pl.Series([place % 4 for place in range(30)]))
    ahead = feature(
        lambda rows: [[0, 10, 20, 30][code] for code in [*rows["code"].to_list()[1:], 0]], name="ahead", time="day"
    )

    assert no_future(ahead, codes.select("day", "code")).verdict is Verdict.FAIL


def test_a_function_that_crashes_is_an_error_with_its_line():
    def crashes(rows):
        if rows.height < 30:
            raise ValueError("too few")
        return rows["sales"]

    seen = no_future(feature(crashes, time="day"), LINE)

    assert seen.verdict is Verdict.ERROR
    assert "ValueError: too few (test_footprint.py:" in seen.why


def test_of_many_rows_some_are_taken():
    many = pl.DataFrame({"step": range(10 * MOST_ROWS), "sales": np.arange(10.0 * MOST_ROWS) % 97})

    seen = no_future(feature(lambda rows: rows["sales"].shift(1), time="step"), many)

    assert seen.n_rows == MOST_ROWS


def test_columns_that_are_carried_along_are_not_judged():
    only_carried = feature(lambda rows: rows, name="nothing", time="day")

    seen = no_future(only_carried, LINE)

    assert seen.verdict is Verdict.INCONCLUSIVE
    assert "declare outputs=" in seen.why


def test_declared_outputs_are_the_ones_that_are_judged():
    both = lambda rows: rows.select(good=SALES.shift(1), bad=SALES.shift(-1))  # noqa: E731

    assert no_future(feature(both, time="day", outputs="good"), LINE).verdict is Verdict.PASS
    assert no_future(feature(both, time="day", outputs="bad"), LINE).verdict is Verdict.FAIL
    with pytest.raises(UsageError, match="returns no column 'other'"):
        no_future(feature(both, time="day", outputs="other"), LINE)


# The look-back ------------------------------------------------------------------------------------------------------------


def test_a_window_of_eight_rows_breaks_a_look_back_of_seven():
    seen = looks_back(of_line(SALES.rolling_mean(8, min_samples=1), lookback=7), LINE)

    assert seen.verdict is Verdict.FAIL
    assert "the 8th row back" in seen.why
    assert len(seen.examples) == 8


def test_seven_rows_are_seven_days_only_without_a_gap():
    seven_rows = SALES.rolling_mean(7, min_samples=1)

    assert looks_back(of_line(seven_rows, lookback=7), LINE).verdict is Verdict.PASS
    seen = looks_back(of_line(seven_rows, lookback="7d"), LINE)
    assert seen.verdict is Verdict.FAIL
    assert "with gaps made in time" in seen.why
    assert "where no day is missing" in seen.note


def test_the_end_of_the_look_back_is_open_unless_it_is_declared_closed():
    both_ends = SALES.rolling_mean_by("day", "7d", closed="both")

    assert looks_back(of_line(both_ends, lookback="7d"), LINE).verdict is Verdict.FAIL
    assert looks_back(of_line(both_ends, lookback="7d", closed="both"), LINE).verdict is Verdict.PASS


def test_data_shorter_than_the_look_back_is_inconclusive():
    seen = looks_back(of_line(SALES, lookback="90d"), LINE)

    assert seen.verdict is Verdict.INCONCLUSIVE
    assert "more than look-back of 90 days" in seen.why


def test_a_duration_needs_instants():
    with pytest.raises(UsageError, match="lookback is a duration"):
        looks_back(feature(lambda rows: rows["sales"], lookback="7d"), LINE)


def test_a_window_of_six_days_does_not_use_a_look_back_of_seven():
    seen = uses_window(of_line(SALES.rolling_mean_by("day", "6d"), lookback="7d"), LINE)

    assert seen.verdict is Verdict.FAIL
    assert seen.why.endswith("the oldest row that matters is 5 days old")


def test_a_constant_uses_nothing():
    seen = uses_window(feature(lambda rows: [1.0] * rows.height, time="day", lookback=3), LINE)

    assert seen.why.endswith("no row of the look-back matters, its own among them")


@pytest.mark.parametrize("window", ["max", "min", "median", "sum", "std"])
def test_each_kind_of_window_uses_its_oldest_row(window):
    rolled = getattr(SALES, f"rolling_{window}_by")("day", "5d")

    assert uses_window(of_line(rolled, lookback="5d"), LINE).verdict is Verdict.PASS


def test_a_count_of_rows_uses_its_oldest_row():
    counted = feature(
        lambda rows: rows.rolling("day", period="5d").agg(n=pl.len())["n"],
        name="counted",
        time="day",
        lookback="5d",
        order="time",
    )

    assert uses_window(counted, LINE.select("day")).verdict is Verdict.PASS


def test_rows_a_week_apart_have_nothing_at_the_edge_of_three_days():
    weekly = LINE.gather_every(7)

    seen = uses_window(of_line(SALES.rolling_mean_by("day", "3d"), lookback="3d"), weekly)

    assert seen.verdict is Verdict.INCONCLUSIVE


# Entities and order -------------------------------------------------------------------------------------------------------


def test_a_shift_that_forgets_the_group_is_shown_by_two_rows():
    shifted = feature(lambda rows: rows["sales"].shift(1), name="before", entity="store", time="date")

    seen = keeps_entities_apart(shifted, as_pandas(regular()))

    assert seen.verdict is Verdict.FAIL
    assert "which is of another store" in seen.why
    assert len(seen.examples) == 2


def test_one_entity_is_inconclusive():
    one = regular().filter(store="a")

    assert (
        keeps_entities_apart(feature(lambda rows: rows["sales"], entity="store"), one).verdict is Verdict.INCONCLUSIVE
    )


def test_several_columns_may_name_an_entity():
    data = regular().with_columns(city=pl.lit("x"))
    apart = feature(lambda rows: rows.select(SALES.mean().over("city", "store")), entity=["city", "store"])

    assert keeps_entities_apart(apart, data).verdict is Verdict.PASS
    assert keeps_entities_apart(
        feature(lambda rows: rows.select(SALES - SALES.mean().over("city")), entity=["city", "store"]), data
    ).why


def test_rows_that_must_come_sorted_may_be_declared_so():
    running = within_store(lambda sales: sales.cumsum())
    unsorted = lambda rows: rows.groupby("store")["sales"].cumsum()  # noqa: E731
    data = as_pandas(gappy())

    assert row_order(feature(running, time="date", entity="store"), data).verdict is Verdict.PASS
    assert row_order(feature(unsorted, time="date", entity="store"), data).verdict is Verdict.FAIL
    assert row_order(feature(unsorted, time="date", entity="store", order="time"), data).verdict is Verdict.PASS


def test_an_order_among_rows_of_one_instant_is_told_apart():
    data = LINE.with_columns(day=pl.col("day").dt.truncate("3d"))
    ordered = feature(
        lambda rows: (
            rows.with_row_index("i").sort("day", maintain_order=True).with_columns(v=SALES.cum_sum()).sort("i")["v"]
        ),
        time="day",
    )

    seen = row_order(ordered, data)

    assert seen.verdict is Verdict.FAIL
    assert "only rows of one instant changed places" in seen.why
    assert "order='time'" in seen.note


def test_values_that_come_back_on_other_rows_are_told_so():
    stray = feature(lambda rows: rows.sort("sales")["sales"], name="stray")

    seen = row_order(stray, LINE)

    assert "the same values came back on other rows" in seen.note


def test_labels_that_are_taken_for_places_are_found():
    def by_label(rows: pd.DataFrame) -> pd.Series:
        rows = rows.assign(twice=pd.Series([2 * value for value in rows["sales"]]))  # its own labels are 0, 1, …
        return rows["twice"]

    seen = row_order(feature(by_label, order="as given"), LINE.to_pandas())

    assert seen.verdict is Verdict.FAIL
    assert seen.why.startswith("under other labels of the index (other numbers), twice of row")
    assert "labels are no places" in seen.note


def test_an_order_that_means_something_is_not_judged():
    assert row_order(feature(lambda rows: rows["sales"].cum_sum(), order="as given"), LINE).verdict is Verdict.SKIP


def test_a_column_that_is_not_there_is_named_with_the_nearest():
    with pytest.raises(UsageError, match=r"no column 'dya'; did you mean 'day'"):
        no_future(feature(lambda rows: rows["sales"], time="dya"), LINE)


# The parts ----------------------------------------------------------------------------------------------------------------


def test_ranks_of_tied_rows_are_a_range():
    clock = clock_of(
        feature(len, time="t", entity="e"),
        rows_of([{"t": t, "e": e} for t, e in [(1, "a"), (1, "a"), (0, "a"), (5, "b")]]),
    )

    first, last = clock.ranks()

    assert first.tolist() == [1, 1, 0, 0]
    assert last.tolist() == [2, 2, 0, 0]
    assert clock.tied().tolist() == [True, True, False, False]


def test_instants_count_microseconds_whatever_their_unit_and_zone():
    noon = datetime(1970, 1, 1, 12)
    kinds = [pl.Series([noon], dtype=pl.Datetime(unit)) for unit in ("ms", "us", "ns")]
    kinds.append(pl.Series([noon]).dt.replace_time_zone("UTC"))

    assert [instants(kind, "t")[0].tolist() for kind in kinds] == [[43_200_000_000]] * 4
    assert said_span(43_200_000_000) == "12 hours"


@pytest.mark.parametrize(
    "series",
    [
        pl.Series([1, 2, 3], dtype=pl.UInt8),
        pl.Series([0, 255], dtype=pl.UInt8),
        pl.Series([-128, 127], dtype=pl.Int8),
        pl.Series([5.0, None, 5.0]),
        pl.Series([True, None]),
        pl.Series(["a", "b", None]),
        pl.Series(["a"]),
        pl.Series(["a", "b"], dtype=pl.Categorical),
        pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])),
        pl.Series([date(2024, 1, 1), date(2024, 1, 2)]),
        pl.Series(["1.5", "2.5"]).cast(pl.Decimal(10, 2)),
    ],
    ids=lambda series: str(series.dtype),
)
@pytest.mark.parametrize("gentle", [False, True])
def test_every_other_value_differs_from_the_old_one(series, gentle):
    found = other_values(series, np.arange(len(series)), np.random.default_rng(0), gentle=gentle)

    if found is None:  # a single value has no other of its own
        assert gentle
        assert series.drop_nulls().n_unique() == 1
    else:
        assert not found.cast(pl.String).eq_missing(series.cast(pl.String)).any()
        assert not series.dtype.is_numeric() or found.dtype == series.dtype


def test_gentle_values_are_the_columns_own():
    series = pl.Series([3, 9, 27])

    found = other_values(series, np.arange(3), np.random.default_rng(1), gentle=True)

    assert set(found) <= {3, 9, 27}


def test_what_is_positive_stays_positive():
    rows = rows_of(pl.DataFrame({"price": np.linspace(1.0, 5.0, 200)}))

    found = disturbed(rows, np.arange(200), ["price"], np.random.default_rng(2))["price"]

    assert found.min() >= 0
    assert found.max() > 5


def test_integers_of_pandas_get_no_holes():
    rows = rows_of(pd.DataFrame({"n": range(100), "x": np.arange(100.0)}))

    made = holed(rows, ["n", "x"], np.random.default_rng(3)).frame

    assert made["n"].null_count() == 0
    assert 0 < made["x"].is_nan().sum() + made["x"].null_count() < 30


def test_integer_bounds_are_those_of_the_dtype():
    assert integer_bounds(pl.UInt8()) == (0, 255)
    assert integer_bounds(pl.Int16()) == (-32768, 32767)


def test_the_window_of_days_of_pandas_keeps_all_contracts_of_its_footprint():
    good = feature(rolling_days(), name="average", time="date", entity="store", lookback="7d", columns="sales")
    rows = feature(rolling(7), name="average", time="date", entity="store", lookback="7d", columns="sales")
    data = as_pandas(gappy())

    expect(no_future(good, data), looks_back(good, data), uses_window(good, data), keeps_entities_apart(good, data))
    assert not looks_back(rows, data)


# Windows by the clock ------------------------------------------------------------------------------------------------------

HOURS = pl.DataFrame(
    {
        "at": pl.datetime_range(datetime(2024, 1, 1, 0, 30), datetime(2024, 1, 9), "1h", eager=True),
        "n": [float(i * 7 % 11) for i in range(192)],
    }
)


def test_a_feature_of_its_own_instant_uses_its_look_back_of_one_row():
    night = feature(lambda rows: rows["at"].dt.hour() < 6, name="night", time="at", lookback=1)

    assert uses_window(night, HOURS)


def test_a_constant_uses_no_row():
    constant = feature(lambda rows: [1.0] * rows.height, name="constant", time="at", lookback=1)

    assert uses_window(constant, HOURS).verdict is Verdict.FAIL


def test_a_window_of_the_calendar_is_told_the_way_out():
    def yesterday(rows):
        day = rows.select(pl.col("at").dt.truncate("1d").dt.offset_by("1d"), "n").group_by("at").agg(pl.col("n").sum())
        return rows.select(pl.col("at").dt.truncate("1d")).join(day, on="at", how="left", maintain_order="left")["n"]

    seen = uses_window(feature(yesterday, time="at", lookback="2d"), HOURS.filter(pl.col("at").dt.hour() < 12))

    assert seen.verdict is Verdict.FAIL
    assert 'but=["uses_window"]' in seen.note


def test_a_window_that_holds_both_its_edges_is_told_to_say_so():
    def both(rows):
        return rows.select(pl.col("n").rolling_sum_by("at", window_size="6h", closed="both"))

    seen = looks_back(feature(both, time="at", lookback="6h"), HOURS)

    assert seen.verdict is Verdict.FAIL
    assert 'declare closed="both"' in seen.note
    assert looks_back(feature(both, time="at", lookback="6h", closed="both"), HOURS)
