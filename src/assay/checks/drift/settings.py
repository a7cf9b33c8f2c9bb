"""Which drift checks a reference gets: presets, and what a person sets for all columns or for one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec

from assay.checks.check import Check
from assay.checks.drift.arguments import NONE, Drift
from assay.checks.drift.aspects import ASPECTS, INSTANTS, NUMBERS, SCALE, TEXTS, is_categories, is_listed
from assay.checks.suite import Suite, make_check
from assay.codec import load_yaml, read_text
from assay.data.kinds import Kind
from assay.errors import ConfigError, nearest
from assay.profiles.profile import ColumnProfile, Profile

__all__ = ["FORMAT", "PRESETS", "DriftSettings", "drift_suite", "load_settings"]

FORMAT = 1


class DriftSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is compared, and what counts as drift; a file of YAML has the same keys.

    `checks` sets arguments of one of the preset's checks for every column, `columns` for one column, whose word is last;
    a bare number is `at_least`, and `false` leaves a check out. The checks of `default` are called as the rules are;
    those of `classic` are `ks`, `chi_squared`, `psi_alarm`, `psi_retrain`, `mean_shift` and `log_mean_shift`. `only` and
    `ignore` choose columns. `alpha` and `correction` hold for all checks of `default` that name none.
    """

    format: int = FORMAT
    preset: Literal["default", "classic"] = "default"
    alpha: Decimal | None = None
    correction: str = ""
    checks: dict[str, Any] = {}
    columns: dict[str, dict[str, Any]] = {}
    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(f"format is {self.format}; this version of Assay reads format {FORMAT}")
        known = CLASSIC if self.preset == "classic" else tuple(ASPECTS)
        for place, told in (
            ("checks", self.checks),
            *((f"columns.{name}", told) for name, told in self.columns.items()),
        ):
            for name in told:
                if name not in known:
                    hint = nearest(name, known)
                    raise ValueError(f"{place} names {name!r}, which the preset {self.preset!r} does not have; {hint}")


def load_settings(path: str | Path) -> DriftSettings:
    """Return the settings in a YAML file; raise `ConfigError` with file and place where one breaks a rule."""
    return load_yaml(read_text(path), DriftSettings, file=str(path))


def drift_suite(reference: Profile, settings: DriftSettings) -> Suite:
    """Return the drift checks of a reference's columns, as a suite that can be saved and changed.

    Raises `ConfigError` where the settings name a column that the reference does not have.
    """
    for name in (*settings.only, *settings.ignore, *settings.columns):
        if name not in reference.columns:
            raise ConfigError(f"the reference has no column {name!r}", hint=nearest(name, reference.columns))
    checks = tuple(check for column in reference.columns.values() for check in _of(column, reference, settings))
    lost = make_check("lost_columns", (), {"ignore": [n for n in reference.columns if not _is_asked(n, settings)]})
    return Suite((*checks, lost), name="drift" if settings.preset == "default" else f"drift ({settings.preset})")


def _is_asked(name: str, settings: DriftSettings) -> bool:
    return name not in settings.ignore and (not settings.only or name in settings.only)


def _of(column: ColumnProfile, reference: Profile, settings: DriftSettings) -> Iterator[Check]:
    if not _is_asked(column.name, settings) or column.name in reference.roles.id:
        return
    told = settings.columns.get(column.name, {})
    for name, rule, preset in PRESETS[settings.preset](column):
        mine, general = told.get(name, {}), settings.checks.get(name, {})
        if mine is False or (general is False and name not in told):
            continue
        arguments = {**_common(settings), **preset, **_mapping(general), **_mapping(mine), "if_present": True}
        yield make_check(rule, (column.name,), arguments, place=f"drift: columns.{column.name}.{name}")


def _common(settings: DriftSettings) -> dict[str, Any]:
    told: dict[str, Any] = {} if settings.alpha is None else {"alpha": settings.alpha}
    return told | ({"correction": settings.correction} if settings.correction else {})


def _mapping(told: Any) -> dict[str, Any]:
    if told is True or told is False:
        return {}
    return dict(told) if isinstance(told, Mapping) else {"at_least": told}


Wanted = Iterator[tuple[str, str, dict[str, Any]]]  # what settings call it, the rule, its arguments


def _default(column: ColumnProfile) -> Wanted:
    """Yield every aspect that says something of its own: texts that are no categories by length, shape and words."""
    return ((name, name, {}) for name in _aspects(column))


def _aspects(column: ColumnProfile) -> Iterator[str]:
    if column.kind is not Kind.NULL:
        yield "distribution_drift"
    yield "missing_drift"
    if column.kind in NUMBERS and not is_categories(column, Drift()):
        yield "range_drift"
    if column.kind in TEXTS and column.counts.present:
        yield from (
            ("new_category_drift",) if is_listed(column) else ("length_drift", "pattern_drift", "vocabulary_drift")
        )
    if column.kind is Kind.DATETIME:
        yield "hour_drift"
    if column.kind in INSTANTS:
        yield "weekday_drift"


SURE = {"alpha": Decimal("0.05"), "correction": "none"}
CLASSIC = ("ks", "chi_squared", "psi_alarm", "psi_retrain", "mean_shift", "log_mean_shift")


def _classic(column: ColumnProfile) -> Wanted:
    """Yield the document's own thresholds, as they are printed: no correction, no size beside p, no least sample."""
    if column.kind not in SCALE | TEXTS | {Kind.BOOLEAN}:
        return
    rule, categories = "distribution_drift", is_categories(column, Drift())
    comparison = "chi_squared" if categories else "ks"
    yield comparison, rule, {"comparison": comparison, "distance": NONE, **SURE}
    if ASPECTS[rule].refuse(column, Drift()):
        return
    for bound, word in (("0.2", "alarm"), ("0.25", "retrain")):
        yield f"psi_{word}", rule, {"comparison": NONE, "distance": "psi", "at_least": Decimal(bound), "why": word}
    if categories:
        return
    yield "mean_shift", rule, {"comparison": NONE, "distance": "mean_shift", "at_least": 2}
    ends = column.extremes
    if column.kind in NUMBERS and ends is not None and ends.low is not None and ends.low > 0:
        yield "log_mean_shift", rule, {"comparison": NONE, "distance": "log_mean_shift", "at_least": Decimal("0.2")}


PRESETS = {"default": _default, "classic": _classic}
