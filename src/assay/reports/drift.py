"""From findings of drift to a page: what has drifted, how far beyond its bound, and what it looked like before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import log10

import msgspec

from assay.reports import words
from assay.reports.evidence import (
    amount_text,
    missing_shares,
    overlay,
    p_text,
    question,
    relative,
    size_of,
    size_text,
    told,
    unit_text,
)
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
    Line,
    Page,
    Strong,
    Table,
    Text,
)
from assay.reports.sentences import sentence
from assay.reports.signs import WORST_FIRST
from assay.reports.subjects import with_names
from assay.verdict import Findings, Outcome, Shape, Verdict

__all__ = ["drift_page", "is_drift"]

FAMILY = "drift"
SHARES = frozenset(
    {"missing_drift", "new_category_drift", "range_drift"}
)  # one number each, so that shapes come before them
ROWS, LOST, MISSING = "row_drift", "lost_columns", "missing_drift"
BARS = 12
LINEAR, LEAST = 10.0, 0.1  # multiples of the bound: up to here the scale is linear; from here a logarithmic one begins
CARDS = 30
NAME_CHARS = 60
DRIFTED = (Verdict.FAIL, Verdict.WARN)
DOUBTFUL = (Verdict.ERROR, Verdict.INCONCLUSIVE)
# Drift is what the page is about, so it comes before what could not be judged.
_ORDER = (Verdict.FAIL, Verdict.WARN, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.SKIP)


class _Compared(msgspec.Struct, frozen=True):
    """One column with all that was asked about it, the worst first."""

    name: str
    outcomes: tuple[Outcome, ...]

    @property
    def lead(self) -> Outcome:
        return self.outcomes[0]

    @property
    def verdict(self) -> Verdict:
        return self.lead.verdict

    @property
    def loud(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.verdict in (*DRIFTED, *DOUBTFUL))


def is_drift(findings: Findings) -> bool:
    """Return whether findings judge nothing but drift."""
    judged = [outcome for outcome in findings.outcomes if outcome.verdict is not Verdict.SKIP] or findings.outcomes
    return any(outcome.family == FAMILY for outcome in judged) and all(
        outcome.family == FAMILY or outcome.check == LOST for outcome in judged
    )


def drift_page(findings: Findings) -> Page:
    """Return findings of drift as a page: the verdict, the sizes, each change in a picture, then every number.

    Columns are ranked by size × importance where importances are known, by size where they are not.
    """
    ranked = any(o.evidence is not None and o.evidence.importance is not None for o in findings.outcomes)
    whole = [outcome for outcome in findings.outcomes if outcome.check in (ROWS, LOST)]
    columns = _columns((outcome for outcome in findings.outcomes if outcome.check not in (ROWS, LOST)), ranked=ranked)
    compared = [column for column in columns if column.verdict is not Verdict.SKIP]
    banner = Banner(findings.verdict, _summary(compared, whole), _counts(columns), what="Columns")
    blocks: list[Block] = [banner, *notes(findings)]
    blocks += _overview(compared, ranked=ranked)
    blocks += _whole_table(whole)
    blocks += _cards(compared)
    blocks += _tables(compared)
    blocks += _rest(compared, columns, whole)
    blocks.append(provenance(findings))
    title = words.clean(findings.subject, most=300)
    return Page(title, tuple(blocks), kind="drift", context=context(findings), verdict=findings.verdict)


def _columns(outcomes: Iterable[Outcome], *, ranked: bool) -> list[_Compared]:
    """Return the outcomes by column, the worst column first."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(outcome.subject, []).append(outcome)
    columns = [
        _Compared(name, tuple(sorted(group, key=lambda each: _weight(each, ranked=ranked))))
        for name, group in groups.items()
    ]
    return sorted(columns, key=lambda column: _weight(column.lead, ranked=ranked))


def _weight(outcome: Outcome, *, ranked: bool) -> tuple[int, float, float]:
    """Return the place in the order: by verdict, by size, and where only the p-value judges, by that."""
    seen, size = outcome.evidence, relative(outcome)
    size = abs(size_of(outcome) or 0.0) if size is None else size
    if ranked:
        size *= (seen.importance if seen is not None else None) or 0.0
    p = seen.p_value if seen is not None else None
    return _ORDER.index(outcome.verdict), -size, 1.0 if p is None else p


def _counts(columns: Sequence[_Compared]) -> tuple[tuple[Verdict, int], ...]:
    verdicts = [column.verdict for column in columns]
    return tuple((verdict, verdicts.count(verdict)) for verdict in WORST_FIRST if verdict in verdicts)


def _summary(compared: Sequence[_Compared], whole: Sequence[Outcome]) -> str:
    drifted = [column for column in compared if column.verdict in DRIFTED]
    doubtful = sum(column.verdict in DOUBTFUL for column in compared)
    loud = {outcome.check: outcome for outcome in whole if outcome.verdict in DRIFTED}
    if not compared and not loud:
        return "No column was compared, so nothing was judged."
    parts = [_said(drifted, len(compared), doubtful)] if compared else []
    if doubtful and doubtful < len(compared):
        parts.append(f"{words.plural(doubtful, 'column')} could not be judged.")
    if ROWS in loud:
        parts.append("Whole rows have drifted too." if drifted else "Whole rows have drifted.")
    if LOST in loud:
        parts.append(sentence(loud[LOST]))
    return " ".join(parts)


