"""A schema is judged by the checks of a suite: one cause, one failure; each environment its own columns."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from assay.checks.judge import Inputs, judge
from assay.checks.of_schema import schema_checks, schema_suite
from assay.data.polars_engine import PolarsEngine
from assay.data.sources import dataset
from assay.errors import UsageError
from assay.profiles.infer import infer_schema
from assay.profiles.profile import profile_dataset
from assay.profiles.schema import DatasetSchema, Field, Schema
from assay.verdict import Findings, Verdict

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def judged(frame: pl.DataFrame, *, environment: str = "", **told: Any) -> Findings:
    data = dataset(frame, name="data")
    suite = schema_suite(
        Schema(datasets={"data": DatasetSchema(**told)}), "data", environment=environment, columns=data.schema
    )
    return judge(suite, data, Inputs(now=NOW), engine=PolarsEngine())


def found(findings: Findings) -> dict[tuple[str, str], str]:
    return {
        (outcome.check, outcome.subject): outcome.verdict.value
        for outcome in findings.outcomes
        if outcome.verdict is not Verdict.PASS
    }


@pytest.mark.parametrize(
    ("field", "good", "bad", "check"),
    [
        (Field(type="integer"), [1], ["1"], "type_is"),
        (Field(type="Int64"), [1], pl.Series([1], dtype=pl.Int32), "type_is"),
        (Field(missing_share_at_most=0), [1], [1, None], "no_missing"),
        (Field(missing_share_at_most=0.5), [1, None], [1, None, None], "missing_share"),
        (Field(missing_share_at_most=0, missing=(-1,)), [1, 2], [1, -1], "no_missing"),
        (Field(one_of=("a", "b")), ["a", "b", None], ["a", "c"], "one_of"),
        (Field(one_of=("a",), other_share_at_most=0.25), ["a", "a", "a", "c"], ["a", "a", "b", "c"], "one_of"),
        (Field(between=(0, 10)), [0, 10, None], [0, 11], "between"),
        (Field(above=0), [1], [0], "between"),
        (Field(between=(0, 10), missing=(99,)), [5, 99], [5, 98], "between"),
        (Field(unique=True), [1, 2], [1, 1], "unique"),
        (Field(rising=True), [1, 1, 2], [2, 1], "rising"),
        (Field(rising="strictly"), [1, 2], [1, 1], "rising"),
        (Field(matches=r"\d{5}"), ["01234"], ["0123", "01234"], "matches"),
        (Field(length=(1, 3)), ["abc"], ["abcd"], "length"),
    ],
)
def test_each_word_of_a_column_is_judged(field: Field, good: Any, bad: Any, check: str):
    assert found(judged(pl.DataFrame({"x": good}), columns={"x": field})) == {}
    assert found(judged(pl.DataFrame({"x": bad}), columns={"x": field})) == {(check, "x"): "fail"}


def test_a_column_that_is_not_there_is_one_failure():
    field = Field(type="integer", between=(0, 1), unique=True, missing_share_at_most=0)

    findings = judged(pl.DataFrame({"y": [1]}), columns={"x": field})

    assert found(findings) == {("required", "x"): "fail"}
    assert findings.exit_code == 1


def test_a_column_of_another_kind_is_one_failure():
    findings = judged(pl.DataFrame({"x": ["a"]}), columns={"x": Field(type="integer", between=(0, 1), unique=True)})

    assert found(findings) == {("type_is", "x"): "fail"}


def test_numbers_of_another_type_are_still_judged_by_their_values():
    findings = judged(pl.DataFrame({"x": [0.5, 7.0]}), columns={"x": Field(type="integer", between=(0, 1))})

    assert found(findings) == {("type_is", "x"): "fail", ("between", "x"): "fail"}


def test_an_optional_column_is_judged_only_where_it_is():
    field = Field(required=False, between=(0, 1))

    assert judged(pl.DataFrame({"x": [1], "y": [1]}), columns={"x": field, "y": Field()}).verdict is Verdict.PASS
    assert found(judged(pl.DataFrame({"x": [2]}), columns={"x": field})) == {("between", "x"): "fail"}
    assert found(judged(pl.DataFrame({"y": [2]}), columns={"x": field, "y": Field()})) == {}


@pytest.mark.parametrize(("environment", "verdict"), [("training", "fail"), ("", "fail"), ("serving", "pass")])
def test_the_label_may_be_absent_where_it_does_not_belong(environment: str, verdict: str):
    columns = {"x": Field(), "label": Field(type="boolean", not_in=("serving",))}

    assert judged(pl.DataFrame({"x": [1]}), environment=environment, columns=columns).verdict.value == verdict


def test_other_columns_are_forbidden_where_the_schema_says_so():
    columns = {"x": Field(), "label": Field(not_in=("serving",))}

    assert found(judged(pl.DataFrame({"x": [1], "z": [1]}), columns={"x": Field()}, extra_columns=False)) == {
        ("columns", "table"): "fail"
    }
    assert (
        found(
            judged(pl.DataFrame({"x": [1], "label": [1]}), environment="serving", columns=columns, extra_columns=False)
        )
        == {}
    )


def test_columns_keep_their_order_where_the_schema_says_so():
    columns = {"x": Field(), "y": Field(required=False), "z": Field()}

    assert found(judged(pl.DataFrame({"z": [1], "x": [1]}), columns=columns, ordered=True)) == {
        ("columns", "table"): "fail"
    }
    assert found(judged(pl.DataFrame({"x": [1], "z": [1]}), columns=columns, ordered=True)) == {}


def test_a_key_is_judged_where_all_of_its_columns_are():
    columns = {"a": Field(), "b": Field(not_in=("serving",))}
    twice = pl.DataFrame({"a": [1, 1], "b": [2, 2]})

    assert found(judged(twice, columns=columns, keys=(("a", "b"),))) == {("key", "a, b"): "fail"}
    assert found(judged(twice, environment="serving", columns=columns, keys=(("a", "b"),))) == {}
    assert found(judged(pl.DataFrame({"a": [1]}), columns=columns, keys=(("a", "b"),))) == {("required", "b"): "fail"}


def test_a_deprecated_column_may_go_and_only_warns_and_a_planned_one_is_not_judged():
    columns = {
        "old": Field(lifecycle="deprecated", type="integer", between=(0, 1)),
        "new": Field(lifecycle="planned", type="text"),
        "x": Field(),
    }

    assert found(judged(pl.DataFrame({"x": [1]}), columns=columns)) == {}
    assert found(judged(pl.DataFrame({"x": [1], "old": [5], "new": [5]}), columns=columns)) == {
        ("between", "old"): "warn"
    }
    assert found(judged(pl.DataFrame({"x": [1], "old": ["a"]}), columns=columns)) == {("type_is", "old"): "warn"}


def test_without_the_data_every_check_is_there():
    checks = schema_checks(DatasetSchema(columns={"x": Field(type="integer", required=False, between=(0, 1))}))

    assert [(check.rule, check.columns) for check in checks] == [("type_is", ("x",)), ("between", ("x",))]


def test_a_dataset_that_the_schema_does_not_know_is_refused():
    with pytest.raises(UsageError, match="no dataset 'c'"):
        schema_suite(Schema(datasets={"a": DatasetSchema(), "b": DatasetSchema()}), "c")


def test_what_is_inferred_holds_on_the_same_rows_and_on_the_other_half(rng: np.random.Generator):
    n = 6000
    frame = pl.DataFrame(
        {
            "id": range(n),
            "code": [f"N{i:05}" for i in range(n)],
            "size": rng.lognormal(0, 1, n),
            "share": rng.random(n),
            "score": rng.normal(50, 10, n).round(2),
            "stars": rng.integers(1, 6, n),
            "kind": rng.choice(["a", "b", "c"], n),
            "gap": [None if r < 0.03 else r for r in rng.random(n)],
            "day": [date(2020, 1, 1) + timedelta(hours=i) for i in range(n)],
            "flag": rng.random(n) < 0.2,
        }
    )
    mask = pl.Series(rng.random(n) < 0.5)
    half, rest = frame.filter(mask), frame.filter(~mask)
    schema = infer_schema(profile_dataset(dataset(half, name="data"), engine=PolarsEngine()))

    for judged_rows in (half, rest):
        findings = judged(judged_rows, columns=schema.datasets["data"].columns)
        assert found(findings) == {}
        assert len(findings.outcomes) >= 30
