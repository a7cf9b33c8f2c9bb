"""The case table: what each check concludes on missing values, exact types, odd columns and wrong ones; the same on every engine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import inf, nan
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from assay.checks.judge import Inputs, judge
from assay.checks.suite import Suite, dump_suite, make_check, parse_suite
from assay.data.dataset import Dataset
from assay.data.engine import Engine
from assay.data.polars_engine import PolarsEngine

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
ENGINES: dict[str, Callable[[], Engine]] = {
    "polars": PolarsEngine,
    "polars-in-small-batches": lambda: PolarsEngine(batch_rows=2),
}
TWO_53 = 9007199254740992
D = Decimal
NEW_YORK = ZoneInfo("America/New_York")
NOON, LATER = datetime(2013, 1, 31, 12), datetime(2013, 2, 1, 0)
NOON_UTC = datetime(2013, 1, 31, 12, tzinfo=UTC)
NOON_NY = datetime(2013, 1, 31, 12, tzinfo=NEW_YORK)
DAY = date(2013, 1, 31)
ENUM = pl.Enum(["low", "high"])


class Case(NamedTuple):
    values: list[Any]
    dtype: Any
    rule: str
    told: Any
    verdict: str
    missing: tuple[Any, ...] = ()


CASES = [
    # Missing: null, NaN and declared sentinels. Checks of missing values judge them, no others do.
    Case([1.0, nan], pl.Float64, "no_missing", None, "fail"),
    Case([1.0, None], pl.Float64, "no_missing", None, "fail"),
    Case([1, -1], pl.Int64, "no_missing", None, "fail", (-1,)),
    Case([1, -1], pl.Int64, "no_missing", None, "pass"),
    Case(["a", ""], pl.String, "no_missing", None, "pass"),
    Case(["a", "n/a"], pl.Categorical, "no_missing", None, "fail", ("n/a",)),
    Case([None, None], pl.Int64, "no_missing", None, "fail"),
    Case([], pl.Int64, "no_missing", None, "inconclusive"),
    Case([None, nan], pl.Float64, "all_missing", None, "pass"),
    Case([None, 1.0], pl.Float64, "all_missing", None, "fail"),
    Case([None, None], pl.Null, "all_missing", None, "pass"),
    Case([1.0, nan, None, 2.0], pl.Float64, "missing_share", D("0.5"), "pass"),
    Case([1.0, nan, None, 2.0], pl.Float64, "missing_share", D("0.4999999999999999999"), "fail"),
    Case([1, 2, None], pl.Int64, "missing_share", D("0.3333333333333333"), "fail"),
    Case([1, 2, -1], pl.Int64, "missing_rows", 0, "fail", (-1,)),
    Case([], pl.Int64, "missing_share", 0, "inconclusive"),
    Case([1.0, nan], pl.Float64, "finite", None, "fail"),
    Case([1.0, -inf], pl.Float32, "finite", None, "fail"),
    Case([1.0, None], pl.Float64, "finite", None, "pass"),
    Case([1, 2], pl.Int64, "finite", None, "pass"),
    Case([1.0, nan], pl.Float64, "between", [0, 10], "pass"),
    Case([1.0, None], pl.Float64, "between", [0, 10], "pass"),
    Case([5, -1], pl.Int64, "between", [0, 10], "pass", (-1,)),
    Case([5, -1], pl.Int64, "between", [0, 10], "fail"),
    Case(["a", None], pl.String, "one_of", ["a", "b"], "pass"),
    Case([nan, nan], pl.Float64, "between", [0, 10], "inconclusive"),
    Case([None, None], pl.String, "one_of", ["a"], "inconclusive"),
    Case([], pl.Float64, "between", [0, 10], "inconclusive"),
    Case([], pl.String, "matches", "a+", "inconclusive"),
    Case([], pl.Int64, "row_count", {"at_least": 1}, "fail"),
    Case([], pl.Int64, "row_count", {"at_most": 5}, "pass"),
    # Ranges keep their type: no bound goes through a float on its way to a column of whole numbers or decimals.
    Case([TWO_53 + 1], pl.Int64, "between", {"at_most": TWO_53}, "fail"),
    Case([TWO_53], pl.Int64, "between", {"at_most": TWO_53}, "pass"),
    Case([2**64 - 1], pl.UInt64, "between", {"at_most": 2**64 - 2}, "fail"),
    Case([0], pl.UInt8, "between", {"at_least": -5}, "pass"),
    Case([200], pl.UInt8, "between", {"at_most": 1000}, "pass"),
    Case([100], pl.Int8, "between", {"above": 1000}, "fail"),
    Case([2**100], pl.Int128, "between", {"at_most": 2**100 - 1}, "fail"),
    Case([2**100], pl.Int128, "between", {"at_most": 2**100}, "pass"),
    Case([3], pl.Int32, "between", {"at_most": D("2.5")}, "fail"),
    Case([2], pl.Int32, "between", {"below": D("2.5")}, "pass"),
    Case([10], pl.Int64, "between", {"below": 10}, "fail"),
    Case([10], pl.Int64, "between", {"at_most": D("Infinity")}, "pass"),
    Case([float(TWO_53)], pl.Float64, "between", {"at_most": TWO_53}, "pass"),
    Case([float(TWO_53 + 4)], pl.Float64, "between", {"at_most": TWO_53 + 3}, "fail"),
    Case([0.1], pl.Float64, "between", {"at_most": D("0.1")}, "pass"),
    Case([0.1], pl.Float32, "between", {"at_most": D("0.1")}, "pass"),
    Case([0.1], pl.Float32, "between", {"below": D("0.1")}, "fail"),
    Case([inf], pl.Float64, "between", {"at_most": 10**400}, "fail"),
    Case([inf], pl.Float64, "between", {"at_least": 0}, "pass"),
    Case([-inf], pl.Float64, "between", {"at_least": 0}, "fail"),
    Case([D("1.10")], pl.Decimal(10, 2), "between", [D("1.10"), D("2.20")], "pass"),
    Case([D("1.09")], pl.Decimal(10, 2), "between", [D("1.10"), D("2.20")], "fail"),
    Case([D("1.10")], pl.Decimal(10, 2), "between", {"at_most": D("1.0999999999999999999999999999")}, "fail"),
    Case([D(10) ** 37], pl.Decimal(38, 0), "between", {"at_most": D("1.00000001")}, "fail"),
    Case([D("1.5")], pl.Decimal(4, 1), "between", {"at_most": 10**30}, "pass"),
    Case([DAY], pl.Date, "between", {"at_most": DAY}, "pass"),
    Case([DAY], pl.Date, "between", {"below": DAY}, "fail"),
    Case([NOON], pl.Datetime("us"), "between", {"at_most": DAY}, "pass"),
    Case([LATER], pl.Datetime("ns"), "between", {"at_most": DAY}, "fail"),
    Case([NOON], pl.Datetime("ms"), "between", {"at_most": NOON - timedelta(microseconds=1)}, "fail"),
    Case([NOON], pl.Datetime("ns"), "between", {"at_most": datetime(9999, 12, 31)}, "pass"),
    Case([NOON_NY], pl.Datetime("us", "America/New_York"), "between", {"at_most": NOON_UTC}, "fail"),
    Case(
        [NOON_NY], pl.Datetime("us", "America/New_York"), "between", {"at_most": NOON_UTC + timedelta(hours=5)}, "pass"
    ),
    Case([NOON_NY], pl.Datetime("us", "America/New_York"), "between", {"at_most": "2013-01-31T17:00:00Z"}, "pass"),
    Case([time(9, 30)], pl.Time, "between", ["09:00", "09:30"], "pass"),
    Case([timedelta(minutes=5)], pl.Duration("ms"), "between", {"below": "5m"}, "fail"),
    Case(["b"], pl.String, "between", ["a", "c"], "pass"),
    Case(["ä"], pl.String, "between", ["a", "c"], "fail"),
    # Sets keep their type, too.
    Case([TWO_53 + 1], pl.Int64, "one_of", [TWO_53], "fail"),
    Case([1, 2], pl.Int8, "one_of", [1, 2, 1000], "pass"),
    Case([D("1.10")], pl.Decimal(10, 2), "one_of", [D("1.1")], "pass"),
    Case([0.1], pl.Float32, "one_of", [D("0.1")], "pass"),
    Case([NOON], pl.Datetime("us"), "one_of", [NOON, LATER], "pass"),
    Case([NOON], pl.Datetime("us"), "one_of", [LATER], "fail"),
    Case([NOON_NY], pl.Datetime("us", "America/New_York"), "one_of", [NOON_UTC + timedelta(hours=5)], "pass"),
    Case([NOON], pl.Datetime("us"), "one_of", [DAY], "pass"),
    Case([DAY], pl.Date, "none_of", [DAY], "fail"),
    Case([True, False], pl.Boolean, "one_of", [True], "fail"),
    Case(["low", None], ENUM, "one_of", ["low", "unheard of"], "pass"),
    Case(["low"], pl.Categorical, "none_of", ["low"], "fail"),
    Case(["on", "no"], pl.String, "one_of", ["on", "no"], "pass"),
    Case(["1"], pl.String, "one_of", ["1"], "pass"),
    Case(["a", "b"], pl.String, "distinct_set", ["a", "b"], "pass"),
    Case(["a", "a"], pl.String, "distinct_set", ["a", "b"], "fail"),
    Case(["a", "c"], pl.String, "distinct_set", {"values": ["a", "b"], "how": "within"}, "fail"),
    Case(["a", "c"], pl.String, "distinct_set", {"values": ["a"], "how": "contains"}, "pass"),
    Case([D("1.10"), None], pl.Decimal(10, 2), "distinct_set", [D("1.1")], "pass"),
    Case([NOON_NY], pl.Datetime("us", "America/New_York"), "distinct_set", [NOON_UTC + timedelta(hours=5)], "pass"),
    Case([None], pl.String, "distinct_set", ["a"], "inconclusive"),
    Case([1, 1, None], pl.Int64, "distinct_count", [1, 1], "pass"),
    Case([1, 1, 2], pl.Int64, "distinct_share", {"at_least": D("0.7")}, "fail"),
    Case(["a", "a", "b", None], pl.String, "top_value", D("0.66"), "fail"),
    Case(["a", "a", "b"], pl.String, "top_value", {"one_of": ["a"]}, "pass"),
    Case(["USA", "usa "], pl.String, "spelling", None, "fail"),
    Case(["C", "C++", "C#"], pl.String, "spelling", None, "pass"),
    Case([D("0.10"), D("0.25")], pl.Decimal(10, 2), "multiple_of", D("0.05"), "pass"),
    Case([0.1 + 0.2, 0.3], pl.Float64, "multiple_of", D("0.1"), "pass"),
    Case([0.35], pl.Float64, "multiple_of", D("0.1"), "fail"),
    Case([7], pl.Int64, "multiple_of", D("3.5"), "pass"),
    Case([8], pl.Int64, "multiple_of", D("3.5"), "fail"),
    # Structure.
    Case([1], pl.Int64, "type_is", "integer", "pass"),
    Case([1], pl.Int64, "type_is", "Int32", "fail"),
    Case([1], pl.Float32, "type_is", "number", "pass"),
    Case([NOON_UTC], pl.Datetime("us", "UTC"), "type_is", "Datetime('us', 'UTC')", "pass"),
    Case([NOON_UTC], pl.Datetime("us", "UTC"), "type_is", "Datetime('ns', 'UTC')", "fail"),
    Case([NOON], pl.Datetime("us"), "type_is", ["date", "datetime"], "pass"),
    Case([], pl.Int64, "type_is", "integer", "pass"),
    Case([1], pl.Int64, "required", None, "pass"),
    Case([1, 1], pl.Int64, "not_constant", None, "fail"),
    Case([1, None], pl.Int64, "not_constant", None, "inconclusive"),
    Case(["a", "b"], pl.Categorical, "not_constant", None, "pass"),
    # Text.
    Case(["ab", None], pl.String, "matches", "[a-c]+", "pass"),
    Case(["abd"], pl.String, "matches", "[a-c]+", "fail"),
    Case(["abd"], pl.String, "matches", {"pattern": "[a-c]+", "anywhere": True}, "pass"),
    Case(["abd"], pl.String, "not_matches", {"pattern": "d", "anywhere": True}, "fail"),
    Case(["ab"], pl.Categorical, "matches", "ab|c", "pass"),
    Case(["a_c"], pl.String, "like", r"a\_%", "pass"),
    Case(["abc"], pl.String, "like", r"a\_%", "fail"),
    Case(["äöü"], pl.String, "length", [3, 3], "pass"),
    Case([[1, 2]], pl.List(pl.Int64), "length", {"at_most": 1}, "fail"),
    Case([b"ab"], pl.Binary, "length", [2, 2], "pass"),
    Case(["a.b"], pl.String, "contains", ".", "pass"),
    Case(["ab"], pl.String, "contains", ".", "fail"),
    Case(["AB1"], pl.String, "starts_with", {"text": ["ab", "cd"], "ignore_case": True}, "pass"),
    Case(["AB-12"], pl.String, "shapes", "A+-9+", "pass"),
    Case(["2013-02-29"], pl.String, "parses", "date", "fail"),
    Case(["2012-02-29"], pl.String, "parses", "date", "pass"),
    Case(["29.02.2012"], pl.String, "parses", {"type": "date", "format": "%d.%m.%Y"}, "pass"),
    Case(["2012-02-29T12:00:00+01:00"], pl.String, "parses", "datetime", "pass"),
    Case(["1e5", "-.5"], pl.String, "parses", "float", "pass"),
    Case(["1e5"], pl.String, "parses", "integer", "fail"),
    Case(['{"a": [1, null]}', "null"], pl.String, "parses", "json", "pass"),
    Case(["{'a': 1}"], pl.String, "parses", "json", "fail"),
    Case(["a@b.org"], pl.String, "looks_like", "email", "pass"),
    Case(["a@b"], pl.String, "looks_like", "email", "fail"),
    Case(["call 4111 1111 1111 1111"], pl.String, "no_pii", None, "fail"),
    Case(["call 4111 1111 1111 1112"], pl.String, "no_pii", ["card"], "pass"),
    Case(["FranÃ§ois"], pl.String, "clean_text", None, "fail"),
    Case(["François"], pl.String, "clean_text", None, "pass"),
    # A check that cannot apply is an error: never a pass, never run on the text of a number.
    Case([1], pl.Int64, "matches", ".*", "error"),
    Case([1], pl.Int64, "looks_like", "hex", "error"),
    Case([1], pl.Int64, "between", {"at_most": "5"}, "error"),
    Case(["1"], pl.String, "between", {"at_most": 5}, "error"),
    Case([1], pl.Int64, "between", {"at_most": True}, "error"),
    Case([True], pl.Boolean, "between", [0, 1], "error"),
    Case([True], pl.Boolean, "one_of", [1], "error"),
    Case([DAY], pl.Date, "between", {"at_most": NOON}, "error"),
    Case([NOON], pl.Datetime("us"), "between", {"at_most": NOON_UTC}, "error"),
    Case([NOON_UTC], pl.Datetime("us", "UTC"), "between", {"at_most": NOON}, "error"),
    Case(["low"], ENUM, "between", ["high", "low"], "error"),
    Case(["a"], pl.String, "finite", None, "error"),
    Case([[1]], pl.List(pl.Int64), "one_of", [1], "error"),
    Case([{"a": 1}], pl.Struct({"a": pl.Int64}), "between", [0, 1], "error"),
    Case(["a"], pl.String, "outliers", D("0.01"), "error"),
    Case([timedelta(1)], pl.Duration, "between", {"at_most": 5}, "error"),
    Case([1], pl.Int64, "unit_change", None, "error"),
]


def judged(case: Case, suite: Suite, engine: str) -> str:
    frame = pl.DataFrame({"x": pl.Series(case.values, dtype=case.dtype)})
    dataset = Dataset("cases", "a frame", frame.lazy)
    (outcome,) = judge(suite, dataset, Inputs(now=NOW), engine=ENGINES[engine]()).outcomes
    assert outcome.why
    return outcome.verdict.value


def suite_of(case: Case) -> Suite:
    columns = () if case.rule == "row_count" else ("x",)
    return Suite((make_check(case.rule, columns, case.told),), missing={"x": case.missing} if case.missing else {})


def label(case: Case) -> str:
    return f"{case.rule} {case.told} on {case.values} of {case.dtype}"[:100]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES, ids=label)
def test_a_case_gives_its_verdict(case: Case, engine: str):
    assert judged(case, suite_of(case), engine) == case.verdict


@pytest.mark.parametrize("case", CASES, ids=label)
def test_a_case_written_as_yaml_gives_the_same_verdict(case: Case):
    written = parse_suite(dump_suite(suite_of(case)))

    assert judged(case, written, "polars") == case.verdict


ABSENT = tuple(
    make_check(rule, ("y",), told) for rule, told in (("between", [0, 1]), ("no_missing", None), ("type_is", "integer"))
)


@pytest.mark.parametrize(
    ("checks", "verdicts"),
    [(ABSENT, ["error"] * 3), ((make_check("required", ("y",), None), *ABSENT), ["fail", "skip", "skip", "skip"])],
    ids=["no check demands it", "a check demands it"],
)
def test_a_column_that_is_not_there_is_an_error_or_one_failure_where_it_is_demanded(checks, verdicts):
    dataset = Dataset("cases", "a frame", pl.LazyFrame({"x": [1]}).lazy)

    findings = judge(Suite(checks), dataset, Inputs(now=NOW), engine=PolarsEngine())

    assert [outcome.verdict.value for outcome in findings.outcomes] == verdicts


def test_the_table_is_as_long_as_it_claims_to_be():
    assert len(CASES) >= 150
