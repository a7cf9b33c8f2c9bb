"""A suite is judged from one scan, and no check can harm another."""

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest
from polars.io.plugins import register_io_source

from assay import Check, Suite, Verdict, column, table
from assay.checks.judge import Inputs, judge
from assay.data.polars_engine import PolarsEngine
from assay.data.sources import dataset

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def judged(frame, *checks, engine=None, others=None, stage="", missing=None):
    suite = Suite(tuple(checks), "test", missing or {})
    inputs = Inputs(
        now=NOW, others={name: dataset(other, name=name) for name, other in (others or {}).items()}, stage=stage
    )
    return judge(suite, dataset(frame), inputs, engine=engine or PolarsEngine())


def only(findings):
    (outcome,) = findings.outcomes
    return outcome


PEOPLE = pl.DataFrame(
    {"name": ["ann", "bob", "cid", None], "age": [41, 200, -1, None], "pay": [1.5, float("nan"), 2.5, 3.5]}
)


def test_an_empty_suite_is_inconclusive():
    assert judged(PEOPLE).verdict is Verdict.INCONCLUSIVE


def test_forty_checks_make_one_scan():
    engine = PolarsEngine()
    checks = [column("age").between(0, 120 + i) for i in range(20)] + [column("pay").mean(at_most=i) for i in range(20)]

    findings = judged(PEOPLE, *checks, engine=engine)

    assert len(findings.outcomes) == 40
    assert engine.scans == findings.provenance.scans == 1


def test_questions_of_uniqueness_and_foreign_keys_share_one_more_scan():
    engine = PolarsEngine()
    known = pl.DataFrame({"name": ["ann"]})

    findings = judged(
        PEOPLE, column("name").unique(), column("age").unique(), column("name").in_table(other="known"), column("age").between(0, 120),
        others={"known": known}, engine=engine,
    )  # fmt: skip

    assert [o.n_failing for o in findings.outcomes] == [0, 0, 2, 2]
    assert engine.scans == 2


def test_a_column_that_rises_is_unique_without_another_scan():
    engine = PolarsEngine()

    findings = judged(pl.DataFrame({"id": [1, 2, 5]}), column("id").unique(), engine=engine)

    assert findings.verdict is Verdict.PASS
    assert engine.scans == 1


def test_an_outcome_says_which_rows_broke_the_check():
    outcome = only(judged(PEOPLE, column("age").between(0, 120)))

    assert outcome.verdict is Verdict.FAIL
    assert (outcome.n_rows, outcome.n_failing) == (3, 2)
    assert [(e.row, e.values) for e in outcome.examples] == [(1, {"age": 200}), (2, {"age": -1})]
    assert outcome.observed is not None
    assert outcome.observed.value == pytest.approx(2 / 3)


def test_at_most_five_examples_are_shown_and_they_are_the_first():
    outcome = only(judged(pl.DataFrame({"x": [0] * 10 + [9] * 10}), column("x").between(0, 1)))

    assert outcome.n_failing == 10
    assert [e.row for e in outcome.examples] == [10, 11, 12, 13, 14]


def test_examples_are_numbered_through_batches():
    frame = pl.DataFrame({"x": list(range(100))})

    outcome = only(judged(frame, column("x").one_of(list(range(97))), engine=PolarsEngine(batch_rows=7)))

    assert [e.row for e in outcome.examples] == [97, 98, 99]


def test_a_broken_check_of_level_warn_warns():
    assert only(judged(PEOPLE, column("age").between(0, 120, level="warn"))).verdict is Verdict.WARN


@pytest.mark.parametrize(
    ("tolerance", "verdict"),
    [
        ({"tolerate_rows": 1}, Verdict.FAIL), ({"tolerate_rows": 2}, Verdict.PASS),
        ({"tolerate_share": 0.66}, Verdict.FAIL), ({"tolerate_share": 0.67}, Verdict.PASS),
    ],
)  # fmt: skip
def test_a_tolerated_number_of_rows_may_break_a_check(tolerance, verdict):
    # two of the three ages that are there break it: 0.66 of 3 is 1 row, 0.67 of 3 is 2 rows
    assert only(judged(PEOPLE, column("age").between(0, 120, **tolerance))).verdict is verdict


