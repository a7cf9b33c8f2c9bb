"""The ML Test Score of a repository: find what covers its 28 tests, run what can be run, and say what to do next."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter

from assay.api.options import DEFAULTS, Options, instant
from assay.errors import AssayError, ConfigError, UsageError
from assay.testing.score.evidence import Evidence, evidence_by_hand, evidence_of_findings
from assay.testing.score.repository import Repository, claims_in, idle_in, read_repository
from assay.testing.score.scoring import Score, Terms, exhibits_of, outcomes_of, scored
from assay.verdict import Findings, Mark, Provenance

__all__ = ["Scored", "score", "score_repository"]

CONFIG = "assay.yaml"
# What `run` runs: the part of assay.yaml that asks for it, the command, and the file that keeps its record.
_COMMANDS = (
    ("checks", "check", "check.json"),
    ("drift", "drift", "drift.json"),
    ("evaluate", "evaluate", "evaluation.json"),
)
_PYTEST = "pytest.json"
_CODES = frozenset({0, 1, 3})
_LIMIT = 3600.0


@dataclass(frozen=True, slots=True)
class Scored:
    """A score, what it was found in, and what was run for it."""

    score: Score
    repository: Repository
    ran: tuple[str, ...] = ()


def score(
    folder: str | Path = ".", *, run: bool = False, terms: Terms | None = None, options: Options = DEFAULTS
) -> Findings:
    r"""Return the ML Test Score of a repository as findings: the score, its four sections, its 28 tests, and the next steps.

    What counts is a record of a run: findings that Assay wrote as JSON (`assay check … -o reports/check.json`, `pytest
    --assay-report reports/pytest.json`), and dated reports of people in `ml-test-score/`. A mark `rubric` or a contract in a
    test is a claim until then. With `run`, the checks, comparisons and evaluations of assay.yaml and the repository's tests are
    run first, and their findings kept in its report folder.

    Raises UsageError where there is no such folder; ConfigError where a report of a person has no date or names no test.

    >>> import tempfile
    >>> from datetime import UTC
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "ml-test-score").mkdir()
    ...     _ = Path(folder, "ml-test-score", "M1.md").write_text("---\ntest: M1\ndate: 2026-01-10\n---\nReviewed.")
    ...     found = score(folder, options=Options(now=datetime(2026, 1, 31, tzinfo=UTC)))
    >>> found["score"].value, found.table("score_sections")["points"].to_list()
    (0.0, [0.0, 0.5, 0.0, 0.0])
    """
    from assay import __version__

    start = perf_counter()
    now = instant(options)
    terms = terms or Terms()
    found = score_repository(Path(folder), run=run, terms=terms, now=now)
    value = found.score
    name = found.repository.folder.resolve().name
    mark = Mark(name, str(folder), "", notes=_notes(found))
    provenance = Provenance(
        __version__, now.isoformat(), seconds=perf_counter() - start, engine="repository", datasets=(mark,)
    )
    return Findings(name, outcomes_of(value, terms), provenance, exhibits=exhibits_of(value, terms))


def score_repository(folder: Path, *, run: bool, terms: Terms, now: datetime) -> Scored:
    """Return the score of a repository with what it was found in; see `score`."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {str(folder)!r}", hint="give the top of a repository")
    ran = tuple(_run(folder)) if run else ()
    seen = read_repository(folder.resolve())
    files = [path.relative_to(seen.folder).as_posix() for path in seen.tests]
    records = [(where, findings) for where, findings in _records(seen) if _is_own(findings, files)]
    idle = frozenset().union(*(idle_in(path, folder=seen.folder) for path in seen.tests))
    evidence = [one for where, findings in records for one in evidence_of_findings(findings, where=where, idle=idle)]
    evidence += [one for path in seen.tests for one in claims_in(path, folder=seen.folder)]
    evidence += evidence_by_hand(seen.folder / terms.folder, now=now, within=timedelta(days=terms.by_hand_days))
    kills = _kills(findings for _, findings in records)
    return Scored(scored(_shortened(evidence), runs=seen.runs, now=now, terms=terms, kills=kills), seen, ran)


def _records(seen: Repository) -> Iterator[tuple[str, Findings]]:
    """Yield the findings below a repository; a JSON file that is none is passed over."""
    from assay.reports.saved import read_findings

    for path in seen.records:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if '"assay.findings"' not in text:
            continue
        try:
            yield os.path.relpath(path, seen.folder), read_findings(text, file=str(path))
        except ConfigError:  # a golden file, a schema, or findings of another version: no record of a run
            continue


def _is_own(findings: Findings, files: Sequence[str]) -> bool:
    """Return whether findings of tests are of tests that are here; findings of anything else say nothing of that."""
    tests = next((each.columns.get("test", ()) for each in findings.exhibits if each.name == "tests"), ())
    told = {str(test).partition("::")[0].replace("\\", "/") for test in tests}
    return not told or any(
        f"/{one}".endswith(f"/{file}") or f"/{file}".endswith(f"/{one}") for one in told for file in files
    )


def _kills(all_findings: Iterator[Findings]) -> dict[str, int] | None:
    """Return how many faults each check or test has caught, where faults were tried; None where they were not."""
    kills: dict[str, int] = {}
    tried = False
    for findings in all_findings:
        for exhibit in findings.exhibits:
            if exhibit.name == "fault_killers":
                tried = True
                for name, count in zip(exhibit.columns["check"], exhibit.columns["kills"], strict=True):
                    kills[str(name)] = max(kills.get(str(name), 0), int(count or 0))
    return kills if tried else None


def _run(folder: Path) -> Iterator[str]:
    """Run what the repository declares, keep the findings, and yield what was run."""
    from assay.config import load_config

    reports = folder / "reports"
    if (folder / CONFIG).is_file():
        config = load_config(folder / CONFIG)
        reports = Path(config.path(config.report.folder))
        for part, command, file in _COMMANDS:
            if getattr(config, part):
                reports.mkdir(parents=True, exist_ok=True)
                yield _called(
                    ["-m", "assay", command, "--format", "json", "-o", str((reports / file).resolve())], folder
                )
    if read_repository(folder.resolve()).tests:
        reports.mkdir(parents=True, exist_ok=True)
        yield _called(["-m", "pytest", "-q", "--assay-report", str((reports / _PYTEST).resolve())], folder)


def _called(arguments: list[str], folder: Path) -> str:
    shown = " ".join(arguments[1:])
    try:
        ended = subprocess.run(  # noqa: S603 - what the repository itself declares
            [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL,
            timeout=_LIMIT, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise AssayError(
            f"{shown} did not end within {_LIMIT:g} s", hint="run it by hand, and score without --run"
        ) from None
    if ended.returncode not in _CODES:
        said = (ended.stderr.strip() or ended.stdout.strip()).splitlines()
        raise AssayError(
            f"{shown} could not be run: {said[-1] if said else ended.returncode}", hint="run it by hand first"
        )
    return shown


def _notes(found: Scored) -> tuple[str, ...]:
    seen = found.repository
    runs = (
        f"continuous integration runs {', '.join(sorted(seen.runs))}"
        if seen.runs
        else "no continuous integration that runs tests was found"
    )
    return (
        f"{len(seen.tests)} files of tests, {len(seen.records)} JSON files looked at; {runs}",
        *(f"ran: {one}" for one in found.ran),
    )


def _shortened(evidence: list[Evidence]) -> list[Evidence]:
    """Return evidence with each claim once: a file that calls one contract fifty times claims it once."""
    return list(dict.fromkeys(evidence))
