"""The fake feature store: point-in-time joins by two clocks, online features as of the last materialization, a log."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from assay.errors import UsageError
from assay.testing.fakes.asked import asked_in_order, was_asked, was_not_asked
from assay.testing.fakes.store import FakeFeatureStore, feature_view
from assay.verdict import Verdict


def day(number: int, hour: int = 0) -> datetime:
    return datetime(2026, 1, number, hour, tzinfo=UTC)


# Entity, event time, created, value.
TRIPS = [
    (1, day(1), day(1), 10),
    (1, day(3), day(3), 30),
    (1, day(3), day(6), 31),  # a correction of January 3, written on January 6
    (1, day(5), day(9), 50),  # late: known four days after
    (2, day(2), day(2), 20),
]


def view(**settings: Any) -> Any:
    rows = pl.DataFrame(TRIPS, schema=["driver", "event_timestamp", "created", "trips"], orient="row")
    return feature_view(rows, **{"entity": "driver", "created": "created", **settings})


def store(**settings: Any) -> FakeFeatureStore:
    return FakeFeatureStore({"stats": view(**settings)})


def asked(*rows: tuple[int, datetime]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["driver", "event_timestamp"], orient="row")


@pytest.mark.parametrize(
    ("instant", "trips"),
    [
        (day(1), 10),  # at the very instant
        (day(2), 10),
        (day(4), 30),
        (day(5), 30),  # the correction and the late row are not known yet
        (day(7), 31),  # now the correction is
        (day(9), 50),
        (datetime(2025, 12, 31, tzinfo=UTC), None),
    ],
)
def test_a_value_counts_once_it_happened_and_was_known(instant: datetime, trips: int | None):
    found = store().get_historical_features(asked((1, instant)), ["stats:trips"]).to_df()

    assert found["trips"].to_list() == [trips]


def test_without_a_second_clock_a_late_row_leaks_as_in_many_a_store():
    found = store(created="").get_historical_features(asked((1, day(5))), ["stats:trips"])

    assert found.to_dict()["trips"] == [50]


def test_a_value_older_than_its_time_to_live_is_null_and_the_edge_is_inside():
    of_two_days = store(ttl="2d")

    found = of_two_days.get_historical_features(asked((2, day(4)), (2, day(4, 1))), ["stats:trips"])

    assert found.to_dict()["trips"] == [20, None]


def test_the_asked_rows_keep_their_order_their_columns_and_their_number():
    rows = asked((2, day(9)), (1, day(9)), (3, day(9)), (1, day(1))).with_columns(label=pl.Series([1, 0, 1, 0]))

    found = store().get_historical_features(rows, ["stats:trips"]).to_df()

    assert found.columns == ["driver", "event_timestamp", "label", "trips"]
    assert found["trips"].to_list() == [20, 50, None, 10]
    assert found.select("driver", "event_timestamp", "label").equals(rows)


def test_the_join_agrees_with_a_loop_over_all_rows():
    chance = np.random.default_rng(7)
    rows = [
        (int(chance.integers(4)), day(1) + timedelta(hours=int(chance.integers(100))), int(chance.integers(60)), i)
        for i in range(200)
    ]
    held = [(e, t, t + timedelta(hours=late), v) for e, t, late, v in rows]
    wanted = [(int(chance.integers(5)), day(1) + timedelta(hours=int(chance.integers(160)))) for _ in range(100)]
    frame = pl.DataFrame(held, schema=["driver", "event_timestamp", "created", "v"], orient="row")
    fake = FakeFeatureStore({"x": feature_view(frame, entity="driver", created="created", ttl="30h")})

    found = fake.get_historical_features(asked(*wanted), ["x:v"]).to_dict()["v"]

    for (entity, at), value in zip(wanted, found, strict=True):
        known = [
            (t, created, i, v)
            for i, (e, t, created, v) in enumerate(held)
            if e == entity and at - timedelta(hours=30) <= t <= at and created <= at
        ]
        assert value == (max(known)[3] if known else None)


def test_pandas_gets_pandas_and_instants_without_a_zone_are_utc():
    rows = pd.DataFrame({"driver": [1, 2], "event_timestamp": pd.to_datetime(["2026-01-04", "2026-01-04"])})

    found = store().get_historical_features(rows, ["stats:trips"]).to_df()

    assert isinstance(found, pd.DataFrame)
    assert found["trips"].tolist() == [30, 20]


def test_dates_and_texts_are_instants_too():
    fake = FakeFeatureStore({"d": feature_view([{"id": 1, "t": date(2026, 1, 2), "x": 5}], entity="id", time="t")})

    found = fake.get_historical_features([{"id": 1, "t": "2026-01-02T00:00:00Z"}], ["d:x"], time="t")

    assert found.to_dict()["x"] == [5]


def test_online_features_are_those_of_the_last_materialization():
    fake = store()
    ask = [{"driver": 1}, {"driver": 2}, {"driver": 9}]

    before = fake.get_online_features(["stats:trips"], ask).to_dict()["trips"]
    moved = fake.materialize(day(1), day(4))
    then = fake.get_online_features(["stats:trips"], ask).to_dict()["trips"]
    later = fake.materialize_incremental(day(10))
    now = fake.get_online_features(["stats:trips"], ask).to_dict()["trips"]

    assert (before, moved, then) == ([None, None, None], 2, [30, 20, None])
    assert (later, now) == (1, [50, 20, None])


def test_an_older_row_does_not_take_the_place_of_a_newer_one_online():
    fake = store()
    fake.materialize(day(1), day(10))

    fake.materialize(day(1), day(2))

    assert fake.get_online_features(["stats:trips"], [{"driver": 1}]).to_dict()["trips"] == [50]


def test_a_pushed_row_is_online_and_in_history():
    fake = store()

    fake.push("stats", [{"driver": 2, "event_timestamp": day(8), "created": day(8), "trips": 80}])

    assert fake.get_online_features(["stats:trips"], [{"driver": 2}]).to_dict()["trips"] == [80]
    assert fake.get_historical_features(asked((2, day(8))), ["stats:trips"]).to_dict()["trips"] == [80]


def test_full_names_tell_views_apart():
    fake = FakeFeatureStore({"a": view(), "b": view()})

    with pytest.raises(UsageError, match=r"two columns would be called 'trips'; ask with full_feature_names=True"):
        fake.get_historical_features(asked((1, day(4))), ["a:trips", "b:trips"])
    found = fake.get_historical_features(asked((1, day(4))), ["a:trips", "b:trips"], full_feature_names=True)

    assert found.to_polars().columns == ["driver", "event_timestamp", "a__trips", "b__trips"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda s: s.get_online_features(["stat:trips"], [{"driver": 1}]),
            "there is no feature view 'stat'; did you mean 'stats'",
        ),
        (
            lambda s: s.get_online_features(["stats:trip"], [{"driver": 1}]),
            "stats has no feature 'trip'; did you mean 'trips'",
        ),
        (lambda s: s.get_online_features(["trips"], [{"driver": 1}]), "names no view; write view:feature"),
        (lambda s: s.get_online_features(["stats:trips"], [{"id": 1}]), "the asked rows have no 'driver'"),
        (lambda s: s.get_historical_features([{"driver": 1}], ["stats:trips"]), "the asked rows have no instant"),
        (lambda s: s.get_historical_features(asked((1, day(1))), "stats:trips"), "give a list"),
        (lambda s: s.materialize(day(2), day(1)), "the first instant is the earlier one"),
        (lambda s: s.push("stats", [{"driver": 1}]), "the pushed rows have no column 'event_timestamp'"),
        (lambda s: view(entity="drivers"), "the view has no column 'drivers'; did you mean 'driver'"),
        (lambda s: view(ttl="soon"), "ttl:"),
        (
            lambda s: feature_view([{"id": 1, "t": 3}], entity="id", time="t"),
            "the column 't' holds Int64, not instants",
        ),
    ],
)
def test_what_is_not_there_is_named(call: Any, said: str):
    with pytest.raises(UsageError, match=said):
        call(store())


def test_calls_are_noted_and_errors_come_when_planned():
    fake = store()
    fake.log.fail(TimeoutError("no answer"), what="get_online_*")

    with pytest.raises(TimeoutError, match="no answer"):
        fake.get_online_features(["stats:trips"], [{"driver": 1}])
    fake.materialize(day(1), day(2))
    fake.get_online_features(["stats:trips"], [{"driver": 1}])

    assert was_asked(fake, "get_online_features", times=2)
    assert was_asked(fake, "get_online_features", answered="TimeoutError", times=1)
    assert asked_in_order(fake, ["materialize", "get_online_features"])
    assert was_not_asked(fake, "push")


def test_the_contracts_of_calls_say_what_there_was_instead():
    fake = store()
    fake.materialize(day(1), day(2))

    missing = was_asked(fake, "get_online_features")
    often = was_asked(fake, "materialize", at_least=2, at_most=3)
    unwanted = was_not_asked(fake, "mat*")
    order = asked_in_order(fake, ["materialize", "push"])
    other = was_asked(fake, "materialize", given={"end": day(3)})

    assert {each.verdict for each in (missing, often, unwanted, order, other)} == {Verdict.FAIL}
    assert missing.why == "it was asked get_online_features 0 times instead of 1 or more; it was asked materialize"
    assert often.why == "it was asked materialize once instead of 2 to 3; it was asked materialize"
    assert unwanted.why == "it was asked materialize once; it should not have been"
    assert order.why == "it was not asked push after materialize (call 1); it was asked materialize"
    assert "end=datetime.datetime(2026, 1, 3" in other.why
    assert missing.examples[0].values["asked"] == "materialize"


def test_a_wrong_question_about_calls_is_refused():
    with pytest.raises(UsageError, match="is no pattern of calls"):
        was_asked(store(), 3)
    with pytest.raises(UsageError, match="give a list of patterns"):
        asked_in_order(store(), "materialize")
    with pytest.raises(UsageError, match="at_least=2 is above at_most=1"):
        was_asked(store(), "x", at_least=2, at_most=1)
    with pytest.raises(UsageError, match="times is 0"):
        store().log.fail(OSError(), times=0)


@pytest.mark.parametrize("views", [5, {"sales": [{"id": 1}]}])
def test_a_store_takes_views_by_name(views: Any):
    with pytest.raises(UsageError, match="given no views; give them by name"):
        FakeFeatureStore(views)
