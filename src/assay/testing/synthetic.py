"""Synthetic data with known properties: worlds of which it is known how much drift, leakage, skill or unfairness they hold.

One table, `WORLDS`. A test of a check, a metric or a monitor asks for a world, and compares what it finds with the truth.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.errors import UsageError, member, nearest

__all__ = ["WORLDS", "World", "WorldKind", "world"]

Rng: TypeAlias = np.random.Generator
Floats: TypeAlias = NDArray[np.float64]
Frames: TypeAlias = dict[str, pl.DataFrame]
Truth: TypeAlias = dict[str, float]


@dataclass(frozen=True, eq=False)
class World:
    """Data, and what is true of it: `frames` by name ("data", or "reference" and "current", or "train" and "test").

    `truth` holds figures of the population that the rows were drawn from, so that a sample's own figures scatter around them;
    those that `exact` names hold of the very rows.
    """

    name: str
    frames: Mapping[str, pl.DataFrame]
    truth: Mapping[str, float]
    exact: frozenset[str] = frozenset()

    @property
    def frame(self) -> pl.DataFrame:
        """Return the frame where there is one; raise UsageError, with their names, where there are several."""
        if len(self.frames) > 1:
            raise UsageError(f"{self.name} has several frames", hint=f"take one of them: {', '.join(self.frames)}")
        return next(iter(self.frames.values()))


@dataclass(frozen=True)
class WorldKind:
    """One entry of the table: what is known in such a world, in a sentence, and the function that makes one.

    `make(n, rng, **settings)` returns the frames, each of n rows, and the truth. `exact` names the figures that hold of the very rows.
    """

    name: str
    title: str
    make: Callable[..., tuple[Frames, Truth]]
    exact: frozenset[str] = frozenset()

    @property
    def settings(self) -> Mapping[str, float]:
        """Return what can be set, with its usual value."""
        told = inspect.signature(self.make).parameters
        return {name: p.default for name, p in told.items() if p.kind is inspect.Parameter.KEYWORD_ONLY}


def world(name: str, n: int, *, rng: Rng, **settings: float) -> World:
    """Return a world of n rows (of each frame): synthetic data of which it is known what is true. `WORLDS` lists them.

    `settings` change what is true, such as how far a mean is shifted; each has a usual value. The same generator gives the same rows.

    Raises UsageError where there is no such world or setting, or n is below 10, ConfigError where a name is not in the table.

    >>> shifted = world("shifted_mean", 1_000, rng=np.random.default_rng(7), shift=1.0)
    >>> sorted(shifted.frames), round(shifted.truth["ks"], 4)
    (['current', 'reference'], 0.3829)
    """
    kind = member(WORLDS, name, what="world")
    if n < 10:
        raise UsageError(f"a world of {n} rows was asked for", hint="it has at least 10")
    for key, value in settings.items():
        if key not in kind.settings:
            raise UsageError(f"the world {name!r} has no setting {key!r}", hint=nearest(key, kind.settings))
        _refuse_share(key, value, kind.settings[key])
    frames, truth = kind.make(n, rng, **settings)
    return World(name, frames, truth, kind.exact)


_SHARES = ("share", "rate", "auc", "noise", "accuracy", "tpr", "fpr", "at")


def _refuse_share(key: str, value: float, usual: float) -> None:
    if not math.isfinite(value):
        raise UsageError(f"{key} is {value}", hint=f"it is a finite number, such as {usual:g}")
    if (
        any(key == word or key.endswith(f"_{word}") or key.startswith(f"{word}_") for word in _SHARES)
        and not 0 < value < 1
    ):
        raise UsageError(f"{key} is {value}", hint=f"it lies between 0 and 1, such as {usual:g}")


def _normal_below(x: float) -> float:
    """Return the share of a standard normal below x."""
    return 0.5 * math.erfc(-x / math.sqrt(2))


def _normal_quantile(share: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(share))


_HALF = 1 / math.sqrt(2 * math.pi)  # the mean of max(z, 0) for a standard normal z


# Drift ----------------------------------------------------------------------------------------------------------------


def _pair(reference: dict[str, Any], current: dict[str, Any]) -> Frames:
    return {"reference": pl.DataFrame(reference), "current": pl.DataFrame(current)}


def _no_drift(n: int, rng: Rng) -> tuple[Frames, Truth]:
    def rows() -> dict[str, Any]:
        return {"x": rng.normal(size=n), "kind": rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])}

    return _pair(rows(), rows()), {"ks": 0.0, "psi": 0.0, "tv": 0.0}


def _shifted_mean(n: int, rng: Rng, *, shift: float = 0.5) -> tuple[Frames, Truth]:
    still = [rng.normal(size=n), rng.normal(size=n)]
    frames = _pair({"x": rng.normal(size=n), "still": still[0]}, {"x": rng.normal(shift, 1, n), "still": still[1]})
    inner = [_normal_quantile(k / 10) for k in range(1, 10)]
    above = [_normal_below(edge - shift) for edge in inner]
    shares = np.diff([0.0, *above, 1.0])
    psi = float(np.sum((shares - 0.1) * np.log(shares / 0.1)))
    size = abs(shift)
    return frames, {
        "shift": shift, "ks": 2 * _normal_below(size / 2) - 1, "wasserstein": size, "kl": shift * shift / 2,
        "auc": _normal_below(shift / math.sqrt(2)), "psi_deciles": psi, "ks_still": 0.0,
    }  # fmt: skip


def _shifted_scale(n: int, rng: Rng, *, scale: float = 2.0) -> tuple[Frames, Truth]:
    if scale <= 0 or scale == 1:
        raise UsageError(f"scale is {scale}", hint="it is above 0 and not 1, at which nothing drifts: such as 2")
    frames = _pair({"x": rng.normal(size=n)}, {"x": rng.normal(0, scale, n)})
    meet = math.sqrt(2 * scale**2 * math.log(scale) / (scale**2 - 1))  # where the two densities are equal
    ks = abs(_normal_below(meet) - _normal_below(meet / scale))
    kl = (scale**2 - 1) / 2 - math.log(scale)  # of the current data from the reference
    return frames, {"scale": scale, "ks": ks, "wasserstein": abs(scale - 1) * math.sqrt(2 / math.pi), "kl": kl}


def _shifted_shares(n: int, rng: Rng, *, share: float = 0.1) -> tuple[Frames, Truth]:
    before, after = np.array([0.5, 0.3, 0.2]), np.array([0.5, 0.3, 0.2]) * (1 - share)
    after[2] += share
    words = ["a", "b", "c"]
    frames = _pair({"kind": rng.choice(words, n, p=before)}, {"kind": rng.choice(words, n, p=after)})
    psi = float(np.sum((after - before) * np.log(after / before)))
    return frames, {"psi": psi, "tv": float(np.abs(after - before).sum() / 2), "share_c": float(after[2])}


def _new_category(n: int, rng: Rng, *, share: float = 0.05) -> tuple[Frames, Truth]:
    old = rng.choice(["a", "b"], n, p=[0.6, 0.4])
    now = np.where(rng.random(n) < share, "new", rng.choice(["a", "b"], n, p=[0.6, 0.4]))
    return _pair({"kind": old}, {"kind": now}), {"share_new": share, "tv": share}


def _flipped_correlation(n: int, rng: Rng, *, correlation: float = 0.8) -> tuple[Frames, Truth]:
    if not -1 < correlation < 1:
        raise UsageError(f"correlation is {correlation}", hint="it lies between -1 and 1, such as 0.8")

    def rows(rho: float) -> dict[str, Floats]:
        a, e = rng.normal(size=n), rng.normal(size=n)
        return {"a": a, "b": rho * a + math.sqrt(1 - rho * rho) * e}

    truth = {"correlation_reference": correlation, "correlation_current": -correlation, "ks_a": 0.0, "ks_b": 0.0}
    return _pair(rows(correlation), rows(-correlation)), truth


def _concept_drift(n: int, rng: Rng, *, slope: float = 1.0) -> tuple[Frames, Truth]:
    def rows(b: float) -> dict[str, Any]:
        x = rng.normal(size=n)
        return {"x": x, "label": (b * x + rng.normal(size=n) > 0).astype(int)}

    rho = slope / math.sqrt(1 + slope * slope)  # of x with what the label is cut from
    auc = 0.5 + 2 * math.asin(rho / math.sqrt(2)) / math.pi
    truth = {"auc_reference": auc, "auc_current": 1 - auc, "ks_x": 0.0, "base_rate": 0.5}
    return _pair(rows(slope), rows(-slope)), truth


def _changed_unit(n: int, rng: Rng, *, factor: float = 100.0, share: float = 0.2) -> tuple[Frames, Truth]:
    amounts = np.exp(rng.normal(3, 0.5, n))
    other = rng.permutation(n)[: int(share * n)]
    changed = np.exp(rng.normal(3, 0.5, n))
    changed[other] *= factor
    mean = math.exp(3 + 0.125)
    truth = {
        "share": len(other) / n,
        "factor": factor,
        "mean_reference": mean,
        "mean_current": mean * (1 + len(other) / n * (factor - 1)),
    }
    return _pair({"amount": amounts}, {"amount": changed}), truth


def _change_point(n: int, rng: Rng, *, shift: float = 1.0, at: float = 0.5) -> tuple[Frames, Truth]:
    row = int(at * n)
    x = rng.normal(size=n)
    x[row:] += shift
    return {"data": pl.DataFrame({"row": np.arange(n), "x": x})}, {"row": float(row), "shift": shift}


def _season(
    n: int, rng: Rng, *, period: float = 24.0, amplitude: float = 1.0, noise_size: float = 0.5
) -> tuple[Frames, Truth]:
    t = np.arange(n)
    x = amplitude * np.sin(2 * math.pi * t / period) + rng.normal(0, noise_size, n)
    explained = amplitude**2 / 2 / (amplitude**2 / 2 + noise_size**2)
    return {"data": pl.DataFrame({"hour": t, "x": x})}, {
        "period": period,
        "amplitude": amplitude,
        "explained": explained,
    }


# Skill and calibration -------------------------------------------------------------------------------------------------


def _known_auc(n: int, rng: Rng, *, auc: float = 0.8, base_rate: float = 0.3) -> tuple[Frames, Truth]:
    mean = math.sqrt(2) * _normal_quantile(auc)
    label = (rng.random(n) < base_rate).astype(int)
    score = rng.normal(size=n) + mean * label
    log_odds = math.log(base_rate / (1 - base_rate)) + mean * score - mean**2 / 2
    probability = 1 / (1 + np.exp(-log_odds))
    truth = {"auc": auc, "base_rate": base_rate, "ece": 0.0}
    if mean > 0:
        cut = (mean**2 / 2 - math.log(base_rate / (1 - base_rate))) / mean  # where the probability is one half
        tpr, fpr = 1 - _normal_below(cut - mean), 1 - _normal_below(cut)
        truth |= {"tpr": tpr, "fpr": fpr, "accuracy": base_rate * tpr + (1 - base_rate) * (1 - fpr)}
    frame = {"label": label, "score": score, "probability": probability, "prediction": (probability > 0.5).astype(int)}
    return {"data": pl.DataFrame(frame)}, truth


def _calibrated(n: int, rng: Rng, *, a: float = 2.0, b: float = 3.0) -> tuple[Frames, Truth]:
    from scipy.special import digamma

    probability = rng.beta(a, b, n)
    frame = pl.DataFrame({"label": (rng.random(n) < probability).astype(int), "probability": probability})
    s = a + b
    loss = float(digamma(s + 1) - a / s * digamma(a + 1) - b / s * digamma(b + 1))
    return {"data": frame}, {"base_rate": a / s, "brier": a * b / (s * (s + 1)), "ece": 0.0, "log_loss": loss}


def _overconfident(n: int, rng: Rng, *, share: float = 0.4) -> tuple[Frames, Truth]:
    said = rng.random(n)
    true = 0.5 + (said - 0.5) * (1 - share)
    frame = pl.DataFrame({"label": (rng.random(n) < true).astype(int), "probability": said})
    brier = share**2 / 12 + 0.25 - (1 - share) ** 2 / 12
    return {"data": frame}, {"base_rate": 0.5, "ece": share / 4, "brier": brier}


def _multiclass(n: int, rng: Rng, *, accuracy: float = 0.7) -> tuple[Frames, Truth]:
    label = rng.integers(0, 3, n)
    right = rng.random(n) < accuracy
    said = np.where(right, label, (label + rng.integers(1, 3, n)) % 3)
    words = np.array(["a", "b", "c"])
    shares = {f"p_{w}": np.where(said == i, accuracy, (1 - accuracy) / 2) for i, w in enumerate(words)}
    loss = -accuracy * math.log(accuracy) - (1 - accuracy) * math.log((1 - accuracy) / 2)
    frame = pl.DataFrame({"label": words[label], "prediction": words[said], **shares})
    return {"data": frame}, {"accuracy": accuracy, "kappa": (accuracy - 1 / 3) / (2 / 3), "log_loss": loss}


def _linear(n: int, rng: Rng, *, sd: float = 1.0) -> tuple[Frames, Truth]:
    a, b = rng.normal(size=n), rng.normal(size=n)
    mean = 3 + 2 * a - b
    frame = pl.DataFrame({"a": a, "b": b, "label": mean + rng.normal(0, sd, n), "prediction": mean})
    return {"data": frame}, {"r2": 5 / (5 + sd**2), "rmse": sd, "mae": sd * math.sqrt(2 / math.pi), "mean": 3.0}


# Leakage ---------------------------------------------------------------------------------------------------------------


def _target_leak(n: int, rng: Rng, *, noise: float = 0.1, auc: float = 0.7) -> tuple[Frames, Truth]:
    label = (rng.random(n) < 0.5).astype(int)
    leaked = np.where(rng.random(n) < noise, 1 - label, label)
    honest = rng.normal(size=n) + math.sqrt(2) * _normal_quantile(auc) * label
    frame = pl.DataFrame({"label": label, "honest": honest, "leaked": leaked, "chance": rng.normal(size=n)})
    return {"data": frame}, {"auc_leaked": 1 - noise, "auc_honest": auc, "auc_chance": 0.5}


def _row_leak(n: int, rng: Rng, *, share: float = 0.2) -> tuple[Frames, Truth]:
    train, test = (pl.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)}) for _ in range(2))
    k = int(share * n)
    copied = train[rng.permutation(n)[:k]]
    mixed = pl.concat([copied, test.head(n - k)])[rng.permutation(n)]
    return {"train": train, "test": mixed}, {"shared_rows": float(k), "share": k / n}


def _entity_leak(n: int, rng: Rng, *, share: float = 0.2) -> tuple[Frames, Truth]:
    each = 5
    entities = max(n // each, 1)
    k = int(share * entities)
    shared = rng.permutation(entities)[:k]
    numbers = np.arange(entities)
    other = np.where(np.isin(numbers, shared), numbers, numbers + entities)
    rows = np.arange(n) % entities
    train = pl.DataFrame({"entity": rows, "x": rng.normal(size=n)})
    test = pl.DataFrame({"entity": other[rows], "x": rng.normal(size=n)})
    return {"train": train, "test": test}, {"shared_entities": float(k), "share": k / entities}


def _future_leak(n: int, rng: Rng, *, memory: float = 0.5) -> tuple[Frames, Truth]:
    if not -1 < memory < 1:
        raise UsageError(f"memory is {memory}", hint="it lies between -1 and 1, such as 0.5")
    steps = rng.normal(size=n + 1)
    y = np.empty(n + 1)
    y[0] = steps[0] / math.sqrt(1 - memory**2)
    for i in range(1, n + 1):
        y[i] = memory * y[i - 1] + steps[i]
    day = pl.Series(_DAYS + np.arange(n), dtype=pl.Int32).cast(pl.Date)
    frame = pl.DataFrame({"day": day, "today": y[:-1], "tomorrow": y[1:]})
    return {"data": frame}, {"autocorrelation": memory, "rows_ahead": 1.0}


# Slices and groups -----------------------------------------------------------------------------------------------------


def _weak_slice(n: int, rng: Rng, *, rate: float = 0.05, slice_rate: float = 0.3) -> tuple[Frames, Truth]:
    region = rng.choice(["north", "east", "south", "west"], n)
    device = rng.choice(["old", "new"], n, p=[0.4, 0.6])
    weak = (region == "north") & (device == "old")
    label = rng.integers(0, 2, n)
    wrong = rng.random(n) < np.where(weak, slice_rate, rate)
    frame = pl.DataFrame(
        {
            "region": region,
            "device": device,
            "x": rng.normal(size=n),
            "label": label,
            "prediction": np.where(wrong, 1 - label, label),
        }
    )
    whole = 0.1 * slice_rate + 0.9 * rate
    return {"data": frame}, {"slice_share": 0.1, "slice_error": slice_rate, "rest_error": rate, "error": whole}


def _fairness_gap(
    n: int, rng: Rng, *, tpr_a: float = 0.8, tpr_b: float = 0.6, fpr_a: float = 0.2, fpr_b: float = 0.1, base_rate: float = 0.5
) -> tuple[Frames, Truth]:  # fmt: skip
    group = rng.choice(["a", "b"], n)
    label = (rng.random(n) < base_rate).astype(int)
    in_a = group == "a"
    chance = np.where(label == 1, np.where(in_a, tpr_a, tpr_b), np.where(in_a, fpr_a, fpr_b))
    frame = pl.DataFrame({"group": group, "label": label, "prediction": (rng.random(n) < chance).astype(int)})
    selected = {g: base_rate * t + (1 - base_rate) * f for g, t, f in (("a", tpr_a, fpr_a), ("b", tpr_b, fpr_b))}
    return {"data": frame}, {
        "selection_a": selected["a"], "selection_b": selected["b"], "parity_difference": selected["a"] - selected["b"],
        "parity_ratio": selected["b"] / selected["a"], "tpr_difference": tpr_a - tpr_b, "fpr_difference": fpr_a - fpr_b,
    }  # fmt: skip


# Missing values and dirt ------------------------------------------------------------------------------------------------


def _holed(x: Floats, gone: NDArray[np.bool_], **others: Floats) -> Frames:
    made = (
        pl.Series("x", x).to_frame().with_columns(pl.when(pl.Series(gone)).then(None).otherwise(pl.col("x")).alias("x"))
    )
    return {"data": made.with_columns(**{name: pl.Series(values) for name, values in others.items()})}


def _missing_completely(n: int, rng: Rng, *, share: float = 0.2) -> tuple[Frames, Truth]:
    x, z = rng.normal(size=n), rng.normal(size=n)
    return _holed(x, rng.random(n) < share, z=z), {"share": share, "mean": 0.0, "observed_mean": 0.0}


def _missing_by_another(n: int, rng: Rng, *, low_share: float = 0.1, high_share: float = 0.5) -> tuple[Frames, Truth]:
    rho = 0.8
    z = rng.normal(size=n)
    x = rho * z + math.sqrt(1 - rho * rho) * rng.normal(size=n)
    gone = rng.random(n) < np.where(z > 0, high_share, low_share)
    share = (low_share + high_share) / 2
    seen = rho * (low_share - high_share) * _HALF / (1 - share)
    return _holed(x, gone, z=z), {"share": share, "mean": 0.0, "observed_mean": seen}


def _missing_by_itself(n: int, rng: Rng, *, high_share: float = 0.5) -> tuple[Frames, Truth]:
    x = rng.normal(size=n)
    gone = (x > 0) & (rng.random(n) < high_share)
    share = high_share / 2
    return _holed(x, gone), {"share": share, "mean": 0.0, "observed_mean": -high_share * _HALF / (1 - share)}


def _copies(n: int, rng: Rng, *, share: float = 0.1) -> tuple[Frames, Truth]:
    k = int(share * n)
    rows = pl.DataFrame({"id": np.arange(n - k), "x": rng.normal(size=n - k)})
    frame = pl.concat([rows, rows[rng.integers(0, n - k, k)]])[rng.permutation(n)]
    return {"data": frame}, {"copies": float(k), "share": k / n}


def _outliers(n: int, rng: Rng, *, share: float = 0.01, size: float = 20.0) -> tuple[Frames, Truth]:
    x = rng.normal(size=n)
    places = rng.permutation(n)[: int(share * n)]
    x[places] = size * rng.choice([-1.0, 1.0], len(places))
    return {"data": pl.DataFrame({"x": x})}, {"outliers": float(len(places)), "share": len(places) / n, "size": size}


def _panel_with_gaps(n: int, rng: Rng, *, share: float = 0.1) -> tuple[Frames, Truth]:
    heights = [n // 4 + (store < n % 4) for store in range(4)]
    days = math.ceil(max(heights) / (1 - share))
    parts = []
    for store, height in enumerate(heights):
        held = 1 + np.sort(rng.permutation(days - 2)[: height - 2])  # the first and the last day are never missing
        day = pl.Series(np.concatenate([[0], held, [days - 1]]) + _DAYS, dtype=pl.Int32).cast(pl.Date)
        parts.append(pl.DataFrame({"store": f"store {store}", "day": day, "value": rng.normal(100, 10, height)}))
    return {"data": pl.concat(parts)}, {"stores": 4.0, "days": float(days), "missing_days": float(4 * days - n)}


_DAYS = (date(2024, 1, 1) - date(1970, 1, 1)).days


def _kind(name: str, make: Callable[..., tuple[Frames, Truth]], title: str, *exact: str) -> WorldKind:
    return WorldKind(name, title, make, frozenset(exact))


_TABLE = (
    _kind("no_drift", _no_drift, "two samples of the same: whatever alarms, alarms falsely"),
    _kind("shifted_mean", _shifted_mean, "a normal column whose mean moved by `shift` sd, and one that stood still"),
    _kind("shifted_scale", _shifted_scale, "a normal column whose spread grew `scale` times, about the same mean"),
    _kind("shifted_shares", _shifted_shares, "a category that took a `share` of the rows of the others"),
    _kind("new_category", _new_category, "a category that the reference did not have, in a `share` of the rows"),
    _kind("flipped_correlation", _flipped_correlation, "two columns, each as before, whose correlation changed its sign"),
    _kind("concept_drift", _concept_drift, "the features as before, and the label going the other way"),
    _kind("changed_unit", _changed_unit, "amounts in another unit, `factor` times as large, in a `share` of the rows", "share"),
    _kind("change_point", _change_point, "a stream whose mean moves by `shift` at one row", "row"),
    _kind("season", _season, "hours with a season of `period` rows, and noise"),
    _kind("known_auc", _known_auc, "labels and scores with the area `auc` under the curve, and true probabilities"),
    _kind("calibrated", _calibrated, "probabilities that mean what they say, Beta(`a`, `b`) distributed"),
    _kind("overconfident", _overconfident, "probabilities too far from a half, by a `share` of the distance"),
    _kind("multiclass", _multiclass, "three classes that are told with a known `accuracy`"),
    _kind("linear", _linear, "a regression with noise of `sd`: the best that any model can do is known"),
    _kind("target_leak", _target_leak, "a column that is the label but for `noise`, beside an honest one"),
    _kind("row_leak", _row_leak, "a test set of which a `share` of rows stand in the training set", "shared_rows", "share"),
    _kind("entity_leak", _entity_leak, "a test set that has a `share` of its entities from training", "shared_entities", "share"),
    _kind("future_leak", _future_leak, "a column that holds the next day's value, of a series with `memory`", "rows_ahead"),
    _kind("weak_slice", _weak_slice, "predictions wrong at `slice_rate` for old devices in the north, at `rate` elsewhere"),
    _kind("fairness_gap", _fairness_gap, "two groups with known rates of true and false positives"),
    _kind("missing_completely", _missing_completely, "values that are missing by chance alone (MCAR)"),
    _kind("missing_by_another", _missing_by_another, "values missing more often where another column is high (MAR)"),
    _kind("missing_by_itself", _missing_by_itself, "values that are missing where they are high themselves (MNAR)"),
    _kind("copies", _copies, "rows of which a `share` are copies of others", "copies", "share"),
    _kind("outliers", _outliers, "a `share` of values that lie `size` sd out", "outliers", "share", "size"),
    _kind("panel_with_gaps", _panel_with_gaps, "days of four stores, some missing", "stores", "days", "missing_days"),
)  # fmt: skip
WORLDS: Mapping[str, WorldKind] = {kind.name: kind for kind in _TABLE}
