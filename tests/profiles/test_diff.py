"""A difference between two schemas says whom it breaks: those who read by the old one, or those who write by it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.profiles.diff import Change, diff_findings, diff_schemas
from assay.profiles.schema import DatasetSchema, Field, Schema
from assay.verdict import Verdict

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def of(*, name: str = "data", **told: Any) -> Schema:
    return Schema(datasets={name: DatasetSchema(**told)})


def changes(old: Field, new: Field) -> list[tuple[str, str, tuple[str, ...]]]:
    diff = diff_schemas(of(columns={"x": old}), of(columns={"x": new}))
    return [(change.what, change.level, change.who) for change in diff.changes]


BOTH = ("readers", "writers")
READERS = ("readers",)
WRITERS = ("writers",)

CASES: list[tuple[dict[str, Any], dict[str, Any], str, str, tuple[str, ...], str | None]] = [
    # old, new, what, level, who; and what the way back is (None: the same with the other side)
    ({"type": "integer"}, {"type": "number"}, "type", "breaks", READERS, None),
    ({"type": "integer"}, {}, "type", "breaks", READERS, None),
    ({"required": True}, {"required": False}, "presence", "breaks", READERS, None),
    ({"missing_share_at_most": 0}, {"missing_share_at_most": 0.1}, "missing share", "breaks", READERS, None),
    ({"one_of": ("a",)}, {}, "values", "breaks", READERS, None),
    ({"unique": True}, {}, "unique", "breaks", READERS, None),
    ({"type": "text"}, {"type": "integer"}, "type", "breaks", BOTH, "same"),
    ({"type": "Int32"}, {"type": "Int64"}, "type", "risks", BOTH, "same"),
    ({"missing": (-1,)}, {"missing": (-9,)}, "values that stand for missing", "risks", BOTH, "same"),
    ({"matches": "a+"}, {"matches": "b+"}, "pattern", "breaks", BOTH, "same"),
    ({"at_least": 1}, {"at_least": "a"}, "range", "breaks", BOTH, "same"),
    ({"role": "label"}, {"role": "id"}, "role", "risks", READERS, "same"),
    ({"description": "a"}, {"description": "b"}, "description", "nobody", (), "same"),
]


@pytest.mark.parametrize(("old", "new", "what", "level", "who", "back"), CASES)
def test_a_change_breaks_one_side_and_its_way_back_the_other(
    old: dict[str, Any], new: dict[str, Any], what: str, level: str, who: tuple[str, ...], back: str | None
):
    there, again = changes(Field(**old), Field(**new)), changes(Field(**new), Field(**old))

    assert there == [(what, level, who)]
    assert again == [(what, level, who if back == "same" else WRITERS)]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"between": (0, 10)}, {"between": (0, 20)}, [("range widened", "risks", READERS)]),
        ({"between": (0, 10)}, {"between": (5, 10)}, [("range narrowed", "breaks", WRITERS)]),
        (
            {"between": (0, 10)},
            {"between": (5, 20)},
            [("range widened", "risks", READERS), ("range narrowed", "breaks", WRITERS)],
        ),
        ({"between": (0, 10)}, {"at_least": 0}, [("range widened", "risks", READERS)]),
        ({}, {"at_most": 10}, [("range narrowed", "breaks", WRITERS)]),
        ({"above": 0}, {"at_least": 0}, [("range widened", "risks", READERS)]),
        ({"at_most": 1}, {"below": 1}, [("range narrowed", "breaks", WRITERS)]),
        (
            {"one_of": ("a", "b")},
            {"one_of": ("b", "c")},
            [("values added", "breaks", READERS), ("values removed", "breaks", WRITERS)],
        ),
        ({"one_of": ("a", "b")}, {"one_of": ("b", "a")}, []),
        ({"missing_share_at_most": 0.1}, {"missing_share_at_most": 0.2}, [("missing share", "risks", READERS)]),
        ({"missing_share_at_most": 0.2}, {"missing_share_at_most": 0.1}, [("missing share", "breaks", WRITERS)]),
        ({"rising": True}, {"rising": "strictly"}, [("order", "breaks", WRITERS)]),
        ({"rising": "strictly"}, {"rising": True}, [("order", "risks", READERS)]),
        ({"rising": True}, {}, [("order", "risks", READERS)]),
        ({}, {"not_in": ("serving",)}, [("environments", "breaks", READERS)]),
        ({"only_in": ("training",)}, {}, [("environments", "breaks", WRITERS)]),
        ({"only_in": ("training",), "required": False}, {"required": False}, [("environments", "nobody", ())]),
        ({}, {"lifecycle": "deprecated"}, [("lifecycle", "risks", READERS)]),
        ({"lifecycle": "planned"}, {}, [("lifecycle", "breaks", WRITERS)]),
        (
            {"one_of": ("a",)},
            {"one_of": ("a",), "other_share_at_most": 0.1},
            [("share of other values", "risks", READERS)],
        ),
    ],
)
def test_what_changes_on_a_column(old: dict[str, Any], new: dict[str, Any], expected: list[Any]):
    assert changes(Field(**old), Field(**new)) == expected


def of_columns(old: dict[str, Field], new: dict[str, Field], **told: Any) -> tuple[Change, ...]:
    return diff_schemas(of(columns=old, **told), of(columns=new, **told)).changes


@pytest.mark.parametrize(
    ("field", "level", "who"),
    [
        (Field(), "breaks", READERS),
        (Field(required=False), "risks", READERS),
        (Field(lifecycle="deprecated"), "risks", READERS),
        (Field(lifecycle="planned"), "nobody", ()),
    ],
)
def test_a_column_that_goes_breaks_who_counted_on_it(field: Field, level: str, who: tuple[str, ...]):
    (change,) = of_columns({"x": field}, {})

    assert (change.what, change.level, change.who) == ("column removed", level, who)


@pytest.mark.parametrize(
    ("field", "extra", "who"),
    [
        (Field(), True, WRITERS),
        (Field(required=False), True, ()),
        (Field(lifecycle="planned"), True, ()),
        (Field(required=False), False, READERS),
        (Field(), False, BOTH),
    ],
)
def test_a_column_that_comes_breaks_who_does_not_write_it_and_who_forbids_it(
    field: Field, extra: bool, who: tuple[str, ...]
):
    (change,) = of_columns({}, {"x": field}, extra_columns=extra)

    assert (change.what, change.level) == ("column added", "breaks" if who else "nobody")
    assert sorted(change.who) == sorted(who)


def test_a_column_that_goes_where_its_like_comes_may_have_a_new_name():
    said = {"type": "text", "matches": r"\d{5}"}

    removed, added = of_columns({"zip": Field(**said)}, {"postcode": Field(**said, description="was zip")})
    other, _ = of_columns({"zip": Field(**said)}, {"postcode": Field(type="text")})
    bare, _ = of_columns({"zip": Field(type="text")}, {"postcode": Field(type="text")})

    assert "perhaps it is called 'postcode' now" in removed.why
    assert (removed.level, added.level) == ("breaks", "breaks")
    assert "perhaps" not in other.why + bare.why


@pytest.mark.parametrize(
    ("old", "new", "what", "who"),
    [
        ({"keys": (("a",),)}, {}, "key dropped", READERS),
        ({}, {"keys": (("b", "a"),)}, "key added", WRITERS),
        ({"extra_columns": False}, {}, "other columns", READERS),
        ({}, {"extra_columns": False}, "other columns", WRITERS),
        ({"ordered": True}, {}, "order of columns", READERS),
        ({}, {"ordered": True}, "order of columns", WRITERS),
    ],
)
def test_what_changes_on_the_table(old: dict[str, Any], new: dict[str, Any], what: str, who: tuple[str, ...]):
    columns = {"a": Field(), "b": Field()}

    (change,) = diff_schemas(of(columns=columns, **old), of(columns=columns, **new)).changes

    assert (change.subject, change.what, change.who) == ("table", what, who)


def test_a_key_is_the_same_in_any_order_of_its_columns_and_columns_may_not_move():
    a, b = Field(), Field()

    assert (
        diff_schemas(
            of(columns={"a": a, "b": b}, keys=(("a", "b"),)), of(columns={"a": a, "b": b}, keys=(("b", "a"),))
        ).changes
        == ()
    )
    (moved,) = diff_schemas(
        of(columns={"a": a, "b": b}, ordered=True), of(columns={"b": b, "a": a}, ordered=True)
    ).changes
    assert (moved.what, moved.who) == ("order of columns", BOTH)


def test_datasets_come_and_go_by_their_names_and_two_single_ones_are_compared():
    field = {"columns": {"x": Field(type="text")}}
    a, b = of(name="a", **field), of(name="b", **field)
    both = Schema(datasets=a.datasets | b.datasets)

    assert diff_schemas(a, b).changes == ()
    assert [(c.dataset, c.what, c.level) for c in diff_schemas(both, a).changes] == [("b", "dataset removed", "breaks")]
    assert [(c.dataset, c.what, c.level) for c in diff_schemas(a, both).changes] == [("b", "dataset added", "nobody")]


FIELDS = st.builds(
    Field,
    type=st.sampled_from(["", "integer", "number", "text"]),
    required=st.booleans(),
    unique=st.booleans(),
    missing_share_at_most=st.sampled_from([None, 0, 0.1]),
    one_of=st.sampled_from([(), (1,), (1, 2)]),
    at_least=st.sampled_from([None, 0, 1]),
    below=st.sampled_from([None, 5, 9]),
    rising=st.sampled_from([False, True, "strictly"]),
    not_in=st.sampled_from([(), ("serving",)]),
)


@given(FIELDS, FIELDS)
def test_whatever_breaks_readers_on_the_way_there_concerns_writers_on_the_way_back(old: Field, new: Field):
    there, again = changes(old, new), changes(new, old)

    assert any("readers" in who for _, _, who in there) == any("writers" in who for _, _, who in again)
    assert (old == new) == (there == [])


# As findings.


def test_a_breaking_change_fails_a_risk_warns_and_the_rest_passes():
    old = of(columns={"a": Field(type="text"), "b": Field(between=(0, 1)), "c": Field(description="x"), "d": Field()})
    new = of(columns={"a": Field(type="date"), "b": Field(between=(0, 2)), "c": Field(description="y"), "d": Field()})

    findings = diff_findings(diff_schemas(old, new), now=NOW, version="0")

    verdicts = {outcome.subject: outcome.verdict for outcome in findings.outcomes}
    assert verdicts == {"a": Verdict.FAIL, "b": Verdict.WARN, "c": Verdict.PASS, "table": Verdict.PASS}
    assert findings.exit_code == 1
    assert (
        findings.outcomes[0].why
        == "type (text → date): breaks readers and writers: values of one are not values of the other"
    )
    assert findings.outcomes[-1].why == "1 column is the same in both"
    assert findings.provenance.started_at == "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize("schema", [of(columns={"a": Field()}), Schema()])
def test_the_same_schema_twice_passes(schema: Schema):
    findings = diff_findings(diff_schemas(schema, schema), now=NOW, version="0")

    assert (findings.verdict, findings.exit_code) == (Verdict.PASS, 0)


def test_several_datasets_are_told_apart():
    old = Schema(
        datasets={
            "a": DatasetSchema(columns={"x": Field(type="text")}),
            "b": DatasetSchema(columns={"x": Field(type="text")}),
        }
    )
    new = Schema(
        datasets={"a": DatasetSchema(columns={"x": Field()}), "b": DatasetSchema(columns={"x": Field(type="date")})}
    )

    findings = diff_findings(diff_schemas(old, new), now=NOW, version="0")

    assert [outcome.subject for outcome in findings.outcomes] == ["a: x", "b: x"]
    assert len({outcome.id for outcome in findings.outcomes}) == 2
