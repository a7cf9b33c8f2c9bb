"""From findings to a page: the verdict first, the worst next, the passes folded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from assay.reports import evidence, words
from assay.reports.accepted import range_of
from assay.reports.challenge import challenge_page, is_challenge
from assay.reports.contracts import contracts_page, is_contracts
from assay.reports.drift import drift_page, is_drift
from assay.reports.estimation import estimation_page, is_estimation
from assay.reports.evaluation import evaluation_page, is_evaluation
from assay.reports.faults import faults_page, is_faults
from assay.reports.origin import context, notes, provenance
from assay.reports.page import (
    Banner,
    Bar,
    Bars,
    Block,
    Card,
    Cell,
    Code,
    Column,
    Details,
    Heading,
    KeyValues,
    Page,
    RangeBar,
    Share,
    Table,
    Text,
)
from assay.reports.score import is_score, score_page
from assay.reports.sentences import estimate_text, failing_share, rows_text, sentence
from assay.reports.signs import summary, tally
from assay.reports.sliced import is_sliced, sliced_page
from assay.reports.streams import is_streams, series_of, streams_page
from assay.reports.subjects import examples_of, with_names
from assay.verdict import Findings, Outcome, Verdict

__all__ = ["findings_page"]

CARDS = 100
BARS = 10
BAR_CHARS = 60
FAILING = "share of rows failing"  # the unit of an estimate that only repeats the counts of rows
QUIET = (Verdict.PASS, Verdict.SKIP)


def findings_page(findings: Findings) -> Page:
    """Return findings as a page; its size grows in line with the outcomes, and its open part stays readable.

    Findings of drift, streams, estimates, code, faults, a slice, a score, one model or several have a page of their own.

    >>> from assay.verdict import Provenance
    >>> page = findings_page(Findings("flights", (), Provenance("0.1.0", "2026-11-22T13:00:00Z")))
    >>> page.blocks[0].sentence
    'No check was run, so nothing was judged.'
    """
    if is_streams(findings):
        return streams_page(findings)
    if is_estimation(findings):
        return estimation_page(findings)
    if is_drift(findings):
        return drift_page(findings)
    if is_contracts(findings):
        return contracts_page(findings)
    if is_score(findings):
        return score_page(findings)
    if is_faults(findings):
        return faults_page(findings)
    if is_sliced(findings):
        return sliced_page(findings)
    if is_challenge(findings):
        return challenge_page(findings)
    if is_evaluation(findings):
        return evaluation_page(findings)
    counts = tally(findings)
    loud = [outcome for group in _groups(findings.outcomes) for outcome in group]
    passed = [outcome for outcome in findings.outcomes if outcome.verdict is Verdict.PASS]
    skipped = [outcome for outcome in findings.outcomes if outcome.verdict is Verdict.SKIP]
    blocks: list[Block] = [Banner(findings.verdict, summary(counts), counts)]
    blocks += notes(findings)
    blocks += _overview(loud)
    blocks += _attention(loud)
    blocks += _folded("passed", passed, opened=not loud)
    blocks += _folded("skipped", skipped, opened=False)
    blocks.append(provenance(findings))
    return Page(
        words.clean(findings.subject, most=300), tuple(blocks), context=context(findings), verdict=findings.verdict
    )


def _groups(outcomes: Iterable[Outcome]) -> list[list[Outcome]]:
    """Return the outcomes that need attention, by subject, worst subject and worst outcome first."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.verdict not in QUIET:
            groups.setdefault(outcome.subject, []).append(outcome)
    for group in groups.values():
        group.sort(key=_weight)
    return sorted(groups.values(), key=lambda group: (*_weight(group[0]), -len(group)))


def _weight(outcome: Outcome) -> tuple[int, float]:
    return -outcome.verdict.rank, -failing_share(outcome)


def _overview(loud: Sequence[Outcome]) -> list[Block]:
    hurt = sorted(
        (outcome for outcome in loud if outcome.n_failing and outcome.n_rows), key=failing_share, reverse=True
    )
    if len(hurt) < 3:
        return []
    bars = tuple(
        Bar(
            (Code(words.cut(words.name(outcome.subject), BAR_CHARS)), f" {words.clean(outcome.check)}"),
            failing_share(outcome),
            rows_text(outcome),
            outcome.verdict,
        )
        for outcome in hurt[:BARS]
    )
    note = f"and {len(hurt) - BARS:,} more checks with failing rows" if len(hurt) > BARS else ""
    return [Bars("Rows that break a check, as a share of the rows judged", bars, note)]


