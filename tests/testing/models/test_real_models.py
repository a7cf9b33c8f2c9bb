"""Real models under every contract: none of them may fail for no reason, and those that fail are named with theirs."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import (
    calibration,
    cluster,
    compose,
    discriminant_analysis,
    ensemble,
    gaussian_process,
    impute,
    linear_model,
    model_selection,
    multiclass,
    naive_bayes,
    neighbors,
    neural_network,
    preprocessing,
    svm,
    tree,
)  # fmt: skip
from sklearn.datasets import load_diabetes, load_iris
from sklearn.pipeline import make_pipeline

from assay.evaluation.models.options import ModelOptions
from assay.testing.contract import run_contracts
from assay.testing.models.declared import model
from assay.testing.models.table import MODEL_CONTRACTS
from assay.verdict import Verdict

IRIS, SPECIES = load_iris(as_frame=True, return_X_y=True)
SPECIES = SPECIES.map({0: "setosa", 1: "versicolor", 2: "virginica"})
IRIS.columns = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
PATIENTS, PROGRESS = load_diabetes(as_frame=True, return_X_y=True)
PATIENTS, PROGRESS = PATIENTS[:150], PROGRESS[:150]
VIRGINICA = (SPECIES == "virginica").astype(int)


def mixed() -> tuple[pd.DataFrame, pd.Series]:
    """Return customers with numbers, gaps and texts, and whether they left."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 80, 200),
            "country": rng.choice(["de", "fr", "us"], 200),
            "score": rng.normal(size=200),
        }
    )
    left = ((frame["score"] > 0) | (frame["age"] > 60)).astype(int)
    frame.loc[::9, "score"] = np.nan
    return frame, left


def scaled(estimator: Any) -> Any:
    return make_pipeline(preprocessing.StandardScaler(), estimator)


def encoded(estimator: Any) -> Any:
    numbers = make_pipeline(impute.SimpleImputer(), preprocessing.StandardScaler())
    columns = compose.make_column_transformer(
        (numbers, ["age", "score"]), (preprocessing.OneHotEncoder(handle_unknown="ignore"), ["country"])
    )
    return make_pipeline(columns, estimator)


CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "logistic": lambda: scaled(linear_model.LogisticRegression()),
    "sgd": lambda: scaled(linear_model.SGDClassifier(random_state=0)),
    "ridge": lambda: scaled(linear_model.RidgeClassifier()),
    "svc": lambda: scaled(svm.SVC()),
    "linear svc": lambda: scaled(svm.LinearSVC()),
    "neighbours": lambda: scaled(neighbors.KNeighborsClassifier()),
    "naive bayes": naive_bayes.GaussianNB,
    "tree": lambda: tree.DecisionTreeClassifier(random_state=0),
    "forest in threads": lambda: ensemble.RandomForestClassifier(10, random_state=0, n_jobs=2),
    "extra trees": lambda: ensemble.ExtraTreesClassifier(10, random_state=0),
    "gradient boosting": lambda: ensemble.GradientBoostingClassifier(n_estimators=5, random_state=0),
    "histograms": lambda: ensemble.HistGradientBoostingClassifier(max_iter=5),
    "adaboost": lambda: ensemble.AdaBoostClassifier(n_estimators=5, random_state=0),
    "bagging": lambda: ensemble.BaggingClassifier(random_state=0),
    "voting": lambda: ensemble.VotingClassifier([("a", naive_bayes.GaussianNB()), ("b", tree.DecisionTreeClassifier())], voting="soft"),
    "stacking": lambda: ensemble.StackingClassifier([("a", naive_bayes.GaussianNB())], cv=2),
    "discriminant": discriminant_analysis.LinearDiscriminantAnalysis,
    "perceptrons": lambda: scaled(neural_network.MLPClassifier((8,), solver="lbfgs", max_iter=500, random_state=0)),
    "calibrated": lambda: calibration.CalibratedClassifierCV(scaled(svm.LinearSVC()), cv=2),
    "one against the rest": lambda: multiclass.OneVsRestClassifier(scaled(linear_model.LogisticRegression())),
    "search": lambda: model_selection.GridSearchCV(tree.DecisionTreeClassifier(random_state=0), {"max_depth": [2, 3]}, cv=2),
}  # fmt: skip
REGRESSORS: dict[str, Callable[[], Any]] = {
    "least squares": linear_model.LinearRegression,
    "lasso": lambda: linear_model.Lasso(0.1),
    "poisson": lambda: scaled(linear_model.PoissonRegressor(max_iter=1000)),
    "svr": lambda: scaled(svm.SVR(C=100)),
    "forest": lambda: ensemble.RandomForestRegressor(10, random_state=0),
    "gaussian process": lambda: gaussian_process.GaussianProcessRegressor(alpha=0.1, normalize_y=True, optimizer=None),
    "logarithm of the target": lambda: compose.TransformedTargetRegressor(linear_model.Ridge(0.1), func=np.log1p, inverse_func=np.expm1),
}  # fmt: skip


