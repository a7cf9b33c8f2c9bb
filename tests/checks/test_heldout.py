"""The parts of a suggestion keep their word: cuts cover every row once, bounds their probabilities, stand-ins leave the rest as it is."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from assay.checks.heldout import GROUPS, Cut
from assay.checks.standins import stand_ins, without
from assay.checks.tails import poisson_most, reach, round_out, share_at_most
from assay.data.engine import Batch
from assay.profiles.sketches import Quantiles
from assay.stats.intervals import exact_share
from checks.judging import profile_of

Rng = np.random.Generator


@given(st.integers(1, 300), st.integers(1, 64), st.integers(1, 20), st.booleans())
def test_every_row_is_in_one_stretch_and_in_one_group(rows: int, batch: int, stretches: int, by_time: bool):
    frame = pl.DataFrame({"row": np.arange(rows), "t": (np.arange(rows) * 7 % rows).astype(float)})
    edges = tuple(float(rows * place / stretches) for place in range(1, stretches))
    cut = Cut(stretches, rows, seed=3, time="t" if by_time else None, edges=edges if by_time else ())
    seen: dict[str, list[int]] = {"whole": [], "stretch": [], "group": []}
    group_of: dict[int, int] = {}

    for offset in range(0, rows, batch):
        for (kind, place), part in cut.parts(Batch(frame.slice(offset, batch), offset)):
            seen[kind] += part.frame["row"].to_list()
            group_of |= dict.fromkeys(part.frame["row"].to_list(), place) if kind == "group" else {}

    assert all(sorted(numbers) == list(range(rows)) for numbers in seen.values())
    in_one_batch = {
        r: p for (kind, p), part in cut.parts(Batch(frame, 0)) if kind == "group" for r in part.frame["row"]
    }
    assert group_of == in_one_batch
    assert set(group_of.values()) <= set(range(GROUPS))


@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize("draw", ["normal", "exponential", "uniform", "logistic"])
def test_a_fresh_sample_seldom_passes_the_reach_of_a_tail(draw: str, upper: bool, rng: Rng):
    passed = 0
    for _ in range(200):
        first, second = (getattr(rng, draw)(size=1_000) * (1 if upper else -1) for _ in range(2))
        end = first.max() if upper else first.min()
        found = reach(Quantiles.of(np.sort(first)), end, alarm=0.05, upper=upper)
        assert found is not None
        beyond = second.max() > found.bound if upper else second.min() < found.bound
        passed += beyond and not found.heavy

    assert passed <= stats.binom.isf(0.001, 200, 0.05)


def test_a_pareto_tail_is_heavy_and_a_normal_one_is_not(rng: Rng):
    pareto, normal = np.sort(rng.pareto(1.2, 5_000)), np.sort(rng.normal(size=5_000))

    assert reach(Quantiles.of(pareto), pareto[-1], alarm=0.01).heavy  # type: ignore[union-attr]
    assert not reach(Quantiles.of(normal), normal[-1], alarm=0.01).heavy  # type: ignore[union-attr]


@pytest.mark.parametrize("share", [0.001, 0.02, 0.4])
def test_fresh_rows_seldom_show_more_than_the_bound_of_a_share(share: float, rng: Rng):
    passed = 0
    for part in rng.binomial(5_000, share, 500):
        bound = share_at_most(int(part), 5_000, rows=250, alarm=0.05)
        passed += int(rng.binomial(250, share) > bound * 250)

    assert passed <= stats.binom.isf(0.001, 500, 0.05)


@given(st.floats(0, 50), st.sampled_from([0.1, 0.01, 0.001]))
def test_poisson_most_agrees_with_scipy(mean: float, alarm: float):
    count = poisson_most(mean, alarm=alarm)

    assert stats.poisson.cdf(count, mean) >= 1 - alarm - 1e-9
    assert count == 0 or stats.poisson.cdf(count - 1, mean) < 1 - alarm + 1e-9


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(1, max(n - 1, 1)), st.just(max(n, 2)))))
def test_the_interval_of_an_alarm_rate_agrees_with_scipy(counts: tuple[int, int]):
    part, n = counts

    assert exact_share(part, n) == pytest.approx(
        tuple(stats.binomtest(part, n).proportion_ci(0.95, method="exact")), abs=1e-6
    )


@given(st.floats(-1e6, 1e6, allow_nan=False), st.floats(1e-3, 1e6), st.booleans())
def test_rounding_out_never_cuts_and_goes_at_most_a_twentieth_of_the_spread_too_far(
    value: float, spread: float, up: bool
):
    rounded = float(round_out(value, spread=spread, up=up))
    away = rounded - value if up else value - rounded

    assert -1e-9 * max(abs(value), 1) <= away <= spread / 20 * (1 + 1e-6) + 1e-9 * abs(value)


def test_a_profile_without_a_value_is_that_of_the_other_values(rng: Rng):
    ages = pl.Series("age", np.where(rng.random(800) < 0.2, -999, rng.integers(18, 80, 800)))
    column = profile_of(ages.to_frame()).columns["age"]
    others = profile_of(ages.filter(ages != -999).to_frame()).columns["age"]

    seen = without(column, stand_ins(column))

    assert (seen.counts.present, seen.counts.sentinels) == (others.counts.n, 800 - others.counts.n)
    assert (seen.extremes, seen.frequent) == (others.extremes, others.frequent)
    assert seen.moments is not None
    assert others.moments is not None
    assert (seen.moments.mean, seen.moments.std) == pytest.approx((others.moments.mean, others.moments.std))
    assert seen.quantiles.at(0.3) == others.quantiles.at(0.3)  # type: ignore[union-attr]
