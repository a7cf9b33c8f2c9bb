"""A first look finds what is wrong in any data, and is quiet where nothing is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from assay.checks.dependencies import nearly_determined
from assay.checks.firstlook import first_look
from assay.checks.judge import Inputs, judge
from assay.checks.suite import dump_suite, parse_suite
from assay.data.dataset import Dataset, Roles
from assay.data.kinds import Kind
from assay.data.polars_engine import PolarsEngine
from assay.errors import DataError
from assay.verdict import Findings, Verdict
from checks.judging import NOON, dataset_of

Rng = np.random.Generator
ROWS = 600


def looked(frame: pl.DataFrame, *, roles: Roles | None = None, notes: tuple[str, ...] = ()) -> Findings:
    dataset = Dataset("frame", "a frame", frame.lazy, roles=roles or Roles(), notes=notes)
    return judge(first_look(dataset), dataset, Inputs(now=NOON), engine=PolarsEngine())


def trouble(frame: pl.DataFrame, **more: Any) -> list[tuple[str, str]]:
    """Return (check, subject) of all that did not pass."""
    return [(one.check, one.subject) for one in looked(frame, **more).outcomes if one.verdict is not Verdict.PASS]


def ordinary(rng: Rng, n: int = ROWS) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "amount": rng.lognormal(3, 1, n),
            "temperature": rng.normal(9, 8, n).round(1),
            "visits": rng.poisson(2, n),
            "country": rng.choice(["Austria", "Chile", "Kenya"], n),
            "comment": [f"order {i} came {'late' if i % 3 else 'early'}, said no. {i * 7919 % n}" for i in range(n)],
            "zip": [f"{z:05d}" for z in rng.integers(0, 99_999, n)],
            "flag": rng.random(n) < 0.5,
            "when": [
                datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=int(m))
                for m in np.sort(rng.integers(0, 90_000, n))
            ],
        }
    )


def test_ordinary_data_has_no_trouble(rng: Rng):
    assert trouble(ordinary(rng), roles=Roles(time="when", id=("id",))) == []


@pytest.mark.parametrize(
    ("column", "values", "found"),
    [
        ("age", [-999 if i % 40 == 0 else 20 + i % 50 for i in range(ROWS)], ["sentinel_spike"]),
        ("job", ["unknown" if i % 40 == 0 else f"job {i % 30}" for i in range(ROWS)], ["sentinel_spike"]),
        ("year", [2013] * ROWS, ["not_constant"]),
        ("fax", [None if i % 3 else f"{i % 50}a" for i in range(ROWS)], ["missing_share"]),
        ("name", [f"Ann {i}" if i % 50 else " Ann  " for i in range(ROWS)], ["clean_text"]),
        ("city", ["Rome" if i % 2 else "rome" if i % 20 == 0 else "Oslo" for i in range(ROWS)], ["spelling"]),
        ("price", [f"{i % 97}.5" for i in range(ROWS)], ["type_is"]),
        ("size", [f"{i % 9 + 1} oz" for i in range(ROWS)], ["type_is"]),
        ("strength", [f"0.0{i % 7 + 1}{'%' if i % 4 == 0 else ''}" for i in range(ROWS)], ["parses"]),
        ("phone", [f"33425{i % 90 + 10000}" if i % 30 else "3342x10000" for i in range(ROWS)], ["parses"]),
        ("day", [f"2024-0{i % 9 + 1}-1{i % 10}" for i in range(ROWS)], ["type_is"]),
        ("ratio", [float("inf") if i == 7 else i / 7 for i in range(ROWS)], ["finite"]),
    ],
)
def test_trouble_of_one_column_is_found(column: str, values: list[Any], found: list[str], rng: Rng):
    frame = ordinary(rng).with_columns(pl.Series(column, values))

    assert trouble(frame) == [(check, column) for check in found]


def test_a_time_after_now_is_found(rng: Rng):
    later = NOON + timedelta(days=1)

    frame = ordinary(rng).with_columns(
        pl.when(pl.col("id") == ROWS - 1).then(pl.lit(later)).otherwise("when").alias("when")
    )

    assert trouble(frame) == [("no_future", "when")]


def half_hours() -> list[datetime]:
    return [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=30 * i) for i in range(ROWS)]


def test_a_hole_in_a_regular_series_is_found():
    frame = pl.DataFrame({"at": half_hours(), "load": np.arange(ROWS) * 7919 % 1_000}).filter(
        pl.int_range(pl.len()) != 300
    )

    assert trouble(frame) == [("regular", "at")]


def test_a_repeated_instant_in_a_regular_series_is_found():
    at = half_hours()

    frame = pl.DataFrame({"at": [*at[:301], *at[300:]], "load": np.arange(ROWS + 1) * 7919 % 1_000})

    assert ("rising", "at") in trouble(frame)


def test_rows_that_repeat_are_found(rng: Rng):
    frame = ordinary(rng).drop("id", "when")

    assert trouble(pl.concat([frame, frame.tail(3)])) == [("duplicates", "table")]


def test_a_key_that_repeats_fails_where_it_has_that_role_and_warns_where_it_is_only_called_so(rng: Rng):
    frame = ordinary(rng).with_columns(pl.when(pl.col("id") == 9).then(8).otherwise("id").alias("id"))

    called, role = looked(frame), looked(frame, roles=Roles(id=("id",)))

    assert (called.verdict, role.verdict) == (Verdict.WARN, Verdict.FAIL)
    assert trouble(frame) == [("unique", "id")]


def test_slips_in_what_follows_from_a_key_are_found(rng: Rng):
    place = rng.integers(0, 30, ROWS)
    cities = [f"city {p}" if i % 60 else "cxty" for i, p in enumerate(place)]
    frame = ordinary(rng).with_columns(pl.Series("code", [f"c{p}" for p in place]), pl.Series("city", cities))

    assert ("determines", "code") in trouble(frame)


def test_nothing_follows_from_unrelated_words(rng: Rng):
    frame = pl.DataFrame({"a": rng.choice(list("abcdefgh"), ROWS), "b": rng.choice(list("stuvwxyz"), ROWS)})

    assert nearly_determined(frame, {"a": Kind.TEXT, "b": Kind.TEXT}) == []


def test_a_feature_that_gives_the_label_away_is_found(rng: Rng):
    frame = (
        ordinary(rng)
        .with_columns(pl.Series("label", rng.integers(0, 2, ROWS)))
        .with_columns((pl.col("label") * 3 + 1).alias("leak"))
    )

    assert ("too_good", "table") in trouble(frame, roles=Roles(label="label"))


def test_a_word_that_was_read_as_missing_elsewhere_is_suspected_in_text(rng: Rng):
    frame = pl.DataFrame(
        {"sex": ["NA" if i % 30 == 0 else "mf"[i % 2] for i in range(ROWS)], "mass": rng.normal(size=ROWS)}
    )
    note = "'mass': read as missing: 'NA' (20)"

    assert trouble(frame) == []
    assert trouble(frame, notes=(note,)) == [("sentinel_spike", "sex")]


def test_no_rows_fail():
    findings = looked(pl.DataFrame(schema={"a": pl.Int64}))

    assert [one.check for one in findings.outcomes if one.verdict is Verdict.FAIL] == ["row_count"]


def test_a_look_needs_one_scan_and_one_for_repeated_rows(rng: Rng):
    dataset, engine = dataset_of(ordinary(rng)), PolarsEngine()

    judge(first_look(dataset), dataset, Inputs(now=NOON), engine=engine)

    assert engine.scans == 2


def test_a_look_is_a_suite_that_can_be_saved(rng: Rng):
    suite = first_look(dataset_of(ordinary(rng)))

    assert parse_suite(dump_suite(suite)) == suite


def test_columns_may_have_any_name(rng: Rng):
    frame = pl.DataFrame({"^a$": ["7.5", "8.5"] * 300, "*": rng.normal(size=ROWS), "": rng.integers(0, 9, ROWS)})

    assert trouble(frame) == [("type_is", "^a$")]


def test_rows_that_cannot_be_read_are_said_to_be_so(tmp_path):
    broken = tmp_path / "broken.parquet"
    pl.DataFrame({"a": list(range(50_000))}).write_parquet(broken)
    content = broken.read_bytes()
    schema = pl.LazyFrame({"a": [1]})
    broken.write_bytes(content[:40] + bytes(40) + content[80:])
    dataset = Dataset("broken", str(broken), lambda: pl.scan_parquet(broken, schema=schema.collect_schema()))

    with pytest.raises(DataError, match=r"broken\.parquet: the first rows cannot be read"):
        first_look(dataset)
