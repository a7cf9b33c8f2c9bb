"""An evaluation from end to end, through the public function: what it says, what it refuses, and that it says it again."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest

import assay
from assay.api import Options, evaluate
from assay.errors import ConfigError, DataError, UsageError
from assay.evaluation.columns import Task
from assay.evaluation.evaluate import PARTS
from assay.evaluation.fairness.settings import FairnessSettings
from assay.evaluation.ledger import LedgerSettings
from assay.evaluation.metrics.custom import Formula
from assay.evaluation.settings import EvaluationSettings, MetricBound, load_settings
from assay.evaluation.slicing.settings import SliceSettings
from assay.reports.saved import load_findings
from assay.verdict import Verdict
from evaluation.models_made import logistic


@pytest.fixture
def rows() -> pl.DataFrame:
    rng = np.random.default_rng(20261122)
    n = 1500
    x, city = rng.normal(size=n), rng.choice(["a", "b", "c"], n)
    p = 1 / (1 + np.exp(-1.5 * x))
    y = (rng.uniform(size=n) < p).astype(int)
    return pl.DataFrame({"id": np.arange(n), "x": x, "city": city, "y": y, "p": p, "w": rng.uniform(0.5, 2, n)})


QUICK = EvaluationSettings(replicates=200)
METRICS_ONLY = EvaluationSettings(replicates=200, without=tuple(part for part in PARTS if part != "metrics"))


def test_an_evaluation_says_its_metrics_with_intervals_and_their_tables(rows: pl.DataFrame):
    found = evaluate(rows, task="binary", label="y", score="p", settings=QUICK)

    auc = found["auc"]
    assert auc.low is not None
    assert auc.low < auc.value < auc.high
    assert auc.method == "delong"
    table = found.table("metrics")
    assert set(table["metric"]) >= {"auc", "log_loss", "brier", "ece", "accuracy", "f1"}
    assert {"roc", "pr", "gain", "confusion", "reliability", "baselines", "thresholds"} <= {
        e.name for e in found.exhibits
    }
    assert "lift" in found.table("baselines").columns


def test_a_bound_passes_or_fails_by_the_whole_interval(rows: pl.DataFrame):
    def verdict(bound: float) -> Verdict:
        told = msgspec.structs.replace(
            QUICK, bounds={"auc": MetricBound(at_least=bound)}, without=("search", "baselines")
        )
        found = evaluate(rows, task="binary", label="y", score="p", settings=told)
        return next(o.verdict for o in found.outcomes if o.id == "metric.auc")

    value = evaluate(rows, task="binary", label="y", score="p", settings=QUICK)["auc"].value
    assert verdict(0.6) is Verdict.PASS
    assert verdict(0.95) is Verdict.FAIL
    assert verdict(round(value, 3)) is Verdict.INCONCLUSIVE


def test_several_bounds_are_judged_at_the_confidence_that_holds_for_all(rows: pl.DataFrame):
    told = msgspec.structs.replace(
        QUICK, bounds={"auc": MetricBound(at_least=0.6), "accuracy": MetricBound(at_least=0.5)}
    )

    found = evaluate(rows, task="binary", label="y", score="p", settings=told)

    assert "97.5% each" in next(o.why for o in found.outcomes if o.id == "metric.auc")


def test_the_same_seed_says_the_same_again(rows: pl.DataFrame):
    def once(seed: int) -> object:
        found = evaluate(rows, task="binary", label="y", score="p", settings=QUICK, options=Options(seed=seed))
        return (found.outcomes, found.exhibits)

    assert once(3) == once(3)
    assert once(3) != once(4)


def test_the_order_of_the_rows_moves_no_value(rows: pl.DataFrame):
    one = evaluate(rows, task="binary", label="y", score="p", settings=QUICK).table("metrics")
    other = evaluate(rows.reverse(), task="binary", label="y", score="p", settings=QUICK).table("metrics")

    assert one["value"].to_list() == pytest.approx(other["value"].to_list(), abs=1e-12)


def test_a_model_at_hand_is_perturbed_explained_and_timed(rows: pl.DataFrame):
    found = evaluate(rows, task="binary", label="y", model=logistic({"x": 1.5}), settings=QUICK)

    assert {"robustness", "importance", "dependence", "cost"} <= {e.name for e in found.exhibits}
    assert found["auc"].value == pytest.approx(
        evaluate(rows, task="binary", label="y", score="p", settings=QUICK)["auc"].value
    )


def test_a_function_of_a_frame_is_a_model(rows: pl.DataFrame):
    def model(frame: pl.DataFrame) -> np.ndarray:
        return frame["x"].to_numpy() * 2

    frame = rows.with_columns(y=2 * pl.col("x"))
    found = evaluate(frame, task="regression", label="y", model=model, settings=QUICK)

    assert found["mae"].value == pytest.approx(0)


def test_slices_groups_and_own_metrics_are_those_that_were_asked_for(rows: pl.DataFrame):
    told = msgspec.structs.replace(
        QUICK, slices=SliceSettings(columns=("city",), where={"right half": "x > 0"}), fairness=FairnessSettings(columns=("city",)),
        formulas={"profit": Formula(formula="CASE WHEN prediction = 1 THEN 90 * label - 10 ELSE 0 END", unit="EUR")},
    )  # fmt: skip

    found = evaluate(
        rows,
        task="binary",
        label="y",
        score="p",
        settings=told,
        options=Options(functions={"rows": lambda f: f.height}),
    )

    assert set(found.table("slices")["slice"]) == {"city = 'a'", "city = 'b'", "city = 'c'", "right half"}
    assert set(found.table("groups")["column"]) == {"city"}
    said = rows.filter(pl.col("p") >= 0.5)
    assert found["profit"].value == pytest.approx((90 * said["y"].sum() - 10 * said.height) / rows.height)
    assert found["rows"].value == rows.height


def test_weights_count(rows: pl.DataFrame):
    found = evaluate(rows, task="binary", label="y", score="p", weight="w", settings=QUICK)

    right = ((rows["p"] >= 0.5) == (rows["y"] == 1)).to_numpy()
    assert found["accuracy"].value == pytest.approx(np.average(right, weights=rows["w"].to_numpy()))


def test_rows_that_the_model_was_fitted_on_are_refused_and_nothing_is_evaluated(rows: pl.DataFrame):
    train = rows.select("id", "x", "city", "y").head(10)

    found = evaluate(rows, task="binary", label="y", score="p", train=train, settings=QUICK)

    assert found.verdict is Verdict.FAIL
    assert found.exit_code == 1
    assert "nothing was evaluated" in found.outcomes[0].why
    assert found.exhibits == ()


def test_a_train_set_of_other_rows_lets_the_evaluation_go_on(rows: pl.DataFrame):
    train = rows.select("id", pl.col("x") + 100, "city", "y")

    assert evaluate(rows, task="binary", label="y", score="p", train=train, settings=QUICK)["auc"].value is not None


def test_each_look_at_a_labelled_set_is_written_down(rows: pl.DataFrame, tmp_path: Path):
    path = str(tmp_path / "ledger.jsonl")
    told = msgspec.structs.replace(
        QUICK, ledger=LedgerSettings(path=path, looks_at_most=1), without=tuple(p for p in PARTS if p != "metrics")
    )

    first = evaluate(rows, task="binary", label="y", score="p", settings=told)
    second = evaluate(rows, task="binary", label="y", score="p", settings=told)

    looks = [next(o for o in f.outcomes if o.check == "ledger") for f in (first, second)]
    assert [o.verdict for o in looks] == [Verdict.PASS, Verdict.WARN]
    assert second.table("ledger").height == 2


def test_parts_may_be_left_out(rows: pl.DataFrame):
    found = evaluate(rows, task="binary", label="y", score="p", settings=METRICS_ONLY)

    assert [e.name for e in found.exhibits] == ["metrics"]


def test_findings_come_back_from_json_with_their_tables(rows: pl.DataFrame, tmp_path: Path):
    from assay.reports.render import write

    found = evaluate(rows, task="binary", label="y", score="p", settings=QUICK)
    write(found, tmp_path / "found.json")

    again = load_findings(tmp_path / "found.json")
    assert again == found
    assert again.table("metrics").equals(found.table("metrics"))


def frames() -> dict[Task, tuple[pl.DataFrame, dict[str, object]]]:
    rng = np.random.default_rng(5)
    n = 300
    x = rng.normal(size=n)
    three = rng.integers(0, 3, n)
    shares = rng.dirichlet((1, 1, 1), n)
    return {
        "binary": (pl.DataFrame({"y": (x > 0).astype(int), "p": 1 / (1 + np.exp(-x - rng.normal(size=n)))}), {"label": "y", "score": "p"}),
        "multiclass": (
            pl.DataFrame({"y": three, **{f"p{c}": (shares[:, c] + (three == c)) / 2 for c in range(3)}}),
            {"label": "y", "scores": {c: f"p{c}" for c in range(3)}},
        ),
        "multilabel": (
            pl.DataFrame({"a": (x > 0).astype(int), "b": (x < 1).astype(int), "pa": rng.uniform(size=n), "pb": rng.uniform(size=n)}),
            {"labels": ("a", "b"), "scores": {"a": "pa", "b": "pb"}},
        ),
        "regression": (pl.DataFrame({"y": x, "p": x + rng.normal(size=n)}), {"label": "y", "prediction": "p"}),
        "quantile": (
            pl.DataFrame({"y": x, "lo": np.full(n, -1.28), "hi": np.full(n, 1.28)}), {"label": "y", "scores": {0.1: "lo", 0.9: "hi"}},
        ),
        "ranking": (
            pl.DataFrame({"y": rng.integers(0, 4, n), "p": rng.normal(size=n), "q": np.repeat(np.arange(n // 10), 10)}),
            {"label": "y", "score": "p", "query": "q"},
        ),
    }  # fmt: skip


@pytest.mark.parametrize("task", list(frames()))
def test_every_task_is_evaluated_and_shown_in_every_format(task: Task):
    from assay.reports.render import FORMATS, render

    frame, columns = frames()[task]

    found = evaluate(frame, task=task, settings=QUICK, **columns)  # type: ignore[arg-type]

    assert found.table("metrics")["value"].drop_nulls().len() > 0
    assert found.verdict is not Verdict.ERROR
    for format in FORMATS:
        assert render(found, format)


@pytest.mark.parametrize("task", list(frames()))
def test_a_handful_of_rows_is_no_traceback_and_no_pass(task: Task):
    frame, columns = frames()[task]
    told = msgspec.structs.replace(QUICK, bounds={})

    found = evaluate(frame.head(4), task=task, settings=told, **columns)  # type: ignore[arg-type]

    assert all(o.verdict is not Verdict.PASS for o in found.outcomes if o.check == "metric")


def test_the_public_names_are_there():
    assert assay.evaluate is evaluate
    assert callable(assay.challenge)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"task": "binary", "label": "nope", "score": "p"}, "no column 'nope'"),
        ({"task": "binary", "score": "p"}, "label is not named"),
        ({"task": "binary", "label": "y"}, "what the model said"),
        ({"task": "binary", "label": "city", "score": "p"}, "which is positive"),
        ({"task": "regression", "label": "city", "prediction": "p"}, "have to be numbers"),
        ({"task": "binary", "label": "y", "score": "p", "settings": EvaluationSettings(metrics=("aucc",))}, "aucc"),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated_is_refused_in_a_sentence(rows: pl.DataFrame, told: dict[str, object], said: str):
    with pytest.raises((UsageError, DataError, ConfigError), match=said):
        evaluate(rows, **told)  # type: ignore[arg-type]


def test_a_bound_on_a_metric_of_another_task_is_refused(rows: pl.DataFrame):
    told = EvaluationSettings(metrics=("auc",), bounds={"mae": MetricBound(at_most=1)}, without=METRICS_ONLY.without)

    with pytest.raises(UsageError, match="mae is a metric of regression, not of binary"):
        evaluate(rows, task="binary", label="y", score="p", settings=told)


def test_settings_are_read_from_yaml_with_the_place_of_what_is_wrong(tmp_path: Path):
    path = tmp_path / "evaluation.yaml"
    path.write_text("metrics: [auc]\nbounds:\n  auc: {at_least: 0.8}\nslices: {columns: [city]}\n")
    assert load_settings(path).bounds == {"auc": MetricBound(at_least=0.8)}

    path.write_text("metrics: [auc]\nslices:\n  colums: [city]\n")
    with pytest.raises(ConfigError, match=r"evaluation\.yaml:3"):
        load_settings(path)


def test_without_scores_the_first_metric_that_needs_none_leads(rows: pl.DataFrame):
    said = rows.with_columns(said=(pl.col("p") >= 0.5).cast(pl.Int8)).drop("p")
    told = msgspec.structs.replace(QUICK, without=("search",), slices=SliceSettings(columns=("city",)))

    found = evaluate(said, task="binary", label="y", prediction="said", settings=told)

    assert found.table("metrics")["metric"][0] == "accuracy"
    assert found.table("slices")["metric"].unique().to_list() == ["accuracy"]
    assert found["auc"].value is None


def test_baselines_are_taken_from_the_rows_that_the_model_was_fitted_on():
    rng = np.random.default_rng(3)
    x = rng.normal(size=400)
    test = pl.DataFrame({"x": x, "y": 2 * x + 5, "p": 2 * x + 5 + rng.normal(size=400)})
    train = pl.DataFrame({"x": rng.normal(size=300), "y": np.full(300, 100.0)})

    alone = evaluate(test, task="regression", label="y", prediction="p", settings=QUICK).table("baselines")
    fitted = evaluate(test, task="regression", label="y", prediction="p", train=train, settings=QUICK).table(
        "baselines"
    )

    def mean(table: pl.DataFrame) -> float:
        return float(
            table.row(by_predicate=(pl.col("baseline") == "mean") & (pl.col("metric") == "mae"), named=True)["value"]
        )

    assert mean(alone) == pytest.approx(np.abs(test["y"] - test["y"].mean()).mean())
    assert mean(fitted) == pytest.approx(np.abs(test["y"] - 100).mean())


def test_training_rows_of_a_class_that_is_not_evaluated_are_left_out(rows: pl.DataFrame):
    train = rows.select(pl.col("x") + 100, "city", pl.Series("y", [0, 1, 7] * 500))

    found = evaluate(rows.drop("id"), task="binary", label="y", score="p", train=train, settings=QUICK)

    assert found["auc"].value is not None
    assert found.outcomes[0].check == "no_shared_rows"


def test_leaving_a_part_out_changes_nothing_that_the_others_say(rows: pl.DataFrame):
    told = msgspec.structs.replace(QUICK, without=("search", "curves"))

    whole = evaluate(rows, task="binary", label="y", score="p", settings=QUICK)
    less = evaluate(rows, task="binary", label="y", score="p", settings=told)

    assert [e for e in whole.exhibits if e.name in ("baselines", "reliability", "thresholds", "groups")] == [
        e for e in less.exhibits if e.name in ("baselines", "reliability", "thresholds", "groups")
    ]
