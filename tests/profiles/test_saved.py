"""A profile that is saved is the same when it is loaded, and a broken file is named with its place."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.data.dataset import Roles
from assay.data.kinds import Kind
from assay.data.polars_engine import PolarsEngine
from assay.data.sources import dataset
from assay.errors import ConfigError, UsageError
from assay.profiles.profile import ColumnProfile, Profile, profile_dataset
from assay.profiles.saved import is_profile, load_profile, profile_schema, read_profile, save_profile, write_profile
from assay.profiles.sketches import Frequent
from assay.profiles.states import Counts, Extremes, Moments

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden" / "profile-v1.json"
BERLIN = ZoneInfo("Europe/Berlin")


def same(a: Any, b: Any) -> bool:
    """Return whether two values are equal and of the same types all the way down; NaN equals NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, msgspec.Struct):
        return all(same(getattr(a, name), getattr(b, name)) for name in a.__struct_fields__)
    if isinstance(a, dict):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a.items(), b.items(), strict=True))
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, datetime):
        return a == b and str(a.tzinfo) == str(b.tzinfo) and a.utcoffset() == b.utcoffset()
    return bool(a == b or (a != a and b != b))


def of_one(frequent: Frequent | None = None, **told: Any) -> Profile:
    return Profile("data", 3, {"a": ColumnProfile("a", Kind.FLOAT, "Float64", frequent=frequent, **told)})


VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    2**70,
    -(2**63),
    0.5,
    -0.0,
    1e300,
    float("inf"),
    float("-inf"),
    float("nan"),
    "",
    "$date",
    'ü\n"',
    b"\x00\xff",
    Decimal("1.10"),
    Decimal("-1E+3"),
    Decimal("NaN"),
    date(2013, 1, 1),
    time(9, 30, 0, 5),
    timedelta(days=-1, microseconds=1),
    datetime(2013, 1, 1, 5),
    datetime(2013, 1, 1, 5, tzinfo=UTC),
    datetime(2013, 10, 27, 2, 30, tzinfo=BERLIN),
    datetime(2013, 10, 27, 2, 30, tzinfo=BERLIN, fold=1),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_every_value_keeps_its_type(value: Any):
    profile = of_one(Frequent({value: 3, "another kind": 1}, 4), extremes=Extremes(value, value))

    assert same(read_profile(write_profile(profile)), profile)


INSTANTS = (
    st.datetimes(timezones=st.sampled_from([ZoneInfo("UTC"), BERLIN, ZoneInfo("America/New_York")])) | st.datetimes()
)
ANYTHING = (
    INSTANTS
    | st.decimals(allow_nan=False)
    | st.binary()
    | st.timedeltas()
    | st.floats(allow_nan=False)
    | st.text()
    | st.times()
    | st.integers()
)


@given(st.lists(ANYTHING, max_size=5))
def test_lists_of_any_values_keep_their_types(values: list[Any]):
    profile = of_one(Frequent(dict(zip(values, range(1, 9), strict=False)), 9, 2, dict.fromkeys(values[:2], 1)))

    assert same(read_profile(write_profile(profile)), profile)


def test_a_moment_that_no_float_can_hold_is_kept():
    profile = of_one(moments=Moments(3, 1e300, float("inf"), float("nan"), float("inf")))

    assert same(read_profile(write_profile(profile)), profile)


def every_kind() -> pl.DataFrame:
    n = 300
    return pl.DataFrame(
        {
            "whole": range(n),
            "wide": pl.Series(range(n)).cast(pl.Int128),
            "float": [float("nan"), float("inf"), None, *(i / 7 for i in range(n - 3))],
            "decimal": pl.Series([Decimal(i) / 4 for i in range(n)], dtype=pl.Decimal(10, 2)),
            "text": [f"v{i % 5}" for i in range(n)],
            "category": pl.Series([f"c{i % 3}" for i in range(n)], dtype=pl.Categorical),
            "truth": [i % 3 == 0 for i in range(n)],
            "day": [date(2013, 1, 1) + timedelta(days=i) for i in range(n)],
            "instant": pl.Series([datetime(2013, 1, 1) + timedelta(hours=i) for i in range(n)])
            .dt.replace_time_zone("UTC")
            .dt.convert_time_zone("Asia/Tokyo"),
            "clock": [time(i % 24) for i in range(n)],
            "span": [timedelta(minutes=i) for i in range(n)],
            "bytes": [bytes([i % 256]) for i in range(n)],
            "list": [[i] * (i % 3) for i in range(n)],
            "struct": [{"x": i} for i in range(n)],
            "nothing": [None] * n,
            'a.b "ü"': range(n),
        }
    )


def test_a_profile_of_every_kind_of_column_is_the_same_again(tmp_path: Path):
    data = dataset(every_kind(), name="every kind", roles=Roles(id=("whole",), time="instant"))
    profile = profile_dataset(data, engine=PolarsEngine())

    save_profile(profile, tmp_path / "p.json")

    assert same(load_profile(tmp_path / "p.json"), profile)
    assert is_profile(tmp_path / "p.json")
    assert [path.name for path in tmp_path.iterdir()] == ["p.json"]


def test_loaded_profiles_merge_like_those_that_were_measured():
    frame = every_kind().drop("nothing")
    whole = profile_dataset(dataset(frame, name="x"), engine=PolarsEngine())
    edges = whole.edges()
    parts = [
        profile_dataset(dataset(part, name="x"), engine=PolarsEngine(), edges=edges)
        for part in (frame[:100], frame[100:])
    ]

    merged = read_profile(write_profile(parts[0])).merge(read_profile(write_profile(parts[1])))

    assert same(merged, parts[0].merge(parts[1]))
    assert merged.columns["day"].order == whole.columns["day"].order


