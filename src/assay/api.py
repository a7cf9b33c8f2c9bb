"""The library said plainly: what each command does, as a function. The wall clock and chance enter here."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, Unpack

from assay.codec import format_duration
from assay.data.dataset import Dataset
from assay.data.engine import Engine, Progress
from assay.data.sources import dataset
from assay.errors import DataError, UsageError, nearest
from assay.verdict import Findings, Verdict

if TYPE_CHECKING:
    from assay.checks.check import Check
    from assay.checks.control import ControlChart
    from assay.checks.drift.settings import DriftSettings
    from assay.checks.judge import Inputs
    from assay.checks.quarantine import Quarantined
    from assay.checks.suite import Suite
    from assay.checks.typed import Table
    from assay.evaluation.columns import Task
    from assay.evaluation.judging import Bound
    from assay.profiles.profile import Profile
    from assay.profiles.schema import Schema
    from assay.stats.budget import Budget

__all__ = [
    "Options",
    "check",
    "dataset",
    "drift",
    "drift_window",
    "infer_schema",
    "profile",
    "quarantine",
    "schema_diff",
    "suggest",
]

SEED = 20130101
SuiteLike: TypeAlias = "Suite | str | Path | type[Table] | Check | Iterable[Check] | None"


@dataclass(frozen=True)
class Options:
    """What a judgement may be told beside its data: the instant that counts as now, the stage, other datasets.

    `others` are the tables that keys refer to, by name; `functions` are custom checks, by the name a suite calls them;
    `stage` (train, serving, …) chooses the checks that are only for it; `now` is the present instant by default; `seed`
    is for what is drawn by chance.
    """

    others: Mapping[str, object] = field(default_factory=dict)
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    stage: str = ""
    now: datetime | None = None
    progress: Progress | None = None
    seed: int = SEED

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


def drift(
    reference: object, current: object, *, preset: str = "default", settings: DriftSettings | str | Path | None = None,
    importances: Mapping[str, float] | object = None, rows: bool = False, options: Options = DEFAULTS,
) -> Findings:  # fmt: skip
    """Compare two datasets, or saved profiles of them, column by column, and return the findings.

    A column has drifted where a comparison rejects after correction over all that are judged, and the size of the
    difference is at least a stated one; a sample too small to have shown a large difference is inconclusive. `settings`
    (or their file) say otherwise, for all columns or for one; the preset "classic" has the textbook's fixed thresholds.
    Where the reference has a time column (its role), what counts is calibrated on windows of its own history.
    `importances` (of columns, or a fitted model that has them) rank the drift; `rows` also compares whole rows, which
    takes the data of both sides.

    >>> import polars as pl
    >>> then = pl.DataFrame({"age": [a % 60 for a in range(3000)]})
    >>> drift(then, then.with_columns(age=pl.col("age") + 20)).verdict
    <Verdict.FAIL: 'fail'>
    """
    from assay.checks.drift.compare import compare, with_importances
    from assay.checks.drift.settings import drift_suite

    told = _drift_settings(settings, preset)
    about, known = _reference(reference, told, options)
    now = _current(current)
    suite = drift_suite(known, told)
    shares = _importances(importances, known)
    suite = suite if shares is None else with_importances(suite, shares)
    suite, known = _calibrated(suite, about, known, now)
    findings = compare(suite, now, _inputs(known, options), engine=engine(), progress=options.progress)
    return _with_rows(findings, about, now, told, options) if rows else findings


def drift_window(
    reference: object, current: object, *, budget: Budget, settings: DriftSettings | str | Path | None = None,
    importances: Mapping[str, float] | object = None, options: Options = DEFAULTS,
) -> tuple[Findings, Budget]:  # fmt: skip
    """Compare one of many windows with a reference at the level that an alarm budget allows it, as `drift` does.

    Return the findings and the budget afterwards, which the next window is judged by: of windows in which nothing changed,
    no more alarm in the budget's period than it has. `options.now` is the instant of the window. Sizes still have to count:
    a window whose p-value is spent on may pass.

    >>> from datetime import timedelta
    >>> import polars as pl
    >>> from assay.stats.budget import Spending
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> then = pl.DataFrame({"age": [a % 60 for a in range(3000)]})
    >>> tomorrow = Options(now=noon + timedelta(days=1))
    >>> findings, left = drift_window(then, then, budget=Spending(at=noon, alarms=1), options=tomorrow)
    >>> findings.verdict, round(left.saved, 4)
    (<Verdict.PASS: 'pass'>, 0.0167)
    """
    from assay.checks.drift.budgeted import level_of, spent_on, with_level

    at = options.now or datetime.now(UTC)
    told = with_level(_drift_settings(settings, "default"), budget, at=at)
    timed = replace(options, now=at)
    findings = drift(reference, current, settings=told, importances=importances, options=timed)
    spent, after = spent_on(findings, budget, at=at)
    note = f"judged at the level {level_of(budget, at=at):.3g} that the alarm budget allows this window: {spent.why}"
    return _findings_noted(findings, note), after


def _findings_noted(findings: Findings, note: str) -> Findings:
    import msgspec

    first, *others = findings.provenance.datasets
    marks = (msgspec.structs.replace(first, notes=(*first.notes, note)), *others)
    return msgspec.structs.replace(findings, provenance=msgspec.structs.replace(findings.provenance, datasets=marks))


def _with_rows(
    findings: Findings, about: Dataset | None, now: Dataset | Profile, told: DriftSettings, options: Options
) -> Findings:  # fmt: skip
    import msgspec

    from assay.checks.drift.rows import compare_rows

    if about is None or not isinstance(now, Dataset):
        raise UsageError("whole rows can only be compared where both sides are data", hint="a profile holds no rows")
    ignore = [name for name in about.schema if name in told.ignore or (told.only and name not in told.only)]
    found = compare_rows(about, now, engine=engine(), seed=options.seed, ignore=ignore)
    return msgspec.structs.replace(findings, outcomes=(*findings.outcomes, *found))


def _drift_settings(settings: DriftSettings | str | Path | None, preset: str) -> DriftSettings:
    from assay.checks.drift.settings import PRESETS, DriftSettings, load_settings

    if preset not in PRESETS:
        raise UsageError(f"there is no preset called {preset!r}", hint=nearest(preset, PRESETS))
    if isinstance(settings, str | Path):
        return load_settings(settings)
    return settings if settings is not None else DriftSettings(preset="classic" if preset == "classic" else "default")


def _reference(reference: object, told: DriftSettings, options: Options) -> tuple[Dataset | None, Profile]:
    """Return the reference's data, where it is data, and its profile: as much of it as drift looks at."""
    from assay.checks.drift.compare import reference_needs
    from assay.profiles.profile import profile_dataset

    about = None if _is_profile(reference) else dataset(reference, part="reference")
    if about is None:
        known = _marked(profile(reference))
    else:
        needs = reference_needs(about.schema, told)
        known = profile_dataset(about, engine=engine(), needs=needs, progress=options.progress)
    if known.rows == 0:
        raise DataError("the reference has no rows, so that nothing can be compared with it", place=known.name)
    return about, known


