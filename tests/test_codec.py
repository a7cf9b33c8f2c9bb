"""Files that people write are read as they look, and every error says where."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.codec import atomic, dump_yaml, format_duration, load_yaml, parse_duration
from assay.errors import ConfigError, UsageError


class Plan(msgspec.Struct, forbid_unknown_fields=True):
    steps: list[float] = []
    hold: str = "0s"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"), ("no", "no"), ("Yes", "Yes"), ("y", "y"), ("true", True), ("null", None), ("~", None),
        ("1e-4", Decimal("1e-4")), ("1.10", Decimal("1.10")), (".5", Decimal(".5")), ("9007199254740993", 9007199254740993),
        ("0x1F", 31), ("0o17", 15), ("017", 17), ("1_000", "1_000"), ("12:30:00", "12:30:00"), ("-.inf", Decimal("-Infinity")),
        ("2013-01-31", date(2013, 1, 31)), ("2013-01-31T05:00:00Z", datetime(2013, 1, 31, 5, tzinfo=UTC)),
        ("2013-02-31", "2013-02-31"), ("'12'", "12"), ('"on"', "on"), ("-", "-"), ("", None),
    ],
)  # fmt: skip
def test_a_scalar_is_what_it_looks_like(text, value):
    read = load_yaml(f"a: {text}" if text != "-" else 'a: "-"', dict)["a"]

    assert read == value
    assert type(read) is type(value)


def test_an_unknown_key_is_an_error_with_file_and_rule():
    with pytest.raises(ConfigError) as error:
        load_yaml("steps: []\nhodl: 5m\n", Plan, file="plan.yaml")

    assert str(error.value) == "plan.yaml:2: hodl: there is no key 'hodl'; did you mean 'hold'? There are: steps, hold"


def test_a_value_of_the_wrong_type_is_an_error_with_its_line():
    with pytest.raises(ConfigError) as error:
        load_yaml("hold: 5m\nsteps:\n  - 1\n  - two\n", Plan, file="plan.yaml")

    assert str(error.value) == "plan.yaml:4: steps[1]: expected a number, got a text"


def test_a_key_that_stands_twice_is_an_error():
    with pytest.raises(ConfigError, match=r"plan\.yaml:2: the key 'hold' stands twice; keep one of them"):
        load_yaml("hold: 5m\nhold: 6m\n", Plan, file="plan.yaml")


def test_text_that_is_no_yaml_is_an_error_with_its_line():
    with pytest.raises(ConfigError, match=r"plan\.yaml:2: this is not YAML"):
        load_yaml("steps: [1, 2\n", Plan, file="plan.yaml")


def test_an_alias_that_contains_itself_is_an_error_and_not_a_hang():
    with pytest.raises(ConfigError, match="an alias contains itself"):
        load_yaml("a: &x [1, *x]\n", dict)


def test_aliases_that_multiply_are_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]

    with pytest.raises(ConfigError, match="aliases"):
        load_yaml("\n".join(lines), dict)


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.text() | st.dates()
    | st.decimals(allow_nan=False, allow_infinity=False) | st.datetimes(timezones=st.just(UTC))
)  # fmt: skip


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12))
def test_plain_data_survives_being_written_and_read(value):
    read = load_yaml(dump_yaml({"value": value}), dict)["value"]

    assert read == value or (isinstance(value, Decimal) and Decimal(read) == value)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3650)))
def test_a_duration_survives_being_written_and_read(duration):
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize("text", ["", "5", "5 minutes", "m", "5m3", "1y"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="is not a duration; write a number and w, d, h, m, s, ms or us"):
        parse_duration(text)


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("before")

    def half_written():
        with atomic(target) as stream:
            stream.write("half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        half_written()

    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_writing_into_a_folder_that_is_not_there_makes_it(tmp_path):
    with atomic(tmp_path / "some" / "where" / "a.txt") as stream:
        stream.write("whole")

    assert (tmp_path / "some" / "where" / "a.txt").read_text() == "whole"


def test_writing_below_a_file_says_so(tmp_path):
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(UsageError, match="cannot write here: "), atomic(tmp_path / "file" / "a.txt"):
        pass
