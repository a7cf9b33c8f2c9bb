"""Every operator makes the mistake that it names, as strongly as it says, the same each time, and leaves its target alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from assay.testing.faults.fault import Fault, Layer, NoEffect, NotApplicable, Operator
from assay.testing.faults.injecting import inject, same_frame
from assay.testing.faults.table import OPERATORS
from testing.faults.targets import ROLES, orders

# The 29 operators of the design, and what they are called here; several became more than one.
DESIGN = {
    1: ("nulls", "sentinel"), 2: ("unit_change",), 3: ("shift_scale",), 4: ("category_swap",), 5: ("category_recode",),
    6: ("new_category",), 7: ("column_swap",), 8: ("column_shuffle",), 9: ("dtype_change",), 10: ("encoding_break",),
    11: ("constant_column",), 12: ("duplicate_rows",), 13: ("drop_rows",), 14: ("stale_batch",), 15: ("time_shift",),
    16: ("out_of_order", "gap"), 17: ("label_flip",), 18: ("label_delay",), 19: ("target_leak",), 20: ("split_leak",),
    21: ("future_leak",), 22: ("window_error", "rows_for_time", "entity_ignored"), 23: ("serve_skew",),
    24: ("nan_predictions", "constant_predictions", "out_of_range", "reversed_classes", "argmax_only"),
    25: ("model_degrade", "scaled_weights", "wrong_version"), 26: ("miscalibrated", "prior_shift"), 27: ("nondeterminism",),
    28: ("slow", "memory_growth"), 29: ("contract_break", "error_body", "timeouts"),
}  # fmt: skip
BESIDE = {"drop_column", "stale_feature", "wrong_join", "truncated_file", "file_encoding"}

FRAMES = [name for name, operator in OPERATORS.items() if operator.on == "frame"]
COLUMN = {
    "text": "city", "number": "amount", "instant": "at", "any": "amount", "boolean": "member",
}  # fmt: skip


def fault_of(name: str, severity: float | None = None, seed: int = 0, **settings: Any) -> Fault:
    """Return a fault of an operator on the frame `orders`, at its strongest severity."""
    operator = OPERATORS[name]
    column = COLUMN[operator.columns[0]] if operator.columns else "bought" if operator.layer is Layer.LABEL else ""
    needs = {need: {**ROLES, "other": "items"}[need] for need in operator.needs}
    return Fault(name, column, operator.ladder[-1] if severity is None else severity, seed, {**needs, **settings})


def changed_cells(before: pl.DataFrame, after: pl.DataFrame) -> int:
    """Return in how many cells two frames of one shape differ."""
    return sum(
        int((~before[name].cast(pl.String).eq_missing(after[name].cast(pl.String))).sum()) for name in before.columns
    )


def test_the_table_has_every_operator_of_the_design():
    named = {name for names in DESIGN.values() for name in names} | BESIDE

    assert set(DESIGN) == set(range(1, 30))
    assert named == set(OPERATORS)


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_an_operator_says_what_it_is(operator: Operator):
    assert OPERATORS[operator.name] is operator
    assert all((operator.title, operator.story, operator.unit, operator.caught_by))
    assert list(map(abs, operator.ladder)) == sorted(map(abs, operator.ladder))


@pytest.mark.parametrize("name", FRAMES)
def test_an_operator_on_frames_changes_them_and_leaves_its_input_alone(name: str):
    before = orders()
    kept = before.clone()

    after = inject(before, fault_of(name))

    assert not same_frame(before, after)
    assert same_frame(before, kept)


@pytest.mark.parametrize("name", FRAMES)
def test_the_same_fault_makes_the_same_mistake_each_time(name: str):
    assert same_frame(inject(orders(), fault_of(name, seed=5)), inject(orders(), fault_of(name, seed=5)))


@pytest.mark.parametrize("name", [name for name in FRAMES if "rows" in OPERATORS[name].keeps])
def test_an_operator_that_keeps_the_rows_keeps_their_number_and_the_other_columns(name: str):
    before, fault = orders(), fault_of(name)

    after = inject(before, fault)

    assert after.height == before.height
    touched = {fault.column, *(fault.settings.values() if name == "column_swap" else ())}
    if fault.column and name != "drop_column":
        assert same_frame(before.drop(touched), after.drop(touched))


@pytest.mark.parametrize("name", [name for name in FRAMES if "marginals" in OPERATORS[name].keeps])
def test_an_operator_that_promises_it_keeps_the_values_of_every_column(name: str):
    before = orders()

    after = inject(before, fault_of(name))

    for column in before.columns:
        assert before[column].sort().equals(after[column].sort(), null_equal=True)


@pytest.mark.parametrize("name", [name for name in FRAMES if len(OPERATORS[name].ladder) > 1])
def test_a_stronger_severity_changes_no_less(name: str):
    before = orders()
    harm = []
    for severity in OPERATORS[name].ladder:
        after = inject(before, fault_of(name, severity))
        moved = abs(after.height - before.height) * len(before.columns)
        harm.append(moved or changed_cells(before, after))

    assert harm == sorted(harm)
    assert harm[-1] > 0


SHARES = ("nulls", "sentinel", "category_recode", "new_category", "label_flip", "column_swap")


@pytest.mark.parametrize("name", SHARES)
@pytest.mark.parametrize("share", [0.05, 0.5, 1.0])
def test_the_share_that_is_told_is_the_share_that_changes(name: str, share: float):
    before, fault = orders(), fault_of(name, share)

    after = inject(before, fault)

    able = int(before[fault.column].is_not_null().sum()) if name != "column_swap" else before.height
    differ = int((~before[fault.column].cast(pl.String).eq_missing(after[fault.column].cast(pl.String))).sum())
    assert differ == round(share * able)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5])
def test_a_share_outside_0_to_1_is_refused_with_the_rule(share: float):
    with pytest.raises(NotApplicable, match="share of rows, above 0 and at most 1"):
        inject(orders(), fault_of("nulls", share))


@pytest.mark.parametrize("name", [name for name in FRAMES if OPERATORS[name].columns])
def test_a_column_that_is_not_there_is_named_with_the_nearest(name: str):
    with pytest.raises(NotApplicable, match="no column 'amuont'; did you mean 'amount'"):
        inject(orders(), Fault(name, "amuont", OPERATORS[name].ladder[-1], 0, fault_of(name).settings))


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("height", [0, 1])
def test_a_frame_of_no_row_or_of_one_is_changed_or_refused_in_words(name: str, height: int):
    before = orders().slice(1, height)
    try:
        after = inject(before, fault_of(name))
    except NotApplicable as reason:
        said = str(reason)
    else:
        said = "" if same_frame(before, after) else "changed"

    assert said


# Hand-checked mistakes ------------------------------------------------------------------------------------------------


def test_a_fault_that_changes_nothing_is_no_fault():
    same = pl.DataFrame({"a": [5.0, 5.0, 5.0]})

    with pytest.raises(NoEffect, match=r"constant_column\(a, 1\) changed nothing"):
        inject(same, Fault("constant_column", "a"))


def test_nulls_that_are_not_at_random_hit_the_large_values():
    frame = pl.DataFrame({"x": np.arange(1000.0)})

    gone = inject(frame, Fault("nulls", "x", 0.2, settings={"mechanism": "mnar"}))["x"].is_null()

    # The weights rise from 1 to 20, so that the upper half loses about three times as many as the lower one.
    assert gone.sum() == 200
    assert gone[500:].sum() > 2 * gone[:500].sum()


def test_nulls_at_random_by_another_column_follow_that_column():
    frame = pl.DataFrame({"x": np.ones(1000), "age": np.arange(1000)[::-1]})

    gone = inject(frame, Fault("nulls", "x", 0.2, settings={"mechanism": "mar", "by": "age"}))["x"].is_null()

    assert gone[:500].sum() > 2 * gone[500:].sum()


def test_a_sentinel_keeps_the_type_of_numbers():
    after = inject(orders(), fault_of("sentinel", 0.5))

    assert after["amount"].dtype == pl.Float64
    assert int((after["amount"] == -1).sum()) == round(0.5 * orders()["amount"].count())


def test_a_text_sentinel_makes_a_column_of_numbers_one_of_texts():
    after = inject(orders(), fault_of("sentinel", 0.5, token="NULL"))

    assert after["amount"].dtype == pl.String


def test_a_factor_that_leaves_whole_numbers_keeps_them_whole():
    frame = pl.DataFrame({"age": [31, 44]})

    assert inject(frame, Fault("unit_change", "age", 100))["age"].to_list() == [3100, 4400]
    assert inject(frame, Fault("unit_change", "age", 1.5))["age"].to_list() == [46.5, 66.0]


def test_degrees_of_celsius_become_those_of_fahrenheit():
    frame = pl.DataFrame({"t": [0.0, 100.0]})

    assert inject(frame, Fault("unit_change", "t", 1.8, settings={"offset": 32}))["t"].to_list() == [32.0, 212.0]


def test_a_shift_is_so_many_standard_deviations():
    frame = pl.DataFrame({"x": [0.0, 2.0, 4.0]})  # sd 2

    assert inject(frame, Fault("shift_scale", "x", 0.5))["x"].to_list() == [1.0, 3.0, 5.0]
    assert inject(frame, Fault("shift_scale", "x", 0.5, settings={"how": "scale"}))["x"].to_list() == [0.0, 3.0, 6.0]


def test_a_dead_sensor_repeats_its_last_value():
    frame = pl.DataFrame({"x": [1.0, 2.0, 3.0, 4.0]})

    assert inject(frame, Fault("constant_column", "x", 0.5))["x"].to_list() == [1.0, 2.0, 3.0, 3.0]


def test_two_categories_swap_and_their_shares_too():
    frame = pl.DataFrame({"g": ["M", "M", "F", "x"]})

    assert inject(frame, Fault("category_swap", "g", settings={"pair": ["M", "F"]}))["g"].to_list() == [
        "F",
        "F",
        "M",
        "x",
    ]


@pytest.mark.parametrize(
    ("how", "is_now"), [("case", ["m", "f"]), ("trim", ["M ", "F "]), ("code", ["1", "0"])]
)  # fmt: skip
def test_categories_are_respelled(how: str, is_now: list[str]):
    frame = pl.DataFrame({"g": ["M", "F"]})

    assert inject(frame, Fault("category_recode", "g", settings={"how": how}))["g"].to_list() == is_now


@pytest.mark.parametrize(
    ("how", "is_now"),
    [("mojibake", "ZÃ¼rich"), ("replaced", "Z�rich"), ("decomposed", "Zu\u0308rich"), ("mark", "\ufeffZürich")],
)
def test_a_text_breaks_as_a_wrong_charset_breaks_it(how: str, is_now: str):
    frame = pl.DataFrame({"city": ["Zürich"]})

    assert inject(frame, Fault("encoding_break", "city", settings={"how": how}))["city"].to_list() == [is_now]


def test_a_category_of_polars_and_an_enum_are_changed_too():
    words = pl.Series("g", ["M", "F", "M"])
    frame = pl.DataFrame({"c": words.cast(pl.Categorical), "e": words.cast(pl.Enum(["F", "M"]))})

    after = inject(inject(frame, Fault("category_swap", "c")), Fault("new_category", "e", 1.0))

    assert after["c"].cast(pl.String).to_list() == ["F", "M", "F"]
    assert after["e"].to_list() == ["something new"] * 3


def test_yesterday_comes_again_in_place_of_today():
    frame = pl.DataFrame({"at": pl.Series(range(4)).cast(pl.Datetime("us")), "x": [1, 2, 3, 4]})

    old = inject(frame, Fault("stale_batch", "", 0.5, settings={"time": "at"}))
    new = inject(frame, Fault("stale_batch", "", 0.5, settings={"time": "at", "stamps": "new"}))

    assert old["x"].to_list() == new["x"].to_list() == [1, 2, 1, 2]
    assert old["at"].to_list() == [frame["at"][i] for i in (0, 1, 0, 1)]
    assert new["at"].to_list() == frame["at"].to_list()


def test_a_day_read_as_a_month_changes_only_days_up_to_12():
    frame = pl.DataFrame({"d": ["2024-03-02", "2024-03-25"]}).with_columns(pl.col("d").str.to_date())

    after = inject(frame, Fault("time_shift", "d", settings={"how": "day and month"}))

    assert [str(day) for day in after["d"]] == ["2024-02-03", "2024-03-25"]


def test_an_instant_with_a_zone_keeps_it():
    frame = orders().with_columns(
        pl.col("at").dt.replace_time_zone("Europe/Zurich", ambiguous="earliest", non_existent="null")
    )

    after = inject(frame, Fault("time_shift", "at", 5))

    assert after["at"].dtype == frame["at"].dtype
    assert (after["at"] - frame["at"]).dt.total_hours().drop_nulls().unique().to_list() == [5]


def test_a_gap_is_one_stretch_of_time():
    after = inject(orders(), fault_of("gap", 0.2))

    steps = after["at"].diff().drop_nulls().dt.total_hours()
    assert after.height == 320
    assert sorted(steps.unique().to_list()) == [1, 81]


def test_the_newest_labels_are_not_known_yet():
    after = inject(orders(), fault_of("label_delay", 0.2))

    assert after["bought"].tail(80).sum() == 0
    assert same_frame(after.head(320), orders().head(320))


def test_a_feature_that_holds_the_label_tells_it():
    after = inject(orders(), fault_of("target_leak", 1.0))

    said = after.select(pl.corr("amount", "bought")).item()
    assert said > 0.98


def test_rows_of_the_test_set_get_into_the_training_set():
    splits = {"train": orders(100, seed=1), "test": orders(50, seed=2)}

    leaked = inject(splits, Fault("split_leak", "", 0.1))

    assert leaked["train"].height == 105
    assert (
        leaked["train"].tail(5).join(splits["test"], on=splits["test"].columns, how="semi", nulls_equal=True).height
        == 5
    )
    assert same_frame(leaked["test"], splits["test"])


def test_all_rows_of_an_entity_leak_together():
    splits = {"train": orders(100, seed=1), "test": orders(50, seed=2)}

    leaked = inject(splits, Fault("split_leak", "", 0.3, settings={"entity": "shop"}))

    entered = leaked["train"].tail(leaked["train"].height - 100)["shop"].unique().to_list()
    assert len(entered) == 1
    assert leaked["train"].height - 100 == splits["test"].filter(pl.col("shop") == entered[0]).height


@pytest.mark.parametrize(("share", "left"), [(0.1, 90), (1.0, 0)])
def test_a_file_is_cut_off(share: float, left: int):
    assert len(inject(b"x" * 100, Fault("truncated_file", "", share))) == left


def test_a_file_in_latin_1_is_no_longer_utf_8():
    with pytest.raises(UnicodeDecodeError):
        inject("Zürich".encode(), Fault("file_encoding")).decode("utf-8")
    with pytest.raises(NotApplicable, match="ASCII alone"):
        inject(b"Bern", Fault("file_encoding"))


# Kinds of data --------------------------------------------------------------------------------------------------------


def test_a_pandas_frame_stays_one_with_its_index_and_dtypes():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "x": [1.0, 2.0, 3.0],
            "g": pandas.Categorical(["M", "F", "M"]),
            "n": pandas.array([1, 2, None], dtype="Int64"),
        },
        index=[7, 8, 9],
    )

    after = inject(inject(frame, Fault("unit_change", "x", 100)), Fault("category_swap", "g"))

    assert after.index.tolist() == [7, 8, 9]
    assert after["x"].tolist() == [100.0, 200.0, 300.0]
    assert list(after["g"]) == ["F", "M", "F"]
    assert after["g"].dtype == frame["g"].dtype
    assert after["n"].dtype == frame["n"].dtype
    assert frame["x"].tolist() == [1.0, 2.0, 3.0]


def test_an_array_stays_one():
    after = inject(np.ones((4, 2)), Fault("unit_change", "1", 100))

    assert isinstance(after, np.ndarray)
    assert after.tolist() == [[1.0, 100.0]] * 4
