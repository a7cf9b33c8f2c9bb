import msgspec
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from assay.evaluation.calibration.thresholds import MOST_ROWS, Costs, ThresholdSettings, thresholds
from assay.evaluation.predictions import Predictions
from assay.evaluation.trial import Part, Trial
from assay.stats.resampling import resamples
from assay.verdict import Exhibit, Outcome, Verdict


def trial_of(rows: Predictions, *, replicates: int = 300, seed: int = 5) -> Trial:
    rng = np.random.default_rng(seed)
    units = resamples(rows.n, rng=rng, replicates=replicates, entities=rows.entity, blocks=rows.block)
    return Trial(rows, units, ("auc",), rng)


def binary(labels, scores, *, at: float = 0.5, **more) -> Predictions:
    scores = np.asarray(scores, dtype=np.float64)
    both = np.column_stack([1 - scores, scores])
    return Predictions("binary", np.asarray(labels), (scores >= at).astype(int), both, classes=(0, 1), **more)


def drawn(n: int, rng: np.random.Generator, **more) -> Predictions:
    p = 1 / (1 + np.exp(-(rng.normal(size=n) * 1.5 - 1)))
    return binary((rng.random(n) < p).astype(int), p, **more)


def exhibit(part: Part, name: str) -> Exhibit:
    return next(one for one in part.exhibits if one.name == name)


def outcome(part: Part, subject: str) -> Outcome:
    return next(one for one in part.outcomes if one.subject == subject)


def value(part: Part, subject: str) -> float:
    found = outcome(part, subject).observed
    assert found is not None
    assert isinstance(found.value, float)
    return found.value


# The table -----------------------------------------------------------------------------------------------------------


def test_four_rows_cost_what_a_hand_adds_up():
    # By falling score: 0.9 positive, 0.7 negative, 0.6 positive, 0.2 negative; a miss costs 3, a false alarm 1, a hit -1.
    part = thresholds(
        trial_of(binary([0, 1, 0, 1], [0.2, 0.6, 0.7, 0.9])), ThresholdSettings(costs=Costs(fp=1, fn=3, tp=-1))
    )

    columns = exhibit(part, "thresholds").columns
    assert columns["threshold"] == (None, 0.9, 0.7, 0.6, 0.2)
    assert columns["cost"] == (6 / 4, 2 / 4, 3 / 4, -1 / 4, 0.0)
    assert columns["precision"] == pytest.approx((None, 1, 0.5, 2 / 3, 0.5))
    assert value(part, "best threshold") == 0.6


def test_each_row_has_the_figures_of_scikit_learn(rng):
    rows = drawn(3_000, rng)

    columns = exhibit(thresholds(trial_of(rows, replicates=50), ThresholdSettings()), "thresholds").columns

    assert len(columns["threshold"]) <= MOST_ROWS
    for i in (1, 40, 100, len(columns["threshold"]) - 1):
        said = rows.positive >= columns["threshold"][i]
        for name, of in (
            ("precision", precision_score),
            ("recall", recall_score),
            ("f1", f1_score),
            ("accuracy", accuracy_score),
        ):
            assert columns[name][i] == pytest.approx(of(rows.labels, said)), name
        assert columns["predicted_positive"][i] == pytest.approx(said.mean())
        assert columns["cost"][i] == pytest.approx((said != rows.labels).mean())


def test_the_best_threshold_and_the_one_in_use_are_rows_of_the_table(rng):
    part = thresholds(trial_of(drawn(20_000, rng), replicates=50), ThresholdSettings(costs=Costs(fn=7)))

    at = [cell for cell in exhibit(part, "thresholds").columns["threshold"] if cell is not None]
    assert value(part, "best threshold") in at
    assert min(abs(cell - 0.5) for cell in at) < 1e-3


# The best threshold --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fn", [1.0, 4.0])
def test_right_probabilities_are_cut_where_the_costs_say(fn: float, rng):
    # Of right probabilities the least cost is at fp / (fp + fn).
    part = thresholds(trial_of(drawn(50_000, rng)), ThresholdSettings(costs=Costs(fn=fn)))

    seen = outcome(part, "best threshold").observed
    assert seen.low <= 1 / (1 + fn) <= seen.high
    assert seen.value == pytest.approx(1 / (1 + fn), abs=0.05)


def test_the_interval_of_the_threshold_holds_the_best_one_about_as_often_as_it_says():
    # Of 150 intervals at 0.95, 131 or fewer hold it with a probability of 0.0002; the bootstrap of a threshold is only nearly right.
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(150):
        part = thresholds(trial_of(drawn(600, rng), replicates=150), ThresholdSettings(costs=Costs(fn=4)))
        seen = outcome(part, "best threshold").observed
        held += seen.low is not None and seen.low <= 0.2 <= seen.high

    assert held > 131


