"""Joins as of an instant, by event time and by the time at which a value was known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from assay.errors import UsageError
from assay.testing.features.joins import join, join_ignores_the_future, joins_as_of
from assay.verdict import Verdict

START = pd.Timestamp("2024-01-01")


def made_log(many: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(9)
    at = START + pd.to_timedelta(rng.integers(0, 60 * 24, many), unit="h")
    late = pd.to_timedelta(rng.integers(0, 72, many), unit="h")
    return pd.DataFrame(
        {"user": rng.integers(0, 10, many), "at": at, "score": rng.normal(size=many).round(3), "known": at + late}
    )


def made_rows(many: int = 50) -> pd.DataFrame:
    rng = np.random.default_rng(10)
    return pd.DataFrame(
        {"user": rng.integers(0, 10, many), "asked": START + pd.to_timedelta(rng.integers(0, 60 * 24, many), unit="h")}
    )


LOG, ROWS = made_log(), made_rows()


def as_of(rows, log, direction="backward", tolerance=None, exact=True):
    return pd.merge_asof(
        rows.sort_values("asked"), log.sort_values("at"), left_on="asked", right_on="at", by="user", direction=direction,
        tolerance=tolerance, allow_exact_matches=exact,
    )  # fmt: skip


def by_both_clocks(rows, log):
    found = []
    for row in rows.itertuples():
        known = log[(log["user"] == row.user) & (log["at"] <= row.asked) & (log["known"] <= row.asked)]
        found.append(known.sort_values(["at", "known"])["score"].iloc[-1] if len(known) else np.nan)
    return rows.assign(score=found)


def by_entity(rows, log):
    return rows.merge(log.drop_duplicates("user", keep="last"), on="user", how="left")


def declared(function, log=LOG, **settings):
    return join(function, log, entity="user", time="asked", log_time="at", columns="score", **settings)


@pytest.mark.parametrize(
    ("function", "settings"),
    [
        (as_of, {}),
        (by_both_clocks, {"known_at": "known"}),
        (lambda rows, log: as_of(rows, log, tolerance=pd.Timedelta("7D")), {"within": "7d"}),
        (lambda rows, log: as_of(rows, log, exact=False), {"strict": True}),
        (lambda rows, log: as_of(rows, log).sample(frac=1, random_state=0), {}),
    ],
)
def test_a_join_by_the_declared_clocks_passes(function, settings):
    made = declared(function, **settings)

    assert joins_as_of(made, ROWS).verdict is Verdict.PASS
    assert join_ignores_the_future(made, ROWS).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("function", "settings", "said"),
    [
        (as_of, {"known_at": "known"}, "which was known only at"),
        (lambda rows, log: as_of(rows, log, direction="nearest"), {}, "later"),
        (by_entity, {}, "later"),
    ],
)
def test_a_join_that_looks_ahead_is_caught_by_both_contracts(function, settings, said):
    made = declared(function, **settings)

    seen = joins_as_of(made, ROWS)
    assert seen.verdict is Verdict.FAIL
    assert said in seen.why
    moved = join_ignores_the_future(made, ROWS)
    assert moved.verdict is Verdict.FAIL
    assert "of the log that was not known yet moved score of row" in moved.why
    assert len(moved.examples) == 1


@pytest.mark.parametrize(
    ("function", "settings", "said"),
    [
        (as_of, {"within": "2d"}, "which is more than 2 days old"),
        (
            lambda rows, log: as_of(rows, log.assign(user=(log["user"] + 1) % 10)),
            {},
            "the log has that value only of others",
        ),
        (lambda rows, log: as_of(rows, log.sort_values("at").drop_duplicates("user")), {}, "and that of"),
        (
            lambda rows, log: as_of(rows, log).assign(score=lambda made: made["score"] * 2),
            {},
            "the log has no such value",
        ),
    ],
)
def test_a_wrong_value_is_traced_to_where_it_comes_from(function, settings, said):
    seen = joins_as_of(declared(function, **settings), ROWS)

    assert seen.verdict is Verdict.FAIL
    assert any(said in row.why for row in seen.examples)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda rows, log: rows.merge(log, on="user", how="left"), "came out more often than it went in"),
        (lambda rows, log: as_of(rows, log).iloc[1:], "came out less often than it went in"),
        (lambda rows, log: [1.0, 2.0], "2 rows came out of 50"),
    ],
)
def test_rows_that_multiply_or_vanish_are_found(function, said):
    made = declared(function)

    assert said in joins_as_of(made, ROWS).why
    assert said in join_ignores_the_future(made, ROWS).why


SMALL = [
    {"user": 1, "at": 1, "known": 1, "score": 0.1},
    {"user": 1, "at": 3, "known": 9, "score": 0.3},
    {"user": 2, "at": 2, "known": 2, "score": 0.2},
]


def table(*scores, asked=5):
    return [{"user": user, "asked": asked, "score": score} for user, score in scores]


def of_table(**settings):
    return join(None, SMALL, entity="user", time="asked", log_time="at", columns="score", **settings)


def test_a_table_that_was_made_before_is_judged_without_the_function():
    seen = joins_as_of(of_table(known_at="known"), table((1, 0.3), (2, 0.2)))

    assert (
        seen.why
        == "score of row 0 (1, 5) is 0.3 and should be 0.1: it is the value of 3, which was known only at 9 (1 of 2 rows is wrong)"
    )
    assert joins_as_of(of_table(known_at="known"), table((1, 0.1), (2, 0.2))).verdict is Verdict.PASS
    assert joins_as_of(of_table(), table((1, 0.3), (2, 0.2))).verdict is Verdict.PASS


def test_a_value_that_was_known_and_not_joined_is_found():
    seen = joins_as_of(of_table(), table((1, None), (2, 0.2)))

    assert "nothing was joined, though the value of 3 was known" in seen.why


def test_of_several_latest_rows_any_is_right():
    twice = [*SMALL, {"user": 2, "at": 2, "known": 2, "score": 0.7}]
    made = join(None, twice, entity="user", time="asked", log_time="at", columns="score")

    assert joins_as_of(made, table((2, 0.2), (2, 0.7))).verdict is Verdict.PASS
    assert joins_as_of(made, table((2, 0.9))).verdict is Verdict.FAIL


def test_rows_that_nothing_was_known_for_tell_nothing():
    assert joins_as_of(of_table(), table((1, None), asked=0)).verdict is Verdict.INCONCLUSIVE
    assert join_ignores_the_future(declared(as_of, log=LOG[:1]), ROWS[:0]).verdict is Verdict.INCONCLUSIVE


def test_a_feature_may_be_called_otherwise_in_the_result():
    renamed = [{"user": 1, "asked": 5, "risk": 0.3}]
    made = join(None, SMALL, entity="user", time="asked", log_time="at", columns={"score": "risk"})

    assert joins_as_of(made, renamed).verdict is Verdict.PASS


def test_polars_frames_are_joined_as_well():
    def joined(rows: pl.DataFrame, log: pl.DataFrame) -> pl.DataFrame:
        return rows.sort("asked").join_asof(
            log.sort("at"), left_on="asked", right_on="at", by="user", check_sortedness=False
        )

    made = declared(joined, log=pl.from_pandas(LOG))

    assert joins_as_of(made, pl.from_pandas(ROWS)).verdict is Verdict.PASS
    assert join_ignores_the_future(made, pl.from_pandas(ROWS)).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"log_time": "when"}, "no column 'when'"),
        ({"entity": "person"}, "no column 'person'"),
        ({"columns": "risk"}, "the log has no column 'risk'"),
        ({"columns": {"score": "risk"}}, "the result has no column 'risk'"),
        ({"within": "3d"}, "within is a duration"),
    ],
)
def test_a_declaration_that_does_not_fit_is_refused(settings, said):
    given = {"entity": "user", "time": "asked", "log_time": "at", "columns": "score"} | settings

    with pytest.raises(UsageError, match=said):
        joins_as_of(join(None, SMALL, **given), table((1, 0.3)))


def test_an_argument_that_is_none_of_its_is_refused():
    with pytest.raises(UsageError, match="a join has no 'ttl'"):
        join(None, SMALL, entity="user", time="asked", ttl="3d")
    with pytest.raises(UsageError, match="within:"):
        join(None, SMALL, entity="user", time="asked", within="soon")
