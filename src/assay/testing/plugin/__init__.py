"""The plugin of pytest: fixtures, marks, budgets, seeds, what contracts said, and findings of a whole run.

pytest loads this module in every run of a repository that has Assay installed, so it imports the standard library and pytest
alone; what a test does not use is not loaded. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from assay.testing.plugin.fixtures import (
    assay_baseline,
    assay_cached,
    assay_reference,
    assay_rng,
    assay_seed,
    assay_world,
    no_network,
)
from assay.testing.plugin.gathering import Gathered
from assay.testing.plugin.settings import MARKS, SETTINGS, add_options, settings_of
from assay.testing.record import Record, heard

if TYPE_CHECKING:
    from assay.testing.plugin.budgets import Budget

__all__ = ["assay_baseline", "assay_cached", "assay_reference", "assay_rng", "assay_seed", "assay_world", "no_network"]

RECORDED = pytest.StashKey[Record]()
TOLD = pytest.StashKey[int]()
WRONG = pytest.StashKey[str]()
BUDGET: pytest.StashKey[Budget] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marks known, read what is asked, and gather what tests report."""
    for line in MARKS.values():
        config.addinivalue_line("markers", line)
    settings = config.stash[SETTINGS] = settings_of(config)
    if not settings.worker:
        config.pluginmanager.register(Gathered(config, settings), "assay-gathered")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give a worker of xdist the new seeds that the run draws from, so that all workers draw alike."""
    fresh = node.config.stash[SETTINGS].fresh
    if fresh is not None:
        node.workerinput["assay_fresh"] = fresh


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which seeds tests get, where they are not the usual ones."""
    settings = config.stash[SETTINGS]
    if settings.seed is not None:
        return f"assay: every test has the seed {settings.seed}"
    return "assay: tests have new seeds" if settings.fresh is not None else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip slow tests that nobody asked for, and read the marks that say something."""
    run_slow = config.stash[SETTINGS].slow or "slow_ml" in str(config.getoption("markexpr", ""))
    skip = pytest.mark.skip(reason="slow_ml: run it with --slow-ml, or -m slow_ml")
    for item in items:
        names = {mark.name for mark in item.iter_markers()}
        if not names:
            continue
        if "slow_ml" in names and not run_slow:
            item.add_marker(skip)
        if "assay_budget" in names or "rubric" in names:
            _read_marks(item)


def _read_marks(item: pytest.Item) -> None:
    from assay.errors import UsageError
    from assay.testing.plugin.budgets import budget_of
    from assay.testing.plugin.reported import rubric_of

    try:
        rubric_of(item)
        budget = budget_of(item)
    except UsageError as error:
        item.stash[WRONG] = str(error)
    else:
        if budget is not None:
            item.stash[BUDGET] = budget


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test with a mark that says nothing; the other tests are none the worse for it, in workers of xdist neither."""
    wrong = item.stash.get(WRONG, None)
    if wrong is not None:
        pytest.fail(wrong, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Listen to what is judged from a test's first fixture to its last."""
    record = item.stash[RECORDED] = Record()
    if item.config.stash[SETTINGS].inconclusive == "warn":
        from assay.testing.plugin.reported import let_through

        record.answer = let_through
    item.stash[TOLD] = 0
    with heard(record):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Measure a test that has a budget, its fixtures left out."""
    budget = item.stash.get(BUDGET, None)
    if budget is None:
        return (yield)
    from assay.testing.plugin.budgets import judged

    return (yield from judged(item.nodeid, budget, item.config.stash[SETTINGS]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Give a test's report what was judged, and, where it failed, what that said and the seed."""
    report = yield
    record = item.stash.get(RECORDED, None)
    new = () if record is None else record.outcomes[item.stash[TOLD] :]
    settings = item.config.stash[SETTINGS]
    if new or report.failed or settings.report is not None:
        from assay.testing.plugin.reported import complete

        item.stash[TOLD] = item.stash.get(TOLD, 0) + len(new)
        complete(report, item, call, new)
    return report


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Say what an outcome, an estimate or findings hold where a comparison of one fails."""
    if "assay.verdict" not in sys.modules:
        return None
    from assay.testing.plugin.comparing import compared

    return compared(op, left, right)
