"""Documents in texts fit a JSON Schema, or are named."""

import polars as pl
import pytest

from assay import Verdict, check, column

SCHEMA = '{"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}'
FRAME = pl.DataFrame({"x": ['{"id": 1}', '{"id": "a"}', "{}", "no json", None, '{"id": 1}']})


def only(made, frame=FRAME):
    (outcome,) = check(frame, made).outcomes
    return outcome


def test_documents_that_do_not_fit_are_named():
    outcome = only(column("x").json_schema(SCHEMA))

    assert (outcome.verdict, outcome.n_rows, outcome.n_failing) == (Verdict.FAIL, 5, 3)
    assert [example.row for example in outcome.examples] == [1, 2, 3]


def test_a_schema_may_stand_in_a_file(tmp_path):
    (tmp_path / "order.json").write_text(SCHEMA)

    outcome = only(column("x").json_schema(str(tmp_path / "order.json")), FRAME.head(1))

    assert outcome.verdict is Verdict.PASS
    assert outcome.why == "the one row is JSON that fits order.json"


@pytest.mark.parametrize(
    ("schema", "why"), [('{"type": "objekt"}', "this is no JSON Schema"), ("{", "the schema is not JSON")]
)
def test_what_is_no_schema_is_an_error(schema, why):
    outcome = only(column("x").json_schema(schema))

    assert outcome.verdict is Verdict.ERROR
    assert why in outcome.why


def test_a_schema_file_that_is_not_there_is_said():
    outcome = only(column("x").json_schema("nowhere.json"))

    assert outcome.verdict is Verdict.ERROR
    assert outcome.why == "nowhere.json: there is no such file"


def test_categories_are_documents_too():
    assert only(column("x").json_schema(SCHEMA), FRAME.cast(pl.Categorical)).n_failing == 3
