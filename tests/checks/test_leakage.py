"""What must not stand on both sides of a split, and what must not know the label."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.checks.power import powers
from assay.checks.suite import Suite, dump_suite, parse_suite
from assay.data.dataset import Roles
from assay.errors import ConfigError
from assay.verdict import Verdict
from checks.asked import check_of, failing_rows, outcome_of, rows_of

NAN = float("nan")

TRAIN = {"train": {"id": [1, 2, 3], "who": ["ann", "bob", "cy"], "x": [0.5, 1.5, None]}}
TEST = {"id": [4, 5, 6], "who": ["dan", "bob", "cy"], "x": [0.5, 1.5, NAN]}


def test_a_row_that_the_other_side_has_too_is_shared_and_ids_do_not_tell_it_apart():
    outcome = outcome_of(TEST, check_of("no_shared_rows", other="train"), others=TRAIN, roles=Roles(id=("id",)))

    assert (outcome.verdict, outcome.n_rows, rows_of(outcome)) == (Verdict.FAIL, 3, [1, 2])
    assert outcome.expected == "kept apart from train (the same rows)"


def test_the_other_side_is_the_reference_where_none_is_named():
    outcome = outcome_of(TEST, check_of("no_shared_rows", "who"), others={"reference": TRAIN["train"]})

    assert rows_of(outcome) == [1, 2]


def test_rows_are_compared_by_the_columns_that_both_sides_have():
    other = {"train": {"who": ["bob"], "label": [1]}}

    assert rows_of(outcome_of(TEST, check_of("no_shared_rows", other="train"), others=other)) == [1]


def test_sides_of_other_types_share_rows_too():
    train = pl.DataFrame(TRAIN["train"]).select(pl.col("who").cast(pl.Categorical), pl.col("x").cast(pl.Float32))
    test = pl.DataFrame(TEST).select(pl.col("who").cast(pl.Enum(["dan", "cy", "bob"])), "x")

    assert rows_of(outcome_of(test, check_of("no_shared_rows", other="train"), others={"train": train})) == [1, 2]


def test_a_float_that_is_no_whole_number_is_not_missing_when_rows_are_compared():
    outcome = outcome_of(
        {"x": [2.5, 1.0]}, check_of("no_shared_rows", other="train"), others={"train": {"x": [None, 1]}}
    )

    assert rows_of(outcome) == [1]


def test_without_another_side_leakage_cannot_be_judged():
    outcome = outcome_of(TEST, check_of("no_shared_rows"))

    assert outcome.why == "there is no other side to look at; name a dataset by other: NAME, or a column by split: NAME"


def test_a_side_is_a_dataset_or_a_part_and_not_both():
    with pytest.raises(ConfigError, match="give other or split, not both"):
        check_of("no_shared_rows", other="train", split="part")


PARTS = {
    "who": ["ann", "bob", "ann", "cy", "bob", None, None],
    "part": ["train", "train", "test", "test", "train", "train", "test"],
}


def test_an_entity_in_two_parts_of_a_split_is_shared():
    outcome = outcome_of(PARTS, check_of("no_shared_groups", "who"), roles=Roles(split="part"))

    assert (outcome.n_rows, rows_of(outcome)) == (5, [0, 2])
    assert outcome.examples[0].why == "in test and in train"


def test_missing_values_are_equal_where_whole_rows_are_compared_across_a_split():
    outcome = outcome_of(PARTS, check_of("no_shared_rows", split="part"))

    assert rows_of(outcome) == [0, 2, 5, 6]


def test_a_row_of_no_part_is_not_judged():
    outcome = outcome_of(
        {"who": ["ann", "ann"], "part": ["train", None]}, check_of("no_shared_groups", "who", split="part")
    )

    assert (outcome.verdict, outcome.n_rows) == (Verdict.PASS, 1)


def test_keys_are_the_columns_with_the_role_id():
    outcome = outcome_of(
        {"id": [1, 9]}, check_of("no_shared_keys", other="train"), others=TRAIN, roles=Roles(id=("id",))
    )

    assert rows_of(outcome) == [0]


def test_without_a_key_shared_keys_cannot_be_judged():
    outcome = outcome_of({"id": [1]}, check_of("no_shared_keys", other="train"), others=TRAIN)

    assert outcome.why == "there is no key to look at; name its columns, or give a column the role id"


def test_nearly_the_same_rows_are_found_across_a_split():
    train = {"train": {"text": ["Buy NOW!", "sell"], "price": [9.999, 1.0]}}
    test = {"text": ["buy now", "sell"], "price": [10.001, 1.2]}

    assert rows_of(outcome_of(test, check_of("no_shared_rows", other="train"), others=train)) == []
    assert rows_of(outcome_of(test, check_of("no_near_duplicates_across", other="train"), others=train)) == [0]


DAYS = {"train": {"at": [date(2013, 1, 1), date(2013, 1, 10), None]}}
LATER = {"at": [datetime(2013, 1, 10), datetime(2013, 1, 10, 1), datetime(2013, 1, 12), None]}


@pytest.mark.parametrize(
    ("told", "failing"), [({}, [0]), ({"gap": "24h"}, [0, 1]), ({"gap": "2d"}, [0, 1]), ({"gap": "49h"}, [0, 1, 2])]
)
def test_the_later_side_begins_after_the_earlier_one_ends_and_after_the_gap(told, failing):
    outcome = outcome_of(LATER, check_of("time_split", "at", other="train", **told), others=DAYS)

    assert (outcome.n_rows, rows_of(outcome)) == (3, failing)


def test_each_part_begins_after_all_parts_before_it():
    frame = {
        "at": [date(2013, 1, d) for d in (1, 5, 4, 6, 5, 9)],
        "part": ["train", "train", "valid", "valid", "test", "test"],
    }

    outcome = outcome_of(frame, check_of("time_split"), roles=Roles(time="at", split="part"))

    # valid begins on the 4th and train ends on the 5th; test begins on the 5th and valid ends on the 6th.
    assert (outcome.n_rows, rows_of(outcome)) == (4, [2, 4])


def test_parts_of_other_names_come_in_the_order_told():
    frame = {"at": [date(2013, 1, 1), date(2013, 1, 2)], "part": ["b", "a"]}

    fits = outcome_of(frame, check_of("time_split", "at", split="part", order=["b", "a"]))
    unknown = outcome_of(frame, check_of("time_split", "at", split="part"))

    assert (fits.verdict, unknown.verdict) == (Verdict.PASS, Verdict.INCONCLUSIVE)


def test_a_split_by_time_needs_times():
    outcome = outcome_of({"at": [1]}, check_of("time_split", "at", other="train"), others=DAYS)

    assert outcome.why == "at holds integer values; dates or instants are expected"


def test_a_gap_that_is_no_span_of_time_is_refused():
    with pytest.raises(ConfigError, match="gap"):
        check_of("time_split", "at", other="train", gap=-5)


def test_a_feature_may_not_be_later_than_its_event():
    frame = {
        "event": [datetime(2013, 1, 2)] * 4,
        "seen": [datetime(2013, 1, 2), datetime(2013, 1, 2, 1), None, datetime(2013, 1, 1)],
        "billed": [date(2013, 1, 2), None, None, date(2013, 1, 4)],
    }

    strict = outcome_of(frame, check_of("as_of", "seen", "billed", event="event"))
    slack = outcome_of(frame, check_of("as_of", "seen", "billed", event="event", slack="1h"))

    assert (strict.n_rows, rows_of(strict)) == (3, [1, 3])
    assert rows_of(slack) == [3]


def test_the_same_features_with_another_label_conflict():
    frame = {
        "a": [1, 1, 1, None, None],
        "b": ["x", "x", "x", "y", "y"],
        "label": [0, 1, 0, 1, 0],
        "id": [1, 2, 3, 4, 5],
    }

    outcome = outcome_of(frame, check_of("conflicting_labels"), roles=Roles(label="label", id=("id",)))

    assert (outcome.n_rows, rows_of(outcome)) == (5, [1, 4])
    assert outcome.examples[0].why == "2 rows with the same key: 0"


def labelled(n: int = 4000, seed: int = 7) -> pl.DataFrame:
    """Return rows whose label is known by `leak` and `code`, half known by `hint`, and unknown by `id` and `noise`."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    return pl.DataFrame(
        {
            "id": [f"row {i}" for i in rng.permutation(n)],
            "noise": rng.normal(size=n),
            "hint": label + rng.normal(size=n),
            "leak": np.where(label == 1, rng.normal(10, 1, n), rng.normal(-10, 1, n)),
            "code": pl.Series(np.where(label == 1, "won", "lost")).replace({"lost": None}),
            "label": label,
        }
    )


