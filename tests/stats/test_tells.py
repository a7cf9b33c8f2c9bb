"""What gives two sides away is named: columns alone and together, and rows with the columns that show it."""

from __future__ import annotations

import numpy as np
import pytest

from assay.stats.classifier import tell_apart
from assay.stats.tells import tells, unlike

Rng = np.random.Generator


def turned(rng: Rng, n: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Return sides that differ in nothing but the sign of the correlation of the first two of three columns."""
    x, y = rng.normal(size=(n, 3)), rng.normal(size=(n, 3))
    x[:, 1] = 0.8 * x[:, 0] + 0.6 * x[:, 1]
    y[:, 1] = -0.8 * y[:, 0] + 0.6 * y[:, 1]
    return x, y


def test_columns_that_tell_only_together_are_named_by_their_drop(rng: Rng):
    apart = tell_apart(*turned(rng), rng=rng)

    found = tells(apart, rng=rng, columns=["price", "volume", "noise"])

    assert {tell.column for tell in found[:2]} == {"price", "volume"}
    assert all(tell.low > 0.1 and tell.alone < 0.6 for tell in found[:2])
    assert found[2].low <= 0 < found[2].high + 0.05


def test_columns_that_say_the_same_are_named_by_what_each_tells_alone(rng: Rng):
    x, y = rng.normal(size=(600, 2)), rng.normal(size=(600, 2))
    y[:, 0] += 3
    x, y = (np.column_stack([side, side[:, 0]]) for side in (x, y))

    found = {tell.column: tell for tell in tells(tell_apart(x, y, rng=rng), rng=rng, columns=["a", "noise", "again"])}

    # Two normal samples three standard deviations apart: AUC = Φ(3/√2) = 0.983.
    assert list(found)[2] == "noise"
    assert found["a"].alone == found["again"].alone == pytest.approx(0.983, abs=0.02)
    assert min(found["a"].drop, found["again"].drop) < 0.1


def test_features_of_one_column_are_shuffled_together(rng: Rng):
    x, y = turned(rng)

    found = tells(tell_apart(x, y, rng=rng), rng=rng, columns=["pair", "pair", "noise"])

    # Together they keep what they have to do with each other, on shuffled rows: nothing is left that tells.
    assert [tell.column for tell in found] == ["pair", "noise"]
    assert found[0].drop > 0.3


def test_a_column_that_cannot_tell_is_left_out_and_the_others_keep_their_names(rng: Rng):
    x, y = rng.normal(size=(200, 3)), rng.normal(size=(200, 3))
    x[:, 0] = y[:, 0] = 7.0
    y[:, 2] += 2

    found = tells(tell_apart(x, y, rng=rng), rng=rng, columns=["same", "noise", "moved"])

    assert [tell.column for tell in found] == ["moved", "noise"]


def test_the_rows_most_unlike_are_those_that_were_planted_with_the_column_that_shows_it(rng: Rng):
    x, y = rng.normal(size=(500, 3)), rng.normal(size=(500, 3))
    planted = list(range(100, 200))
    y[planted, 1] = rng.normal(size=100) + 9

    found = unlike(tell_apart(x, y, rng=rng), columns=["a", "b", "c"], most=4)

    assert len(found) == 4
    assert {row.place for row in found} <= set(planted)
    assert all(row.reasons[0].column == "b" for row in found)
    # No reference row is near them; they are a tenth of both sides, in the upper two twentieths.
    assert found[0].reasons[0].reference_share < 0.01 < found[0].reasons[0].current_share
    assert [row.score for row in found] == sorted((row.score for row in found), reverse=True)


def test_rows_that_are_unlike_for_different_reasons_come_before_more_of_the_same(rng: Rng):
    x, y = rng.normal(size=(500, 2)), rng.normal(size=(500, 2))
    y[:80, 0], y[80:160, 1] = 9.0, 9.0

    found = unlike(tell_apart(x, y, rng=rng), columns=["a", "b"], most=2)

    assert sorted(row.reasons[0].column for row in found) == ["a", "b"]


def test_a_row_that_only_its_columns_together_make_unlike_has_no_reason(rng: Rng):
    found = unlike(tell_apart(*turned(rng), rng=rng), columns=["price", "volume", "noise"], most=3)

    assert found[-1].reasons == ()


def test_missing_values_tell_sides_apart(rng: Rng):
    x, y = rng.normal(size=(200, 2)), rng.normal(size=(200, 2))
    y[rng.random(200) < 0.6, 1] = np.nan

    apart = tell_apart(x, y, rng=rng)

    assert apart.compared.p_value < 1e-4
    assert tells(apart, rng=rng)[0].column == "1"
    assert unlike(apart, most=1)[0].reasons[0].reference_share < 0.01


def test_too_few_names_are_refused(rng: Rng):
    apart = tell_apart(*turned(rng, 60), rng=rng)

    with pytest.raises(ValueError, match="2 columns were named for at least 3 features; name that of each feature"):
        tells(apart, rng=rng, columns=["price", "volume"])


def test_a_comparison_without_an_answer_names_nothing(rng: Rng):
    apart = tell_apart(np.ones((50, 2)), np.ones((50, 2)), rng=rng)

    assert tells(apart, rng=rng) == ()
    assert unlike(apart) == ()
