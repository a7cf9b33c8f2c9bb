"""From findings of an evaluation to a page: the verdict, what needs attention, then each part in pictures before its tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import replace

from assay.reports import words
from assay.reports.accepted import range_of
from assay.reports.cases import LOUD, Case
from assay.reports.classes import confusion_blocks, curve_blocks, label_counts
from assay.reports.costs import cost_blocks, ledger_blocks
from assay.reports.exhibits import figure, reach, unfolded
from assay.reports.explained import explanation_blocks, robustness_blocks
from assay.reports.groups import fairness_blocks, slice_blocks
from assay.reports.metrics import baseline_blocks, best_baseline, metric_blocks
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
    KeyValues,
    Line,
    Page,
    Part,
    StackedShare,
    Table,
    Text,
)
from assay.reports.probabilities import calibration_blocks, threshold_blocks
from assay.reports.residuals import residual_blocks
from assay.reports.sentences import estimate_text
from assay.reports.signs import SIGNS, tally
from assay.reports.subjects import examples_of, with_names
from assay.verdict import Estimate, Findings, Outcome, Verdict

__all__ = ["SECTIONS", "Section", "attention", "evaluation_page", "figure_of", "is_evaluation", "limits", "spared"]

FAMILY = "evaluation"
CARDS = 24
UNDECIDED = 6
NAMED = 80
CLASSES = 6
ROWS = 400


class Section(msgspec.Struct, frozen=True):
    """One part of the page: its heading, the exhibits that it shows, and the function that draws them."""

    title: str
    exhibits: tuple[str, ...]
    blocks: Callable[[Case], list[Block]]


SECTIONS: tuple[Section, ...] = (
    Section("Metrics", ("metrics",), metric_blocks),
    Section("Against baselines", ("baselines",), baseline_blocks),
    Section("Labels and predictions", ("confusion",), confusion_blocks),
    Section("Curves", ("roc", "pr", "gain"), curve_blocks),
    Section("Calibration", ("reliability", "calibration"), calibration_blocks),
    Section("Thresholds", ("thresholds", "decision"), threshold_blocks),
    Section("Slices", ("slices", "slices_found", "slice_search"), slice_blocks),
    Section("Fairness", ("groups", "gaps", "group_differences"), fairness_blocks),
    Section("Residuals", ("residuals", "residual_means", "residual_quantiles", "residual_tests"), residual_blocks),
    Section("Robustness", ("robustness",), robustness_blocks),
    Section("What the model goes by", ("importance", "shap", "dependence"), explanation_blocks),
    Section("Cost", ("cost",), cost_blocks),
    Section("Looks at this labelled set", ("ledger",), ledger_blocks),
)


def is_evaluation(findings: Findings) -> bool:
    """Return whether findings are of an evaluation and nothing else."""
    return bool(findings.outcomes) and all(outcome.family == FAMILY for outcome in findings.outcomes)


def evaluation_page(findings: Findings) -> Page:
    """Return findings of an evaluation as a page; exhibits that it does not know are shown as tables."""
    case = Case(findings)
    blocks: list[Block] = [
        Banner(findings.verdict, _summary(case), tally(findings), what="Judgements"),
        *notes(findings),
    ]
    blocks += _evaluated(case)
    blocks += attention(case)
    for section in SECTIONS:
        drawn = section.blocks(case)
        blocks += [Heading(section.title), *drawn] if drawn else []
    blocks += limits(case)
    blocks = [*spared(blocks), provenance(findings)]
    title = words.clean(findings.subject, most=300)
    return Page(title, tuple(blocks), kind="evaluation", context=context(findings), verdict=findings.verdict)


def spared(blocks: Sequence[Block]) -> list[Block]:
    """Return blocks whose folds are spare: what they hold stands in the findings' tables too."""
    return [replace(block, spare=True) if isinstance(block, Details) and not block.open else block for block in blocks]


# The verdict ----------------------------------------------------------------------------------------------------------


def _summary(case: Case) -> str:
    parts = [part for part in (_lead(case), _beaten(case)) if part]
    said = f"{'; '.join(parts)}." if parts else "No metric was measured."
    return " ".join(part for part in (said, judged_text(case)) if part)


