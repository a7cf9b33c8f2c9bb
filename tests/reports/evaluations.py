"""Findings of evaluations and challenges to show: a model of who subscribes, its rivals, other tasks, and tables made to disturb a page."""

from __future__ import annotations

from math import exp, sin, sqrt

from assay.verdict import Estimate, Exhibit, Findings, Mark, Outcome, Verdict
from reports.samples import ODD_NAMES, provenance

V = Verdict
N = 8_000
Cell = float | int | str | None
LIFTS = "metric baseline value low high lift lift_low lift_high"


def exhibit(name: str, columns: str, *rows: tuple[Cell, ...], title: str = "", note: str = "") -> Exhibit:
    """Return a table by its columns' names and its rows."""
    names = columns.split()
    return Exhibit(
        name, title or name.capitalize(), {key: tuple(row[i] for row in rows) for i, key in enumerate(names)}, note=note
    )


def estimate(value: float | None, half: float = 0.02, *, n: int = N, why: str = "") -> Estimate:
    """Return a figure with an interval of so much to both sides."""
    if value is None:
        return Estimate(None, n=n, why=why)
    return Estimate(value, n=n, low=value - half, high=value + half, confidence=0.95, method="bca")


def judged(
    check: str,
    subject: str,
    verdict: Verdict,
    seen: Estimate | None = None,
    *,
    expected: str = "",
    why: str = "",
    n: int = N,
) -> Outcome:
    """Return an outcome of an evaluation."""
    return Outcome(check, subject, verdict, expected, seen, why, n_rows=n, family="evaluation", id=f"{check}.{subject}")


def curve(c: float, *, points: int = 40) -> list[tuple[float, float]]:
    """Return places of the concave curve y = x^c from corner to corner."""
    return [(i / points, (i / points) ** c) for i in range(points + 1)]


METRICS = exhibit(
    "metrics", "metric title value low high n method better why",
    ("auc", "area under the ROC curve", 0.78190, 0.76359, 0.79918, N, "delong", "higher", ""),
    ("log_loss", "log loss", 0.28312, 0.26901, 0.29795, N, "bootstrap-t", "lower", ""),
    ("ece", "expected calibration error", 0.00839, 0.0, 0.02099, N, "normal", "lower", ""),
    ("recall", "recall", 0.21962, 0.19370, 0.24792, N, "wilson", "higher", ""),
    ("specificity", "specificity", None, None, None, N, "", "higher", "no row is negative"),
    title="Metrics", note="Intervals hold at 95% each",
)  # fmt: skip
BASELINES = exhibit(
    "baselines", LIFTS,
    ("auc", "random", 0.5, 0.5, 0.5, 0.2819, 0.2609, 0.3016), ("auc", "one_feature", 0.7689, 0.7511, 0.7869, 0.0130, 0.0032, 0.0229),
    ("recall", "majority", 0.0, 0.0, 0.0, 0.2196, 0.1937, 0.2479), title="Baselines", note="A lift is above 0 where the model is better",
)  # fmt: skip
CONFUSION = exhibit(
    "confusion", "label prediction count share",
    ("no", "no", 6_994, 0.98465), ("no", "yes", 109, 0.01535), ("yes", "no", 700, 0.78038), ("yes", "yes", 197, 0.21962),
    title="Labels and predictions",
)  # fmt: skip
ROC = exhibit(
    "roc", "class threshold fpr tpr low high",
    *(("yes", None if x == 0 else 1 - x, x, y, max(0, y - 0.03), min(1, y + 0.03)) for x, y in curve(0.3)), title="ROC",
)  # fmt: skip
PR = exhibit(
    "pr", "class threshold recall precision low high",
    *(("yes", 1 - x, x, 0.9 - 0.787875 * x, max(0, 0.85 - 0.787875 * x), 0.95 - 0.787875 * x) for x, _ in curve(1)), title="PR",
)  # fmt: skip
GAIN = exhibit("gain", "class share captured", *(("yes", x, y) for x, y in curve(0.4)), title="Gain")
RELIABILITY = exhibit(
    "reliability", "class score share low high n",
    *(("", s, s * 0.95, max(0, s * 0.95 - 0.04), s * 0.95 + 0.04, 800) for s in (0.02, 0.03, 0.04, 0.06, 0.1, 0.2, 0.5, 0.8)),
    title="Reliability", note="the bands of all bins hold together",
)  # fmt: skip
CALIBRATION = exhibit(
    "calibration", "measure value low high why", ("ece", 0.0065, 0.0, 0.015, ""), ("slope", 0.921, 0.863, 0.979, ""),
    ("brier", 0.0801, 0.0756, 0.085, ""), ("sharpness", None, None, None, "there is one score"), title="Calibration",
)  # fmt: skip
THRESHOLDS = exhibit(
    "thresholds", "threshold precision recall f1 accuracy predicted_positive cost",
    (None, None, 0.0, 0.0, 0.888, 0.0, 0.112),
    *((1 - x, 0.95 - 0.8 * x, x**0.5, 0.4, 0.9 - 0.3 * x, x, 0.5 * (x - 0.45) ** 2 + 0.1) for x, _ in curve(1)[1:]),
    title="Thresholds", note="costs: fp 1, fn 1; in use: 0.5",
)  # fmt: skip
DECISION = exhibit(
    "decision", "threshold net_benefit low high all_flagged",
    *((i / 100, 0.1 * exp(-i / 20), 0.08 * exp(-i / 20), 0.12 * exp(-i / 20), 0.11 - 0.89 * i / (100 - i)) for i in range(1, 90)),
    title="Decision curve",
)  # fmt: skip
SLICE_COLUMNS = (
    "slice metric value low high n share_of_rows rest "
    "deficit deficit_low deficit_high p_value adjusted share_of_errors how verdict"
)


