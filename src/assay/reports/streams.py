"""Findings about streams as a page: the verdict, and each stream or control chart in a picture with its alarms."""

from __future__ import annotations

from statistics import mode

from assay.reports import words
from assay.reports.origin import context, notes, provenance
from assay.reports.page import Banner, Block, Card, KeyValues, Page, Series, Text
from assay.reports.sentences import sentence
from assay.reports.signs import WORST_FIRST, tally
from assay.reports.subjects import examples_of, with_names
from assay.verdict import Findings, Outcome, Trace, Verdict

__all__ = ["is_streams", "series_of", "streams_page"]

STREAM, CHART = "stream_change", "control_chart"
LOUD = (Verdict.FAIL, Verdict.WARN)


def is_streams(findings: Findings) -> bool:
    """Return whether findings judge nothing but streams."""
    return bool(findings.outcomes) and all(outcome.check in (STREAM, CHART) for outcome in findings.outcomes)


def streams_page(findings: Findings) -> Page:
    """Return findings about streams as a page, the worst first."""
    outcomes = sorted(findings.outcomes, key=lambda outcome: WORST_FIRST.index(outcome.verdict))
    blocks: list[Block] = [
        Banner(findings.verdict, _summary(outcomes), tally(findings), what="Judgements"),
        *notes(findings),
    ]
    blocks += [_card(outcome) for outcome in outcomes]
    blocks.append(provenance(findings))
    title = words.clean(findings.subject, most=300)
    return Page(title, tuple(blocks), kind="streams", context=context(findings), verdict=findings.verdict)


def series_of(outcome: Outcome) -> list[Block]:
    """Return an outcome's stream or chart as a picture, where it has one."""
    trace = outcome.trace
    if trace is None or not any(value is not None for value in trace.values):
        return []
    charted = outcome.check == CHART
    what = "Points" if charted else "Values"
    return [
        Series(
            f"{what} of {words.name(outcome.subject)}", trace.values, trace.marks, trace.centre, trace.low, trace.high,
            start=words.clean(trace.start), end=words.clean(trace.end), limits=_limits(trace), centred="centre" if charted else "baseline",
            marked="out of control" if charted else "alarm", note=_note(trace, charted=charted),
        )
    ]  # fmt: skip


def _limits(trace: Trace) -> str:
    """Return the limits in words; where each point has its own, the most frequent ones."""
    if not trace.low or not trace.high:
        return ""
    own = ", by the size of each point" if max(len(set(trace.low)), len(set(trace.high))) > 1 else ""
    return f"{words.number(mode(trace.low))} to {words.number(mode(trace.high))}{own}"


def _note(trace: Trace, *, charted: bool) -> str:
    if trace.every == 1:
        return ""
    if charted:
        return f"Each place stands for {trace.every:,} points: for the one farthest from the centre."
    return f"Each place is the mean of {trace.every:,} values."


def _summary(outcomes: list[Outcome]) -> str:
    loud = [outcome for outcome in outcomes if outcome.verdict in LOUD]
    doubtful = sum(outcome.verdict in (Verdict.ERROR, Verdict.INCONCLUSIVE) for outcome in outcomes)
    if len(outcomes) == 1:
        return _one(outcomes[0])
    parts = (
        [f"{len(loud):,} of {len(outcomes):,} see a change: {words.listed([_judge(o) for o in loud])}."] if loud else []
    )
    parts += [f"{doubtful:,} of {len(outcomes):,} could not judge."] if doubtful else []
    return " ".join(parts) or f"None of {len(outcomes):,} sees a change."


def _one(outcome: Outcome) -> str:
    name = words.name(outcome.subject)
    if outcome.verdict in (Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.SKIP) or outcome.observed is None:
        return f"{name} could not be judged."
    n = outcome.observed.value
    if outcome.check == CHART:
        return f"{name} is {'out of' if outcome.verdict in LOUD else 'in'} control."
    if outcome.verdict is Verdict.WARN:
        return f"{name} may be changing: {_judge(outcome)} is in its warning zone."
    if outcome.verdict is Verdict.PASS:
        return f"{name} has not changed, as far as {_judge(outcome)} can tell."
    return f"{name} has changed: {_judge(outcome)} signals it {'once' if n == 1 else f'{words.number(n)} times'}."


def _judge(outcome: Outcome) -> str:
    """Return the name of the detector, or of the chart, that judged."""
    return words.clean(outcome.id.rpartition(".")[2] or outcome.check)


def _card(outcome: Outcome) -> Card:
    blocks: list[Block] = [*series_of(outcome)]
    if outcome.expected:
        blocks.append(KeyValues((("expected", words.clean(outcome.expected)),), inline=True))
    if outcome.examples:
        alarms = outcome.n_failing if outcome.check == CHART else outcome.observed.value if outcome.observed else None
        of = f" of {words.number(alarms)}" if isinstance(alarms, int) and alarms > len(outcome.examples) else ""
        blocks.append(
            Text(
                f"The first {len(outcome.examples)}{of} {'points out of control' if outcome.check == CHART else 'alarms'}:",
                quiet=True,
            )
        )
        blocks.append(examples_of(outcome))
    note = f"{'control chart' if outcome.check == CHART else 'detector'} {_judge(outcome)}"
    return Card(with_names(sentence(outcome), outcome.subject), tuple(blocks), outcome.verdict, note=note)