def judged_text(case: Case) -> str:
    """Return what failed, what warned and what could not be judged, in a sentence or two."""
    said = []
    for verdict in LOUD:
        those = [outcome for outcome in case.loud if outcome.verdict is verdict]
        if those:
            verb = "fails" if verdict is Verdict.FAIL and len(those) == 1 else "fail" if verdict is Verdict.FAIL else ""
            verb = verb or (SIGNS[verdict].one if len(those) == 1 else SIGNS[verdict].many)
            names = words.listed([words.cut(words.name(outcome.subject), 50) for outcome in those], most=3)
            said.append(f"{len(those):,} {verb}: {names}.")
    if not said and case.findings.count(Verdict.PASS) == 0:
        return "No bound was given, so nothing was judged."
    return " ".join(said)


def _lead(case: Case) -> str:
    seen = case.outcome("metric", case.lead)
    if seen is None or seen.observed is None:
        return ""
    asked = f", against a bound of {words.clean(seen.expected, most=80)}" if seen.expected else ""
    return f"{words.cut(words.name(case.lead), NAMED)} is {figure_of(seen.observed, beside=seen.expected)}{asked}"


def figure_of(seen: Estimate, *, beside: str = "") -> str:
    """Return an estimate in as many digits as its interval tells."""
    if isinstance(seen.value, int | float) and not isinstance(seen.value, bool) and not seen.unit:
        return figure(float(seen.value), seen.low, seen.high, beside=beside)
    return estimate_text(seen, beside=beside)


def _beaten(case: Case) -> str:
    best = best_baseline(case)
    if best is None:
        return ""
    name, row = best
    lift, low = row.number("lift") or 0.0, row.number("lift_low")
    beats = (
        "beats" if lift > 0 and (low is None or low > 0) else "does not surely beat" if lift > 0 else "does not beat"
    )
    return f"it {beats} the best baseline, {words.cut(words.name(name), 50)}: lift {reach(row, ('lift', 'lift_low', 'lift_high'))}"


def _evaluated(case: Case) -> list[Block]:
    """Return how many rows were evaluated, of which labels, and by which seed and file they can be had again."""
    origin = case.findings.provenance
    n = case.rows
    items: list[tuple[str, Cell]] = [("rows evaluated", f"{n:,}")] if n else []
    labels = label_counts(case)
    total = sum(labels.values())
    stacked: list[Block] = []
    if 2 <= len(labels) <= CLASSES and total > 0:
        parts = tuple(
            Part(words.cut(words.name(name), 30), count, f"{words.number(count)} ({words.share(count / total)})")
            for name, count in labels.items()
        )
        stacked.append(StackedShare("Labels", parts))
    elif labels:
        items.append(("classes", len(labels)))
    items += [("seed", str(origin.seed))] if origin.seed is not None else []
    marks = [mark for mark in origin.datasets if mark.part == "current" and mark.fingerprint]
    items += [("fingerprint", Code(words.clean(mark.fingerprint, most=40))) for mark in marks[:1]]
    return [*([KeyValues(tuple(items), inline=True)] if items else []), *stacked]


# What needs attention -------------------------------------------------------------------------------------------------


def attention(case: Case) -> list[Block]:
    """Return the outcomes that failed, warned or could not be judged as cards, the worst first; of very many the rest folded."""
    if not case.loud:
        return []
    sure = [outcome for outcome in case.loud if outcome.verdict is not Verdict.INCONCLUSIVE]
    open_ = [outcome for outcome in case.loud if outcome.verdict is Verdict.INCONCLUSIVE]
    # What failed comes first and in full; where the rows cannot tell, a few stand for the others.
    first, second = sure[:CARDS], open_[: UNDECIDED if sure else CARDS]
    blocks: list[Block] = [Heading("Needs attention", note=words.plural(len(case.loud), "judgement"))]
    blocks += [_card(outcome, case) for outcome in (*first, *second)]
    for rest, what in ((sure[len(first) :], "need attention"), (open_[len(second) :], "could not be judged")):
        if rest:
            brief = words.listed([words.cut(words.name(o.subject), 40) for o in rest], most=8)
            blocks.append(Details(f"{len(rest):,} more that {what}", (_table(rest),), brief=brief))
    return blocks


