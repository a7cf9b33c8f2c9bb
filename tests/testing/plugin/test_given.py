"""Property tests: data stands for rows like it, and strategies and fixtures stand beside it."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from assay.errors import UsageError
from assay.testing.plugin.given import given

pytest_plugins = ["pytester"]

PEOPLE = pl.DataFrame({"age": [18, 40, 64], "city": ["Oslo", "Rome", "Bern"]})


def test_rows_are_like_those_of_the_data_with_few_cells_changed():
    seen: list[pl.DataFrame] = []

    @settings(max_examples=50, database=None)
    @given(rows=PEOPLE, edits=1)
    def look(rows):
        seen.append(rows)

    look()
    pairs = {tuple(row) for row in PEOPLE.rows()}
    odd = [sum(row not in pairs for row in frame.rows()) for frame in seen]
    assert len(seen) >= 20
    assert all(frame.schema == PEOPLE.schema for frame in seen)
    assert 0 in odd
    assert max(odd) == 1


def test_strategies_and_fixtures_stand_beside_data(repository):
    repository.makepyfile(
        test_it="""
        from assay.testing.plugin.given import given
        from hypothesis import strategies as st
        import pytest

        @pytest.fixture(scope="module")
        def limit(): return 100

        @given(rows=[{"age": 41}, {"age": 17}], n=st.integers(1, 3))
        def test_a(limit, rows, n):
            assert len(rows) < limit
            assert 1 <= n <= 3
        """
    )

    repository.runpytest_inprocess().assert_outcomes(passed=1)


def test_the_smallest_rows_that_break_a_test_are_shown():
    @settings(max_examples=200, database=None)
    @given(rows=PEOPLE)
    def look(rows):
        assert rows["age"].null_count() == 0

    with pytest.raises(AssertionError) as caught:
        look()

    assert "row 0: age is missing" in "\n".join(getattr(caught.value, "__notes__", []))


def test_a_test_that_draws_nothing_is_refused():
    with pytest.raises(UsageError, match=r"given\(\) names nothing to draw; name an argument of the test"):
        given()


def test_a_strategy_is_taken_as_it_is():
    @settings(max_examples=10, database=None)
    @given(n=st.just(3))
    def look(n):
        assert n == 3

    look()
