"""Findings about performance without labels as a page: each metric's estimate, then what all of them rest on."""

from __future__ import annotations

from collections.abc import Sequence

from assay.reports import words
from assay.reports.origin import context, notes, provenance
from assay.reports.page import Banner, Block, Card, Cell, Code, Column, Details, Heading, Page, RangeBar, Table
from assay.reports.sentences import estimate_text, sentence
from assay.reports.signs import WORST_FIRST
from assay.reports.subjects import with_names
from assay.verdict import Estimate, Findings, Outcome, Verdict

__all__ = ["estimation_page", "is_estimation"]

FAMILY = "estimation"
ESTIMATED, REALISED, HELD, CONDITION = (
    "estimated_performance",
    "realised_performance",
    "estimate_held",
    "estimation_condition",
)
LOUD = (Verdict.FAIL, Verdict.WARN, Verdict.ERROR, Verdict.INCONCLUSIVE)


def is_estimation(findings: Findings) -> bool:
    """Return whether findings judge nothing but estimated performance."""
    return bool(findings.outcomes) and all(outcome.family == FAMILY for outcome in findings.outcomes)


def estimation_page(findings: Findings) -> Page:
    """Return findings about performance without labels as a page."""
    by_check = {
        check: [o for o in findings.outcomes if o.check == check] for check in (REALISED, ESTIMATED, HELD, CONDITION)
    }
    counts = tuple((v, n) for v in WORST_FIRST if v is not Verdict.SKIP and (n := findings.count(v)))
    blocks: list[Block] = [Banner(findings.verdict, _summary(by_check), counts, what="Judgements"), *notes(findings)]
    loud = [outcome for check in (REALISED, ESTIMATED, HELD) for outcome in by_check[check] if outcome.verdict in LOUD]
    if loud:
        blocks.append(Heading("Needs attention"))
        blocks += [_card(o) for o in sorted(loud, key=lambda one: WORST_FIRST.index(one.verdict))]
    blocks += [Heading("Performance"), _metrics(by_check)]
    blocks += _conditions(by_check[CONDITION])
    blocks.append(provenance(findings))
    title = words.clean(findings.subject, most=300)
    return Page(title, tuple(blocks), kind="estimate", context=context(findings), verdict=findings.verdict)


def _summary(by_check: dict[str, list[Outcome]]) -> str:
    lead = _lead(by_check[ESTIMATED])
    if lead is None:
        return "Nothing could be estimated."
    real = {outcome.subject: outcome for outcome in by_check[REALISED]}.get(lead.subject)
    said = f"{words.name(lead.subject)} is estimated at {_number(lead.observed)}"
    said += f" and came to {_number(real.observed)}" if real is not None and real.observed is not None else ""
    said += f"; it has to be {words.clean(lead.expected)}" if lead.expected else ""
    broken = sum(outcome.verdict is Verdict.INCONCLUSIVE for outcome in by_check[CONDITION])
    missed = sum(outcome.verdict is Verdict.WARN for outcome in by_check[HELD])
    said += f". {missed:,} of {len(by_check[HELD]):,} estimates did not come true" if missed else ""
    return f"{said}." + (
        f" {words.plural(broken, 'condition')} of the estimate {'does' if broken == 1 else 'do'} not hold."
        if broken
        else ""
    )


def _lead(estimated: Sequence[Outcome]) -> Outcome | None:
    """Return the worst of the metrics that were judged, or the first one that there is."""
    known = [outcome for outcome in estimated if outcome.observed is not None and outcome.observed.value is not None]
    return min(known, key=lambda outcome: WORST_FIRST.index(outcome.verdict), default=None)


def _card(outcome: Outcome) -> Card:
    note = {REALISED: "by the labels that are there", ESTIMATED: "estimated", HELD: "estimate against labels"}[
        outcome.check
    ]
    return Card(
        with_names(_said(outcome), outcome.subject),
        _bar(outcome),
        outcome.verdict,
        note=f"{words.name(outcome.subject)}, {note}",
    )


def _said(outcome: Outcome) -> str:
    said = sentence(outcome)
    return said if outcome.subject in said else f"{words.name(outcome.subject)}: {said}"


def _bar(outcome: Outcome) -> tuple[Block, ...]:
    seen = outcome.observed
    if seen is None or not isinstance(seen.value, int | float) or outcome.check == HELD or not outcome.expected:
        return ()
    first, _, rest = outcome.expected.removeprefix("at ").partition(" ")
    try:
        bound = float(rest.split(",")[0].split()[0])
    except (ValueError, IndexError):
        return ()
    low, high = (bound, None) if first == "least" else (None, bound)
    text = f"{_number(seen)}, accepted {words.clean(outcome.expected)}"
    return (RangeBar("", float(seen.value), seen.low, seen.high, low, high, text=text, verdict=outcome.verdict),)


def _metrics(by_check: dict[str, list[Outcome]]) -> Table:
    real = {outcome.subject: outcome for outcome in by_check[REALISED]}
    held = {outcome.subject: outcome for outcome in by_check[HELD]}
    columns = [Column("Verdict"), Column("Metric"), Column("Estimated"), Column("95% interval")]
    columns += [Column("Realised"), Column("Inside")] if real else []
    columns += [Column("Bound", spare=True), Column("What it says", spare=True)]
    rows = []
    for outcome in by_check[ESTIMATED]:
        name, seen = outcome.subject, outcome.observed
        cells: list[Cell] = [outcome.verdict, Code(words.name(name)), _value(seen), _interval(seen)]
        if real:
            cells += [
                _value(real[name].observed) if name in real else None,
                held[name].verdict if name in held else None,
            ]
        rows.append((*cells, words.clean(outcome.expected), sentence(outcome)))
    return Table(tuple(columns), tuple(rows))


def _conditions(outcomes: Sequence[Outcome]) -> list[Block]:
    if not outcomes:
        return []
    ordered = sorted(outcomes, key=lambda outcome: WORST_FIRST.index(outcome.verdict))
    said = {Verdict.PASS: "holds", Verdict.SKIP: "not known"}
    rows = tuple(
        (o.verdict, words.clean(o.subject), said.get(o.verdict, "does not hold"), sentence(o)) for o in ordered
    )
    table = Table((Column("Verdict"), Column("Condition"), Column("Holds"), Column("Why")), rows)
    return [Details("What the estimates rest on", (table,), open=True)]


def _value(seen: Estimate | None) -> Cell:
    return None if seen is None or seen.value is None else words.number(seen.value)


def _interval(seen: Estimate | None) -> Cell:
    if seen is None or seen.low is None or seen.high is None:
        return None
    return f"{words.number(seen.low)} to {words.number(seen.high)}"


def _number(seen: Estimate | None) -> str:
    return estimate_text(seen) if seen is not None else "undefined"
