"""River's detectors behind the one shape: the same answers as river's, and a memory that can be saved as plain values.

Options keep river's names and defaults; `direction` stands for its `mode` and `two_sided_test`. One detector is turned
over: river's FHDDM says that 1 is an error, and fires where the share of ones falls. It is given 1 - x, so that here it
fires where errors rise, like its neighbours.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections import deque
from collections.abc import Callable, Mapping
from types import MethodType
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.errors import require
from assay.stats.detectors.detector import BITS, NUMBERS, Detector, Direction, Entry, Zone

__all__ = ["ENTRIES", "Adwin", "Ddm", "Eddm", "Fhddm", "HddmA", "HddmW", "Kswin", "PageHinkley", "RiverDetector"]


class Adwin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Say how sure ADWIN has to be: `delta` bounds the chance that one look cuts a window that has not changed.

    It looks every `clock` values, once it has seen `grace_period`, at cuts that leave `min_window_length` values on either
    side, and keeps at most `max_buckets` buckets of each size.
    """

    delta: float = 0.002
    clock: int = 32
    max_buckets: int = 5
    min_window_length: int = 5
    grace_period: int = 10

    def __post_init__(self) -> None:
        _inside(0, 1, delta=self.delta)
        _counts(clock=self.clock, max_buckets=self.max_buckets, min_window_length=self.min_window_length)
        _counts(grace_period=self.grace_period)


class Ddm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Say how many standard deviations above its least the error rate has to be, after `warm_start` values."""

    warm_start: int = 30
    warning_threshold: float = 2.0
    drift_threshold: float = 3.0

    def __post_init__(self) -> None:
        _counts(warm_start=self.warm_start)
        if not 0 < self.warning_threshold <= self.drift_threshold < math.inf:
            raise ValueError(
                f"drift_threshold is {self.drift_threshold} and warning_threshold {self.warning_threshold}; both are above "
                "0, the warning's no greater"
            )


class Eddm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Say to which share of its greatest the distance between errors has to fall: WARNING below `alpha`, DRIFT below `beta`."""

    warm_start: int = 30
    alpha: float = 0.95
    beta: float = 0.9

    def __post_init__(self) -> None:
        _counts(warm_start=self.warm_start)
        if not 0 < self.beta <= self.alpha <= 1:
            raise ValueError(f"alpha is {self.alpha} and beta {self.beta}; both are in (0, 1], beta no greater")


