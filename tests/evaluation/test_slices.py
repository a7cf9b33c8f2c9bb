"""Slices: how rows are told apart, what a metric is in each part, and when a bound is broken."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import numpy as np
import polars as pl
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, roc_auc_score

from assay.codec import load_yaml
from assay.errors import UsageError
from assay.evaluation.metrics.measuring import unsuited, value_of
from assay.evaluation.metrics.metric import Metric, Whole
from assay.evaluation.metrics.table import METRICS
from assay.evaluation.predictions import Predictions
from assay.evaluation.slicing.bins import bin_edges, cut_by_bins, cut_by_length, cut_by_part
from assay.evaluation.slicing.losses import LOSSES, loss_for, loss_of
from assay.evaluation.slicing.measuring import Ground, Measured, measured
from assay.evaluation.slicing.names import shortest
from assay.evaluation.slicing.predicates import slice_where
from assay.evaluation.slicing.settings import SliceSettings
from assay.evaluation.slicing.slices import (
    Cut,
    Slice,
    crossed,
    cut_by_values,
    cuts_of,
    slices,
)  # fmt: skip
from assay.evaluation.trial import Part, Trial
from assay.stats.resampling import Resamples, resamples
from assay.verdict import Outcome, Verdict

PEOPLE = pl.DataFrame(
    {
        "sex": ["F", "M", "M", None, "F", "M"],
        "age": [25.0, 31.5, float("nan"), 60.0, 44.0, 18.0],
        "native country": ["O'Hare", "Peru", "Peru", "Peru", "Fiji", "Mali"],
        "member": [True, False, True, None, True, False],
        "seen": [datetime(2013, 1, 6, 23), datetime(2013, 1, 7, 5), None, *[datetime(2013, 2, 1, 12)] * 3],
        "day": [date(2013, 1, 6), date(2013, 1, 7), None, *[date(2013, 2, 1)] * 3],
        "tags": [["a"], [], [], [], [], []],
    }
)


def counted(cut: Cut) -> dict[str, int]:
    return dict(zip(cut.names, cut.sizes.tolist(), strict=True))


# Cuts -----------------------------------------------------------------------------------------------------------------


def test_each_value_is_a_slice_and_so_is_what_is_missing():
    found = {one.name: one.rows.tolist() for one in cut_by_values(PEOPLE, "sex").slices}

    assert found == {
        "sex = 'F'": [True, False, False, False, True, False],
        "sex = 'M'": [False, True, True, False, False, True],
        "sex is missing": [False, False, False, True, False, False],
    }


def test_rare_values_are_pooled_and_counted():
    assert counted(cut_by_values(PEOPLE, "native country", most=1)) == {
        "\"native country\" = 'Peru'": 3, '"native country" in 3 other values': 3,
    }  # fmt: skip


def test_a_pool_of_one_value_is_that_value():
    assert counted(cut_by_values(PEOPLE, "native country", rows_at_least=3, most=5)) == {
        "\"native country\" = 'Peru'": 3, '"native country" in 3 other values': 3,
    }  # fmt: skip
    assert cut_by_values(PEOPLE.head(4), "native country", rows_at_least=3).names == (
        "\"native country\" = 'O''Hare'", "\"native country\" = 'Peru'",
    )  # fmt: skip


def test_nan_is_missing():
    assert counted(cut_by_values(PEOPLE, "age"))["age is missing"] == 1


def test_long_texts_are_cut_short_unless_two_would_read_the_same():
    one, two = cut_by_values(pl.DataFrame({"x": ["a" * 60, "b"]}), "x").names
    same = cut_by_values(pl.DataFrame({"x": ["a" * 60 + "1", "a" * 60 + "2"]}), "x").names

    assert (one, two) == (f"x = '{'a' * 39}…'", "x = 'b'")
    assert same == (f"x = '{'a' * 60}1'", f"x = '{'a' * 60}2'")


def test_a_column_that_is_called_count_or_value_is_a_column():
    frame = pl.DataFrame({"count": [1, 1, 2], "value": [3, 3, 3], "rows": [1, 2, 2]})

    assert [cut_by_values(frame, name).sizes.tolist() for name in frame.columns] == [[2, 1], [3], [1, 2]]


def test_an_unknown_column_is_refused_with_the_nearest_name():
    with pytest.raises(UsageError, match="no column 'sx' to slice by; did you mean 'sex'"):
        cut_by_values(PEOPLE, "sx")


def test_lists_make_no_slices():
    with pytest.raises(UsageError, match="'tags' has values of type list"):
        cut_by_values(PEOPLE, "tags")


def test_given_edges_are_the_first_values_of_the_bins_above_them():
    assert counted(cut_by_bins(PEOPLE, "age", bins=[25, 44])) == {
        "age < 25": 1, "age in [25, 44)": 2, "age >= 44": 2, "age is missing": 1,
    }  # fmt: skip


def test_bins_without_rows_are_left_out():
    assert counted(cut_by_bins(PEOPLE, "age", bins=[0, 25, 100])) == {
        "age in [0, 25)": 1, "age in [25, 100)": 4, "age is missing": 1,
    }  # fmt: skip


def test_quantile_bins_have_about_the_same_number_of_rows_and_edges_with_few_digits(rng: np.random.Generator):
    numbers = rng.normal(100, 15, 10_000)

    edges = bin_edges(numbers, bins=4)

    assert (edges % 1 == 0).all()
    assert np.bincount(np.searchsorted(edges, numbers)).min() > 2_300  # of 2,500; a move of 100 either side is allowed


def test_a_column_of_mostly_zeros_has_two_bins():
    assert bin_edges(np.array([0.0] * 90 + list(range(1, 11)))).tolist() == [1.0]


@pytest.mark.parametrize("values", [[2.0, 2.0, 2.0], [], [np.inf, 1.0, -np.inf]])
def test_degenerate_numbers_have_edges_that_rise(values: list[float]):
    edges = bin_edges(np.array(values))

    assert (np.diff(edges) > 0).all()
    assert len(edges) < max(len(set(values)), 1)


def test_edges_of_instants_are_texts():
    assert counted(cut_by_bins(PEOPLE, "seen", bins=["2013-01-07", "2013-02-01 12:00"])) == {
        "seen < 2013-01-07": 1, "seen in [2013-01-07, 2013-02-01 12:00)": 1, "seen >= 2013-02-01 12:00": 3, "seen is missing": 1,
    }  # fmt: skip
    assert cut_by_bins(PEOPLE, "day", bins=["2013-02-01"]).sizes.tolist() == [2, 3, 1]


@pytest.mark.parametrize(
    ("column", "bins", "says"),
    [
        ("age", [44, 25], "they must rise"),
        ("age", ["old"], "do not fit the column 'age'"),
        ("age", 0, "at least 1"),
        ("sex", [1], "which have no bins"),
        ("seen", ["soon"], "do not fit the column 'seen'"),
    ],
)
def test_edges_that_do_not_fit_are_refused(column: str, bins: object, says: str):
    with pytest.raises(UsageError, match=says):
        cut_by_bins(PEOPLE, column, bins=bins)


def test_an_edge_has_as_few_digits_as_tell_the_same_rows_apart():
    assert shortest(29.97, 30.412) == 30.0
    assert shortest(-1.26, -1.19) == -1.2
    assert shortest(0.0, 0.003) == 0.003
    assert shortest(999.5, 1000.5) == 1000.0


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_an_edge_lies_between_the_values_it_tells_apart(a: float, b: float):
    below, value = min(a, b), max(a, b)

    assert shortest(below, value) == value or below < shortest(below, value) <= value


def test_instants_are_told_apart_by_weekday_hour_and_month():
    assert counted(cut_by_part(PEOPLE, "seen", part="weekday")) == {
        "weekday of seen = 'Mon'": 1, "weekday of seen = 'Fri'": 3, "weekday of seen = 'Sun'": 1, "seen is missing": 1,
    }  # fmt: skip
    assert counted(cut_by_part(PEOPLE, "seen", part="hour"))["hour of seen = 23"] == 1
    assert counted(cut_by_part(PEOPLE, "day", part="month"))["month of day = 2"] == 3


def test_dates_have_no_hour():
    with pytest.raises(UsageError, match="'day' has values of type date, which have no hour"):
        cut_by_part(PEOPLE, "day", part="hour")


def test_texts_are_told_apart_by_length():
    assert counted(cut_by_length(PEOPLE, "native country", bins=[5])) == {
        'length of "native country" < 5': 5, 'length of "native country" >= 5': 1,
    }  # fmt: skip


def test_a_cross_has_the_pairs_that_rows_have():
    cut = crossed(cut_by_values(PEOPLE, "sex"), cut_by_values(PEOPLE, "member"))

    assert counted(cut) == {
        "sex = 'F' AND member = true": 2, "sex = 'M' AND member = false": 2, "sex = 'M' AND member = true": 1,
        "sex is missing AND member is missing": 1,
    }  # fmt: skip
    assert cut.columns == ("sex", "member")


VALUES = st.one_of(
    st.lists(st.one_of(st.none(), st.integers(-5, 5)), min_size=1, max_size=30),
    st.lists(st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=False, width=32)), min_size=1, max_size=30),
    st.lists(st.one_of(st.none(), st.text("ab'\" %", max_size=3)), min_size=1, max_size=30),
    st.lists(st.one_of(st.none(), st.booleans()), min_size=1, max_size=30),
)


@given(VALUES)
def test_a_slice_of_values_has_the_rows_that_its_name_is_true_of(values: list[object]):
    frame = pl.DataFrame({"a b": values}, strict=False)
    shown = [one for one in cut_by_values(frame, "a b", most=100).slices if " = " in one.name]

    assert all((slice_where(frame, one.name).rows == one.rows).all() for one in shown)


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=60), st.integers(2, 8))
def test_a_bin_has_the_rows_that_its_name_is_true_of_and_every_row_is_in_one(values: list[float], bins: int):
    frame = pl.DataFrame({"x": values})
    found = cut_by_bins(frame, "x", bins=bins).slices

    as_sql = [one.name.replace(" in [", " >= ").replace(", ", " AND x < ").replace(")", "") for one in found]
    said = [slice_where(frame, text.replace("is not missing", "IS NOT NULL")).rows for text in as_sql]
    assert all((one.rows == rows).all() for one, rows in zip(found, said, strict=True))
    assert (sum(one.rows.astype(int) for one in found) == 1).all()


# Predicates -----------------------------------------------------------------------------------------------------------


def test_a_predicate_takes_the_rows_for_which_it_is_true():
    assert slice_where(PEOPLE, "age >= 25 AND sex = 'F'").rows.tolist() == [True, False, False, False, True, False]
    assert slice_where(PEOPLE, pl.col("age") > 40, name="older") == Slice(
        "older", ("age",), pytest.approx(np.array([0, 0, 0, 1, 1, 0], dtype=bool))
    )


def test_a_predicate_is_not_true_of_missing_values():
    assert slice_where(PEOPLE, "age < 1000").rows.sum() == 5
    assert slice_where(PEOPLE, "NOT (sex = 'F')").rows.sum() == 3


@pytest.mark.parametrize(
    ("predicate", "says"),
    [
        ("agee > 1", "names 'agee', and there is no such column; did you mean 'age'"),
        ("age", "gives float64 values; true or false is expected"),
        ("age >", "is not an SQL expression"),
        ("seen > NOW()", "reads the clock"),
        ("age > AVG(age)", "looks at more than one row at a time"),
        ("1 = 1", "names no column"),
        ('"^a.*$" > 1', "as a pattern"),
        ("sex > 3", "does not fit the columns' types"),
        (pl.col("age") > pl.col("age").mean(), "looks at more than one row at a time"),
    ],
)
def test_a_predicate_that_cannot_be_asked_of_each_row_is_refused(predicate: str | pl.Expr, says: str):
    with pytest.raises(UsageError, match=says.replace("(", r"\(")):
        slice_where(PEOPLE, predicate)


def test_settings_make_cuts_in_their_order():
    settings = SliceSettings(
        columns=("sex",), bins={"age": (30,)}, calendar={"seen": ("month",)}, lengths=("native country",),
        crosses=(("sex", "member"),), where={"young men": "age < 30 AND sex = 'M'"},
    )  # fmt: skip

    assert [cut.columns for cut in cuts_of(PEOPLE, settings)] == [
        ("sex",), ("age",), ("seen",), ("native country",), ("sex", "member"), ("age", "sex"),
    ]  # fmt: skip


def test_settings_are_read_from_yaml():
    text = "bins: {age: [30, 60], pay: 4, seen: ['2013-02-01']}\ncrosses: [[sex, member]]\nworse_at_most: {auc: 0.05}\ndepth: 1\n"

    assert load_yaml(text, SliceSettings, file="slices.yaml") == SliceSettings(
        bins={"age": (30, 60), "pay": 4, "seen": ("2013-02-01",)}, crosses=(("sex", "member"),), worse_at_most={"auc": 0.05}, depth=1
    )  # fmt: skip


@pytest.mark.parametrize(
    "wrong", [{"alpha": 0.0}, {"min_rows": 1}, {"worse_at_most": {"auc": -0.1}}, {"most_values": 0}]
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SliceSettings(**wrong)


# What a metric is in a slice ------------------------------------------------------------------------------------------


def binary(rng: np.random.Generator, n: int = 400, **columns: object) -> Predictions:
    """Return n rows of two classes whose scores mean what they say, and a column of three groups."""
    score = rng.random(n)
    labels = rng.binomial(1, score)
    frame = pl.DataFrame({"group": rng.choice(["a", "b", "c"], n), **columns})
    return Predictions(
        "binary", labels=labels, predictions=(score > 0.5).astype(np.int64), scores=np.column_stack([1 - score, score]),
        classes=(0, 1), frame=frame, features=tuple(frame.columns),
    )  # fmt: skip


def of_task(task: str, rng: np.random.Generator, n: int = 120) -> Predictions:
    """Return n random rows of a task."""
    frame = pl.DataFrame({"group": rng.choice(["a", "b", "c"], n)})
    if task == "binary":
        return binary(rng, n)
    if task in ("multiclass", "multilabel"):
        scores = rng.dirichlet([1, 1, 1], n)
        labels = rng.integers(0, 3, n) if task == "multiclass" else rng.integers(0, 2, (n, 3))
        said = scores.argmax(1) if task == "multiclass" else (scores > 0.3).astype(np.int64)
        return Predictions(task, labels=labels, predictions=said, scores=scores, classes=("x", "y", "z"), frame=frame)
    if task == "ranking":
        return Predictions(
            task, labels=rng.integers(0, 3, n).astype(float), predictions=None, scores=rng.normal(size=(n, 1)),
            probabilities=False, query=np.arange(n) // 6, frame=frame,
        )  # fmt: skip
    labels = rng.lognormal(size=n)
    if task == "quantile":
        said = np.sort(labels[:, None] + rng.normal(size=(n, 2)), axis=1)
        return Predictions(task, labels=labels, predictions=said, classes=(0.1, 0.9), frame=frame)
    return Predictions(task, labels=labels, predictions=labels * rng.lognormal(0, 0.3, n), frame=frame)


def in_slices(
    rows: Predictions, metric: str | Metric, *, units: Resamples | None = None, is_whole: bool = False
) -> list[Measured]:
    units = units or resamples(rows.n, rng=np.random.default_rng(5), replicates=400, entities=rows.entity)
    found = METRICS[metric] if isinstance(metric, str) else metric
    return measured(Ground(rows, units, 0.95, is_whole), cut_by_values(rows.frame, "group"), metric=found)


TASKS_OF = [(name, task) for name, metric in METRICS.items() for task in metric.tasks]


@pytest.mark.parametrize(("name", "task"), TASKS_OF)
def test_every_metric_in_a_slice_is_what_it_is_of_these_rows_alone_and_so_in_the_rest(name: str, task: str):
    rows = of_task(task, np.random.default_rng(11))
    metric = METRICS[name]
    is_first = (rows.frame["group"] == "a").to_numpy()
    here, rest = rows.at(is_first), rows.at(~is_first)
    why = unsuited(metric, here) or unsuited(metric, rest)

    units = resamples(rows.n, rng=np.random.default_rng(5), replicates=60 if isinstance(metric.of, Whole) else 200)
    found = in_slices(rows, name, units=units)[0]

    if why or metric.better == "neither":
        assert found.deficit.value is None
        assert found.deficit.why
        return
    expected = [value_of(metric, part) for part in (here, rest)]
    assert found.value.value == pytest.approx(expected[0])
    assert found.beside == pytest.approx(expected[1])
    gains = [float(metric.gain(np.array(value))) for value in expected]
    assert found.deficit.value == pytest.approx(gains[1] - gains[0])
    assert found.deficit.low is None or found.deficit.low <= found.deficit.value <= found.deficit.high


@pytest.mark.parametrize("name", ["accuracy", "auc", "log_loss", "f1", "pr_auc"])
def test_beside_the_whole_the_deficit_is_from_all_rows(name: str):
    rows = binary(np.random.default_rng(1))

    found = in_slices(rows, name, is_whole=True)[1]

    whole, here = (
        value_of(METRICS[name], rows),
        value_of(METRICS[name], rows.at((rows.frame["group"] == "b").to_numpy())),
    )
    sign = 1 if METRICS[name].better == "higher" else -1
    assert found.beside == pytest.approx(whole)
    assert found.deficit.value == pytest.approx(sign * (whole - here))


def test_a_share_of_rows_has_newcombes_interval_and_fishers_p_value():
    # 100 rows of group a, 70 right; 200 of group b, 180 right.
    right = np.repeat([1, 0, 1, 0], [70, 30, 180, 20])
    rows = Predictions(
        "binary", labels=np.ones(300, dtype=np.int64), predictions=right, classes=(0, 1),
        frame=pl.DataFrame({"group": ["a"] * 100 + ["b"] * 200}),
    )  # fmt: skip

    found = in_slices(rows, "accuracy")[0]

    law = scipy.stats.hypergeom(300, 50, 100)  # 50 wrong rows among 300, of which 100 are in the slice
    assert found.deficit.value == pytest.approx(0.2)
    # Newcombe 1998, method 10: 0.2 - √((0.9 - l₂)² + (u₁ - 0.7)²), with Wilson's ends of 180/200 and 70/100
    ends = [scipy.stats.binomtest(k, n).proportion_ci(method="wilson") for k, n in ((180, 200), (70, 100))]
    assert found.deficit.low == pytest.approx(0.2 - np.hypot(0.9 - ends[0].low, ends[1].high - 0.7))
    assert found.p_value == pytest.approx(law.sf(30) + law.pmf(30) / 2)


def test_of_a_share_that_is_better_low_more_is_worse():
    rows = binary(np.random.default_rng(2))

    found = in_slices(rows, "false_positive_rate")[0]

    assert found.deficit.value == pytest.approx(found.value.value - found.beside)
    assert found.deficit.low <= found.deficit.value <= found.deficit.high


def test_the_area_in_a_slice_and_in_the_rest_agree_with_scikit_learn(rng: np.random.Generator):
    rows = binary(rng, 500)
    score = np.round(rows.positive, 1)  # many ties
    rows = replace(rows, predictions=None, scores=np.column_stack([1 - score, score]))
    mask = (rows.frame["group"] == "c").to_numpy()

    found = in_slices(rows, "auc")[2]

    here, rest = (roc_auc_score(rows.labels[part], score[part]) for part in (mask, ~mask))
    assert (found.value.value, found.beside) == (pytest.approx(here), pytest.approx(rest))
    assert found.deficit.value == pytest.approx(rest - here)


def test_a_deficit_has_the_spread_of_resamples_that_slice_and_rest_share(rng: np.random.Generator):
    rows = binary(rng, 150)
    units = resamples(150, rng=rng, replicates=100)
    mask = (rows.frame["group"] == "a").to_numpy()

    found = in_slices(rows, "f1", units=units)[0]

    def f1(part: np.ndarray, times: np.ndarray) -> float:
        return float(f1_score(rows.labels[part], rows.said[part], sample_weight=times[part]))

    draws = [f1(~mask, times[units.of_row]) - f1(mask, times[units.of_row]) for times in units.times]
    assert found.p_value == pytest.approx(scipy.stats.norm.sf(found.deficit.value / np.std(draws)))


def test_weighted_rows_count_as_often_as_they_weigh(rng: np.random.Generator):
    rows = binary(rng, 60)
    weights = rng.integers(1, 4, 60)
    heavy = replace(rows, weights=weights.astype(float))
    many = rows.at(np.repeat(np.arange(60), weights))

    pairs = [
        (a.deficit.value, b.deficit.value)
        for name in ("accuracy", "auc", "log_loss", "f1")
        for a, b in zip(in_slices(heavy, name), in_slices(many, name), strict=True)
    ]

    assert all(a == pytest.approx(b) for a, b in pairs)


def test_a_slice_of_one_class_has_no_area_and_says_so():
    rows = Predictions(
        "binary", labels=np.array([1, 1, 0, 1, 0, 1]), predictions=None, scores=np.full((6, 2), 0.5), classes=(0, 1),
        frame=pl.DataFrame({"group": ["a", "a", "b", "b", "b", "b"]}),
    )  # fmt: skip

    found = in_slices(rows, "auc")[0]

    assert found.value.value is None
    assert (found.deficit.value, found.p_value) == (None, None)
    assert "class" in found.deficit.why


@pytest.mark.parametrize("name", ["accuracy", "auc", "log_loss", "balanced_accuracy"])
def test_a_slice_like_the_rest_is_called_worse_as_often_as_stated(name: str):
    p_values = []
    for seed in range(120):
        rows = binary(np.random.default_rng(seed), 300)
        p_values += [
            in_slices(rows, name, units=resamples(300, rng=np.random.default_rng(seed), replicates=200))[0].p_value
        ]

    # Binomial(120, 0.1): more than 24 (and fewer than 3) below 0.1 once in 2,000 (and 500) times
    below = int((np.array(p_values) < 0.1).sum())
    assert 3 <= below <= 24


# Judgement ------------------------------------------------------------------------------------------------------------


def trial(rows: Predictions, *metrics: str, seed: int = 3) -> Trial:
    rng = np.random.default_rng(seed)
    return Trial(rows, resamples(rows.n, rng=rng, replicates=400, entities=rows.entity), metrics, rng)


def right_in(**groups: tuple[int, int]) -> Predictions:
    """Return rows of groups, of each so many right of so many: `a=(70, 100)`."""
    right = np.concatenate([np.repeat([1, 0], [k, n - k]) for k, n in groups.values()])
    names = [name for name, (_, n) in groups.items() for _ in range(n)]
    return Predictions(
        "binary", labels=np.ones(len(right), dtype=np.int64), predictions=right, classes=(0, 1),
        frame=pl.DataFrame({"group": names}),
    )  # fmt: skip


def by_subject(part: Part) -> dict[str, Outcome]:
    return {outcome.subject: outcome for outcome in part.outcomes}


def test_nothing_asked_is_nothing_said():
    assert slices(trial(right_in(a=(5, 10)), "accuracy"), SliceSettings()) == Part()


def test_without_a_bound_slices_are_measured_and_not_judged():
    part = slices(trial(right_in(a=(70, 100), b=(190, 200)), "accuracy"), SliceSettings(columns=("group",)))

    assert {outcome.verdict for outcome in part.outcomes} == {Verdict.SKIP}
    assert part.exhibits[0].columns["slice"] == ("group = 'a'", "group = 'b'")
    # 30 of 40 errors are in a third of the rows
    assert by_subject(part)["accuracy where group = 'a'"].why.endswith("33.3% of rows hold 75.0% of all wrong rows")


def test_a_bound_fails_where_the_whole_interval_is_beyond_it_and_is_undecided_where_it_straddles():
    rows = right_in(bad=(60, 100), good=(980, 1000), unsure=(84, 100))
    settings = SliceSettings(columns=("group",), at_least={"accuracy": 0.8})

    found = by_subject(slices(trial(rows, "accuracy"), settings))

    assert found["accuracy where group = 'bad'"].verdict is Verdict.FAIL
    assert found["accuracy where group = 'good'"].verdict is Verdict.PASS
    unsure = found["accuracy where group = 'unsure'"]
    assert (unsure.verdict, unsure.expected) == (Verdict.INCONCLUSIVE, "at least 0.8")
    # Wilson's interval of 84/100 is [0.7558, 0.899]: a half of 0.0842 where 0.04 is needed: 100 · (0.0842 / 0.04)² = 444
    assert "about 444 rows of the slice would" in unsure.why


def test_a_small_slice_is_undecided_with_the_number_that_is_needed_and_is_listed():
    settings = SliceSettings(columns=("group",), at_least={"accuracy": 0.8}, min_rows=30)

    part = slices(trial(right_in(tiny=(0, 12), rest=(95, 100)), "accuracy"), settings)

    tiny = by_subject(part)["accuracy where group = 'tiny'"]
    assert tiny.verdict is Verdict.INCONCLUSIVE
    assert tiny.why.endswith("it has 12 rows, and at least 30 are needed")
    assert part.exhibits[0].columns["verdict"] == ("pass", "inconclusive")


def test_one_of_many_slices_beyond_the_bound_is_chance():
    # 40 of 60 is 0.667, its interval [0.541, 0.773] is below 0.78: beyond the bound alone, and not among 12.
    alone = right_in(odd=(40, 60))
    many = right_in(odd=(40, 60), **{f"g{i}": (90, 100) for i in range(11)})
    settings = SliceSettings(columns=("group",), at_least={"accuracy": 0.78})

    verdicts = [
        by_subject(slices(trial(rows, "accuracy"), settings))["accuracy where group = 'odd'"].verdict
        for rows in (alone, many)
    ]

    assert verdicts == [Verdict.FAIL, Verdict.INCONCLUSIVE]


def test_how_much_worse_a_slice_may_be_is_a_bound_of_its_own():
    rows = right_in(bad=(300, 500), good=(950, 1000))
    settings = SliceSettings(columns=("group",), worse_at_most={"accuracy": 0.05})

    found = by_subject(slices(trial(rows, "accuracy"), settings))

    bad = found["accuracy deficit where group = 'bad'"]
    assert (bad.verdict, bad.expected, bad.observed.value) == (
        Verdict.FAIL,
        "worse by at most 0.05",
        pytest.approx(0.35),
    )
    assert found["accuracy deficit where group = 'good'"].verdict is Verdict.PASS
    assert found["accuracy where group = 'bad'"].verdict is Verdict.SKIP


def test_a_slice_of_few_entities_is_undecided():
    rows = right_in(a=(10, 50), b=(950, 1000))
    entity = np.concatenate([np.arange(50) % 4, 10 + np.arange(1000) % 60])
    rows = replace(rows, entity=entity)
    settings = SliceSettings(columns=("group",), at_least={"accuracy": 0.5})

    found = by_subject(slices(trial(rows, "accuracy"), settings))["accuracy where group = 'a'"]

    assert found.verdict is Verdict.INCONCLUSIVE
    assert "come from 4 entities" in found.why


def test_p_values_are_corrected_over_the_table(rng: np.random.Generator):
    part = slices(trial(binary(rng), "accuracy"), SliceSettings(columns=("group",), metrics=("f1",)))

    columns = part.exhibits[0].columns
    assert len(columns["p_value"]) == 6
    least = min(columns["p_value"])
    assert columns["adjusted"][columns["p_value"].index(least)] == pytest.approx(min(6 * least, 1.0))


def test_the_shares_of_rows_and_of_errors_of_a_cut_add_up_to_one(rng: np.random.Generator):
    part = slices(trial(binary(rng), "log_loss"), SliceSettings(columns=("group",)))

    assert sum(part.exhibits[0].columns["share_of_rows"]) == pytest.approx(1)
    assert sum(part.exhibits[0].columns["share_of_errors"]) == pytest.approx(1)


def test_slices_made_in_python_are_measured_too(rng: np.random.Generator):
    rows = binary(rng)

    part = slices(
        trial(rows, "accuracy"), SliceSettings(), [slice_where(rows.frame, pl.col("group") != "a", name="not a")]
    )

    assert part.exhibits[0].columns["slice"] == ("not a",)


def test_a_metric_that_is_not_there_is_refused(rng: np.random.Generator):
    with pytest.raises(UsageError, match="no metric 'acuracy'; did you mean 'accuracy'"):
        slices(trial(binary(rng), "auc"), SliceSettings(columns=("group",), at_least={"acuracy": 0.5}))


# Losses ---------------------------------------------------------------------------------------------------------------


LOSS_IS_METRIC = [("log_loss", "log_loss", "binary"), ("log_loss", "log_loss", "multiclass"), ("brier", "brier", "binary"),
                  ("absolute", "mae", "regression"), ("squared", "mse", "regression"), ("pinball", "pinball", "quantile")]  # fmt: skip


@pytest.mark.parametrize(("loss", "metric", "task"), LOSS_IS_METRIC)
def test_the_mean_of_a_loss_is_the_metric_of_its_name(loss: str, metric: str, task: str):
    rows = of_task(task, np.random.default_rng(4))

    assert loss_of(loss, rows).mean() == pytest.approx(value_of(METRICS[metric], rows))


def test_the_mean_of_misranked_is_what_the_area_lacks():
    rows = of_task("binary", np.random.default_rng(4))
    loss, inside = loss_of("misranked", rows), rows.labels == 1

    assert loss[inside].mean() == loss[~inside].mean() == pytest.approx(1 - value_of(METRICS["auc"], rows))


def test_the_loss_of_a_query_is_what_its_ranking_lacks():
    # Query 0: relevance 0 and 1, the wrong one first: DCG 1/log₂3 of 1. Query 1: nothing is relevant.
    rows = Predictions(
        "ranking", labels=np.array([0.0, 1.0, 0.0]), predictions=None, scores=np.array([[2.0], [1.0], [0.5]]), query=np.array([0, 0, 1])
    )  # fmt: skip

    assert loss_of("query", rows) == pytest.approx([1 - 1 / np.log2(3)] * 2 + [0.0])


@pytest.mark.parametrize("name", list(LOSSES))
def test_every_loss_is_never_negative_and_says_where_it_cannot_be_had(name: str):
    task = LOSSES[name].tasks[0]
    rows = of_task(task, np.random.default_rng(8))
    other = of_task("regression" if task != "regression" else "binary", np.random.default_rng(8))

    assert (loss_of(name, rows) >= 0).all()
    with pytest.raises(UsageError, match=f"the loss '{name}' cannot be had: it is a loss of {task}"):
        loss_of(name, other)


@pytest.mark.parametrize("name", [name for name, loss in LOSSES.items() if loss.promised])
def test_what_scores_promise_is_what_is_lost_where_they_mean_what_they_say(name: str):
    rows = binary(np.random.default_rng(6), 40_000)

    lost, promised = loss_of(name, rows), LOSSES[name].promised(rows)

    # 4.4 standard errors of a mean of differences
    assert abs((lost - promised).mean()) < 4.4 * (lost - promised).std() / 200


@pytest.mark.parametrize(
    ("metric", "task", "loss"),
    [("auc", "binary", "log_loss"), ("accuracy", "binary", "zero_one"), ("rmse", "regression", "squared"),
     ("mae", "regression", "absolute"), ("pinball", "quantile", "pinball"), ("ndcg", "ranking", "query"),
     ("macro_f1", "multilabel", "zero_one")],
)  # fmt: skip
def test_a_loss_goes_with_each_metric(metric: str, task: str, loss: str):
    assert loss_for(METRICS[metric], of_task(task, np.random.default_rng(1))) == loss
