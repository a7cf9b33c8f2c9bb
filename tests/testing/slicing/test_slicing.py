"""The small dataset: it has every target that the data has, says what it has no room for, and is the same each time."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from assay.api import Options
from assay.api.slicing import slice
from assay.data.dataset import Roles
from assay.data.engine import Batch
from assay.data.polars_engine import PolarsEngine, batches
from assay.data.sources import dataset
from assay.errors import DataError, UsageError
from assay.profiles.profile import profile_dataset
from assay.reports.render import FORMATS, render
from assay.testing.slicing.picks import Picks, PicksPlan
from assay.testing.slicing.slicing import FIRST, Slice, slice_dataset
from assay.testing.slicing.targets import ASPECTS, axes_of
from assay.testing.slicing.writing import WRITERS, write_rows
from assay.verdict import Verdict

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def many(n: int = 20_000, seed: int = 0) -> pl.DataFrame:
    """Return many usual rows, and one of each rarity, each in a row of its own."""
    rng = np.random.default_rng(seed)
    x = rng.normal(100, 10, n)
    frame = pl.DataFrame(
        {
            "id": np.arange(n), "x": x, "y": 2 * x + rng.normal(0, 5, n), "kind": rng.choice(["a", "b", "c"], n),
            "note": rng.choice(["fine", "well", "good enough"], n), "on": rng.random(n) < 0.5,
            "day": pl.Series(rng.integers(19_000, 19_350, n), dtype=pl.Int32).cast(pl.Date),
        }
    )  # fmt: skip
    odd = {
        11: ("kind", "rare"), 222: ("note", ""), 333: ("note", "  "), 444: ("note", "caf\u00e9"), 555: ("note", "a\nb"),
        666: ("x", -5.0), 777: ("x", 0.0), 888: ("x", math.nan), 999: ("x", None), 1_111: ("day", date(2024, 2, 29)),
        2_222: ("note", " padded"), 3_333: ("x", math.inf), 4_444: ("note", "N/A"),
    }  # fmt: skip
    for row, (name, value) in odd.items():
        frame[row, name] = value
    both = (pl.int_range(pl.len()) == 5_555) & pl.lit(value=True)
    return frame.with_columns(pl.when(~both).then(pl.col("x", "kind")))


def sliced(frame: pl.DataFrame, *, rows: int = 200, seed: int = 1, **roles: str) -> Slice:
    data = dataset(frame, roles=Roles(**roles))
    return slice_dataset(data, rows=rows, seed=seed, engine=PolarsEngine())


def told(seen: Slice) -> dict[tuple[str, str, str], int]:
    return {(one.aspect, ", ".join(one.columns), one.what): one.in_slice for one in seen.covered}


def test_a_rarity_in_one_row_of_twenty_thousand_is_in_a_slice_of_a_hundred():
    seen = sliced(many(), rows=100)

    assert {11, 222, 333, 444, 555, 666, 777, 888, 1_111, 2_222, 3_333, 4_444, 5_555} <= set(seen.numbers.tolist())
    assert seen.left_out == ()


def test_every_kind_of_target_is_named():
    seen = told(sliced(many(), label="on"))

    for target in [
        ("column", "x", "a value"), ("extreme", "id", "the least: 0"), ("extreme", "id", "the greatest: 19999"),
        ("extreme", "day", "the greatest: 2024-02-29"), ("edge case", "x", "zero"), ("edge case", "x", "negative"),
        ("edge case", "x", "infinite"), ("edge case", "note", "empty"), ("edge case", "note", "only white space"),
        ("edge case", "note", "not ASCII"), ("edge case", "note", "several lines"), ("edge case", "day", "29 February"),
        ("edge case", "note", "white space at an end"), ("edge case", "note", "a word for missing"), ("missing", "x", "null"),
        ("missing", "x", "NaN"), ("missing", "x, kind", "missing together: x, kind"), ("missing", "x, kind", "none missing"),
        ("missing", "x, kind", "only x missing"),
        ("category", "kind", "'rare'"), ("category", "on", "True"), ("label and category", "on, kind", "true and a"),
    ]:  # fmt: skip
        assert seen[target] >= 1, target


def test_corners_of_related_columns_are_covered():
    seen = told(sliced(many()))

    corners = {what for aspect, columns, what in seen if aspect == "corner" and columns == "x, y"}
    assert {"x low, y low", "x high, y high"} <= corners


def test_each_tenth_of_a_range_is_covered():
    seen = sliced(many())

    parts = [one for one in seen.covered if one.aspect == "part of the range" and one.columns == ("y",)]
    assert len(parts) == 10
    assert all(one.in_slice for one in parts)
    # The tenths of 20,000 rows have 2,000 each, but for the quantiles' error.
    assert all(abs(one.in_data - 2_000) < 60 for one in parts)


def test_rows_of_the_data_that_have_a_target_are_counted():
    seen = {(one.aspect, one.what): one.in_data for one in sliced(many()).covered}

    assert seen["category", "'rare'"] == 1
    assert seen["missing", "null"] == 1 or seen["missing", "missing together: x, kind"] == 1
    assert sum(n for (aspect, what), n in seen.items() if aspect == "category" and what in ("True", "False")) == 20_000


def test_what_the_slice_covers_is_counted_on_its_own_rows():
    frame = many()
    seen = sliced(frame)
    taken = frame[seen.numbers]

    assert seen.frame.equals(taken, null_equal=True)
    assert told(seen)["category", "kind", "'a'"] == (taken["kind"] == "a").sum()
    for one in seen.covered:
        assert one.row is None or one.row in seen.numbers


def test_rows_stand_in_the_order_of_the_data_and_none_twice():
    numbers = sliced(many()).numbers

    assert (np.diff(numbers) > 0).all()
    assert len(numbers) == 200


def test_the_rest_is_drawn_by_chance_by_the_seed():
    one, same, other = (sliced(many(), seed=seed) for seed in (1, 1, 2))

    assert one.numbers.tolist() == same.numbers.tolist()
    assert one.numbers.tolist() != other.numbers.tolist()
    # Those by chance are spread evenly: their mean place is half of 20,000 within five standard errors.
    assert abs(one.numbers.mean() - 10_000) < 5 * 20_000 / math.sqrt(12 * 150) + 1_000


@pytest.mark.parametrize("batch_rows", [1_000, 4_321])
def test_the_size_of_batches_changes_nothing(batch_rows: int):
    data = dataset(many())
    known = profile_dataset(data, engine=PolarsEngine())
    whole, parts = (
        slice_dataset(data, rows=200, seed=1, engine=PolarsEngine(batch_rows=size), profile=known)
        for size in (131_072, batch_rows)
    )

    assert whole.numbers.tolist() == parts.numbers.tolist()
    assert told(whole) == told(parts)


def test_picks_merge_in_any_order():
    data = dataset(many(6_000))
    axes = axes_of(profile_dataset(data, engine=PolarsEngine()), next(batches(data, rows=FIRST)).frame)
    plan = PicksPlan(axes, 50, 3)
    parts = [plan.measure(batch) for batch in batches(data, rows=2_000)]

    merged = [_folded(order, plan) for order in itertools.permutations(parts)]

    assert len(parts) == 3
    assert all(one.found == merged[0].found for one in merged)
    assert all(one.rows.keys() == merged[0].rows.keys() for one in merged)
    assert plan.empty().merge(parts[0]).found == parts[0].found


def _folded(parts: tuple[Picks, ...], plan: PicksPlan) -> Picks:
    state = plan.empty()
    for part in parts:
        state = state.merge(part)
    return state


def test_an_empty_batch_has_no_picks():
    plan = PicksPlan((), 5, 0)

    assert plan.measure(Batch(pl.DataFrame(schema={"a": pl.Int64}), 0)).found == {}


def test_memory_holds_a_row_for_each_target_and_a_sample():
    data = dataset(many())
    axes = axes_of(profile_dataset(data, engine=PolarsEngine()), next(batches(data, rows=FIRST)).frame)

    picks = PicksPlan(axes, 50, 0).measure(next(batches(data)))

    assert len(picks.rows) <= len(picks.found)
    assert picks.sample.rows.height == 50


# What rows were too few for.


def test_too_few_rows_are_a_warning_that_names_what_is_left_out_and_how_many_would_do():
    small = slice(many(), rows=5)

    warned = [outcome for outcome in small.findings.outcomes if outcome.verdict is Verdict.WARN]
    assert small.frame.height == 5
    assert small.findings.verdict is Verdict.WARN
    assert any("are not in the 5 rows of the slice" in outcome.why for outcome in warned)
    assert all("rows would cover everything" in outcome.why for outcome in warned)


def test_as_many_rows_as_were_said_to_do_cover_everything():
    enough = sliced(many(), rows=5).enough

    assert sliced(many(), rows=enough).left_out == ()
    assert sliced(many(), rows=enough - 1).left_out


def test_the_heaviest_targets_come_first():
    seen = sliced(many(), rows=3)

    assert {one.aspect for one in seen.covered if one.in_slice} >= {"column"}
    assert all(one.in_slice for one in seen.covered if one.aspect == "column")


def test_a_dataset_smaller_than_the_slice_is_taken_whole():
    frame = many(6_000).head(40)

    assert sliced(frame).frame.equals(frame, null_equal=True)


def test_data_without_rows_is_inconclusive():
    small = slice(pl.DataFrame(schema={"a": pl.Int64, "b": pl.String}))

    assert small.findings.verdict is Verdict.INCONCLUSIVE
    assert small.frame.schema == {"a": pl.Int64, "b": pl.String}
    assert not small


def test_data_without_columns_is_refused():
    with pytest.raises(DataError, match="no columns"):
        slice(pl.DataFrame())


def test_a_slice_of_no_rows_is_refused():
    with pytest.raises(UsageError, match="0 rows"):
        slice(many(6_000), rows=0)


# Hostile data.


HOSTILE = {
    "all missing": pl.DataFrame({"a": [None, None], "b": [1, 2]}, schema={"a": pl.Float64, "b": pl.Int64}),
    "null type": pl.DataFrame({"a": [None, None]}),
    "odd names": pl.DataFrame({"*": [1, 2], "^a$": [3, 4], "": ["x", "y"], "__key": [1, 1], "0": [True, False]}),
    "one row": pl.DataFrame({"a": [1.5]}),
    "constant": pl.DataFrame({"a": [7] * 50, "b": ["x"] * 50}),
    "nested": pl.DataFrame({"a": [[1], [], None], "s": [{"k": 1}, None, {"k": 2}], "b": [b"", b"x", None]}),
    "types": pl.DataFrame(
        {
            "e": pl.Series(["u", "v"], dtype=pl.Enum(["u", "v", "w"])), "c": pl.Series(["u", "v"], dtype=pl.Categorical),
            "d": pl.Series(["1.5", "2.5"]).cast(pl.Decimal(10, 2)), "t": pl.Series([0, 1]).cast(pl.Time),
            "ns": pl.Series([1, 2_000_000_001]).cast(pl.Datetime("ns")), "z": pl.Series([1, 2]).cast(pl.Datetime("us", "Asia/Tokyo")),
            "du": pl.Series([-1, 0]).cast(pl.Duration("ms")),
            "i": pl.Series([1, 2**100], dtype=pl.Int128), "u": pl.Series([1, 2**64 - 1], dtype=pl.UInt64),
            "f": pl.Series([1.0, math.nan], dtype=pl.Float32), "ar": pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int64, 2)),
        }
    ),
    "infinite": pl.DataFrame({"a": [math.inf, -math.inf, math.nan, None]}),
    "far dates": pl.DataFrame({"a": pl.Series([-(10**7), 10**7]).cast(pl.Int32).cast(pl.Date)}),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_data_is_covered_whole(name: str):
    frame = HOSTILE[name]
    small = slice(frame, rows=60)

    assert small.frame.equals(frame, null_equal=True)
    assert small.findings.verdict in (Verdict.PASS, Verdict.WARN)
    assert not [o.why for o in small.findings.outcomes if o.verdict is Verdict.WARN]


def test_more_codes_than_are_followed_are_counted():
    rng = np.random.default_rng(0)
    holes = pl.DataFrame({f"c{i}": [None if gone else 1 for gone in rng.random(4_000) < 0.5] for i in range(14)})

    small = slice(holes, rows=50)

    # Of 2^14 patterns of missing values some 3,500 occur; 512 of them are followed.
    assert "targets of columns with too many were not followed" in small.findings.exhibits[0].note


# What is told.


def test_findings_have_an_outcome_for_each_column_and_aspect_and_the_whole_list():
    small = slice(many(), rows=200, options=Options(now=NOW))

    subjects = {(outcome.check, outcome.subject) for outcome in small.findings.outcomes}
    assert ("covers_category", "kind") in subjects
    assert ("covers_edge_case", "note") in subjects
    coverage = small.findings.table("coverage")
    assert set(coverage.columns) == {"aspect", "column", "what", "rows_in_data", "rows_in_slice", "row"}
    assert coverage.filter(pl.col("what") == "'rare'")["row"].to_list() == [11]
    assert small.findings.provenance.started_at == NOW.isoformat()


def test_the_columns_of_the_slice_stand_beside_those_of_the_data():
    small = slice(many())
    beside = small.findings.table("slice_columns").filter(pl.col("column") == "y")

    assert beside["mean_in_data"].item() == pytest.approx(many()["y"].mean())
    assert beside["mean_in_slice"].item() == pytest.approx(small.frame["y"].mean())


@pytest.mark.parametrize("format", FORMATS)
def test_findings_of_a_slice_are_shown_in_every_format(format: str):
    whole, small = (render(slice(many(6_000), rows=rows).findings, format) for rows in (200, 5))

    assert "rare" in small if format != "text" else "found no room" in small
    assert whole != small


def test_every_aspect_of_the_table_is_seen_in_some_data():
    assert {one.aspect for one in sliced(many(), label="on").covered} == set(ASPECTS)


# Files.


@pytest.mark.parametrize("suffix", WRITERS)
def test_rows_are_written_and_read_back(suffix: str, tmp_path: Path):
    frame = pl.DataFrame({"n": [1, 2, None], "s": ["a", "b", None]})

    write_rows(frame, tmp_path / f"small{suffix}")

    if suffix != ".feather":
        assert dataset(tmp_path / f"small{suffix}").scan().collect().equals(frame)
    assert [path.name for path in tmp_path.iterdir()] == [f"small{suffix}"]


def test_a_format_that_cannot_hold_a_column_says_which_can(tmp_path: Path):
    with pytest.raises(DataError, match=r"a \.parquet file holds every type"):
        write_rows(pl.DataFrame({"a": [[1]]}), tmp_path / "small.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_name_without_a_format_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match=r"the suffix '\.xlsx' says no format for rows"):
        write_rows(pl.DataFrame({"a": [1]}), tmp_path / "small.xlsx")
