"""Which faults to try: operators on the columns of a reference that they fit, each at every severity, a bounded number of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import polars as pl

from assay.errors import UsageError, member, nearest
from assay.testing.faults.cells import kind_word
from assay.testing.faults.fault import Fault, Layer, NotApplicable, On, Operator
from assay.testing.faults.injecting import inject
from assay.testing.faults.table import OPERATORS

__all__ = ["LeftOut", "Plan", "Wanted", "plan", "planned"]

LABELS = ("label", "__label__")
SAMPLE = 5_000
CATEGORIES = 50
_ON: Mapping[Layer, On] = {
    Layer.FEATURE: "function", Layer.MODEL: "model", Layer.SERVE: "model",
    Layer.DATA: "frame", Layer.LABEL: "frame", Layer.TRAIN: "frame",
}  # fmt: skip


class Wanted(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a person wants tried. The defaults try every operator that fits, on up to two columns each.

    - `operators`, `but`: names of operators to try, and to leave out (default: all); `columns`: the columns that may be hit.
    - `time`, `entity`, `label`: what columns are for, for the operators that need to know; `keys`: columns that identify rows,
      which are hit only where `columns` names them. A label is hit by the operators of labels alone.
    - `severities`, `settings`: an operator's ladder, and its other choices, by its name.
    - `columns_each`: how many columns an operator is tried on; `seeds`: how often each severity, with other chance.
    - `at_most`: how many faults in all. Where that is too few, first columns, then severities between the mildest and the
      strongest, then seeds are left out.
    - `faults`: these and no others.

    >>> Wanted(operators=("nulls",), columns=("age",), seeds=1).at_most
    300
    """

    operators: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    time: str = ""
    entity: str = ""
    label: str = ""
    keys: tuple[str, ...] = ()
    severities: dict[str, tuple[float, ...]] = {}
    settings: dict[str, dict[str, Any]] = {}
    columns_each: int = 2
    seeds: int = 3
    at_most: int = 300
    seed: int = 0
    faults: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        for name in (*self.operators, *self.but, *self.severities, *self.settings, *(f.operator for f in self.faults)):
            if name not in OPERATORS:
                raise UsageError(f"there is no fault operator {name!r}", hint=nearest(name, OPERATORS))
        for name, count in (("columns_each", self.columns_each), ("seeds", self.seeds), ("at_most", self.at_most)):
            if count < 1:
                raise UsageError(f"{name} is {count}; it is 1 or more")


class LeftOut(msgspec.Struct, frozen=True):
    """An operator, or one of its columns, that is not tried, and why."""

    operator: str
    column: str
    why: str


class Plan(msgspec.Struct, frozen=True):
    """The faults to try, in the order of the table, and what is left out."""

    faults: tuple[Fault, ...]
    left_out: tuple[LeftOut, ...] = ()


class _Case(msgspec.Struct, frozen=True):
    """One operator on one column: what a result is about."""

    operator: str
    column: str
    settings: dict[str, Any]


def plan(reference: pl.DataFrame | None, wanted: Wanted, *, layers: Sequence[Layer] = ()) -> tuple[Fault, ...]:
    """Return the faults to try: those of `planned`, without what was left out.

    >>> frame = pl.DataFrame({"age": [31, 44, 52]})
    >>> [fault.id for fault in plan(frame, Wanted(operators=("unit_change",), seeds=1))]
    ['unit_change(age, 1.8)', 'unit_change(age, 3.2808)', 'unit_change(age, 100)', 'unit_change(age, 1000)']
    """
    return planned(reference, wanted, layers=layers).faults