def part(name: str, value: float | None, n: int, verdict: str, how: str = "asked") -> tuple[Cell, ...]:
    """Return a row of slices."""
    if value is None:
        return (name, "auc", None, None, None, n, n / N, 0.78, None, None, None, None, None, 0.001, how, verdict)
    half, deficit = 1.2 / sqrt(n), 0.79 - value
    ends = (value - half, value + half, n, n / N, 0.79, deficit, deficit - half, deficit + half)
    return (name, "auc", value, *ends, 0.003, 0.04, 0.15, how, verdict)


SLICES = exhibit(
    "slices", SLICE_COLUMNS,
    part("job = 'blue-collar'", 0.7166, 1_733, "fail"), part("job = 'services'", 0.7143, 780, "inconclusive"),
    part("job = 'student'", 0.7922, 176, "inconclusive"), part("age >= 47", 0.8100, 2_055, "pass"),
    part("marital = 'unknown'", None, 3, "inconclusive"), part("age < 32 AND job = 'admin.'", 0.66, 402, "skip", "found"),
    title="Slices", note="The deficit is how much worse a slice is than the rest",
)  # fmt: skip
GROUPS = exhibit(
    "groups", "column group n positives measure value low high",
    *(
        ("marital", f"marital = '{name}'", n, n // 9, measure, value + step, value + step - 0.02, value + step + 0.02)
        for measure, value in (("selection_rate", 0.03), ("tpr", 0.21))
        for name, n, step in (("married", 4_886, 0.0), ("single", 2_237, 0.03), ("divorced", 862, 0.005))
    ),
    ("marital", "marital = 'unknown'", 15, 1, "tpr", None, None, None), title="Groups",
)  # fmt: skip
GAPS = exhibit(
    "gaps", "column measure kind value low high chance worst best verdict",
    ("marital", "selection_rate", "difference", 0.031, 0.019, 0.043, 0.016, "marital = 'married'", "marital = 'single'", "skip"),
    ("marital", "selection_rate", "ratio", 0.478, 0.377, 0.63, 0.651, "marital = 'married'", "marital = 'single'", "fail"),
    ("marital", "tpr", "difference", 0.056, 0.0, 0.14, 0.101, "marital = 'divorced'", "marital = 'single'", "inconclusive"),
    title="Gaps between groups",
)  # fmt: skip
ROBUSTNESS = exhibit(
    "robustness", "perturbation feature severity value low high change change_low change_high",
    *(
        (name, "", s, 0.78 - loss * s, 0.76 - loss * s, 0.80 - loss * s, -loss * s, -loss * s - 0.01, -loss * s + 0.01)
        for name, loss in (("noise", 0.1), ("out_of_range", 0.4))
        for s in (0.05, 0.1, 0.2, 0.5)
    ),
    ("missing", "", 0.1, None, None, None, None, None, None),
    ("missing", "contact", 1.0, 0.758, 0.74, 0.776, -0.022, -0.033, -0.013), ("missing", "age", 1.0, 0.78, 0.76, 0.8, 0.0, -0.001, 0.001),
    title="auc under perturbations of 5,000 rows", note="Severity of noise: standard deviations",
)  # fmt: skip
IMPORTANCE = exhibit(
    "importance", "feature value low high p_value", ("age", 0.0001, -0.0005, 0.0005, 0.44), ("emp_var_rate", 0.356, 0.323, 0.39, 0.0025),
    ("contact", 0.027, 0.019, 0.039, 0.0025), title="Permutation importance",
)  # fmt: skip
DEPENDENCE = exhibit(
    "dependence", "feature x value low high n",
    *(("emp_var_rate", -3.4 + i, 0.8 - 0.18 * i, 0.78 - 0.18 * i, 0.82 - 0.18 * i, 1_000) for i in range(5)),
    ("contact", "cellular", 0.122, 0.113, 0.131, 1_000), ("contact", None, 0.078, 0.071, 0.086, 1_000), title="Partial dependence",
)  # fmt: skip
COST = exhibit(
    "cost", "measure value low high unit", ("latency p95", 12.67, 11.59, 14.32, "ms"), ("model size", 4_403, 4_403, 4_403, "bytes"),
    title="What the model costs",
)  # fmt: skip
LEDGER = exhibit(
    "ledger", "at use subject rows model auc", ("2026-11-20T09:00:00Z", "tuning", "bank", N, "logistic", 0.77),
    ("2026-11-22T13:40:05Z", "final", "bank", N, "logistic", 0.7819), title="Evaluations against this labelled set",
)  # fmt: skip
EXHIBITS = (
    METRICS, BASELINES, CONFUSION, ROC, PR, GAIN, RELIABILITY, CALIBRATION, THRESHOLDS, DECISION, SLICES, GROUPS, GAPS, ROBUSTNESS,
    IMPORTANCE, DEPENDENCE, COST, LEDGER,
)  # fmt: skip
OUTCOMES = (
    judged("metric", "auc", V.PASS, Estimate(0.7819, N, low=0.76359, high=0.79918, confidence=0.95), expected="at least 0.75",
           why="all of 0.7819 [0.7636, 0.7992] keeps the bound"),
    judged("metric", "recall", V.FAIL, Estimate(0.21962, N, low=0.1937, high=0.24792, confidence=0.95), expected="at least 0.4",
           why="all of 0.2196 [0.1937, 0.2479] is beyond the bound"),
    judged("metric", "ece", V.INCONCLUSIVE, Estimate(0.00839, N, low=0.0, high=0.02099, confidence=0.95), expected="at most 0.02",
           why="the bound lies inside 0.00839 [0, 0.02099]: the rows cannot tell"),
    judged("metric", "log_loss", V.SKIP, estimate(0.28312, 0.014), why="0.2831 [0.2691, 0.298]"),
    judged("metric", "specificity", V.SKIP, estimate(None, why="no row is negative"), why="it is undefined: no row is negative"),
    judged("slice", "auc deficit where job = 'blue-collar'", V.FAIL, estimate(0.0737, 0.05, n=1_733), expected="worse by at most 0.02",
           why="auc is 0.7166 where job = 'blue-collar': 0.0737 [0.0237, 0.1237] worse than the rest", n=1_733),
    judged("fairness", "selection_rate ratio of marital", V.FAIL, estimate(0.478, 0.12), expected="at least 0.8",
           why="0.478 between marital = 'married' and marital = 'single'; groups without a difference show down to 0.651"),
    judged("calibration", "best threshold", V.SKIP, estimate(0.55, 0.05), why="it costs 0.1 a row on the rows that it was chosen on"),
    judged("calibration", "slope", V.SKIP, estimate(0.921, 0.058), why="below 1 scores are too extreme"),
    judged("explanation", "importance of emp_var_rate", V.WARN, Estimate(1.21, 5_000, low=1.15, high=1.29, unit="share"),
           expected="no feature carries more than 80% of the skill alone", why="'emp_var_rate' alone carries 1.21 of the skill", n=5_000),
    judged("ledger", "looks", V.PASS, Estimate(2, N, confidence=1.0), expected="at most 10", why="it is look 2 at this labelled set"),
)  # fmt: skip
BANK = Mark(
    "bank",
    "bank.parquet",
    "715d5ef0e8d5840b",
    rows=N + 12,
    columns=21,
    notes=("12 rows have no label, and were left out",),
)
BINARY = Findings("bank", OUTCOMES, provenance(datasets=(BANK,), suite="", suite_fingerprint=""), exhibits=EXHIBITS)
UNJUDGED = Findings(
    "bank",
    tuple(o for o in OUTCOMES if o.verdict is V.SKIP),
    provenance(datasets=(BANK,)),
    exhibits=(METRICS, BASELINES, ROC),
)

# Other tasks ----------------------------------------------------------------------------------------------------------

SPECIES = tuple(f"species {i}" for i in range(15))
MULTICLASS = Findings(
    "plants",
    (judged("metric", "macro_auc", V.PASS, estimate(0.91), expected="at least 0.8", why="all of it keeps the bound"),),
    provenance(),
    exhibits=(
        exhibit("metrics", "metric title value low high n method better why",
                ("macro_auc", "mean AUC", 0.91, 0.89, 0.93, 600, "bca", "higher", "")),
        exhibit("confusion", "label prediction count share",
                *((a, b, 30 + i if a == b else (i + 2 * j) % 5, 0.5 if a == b else 0.02) for i, a in enumerate(SPECIES)
                  for j, b in enumerate(SPECIES))),
        exhibit("roc", "class threshold fpr tpr low high",
                *((name, 1 - x, x, y, None, None) for i, name in enumerate(SPECIES) for x, y in curve(0.1 + i / 30, points=20))),
        exhibit("reliability", "class score share low high n",
                *((name, s / 10, s / 10, s / 12, s / 9, 20) for name in SPECIES[:3] for s in range(1, 10))),
    ),
)  # fmt: skip
LABELLED = Findings(
    "songs", (judged("metric", "macro_f1", V.SKIP, estimate(0.6), why="0.6"),), provenance(),
    exhibits=(
        exhibit("confusion", "label prediction count share",
                *((f"{a}{name}", f"{b}{name}", 400 if a == b else 100, 0.8 if a == b else 0.2) for name in ("calm", "loud", "sad")
                  for a in ("not ", "") for b in ("not ", ""))),
    ),
)  # fmt: skip
REGRESSION = Findings(
    "bikes",
    (
        judged("metric", "mae", V.FAIL, estimate(118.785, 4.5, n=3_000), expected="at most 100", why="all of 118.8 is beyond it", n=3_000),
        judged("residuals", "bias", V.SKIP, estimate(92.9, 5.0, n=3_000), why="the mean of label less prediction", n=3_000),
    ),
    provenance(),
    exhibits=(
        exhibit("metrics", "metric title value low high n method better why",
                ("mae", "mean absolute error", 118.785, 114.376, 123.449, 3_000, "bootstrap-t", "lower", ""),
                ("r2", "R²", 0.21, 0.18, 0.24, 3_000, "bca", "higher", "")),
        exhibit("residuals", "fitted residual", *((i / 3, 90 * sin(i * 1.7) + i / 10) for i in range(900))),
        exhibit("residual_means", "fitted mean low high n", *((15.0 * i, 2.0 * i, 2.0 * i - 9, 2.0 * i + 9, 45) for i in range(20))),
        exhibit("residual_quantiles", "normal residual", *((5.0 * i, 6.0 * i - i * i / 40) for i in range(-50, 51))),
        exhibit("residual_tests", "test statistic p_value verdict says",
                ("breusch_pagan", 153.5, 3e-35, "warn", "errors are 1.83 times as wide at one end of the predictions as at the other"),
                ("durbin_watson", None, None, "skip", "not told: the rows have no order in time")),
    ),
)  # fmt: skip

# Challenges -----------------------------------------------------------------------------------------------------------

_PARTS = "challenger_name slice metric champion challenger difference low high p_value adjusted n verdict"
FLIPPED = (
    ("no", "no", "no", 6_950), ("no", "yes", "no", 60), ("no", "no", "yes", 44), ("no", "yes", "yes", 49),
    ("yes", "no", "yes", 51), ("yes", "yes", "no", 64), ("yes", "no", "no", 649), ("yes", "yes", "yes", 133),
)  # fmt: skip
_CHANGES = "challenger_name metric champion challenger difference low high p_value adjusted verdict"


def challenge(*names: str) -> Findings:
    """Return a challenge of a champion by these challengers; the first one leads."""
    lead = names[0]
    metrics = [
        row for i, name in enumerate(names) for row in (
            (name, "auc", 0.7819, 0.7941 + i / 100, 0.0122 + i / 100, 0.0048, 0.0196 + i / 50, 0.001, 0.001, "pass" if not i else "skip"),
            (name, "recall", 0.2196, 0.2051, -0.0145, -0.031, 0.002, 0.08, None, "skip"),
            (name, "cost_per_row", 14.2, 13.9, -0.3, -0.7, 0.1, 0.14, None, "skip"),
        )
    ]  # fmt: skip
    parts = [
        (name, part, "auc", 0.78, 0.78 + gain, gain, gain - 0.02, gain + 0.02, 0.01, 0.03, 900, verdict) for name in names
        for part, gain, verdict in (("age < 32", -0.041, "fail"), ("job = 'admin.'", 0.015, "pass"), ("marital = 'single'", 0.01, "skip"))
    ]  # fmt: skip
    flips = [
        (name, label, old, new, count, count / N) for name in names for label, old, new, count in FLIPPED
    ]  # fmt: skip
    costs = [
        (model, measure, value * (1 + i), value * (0.9 + i), value * (1.1 + i), unit) for i, model in enumerate(("champion", *names))
        for measure, value, unit in (("latency p95", 12.67, "ms"), ("model size", 4_403.0, "bytes"))
    ]  # fmt: skip
    return Findings(
        "bank",
        (
            judged("challenge", lead, V.FAIL, estimate(0.0122, 0.0074), expected="every condition of the policy holds",
                   why="the champion stays: auc is better by 0.0122 [0.0048, 0.0196], at 12.7 ms more; slices: worse where age < 32"),
            judged("challenge", f"lift of {lead}", V.PASS, estimate(0.0122, 0.0074), expected="auc better", why="all of it is above 0"),
            judged("challenge", f"slices of {lead}", V.FAIL, estimate(-0.041, 0.02), expected="auc in no slice worse by more than 0.02",
                   why="worse where age < 32: -0.041 [-0.061, -0.021] on 900 rows, beyond chance over 3 slices"),
            *(judged("challenge", name, V.SKIP, estimate(0.02, 0.02), why="inconclusive: the champion stays until more is known")
              for name in names[1:]),
        ),
        provenance(datasets=(BANK,)),
        exhibits=(
            exhibit("challenge", _CHANGES, *metrics, title="Champion and challengers", note="the challenger's less the champion's"),
            exhibit("slice_changes", _PARTS, *parts),
            exhibit("flips", "challenger_name label champion challenger count share", *flips),
            exhibit("challenge_cost", "model measure value low high unit", *costs),
        ),
    )  # fmt: skip


CHALLENGE, RIVALS = challenge("boosted trees"), challenge("boosted trees", "forest")

# Made to disturb ------------------------------------------------------------------------------------------------------

HOSTILE: tuple[Cell, ...] = (*ODD_NAMES, None, 1e308, -1e308, 5e-324, 0, -1, "1.5", float("nan"), float("inf"))


def hostile(columns: str, **fixed: tuple[Cell, ...]) -> dict[str, tuple[Cell, ...]]:
    """Return columns in which anything may stand anywhere."""
    n = len(HOSTILE)
    names = columns.split()
    return {name: fixed.get(name) or tuple(HOSTILE[(i + 3 * k) % n] for i in range(n)) for k, name in enumerate(names)}


ODD_EVALUATION = Findings(
    'odd <names> & "values"\n',
    (
        *(judged("metric", name, V.FAIL, Estimate(1e300, 3, low=-1e300, why=name), expected=f"at most {name}", why=f"{name} is too low")
          for name in ODD_NAMES),
        *(judged(name, name, V.INCONCLUSIVE, Estimate(None, 0, why=name), expected="at least 0.5") for name in ODD_NAMES[:3]),
        judged("challenged", "range", V.WARN, Estimate(0.4, 3, low=0.3, high=0.5), expected="at least 0.5 and at most 1e308"),
    ),
    provenance(suite="<i>suite</i>"),
    exhibits=(
        *(
            Exhibit(one.name, ODD_NAMES[i % len(ODD_NAMES)], hostile(" ".join(one.columns)), note=ODD_NAMES[(i + 1) % len(ODD_NAMES)])
            for i, one in enumerate((*EXHIBITS, *REGRESSION.exhibits[1:]))
        ),
        Exhibit("<b>unknown</b>", "</style><b>", hostile("a b <i>c</i>")),
        Exhibit("groups_torn", "torn", {}),
        Exhibit("slices_found", "without what it takes", {"slice": ODD_NAMES}),
        Exhibit("decision", "numbers all the same", {"threshold": (0.5, 0.5), "net_benefit": (0.0, 0.0), "all_flagged": (0.0, 0.0)}),
    ),
)  # fmt: skip


def large(n: int) -> Findings:
    """Return an evaluation with n slices, groups, features, residuals and outcomes."""
    names = [f"city = 'a city with a long name, number {i}'" for i in range(n)]
    return Findings(
        "large",
        tuple(judged("slice", f"auc where {name}", V.FAIL if i % 3 else V.INCONCLUSIVE, estimate(0.7), expected="at least 0.8",
                     why=f"all of 0.7 [0.68, 0.72] where {name} is beyond the bound") for i, name in enumerate(names)),
        provenance(),
        exhibits=(
            METRICS,
            exhibit("slices", SLICE_COLUMNS,
                    *(part(name, 0.6 + (i % 30) / 100, 50 + i, ("skip", "fail")[i % 3 > 0], ("found", "asked")[i % 2])
                      for i, name in enumerate(names))),
            exhibit("groups", "column group n positives measure value low high",
                    *(("city", name, 50 + i, 5, f"measure_{i % 40}", 0.5, 0.4, 0.6) for i, name in enumerate(names))),
            exhibit("gaps", "column measure kind value low high chance worst best verdict",
                    *(("city", f"measure_{i}", "difference", 0.1, 0.05, 0.15, 0.08, names[0], names[1], "fail") for i in range(n))),
            exhibit("roc", "class threshold fpr tpr low high",
                    *((f"class {i % 60}", 0.5, i / n, (i / n) ** 0.5, None, None) for i in range(6 * n))),
            exhibit("residuals", "fitted residual", *((float(i), float(i % 17)) for i in range(10 * n))),
            exhibit("importance", "feature value low high p_value", *((name, 0.1, 0.05, 0.15, 0.01) for name in names)),
            exhibit("dependence", "feature x value low high n", *((name, x / 10, 0.5, 0.4, 0.6, 9) for name in names for x in range(20))),
            exhibit("robustness", "perturbation feature severity value low high change change_low change_high",
                    *((name, "", s / 4, 0.7, 0.6, 0.8, -0.1, -0.2, 0.0) for name in names for s in range(1, 5))),
            exhibit("confusion", "label prediction count share", *((a, b, 3, 0.1) for a in names[:40] for b in names[:40])),
        ),
    )  # fmt: skip
