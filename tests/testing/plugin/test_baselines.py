"""Baselines: what a value was is kept in a file that people read, and a difference is shown cell by cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import ConfigError, UsageError
from assay.testing.contract import ContractBroken
from assay.testing.explaining import explained
from assay.testing.plugin.baselines import Baseline
from assay.testing.plugin.differences import Tolerance, compared
from assay.testing.plugin.snapshots import parsed, snapshot, written
from assay.verdict import Estimate

pytest_plugins = ["pytester"]

SALES = pl.DataFrame(
    {"day": [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3)], "store": ["a", "b", None], "mean": [1.0, 2.5, None]}
)


def differences(before: object, now: object, **told) -> tuple[str, list, int] | None:
    """Return how a value differs from what was kept of another, by way of the file."""
    key = told.pop("key", ())
    return compared(parsed(written(snapshot(before)), file="b.json"), snapshot(now), Tolerance(**told), key=key)


KEPT = [
    SALES,
    SALES.to_pandas(),
    SALES.to_arrow(),
    SALES["mean"],
    pd.Series([1.0, 2.0], index=pd.Index(["a", "b"], name="store")),
    pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([("x", 1)], names=["s", "n"])),
    pl.DataFrame({"f": [math.nan, math.inf, -math.inf, 0.1 + 0.2], "s": ["NaN", "", "ü\n\"'", '{"float": "nan"}']}),
    pl.DataFrame(
        {"t": [datetime(2024, 3, 31, 2, tzinfo=UTC)], "l": [[1, 2]], "d": [Decimal("1.10")], "b": [b"\x00\xff"]}
    ),
    pl.DataFrame({"c": ["x", "y"]}, schema={"c": pl.Categorical}),
    pl.DataFrame(),
    pl.DataFrame({"a": pl.Series([], dtype=pl.Int64)}),
    np.arange(6.0).reshape(2, 3),
    np.array([True, False]),
    np.float32(0.1),
    3,
    0.1,
    "text",
    None,
    True,
    [],
    {},
    {"auc": 0.91, "by": {"oslo": [1, 2], "lima": []}, 3: None},
    (1, 2),
    Estimate(0.91, n=10, low=0.8, high=0.95),
    np.zeros((2, 2, 2)),
]


@pytest.mark.parametrize("value", KEPT, ids=lambda value: type(value).__name__)
def test_a_value_is_the_same_as_what_was_kept_of_it(value):
    assert differences(value, value) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    )
)
def test_whatever_is_kept_comes_back(value):
    assert parsed(written(snapshot(value)), file="b.json") == snapshot(value) or "nan" in repr(value)
    assert differences(value, value) is None


OTHER = [
    (1.0, 1.1, "1 of 1 values differs: value was 1 and is 1.1"),
    (1, 1.1, ""),
    (1, True, ""),
    (1, "1", ""),
    (0, None, ""),
    ("NaN", math.nan, ""),
    ([], {}, ""),
    ({"auc": 0.91}, {"auc": 0.87}, "1 of 1 values differs: auc was 0.91 and is 0.87"),
    ({"auc": 0.91, "n": 4}, {"auc": 0.91}, "1 value gone (2 before, 1 now)"),
    ([1], [1, 2], "1 value new (1 before, 2 now)"),
    ({"a": 1}, pl.DataFrame({"a": [1]}), "it is a frame, and was a value"),
    (SALES, SALES.drop("mean"), "the columns are not those of the baseline: gone: 'mean'"),
    (SALES, SALES.rename({"mean": "avg"}), "the columns are not those of the baseline: gone: 'mean'; new: 'avg'"),
    (
        SALES,
        SALES.select("store", "day", "mean"),
        "the columns have another order: store, day, mean; it was day, store, mean",
    ),
    (SALES, SALES.cast({"mean": pl.Float32}), "a dtype changed: 'mean' is Float32 and was Float64"),
    (SALES, SALES.head(2), "1 row gone (3 before, 2 now)"),
    (SALES, pl.concat([SALES, SALES]), "3 rows new (3 before, 6 now)"),
    (SALES, SALES.with_columns(mean=pl.lit(2.5)), "2 cells differ in 2 of 3 rows, in column 'mean'"),
    (
        SALES,
        SALES.with_columns(mean=pl.lit(2.5), store=pl.lit("b")),
        "4 cells differ in 2 of 3 rows, in 2 columns, most in 'store'",
    ),
]


@pytest.mark.parametrize(("before", "now", "said"), OTHER)
def test_what_differs_is_said(before, now, said):
    told = differences(before, now)

    assert told is not None
    assert told[0].startswith(said)


@pytest.mark.parametrize(
    ("before", "now", "told", "same"),
    [
        (1.0, 1.0 + 9e-7, {}, True),
        (1.0, 1.0 + 2e-6, {}, False),
        (0.0, 9e-10, {}, True),
        (0.0, 2e-9, {}, False),
        (100.0, 101.0, {"rtol": 0.01}, True),  # 1 <= 0.01 x 100
        (100.0, 101.1, {"rtol": 0.01}, False),
        (-100.0, -101.0, {"rtol": 0.01}, True),
        ({"n": 10}, {"n": 11}, {"within": {"n": 1}}, True),
        ({"n": 10}, {"n": 12}, {"within": {"n": 1}}, False),
        (math.nan, math.nan, {}, True),
        (math.inf, math.inf, {}, True),
        (math.inf, -math.inf, {"rtol": 1.0}, False),
        (math.nan, 1.0, {"atol": 100.0}, False),
        (1e308, math.inf, {"rtol": 0.5}, False),
        (10**400, 10**400 + 1, {}, False),
        (10**400, 10**400, {}, True),
    ],
)
def test_a_number_may_be_as_far_off_as_is_told(before, now, told, same):
    assert (differences(before, now, **told) is None) is same


def test_rows_that_have_a_key_may_come_in_any_order():
    assert differences(SALES, SALES.reverse(), key=("day",)) is None
    assert differences(SALES, SALES.reverse()) is not None


def test_rows_are_told_apart_by_their_key():
    told = differences(SALES, SALES.tail(2).with_columns(mean=pl.lit(2.5)), key=("day",))

    assert told is not None
    said, examples, cells = told
    assert (said, cells) == ("1 cell differs in 1 of 3 rows, in column 'mean'; 1 row gone (3 before, 2 now)", 2)
    assert [(example.values, example.why) for example in examples] == [
        ({"day": "2024-01-03", "column": "mean", "baseline": None, "now": 2.5}, ""),
        ({"day": "2024-01-01"}, "gone"),
    ]


def test_two_rows_of_one_key_are_refused():
    with pytest.raises(UsageError, match="two rows have the same store: a; name the columns that tell rows apart"):
        differences(pl.DataFrame({"store": ["a", "a"]}), pl.DataFrame({"store": ["a", "a"]}), key=("store",))


def test_a_frame_that_is_too_large_to_be_read_is_refused():
    with pytest.raises(
        UsageError, match=r"200,001 cells are too many for a baseline \(at most 200,000\); keep some rows of it"
    ):
        snapshot(np.zeros(200_001))


@dataclass
class Model:
    weights: int = 3


@pytest.mark.parametrize(
    ("value", "said"), [(Model(), r"a \S*Model cannot be kept"), ({"a": [Model()]}, r"a\[0\]: a \S*Model cannot")]
)
def test_what_cannot_be_kept_is_refused_by_its_type(value, said):
    with pytest.raises(UsageError, match=said):
        snapshot(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "b.json:1: this is not JSON"),
        ("[]", "b.json: this is no baseline"),
        ('{"kind": "assay.baseline", "format": 2, "value": {}}', "b.json: this is no baseline"),
        (
            '{"kind": "assay.baseline", "format": 1, "columns": {"a": "Int64"}, "rows": [[1, 2]]}',
            "a row has more or fewer cells",
        ),
    ],
)
def test_a_file_that_was_changed_by_hand_is_refused_with_the_way_out(text, said):
    with pytest.raises(ConfigError, match=said) as caught:
        parsed(text, file="b.json")

    assert "write it again with --assay-update" in str(caught.value)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "tests" / "baselines" / "test_sales"


def test_the_first_run_asks_for_a_look_and_an_update_writes(folder):
    with pytest.raises(
        ContractBroken, match=r"INCONCLUSIVE baseline of .*: there is no tests/baselines/test_sales/test_a.json yet"
    ):
        Baseline(folder, "tests/test_sales.py::test_a")(SALES)
    assert not folder.exists()

    Baseline(folder, "tests/test_sales.py::test_a", update=True)(SALES)

    Baseline(folder, "tests/test_sales.py::test_a")(SALES)
    assert (folder / "test_a.json").read_text().splitlines() == [
        '{"kind": "assay.baseline", "format": 1, "columns": {"day": "Date", "store": "String", "mean": "Float64"}, "rows": [',
        '  ["2024-01-01", "a", 1.0],',
        '  ["2024-01-02", "b", 2.5],',
        '  ["2024-01-03", null, null]',
        "]}",
    ]


def test_a_difference_shows_the_cells_and_the_way_out(folder):
    Baseline(folder, "t.py::test_a", update=True)(SALES)

    with pytest.raises(ContractBroken) as caught:
        Baseline(folder, "t.py::test_a")(SALES.with_columns(mean=pl.Series([1.0, 3.5, None])))

    assert explained(caught.value.outcomes[0]).splitlines() == [
        "FAIL baseline of t.py::test_a: 1 cell differs in 1 of 3 rows, in column 'mean', by tests/baselines/test_sales/test_a.json",
        "",
        "  row  column  baseline  now",
        "    1    mean       2.5  3.5  +1",
        "",
        "  if that is meant, run the test with --assay-update",
    ]


def test_an_update_leaves_a_file_alone_that_is_near_enough(folder):
    Baseline(folder, "t.py::test_a", update=True)(1.0)
    Baseline(folder, "t.py::test_a", update=True)(1.0 + 1e-9)

    assert '"value": 1.0\n' in (folder / "test_a.json").read_text()


def test_several_baselines_of_a_test_are_told_apart_by_order_or_by_name(folder):
    baseline = Baseline(folder, "t.py::TestA::test_a", update=True)
    baseline(1)
    baseline(2)
    baseline(3, name="third")

    assert sorted(file.name for file in folder.iterdir()) == [
        "TestA.test_a.2.json",
        "TestA.test_a.json",
        "TestA.test_a.third.json",
    ]
    with pytest.raises(UsageError, match="two baselines are called 'third'"):
        baseline(4, name="third")


def test_names_that_a_file_cannot_have_do_not_meet(folder):
    for name in (
        "t.py::test_a[a/b]",
        "t.py::test_a[a:b]",
        "t.py::test_a[a b]",
        f"t.py::test_{'x' * 300}",
        f"t.py::test_{'x' * 301}",
    ):
        Baseline(folder, name, update=True)(name)

    assert len(list(folder.iterdir())) == 5
    assert max(len(file.name) for file in folder.iterdir()) < 150


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"within": {"men": 1}}, "within: there is no 'men'; did you mean 'mean'"),
        ({"key": ["dya"]}, "key: there is no 'dya'; did you mean 'day'"),
    ],
)
def test_a_column_that_is_not_there_is_refused(folder, told, said):
    with pytest.raises(UsageError, match=said):
        Baseline(folder, "t.py::test_a", update=True)(SALES, **told)


TEST = """
import polars as pl