def planned(reference: pl.DataFrame | None, wanted: Wanted, *, layers: Sequence[Layer] = ()) -> Plan:
    """Return which faults to try on this reference (None for a function or a model), and what is left out, with reasons.

    Each operator of these layers (default: those of data and labels for rows; all others without) is tried on the columns that
    it fits: it is really applied to the reference at its strongest severity, so that a fault that cannot be made is left out
    beforehand. Operators take turns at the columns, so that each column is hit by some of them.

    Raises UsageError where `wanted` names a column or an operator that is not there, or no fault is left.
    """
    if wanted.faults:
        return Plan(wanted.faults)
    _refuse_unknown(reference, wanted)
    left: list[LeftOut] = []
    names = [name for name in wanted.operators or OPERATORS if name not in wanted.but]
    cases: list[list[_Case]] = []
    for turn, name in enumerate(names):
        operator = OPERATORS[name]
        if not _asked(operator, reference, layers):
            if name in wanted.operators:
                left.append(LeftOut(name, "", f"it changes a {operator.on}, which is not what is given"))
            continue
        found, without = _cases(operator, reference, wanted, turn)
        left += without
        if found:
            cases.append(found)
    faults = tuple(_bounded(cases, wanted))
    if not faults:
        said = "; ".join(f"{one.operator}: {one.why}" for one in left[:3])
        raise UsageError(f"no fault fits{f' ({said})' if said else ''}", hint="name time=, label= or other operators")
    tried = {(fault.operator, fault.column) for fault in faults}
    left += [
        LeftOut(case.operator, case.column, f"at most {wanted.at_most} faults are tried")
        for row in cases
        for case in row
        if (case.operator, case.column) not in tried
    ]
    return Plan(faults, tuple(left))


def _refuse_unknown(reference: pl.DataFrame | None, wanted: Wanted) -> None:
    if reference is None:
        return
    for name in (*wanted.columns, *wanted.keys, *(n for n in (wanted.time, wanted.entity, wanted.label) if n)):
        if name not in reference.columns:
            raise UsageError(f"there is no column {name!r}", hint=nearest(name, reference.columns))


def _asked(operator: Operator, reference: pl.DataFrame | None, layers: Sequence[Layer]) -> bool:
    if layers and operator.layer not in layers:
        return False
    if reference is not None:
        return operator.on == "frame"
    return operator.on != "frame" and (not layers or operator.on == _ON[operator.layer])


def _cases(
    operator: Operator, reference: pl.DataFrame | None, wanted: Wanted, turn: int
) -> tuple[list[_Case], list[LeftOut]]:  # fmt: skip
    """Return the columns that an operator is tried on, and those that it turned out not to fit."""
    roles = _roles(reference, wanted)
    told: dict[str, Any] = {name: value for name, value in roles.items() if value}
    missing = [name for name in operator.needs if name != "other" and not told.get(name)]
    if missing:
        return [], [LeftOut(operator.name, "", f"it needs to know the {' and the '.join(missing)} column")]
    # A function takes its entity too, where that is known: a lag is one within an entity.
    wants = (*operator.needs, *(("entity",) if operator.on == "function" else ()))
    own = {name: told[name] for name in wants if name in told}
    settings = {**own, **wanted.settings.get(operator.name, {})}
    if reference is None:
        return [_Case(operator.name, "", settings)], []
    sample = reference.head(SAMPLE)
    found: list[_Case] = []
    left: list[LeftOut] = []
    pool = _columns(operator, sample, wanted, roles)
    for column in (*pool[turn % len(pool) :], *pool[: turn % len(pool)]) if pool else ():
        case = _Case(operator.name, column, _with_other(operator, column, sample, wanted, roles) | settings)
        why = _refused(case, sample)
        if why:
            left.append(LeftOut(operator.name, column, why))
        else:
            found.append(case)
        if len(found) == wanted.columns_each:
            break
    if not pool:
        left.append(LeftOut(operator.name, "", f"there is no column of {' or '.join(operator.columns)} to hit"))
    return found, [] if found else _merged(left)


def _merged(left: Sequence[LeftOut]) -> list[LeftOut]:
    """Return why none of an operator's columns will do, in one line: the first reason, and how many more there are."""
    if len(left) < 2:
        return list(left)
    return [LeftOut(left[0].operator, "", f"{left[0].why}; nor is it to be had of {len(left) - 1} more columns")]


def _roles(reference: pl.DataFrame | None, wanted: Wanted) -> dict[str, str]:
    label = wanted.label
    if not label and reference is not None:
        label = next((name for name in LABELS if name in reference.columns), "")
    return {"time": wanted.time, "entity": wanted.entity, "label": label}


