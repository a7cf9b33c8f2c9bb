"""Streams and control charts judged: where they alarmed, what they promise, and what they do not guess."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from assay.api import Options, control_chart, detect
from assay.checks.control import ControlChart
from assay.checks.traces import MOST, Curve, trace_of_points
from assay.checks.watching import detectors_of, fewest, promise
from assay.data.dataset import Roles
from assay.data.polars_engine import BATCH_ROWS
from assay.data.sources import dataset
from assay.errors import ConfigError, DataError, UsageError
from assay.stats.detectors.table import DETECTORS, make
from assay.verdict import Outcome, Verdict

CALM, WORSE = [0, 0, 0, 0, 1], [0, 1]  # errors at 20 % and at 50 %
STREAM = pl.DataFrame({"error": CALM * 200 + WORSE * 200})  # it changes at row 1,000
OPTIONS = Options(now=datetime(2026, 1, 31, tzinfo=UTC))
PARAMETERS = {  # what each detector has to be told
    "esr": {"baseline": 0.2}, "cusum": {"baseline": 0.2}, "ewma": {"baseline": 0.2}, "shewhart": {"baseline": 0.2, "spread": 0.4},
}  # fmt: skip


def found(data: object, **told) -> Outcome:
    (outcome,) = detect(data, column="error", options=OPTIONS, **told).outcomes
    return outcome


# Detectors -----------------------------------------------------------------------------------------------------------


def test_a_stream_that_changes_fails_where_the_detector_itself_fires():
    outcome = found(STREAM, baseline=0.2)
    alarms = make("esr", baseline=0.2).feed(STREAM["error"].to_numpy())

    assert outcome.verdict is Verdict.FAIL
    assert outcome.observed.value == len(alarms.drifts)
    assert [example.row for example in outcome.examples] == alarms.drifts[:5].tolist()
    assert f"first at row {alarms.first:,}" in outcome.why
    assert 1_000 < alarms.first < 1_200


def test_a_stream_that_keeps_to_its_baseline_passes_and_states_its_promise():
    outcome = found(STREAM.head(1_000), baseline=0.2)

    assert outcome.verdict is Verdict.PASS
    assert "the average run length is at least 100,000 values while the error rate is at most 0.2" in outcome.why


def test_alarms_that_may_be_false_are_counted_where_the_stream_is_longer_than_the_run_length():
    outcome = found(STREAM, baseline=0.2, average_run_length=700)

    assert outcome.verdict is Verdict.FAIL
    assert "so that 2 of them may be false" in outcome.why  # 1,400 values
    assert "may be false" not in found(STREAM, baseline=0.2).why


def test_a_stream_that_ends_in_the_warning_zone_warns():
    detector = make("esr", baseline=0.2, warning_share=0.0001)
    zones = [detector.update(x).value for x in STREAM["error"]]
    warned = zones.index("warning", 1_000) + 1  # so many values end in the zone
    assert "drift" not in zones[:warned]

    assert found(STREAM.head(warned), baseline=0.2, warning_share=0.0001).verdict is Verdict.WARN


def test_a_stream_too_short_to_alarm_is_inconclusive():
    least = fewest(make("esr", baseline=0.2))
    short = found(pl.DataFrame({"error": [1] * (least - 1)}), baseline=0.2)

    assert short.verdict is Verdict.INCONCLUSIVE
    assert f"before {least} it cannot signal drift" in short.why
    assert found(pl.DataFrame({"error": [1] * least}), baseline=0.2).verdict is Verdict.FAIL


@pytest.mark.parametrize("values", [[], [None, None]])
def test_a_stream_without_a_value_is_inconclusive(values):
    outcome = found(pl.DataFrame({"error": pl.Series(values, dtype=pl.Int8)}), baseline=0.2)

    assert (outcome.verdict, outcome.observed, outcome.trace) == (Verdict.INCONCLUSIVE, None, None)


def test_missing_values_are_left_out_and_rows_keep_their_numbers():
    holes = pl.DataFrame({"error": [x for e in STREAM["error"] for x in (None, e)]})  # value i is in row 2i + 1

    findings = detect(holes, column="error", baseline=0.2, options=OPTIONS)

    whole = found(STREAM, baseline=0.2)
    assert [e.row for e in findings.outcomes[0].examples] == [2 * e.row + 1 for e in whole.examples]
    assert findings.outcomes[0].trace.values == whole.trace.values
    (mark,) = findings.provenance.datasets
    assert mark.notes == ("1,400 of 2,800 values of 'error' are missing and were left out",)


def test_a_nan_is_a_missing_value():
    outcome = found(pl.DataFrame({"error": [0.0, float("nan"), 1.0] * 300}), baseline=0.4)

    assert outcome.n_rows == 600


def test_a_change_in_a_later_batch_has_the_number_of_its_row():
    long = pl.DataFrame({"error": np.r_[np.tile(CALM, BATCH_ROWS // 5 + 1_000), np.tile(WORSE, 500)]})

    outcome = found(long, baseline=0.25)

    assert BATCH_ROWS + 5_000 < outcome.examples[0].row < BATCH_ROWS + 5_500
    assert len(outcome.trace.values) <= MOST


def test_a_stream_that_looks_like_one_of_successes_is_pointed_out():
    successes = STREAM.select(error=1 - pl.col("error"))

    (mark,) = detect(successes, column="error", baseline=0.8).provenance.datasets

    assert mark.notes == (
        "71% of the values of 'error' are 1, which is an error; a stream of successes has to be turned over",
    )


def test_a_frame_of_pandas_is_a_stream_too():
    pytest.importorskip("pandas")

    assert found(STREAM.to_pandas(), baseline=0.2).why == found(STREAM, baseline=0.2).why


def test_a_time_says_when():
    times = [datetime(2026, 1, 1) + timedelta(minutes=i) for i in range(STREAM.height)]
    timed = STREAM.with_columns(at=pl.Series(times))

    outcome = found(dataset(timed, roles=Roles(time="at")), baseline=0.2)

    row = outcome.examples[0].row
    when = datetime(2026, 1, 1) + timedelta(minutes=row)
    assert f"row {row:,} ({when.isoformat()})" in outcome.why
    assert outcome.examples[0].values == {"error": 1, "at": when}
    assert outcome.trace.start == "row 0 (2026-01-01T00:00:00)"


def test_rows_that_step_back_in_time_are_counted():
    data = pl.DataFrame({"error": [0, 0, 0, 1, 0, 0], "at": [1, 2, 1, None, 3, 2]})

    findings = detect(dataset(data, roles=Roles(time="at")), column="error", detector="adwin")

    assert "'at' steps back 2 times; the rows were taken in their own order" in findings.provenance.datasets[0].notes


def test_several_detectors_each_have_an_outcome_and_those_with_a_baseline_are_told_it():
    outcomes = detect(STREAM, column="error", detector=["esr", "ddm", "adwin"], baseline=0.2).outcomes

    assert [outcome.id for outcome in outcomes] == [f"stream_change.error.{name}" for name in ("esr", "ddm", "adwin")]


def test_a_detector_that_refuses_a_value_is_an_error_and_leaves_the_others_alone():
    halves = pl.DataFrame({"error": [0.0, 1.0, None, 0.5] * 100})

    esr, ddm = detect(halves, column="error", detector=["esr", "ddm"], baseline=0.5).outcomes

    assert esr.verdict is Verdict.PASS
    assert ddm.verdict is Verdict.ERROR
    assert "row 3: value 2 of the stream is 0.5" in ddm.why  # the third value, in the fourth row


def test_a_baseline_is_learned_from_a_reference():
    findings = detect(STREAM, column="error", reference=pl.DataFrame({"error": CALM * 400}), options=OPTIONS)

    learned = findings.outcomes[0]
    assert learned.trace.centre == 0.2
    assert learned.expected.startswith("no rise above 0.2 ± ")
    assert [mark.part for mark in findings.provenance.datasets] == ["current", "reference"]


def test_booleans_and_decimals_are_numbers():
    flags = found(STREAM.select(pl.col("error").cast(pl.Boolean)), baseline=0.2)
    exact = found(STREAM.select(pl.col("error").cast(pl.Decimal(4, 1))), baseline=0.2)

    assert flags.why == exact.why == found(STREAM, baseline=0.2).why


@pytest.mark.parametrize("name", DETECTORS)
def test_every_detector_says_when_it_can_alarm_at_the_earliest_and_what_it_promises(name):
    (detector,) = detectors_of([name], PARAMETERS.get(name, {}))

    worst = np.ones(1_000)
    worst[: len(worst) // 2] = 0.0
    first = detector.feed(worst[: fewest(detector) - 1]).first
    assert first is None
    assert len(promise(detector, bits=True)) > 10


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "the detector 'esr' has no baseline"),
        ({"detector": "ers", "baseline": 0.2}, "did you mean 'esr'"),
        ({"detector": []  , "baseline": 2.0}, "baseline is 2.0"),
        ({"baseline": 0.2, "average_run_lenght": 9}, "did you mean 'average_run_length'"),
        ({"baseline": "low"}, "the parameter baseline of 'esr' is 'low'"),
        ({"detector": "adwin", "baseline": 0.2}, "adwin has no parameter 'baseline'"),
        ({"detector": "adwin", "reference": STREAM}, "adwin learns from the stream itself"),
        ({"baseline": 0.2, "reference": STREAM}, "a baseline is given, and a reference"),
        ({"reference": STREAM.rename({"error": "err"})}, "has no column 'error'; did you mean 'err'"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_an_error_of_usage(told, words):
    with pytest.raises(UsageError, match=words.replace("(", r"\(")):
        detect(STREAM, column="error", **told)


def test_a_column_of_text_is_no_stream():
    with pytest.raises(UsageError, match="holds text values; a stream is of numbers"):
        detect(pl.DataFrame({"error": ["a"]}), column="error", baseline=0.2)


def test_a_reference_outside_of_the_range_names_the_way_out():
    with pytest.raises(DataError, match="by the parameters low and high"):
        detect(STREAM, column="error", reference=pl.DataFrame({"error": [1.0, 7.0]}))


# Saved streams -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("detector", ["esr", "cusum", "adwin"])
def test_two_halves_of_a_stream_find_what_the_whole_finds(tmp_path: Path, detector: str):
    told = {"detector": detector, **PARAMETERS.get(detector, {})}
    half = 1_037
    whole = [example.row for example in found(STREAM, **told).examples]

    first = found(STREAM.head(half), state=tmp_path / "s.json", **told)
    second = found(STREAM.slice(half), state=tmp_path / "s.json", **told)

    halves = [e.row for e in first.examples] + [e.row + half for e in second.examples]
    assert halves[:5] == whole
    assert whole


def test_a_saved_stream_needs_not_be_told_again(tmp_path: Path):
    found(STREAM.head(1_000), state=tmp_path / "s.json", baseline=0.2)

    assert found(STREAM.slice(1_000), state=tmp_path / "s.json").trace.centre == 0.2


def test_a_saved_stream_may_be_told_the_same_reference_again(tmp_path: Path):
    reference = pl.DataFrame({"error": CALM * 400})
    found(STREAM.head(1_000), state=tmp_path / "s.json", reference=reference)

    again = found(STREAM.slice(1_000), state=tmp_path / "s.json", reference=reference)

    assert again.verdict is Verdict.FAIL
    with pytest.raises(UsageError, match="something else than what the stream began with"):
        found(STREAM, state=tmp_path / "s.json", reference=pl.DataFrame({"error": WORSE * 400}))


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"baseline": 0.3}, "baseline is 0.3, and the stream of esr began with 0.2"),
        ({"detector": "adwin"}, "the state is that of esr, not of adwin"),
        ({"delta": 0.1}, "esr has no parameter 'delta'"),
    ],
)
def test_a_saved_stream_does_not_change_what_it_was_told(tmp_path: Path, told, words):
    found(STREAM.head(100), state=tmp_path / "s.json", baseline=0.2)

    with pytest.raises(UsageError, match=words):
        found(STREAM, state=tmp_path / "s.json", **told)


def test_a_state_is_that_of_one_column(tmp_path: Path):
    found(STREAM.head(100), state=tmp_path / "s.json", baseline=0.2)

    with pytest.raises(UsageError, match="the state is that of the column 'error', not of 'e'"):
        detect(STREAM.rename({"error": "e"}), column="e", state=tmp_path / "s.json")


def test_a_refused_value_leaves_the_state_as_it_was(tmp_path: Path):
    found(STREAM.head(100), state=tmp_path / "s.json", baseline=0.2)
    before = (tmp_path / "s.json").read_bytes()

    found(pl.DataFrame({"error": [7.0]}), state=tmp_path / "s.json")

    assert (tmp_path / "s.json").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "this is not JSON"), ("[]", "no saved state of a stream"), ('{"kind": "assay.stream", "format": 9}', "format is 9; this")],
)  # fmt: skip
def test_a_file_that_is_no_state_is_refused(tmp_path: Path, text: str, words: str):
    (tmp_path / "s.json").write_text(text)

    with pytest.raises(ConfigError, match=words):
        found(STREAM, state=tmp_path / "s.json", baseline=0.2)


def test_a_state_with_a_broken_memory_is_refused(tmp_path: Path):
    found(STREAM.head(100), state=tmp_path / "s.json", baseline=0.2)
    saved = json.loads((tmp_path / "s.json").read_text())
    saved["detectors"][0]["memory"] = {"sums": [1.0]}
    (tmp_path / "s.json").write_text(json.dumps(saved))

    with pytest.raises(DataError, match="does not fit"):
        found(STREAM, state=tmp_path / "s.json")


# Control charts ------------------------------------------------------------------------------------------------------

BEFORE = pl.DataFrame({"x": [9.0, 10.0, 11.0, 10.0, 9.0, 11.0] * 10})


def charted(data: pl.DataFrame, chart: ControlChart | None = None, **told) -> Outcome:
    (outcome,) = control_chart(data, column="x", chart=chart, options=OPTIONS, **told).outcomes
    return outcome


def test_a_point_beyond_its_limit_is_out_of_control():
    outcome = charted(pl.DataFrame({"x": [10.0, 9.5, 14.0, 10.5]}), reference=BEFORE)

    assert (outcome.verdict, outcome.n_rows, outcome.n_failing) == (Verdict.FAIL, 4, 1)
    assert [(e.row, e.values) for e in outcome.examples] == [(2, {"x": 14.0})]
    assert outcome.trace.values == (10.0, 9.5, 14.0, 10.5)
    assert outcome.trace.marks == (2,)
    assert "14 is" in outcome.why
    assert "one point beyond 3 deviations" in outcome.why


def test_points_within_their_limits_are_in_control():
    outcome = charted(pl.DataFrame({"x": [10.0, 9.5, 10.5]}), reference=BEFORE)

    assert outcome.verdict is Verdict.PASS
    assert "once in about 370 points" in outcome.why


def test_limits_may_be_learned_from_the_first_points_which_are_then_not_judged():
    data = pl.concat([BEFORE, pl.DataFrame({"x": [10.0, 40.0]})])

    outcome = charted(data, ControlChart(learn=BEFORE.height))

    assert (outcome.n_rows, outcome.n_failing) == (2, 1)
    assert outcome.examples[0].row == BEFORE.height + 1


def test_points_of_a_chart_of_means_are_so_many_rows_each():
    before = pl.DataFrame({"x": [8.0, 12.0, 9.0, 13.0, 7.0, 11.0, 8.0, 12.0]})  # means 10, 11, 9, 10
    now = pl.DataFrame({"x": [9.0, 11.0, None, 30.0, 10.0]})  # means 10, 30 of one value, 10 of one

    outcome = charted(now, ControlChart("means", size=2), reference=before)

    assert outcome.trace.values == (10.0, 30.0, 10.0)
    assert [e.row for e in outcome.examples] == [3]
    assert len(outcome.trace.high) == 3  # a point of one row has wider limits than one of two
    assert outcome.trace.high[1] > outcome.trace.high[0]


def test_points_of_a_chart_of_shares_are_the_rows_with_the_same_value():
    before = pl.DataFrame({"x": [0, 0, 0, 0, 1] * 100, "day": [f"day {i // 50}" for i in range(500)]})
    now = before.with_columns(x=pl.when(pl.col("day") == "day 3").then(1).otherwise(pl.col("x")))

    outcome = charted(now, ControlChart("shares", by="day"), reference=before)

    assert outcome.trace.values == (0.2, 0.2, 0.2, 1.0, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2)
    assert outcome.examples[0].values == {"x": 1.0, "day": "day 3"}


def test_the_rules_are_those_that_are_named():
    above = pl.DataFrame({"x": [10.2] * 9})  # nine on one side of the centre, all near it

    assert charted(above, reference=BEFORE).verdict is Verdict.PASS
    assert charted(above, ControlChart(rules="nelson"), reference=BEFORE).verdict is Verdict.FAIL


def test_a_reference_of_one_point_leaves_the_chart_inconclusive():
    outcome = charted(pl.DataFrame({"x": [1.0]}), reference=pl.DataFrame({"x": [1.0]}))

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert "at least 2 points" in outcome.why


def test_no_point_is_inconclusive():
    assert (
        charted(pl.DataFrame({"x": [None]}, schema={"x": pl.Float64}), reference=BEFORE).verdict is Verdict.INCONCLUSIVE
    )


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"kind": "median"}, "there is no control chart 'median'"),
        ({"rules": "nelsen"}, "did you mean|there is no set of rules 'nelsen'"),
        ({"size": 3}, "each value is a point"),
        ({"kind": "means"}, "made of several rows"),
        ({"kind": "means", "size": 2, "by": "day"}, "made of several rows"),
        ({"kind": "means", "size": 0}, "size is 0"),
        ({"learn": 1}, "learn is 1"),
    ],
)
def test_a_chart_that_cannot_be_is_refused(told, words):
    with pytest.raises(UsageError, match=words):
        ControlChart(**told)


def test_limits_come_from_one_place():
    with pytest.raises(UsageError, match="neither is"):
        charted(BEFORE)
    with pytest.raises(UsageError, match="both are told"):
        charted(BEFORE, ControlChart(learn=5), reference=BEFORE)


def test_a_chart_of_shares_is_of_bits():
    with pytest.raises(DataError, match="holds 9; a chart of shares is of bits"):
        charted(BEFORE, ControlChart("shares", size=5), reference=BEFORE)


# Traces --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 299, 300, 301, 1_000, 12_345])
@pytest.mark.parametrize("pieces", [1, 7])
def test_a_curve_keeps_the_sum_of_its_stream_whatever_its_pieces(n: int, pieces: int):
    values = np.arange(n, dtype=np.float64)
    curve = Curve()
    for part in np.array_split(values, pieces):
        curve.add(part, np.zeros(0, dtype=np.int64))

    trace = curve.trace()

    sizes = [min(curve.every, n - i * curve.every) for i in range(len(trace.values))]
    assert len(trace.values) <= MOST
    assert sum(sizes) == n
    assert np.dot(sizes, trace.values) == pytest.approx(values.sum(), rel=1e-4)


def test_a_curve_marks_the_place_of_an_alarm():
    curve = Curve()
    curve.add(np.zeros(1_000), np.array([999]))

    assert curve.trace().marks == (999 // curve.every,)


def test_many_points_are_shown_by_the_one_out_of_control_among_neighbours():
    values = np.zeros(900)
    values[:] = np.arange(900) % 3  # the farthest of three is 2
    values[451] = 1.5
    out = np.zeros(900, dtype=bool)
    out[451] = True

    trace = trace_of_points(values, np.full(900, -9.0), np.full(900, 9.0), out=out, centre=0.0, ends=("", ""))

    assert (len(trace.values), trace.every, trace.marks) == (300, 3, (150,))
    assert trace.values[149:152] == (2.0, 1.5, 2.0)
    assert (trace.low, trace.high) == ((-9.0,), (9.0,))
