"""Run one peer over many windows, in the peer's own environment: `PEER/bin/python bench/peers_drift.py NAME FOLDER`.

The folder holds `jobs.json`: each job names a reference, a stack of windows of equal size below one another, the name
of each window, and the columns that are judged. A line is written to `NAME.jsonl` for each window: for each column its
score, which is 1 at the peer's own threshold and greater beyond it, and whether the peer calls it drifted.

The environments, one folder each below what `--peers` names (or ASSAY_PEERS):

    evidently:  pip install evidently==0.7.23 "pandas<3" pyarrow
    nannyml:    pip install nannyml==0.13.1 statsmodels pyarrow
    alibi:      pip install alibi-detect==0.13.0 "numpy<2" "pyarrow<20"
    tfdv:       pip install tensorflow-data-validation==1.16.1 dill "setuptools<80"   (pip may search for minutes; uv does not)

What each does by default, read in the source of that version:

- Evidently 0.7.23 (`legacy/calculations/stattests/registry.py`, `_get_default_stattest`): by the rows of the reference
  column without nulls. At most 1,000: numbers KS (p <= 0.05), categories chi-squared of the window on the reference's
  shares, or a z-test of two shares (p < 0.05). More: numbers Wasserstein by the reference's standard deviation (>= 0.1),
  categories and numbers of at most five values Jensen-Shannon distance, natural logarithm (>= 0.1). A whole number of
  at most ten values is a category (`core/datasets.py`, `infer_column_type`). The table has drifted where half of its
  columns have (`drift_share`). Nothing is corrected, nulls are dropped.
- NannyML 0.13.1 (`drift/univariate/calculator.py`): Jensen-Shannon distance, base 2, for numbers (Doane's bins of the
  reference) and categories; an alert above the mean plus three standard deviations of the reference's own chunks
  (`DEFAULT_THRESHOLDS`), which here have the windows' size. Nulls are dropped. `nannyml_quality` adds its calculators of
  missing and of unseen values, whose limits are mean plus and minus three standard deviations.
- alibi-detect 0.13.0 (`cd/tabular.py`, `cd/base.py`): KS and chi-squared, p < 0.05 / columns (Bonferroni). It takes no
  nulls: here a number's are filled with the reference's median, and a category's are a category.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
os.environ["DO_NOT_TRACK"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.filterwarnings("ignore")

import pandas as pd  # noqa: E402  (after what silences it)

LEAST_P = 1e-300
Verdicts = dict[str, tuple[float, bool]]
Runner = Callable[[pd.DataFrame, pd.DataFrame, int, int], Iterator[Verdicts]]


def of_p(p: float, alpha: float) -> float:
    """Return the score of a p-value: 1 at alpha, 2 at its square."""
    return 0.0 if math.isnan(p) else math.log(max(p, LEAST_P)) / math.log(alpha)


def windows_of(stack: pd.DataFrame, size: int) -> Iterator[pd.DataFrame]:
    """Yield the windows that a stack holds."""
    for start in range(0, len(stack), size):
        yield stack.iloc[start : start + size].reset_index(drop=True)


def evidently(reference: pd.DataFrame, stack: pd.DataFrame, size: int, columns: int) -> Iterator[Verdicts]:
    """Judge with Evidently's own tests; the report around them, which only draws, is made once a size and must agree."""
    import numpy as np
    from evidently.core.datasets import infer_column_type
    from evidently.legacy.calculations.stattests import get_stattest

    kinds = {name: infer_column_type(reference[name]) for name in stack.columns}
    clean = {name: reference[name].replace([-np.inf, np.inf], np.nan).dropna() for name in kinds}
    for window in windows_of(stack, size):
        found: Verdicts = {}
        for name, kind in kinds.items():
            values = window[name].replace([-np.inf, np.inf], np.nan).dropna()
            if values.empty:
                continue  # its report stops with an error here; the other columns are still judged
            test = get_stattest(clean[name], values, kind, None)
            told = test(clean[name], values, kind, None)
            is_p = "p_value" in test.display_name
            score = of_p(told.drift_score, told.actual_threshold) if is_p else told.drift_score / told.actual_threshold
            found[name] = (float(score), bool(told.drifted))
        if len(kinds) == columns and size not in AGREED:
            must_agree_with_report(reference, window, kinds, found)
            AGREED.add(size)
        yield found


AGREED: set[int] = set()


def must_agree_with_report(reference: pd.DataFrame, window: pd.DataFrame, kinds: dict, found: Verdicts) -> None:
    """Compare with what Evidently's default preset says; raise AssertionError where it differs."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    names = list(kinds)
    definition = DataDefinition(
        numerical_columns=[n for n in names if kinds[n].value == "num"],
        categorical_columns=[n for n in names if kinds[n].value == "cat"],
    )
    sides = [Dataset.from_pandas(side[names], data_definition=definition) for side in (window, reference)]
    said = Report([DataDriftPreset()]).run(*sides).dict()["metrics"]
    drifted = sum(alarmed for _, alarmed in found.values())
    assert said[0]["value"]["count"] == drifted, (said[0], found)
    for metric in said[1:]:
        config, value = metric["config"], metric["value"]
        is_p = "p_value" in config["method"]
        score = of_p(value, config["threshold"]) if is_p else value / config["threshold"]
        assert math.isclose(score, found[config["column"]][0], rel_tol=1e-9, abs_tol=1e-12), (metric, found)


def nannyml(reference: pd.DataFrame, stack: pd.DataFrame, size: int, columns: int) -> Iterator[Verdicts]:
    """Judge with NannyML's univariate drift, the windows being its chunks."""
    from nannyml import UnivariateDriftCalculator

    made = UnivariateDriftCalculator(column_names=list(stack.columns), chunk_size=size)
    yield from of_chunks([(made, list(stack.columns), "jensen_shannon")], reference, stack, size)


