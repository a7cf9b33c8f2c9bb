"""What is tried: every operator that fits, on columns in turn, at every severity, and no more faults than were asked for."""

from __future__ import annotations

from collections import Counter

import msgspec
import polars as pl
import pytest

from assay.errors import UsageError
from assay.testing.faults.fault import Fault, Layer, NoEffect
from assay.testing.faults.injecting import inject
from assay.testing.faults.plan import Wanted, plan, planned
from assay.testing.faults.table import OPERATORS
from testing.faults.targets import orders

TOLD = Wanted(time="at", entity="shop", label="bought", at_most=2_000)


def test_with_every_role_told_every_operator_on_frames_is_tried():
    tried = {fault.operator for fault in plan(orders(), TOLD)}

    assert tried == {name for name, operator in OPERATORS.items() if operator.on == "frame"}


def test_every_planned_fault_can_be_made_and_only_a_mild_one_may_change_nothing():
    frame, still = orders(), set()

    for fault in plan(frame, msgspec.structs.replace(TOLD, seeds=1)):
        try:
            inject(frame, fault)
        except NoEffect:
            still.add(fault.id)

    # A tenth of a standard deviation is less than half of one item, and a day is a day until 24 hours are over.
    assert still <= {"shift_scale(items, 0.1)", "time_shift(day, 1)", "time_shift(day, 5)"}


def test_a_plan_has_every_severity_of_the_ladder_in_each_of_its_seeds():
    faults = plan(orders(), Wanted(operators=("nulls",), columns=("amount",), seeds=2))

    assert [(fault.severity, fault.seed) for fault in faults] == [
        (s, n) for s in (0.01, 0.05, 0.2, 0.5, 1.0) for n in (0, 1)
    ]


@pytest.mark.parametrize("at_most", [1, 10, 25, 60, 150, 300])
def test_no_more_faults_are_planned_than_were_asked_for(at_most: int):
    found = planned(orders(), msgspec.structs.replace(TOLD, at_most=at_most))

    assert 1 <= len(found.faults) <= at_most


def test_where_few_are_asked_for_each_operator_is_tried_once_before_any_is_tried_twice():
    found = planned(orders(), msgspec.structs.replace(TOLD, at_most=30))

    on_frames = [name for name, operator in OPERATORS.items() if operator.on == "frame"]
    assert {fault.operator for fault in found.faults} == set(on_frames)


def test_the_strongest_severity_is_the_last_to_be_left_out():
    faults = plan(orders(), msgspec.structs.replace(TOLD, at_most=25))

    assert all(fault.severity == OPERATORS[fault.operator].ladder[-1] for fault in faults)


def test_what_is_left_out_is_said_with_its_reason():
    left = {(one.operator, one.why) for one in planned(orders().select("amount", "items"), Wanted()).left_out}

    assert ("stale_batch", "it needs to know the time column") in left
    assert ("category_swap", "there is no column of text to hit") in left
    assert ("label_delay", "it needs to know the label and the time column") in left


def test_the_columns_take_turns():
    hit = Counter(fault.column for fault in plan(orders(), TOLD))

    assert {"city", "amount", "items", "member", "at", "day"} <= set(hit)


def test_labels_entities_and_keys_are_hit_only_by_what_is_about_them():
    found = plan(orders(), msgspec.structs.replace(TOLD, keys=("items",)))

    by_column = {column: {f.operator for f in found if f.column == column} for column in ("bought", "shop", "items")}
    assert by_column == {"bought": {"label_flip", "label_delay"}, "shop": set(), "items": set()}


def test_only_the_columns_that_were_named_are_hit():
    found = plan(orders(), Wanted(columns=("city",)))

    assert {fault.column for fault in found} == {"city", ""}


def test_a_function_gets_the_operators_of_features_with_the_roles_that_they_need():
    found = plan(None, Wanted(time="at", entity="shop"), layers=(Layer.FEATURE,))

    assert {fault.operator for fault in found} == {n for n, o in OPERATORS.items() if o.layer is Layer.FEATURE}
    assert next(f for f in found if f.operator == "future_leak").settings == {"time": "at", "entity": "shop"}
    assert {fault.seed for fault in found if fault.operator == "future_leak"} == {0}  # chance has no part in it


def test_a_model_gets_the_operators_of_models_and_of_serving():
    found = plan(None, Wanted(), layers=(Layer.MODEL, Layer.SERVE))

    assert {OPERATORS[fault.operator].on for fault in found} == {"model"}


def test_faults_that_a_person_names_are_the_plan():
    mine = Fault("nulls", "amount", 0.03, 9)

    assert plan(orders(), Wanted(faults=(mine,))) == (mine,)


def test_what_a_person_wants_travels_as_json():
    wanted = Wanted(operators=("nulls",), settings={"nulls": {"mechanism": "mnar"}}, severities={"nulls": (0.3,)})

    assert msgspec.json.decode(msgspec.json.encode(wanted), type=Wanted) == wanted
    assert {(f.severity, f.settings["mechanism"]) for f in plan(orders(), wanted)} == {(0.3, "mnar")}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"operators": ("nullls",)}, "no fault operator 'nullls'; did you mean 'nulls'"),
        ({"at_most": 0}, "at_most is 0; it is 1 or more"),
    ],
)
def test_what_cannot_be_wanted_is_refused(told: dict[str, object], said: str):
    with pytest.raises(UsageError, match=said):
        Wanted(**told)


def test_a_column_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="no column 'amuont'; did you mean 'amount'"):
        plan(orders(), Wanted(columns=("amuont",)))


def test_where_no_fault_fits_that_is_an_error():
    with pytest.raises(UsageError, match="no fault fits"):
        plan(pl.DataFrame({"x": [1.0]}), Wanted(operators=("category_swap",)))
