"""Laws of the tables: each contract says what it demands, and none is forgotten."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

import assay.testing.features
from assay.errors import UsageError
from assay.testing.features.feature import feature
from assay.testing.features.table import FEATURE_CONTRACTS, JOIN_CONTRACTS, PATHS_CONTRACTS, TRANSFORMER_CONTRACTS

TABLES = {
    "feature": FEATURE_CONTRACTS,
    "transformer": TRANSFORMER_CONTRACTS,
    "paths": PATHS_CONTRACTS,
    "join": JOIN_CONTRACTS,
}
EVERY = [(about, name) for about, table in TABLES.items() for name in table]


@pytest.mark.parametrize(("about", "name"), EVERY)
def test_a_contract_says_what_it_demands_what_it_catches_and_for_which_test_of_the_score(about, name):
    told = TABLES[about][name].contract

    assert (told.name, told.about) == (name, about)
    assert told.title
    assert told.catches
    assert told.rubric


def test_no_contract_is_forgotten():
    modules = [
        importlib.import_module(f"assay.testing.features.{each.name}")
        for each in pkgutil.iter_modules(assay.testing.features.__path__)
    ]
    made = {
        value.contract.name
        for module in modules
        for value in vars(module).values()
        if inspect.isfunction(value) and hasattr(value, "contract")
    }

    assert made == {name for _, name in EVERY}


@pytest.mark.parametrize(("about", "name"), EVERY)
def test_the_needs_of_a_contract_are_attributes_that_can_be_declared(about, name):
    from assay.testing.features.feature import Feature
    from assay.testing.features.joins import Join
    from assay.testing.features.scaling import Transformer
    from assay.testing.features.skew import Paths

    subject = {"feature": Feature, "transformer": Transformer, "paths": Paths, "join": Join}[about]

    assert set(TABLES[about][name].contract.needs) <= set(subject.__dataclass_fields__)


def test_an_argument_that_is_none_of_a_features_is_refused():
    with pytest.raises(UsageError, match="a feature has no 'window'"):
        feature(len, window=7)
    with pytest.raises(UsageError, match="lookback"):
        feature(len, lookback="a week")
    with pytest.raises(UsageError, match="lookback is 0 rows"):
        feature(len, lookback=0)
