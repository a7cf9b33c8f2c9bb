"""The plugin of pytest: fixtures, marks, budgets, seeds, what contracts said, and findings of a whole run.

pytest loads this module in every run of a repository that has Assay installed, so it imports the standard library and pytest
alone; what a test does not use is not loaded. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import AbstractContextManager
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
from assay.testing.plugin.settings import MARKS, SETTINGS, Settings, add_options, settings_of
from assay.testing.record import Record, heard

if TYPE_CHECKING:
    from assay.testing.plugin.budgets import Budget

__all__ = ["assay_baseline", "assay_cached", "assay_reference", "assay_rng", "assay_seed", "assay_world", "no_network"]

# The record of what is judged, from a test's first fixture to its last, and whether each test is to be reported.
LISTENING = pytest.StashKey[tuple[Record, bool]]()
HEARD: pytest.StashKey[AbstractContextManager[Record]] = pytest.StashKey()
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
    _listen(config, settings)
    if not settings.worker:
        config.pluginmanager.register(Gathered(config, settings), "assay-gathered")


def _listen(config: pytest.Config, settings: Settings) -> None:
    """Listen to what is judged in this run: one record for all tests, emptied by each report, as a hook more would cost every test."""
    record = Record()
    if settings.inconclusive == "warn":
        from assay.testing.plugin.reported import let_through

        record.answer = let_through
    heard_by = config.stash[HEARD] = heard(record)
    heard_by.__enter__()
    config.stash[LISTENING] = (record, settings.report is not None)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop listening."""
    listening = config.stash.get(HEARD, None)
    if listening is not None:
        listening.__exit__(None, None, None)


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
    marked = False
    for item in items:
        names = {mark.name for mark in item.iter_markers()}
        if not names:
            continue
        if "slow_ml" in names and not run_slow:
            item.add_marker(skip)
        if "assay_budget" in names or "rubric" in names:
            _read_marks(item)
            marked = True
    if marked and not config.pluginmanager.has_plugin("assay-marked"):
        config.pluginmanager.register(Marked(), "assay-marked")


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


class Marked:
    """What marks ask of their tests; registered only where some test has such a mark, as every hook costs every test."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Fail a test with a mark that says nothing; the other tests are none the worse for it, in workers of xdist neither."""
        wrong = item.stash.get(WRONG, None)
        if wrong is not None:
            pytest.fail(wrong, pytrace=False)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
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
    record, reported = item.config.stash[LISTENING]
    if record.outcomes or report.failed or reported:
        from assay.testing.plugin.reported import complete

        new = record.outcomes[:]
        record.outcomes.clear()
        complete(report, item, call, new)
    return report


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Say what an outcome, an estimate or findings hold where a comparison of one fails."""
    if "assay.verdict" not in sys.modules:
        return None
    from assay.testing.plugin.comparing import compared

    return compared(op, left, right)
