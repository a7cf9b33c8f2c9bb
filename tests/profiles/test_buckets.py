"""Buckets of time: each row is in one, all together are the whole, and where they begin is as stated."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.data.engine import Batch
from assay.data.polars_engine import PolarsEngine
from assay.data.sources import dataset
from assay.errors import DataError, UsageError
from assay.profiles.buckets import Bucketed, History, profile_history
from assay.profiles.column import Need
from assay.profiles.kernel import Measurement, RowRule
from assay.profiles.profile import merge_profiles, profile_dataset

BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
X = Need("moments", ("x",))


def history(frame: pl.DataFrame, every: timedelta, **told: Any) -> History:
    return profile_history(
        dataset(frame, name="data"), time="at", every=every, engine=PolarsEngine(batch_rows=7), **told
    )


def rows_by_start(found: History) -> dict[datetime, int]:
    return {start: profile.rows for start, profile in found.windows}


def instants(values: list[Any], dtype: Any = pl.Datetime) -> pl.DataFrame:
    return pl.DataFrame({"at": pl.Series(values, dtype=dtype), "x": range(len(values))})


TIMES = st.datetimes(datetime(2024, 3, 25), datetime(2024, 4, 5))
ROWS = st.lists(
    st.tuples(st.none() | TIMES, st.none() | st.integers(-5, 5), st.none() | st.sampled_from("ab")), max_size=40
)


@given(ROWS, st.booleans(), st.sampled_from([HOUR, DAY, 2 * DAY, timedelta(hours=30)]))
@settings(max_examples=60)
def test_all_windows_together_are_the_profile_of_the_dated_rows(rows: list[Any], in_order: bool, every: timedelta):
    frame = pl.DataFrame(rows, schema={"at": pl.Datetime, "x": pl.Int64, "t": pl.String}, orient="row")
    frame = frame.sort("at") if in_order else frame
    edges = {"x": (-2.0, 0.0, 2.0), "at": (0.0, 2e15)}
    dated = frame.drop_nulls("at")

    found = history(frame, every, edges=edges)

    assert found.undated == frame.height - dated.height
    assert [start for start, _ in found.windows] == sorted({start for start, _ in found.windows})
    assert all(profile.rows for _, profile in found.windows)
    if dated.height:
        merged = merge_profiles([profile for _, profile in found.windows])
        whole = profile_dataset(dataset(dated, name="data"), engine=PolarsEngine(), edges=edges)
        assert merged.rows == whole.rows
        for name, column in whole.columns.items():
            for state in ("counts", "signs", "extremes", "frequent", "lengths", "patterns", "tokens", "calendar"):
                assert getattr(merged.columns[name], state) == getattr(column, state), (name, state)
            for state, part in (("histogram", "counts"), ("sizes", "counts"), ("distinct", "hashes")):
                mine, theirs = (getattr(getattr(c, state), part, None) for c in (merged.columns[name], column))
                assert np.array_equal(mine, theirs), (name, state)
            mine, theirs = merged.columns[name].moments, column.moments
            assert mine is None or (mine.n, mine.mean) == (theirs.n, pytest.approx(theirs.mean))


ZONES = st.sampled_from([None, "UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Sao_Paulo"])
EVERY = st.sampled_from(
    [timedelta(seconds=1), timedelta(seconds=90), 7 * HOUR, DAY, 5 * DAY, 7 * DAY, timedelta(hours=36, milliseconds=1)]
)


@given(st.datetimes(datetime(1965, 1, 1), datetime(2030, 1, 1)), ZONES, st.sampled_from(["ms", "us", "ns"]), EVERY)
@settings(max_examples=200)
def test_an_instant_lies_between_the_start_of_its_bucket_and_the_next(
    when: datetime, zone: str | None, unit: Any, every: timedelta
):
    series = pl.Series([when]).dt.replace_time_zone("UTC").cast(pl.Datetime(unit, "UTC"))
    instant = series.item()
    column = series.dt.convert_time_zone(zone) if zone else series.dt.replace_time_zone(None)
    bucketed = Bucketed(Measurement({"at": column.dtype}), "at", every)

    number = int(bucketed.numbers(column)[0])

    assert bucketed.start(number) <= instant < bucketed.start(number + 1)


def test_buckets_below_a_day_are_counted_from_1970_in_utc():
    found = history(instants([datetime(2024, 1, 1, 6, 59), datetime(2024, 1, 1, 7)]), 7 * HOUR)

    # From 1970 to 2024-01-01 are 19,723 days or 473,352 hours: 67,621 · 7 = 473,347, five hours before midnight.
    assert rows_by_start(found) == {
        datetime(2024, 1, 1, 2, tzinfo=UTC): 2,
    }


def test_days_begin_at_midnight_in_the_columns_zone_and_may_have_23_or_25_hours():
    hours = pl.datetime_range(
        datetime(2024, 3, 30, 23), datetime(2024, 4, 1, 21), "1h", time_zone="UTC", eager=True
    ).dt.convert_time_zone("Europe/Berlin")

    found = history(pl.DataFrame({"at": hours}), DAY)

    assert rows_by_start(found) == {
        datetime(2024, 3, 31, tzinfo=BERLIN): 23,
        datetime(2024, 4, 1, tzinfo=BERLIN): 24,
    }
    (first, _), (second, _) = found.windows
    assert second.astimezone(UTC) - first.astimezone(UTC) == timedelta(hours=23)


def test_a_midnight_that_clocks_leap_over_is_when_they_do():
    # On 4 November 2018 clocks in São Paulo went from 00:00 to 01:00, which is 03:00 UTC.
    when = pl.Series([datetime(2018, 11, 4, 12)]).dt.replace_time_zone("America/Sao_Paulo")

    ((start, _),) = history(pl.DataFrame({"at": when}), DAY).windows

    assert start.astimezone(UTC) == datetime(2018, 11, 4, 3, tzinfo=UTC)


def test_weeks_begin_on_monday():
    found = history(instants([datetime(2026, 11, 22), datetime(2026, 11, 23)]), 7 * DAY)  # a Sunday and a Monday

    assert rows_by_start(found) == {datetime(2026, 11, 16, tzinfo=UTC): 1, datetime(2026, 11, 23, tzinfo=UTC): 1}


@pytest.mark.parametrize("dtype", [pl.Datetime("ms"), pl.Datetime("us"), pl.Datetime("ns"), pl.Date()])
@pytest.mark.parametrize("every", [6 * HOUR, DAY, timedelta(hours=36)])
def test_every_unit_and_dates_fall_into_the_same_buckets(dtype: Any, every: timedelta):
    days = [date(1969, 12, 30), date(1970, 1, 1), date(2024, 2, 29), date(2024, 3, 1)]
    naive = pl.Series([datetime(day.year, day.month, day.day) for day in days], dtype=pl.Datetime("us"))

    assert rows_by_start(history(instants(naive.cast(dtype).to_list(), dtype), every)) == rows_by_start(
        history(instants(naive.to_list()), every)
    )


def test_empty_buckets_are_left_out_and_seen_in_the_instants():
    found = history(instants([datetime(2024, 1, 1), datetime(2024, 1, 4), datetime(2024, 1, 4, 5)]), DAY)

    assert rows_by_start(found) == {datetime(2024, 1, 1, tzinfo=UTC): 1, datetime(2024, 1, 4, tzinfo=UTC): 2}


def test_rows_without_a_time_are_counted_apart():
    found = history(instants([None, datetime(2024, 1, 1), None]), DAY)

    assert (found.undated, rows_by_start(found)) == (2, {datetime(2024, 1, 1, tzinfo=UTC): 1})


@pytest.mark.parametrize("values", [[], [None, None]])
def test_without_any_time_there_is_no_window(values: list[None]):
    found = history(instants(values), DAY)

    assert (found.windows, found.undated) == ((), len(values))


def test_a_time_that_stands_for_missing_is_none():
    frame = instants([datetime(1900, 1, 1), datetime(2024, 1, 1)])
    plan = Measurement(frame.schema, (X,), sentinels={"at": (datetime(1900, 1, 1),)})

    found = Bucketed(plan, "at", DAY).measure(Batch(frame, 0))

    assert (found.undated, [state.rows for state in found.measured.values()]) == (1, [1])


def test_a_window_holds_what_was_needed_and_nothing_else():
    found = history(instants([datetime(2024, 1, 1)] * 3), DAY, needs=[X, Need("histogram", ("x",), (0.0, 1.0, 2.0))])

    ((_, profile),) = found.windows
    assert list(profile.columns) == ["x"]
    assert (profile.columns["x"].moments.mean, profile.columns["x"].histogram.counts.tolist()) == (1.0, [1, 2])
    assert (profile.columns["x"].quantiles, profile.columns["x"].order, profile.columns["x"].counts.n) == (
        None,
        None,
        3,
    )


def test_all_histograms_stand_on_the_same_edges():
    found = history(instants([datetime(2024, 1, 1 + i % 5) for i in range(50)]), DAY)

    edges = {tuple(profile.columns["x"].histogram.edges.tolist()) for _, profile in found.windows}
    assert len(edges) == 1


def test_one_scan_is_enough_however_the_rows_lie():
    engine = PolarsEngine(batch_rows=7)
    frame = instants([datetime(2024, 1, 1 + i * 7 % 30) for i in range(100)])

    profile_history(dataset(frame), time="at", every=DAY, engine=engine)

    assert engine.scans == 1


@pytest.mark.parametrize("batch_rows", [10_000, 500])
def test_too_many_buckets_are_refused_in_one_batch_or_in_many(batch_rows: int):
    frame = pl.DataFrame({"at": [datetime(2024, 1, 1) + timedelta(seconds=i) for i in range(4097)]})
    engine = PolarsEngine(batch_rows=batch_rows)

    with pytest.raises(DataError, match=r"'at' lie in more than 4,096 buckets; every is 1s; give a longer `every`"):
        profile_history(dataset(frame), time="at", every=timedelta(seconds=1), engine=engine, needs=[])
    assert (
        len(
            profile_history(
                dataset(frame[:4096]), time="at", every=timedelta(seconds=1), engine=engine, needs=[]
            ).windows
        )
        == 4096
    )


def test_the_wider_the_table_the_fewer_buckets_fit():
    wide = Measurement({"at": pl.Datetime(), **{f"c{i}": pl.Int64() for i in range(63)}}, (X, *_counts(63)))

    assert Bucketed(wide, "at", DAY).limit.most == 65_536 // 64


def _counts(n: int) -> tuple[Need, ...]:
    return tuple(Need("counts", (f"c{i}",)) for i in range(n))


@pytest.mark.parametrize(
    ("time", "every", "needs", "rules", "said"),
    [
        ("when", DAY, (X,), (), "no column 'when'; there are: at, x"),
        ("x", DAY, (X,), (), "'x' holds integer values; buckets are of a column of dates or instants"),
        ("at", timedelta(milliseconds=1), (X,), (), "every is 1ms; a bucket is a second to a hundred years long"),
        ("at", timedelta(days=40_000), (X,), (), "a bucket is a second to a hundred years long"),
        ("at", DAY, (Need("order", ("at",)),), (), "leave out row rules and order"),
        ("at", DAY, (), (RowRule("r", pl.col("x") < 0),), "leave out row rules and order"),
    ],
)
def test_what_cannot_be_bucketed_is_refused_in_one_sentence(
    time: str, every: timedelta, needs: tuple[Need, ...], rules: tuple[RowRule, ...], said: str
):
    plan = Measurement({"at": pl.Datetime("us"), "x": pl.Int64()}, needs, rules)

    with pytest.raises(UsageError, match=said):
        Bucketed(plan, time, every)


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("every", [HOUR, DAY, 7 * DAY])
def test_instants_beyond_pythons_calendar_have_a_bucket_too(zone: str | None, every: timedelta):
    ends = pl.Series([-(2**63), 0, 2**63 - 1]).cast(pl.Datetime("us", zone))

    found = history(pl.DataFrame({"at": ends}), every)

    assert [profile.rows for _, profile in found.windows] == [1, 1, 1]
    assert (found.windows[0][0].year, found.windows[2][0].year) == (1, 9999)


def test_dates_beyond_pythons_calendar_have_a_bucket_too():
    ends = pl.Series([-(2**31), 0, 2**31 - 1], dtype=pl.Int32).cast(pl.Date)

    assert len(history(pl.DataFrame({"at": ends}), HOUR).windows) == 3
    assert len(history(pl.DataFrame({"at": ends}), DAY).windows) == 3


@given(st.tuples(ROWS, ROWS, ROWS))
@settings(max_examples=30)
def test_buckets_merge_in_any_grouping_and_order(chunks: tuple[list[Any], ...]):
    schema = {"at": pl.Datetime("us"), "x": pl.Int64(), "t": pl.String()}
    plan = Bucketed(Measurement(schema, (Need("frequent", ("t",)), Need("total", ("x",)))), "at", DAY)
    a, b, c = (plan.measure(Batch(pl.DataFrame(rows, schema=schema, orient="row"), 0)) for rows in chunks)

    whole = plan.measure(Batch(pl.DataFrame([row for rows in chunks for row in rows], schema=schema, orient="row"), 0))

    assert a.merge(b).merge(c) == a.merge(b.merge(c)) == c.merge(a).merge(b) == whole
    assert a.merge(plan.empty()) == plan.empty().merge(a) == a
