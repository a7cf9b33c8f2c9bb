"""Say how a model does where labels are not there yet."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from assay.api.options import DEFAULTS, Options, instant
from assay.data.sources import dataset

if TYPE_CHECKING:
    from assay.evaluation.bounds import Bound
    from assay.evaluation.columns import Task
    from assay.verdict import Findings

__all__ = ["ColumnNames", "estimate"]


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
    from assay.evaluation.estimation.performance import Asked, bounds_of, performance

    known, now = dataset(reference, part="reference"), dataset(current)
    wanted = tuple(metrics or ())
    roles: dict[str, Any] = {"time": known.roles.time or "", **columns}
    asked = Asked(task, Columns(label, **roles), wanted, bounds_of(task, wanted) if bounds is None else bounds)
    started = instant(options).isoformat()
    return performance(known, now, asked, seed=options.seed, started_at=started, version=__version__)