def test_what_the_best_threshold_costs_is_not_flattered():
    # On the rows that it was chosen on a threshold looks cheaper than the best one there is; on others it cannot be, on average.
    rng = np.random.default_rng(3)
    odds = rng.normal(size=1_000_000) * 1.5 - 1
    p = 1 / (1 + np.exp(-odds))
    least = np.where(p >= 1 / 6, 1 - p, 5 * p).mean()
    apparent, honest = [], []
    for _ in range(100):
        part = thresholds(trial_of(drawn(200, rng), replicates=20), ThresholdSettings(costs=Costs(fn=5)))
        honest.append(value(part, "cost at the best threshold"))
        apparent.append(min(exhibit(part, "thresholds").columns["cost"]))

    error = np.std(honest) / 10
    assert np.mean(apparent) < least - 3 * error
    assert np.mean(honest) > least - 3 * error


def test_scores_without_skill_save_nothing_on_other_rows():
    rng = np.random.default_rng(4)
    savings = []
    for _ in range(100):
        rows = binary(rng.integers(0, 2, 100), rng.random(100))
        part = thresholds(trial_of(rows, replicates=20), ThresholdSettings(current=0.5))
        savings.append(value(part, "saving"))

    assert abs(np.mean(savings)) < 4 * np.std(savings) / 10


def test_the_saving_is_paired_with_the_threshold_in_use(rng):
    part = thresholds(trial_of(drawn(5_000, rng)), ThresholdSettings(costs=Costs(fn=5), saving_at_most=0.05))

    saved = value(part, "cost at the threshold in use") - value(part, "cost at the best threshold")
    assert value(part, "saving") == pytest.approx(saved)
    assert outcome(part, "saving").verdict is Verdict.FAIL
    assert outcome(part, "saving").observed.low > 0.2


def test_flagging_none_and_all_cost_what_the_labels_say(rng):
    rows = drawn(500, rng)

    part = thresholds(trial_of(rows), ThresholdSettings(costs=Costs(fp=2, fn=5, tp=1, tn=-1)))

    share = rows.labels.mean()
    assert value(part, "cost with none flagged") == pytest.approx(5 * share - (1 - share))
    assert value(part, "cost with all flagged") == pytest.approx(share + 2 * (1 - share))


def test_where_alarms_cost_more_than_hits_save_nothing_is_flagged():
    part = thresholds(trial_of(binary([1, 1, 0, 0], [0.2, 0.6, 0.7, 0.9])), ThresholdSettings(costs=Costs(fn=0.1)))

    assert outcome(part, "best threshold").observed.value is None
    assert "above all scores" in outcome(part, "best threshold").observed.why


def exhibit_note(part: Part) -> str:
    return exhibit(part, "thresholds").note


def test_weights_count_as_so_many_rows(rng):
    rows = drawn(400, rng)
    weights = rng.integers(1, 4, 400)
    weighted = binary(rows.labels, rows.positive, weights=weights.astype(np.float64))
    repeated = rows.at(np.repeat(np.arange(400), weights))

    one, other = (thresholds(trial_of(part), ThresholdSettings(costs=Costs(fn=3))) for part in (weighted, repeated))

    assert value(one, "best threshold") == value(other, "best threshold")
    assert value(one, "cost at the threshold in use") == pytest.approx(value(other, "cost at the threshold in use"))


def test_entities_widen_the_interval_of_the_cost(rng):
    few = drawn(200, rng)
    twenty = np.repeat(np.arange(200), 20)
    rows = few.at(twenty)
    together = binary(rows.labels, rows.positive, entity=twenty)

    seen = [
        outcome(thresholds(trial_of(part), ThresholdSettings()), "cost with none flagged").observed
        for part in (rows, together)
    ]

    assert seen[1].high - seen[1].low > 3 * (seen[0].high - seen[0].low)  # √20 = 4.5


def test_a_few_entities_do_not_tell_how_far_a_cost_may_be_off(rng):
    few = drawn(100, rng)
    rows = binary(few.labels, few.positive, entity=np.repeat(np.arange(4), 25))

    part = thresholds(trial_of(rows), ThresholdSettings(saving_at_most=0.5))

    assert outcome(part, "saving").verdict is Verdict.INCONCLUSIVE
    assert outcome(part, "best threshold").observed.low is None
    assert set(exhibit(part, "decision").columns["low"]) == {None}


@pytest.mark.parametrize(
    "weights", [np.full(300, 1e-300), np.full(300, 1e300), np.repeat([0.0, 1.0], 150), np.zeros(300)]
)
def test_hostile_weights_give_finite_figures_or_none(weights, rng):
    rows = drawn(300, rng)
    weighted = binary(rows.labels, rows.positive, weights=weights)

    part = thresholds(trial_of(weighted), ThresholdSettings(recall_at_least=0.5))

    for one in part.outcomes:
        assert one.observed.why if one.observed.value is None else np.isfinite(one.observed.value)
    assert bool(part.exhibits) == bool(weights.any())


# The threshold in use, and constraints -------------------------------------------------------------------------------


def test_the_threshold_in_use_is_found_from_the_predictions(rng):
    part = thresholds(trial_of(drawn(500, rng, at=0.3)), ThresholdSettings())

    assert "in use: 0.3" in exhibit_note(part)


