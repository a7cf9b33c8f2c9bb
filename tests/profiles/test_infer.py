"""A schema is inferred as a careful person would write it: nothing in it that a fresh sample of the same data breaks."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

from assay.data.dataset import Roles
from assay.data.polars_engine import PolarsEngine
from assay.data.sources import dataset
from assay.profiles.infer import infer_schema
from assay.profiles.profile import profile_dataset
from assay.profiles.schema import Field, dump_schema, parse_schema

N = 1000


def field(values: Any, name: str = "x", roles: Roles = Roles()) -> Field:  # noqa: B008
    data = dataset(pl.DataFrame({name: values}), name="data", roles=roles)
    return infer_schema(profile_dataset(data, engine=PolarsEngine())).datasets["data"].columns[name]


@pytest.mark.parametrize(
    ("values", "type"),
    [
        (pl.Series([1, 2], dtype=pl.UInt8), "integer"),
        ([1.5], "float"),
        ([Decimal("1.5")], "decimal"),
        (["a"], "text"),
        ([True], "boolean"),
        ([date(2020, 1, 1)], "date"),
        ([datetime(2020, 1, 1)], "datetime"),
        ([[1]], "list"),
        ([{"a": 1}], "struct"),
        ([None], ""),
    ],
)
def test_a_type_is_a_kind_and_no_width(values: Any, type: str):
    assert field(values).type == type


def test_a_float_of_a_text_file_may_be_any_number(tmp_path: Any):
    (tmp_path / "x.csv").write_text("x\n1.0\n2.5\n")

    inferred = infer_schema(profile_dataset(dataset(tmp_path / "x.csv"), engine=PolarsEngine()))

    assert inferred.datasets["x"].columns["x"].type == "number"


@pytest.mark.parametrize(
    ("missing", "n", "share"),
    [
        (0, 1000, 0),
        (0, 50, None),  # 50 full rows are no evidence that there are no others
        (20, 1000, Decimal("0.04")),  # 20 + 3·√(20·0.98 + 1) + 3 = 36.6, rounded up
        (500, 1000, Decimal("0.6")),
        (1000, 1000, None),
        (999, 1000, None),
    ],
)
def test_missing_values_have_room_for_chance(missing: int, n: int, share: Decimal | None):
    assert field([None] * missing + [1.5] * (n - missing)).missing_share_at_most == share


def test_a_set_that_has_stopped_growing_is_closed():
    assert field(["b", "a", "c"] * 100).one_of == ("a", "b", "c")


@pytest.mark.parametrize(
    "values",
    [
        [f"v{i}" for i in range(500)],
        [f"v{i % 61}" for i in range(10_000)],
        ["a", "b"] * 10,
    ],
    ids=["all different", "too many", "too few rows"],
)
def test_a_set_that_may_grow_is_not_closed(values: list[str]):
    assert field(values).one_of == ()


def test_a_set_with_rare_values_has_room_for_others():
    rare = field(["a"] * 700 + ["b"] * 299 + ["c"])

    # One value was seen once: about 1 row of 1,000 may hold another, and with 3·√2 + 3 rows more, rounded up, 0.9%.
    assert (rare.one_of, rare.other_share_at_most) == (("a", "b", "c"), Decimal("0.009"))
    assert field(["a"] * 700 + ["b", "c", "d", "e"] * 4).one_of == ()  # too many rows of rare values


def test_codes_are_a_set_and_a_scale_is_a_range():
    assert field([10, 20, 50] * 100).one_of == (10, 20, 50)
    assert field([1, 2, 3, 4, 5] * 100).bounds == {"at_least": 1, "at_most": 5}


def test_a_scale_that_thins_out_has_room_above():
    values = [0] * 700 + [1] * 200 + [2] * 60 + [3] * 10

    assert field(values).bounds == {"at_least": 0, "at_most": 5}  # half of the span of 3 beyond 3, rounded up


def test_a_light_tail_has_a_range_that_is_rounded_outward():
    # 20 to 79.5: half of the span of 59.5 beyond 79.5 is 109.25, and the span's power of ten is 10.
    assert field([20 + i % 120 / 2 for i in range(6000)]).bounds == {"at_most": 110}
    assert field([1000 + i % 120 / 2 for i in range(6000)]).bounds == {"at_least": 970, "at_most": 1090}


def test_numbers_that_lean_on_zero_have_it_as_their_floor():
    assert field(np.arange(N) % 400 * 0.25).bounds["at_least"] == 0
    assert field([-value for value in range(400)] * 3).bounds["at_most"] == 0


def test_a_share_lies_between_0_and_1(rng: np.random.Generator):
    assert field(rng.random(N)).bounds == {"at_least": 0, "at_most": 1}


def test_a_heavy_tail_has_no_upper_bound(rng: np.random.Generator):
    assert field(rng.lognormal(0, 2, 5 * N)).bounds == {"at_least": 0}
    assert field(rng.standard_cauchy(5 * N)).bounds == {}


def test_infinite_values_leave_the_range_open():
    assert field([float("inf"), *range(N)]).bounds == {}


def test_row_numbers_grow_and_are_unique():
    rows = field(list(range(N)))

    assert (rows.unique, rows.bounds) == (True, {"at_least": 0})


@pytest.mark.parametrize(
    ("name", "values", "unique"),
    [
        ("x", list(range(99)), False),  # too few to tell
        ("x", [*range(500), 0], False),
        ("x", [i * i * 10_000 for i in range(500)], False),  # of so many numbers, none meet by chance
        ("user_id", [i * i * 10_000 for i in range(500)], True),
        ("x", [i / 7 for i in range(500)], False),
        ("x", [f"N{i:05}" for i in range(500)], True),
        ("x", [f"the {chr(97 + i % 26)} of {i} men" for i in range(500)], False),
        ("x", list(range(5000)), False),  # more than the sketch counts exactly
    ],
    ids=["few", "repeats", "wide", "by its name", "amounts", "codes", "sentences", "inexact"],
)
def test_uniqueness_is_exact_and_no_chance(name: str, values: list[Any], unique: bool):
    assert field(values, name).unique is unique


@pytest.mark.parametrize(
    ("values", "rising"),
    [
        ([datetime(2020, 1, 1) + timedelta(hours=i) for i in range(200)], "strictly"),
        ([datetime(2020, 1, 1) + timedelta(hours=i // 2) for i in range(200)], True),
        ([datetime(2020, 1, 1) - timedelta(hours=i) for i in range(200)], False),
        ([datetime(2020, 1, 1)] * 200, False),
        ([datetime(2020, 1, 1) + timedelta(hours=i) for i in range(50)], False),
    ],
    ids=["rises", "with ties", "falls", "constant", "few"],
)
def test_order_is_what_instants_keep(values: list[datetime], rising: object):
    assert field(values).rising == rising


def test_instants_have_a_first_year_and_no_last():
    assert field([date(2013, 3, 1) + timedelta(days=i % 300) for i in range(N)]).bounds == {
        "at_least": date(2012, 1, 1)
    }


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        ([f"{i % 3}{i:04}" for i in range(N)], r"\d{5}"),
        ([f"AB-{i}" for i in range(90, 390)], r"\p{Lu}+\-\d+"),
        (["yes", "no"] * 20 + [f"x{i}" for i in range(N)], ""),
        ([f"word {chr(97 + i % 26)}" for i in range(N)], ""),
    ],
    ids=["fixed", "runs", "mixed", "words"],
)
def test_texts_that_all_look_alike_have_a_pattern(values: list[str], pattern: str):
    inferred = field(values).matches

    assert inferred == pattern
    assert not inferred or pl.Series(values).str.contains(f"^(?:{inferred})$").all()


def test_roles_and_keys_come_from_the_dataset():
    data = dataset(
        pl.DataFrame({"id": [1], "at": [date(2020, 1, 1)], "y": [True]}),
        name="d",
        roles=Roles(id=("id",), time="at", label="y"),
    )
    inferred = infer_schema(profile_dataset(data, engine=PolarsEngine())).datasets["d"]

    assert inferred.keys == (("id",),)
    assert inferred.roles == data.roles


def test_no_rows_and_no_columns_say_nothing():
    assert field(pl.Series([], dtype=pl.Int64)) == Field()
    assert (
        infer_schema(profile_dataset(dataset(pl.DataFrame(), name="x"), engine=PolarsEngine())).datasets["x"].columns
        == {}
    )


def test_an_inferred_schema_reads_back_the_same(rng: np.random.Generator):
    frame = pl.DataFrame(
        {
            "a": rng.normal(size=N),
            "b b": ["on", "no"] * (N // 2),
            "ü": range(N),
            "t": [date(2020, 1, 1) + timedelta(days=i) for i in range(N)],
        }
    )
    inferred = infer_schema(profile_dataset(dataset(frame, name="x"), engine=PolarsEngine()))

    assert parse_schema(dump_schema(inferred)) == inferred
