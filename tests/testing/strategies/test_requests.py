"""Bodies of requests: as clients send them, and broken in ways that a service has to refuse."""

from __future__ import annotations

import json
import math
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings

from assay.errors import ConfigError, UsageError
from assay.testing.strategies.requests import BODIES, MISTAKES, BadBody, bad_bodies, request_bodies

PEOPLE = pl.DataFrame(
    {
        "age": [18, 40, None],
        "income": [1.5, math.nan, math.inf],
        "city": ["Oslo", None, "Rome"],
        "since": [date(2020, 1, 1), date(2024, 2, 29), None],
        "fee": pl.Series([Decimal("1.50"), None, Decimal("2.25")], dtype=pl.Decimal(8, 2)),
        "kind": pl.Series(["a", "b", "a"], dtype=pl.Categorical),
        "on": [True, False, None],
    }
)


def examples_of(strategy: Any, most: int = 60) -> list[Any]:
    seen: list[Any] = []

    @settings(max_examples=most, database=None, derandomize=True)
    @given(strategy)
    def look(drawn: Any) -> None:
        seen.append(drawn)

    look()
    return seen


@pytest.mark.parametrize("protocol", BODIES)
def test_a_body_is_json_and_comes_back_as_it_was(protocol: Any):
    for body in examples_of(request_bodies(PEOPLE, protocol=protocol)):
        assert json.loads(json.dumps(body, allow_nan=False)) == body


def test_a_v2_body_has_a_tensor_for_each_column_whose_shape_fits_its_data():
    words = ("INT64", "FP64", "BYTES", "BYTES", "FP64", "BYTES", "BOOL")

    for body in examples_of(request_bodies(PEOPLE)):
        assert [one["name"] for one in body["inputs"]] == PEOPLE.columns
        assert tuple(one["datatype"] for one in body["inputs"]) == words
        assert all(one["shape"] == [len(one["data"]), 1] for one in body["inputs"])


def test_an_mlflow_body_has_rows_as_wide_as_its_columns():
    for body in examples_of(request_bodies(PEOPLE, protocol="mlflow")):
        split = body["dataframe_split"]
        assert split["columns"] == PEOPLE.columns
        assert all(len(row) == PEOPLE.width for row in split["data"])


def test_a_json_body_follows_its_template():
    template = {"rows": "$rows", "names": "$columns", "version": 2}

    body = examples_of(request_bodies(PEOPLE, protocol="json", request=template), 5)[-1]

    assert body["names"] == PEOPLE.columns
    assert body["version"] == 2
    assert set(examples_of(request_bodies(PEOPLE, protocol="json"), 2)[0]) == {"instances"}


def test_instants_are_iso_texts():
    bodies = examples_of(request_bodies(PEOPLE, protocol="json", edits=0, columns=["since"]))

    said = {row["since"] for body in bodies for row in body["instances"]}
    assert said <= {"2020-01-01", "2024-02-29", None}


def test_columns_that_json_cannot_hold_are_refused_by_name():
    with pytest.raises(UsageError, match="'raw' holds binary values, which JSON does not"):
        request_bodies(pl.DataFrame({"raw": [b"x"]}))


def test_rows_of_infinite_numbers_alone_are_refused():
    with pytest.raises(UsageError, match="infinite"):
        request_bodies(pl.DataFrame({"x": [math.inf]}))


def test_a_template_is_for_json_and_has_a_place_for_rows():
    with pytest.raises(UsageError, match="request= is for protocol 'json'"):
        request_bodies(PEOPLE, request={"a": "$rows"})
    with pytest.raises(UsageError, match="no place for the rows"):
        request_bodies(PEOPLE, protocol="json", request={"a": 1})


def test_an_unknown_protocol_names_those_that_there_are():
    with pytest.raises(ConfigError, match="v2, mlflow, json"):
        request_bodies(PEOPLE, protocol="grpc")  # type: ignore[arg-type]


# Bad bodies.


def readable(protocol: str, body: object) -> bool:
    """Return whether a strict reader takes the body for a good one, written by hand from the protocols' texts."""
    if not isinstance(body, dict):
        return False
    if protocol == "v2":
        inputs = body.get("inputs")
        return (
            isinstance(inputs, list)
            and [one.get("name") for one in inputs] == PEOPLE.columns
            and all(
                isinstance(one["data"], list)
                and math.prod(one["shape"]) == len(one["data"])
                and one["datatype"] in {"INT64", "FP64", "BYTES", "BOOL"}
                for one in inputs
            )
        )
    if protocol == "mlflow":
        split = body.get("dataframe_split")
        return (
            isinstance(split, dict)
            and split["columns"] == PEOPLE.columns
            and all(len(row) == PEOPLE.width for row in split["data"])
        )
    return isinstance(body.get("instances"), list)


@pytest.mark.parametrize("protocol", BODIES)
def test_every_good_body_is_readable_and_no_bad_one(protocol: Any):
    assert all(readable(protocol, body) for body in examples_of(request_bodies(PEOPLE, protocol=protocol)))
    assert not [
        bad.what for bad in examples_of(bad_bodies(PEOPLE, protocol=protocol), 200) if readable(protocol, bad.body)
    ]


@pytest.mark.parametrize("protocol", BODIES)
def test_every_mistake_of_a_protocol_is_made(protocol: Any):
    made: list[BadBody] = examples_of(bad_bodies(PEOPLE, protocol=protocol), 400)

    assert {bad.what for bad in made} == {name for name, one in MISTAKES.items() if protocol in one.protocols}
    assert all(json.dumps(bad.body, allow_nan=False) for bad in made)


def test_every_mistake_belongs_to_a_protocol():
    assert all(set(one.protocols) <= set(BODIES) and one.protocols for one in MISTAKES.values())


def test_one_mistake_can_be_asked_for():
    assert {bad.what for bad in examples_of(bad_bodies(PEOPLE, only=["a negative shape"]), 10)} == {"a negative shape"}
    with pytest.raises(ConfigError, match="no mistake 'a negative shape'"):
        bad_bodies(PEOPLE, protocol="json", only=["a negative shape"])
