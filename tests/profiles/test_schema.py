"""A schema is YAML that a person edits: it reads back the same, and a mistake is named with file, line and key."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from assay.data.dataset import Roles
from assay.data.kinds import Kind
from assay.errors import ConfigError, UsageError
from assay.profiles.schema import (
    DatasetSchema,
    Field,
    Schema,
    dump_schema,
    is_schema,
    join_schemas,
    kinds_of,
    load_schema,
    parse_schema,
    save_schema,
    schema_schema,
)

ROOT = Path(__file__).resolve().parents[2]
TEXT = r"""
format: 1
environments: [training, serving]
datasets:
  people:
    description: everyone who asked for a loan
    keys: [[id], [name, born]]
    extra_columns: false
    columns:
      id: {type: integer, unique: true, role: id}
      name: {type: text, length: [1, 80]}
      born: {type: date, at_least: 1900-01-01}
      "a.b": {type: decimal, between: [1.10, 9007199254740993], missing: [-1]}
      country: {one_of: [US, no, "1"], other_share_at_most: 0.01}
      zip: {matches: '\d{5}', missing_share_at_most: 0.05, required: false}
      asked: {type: "Datetime('us', 'UTC')", above: 2013-01-01T00:00:00Z, rising: strictly}
      label: {type: boolean, not_in: [serving], role: label}
      old: {lifecycle: deprecated}
      anything:
