"""XGBoost, LightGBM and CatBoost: objects, boosters and files, with names, categories, and what their numbers mean."""

from __future__ import annotations

from pathlib import Path

import catboost
import lightgbm
import numpy as np
import pandas as pd
import polars as pl
import pytest
import xgboost

from assay.errors import DataError, UsageError
from assay.evaluation.models.opening import open_model
from assay.evaluation.models.options import ModelOptions
from evaluation.models.rows import amounts, binary, features, matrix, mixed, numbers, three

PANDAS = features().to_pandas()
KINDS = mixed().to_pandas().astype({"kind": "category"})[["a", "kind"]]


def xgb(task: str = "binary") -> object:
    if task == "regression":
        return xgboost.XGBRegressor(n_estimators=5).fit(PANDAS, amounts())
    return xgboost.XGBClassifier(n_estimators=5).fit(PANDAS, binary() if task == "binary" else three())


def lgb(task: str = "binary") -> object:
    if task == "regression":
        return lightgbm.LGBMRegressor(n_estimators=5, verbose=-1).fit(PANDAS, amounts())
    return lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(PANDAS, binary() if task == "binary" else three())


def cat(task: str = "binary", **more: object) -> object:
    told = {"iterations": 5, "verbose": 0, "allow_writing_files": False, **more}
    if task == "regression":
        return catboost.CatBoostRegressor(**told).fit(PANDAS, amounts())
    return catboost.CatBoostClassifier(**told).fit(PANDAS, binary() if task == "binary" else three())


def saved(model: object, path: Path) -> Path:
    if path.suffix == ".txt":
        model.booster_.save_model(path)
    else:
        model.save_model(path)
    return path


LIBRARIES = {"xgboost": xgb, "lightgbm": lgb, "catboost": cat}
FILES = [("xgboost", "m.json"), ("xgboost", "m.ubj"), ("lightgbm", "m.txt"), ("catboost", "m.cbm")]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_a_classifier_says_what_its_library_says(library: str, task: str):
    model = LIBRARIES[library](task)

    found = open_model(model).predict(numbers())

    np.testing.assert_allclose(found.scores, model.predict_proba(PANDAS), rtol=1e-6)
    np.testing.assert_array_equal(found.predictions, np.ravel(model.predict(PANDAS)))
    assert found.classes == ((0, 1) if task == "binary" else (0, 1, 2))


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_regression_says_what_its_library_says(library: str):
    model = LIBRARIES[library]("regression")

    found = open_model(model).predict(numbers())

    np.testing.assert_allclose(found.predictions, model.predict(PANDAS), rtol=1e-6)
    assert (open_model(model).kind, found.scores) == (library, None)


@pytest.mark.parametrize(("library", "name"), FILES)
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_file_says_what_its_library_says(library: str, name: str, task: str, tmp_path: Path):
    model = LIBRARIES[library](task)
    path = saved(model, tmp_path / name)

    opened = open_model(str(path))
    found = opened.predict(numbers().select("b", "a", "id"))

    if task == "regression":
        np.testing.assert_allclose(found.predictions, model.predict(PANDAS), rtol=1e-6)
    else:
        np.testing.assert_allclose(found.scores, model.predict_proba(PANDAS), rtol=1e-6)
        assert found.classes == tuple(range(found.scores.shape[1]))
    assert (opened.name, opened.features, opened.size().bytes) == (name, ("a", "b"), path.stat().st_size)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_missing_column_is_named(library: str):
    with pytest.raises(DataError, match=r"takes 'b', which the data does not have; there are: id, a"):
        open_model(LIBRARIES[library]()).predict(numbers().drop("b"))


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_text_column_is_refused_where_the_model_takes_numbers(library: str):
    with pytest.raises(DataError, match=r"takes numbers there: 'b' holds String"):
        open_model(LIBRARIES[library]()).predict(numbers().with_columns(b=pl.lit("x")))


@pytest.mark.parametrize("library", LIBRARIES)
def test_missing_numbers_are_missing_to_the_library(library: str):
    model = LIBRARIES[library]()
    gaps = numbers().with_columns(b=pl.when(pl.col("id") % 3 > 0).then(pl.col("b")))

    found = open_model(model).predict(gaps)

    np.testing.assert_allclose(found.scores, model.predict_proba(gaps.select("a", "b").to_pandas()), rtol=1e-6)


@pytest.mark.parametrize("library", LIBRARIES)
def test_nan_out_of_a_model_is_refused_and_counted(library: str, monkeypatch: pytest.MonkeyPatch):
    model = LIBRARIES[library]("regression")
    booster = model.get_booster() if library == "xgboost" else model.booster_ if library == "lightgbm" else model
    monkeypatch.setattr(type(booster), "predict", lambda *_, **__: np.full(240, np.nan))

    with pytest.raises(DataError, match=r"240 of the model's 240 predictions are NaN or missing"):
        open_model(booster).predict(numbers())


