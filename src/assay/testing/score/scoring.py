"""The ML Test Score of a repository: points per test, sums per section, the least of them, and the next step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from assay.testing.score.evidence import Evidence
from assay.testing.score.rubric import RUBRIC, RubricTest, Section, band
from assay.verdict import Estimate, Exhibit, Outcome, Verdict

__all__ = ["Points", "Score", "Terms", "exhibits_of", "outcomes_of", "scored"]

CHECK = "ml_test_score"
FAMILY = "score"
_ORDER = {"ran": 0, "by hand": 1, "claimed": 2}


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts: a run of the last `days`, a report of the last `by_hand_days`; `folder` is where reports of people lie.

    `at_least` is the score to be reached, None where none is asked.
    """

    days: int = 30
    by_hand_days: int = 365
    folder: str = "ml-test-score"
    at_least: float | None = None


@dataclass(frozen=True, slots=True)
class Points:
    """What one test is worth here: 0, ½ or 1, why, whether it passes, and how many faults its checks have caught.

    `passes` is None where no run is on record, `kills` where no faults were tried.
    """

    test: RubricTest
    points: float
    why: str
    evidence: tuple[Evidence, ...] = ()
    passes: bool | None = None
    kills: int | None = None


@dataclass(frozen=True)
class Score:
    """All 28 tests with their points; the score is the least of the four sections' sums, in [0, 7]."""

    points: tuple[Points, ...]

    @property
    def sections(self) -> dict[Section, float]:
        """Return the sum of each section's points, in [0, 7]."""
        return {section: sum(one.points for one in self.points if one.test.section is section) for section in Section}

    @property
    def value(self) -> float:
        """Return the score: the least sum of a section."""
        return min(self.sections.values())

    @property
    def band(self) -> str:
        """Return what the paper says of such a score."""
        return band(self.value)

    @property
    def steps(self) -> tuple[Points, ...]:
        """Return the tests that are not worth a point yet, the most valuable step first.

        Only the section with the least sum can raise the score, so its tests come first; among those what needs least work:
        what has half a point or is claimed already, then what a command of Assay judges.
        """
        sums = self.sections
        open_ones = [one for one in self.points if one.points < 1]
        return tuple(
            sorted(open_ones, key=lambda one: (sums[one.test.section], one.test.effort - (1 if one.evidence else 0)))
        )


def scored(
    evidence: Iterable[Evidence],
    *,
    runs: frozenset[str],
    now: datetime,
    terms: Terms,
    kills: Mapping[str, int] | None = None,
) -> Score:
    """Return the score that evidence is worth.

    A test has 1 point where a run of at most `terms.days` ago is on record and continuous integration runs it (`runs`); ½ where
    it was run and nothing runs it by itself, or where a person's dated report says so; 0 otherwise. It is not asked whether it
    passed: the rubric scores having a test. `kills` are the faults that each check or test has caught.

    >>> from datetime import UTC, datetime
    >>> now = datetime(2026, 1, 31, tzinfo=UTC)
    >>> ran = Evidence(
    ...     "D7",
    ...     "ran",
    ...     "reports/pytest.json",
    ...     "no_future of rolling",
    ...     "pytest",
    ...     datetime(2026, 1, 30, tzinfo=UTC),
    ...     True,
    ... )
    >>> both = [scored([ran], runs=runs, now=now, terms=Terms()) for runs in (frozenset(), frozenset({"pytest"}))]
    >>> [next(p.points for p in score.points if p.test.id == "D7") for score in both], both[1].value
    ([0.5, 1.0], 0.0)
    """
    by_test: dict[str, list[Evidence]] = {}
    for one in evidence:
        by_test.setdefault(one.test, []).append(one)
    return Score(tuple(_points(test, by_test.get(test.id, []), runs, now, terms, kills) for test in RUBRIC))


def _points(
    test: RubricTest, found: Sequence[Evidence], runs: frozenset[str], now: datetime, terms: Terms, kills: Mapping[str, int] | None
) -> Points:  # fmt: skip
    known = tuple(sorted(found, key=lambda one: (_ORDER[one.kind], -(one.at.timestamp() if one.at else 0.0))))
    fresh = [one for one in known if one.kind == "ran" and one.at is not None and _is_fresh(one.at, now, terms)]
    by_itself = [one for one in fresh if one.runner in runs]
    caught = None if kills is None else sum({name: kills.get(name, 0) for one in fresh for name in one.names}.values())
    passes = fresh[0].passed if fresh else None
    if by_itself:
        one = by_itself[0]
        return Points(
            test, 1.0, f"{one.what}: run by itself, last {_day(one)} ({one.where})", known, one.passed, caught
        )
    if fresh:
        one = fresh[0]
        return Points(
            test,
            0.5,
            f"{one.what}: run {_day(one)} ({one.where}), but no continuous integration runs it",
            known,
            passes,
            caught,
        )
    by_hand = next((one for one in known if one.kind == "by hand"), None)
    if by_hand is not None:
        return Points(test, 0.5, f"by hand: {by_hand.what} ({by_hand.where})", known, None, caught)
    if known:
        one = known[0]
        stale = one.kind == "ran"
        if stale and one.at is not None and one.at > now:
            return Points(test, 0.0, f"its run is dated in the future, {_day(one)} ({one.where})", known)
        return Points(
            test,
            0.0,
            f"last run {_day(one)}, more than {terms.days} days ago ({one.where})"
            if stale
            else f"claimed, but no run is on record: {one.what} ({one.where})",
            known,
        )
    return Points(test, 0.0, "nothing was found that covers it")