def _said(drifted: Sequence[_Compared], n: int, doubtful: int) -> str:
    if doubtful == n:
        return "The one column could not be judged." if n == 1 else f"None of {n:,} columns could be judged."
    if not drifted:
        return "The one column has not drifted." if n == 1 else f"None of {n:,} columns has drifted."
    much = relative(drifted[0].lead)
    size = f" ({_times(much)} its bound)" if much is not None else f" ({question(drifted[0].lead)})"
    first = f"{words.cut(words.name(drifted[0].name), NAME_CHARS)}{size}"
    if n == 1:
        return f"The one column has drifted: {first}."
    rest = [words.cut(words.name(column.name), NAME_CHARS) for column in drifted[1:]]
    then = f", then {words.listed(rest, most=3)}" if rest else ""
    return f"{len(drifted):,} of {n:,} columns {'has' if len(drifted) == 1 else 'have'} drifted: {first}{then}."


def _times(much: float) -> str:
    return f"{much:,.0f} times" if much >= 10 else f"{much:.1f} times"


def _overview(compared: Sequence[_Compared], *, ranked: bool) -> list[Block]:
    sized = [(column, much) for column in compared if (much := relative(column.lead)) is not None]
    if len(sized) < 2:
        return []
    shown = sized[:BARS]
    longest = max(1.5, *(much for _, much in shown))
    bars = tuple(
        Bar(_label(column), _length(much, longest), _amount(column.lead), column.verdict) for column, much in shown
    )
    said = ["The line is the bound: the size from which a change counts as drift."]
    said += ["In the order of size × importance to the model."] if ranked else []
    said += ["The scale is logarithmic and begins at a tenth of the bound."] if longest > LINEAR else []
    said += [f"And {words.plural(len(sized) - BARS, 'more column')}."] if len(sized) > BARS else []
    title = "How far each column has moved, in multiples of its bound"
    return [Bars(title, bars, " ".join(said), mark=_length(1.0, longest))]


def _length(much: float, longest: float) -> float:
    """Return how long a multiple of a bound is drawn, in [0, 1]: by its logarithm where the longest would hide the others."""
    if longest <= LINEAR:
        return much / longest
    return max(0.0, log10(much / LEAST) / log10(longest / LEAST)) if much > 0 else 0.0


def _label(column: _Compared) -> Line:
    return (Code(words.cut(words.name(column.name), NAME_CHARS)), f" {question(column.lead)}")


def _amount(outcome: Outcome) -> str:
    seen = outcome.evidence
    weight = seen.importance if seen is not None else None
    much = relative(outcome)
    parts = [f"{much:,.0f} ×" if much is not None and much >= 10 else f"{much:.2f} ×"]
    parts += [f"importance {words.share(weight)}"] if weight is not None else []
    return ", ".join(parts)


def _cards(compared: Sequence[_Compared]) -> list[Block]:
    drifted = [column for column in compared if column.verdict in DRIFTED]
    doubtful = [column for column in compared if column.verdict in DOUBTFUL]
    room = CARDS
    blocks: list[Block] = []
    for columns, summary in (
        (drifted, f"{words.plural(len(drifted), 'column')} that drifted"),
        (doubtful, f"{words.plural(len(doubtful), 'column')} that could not be judged"),
    ):
        shown = columns[:room]
        room -= len(shown)
        if not shown:
            continue
        cards: list[Block] = [_card(column) for column in shown]
        if len(columns) > len(shown):
            cards.append(Text(f"{len(columns) - len(shown):,} more stand in the table below.", quiet=True))
        brief = words.listed([words.cut(words.name(column.name), NAME_CHARS) for column in columns], most=8)
        blocks.append(Details(summary, tuple(cards), brief=brief, open=True))
    return blocks


def _card(column: _Compared) -> Card:
    blocks: list[Block] = []
    shapes: list[Shape] = []
    missing = missing_shares(column.outcomes)
    for outcome in sorted(column.loud, key=lambda each: each.check in SHARES):
        shape = outcome.evidence.shape if outcome.evidence is not None else None
        # Several questions may have been asked of one picture; the shares of missing values stand beside the first.
        fresh = shape is not None and shape not in shapes and not (outcome.check == MISSING and shapes)
        shapes += [shape] if shape is not None and fresh else []
        blocks.append(Text(_reason(outcome, named=len(column.loud) > 1)))
        first = len(shapes) == 1 and outcome.check != MISSING
        blocks += told(outcome, missing=missing if first else None, drawn=fresh)
    asked = ", ".join(dict.fromkeys(question(outcome) for outcome in column.loud))
    return Card((Code(words.name(column.name)),), tuple(blocks), column.verdict, note=asked)


