"""Judgements of code as a page: what broke, on which rows, and what was tried of all the rest."""

from __future__ import annotations

from collections.abc import Sequence

from assay.reports import evidence, words
from assay.reports.exhibits import LARGEST, sheets_of, unfolded
from assay.reports.origin import context, notes, provenance
from assay.reports.page import (
    Banner,
    Block,
    Card,
    Cell,
    Code,
    Column,
    Details,
    Heading,
    Page,
    Part,
    StackedShare,
    Table,
    Text,
)
from assay.reports.sentences import sentence
from assay.reports.signs import SIGNS, WORST_FIRST, summary, tally
from assay.reports.streams import series_of
from assay.reports.subjects import examples_of
from assay.verdict import Findings, Outcome, Verdict

__all__ = ["contracts_page", "is_contracts"]

CONTRACT, PYTEST = "contract", "pytest"
TESTS = "tests"  # the exhibit of a run of pytest, whose tests stand on the page as outcomes
CARDS = 40
EXAMPLES = 12  # rows of the smallest input that broke a contract
NAME_CHARS = 120
LOUD = (Verdict.ERROR, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.WARN)


def is_contracts(findings: Findings) -> bool:
    """Return whether findings judge code: contracts, or the tests of a run of pytest with what was judged in them."""
    families = {outcome.family for outcome in findings.outcomes}
    return PYTEST in families or families == {CONTRACT}


def contracts_page(findings: Findings) -> Page:
    """Return judgements of code as a page: the whole in a picture, what needs attention, then everything that was judged."""
    judged = [outcome for outcome in findings.outcomes if outcome.family != PYTEST]
    tests = [outcome for outcome in findings.outcomes if outcome.family == PYTEST]
    blocks: list[Block] = [
        Banner(findings.verdict, _sentence(judged, tests), tally(findings), what=_what(judged, tests)),
        *notes(findings),
    ]
    if tests and judged:  # the banner counts both as one
        blocks += [_whole("test", tests), _whole("judgement", judged)]
    blocks += _attention(judged, tests)
    by_subject: dict[str, list[Outcome]] = {}
    for outcome in judged:
        by_subject.setdefault(outcome.subject, []).append(outcome)
    blocks += [block for subject, those in by_subject.items() for block in _judged(subject, those)]
    if tests:
        blocks.append(Details("Every test", (_tests(tests),), brief=words.plural(len(tests), "test"), open=not judged))
    blocks += [unfolded(sheet) for name, sheet in sheets_of(findings).items() if name != TESTS and sheet.rows]
    blocks.append(provenance(findings))
    title = words.clean(findings.subject, most=300)
    return Page(title, tuple(blocks), kind="contracts", context=context(findings), verdict=findings.verdict)


def _what(judged: Sequence[Outcome], tests: Sequence[Outcome]) -> str:
    return "Contracts" if not tests else "Tests and judgements" if judged else "Tests"


def _sentence(judged: Sequence[Outcome], tests: Sequence[Outcome]) -> str:
    if not tests:
        return summary(_counts(judged)).replace("check", "contract")
    said = summary(_counts(tests)).replace("check", "test")
    if not judged:
        return said
    where = "it" if len(tests) == 1 else "them"
    return f"{said} In {where}, {words.plural(len(judged), 'judgement was', 'judgements were')} made."


def _counts(outcomes: Sequence[Outcome]) -> tuple[tuple[Verdict, int], ...]:
    counted = ((verdict, sum(outcome.verdict is verdict for outcome in outcomes)) for verdict in WORST_FIRST)
    return tuple((verdict, n) for verdict, n in counted if n)


def _whole(name: str, outcomes: Sequence[Outcome]) -> StackedShare:
    parts = tuple(Part(SIGNS[verdict].many, float(n), f"{n:,}", verdict) for verdict, n in reversed(_counts(outcomes)))
    return StackedShare(words.plural(len(outcomes), name), parts)


