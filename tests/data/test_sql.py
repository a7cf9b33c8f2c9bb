"""SQL text of single rows: what is read, and what is refused with which reason."""

from __future__ import annotations

import polars as pl
import pytest

from assay.data.sql import rowwise
from assay.errors import UsageError


def test_a_text_becomes_an_expression_of_single_rows():
    frame = pl.DataFrame({"amount": [1, 3], "the shop": ["a", "b"]})

    parsed = rowwise("CASE WHEN \"the shop\" = 'b' THEN amount * 2 ELSE 0 END", frame.columns)

    assert frame.select(parsed).to_series().to_list() == [0, 6]


def test_a_list_of_values_is_of_single_rows():
    parsed = rowwise("amount IN (1, 2)", ["amount"])

    assert pl.DataFrame({"amount": [1, 3]}).select(parsed).to_series().to_list() == [True, False]


def test_a_word_in_quotes_is_no_clock():
    assert rowwise("shop = 'now()'", ["shop"]).meta.root_names() == ["shop"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("amuont > 1", "'amuont > 1' names 'amuont', and there is no such column; did you mean 'amount'"),
        ("amount >", "'amount >' is not an SQL expression"),
        ("1 > 0", "'1 > 0' names no column"),
        ("MAX(amount) > 1", "looks at more than one row at a time; write an expression of single rows"),
        ("today() > amount", "reads the clock by 'today('; write the instant"),
        ('"^a.*$" > 1', 'SQL reads the name "^a.*$" as a pattern; rename the column'),
    ],
)  # fmt: skip
def test_a_text_that_says_nothing_of_single_rows_is_refused(text: str, says: str):
    with pytest.raises(UsageError) as told:
        rowwise(text, ["amount"])

    assert says in str(told.value)
