"""What changed between two schemas, and whom it breaks.

Each column's rule is a set of values that it allows. Where the new set has values that the old one had not, those who
read by the old schema may break: a model trained on it, a join, a query. Where the old set has values that the new one
has not, those who still write by the old schema break: their data no longer passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from assay.profiles.changes import COMPARISONS, Level, Told, Who, namesakes, shown, when_added, when_removed
from assay.profiles.schema import DatasetSchema, Schema
from assay.verdict import Findings, Outcome, Provenance, Verdict

__all__ = ["Change", "SchemaDiff", "diff_findings", "diff_schemas"]


class Change(msgspec.Struct, frozen=True):
    """One difference: what changed on which column ("table" for the whole), whom it breaks or puts at risk, and why."""

    dataset: str
    subject: str
    what: str
    old: str
    new: str
    level: Level
    who: tuple[Who, ...]
    why: str


class SchemaDiff(msgspec.Struct, frozen=True):
    """All differences between two schemas, and how many columns are the same in both."""

    changes: tuple[Change, ...]
    same: int = 0


# What an inferred schema says of bounds, which another sample of the same data would put a little elsewhere.
WOBBLING = frozenset(
    {"range", "range widened", "range narrowed", "missing share", "share of other values", "unique", "order"}
)


def diff_schemas(old: Schema, new: Schema, *, inferred: bool = False) -> SchemaDiff:
    """Return what changed from one schema to another; where each has one dataset, these two are compared whatever their names.

    With `inferred` (a side was inferred from data) a changed bound breaks nobody: it is a risk.

    >>> from assay.profiles.schema import Field
    >>> old = Schema(datasets={"people": DatasetSchema(columns={"age": Field(type="integer")})})
    >>> new = Schema(datasets={"people": DatasetSchema(columns={"age": Field(type="integer", one_of=(1, 2))})})
    >>> [(change.subject, change.what, change.who) for change in diff_schemas(old, new).changes]
    [('age', 'values', ('writers',))]
    """
    changes: list[Change] = []
    same = 0
    for name, before, after in _paired(old, new):
        if before is None or after is None:
            changes.append(_whole_dataset(name, before is None))
            continue
        told = list(_columns(before, after))
        same += sum(name in after.columns and before.columns[name] == after.columns[name] for name in before.columns)
        changes += [
            Change(name, subject, t.what, shown(t.old), shown(t.new), _level(t, inferred), t.who, t.why)
            for subject, t in told
        ]
    return SchemaDiff(tuple(changes), same)


def _level(told: Told, inferred: bool) -> Level:
    return "risks" if inferred and told.level == "breaks" and told.what in WOBBLING else told.level


def _paired(old: Schema, new: Schema) -> Iterator[tuple[str, DatasetSchema | None, DatasetSchema | None]]:
    if len(old.datasets) == len(new.datasets) == 1:
        (name,) = new.datasets
        yield name, next(iter(old.datasets.values())), new.datasets[name]
        return
    for name in [*old.datasets, *(name for name in new.datasets if name not in old.datasets)]:
        yield name, old.datasets.get(name), new.datasets.get(name)


def _whole_dataset(name: str, added: bool) -> Change:
    if added:
        return Change(name, "table", "dataset added", "", name, "nobody", (), "a dataset that nobody reads yet")
    return Change(
        name, "table", "dataset removed", name, "", "breaks", ("readers",), f"whoever reads {name!r} no longer finds it"
    )


def _columns(old: DatasetSchema, new: DatasetSchema) -> Iterator[tuple[str, Told]]:
    removed = [name for name in old.columns if name not in new.columns]
    added = [name for name in new.columns if name not in old.columns]
    for name in removed:
        yield name, when_removed(old.columns[name], namesakes(old.columns[name], new, added))
    for name in added:
        yield name, when_added(new.columns[name], old)
    for name, field in old.columns.items():
        if name in new.columns:
            for compare in COMPARISONS:
                yield from ((name, told) for told in compare(field, new.columns[name]))
    yield from (("table", told) for told in _table(old, new))


def _table(old: DatasetSchema, new: DatasetSchema) -> Iterator[Told]:
    before, after = set(map(frozenset, old.keys)), set(map(frozenset, new.keys))
    for key in sorted(before - after, key=sorted):
        yield Told("key dropped", sorted(key), "", "breaks", ("readers",), "a join on the key may multiply rows")
    for key in sorted(after - before, key=sorted):
        yield Told(
            "key added",
            "",
            sorted(key),
            "breaks",
            ("writers",),
            "rows with the same key, or without one, no longer pass",
        )
    if old.extra_columns != new.extra_columns:
        who: Who = "readers" if new.extra_columns else "writers"
        why = (
            "columns may come that the old schema forbids"
            if new.extra_columns
            else "columns that the schema does not name no longer pass"
        )
        yield Told(
            "other columns", _allowed(old), _allowed(new), "risks" if new.extra_columns else "breaks", (who,), why
        )
    shared = [name for name in old.columns if name in new.columns]
    moved = [name for name in new.columns if name in old.columns] != shared
    if old.ordered and not new.ordered:
        yield Told(
            "order of columns", "fixed", "free", "breaks", ("readers",), "who reads columns by their place gets others"
        )
    elif new.ordered and not old.ordered:
        yield Told(
            "order of columns", "free", "fixed", "breaks", ("writers",), "columns in another order no longer pass"
        )
    elif new.ordered and moved:
        yield Told(
            "order of columns",
            "fixed",
            "changed",
            "breaks",
            ("readers", "writers"),
            "who reads or writes columns by their place mixes them up",
        )


def _allowed(schema: DatasetSchema) -> str:
    return "allowed" if schema.extra_columns else "forbidden"


# As findings.

_VERDICTS: dict[Level, Verdict] = {"breaks": Verdict.FAIL, "risks": Verdict.WARN, "nobody": Verdict.PASS}


def diff_findings(diff: SchemaDiff, *, now: datetime, version: str) -> Findings:
    """Return a difference as findings: FAIL where a change breaks somebody, WARN where it is a risk, PASS where it is neither."""
    several = len({change.dataset for change in diff.changes}) > 1
    outcomes = [_outcome(change, number, several=several) for number, change in enumerate(diff.changes)]
    if diff.same or not outcomes:
        noun = "column is" if diff.same == 1 else "columns are"
        why = f"{diff.same:,} {noun} the same in both" if diff.same else "the two schemas are the same"
        outcomes.append(
            Outcome("schema", "table", Verdict.PASS, expected="unchanged", why=why, family="schema", id="same")
        )
    return Findings("schema", tuple(outcomes), Provenance(assay=version, started_at=now.isoformat()))


def _outcome(change: Change, number: int, *, several: bool) -> Outcome:
    words = {"breaks": "breaks", "risks": "a risk for", "nobody": "breaks nobody"}[change.level]
    whom = " and ".join(change.who) if change.level != "nobody" else ""
    moved = f" ({change.old or 'nothing'} → {change.new or 'nothing'})" if change.old or change.new else ""
    why = f"{change.what}{moved}: {words}{' ' + whom if whom else ''}: {change.why}"
    subject = f"{change.dataset}: {change.subject}" if several else change.subject
    return Outcome(
        change.what.replace(" ", "_"), subject, _VERDICTS[change.level], expected="a change that breaks nobody", why=why,
        level="warn" if change.level == "risks" else "fail", family="schema", id=f"{number}.{change.dataset}.{change.subject}",
    )  # fmt: skip
