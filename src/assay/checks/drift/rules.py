"""Drift as checks: each aspect is one rule, planned against the reference and judged with all the others."""

from __future__ import annotations

import math
from functools import partial

from assay.checks.check import CannotJudge, Check, Context, Judged, NotCompared, Pending, Rule, StateTest, rules
from assay.checks.drift.arguments import NONE, Drift
from assay.checks.drift.aspects import ASPECTS, NUMBERS, Aspect
from assay.checks.drift.weigh import Asked, asked, weigh
from assay.data.kinds import Kind
from assay.errors import nearest
from assay.profiles.column import Need
from assay.profiles.kernel import Measured
from assay.profiles.profile import ColumnProfile
from assay.stats.comparisons import COMPARISONS, get_comparison
from assay.stats.corrections import get_correction
from assay.stats.distances import DISTANCES, get_distance

__all__ = ["RULES", "column_of", "needs_of", "reference_column"]


def _plan(aspect: Aspect, check: Check, context: Context) -> StateTest:
    told, reference = check.arguments, reference_column(check.columns[0], context)
    assert isinstance(told, Drift)
    if aspect.kinds is not None and reference.kind not in aspect.kinds:
        raise CannotJudge(
            f"{aspect.name} does not apply to {reference.name!r}, which holds {reference.kind.value} values"
        )
    if refused := aspect.refuse(reference, told):
        raise NotCompared(refused)
    get_correction(told.correction)
    defaults = aspect.defaults(reference, told)
    asks = asked(told, defaults)
    _fits(asks, get_comparison(defaults.comparison).on, reference.name)
    most = math.inf if asks.distance == NONE else get_distance(asks.distance).range[1]
    if asks.bound >= most:
        raise NotCompared("windows of the reference differ from it as much as can be, so that no change would count")
    needs = needs_of(aspect, reference, told)
    for need in needs:
        if why := reference.failed.get(field_of(need)):
            raise CannotJudge(f"the reference could not be measured: {why}")
    return StateTest(needs, partial(_judge, aspect, asks, reference, needs), expected(asks))


def _fits(asks: Asked, on: str, name: str) -> None:
    """Raise `CannotJudge` where categories are to be compared by what takes a scale."""
    if on == "scale":
        return
    for entry in (COMPARISONS.get(asks.comparison), DISTANCES.get(asks.distance)):
        if entry is not None and entry.on == "scale":
            hint = "take one of categories, or say treat: scale where it is a number"
            raise CannotJudge(
                f"{entry.name} compares values on a scale, and {name!r} is compared as categories", hint=hint
            )


def reference_column(name: str, context: Context) -> ColumnProfile:
    """Return the reference's column; raise `CannotJudge` where there is none, or of a kind that does not compare."""
    profile = context.needs_reference()
    if name not in profile.columns:
        raise CannotJudge(f"the reference has no column {name!r}", hint=nearest(name, profile.columns))
    found: ColumnProfile = profile.columns[name]
    kind = context.kind(name)
    alike = found.kind is kind or Kind.NULL in (kind, found.kind) or {kind, found.kind} <= NUMBERS
    if not alike and not {kind, found.kind} <= {Kind.TEXT, Kind.CATEGORY}:
        raise CannotJudge(f"{name!r} holds {kind.value} values, and {found.kind.value} values in the reference")
    return found


def needs_of(aspect: Aspect, reference: ColumnProfile, told: Drift) -> tuple[Need, ...]:
    """Return what an aspect of a column needs measured, on the bins of the reference."""
    return tuple(Need(state, (reference.name,), parameter) for state, parameter in aspect.needs(reference, told))


def field_of(need: Need) -> str:
    """Return the field of a column's profile that holds what a need measures."""
    return "log_moments" if need.parameter == "log" else need.state


def column_of(reference: ColumnProfile, measured: Measured, needs: tuple[Need, ...]) -> ColumnProfile:
    """Return the current column as far as it was measured, as a profile of its own."""
    states = {field_of(need): measured.states[need] for need in needs}
    return ColumnProfile(reference.name, reference.kind, reference.type, **states)


def _judge(
    aspect: Aspect, asks: Asked, reference: ColumnProfile, needs: tuple[Need, ...], measured: Measured
) -> Judged | Pending:
    return weigh(asks, aspect.sides(reference, column_of(reference, measured, needs), asks.told))


def expected(asks: Asked) -> str:
    """Return in words when a column counts as unchanged."""
    size = "" if asks.distance == NONE else f"{_title(get_distance(asks.distance).title)} below {asks.bound:.3g}"
    sure = "" if asks.comparison == NONE else f"p above {asks.alpha:g}"
    by = f" by {get_comparison(asks.comparison).title}" if sure else ""
    return f"{size}{', or ' if size and sure else ''}{sure}{by}"


def _title(title: str) -> str:
    return f"a {title}" if title[0] not in "aeiouAEIOU" else f"an {title}"


RULES = rules(
    *(
        Rule(aspect.name, "drift", aspect.summary, partial(_plan, aspect), Drift, bare=("at_least",), kinds=None, needs_reference=True)
        for aspect in ASPECTS.values()
    )
)  # fmt: skip