class HddmA(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Say how small the chance has to be that two averages differ as much, by Hoeffding's bound."""

    drift_confidence: float = 0.001
    warning_confidence: float = 0.005
    direction: Literal["up", "both"] = "up"

    def __post_init__(self) -> None:
        _hddm(self)


class HddmW(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Say the same of moving averages, by McDiarmid's bound; `lambda_val` is the weight of the newest value."""

    drift_confidence: float = 0.001
    warning_confidence: float = 0.005
    lambda_val: float = 0.05
    direction: Literal["up", "both"] = "up"

    def __post_init__(self) -> None:
        _hddm(self)
        _inside(0, 1, lambda_val=self.lambda_val)


class Fhddm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Say how long the sliding window is, and how small the chance that its error rate rose so far above its least.

    With a `short_window_size` a second, shorter window fires too.
    """

    sliding_window_size: int = 100
    confidence_level: float = 0.000001
    short_window_size: int | None = None

    def __post_init__(self) -> None:
        _counts(sliding_window_size=self.sliding_window_size)
        _inside(0, 1, confidence_level=self.confidence_level)
        if self.short_window_size is not None and not 1 <= self.short_window_size <= self.sliding_window_size:
            raise ValueError(
                f"short_window_size is {self.short_window_size}; it is from 1 to sliding_window_size, {self.sliding_window_size}"
            )


class Kswin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Say which p-value is drift when the last `stat_size` values are compared with as many of the rest of the window.

    Those of the rest are drawn by chance, from `seed`.
    """

    alpha: float = 0.005
    window_size: int = 100
    stat_size: int = 30
    seed: int = 1

    def __post_init__(self) -> None:
        _inside(0, 1, alpha=self.alpha)
        _counts(window_size=self.window_size, stat_size=self.stat_size)
        if 2 * self.stat_size > self.window_size:
            raise ValueError(f"stat_size is {self.stat_size}; it is at most half of window_size, {self.window_size}")


class PageHinkley(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Say how far the sum of differences from the running mean has to be from its extreme: DRIFT above `threshold`.

    Each value is allowed a difference of `delta`; the sums fade by `alpha` each value; nothing is judged before
    `min_instances` values. `threshold` is in the unit of the values: the default suits bits, not amounts.
    """

    min_instances: int = 30
    delta: float = 0.005
    threshold: float = 50.0
    alpha: float = 0.9999
    direction: Direction = "both"

    def __post_init__(self) -> None:
        _counts(min_instances=self.min_instances)
        if not 0 <= self.delta < math.inf:
            raise ValueError(f"delta is {self.delta}; it is at least 0")
        if not 0 < self.threshold < math.inf:
            raise ValueError(f"threshold is {self.threshold}; it is above 0")
        if not 0 < self.alpha <= 1:
            raise ValueError(f"alpha is {self.alpha}; it is in (0, 1]")
        if self.direction not in ("up", "down", "both"):
            raise ValueError(f"direction is {self.direction!r}; it is 'up', 'down' or 'both'")


def _hddm(options: HddmA | HddmW) -> None:
    if not 0 < options.drift_confidence <= options.warning_confidence < 1:
        raise ValueError(
            f"drift_confidence is {options.drift_confidence} and warning_confidence {options.warning_confidence}; both "
            "are in (0, 1), the drift's no greater"
        )
    if options.direction not in ("up", "both"):
        raise ValueError(f"direction is {options.direction!r}; it is 'up' or 'both'")


def _inside(low: float, high: float, **given: float) -> None:
    for name, value in given.items():
        if not low < value < high:
            raise ValueError(f"{name} is {value}; it lies between {low} and {high}")


def _counts(**given: int) -> None:
    for name, value in given.items():
        if not value >= 1:
            raise ValueError(f"{name} is {value}; it is a whole number, at least 1")


class RiverDetector(Detector):
    """One of river's detectors, made by `build`; `turned` gives it 1 - x in place of x.

    >>> detector = RiverDetector("ddm", Ddm(), lambda: require("river.drift.binary", extra="drift").DDM(), bits=True)
    >>> detector.feed([0, 0, 0, 1] * 25 + [1] * 20).first
    111
    """

    def __init__(
        self, name: str, options: msgspec.Struct, build: Callable[[], Any], *, bits: bool, turned: bool = False
    ) -> None:
        super().__init__(name, options, bits=bits)
        self._theirs: Any = build()
        self._turned = turned
        self._warns: bool = hasattr(self._theirs, "warning_detected")

    def _step(self, x: float) -> Zone:
        self._theirs.update(1 - x if self._turned else x)
        if self._theirs.drift_detected:
            return Zone.DRIFT
        return Zone.WARNING if self._warns and self._theirs.warning_detected else Zone.STABLE

    def _steps(self, values: NDArray[np.float64]) -> tuple[ArrayLike, ArrayLike]:
        theirs, warns, update = self._theirs, self._warns, self._theirs.update
        warnings: list[int] = []
        drifts: list[int] = []
        for place, x in enumerate((1 - values if self._turned else values).tolist()):
            update(x)
            if theirs.drift_detected:
                drifts.append(place)
            elif warns and theirs.warning_detected:
                warnings.append(place)
        return warnings, drifts

    def _memory(self) -> dict[str, Any]:
        return {"river": _version(), "inside": _saved(self._theirs)}

    def _recall(self, memory: Mapping[str, Any]) -> None:
        if memory["river"] != _version():
            raise ValueError(f"it was saved by river {memory['river']}, and this is river {_version()}")
        self._theirs = _filled(self._theirs, memory["inside"])


def _version() -> str:
    # What is inside of river's detectors is river's own: it may change with any release.
    return str(require("river", extra="drift").__version__)


def _saved(value: Any) -> Any:
    """Return what is inside an object of river's as plain values."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | np.floating):
        number = float(value)
        return number if math.isfinite(number) else {"float": repr(number)}
    if isinstance(value, deque):
        return {"deque": [_saved(x) for x in value]}
    if callable(getattr(value, "getstate", None)):  # random.Random
        version, numbers, spare = value.getstate()
        return {"chance": [version, list(numbers), spare]}
    if hasattr(value, "__dict__"):
        return {"fields": {k: _saved(v) for k, v in vars(value).items() if not isinstance(v, MethodType)}}
    inside = value.__getstate__()  # what river keeps in Rust
    return {"bytes": base64.b64encode(inside).decode(), "sum": zlib.crc32(inside)}


def _filled(fresh: Any, saved: Any) -> Any:
    """Return what `_saved` said, in the place of `fresh`: nothing is made by a name that the saved values give."""
    if not isinstance(saved, Mapping):
        return saved
    kind, inside = next(iter(saved.items()))
    if kind == "float":
        return float(inside)
    if kind == "deque":
        return deque(inside, maxlen=fresh.maxlen)
    if kind == "chance":
        fresh.setstate((inside[0], tuple(inside[1]), inside[2]))
    elif kind == "bytes":
        bytes_inside = base64.b64decode(inside, validate=True)
        if zlib.crc32(bytes_inside) != saved["sum"]:  # damaged bytes would stop the process, not raise
            raise ValueError("its bytes do not have the sum that was saved with them")
        fresh.__setstate__(bytes_inside)
    else:
        if set(inside) != {k for k, v in vars(fresh).items() if not isinstance(v, MethodType)}:
            raise ValueError(f"its fields are {sorted(inside)}")
        for name, value in inside.items():
            setattr(fresh, name, _filled(getattr(fresh, name), value))
    return fresh


def _maker(
    name: str, build: Callable[[dict[str, Any]], Any], *, bits: bool = True, turned: bool = False
) -> Callable[[msgspec.Struct], Detector]:  # fmt: skip
    """Return the function that makes a detector of its options; `build` is given them as a new dict."""
    return lambda options: RiverDetector(
        name, options, lambda: build(msgspec.structs.asdict(options)), bits=bits, turned=turned
    )


def _two_sided(told: dict[str, Any]) -> dict[str, Any]:
    return {"two_sided_test": told.pop("direction") == "both", **told}


def _mode(told: dict[str, Any]) -> dict[str, Any]:
    return {"mode": told.pop("direction"), **told}


def _drift() -> Any:
    return require("river.drift", extra="drift")


def _binary() -> Any:
    return require("river.drift.binary", extra="drift")


ENTRIES = (
    Entry(
        name="adwin",
        title="Adaptive windowing (ADWIN)",
        takes=(BITS, NUMBERS),
        options=Adwin,
        make=_maker("adwin", lambda told: _drift().ADWIN(**told), bits=False),
        formula="drift where some cut of the window leaves means that differ by more than √(2v·ln(2 ln n/δ)/m) + 2·ln(2 ln n/δ)/3m",
        error_rate="bounded for one look at values in [0, 1], not for a stream of looks",
        source="Bifet & Gavaldà 2007",
        extra="drift",
    ),
    Entry(
        name="ddm",
        title="Drift detection method (DDM)",
        takes=(BITS,),
        options=Ddm,
        make=_maker("ddm", lambda told: _binary().DDM(**told)),
        formula="drift where p + s > min p + 3·min s, with p the running error rate and s = √(p(1 - p)/n)",
        error_rate="not known",
        source="Gama, Medas, Castillo & Rodrigues 2004",
        extra="drift",
    ),
    Entry(
        name="eddm",
        title="Early drift detection method (EDDM)",
        takes=(BITS,),
        options=Eddm,
        make=_maker("eddm", lambda told: _binary().EDDM(**told)),
        formula="drift where (p + 2s)/max(p + 2s) < beta, with p and s the mean and spread of the distances between errors",
        error_rate="not known",
        source="Baena-García et al. 2006",
        extra="drift",
    ),
    Entry(
        name="hddm_a",
        title="Hoeffding's bound on averages (HDDM-A)",
        takes=(BITS,),
        options=HddmA,
        make=_maker("hddm_a", lambda told: _binary().HDDMA(**_two_sided(told))),
        formula="drift where the mean of n exceeds that of the first k by √((n - k)/2kn·ln(2/drift_confidence)), k where it is lowest",
        error_rate="bounded for one cut and one look, not for a stream of looks",
        source="Frías-Blanco et al. 2014",
        extra="drift",
    ),
    Entry(
        name="hddm_w",
        title="McDiarmid's bound on moving averages (HDDM-W)",
        takes=(BITS,),
        options=HddmW,
        make=_maker("hddm_w", lambda told: _binary().HDDMW(**_two_sided(told))),
        formula="drift where the moving average exceeds its lowest by √(b·ln(1/drift_confidence)/2), b the sum of squared weights",
        error_rate="bounded for one cut and one look, not for a stream of looks",
        source="Frías-Blanco et al. 2014",
        extra="drift",
    ),
    Entry(
        name="fhddm",
        title="Fast Hoeffding drift detection method (FHDDM)",
        takes=(BITS,),
        options=Fhddm,
        make=_maker("fhddm", lambda told: _binary().FHDDM(**told), turned=True),
        formula="drift where the error rate of the last w exceeds its least by √(ln(1/confidence_level)/2w)",
        error_rate="bounded for one look, not for a stream of looks",
        source="Pesaranghader & Viktor 2016",
        extra="drift",
    ),
    Entry(
        name="kswin",
        title="Kolmogorov-Smirnov windowing (KSWIN)",
        takes=(NUMBERS,),
        options=Kswin,
        make=_maker("kswin", lambda told: _drift().KSWIN(**told), bits=False),
        formula="drift where the last stat_size values and as many of the window before compare with p ≤ alpha and a distance > 0.1",
        error_rate="alpha for one look, at every value: about a false alarm in a thousand values",
        source="Raab, Heusinger & Schleif 2020",
        extra="drift",
    ),
    Entry(
        name="page_hinkley",
        title="Page-Hinkley",
        takes=(BITS, NUMBERS),
        options=PageHinkley,
        make=_maker("page_hinkley", lambda told: _drift().PageHinkley(**_mode(told)), bits=False),
        formula="drift where U - min U > threshold, with U ← alpha·U + x - running mean - delta; mirrored for a fall",
        error_rate="not known: it rises with the length of the stream",
        source="Page 1954; Hinkley 1971",
        extra="drift",
    ),
)