def _current(current: object) -> Dataset | Profile:
    return profile(current) if _is_profile(current) else dataset(current)


def _calibrated(
    suite: Suite, about: Dataset | None, known: Profile, current: Dataset | Profile
) -> tuple[Suite, Profile]:  # fmt: skip
    """Return the suite with what is usual in the reference's history, and a note on its profile that says so."""
    from assay.checks.drift.compare import stretch_of, with_usual

    time = about.roles.time if about is not None else None
    if about is None or time is None:
        return suite, known
    like = stretch_of(current, time)
    if like is None:
        return suite, _noted(known, f"not calibrated on its history: the current data has no two instants in {time!r}")
    usual = with_usual(suite, about, known, like, engine=engine())
    windows = max((getattr(check.arguments, "windows", 0) for check in usual.checks), default=0)
    length = format_duration(like.window)
    if not windows:
        return suite, _noted(known, f"not calibrated on its history, which is too short for windows of {length}")
    return usual, _noted(known, f"bounds are calibrated on {windows} windows of {length} of its own history")


def _marked(profile: Profile) -> Profile:
    """Return a saved profile as that of a reference, which its own file does not know."""
    import msgspec

    marks = tuple(msgspec.structs.replace(mark, part="reference") for mark in profile.marks)
    return msgspec.structs.replace(profile, marks=marks)


def _noted(profile: Profile, note: str) -> Profile:
    import msgspec

    marks = tuple(msgspec.structs.replace(mark, notes=(*mark.notes, note)) for mark in profile.marks)
    return msgspec.structs.replace(profile, marks=marks)


def _importances(given: object, known: Profile) -> dict[str, float] | None:
    """Return importances by column: as given, or of a fitted model that says them (trees) or has coefficients."""
    if given is None:
        return None
    if not isinstance(given, Mapping):
        from assay.checks.drift.importances import importances_of

        given = importances_of(given)
    for name, value in given.items():
        if name not in known.columns:
            raise UsageError(
                f"importances name {name!r}, which the reference does not have", hint=nearest(name, known.columns)
            )
        if not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise UsageError(f"the importance of {name!r} is {value!r}; it is a number from 0 up")
    return {str(name): float(value) for name, value in given.items()}


def _inputs(known: Profile, options: Options) -> Inputs:
    from assay import __version__
    from assay.checks.judge import Inputs

    now = options.now or datetime.now(UTC)
    return Inputs(now, known, stage=options.stage, seed=options.seed, version=__version__)


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


