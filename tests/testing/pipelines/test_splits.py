"""Parts of a split that share nothing, and a test set that is looked at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from assay.data.sources import dataset
from assay.errors import UsageError
from assay.evaluation.ledger import Entry, append
from assay.testing.explaining import explained
from assay.testing.pipelines.pipeline import pipeline
from assay.testing.pipelines.splits import parts_of, splits_apart, used_test_set_once
from assay.verdict import Outcome, Verdict

DAYS = [datetime(2026, 1, 1) + timedelta(days=i) for i in range(10)]
ROWS = pl.DataFrame(
    {"id": range(10), "customer": [i // 2 for i in range(10)], "day": DAYS, "x": [i * 1.5 for i in range(10)]}
)


def split(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    return {"test": rows[8:], "train": rows[:6], "validation": rows[6:8]}


def judged(data: Any = ROWS, **declared: Any) -> Outcome:
    return splits_apart(pipeline(len, name="churn", **{"split": split, **declared}), data)


def test_parts_that_share_nothing_pass_and_say_what_was_compared():
    seen = judged(key="id", entity="customer", time="day")

    assert seen.verdict is Verdict.PASS
    assert seen.why == (
        "train (6), validation (2), test (2) share nothing: 12 comparisons by no_shared_rows, no_shared_keys, no_shared_groups, time_split"
    )


def test_a_row_that_was_copied_before_the_split_is_shown():
    seen = judged(split=lambda rows: (rows[:6], pl.concat([rows[2:3], rows[6:]])))

    assert seen.verdict is Verdict.FAIL
    assert "1 of 5 rows of test break no_shared_rows with train" in seen.why
    assert seen.examples[0].row == 0
    assert "declare key=" in seen.note


def test_equal_rows_with_keys_of_their_own_are_a_warning():
    rows = ROWS.with_columns(x=pl.lit(1.0), customer=pl.lit(1), day=pl.lit(DAYS[0]))

    assert judged(rows, key="id").verdict is Verdict.WARN
    assert judged(rows.drop("id")).verdict is Verdict.FAIL


def test_a_key_on_both_sides_fails_though_its_rows_differ():
    rows = ROWS.with_columns(id=pl.col("id") % 9)

    seen = judged(rows, key="id")

    assert seen.verdict is Verdict.FAIL
    assert "break no_shared_keys with train" in seen.why


def test_a_customer_on_both_sides_fails():
    seen = judged(split=lambda rows: (rows[:7], rows[7:]), entity="customer")

    assert seen.verdict is Verdict.FAIL
    assert "1 of 3 rows of test break no_shared_groups with train" in seen.why
    assert "GroupKFold" in seen.note


def test_a_random_split_of_data_in_time_fails():
    order = np.random.default_rng(1).permutation(10)

    seen = judged(split=lambda rows: (rows[order[:6].tolist()], rows[order[6:].tolist()]), time="day")

    assert seen.verdict is Verdict.FAIL
    assert "break time_split with train" in seen.why


def test_a_gap_that_was_forgotten_fails():
    assert judged(time="day").verdict is Verdict.PASS
    seen = judged(time="day", gap="3d")
    assert seen.verdict is Verdict.FAIL
    assert "time_split" in seen.why


def test_parts_may_be_named_by_a_column():
    rows = ROWS.with_columns(part=pl.Series(["train"] * 8 + ["test"] * 2))

    assert judged(rows, split="part", key="id").verdict is Verdict.PASS
    with pytest.raises(UsageError, match="no column 'fold'"):
        judged(rows, split="fold")


def test_parts_may_be_given_by_themselves():
    frame = ROWS.to_pandas()

    assert judged(None, split={"train": frame[:6], "test": frame[6:]}).verdict is Verdict.PASS
    assert judged(None, split={"train": frame[:6], "test": frame[5:]}).verdict is Verdict.FAIL


def test_x_and_y_are_compared_together():
    x, y = pd.DataFrame({"x": [1.0, 1.0, 2.0]}), pd.Series([0, 1, 0])

    apart = splits_apart(pipeline(len, split={"train": (x[:1], y[:1]), "test": (x[1:], y[1:])}), None)

    assert apart.verdict is Verdict.PASS  # the same x with another label is another row


def test_the_parts_come_in_the_order_of_their_use():
    assert list(parts_of(pipeline(len, split=split), ROWS)) == ["train", "validation", "test"]


@pytest.mark.parametrize(
    ("parts", "why"),
    [({"all": ROWS}, "has 1 part"), ({"train": ROWS, "test": ROWS[:0]}, "the part 'test' has no rows")],
)
def test_fewer_than_two_parts_or_an_empty_one_are_inconclusive(parts: dict[str, pl.DataFrame], why: str):
    seen = judged(split=parts)

    assert seen.verdict is Verdict.INCONCLUSIVE
    assert why in seen.why


def test_a_key_that_is_no_column_is_inconclusive_and_named():
    seen = judged(key="uuid")

    assert seen.verdict is Verdict.INCONCLUSIVE
    assert "uuid" in seen.why


def test_what_is_no_split_is_refused():
    with pytest.raises(UsageError, match="'train'"):
        judged(split=lambda rows: rows)
    with pytest.raises(UsageError, match="no rows"):
        judged(split={"train": 1, "test": 2})


def test_the_split_does_not_see_the_data_themselves():
    frame = ROWS.to_pandas()

    def spoil(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        rows["x"] = 0.0
        return rows[:5], rows[5:]

    judged(frame, split=spoil)

    assert frame["x"].sum() == 67.5  # 1.5 times 0 + 1 + … + 9


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "evaluations.jsonl"


def look(ledger: Path, rows: pl.DataFrame, *uses: str) -> None:
    """Write down looks at these rows."""
    for i, use in enumerate(uses):
        entry = Entry(
            f"2026-01-0{i + 1}T00:00:00+00:00",
            dataset(rows).fingerprint,
            use,
            "test",
            rows.height,
            f"v{i}",
            {"auc": 0.9},
        )  # type: ignore[arg-type]
        append(entry, ledger)


def used(ledger: Path, **declared: Any) -> Outcome:
    return used_test_set_once(pipeline(len, name="churn", ledger=ledger, **{"split": split, **declared}), ROWS)


def test_one_final_look_passes(ledger: Path):
    look(ledger, ROWS[8:], "final")
    look(ledger, ROWS[6:8], "tuning", "tuning")  # the validation set is for that

    assert used(ledger).verdict is Verdict.PASS


def test_a_look_for_tuning_fails_with_all_looks_shown(ledger: Path):
    look(ledger, ROWS[8:], "tuning", "tuning", "final")

    seen = used(ledger)

    assert seen.verdict is Verdict.FAIL
    assert seen.why == "the test set was looked at 2 times for tuning, and 1 time for a final figure"
    assert [example.values["use"] for example in seen.examples] == ["tuning", "tuning", "final"]
    assert "0.9" in explained(seen)


def test_a_second_final_look_is_a_warning_with_the_width_that_it_costs(ledger: Path):
    look(ledger, ROWS[8:], "final", "final")

    seen = used(ledger)

    assert seen.verdict is Verdict.WARN
    assert "1.14 times as wide" in seen.why  # z(0.0125) / z(0.025) = 2.2414 / 1.9600


def test_a_set_that_the_ledger_does_not_know_is_inconclusive(ledger: Path):
    look(ledger, ROWS[6:8], "final")

    seen = used(ledger)

    assert seen.verdict is Verdict.INCONCLUSIVE
    assert "no evaluation of this set" in seen.why


def test_without_a_split_the_data_are_the_test_set(ledger: Path):
    look(ledger, ROWS, "final")

    assert used(ledger, split=None).verdict is Verdict.PASS