def with_categories(library: str) -> object:
    if library == "xgboost":
        return xgboost.XGBClassifier(n_estimators=5, enable_categorical=True).fit(KINDS, binary())
    if library == "lightgbm":
        return lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, min_data_per_group=1).fit(KINDS, binary())
    told = {"iterations": 5, "verbose": 0, "allow_writing_files": False, "cat_features": ["kind"]}
    return catboost.CatBoostClassifier(**told).fit(KINDS, binary())


@pytest.mark.parametrize(("library", "name"), FILES)
@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(["coupon", "cash", "card"])])
def test_categories_are_matched_by_their_names(library: str, name: str, dtype: pl.DataType, tmp_path: Path):
    model = with_categories(library)
    path = saved(model, tmp_path / name)
    some = (
        mixed().filter(pl.col("kind") != "cash").with_columns(pl.col("kind").cast(dtype))
    )  # other codes by themselves

    found = open_model(path).predict(some)

    by_hand = model.predict_proba(KINDS)[(KINDS["kind"] != "cash").to_numpy()]
    np.testing.assert_allclose(found.scores, by_hand, rtol=1e-6)
    assert len(np.unique(found.scores)) > 4


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_whole_numbers_may_be_categories(library: str):
    codes = KINDS.assign(kind=pd.Categorical(KINDS["kind"].cat.codes.astype("int64") * 10))
    model = with_categories(library).fit(codes, binary())
    frame = pl.DataFrame({"a": codes["a"].to_numpy(), "kind": codes["kind"].astype("int64").to_numpy()})

    found = open_model(model).predict(frame)

    np.testing.assert_allclose(found.scores, model.predict_proba(codes), rtol=1e-6)


def test_an_unseen_category_is_missing_to_lightgbm():
    model = with_categories("lightgbm")

    unseen = open_model(model).predict(mixed().with_columns(kind=pl.lit("gold")))

    lost = KINDS.assign(kind=pd.Categorical([None] * len(KINDS), categories=["card"]))
    np.testing.assert_allclose(unseen.scores, model.predict_proba(lost), rtol=1e-6)


def test_a_missing_category_is_refused_for_catboost():
    with pytest.raises(DataError, match=r"CatBoost takes no missing categories: 'kind' has 240; fill them"):
        open_model(with_categories("catboost")).predict(mixed().with_columns(kind=pl.lit(None, dtype=pl.String)))


def test_categories_of_a_model_trained_on_codes_may_be_told():
    codes = KINDS.assign(kind=KINDS["kind"].cat.codes)  # card 0, cash 1, coupon 2
    model = xgboost.XGBClassifier(n_estimators=5, enable_categorical=True, feature_types=["q", "c"]).fit(
        codes.to_numpy(), binary()
    )
    told = ModelOptions(categories={"kind": ("card", "cash", "coupon")})

    found = open_model(model, features=["a", "kind"], options=told).predict(mixed())

    np.testing.assert_allclose(found.scores, model.predict_proba(codes.to_numpy()), rtol=1e-6)


@pytest.mark.parametrize(("library", "name"), FILES)
def test_a_model_trained_on_a_matrix_takes_the_features_in_their_order(library: str, name: str, tmp_path: Path):
    model = LIBRARIES[library]()
    model.fit(matrix("a", "b"), binary())
    path = saved(model, tmp_path / name)

    with pytest.raises(UsageError, match=r"does not name its 2 columns; give features"):
        open_model(path)
    found = open_model(path, features=["a", "b"]).predict(numbers())

    np.testing.assert_allclose(found.scores, model.predict_proba(matrix("a", "b")), rtol=1e-6)
    assert "the model does not name its columns" in found.notes[0]


@pytest.mark.parametrize(("library", "name"), FILES)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_that_is_cut_is_refused(library: str, name: str, share: float, tmp_path: Path):
    path = saved(LIBRARIES[library](), tmp_path / name)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(DataError, match=rf"{name}: it is no (XGBoost|LightGBM|CatBoost) model"):
        open_model(path)


@pytest.mark.parametrize("name", ["m.json", "m.txt", "m.cbm"])
def test_a_broken_file_is_an_error_that_names_it(name: str, tmp_path: Path):
    (tmp_path / name).write_text("{}")

    with pytest.raises(DataError, match=rf"{name}: it is no (XGBoost|LightGBM|CatBoost) model"):
        open_model(tmp_path / name)


def test_lightgbm_turns_blanks_of_names_into_lines_below():
    frame = PANDAS.rename(columns={"a": "first number", "b": "b"})
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(frame, binary())

    found = open_model(model).predict(pl.from_pandas(frame))

    np.testing.assert_allclose(found.scores, model.predict_proba(frame), rtol=1e-6)


def test_a_booster_says_only_scores():
    found = open_model(xgb().get_booster()).predict(numbers())

    assert found.predictions is None
    assert found.scores.shape == (240, 2)


