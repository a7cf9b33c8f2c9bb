"""A suggested suite passes on what it was made from and on fresh samples, says what a careful person would, and how it was tried."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from assay.checks.check import Check
from assay.checks.dependencies import determined
from assay.checks.judge import Inputs, judge
from assay.checks.pairs import telling
from assay.checks.suggest import suggest
from assay.checks.suite import Suite, dump_suite, make_check, parse_suite
from assay.checks.tails import poisson_most
from assay.data.dataset import Roles
from assay.data.kinds import Kind
from assay.data.polars_engine import PolarsEngine
from assay.errors import DataError
from assay.verdict import Findings, Verdict
from checks.judging import NOON, dataset_of

Rng = np.random.Generator
D = Decimal


def suggested(
    frame: pl.DataFrame,
    *,
    roles: Roles | None = None,
    now: datetime = NOON,
    seed: int = 1,
    engine: PolarsEngine | None = None,
) -> Suite:
    return suggest(
        dataset_of(frame), engine=engine or PolarsEngine(), now=now, rng=np.random.default_rng(seed), roles=roles
    )


def findings_of(suite: Suite, frame: pl.DataFrame, *, now: datetime = NOON) -> Findings:
    return judge(suite, dataset_of(frame), Inputs(now=now), engine=PolarsEngine())


def told(suite: Suite, rule: str, *columns: str) -> dict[str, Any] | None:
    """Return what a check of the suite is told, without what is left at its default; None where there is no such check."""
    found = next((check for check in suite.checks if check.rule == rule and check.columns == columns), None)
    if found is None:
        return None
    given = {name: getattr(found.arguments, name) for name in found.arguments.__struct_fields__}
    common = {"level": found.level, "tolerate_rows": found.tolerate_rows, "tolerate_share": found.tolerate_share}
    return {
        name: value for name, value in {**given, **common}.items() if value is not False and value not in (None, "", ())
    }


def rules_of(suite: Suite, column: str) -> list[str]:
    return [check.rule for check in suite.checks if check.columns == (column,)]


def noted(suite: Suite, word: str) -> str:
    return next((note for note in suite.notes if word in note), "")


# The claim: fresh samples pass ----------------------------------------------------------------------------------------


def a_batch(rng: Rng, n: int) -> pl.DataFrame:
    return pl.DataFrame({"x": rng.normal(size=n), "c": rng.choice(["a", "b", "c"], n)})


def naive(frame: pl.DataFrame) -> Suite:
    """Return what inference from the extremes gives."""
    x = frame["x"]
    return Suite((make_check("between", ("x",), [x.min(), x.max()]), make_check("one_of", ("c",), ["a", "b", "c"])))


def alarms(make: Callable[[pl.DataFrame], Suite], rng: Rng, *, n: int, references: int, batches: int) -> int:
    """Return on how many of `references` times `batches` fresh batches a suite made from a reference does not pass."""
    seen = 0
    for _ in range(references):
        suite = make(a_batch(rng, n))
        seen += sum(findings_of(suite, a_batch(rng, n)).verdict is not Verdict.PASS for _ in range(batches))
    return seen


# Stated: about 1 in 20 fresh samples of the same size, or fewer. Of 200 such batches 10 would alarm; more than 20 do with
# a probability of 0.1 %: scipy.stats.binom.sf(20, 200, 0.05) = 0.0010.
STATED = 0.05
MOST_OF_200 = int(stats.binom.isf(0.001, 200, STATED))


@pytest.mark.parametrize(("n", "references"), [(1_000, 20), (100_000, 4)])
def test_fresh_batches_alarm_no_more_often_than_is_stated(n: int, references: int, rng: Rng):
    assert noted(suggested(a_batch(rng, 1_000)), "1 in 20 fresh samples of 1,000 rows")

    assert alarms(suggested, rng, n=n, references=references, batches=200 // references) <= MOST_OF_200


def test_the_observed_extremes_would_alarm_on_most_fresh_batches(rng: Rng):
    # A new minimum or a new maximum: 1 - 1/2 · 1/2 at the least, as either side is passed half of the time.
    assert alarms(naive, rng, n=1_000, references=20, batches=10) > 100


def many_kinds(rng: Rng, n: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "amount": rng.lognormal(3, 1, n), "heavy": rng.pareto(1.5, n), "age": np.clip(rng.normal(40, 12, n), 0, None).astype(int),
            "wait": rng.exponential(5, n), "share": rng.beta(2, 5, n), "count": rng.poisson(2, n), "hour": rng.integers(0, 24, n),
            "gappy": pl.Series(rng.normal(size=n)).set(pl.Series(rng.random(n) < 0.03), None), "flag": rng.random(n) < 0.2,
            "carrier": rng.choice(["AA", "B6", "9E", "UA"], n), "rare": rng.choice(list("wxyz"), n, p=[0.5, 0.4, 0.09, 0.01]),
        }
    )  # fmt: skip


def test_skewed_heavy_and_gappy_columns_pass_on_fresh_batches_too(rng: Rng):
    seen = 0
    for _ in range(10):
        suite = suggested(many_kinds(rng, 1_000))
        seen += sum(findings_of(suite, many_kinds(rng, 1_000)).verdict is not Verdict.PASS for _ in range(20))

    assert seen <= MOST_OF_200


def test_what_is_wrong_is_found(rng: Rng):
    suite = suggested(many_kinds(rng, 2_000))
    wrong = many_kinds(rng, 500).with_columns(
        pl.col("age") * 365, pl.col("wait") - 20, pl.lit("??").alias("carrier"), (pl.col("hour") + 1).alias("hour"),
        pl.when(pl.col("gappy") > 0).then("gappy").alias("gappy"),
    )  # fmt: skip

    found = {outcome.subject for outcome in findings_of(suite, wrong).outcomes if outcome.verdict is not Verdict.PASS}

    assert found == {"age", "wait", "carrier", "hour", "gappy"}


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(0, 400))
def test_a_suite_passes_on_its_reference_and_reads_back_as_it_is(seed: int, n: int):
    frame = many_kinds(np.random.default_rng(seed), n)

    suite = suggested(frame)

    assert parse_suite(dump_suite(suite)) == suite
    assert findings_of(suite, frame).verdict in (Verdict.PASS, Verdict.WARN)


# What is said of a column ---------------------------------------------------------------------------------------------


def of_column(values: Any, *, name: str = "x", roles: Roles | None = None) -> Suite:
    return suggested(pl.DataFrame({name: values}), roles=roles)


def test_a_column_is_said_to_have_its_type_and_no_gap(rng: Rng):
    suite = of_column(rng.integers(0, 2, 300))

    assert told(suite, "type_is", "x") == {"type": "integer", "level": "fail"}
    assert rules_of(suite, "x") == ["type_is", "no_missing", "one_of"]


def test_gaps_are_bounded_above_what_chance_makes_of_them(rng: Rng):
    values = pl.Series(rng.normal(size=4_000)).set(pl.Series(np.arange(4_000) % 50 == 0), None)  # 80 of 4,000: 2 %

    at_most = told(of_column(values), "missing_share", "x")

    assert at_most is not None
    # 20 batches of 200 rows show 2 % ± 1 %; z of 1 - 0.005 is 2.6: about 0.02 + 2.6 · 0.01 and what the estimate itself may miss.
    assert D("0.04") <= at_most["at_most"] <= D("0.08")


@pytest.mark.parametrize(
    ("name", "low", "high", "expected"),
    [
        ("hour", 0, 24, (0, 23)),
        ("month", 1, 7, (1, 12)),
        ("weekday", 0, 7, (0, 6)),
        ("stars", 1, 6, (1, 5)),
        ("dep_minute", 0, 60, (0, 59)),
    ],
)
def test_whole_numbers_without_a_hole_are_a_closed_range(
    name: str, low: int, high: int, expected: tuple[int, int], rng: Rng
):
    domain = told(of_column(rng.integers(low, high, 2_000), name=name), "between", name)

    assert domain == {"at_least": expected[0], "at_most": expected[1], "level": "fail"}


def test_times_written_as_numbers_stay_on_the_clock(rng: Rng):
    clock = rng.integers(5, 24, 2_000) * 100 + rng.integers(0, 60, 2_000)

    assert told(of_column(clock, name="dep_time"), "between", "dep_time") == {
        "at_least": 0,
        "at_most": 2400,
        "level": "fail",
    }


def test_counts_do_not_go_below_zero(rng: Rng):
    domain = told(of_column(rng.poisson(8, 2_000)), "between", "x")

    assert domain is not None
    assert (domain["at_least"], domain["level"]) == (0, "warn")
    assert 22 <= domain["at_most"] <= 60  # the greatest of 2,000 is about 19


def test_a_share_lies_between_0_and_1(rng: Rng):
    assert told(of_column(rng.beta(2, 5, 2_000), name="click_rate"), "between", "click_rate") == {
        "at_least": 0,
        "at_most": 1,
        "level": "fail",
    }


def test_a_heavy_tail_may_have_some_rows_beyond_all_that_was_seen(rng: Rng):
    domain = told(of_column(rng.pareto(1.2, 5_000)), "between", "x")

    assert domain is not None
    # 2^-k below 0.05 / 10 for k = 8 rows.
    assert (domain["level"], domain["tolerate_rows"]) == ("warn", 8)


def test_words_that_are_few_and_often_are_a_set(rng: Rng):
    assert told(of_column(rng.choice(["no", "yes"], 1_000)), "one_of", "x") == {
        "values": ("no", "yes"),
        "level": "fail",
    }


def test_a_set_with_words_seen_once_tolerates_a_few_new_ones(rng: Rng):
    words = [*rng.choice(["cash", "card"], 2_000), "prcard"]

    domain = told(of_column(rng.permutation(words)), "one_of", "x")

    # One word of 2,001 rows was seen once: a fresh 2,001 rows hold about one or two new ones (Good & Turing).
    assert domain == {
        "values": ("card", "cash", "prcard"),
        "level": "warn",
        "tolerate_rows": poisson_most(2, alarm=0.005),
    }


def test_words_of_which_new_ones_keep_coming_are_no_set(rng: Rng):
    assert "one_of" not in rules_of(of_column([f"w{i}" for i in rng.zipf(1.5, 2_000)]), "x")


@pytest.mark.parametrize(
    ("make", "pattern"),
    [
        (lambda i: f"{i * 7919 % 1000:03d}", "[0-9]{3}"),
        (lambda i: chr(65 + i % 26) + chr(65 + i // 26 % 26) + chr(65 + i // 676), "[A-Z]{3}"),
        (lambda i: f"N{i * 104_729 % 90_000 + 10_000}", "[A-Z][0-9]{5}"),
        (lambda i: f"AB-{i % 977:03d}", "[A-Z]+-[0-9]+"),
        (lambda i: f"{'ABC'[i % 3]}{i % 977 + 10}" if i % 2 else f"{i % 977 + 100}", "[A-Z0-9]{3,4}"),
    ],
)
def test_short_codes_have_a_pattern(make: Callable[[int], str], pattern: str):
    codes = [make(i) for i in range(1_500)]

    assert told(of_column(codes), "matches", "x") == {"pattern": pattern, "level": "fail"}


def test_instants_written_as_text_have_to_read_as_instants():
    start = datetime(2024, 1, 1)
    texts = [f"{start + timedelta(hours=i):%Y-%m-%dT%H:%M:%SZ}" for i in range(500)]

    assert told(of_column(texts), "parses", "x") == {"type": "datetime", "level": "fail"}


def test_free_text_is_only_bounded_in_length(rng: Rng):
    texts = [" ".join(rng.choice(["der", "Hund", "und", "die", "Katze,"], 5)) for _ in range(800)]

    assert rules_of(of_column(texts), "x") == ["type_is", "no_missing", "length"]


def test_a_value_that_stands_for_missing_is_declared_and_left_out_of_the_range(rng: Rng):
    ages = np.where(rng.random(3_000) < 0.1, -999, rng.integers(18, 80, 3_000))

    suite = of_column(ages, name="age")

    assert suite.missing == {"age": (-999,)}
    assert rules_of(suite, "age")[:2] == ["type_is", "missing_share"]
    assert told(suite, "between", "age")["at_least"] >= 0  # type: ignore[index]


def test_a_key_is_unique_and_has_no_range():
    assert rules_of(of_column(np.arange(1_000)[::-1], name="id"), "id") == ["type_is", "no_missing", "unique"]


def test_a_role_of_several_columns_is_a_key(rng: Rng):
    frame = pl.DataFrame({"day": np.arange(400) // 20, "shop": np.arange(400) % 20, "sales": rng.poisson(9, 400)})

    suite = suggested(frame, roles=Roles(id=("day", "shop")))

    assert told(suite, "key", "day", "shop") == {"level": "fail"}


def test_finely_measured_values_are_no_key_though_all_differ(rng: Rng):
    assert "unique" not in rules_of(of_column(rng.integers(0, 10**15, 1_000)), "x")


def test_the_share_of_a_label_is_bounded_and_no_other_flag_is(rng: Rng):
    frame = pl.DataFrame({"label": rng.integers(0, 2, 2_000), "flag": rng.integers(0, 2, 2_000)})

    suite = suggested(frame, roles=Roles(label="label"))

    assert "mean" in rules_of(suite, "label")
    assert "mean" not in rules_of(suite, "flag")


def test_instants_in_order_rise_and_a_time_is_not_in_the_future():
    when = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=i) for i in range(600)]

    suite = suggested(pl.DataFrame({"when": when}), roles=Roles(time="when"))

    assert rules_of(suite, "when") == ["type_is", "no_missing", "no_future", "rising"]


def test_only_a_fresh_reference_says_how_fresh_data_must_be():
    when = [NOON - timedelta(minutes=i) for i in range(600)][::-1]
    frame = pl.DataFrame({"when": when})

    fresh, old = (
        suggested(frame, roles=Roles(time="when"), now=now)
        for now in (NOON + timedelta(hours=1), NOON + timedelta(days=30))
    )

    assert told(fresh, "fresh", "when") == {"max_age": timedelta(days=1), "level": "warn"}
    assert told(old, "fresh", "when") is None


# Relations ------------------------------------------------------------------------------------------------------------


def test_a_total_is_the_sum_of_its_parts(rng: Rng):
    frame = pl.DataFrame({"casual": rng.poisson(30, 500), "registered": rng.poisson(90, 500)})
    frame = frame.with_columns((pl.col("casual") + pl.col("registered")).alias("total"))

    assert told(suggested(frame), "row_sum", "casual", "registered") == {
        "total": "total",
        "tolerance": 0,
        "level": "fail",
    }


def test_a_start_is_not_after_its_end(rng: Rng):
    start = pl.Series([datetime(2025, 1, 1) + timedelta(minutes=int(m)) for m in rng.integers(0, 10_000, 500)])
    frame = pl.DataFrame(
        {"opened": start, "closed": start + pl.Series([timedelta(minutes=int(m)) for m in rng.integers(0, 600, 500)])}
    )

    assert told(suggested(frame), "compare") == {"relation": "opened <= closed", "level": "fail"}


def test_an_order_that_chance_alone_would_keep_is_not_told():
    early = [datetime(2025, 1, 1) + timedelta(minutes=i) for i in range(500)]
    late = [
        datetime(2025, 1, 1, 8, 19) + timedelta(days=i) for i in range(500)
    ]  # one minute after the first one's last

    assert told(suggested(pl.DataFrame({"early": early, "late": late})), "compare") is None


def test_an_order_that_follows_from_others_is_told_once():
    def at_most(a: str, b: str) -> Check:
        return make_check("compare", (), {"relation": f"{a} <= {b}"})

    kept = telling(
        [
            at_most("a", "b"),
            at_most("b", "c"),
            at_most("a", "c"),
            at_most("c", "d"),
            at_most("d", "c"),
            at_most("a", "d"),
            at_most("b", "d"),
        ]
    )

    assert [check.arguments.relation for check in kept] == ["c == d", "a <= b", "b <= c"]  # type: ignore[attr-defined]


def test_what_follows_from_a_key_is_told_with_it(rng: Rng):
    place = rng.integers(0, 40, 1_000)
    frame = pl.DataFrame(
        {
            "zip": [f"z{p:02d}" for p in place],
            "city": [f"city {p // 2}" for p in place],
            "state": [f"s{p // 8}" for p in place],
        }
    )

    assert determined(frame, dict.fromkeys(frame.columns, Kind.TEXT)) == [("zip", ("city", "state"))]
    assert told(suggested(frame), "determines", "zip") == {"then": ("city", "state"), "level": "warn"}


# How it was tried -----------------------------------------------------------------------------------------------------


def test_the_notes_say_how_often_it_alarmed_on_stretches_that_it_had_not_seen(rng: Rng):
    suite = suggested(a_batch(rng, 1_000))

    # None of 20: at most 1 - 0.05^(1/20) = 13.9 %, about 3 in 20.
    assert suite.notes[1] == (
        "Tried on 20 stretches of about 50 rows in the order of the file, each by a suite made from the others: "
        "none alarmed, so at most 14% of such batches should (95%; by the rule of three)."
    )
    assert (
        suite.notes[2]
        == "Tried on 6 random halves of the rows, each by a suite made from the other half: none alarmed."
    )


def test_a_set_that_changes_with_time_is_left_out_and_named():
    season = [f"season {i // 250}" for i in range(1_000)]  # each occurs in one stretch of a quarter of the rows only

    suite = suggested(pl.DataFrame({"season": season, "tenth": [f"t{i // 50}" for i in range(1_000)]}))

    assert told(suite, "one_of", "season") is not None  # five stretches of each: the others know it
    assert told(suite, "one_of", "tenth") is None
    assert "one_of of tenth (20 of " in noted(suite, "Left out")


def test_one_odd_stretch_makes_a_warning_and_is_counted():
    x = np.random.default_rng(5).random(2_000) < 0.02
    x[700:800] |= np.random.default_rng(6).random(100) < 0.5

    suite = suggested(pl.DataFrame({"x": pl.Series(np.arange(2_000.0) % 7).set(pl.Series(x), None)}))

    assert told(suite, "missing_share", "x")["level"] == "warn"  # type: ignore[index]
    assert "missing_share of x (1 of 26)" in noted(suite, "What alarmed")
    assert "1 alarmed, so 0% to 25% of such batches should" in suite.notes[1]


def test_a_value_that_a_half_had_not_seen_counts_as_an_alarm():
    words = ["*" if i == 450 else "abc"[i % 3] for i in range(1_000)]

    suite = suggested(pl.DataFrame({"word": words}))

    # One stretch, and the three halves that hold the row: their suites were made from rows without it.
    assert "one_of of word (4 of 26)" in noted(suite, "What alarmed")
    assert suite.notes[2].endswith("3 alarmed.")


def test_a_time_column_makes_the_stretches_whatever_the_order_of_the_rows(rng: Rng):
    when = [datetime(2025, 1, 1) + timedelta(hours=i) for i in range(1_000)]
    frame = pl.DataFrame({"when": when, "month": [w.strftime("%B") for w in when]}).sample(
        fraction=1.0, shuffle=True, seed=4
    )

    by_row, by_time = suggested(frame), suggested(frame, roles=Roles(time="when"))

    assert told(by_row, "one_of", "month") is not None
    assert "by when" in by_time.notes[1]
    assert "2025-01-01 to 2025-02-11" in by_time.notes[0]
    assert "rising" not in rules_of(by_time, "when")


def test_two_scans_are_enough_and_a_third_asks_for_keys(rng: Rng):
    few, keyed = PolarsEngine(), PolarsEngine()
    frame = a_batch(rng, 500)

    suggested(frame, engine=few)
    suggested(frame.with_row_index("id"), engine=keyed)

    # Without a count of the rows, one more scan counts them.
    assert (few.scans, keyed.scans) == (3, 4)


def test_the_same_seed_gives_the_same_suite(rng: Rng):
    frame = many_kinds(rng, 800)

    assert suggested(frame, seed=7) == suggested(frame, seed=7)


def test_few_rows_say_little_and_say_so():
    suite = suggested(pl.DataFrame({"a": [1, 2, 3]}))

    assert [check.rule for check in suite.checks] == ["type_is", "no_missing", "columns"]
    assert noted(suite, "Too few rows")


def test_columns_that_say_nothing_are_named(rng: Rng):
    suite = suggested(pl.DataFrame({"x": rng.normal(size=200), "empty": [None] * 200, "year": [2013] * 200}))

    assert noted(suite, "No value at all").endswith("empty.")
    assert noted(suite, "One value only").endswith("year.")


def test_a_dataset_without_columns_is_refused():
    with pytest.raises(DataError, match="there is no column"):
        suggested(pl.DataFrame())


def test_checks_stand_in_the_order_of_the_columns_and_those_of_the_table_last(rng: Rng):
    suite = suggested(many_kinds(rng, 300).with_row_index("id"))

    subjects = list(dict.fromkeys(check.subject for check in suite.checks))

    assert subjects == ["id", *many_kinds(rng, 1).columns, "table"]


def test_columns_may_have_any_name(rng: Rng):
    frame = pl.DataFrame(
        {
            "^a$": rng.normal(size=300),
            "*": rng.integers(0, 5, 300),
            "a b.c": rng.choice(["x", "ü"], 300),
            'q"q': [1.5] * 300,
            "": rng.random(300) < 0.5,
        }
    )

    suite = suggested(frame)

    assert parse_suite(dump_suite(suite)) == suite
    assert findings_of(suite, frame).verdict is Verdict.PASS
