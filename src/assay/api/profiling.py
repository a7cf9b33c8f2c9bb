"""What data holds: its profile, the schema that the profile suggests, and what changed between two schemas."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from assay.data.engine import Engine, Progress
from assay.data.sources import dataset
from assay.errors import DataError

if TYPE_CHECKING:
    from assay.profiles.profile import Profile
    from assay.profiles.schema import Schema
    from assay.verdict import Findings

__all__ = ["engine", "infer_schema", "is_profile", "profile", "refuse_no_rows", "schema_diff"]


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


def is_profile(data: object) -> bool:
    """Is this a profile, or the path of a saved one, rather than data?"""
    from assay.profiles import saved
    from assay.profiles.profile import Profile

    return isinstance(data, Profile) or (isinstance(data, str | Path) and saved.is_profile(data))


def refuse_no_rows(reference: Profile) -> None:
    """Raise a DataError where a reference has no rows."""
    if reference.rows == 0:
        raise DataError("the reference has no rows, so that nothing can be compared with it", place=reference.name)


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