def _attention(loud: Sequence[Outcome]) -> list[Block]:
    if not loud:
        return []
    blocks: list[Block] = [Heading("Needs attention", note=words.plural(len(loud), "check"))]
    subject = None
    for outcome in loud[:CARDS]:
        if outcome.subject != subject:
            subject = outcome.subject
            blocks.append(Heading((Code(words.name(subject)),), level=3))
        blocks.append(_card(outcome))
    rest = loud[CARDS:]
    if rest:
        columns = (Column("Verdict"), Column("Subject"), Column("Check"), Column("What was seen"))
        rows = tuple((o.verdict, Code(words.name(o.subject)), _checked(o), sentence(o)) for o in rest)
        brief = words.listed(list(dict.fromkeys(words.name(outcome.subject) for outcome in rest)), most=8)
        blocks.append(Details(f"{len(rest):,} more checks that need attention", (Table(columns, rows),), brief=brief))
    return blocks


def _card(outcome: Outcome) -> Card:
    said = sentence(outcome)
    blocks: list[Block] = []
    if outcome.evidence is not None:
        return Card(with_names(said, outcome.subject), evidence.told(outcome), outcome.verdict, note=_checked(outcome))
    picture = _range_bar(outcome)
    facts = tuple(_facts(outcome, said, drawn=picture is not None))
    if facts:
        blocks.append(KeyValues(facts, inline=True))
    if outcome.note:
        blocks.append(Text(words.clean(f"Why it is checked: {outcome.note}."), quiet=True))
    if picture is not None:
        blocks.append(picture)
    blocks += series_of(outcome)
    if outcome.examples:
        blocks.append(examples_of(outcome))
    return Card(
        with_names(said, outcome.subject),
        tuple(blocks),
        outcome.verdict,
        note=words.clean(outcome.check) if outcome.where and outcome.where in said else _checked(outcome),
    )


def _range_bar(outcome: Outcome) -> RangeBar | None:
    return None if outcome.observed is not None and outcome.observed.unit == FAILING else range_of(outcome)


def _facts(outcome: Outcome, said: str, *, drawn: bool) -> Iterable[tuple[str, Cell]]:
    """Yield what the sentence leaves out, so that nothing is said twice; nor is it drawn twice."""
    expected = words.clean(outcome.expected)
    if expected and expected not in said:
        yield "expected", expected
    if outcome.observed is not None:
        seen = estimate_text(outcome.observed, beside=outcome.expected)
        undefined = outcome.observed.value is None and outcome.why in ("", outcome.observed.why)
        counted = outcome.observed.unit == FAILING and outcome.n_failing is not None
        if seen not in said and not undefined and not counted and not _says(said, outcome.observed.value):
            yield "observed", seen
    if outcome.n_failing is not None and outcome.n_rows:
        share = failing_share(outcome)
        counted = f"{outcome.n_failing:,} of {outcome.n_rows:,}" in said
        text = (
            ""
            if counted and _says(said, share)
            else f"{words.share(share)} of the rows"
            if counted
            else rows_text(outcome)
        )
        if text or not drawn:
            yield "failing", text if drawn else Share(share, text, outcome.verdict)
    elif outcome.n_rows is not None and f"{outcome.n_rows:,}" not in said:
        yield "judged on", words.plural(outcome.n_rows, "row")


def _says(said: str, value: float | int | str | None) -> bool:
    """Return whether a sentence has a number already, as it is or rounded, or as a percentage."""
    if value is None or isinstance(value, str):
        return value is not None and value in said
    forms = {words.number(value), f"{value:.6g}", f"{value:,}", str(value)}
    percentages = {words.share(value).removesuffix("%"), f"{value * 100:.3g}"}
    return any(words.stands(form, said) for form in forms) or any(f"{form}%" in said for form in percentages)


def _folded(word: str, outcomes: Sequence[Outcome], *, opened: bool) -> list[Block]:
    if not outcomes:
        return []
    families: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        families.setdefault(outcome.family or "other", []).append(outcome)
    columns = (
        Column("Family"),
        Column("Check"),
        Column("Subject"),
        Column("Expected"),
        Column("Observed"),
        Column("Rows", number=True),
    )
    rows = tuple(_quiet_row(family, outcome) for family, group in sorted(families.items()) for outcome in group)
    brief = ", ".join(f"{family} {len(group):,}" for family, group in sorted(families.items()))
    verb = word if word == "passed" else "was skipped" if len(outcomes) == 1 else "were skipped"
    return [
        Details(f"{words.plural(len(outcomes), 'check')} {verb}", (Table(columns, rows),), brief=brief, open=opened)
    ]


def _quiet_row(family: str, outcome: Outcome) -> tuple[Cell, ...]:
    seen = words.clean(outcome.why) if outcome.verdict is Verdict.SKIP else ""
    if not seen and outcome.observed is not None:
        seen = estimate_text(outcome.observed, beside=outcome.expected)
    return (
        family,
        _checked(outcome),
        Code(words.name(outcome.subject)),
        words.clean(outcome.expected),
        seen,
        outcome.n_rows,
    )


def _checked(outcome: Outcome) -> str:
    return words.clean(outcome.check) + (f" where {words.clean(outcome.where, most=200)}" if outcome.where else "")