def test_a_feature_that_gives_the_label_away_is_named():
    outcome = outcome_of(labelled(), check_of("too_good", label="label"))

    assert outcome.verdict is Verdict.FAIL
    assert outcome.why == "2 features have AUC above 0.98: code 1.000, leak 1.000"


def test_an_id_that_differs_in_every_row_predicts_nothing_on_rows_it_has_not_seen():
    outcome = outcome_of(labelled(), check_of("too_good", "id", "noise", label="label", at_most=0.55))

    assert outcome.verdict is Verdict.PASS


def test_the_area_under_the_curve_is_that_of_two_normal_distributions():
    # Two normals one standard deviation apart: AUC = Φ(1/√2) = 0.7602. Bins lose a little of it.
    frame = labelled(40_000)
    halves = pl.Series(np.arange(40_000) % 2)

    found = powers(frame, halves, label="label", features=["hint"], confidence=0.95)

    assert found.powers[0].value == pytest.approx(0.7602, abs=0.01)
    assert found.powers[0].low < found.powers[0].value


def test_a_quantity_is_measured_by_the_variance_that_a_feature_explains():
    # y = x + e with equal variances: R² is 1/2.
    rng = np.random.default_rng(1)
    x, e = rng.normal(size=20_000), rng.normal(size=20_000)
    frame = pl.DataFrame({"x": x, "twice": 2 * (x + e), "square": (x + e) ** 2, "y": x + e})

    found = powers(
        frame, pl.Series(np.arange(20_000) % 2), label="y", features=["x", "twice", "square"], confidence=0.95
    )

    values = {power.feature: power.value for power in found.powers}
    assert found.measure == "R²"
    assert values == {
        "twice": pytest.approx(1.0),
        "x": pytest.approx(0.5, abs=0.03),
        "square": pytest.approx(0.0, abs=0.01),
    }


