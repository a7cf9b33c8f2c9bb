"""One evaluation of a file of predictions, one process: `python -m bench.evaluation_tasks NAME FILE`.

The file has a label, a score, and a column of 20 groups. Each task gives the area under the ROC curve of all rows and of
each group with an interval from 1,000 resamples of the rows (`assay_delong`: from the formula); `assay_evaluate` is the
whole evaluation through the library. A peer that is slow draws a few resamples only, and prints how many: the table scales
its seconds to 1,000 of them, less what it took to start and read.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

warnings.filterwarnings("ignore")

GROUPS, REPLICATES = 20, 1000
FEW = 4  # resamples that a slow peer draws


def prepare(path: str) -> object:
    """Write a label, a score that knows something of it, and groups, as many rows as the file's name says."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(20261122)
    n = {"1k": 1_000, "100k": 100_000, "1m": 1_000_000}[path.rsplit("_", 1)[1].removesuffix(".parquet")]
    x = rng.normal(size=n)
    p = 1 / (1 + np.exp(-x))
    label = (rng.uniform(size=n) < p).astype(np.int64)
    score = 1 / (1 + np.exp(-(0.8 * x + 0.3 * rng.normal(size=n))))
    group = rng.integers(0, GROUPS, n)
    pl.DataFrame({"label": label, "score": score, "group": [f"g{g:02d}" for g in group]}).write_parquet(path)
    return n


def decode(path: str) -> object:
    """Read the file: the floor that everything is compared with."""
    import polars as pl

    return pl.read_parquet(path).select(pl.col("score").sum(), pl.col("label").sum(), pl.col("group").n_unique()).row(0)


def _trial(path: str) -> Any:
    import polars as pl

    from assay.evaluation.columns import Columns
    from assay.evaluation.evaluate import trial_of_frame
    from assay.evaluation.settings import EvaluationSettings

    told = EvaluationSettings(metrics=("auc",), replicates=REPLICATES)
    return trial_of_frame(
        pl.read_parquet(path),
        Columns("label", score="score"),
        name="rows",
        task="binary",
        told=told,
        model=None,
        seed=7,
    )


def _by_group(path: str, method: str) -> object:
    """Return the area of all rows and of every group, each with its interval."""
    from assay.evaluation.metrics.measuring import measure
    from assay.evaluation.slicing.cuts import cut_by_values

    trial = _trial(path)
    metric = trial.metric("auc")
    found = [measure(metric, trial.rows, units=trial.units, method=method)]  # type: ignore[arg-type]
    for one in cut_by_values(trial.rows.frame, "group").slices:
        found.append(measure(metric, trial.rows.at(one.rows), units=trial.units.of(one.rows), method=method))  # type: ignore[arg-type]
    return len(found), round(float(found[0].value or 0), 6), found[0].low, found[0].high


def assay_bootstrap(path: str) -> object:
    """Measure the area with intervals from 1,000 resamples."""
    return _by_group(path, "percentile")


def assay_delong(path: str) -> object:
    """Measure the area with DeLong's intervals."""
    return _by_group(path, "auto")


def assay_slices(path: str) -> object:
    """Measure seven metrics in 20 slices, each with its interval and its deficit against the rest of the rows."""
    import msgspec

    from assay.evaluation.slicing.settings import SliceSettings
    from assay.evaluation.slicing.slices import slices

    told = SliceSettings(columns=("group",), metrics=("accuracy", "precision", "recall", "f1", "log_loss", "brier"))
    part = slices(_trial(path), msgspec.structs.replace(told))
    return len(part.outcomes), len(part.exhibits[0].columns["slice"])


def assay_evaluate(path: str) -> object:
    """Evaluate through the library: every part that predictions have."""
    from assay.api import evaluate
    from assay.evaluation.settings import EvaluationSettings
    from assay.evaluation.slicing.settings import SliceSettings

    told = EvaluationSettings(slices=SliceSettings(columns=("group",)))
    found = evaluate(path, task="binary", label="label", score="score", settings=told)
    return len(found.outcomes), found["auc"].value


def sklearn_bootstrap(path: str) -> object:
    """Resample the rows in a loop, and ask scikit-learn for the area of all and of each group."""
    import numpy as np
    import polars as pl
    from sklearn.metrics import roc_auc_score

    frame = pl.read_parquet(path)
    y, score, group = frame["label"].to_numpy(), frame["score"].to_numpy(), frame["group"].rank("dense").to_numpy() - 1
    rng = np.random.default_rng(7)
    begun = time.perf_counter()
    drawn = [_areas(roc_auc_score, y, score, group, rng) for _ in range(FEW)]
    return f"{FEW} resamples in {time.perf_counter() - begun:.3f} s", len(drawn[0])


def _areas(
    area: Callable[..., float], y: np.ndarray, score: np.ndarray, group: np.ndarray, rng: np.random.Generator
) -> list[float]:
    rows = rng.integers(0, len(y), len(y))
    y, score, group = y[rows], score[rows], group[rows]
    found = [float(area(y, score))]
    for g in range(GROUPS):
        inside = group == g
        found.append(float(area(y[inside], score[inside])))
    return found


def fairlearn_frame(path: str) -> object:
    """Ask fairlearn's MetricFrame for the area of all and of each group, with its own bootstrap."""
    import polars as pl
    from fairlearn.metrics import MetricFrame
    from sklearn.metrics import roc_auc_score

    frame = pl.read_parquet(path)
    begun = time.perf_counter()
    made = MetricFrame(
        metrics={"auc": roc_auc_score}, y_true=frame["label"].to_numpy(), y_pred=frame["score"].to_numpy(),
        sensitive_features=frame["group"].to_numpy(), n_boot=FEW, ci_quantiles=[0.025, 0.975], random_state=7,
    )  # fmt: skip
    return f"{FEW} resamples in {time.perf_counter() - begun:.3f} s", len(made.by_group_ci)


TASKS = (
    decode,
    prepare,
    assay_bootstrap,
    assay_delong,
    assay_slices,
    assay_evaluate,
    sklearn_bootstrap,
    fairlearn_frame,
)

if __name__ == "__main__":
    name, path = sys.argv[1:3]
    print({task.__name__: task for task in TASKS}[name](path))