def _columns(operator: Operator, frame: pl.DataFrame, wanted: Wanted, roles: Mapping[str, str]) -> list[str]:
    """Return the columns that an operator may hit, those that it is most about first."""
    if not operator.columns:
        return [roles["label"] if operator.layer is Layer.LABEL else ""]
    kinds = {name: kind_word(dtype) for name, dtype in frame.schema.items()}
    fits = [name for name, kind in kinds.items() if "any" in operator.columns or kind in operator.columns]
    if wanted.columns:
        return [name for name in fits if name in wanted.columns and name != roles["label"]]
    spared = {*wanted.keys, roles["label"], roles["entity"]} | (
        {roles["time"]} if "instant" not in operator.columns else set()
    )
    pool = [name for name in fits if name not in spared and (kinds[name] != "other" or operator.columns != ("any",))]
    if operator.columns == ("text",):  # words that come back are categories; the others are names and notes
        few = [name for name in pool if frame[name].n_unique() <= CATEGORIES]
        return few or pool
    return pool


def _with_other(
    operator: Operator, column: str, frame: pl.DataFrame, wanted: Wanted, roles: Mapping[str, str]
) -> dict[str, Any]:  # fmt: skip
    """Return the second column of an operator that takes two: the next one of the same kind."""
    if "other" not in operator.needs:
        return {}
    pool = [
        name
        for name in _columns(operator, frame, wanted, roles)
        if kind_word(frame.schema[name]) == kind_word(frame.schema[column])
    ]
    place = pool.index(column)
    return {"other": pool[(place + 1) % len(pool)]} if len(pool) > 1 else {}


def _refused(case: _Case, sample: pl.DataFrame) -> str:
    """Return why a case cannot be made on this frame; empty where it can."""
    operator = OPERATORS[case.operator]
    try:
        inject(sample, Fault(case.operator, case.column, operator.ladder[-1], settings=case.settings))
    except NotApplicable as reason:
        return str(reason)
    return ""


def _bounded(cases: Sequence[Sequence[_Case]], wanted: Wanted) -> Iterator[Fault]:
    """Yield the faults of as many cases as fit, every operator's first one before any second, in the order of the table."""
    firsts = [row[0] for row in cases]
    for rungs, seeds in ((0, wanted.seeds), (3, wanted.seeds), (2, max(1, wanted.seeds // 2)), (2, 1), (1, 1)):
        if sum(_cost(case, rungs, seeds, wanted) for case in firsts) <= wanted.at_most:
            break
    room = wanted.at_most
    kept: list[_Case] = []
    for rank in range(max((len(row) for row in cases), default=0)):
        for row in cases:
            cost = _cost(row[rank], rungs, seeds, wanted) if rank < len(row) else 0
            if cost and cost <= room:
                room -= cost
                kept.append(row[rank])
    order = {name: place for place, name in enumerate(OPERATORS)}
    for case in sorted(kept, key=lambda one: order[one.operator]):
        for severity in _ladder(case, wanted, rungs):
            for seed in range(wanted.seed, wanted.seed + _times(case, seeds)):
                yield Fault(case.operator, case.column, severity, seed, case.settings)


def _cost(case: _Case, rungs: int, seeds: int, wanted: Wanted) -> int:
    return len(_ladder(case, wanted, rungs)) * _times(case, seeds)


def _times(case: _Case, seeds: int) -> int:
    """Return how often a severity is tried: once where chance has no part in it, neither in the fault nor in its rows."""
    operator = OPERATORS[case.operator]
    return seeds if operator.chance or operator.on == "frame" else 1


def _ladder(case: _Case, wanted: Wanted, rungs: int) -> tuple[float, ...]:
    """Return the severities that are tried: all, or so many of them, the strongest always among them."""
    operator = member(OPERATORS, case.operator, what="fault operator")
    ladder = wanted.severities.get(case.operator, operator.ladder)
    if not rungs or len(ladder) <= rungs:
        return ladder
    places = np.unique(np.linspace(0, len(ladder) - 1, rungs).round().astype(int)) if rungs > 1 else [len(ladder) - 1]
    return tuple(ladder[place] for place in places)
