"""The library said plainly: what each command does, as a function. The wall clock and chance enter here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.data.dataset import Dataset
from assay.data.engine import Engine, Progress
from assay.data.sources import dataset
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
    data: object, suite: Suite | str | Path | type[Table] | Iterable[Check] | None = None, *,
    reference: object = None, options: Options = DEFAULTS,
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
    inputs = _inputs(reference, options)
    return judge(suite_of(suite, current, inputs, options), current, inputs, engine=engine(), progress=options.progress)


def _inputs(reference: object, options: Options) -> Inputs:
    from assay import __version__
    from assay.checks.judge import Inputs

    others = {name: dataset(other, name=name, part="other") for name, other in options.others.items()}
    about = None
    if reference is not None:
        source = reference if _is_profile(reference) else dataset(reference, part="reference")
        about = profile(source)
        if isinstance(source, Dataset):
            others.setdefault("reference", source)
    return Inputs(
        now=options.now or datetime.now(UTC), reference=about, others=others, functions=options.functions,
        stage=options.stage, version=__version__,
    )  # fmt: skip


def _is_profile(data: object) -> bool:
    from assay.profiles.profile import Profile
    from assay.profiles.saved import is_profile

    return isinstance(data, Profile) or (isinstance(data, str | Path) and is_profile(data))


def suite_of(
    suite: Suite | str | Path | type[Table] | Iterable[Check] | None, current: Dataset, inputs: Inputs, options: Options
) -> Suite:
    """Return what is given as a suite; see `check`."""
    from assay.checks.suite import Suite
    from assay.checks.typed import Table

    if isinstance(suite, Suite):
        return suite
    if isinstance(suite, str | Path):
        return _suite_file(suite, current, options)
    if isinstance(suite, type) and issubclass(suite, Table):
        return suite.suite()
    if suite is not None:
        return Suite(tuple(suite), "checks")
    if inputs.reference is not None:
        return _compared(inputs, options)
    from assay.checks.firstlook import first_look

    return first_look(current)


def _compared(inputs: Inputs, options: Options) -> Suite:
    """Return what a reference suggests, where it is data and not only its profile, and what compares with it."""
    from assay.checks.comparisons import comparisons
    from assay.checks.suite import Suite

    assert inputs.reference is not None
    data = (inputs.others or {}).get("reference")
    suggested = Suite(name=inputs.reference.name) if data is None else suggest(data, options=options)
    return suggested.with_checks((*suggested.checks, *comparisons(inputs.reference)))


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
    """Return what changed between two schemas (schema files, or data whose schema is inferred), and whom it breaks."""
    from assay import __version__
    from assay.profiles.diff import diff_findings, diff_schemas

    now = datetime.now(UTC)
    return diff_findings(diff_schemas(_schema(old), _schema(new)), now=now, version=__version__)


def _schema(given: object) -> Schema:
    from assay.profiles.schema import Schema, is_schema, load_schema

    if isinstance(given, Schema):
        return given
    if isinstance(given, str | Path) and is_schema(given):
        return load_schema(given)
    return infer_schema(given)


def quarantine(
    data: object, suite: Suite | str | Path | type[Table] | Iterable[Check] | None, folder: str | Path, *,
    reference: object = None, options: Options = DEFAULTS,
) -> Quarantined:  # fmt: skip
    """Set the rows that break a suite apart from the clean ones, each with its reasons, as two Parquet files."""
    from assay.checks.quarantine import quarantine as set_apart

    current = dataset(data)
    inputs = _inputs(reference, options)
    return set_apart(suite_of(suite, current, inputs, options), current, inputs, folder=folder)
