"""Performance without labels on real data, against what came true: `python -m bench.estimation --data FOLDER [--nannyml PYTHON]`.

A model is trained on the first third of a dataset, the second third is the labelled reference, the rest is cut into
windows. Three orders of the rows ask three questions. *Shuffled*: nothing moves. *Sorted*: the windows are the rest sorted
by one feature, so that what is predicted moves and what it means does not (covariate shift). *In time*: the world as it was,
with whatever concept drift it had. Printed are the mean absolute error of the estimates over windows, beside that of saying
each time what the metric was on the reference, and how often the interval held the realised metric.

`--nannyml` is the Python of an environment of its own with NannyML in it; without it that column is left out.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ORDERS = ("shuffled", "sorted", "in time")
PEERS = {"auc": "roc_auc"}
METRICS = {"binary": ("auc", "accuracy", "precision", "recall", "f1"), "regression": ("mae", "rmse")}


@dataclass(frozen=True)
class Case:
    """One dataset: its file, its label, what the model sees, the feature that windows are sorted by, rows in a window."""

    name: str
    file: str
    task: str
    label: Callable[[Any], Any]
    features: tuple[str, ...]
    sorted_by: str
    window: int


def _cases() -> tuple[Case, ...]:
    import polars as pl

    bank = (
        "age job marital education default housing loan contact month day_of_week campaign pdays previous poutcome emp.var.rate "
        "cons.price.idx cons.conf.idx euribor3m"
    )
    weather = "season mnth hr holiday weekday workingday weathersit temp hum windspeed"
    return (
        Case("bank_marketing", "bank_marketing/bank_additional_full.parquet", "binary",
             lambda frame: (frame["y"] == "yes").cast(pl.Int64), tuple(bank.split()), "age", 1000),
        Case("electricity", "electricity/elec2_normalised.parquet", "binary", lambda frame: frame["class"].cast(pl.Int64),
             ("period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer"), "nswprice", 1000),
        Case("compas", "compas/compas_two_years.parquet", "binary", lambda frame: frame["two_year_recid"].cast(pl.Int64),
             ("sex", "age", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count", "c_charge_degree"), "age", 200),
        Case("bike_sharing", "bike_sharing/hour.parquet", "regression", lambda frame: frame["cnt"].cast(pl.Float64),
             tuple(weather.split()), "temp", 500),
    )  # fmt: skip


def prepared(case: Case, folder: Path, order: str, *, seed: int) -> tuple[Any, list[Any]]:
    """Return the reference and the windows of a dataset in one order of its rows, with predictions."""
    import numpy as np
    import polars as pl

    frame = pl.read_parquet(folder / case.file)
    frame = frame.select(*case.features, case.label(frame).alias("label"))
    if order != "in time":
        frame = frame[np.random.default_rng(seed).permutation(frame.height)]
    third = frame.height // 3
    frame = _predicted(case, frame, frame[:third])
    reference, rest = frame[third : 2 * third], frame[2 * third :]
    if order == "sorted":
        rest = rest.sort(case.sorted_by, maintain_order=True)
    full = range(0, rest.height - case.window + 1, case.window)
    return reference.with_row_index("at"), [rest[start : start + case.window].with_row_index("at") for start in full]


def _predicted(case: Case, frame: Any, train: Any) -> Any:
    import numpy as np
    import polars as pl
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    texts = [f for f in case.features if frame.schema[f] == pl.String]
    coded = frame.with_columns(pl.col(t).rank("dense").cast(pl.Float64) for t in texts).select(case.features)
    x, categorical = coded.cast(pl.Float64).to_numpy(), [f in texts for f in case.features]
    y = train["label"].to_numpy()
    kind = HistGradientBoostingRegressor if case.task == "regression" else HistGradientBoostingClassifier
    with threadpool_limits(limits=1):
        model = kind(categorical_features=categorical, random_state=0).fit(x[: train.height], y)
        if case.task == "regression":
            return frame.with_columns(said=pl.Series(model.predict(x)))
        score = model.predict_proba(x)[:, 1]
    return frame.with_columns(score=pl.Series(score), said=pl.Series((score > y.mean()).astype(np.int64)))


def ours(case: Case, reference: Any, windows: list[Any], broken: Counter[str], *, timed: bool) -> list[dict[str, Any]]:
    """Return what was estimated and realised of each window and metric; count the conditions that did not hold."""
    import numpy as np

    from assay.evaluation.estimation.estimator import Columns, fit, realised

    columns = Columns(
        label="label", prediction="said", score="score" if case.task == "binary" else "",
        features=case.features, time="at" if timed else "",
    )  # fmt: skip
    metrics, rng = METRICS[case.task], np.random.default_rng(7)
    estimator = fit(reference, columns=columns, task=case.task, metrics=metrics, rng=rng)  # type: ignore[arg-type]
    found = []
    for number, window in enumerate(windows):
        seen = estimator.estimate(window.drop("label"), rng=rng)
        truth = realised(window, columns=columns, task=case.task, metrics=metrics)  # type: ignore[arg-type]
        broken.update(condition.name for condition in seen.broken)
        for one in seen.metrics:
            found.append({
                "window": number, "metric": one.metric, "real": truth[one.metric].value, "before": one.reference.value,
                "value": one.estimate.value, "low": one.estimate.low, "high": one.estimate.high,
            })  # fmt: skip
    return found


def theirs(case: Case, reference: Any, windows: list[Any], python: str) -> dict[tuple[int, str], dict[str, float]]:
    """Return NannyML's estimates by window and metric, from a process in its own environment."""
    import polars as pl

    with tempfile.TemporaryDirectory() as folder:
        reference.drop("at").write_csv(Path(folder, "reference.csv"))
        pl.concat(windows).drop("at").write_csv(Path(folder, "current.csv"))
        told = {"task": case.task, "features": case.features, "window": case.window, "metrics": METRICS[case.task]}
        Path(folder, "told.json").write_text(json.dumps(told))
        done = subprocess.run(
            [python, str(Path(__file__).resolve()), "--peer", folder], capture_output=True, text=True, timeout=1200,
            env={**os.environ, "NML_DISABLE_USAGE_LOGGING": "1"}, check=False, cwd=folder,
        )  # fmt: skip
    if done.returncode != 0:
        print(
            f"NannyML failed on {case.name}: {(done.stderr.strip().splitlines() or ['no output'])[-1][:200]}",
            file=sys.stderr,
        )
        return {}
    return {(row["window"], row["metric"]): row for row in json.loads(done.stdout.strip().splitlines()[-1])}


