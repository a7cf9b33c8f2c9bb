"""Reconstruction errors are those of principal components by hand, and notice rows that break the pattern."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from assay.stats.components import fit_components, reconstruction

Rng = np.random.Generator


def test_directions_are_the_first_eigenvectors_of_the_covariance(rng: Rng):
    rows = rng.normal(size=(50, 4)) @ rng.normal(size=(4, 4))
    scale = rows.std(axis=0)
    values, vectors = np.linalg.eigh(np.cov(((rows - rows.mean(axis=0)) / scale).T, bias=True))
    shares = np.cumsum(values[::-1]) / values.sum()
    kept = vectors[:, ::-1][:, : int((shares < 0.7).sum()) + 1]

    model = fit_components(rows, scale=scale, variance=0.7)
    new = rng.normal(size=(5, 4))

    z = (new - rows.mean(axis=0)) / scale
    assert model.directions.shape == kept.T.shape
    assert model.errors(new) == pytest.approx(((z - z @ kept @ kept.T) ** 2).sum(axis=1))


def test_an_error_is_the_squared_distance_from_the_line():
    model = fit_components(np.array([[-1.0, -1.0], [1.0, 1.0], [3.0, 3.0]]), scale=np.ones(2))

    # The line is y = x through (1, 1): (2, 0) is √2 from it, (5, 5) lies on it.
    assert model.errors(np.array([[2.0, 0.0], [5.0, 5.0]])).round(12).tolist() == [2.0, 0.0]


def test_something_is_always_left_out(rng: Rng):
    # Two columns that have nothing to do with each other: each direction keeps half, both would be needed for 0.9.
    assert fit_components(rng.normal(size=(100, 2)), scale=np.ones(2)).directions.shape == (1, 2)


def test_the_size_is_the_ratio_of_mean_errors(rng: Rng):
    # Two strong directions and one weak: current errors are 9 times as great, as the weak one is 3 times as wide.
    wide = np.array([10.0, 10.0, 1.0])
    x, y = rng.normal(size=(4_000, 3)) * wide, rng.normal(size=(4_000, 3)) * [10, 10, 3]
    turn = stats.ortho_group.rvs(3, random_state=1)

    found = reconstruction(x @ turn, y @ turn, rng=rng, ranked=False)

    assert found.size_low < 9 < found.size_high
    assert found.p_value < 1e-6


@pytest.mark.parametrize("ranked", [True, False])
def test_rows_that_follow_the_pattern_more_closely_are_noticed_too(ranked: bool, rng: Rng):
    x = rng.normal(size=(400, 1)) + [0, 0] + 0.5 * rng.normal(size=(400, 2))
    y = rng.normal(size=(400, 1)) + [0, 0] + 0.1 * rng.normal(size=(400, 2))

    found = reconstruction(x, y, rng=rng, ranked=ranked)

    assert found.p_value < 0.001
    assert found.size_high < 1


@pytest.mark.parametrize("ranked", [True, False])
def test_a_column_that_had_one_value_and_begins_to_vary_is_noticed(ranked: bool, rng: Rng):
    x, y = rng.normal(size=(300, 4)), rng.normal(size=(300, 4))
    x[:, 2] = 0.0

    found = reconstruction(x, y, rng=rng, ranked=ranked)

    assert found.p_value < 0.001
    assert found.size_low > 1


def test_columns_that_say_the_same_leave_nothing_to_compare(rng: Rng):
    x, y = rng.normal(size=(100, 1)), rng.normal(size=(100, 1))

    found = reconstruction(np.hstack([x, 2 * x]), np.hstack([y, 2 * y]), rng=rng)

    assert found.p_value is None
    assert found.why == "every row is rebuilt without an error; the columns say the same"


def test_a_pattern_that_was_perfect_and_breaks_has_a_p_value_and_no_ratio(rng: Rng):
    x, y = rng.normal(size=(100, 1)), rng.normal(size=(100, 2))

    found = reconstruction(np.hstack([x, x]), y, rng=rng, ranked=False)

    assert found.p_value < 1e-6
    assert found.size is None
    assert found.why == "only one side is rebuilt without an error: the ratio of mean errors has no value"


def test_one_column_cannot_be_rebuilt_from_another(rng: Rng):
    found = reconstruction(rng.normal(size=(50, 1)), rng.normal(size=(50, 1)), rng=rng)

    assert found.p_value is None
    assert found.why == "there is one column; it takes two for one to be rebuilt from the other"


def test_intervals_of_the_ratio_cover_1_where_nothing_differs(rng: Rng):
    covered = 0
    for _ in range(300):
        found = reconstruction(rng.normal(size=(120, 4)), rng.normal(size=(100, 4)), rng=rng)
        covered += found.size_low <= 1 <= found.size_high

    assert covered >= 271  # of 300 at 0.95, fewer would come once in two hundred times at most
