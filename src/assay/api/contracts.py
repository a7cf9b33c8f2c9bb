"""Judge code by contracts: features, transformers, models, networks and pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter

from assay.api.options import DEFAULTS, Options, instant
from assay.errors import UsageError
from assay.testing.catalogue import family_of
from assay.testing.contract import Subject, run_contracts
from assay.verdict import Findings, Mark, Provenance

__all__ = ["check_contracts"]

# Whose versions decide what code under test answers; those that are installed are written into the findings.
_WATCHED = (
    "numpy",
    "polars",
    "pandas",
    "scikit-learn",
    "torch",
    "jax",
    "onnxruntime",
    "xgboost",
    "lightgbm",
    "catboost",
)


def check_contracts(
    subject: Subject, data: object = None, *, only: Sequence[str] = (), but: Sequence[str] = (), options: Options = DEFAULTS,
    **settings: object,
) -> Findings:  # fmt: skip
    """Judge a feature, transformer, two paths, a join, a model, network or pipeline by all contracts that its declaration calls for.

    Contracts that need more than was declared are skipped, by name, with what is missing. `only` and `but` choose them. Further
    settings go to each contract that takes them, such as `new=`, the rows that were kept out of training. The findings are true
    where every contract that was judged holds: `assert assay.check_contracts(feature, data)`.

    Raises UsageError where the subject is nothing that contracts judge, or a name is no contract of its family.

    >>> import assay, polars as pl
    >>> doubled = assay.feature(lambda rows: rows["x"] * 2, name="doubled", fixed=True)
    >>> found = assay.check_contracts(doubled, pl.DataFrame({"x": [1.0, 2.0, 4.0]}), only=["row_by_row"])
    >>> found.verdict.value
    'pass'
    """
    from assay import __version__

    start = perf_counter()
    now = instant(options)
    outcomes = run_contracts(
        family_of(subject), subject, data, only=only, but=but, settings=settings, seed=options.seed
    )
    if not outcomes:
        raise UsageError("no contract is left to judge", hint="leave out some of but=")
    provenance = Provenance(
        __version__, now.isoformat(), seconds=perf_counter() - start, engine="python", seed=options.seed,
        datasets=_marks(data), versions=_versions(),
    )  # fmt: skip
    return Findings(subject.name, outcomes, provenance)


def _marks(data: object) -> tuple[Mark, ...]:
    """Return what identifies the data, where it is a table."""
    from assay.data.sources import dataset
    from assay.testing.rows import rows_of

    try:
        rows = rows_of(data)
    except UsageError:
        return ()
    mark = dataset(rows.frame, name="data").mark(rows.height)
    return (mark,)


def _versions() -> dict[str, str]:
    found = {}
    for name in _WATCHED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