def fitted(estimator: Any, rows: Any, labels: Any = None) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence: how well they learn is not judged
        return estimator.fit(rows, labels)


def broken(subject: Any, rows: Any) -> dict[str, str]:
    """Return what is neither kept nor skipped, and why."""
    outcomes = run_contracts(MODEL_CONTRACTS, subject, rows)
    assert sum(outcome.verdict is Verdict.PASS for outcome in outcomes) >= 12
    return {o.check: o.why for o in outcomes if o.verdict not in (Verdict.PASS, Verdict.SKIP)}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_of_scikit_learn_keeps_every_contract(name: str):
    made = fitted(CLASSIFIERS[name](), IRIS, SPECIES)

    assert broken(model(made, labels=SPECIES.to_numpy()), IRIS) == {}


@pytest.mark.parametrize("name", REGRESSORS)
def test_a_regressor_of_scikit_learn_keeps_every_contract(name: str):
    made = fitted(REGRESSORS[name](), PATIENTS, PROGRESS)

    assert broken(model(made, labels=PROGRESS.to_numpy()), PATIENTS) == {}


@pytest.mark.parametrize(
    "last", [linear_model.LogisticRegression(), ensemble.RandomForestClassifier(10, random_state=0)]
)
def test_a_pipeline_of_numbers_gaps_and_texts_keeps_every_contract(last: Any):
    frame, left = mixed()

    subject = model(fitted(encoded(last), frame, left), labels=left.to_numpy(), missing="accept")

    assert broken(subject, frame) == {}


@pytest.mark.parametrize(
    "made", [ensemble.IsolationForest(n_estimators=10, random_state=0), cluster.KMeans(3, n_init=1, random_state=0)]
)
def test_a_model_without_labels_keeps_every_contract(made: Any):
    assert broken(model(fitted(made, IRIS)), IRIS) == {}


def test_a_model_of_an_array_keeps_every_contract():
    made = fitted(scaled(linear_model.LogisticRegression()), IRIS.to_numpy(), VIRGINICA)

    assert broken(model(made, labels=VIRGINICA.to_numpy()), IRIS.to_numpy()) == {}


def lightgbm(**settings: Any) -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1, **settings)


def test_xgboost_keeps_every_contract():
    from xgboost import DMatrix, XGBClassifier, XGBRegressor, train

    labels = VIRGINICA.to_numpy()
    of_classes = XGBClassifier(n_estimators=5, n_jobs=1).fit(IRIS, labels)
    of_values = XGBRegressor(n_estimators=5, n_jobs=1).fit(PATIENTS, PROGRESS)
    booster = train({"objective": "binary:logistic", "nthread": 1}, DMatrix(IRIS, labels), 5)

    assert broken(model(of_classes, labels=labels), IRIS) == {}
    assert broken(model(of_values, labels=PROGRESS.to_numpy()), PATIENTS) == {}
    assert broken(model(booster, labels=labels), IRIS) == {}


