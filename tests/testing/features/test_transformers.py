"""Scalers and other transformers: what they learn from, and that they keep to it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

from assay.errors import UsageError
from assay.testing.contract import run_contracts
from assay.testing.explaining import explained
from assay.testing.features.scaling import (
    fits_on_train_only,
    fits_the_same_twice,
    leaves_input,
    same_transformation,
    standardizes,
    survives_round_trip,
    transformer,
    was_fitted_on_train,
)  # fmt: skip
from assay.testing.features.table import TRANSFORMER_CONTRACTS
from assay.verdict import Verdict

RNG = np.random.default_rng(5)
TABLE = pd.DataFrame(RNG.normal([5.0, 100.0, -3.0], [2.0, 30.0, 0.1], (120, 3)), columns=["a", "b", "c"])
TRAIN, TEST = TABLE[:80].reset_index(drop=True), TABLE[80:].reset_index(drop=True)
WITH_NULLS = TABLE.mask(RNG.random(TABLE.shape) < 0.1)
CITIES = pd.DataFrame({"city": RNG.choice(["x", "y", "z"], 120), "sold": RNG.integers(0, 2, 120)})


@pytest.mark.parametrize(
    ("made", "data"),
    [
        (transformer(StandardScaler(), standard=True), TABLE),
        (transformer(StandardScaler, standard=True), TABLE.to_numpy()),
        (transformer(make_pipeline(SimpleImputer(), StandardScaler()), standard=True), WITH_NULLS),
        (transformer(MinMaxScaler()), TABLE),
        (transformer(RobustScaler()), TABLE),
        (transformer(PCA(2)), TABLE),
        (transformer(QuantileTransformer(n_quantiles=20)), TABLE),
        (transformer(OneHotEncoder(handle_unknown="ignore"), columns="city"), CITIES),
        (transformer(OrdinalEncoder(), columns="city"), CITIES),
        (transformer(lambda: TargetEncoder(random_state=0), columns="city", target="sold", name="target"), CITIES),
        (transformer(StandardScaler(), standard=True), pl.from_pandas(TABLE)),
    ],
    ids=lambda made: getattr(made, "name", ""),
)
def test_a_real_transformer_is_not_accused(made, data):
    outcomes = run_contracts(TRANSFORMER_CONTRACTS, made, data)

    assert [explained(o) for o in outcomes if o.verdict not in (Verdict.PASS, Verdict.SKIP)] == []


# Zero mean and unit variance ----------------------------------------------------------------------------------------------


def test_a_column_that_is_not_scaled_is_named_with_its_mean_and_variance():
    half = transformer(
        lambda train: train.mean(), apply=lambda mean, rows: rows - mean, standard=["a", "b"], name="centred only"
    )  # fmt: skip

    seen = standardizes(half, pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [10.0, 20.0, 30.0]}))

    assert seen.verdict is Verdict.FAIL
    assert seen.why == "b has mean 0.0 and variance 66.6667 on the 3 rows of training"
    assert [row.values["column"] for row in seen.examples] == ["b"]  # the variance of a is 2/3 by n, and 1 by n - 1
    assert half.standard == ("a", "b")


def test_both_variances_are_unit_variance():
    rows = pl.DataFrame({"x": [1.0, 2.0, 6.0]})
    for degrees in (0, 1):
        scaled = transformer(
            lambda train, d=degrees: (train["x"].mean(), train["x"].std(ddof=d)), apply=lambda m, r: (r["x"] - m[0]) / m[1], standard=True,
            name="scaled",
        )  # fmt: skip
        assert standardizes(scaled, rows).verdict is Verdict.PASS


def test_a_constant_column_has_to_come_out_as_zeros():
    constant = np.column_stack([np.arange(5.0), np.full(5, 7.0)])

    assert standardizes(transformer(StandardScaler(), standard=True), constant).verdict is Verdict.PASS
    seen = standardizes(transformer(lambda t: 0, apply=lambda s, r: r, standard="result_1", name="as it was"), constant)
    assert seen.why == "result_1 has mean 7.0 and variance 0.0 on the 5 rows of training"


def test_a_scaler_that_was_fitted_on_all_data_does_not_standardize_the_training_rows():
    everything = transformer(StandardScaler(), fitted=StandardScaler().fit(TABLE), standard=True)

    assert standardizes(everything, TRAIN).verdict is Verdict.FAIL


def test_one_row_has_no_variance():
    assert standardizes(transformer(StandardScaler(), standard=True), TABLE[:1]).verdict is Verdict.INCONCLUSIVE


def test_a_column_that_does_not_come_out_is_refused():
    with pytest.raises(UsageError, match="returns no column 'age'"):
        standardizes(transformer(StandardScaler(), standard="age"), TABLE)


# The same transformation --------------------------------------------------------------------------------------------------


class FitsAgain(StandardScaler):
    def transform(self, X, copy=None):  # noqa: N803
        return self.fit(X) and super().transform(X)


class Drifts(StandardScaler):
    def transform(self, X, copy=None):  # noqa: N803
        self.mean_ = self.mean_ + 1
        return super().transform(X)


class Noisy(StandardScaler):
    def fit(self, X, y=None, sample_weight=None):  # noqa: N803
        super().fit(X)
        self.mean_ = self.mean_ + NOISE.normal(size=3)
        return self


NOISE = np.random.default_rng(6)


@pytest.mark.parametrize(("made", "said"), [(FitsAgain, "alone and"), (Drifts, "asked a second time")])
def test_a_transformation_that_changes_with_what_it_is_given_is_found(made, said):
    seen = same_transformation(transformer(made), TABLE)

    assert seen.verdict is Verdict.FAIL
    assert seen.check == "same_transformation"
    assert said in seen.why


def test_a_fit_without_a_seed_is_found():
    seen = fits_the_same_twice(transformer(Noisy), TABLE)

    assert seen.verdict is Verdict.FAIL
    assert "fitted twice on the same rows, result_0 of row 0 is" in seen.why


# Fitted on training only --------------------------------------------------------------------------------------------------


def prepared_together(train, test):
    scaler = StandardScaler().fit(pd.concat([train, test]))
    return scaler.transform(train), scaler.transform(test)


def prepared_apart(train, test):
    return StandardScaler().fit_transform(train), StandardScaler().fit_transform(test)


def prepared_well(train, test):
    scaler = StandardScaler().fit(train)
    return scaler.transform(train), scaler.transform(test)


def only(prepare):
    return transformer(StandardScaler(), prepare=prepare, name=prepare.__name__)


def test_a_scaler_of_all_rows_moves_the_training_rows():
    seen = fits_on_train_only(only(prepared_together), TRAIN, new=TEST)

    assert seen.verdict is Verdict.FAIL
    assert seen.why.startswith("changing 20 of 40 test rows moved result_0 of row 0 of the training rows from")


def test_a_scaler_that_is_fitted_again_on_the_test_rows_moves_the_other_test_rows():
    seen = fits_on_train_only(only(prepared_apart), TRAIN, new=TEST)

    assert "of the test rows that were not touched" in seen.why


def test_a_scaler_of_the_training_rows_moves_nothing():
    assert fits_on_train_only(only(prepared_well), TRAIN, new=TEST).verdict is Verdict.PASS
    assert fits_on_train_only(only(prepared_well), TABLE).verdict is Verdict.PASS


def test_one_test_row_is_inconclusive():
    assert fits_on_train_only(only(prepared_well), TRAIN, new=TEST[:1]).verdict is Verdict.INCONCLUSIVE


def test_what_it_was_fitted_on_is_told_by_fitting_it_again():
    before, after = (transformer(StandardScaler(), fitted=StandardScaler().fit(rows)) for rows in (TABLE, TRAIN))

    seen = was_fitted_on_train(before, TRAIN, new=TEST)
    assert seen.verdict is Verdict.FAIL
    assert seen.why.endswith("it is the one that training and test rows together teach")
    assert was_fitted_on_train(after, TRAIN, new=TEST).verdict is Verdict.PASS
    other = was_fitted_on_train(transformer(StandardScaler(), fitted=StandardScaler().fit(TABLE[:50])), TRAIN, new=TEST)
    assert other.why.endswith("nor do training and test rows together teach it")


def test_rows_that_teach_the_same_tell_nothing():
    same = transformer(StandardScaler(), fitted=StandardScaler().fit(TRAIN))

    assert was_fitted_on_train(same, TRAIN, new=TRAIN).verdict is Verdict.INCONCLUSIVE
    with pytest.raises(UsageError, match="needs new="):
        was_fitted_on_train(same, TRAIN)


# Saving, and the input ----------------------------------------------------------------------------------------------------


class Forgets(StandardScaler):
    def __getstate__(self):
        return {**super().__getstate__(), "mean_": np.zeros(3)}


class Loses(StandardScaler):
    def __getstate__(self):
        return {name: value for name, value in super().__getstate__().items() if name != "scale_"}


@pytest.mark.parametrize(("made", "said"), [(Forgets, "result_0 of row 0 is"), (Loses, "Loses raised AttributeError")])
def test_state_that_is_not_saved_is_found(made, said):
    seen = survives_round_trip(transformer(made), TABLE)

    assert seen.verdict is Verdict.FAIL
    assert seen.why.startswith(f"after saving and loading, {said}")


def test_a_lambda_can_not_be_saved():
    keeps = transformer(lambda train: lambda rows: rows, apply=lambda learnt, rows: learnt(rows), name="keeps")

    seen = survives_round_trip(keeps, TABLE)

    assert seen.why.startswith("it can't be saved and loaded:")


def test_of_two_functions_only_what_was_learnt_is_saved():
    centred = transformer(lambda train: train.mean(), apply=lambda mean, rows: rows - mean, name="centred")

    assert survives_round_trip(centred, TABLE)


def test_another_way_to_save_can_be_given():
    seen = survives_round_trip(
        transformer(StandardScaler()), TABLE, save=lambda fitted: b"", load=lambda saved: StandardScaler().fit(TEST)
    )

    assert seen.verdict is Verdict.FAIL


def test_a_scaler_that_works_in_place_does_not_leave_its_input():
    data = TABLE.to_numpy()

    assert leaves_input(transformer(StandardScaler(copy=False)), data).verdict is Verdict.FAIL
    assert leaves_input(transformer(StandardScaler()), data).verdict is Verdict.PASS


def test_an_argument_that_is_none_of_its_is_refused():
    with pytest.raises(UsageError, match="a transformer has no 'scaled'"):
        transformer(StandardScaler(), scaled=True)
