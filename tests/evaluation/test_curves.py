import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_auc_score, roc_curve

from assay.evaluation.confusion import MOST_CLASSES as MOST_CELLS
from assay.evaluation.confusion import OTHERS, confusion
from assay.evaluation.curves import MOST_CLASSES, MOST_POINTS, corners, curve_of, curves
from assay.evaluation.metrics.forms import places_of
from assay.evaluation.predictions import Predictions
from assay.evaluation.trial import Part, Trial
from assay.stats.resampling import resamples
from assay.verdict import Exhibit


def trial_of(rows: Predictions, *, replicates: int = 200) -> Trial:
    rng = np.random.default_rng(5)
    units = resamples(rows.n, rng=rng, replicates=replicates, entities=rows.entity, blocks=rows.block)
    return Trial(rows, units, ("auc",), rng)


def binary(labels, scores, **more) -> Predictions:
    scores = np.asarray(scores, dtype=np.float64)
    both = np.column_stack([1 - scores, scores])
    return Predictions("binary", np.asarray(labels), (scores >= 0.5).astype(int), both, classes=(0, 1), **more)


def drawn(n: int, rng: np.random.Generator, *, ties: bool = False, **more) -> Predictions:
    odds = rng.normal(size=n) * 1.5 - 0.5
    p = 1 / (1 + np.exp(-odds))
    labels = (rng.random(n) < p).astype(int)
    return binary(labels, p.round(1) if ties else p, **more)


def several(n: int, k: int, rng: np.random.Generator) -> Predictions:
    odds = rng.normal(size=(n, k)) * 2
    p = np.exp(odds) / np.exp(odds).sum(1, keepdims=True)
    labels = (rng.random(n)[:, None] > p.cumsum(1)[:, :-1]).sum(1)
    return Predictions("multiclass", labels, p.argmax(1), p, classes=tuple(f"c{i}" for i in range(k)))


def exhibit(part: Part, name: str) -> Exhibit:
    return next(one for one in part.exhibits if one.name == name)


def column(part: Part, name: str, key: str) -> np.ndarray:
    return np.array([np.nan if cell is None else cell for cell in exhibit(part, name).columns[key]])


# Curves --------------------------------------------------------------------------------------------------------------


def test_four_rows_give_the_curve_that_a_hand_draws():
    # By falling score: 0.9 positive, 0.7 negative, 0.6 positive, 0.2 negative.
    part = curves(trial_of(binary([0, 1, 0, 1], [0.2, 0.6, 0.7, 0.9])))

    assert column(part, "roc", "fpr").tolist() == [0, 0, 0.5, 0.5, 1]
    assert column(part, "roc", "tpr").tolist() == [0, 0.5, 0.5, 1, 1]
    assert exhibit(part, "roc").columns["threshold"] == (None, 0.9, 0.7, 0.6, 0.2)
    assert column(part, "pr", "precision").tolist() == pytest.approx([1, 0.5, 2 / 3, 0.5])
    assert column(part, "pr", "recall").tolist() == [0.5, 0.5, 1, 1]
    assert column(part, "gain", "share").tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert column(part, "gain", "captured").tolist() == [0, 0.5, 0.5, 1, 1]


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n", [30, 5_000])
def test_every_threshold_has_the_rates_of_scikit_learn(n: int, ties: bool, rng):
    rows = drawn(n, rng, ties=ties)
    fpr, tpr, at = roc_curve(rows.labels, rows.positive, drop_intermediate=False)

    curve = curve_of(places_of(rows, 1))

    np.testing.assert_allclose(curve.fpr, fpr)
    np.testing.assert_allclose(curve.tpr, tpr)
    np.testing.assert_array_equal(curve.thresholds, at)


def test_weights_count_as_so_many_rows(rng):
    rows = drawn(200, rng)
    weights = rng.integers(1, 4, 200)
    weighted = binary(rows.labels, rows.positive, weights=weights.astype(np.float64))
    repeated = rows.at(np.repeat(np.arange(200), weights))

    one, other = (curve_of(places_of(part, 1), part.weights) for part in (weighted, repeated))

    np.testing.assert_allclose(one.tpr, other.tpr)
    np.testing.assert_allclose(one.precision[1:], other.precision[1:])


