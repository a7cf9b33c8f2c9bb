"""Clean runs first, then faults; what catches, what only warns or crashes, the score, the advice, and the harm."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from assay.checks.calls import column, table
from assay.checks.suite import Suite, parse_suite
from assay.errors import UsageError
from assay.evaluation.columns import Columns
from assay.evaluation.evaluate import trial_of_frame
from assay.evaluation.models.opening import open_model
from assay.evaluation.settings import EvaluationSettings
from assay.evaluation.trial import Trial
from assay.profiles.infer import infer_schema
from assay.testing.contract import broken, contract, expect
from assay.testing.faults.advice import check_advice, contract_advice, promised
from assay.testing.faults.candidates import flow
from assay.testing.faults.fault import Attempt, Caught, Fault, Result
from assay.testing.faults.harm import harm, harm_of_training, harmed
from assay.testing.faults.judges import (
    contracts_judge,
    drift_judge,
    function_judge,
    profile_of,
    schema_judge,
    suite_judge,
)
from assay.testing.faults.runner_checks import Batches, run_checks, run_target
from assay.testing.faults.scoring import cells_of, is_harmless, results_of, score_of
from assay.verdict import Outcome, Verdict
from testing.faults.targets import Scorer, orders

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FRAME = pl.DataFrame({"age": [20 + i % 50 for i in range(400)], "id": range(400)})
BATCHES = Batches(FRAME)


def faults(operator: str, column_name: str, *severities: float, seeds: int = 3, **settings: object) -> list[Fault]:
    return [Fault(operator, column_name, s, seed, settings) for s in severities for seed in range(seeds)]


def suite(*checks: object) -> list:
    return [suite_judge(Suite(checks), now=NOW)]


# The runner -----------------------------------------------------------------------------------------------------------


def test_draws_are_the_same_each_time_without_replacement_and_in_order():
    one, again, other = BATCHES.draw(3), BATCHES.draw(3), BATCHES.draw(4)

    assert one.equals(again)
    assert not one.equals(other)
    assert one["id"].to_list() == sorted(set(one["id"].to_list()))
    assert one.height == 320  # 80 % of 400


def test_draws_in_time_have_no_gaps_of_their_own():
    drawn = Batches(orders(), rows=100, time="at").draw(0)

    assert drawn["at"].diff().drop_nulls().dt.total_hours().unique().to_list() == [1]


@pytest.mark.parametrize(
    ("told", "said"), [({"rows": 401}, "rows is 401 and there are 400"), ({"time": "when"}, "no column 'when'")]
)
def test_draws_that_cannot_be_had_are_refused(told: dict, said: str):
    with pytest.raises(UsageError, match=said):
        Batches(FRAME, **told)


def test_clean_runs_come_first_and_pass():
    found = run_checks(suite(column("age").between(20, 69)), BATCHES, faults("unit_change", "age", 100.0), clean=4)

    assert [one.fault is None for one in found] == [True] * 4 + [False] * 3
    assert {one.caught for one in found[:4]} == {Caught.SURVIVED}


def test_a_check_that_fails_catches_and_is_named_with_its_reason():
    found = run_checks(
        suite(column("age").no_missing(), column("age").between(20, 69)),
        BATCHES,
        faults("unit_change", "age", 100.0),
        clean=1,
    )

    assert found[1].caught is Caught.CHECK
    assert found[1].by == ("suite: between(age)",)
    assert "2000" in found[1].why or "320" in found[1].why
    assert (found[1].first, found[1].ran) == (1, 2)


def test_what_fails_everything_catches_nothing():
    found = run_checks(suite(column("age").between(500, 600)), BATCHES, faults("unit_change", "age", 100.0), clean=5)

    score = score_of(results_of(found), found)
    assert score.caught == 0
    assert score.alarms.value == 1.0


def test_a_warning_is_no_catch():
    found = run_checks(
        suite(column("age").between(20, 69, level="warn")), BATCHES, faults("unit_change", "age", 100.0), clean=1
    )

    assert {one.caught for one in found[1:]} == {Caught.WARNING}
    assert results_of(found)[0].least is None


def test_an_error_that_nobody_asserted_is_a_crash_and_no_catch():
    def validate(frame: pl.DataFrame) -> None:
        assert frame["age"].max() < 120

    found = run_target([function_judge(validate)], BATCHES.draw, faults("drop_column", "age", 1.0), clean=1)

    assert found[1].caught is Caught.CRASH
    assert found[1].why.startswith("ColumnNotFoundError")
    assert found[1].first is None


def test_an_assertion_and_a_contract_are_catches_of_their_own():
    class Named:
        name = "batch"

    @contract("feature", title="ages are known", catches="nulls")
    def ages_known(subject: Named, data: pl.DataFrame, /) -> Outcome:
        return broken("an age is null")

    def asserted(frame: pl.DataFrame) -> None:
        assert not frame["age"].null_count(), "an age is null"

    def contracted(frame: pl.DataFrame) -> None:
        if frame["age"].null_count():
            expect(ages_known(Named(), frame))

    told = faults("nulls", "age", 0.05, seeds=1)

    assert run_target([function_judge(asserted)], BATCHES.draw, told, clean=1)[1].caught is Caught.ASSERTION
    assert run_target([function_judge(contracted)], BATCHES.draw, told, clean=1)[1].caught is Caught.CONTRACT


@pytest.mark.parametrize(
    ("said", "caught"),
    [(False, Caught.ASSERTION), (np.False_, Caught.ASSERTION), (None, Caught.SURVIVED), ("ok", Caught.SURVIVED), (True, Caught.SURVIVED)],
)  # fmt: skip
def test_a_function_may_answer_with_a_truth_value(said: object, caught: Caught):
    def validate(frame: pl.DataFrame) -> object:
        return said if frame["age"].null_count() else True

    assert (
        run_target([function_judge(validate)], BATCHES.draw, faults("nulls", "age", 0.5), clean=1)[1].caught is caught
    )


def test_a_warning_of_python_is_a_warning():
    def validate(frame: pl.DataFrame) -> None:
        if frame["age"].null_count():
            warnings.warn("ages are missing", stacklevel=1)

    found = run_target([function_judge(validate)], BATCHES.draw, faults("nulls", "age", 0.5), clean=1)[1]

    assert (found.caught, found.why) == (Caught.WARNING, "ages are missing")


def test_a_fault_that_changes_nothing_and_one_that_does_not_fit_are_no_survivors():
    same = FRAME.with_columns(age=pl.lit(30))
    told = [Fault("constant_column", "age"), Fault("category_swap", "age")]

    found = run_checks(suite(column("age").no_missing()), Batches(same), told, clean=1)

    assert [one.caught for one in found[1:]] == [Caught.NO_EFFECT, Caught.NOT_APPLICABLE]
    assert score_of(results_of(found), found).excluded == 2


def test_what_could_not_be_judged_counts_only_where_that_is_asked_for():
    judges = [drift_judge(FRAME, now=NOW)]
    told = [Fault("drop_rows", "", 1.0)]

    assert run_checks(judges, BATCHES, told, clean=1)[1].caught is Caught.WARNING
    assert run_checks(judges, BATCHES, told, clean=1, inconclusive=True)[1].caught is Caught.CHECK


def test_a_schema_notices_a_type():
    schema = next(iter(infer_schema(profile_of(FRAME)).datasets.values()))

    found = run_checks([schema_judge(schema, now=NOW)], BATCHES, [Fault("dtype_change", "age")], clean=2)

    assert found[-1].by == ("schema: type_is(age)",)


def test_the_runner_tells_how_far_it_is():
    seen: list[tuple[int, int]] = []

    run_checks(
        suite(column("age").no_missing()),
        BATCHES,
        faults("nulls", "age", 0.5),
        clean=2,
        tell=lambda *at: seen.append(at),
    )

    assert seen == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_without_anything_that_must_notice_there_is_nothing_to_try():
    with pytest.raises(UsageError, match="nothing that must notice"):
        run_checks([], BATCHES, [])


# The score ------------------------------------------------------------------------------------------------------------


def attempt(severity: float, caught: Caught, *by: str, operator: str = "nulls", seed: int = 0) -> Attempt:
    return Attempt(Fault(operator, "age", severity, seed), caught, by)


def test_the_least_severity_is_the_mildest_caught_in_80_percent_of_its_seeds():
    found = [attempt(0.05, Caught.CHECK if seed < 3 else Caught.SURVIVED, "a", seed=seed) for seed in range(5)]  # 60 %
    found += [attempt(0.2, Caught.CHECK if seed < 4 else Caught.SURVIVED, "a", seed=seed) for seed in range(5)]  # 80 %

    (result,) = results_of(found)

    assert (result.caught, result.least) == (Caught.CHECK, 0.2)
    assert [cell.kind for cell in cells_of(found)] == [Caught.FLAKY, Caught.CHECK]


def test_wilsons_interval_stands_beside_each_share():
    found = [attempt(0.05, Caught.CHECK if seed < 8 else Caught.SURVIVED, seed=seed) for seed in range(10)]

    (cell,) = cells_of(found)

    assert (round(cell.share.low, 4), round(cell.share.high, 4)) == (0.4902, 0.9433)  # 8 of 10


@pytest.mark.parametrize("kind", [Caught.CRASH, Caught.WARNING, Caught.SURVIVED])
def test_crashes_and_warnings_are_told_apart_and_count_as_survivors(kind: Caught):
    found = [attempt(1.0, kind)]

    score = score_of(results_of(found), found)

    assert results_of(found)[0].caught is kind
    assert (score.caught, score.survived) == (0, 1)


def test_zero_of_zero_is_no_score():
    found = [attempt(1.0, Caught.NOT_APPLICABLE)]

    score = score_of(results_of(found), found)

    assert score.share.value is None
    assert "0 of 0 is no score" in score.share.why


def test_the_weakest_layer_is_named():
    found = [
        attempt(1.0, Caught.CHECK, "a"), attempt(1.0, Caught.SURVIVED, operator="label_flip"),
        attempt(1.0, Caught.CHECK, "a", operator="target_leak"),
    ]  # fmt: skip

    score = score_of(results_of(found), found)

    assert {layer: share.value for layer, share in score.layers.items()} == {"data": 1.0, "label": 0.0, "train": 1.0}
    assert score.weakest == "label"


def test_a_check_that_alone_catches_something_is_worth_more_than_one_that_catches_much():
    found = [
        attempt(1.0, Caught.CHECK, "wide", "other"), attempt(1.0, Caught.CHECK, "wide", "other", operator="sentinel"),
        attempt(1.0, Caught.CHECK, "alone", operator="gap"), Attempt(None, Caught.CHECK, ("other",)), Attempt(None, Caught.SURVIVED),
    ]  # fmt: skip

    score = score_of(results_of(found), found, names=("wide", "other", "alone", "idle"))

    assert [(one.name, one.kills, one.unique, one.alarms) for one in score.killers] == [
        ("alone", 1, 1, 0), ("other", 2, 0, 1), ("wide", 2, 0, 0), ("idle", 0, 0, 0),
    ]  # fmt: skip
    assert score.idle == ("idle",)
    assert score.alarms.value == 0.5


def test_faults_that_do_no_harm_count_on_neither_side():
    harmless = Result("nulls", "data", "age", (), Caught.SURVIVED, harm=0.001, harm_low=-0.002, harm_high=0.004)
    harmful = Result("sentinel", "data", "age", (), Caught.SURVIVED, harm=0.1, harm_low=0.05, harm_high=0.15)

    score = score_of([harmless, harmful], ())

    assert (is_harmless(harmless), is_harmless(harmful)) == (True, False)
    assert (score.survived, score.harmless) == (1, 1)


# Advice ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        (Fault("duplicate_rows", "", 0.5), "unique"),
        (Fault("drop_rows", "", 1.0), "row_count"),
        (Fault("nulls", "age", 0.5), "no_missing"),
        (Fault("drop_column", "age"), "columns"),
        (Fault("dtype_change", "age"), "type_is"),
        (Fault("unit_change", "age", 1000.0), "between"),
        (Fault("column_shuffle", "age", 1.0), "correlation"),
        (Fault("out_of_order", "", 1.0, settings={"time": "at"}), "rising"),
        (Fault("gap", "", 0.1, settings={"time": "at"}), "no_gaps"),
        (Fault("encoding_break", "city", 1.0), "clean_text"),
    ],
    ids=lambda value: value.operator if isinstance(value, Fault) else value,
)
def test_the_check_that_is_advised_catches_the_survivor(fault: Fault, rule: str):
    frame = (
        orders()
        .drop("bought")
        .with_columns(age=pl.Series(np.arange(400.0) * 0.1), since=pl.Series(np.arange(400.0) * 0.2 + 1))
    )
    batches = Batches(frame, rows=200, time="at")
    survived = run_checks(suite(column("items").no_missing()), batches, [fault], clean=1)

    (told,) = check_advice(results_of(survived), batches, now=NOW, clean=4)

    assert rule in told.advice
    assert told.advised == fault.severity
    # What a person would do with it: write it into a suite, and run that.
    again = run_checks([suite_judge(parse_suite(told.advice), now=NOW, reference=frame)], batches, [fault], clean=4)
    assert {one.caught for one in again[:4]} == {Caught.SURVIVED}
    assert again[4].caught is Caught.CHECK


def test_with_the_advice_taken_the_score_rises_as_promised():
    told = [*faults("nulls", "age", 0.05), *faults("unit_change", "age", 100.0), *faults("duplicate_rows", "", 0.1)]
    before = run_checks(suite(column("id").no_missing()), BATCHES, told, clean=2)

    results = check_advice(results_of(before), BATCHES, now=NOW)
    after = run_checks(
        [suite_judge(parse_suite(one.advice), now=NOW, reference=FRAME, name=str(i)) for i, one in enumerate(results)],
        BATCHES,
        told,
        clean=2,
    )

    assert score_of(results, before).share.value == 0.0
    assert score_of(promised(results), before).share.value == 1.0
    assert score_of(results_of(after), after).share.value == 1.0


def test_where_no_check_can_see_a_fault_none_is_advised():
    rng = np.random.default_rng(0)
    alone = Batches(pl.DataFrame({"a": rng.normal(size=400), "b": rng.normal(size=400)}))
    survived = run_checks(suite(column("a").no_missing()), alone, faults("column_shuffle", "a", 1.0), clean=1)

    (told,) = check_advice(results_of(survived), alone, now=NOW)

    assert (told.advice, told.advised) == ("", None)


def test_what_was_caught_gets_no_advice():
    found = run_checks(suite(column("age").no_missing()), BATCHES, faults("nulls", "age", 0.5), clean=1)

    assert check_advice(results_of(found), BATCHES, now=NOW)[0].advice == ""


@pytest.mark.parametrize(
    "check", [column("a b").between(0.5, 2), table().row_count(at_least=3), column("x").one_of(["a: b", "ü"])]
)
def test_a_line_of_advice_is_yaml_that_reads_as_the_same_check(check: object):
    assert parse_suite(flow(check)).checks == (check,)


def test_a_contract_is_advised_as_a_line_of_python():
    class Named:
        def __init__(self, model: object) -> None:
            self.model, self.name = model, "scorer"

    @contract("model", title="scores are numbers", catches="NaN")
    def finite(subject: Named, data: np.ndarray, /) -> Outcome:
        bad = int(np.isnan(subject.model.predict_proba(data)).any(axis=1).sum())
        return broken(f"{bad} rows are NaN") if bad else Outcome("", "", Verdict.PASS)

    judge = contracts_judge({"finite": finite}, Named, np.ones((20, 2)))
    told = [Fault("nan_predictions", "", 0.1), Fault("miscalibrated", "", 4.0)]
    seen = run_target(
        [function_judge(lambda model: model.predict_proba(np.ones((3, 2))).shape == (3, 2))],
        lambda s: Scorer(),
        told,
        clean=1,
    )

    advised = contract_advice(results_of(seen), judge, {"finite": finite}, lambda s: Scorer(), subject="scorer")

    assert [one.advice for one in advised] == ["assert assay.check_contracts(scorer, rows, only=['finite'])", ""]


# Harm -----------------------------------------------------------------------------------------------------------------


def trial() -> Trial:
    """Return a model that goes by x alone, on rows that have a column z beside it."""
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=600), rng.normal(size=600)
    frame = pl.DataFrame({"x": x, "z": z, "y": (x + rng.normal(0, 0.5, 600) > 0).astype(int)})
    scorer = Scorer()
    scorer.coef_ = np.array([[2.0, 0.0]])
    model = open_model(scorer, features=["x", "z"])
    told = EvaluationSettings(metrics=("auc",))
    return trial_of_frame(
        frame, Columns(label="y", features=("x", "z")), name="t", task="binary", told=told, model=model, seed=0
    )


def test_a_fault_in_what_the_model_goes_by_does_harm_and_one_beside_it_does_none():
    here = trial()

    shuffled, beside = (harm(here, Fault("column_shuffle", name, 1.0)) for name in ("x", "z"))

    assert shuffled.worse.value > 0.3  # an area of about 0.9 falls to a half
    assert shuffled.worse.low > 0
    assert (beside.worse.value, beside.worse.low, beside.worse.high) == (0.0, 0.0, 0.0)


def test_decisions_that_flip_are_counted():
    half, all_yes = (harm(trial(), Fault("unit_change", "x", *told)) for told in ((10.0,), (1.0, 0, {"offset": 100.0})))

    # Another unit keeps the order of the scores and the side of each; what is far above 0 in every row is a yes.
    assert (half.worse.value, half.flipped.value) == (0.0, 0.0)
    assert all_yes.flipped.value == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault("drop_rows", "", 0.5), "takes or adds rows"),
        (Fault("category_swap", "x"), "it takes text"),
        (Fault("label_flip", "y", 0.5), "a model that is trained"),
    ],
)
def test_harm_that_cannot_be_had_is_undefined_with_its_reason(fault: Fault, why: str):
    found = harm(trial(), fault).worse

    assert found.value is None
    assert why in found.why


def test_results_carry_their_harm_and_the_harmless_are_set_apart():
    here = trial()
    found = [Attempt(Fault("column_shuffle", name, 1.0), Caught.SURVIVED) for name in ("x", "z")]

    results = harmed(results_of(found), lambda fault: harm(here, fault))

    assert [is_harmless(one) for one in results] == [False, True]
    assert score_of(results, found).survived == 1


def test_wrong_labels_do_harm_to_the_model_that_is_trained_on_them():
    here = trial()
    train = here.rows.frame

    def fit(rows: pl.DataFrame):
        agree = rows.select(pl.corr("x", "y")).item()  # the simplest model there is: which way x points

        def predict():
            return here.again(here.rows.frame.with_columns(x=pl.col("x") * (1 if agree > 0 else -1)))

        return predict

    assert harm_of_training(fit, train, Fault("label_flip", "y", 0.01), here).worse.value == 0.0
    assert harm_of_training(fit, train, Fault("label_flip", "y", 1.0), here).worse.low > 0.5