def _reason(outcome: Outcome, *, named: bool) -> Line:
    """Return the reason of a verdict, after the name of the question where a card answers several."""
    said = with_names(sentence(outcome), outcome.subject)
    spans = (said,) if isinstance(said, str) else said
    return (Strong(f"{question(outcome).capitalize()}: "), *spans) if named else spans


def _whole_table(whole: Sequence[Outcome]) -> list[Block]:
    loud = [outcome for outcome in whole if outcome.verdict in (*DRIFTED, *DOUBTFUL)]
    if not loud:
        return []
    cards = [Card(sentence(outcome), told(outcome), outcome.verdict, note=question(outcome)) for outcome in loud]
    return [Heading("The whole table"), *cards]


def _table(outcomes: Sequence[Outcome]) -> Table:
    weighed = any(o.evidence is not None and o.evidence.importance is not None for o in outcomes)
    columns = (
        Column("Verdict"), Column("Column"), Column("What"), Column("Reference / current"), Column("Size", number=True),
        *([Column("Importance", number=True, spare=True)] if weighed else []), Column("Adjusted p", number=True, spare=True),
        Column("Bound", number=True, spare=True), Column("Could show", number=True, spare=True), Column("Measured as", spare=True),
        Column("Values", number=True, spare=True),
    )  # fmt: skip
    return Table(columns, tuple(_row(outcome, weighed=weighed) for outcome in outcomes))


def _tables(compared: Sequence[_Compared]) -> list[Block]:
    loud = [outcome for column in compared for outcome in column.loud]
    calm = [column.lead for column in compared if not column.loud]
    blocks: list[Block] = []
    if loud:
        blocks += [Heading("Every change"), _table(loud)]
    if calm:
        summary = f"{words.plural(len(calm), 'column')} unchanged"
        brief = "" if len(calm) <= 30 else words.listed([words.name(each.subject) for each in calm])
        blocks.append(Details(summary, (_table(calm),), brief=brief, open=not loud))
    return blocks


def _row(outcome: Outcome, *, weighed: bool) -> tuple[Cell, ...]:
    seen = outcome.evidence
    weight = seen.importance if seen is not None else None
    return (
        outcome.verdict,
        Code(words.cut(words.name(outcome.subject), NAME_CHARS)),
        question(outcome),
        _drawn(outcome),
        size_text(outcome) if outcome.observed is not None else None,
        *([words.share(weight) if weight is not None else None] if weighed else []),
        p_text(seen.adjusted if seen.adjusted is not None else seen.p_value) if seen is not None else None,
        amount_text(seen.at_least, outcome) if seen is not None else None,
        amount_text(seen.detectable, outcome) if seen is not None else None,
        unit_text(outcome),
        f"{seen.n_reference:,} / {seen.n:,}" if seen is not None else None,
    )


def _drawn(outcome: Outcome) -> Cell:
    """Return the picture of a change that fits a cell; of one share, the share itself."""
    picture = overlay(outcome, most=24)
    if picture is None or not picture.whole:
        return picture
    return f"{words.share(sum(picture.reference))} → {words.share(sum(picture.current))}"


def _rest(compared: Sequence[_Compared], columns: Sequence[_Compared], whole: Sequence[Outcome]) -> list[Block]:
    """Return what else was asked and found no change, and what was not compared, both folded."""
    calm = [o for c in compared for o in c.outcomes if o.verdict is Verdict.PASS and not (o is c.lead and not c.loud)]
    calm += [outcome for outcome in whole if outcome.verdict is Verdict.PASS]
    left = [o for c in columns for o in c.outcomes if o.verdict is Verdict.SKIP]
    left += [outcome for outcome in whole if outcome.verdict is Verdict.SKIP]
    blocks: list[Block] = []
    if calm:
        asked: dict[str, int] = {}
        for outcome in calm:
            asked[question(outcome)] = asked.get(question(outcome), 0) + 1
        brief = ", ".join(f"{name} {n:,}" for name, n in sorted(asked.items()))
        summary = f"{words.plural(len(calm), 'more question')} found no change"
        blocks.append(Details(summary, (_table(calm),), brief=brief))
    if left:
        titles = (Column("Column"), Column("What"), Column("Why"))
        rows = tuple((Code(words.name(o.subject)), question(o), sentence(o)) for o in left)
        brief = words.listed(
            [words.cut(words.name(name), NAME_CHARS) for name in dict.fromkeys(o.subject for o in left)]
        )
        blocks.append(Details(_left_out(columns, whole, left), (Table(titles, rows),), brief=brief))
    return blocks


def _left_out(columns: Sequence[_Compared], whole: Sequence[Outcome], left: Sequence[Outcome]) -> str:
    out = sum(column.verdict is Verdict.SKIP for column in columns)
    if out == len({outcome.subject for outcome in left}):
        return f"{words.plural(out, 'column')} not compared"
    return f"{words.plural(len(left), 'question')} not asked"
