"""The contracts of the features: each is declared once, and judged by everything that the declaration calls for."""

from __future__ import annotations

from functools import partial

import assay
import pandas as pd

from churn.features import (
    NUMBERS,
    fill_missing,
    learn_medians,
    learn_scale,
    rolling_avg_7d,
    scale,
    scaled,
    serving_features,
    training_features,
)


def test_the_average_of_a_week(few):
    rolling = partial(rolling_avg_7d, entity_col="customer")
    week = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=8), "customer": "c000", "sales": range(8)})
    known = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0]  # the first day is over when the eighth comes: (1 + … + 7) / 7

    assert assay.check_contracts(
        assay.feature(
            rolling, name="rolling_avg_7d", time="date", entity="customer", columns="sales", lookback="7d",
            examples=[(week, known)], schema={"sales_avg_7d": "float64"},
        ),
        few,
    )  # fmt: skip


def test_filling_needs_no_other_row(parts):
    medians = learn_medians(parts["train"])
    filling = assay.feature(partial(fill_missing, medians=medians), name="fill_missing", fixed=True, idempotent=True)

    assert assay.check_contracts(filling, parts["test"])


def test_scaling_learns_from_training_alone(parts):
    medians = learn_medians(parts["train"])
    train, test = (fill_missing(parts[name], medians) for name in ("train", "test"))
    scaling = assay.transformer(learn_scale, apply=scale, prepare=scaled, name="scaled", standard=True, columns=NUMBERS)

    assert assay.check_contracts(scaling, train, new=test)


def test_serving_computes_what_training_did(parts):
    medians = learn_medians(parts["train"])
    both = assay.paths(
        partial(training_features, medians=medians), partial(serving_features, medians=medians), takes="record"
    )

    assert assay.check_contracts(both, parts["test"])
