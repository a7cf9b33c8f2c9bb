"""What was found for a test of the rubric: a record of a run, a claim in code, or a dated report of a person."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from assay.codec import load_yaml
from assay.errors import ConfigError
from assay.testing.score.rubric import RUBRIC, claims_of_contracts
from assay.verdict import Findings, Outcome, Verdict, conclude

__all__ = ["Evidence", "evidence_by_hand", "evidence_of_findings"]

_PYTEST = "pytest"
# Findings do not say for which stage they were made; the names of the file and of its datasets do.
_SERVING = re.compile(r"serv(ing|ed)|production|live|traffic", re.IGNORECASE)
_JUDGED = frozenset({Verdict.PASS, Verdict.WARN, Verdict.FAIL})


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a test of the rubric has points, or nearly has.

    `kind` is "ran" (findings say that it was judged), "claimed" (code or configuration names it, and no run is on record), or
    "by hand" (a dated report). `runner` is what would run it again: "pytest", "check", "drift", "evaluate", …; empty by hand.
    `at` is when it last ran, `passed` whether it did (None where nobody knows), `where` the file, `what` names the checks, and
    `names` are the checks and tests by which faults may have been caught.
    """

    test: str
    kind: str
    where: str
    what: str
    runner: str = ""
    at: datetime | None = None
    passed: bool | None = None
    names: tuple[str, ...] = ()


class _Head(msgspec.Struct, forbid_unknown_fields=True):
    test: str
    date: date
    by: str = ""


def evidence_of_findings(findings: Findings, *, where: str, idle: frozenset[str] = frozenset()) -> Iterator[Evidence]:
    """Yield what findings are evidence of: each test of the rubric once, with all outcomes that were judged for it.

    What was skipped, could not be judged, or crashed is no evidence. Contracts say themselves which tests they cover, a test
    of pytest says it by its mark `rubric` (not where it is one of `idle`, which do nothing), and the table of the rubric names
    the checks.
    """
    contracts = claims_of_contracts()
    covered: dict[str, list[Outcome]] = {}
    marked = {test: tests for test, tests in _marked(findings).items() if test.partition("[")[0] not in idle}
    serving = any(
        _SERVING.search(name) for name in (Path(where).stem, *(mark.name for mark in findings.provenance.datasets))
    )
    for outcome in findings.outcomes:
        if outcome.verdict in _JUDGED and outcome.n_rows != 0:
            for test in _tests_of(outcome, contracts, marked, serving=serving):
                covered.setdefault(test, []).append(outcome)
    at = datetime.fromisoformat(findings.provenance.started_at)
    for test, outcomes in covered.items():
        names = tuple(dict.fromkeys(f"{o.check} of {o.subject}" for o in outcomes))
        what = "; ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        passed = bool(conclude(o.verdict for o in outcomes))
        known = tuple(
            dict.fromkeys([*(o.check for o in outcomes), *(o.subject for o in outcomes), *(o.id for o in outcomes)])
        )
        yield Evidence(
            test, "ran", where, what, _runner(outcomes[0]), at if at.tzinfo else at.replace(tzinfo=UTC), passed, known
        )


def evidence_by_hand(folder: Path, *, now: datetime, within: timedelta) -> Iterator[Evidence]:
    """Yield the reports of people: files `ID.md` that begin with the test, the date and who did it, between two lines of `---`.

    A report without a date, without a text, of the future, or older than `within` is worth nothing; the first two and an
    unknown test raise ConfigError, as somebody meant them to count.
    """
    known = {test.id for test in RUBRIC}
    for path in sorted(folder.glob("*.md")):
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.stem.lower() == "readme" or not text.startswith("---"):
            continue
        head, _, body = text[3:].partition("\n---")
        told = load_yaml(head, _Head, file=str(path))
        if told.test not in known:
            raise ConfigError(
                f"there is no test {told.test!r}", place=f"{path}: test", hint="D1 to D7, M1 to M7, I1 to I7, O1 to O7"
            )
        if not body.strip():
            raise ConfigError("the report has no text", place=str(path), hint="write what was done and what came of it")
        at = datetime(told.date.year, told.date.month, told.date.day, tzinfo=UTC)
        if timedelta(0) <= now - at <= within:
            yield Evidence(told.test, "by hand", str(path), f"by {told.by or 'somebody'}, {told.date}", at=at)


def _tests_of(
    outcome: Outcome, contracts: Mapping[str, tuple[str, ...]], marked: Mapping[str, set[str]], *, serving: bool
) -> set[str]:  # fmt: skip
    found: set[str] = set()
    if outcome.family == "contract":
        found |= {test for name, tests in contracts.items() if _names(outcome, name) for test in tests}
    if outcome.family == _PYTEST:
        found |= marked.get(outcome.subject, set())
    for test in RUBRIC:
        if test.stage and not serving:
            continue
        if any(_fits(pattern, outcome) for pattern in test.judged):
            found.add(test.id)
    return found & {test.id for test in RUBRIC}


def _marked(findings: Findings) -> dict[str, set[str]]:
    """Return the tests of the rubric that tests of pytest are marked with, by the test's name."""
    table = next((each.columns for each in findings.exhibits if each.name == "tests"), {})
    rows = zip(table.get("test", ()), table.get("rubric", ()), strict=True)
    return {str(test): {name.strip() for name in str(rubric or "").split(",")} for test, rubric in rows}


def _names(outcome: Outcome, contract: str) -> bool:
    """Return whether an outcome is of a contract, "family.name"; the id of one that was judged in a test begins with the test."""
    return contract.endswith(f".{outcome.check}") and f"{contract}." in f".{outcome.id}."


def _fits(pattern: str, outcome: Outcome) -> bool:
    family, _, check = pattern.partition(":")
    return fnmatchcase(outcome.family, family) and fnmatchcase(outcome.check, check)


def _runner(outcome: Outcome) -> str:
    return {
        "contract": "pytest",
        _PYTEST: "pytest",
        "evaluation": "evaluate",
        "drift": "drift",
        "estimation": "estimate",
    }.get(outcome.family, "check")
