"""Drift as checks: what is compared of which column, what counts as drift, what is said, and what cannot be judged."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

from assay.api import Options, check, drift, profile
from assay.checks.drift.aspects import ASPECTS
from assay.checks.drift.settings import PRESETS, DriftSettings, drift_suite, load_settings
from assay.checks.suite import dump_suite, make_check, parse_suite
from assay.data.dataset import Roles
from assay.data.sources import dataset
from assay.errors import ConfigError, DataError, UsageError
from assay.verdict import Findings, Outcome, Verdict

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
ASKED = Options(now=NOW)


def compared(reference: Any, current: Any, **told: Any) -> Findings:
    settings = DriftSettings(**told) if told else None
    return drift(_data(reference), _data(current), settings=settings, options=ASKED)


def _data(given: Any) -> Any:
    return pl.DataFrame(given) if isinstance(given, dict) else given


def one(findings: Findings, check: str, subject: str) -> Outcome:
    (found,) = [o for o in findings.outcomes if (o.check, o.subject) == (check, subject)]
    return found


def verdict(findings: Findings, check: str, subject: str) -> Verdict:
    return one(findings, check, subject).verdict


@pytest.fixture
def normal(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(0, 1, 20_000)


# What counts as drift ---------------------------------------------------------------------------------------------


def test_a_moved_column_has_drifted_and_the_outcome_gives_size_p_samples_and_what_could_be_seen(normal):
    found = one(compared({"x": normal[:10_000]}, {"x": normal[10_000:11_000] + 0.5}), "distribution_drift", "x")

    assert found.verdict is Verdict.FAIL
    assert found.evidence is not None
    assert found.observed is not None
    assert (found.evidence.n_reference, found.evidence.n) == (10_000, 1_000)
    assert found.evidence.adjusted is not None
    assert found.evidence.adjusted < 1e-20
    assert found.evidence.p_value is not None
    assert found.evidence.p_value < found.evidence.adjusted
    # A normal distribution moved by half a standard deviation: D = 2 Phi(0.25) - 1 = 0.197.
    assert found.observed.value == pytest.approx(0.197, abs=0.03)
    assert found.observed.low < 0.197 < found.observed.high
    assert found.evidence.detectable == pytest.approx(0.065, abs=0.02)
    assert "0.0" in found.why


def test_a_sample_of_the_same_has_not_drifted(normal):
    findings = compared({"x": normal[:10_000]}, {"x": normal[10_000:]})

    assert findings.verdict is Verdict.PASS


def test_a_change_that_is_sure_but_small_is_no_drift(rng):
    a, b = rng.normal(0, 1, 200_000), rng.normal(0.03, 1, 200_000)

    found = one(compared({"x": a}, {"x": b}), "distribution_drift", "x")

    assert found.verdict is Verdict.PASS
    assert found.evidence.adjusted < 0.001
    assert "small" in found.why


def test_a_change_that_is_large_by_chance_is_no_drift_and_a_window_too_small_to_tell_is_inconclusive(normal):
    found = one(compared({"x": normal[:10_000]}, {"x": normal[10_000:10_040]}), "distribution_drift", "x")

    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.observed.value > 0.03
    assert found.evidence.detectable > 0.2
    assert "too few" in found.why


def test_a_small_window_can_still_fail_where_the_change_is_plain(normal):
    found = one(compared({"x": normal[:10_000]}, {"x": normal[10_000:10_030] + 5}), "distribution_drift", "x")

    assert found.verdict is Verdict.FAIL


def test_p_values_are_corrected_over_all_that_is_judged_together(normal):
    wide = {f"c{i}": normal[i : 5000 + i] for i in range(10)}

    alone = one(compared({"c0": wide["c0"]}, {"c0": wide["c0"] + 0.1}), "distribution_drift", "c0").evidence
    among = one(compared(wide, {**wide, "c0": wide["c0"] + 0.1}), "distribution_drift", "c0").evidence

    assert among.p_value == alone.p_value
    assert among.adjusted == pytest.approx(
        among.p_value * among.among
    )  # the least of all: Benjamini-Hochberg is Bonferroni
    assert (alone.among, among.among) == (3, 30)


def test_holm_is_used_on_request(normal):
    told = {"x": normal[:5000], "y": normal[5000:10_000]}
    moved = {"x": told["x"] + 0.08, "y": told["y"] + 0.09}

    holm = compared(told, moved, correction="holm")
    plain = compared(told, moved, correction="none")

    assert one(holm, "distribution_drift", "x").evidence.correction == "holm"
    assert (
        one(holm, "distribution_drift", "x").evidence.adjusted > one(plain, "distribution_drift", "x").evidence.adjusted
    )


def test_a_correction_that_is_not_known_is_an_error_that_names_the_nearest(normal):
    findings = compared({"x": normal}, {"x": normal}, correction="holmes")

    found = one(findings, "distribution_drift", "x")
    assert found.verdict is Verdict.ERROR
    assert "holm" in found.why


# Each kind of column ----------------------------------------------------------------------------------------------


def test_a_swap_of_categories_is_found(rng):
    then = rng.choice(["a", "b", "c"], 5000, p=[0.6, 0.3, 0.1])
    now = rng.choice(["a", "b", "c"], 2000, p=[0.45, 0.45, 0.1])

    found = one(compared({"t": then}, {"t": now}), "distribution_drift", "t")

    assert found.verdict is Verdict.FAIL
    assert found.evidence.distance == "total_variation"
    assert found.observed.value == pytest.approx(0.15, abs=0.03)


def test_few_whole_numbers_are_compared_as_categories_unless_told_otherwise(rng):
    then, now = rng.integers(0, 5, 5000), rng.integers(0, 5, 5000)

    listed = one(compared({"k": then}, {"k": now}), "distribution_drift", "k")
    scaled = one(
        compared({"k": then}, {"k": now}, columns={"k": {"distribution_drift": {"treat": "scale"}}}),
        "distribution_drift",
        "k",
    )

    assert (listed.evidence.distance, scaled.evidence.distance) == ("total_variation", "ks")


@pytest.mark.parametrize("now", [["b"] * 100, ["b"] * 40 + ["c"] * 40 + ["d"] * 40])
def test_a_category_that_is_replaced_as_a_whole_is_found_in_a_small_window_too(now):
    found = one(compared({"t": ["a"] * 10_000}, {"t": now}), "distribution_drift", "t")

    assert found.verdict is Verdict.FAIL
    assert found.observed.value == pytest.approx(1)


def test_a_new_category_is_found_beside_those_that_chance_brings(rng):
    then = rng.choice(["a", "b"], 5000)
    now = np.where(rng.random(1000) < 0.02, "brand new", rng.choice(["a", "b"], 1000))

    findings = compared({"t": then}, {"t": now})

    assert verdict(findings, "new_category_drift", "t") is Verdict.FAIL


def test_a_long_tail_of_categories_brings_new_ones_and_that_is_no_drift(rng):
    words = np.array([f"w{i}" for i in range(3000)])
    weights = 1 / np.arange(1, 3001)
    then, now = (rng.choice(words, n, p=weights / weights.sum()) for n in (900, 300))

    findings = compared({"t": then}, {"t": now})

    assert set(now) - set(then)
    assert verdict(findings, "new_category_drift", "t") is not Verdict.FAIL


def test_a_burst_of_missing_values_is_found(normal):
    now = [None if i % 20 == 0 else float(x) for i, x in enumerate(normal[:1000])]

    found = one(compared({"x": normal}, {"x": now}), "missing_drift", "x")

    assert found.verdict is Verdict.FAIL
    assert found.observed.value == pytest.approx(0.05)


def test_values_beyond_the_reference_are_found_where_they_are_more_than_chance_puts_there(normal):
    now = normal[10_000:11_000].copy()
    now[:20] *= 50

    findings = compared({"x": normal[:10_000]}, {"x": now})

    assert verdict(findings, "range_drift", "x") is Verdict.FAIL


def test_a_change_of_unit_is_found(rng):
    then = rng.lognormal(3, 0.5, 5000)

    findings = compared({"km": then}, {"km": rng.lognormal(3, 0.5, 500) / 1.609})

    assert verdict(findings, "distribution_drift", "km") is Verdict.FAIL


def test_texts_that_are_no_categories_are_compared_by_length_shape_and_words(rng):
    def texts(n: int, verb: str, tail: str) -> list[str]:
        return [f"{verb} ticket {i} {tail}" for i in rng.integers(10**6, 10**7, n)]

    same = compared({"t": texts(3000, "open", "ok")}, {"t": texts(1000, "open", "ok")})
    other = compared({"t": texts(3000, "open", "ok")}, {"t": texts(1000, "SHUT", "now and for good")})

    names = ("length_drift", "pattern_drift", "vocabulary_drift")
    assert [verdict(same, name, "t") for name in names] == [Verdict.PASS] * 3
    assert [verdict(other, name, "t") for name in names] == [Verdict.FAIL] * 3
    assert verdict(same, "distribution_drift", "t") is Verdict.SKIP


def test_instants_are_compared_by_the_hours_and_days_they_fall_on(rng):
    def instants(n: int, hours: int) -> list[datetime]:
        return [
            datetime(2026, 1, 1) + timedelta(days=int(d), hours=int(h))
            for d, h in zip(rng.integers(0, 28, n), rng.integers(0, hours, n), strict=True)
        ]

    findings = compared({"at": instants(3000, 24)}, {"at": instants(1000, 12)})

    assert verdict(findings, "hour_drift", "at") is Verdict.FAIL
    assert verdict(findings, "weekday_drift", "at") is Verdict.PASS
    assert verdict(findings, "distribution_drift", "at") is Verdict.SKIP


def test_the_weekdays_of_less_than_a_week_are_not_compared(rng):
    then = {"on": [date(2026, 1, 1) + timedelta(days=i % 60) for i in range(6000)]}
    now = {"on": [date(2026, 3, 2)] * 500}

    found = one(compared(then, now), "weekday_drift", "on")

    assert found.verdict is Verdict.SKIP
    assert "week" in found.why


def test_an_identifier_is_not_compared_and_the_reason_is_said():
    findings = compared({"id": range(5000)}, {"id": range(5000, 6000)})

    found = one(findings, "distribution_drift", "id")
    assert found.verdict is Verdict.SKIP
    assert "identifier" in found.why


@pytest.mark.parametrize(
    ("told", "verdict", "word"),
    [
        ({"comparison": "ks"}, Verdict.ERROR, "categories"),
        ({"distance": "wasserstein"}, Verdict.ERROR, "categories"),
        ({"treat": "scale"}, Verdict.SKIP, "no scale"),
    ],
)
def test_what_takes_a_scale_is_refused_for_categories(told, verdict, word):
    frame = {"t": ["a", "b"] * 500}

    found = one(compared(frame, frame, columns={"t": {"distribution_drift": told}}), "distribution_drift", "t")

    assert found.verdict is verdict
    assert word in found.why


def test_numbers_that_are_no_categories_are_not_compared_as_such(normal):
    findings = compared({"x": normal}, {"x": normal}, columns={"x": {"distribution_drift": {"treat": "categories"}}})

    assert verdict(findings, "distribution_drift", "x") is Verdict.SKIP


@pytest.mark.parametrize(("rule", "column"), [("range_drift", "t"), ("length_drift", "x"), ("hour_drift", "x")])
def test_an_aspect_that_a_column_does_not_have_is_an_error(normal, rule, column):
    frame = pl.DataFrame({"x": normal[:1000], "t": ["a", "b"] * 500})

    (found,) = check(frame, [make_check(rule, (column,), True)], reference=frame, options=ASKED).outcomes

    assert found.verdict is Verdict.ERROR
    assert "does not apply" in found.why


# Edges ------------------------------------------------------------------------------------------------------------


def test_a_column_of_nulls_has_no_distribution_and_stays_unchanged():
    findings = compared(
        {"x": pl.Series([None] * 500, dtype=pl.Float64)}, {"x": pl.Series([None] * 500, dtype=pl.Float64)}
    )

    assert verdict(findings, "distribution_drift", "x") is Verdict.SKIP
    assert verdict(findings, "missing_drift", "x") is Verdict.PASS


def test_a_column_that_has_lost_all_its_values_has_drifted(normal):
    findings = compared({"x": normal}, {"x": pl.Series([None] * 500, dtype=pl.Float64)})

    assert verdict(findings, "missing_drift", "x") is Verdict.FAIL
    assert verdict(findings, "distribution_drift", "x") is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("now", "expected"), [(7.0, Verdict.PASS), (8.0, Verdict.FAIL)])
def test_a_constant_that_stays_passes_and_one_that_changes_fails(now, expected):
    findings = compared({"x": [7.0] * 1000}, {"x": [now] * 500})

    assert verdict(findings, "distribution_drift", "x") is expected


def test_infinite_values_and_nan_do_not_stop_a_comparison(normal):
    odd = np.concatenate([normal[:500], [np.inf, -np.inf, np.nan]])

    findings = compared({"x": odd}, {"x": odd})

    assert verdict(findings, "distribution_drift", "x") is Verdict.PASS


def test_a_column_that_is_gone_fails_once(normal):
    findings = compared({"x": normal, "y": normal}, {"x": normal})

    assert one(findings, "lost_columns", "table").verdict is Verdict.FAIL
    assert verdict(findings, "distribution_drift", "y") is Verdict.SKIP


def test_a_column_of_another_kind_is_an_error_that_names_both(normal):
    found = one(compared({"x": normal}, {"x": ["a", "b"] * 100}), "distribution_drift", "x")

    assert found.verdict is Verdict.ERROR
    assert "text" in found.why
    assert "float" in found.why


def test_whole_numbers_that_became_floats_are_still_compared(rng):
    then = rng.integers(0, 1000, 3000)

    findings = compared({"k": then}, {"k": then.astype(float)})

    assert verdict(findings, "distribution_drift", "k") is Verdict.PASS


def test_a_reference_without_rows_is_refused():
    with pytest.raises(DataError, match="no rows"):
        compared({"x": pl.Series([], dtype=pl.Float64)}, {"x": [1.0]})


def test_current_data_without_rows_is_inconclusive(normal):
    assert compared({"x": normal}, {"x": pl.Series([], dtype=pl.Float64)}).verdict is Verdict.INCONCLUSIVE


# Profiles ---------------------------------------------------------------------------------------------------------


def test_profiles_serve_as_either_side_with_no_rows_read(normal, rng):
    frames = [
        pl.DataFrame({"x": x, "t": rng.choice(["a", "b"], len(x)), "f": rng.random(len(x)) < 0.3})
        for x in (normal[:10_000], normal[10_000:14_000] + 0.3)
    ]
    reference = profile(frames[0])
    current = profile(frames[1], edges_from=reference)

    both = drift(reference, current, options=ASKED)
    mixed = drift(reference, frames[1], options=ASKED)

    assert both.provenance.scans == 0
    for a, b in zip(both.outcomes, mixed.outcomes, strict=True):
        assert (a.check, a.subject, a.verdict, a.observed) == (b.check, b.subject, b.verdict, b.observed)


def test_a_profile_on_other_bins_is_compared_by_its_quantiles(normal):
    reference, current = (
        profile(pl.DataFrame({"x": normal[:10_000]})),
        profile(pl.DataFrame({"x": normal[10_000:] + 0.3})),
    )

    found = one(drift(reference, current, options=ASKED), "distribution_drift", "x")
    exact = one(compared({"x": normal[:10_000]}, {"x": normal[10_000:] + 0.3}), "distribution_drift", "x")

    assert found.verdict is Verdict.FAIL
    assert found.observed.value == pytest.approx(exact.observed.value, abs=0.01)


# Settings ---------------------------------------------------------------------------------------------------------


def test_every_number_can_be_set_for_all_columns_or_for_one(normal):
    told = {"x": normal[:10_000], "y": normal[:10_000]}
    moved = {"x": normal[10_000:] + 0.3, "y": normal[10_000:] + 0.3}

    findings = compared(
        told, moved,
        checks={"distribution_drift": {"at_least": 0.5}}, columns={"y": {"distribution_drift": 0.05, "range_drift": False}},
    )  # fmt: skip

    assert verdict(findings, "distribution_drift", "x") is Verdict.PASS
    assert verdict(findings, "distribution_drift", "y") is Verdict.FAIL
    assert [o for o in findings.outcomes if (o.check, o.subject) == ("range_drift", "y")] == []


def test_columns_are_chosen_by_only_and_ignore(normal):
    told = {"x": normal, "y": normal, "z": normal}

    assert {o.subject for o in compared(told, told, only=("x", "y"), ignore=("y",)).outcomes} == {"x", "table"}


def test_settings_that_name_no_column_or_no_check_are_refused(normal, tmp_path):
    reference = profile(pl.DataFrame({"amount": normal}))
    with pytest.raises(ConfigError, match="amount"):
        drift_suite(reference, DriftSettings(columns={"amuont": {}}))

    file = tmp_path / "drift.yaml"
    file.write_text("columns: {amount: {distribution: 0.1}}")
    with pytest.raises(ConfigError, match="distribution_drift"):
        load_settings(file)


def test_settings_are_read_from_a_file(normal, tmp_path):
    file = tmp_path / "drift.yaml"
    file.write_text("format: 1\npreset: classic\ncolumns:\n  x: {psi_alarm: 0.01}\n")

    findings = drift(
        pl.DataFrame({"x": normal[:5000]}), pl.DataFrame({"x": normal[5000:] + 0.2}), settings=file, options=ASKED
    )

    bounds = [o.evidence.at_least for o in findings.outcomes if o.evidence and o.evidence.distance == "psi"]
    assert bounds == [0.01, 0.25]


def test_a_preset_that_is_not_known_is_refused_with_the_nearest(normal):
    with pytest.raises(UsageError, match="classic"):
        drift(pl.DataFrame({"x": normal}), pl.DataFrame({"x": normal}), preset="clasic")


def test_a_drift_suite_is_saved_and_loaded_as_any_other(normal):
    suite = drift_suite(
        profile(pl.DataFrame({"x": normal, "t": ["a", "b"] * 10_000})), DriftSettings(alpha=Decimal("0.02"))
    )

    assert parse_suite(dump_suite(suite)) == suite


def test_every_preset_gives_checks_that_can_be_planned(normal, rng):
    frame = pl.DataFrame({"x": normal, "t": rng.choice(["a", "b"], len(normal)), "f": normal > 0, "p": np.exp(normal)})
    for preset in PRESETS:
        findings = drift(frame, frame, preset=preset, options=ASKED)
        assert [o for o in findings.outcomes if o.verdict is Verdict.ERROR] == []
        assert findings.verdict is Verdict.PASS


# The document's thresholds ----------------------------------------------------------------------------------------


def test_classic_judges_by_the_printed_thresholds_and_nothing_else(normal):
    then = {"x": np.exp(normal[:10_000] / 2)}
    findings = drift(pl.DataFrame(then), pl.DataFrame({"x": then["x"] * np.exp(0.21)}), preset="classic", options=ASKED)

    by = {(o.evidence.comparison, o.evidence.distance, o.note): o for o in findings.outcomes if o.evidence}
    assert by["ks", "none", ""].verdict is Verdict.FAIL
    assert by["ks", "none", ""].evidence.adjusted == by["ks", "none", ""].evidence.p_value
    assert by["none", "log_mean_shift", ""].observed.value == pytest.approx(0.21)
    assert by["none", "log_mean_shift", ""].verdict is Verdict.FAIL
    assert by["none", "mean_shift", ""].verdict is Verdict.PASS
    assert {by["none", "psi", word].evidence.at_least for word in ("alarm", "retrain")} == {0.2, 0.25}


def test_a_rule_that_asks_for_nothing_is_refused():
    with pytest.raises(ConfigError, match="none"):
        parse_suite("columns: {x: {distribution_drift: {comparison: none, distance: none}}}")


def test_every_aspect_has_a_rule_and_a_summary():
    from assay.checks.table import load_rules

    assert set(ASPECTS) <= {name for name, rule in load_rules().items() if rule.family == "drift"}
    assert all(aspect.summary.endswith(".") for aspect in ASPECTS.values())


# History ----------------------------------------------------------------------------------------------------------


def seasons(days: int, *, start: datetime, shift: float, rng: np.random.Generator) -> pl.DataFrame:
    """Return a table whose mean moves from day to day by nature, 100 rows a day."""
    day = np.repeat(np.arange(days), 100)
    level = np.repeat(rng.normal(0, 0.5, days), 100)
    at = [start + timedelta(days=int(d), minutes=14 * (i % 100)) for i, d in enumerate(day)]
    return pl.DataFrame({"at": at, "x": rng.normal(0, 1, len(day)) + level + shift})


def test_natural_movement_of_the_reference_is_no_alarm_and_a_greater_one_is(rng):
    roles = Roles(time="at")
    reference = dataset(seasons(60, start=datetime(2026, 1, 1), shift=0, rng=rng), roles=roles)
    usual = seasons(1, start=datetime(2026, 3, 5), shift=0.5, rng=rng)
    far = seasons(1, start=datetime(2026, 3, 5), shift=4, rng=rng)

    found = one(drift(reference, usual, options=ASKED), "distribution_drift", "x")
    blind = one(drift(reference.with_roles(Roles()), usual, options=ASKED), "distribution_drift", "x")

    assert blind.verdict is Verdict.FAIL
    assert found.verdict is not Verdict.FAIL
    assert found.evidence.usual > 0.2
    assert found.evidence.windows == 60
    assert verdict(drift(reference, far, options=ASKED), "distribution_drift", "x") is Verdict.FAIL


def test_a_reference_too_short_to_calibrate_on_says_so(rng):
    reference = dataset(seasons(3, start=datetime(2026, 1, 1), shift=0, rng=rng), roles=Roles(time="at"))

    findings = drift(reference, seasons(1, start=datetime(2026, 2, 1), shift=0, rng=rng), options=ASKED)

    notes = [note for mark in findings.provenance.datasets for note in mark.notes]
    assert any("too short" in note for note in notes)


# Importances ------------------------------------------------------------------------------------------------------


def test_importances_are_shares_of_their_sum_and_stand_in_the_evidence(normal):
    told = {"x": normal, "y": normal}

    findings = drift(pl.DataFrame(told), pl.DataFrame(told), importances={"x": 3.0, "y": 1.0}, options=ASKED)

    assert one(findings, "distribution_drift", "x").evidence.importance == pytest.approx(0.75)
    assert one(findings, "distribution_drift", "y").evidence.importance == pytest.approx(0.25)


def test_a_fitted_model_gives_its_own_importances(normal):
    import pandas as pd
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    frame = pd.DataFrame({"x": normal, "y": normal[::-1]})
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, normal > 0)

    findings = drift(frame, frame, importances=model, options=ASKED)

    assert one(findings, "distribution_drift", "x").evidence.importance > 0.9


@pytest.mark.parametrize("given", [{"z": 1.0}, {"x": -1.0}, object()])
def test_importances_that_say_nothing_of_the_columns_are_refused(normal, given):
    with pytest.raises(UsageError):
        drift(pl.DataFrame({"x": normal}), pl.DataFrame({"x": normal}), importances=given, options=ASKED)
