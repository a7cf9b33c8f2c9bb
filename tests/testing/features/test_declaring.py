"""A declaration that cannot be read says what is wrong with it, and the way out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from assay.errors import UsageError
from assay.testing.contract import expect, run_contracts
from assay.testing.features.feature import feature
from assay.testing.features.scaling import fits_the_same_twice, transformer
from assay.testing.features.table import FEATURE_CONTRACTS
from assay.testing.rows import rows_of

SALES = pd.DataFrame({"sales": [1.0, 2.0, 4.0]})


def plain(rows: Any) -> Any:
    return rows["sales"]


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"lookback": 7.0}, 'lookback is 7.0; give a duration ("7d", a timedelta), or a number of rows'),
        ({"lookback": True}, "lookback is True; give a duration"),
        ({"lookback": "-7d"}, "lookback is -7 days"),
        ({"lag": 3}, "lag is 3; give a duration"),
        ({"lag": "0d"}, "above 0"),
        ({"order": "sorted"}, "order is 'sorted'; it is one of: 'any', 'time', 'as given'"),
        ({"closed": "left"}, "closed is 'left'; it is one of: 'right', 'both'"),
        ({"examples": [(SALES,)]}, "an example is no pair"),
    ],
)
def test_a_declaration_that_cannot_be_read_is_refused(declared: dict[str, Any], said: str):
    with pytest.raises(UsageError) as refused:
        feature(plain, **declared)

    assert said in str(refused.value)


def test_a_look_back_may_be_a_timedelta_of_any_package():
    spans = timedelta(days=7), pd.Timedelta("7D"), np.timedelta64(7, "D"), "7d"

    assert {feature(plain, lookback=span).lookback for span in spans} == {timedelta(days=7)}


def test_what_is_no_function_is_no_feature():
    with pytest.raises(UsageError, match="'sales' is none; give the function itself"):
        feature("sales")  # type: ignore[arg-type]


def test_one_contract_may_be_named_without_a_list():
    [outcome] = run_contracts(FEATURE_CONTRACTS, feature(plain), SALES, only="repeatable")

    assert outcome


@pytest.mark.parametrize(("judged", "said"), [((), "given nothing"), ((True,), "given True, which is no outcome")])
def test_only_outcomes_can_be_expected(judged: tuple[Any, ...], said: str):
    with pytest.raises(UsageError, match=said):
        expect(*judged)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ([0, 1], "a column is named 0, which is no text"),
        (["a", "a"], "the rows have 2 columns named 'a'"),
        (pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")]), "map\\('_'.join\\)"),
    ],
)
def test_columns_need_names_of_their_own(columns: Any, said: str):
    rows = pd.DataFrame(np.eye(2), columns=columns)

    with pytest.raises(UsageError, match=said):
        run_contracts(FEATURE_CONTRACTS, feature(lambda given: given.iloc[:, 0]), rows)


def test_a_column_of_several_types_is_named():
    with pytest.raises(UsageError, match="the column 'mixed' holds values of several types"):
        _ = rows_of(SALES.assign(mixed=[1, "a", 2])).frame


def test_a_transformer_has_to_be_able_to_fit():
    with pytest.raises(UsageError, match="5 has no fit"):
        transformer(5)
    with pytest.raises(
        UsageError, match="makes dict, which has no fit; where a function of training rows learns, apply="
    ):
        fits_the_same_twice(transformer(dict), SALES)


def test_columns_of_a_transformer_have_to_be_there():
    class Kept:
        def fit(self, rows: Any, y: Any = None) -> None: ...

        def transform(self, rows: Any) -> Any:
            return rows

    for declared in ({"columns": "sale"}, {"target": "sale"}):
        with pytest.raises(UsageError, match="there is no column 'sale'; did you mean 'sales'"):
            fits_the_same_twice(transformer(Kept, **declared), SALES)
