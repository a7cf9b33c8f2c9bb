"""One evaluation to be shown: its findings, and its tables by name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from assay.reports import words
from assay.reports.exhibits import Sheet, sheets_of
from assay.verdict import Findings, Outcome, Verdict

__all__ = ["LOUD", "NEEDS", "Case"]

# What was found comes before what could not be judged.
LOUD = (Verdict.FAIL, Verdict.ERROR, Verdict.WARN, Verdict.INCONCLUSIVE)

# The exhibits that a page draws, and the columns without which each is shown as a plain table.
NEEDS: dict[str, tuple[str, ...]] = {
    "metrics": ("metric", "value", "low", "high"),
    "baselines": ("metric", "baseline", "value", "lift"),
    "confusion": ("label", "prediction", "count"),
    "roc": ("class", "fpr", "tpr"),
    "pr": ("class", "recall", "precision"),
    "gain": ("class", "share", "captured"),
    "reliability": ("class", "score", "share"),
    "calibration": ("measure", "value"),
    "thresholds": ("threshold",),
    "decision": ("threshold", "net_benefit"),
    "slices": ("slice", "metric", "value"),
    "slices_found": ("slice", "metric", "value"),
    "slice_search": ("slice", "discovered", "held"),
    "groups": ("column", "group", "measure", "value"),
    "gaps": ("column", "measure", "kind", "value"),
    "group_differences": ("column", "measure", "group", "reference", "difference"),
    "residuals": ("fitted", "residual"),
    "residual_means": ("fitted", "mean"),
    "residual_quantiles": ("normal", "residual"),
    "residual_tests": ("test", "verdict", "says"),
    "robustness": ("perturbation", "severity", "value"),
    "importance": ("feature", "value"),
    "shap": ("feature", "value"),
    "dependence": ("feature", "x", "value"),
    "cost": ("measure", "value"),
    "ledger": ("at",),
    "challenge": ("metric", "champion", "challenger", "difference"),
    "flips": ("label", "champion", "challenger", "count"),
    "slice_changes": ("slice", "metric", "champion", "challenger", "difference"),
    "challenge_cost": ("model", "measure", "value"),
}


class Case:
    """Findings of an evaluation, with what every section of its page asks of them."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.sheets = sheets_of(findings)

    def sheet(self, name: str) -> Sheet | None:
        """Return an exhibit that can be drawn; None where there is none, or it lacks rows, or a column that it takes."""
        sheet = self.sheets.get(name)
        return sheet if sheet is not None and name in NEEDS and sheet.has(*NEEDS[name]) else None

    @cached_property
    def others(self) -> list[Sheet]:
        """Return the exhibits that no section draws."""
        return [sheet for name, sheet in self.sheets.items() if sheet.rows and self.sheet(name) is None]

    def outcomes(self, check: str) -> list[Outcome]:
        """Return the outcomes of a check."""
        return [outcome for outcome in self.findings.outcomes if outcome.check == check]

    @cached_property
    def by_subject(self) -> dict[tuple[str, str], Outcome]:
        """Return the outcomes by check and subject."""
        return {(outcome.check, outcome.subject): outcome for outcome in self.findings.outcomes}

    def outcome(self, check: str, subject: str) -> Outcome | None:
        """Return the outcome of a check about a subject; None where there is none."""
        return self.by_subject.get((check, subject))

    @cached_property
    def loud(self) -> list[Outcome]:
        """Return the outcomes that need attention, the worst first; those of one verdict in their own order."""
        return sorted((o for o in self.findings.outcomes if o.verdict in LOUD), key=lambda one: LOUD.index(one.verdict))

    @cached_property
    def lead(self) -> str:
        """Return the metric that leads: the first of the table of metrics, or of the challenge; empty where there is none."""
        for name in ("metrics", "challenge"):
            sheet = self.sheet(name)
            if sheet is not None:
                return str(sheet.rows[0]["metric"])
        return ""

    @cached_property
    def better(self) -> dict[str, str]:
        """Return which way each metric gets better: "higher" or "lower"."""
        sheet = self.sheet("metrics")
        return {str(row["metric"]): row.text("better") for row in sheet.rows} if sheet is not None else {}

    @cached_property
    def rows(self) -> int:
        """Return how many rows were evaluated; 0 where that is not known."""
        sheet = self.sheet("metrics")
        counted = [int(row.number("n") or 0) for row in sheet.rows] if sheet is not None else []
        return max(counted or [outcome.n_rows or 0 for outcome in self.findings.outcomes], default=0)

    def whole(self, metric: str) -> float | None:
        """Return a metric of all rows; None where it is not known."""
        sheet = self.sheet("metrics")
        rows: Sequence[float | None] = [r.number("value") for r in sheet.rows if r["metric"] == metric] if sheet else ()
        return rows[0] if rows else None

    def way(self, metric: str) -> str:
        """Return which way a metric gets better, in words; empty where that is not known."""
        better = self.better.get(metric, "")
        return f"{better} is better" if better in ("higher", "lower") else words.clean(better)
