"""A run of tests as findings: one outcome for each test and for each judgement in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import msgspec

from assay.codec import atomic, dump_json
from assay.testing.plugin.gathering import Told
from assay.verdict import Estimate, Exhibit, Findings, Outcome, Provenance, Verdict

__all__ = ["FAMILY", "findings_of", "verdict_of", "written"]

FAMILY = "pytest"
_FILES = ("findings.json", "report.html", "junit.xml")


def findings_of(tests: Sequence[Told], *, subject: str, seed: int | None = None) -> Findings:
    """Return the findings of a run: tests and what was judged in them, and a table of the tests with their marks.

    The run began when its first test did, by the clock of pytest.
    """
    outcomes: list[Outcome] = []
    for told in tests:
        outcomes.append(_of_test(told))
        outcomes += [
            msgspec.structs.replace(
                each, id=f"{told.nodeid}.{place}.{each.id or each.check}", where=each.where or told.nodeid
            )
            for place, each in enumerate(told.outcomes)
        ]
    started = min((report.start for told in tests for report in told.reports if report.start), default=None)
    stopped = max((report.stop for told in tests for report in told.reports), default=0.0)
    provenance = Provenance(
        assay=_version("assay"),
        started_at=""
        if started is None
        else datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        seconds=0.0 if started is None else max(stopped - started, 0.0),
        engine="pytest",
        seed=seed,
        suite="pytest",
        versions={"pytest": _version("pytest")},
    )
    return Findings(subject, tuple(outcomes), provenance, exhibits=(_table(tests),) if tests else ())


def verdict_of(told: Told) -> tuple[Verdict, str]:
    """Return what a test concluded, and why: a test that was not run, or was expected to fail, is SKIP and never a pass.

    A failure of the test itself is FAIL, INCONCLUSIVE where it is that of a judgement that could not be made; a failure of its
    fixtures is ERROR.
    """
    worst, why = Verdict.SKIP, "it was not run"
    for report in told.reports:
        if hasattr(report, "wasxfail"):
            expected = f"it was expected to fail: {report.wasxfail}".rstrip(": ")
            found = (Verdict.SKIP, expected) if report.skipped else (Verdict.WARN, f"it passed, and {expected}")
        elif report.failed:
            found = (_failure(report), _crash(report, told.outcomes))
        elif report.skipped:
            found = (Verdict.SKIP, _reason(report))
        else:
            found = (Verdict.PASS if report.when == "call" else Verdict.SKIP, "")
        if found[0] > worst or (found[0] is worst and found[1]):
            worst, why = found
    return worst, why


def written(findings: Findings, path: Path) -> list[str]:
    """Write findings to a file in the format of its suffix, or to a folder as JSON, HTML and JUnit; return the files.

    A folder that does not exist is made. Raises UsageError where a file cannot be written.
    """
    files = [path] if path.suffix and not path.is_dir() else [path / name for name in _FILES]
    files[0].parent.mkdir(parents=True, exist_ok=True)
    for file in files:
        if file.suffix == ".json":
            with atomic(file) as stream:
                stream.write(dump_json(findings))
        else:
            # Reports stand above tests of code, which do not know them; they are asked for by name, as pytest asks for plugins.
            import_module("assay.reports.render").write(findings, file)
    return [str(file) for file in files]


def _of_test(told: Told) -> Outcome:
    verdict, why = verdict_of(told)
    seconds = sum(report.duration for report in told.reports)
    return Outcome(
        "test", told.nodeid, verdict, expected="passes", observed=Estimate(seconds, n=1, unit="s"), why=why, family=FAMILY,
        id=told.nodeid,
    )  # fmt: skip


def _table(tests: Sequence[Told]) -> Exhibit:
    rows = [(told, verdict_of(told)[0].value, *_marks(told)) for told in tests]
    return Exhibit(
        "tests", "Tests, with their marks",
        {
            "test": tuple(told.nodeid for told, *_ in rows),
            "verdict": tuple(verdict for _, verdict, *_ in rows),
            "seconds": tuple(round(sum(report.duration for report in told.reports), 6) for told, *_ in rows),
            "marks": tuple(", ".join(marks) for *_, marks, _ in rows),
            "rubric": tuple(", ".join(rubric) for *_, rubric in rows),
            "judged": tuple(len(told.outcomes) for told, *_ in rows),
        },
    )  # fmt: skip


def _marks(told: Told) -> tuple[list[str], list[str]]:
    for report in told.reports:
        if hasattr(report, "assay"):
            return report.assay["marks"], report.assay["rubric"]
    return [], []


def _failure(report: Any) -> Verdict:
    if getattr(report, "assay", {}).get("inconclusive"):
        return Verdict.INCONCLUSIVE
    return Verdict.FAIL if report.when == "call" else Verdict.ERROR


def _crash(report: Any, outcomes: Sequence[Outcome]) -> str:
    broken = list(
        dict.fromkeys(
            f"{o.check} of {o.subject}" if o.family == "contract" else o.check
            for o in outcomes
            if o.verdict.rank > Verdict.WARN.rank
        )
    )
    if broken:
        return f"{', '.join(broken)} did not pass"
    crash: Any = getattr(report.longrepr, "reprcrash", None)
    said = crash.message if crash is not None else str(report.longrepr)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    # The failure of a budget, or of a mark that says nothing, has no line in the test.
    shown = crash is not None and Path(__file__).parent not in Path(crash.path).parents
    where = f" ({Path(crash.path).name}:{crash.lineno})" if shown else ""
    return f"{lines[0] if lines else 'it failed'}{where}"


def _reason(report: Any) -> str:
    said = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return said.removeprefix("Skipped: ") or "it was skipped"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
