"""One comparison of two files, one process: `python -m bench.drift_tasks NAME REFERENCE CURRENT`.

Fourteen columns of numbers and four of categories, KS and chi-squared where the task can choose; Assay judges all twenty
columns, and nulls besides. A peer's task runs in the peer's own environment (`bench/peers_drift.py` says how each is
made). Each task ends by printing what it found, so that nothing is skipped.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import polars as pl

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
os.environ["DO_NOT_TRACK"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.filterwarnings("ignore")

NUMBERS = ["normal", "lognormal", "exponential", "uniform", "two_humps", "heavy_tail", "five_missing", "third_missing", "mostly_zero", "price", "id", "count", "code", "hash"]  # fmt: skip
CATEGORIES = ["colour", "country", "sku", "flag"]
ALPHA = 0.05


def decode(reference: str, current: str) -> object:
    """Read and touch every column of both files, streaming: the floor that everything is compared with."""
    import polars as pl

    texts = ["colour", "country", "sku", "user"]
    touched = [pl.col(*NUMBERS).sum(), pl.col(*texts).str.len_bytes().sum(), pl.col("at").max(), pl.col("flag").sum()]
    return [pl.scan_parquet(file).select(touched).collect(engine="streaming").width for file in (reference, current)]


def assay_drift(reference: str, current: str) -> object:
    """Compare through the library."""
    from assay.api import drift

    return said(drift(reference, current))


def assay_drift_command(reference: str, current: str) -> object:
    """Compare through the command, report and all; what drifted makes it end with 1."""
    from assay.cli import main

    try:
        main(["drift", reference, current])
    except SystemExit as end:
        if end.code in (0, 1):
            return "ended", end.code
        raise
    return "unreachable"


def assay_drift_profiles(reference: str, current: str) -> object:
    """Compare two saved profiles; what is printed is the work without imports and start-up, loading included."""
    from assay.api import drift

    first = said(drift(saved(reference), saved(current)))  # once for what is imported on first use
    begun, busy = time.perf_counter(), time.process_time()
    again = said(drift(saved(reference), saved(current)))
    took, worked = 1000 * (time.perf_counter() - begun), 1000 * (time.process_time() - busy)
    assert first == again
    return f"in process {took:.0f} ms, {worked:.0f} ms CPU", again


def said(findings: object) -> object:
    """Return how many outcomes there are of each verdict."""
    outcomes = findings.outcomes  # type: ignore[attr-defined]
    return {
        verdict: sum(o.verdict.value == verdict for o in outcomes)
        for verdict in ("pass", "warn", "inconclusive", "fail", "error")
    }


def saved(file: str) -> str:
    """Return where the profile of a file is kept."""
    return str(Path(file).with_suffix(".profile.json"))


def prepare(reference: str, current: str) -> object:
    """Save the profiles of both files, unless they are there and newer; not a task that is measured."""
    from assay.api import profile
    from assay.profiles.saved import save_profile

    known = None
    for file in (reference, current):
        if not Path(saved(file)).exists() or Path(saved(file)).stat().st_mtime < Path(file).stat().st_mtime:
            save_profile(profile(file, edges_from=known), saved(file))
        known = profile(saved(file)) if known is None else known
    return "saved"


def values(file: str, name: str) -> np.ndarray:
    """Return the numbers of a column that are not null, in memory that may be sorted in place."""
    import polars as pl

    return pl.read_parquet(file, columns=[name])[name].drop_nulls().to_numpy().copy()


def counts(reference: str, current: str, name: str) -> pl.DataFrame:
    """Return the counts of each category in both files; null is a category."""
    import polars as pl

    sides = [pl.scan_parquet(file).group_by(pl.col(name).cast(pl.String)).len() for file in (reference, current)]
    joined = sides[0].join(sides[1], on=name, how="full", coalesce=True, nulls_equal=True, suffix="_current")
    return joined.fill_null(0).select("len", "len_current").collect(engine="streaming")


def scipy_loop(reference: str, current: str) -> object:
    """Compare with SciPy's own functions, column after column."""
    from scipy.stats import chi2_contingency, ks_2samp

    found = {name: ks_2samp(values(reference, name), values(current, name), method="asymp").pvalue for name in NUMBERS}
    found |= {name: chi2_contingency(counts(reference, current, name).to_numpy().T).pvalue for name in CATEGORIES}
    return drifted(found)


