"""The 28 tests of the ML Test Score, what Assay takes as evidence of each, and the bands of the score.

Source: Breck, Cai, Nielsen, Salib and Sculley (2017), "The ML Test Score: A Rubric for ML Production Readiness and Technical
Debt Reduction", IEEE Big Data, Tables I to V. The titles are the paper's; the evidence is ours. Nothing is added to the 28.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from assay.testing.contract import Judgement

__all__ = ["BANDS", "RUBRIC", "RubricTest", "Section", "band", "claims_of_contracts"]


class Section(Enum):
    """The four sections; each is worth at most seven points, and the least of them is the score."""

    DATA = "Data"
    MODEL = "Model"
    INFRASTRUCTURE = "Infrastructure"
    MONITORING = "Monitoring"


@dataclass(frozen=True, slots=True)
class RubricTest:
    """One test of the rubric.

    `judged` names the outcomes that are evidence of it: "family:check", where either may be "*". `contracts` of Assay name their
    own tests, so they are not repeated here. `stage` asks that the judgement was made for that stage. `step` is the next step
    for a repository that has nothing, and `effort` how much work that is, from 1 (a command) to 3 (a process).
    """

    id: str
    section: Section
    title: str
    step: str
    judged: tuple[str, ...] = ()
    effort: int = 2
    stage: str = ""


_D, _M, _I, _O = Section.DATA, Section.MODEL, Section.INFRASTRUCTURE, Section.MONITORING
_BY_HAND = "do it, and write down what came of it in {folder}/{id}.md, dated"

RUBRIC: tuple[RubricTest, ...] = (
    RubricTest(
        "D1",
        _D,
        "Feature expectations are captured in a schema",
        "assay suggest REFERENCE -o suite.yaml; assay check DATA --suite suite.yaml -o reports/check.json",
        ("structure:*", "values:*", "completeness:*", "against:*", "text:*", "uniqueness:*"),
        1,
    ),
    RubricTest(
        "D2",
        _D,
        "All features are beneficial",
        "assay evaluate DATA --model MODEL … (its importances have intervals)",
        ("evaluation:explanation",),
        1,
    ),
    RubricTest(
        "D3",
        _D,
        "No feature's cost is too much",
        "judge each feature's time with the contract `latency`, marked @pytest.mark.rubric('D3')",
        ("evaluation:cost",),
        2,
    ),
    RubricTest(
        "D4",
        _D,
        "Features adhere to meta-level requirements",
        "forbid what may not be used (`columns`, `none_of`) in a test marked @pytest.mark.rubric('D4')",
        (),
        2,
    ),
    RubricTest(
        "D5",
        _D,
        "The data pipeline has appropriate privacy controls",
        "add `no_pii` to the suite of every table that leaves its source",
        ("text:no_pii",),
        1,
    ),
    RubricTest(
        "D6",
        _D,
        "New features can be added quickly",
        _BY_HAND + " (from the first commit of a feature to its first day in use)",
        (),
        3,
    ),
    RubricTest(
        "D7",
        _D,
        "All input feature code is tested",
        "declare each feature with assay.feature(...); assert assay.check_contracts(feature, data)",
        (),
        1,
    ),
    RubricTest(
        "M1", _M, "Model specs are reviewed and submitted", _BY_HAND + " (which review, of which commit)", (), 3
    ),
    RubricTest(
        "M2",
        _M,
        "Offline and online metrics correlate",
        _BY_HAND + " (pairs of offline and online metrics by version)",
        (),
        3,
    ),
    RubricTest(
        "M3",
        _M,
        "All hyperparameters have been tuned",
        _BY_HAND + " (the search, its ranges, and how sharp the best is)",
        (),
        3,
    ),
    RubricTest(
        "M4",
        _M,
        "The impact of model staleness is known",
        _BY_HAND + " (fit at several past dates, score all on the newest window)",
        (),
        3,
    ),
    RubricTest(
        "M5",
        _M,
        "A simpler model is not better",
        "assay evaluate … (baselines), or the contract `better_than_a_dummy`",
        ("evaluation:baseline", "evaluation:challenge"),
        1,
    ),
    RubricTest(
        "M6",
        _M,
        "Model quality is sufficient on important data slices",
        "assay evaluate … --group COL",
        ("evaluation:slice",),
        1,
    ),
    RubricTest(
        "M7",
        _M,
        "The model is tested for considerations of inclusion",
        "assay evaluate … with `fairness:` and its sensitive columns",
        ("evaluation:fairness",),
        1,
    ),
    RubricTest("I1", _I, "Training is reproducible", "the contract `reproducible` of assay.pipeline(...)", (), 1),
    RubricTest(
        "I2", _I, "Model specs are unit tested", "the contracts of assay.model(...) or assay.network(...)", (), 1
    ),
    RubricTest(
        "I3",
        _I,
        "The ML pipeline is integration tested",
        "the contract `runs` of assay.pipeline(...) on `assay slice DATA --rows 200`",
        (),
        1,
    ),
    RubricTest(
        "I4",
        _I,
        "Model quality is validated before serving",
        "assay evaluate … --at-least auc=0.8 (or assay challenge) in continuous integration",
        ("evaluation:metric", "evaluation:challenge"),
        1,
    ),
    RubricTest(
        "I5", _I, "The model is debuggable", "the trace of assay.pipeline(...): one row through every step", (), 2
    ),
    RubricTest(
        "I6",
        _I,
        "Models are canaried before serving",
        "the contract `serves` against the new version, in the environment that serves",
        (),
        2,
    ),
    RubricTest(
        "I7",
        _I,
        "Serving models can be rolled back",
        _BY_HAND + " (a drill: how long it took, and that the old answers were back)",
        (),
        3,
    ),
    RubricTest(
        "O1",
        _O,
        "Dependency changes result in notification",
        "the contract `environment`; assay schema diff OLD NEW in continuous integration",
        ("against:type_changed", "against:lost_columns"),
        1,
    ),
    RubricTest(
        "O2",
        _O,
        "Data invariants hold for inputs",
        "assay check DATA --suite suite.yaml --stage serving -o reports/serving.json",
        ("structure:*", "values:*", "completeness:*", "against:*"),
        1,
        "serving",
    ),
    RubricTest(
        "O3", _O, "Training and serving are not skewed", "the contract `skew`: the same rows through both paths", (), 2
    ),
    RubricTest(
        "O4",
        _O,
        "Models are not too stale",
        "the check `fresh` on the newest training data, marked or in the suite",
        ("times:fresh",),
        1,
    ),
    RubricTest(
        "O5",
        _O,
        "Models are numerically stable",
        "the check `finite` on predictions, with `not_constant`, in the suite of what was predicted",
        ("completeness:finite",),
        1,
    ),
    RubricTest(
        "O6", _O, "Computing performance has not regressed", "the contracts `latency` and `memory` with a budget", (), 1
    ),
    RubricTest(
        "O7",
        _O,
        "Prediction quality has not regressed on served data",
        "assay estimate REFERENCE CURRENT … until labels come, then assay evaluate",
        ("estimation:*", "drift:estimate"),
        1,
    ),
)

# The upper end of each band, itself in the band, and what the paper calls it. The first is 0 itself.
BANDS: tuple[tuple[float, str], ...] = (
    (0.0, "more of a research project than a productionized system"),
    (1.0, "not totally untested, but there may be serious holes in reliability"),
    (2.0, "a first pass at basic productionization; more investment may be needed"),
    (3.0, "reasonably tested, but more tests and procedures could be automated"),
    (5.0, "strong levels of automated testing and monitoring, fit for mission-critical systems"),
    (7.0, "exceptional levels of automated testing and monitoring"),
)


def band(score: float) -> str:
    """Return what the paper says of a score in [0, 7]; a score on an edge is in the lower band, as the paper has it.

    >>> band(0.5)
    'not totally untested, but there may be serious holes in reliability'
    >>> band(2.0) == band(1.5), band(2.0) == band(2.5)
    (True, False)
    """
    return next(words for end, words in BANDS if score <= end)


def claims_of_contracts() -> Mapping[str, tuple[str, ...]]:
    """Return the rubric tests that each contract of Assay is evidence of, by "family.contract", as outcomes are named."""
    return {f"{judge.contract.about}.{judge.contract.name}": judge.contract.rubric for judge in _contracts()}


def _contracts() -> Iterator[Judgement]:
    from assay.testing.catalogue import FAMILIES

    for family in FAMILIES.values():
        yield from family().values()
