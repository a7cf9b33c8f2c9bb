"""The library said plainly: what each command does, as a function. The wall clock and chance enter here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from assay.data.dataset import Dataset
from assay.data.engine import Engine, Progress
from assay.data.sources import dataset
from assay.errors import DataError, UsageError
from assay.verdict import Findings

if TYPE_CHECKING:
    from assay.checks.check import Check
    from assay.checks.judge import Inputs
    from assay.checks.quarantine import Quarantined
    from assay.checks.suite import Suite
    from assay.checks.typed import Table
    from assay.profiles.profile import Profile
    from assay.profiles.schema import Schema

__all__ = ["Options", "check", "dataset", "infer_schema", "profile", "quarantine", "schema_diff", "suggest"]

SEED = 20130101
SuiteLike: TypeAlias = "Suite | str | Path | type[Table] | Check | Iterable[Check] | None"


@dataclass(frozen=True)
class Options:
    """What a judgement may be told beside its data: the instant that counts as now, the stage, other datasets.

    `others` are the tables that keys refer to, by name; `functions` are custom checks, by the name a suite calls them;
    `stage` (train, serving, …) chooses the checks that are only for it; `now` is the present instant by default.
    """

    others: Mapping[str, object] = field(default_factory=dict)
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    stage: str = ""
    now: datetime | None = None
    progress: Progress | None = None

    def __post_init__(self) -> None:
        given: object = self.now  # whatever the annotation says
        if given is not None and not (isinstance(given, datetime) and given.tzinfo is not None):
            raise UsageError(
                f"now is {self.now!r}; it is an instant with its zone", hint="such as datetime(2026, 1, 31, tzinfo=UTC)"
            )


DEFAULTS = Options()


def engine() -> Engine:
    """Return the embedded engine, fresh."""
    from assay.data.polars_engine import PolarsEngine

    return PolarsEngine()


def profile(data: object, *, edges_from: Profile | None = None, progress: Progress | None = None) -> Profile:
    """Return the profile of a dataset, or load one that was saved: every state of every column, from one scan.

    `edges_from` (a reference's profile) puts the histograms on the reference's bins.

    >>> import polars as pl
    >>> profile(pl.DataFrame({"age": [1, 2, 6]})).columns["age"].moments.mean
    3.0
    """
    from assay.profiles.profile import Profile, profile_dataset
    from assay.profiles.saved import is_profile, load_profile

    if isinstance(data, Profile):
        return data
    if isinstance(data, str | Path) and is_profile(data):
        return load_profile(data)
    edges = edges_from.edges() if edges_from is not None else None
    return profile_dataset(dataset(data), engine=engine(), edges=edges, progress=progress)


def check(
    data: object, suite: SuiteLike = None, *, reference: object = None, options: Options = DEFAULTS
) -> Findings:  # fmt: skip
    """Judge a dataset by a suite and return the findings.

    `suite` is a suite, the path of a suite or schema file, a typed class, or checks. Without one, the suite that the
    reference suggests is used, and what compares with it (new words, shifted means, other units); without a reference
    too, a first look: checks that need to know nothing beforehand.

    >>> import polars as pl
    >>> from assay import column
    >>> check(pl.DataFrame({"age": [1, 200]}), [column("age").between(0, 120)]).verdict
    <Verdict.FAIL: 'fail'>
    """
    from assay.checks.judge import judge

    current = dataset(data)
    asked, inputs = _asked(current, suite, reference, options)
    return judge(asked, current, inputs, engine=engine(), progress=options.progress)


def _asked(current: Dataset, suite: SuiteLike, reference: object, options: Options) -> tuple[Suite, Inputs]:
    """Return the suite that is meant and what it may look at; the reference is read by the suite's missing values."""
    from assay import __version__
    from assay.checks.comparisons import comparisons
    from assay.checks.firstlook import first_look
    from assay.checks.judge import Inputs

    others = {name: dataset(other, name=name, part="other") for name, other in options.others.items()}
    about = None if reference is None or _is_profile(reference) else dataset(reference, part="reference")
    if about is not None:
        others.setdefault("reference", about)
    asked = _given(suite, current, options) if suite is not None else _proposed(about, reference, options)
    known = _profile_of(about, reference, asked)
    if suite is None and known is not None and known.rows == 0:
        raise DataError("the reference has no rows, so that nothing can be compared with it", place=known.name)
    if asked is None:
        asked = first_look(current)
    elif suite is None and known is not None:
        asked = asked.with_checks((*asked.checks, *comparisons(known)))
    now = options.now or datetime.now(UTC)
    inputs = Inputs(now, known, others, options.functions, options.stage, version=__version__)
    return asked, inputs


def _given(suite: SuiteLike, current: Dataset, options: Options) -> Suite:
    from assay.checks.check import Check
    from assay.checks.suite import Suite
    from assay.checks.typed import Table

    if isinstance(suite, Suite):
        return suite
    if isinstance(suite, str | Path):
        return _suite_file(suite, current, options)
    if isinstance(suite, type):
        if issubclass(suite, Table):
            return suite.suite()
        raise UsageError(f"{suite.__name__} is no Table", hint="subclass assay.Table, or give checks")
    given: tuple[object, ...] = tuple(suite) if isinstance(suite, Iterable) else (suite,)
    checks = tuple(check for check in given if isinstance(check, Check))
    if len(checks) < len(given):
        odd = next(check for check in given if not isinstance(check, Check))
        hint = 'give a suite, its path, a Table, or checks such as column("age").between(0, 120)'
        raise UsageError(f"{odd!r} is no check", hint=hint)
    return Suite(checks, "checks")


def _proposed(about: Dataset | None, reference: object, options: Options) -> Suite | None:
    """Return what a reference suggests, where it is data and not only its profile; None where there is no reference."""
    from assay.checks.suite import Suite

    if about is not None:
        return suggest(about, options=options)
    return None if reference is None else Suite(name="comparison")


def _profile_of(about: Dataset | None, reference: object, suite: Suite | None) -> Profile | None:
    from assay.profiles.profile import profile_dataset

    if about is not None:
        return profile_dataset(about, engine=engine(), sentinels=suite.missing if suite is not None else None)
    return None if reference is None else profile(reference)


def _is_profile(data: object) -> bool:
    from assay.profiles.profile import Profile
    from assay.profiles.saved import is_profile

    return isinstance(data, Profile) or (isinstance(data, str | Path) and is_profile(data))


def _suite_file(path: str | Path, current: Dataset, options: Options) -> Suite:
    from assay.checks.of_schema import schema_suite
    from assay.checks.suite import load_suite
    from assay.profiles.schema import is_schema, load_schema

    if is_schema(path):
        return schema_suite(load_schema(path), current.name, environment=options.stage, columns=current.schema)
    return load_suite(path)


def suggest(reference: object, *, options: Options = DEFAULTS, seed: int = SEED) -> Suite:
    """Return a suite that a reference passes, and fresh samples of it; its notes say how often it alarmed when tried."""
    import numpy as np

    from assay.checks.suggest import suggest as suggested

    now = options.now or datetime.now(UTC)
    return suggested(dataset(reference), engine=engine(), now=now, rng=np.random.default_rng(seed))


def infer_schema(data: object, *, progress: Progress | None = None) -> Schema:
    """Return the schema that a dataset's profile suggests."""
    from assay.profiles.infer import infer_schema as inferred

    return inferred(profile(data, progress=progress))


def schema_diff(old: object, new: object) -> Findings:
    """Return what changed between two schemas (schema files, or data whose schema is inferred), and whom it breaks.

    Bounds that were inferred from data wobble from sample to sample: where a side is data, they are a risk at most.
    """
    from assay import __version__
    from assay.profiles.diff import diff_findings, diff_schemas

    now = datetime.now(UTC)
    inferred = any(not _is_schema(side) for side in (old, new))
    difference = diff_schemas(_schema(old), _schema(new), inferred=inferred)
    return diff_findings(difference, now=now, version=__version__)


def _is_schema(given: object) -> bool:
    from assay.profiles.schema import Schema, is_schema

    if isinstance(given, str | Path):
        return Path(given).suffix.lower() in (".yaml", ".yml") or is_schema(given)
    return isinstance(given, Schema)


def _schema(given: object) -> Schema:
    from assay.profiles.schema import Schema, load_schema

    if isinstance(given, str | Path) and _is_schema(given):
        return load_schema(given)
    return given if isinstance(given, Schema) else infer_schema(given)


def quarantine(
    data: object, suite: SuiteLike, folder: str | Path, *, reference: object = None, options: Options = DEFAULTS
) -> Quarantined:  # fmt: skip
    """Set the rows that break a suite apart from the clean ones, each with its reasons, as two Parquet files."""
    from assay.checks.quarantine import quarantine as set_apart

    current = dataset(data)
    asked, inputs = _asked(current, suite, reference, options)
    return set_apart(asked, current, inputs, folder=folder)