def _card(outcome: Outcome, case: Case) -> Card:
    seen = outcome.observed
    known = seen is not None and isinstance(seen.value, int | float)
    text = (
        f"observed {_at(seen, outcome)}, accepted {words.clean(outcome.expected)}" if known and seen is not None else ""
    )
    picture = range_of(outcome, text=text)
    facts: list[tuple[str, Cell]] = []
    if picture is None and outcome.expected and outcome.expected not in outcome.why:
        facts.append(("expected", words.clean(outcome.expected)))
    if picture is None and seen is not None and seen.value is not None:
        facts.append(("observed", _at(seen, outcome)))
    if outcome.n_rows is not None and outcome.n_rows != case.rows and f"{outcome.n_rows:,} row" not in outcome.why:
        facts.append(("judged on", words.plural(outcome.n_rows, "row")))
    blocks: list[Block] = [picture] if picture is not None else []
    blocks += [KeyValues(tuple(facts), inline=True)] if facts else []
    blocks += [examples_of(outcome)] if outcome.examples else []
    return Card(
        _said(outcome), tuple(blocks), outcome.verdict, note=words.clean(outcome.check, most=40).replace("_", " ")
    )


def _at(seen: Estimate, outcome: Outcome) -> str:
    """Return what was observed, with the confidence of its interval: what is judged may be held to a stricter one."""
    text = figure_of(seen, beside=outcome.expected)
    return text + (f" at {words.share(seen.confidence)}" if seen.confidence and text.endswith("]") else "")


def _said(outcome: Outcome) -> Line:
    """Return what an outcome says, after the name of what it is about."""
    seen = outcome.observed
    why = outcome.why or (seen.why if seen is not None and seen.value is None else "") or "no reason was given"
    said = words.clean(why).strip()
    said = said if said.endswith((".", "!", "?", "…")) else f"{said}."
    name = words.name(outcome.subject)
    if words.stands(name, said):
        return with_names(words.sentence_case(said, names=[name]), outcome.subject)
    return (Code(words.cut(name, NAMED)), ": ", said)


def _table(outcomes: Sequence[Outcome]) -> Table:
    columns = (
        Column("Verdict"), Column("Check"), Column("Subject"), Column("Observed"), Column("Expected"), Column("Why", spare=True),
    )  # fmt: skip
    rows = tuple(
        (
            o.verdict, words.clean(o.check, most=40), Code(words.cut(words.name(o.subject), NAMED)),
            figure_of(o.observed, beside=o.expected) if o.observed is not None and o.observed.value is not None else None,
            words.clean(o.expected, most=200), words.sentence_case(words.clean(o.why, most=300)),
        )
        for o in outcomes[:ROWS]
    )  # fmt: skip
    return Table(columns, rows, more=max(0, len(outcomes) - ROWS))


# What there is no picture of ------------------------------------------------------------------------------------------


def limits(case: Case) -> list[Block]:
    """Return what passed, what was measured and not judged, what is undefined, and tables that no section knows."""
    findings = case.findings
    passed = [o for o in findings.outcomes if o.verdict is Verdict.PASS]
    skipped = [o for o in findings.outcomes if o.verdict is Verdict.SKIP]
    undefined = [o for o in skipped if o.observed is None or o.observed.value is None]
    unjudged = [o for o in skipped if not (o.observed is None or o.observed.value is None)]
    blocks: list[Block] = [Heading("Limits"), Text(_counted(case, undefined, unjudged))]
    for outcomes, summary in (
        (undefined, f"{words.plural(len(undefined), 'figure')} undefined"),
        (unjudged, f"{words.plural(len(unjudged), 'figure')} without a bound"),
        (passed, f"{words.plural(len(passed), 'judgement')} passed"),
    ):
        if outcomes:
            brief = words.listed([words.cut(words.name(o.subject), 40) for o in outcomes], most=8)
            blocks.append(Details(summary, (_table(outcomes),), brief=brief))
    blocks += [unfolded(sheet) for sheet in case.others]
    return blocks


def _counted(case: Case, undefined: Sequence[Outcome], unjudged: Sequence[Outcome]) -> str:
    judged = len(case.findings.outcomes) - len(undefined) - len(unjudged)
    open_ = sum(o.verdict in (Verdict.INCONCLUSIVE, Verdict.ERROR) for o in case.loud)
    said = [f"{words.plural(judged, 'judgement')}, {f'{open_:,}' if open_ else 'none'} of them undecided"]
    said += [f"{words.plural(len(unjudged), 'figure')} measured without a bound"] if unjudged else []
    said += [f"{len(undefined):,} undefined"] if undefined else []
    return f"{words.listed(said)}."
