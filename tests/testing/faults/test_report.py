"""What became of the faults, as findings in five formats: the picture first, survivors with their remedy, clean runs beside."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from assay.api import trying
from assay.checks.calls import column
from assay.checks.suite import Suite, parse_suite
from assay.reports.faults import faults_page, is_faults
from assay.reports.findings import findings_page
from assay.reports.page import Banner, StackedShare, Table
from assay.reports.render import FORMATS, render
from assay.reports.saved import load_findings
from assay.testing.faults.advice import check_advice
from assay.testing.faults.fault import Attempt, Caught, Fault, Result
from assay.testing.faults.judges import suite_judge
from assay.testing.faults.plan import LeftOut, Wanted
from assay.testing.faults.report import findings_of
from assay.testing.faults.runner_checks import Batches, run_checks
from assay.testing.faults.scoring import results_of
from assay.verdict import Findings, Provenance, Verdict

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ORIGIN = Provenance("0.1.0", "2026-01-01T00:00:00Z", seed=0)
FRAME = pl.DataFrame({"age": [20 + i % 50 for i in range(400)], "id": range(400)})


@pytest.fixture(scope="module")
def found() -> Findings:
    """Return findings with a catch, a survivor that advice was found for, and one that was only warned of."""
    told = [Fault("nulls", "age", s, seed) for s in (0.05, 0.5) for seed in range(3)]
    told += [Fault("unit_change", "age", 100.0, seed) for seed in range(3)] + [Fault("duplicate_rows", "", 0.1, 0)]
    judges = [suite_judge(Suite((column("age").no_missing(), column("age").between(0, 120, level="warn"))), now=NOW)]
    batches = Batches(FRAME)
    attempts = run_checks(judges, batches, told, clean=3)
    results = check_advice(results_of(attempts), batches, now=NOW)
    left = (LeftOut("gap", "", "it needs to know the time column"),)
    return findings_of(
        attempts, subject="ages", provenance=ORIGIN, results=results, names=judges[0].names, left_out=left
    )


def of(caught: Caught, **told: object) -> Findings:
    attempts = (Attempt(None, Caught.SURVIVED), Attempt(Fault("nulls", "age"), caught, why="so it is"))
    results = [Result("nulls", "data", "age", attempts[1:], caught, **told)]
    return findings_of(attempts, subject="tests", provenance=ORIGIN, results=results)


def test_a_caught_fault_passes_and_says_from_which_severity_on_and_by_what(found: Findings):
    caught = next(o for o in found.outcomes if o.subject == "nulls(age)")

    assert caught.verdict is Verdict.PASS
    assert caught.why == "caught from 0.05 on (share of the values that are gone), by suite: no_missing(age)"


def test_a_survivor_warns_and_names_the_check_that_catches_it(found: Findings):
    survived = next(o for o in found.outcomes if o.subject == "duplicate_rows")

    assert survived.verdict is Verdict.WARN
    assert survived.why == "nothing noticed it up to 0.1 (share of the rows that come once more)"
    assert survived.note.startswith("this catches it from 0.1 on: ")


def test_a_warning_is_said_to_be_no_catch(found: Findings):
    warned = next(o for o in found.outcomes if o.subject == "unit_change(age)")

    assert warned.verdict is Verdict.WARN
    assert warned.why.startswith("it was only warned of")


def test_the_score_stands_first_and_the_false_alarms_beside_it(found: Findings):
    score, clean = found.outcomes[:2]

    assert (score.check, round(score.observed.value, 4), score.observed.n) == ("faults_caught", 0.3333, 3)
    assert (clean.check, clean.verdict, clean.why) == ("clean_runs", Verdict.PASS, "none of 3 clean runs alarmed")


@pytest.mark.parametrize(("at_least", "verdict"), [(None, Verdict.WARN), (0.3, Verdict.PASS), (0.5, Verdict.FAIL)])
def test_the_score_is_judged_where_a_share_is_asked_for(at_least: float | None, verdict: Verdict):
    attempts = [Attempt(Fault("nulls", "age"), Caught.CHECK, ("a",))]
    attempts += [Attempt(Fault(name, "age"), Caught.SURVIVED) for name in ("sentinel", "unit_change")]

    seen = findings_of(attempts, subject="tests", provenance=ORIGIN, at_least=at_least)

    assert seen.outcomes[0].verdict is verdict


def test_zero_of_zero_is_inconclusive_and_never_a_pass():
    assert of(Caught.NOT_APPLICABLE).exit_code == 3
    assert findings_of((), subject="tests", provenance=ORIGIN).verdict is Verdict.INCONCLUSIVE


def test_a_survivor_that_does_no_harm_is_information():
    seen = of(Caught.SURVIVED, harm=0.0, harm_low=-0.01, harm_high=0.01)

    assert seen.outcomes[2].verdict is Verdict.SKIP
    assert "no measurable harm" in seen.outcomes[2].why


@pytest.mark.parametrize(
    ("alarms", "verdict"), [(0, Verdict.PASS), (1, Verdict.WARN), (2, Verdict.WARN), (3, Verdict.FAIL)]
)  # fmt: skip
def test_suites_that_cry_wolf_are_told(alarms: int, verdict: Verdict):
    # Wilson's lower end of 2 in 20 is 0.028, of 3 in 20 is 0.052: above 0.05.
    runs = [Attempt(None, Caught.CHECK if i < alarms else Caught.SURVIVED, ("suite: mean(age)",)) for i in range(20)]

    assert findings_of(runs, subject="tests", provenance=ORIGIN).outcomes[1].verdict is verdict


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_shows_them(found: Findings, format: str):
    shown = render(found, format)

    for word in ("nulls", "duplicate_rows"):
        assert word in shown


def test_they_travel_as_json(found: Findings, tmp_path):
    path = tmp_path / "faults.json"
    path.write_text(render(found, "json"))

    assert load_findings(path) == found


def test_the_picture_of_what_was_noticed_stands_first(found: Findings):
    page = findings_page(found)

    assert is_faults(found)
    assert page.kind == "faults"
    kinds = [type(block) for block in page.blocks if isinstance(block, Banner | StackedShare | Table)]
    assert kinds[:3] == [Banner, StackedShare, Table]
    assert [part.label for part in next(b for b in page.blocks if isinstance(b, StackedShare)).parts] == [
        "caught by a check", "only warned of", "survived",
    ]  # fmt: skip


def test_the_table_promises_what_the_advice_brings(found: Findings):
    layers = found.table("fault_layers")

    assert layers["value"].to_list()[0] == pytest.approx(1 / 3)
    assert layers["promised"].to_list()[0] == 1.0


def test_what_was_not_tried_is_shown(found: Findings):
    assert "it needs to know the time column" in render(found, "html")


def test_a_page_of_findings_that_anybody_wrote_stands_wrong_cells():
    odd = of(Caught.SURVIVED)
    broken = Findings(odd.subject, odd.outcomes, ORIGIN, exhibits=tuple(
        type(e)(e.name, e.title, {name: ("<i onclick=x>",) * len(cells) for name, cells in e.columns.items()}) for e in odd.exhibits
    ))  # fmt: skip

    assert "<i onclick" not in render(faults_page(broken), "html")


def test_it_is_said_where_only_the_first_rows_are_drawn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "MOST_ROWS", 50)
    rows = pl.DataFrame({"a": range(60)})
    terms = trying.Terms(Wanted(operators=("nulls",)), clean=1, advise=False)
    found = trying.try_checks(rows, suite=parse_suite("columns: {a: {no_missing: true}}"), terms=terms)
    (mark,) = found.provenance.datasets
    assert (mark.rows, mark.notes) == (50, ("draws are of the first 50 rows",))
