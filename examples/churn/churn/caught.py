"""Each mistake of `churn.bugs` with the contract that catches it.

`python -m churn.caught centred_window` prints what the contract says of a mistake; without a name, of all of them.
"""

from __future__ import annotations

import pickle
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from assay import Outcome, feature, model, paths, pipeline, transformer
from assay.testing.explaining import explained
from assay.testing.features.table import FEATURE_CONTRACTS, PATHS_CONTRACTS, TRANSFORMER_CONTRACTS
from assay.testing.models.table import MODEL_CONTRACTS
from assay.testing.pipelines.table import PIPELINE_CONTRACTS

from churn import bugs
from churn.data import LABEL, days, known_days, split
from churn.features import (
    NUMBERS,
    fill_missing,
    learn_medians,
    rolling_avg_7d,
    scaled,
    serving_features,
    training_features,
    with_week,
)
from churn.model import FEATURES, ChurnModel
from churn.pipeline import answer, fit, predict, whole

__all__ = ["CAUGHT", "Case", "judged"]

RIGHT = partial(rolling_avg_7d, entity_col="customer")


@dataclass(frozen=True)
class Case:
    """A mistake, the right code in its place, and the contract that tells them apart: a function of either."""

    mistake: Any
    right: Any
    contract: str
    judge: Callable[[str, Any], Outcome]


def judged(name: str, *, mistake: bool = True) -> Outcome:
    """Return what the contract says of a mistake, or of the right code."""
    case = CAUGHT[name]
    return case.judge(case.contract, case.mistake if mistake else case.right)


# How each kind of code is declared and judged -------------------------------------------------------------------------


def _week(contract: str, function: Callable[..., Any]) -> Outcome:
    """Judge a function that is to average the week of each customer."""
    rows = days(customers=12, seed=3)
    rows.loc[rows.index[::17], "sales"] = float("nan")
    declared = feature(function, name=_called(function), time="date", entity="customer", columns="sales", lookback="7d")
    return FEATURE_CONTRACTS[contract](declared, rows)


def _one_customer(contract: str, function: Callable[..., Any]) -> Outcome:
    """Judge the same on the rows of one customer, as the function knows no other."""
    rows = days(customers=1, length=90, seed=3)
    return FEATURE_CONTRACTS[contract](feature(function, name=_called(function), time="date", lookback="7d"), rows)


def _scaling(contract: str, function: Callable[..., Any]) -> Outcome:
    train, test = _filled()
    declared = transformer(None, prepare=function, name=_called(function), columns=NUMBERS)
    return TRANSFORMER_CONTRACTS[contract](declared, train, new=test)


def _serving(contract: str, function: Callable[..., Any]) -> Outcome:
    parts = _parts()
    medians = learn_medians(parts["train"])
    both = paths(
        partial(training_features, medians=medians), partial(function, medians=medians), takes="record",
        name=_called(function), columns=NUMBERS,
    )  # fmt: skip
    return PATHS_CONTRACTS[contract](both, parts["test"])


def _splitting(contract: str, function: Callable[..., Any]) -> Outcome:
    path = pipeline({"fit": fit}, name=_called(function), split=function, entity="customer", key=("customer", "date"))
    return PIPELINE_CONTRACTS[contract](path, known_days())


def _step(contract: str, function: Callable[..., Any]) -> Outcome:
    """Judge the path with one more step."""
    steps = {"add the week": with_week, _called(function): function, "fit": fit}
    path = pipeline(steps, name="churn", predict=predict, label=LABEL)
    return PIPELINE_CONTRACTS[contract](path, days(customers=20, seed=3))


def _service(contract: str, function: Callable[..., Any]) -> Outcome:
    train = split(known_days())["train"]
    path = pipeline(
        whole,
        name=_called(function),
        predict=predict,
        inputs=with_week(train)[FEATURES],
        serve=partial(function, whole(train)),
    )
    return PIPELINE_CONTRACTS[contract](path, train)


def _model(contract: str, kind: type[ChurnModel]) -> Outcome:
    parts = _parts()
    made = kind().fit(parts["train"][FEATURES], parts["train"][LABEL])
    declared = model(made, name=kind.__name__, output="probability", features=FEATURES, labels=LABEL)
    return MODEL_CONTRACTS[contract](declared, parts["test"])


def _file(contract: str, kind: Callable[[], Any]) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "churn.pkl"
        path.write_bytes(pickle.dumps(kind()))
        return MODEL_CONTRACTS[contract](model(path, name=path.name, trusted="churn"))


def _parts() -> dict[str, pd.DataFrame]:
    return {name: with_week(rows) for name, rows in split(known_days()).items()}


def _filled() -> tuple[pd.DataFrame, pd.DataFrame]:
    parts = _parts()
    medians = learn_medians(parts["train"])
    return fill_missing(parts["train"], medians), fill_missing(parts["test"], medians)


def _called(function: Any) -> str:
    return str(getattr(function, "__name__", "") or function.func.__name__)


def _codes_in_order(rows: pd.DataFrame) -> pd.DataFrame:
    codes = {plan: code for code, plan in enumerate(sorted(rows["plan"].unique()))}
    return rows.assign(plan_code=rows["plan"].map(codes))


def _draws_by_the_seed(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    return rows.sample(frac=0.5, random_state=seed)


CAUGHT: dict[str, Case] = {
    "window_of_six": Case(bugs.window_of_six, RIGHT, "uses_window", _week),
    "window_of_eight": Case(bugs.window_of_eight, RIGHT, "looks_back", _week),
    "rows_for_days": Case(bugs.rows_for_days, RIGHT, "looks_back", _week),
    "published_rolling_avg_7d": Case(bugs.published_rolling_avg_7d, rolling_avg_7d, "looks_back", _one_customer),
    "centred_window": Case(bugs.centred_window, RIGHT, "no_future", _week),
    "shifted_back": Case(bugs.shifted_back, RIGHT, "no_future", _week),
    "filled_by_all": Case(bugs.filled_by_all, RIGHT, "no_future", _week),
    "ignores_the_customer": Case(bugs.ignores_the_customer, RIGHT, "keeps_entities_apart", _week),
    "fills_in_place": Case(bugs.fills_in_place, RIGHT, "keeps_input", _week),
    "scaled_together": Case(bugs.scaled_together, scaled, "fits_on_train_only", _scaling),
    "split_by_row": Case(bugs.split_by_row, split, "splits_apart", _splitting),
    "serves_its_own_default": Case(bugs.serves_its_own_default, serving_features, "skew", _serving),
    "serves_swapped": Case(bugs.serves_swapped, serving_features, "skew", _serving),
    "answers_errors_with_200": Case(bugs.answers_errors_with_200, answer, "serves", _service),
    "codes_of_a_set": Case(bugs.codes_of_a_set, _codes_in_order, "reproducible", _step),
    "draws_its_rows": Case(bugs.draws_its_rows, _draws_by_the_seed, "reproducible", _step),
    "ModelByPosition": Case(bugs.ModelByPosition, ChurnModel, "extra_features", _model),
    "ModelThatReadsTheLabel": Case(bugs.ModelThatReadsTheLabel, ChurnModel, "better_than_a_dummy", _model),
    "LoadedModel": Case(bugs.LoadedModel, ChurnModel, "safe_to_load", _file),
}


if __name__ == "__main__":
    print("\n\n".join(explained(judged(name)) for name in sys.argv[1:] or CAUGHT))