def nannyml_quality(reference: pd.DataFrame, stack: pd.DataFrame, size: int, columns: int) -> Iterator[Verdicts]:
    """Judge with NannyML's univariate drift, missing values and unseen values, whichever calls first."""
    from nannyml import MissingValuesCalculator, UnivariateDriftCalculator, UnseenValuesCalculator

    names = list(stack.columns)
    texts = [name for name in names if not pd.api.types.is_numeric_dtype(reference[name])]
    made = [
        (UnivariateDriftCalculator(column_names=names, chunk_size=size), names, "jensen_shannon"),
        (MissingValuesCalculator(column_names=names, chunk_size=size), names, ""),
    ]
    if texts:
        made.append((UnseenValuesCalculator(column_names=texts, chunk_size=size), texts, ""))
    yield from of_chunks(made, reference, stack, size)


def of_chunks(made: list, reference: pd.DataFrame, stack: pd.DataFrame, size: int) -> Iterator[Verdicts]:
    """Yield what NannyML's calculators say of each chunk; a score counts three standard deviations of the reference's.

    Where the reference has no missing or unseen value, so that its limits have no width, it counts rows.
    """
    tables = []
    for calculator, names, method in made:
        result = calculator.fit(reference).calculate(stack)
        before, after = (result.filter(period=period).to_df() for period in ("reference", "analysis"))
        tables.append((names, method, before, after))
    for place in range(len(tables[0][3])):
        found: Verdicts = {}
        for names, method, before, after in tables:
            for name in names:
                keys = [(name, method, what) if method else (name, what) for what in ("value", "alert")]
                usual, value = before[keys[0]].astype(float), float(after[keys[0]].iloc[place])
                off, wide = abs(value - usual.mean()), 3 * float(usual.std(ddof=0))
                if method:
                    off = max(value - usual.mean(), 0.0)  # a distance alarms only above
                score = off / max(wide, 1e-12 if method else 1 / size)
                alarmed = bool(after[keys[1]].iloc[place])
                known = found.get(name, (0.0, False))
                found[name] = (max(known[0], 0.0 if math.isnan(score) else score), known[1] or alarmed)
        yield found


def alibi(reference: pd.DataFrame, stack: pd.DataFrame, size: int, columns: int) -> Iterator[Verdicts]:
    """Judge with alibi-detect's tabular detector; `columns` is how many its Bonferroni correction counts."""
    import numpy as np
    from alibi_detect.cd import TabularDrift

    names = list(stack.columns)
    texts = [place for place, name in enumerate(names) if not pd.api.types.is_numeric_dtype(reference[name])]
    codes = {}
    for place in texts:
        both = pd.concat([reference[names[place]], stack[names[place]]]).astype(object).fillna("(missing)")
        codes[place] = {value: code for code, value in enumerate(dict.fromkeys(both))}

    def numbers(frame: pd.DataFrame) -> np.ndarray:
        made = np.empty((len(frame), len(names)))
        for place, name in enumerate(names):
            if place in codes:
                made[:, place] = frame[name].astype(object).fillna("(missing)").map(codes[place])
            else:
                made[:, place] = frame[name].astype(float).fillna(reference[name].median())
        return made

    detector = TabularDrift(numbers(reference), p_val=0.05, categories_per_feature=dict.fromkeys(texts) or None)
    alpha = 0.05 / columns
    for window in windows_of(stack, size):
        p_values, _ = detector.score(numbers(window))
        yield {name: (of_p(float(p), alpha), bool(p < alpha)) for name, p in zip(names, p_values, strict=True)}


RUNNERS: dict[str, Runner] = {r.__name__: r for r in (evidently, nannyml, nannyml_quality, alibi)}


def main() -> None:
    """Run every job of a folder, or as many as the limit of seconds lets."""
    parser = argparse.ArgumentParser(prog="peers_drift.py")
    parser.add_argument("name", choices=RUNNERS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=float, default=math.inf)
    told = parser.parse_args()
    begun, kept = time.monotonic(), (None, None)
    with open(told.folder / f"{told.name}.jsonl", "w", encoding="utf-8") as out:
        for job in json.loads((told.folder / "jobs.json").read_text()):
            if time.monotonic() - begun > told.limit:
                print(f"{told.name}: stopped after {told.limit:.0f} s", file=sys.stderr)
                break
            if kept[0] != job["reference"]:
                kept = (job["reference"], pd.read_parquet(told.folder / job["reference"]))
            reference, stack = kept[1], pd.read_parquet(told.folder / job["stack"])
            assert reference is not None
            found = RUNNERS[told.name](reference, stack, job["size"], reference.shape[1])
            named = zip(job["windows"], found, strict=True)
            out.writelines(json.dumps({"window": name, "columns": verdicts}) + "\n" for name, verdicts in named)
            out.flush()


if __name__ == "__main__":
    main()