@pytest.mark.parametrize("n", [60, 3_000, 60_000])
def test_few_points_draw_the_curve_to_a_pixel(n: int, rng):
    rows = drawn(n, rng)
    part = curves(trial_of(rows, replicates=20))
    fpr, tpr, _ = roc_curve(rows.labels, rows.positive, drop_intermediate=False)
    x, y = column(part, "roc", "fpr"), column(part, "roc", "tpr")

    # The drawing is a line through the points: how far is the exact curve from it, along the diagonal on which both rise?
    along, away = x + y, y - x
    drawn_away = np.interp(fpr + tpr, along, away)

    assert len(x) <= MOST_POINTS
    assert {*zip(x, y, strict=True)} <= {*zip(fpr, tpr, strict=True)}
    assert np.abs(tpr - fpr - drawn_away).max() / np.sqrt(2) < 1.5 / 1000  # pixels of a drawing of 1,000 by 1,000
    assert np.trapezoid(y, x) == pytest.approx(roc_auc_score(rows.labels, rows.positive), abs=1e-3)


def test_points_of_precision_and_recall_are_those_of_scikit_learn(rng):
    rows = drawn(4_000, rng)
    part = curves(trial_of(rows, replicates=20))
    precision, recall, _ = precision_recall_curve(rows.labels, rows.positive)
    exact = {(round(r, 12), round(p, 12)) for r, p in zip(recall, precision, strict=True)}

    found = zip(column(part, "pr", "recall").round(12), column(part, "pr", "precision").round(12), strict=True)

    assert all((float(r), float(p)) in exact for r, p in found)


def test_points_on_a_line_are_left_out():
    x = np.linspace(0, 1, 50_001)

    assert corners(x, x**2, most=200).size < 60
    assert corners(x, x, most=200).tolist() == [0, 50_000]


def test_the_points_that_matter_most_come_first():
    # A line with one spike: of three points the spike is one.
    x = np.linspace(0, 1, 101)
    y = np.where(np.arange(101) == 37, 1.0, 0.0)

    assert corners(x, y, most=3).tolist() == [0, 37, 100]


def test_a_band_holds_the_curve_and_the_true_rate_about_as_often_as_it_says():
    # Scores of the others are normal around 0, those of the class around 1: at a false-positive rate of 0.2 the true-positive
    # rate is Φ(1 - 0.8416) = 0.5629. Of 200 bands at 0.95, 180 or more hold it but with a probability below 0.003.
    rng = np.random.default_rng(11)
    hits = 0
    for _ in range(200):
        labels = np.repeat([0, 1], 150)
        odds = rng.normal(size=300) + labels
        part = curves(trial_of(binary(labels, 1 / (1 + np.exp(-odds))), replicates=200))
        x, low, high = (column(part, "roc", key) for key in ("fpr", "low", "high"))
        at = np.abs(x - 0.2).argmin()
        hits += low[at] - 0.02 <= 0.5629 <= high[at] + 0.02
        assert (low <= column(part, "roc", "tpr")).all()
        assert (column(part, "roc", "tpr") <= high).all()

    assert hits >= 180


def test_bands_of_entities_are_wider_than_those_of_their_copied_rows(rng):
    few = drawn(100, rng)
    rows = few.at(np.repeat(np.arange(100), 20))
    together = binary(rows.labels, rows.positive, entity=np.repeat(np.arange(100), 20))

    alone, whole = (curves(trial_of(part)) for part in (rows, together))
    width = [np.mean(column(part, "roc", "high") - column(part, "roc", "low")) for part in (alone, whole)]

    assert width[1] > 3 * width[0]  # √20 = 4.5


def test_each_class_has_its_curve_against_the_rest(rng):
    rows = several(600, 3, rng)

    part = curves(trial_of(rows))

    for c, name in enumerate(rows.classes):
        mine = column(part, "roc", "class") == name
        area = np.trapezoid(column(part, "roc", "tpr")[mine], column(part, "roc", "fpr")[mine])
        assert area == pytest.approx(roc_auc_score(rows.labels == c, rows.scores[:, c]), abs=2e-3)