def sort_merge(reference: str, current: str) -> object:
    """Compare by hand: sort both sides, merge the two runs, take the greatest gap; exact with ties."""
    import numpy as np
    from scipy.special import chdtrc, kolmogorov

    found = {}
    for name in NUMBERS:
        sides = [values(reference, name), values(current, name)]
        for side in sides:
            side.sort()
        n, m = map(len, sides)
        both = np.concatenate(sides)
        order = np.argsort(both, kind="stable")  # two runs that rise: merged, not sorted again
        both = both[order]
        gaps = np.cumsum(np.where(order < n, 1 / n, -1 / m))
        last = np.append(both[1:] != both[:-1], True)
        found[name] = float(kolmogorov(np.abs(gaps[last]).max() * np.sqrt(n * m / (n + m))))
    for name in CATEGORIES:
        table = counts(reference, current, name).to_numpy().astype(float)
        expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
        found[name] = float(chdtrc(len(table) - 1, ((table - expected) ** 2 / expected).sum()))
    return drifted(found)


def drifted(p_values: dict[str, float]) -> object:
    """Return how many of the columns are below the usual bound, and which."""
    return len(p_values), [name for name, p in p_values.items() if p < ALPHA]


def frames(reference: str, current: str) -> list[pd.DataFrame]:
    """Return both files as pandas frames of the columns that are compared."""
    import pandas as pd

    return [pd.read_parquet(file, columns=NUMBERS + CATEGORIES) for file in (reference, current)]


def evidently(reference: str, current: str) -> object:
    """Evidently's preset for drift, by default."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    definition = DataDefinition(numerical_columns=NUMBERS, categorical_columns=CATEGORIES)
    before, after = (Dataset.from_pandas(side, data_definition=definition) for side in frames(reference, current))
    metrics = Report([DataDriftPreset()]).run(after, before).dict()["metrics"]
    return len(metrics) - 1, metrics[0]["value"]


def nannyml(reference: str, current: str) -> object:
    """NannyML's univariate drift, KS and chi-squared, the current file as one chunk."""
    from nannyml import UnivariateDriftCalculator

    before, after = (side.astype({"flag": str}) for side in frames(reference, current))
    made = UnivariateDriftCalculator(
        column_names=NUMBERS + CATEGORIES, treat_as_categorical=CATEGORIES, continuous_methods=["kolmogorov_smirnov"],
        categorical_methods=["chi2"], chunk_number=1,
    )  # fmt: skip
    told = made.fit(before).calculate(after).filter(period="analysis").to_df()
    alerts = [key[0] for key in told.columns if key[-1] == "alert" and bool(told[key].iloc[0])]
    return len(NUMBERS + CATEGORIES), alerts


def alibi(reference: str, current: str) -> object:
    """alibi-detect's tabular detector, KS and chi-squared; it takes neither null nor text."""
    import numpy as np
    import pandas as pd
    from alibi_detect.cd import TabularDrift

    sides = frames(reference, current)
    for name in CATEGORIES:
        codes = pd.Categorical(sides[0][name].astype(str)).categories
        for side in sides:
            side[name] = pd.Categorical(side[name].astype(str), codes).codes
    before, after = (side.fillna(0.0).to_numpy(float) for side in sides)
    places = {len(NUMBERS) + place: None for place in range(len(CATEGORIES))}
    told = TabularDrift(before, p_val=ALPHA, categories_per_feature=places).predict(after, drift_type="feature")
    return len(told["data"]["is_drift"]), int(np.sum(told["data"]["is_drift"]))


def tfdv(reference: str, current: str) -> object:
    """TensorFlow Data Validation: statistics of both, and their Jensen-Shannon divergence."""
    import tensorflow_data_validation as tfdv

    before, after = (tfdv.generate_statistics_from_dataframe(side) for side in frames(reference, current))
    schema = tfdv.infer_schema(before)
    for feature in schema.feature:
        feature.drift_comparator.jensen_shannon_divergence.threshold = 0.01
    told = tfdv.validate_statistics(after, schema, previous_statistics=before)
    return len(schema.feature), len(told.anomaly_info)


TASKS: dict[str, Callable[[str, str], object]] = {
    task.__name__: task
    for task in (
        decode, assay_drift, assay_drift_command, assay_drift_profiles, scipy_loop, sort_merge, evidently, nannyml, alibi, tfdv, prepare,
    )
}  # fmt: skip

if __name__ == "__main__":
    print(TASKS[sys.argv[1]](sys.argv[2], sys.argv[3]))
