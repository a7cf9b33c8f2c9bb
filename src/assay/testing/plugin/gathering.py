"""What the whole run is told by its tests' reports: one summary, and one file of findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from assay.testing.plugin.settings import Settings

if TYPE_CHECKING:
    from assay.verdict import Outcome

__all__ = ["Gathered", "Told"]


class Told:
    """What one test told: the reports of its phases, where a report of the run was asked for, and what was judged in it."""

    __slots__ = ("failed", "nodeid", "outcomes", "reports")

    def __init__(self, nodeid: str) -> None:
        self.nodeid = nodeid
        self.reports: list[Any] = []
        self.outcomes: list[Outcome] = []
        self.failed = False


class Gathered:
    """Gather what tests report, in the process that the person started; with xdist, that is not where tests run."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config = config
        self.settings = settings
        self.tests: dict[tuple[str, str], Told] = {}
        self.written: list[str] = []
        self.trouble = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keep what a phase of a test reported."""
        key = (getattr(report, "worker_id", ""), report.nodeid)
        if report.when == "setup":  # a test that is run again starts from here: what the last attempt says counts
            self.tests.pop(key, None)
        carried = getattr(report, "assay", None)
        if carried is None and self.settings.report is None:
            return
        told = self.tests.get(key)
        if told is None:
            told = self.tests[key] = Told(report.nodeid)
        told.reports.append(report if self.settings.report is not None else report.when)
        told.failed |= report.failed
        if carried is not None and carried["outcomes"]:
            from assay.testing.plugin.reported import outcomes_of

            told.outcomes += outcomes_of(report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the findings of the run, where they were asked for."""
        path = self.settings.report
        if path is None or self.config.getoption("collectonly", False):
            return
        from assay.errors import AssayError
        from assay.testing.plugin.findings import findings_of, written

        try:
            findings = findings_of(
                list(self.tests.values()), subject=self.config.rootpath.name, seed=self.settings.seed
            )
            self.written = written(findings, path)
        except (AssayError, OSError) as error:
            self.trouble = f"{path}: {error}" if str(path) not in str(error) else str(error)
            session.exitstatus = session.exitstatus or pytest.ExitCode.USAGE_ERROR

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what was judged, and where the report is; nothing where nothing was."""
        if not (self.tests or self.written or self.trouble):
            return
        if any(told.outcomes for told in self.tests.values()) or self.written or self.trouble:
            from assay.testing.plugin.summary import summary

            summary(terminalreporter, list(self.tests.values()), self)