def test_catboost_keeps_every_contract():
    from catboost import CatBoostClassifier, CatBoostRegressor

    quiet = {"iterations": 20, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
    of_classes = CatBoostClassifier(**quiet).fit(IRIS, VIRGINICA)
    of_values = CatBoostRegressor(**quiet).fit(PATIENTS, PROGRESS)

    assert broken(model(of_classes, labels=VIRGINICA.to_numpy()), IRIS) == {}
    assert broken(model(of_values, labels=PROGRESS.to_numpy()), PATIENTS) == {}


def test_lightgbm_reads_columns_by_their_place_whatever_their_names():
    subject = model(lightgbm().fit(IRIS, VIRGINICA), labels=VIRGINICA.to_numpy())

    assert list(broken(subject, IRIS)) == ["column_order"]


def test_lightgbm_of_an_array_keeps_every_contract():
    array = IRIS.to_numpy()

    assert broken(model(lightgbm().fit(array, VIRGINICA), labels=VIRGINICA.to_numpy()), array) == {}


def test_a_graph_of_onnx_keeps_every_contract(tmp_path: Path):
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    made = fitted(scaled(linear_model.LogisticRegression()), IRIS.to_numpy(), VIRGINICA)
    graph = convert_sklearn(
        made, initial_types=[("X", FloatTensorType([None, 4]))], options={id(made): {"zipmap": False}}
    )
    (tmp_path / "m.onnx").write_bytes(graph.SerializeToString())

    assert broken(model(tmp_path / "m.onnx", labels=VIRGINICA.to_numpy(), features=IRIS.columns.tolist()), IRIS) == {}
    assert broken(model(tmp_path / "m.onnx", labels=VIRGINICA.to_numpy()), IRIS.to_numpy()) == {}


@pytest.mark.parametrize("suffix", ["joblib", "skops"])
def test_a_file_keeps_every_contract(tmp_path: Path, suffix: str):
    import joblib
    import skops.io

    path = tmp_path / f"m.{suffix}"
    made = fitted(scaled(linear_model.LogisticRegression()), IRIS, VIRGINICA)
    (joblib.dump if suffix == "joblib" else skops.io.dump)(made, path)

    assert broken(model(path, labels=VIRGINICA.to_numpy(), trust=True), IRIS) == {}


@pytest.mark.real_part("torch")
def test_a_network_of_torch_keeps_every_contract():
    import torch

    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Dropout(0.2), torch.nn.Linear(8, 2)
    )
    rows, labels = torch.tensor(IRIS.to_numpy(), dtype=torch.float32), torch.tensor(VIRGINICA.to_numpy())
    steps = torch.optim.Adam(net.parameters(), 0.05)
    for _ in range(60):
        steps.zero_grad()
        torch.nn.functional.cross_entropy(net(rows), labels).backward()
        steps.step()
    told = ModelOptions(meaning="logit", classes=(0, 1))

    assert broken(model(net, labels=VIRGINICA.to_numpy(), options=told), IRIS) == {}
    assert net.training  # as it was


# Real models that really break a contract -----------------------------------------------------------------------------


def test_the_nearest_centroid_is_not_the_class_of_its_greatest_probability():
    subject = model(neighbors.NearestCentroid().fit(IRIS, SPECIES), labels=SPECIES.to_numpy())

    found = broken(subject, IRIS)

    assert list(found) == ["labels_agree"]
    assert "labels are not the class of the greatest probability" in found["labels_agree"]


def test_a_tuned_threshold_is_one_that_the_labels_alone_know():
    frame, left = mixed()
    made = model_selection.TunedThresholdClassifierCV(encoded(linear_model.LogisticRegression()), cv=3).fit(frame, left)

    outcome = MODEL_CONTRACTS["labels_agree"](model(made), frame)

    assert outcome.verdict is Verdict.FAIL
    assert MODEL_CONTRACTS["labels_agree"](model(made), frame, threshold=made.best_threshold_)


def test_naive_bayes_of_yes_and_no_is_constant_on_lengths_which_are_all_above_nought():
    made = naive_bayes.BernoulliNB().fit(IRIS, SPECIES)

    assert set(broken(model(made, labels=SPECIES.to_numpy()), IRIS)) == {
        "not_constant",
        "learns_ten_rows",
        "better_than_a_dummy",
    }
