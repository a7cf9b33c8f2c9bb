"""Whole rows: told apart where no column can tell, explained where they are, and refused where there are none."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from assay.api import Options, drift, profile
from assay.checks.drift.rows import LEAST_SIZE, compare_rows
from assay.data.polars_engine import PolarsEngine
from assay.data.sources import dataset
from assay.errors import UsageError
from assay.stats.rows import ROW_COMPARISONS
from assay.verdict import Outcome, Verdict

N = 3_000


def correlated(rng: np.random.Generator, sign: float) -> pl.DataFrame:
    """Return two columns of which each is normal, and their correlation 0.9 or -0.9, and one that has no part in it."""
    x, noise = rng.normal(size=N), rng.normal(size=N)
    return pl.DataFrame({"x": x, "y": sign * 0.9 * x + np.sqrt(1 - 0.81) * noise, "z": rng.normal(size=N)})


def compared(reference: pl.DataFrame, current: pl.DataFrame) -> dict[str, Outcome]:
    found = compare_rows(dataset(reference), dataset(current), engine=PolarsEngine(), seed=7)
    return {o.evidence.comparison: o for o in found}


def test_a_correlation_that_flips_is_seen_in_rows_and_in_no_column(rng):
    reference, current = correlated(rng, 1), correlated(rng, -1)

    findings = drift(reference, current, rows=True, options=Options(now=datetime(2026, 1, 1, tzinfo=UTC)))

    columns = [o.verdict for o in findings.outcomes if o.check != "row_drift"]
    rows = {o.evidence.comparison: o for o in findings.outcomes if o.check == "row_drift"}
    assert set(columns) == {Verdict.PASS}
    assert rows["classifier"].verdict is Verdict.FAIL
    assert rows["mmd"].verdict is Verdict.FAIL
    assert rows["classifier"].why.index("x (") > 0
    assert "z (" not in rows["classifier"].why


def test_the_same_rows_are_not_told_apart(rng):
    assert {o.verdict for o in compared(correlated(rng, 1), correlated(rng, 1)).values()} == {Verdict.PASS}


def test_the_rows_most_unlike_are_shown_with_their_place_and_reasons(rng):
    reference = correlated(rng, 1)
    odd = correlated(rng, 1).with_columns(pl.when(pl.int_range(N) % 5 == 0).then(8.0).otherwise(pl.col("z")).alias("z"))

    found = compared(reference, odd)["classifier"]

    assert found.verdict is Verdict.FAIL
    assert found.examples
    assert all(example.row % 5 == 0 and example.values["z"] == 8.0 for example in found.examples)
    assert "z about 8" in found.examples[0].why


def test_few_rows_are_inconclusive_and_say_how_many_it_takes(rng):
    few = correlated(rng, 1).head(10)

    found = compared(correlated(rng, 1), few)

    assert {o.verdict for o in found.values()} == {Verdict.INCONCLUSIVE}
    assert "30" in found["classifier"].why


def test_profiles_have_no_rows_to_compare(rng):
    known = profile(correlated(rng, 1))

    with pytest.raises(UsageError, match="rows"):
        drift(known, correlated(rng, 1), rows=True)


def test_every_comparison_of_rows_has_a_least_size():
    assert set(LEAST_SIZE) == set(ROW_COMPARISONS)
