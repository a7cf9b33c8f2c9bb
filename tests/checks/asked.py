"""Judge checks on frames beside other frames, and give the outcome of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl

from assay.checks.check import Check
from assay.checks.judge import Inputs, context_of, judge, plan_checks
from assay.checks.suite import Suite, make_check
from assay.data.dataset import Dataset, Roles
from assay.data.engine import ROW
from assay.data.polars_engine import PolarsEngine
from assay.verdict import Outcome

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
Frame = pl.DataFrame | dict[str, Any]


def dataset_of(frame: Frame, name: str = "here", roles: Roles | None = None) -> Dataset:
    table = frame if isinstance(frame, pl.DataFrame) else pl.DataFrame(frame)
    return Dataset(name, f"the frame {name}", table.lazy, roles=roles or Roles())


def check_of(rule: str, *columns: str, **told: Any) -> Check:
    return make_check(rule, columns, told)


def outcome_of(
    frame: Frame, check: Check, *, others: Mapping[str, Frame] | None = None, roles: Roles | None = None,
    missing: Mapping[str, tuple[Any, ...]] | None = None, functions: Mapping[str, Callable[..., Any]] | None = None,
    engine: PolarsEngine | None = None,
) -> Outcome:  # fmt: skip
    suite = Suite((check,), missing=dict(missing or {}))
    findings = judge(suite, dataset_of(frame, roles=roles), _inputs(others, functions), engine=engine or PolarsEngine())
    return findings.outcomes[0]


def _inputs(others: Mapping[str, Frame] | None, functions: Mapping[str, Callable[..., Any]] | None) -> Inputs:
    return Inputs(
        now=NOW, others={name: dataset_of(other, name) for name, other in (others or {}).items()}, functions=functions
    )


def failing_rows(frame: Frame, check: Check, *, others: Mapping[str, Frame] | None = None) -> list[int]:
    """Return the numbers of all rows that the question of a check names, in order: what quarantine takes out."""
    dataset, inputs = dataset_of(frame), _inputs(others, None)
    (planned,) = plan_checks(Suite((check,)), context_of(Suite((check,)), dataset, inputs))
    opened = {name: other.scan().with_row_index(ROW) for name, other in (inputs.others or {}).items()}
    rows = planned.test.question.failing(dataset.scan().with_row_index(ROW), opened)
    return sorted(rows.collect().get_column(ROW).to_list())


def rows_of(outcome: Outcome) -> list[int | None]:
    return [example.row for example in outcome.examples]
