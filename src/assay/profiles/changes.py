"""What can change on one column from one schema to the next: each aspect by itself, with who is hurt by it.

An aspect is a set of values that it allows. A wider set puts those at risk who read by the old schema, a narrower one
those who write by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Literal

import msgspec

from assay.codec import format_duration
from assay.profiles.schema import DatasetSchema, Field, kinds_of

__all__ = ["COMPARISONS", "Level", "Told", "Who", "namesakes", "shown", "when_added", "when_removed"]

Who = Literal["readers", "writers"]
Level = Literal["breaks", "risks", "nobody"]


class Told(msgspec.Struct, frozen=True):
    """A change before it is known of which column."""

    what: str
    old: Any
    new: Any
    level: Level
    who: tuple[Who, ...]
    why: str


def namesakes(field: Field, new: DatasetSchema, added: list[str]) -> list[str]:
    """Return the new columns that say just the same, and something: the removed one may go on under their name."""
    said = [key for key in field.__struct_fields__ if getattr(field, key) != getattr(Field(), key)]
    return [
        name
        for name in added
        if len(said) > 1 and msgspec.structs.replace(new.columns[name], description=field.description) == field
    ]


def when_removed(field: Field, candidates: list[str]) -> Told:
    """Return what it means that a column is gone; `candidates` are new columns that may be the same one renamed."""
    hint = f"; perhaps it is called {' or '.join(repr(name) for name in candidates)} now" if candidates else ""
    if field.lifecycle == "planned":
        return Told("column removed", "planned", "", "nobody", (), "it was only planned")
    if not field.required or field.lifecycle == "deprecated":
        was = "deprecated" if field.lifecycle == "deprecated" else "optional"
        return Told(
            "column removed", was, "", "risks", ("readers",), f"it was {was}, so readers should do without it{hint}"
        )
    return Told(
        "column removed",
        field.type or "any",
        "",
        "breaks",
        ("readers",),
        f"a model trained on the old schema no longer finds the column{hint}",
    )


def when_added(field: Field, old: DatasetSchema) -> Told:
    """Return what it means that a column is new to a dataset of the old schema."""
    if field.lifecycle == "planned":
        return Told("column added", "", "planned", "nobody", (), "it is only planned")
    who: list[Who] = [] if old.extra_columns else ["readers"]
    needed = field.required and field.lifecycle == "active"
    who += ["writers"] if needed else []
    reasons = ["who writes by the old schema does not fill it"] if needed else []
    reasons += [] if old.extra_columns else ["the old schema forbids other columns"]
    kind = field.type or "any"
    return Told(
        "column added",
        "",
        kind,
        "breaks" if who else "nobody",
        tuple(who),
        "; ".join(reasons) or "readers may leave it aside, and writers need not fill it",
    )


# One aspect of one column. Wider sets put readers at risk, narrower ones break writers.


def _type(old: Field, new: Field) -> Iterator[Told]:
    if old.type == new.type:
        return
    before, after = kinds_of(old.type), kinds_of(new.type)
    if not new.type or (old.type and before < after):
        yield Told(
            "type", old.type, new.type or "any", "breaks", ("readers",), f"a reader of {old.type} values meets others"
        )
    elif not old.type or after < before:
        yield Told(
            "type",
            old.type or "any",
            new.type,
            "breaks",
            ("writers",),
            f"writers may still deliver {old.type or 'other'} values",
        )
    elif before == after:
        yield Told(
            "type",
            old.type,
            new.type,
            "risks",
            ("readers", "writers"),
            "the kind is the same, and what it can hold is not",
        )
    else:
        yield Told(
            "type", old.type, new.type, "breaks", ("readers", "writers"), "values of one are not values of the other"
        )


def _presence(old: Field, new: Field) -> Iterator[Told]:
    if old.required and not new.required:
        yield Told(
            "presence",
            "required",
            "optional",
            "breaks",
            ("readers",),
            "a model trained on the old schema counts on the column",
        )
    elif new.required and not old.required:
        yield Told(
            "presence", "optional", "required", "breaks", ("writers",), "who writes by the old schema may leave it out"
        )


def _missing(old: Field, new: Field) -> Iterator[Told]:
    before, after = (
        Decimal(1) if f.missing_share_at_most is None else Decimal(f.missing_share_at_most) for f in (old, new)
    )
    if before < after:
        level: Level = "breaks" if before == 0 else "risks"
        why = (
            "a model trained on the old schema has never met a missing value"
            if before == 0
            else "more values are missing than the old schema knew"
        )
        yield Told("missing share", before, after, level, ("readers",), why)
    elif after < before:
        yield Told(
            "missing share",
            before,
            after,
            "breaks",
            ("writers",),
            "data with as many missing values as before no longer passes",
        )
    if set(old.missing) != set(new.missing):
        why = "the same value is a value to one side and missing to the other"
        yield Told("values that stand for missing", old.missing, new.missing, "risks", ("readers", "writers"), why)


def _values(old: Field, new: Field) -> Iterator[Told]:
    gained = [value for value in new.one_of if value not in old.one_of] if old.one_of else []
    lost = [value for value in old.one_of if value not in new.one_of] if new.one_of else []
    if old.one_of and not new.one_of:
        yield Told(
            "values",
            old.one_of,
            "any",
            "breaks",
            ("readers",),
            "a model trained on the old schema meets values that it has never seen",
        )
    elif new.one_of and not old.one_of:
        yield Told("values", "any", new.one_of, "breaks", ("writers",), "values outside the set no longer pass")
    if gained:
        yield Told(
            "values added",
            "",
            gained,
            "breaks",
            ("readers",),
            f"a model trained on the old schema has never seen {shown(gained)}",
        )
    if lost:
        yield Told(
            "values removed", lost, "", "breaks", ("writers",), f"who still writes {shown(lost)} no longer passes"
        )
    before, after = Decimal(old.other_share_at_most), Decimal(new.other_share_at_most)
    if before != after:
        who: Who = "readers" if before < after else "writers"
        yield Told(
            "share of other values",
            before,
            after,
            "risks",
            (who,),
            "rows outside the set are tolerated in another measure",
        )


def _range(old: Field, new: Field) -> Iterator[Told]:
    if old.bounds == new.bounds:
        return
    try:
        wider = _reaches_beyond(new, old)
        narrower = _reaches_beyond(old, new)
    except TypeError:
        yield Told(
            "range", _bounds(old), _bounds(new), "breaks", ("readers", "writers"), "the bounds are of different types"
        )
        return
    if wider:
        yield Told(
            "range widened",
            _bounds(old),
            _bounds(new),
            "risks",
            ("readers",),
            "a model trained on the old schema has not seen values so far out",
        )
    if narrower:
        yield Told(
            "range narrowed",
            _bounds(old),
            _bounds(new),
            "breaks",
            ("writers",),
            "values that were allowed no longer pass",
        )


def _reaches_beyond(one: Field, other: Field) -> bool:
    """Return whether a range holds values that another does not."""
    return _end(one, "at_least", "above", -1) < _end(other, "at_least", "above", -1) or _end(
        one, "at_most", "below", 1
    ) > _end(other, "at_most", "below", 1)


def _end(field: Field, closed: str, opened: str, side: int) -> _End:
    """Return an end of a range as what compares: no bound is beyond every bound, and a bound inside reaches past one outside."""
    ends = [
        _End(bound, side * inside)
        for name, inside in ((closed, 1), (opened, 0))
        if (bound := getattr(field, name)) is not None
    ]
    if not ends:
        return _End(None, side)
    return (max if side < 0 else min)(ends)


class _End:
    """A bound that compares with another; None lies beyond all, on the side that it bounds."""

    def __init__(self, value: Any, shade: int) -> None:
        self.value = value
        self.shade = shade

    def __lt__(self, other: _End) -> bool:
        if self.value is None or other.value is None:
            return (self.value is None and other.value is not None and self.shade < 0) or (
                other.value is None and self.value is not None and other.shade > 0
            )
        return bool(self.value < other.value or (self.value == other.value and self.shade < other.shade))

    def __gt__(self, other: _End) -> bool:
        return other < self


def _bounds(field: Field) -> str:
    return ", ".join(f"{name} {shown(bound)}" for name, bound in field.bounds.items()) or "any"


def _promises(old: Field, new: Field) -> Iterator[Told]:
    """Uniqueness, order, pattern, length: each is a promise that is kept, given up or made."""
    for what, before, after, given_up in (
        ("unique", old.unique, new.unique, "a join on the column may multiply rows"),
        ("order", _order(old), _order(new), "who reads the rows one after another counts on their order"),
        ("pattern", old.matches, new.matches, "who takes the texts apart counts on their form"),
        ("length", old.length, new.length, "a reader may have room for no longer texts"),
    ):
        if before == after:
            continue
        if not after or (what == "order" and before == "strictly"):
            yield Told(what, before, after or "any", "risks" if what != "unique" else "breaks", ("readers",), given_up)
        elif not before or (what == "order" and after == "strictly"):
            yield Told(what, before or "any", after, "breaks", ("writers",), "data that was allowed may no longer pass")
        else:
            yield Told(what, before, after, "breaks", ("readers", "writers"), "what passes one may fail the other")


def _order(field: Field) -> str:
    return "strictly" if field.rising == "strictly" else "rising" if field.rising else ""


def _place(old: Field, new: Field) -> Iterator[Told]:
    """Environments, lifecycle and role."""
    before, after = (
        " ".join([*(f"only in {e}" for e in f.only_in), *(f"not in {e}" for e in f.not_in)]) for f in (old, new)
    )
    if before != after:
        yield from _environments(old, new, before, after)
    if old.lifecycle != new.lifecycle:
        gone = new.lifecycle == "deprecated"
        why = (
            "it will go: readers should stop using it" if gone else f"it was {old.lifecycle} and is {new.lifecycle} now"
        )
        who: tuple[Who, ...] = ("readers",) if gone else ("writers",) if old.lifecycle == "planned" else ()
        yield Told(
            "lifecycle",
            old.lifecycle,
            new.lifecycle,
            "breaks" if who == ("writers",) and new.required else "risks" if gone else "nobody",
            who,
            why,
        )
    if old.role != new.role:
        yield Told(
            "role",
            old.role or "none",
            new.role or "none",
            "risks",
            ("readers",),
            "the column is used for something else",
        )
    if old.description != new.description:
        yield Told("description", "", "", "nobody", (), "only the words changed")


def _environments(old: Field, new: Field, before: str, after: str) -> Iterator[Told]:
    named = {*old.only_in, *old.not_in, *new.only_in, *new.not_in, "any other"}
    lost = sorted(e for e in named if old.in_environment(e) and not new.in_environment(e))
    won = sorted(e for e in named if new.in_environment(e) and not old.in_environment(e))
    if lost:
        yield Told(
            "environments",
            before or "all",
            after or "all",
            "breaks",
            ("readers",),
            f"readers in {' and '.join(lost)} no longer find the column",
        )
    if won:
        level: Level = "breaks" if new.required else "nobody"
        yield Told(
            "environments",
            before or "all",
            after or "all",
            level,
            ("writers",) if new.required else (),
            f"writers in {' and '.join(won)} do not fill the column",
        )


COMPARISONS: tuple[Callable[[Field, Field], Iterator[Told]], ...] = (
    _type,
    _presence,
    _missing,
    _values,
    _range,
    _promises,
    _place,
)


def shown(value: Any) -> str:
    """Return a value, or the first eight of several, as people write them."""
    if isinstance(value, list | tuple):
        words = [shown(item) for item in value[:8]]
        return ", ".join(words) + (f" and {len(value) - 8} more" if len(value) > 8 else "")
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return format_duration(value) if hasattr(value, "total_seconds") else str(value)
