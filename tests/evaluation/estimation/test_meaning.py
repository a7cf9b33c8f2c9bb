"""Scores that come true more often for some values of a feature than for others: found, and said where a window has more of them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from assay.evaluation.columns import Columns
from assay.evaluation.estimation.estimator import compared, estimate, realised
from assay.evaluation.estimation.meaning import meaning_of, same_meaning
from evaluation.estimation import worlds

NAME = "scores mean the same whatever the features"


def misread(rng: np.random.Generator, n: int, *, share_new: float = 0.3, gap: float = 1.0) -> dict[str, np.ndarray]:
    """Return rows of a model that does not see whether a customer is new, though new ones buy less often than it thinks."""
    z, new = rng.normal(0.5, 1.0, n), rng.uniform(size=n) < share_new
    score = worlds.expit(z)
    return {
        "y": rng.binomial(1, worlds.expit(z - gap * new)), "score": score, "said": (score > 0.5).astype(np.int64),
        "customer": np.where(new, "new", "old"), "age": rng.normal(40, 10, n),
    }  # fmt: skip


SEEN = Columns(label="y", prediction="said", score="score", features=("age", "customer"))


def test_the_excess_of_each_place_is_the_mean_of_its_residues():
    column = pl.Series("kind", ["a", "a", "b", "b", None])
    residues = np.array([0.2, 0.4, -0.6, -0.2, 0.5])

    found = meaning_of(column, residues)

    # a: 0.3, b: -0.4, none but the frequent ones: no rows, missing: 0.5; a half of each 0.01 and 0.04 is the variance.
    assert dict(zip(found.categories, found.excess, strict=False)) == pytest.approx({"a": 0.3, "b": -0.4})
    assert found.excess[2:].tolist() == pytest.approx([0.0, 0.5])
    assert sorted(found.variance) == pytest.approx([0.0, 0.0, 0.005, 0.02])


def test_a_window_with_another_mix_is_moved_by_the_shares_of_its_places():
    meaning = meaning_of(pl.Series("kind", ["a"] * 50 + ["b"] * 50), np.array([0.1, 0.3] * 25 + [-0.2, -0.2] * 25))

    moved, error = meaning.moved(pl.Series("kind", ["a", "a", "a", "b"]))

    # 3/4 · 0.2 - 1/4 · 0.2 = 0.1; its variance (3/4)² · 0.01 / 50.
    assert moved == pytest.approx(0.1)
    assert error == pytest.approx(np.sqrt(0.75**2 * 0.01 / 50))


def test_numbers_are_cut_where_the_reference_has_as_many(rng: np.random.Generator):
    meaning = meaning_of(pl.Series("x", np.arange(100.0)), np.repeat(np.arange(10) / 10, 10))

    moved, _ = meaning.moved(pl.Series("x", [95.0, 96.0, 1000.0]))

    assert moved == pytest.approx(0.9)


def test_a_column_of_nothing_has_no_meaning():
    found = meaning_of(pl.Series("kind", [None, None], dtype=pl.String), np.array([0.1, -0.1]))

    assert found.moved(pl.Series("kind", ["a"]))[0] == 0.0


def test_a_mix_that_makes_scores_too_sure_breaks_the_condition_and_the_estimate_is_wrong(rng: np.random.Generator):
    window = misread(rng, 4_000, share_new=0.9)

    seen = estimate(misread(rng, 8_000), window, columns=SEEN, task="binary", rng=rng)

    (broken,) = seen.broken
    assert broken.name == NAME
    assert broken.why.startswith("where 'customer' is as in this window, ")
    assert broken.why.endswith("fewer of the predictions come true than their scores say")
    accuracy = next(
        one for one in compared(seen, realised(window, columns=SEEN, task="binary")) if one.metric == "accuracy"
    )
    assert accuracy.inside is False


def test_features_that_stay_as_they_were_leave_the_condition_whole(rng: np.random.Generator):
    broken = 0
    for _ in range(60):
        seen = estimate(
            misread(rng, 1_000), misread(rng, 400), columns=SEEN, task="binary", metrics=["accuracy"], rng=rng
        )
        broken += NAME in [condition.name for condition in seen.broken]

    # A condition that broke once in a hundred by chance would do so more than 4 times in 60 in one of 3,000 runs.
    assert broken <= 4


def test_a_feature_that_moves_and_does_not_matter_leaves_the_condition_whole(rng: np.random.Generator):
    seen = estimate(
        misread(rng, 4_000, gap=0.0), misread(rng, 1_000, share_new=0.9, gap=0.0), columns=SEEN, task="binary", rng=rng
    )

    assert seen.broken == ()


def test_a_category_that_the_reference_had_nothing_like_breaks_another_condition(rng: np.random.Generator):
    window = misread(rng, 500)
    window["customer"] = np.where(window["customer"] == "new", "unheard", "old")

    seen = estimate(misread(rng, 1_000), window, columns=SEEN, task="binary", rng=rng)

    assert "features in the reference's range" in [condition.name for condition in seen.broken]


def test_without_features_nothing_is_known():
    found = same_meaning([], pl.DataFrame({"x": [1]}))

    assert (found.holds, found.why) == (None, "no features were named")
