"""The laws of all comparisons of whole rows: they keep their level, see what no column shows, and say why they can't."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from scipy import stats

from assay.errors import UsageError
from assay.stats import classifier, components, kernels
from assay.stats.encoder import Encoded, encode, learn
from assay.stats.kernels import energy
from assay.stats.rows import ROW_COMPARISONS, RowComparison, compare_rows

Rng = np.random.Generator
Rows = Callable[[Rng, int], np.ndarray]
every = pytest.mark.parametrize("entry", ROW_COMPARISONS.values(), ids=list(ROW_COMPARISONS))


def smooth(rng: Rng, n: int) -> np.ndarray:
    rows = rng.normal(size=(n, 3))
    rows[:, 1] += rows[:, 0]
    return rows


def tied(rng: Rng, n: int) -> np.ndarray:
    return rng.integers(0, 3, size=(n, 3)).astype(float)


def heavy(rng: Rng, n: int) -> np.ndarray:
    return rng.standard_cauchy(size=(n, 3))


def holed(rng: Rng, n: int) -> np.ndarray:
    return np.where(rng.random((n, 3)) < 0.3, np.nan, rng.normal(size=(n, 3)))


@pytest.fixture(autouse=True)
def _few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    # The laws hold for any classifier; a small one is quick.
    monkeypatch.setattr(classifier, "TREES", 20)


def rejections(entry: RowComparison, pairs: list[tuple[np.ndarray, np.ndarray]], rng: Rng) -> np.ndarray:
    p_values = np.array([entry.compare(x, y, rng=rng).p_value for x, y in pairs])
    return np.array([(p_values <= level).sum() for level in (0.05, 0.01)])


def at_most(pairs: int, *, once_in: float = 10_000) -> np.ndarray:
    return np.array([stats.binom.isf(1 / once_in, pairs, level) for level in (0.05, 0.01)])


def test_no_comparison_is_forgotten():
    there = {
        name
        for module in (classifier, components, kernels)
        for name in module.__all__
        if getattr(getattr(module, name), "__annotations__", {}).get("return") == "RowsCompared"
    }

    assert {entry.compare.__name__ for entry in ROW_COMPARISONS.values()} == there
    assert all(name == entry.name for name, entry in ROW_COMPARISONS.items())


@every
@pytest.mark.parametrize("rows", [smooth, tied, heavy, holed])
def test_the_false_alarm_rate_is_the_stated_one(entry: RowComparison, rows: Rows, rng: Rng):
    pairs = [(rows(rng, 60), rows(rng, 44)) for _ in range(120)]

    assert (rejections(entry, pairs, rng) <= at_most(120)).all()


@every
def test_the_false_alarm_rate_is_that_of_many_rows_in_bins_too(
    entry: RowComparison, rng: Rng, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(kernels, "BINS", 24)
    monkeypatch.setattr(kernels, "BINS_A_SIDE", 8)
    monkeypatch.setattr(kernels, "MOST_PAIRED", 90)  # fewer than there are: frequencies, or a draw
    pairs = [(smooth(rng, 150), smooth(rng, 100)) for _ in range(120)]

    assert (rejections(entry, pairs, rng) <= at_most(120)).all()


@every
def test_the_false_alarm_rate_is_not_far_below_the_stated_one(entry: RowComparison, rng: Rng):
    pairs = [(smooth(rng, 60), smooth(rng, 60)) for _ in range(200)]

    # Scores of a few trees tie, which makes the classifier more careful than it says; twice as careful at most.
    assert rejections(entry, pairs, rng)[0] >= stats.binom.ppf(0.0001, 200, 0.025)


@pytest.fixture(scope="module")
def wordy() -> list[Encoded]:
    rng = np.random.default_rng(20)

    def frame() -> pl.DataFrame:
        return pl.DataFrame({"word": rng.integers(0, 150, 120).astype(str), "x": rng.normal(size=120)})

    return [encode(frame(), frame()) for _ in range(100)]


@every
def test_frames_with_many_words_keep_the_false_alarm_rate(entry: RowComparison, wordy: list[Encoded], rng: Rng):
    p_values = np.array([compare_rows(sides, entry.name, rng=rng).p_value for sides in wordy])

    assert ([(p_values <= level).sum() for level in (0.05, 0.01)] <= at_most(100)).all()


def test_a_comparison_that_is_not_there_is_refused_with_the_nearest(wordy: list[Encoded], rng: Rng):
    with pytest.raises(UsageError, match="there is no comparison of rows 'mdm'; did you mean 'mmd'"):
        compare_rows(wordy[0], "mdm", rng=rng)


def test_codes_learned_on_the_reference_alone_would_lose_it(rng: Rng):
    # Why `encode` learns on both: of 64 words that are frequent in the reference by chance, the current side has fewer.
    alarms = 0
    for _ in range(30):
        reference, current = (pl.DataFrame({"w": rng.integers(0, 150, 120).astype(str)}) for _ in "rc")
        alone = learn([reference])
        alarms += energy(alone.matrix(reference), alone.matrix(current), rng=rng, permutations=99).p_value <= 0.05

    assert alarms > 15


@every
def test_a_turned_correlation_is_seen_that_no_column_shows(entry: RowComparison, rng: Rng):
    x, y = rng.normal(size=(2, 500, 2))
    x[:, 1] = 0.7 * x[:, 0] + 0.51**0.5 * x[:, 1]
    y[:, 1] = -0.7 * y[:, 0] + 0.51**0.5 * y[:, 1]

    found = entry.compare(x, y, rng=rng)

    assert min(stats.ks_2samp(x[:, place], y[:, place]).pvalue for place in (0, 1)) > 0.01
    assert found.p_value <= 0.001
    assert found.size_low > entry.none_at


@every
def test_embeddings_that_move_together_a_little_in_each_place_are_seen(entry: RowComparison, rng: Rng):
    # 32 places, each a quarter of a standard deviation on: 1.4 standard deviations in all. The pattern within is the same.
    common = rng.normal(size=(4, 32))
    x, y = (rng.normal(size=(300, 4)) @ common + rng.normal(size=(300, 32)) for _ in "xy")
    y += 0.5 * rng.choice([-1, 1], size=32)

    assert entry.compare(x, y, rng=rng).p_value <= 0.01


@every
def test_an_interval_holds_its_size(entry: RowComparison, rng: Rng):
    for rows in (smooth, tied, heavy, holed):
        found = entry.compare(rows(rng, 80), rows(rng, 70) + 0.5, rng=rng)
        assert found.size_low <= found.size <= found.size_high
        assert 0 < found.p_value <= 1
        assert found.why == ""


@every
def test_the_same_chance_gives_the_same_answer(entry: RowComparison, rng: Rng):
    x, y = smooth(rng, 60), smooth(rng, 60) + 0.3

    first, second = (entry.compare(x, y, rng=np.random.default_rng(11)) for _ in "ab")

    assert first == second


@every
def test_what_was_given_is_not_changed(entry: RowComparison, rng: Rng):
    x, y = holed(rng, 60), holed(rng, 60)
    kept = x.copy(), y.copy()

    entry.compare(x, y, rng=rng)

    assert np.array_equal(x, kept[0], equal_nan=True)
    assert np.array_equal(y, kept[1], equal_nan=True)


@every
def test_infinite_and_very_great_values_are_compared(entry: RowComparison, rng: Rng):
    x, y = smooth(rng, 60), smooth(rng, 60)
    x[0, 0], y[0, 0], y[1, 1], y[2, 2] = np.inf, -np.inf, 1e308, -1e308

    assert entry.compare(x, y, rng=rng).p_value > 0.001


NONE = np.empty((0, 2))
UNDEFINED = [
    (NONE, np.ones((50, 2)), "the reference has 0 rows; rows are compared from 30 a side"),
    (np.ones((50, 2)), NONE, "the current data has 0 rows; rows are compared from 30 a side"),
    (np.ones((1, 2)), np.ones((50, 2)), "the reference has 1 row; rows are compared from 30 a side"),
    (np.ones((50, 2)), np.ones((29, 2)), "the current data has 29 rows; rows are compared from 30 a side"),
    (np.empty((50, 0)), np.empty((50, 0)), "there is no column to compare"),
    (np.ones((50, 2)), np.ones((50, 2)), "no column has two different values"),
    (np.full((50, 2), np.nan), np.full((50, 2), np.nan), "no column has two different values"),
]


@every
@pytest.mark.parametrize(("reference", "current", "why"), UNDEFINED)
def test_rows_that_cannot_be_compared_say_why(entry, reference: np.ndarray, current: np.ndarray, why: str, rng: Rng):
    found = entry.compare(reference, current, rng=rng)

    assert found == (None, None, None, None, None, why, len(reference), len(current))


@every
def test_matrices_of_unequal_width_are_refused(entry: RowComparison, rng: Rng):
    with pytest.raises(ValueError, match=r"the rows have the shapes \(50, 2\) and \(50, 3\)"):
        entry.compare(np.ones((50, 2)), np.ones((50, 3)), rng=rng)


@every
def test_a_column_that_one_side_lacks_tells_them_apart(entry: RowComparison, rng: Rng):
    x, y = smooth(rng, 100), smooth(rng, 100)
    y[:, 2] = np.nan

    assert entry.compare(x, y, rng=rng).p_value <= 0.001