def test_means(assay_baseline):
    assay_baseline(pl.DataFrame({{"mean": [1.0, {value}]}}))
"""


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_a_run_says_which_baselines_it_wrote_and_how_they_differ(repository, workers):
    run = repository.runpytest_subprocess if workers else repository.runpytest_inprocess
    repository.makepyfile(test_means=TEST.format(value=2.5))
    missing = run(*workers)
    new = run("--assay-update", *workers)
    kept = run(*workers)
    repository.makepyfile(test_means=TEST.format(value=3.25))
    other = run(*workers)
    changed = run("--assay-update", *workers)

    missing.assert_outcomes(failed=1)
    new.assert_outcomes(passed=1)
    new.stdout.fnmatch_lines(
        ["WARN baseline of test_means.py::test_means: baselines/test_means/test_means.json is new"]
    )
    kept.stdout.fnmatch_lines(["baselines: 1 judged: 1 pass"])
    other.assert_outcomes(failed=1)
    other.stdout.fnmatch_lines([">*assay_baseline(pl.DataFrame*", "E*1    mean       2.5  3.25  +0.75"])
    changed.assert_outcomes(passed=1)
    changed.stdout.fnmatch_lines(
        ["WARN baseline *test_means.json was written anew: 1 cell differs*", "*1    mean       2.5  3.25  +0.75"]
    )
