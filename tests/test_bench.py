"""What the benchmarks conclude rests on: the shifts that are injected, and the peers' thresholds that are matched."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the benchmarks are beside the sources, not in them

from bench import alarm_tables, alarms, shifts

AGES = pl.Series("age", [18 + (7 * row) % 60 for row in range(600)])
JOBS = pl.Series("job", ["cook"] * 300 + ["clerk"] * 200 + ["pilot"] * 100)
BY_NAME = {shift.name: shift for shift in shifts.SHIFTS}


def shifted(name: str, values: pl.Series) -> pl.Series:
    """Return the values with a shift in them, of which the values themselves are the reference."""
    return BY_NAME[name].into(values, shifts.about(values), np.random.default_rng(0))


@pytest.mark.parametrize("shift", shifts.SHIFTS, ids=lambda shift: shift.name)
def test_a_shift_keeps_name_and_length_and_only_a_null_burst_makes_nulls(shift: shifts.Shift) -> None:
    values = JOBS if shift.kind == "text" else AGES
    values = pl.concat([values.head(590), pl.Series(values.name, [None] * 10, dtype=values.dtype)])

    now = shift.into(values, shifts.about(values), np.random.default_rng(0))

    assert (now.name, len(now)) == (values.name, 600)
    emptied = round(shift.grade * 600) if shift.family == "nulls" else 0
    assert now.null_count() == 10 + emptied
    assert not now.equals(values)


def test_a_shift_of_the_mean_moves_it_by_that_many_deviations_and_keeps_whole_numbers_whole() -> None:
    now = shifted("mean +0.5 sd", AGES)

    by = shifts.about(AGES).sd / 2
    # Rounding up or down at random adds at most a variance of a quarter: five standard errors of its mean are 0.11.
    assert abs((now - AGES).to_numpy().mean() - by) < 5 * 0.5 / np.sqrt(600)
    assert now.to_list() == now.round(0).to_list()


def test_a_shift_of_the_scale_keeps_the_mean() -> None:
    now = shifted("scale ×1.5", AGES)

    sd = shifts.about(AGES).sd
    assert abs(now.to_numpy().mean() - AGES.to_numpy().mean()) < 0.11
    assert shifts.about(now).sd == pytest.approx(1.5 * sd, rel=0.01)


def test_a_tail_makes_a_share_of_the_rows_ten_times_as_large() -> None:
    now = shifted("2% of rows ×10", AGES)

    changed = now != AGES
    assert changed.sum() == 12
    assert now.filter(changed).to_list() == (10 * AGES.filter(changed)).to_list()


def test_categories_swap_from_the_commonest_to_the_second() -> None:
    now = shifted("10% swap category", JOBS)

    assert dict(now.value_counts().iter_rows()) == {"cook": 240, "clerk": 260, "pilot": 100}


def test_a_new_category_is_one_that_the_reference_never_had() -> None:
    now = shifted("5% new category", JOBS)

    assert (now == shifts.NEW).sum() == 30


def test_a_shift_is_put_only_into_a_column_that_it_suits() -> None:
    zeros = pl.Series("rain", [0.0] * 400 + [float(row) for row in range(200)])  # more than half are one value

    assert BY_NAME["mean +0.1 sd"].suits(shifts.about(AGES))
    assert not BY_NAME["mean +0.1 sd"].suits(shifts.about(zeros))
    assert not BY_NAME["mean +0.1 sd"].suits(shifts.about(JOBS))
    assert not BY_NAME["5% swap category"].suits(shifts.about(AGES))
    assert BY_NAME["5% null"].suits(shifts.about(zeros))
    assert not BY_NAME["5% null"].suits(shifts.about(pl.Series("same", [1] * 10)))


@pytest.mark.parametrize(("values", "decimals"), [([1, 2], 0), ([0.5, 0.25], 2), ([1 / 3, 2 / 7], None)])
def test_the_decimals_of_a_column_are_found(values: list[float], decimals: int | None) -> None:
    assert shifts.decimals_of(np.array(values, dtype=float)) == decimals


def test_windows_share_no_row_with_their_reference_or_each_other() -> None:
    table = pl.DataFrame({"row": range(1000)})

    groups = list(alarms.exchangeable("bank", table, 50, alarms.Plan(30, 0, (50,), 400)))

    assert sum(len(group.clean) for group in groups) == 30
    for group in groups:
        rows = pl.concat([group.reference, *group.clean])["row"]
        assert (group.reference.height, len(group.clean[0])) == (400, 50)
        assert rows.n_unique() == len(rows)


def test_the_same_windows_are_cut_in_every_run() -> None:
    table, plan = (
        pl.DataFrame({"age": AGES, "job": JOBS}).sample(fraction=1, shuffle=True, seed=1),
        alarms.Plan(3, 3, (60,), 300),
    )

    runs = [
        [window.frame for group in alarms.exchangeable("bank", table, 60, plan) for window in group.windows()]
        for _ in range(2)
    ]

    assert len(runs[0]) == 3 + 3 * len(shifts.SHIFTS)
    assert all(one.equals(other) for one, other in zip(*runs, strict=True))


def test_a_table_too_small_for_a_window_has_none() -> None:
    table = pl.DataFrame({"row": range(1000)})

    assert list(alarms.exchangeable("bank", table, 200, alarms.Plan(5, 0, (200,), 20_000))) == []  # 500 rows < 3 × 200


def clean(most: float) -> dict[str, Any]:
    """Return the record of a clean window whose worst column has a score."""
    return {
        "tool": "peer",
        "dataset": "a",
        "kind": "exchangeable",
        "size": 9,
        "most": most,
        "alarmed": [],
        "columns": 2,
    }


def test_a_matched_limit_lets_one_clean_window_in_a_hundred_alarm() -> None:
    records = [clean(score) for score in range(200)]  # the two greatest, 198 and 199, may alarm

    limits = alarm_tables.limits_of(records)

    assert limits == {("a", 9): 197}
    assert sum(map(alarm_tables.above("most", limits), records)) == 2


def test_half_of_the_columns_make_evidentlys_verdict_on_a_table() -> None:
    assert alarm_tables.half_alarmed({"alarmed": ["a"], "columns": 2})
    assert not alarm_tables.half_alarmed({"alarmed": ["a"], "columns": 3})


def test_the_interval_of_a_share_is_wilsons() -> None:
    # Newcombe 1998, table I: 0 of 20 is 0 to 0.1611, 81 of 263 is 0.2553 to 0.3662.
    assert alarm_tables.wilson(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)
    assert alarm_tables.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
