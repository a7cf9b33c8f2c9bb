"""The story that `assay demo` tells: a reference, a suite that it suggests, and the months that came after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from assay.api import Options, challenge, check, dataset, evaluate, profile, suggest
from assay.checks.suite import Suite, parse_suite, save_suite
from assay.data.dataset import Roles
from assay.demo.flights import MONTHS, write_tables
from assay.demo.late import scored
from assay.evaluation.baselines.baselines import BaselineSettings
from assay.evaluation.calibration.thresholds import Costs, ThresholdSettings
from assay.evaluation.challenge.policy import Policy
from assay.evaluation.settings import EvaluationSettings, MetricBound
from assay.evaluation.slicing.settings import SliceSettings
from assay.verdict import Findings, Outcome, Verdict, joined

__all__ = ["Chapter", "tell"]


@dataclass(frozen=True)
class Chapter:
    """One part of the story: what was asked, of what, and what was found."""

    title: str
    findings: Findings


def tell(folder: Path, *, say: Callable[[str], None]) -> list[Chapter]:
    """Run the demonstration in a folder and return its chapters; `say` is called before each step."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    say("unpacking 336,776 flights, their weather and their planes")
    write_tables(data)
    reference = data / "reference.parquet"
    say("profiling January to June")
    _save_profile(reference, folder)
    say("suggesting a suite from January to June, and trying it on slices that it has not seen")
    suggested = suggest(str(reference))
    save_suite(suggested, folder / "suggested.yaml")
    chapters = [Chapter("What a person would ask of the year", _year(data, say))]
    asked = suggested.with_checks((*suggested.checks, *_suite("months").checks))
    chapters += [_month(data, place, name, asked, say) for place, name in enumerate(MONTHS, start=7)]
    chapters.append(Chapter("The weather that flights are joined with", _checked(data, "weather", say)))
    chapters.append(Chapter("Day by day: the storms", _checked(data, "days", say)))
    chapters.append(Chapter("Is the label given away?", _checked(data, "leakage", say, source="reference")))
    _save_reports(chapters, folder)
    chapters += _models(data, folder, say)
    return chapters


def _save_profile(reference: Path, folder: Path) -> None:
    from assay.profiles.saved import save_profile
    from assay.reports.profile import profile_page
    from assay.reports.render import write

    measured = profile(str(reference))
    save_profile(measured, folder / "profile.json")
    write(profile_page(measured), folder / "profile.html")


def _suite(name: str) -> Suite:
    return parse_suite(files("assay.demo").joinpath(f"{name}.yaml").read_text(encoding="utf-8"), file=f"{name}.yaml")


def _year(data: Path, say: Callable[[str], None]) -> Findings:
    say("checking the year against planes and airports")
    others = {name: str(data / f"{name}.parquet") for name in ("planes", "airports")}
    return check(str(data / "flights.parquet"), _suite("flights"), options=Options(others=others))


def _month(data: Path, place: int, name: str, suite: Suite, say: Callable[[str], None]) -> Chapter:
    say(f"checking {name} against January to June")
    path = data / f"{place:02d}_{name.lower()}.parquet"
    return Chapter(
        f"{name} against January to June", check(str(path), suite, reference=str(data / "reference.parquet"))
    )


def _checked(data: Path, name: str, say: Callable[[str], None], *, source: str = "") -> Findings:
    say(f"checking {name}")
    return check(str(data / f"{source or name}.parquet"), _suite(name))


def _models(data: Path, folder: Path, say: Callable[[str], None]) -> list[Chapter]:
    """Return what two models of late arrivals are worth in July, and whether the second is to take the place of the first."""
    from assay.reports.render import write

    say("scoring the flights of July by what was late from January to June")
    rows = scored(data / "reference.parquet", data / "07_july.parquet")
    tested = dataset(rows, name="July's flights", roles=Roles(id=("flight",)))
    say("evaluating the model by its hour, carrier and origin: metrics, baselines, slices, calibration, thresholds")
    told = EvaluationSettings(
        bounds={"auc": MetricBound(at_least=0.6)}, baselines=BaselineSettings(previous_score="by_hour"),
        slices=SliceSettings(columns=("carrier", "origin")), thresholds=ThresholdSettings(costs=Costs(fn=5.0, fp=1.0)),
    )  # fmt: skip
    kinds: dict[str, Any] = {
        "task": "binary",
        "label": "late",
        "features": ("carrier", "origin", "dest", "hour", "distance"),
    }
    worth = evaluate(tested, score="by_route", settings=told, **kinds)
    say("challenging the model that goes by the hour alone")
    policy = Policy(lift_at_least=0.005, no_slice_worse_than=0.05, slices=SliceSettings(columns=("carrier", "origin")))
    contest = challenge(tested, {"score": "by_hour"}, {"by_route": {"score": "by_route"}}, policy=policy, **kinds)
    write(worth, folder / "evaluation.html")
    write(contest, folder / "challenge.html")
    return [
        Chapter("What a model of late arrivals is worth", worth),
        Chapter("Whether it is to replace the older one", contest),
    ]


def _save_reports(chapters: list[Chapter], folder: Path) -> None:
    from assay.reports.render import write

    merged = joined([chapter.findings for chapter in chapters], subject="New York's flights, 2013")
    for name in ("findings.json", "report.html", "report.md", "junit.xml"):
        write(merged, folder / name)


def worst(findings: Findings, most: int = 4) -> list[Outcome]:
    """Return the outcomes that a person should read first: not passed, worst first."""
    loud = [o for o in findings.outcomes if o.verdict > Verdict.PASS]
    return sorted(loud, key=lambda o: (-o.verdict.rank, -(o.n_failing or 0)))[:most]