def test_a_filter_chooses_the_rows_that_are_judged():
    outcome = only(judged(PEOPLE, column("age").between(0, 120, where="name = 'ann' or name is null")))

    assert (outcome.n_rows, outcome.n_failing, outcome.verdict) == (1, 0, Verdict.PASS)


def test_nothing_left_to_judge_is_inconclusive():
    outcome = only(judged(PEOPLE, column("age").between(0, 120, where="name = 'zoe'")))

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.observed is not None
    assert outcome.observed.value is None


def test_a_declared_sentinel_is_missing():
    findings = judged(PEOPLE, column("age").between(0, 200), column("age").no_missing(), missing={"age": (-1,)})

    assert [(o.verdict, o.n_failing) for o in findings.outcomes] == [(Verdict.PASS, 0), (Verdict.FAIL, 2)]


def test_an_unknown_column_is_one_error_with_the_nearest_name():
    findings = judged(PEOPLE, column("aeg").between(0, 120), column("age").between(-1, 200))

    assert [o.verdict for o in findings.outcomes] == [Verdict.ERROR, Verdict.PASS]
    assert findings.outcomes[0].why == "there is no column 'aeg'; did you mean 'age'? There are: name, age, pay"


def test_a_column_that_is_gone_is_told_once_where_a_check_demands_it():
    findings = judged(PEOPLE, column("pet").required(), column("pet").no_missing(), column("pet").between(0, 1))

    assert [o.verdict for o in findings.outcomes] == [Verdict.FAIL, Verdict.SKIP, Verdict.SKIP]
    assert findings.verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("check", "why"),
    [
        (column("age").matches("^a"), "integer"),
        (column("name").between(0, 1), "number"),
        (column("age").between(0, 120, where="age >"), "age >"),
        (column("age").between(0, 120, where="aeg > 1"), "aeg"),
        (column("age").mean(at_most=1, tolerate_rows=2), "counts no failing rows"),
        (column("age").mean(at_most=1, where="age > 1"), "takes no filter"),
        (column("name").in_table(other="nowhere"), "nowhere"),
        (table().calls("missing_function"), "missing_function"),
    ],
)
def test_a_check_that_cannot_be_judged_is_an_error_and_harms_no_other(check, why):
    outcomes = {outcome.check: outcome for outcome in judged(PEOPLE, check, column("name").length(at_least=1)).outcomes}

    sound = outcomes.pop("length")
    (broken,) = outcomes.values()
    assert (broken.verdict, sound.verdict) == (Verdict.ERROR, Verdict.PASS)
    assert why in broken.why


def test_a_check_for_another_stage_is_skipped():
    skipped, sound = judged(
        PEOPLE, column("age").no_missing(only_in="train"), column("age").between(-1, 200), stage="serving"
    ).outcomes

    assert (skipped.verdict, sound.verdict) == (Verdict.SKIP, Verdict.PASS)


def test_skipped_checks_alone_are_inconclusive():
    assert judged(PEOPLE, column("age").no_missing(only_in="train"), stage="serving").verdict is Verdict.INCONCLUSIVE


def test_a_dataset_without_rows_passes_nothing_but_what_counts_rows():
    empty = PEOPLE.clear()

    findings = judged(
        empty,
        column("age").between(0, 120),
        column("name").matches("^a"),
        column("age").mean(at_most=1),
        table().row_count(at_least=1),
    )

    assert [o.verdict for o in findings.outcomes] == [Verdict.INCONCLUSIVE] * 3 + [Verdict.FAIL]


def test_a_dataset_without_columns_is_judged_too():
    assert only(judged(pl.DataFrame(), table().row_count(at_least=1))).verdict is Verdict.FAIL


def test_the_order_of_checks_is_the_order_of_outcomes():
    findings = judged(PEOPLE, column("pay").no_missing(), column("age").no_missing(), column("name").no_missing())

    assert [o.subject for o in findings.outcomes] == ["pay", "age", "name"]