def test_predictions_that_no_threshold_makes_have_no_saving():
    rows = binary([0, 1, 0, 1], [0.2, 0.6, 0.7, 0.9])
    crossed = Predictions("binary", rows.labels, np.array([1, 0, 1, 0]), rows.scores, classes=(0, 1))

    part = thresholds(trial_of(crossed), ThresholdSettings(saving_at_most=0.1))

    assert outcome(part, "saving").verdict is Verdict.INCONCLUSIVE
    assert "not made by a threshold" in outcome(part, "saving").observed.why


def test_the_best_threshold_keeps_its_constraints(rng):
    rows = drawn(4_000, rng)
    for settings, kept in (
        (ThresholdSettings(recall_at_least=0.9), lambda said: recall_score(rows.labels, said) >= 0.9),
        (ThresholdSettings(precision_at_least=0.8), lambda said: precision_score(rows.labels, said) >= 0.8),
        (ThresholdSettings(costs=Costs(fn=9), flagged_at_most=0.1), lambda said: said.mean() <= 0.1),
    ):
        part = thresholds(trial_of(rows, replicates=50), settings)
        assert kept(rows.positive >= value(part, "best threshold"))


def test_the_threshold_in_use_is_judged_by_the_constraints(rng):
    settings = ThresholdSettings(recall_at_least=0.9, flagged_at_most=0.8)

    part = thresholds(trial_of(drawn(2_000, rng)), settings)

    assert outcome(part, "recall at the threshold in use").verdict is Verdict.FAIL
    assert outcome(part, "flagged at the threshold in use").verdict is Verdict.PASS
    assert "has 0.9" in outcome(part, "recall at the threshold in use").why


def test_constraints_that_no_threshold_keeps_are_said(rng):
    part = thresholds(trial_of(drawn(500, rng)), ThresholdSettings(recall_at_least=0.99, flagged_at_most=0.01))

    for subject in ("best threshold", "cost at the best threshold", "saving"):
        assert outcome(part, subject).observed.value is None
        assert "no threshold keeps the constraints" in outcome(part, subject).observed.why


# The decision curve --------------------------------------------------------------------------------------------------


def test_net_benefit_is_its_formula(rng):
    rows = drawn(1_000, rng)

    columns = exhibit(thresholds(trial_of(rows), ThresholdSettings()), "decision").columns

    for p in (0.05, 0.2, 0.75):
        i = columns["threshold"].index(p)
        said, share = rows.positive >= p, rows.labels.mean()
        hits, alarms = (said & (rows.labels == 1)).mean(), (said & (rows.labels == 0)).mean()
        assert columns["net_benefit"][i] == pytest.approx(hits - alarms * p / (1 - p))
        assert columns["all_flagged"][i] == pytest.approx(share - (1 - share) * p / (1 - p))
        assert columns["low"][i] <= columns["net_benefit"][i] <= columns["high"][i]


def test_scores_that_are_no_probabilities_have_no_decision_curve():
    rows = Predictions(
        "binary",
        np.array([0, 1, 1]),
        None,
        np.array([[3.0, -3], [-1, 1], [-2, 2]]),
        classes=(0, 1),
        probabilities=False,
    )

    part = thresholds(trial_of(rows), ThresholdSettings())

    assert [one.name for one in part.exhibits] == ["thresholds"]


# What has no threshold -----------------------------------------------------------------------------------------------


def test_only_two_classes_with_scores_have_a_threshold():
    numbers = Predictions("regression", np.array([1.0, 2.0]), np.array([1.0, 2.0]))
    said = Predictions("binary", np.array([0, 1]), np.array([0, 1]), classes=(0, 1))

    assert thresholds(trial_of(numbers), ThresholdSettings()) == Part()
    assert thresholds(trial_of(said), ThresholdSettings()) == Part()


@pytest.mark.parametrize(
    ("labels", "scores"),
    [([1, 1], [0.2, 0.9]), ([0, 1], [0.5, 0.5]), ([0, 1], [0.3, 0.7]), ([0, 0, 0, 1], [0.1, 0.2, 0.3, 1.0])],
    ids=["one class", "one score", "two rows", "parted"],
)
def test_hostile_scores_are_undefined_where_they_are_and_never_nan(labels, scores):
    part = thresholds(trial_of(binary(labels, scores)), ThresholdSettings(recall_at_least=0.5))

    for one in part.exhibits:
        assert not any(
            isinstance(cell, float) and not np.isfinite(cell) for cells in one.columns.values() for cell in cells
        )
    for one in part.outcomes:
        assert one.observed.why if one.observed.value is None else np.isfinite(one.observed.value)


@pytest.mark.parametrize(
    "settings", [{"recall_at_least": 1.5}, {"flagged_at_most": -0.1}, {"costs": {"fp": -1.0, "fn": 0.0}}]
)
def test_settings_out_of_range_are_refused(settings: dict[str, object]):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(settings, ThresholdSettings)


def test_a_benefit_is_a_negative_cost():
    found = msgspec.convert({"costs": {"fp": 1, "fn": 0, "tp": -20}}, ThresholdSettings)

    assert found.costs == Costs(fp=1.0, fn=0.0, tp=-20.0)
