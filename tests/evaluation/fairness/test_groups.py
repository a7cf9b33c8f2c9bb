"""Groups by values, bins and crosses: every row is in one, and each has a name."""

from __future__ import annotations

import polars as pl
import pytest

from assay.errors import UsageError
from assay.evaluation.fairness.groups import cut_of, cuts_of, group_of, title_of


def test_every_row_is_in_a_group_whatever_the_values():
    frame = pl.DataFrame({"a": [None, "", " ", "None", "missing", "é"], "b": [1.5, float("nan"), None, 0.0, -0.0, 2.0]})

    for column in ("a", "b"):
        cut = cut_of(frame, column)
        assert (cut.codes >= 0).all()
        assert cut.sizes.sum() == 6
        assert f"{column} is missing" in cut.names


def test_numbers_with_many_values_are_cut_and_others_are_not():
    frame = pl.DataFrame({"age": list(range(20, 60)), "decile": [1, 2, 3, 4] * 10})

    assert len(cut_of(frame, "age", quantiles=4).names) == 4
    assert cut_of(frame, "decile").names == ("decile = 1", "decile = 2", "decile = 3", "decile = 4")
    assert cut_of(frame, "age", edges=(30, 50)).names == ("age < 30", "age in [30, 50)", "age >= 50")


def test_the_rarest_of_many_values_are_one_group():
    frame = pl.DataFrame({"country": [f"c{i}" for i in range(80)] * 2})

    cut = cut_of(frame, "country", most=50)

    assert len(cut.names) == 51
    assert cut.names[-1] == "country in 30 other values"


def test_columns_are_crossed_as_deep_as_asked():
    frame = pl.DataFrame({"a": [0, 1, 0, 1], "b": [0, 0, 1, 1], "c": [0, 0, 0, 1]})

    def titles(depth: int) -> list[str]:
        return [title_of(cut) for cut in cuts_of(frame, ["a", "b", "c"], crosses=depth, bins={}, quantiles=4)]

    assert titles(1) == ["a", "b", "c"]
    assert titles(2) == ["a", "b", "c", "a × b", "a × c", "b × c"]
    assert titles(3)[-1] == "a × b × c"


def test_too_many_groups_are_refused():
    frame = pl.DataFrame({c: [(i // 12**k) % 12 for i in range(12**3)] for k, c in enumerate("abc")}).cast(pl.String)

    with pytest.raises(UsageError, match="a × b × c makes 1,728 groups; up to 1,000 are compared"):
        cuts_of(frame, ["a", "b", "c"], crosses=3, bins={}, quantiles=4)


def test_a_group_is_found_by_its_value_or_its_name():
    cut = cut_of(pl.DataFrame({"race": ["O'Neil", "b", None]}), "race")

    assert [cut.names[group_of(cut, named)] for named in ("O'Neil", "race = 'b'", "is missing")] == [
        "race = 'O''Neil'", "race = 'b'", "race is missing",
    ]  # fmt: skip