"""


def test_a_schema_reads_as_it_is_written():
    people = parse_schema(TEXT).datasets["people"]

    assert list(people.columns) == ["id", "name", "born", "a.b", "country", "zip", "asked", "label", "old", "anything"]
    assert people.columns["a.b"].bounds == {"at_least": Decimal("1.10"), "at_most": 9007199254740993}
    assert people.columns["born"].bounds == {"at_least": date(1900, 1, 1)}
    assert people.columns["asked"].above == datetime(2013, 1, 1, tzinfo=UTC)
    assert people.columns["country"].one_of == ("US", "no", "1")  # `no` is a word in YAML 1.2
    assert people.columns["anything"] == Field()
    assert (people.keys, people.extra_columns) == ((("id",), ("name", "born")), False)


def test_a_schema_that_is_written_reads_back_the_same():
    schema = parse_schema(TEXT)

    assert parse_schema(dump_schema(schema)) == schema
    assert "between: [1.10, 9007199254740993]" in dump_schema(schema)


def test_a_schema_in_a_file_is_the_same_again(tmp_path: Path):
    save_schema(parse_schema(TEXT), tmp_path / "schema.yaml")

    assert load_schema(tmp_path / "schema.yaml") == parse_schema(TEXT)
    assert is_schema(tmp_path / "schema.yaml")
    assert not is_schema(tmp_path / "none.yaml")


def test_a_suite_is_no_schema(tmp_path: Path):
    (tmp_path / "suite.yaml").write_text("suite: x\ncolumns: {a: {unique: true}}\n")

    assert not is_schema(tmp_path / "suite.yaml")


@pytest.mark.parametrize(
    ("was", "becomes", "place", "said"),
    [
        ("type: integer", "type: intger", "s.yaml:10: datasets.people.columns.id.type", "did you mean 'integer'"),
        ("unique: true", "unik: true", "s.yaml:10: datasets.people.columns.id", "unik"),
        ("unique: true", "unique: 1", "s.yaml:10: datasets.people.columns.id: unique", "expected true or false"),
        (
            "[1.10, 9007199254740993]",
            "[2, 1]",
            "s.yaml:13: datasets.people.columns.a.b.between",
            "2 is above 1; the lower bound comes first",
        ),
        ("[1.10, 9007199254740993]", "[1, x]", "s.yaml:13: datasets.people.columns.a.b.between", "of different types"),
        (
            "[1.10, 9007199254740993]",
            "[1, 2], at_most: 3",
            "s.yaml:13: datasets.people.columns.a.b",
            "keep one of them",
        ),
        (
            "0.05",
            "5",
            "s.yaml:15: datasets.people.columns.zip.missing_share_at_most",
            "5 is not a share; shares lie in [0, 1]; one percent is 0.01",
        ),
        (r"'\d{5}'", "'('", "s.yaml:15: datasets.people.columns.zip.matches", "'(' is not a regular expression"),
        ("[1, 80]", "[80, 1]", "s.yaml:11: datasets.people.columns.name.length", "no range of lengths"),
        ("[[id], ", "[[idd], ", "s.yaml:7: datasets.people.keys", "there is no column 'idd'; did you mean 'id'"),
        (
            "not_in: [serving]",
            "not_in: [live]",
            "s.yaml:17: datasets.people.columns.label.not_in",
            "there is no environment 'live'",
        ),
        (
            "lifecycle: deprecated",
            "role: label",
            "s.yaml:18: datasets.people.columns.old.role",
            "'label' and 'old' are both the label",
        ),
        ("format: 1", "format: 2", "s.yaml:2: format", "format is 2; this assay reads format 1; install a newer assay"),
        ("extra_columns: false", "extra: false", "s.yaml:5: datasets.people", "extra"),
        ("datasets:", "dataset:", "s.yaml", "dataset"),
        ("    columns:", "    columns: [", "s.yaml", "not YAML"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_key(was: str, becomes: str, place: str, said: str):
    assert was in TEXT

    with pytest.raises(ConfigError) as caught:
        parse_schema(TEXT.replace(was, becomes, 1), file="s.yaml")

    assert str(caught.value).startswith(place)
    assert said in str(caught.value)


def test_columns_that_are_a_list_are_refused():
    with pytest.raises(ConfigError, match=r"s\.yaml:3: datasets\.a\.columns: the columns are no mapping"):
        parse_schema("datasets:\n  a:\n    columns: [x]\n", file="s.yaml")


def test_floats_in_python_are_the_decimals_that_they_print_as():
    assert Field(between=(0.1, 2.5)).bounds == {"at_least": Decimal("0.1"), "at_most": Decimal("2.5")}
    assert Field(missing_share_at_most=0.05) == Field(missing_share_at_most=Decimal("0.05"))


@pytest.mark.parametrize(
    ("field", "training", "serving"),
    [
        (Field(), True, True),
        (Field(not_in=("serving",)), True, False),
        (Field(only_in=("serving",)), False, True),
        (Field(only_in=("serving",), not_in=("serving",)), False, False),
    ],
)
def test_a_column_belongs_to_the_environments_that_it_names(field: Field, training: bool, serving: bool):
    assert (field.in_environment("training"), field.in_environment("serving")) == (training, serving)
    assert field.in_environment("")


@pytest.mark.parametrize(
    ("word", "kinds"),
    [
        ("integer", {Kind.INTEGER}),
        ("Int64", {Kind.INTEGER}),
        ("UInt8", {Kind.INTEGER}),
        ("Float32", {Kind.FLOAT}),
        ("Decimal(10, 2)", {Kind.DECIMAL}),
        ("Utf8", {Kind.TEXT}),
        ("String", {Kind.TEXT}),
        ("Enum(['a'])", {Kind.CATEGORY}),
        ("Datetime('ms')", {Kind.DATETIME}),
        ("List(Int64)", {Kind.LIST}),
        ("number", {Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL}),
        ("words", set()),
    ],
)
def test_a_word_allows_kinds_of_column(word: str, kinds: set[Kind]):
    assert kinds_of(word) == kinds


def test_roles_and_missing_values_are_read_from_the_columns():
    people = parse_schema(TEXT).datasets["people"]

    assert people.roles == Roles(id=("id",), label="label")
    assert people.missing == {"a.b": (-1,)}


def test_the_only_dataset_goes_by_any_name_and_of_several_the_nearest_is_told():
    one = parse_schema(TEXT)
    two = join_schemas([one, Schema(datasets={"loans": DatasetSchema()}, environments=("serving",))])

    assert one.dataset("whatever") is one.datasets["people"]
    assert (list(two.datasets), two.environments) == (["people", "loans"], ("training", "serving"))
    with pytest.raises(UsageError, match="no dataset 'loan'; did you mean 'loans'"):
        two.dataset("loan")
    with pytest.raises(UsageError, match="two datasets are called 'people'"):
        join_schemas([one, one])


def test_the_published_schema_is_current():
    published = (ROOT / "docs" / "schemas" / "schema.schema.json").read_text()

    assert published == schema_schema(), "publish it again: docs/schemas/schema.schema.json"