def _is_fresh(at: datetime, now: datetime, terms: Terms) -> bool:
    """Return whether a run counts: not too long ago, and no later than clocks of two machines differ."""
    return now - timedelta(days=terms.days) <= at <= now + timedelta(days=1)


def outcomes_of(score: Score, terms: Terms) -> tuple[Outcome, ...]:
    """Return a score as outcomes: the score itself, each section, each test.

    A test with a point passes, one with half a point warns, one with none is skipped; with `at_least` the score is judged.
    """
    value = score.value
    total = Estimate(
        value,
        n=len(score.points),
        low=value,
        high=value,
        confidence=1.0,
        unit="points",
        method="least of four sections",
    )
    asked = terms.at_least
    verdict = (
        (total.above(asked) if asked is not None else Verdict.PASS)
        if any(one.points for one in score.points)
        else Verdict.INCONCLUSIVE
    )
    why = (
        f"{value:g} of 7: {score.band}"
        if verdict is not Verdict.INCONCLUSIVE
        else "nothing was found that covers any of the 28 tests"
    )
    expected = f"at least {asked:g}" if asked is not None else ""
    outcomes = [Outcome(CHECK, "score", verdict, expected, total, why, family=FAMILY, id="score")]
    for section, sum_ in score.sections.items():
        seen = Estimate(sum_, n=7, low=sum_, high=sum_, confidence=1.0, unit="points")
        outcomes.append(
            Outcome(
                CHECK,
                section.value,
                Verdict.SKIP,
                "",
                seen,
                f"{sum_:g} of 7 points",
                family=FAMILY,
                id=section.value.lower(),
            )
        )
    for one in score.points:
        said = {1.0: Verdict.PASS, 0.5: Verdict.WARN}.get(one.points, Verdict.SKIP)
        about = f"{one.test.id} {one.test.title}"
        step = "" if one.points == 1 else _step(one, terms)
        seen = Estimate(one.points, n=len(one.evidence), low=one.points, high=one.points, confidence=1.0, unit="points")
        outcomes.append(Outcome(CHECK, about, said, "", seen, one.why, family=FAMILY, id=one.test.id, note=step))
    return tuple(outcomes)


def exhibits_of(score: Score, terms: Terms) -> tuple[Exhibit, ...]:
    """Return a score as tables: `sections`, `rubric` (one row a test: has, passes, kills), and `steps`, the most valuable first."""
    sums = score.sections
    sections = Exhibit(
        "score_sections", "Points by section",
        {"section": tuple(s.value for s in sums), "points": tuple(sums.values()), "of": (7,) * len(sums)},
        note="The score is the least of the four.",
    )  # fmt: skip
    rows = score.points
    rubric = Exhibit(
        "score_rubric", "The 28 tests",
        {
            "test": tuple(one.test.id for one in rows), "section": tuple(one.test.section.value for one in rows),
            "title": tuple(one.test.title for one in rows), "has": tuple(one.points for one in rows),
            "passes": tuple(None if one.passes is None else "yes" if one.passes else "no" for one in rows),
            "kills": tuple(one.kills for one in rows), "evidence": tuple(one.why for one in rows),
        },
        note="has: the paper's points; passes: whether its last run did; kills: how many injected faults its checks have caught.",
    )  # fmt: skip
    steps = score.steps[:5]
    following = Exhibit(
        "score_steps", "The next steps, the most valuable first",
        {
            "test": tuple(one.test.id for one in steps), "title": tuple(one.test.title for one in steps),
            "gain": tuple(1 - one.points for one in steps), "step": tuple(_step(one, terms) for one in steps),
        },
    )  # fmt: skip
    return (sections, rubric, following)


def _step(one: Points, terms: Terms) -> str:
    ran = next((each for each in one.evidence if each.kind == "ran"), None)
    if one.points == 0.5 and ran is not None:
        command = "pytest --assay-report reports/pytest.json" if ran.runner == "pytest" else f"assay {ran.runner}"
        return f"let continuous integration run it: {command}"
    claimed = next((each for each in one.evidence if each.kind == "claimed"), None)
    if one.points == 0 and claimed is not None:
        return f"run it and keep the record: pytest {claimed.where} --assay-report reports/pytest.json"
    return one.test.step.format(folder=terms.folder, id=one.test.id)


def _day(one: Evidence) -> str:
    return one.at.date().isoformat() if one.at is not None else "at an unknown date"