def detect(
    data: object, *, column: str, detector: str | Sequence[str] | None = None, reference: object = None,
    state: str | Path | None = None, options: Options = DEFAULTS, **parameters: object,
) -> Findings:  # fmt: skip
    """Give a column, in the order of its rows, to stream detectors ("esr" by default), and return what each finds.

    Of bits, 1 is an error and 0 is none. A detector that has a baseline is told it (`baseline=0.1`) or learns it from the
    same column of a reference; `parameters` are its others, such as `average_run_length=10_000`. With `state`, a file, the
    stream goes on where an earlier call with the same file left it.

    >>> import polars as pl
    >>> stream = pl.DataFrame({"error": [0, 0, 0, 0, 1] * 100 + [0, 1] * 100})
    >>> detect(stream, column="error", baseline=0.2, average_run_length=1_000).verdict
    <Verdict.FAIL: 'fail'>
    """
    from assay.checks.columns import check_column
    from assay.checks.streams import changes, sample_of
    from assay.checks.watching import detectors_of, load_stream, resumed, save_stream
    from assay.stats.detectors.table import DEFAULT

    current, names = dataset(data), (detector,) if isinstance(detector, str) else tuple(detector or ())
    check_column(current, column)
    about = None if reference is None else dataset(reference, part="reference")
    sample, marks = (None, ()) if about is None else sample_of(about, column)
    place = "" if about is None else about.name
    if state is not None and Path(state).exists():
        learned = [] if sample is None else detectors_of(names or [DEFAULT], parameters, sample=sample, place=place)
        detectors = resumed(
            load_stream(state), column=column, names=names, parameters=parameters, learned=learned, place=str(state)
        )
    else:
        detectors = detectors_of(names or [DEFAULT], parameters, sample=sample, place=place)
    findings = changes(current, column, detectors, _told(options), known=marks, progress=options.progress)
    if state is not None and findings.verdict is not Verdict.ERROR:
        save_stream(state, column, detectors)
    return findings


def control_chart(
    data: object, *, column: str, chart: ControlChart | None = None, reference: object = None, options: Options = DEFAULTS
) -> Findings:  # fmt: skip
    """Draw a control chart of a column, judge its points, and return the findings.

    `chart` says which kind, of what its points are made and by which rules they are judged; by default each value is a
    point, judged by Shewhart's rule. The limits are learned from the same column of a reference, or from the first points
    of the data where the chart says so.

    >>> import polars as pl
    >>> before = pl.DataFrame({"ms": [9.0, 10.0, 11.0, 10.0, 9.0, 11.0] * 5})
    >>> control_chart(pl.DataFrame({"ms": [10.0, 16.0, 9.5]}), column="ms", reference=before).outcomes[0].n_failing
    1
    """
    from assay.checks.control import ControlChart, charted

    about = None if reference is None else dataset(reference, part="reference")
    return charted(
        dataset(data), column, chart or ControlChart(), _told(options), reference=about, progress=options.progress
    )


class ColumnNames(TypedDict, total=False):
    """The columns of a model's predictions, as `estimate` takes them; `assay.evaluation.columns.Columns` says what each is."""

    prediction: str
    score: str
    scores: Mapping[Hashable, str]
    features: Sequence[str]
    positive: Hashable
    time: str


def estimate(
    reference: object, current: object, *, task: Task, label: str, metrics: Sequence[str] | None = None,
    bounds: Mapping[str, Bound] | None = None, options: Options = DEFAULTS, **columns: Unpack[ColumnNames],
) -> Findings:  # fmt: skip
    """Say how a model does on current data whose labels are not there yet, by a labelled reference, and return the findings.

    `task` is "binary", "multiclass" or "regression"; `label` is the truth, `score` the probability of the positive class
    (`scores` those of each class), `prediction` what the model said, `features` what its errors may depend on. The
    reference must not be what the model was trained on. `bounds` say what each metric has to keep; by default the area under
    the curve, or the mean absolute error, may be worse by a tenth of what it is on the reference. The findings hold the
    conditions under which this is true; where current data has labels after all, they say whether the estimates came true.

    >>> import numpy as np, polars as pl
    >>> p = np.random.default_rng(7).uniform(size=4_000)
    >>> rows = pl.DataFrame({"p": p, "y": np.random.default_rng(8).binomial(1, p)})
    >>> estimate(rows, rows.select("p").head(1_000), task="binary", label="y", score="p").outcomes[0].verdict
    <Verdict.PASS: 'pass'>
    """
    from assay import __version__
    from assay.evaluation.columns import Columns
    from assay.evaluation.performance import Asked, bounds_of, performance

    known, now = dataset(reference, part="reference"), dataset(current)
    wanted = tuple(metrics or ())
    roles: dict[str, Any] = {"time": known.roles.time or "", **columns}
    asked = Asked(task, Columns(label, **roles), wanted, bounds_of(task, wanted) if bounds is None else bounds)
    started = (options.now or datetime.now(UTC)).isoformat()
    return performance(known, now, asked, seed=options.seed, started_at=started, version=__version__)


def _told(options: Options) -> Inputs:
    from assay import __version__
    from assay.checks.judge import Inputs

    return Inputs(options.now or datetime.now(UTC), stage=options.stage, version=__version__)
