"""The table of contracts of pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from assay.testing.contract import Judgement
from assay.testing.pipelines.latency import latency
from assay.testing.pipelines.memory import memory
from assay.testing.pipelines.packaging import packages
from assay.testing.pipelines.reproducing import reproducible
from assay.testing.pipelines.serving import serves
from assay.testing.pipelines.splits import splits_apart, used_test_set_once
from assay.testing.pipelines.tracing import traceable
from assay.testing.pipelines.versions import environment
from assay.testing.pipelines.whole import keeps_input, runs

__all__ = ["PIPELINE_CONTRACTS"]

PIPELINE_CONTRACTS: Mapping[str, Judgement] = {
    function.__name__: cast("Judgement", function)
    for function in (
        runs, keeps_input, reproducible, packages, traceable, splits_apart, used_test_set_once, environment, serves, latency, memory,
    )
}  # fmt: skip