def test_batches_of_any_size_give_the_same_findings():
    frame = pl.DataFrame({"x": [i % 17 for i in range(1000)], "t": [f"k{i % 5}" for i in range(1000)]})
    checks = [
        column("x").between(0, 15),
        column("x").mean(at_most=8.0),
        column("x").median(at_most=8),
        column("t").one_of(["k0", "k1"]),
        column("x").distinct_count(at_most=10),
    ]

    small, large = (judged(frame, *checks, engine=PolarsEngine(batch_rows=rows)).outcomes for rows in (13, 10_000))

    assert [(o.verdict, o.why, o.examples) for o in small] == [(o.verdict, o.why, o.examples) for o in large]


def test_scans_are_counted_as_the_source_sees_them():
    reads = []

    def source(columns, predicate, rows, size):
        reads.append(columns)
        frame = PEOPLE if columns is None else PEOPLE.select(columns)
        yield frame if predicate is None else frame.filter(predicate)

    counted = dataset(register_io_source(source, schema=PEOPLE.schema, is_pure=True))
    reads.clear()
    checks = (
        column("name", "age").key(),
        table().duplicates(at_most_rows=0),
        column("name").in_table(other="known"),
        column("age").mean(at_most=9),
    )
    inputs = Inputs(now=NOW, others={"known": dataset(pl.DataFrame({"name": ["ann"]}))})

    findings = judge(Suite(checks), counted, inputs, engine=PolarsEngine())

    assert len(reads) == findings.provenance.scans == 2


def test_a_filter_of_a_check_of_raw_values_sees_missing_values_as_missing():
    frame = pl.DataFrame({"a": [1.0, float("inf"), 2.0], "b": [float("nan"), float("nan"), -1.0]})

    outcome = only(judged(frame, column("a").finite(where="b > 0")))

    assert (outcome.verdict, outcome.n_rows) == (Verdict.INCONCLUSIVE, 0)


@pytest.mark.parametrize("values", [(-999, -99.9), (-999, "x"), (float("nan"), -999), (10**40, -999)])
def test_declared_missing_values_of_several_types_are_missing_where_they_fit(values):
    findings = judged(pl.DataFrame({"a": [1.5, -999.0]}), column("a").no_missing(), missing={"a": values})

    assert findings.outcomes[0].n_failing == 1


@pytest.mark.parametrize(
    ("missing", "why"),
    [
        ({"aeg": (-1,)}, "there is no column 'aeg'; did you mean 'age'?"),
        ({"age": ("-1",)}, "'-1' is no value of 'age', which holds Int64 values"),
    ],
)
def test_a_declared_missing_value_that_no_row_can_hold_is_an_error(missing, why):
    _, stand_in = judged(PEOPLE, column("age").between(-1, 200), missing=missing).outcomes

    assert stand_in.verdict is Verdict.ERROR
    assert stand_in.why.startswith(why)


def test_a_check_of_odd_parts_is_an_error_and_harms_no_other():
    broken, sound = judged(PEOPLE, Check("between", ("age",)), column("age").between(-1, 200)).outcomes

    assert (broken.verdict, sound.verdict) == (Verdict.ERROR, Verdict.PASS)


def test_instants_beyond_pythons_years_are_judged_and_shown_as_the_file_holds_them():
    far = pl.DataFrame({"t": pl.Series([0, 1_577_847_600_000_000]).cast(pl.Datetime("ms"))})

    outcome = only(judged(far, column("t").between(at_most=datetime(2026, 1, 1))))

    assert (outcome.verdict, outcome.n_failing) == (Verdict.FAIL, 1)
    assert outcome.examples[0].row == 1


@pytest.mark.parametrize(
    "series",
    [
        pl.Series([2**60 + i % 4 for i in range(400)], dtype=pl.Int128),
        pl.Series(
            [Decimal("12345678901234567.00") + Decimal(i % 4) / 100 for i in range(400)], dtype=pl.Decimal(20, 2)
        ),
    ],
    ids=["Int128", "Decimal"],
)
def test_wide_numbers_that_differ_in_their_last_digit_are_different(series):
    assert (
        only(judged(pl.DataFrame({"x": series}), column("x").distinct_count(at_least=4, at_most=4))).verdict
        is Verdict.PASS
    )


def test_what_counts_no_rows_tolerates_none():
    outcome = only(judged(PEOPLE, table().row_count_equals(other="known", tolerate_share=1), others={"known": PEOPLE}))

    assert outcome.verdict is Verdict.ERROR