def peer(folder: str) -> None:
    """Print what NannyML estimates, as JSON; this runs in its environment, where Assay is not."""
    import warnings

    warnings.filterwarnings("ignore")
    import nannyml
    import pandas as pd

    told = json.loads(Path(folder, "told.json").read_text())
    reference, current = (pd.read_csv(Path(folder, f"{side}.csv")) for side in ("reference", "current"))
    names = {PEERS.get(name, name): name for name in told["metrics"]}
    usual = {"y_pred": "said", "y_true": "label", "metrics": list(names), "chunk_size": told["window"]}
    if told["task"] == "regression":
        estimator = nannyml.DLE(feature_column_names=list(told["features"]), **usual)
    else:
        estimator = nannyml.CBPE(y_pred_proba="score", problem_type="classification_binary", **usual)
    estimator.fit(reference)
    frame = estimator.estimate(current).filter(period="analysis").to_df()
    rows = [
        {"window": number, "metric": mine, "value": row[(name, "value")], "low": row[(name, "lower_confidence_boundary")],
         "high": row[(name, "upper_confidence_boundary")]}
        for number, row in frame.iterrows() for name, mine in names.items()
    ]  # fmt: skip
    print(json.dumps(rows, default=float))


def rows_of(case: Case, order: str, folder: Path, told: argparse.Namespace) -> Iterator[list[str]]:
    """Yield the table's rows of one dataset in one order: by time it has one, others are tried several times."""
    found: list[dict[str, Any]] = []
    broken: Counter[str] = Counter()
    seconds = 0.0
    for seed in range(1 if order == "in time" else told.times):
        reference, windows = prepared(case, folder, order, seed=seed)
        begun = time.process_time()
        mine = ours(case, reference, windows, broken, timed=order == "in time")
        seconds += time.process_time() - begun
        other = theirs(case, reference, windows, told.nannyml) if told.nannyml else {}
        found += [{**one, "peer": other.get((one["window"], one["metric"]))} for one in mine]
    for metric in METRICS[case.task]:
        some = [o for o in found if o["metric"] == metric and o["real"] is not None and o["value"] is not None]
        peers = [(o["real"], o["peer"]) for o in some if o["peer"]]
        yield [
            case.name, order, metric, str(len(some)), _mean(abs(o["real"] - o["before"]) for o in some),
            _mean(abs(o["real"] - o["value"]) for o in some), _mean(abs(real - p["value"]) for real, p in peers),
            _share(o["low"] <= o["real"] <= o["high"] for o in some), _mean(o["high"] - o["low"] for o in some),
            _share(p["low"] <= real <= p["high"] for real, p in peers), _mean(p["high"] - p["low"] for _, p in peers),
            f"{seconds:.1f}", "; ".join(f"{name} ({times})" for name, times in sorted(broken.items())),
        ]  # fmt: skip


def _mean(values: Iterator[float]) -> str:
    found = list(values)
    return f"{sum(found) / len(found):.4g}" if found else ""


def _share(values: Iterator[bool]) -> str:
    found = list(values)
    return f"{sum(found)}/{len(found)}" if found else ""


HEADINGS = (
    "data", "rows", "metric", "windows", "constant", "Assay", "NannyML", "Assay's 0.95 held", "its width", "NannyML's band held",
    "its width", "CPU s", "conditions broken (windows)",
)  # fmt: skip


def main() -> None:
    """Run what is asked for and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.estimation", description=__doc__)
    parser.add_argument("--data", type=Path, help="the folder of the datasets")
    parser.add_argument("--nannyml", default="", help="the Python of an environment with NannyML")
    parser.add_argument("--times", type=int, default=3, help="how often rows are shuffled anew")
    parser.add_argument("--orders", default=",".join(ORDERS))
    parser.add_argument("--only", default="", help="the datasets, all by default")
    parser.add_argument("--peer", default="", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.peer:
        peer(told.peer)
        return
    if told.data is None:
        parser.error("give --data FOLDER")
    print(
        "Mean absolute error of the estimated metric over windows, and how many windows' intervals held the realised one.\n"
    )
    writer = csv.writer(sys.stdout, delimiter="|", lineterminator="|\n", quoting=csv.QUOTE_NONE, escapechar="\\")
    for row in (HEADINGS, ["---"] * len(HEADINGS)):
        writer.writerow(["", *row])
    for case in _cases():
        for order in told.orders.split(",") if not told.only or case.name in told.only.split(",") else ():
            for row in rows_of(case, order, told.data, told):
                writer.writerow(["", *row])
            sys.stdout.flush()


if __name__ == "__main__":
    main()