def _attention(judged: Sequence[Outcome], tests: Sequence[Outcome]) -> list[Block]:
    """Return what did not pass; a test that failed by a judgement in it is shown by that judgement."""
    told: dict[str, int] = {}
    for outcome in judged:
        if outcome.verdict in LOUD and outcome.verdict is not Verdict.WARN:  # a warning fails no test
            told[outcome.where] = max(told.get(outcome.where, 0), outcome.verdict.rank)
    loud = [outcome for outcome in judged if outcome.verdict in LOUD]
    loud += [test for test in tests if test.verdict in LOUD and test.verdict.rank > told.get(test.subject, -1)]
    if not loud:
        return []
    loud.sort(key=lambda outcome: LOUD.index(outcome.verdict))
    blocks: list[Block] = [Heading("Needs attention"), *(_card(outcome) for outcome in loud[:CARDS])]
    rest = len(loud) - CARDS
    return [*blocks, Text(f"and {rest:,} more, in the tables below")] if rest > 0 else blocks


def _card(outcome: Outcome) -> Card:
    said = words.clean(outcome.why, most=1_000) or sentence(outcome)
    expected = words.clean(outcome.expected)
    is_test = outcome.family == PYTEST
    blocks: list[Block] = [Text(said)]
    if expected and expected not in said and not is_test:
        blocks.append(Text(f"Expected: {expected}", quiet=True))
    if outcome.evidence is not None:
        blocks += evidence.told(outcome)  # its rows and its note as well
    elif outcome.examples:
        blocks.append(examples_of(outcome, most=EXAMPLES))
    blocks += series_of(outcome)
    if outcome.note and outcome.evidence is None:
        blocks.append(Text(words.clean(outcome.note, most=1_000)))
    check = words.clean(outcome.check, most=NAME_CHARS)
    title: tuple[str | Code, ...] = (check, " " if is_test else " of ", Code(words.name(outcome.subject)))
    return Card(title, tuple(blocks), outcome.verdict, note=words.clean(outcome.where, most=200))


def _judged(subject: str, judged: Sequence[Outcome]) -> list[Block]:
    """Return all judgements of one subject, the worst first; what was skipped is folded."""
    those = sorted(judged, key=lambda outcome: WORST_FIRST.index(outcome.verdict))
    asked = [outcome for outcome in those if outcome.verdict is not Verdict.SKIP]
    skipped = [outcome for outcome in those if outcome.verdict is Verdict.SKIP]
    blocks: list[Block] = [Heading((Code(words.name(subject)),))]
    if asked:
        blocks.append(_table(asked))
    if skipped:
        names = words.listed([words.clean(outcome.check, most=NAME_CHARS) for outcome in skipped], most=12)
        lines = tuple(
            Text(words.clean(f"{outcome.check}: {outcome.why}" if outcome.why else outcome.check))
            for outcome in skipped
        )
        blocks.append(Details(f"{len(skipped):,} not judged", lines, brief=names))
    return blocks


def _table(asked: Sequence[Outcome]) -> Table:
    """Return judgements as a table; where some were made in a test, or of some rows, it says where."""
    placed = any(outcome.where for outcome in asked)
    what = "Contract" if all(outcome.family == CONTRACT for outcome in asked) else "Check"
    columns = (Column("Verdict"), Column(what), Column("What was seen"), *([Column("Where", spare=True)] * placed))
    rows: list[tuple[Cell, ...]] = [
        (
            outcome.verdict, Code(words.clean(outcome.check, most=NAME_CHARS)), _seen(outcome),
            *([words.clean(outcome.where, most=NAME_CHARS)] * placed),
        )
        for outcome in asked
    ]  # fmt: skip
    return Table(columns, tuple(rows))


def _seen(outcome: Outcome) -> str:
    """Return what was seen, in few words: the reason, else the figures, else what was expected."""
    if outcome.why or (outcome.observed is None and outcome.n_failing is None):
        return words.clean(outcome.why or outcome.expected, most=300)
    return words.cut(sentence(outcome), 300)


def _tests(tests: Sequence[Outcome]) -> Table:
    columns = (Column("Verdict"), Column("Test"), Column("Seconds", number=True), Column("What was seen"))
    rows = tuple(
        (o.verdict, Code(words.clean(o.subject, most=NAME_CHARS)), _seconds(o), words.clean(o.why, most=300))
        for o in tests
    )
    return Table(columns, rows)


def _seconds(outcome: Outcome) -> Cell:
    value = outcome.observed.value if outcome.observed is not None else None
    if not isinstance(value, int | float) or not abs(value) < LARGEST:  # no number, or none that was ever measured
        return None
    return "<0.001" if 0 < value < 0.001 else round(float(value), 3)
