"""Laws of mergeable states: any grouping, any order, nothing added by nothing, and the same as of all rows at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import chain, pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import polars as pl
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.data.engine import Batch
from assay.profiles.column import Need
from assay.profiles.kernel import Measurement
from assay.profiles.physical import number_of, value_of
from assay.profiles.sketches import SIZE_EDGES, Histogram
from assay.profiles.states import Calendar, Comoments, Extremes, Moments, Order, Ranks, Segment, Tally
from assay.profiles.table import STATES
from assay.verdict import Example

NEW_YORK = ZoneInfo("America/New_York")
ZONED = pl.Datetime("us", "America/New_York")
INT128 = st.integers(-(2**126), 2**126)


class Case(NamedTuple):
    """A state on columns of a type: what it must be told, and values to try."""

    state: str
    dtype: pl.DataType
    values: st.SearchStrategy[Any]
    parameter: Any = None


def _decimals(places: int) -> st.SearchStrategy[Decimal]:
    return st.integers(-(10**20), 10**20).map(lambda unscaled: Decimal(unscaled).scaleb(-places))


def _near(offset: float, spread: float) -> st.SearchStrategy[float]:
    return st.floats(-1, 1).map(lambda x: offset + spread * x)


FLOATS = st.floats(allow_nan=True, allow_infinity=True)
MILD = st.floats(-1e6, 1e6)
INSTANTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))
ZONED_INSTANTS = INSTANTS.map(lambda t: t.replace(tzinfo=UTC).astimezone(NEW_YORK))
SPANS = st.timedeltas(timedelta(days=-4000), timedelta(days=4000)).map(lambda d: d - d % timedelta(milliseconds=1))
WORDS = st.text(st.sampled_from("abAB 19é"), max_size=6)

CASES = (
    Case("counts", pl.Float64(), FLOATS),
    Case("moments", pl.Float64(), MILD),
    Case("moments", pl.Float64(), _near(1e9, 1e-4)),
    Case("moments", pl.Float64(), _near(1e15, 10)),
    Case("moments", pl.Float32(), st.floats(-1000, 1000, width=32)),
    Case("moments", pl.Int64(), st.integers(2**62, 2**62 + 9)),
    Case("moments", pl.UInt64(), st.integers(2**64 - 9, 2**64 - 1)),
    Case("moments", pl.Duration("ms"), SPANS),
    Case("moments", pl.Float64(), MILD, "log"),
    Case("total", pl.Int64(), st.integers(-(2**63), 2**63 - 1)),
    Case("total", pl.UInt64(), st.integers(0, 2**64 - 1)),
    Case("total", pl.Int8(), st.integers(-128, 127)),
    Case("total", pl.Int128(), INT128),
    Case("total", pl.Decimal(38, 5), _decimals(5)),
    Case("total", pl.Boolean(), st.booleans()),
    Case("total", ZONED, ZONED_INSTANTS),
    Case("signs", pl.Float64(), FLOATS),
    Case("signs", pl.Decimal(38, 5), _decimals(5)),
    Case("extremes", pl.Float64(), FLOATS),
    Case("extremes", pl.UInt64(), st.integers(0, 2**64 - 1)),
    Case("extremes", pl.Decimal(38, 5), _decimals(5)),
    Case("extremes", pl.Date(), st.dates()),
    Case("extremes", ZONED, ZONED_INSTANTS),
    Case("extremes", pl.Time(), st.times()),
    Case("extremes", pl.Duration("ms"), SPANS),
    Case("extremes", pl.String(), WORDS),
    Case("ranks", pl.Int64(), st.integers(-(2**63), 2**63 - 1), (0, 2**62 + 1, Fraction(1, 2), -(2**70), 2**70)),
    Case("ranks", pl.UInt64(), st.integers(2**64 - 9, 2**64 - 1), (-1, 2**64 - 5, 2**64 - 1, 2**64)),
    Case("ranks", pl.Int128(), INT128, (0, 2**100 + 1)),
    Case("ranks", pl.Decimal(38, 5), _decimals(5), (Decimal("0.000001"), Decimal("1.5"), 10**30)),
    Case("ranks", pl.Float64(), FLOATS, (0.0, 0.1, math.inf)),
    Case("ranks", pl.Date(), st.dates(), (date(2000, 1, 1), date.max)),
    Case("ranks", ZONED, ZONED_INSTANTS, (datetime(2000, 1, 1, tzinfo=UTC), datetime(1950, 7, 1, 1, tzinfo=NEW_YORK))),
    Case("ranks", pl.Duration("ms"), SPANS, (timedelta(0), timedelta(microseconds=1))),
    Case("ranks", pl.Time(), st.times(), (time(12),)),
    Case("ranks", pl.String(), WORDS, ("a", "B")),
    Case("comoments", pl.Float64(), MILD),
    Case("comoments", pl.Float64(), _near(1e9, 1e-2)),
    Case("quantiles", pl.Int64(), st.integers(-(2**63), 2**63 - 1)),
    Case("quantiles", pl.Float64(), MILD),
    Case("histogram", pl.Float64(), st.floats(-10, 10), (-5.0, 0.0, 1.0, 5.0)),
    Case("distinct", pl.String(), WORDS),
    Case("distinct", pl.Int64(), st.integers(0, 9)),
    Case("frequent", pl.String(), WORDS),
    Case("frequent", pl.Date(), st.dates()),
    Case("trues", pl.Boolean(), st.booleans()),
    Case("lengths", pl.String(), WORDS),
    Case("lengths", pl.List(pl.Int64), st.lists(st.integers(0, 9), max_size=4)),
    Case("lengths", pl.Binary(), st.binary(max_size=5)),
    Case("sizes", pl.String(), WORDS),
    Case("sizes", pl.Categorical(), WORDS),
    Case("patterns", pl.String(), WORDS),
    Case("tokens", pl.String(), WORDS),
    Case("tokens", pl.Categorical(), WORDS),
    Case("calendar", pl.Date(), st.dates()),
    Case("calendar", pl.Datetime("ns"), INSTANTS),
    Case("calendar", ZONED, ZONED_INSTANTS),
    Case("order", pl.Int64(), st.integers(0, 5)),
    Case("order", pl.Float64(), FLOATS),
    Case("order", pl.Decimal(38, 5), _decimals(5)),
    Case("order", pl.Int128(), INT128),
    Case("order", ZONED, ZONED_INSTANTS),
)
IDS = [f"{case.state}-{case.dtype}-{i}" for i, case in enumerate(CASES)]


def measured(case: Case, columns: list[list[Any]], offset: int = 0) -> Any:
    names = ("a", "b")[: 2 if case.state == "comoments" else 1]
    frame = pl.DataFrame({name: pl.Series(columns[i], dtype=case.dtype) for i, name in enumerate(names)})
    need = Need(case.state, names, case.parameter)
    return Measurement(frame.schema, (need,)).measure(Batch(frame, offset)).states[need]


def parts(case: Case, data: st.DataObject) -> tuple[list[Any], list[list[Any]]]:
    """Return the states of three consecutive batches, and all their rows."""
    rows = st.lists(st.tuples(*[st.none() | case.values] * 2), max_size=12)
    chunks = [data.draw(rows, label="rows") for _ in range(3)]
    states, offset = [], 0
    for chunk in chunks:
        states.append(measured(case, [[row[i] for row in chunk] for i in (0, 1)], offset))
        offset += len(chunk)
    return states, [[row[i] for chunk in chunks for row in chunk] for i in (0, 1)]


def assert_same(a: Any, b: Any, *, scale: float) -> None:
    """Assert that two states agree: exactly but for floats, which may differ in their last digits."""
    if isinstance(a, Moments | Comoments):
        assert_moments(a, b, scale=scale)
    elif hasattr(a, "many"):
        assert (a.n, a.error) == (b.n, b.error)
        assert np.array_equal(a.many(np.linspace(0, 1, 41)), b.many(np.linspace(0, 1, 41)))
    elif isinstance(a, msgspec.Struct):
        for name in a.__struct_fields__:
            assert_same(getattr(a, name), getattr(b, name), scale=scale)
    elif isinstance(a, np.ndarray):
        assert np.array_equal(a, b)
    elif isinstance(a, tuple):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            assert_same(one, other, scale=scale)
    else:
        assert a == b


def assert_moments(a: Any, b: Any, *, scale: float) -> None:
    """Assert that sums of powers agree to a billionth of what they are made of, and means to their last digits."""
    assert a.n == b.n
    last = 16 * math.ulp(scale)
    powers = {
        "mean": 0,
        "mean_rest": 0,
        "mean_a": 0,
        "mean_b": 0,
        "m2": 2,
        "m3": 3,
        "m4": 4,
        "m2_a": 2,
        "m2_b": 2,
        "m_ab": 2,
    }
    m2 = max(getattr(state, name) for state in (a, b) for name in ("m2", "m2_a", "m2_b") if hasattr(state, name))
    spread = math.sqrt(max(m2, 0.0) / max(a.n, 1))
    for name in (field for field in a.__struct_fields__ if field != "n"):
        k = powers[name]
        room = last if k == 0 else a.n * (1e-9 * spread**k + (spread + last) ** k - spread**k)
        assert abs(getattr(a, name) - getattr(b, name)) <= room, name


def scale_of(case: Case, columns: list[list[Any]]) -> float:
    numbers = [
        abs(float(number_of(v, case.dtype)))
        for v in chain.from_iterable(columns)
        if isinstance(v, int | float | Decimal | date | timedelta)
    ]
    return max([n for n in numbers if math.isfinite(n)], default=1.0) or 1.0


def test_no_state_is_forgotten():
    assert {case.state for case in CASES} == set(STATES)


@pytest.mark.parametrize("case", CASES, ids=IDS)
@settings(max_examples=25)
@given(data=st.data())
def test_states_merge_to_the_state_of_all_rows_in_any_grouping_and_order(case: Case, data: st.DataObject):
    (a, b, c), columns = parts(case, data)
    scale = scale_of(case, columns)

    whole = measured(case, columns)

    assert_same(a.merge(b).merge(c), whole, scale=scale)
    assert_same(a.merge(b.merge(c)), whole, scale=scale)
    assert_same(c.merge(a).merge(b), whole, scale=scale)


@pytest.mark.parametrize("case", CASES, ids=IDS)
@settings(max_examples=10)
@given(data=st.data())
def test_the_state_of_no_rows_changes_nothing(case: Case, data: st.DataObject):
    (a, _, _), columns = parts(case, data)
    nothing = STATES[case.state].empty()

    assert_same(a.merge(nothing), a, scale=scale_of(case, columns))
    assert_same(nothing.merge(a), a, scale=scale_of(case, columns))


# Oracles: what a state says, by definition, in plain Python or by SciPy ------------------------------------------------


def state_of(name: str, values: list[Any], dtype: pl.DataType, parameter: Any = None) -> Any:
    return measured(Case(name, dtype, st.nothing(), parameter), [values, values])


def batched(name: str, values: list[Any], dtype: pl.DataType, *, size: int, parameter: Any = None) -> Any:
    case, state = Case(name, dtype, st.nothing(), parameter), STATES[name].empty()
    for start in range(0, len(values), size):
        state = state.merge(measured(case, [values[start : start + size]] * 2, start))
    return state


def exact_moments(values: list[Any]) -> tuple[float, float, float, float]:
    numbers = [Fraction(v) for v in values]
    mean = sum(numbers) / len(numbers)
    m2, m3, m4 = (float(sum((x - mean) ** k for x in numbers)) for k in (2, 3, 4))
    return float(mean), m2, m3, m4


HOSTILE: dict[str, tuple[Callable[[np.random.Generator], list[Any]], pl.DataType]] = {
    "a tiny spread far from zero": (lambda rng: (1e9 + 1e-4 * rng.normal(size=600)).tolist(), pl.Float64()),
    "units at 1e15": (lambda rng: (1e15 + rng.integers(0, 9, 600)).tolist(), pl.Float64()),
    "whole numbers beyond 2**62": (lambda rng: [2**62 + int(i) for i in rng.integers(0, 9, 600)], pl.Int64()),
    "whole numbers beyond 2**63": (lambda rng: [2**63 + int(i) for i in rng.integers(0, 9, 600)], pl.UInt64()),
    "a heavy tail": (lambda rng: rng.pareto(1.5, 600).tolist(), pl.Float64()),
    "large values": (lambda rng: (1e70 * rng.normal(size=600)).tolist(), pl.Float64()),
    "small values": (lambda rng: (1e-70 * rng.normal(size=600)).tolist(), pl.Float64()),
    "two values": (lambda rng: rng.choice([3.0, 7.0], 600).tolist(), pl.Float64()),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_moments_of_hostile_values_are_right_in_batches(name: str, rng: np.random.Generator):
    draw, dtype = HOSTILE[name]
    values = draw(rng)

    m = batched("moments", values, dtype, size=128)

    mean, m2, m3, m4 = exact_moments(values)
    spread = math.sqrt(m2 / 600)
    assert m.mean == pytest.approx(mean, rel=1e-14)
    assert m.m2 == pytest.approx(m2, rel=1e-8)
    assert m.m3 == pytest.approx(m3, rel=1e-7, abs=1e-8 * 600 * spread**3)
    assert m.m4 == pytest.approx(m4, rel=1e-8)


def test_moments_agree_with_scipy(rng: np.random.Generator):
    values = rng.gamma(2.0, size=1000)

    m = batched("moments", values.tolist(), pl.Float64(), size=77)

    assert m.std == pytest.approx(np.std(values, ddof=1))
    assert m.skewness == pytest.approx(scipy.stats.skew(values))
    assert m.kurtosis == pytest.approx(scipy.stats.kurtosis(values))


def test_a_constant_has_no_spread_and_no_shape():
    m = batched("moments", [0.1] * 300, pl.Float64(), size=100)

    assert (m.mean, m.std, m.skewness, m.kurtosis) == (0.1, 0.0, None, None)


def test_one_value_has_no_standard_deviation():
    assert state_of("moments", [3.0], pl.Float64()).std is None


def test_infinite_values_are_left_out_of_moments():
    m = state_of("moments", [1.0, 3.0, math.inf, -math.inf, math.nan], pl.Float64())

    assert (m.n, m.mean) == (2, 2.0)


def test_what_a_float_cannot_hold_is_undefined():
    huge = batched("moments", [1e300, -1e300, 5e299], pl.Float64(), size=1)
    tiny = batched("moments", [1e-200, 3e-200, 9e-200], pl.Float64(), size=1)

    assert (huge.std, huge.skewness, huge.kurtosis) == (None, None, None)
    assert huge.mean == pytest.approx(5e299 / 3)
    assert (tiny.skewness, tiny.kurtosis) == (None, None)


def test_the_mean_of_the_greatest_floats_is_finite():
    assert state_of("moments", [1.5e308, 1.7e308], pl.Float64()).mean == pytest.approx(1.6e308)


def test_a_spread_whose_fourth_power_is_no_float_raises_nothing():
    m = state_of("moments", [1e100, 2e100, 4e100], pl.Float64())

    assert m.std == pytest.approx(np.std([1e100, 2e100, 4e100], ddof=1))
    assert m.kurtosis is None


def test_the_log_moments_do_not_depend_on_where_batches_end():
    values = [1.0, math.e, 0.0, -5.0, math.e**2, 0.0, 1.0]

    each = [batched("moments", values, pl.Float64(), size=size, parameter="log") for size in (1, 2, 7)]

    # The logarithms of the positive values are 0, 1, 2, 0.
    assert [(m.n, round(m.mean, 12)) for m in each] == [(4, 0.75)] * 3


def test_totals_are_exact_beyond_every_width():
    assert state_of("total", [2**63 - 1] * 5, pl.Int64()).sum == 5 * (2**63 - 1)
    assert state_of("total", [2**31 - 1] * 5, pl.Int32()).sum == 5 * (2**31 - 1)
    assert state_of("total", [2**126, 2**126, -1], pl.Int128()).sum == 2**127 - 1
    wide = Decimal("9" * 37 + ".9")
    assert state_of("total", [wide] * 40, pl.Decimal(38, 1)).sum == 40 * (10**38 - 1)


def test_extremes_keep_the_type_of_the_column():
    assert state_of("extremes", [2**64 - 1, 5], pl.UInt64()) == Extremes(5, 2**64 - 1)
    assert state_of("extremes", [Decimal("1.10"), Decimal("2.20")], pl.Decimal(38, 2)) == Extremes(
        Decimal("1.10"), Decimal("2.20")
    )
    assert state_of("extremes", [-math.inf, math.nan, 1.0], pl.Float64()) == Extremes(-math.inf, 1.0)
    assert state_of("extremes", [timedelta(days=-3)], pl.Duration("ms")) == Extremes(
        timedelta(days=-3), timedelta(days=-3)
    )


def test_dates_that_python_cannot_hold_are_the_last_that_it_can():
    frame = pl.DataFrame({"a": pl.Series([10_000_000, 0], dtype=pl.Int32).cast(pl.Date)})
    need = Need("extremes", ("a",))

    state = Measurement(frame.schema, (need,)).measure(Batch(frame, 0)).states[need]

    assert state == Extremes(date(1970, 1, 1), date.max)


@settings(max_examples=200)
@given(values=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=8), point=st.integers(-(2**70), 2**70) | _decimals(3))
def test_ranks_of_whole_numbers_are_compared_without_rounding(values: list[int], point: int | Decimal):
    ranks = state_of("ranks", values, pl.Int64(), (point,))

    assert ranks == Ranks((point,), (sum(v < point for v in values),), (sum(v <= point for v in values),), len(values))


@settings(max_examples=100)
@given(values=st.lists(ZONED_INSTANTS, max_size=8), point=ZONED_INSTANTS)
def test_ranks_of_instants_do_not_depend_on_the_zone_of_the_point(values: list[datetime], point: datetime):
    ranks = state_of("ranks", values, ZONED, (point.astimezone(UTC),))

    assert (ranks.below[0], ranks.at_or_below[0]) == (sum(v < point for v in values), sum(v <= point for v in values))


def test_ranks_see_what_lies_between_two_units():
    half = timedelta(microseconds=1500)  # between 1 ms and 2 ms

    ranks = state_of("ranks", [timedelta(milliseconds=1), timedelta(milliseconds=2)], pl.Duration("ms"), (half,))

    assert (ranks.below, ranks.at_or_below) == ((1,), (1,))


def test_the_correlation_agrees_with_numpy_far_from_zero(rng: np.random.Generator):
    a = 1e9 + rng.normal(size=500)
    frame = pl.DataFrame({"a": a, "b": 0.5 * (a - 1e9) + rng.normal(size=500)})
    need = Need("comoments", ("a", "b"))
    plan = Measurement(frame.schema, (need,))

    state = Comoments()
    for start in range(0, 500, 64):
        state = state.merge(plan.measure(Batch(frame[start : start + 64], start)).states[need])

    assert state.correlation == pytest.approx(np.corrcoef(frame["a"] - 1e9, frame["b"])[0, 1], rel=1e-6)


def test_a_constant_correlates_with_nothing():
    frame = pl.DataFrame({"a": [0.1] * 100, "b": [float(i) for i in range(100)]})
    need = Need("comoments", ("a", "b"))

    state = Measurement(frame.schema, (need,)).measure(Batch(frame, 0)).states[need]

    assert state.correlation is None


def test_the_correlation_of_large_values_is_no_overflow():
    assert Comoments(3, 0.0, 0.0, 1e200, 1e200, 5e199).correlation == pytest.approx(0.5)


@settings(max_examples=200)
@given(values=st.lists(st.none() | st.floats(allow_nan=False), max_size=10), size=st.integers(1, 4))
def test_order_counts_steps_as_a_loop_would(values: list[float | None], size: int):
    order = batched("order", values, pl.Float64(), size=size)

    there = [(row, v) for row, v in enumerate(values) if v is not None]
    pairs = list(pairwise(there))
    whole = order.whole
    assert whole.falls == sum(b < a for (_, a), (_, b) in pairs)
    assert whole.ties == sum(b == a for (_, a), (_, b) in pairs)
    assert whole.rises == sum(b > a for (_, a), (_, b) in pairs)
    assert whole.fall_rows == tuple(row for (_, a), (row, b) in pairs if b < a)[:5]
    assert whole.widest == max([b - a for (_, a), (_, b) in pairs if b > a], default=0)


def test_the_widest_step_is_the_first_of_equals_in_any_grouping():
    a, b, c = (batched("order", values, pl.Int64(), size=9) for values in ([], [], []))
    rows = [0, 2, 4, 6]
    a, b, c = (Order((Segment(i, i + 1, 1, rows[i], rows[i], i),)) for i in range(3))

    assert a.merge(b).merge(c).whole.widest_row == a.merge(b.merge(c)).whole.widest_row == 1


def test_decimals_that_floats_cannot_tell_apart_still_rise():
    values = [Decimal("12345678901234567890.00001"), Decimal("12345678901234567890.00002")]

    assert state_of("order", values, pl.Decimal(38, 5)).whole.rises == 1


def test_infinite_neighbours_are_ties_across_batches():
    whole = batched("order", [math.inf, math.inf, math.inf], pl.Float64(), size=1).whole

    assert (whole.falls, whole.ties, whole.rises) == (0, 2, 0)


def test_a_tally_keeps_the_first_examples():
    late, early = Tally(1, 1, (Example(9),)), Tally(1, 1, (Example(2),))

    assert late.merge(early) == Tally(2, 2, (Example(2), Example(9)))


# Lengths, words, hours -------------------------------------------------------------------------------------------------


def test_lengths_agree_with_numpy(rng: np.random.Generator):
    words = ["x" * int(size) for size in rng.poisson(9, 700)]

    lengths = batched("lengths", words, pl.String(), size=128)

    sizes = [len(word) for word in words]
    assert (lengths.low, lengths.high, lengths.empty) == (min(sizes), max(sizes), sizes.count(0))
    assert lengths.moments.std == pytest.approx(np.std(sizes, ddof=1))
    assert lengths.moments.skewness == pytest.approx(scipy.stats.skew(sizes))
    assert lengths.moments.kurtosis == pytest.approx(scipy.stats.kurtosis(sizes))


def test_short_texts_have_a_bin_for_each_length_and_long_ones_share():
    sizes = state_of("sizes", ["", "a", "é", "b" * 63, "c" * 90, "d" * 95], pl.String())

    # The bins from 64 characters on are 8 wide: [64, 72), [72, 80), [80, 88), [88, 96) is number 67.
    counts = {bin_: count for bin_, count in enumerate(sizes.counts.tolist()) if count}
    assert counts == {0: 1, 1: 2, 63: 1, 67: 2}
    assert (sizes.edges[67], sizes.edges[68], sizes.below, sizes.above) == (88, 96, 0, 0)


def test_the_edges_of_lengths_are_whole_and_rise_to_the_longest():
    assert np.all(np.diff(SIZE_EDGES) >= 1)
    assert np.array_equal(SIZE_EDGES, np.floor(SIZE_EDGES))
    assert (SIZE_EDGES[0], SIZE_EDGES[64], SIZE_EDGES[-1]) == (0, 64, 2**24)
    assert np.all(np.diff(SIZE_EDGES[64:]) / SIZE_EDGES[64:-1] <= 1 / 8)


def test_the_longest_length_closes_the_last_bin():
    histogram = Histogram.of_counted(np.array([2**24, 2**24 + 1]), np.array([3, 2]), edges=SIZE_EDGES)

    assert (histogram.counts[-1], histogram.above, histogram.n) == (3, 2, 5)


@settings(max_examples=50)
@given(values=st.lists(st.integers(-3, 12) | st.floats(-3, 12), max_size=30))
def test_counting_values_first_gives_the_same_histogram(values: list[float]):
    edges = np.array([0.0, 1.0, 2.5, 9.0])
    ordered = np.sort(np.array(values, dtype=float))

    counted = Histogram.of_counted(*np.unique(ordered, return_counts=True), edges=edges)

    assert_same(counted, Histogram.of(ordered, edges), scale=1.0)


@settings(max_examples=50)
@given(words=st.lists(st.none() | WORDS, max_size=30), dtype=st.sampled_from([pl.String(), pl.Categorical()]))
def test_lengths_are_the_same_whether_words_were_counted_before_or_not(words: list[str | None], dtype: pl.DataType):
    frame = pl.DataFrame({"a": pl.Series(words, dtype=dtype)})
    distinct, *needs = (Need(state, ("a",)) for state in ("distinct", "lengths", "sizes"))

    alone, after = (
        Measurement(frame.schema, tuple(told)).measure(Batch(frame, 0)).states for told in (needs, [distinct, *needs])
    )

    for need in needs:
        assert_same(alone[need], after[need], scale=1.0)


def test_words_are_runs_of_letters_and_digits_in_lower_case():
    tokens = state_of("tokens", ["The cat, THE dog_7!", "", None, "  ", "naïve-Ünicode हिन्दी"], pl.String())

    assert tokens.counts == {"the": 2, "cat": 1, "dog": 1, "7": 1, "naïve": 1, "ünicode": 1, "हिन्दी": 1}
    assert (tokens.n, tokens.error) == (8, 0)


def test_of_a_long_text_and_of_a_long_word_only_the_start_is_looked_at():
    tokens = state_of("tokens", ["x" * 40, "y " * 512 + "z"], pl.String())

    assert tokens.counts == {"x" * 32: 1, "y": 512}


def test_words_come_from_an_evenly_spaced_sample():
    tokens = state_of("tokens", [f"{'early' if i < 5000 else 'late'}" for i in range(10_000)], pl.String())

    assert 256 <= tokens.n < 512
    assert abs(tokens.counts["early"] - tokens.counts["late"]) <= 1


SHIFTING = ("America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "UTC")


@pytest.mark.parametrize("zone", SHIFTING)
@settings(max_examples=30)
@given(data=st.data())
def test_a_calendar_counts_what_the_clocks_of_its_zone_show(zone: str, data: st.DataObject):
    # A few days, often with a change of clocks among them, or years: the two ways in which offsets are looked up.
    start = data.draw(st.datetimes(datetime(1980, 1, 1), datetime(2020, 1, 1)))
    spread = data.draw(st.sampled_from([timedelta(days=3), timedelta(days=4000)]))
    steps = data.draw(st.lists(st.floats(0, 1), min_size=1, max_size=40))
    instants = [(start + step * spread).replace(tzinfo=UTC).astimezone(ZoneInfo(zone)) for step in steps]

    calendar = state_of("calendar", instants, pl.Datetime("us", zone))

    assert calendar.hours == tuple(sum(t.hour == hour for t in instants) for hour in range(24))
    assert calendar.weekdays == tuple(sum(t.weekday() == day for t in instants) for day in range(7))


def test_the_night_of_a_change_of_clocks_is_read_hour_by_hour():
    # On 31 March 2024 at 01:00 UTC Berlin went from 02:00 to 03:00; 400 rows, one each 3 minutes from midnight UTC.
    instants = [datetime(2024, 3, 31, tzinfo=UTC) + timedelta(minutes=3 * i) for i in range(400)]

    calendar = state_of("calendar", instants, pl.Datetime("us", "Europe/Berlin"))

    assert calendar.hours[:6] == (0, 20, 0, 20, 20, 20)
    assert (sum(calendar.hours), calendar.weekdays) == (400, (0, 0, 0, 0, 0, 0, 400))


def test_dates_have_weekdays_and_no_hours():
    calendar = state_of("calendar", [date(2026, 11, 22), date(2026, 11, 23), None], pl.Date())

    assert calendar == Calendar((), (1, 0, 0, 0, 0, 0, 1))  # a Sunday and a Monday


CYCLE = 146_097  # days in 400 years, after which the calendar repeats, and whole weeks
FAR = (-(2**31), -1_000_000, 10_000_000, 2**31 - 1)


@pytest.mark.parametrize("day", FAR)
def test_weekdays_beyond_pythons_calendar_are_those_of_the_same_day_in_another_cycle(day: int):
    near = date(1970, 1, 1) + timedelta(days=day % CYCLE)
    frame = pl.DataFrame({"a": pl.Series([day], dtype=pl.Int32).cast(pl.Date)})
    need = Need("calendar", ("a",))

    state = Measurement(frame.schema, (need,)).measure(Batch(frame, 0)).states[need]

    assert state.weekdays.index(1) == near.weekday()


@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_the_last_instants_that_a_column_can_hold_are_counted(unit: Any, zone: str | None):
    ends = [-(2**63), 2**63 - 1]
    frame = pl.DataFrame({"a": pl.Series(ends).cast(pl.Datetime(unit, zone))})
    need = Need("calendar", ("a",))

    state = Measurement(frame.schema, (need,)).measure(Batch(frame, 0)).states[need]

    assert (sum(state.hours), sum(state.weekdays)) == (2, 2)


def test_an_instant_in_the_year_12000_is_read_as_in_the_year_9600():
    # 12,000 = 9,600 + 6 cycles of 400 years; New York is five hours behind UTC in January.
    far = Fraction((datetime(9600, 1, 1, 12) - datetime(1970, 1, 1)).days + 6 * CYCLE)
    frame = pl.DataFrame({"a": pl.Series([int(far * 86_400 + 12 * 3600) * 10**6]).cast(ZONED)})
    need = Need("calendar", ("a",))

    state = Measurement(frame.schema, (need,)).measure(Batch(frame, 0)).states[need]

    assert state.hours.index(1) == 7
    assert state.weekdays.index(1) == date(9600, 1, 1).weekday()


# Values as numbers, and back -------------------------------------------------------------------------------------------

BACK = (
    (pl.Int64(), st.integers(-(2**63), 2**63 - 1)),
    (pl.Decimal(38, 3), _decimals(3)),
    (pl.Date(), st.dates()),
    (pl.Datetime("us"), INSTANTS),
    (ZONED, ZONED_INSTANTS),
    (pl.Duration("ms"), SPANS),
    (pl.Time(), st.times()),
)


@pytest.mark.parametrize(("dtype", "values"), BACK, ids=lambda part: str(part)[:24])
@settings(max_examples=50)
@given(data=st.data())
def test_a_value_is_a_number_and_back(dtype: pl.DataType, values: st.SearchStrategy[Any], data: st.DataObject):
    value = data.draw(values)

    number = number_of(value, dtype)

    assert value_of(number, dtype) == value
    stored = pl.Series([value], dtype=dtype).to_physical().item()
    assert number * 10 ** (3 if dtype.is_decimal() else 0) == stored