def test_several_classes_are_taken_one_against_the_rest():
    rng = np.random.default_rng(3)
    label = rng.integers(0, 3, 3000)
    frame = pl.DataFrame({"same": label, "noise": rng.normal(size=3000), "label": pl.Series(label).cast(pl.String)})

    outcome = outcome_of(frame, check_of("too_good", label="label"))

    assert outcome.why == "1 feature has AUC above 0.98: same 1.000"


def test_few_rows_cannot_prove_a_feature_too_good():
    outcome = outcome_of(labelled(240), check_of("too_good", "leak", label="label"))

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert "240 rows are too few to be sure" in outcome.why


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([1] * 200, "the label has only one value"),
        ([None] * 200, "no row has a label"),
        ([0] * 190 + [1] * 10, "about 50 rows of each class are needed, and the rarest class has 10"),
        ([str(i) for i in range(200)], "the label has 200 classes; at most 50 are looked at"),
    ],
)
def test_a_label_that_says_too_little_is_inconclusive(values, why):
    frame = pl.DataFrame(
        {"x": range(200), "label": pl.Series(values, dtype=pl.String if isinstance(values[0], str) else pl.Int64)}
    )

    outcome = outcome_of(frame, check_of("too_good", label="label"))

    assert (outcome.verdict, outcome.why) == (Verdict.INCONCLUSIVE, why)


def test_the_sample_is_the_same_each_time_and_no_more_than_asked(monkeypatch):
    monkeypatch.setattr("assay.checks.leakage.SAMPLE", 1000)

    first, second = (outcome_of(labelled(), check_of("too_good", "hint", label="label", seed=5)) for _ in range(2))

    assert first == second
    assert 700 < first.observed.n < 1300


def test_features_of_every_kind_are_measured():
    n = 400
    frame = labelled(n).with_columns(
        day=pl.Series([date(2013, 1, 1) + timedelta(days=i % 7) for i in range(n)]),
        flag=pl.col("label").cast(pl.Boolean),
        tags=pl.concat_list("label"),
        kind=pl.col("code").cast(pl.Categorical),
        empty=pl.lit(None),
        money=pl.col("hint").cast(pl.Decimal(12, 2)),
        bits=pl.lit(b"x"),
    )

    outcome = outcome_of(frame, check_of("too_good", label="label", at_most=0.9))

    assert outcome.verdict is Verdict.FAIL
    assert outcome.why == "5 features have AUC above 0.9: code 1.000, flag 1.000, kind 1.000, tags 1.000, leak 0.999"


def test_a_suite_with_gaps_is_read_back_the_same():
    suite = Suite(
        (
            check_of("time_split", "at", other="train", gap="36h"),
            check_of("as_of", "at", event="x", slack=timedelta(hours=2)),
        )
    )

    assert parse_suite(dump_suite(suite)) == suite


WHO = st.lists(st.tuples(st.sampled_from(["a", "b", "c", None]), st.sampled_from(["train", "test", None])), max_size=12)


@given(WHO)
def test_shared_groups_are_what_plain_sets_find(rows):
    frame = pl.DataFrame(rows, schema={"who": pl.String, "part": pl.String}, orient="row")
    parts: dict[str, set[str]] = {}
    for who, part in rows:
        if who is not None and part is not None:
            parts.setdefault(who, set()).add(part)
    shared = [i for i, (who, part) in enumerate(rows) if part is not None and len(parts.get(who, ())) > 1]

    assert failing_rows(frame, check_of("no_shared_groups", "who", split="part")) == shared