def test_of_many_classes_the_most_frequent_are_drawn_and_the_note_says_so(rng):
    part = curves(trial_of(several(2_000, 20, rng), replicates=20))

    assert len(set(exhibit(part, "roc").columns["class"])) == MOST_CLASSES
    assert "12 of 20 classes" in exhibit(part, "roc").note


def test_labels_of_one_class_have_no_curve_and_the_note_says_why():
    part = curves(trial_of(binary([1, 1, 1], [0.2, 0.5, 0.9])))

    assert exhibit(part, "roc").columns["tpr"] == ()
    assert "no curve of 1" in exhibit(part, "roc").note


def test_equal_scores_make_one_step(rng):
    part = curves(trial_of(binary([0, 1, 0, 1], [0.5] * 4)))

    assert column(part, "roc", "tpr").tolist() == [0, 1]
    assert column(part, "pr", "precision").tolist() == [0.5]


def test_without_scores_or_classes_there_is_no_curve():
    numbers = Predictions("regression", np.array([1.0, 2.0]), np.array([1.0, 2.5]))
    said = Predictions("binary", np.array([0, 1]), np.array([0, 1]), classes=(0, 1))

    assert curves(trial_of(numbers)) == Part()
    assert curves(trial_of(said)) == Part()


# Confusion -----------------------------------------------------------------------------------------------------------


def test_the_confusion_is_that_of_scikit_learn(rng):
    rows = several(300, 4, rng)

    part = confusion(trial_of(rows))

    matrix = confusion_matrix(rows.labels, rows.predictions)
    assert exhibit(part, "confusion").columns["count"] == tuple(matrix.ravel().tolist())
    np.testing.assert_allclose(column(part, "confusion", "share").reshape(4, 4).sum(1), 1)
    assert exhibit(part, "confusion").columns["label"][:5] == ("c0", "c0", "c0", "c0", "c1")


def test_a_label_without_rows_has_no_share():
    part = confusion(trial_of(binary([0, 0], [0.1, 0.9])))

    assert exhibit(part, "confusion").columns["count"] == (1, 1, 0, 0)
    assert exhibit(part, "confusion").columns["share"] == (0.5, 0.5, None, None)


def test_weighted_rows_are_counted_by_their_weights():
    part = confusion(trial_of(binary([0, 1, 1], [0.1, 0.9, 0.2], weights=np.array([0.5, 2.0, 1.5]))))

    assert exhibit(part, "confusion").columns["count"] == (0.5, 0.0, 1.5, 2.0)
    assert "weights" in exhibit(part, "confusion").note


def test_each_of_several_labels_has_its_own_matrix():
    labels = np.array([[1, 0], [1, 1], [0, 0]])
    said = np.array([[1, 1], [0, 1], [0, 0]])
    rows = Predictions("multilabel", labels, said, said.astype(np.float64), classes=("red", "big"))

    columns = exhibit(confusion(trial_of(rows)), "confusion").columns

    assert columns["count"] == (1, 0, 1, 1, 1, 1, 0, 1)
    assert columns["label"] == ("not red", "not red", "red", "red", "not big", "not big", "big", "big")
    assert columns["prediction"] == ("not red", "red", "not red", "red", "not big", "big", "not big", "big")


def test_the_rarest_of_very_many_classes_are_one(rng):
    rows = several(3_000, 40, rng)

    part = confusion(trial_of(rows, replicates=10))

    labels = exhibit(part, "confusion").columns["label"]
    assert len(labels) == MOST_CELLS**2
    assert OTHERS in labels
    assert sum(exhibit(part, "confusion").columns["count"]) == 3_000
    assert "16 rarest" in exhibit(part, "confusion").note


def test_scores_alone_have_no_confusion():
    rows = Predictions("binary", np.array([0, 1]), None, np.array([[0.5, 0.5], [0.2, 0.8]]), classes=(0, 1))

    assert confusion(trial_of(rows)) == Part()
