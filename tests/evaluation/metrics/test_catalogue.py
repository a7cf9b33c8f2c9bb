"""The page of metrics is what the table says, and what it says of intervals is so."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from assay.evaluation.metrics.catalogue import DIFFERENCES, method_of, metrics_markdown
from assay.evaluation.metrics.measuring import measure
from assay.evaluation.metrics.table import METRICS, NUMBERED
from assay.stats.resampling import resamples
from evaluation.metrics.made import EVERY, MEMBERS, made

ROOT = Path(__file__).resolve().parents[3]
WRITE = 'python -c "from assay.evaluation.metrics.catalogue import metrics_markdown as m; print(m(), end=str())" > docs/metrics.md'


def test_the_page_of_metrics_is_what_the_table_says():
    assert (ROOT / "docs" / "metrics.md").read_text() == metrics_markdown(), f"run: {WRITE}"


def test_every_metric_and_every_family_is_on_the_page():
    page = metrics_markdown()

    assert [name for name in METRICS if f"| `{name}` |" not in page] == []
    assert [family.name for family in NUMBERED if f"| `{family.before}{max(family.examples):g}` |" not in page] == []


def test_every_row_of_a_table_has_as_many_cells_as_its_head():
    lines = metrics_markdown().replace("\\|", "").splitlines()

    for line, after in pairwise(lines):
        if line.startswith("|") and after.startswith("|"):
            assert line.count("|") == after.count("|"), after


def test_a_difference_from_scikit_learn_is_about_metrics_that_there_are():
    known = {*METRICS, *(family.name for family in NUMBERED)}

    assert [name for one in DIFFERENCES for name in one.metrics if name not in known] == []


@pytest.mark.parametrize(("name", "task"), MEMBERS)
def test_an_interval_is_had_as_the_page_says(name, task):
    rng = np.random.default_rng(3)
    rows = made(task, rng, 120)
    units = resamples(120, rng=rng, replicates=60, entities=rows.query)

    found = measure(EVERY[name], rows, units=units)

    assert found.method == method_of(EVERY[name], task)