@pytest.mark.parametrize(
    ("objective", "by_hand"),
    [
        ("binary:logitraw", lambda margin: 1 / (1 + np.exp(-margin.astype(float)))),
        ("binary:logistic", lambda p: p),
    ],
)
def test_the_objective_of_a_booster_says_what_its_numbers_are(objective: str, by_hand):
    data = xgboost.DMatrix(PANDAS, label=binary())
    booster = xgboost.train({"objective": objective}, data, num_boost_round=5)

    found = open_model(booster).predict(numbers())

    np.testing.assert_allclose(found.scores[:, 1], by_hand(booster.predict(data)), rtol=1e-6)


@pytest.mark.parametrize(("objective", "y"), [("binary:hinge", binary()), ("multi:softmax", three())])
def test_a_booster_of_classes_says_classes(objective: str, y: np.ndarray):
    data = xgboost.DMatrix(PANDAS, label=y)
    more = {"num_class": 3} if objective == "multi:softmax" else {}
    booster = xgboost.train({"objective": objective, **more}, data, num_boost_round=5)

    found = open_model(booster).predict(numbers())

    np.testing.assert_array_equal(found.predictions, booster.predict(data))
    assert found.scores is None


def test_a_training_that_stopped_early_is_used_up_to_its_best_round(tmp_path: Path):
    noise = np.random.default_rng(1).integers(0, 2, 240)
    model = xgboost.XGBClassifier(n_estimators=50, early_stopping_rounds=3, learning_rate=1.0)
    model.fit(PANDAS, binary(), eval_set=[(PANDAS, noise)], verbose=False)
    path = saved(model, tmp_path / "m.json")

    found = open_model(path).predict(numbers())

    np.testing.assert_allclose(found.scores, model.predict_proba(PANDAS), rtol=1e-6)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    assert "stopped early: the first" in found.notes[0]


def test_classes_of_an_object_keep_their_names():
    said = np.array(["low", "middle", "high"])[three()]
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(PANDAS, said)

    found = open_model(model).predict(numbers())

    assert found.classes == ("high", "low", "middle")
    np.testing.assert_array_equal(found.predictions, model.predict(PANDAS))


def test_classes_of_catboost_keep_their_names(tmp_path: Path):
    said = np.array(["low", "middle", "high"])[three()]
    model = catboost.CatBoostClassifier(iterations=5, verbose=0, allow_writing_files=False).fit(PANDAS, said)

    found = open_model(saved(model, tmp_path / "m.cbm")).predict(numbers())

    assert found.classes == ("high", "low", "middle")
    np.testing.assert_array_equal(found.predictions, np.ravel(model.predict(PANDAS)))


LABELS = np.column_stack([binary(), three() == 1]).astype(int)


@pytest.mark.parametrize("library", ["xgboost", "catboost"])
def test_several_labels_have_a_score_each(library: str):
    told = {"iterations": 5, "verbose": 0, "allow_writing_files": False, "loss_function": "MultiLogloss"}
    model = catboost.CatBoostClassifier(**told) if library == "catboost" else xgboost.XGBClassifier(n_estimators=5)
    model.fit(PANDAS, LABELS)

    found = open_model(model if library == "catboost" else model.get_booster()).predict(numbers())

    by_hand = (
        model.predict(PANDAS, prediction_type="Probability") if library == "catboost" else model.predict_proba(PANDAS)
    )
    np.testing.assert_allclose(found.scores, by_hand, rtol=1e-6)
    assert found.scores.shape == (240, 2)


def test_quantiles_keep_their_levels():
    model = xgboost.XGBRegressor(n_estimators=5, objective="reg:quantileerror", quantile_alpha=[0.1, 0.5, 0.9])
    model.fit(PANDAS, amounts())

    found = open_model(model, options=ModelOptions(classes=(0.1, 0.5, 0.9))).predict(numbers())

    np.testing.assert_allclose(found.predictions, model.predict(PANDAS), rtol=1e-6)
    assert found.classes == (0.1, 0.5, 0.9)


def test_numbers_that_never_split_are_no_categories():
    frame = KINDS.assign(flat=1.0, other=KINDS["kind"].cat.rename_categories(str.upper))[["flat", "kind", "a", "other"]]
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(frame, binary())
    rows = mixed().with_columns(flat=pl.lit(1.0), other=pl.col("kind").str.to_uppercase())

    found = open_model(model).predict(rows)

    np.testing.assert_allclose(found.scores, model.predict_proba(frame), rtol=1e-6)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda text: text[:300], "it is cut: the end of its trees is missing"),
        (lambda text: text.replace("leaf_value=", "leaf_value=1 "), r"its trees take [\d,]+ bytes, and it says [\d,]+"),
        (lambda text: text.replace("version=v4", "version=x9").replace("num_class=", "nm_class="), "number of classes"),
    ],
)
def test_a_lightgbm_file_that_is_damaged_is_refused(harm, message: str, tmp_path: Path):
    path = saved(lgb(), tmp_path / "m.txt")
    path.write_text(harm(path.read_text()))

    with pytest.raises(DataError, match=rf"m.txt: it is no LightGBM model: .*{message}"):
        open_model(path)
