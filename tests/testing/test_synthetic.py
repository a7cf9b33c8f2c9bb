"""Worlds are what they say: every stated truth is measured by independent means, over many draws."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn import metrics

from assay.errors import ConfigError, UsageError
from assay.testing.synthetic import WORLDS, World, world

DRAWS, N = 24, 3_000

Measure = Callable[[World], float]


def column(frame: str, name: str) -> Callable[[World], np.ndarray]:
    return lambda made: made.frames[frame][name].to_numpy()


def both(measure: Callable[[np.ndarray, np.ndarray], float], name: str = "x") -> Measure:
    return lambda made: float(
        measure(made.frames["reference"][name].to_numpy(), made.frames["current"][name].to_numpy())
    )


def ks(a: np.ndarray, b: np.ndarray) -> float:
    return stats.ks_2samp(a, b).statistic


def shares(words: np.ndarray, of: list[str]) -> np.ndarray:
    return np.array([(words == word).mean() for word in of])


def tv(a: np.ndarray, b: np.ndarray) -> float:
    words = sorted({*a, *b})
    return float(np.abs(shares(a, words) - shares(b, words)).sum() / 2)


def psi(a: np.ndarray, b: np.ndarray) -> float:
    words = sorted({*a, *b})
    p, q = shares(a, words), shares(b, words)
    return float(np.sum((q - p) * np.log(q / p)))


def psi_deciles(a: np.ndarray, b: np.ndarray) -> float:
    edges = stats.norm.ppf(np.arange(1, 10) / 10)
    q = np.bincount(np.searchsorted(edges, b), minlength=10) / len(b)
    return float(np.sum((q - 0.1) * np.log(q / 0.1)))


def kl_of_normals(a: np.ndarray, b: np.ndarray) -> float:
    s = b.std() / a.std()
    return float((s**2 - 1) / 2 - math.log(s) + (a.mean() - b.mean()) ** 2 / (2 * a.var()))


def auc_of(a: np.ndarray, b: np.ndarray) -> float:
    return metrics.roc_auc_score(np.repeat([0, 1], [len(a), len(b)]), np.concatenate([a, b]))


def auc(score: str, frame: str = "data") -> Measure:
    return lambda made: metrics.roc_auc_score(made.frames[frame]["label"], made.frames[frame][score])


def mean(name: str, frame: str = "data") -> Measure:
    return lambda made: float(made.frames[frame][name].mean())


def ece(made: World) -> float:
    rows = made.frame.with_columns(bin=(pl.col("probability") * 10).floor())
    binned = rows.group_by("bin").agg(pl.len(), gap=(pl.col("label").mean() - pl.col("probability").mean()).abs())
    return float((binned["len"] * binned["gap"]).sum() / rows.height)


def where(made: World, mask: pl.Expr, name: str = "prediction") -> float:
    return float(made.frame.filter(mask)[name].mean())


def error(mask: pl.Expr) -> Measure:
    return lambda made: float((made.frame.filter(mask)["label"] != made.frame.filter(mask)["prediction"]).mean())


def gone(made: World) -> float:
    return made.frame["x"].null_count() / made.frame.height


WEAK = (pl.col("region") == "north") & (pl.col("device") == "old")
LABELLED = pl.col("label") == 1
A = pl.col("group") == "a"
HOLED = {"share": gone, "observed_mean": mean("x")}

MEASURES: dict[str, dict[str, Measure]] = {
    "no_drift": {"ks": both(ks), "psi": both(psi, "kind"), "tv": both(tv, "kind")},
    "shifted_mean": {
        "shift": both(lambda a, b: b.mean() - a.mean()), "ks": both(ks), "wasserstein": both(stats.wasserstein_distance),
        "kl": both(kl_of_normals), "auc": both(auc_of), "psi_deciles": both(psi_deciles), "ks_still": both(ks, "still"),
    },
    "shifted_scale": {
        "scale": both(lambda a, b: b.std() / a.std()), "ks": both(ks), "wasserstein": both(stats.wasserstein_distance),
        "kl": both(kl_of_normals),
    },
    "shifted_shares": {"psi": both(psi, "kind"), "tv": both(tv, "kind"), "share_c": lambda w: (w.frames["current"]["kind"] == "c").mean()},
    "new_category": {"share_new": lambda w: (w.frames["current"]["kind"] == "new").mean(), "tv": both(tv, "kind")},
    "flipped_correlation": {
        "correlation_reference": lambda w: np.corrcoef(w.frames["reference"].to_numpy().T)[0, 1],
        "correlation_current": lambda w: np.corrcoef(w.frames["current"].to_numpy().T)[0, 1],
        "ks_a": both(ks, "a"), "ks_b": both(ks, "b"),
    },
    "concept_drift": {
        "auc_reference": auc("x", "reference"), "auc_current": auc("x", "current"), "ks_x": both(ks),
        "base_rate": mean("label", "current"),
    },
    "changed_unit": {
        "factor": lambda w: np.exp(np.log(w.frames["current"]["amount"].to_numpy()).mean() - 3) ** (1 / w.truth["share"]),
        "mean_reference": mean("amount", "reference"), "mean_current": mean("amount", "current"),
        "share": lambda w: (w.frames["current"]["amount"] > 240).mean(),
    },
    "change_point": {
        "row": lambda w: w.truth["row"] if abs(w.frame["x"][: int(w.truth["row"])].mean()) < 0.2 else -1,
        "shift": lambda w: w.frame["x"][int(w.truth["row"]) :].mean() - w.frame["x"][: int(w.truth["row"])].mean(),
    },
    "season": {
        "period": lambda w: w.frame.height / (1 + np.argmax(np.abs(np.fft.rfft(w.frame["x"].to_numpy()))[1:])),
        "amplitude": lambda w: 2 * abs(np.exp(2j * np.pi * np.arange(N) / 24) @ w.frame["x"].to_numpy()) / N,
        "explained": lambda w: 1 - w.frame["x"].to_numpy().reshape(-1, 24).var(axis=0).mean() / w.frame["x"].var(),
    },
    "known_auc": {
        "auc": auc("score"), "base_rate": mean("label"), "ece": ece,
        "tpr": lambda w: where(w, LABELLED), "fpr": lambda w: where(w, ~LABELLED),
        "accuracy": lambda w: (w.frame["label"] == w.frame["prediction"]).mean(),
    },
    "calibrated": {
        "base_rate": mean("label"), "ece": ece, "brier": lambda w: metrics.brier_score_loss(w.frame["label"], w.frame["probability"]),
        "log_loss": lambda w: metrics.log_loss(w.frame["label"], w.frame["probability"]),
    },
    "overconfident": {
        "base_rate": mean("label"), "ece": ece, "brier": lambda w: metrics.brier_score_loss(w.frame["label"], w.frame["probability"])
    },
    "multiclass": {
        "accuracy": lambda w: metrics.accuracy_score(w.frame["label"], w.frame["prediction"]),
        "kappa": lambda w: metrics.cohen_kappa_score(w.frame["label"], w.frame["prediction"]),
        "log_loss": lambda w: metrics.log_loss(w.frame["label"], w.frame.select("p_a", "p_b", "p_c").to_numpy()),
    },
    "linear": {
        "r2": lambda w: metrics.r2_score(w.frame["label"], w.frame["prediction"]),
        "rmse": lambda w: metrics.root_mean_squared_error(w.frame["label"], w.frame["prediction"]),
        "mae": lambda w: metrics.mean_absolute_error(w.frame["label"], w.frame["prediction"]), "mean": mean("label"),
    },
    "target_leak": {"auc_leaked": auc("leaked"), "auc_honest": auc("honest"), "auc_chance": auc("chance")},
    "row_leak": {
        "shared_rows": lambda w: w.frames["test"].join(w.frames["train"], on=["a", "b"], how="semi").height,
        "share": lambda w: w.frames["test"].join(w.frames["train"], on=["a", "b"], how="semi").height / w.frames["test"].height,
    },
    "entity_leak": {
        "shared_entities": lambda w: len(set(w.frames["train"]["entity"]) & set(w.frames["test"]["entity"])),
        "share": lambda w: len(set(w.frames["train"]["entity"]) & set(w.frames["test"]["entity"])) / w.frames["test"]["entity"].n_unique(),
    },
    "future_leak": {
        "autocorrelation": lambda w: np.corrcoef(w.frame["today"], w.frame["tomorrow"])[0, 1],
        "rows_ahead": lambda w: 1.0 if w.frame["tomorrow"][:-1].to_list() == w.frame["today"][1:].to_list() else -1.0,
    },
    "weak_slice": {
        "slice_share": lambda w: w.frame.filter(WEAK).height / w.frame.height, "slice_error": error(WEAK), "rest_error": error(~WEAK),
        "error": error(pl.lit(value=True)),
    },
    "fairness_gap": {
        "selection_a": lambda w: where(w, A), "selection_b": lambda w: where(w, ~A),
        "parity_difference": lambda w: where(w, A) - where(w, ~A), "parity_ratio": lambda w: where(w, ~A) / where(w, A),
        "tpr_difference": lambda w: where(w, A & LABELLED) - where(w, ~A & LABELLED),
        "fpr_difference": lambda w: where(w, A & ~LABELLED) - where(w, ~A & ~LABELLED),
    },
    "missing_completely": HOLED,
    "missing_by_another": HOLED,
    "missing_by_itself": HOLED,
    "copies": {
        "copies": lambda w: w.frame.height - w.frame.unique().height, "share": lambda w: 1 - w.frame.unique().height / w.frame.height
    },
    "outliers": {
        "outliers": lambda w: (w.frame["x"].abs() > 10).sum(), "share": lambda w: (w.frame["x"].abs() > 10).mean(),
        "size": lambda w: w.frame["x"].abs().max(),
    },
    "panel_with_gaps": {
        "stores": lambda w: w.frame["store"].n_unique(),
        "days": lambda w: (w.frame["day"].max() - w.frame["day"].min()).days + 1,
        "missing_days": lambda w: sum(
            (part["day"].max() - part["day"].min()).days + 1 - part["day"].n_unique() for part in w.frame.partition_by("store")
        ),
    },
}  # fmt: skip
# Figures that are never seen: values that are not there.
UNSEEN = {"missing_completely": {"mean"}, "missing_by_another": {"mean"}, "missing_by_itself": {"mean"}}
# What a finite sample adds: a greatest difference, a sum of squares or of sizes over bins is above 0 by chance alone.
BIAS = {
    "ks": 1.5 * math.sqrt(2 / N),
    "psi": 40 / N,
    "tv": math.sqrt(6 / N),
    "ece": math.sqrt(10 / N),
    "wasserstein": 0.03,
    "kl": 0.002,
}
BIAS |= {"explained": 0.02, "factor": 10.0, "share": 0.01}


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_is_what_it_says(name: str):
    draws = [world(name, N, rng=np.random.default_rng([i, 11])) for i in range(DRAWS)]
    truth = draws[0].truth

    for key, measure in MEASURES[name].items():
        seen = np.array([measure(made) for made in draws])
        if key in WORLDS[name].exact and name != "changed_unit":
            assert seen == pytest.approx([made.truth[key] for made in draws], abs=1e-12), key
            continue
        # Five standard errors of the mean over the draws, and what is known of the bias.
        room = 5 * seen.std(ddof=1) / math.sqrt(DRAWS) + BIAS.get(key.split("_")[0], 0.0) + 1e-9
        assert abs(seen.mean() - truth[key]) <= room, f"{key}: {seen.mean()} is not {truth[key]} to within {room}"


def test_every_truth_of_every_world_is_measured():
    stated = {name: set(world(name, 100, rng=np.random.default_rng(0)).truth) for name in WORLDS}
    measured = {name: set(MEASURES[name]) | UNSEEN.get(name, set()) for name in WORLDS}

    assert set(MEASURES) == set(WORLDS)
    assert measured == stated
    assert all(WORLDS[name].exact <= stated[name] for name in WORLDS)


@pytest.mark.parametrize("name", WORLDS)
def test_the_same_generator_gives_the_same_world(name: str):
    one, same, other = (world(name, 400, rng=np.random.default_rng(seed)) for seed in (3, 3, 4))

    assert all(one.frames[frame].equals(same.frames[frame]) for frame in one.frames)
    assert any(not one.frames[frame].equals(other.frames[frame]) for frame in one.frames)


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("n", [10, 11, 403])
def test_every_frame_of_a_world_has_as_many_rows_as_were_asked_for(name: str, n: int):
    made = world(name, n, rng=np.random.default_rng(0))

    assert {frame.height for frame in made.frames.values()} == {n}


@pytest.mark.parametrize("name", [name for name, kind in WORLDS.items() if kind.settings])
def test_every_setting_of_a_world_changes_it(name: str):
    usual = world(name, 200, rng=np.random.default_rng(5))

    for key, value in WORLDS[name].settings.items():
        changed = world(name, 200, rng=np.random.default_rng(5), **{key: value * 0.7})
        assert changed.truth != usual.truth or any(
            not changed.frames[f].equals(usual.frames[f]) for f in usual.frames
        ), key


def test_a_missing_world_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'known_auc'"):
        world("know_auc", 100, rng=np.random.default_rng(0))


def test_a_missing_setting_names_those_that_there_are():
    with pytest.raises(UsageError, match="has no setting 'shfit'; did you mean 'shift'"):
        world("shifted_mean", 100, rng=np.random.default_rng(0), shfit=1.0)


@pytest.mark.parametrize(
    ("name", "settings"),
    [("known_auc", {"auc": 1.0}), ("row_leak", {"share": 0.0}), ("shifted_scale", {"scale": 1.0}), ("linear", {"sd": math.nan}),
     ("flipped_correlation", {"correlation": 1.5}), ("future_leak", {"memory": 1.0}), ("weak_slice", {"slice_rate": 2.0})],
)  # fmt: skip
def test_a_setting_that_makes_no_world_is_refused(name: str, settings: dict[str, float]):
    with pytest.raises(UsageError, match=next(iter(settings))):
        world(name, 100, rng=np.random.default_rng(0), **settings)


def test_a_world_of_a_few_rows_is_refused():
    with pytest.raises(UsageError, match="3 rows"):
        world("no_drift", 3, rng=np.random.default_rng(0))


def test_a_world_of_two_frames_has_no_single_one():
    with pytest.raises(UsageError, match="reference, current"):
        _ = world("no_drift", 100, rng=np.random.default_rng(0)).frame