def test_a_large_profile_is_small_and_quick_to_load(tmp_path: Path, rng: np.random.Generator):
    columns: dict[str, Any] = {f"f{i}": rng.normal(size=400_000) for i in range(8)} | {
        f"i{i}": rng.integers(0, 10 ** (i + 1), 400_000) for i in range(6)
    }
    frame = pl.DataFrame(columns).with_columns(
        pl.col("i0", "i1", "i2", "i3").cast(pl.String).name.prefix("t_"),
        (pl.col("f0") > 0).alias("b"),
        pl.col("i5").alias("j"),
    )
    save_profile(profile_dataset(dataset(frame), engine=PolarsEngine()), tmp_path / "p.json")

    started = perf_counter()
    load_profile(tmp_path / "p.json")
    seconds = perf_counter() - started

    assert frame.width == 20
    assert (tmp_path / "p.json").stat().st_size < 1_000_000
    assert seconds < 1  # about 0.02 on a quiet machine


# The format.


def test_the_first_format_is_still_read_and_written_the_same():
    text = GOLDEN.read_text()

    profile = read_profile(text, file="profile-v1.json")

    assert write_profile(profile) == text
    assert (profile.name, profile.rows, profile.roles.time) == ("penguins", 6, "when")
    assert profile.columns["mass"].moments.mean == 4000.0
    assert profile.columns["species"].frequent.top(2) == [("Adelie", 3), ("Gentoo", 2)]
    assert profile.columns["when"].extremes.high == datetime(2009, 11, 6, 9, tzinfo=UTC)
    assert profile.columns["price"].extremes.low == Decimal("1.10")


def test_the_published_schema_is_current():
    published = (ROOT / "docs" / "schemas" / "profile.schema.json").read_text()

    assert published == profile_schema(), "publish it again: docs/schemas/profile.schema.json"


def test_a_profile_saved_before_a_state_was_known_lacks_it_and_merges():
    old = read_profile(GOLDEN.read_text())
    new = profile_dataset(dataset(pl.DataFrame({"species": ["Adelie"]}), name="penguins"), engine=PolarsEngine())

    merged = old.merge(new).columns["species"]

    assert (old.columns["species"].sizes, old.columns["species"].tokens, old.columns["when"].calendar) == (None,) * 3
    assert (merged.sizes, merged.tokens, merged.lengths.moments.n) == (None, None, 7)
    assert merged.failed["sizes"] == merged.failed["tokens"] == "it was not measured on all of the rows"


def test_another_hash_function_is_no_reason_not_to_load():
    profile = read_profile(GOLDEN.read_text())

    assert profile.columns["species"].distinct.scheme != ""
    assert profile.columns["species"].distinct.count == 3


def changed(**told: Any) -> str:
    return json.dumps(json.loads(GOLDEN.read_text()) | told)


def with_column(**told: Any) -> str:
    content = json.loads(GOLDEN.read_text())
    content["columns"][0] |= told
    return json.dumps(content)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        (changed(format=2), "p.json: format", "format is 2; this assay reads format 1; install a newer assay"),
        (changed(format=0), "p.json: format", "format is 0; this assay reads format 1; profile the data again"),
        (changed(format="1"), "p.json: format", "profile the data again"),
        (changed(kind="assay.findings"), "p.json", "not a profile: kind is 'assay.findings'"),
        ("[]", "p.json", "not a profile: the file holds something else"),
        ("{", "p.json", "this is not JSON"),
        (changed(rows="many"), "p.json: rows", "expected a whole number"),
        (changed(surprise=1), "p.json", "surprise"),
        (with_column(counts={"n": "x"}), "p.json: columns[0].counts.n", "expected a whole number"),
        (
            with_column(distinct={"hashes": {"type": "<u8", "data": "?"}, "full": False, "scheme": "x"}),
            "p.json: columns[0] ('species').distinct",
            "not a packed array",
        ),
        (
            with_column(frequent={"values": ["a"], "counts": [1, 2], "n": 3}),
            "p.json: columns[0] ('species').frequent",
            "not as many counts as values",
        ),
        (
            with_column(extremes={"low": {"$date": ["yesterday"]}, "high": [None]}),
            "p.json: columns[0].extremes.low",
            "yesterday",
        ),
        (
            with_column(
                extremes={"low": {"$datetime": ["2013-01-01T00:00:00+00:00"], "zone": "Mars/Olympus"}, "high": [None]}
            ),
            "columns[0].extremes.low",
            "$datetime",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_named_with_its_place(text: str, place: str, said: str):
    with pytest.raises(ConfigError) as caught:
        read_profile(text, file="p.json")

    assert place in str(caught.value)
    assert said in str(caught.value)
    assert caught.value.hint


def test_a_file_that_is_not_there_is_said(tmp_path: Path):
    with pytest.raises(UsageError, match=r"p\.json: there is no such file"):
        load_profile(tmp_path / "p.json")
    assert not is_profile(tmp_path / "p.json")


def test_a_profile_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path):
    target = tmp_path / "p.json"
    target.write_text("what was there")

    with pytest.raises(TypeError, match=r"unhashable|object"):
        save_profile(of_one(Frequent({object(): 1}, 1), counts=Counts(1)), target)

    assert target.read_text() == "what was there"
    assert [path.name for path in tmp_path.iterdir()] == ["p.json"]
