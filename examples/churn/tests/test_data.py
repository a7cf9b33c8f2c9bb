"""The checks of the data."""

from __future__ import annotations

from pathlib import Path

import assay
import pytest

SUITE = Path(__file__).resolve().parents[1] / "suite.yaml"

pytestmark = pytest.mark.data


@pytest.mark.rubric("D1")
def test_the_rows_pass_the_suite(raw):
    assay.expect(assay.check(raw, suite=SUITE))
