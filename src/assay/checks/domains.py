"""What range or set of values a careful person would write down for a column of numbers, after seeing its profile.

From the most to the least certain: values that everybody knows (hours go from 0 to 23), whole numbers without a hole
and without a thinning end (a scale from 1 to 5), floors that the data leans on (no amount is below 0), and last a
range widened by what the tails let a fresh sample reach.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from assay.checks.tails import reach, round_out
from assay.data.kinds import Kind
from assay.profiles.profile import ColumnProfile

__all__ = ["CODES", "PLACES", "Proposal", "Sight", "name_words", "number_domain"]


@dataclass(frozen=True)
class Sight:
    """What is known of a column: its profile, that of each stretch of the rows, and what may go wrong.

    `alarm` is the probability with which one check may alarm on a fresh sample of the same size.
    """

    column: ColumnProfile
    stretches: tuple[ColumnProfile, ...]
    alarm: float

    @property
    def name(self) -> str:
        """Return the column's name."""
        return self.column.name

    @property
    def n(self) -> int:
        """Return how many rows have a value."""
        return self.column.counts.present

    @property
    def least_in_stretch(self) -> int:
        """Return how many values the emptiest stretch has."""
        return min((part.counts.present for part in self.stretches), default=self.n)

    @property
    def listed(self) -> dict[Any, int] | None:
        """Return every value with its count; None where the values are too many to be listed exactly."""
        frequent = self.column.frequent
        return dict(frequent.counts) if frequent is not None and frequent.exact and frequent.counts else None


class Proposal(NamedTuple):
    """A check to be: its rule, what it is told, and whether it states a fact (`fail`) or an expectation (`warn`)."""

    rule: str
    told: Any
    level: Literal["fail", "warn"]


class _Known(NamedTuple):
    words: frozenset[str]
    low: int
    high: int
    whole: bool = True
    covers: float = 0.0  # the share of the range that the values must span for the name to be believed


KNOWN = (
    _Known(frozenset({"hour", "hr"}), 0, 23),
    _Known(frozenset({"minute", "second"}), 0, 59, covers=0.9),
    _Known(frozenset({"month", "mnth"}), 1, 12),
    _Known(frozenset({"quarter"}), 1, 4),
    _Known(frozenset({"weekday", "dayofweek", "dow", "day"}), 0, 6, covers=1.0),
    _Known(frozenset({"weekday", "dayofweek", "dow", "day"}), 1, 7, covers=1.0),
    _Known(frozenset({"day", "dom", "dayofmonth"}), 1, 31, covers=0.8),
    _Known(frozenset({"week", "weekofyear"}), 1, 53, covers=0.4),
    _Known(frozenset({"yday", "dayofyear", "doy"}), 1, 366),
    _Known(frozenset({"percent", "pct", "percentage", "humid", "humidity"}), 0, 100, whole=False, covers=0.3),
)
PLACES = frozenset({"lat", "latitude", "lon", "lng", "long", "longitude"})
CODES = frozenset(
    {
        "id", "code", "zip", "zipcode", "postal", "postcode", "area", "tract", "number", "no", "nr", "num", "key", "index", "fips", "row",
        "timestamp", "epoch", "unix", "phone", "fax", "ssn", *PLACES,
    }
)  # fmt: skip
CLOSED_VALUES = 12  # so many different numbers at most are a set
SHARES = frozenset({"share", "rate", "ratio", "prob", "probability", "fraction", "score", "proportion", "confidence"})
EPOCHS = frozenset({"timestamp", "epoch", "unix", "unixtime", "ts"})
THIN = 0.2  # an end of a range that holds less than this of an even share thins out: more may lie beyond it


def name_words(name: str) -> frozenset[str]:
    """Return the words of a column's name, in lower case.

    >>> sorted(name_words("tripStart_hour2"))
    ['hour', 'start', 'trip']
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return frozenset(word.lower() for word in re.findall(r"[^\W\d_]+", spaced))


def number_domain(sight: Sight) -> Proposal | None:
    """Return the range or set of a column of numbers; None where there is too little to say one."""
    extremes = sight.column.extremes
    if extremes is None or extremes.low is None or sight.n < 50 or extremes.low == extremes.high:
        return None
    if not all(math.isfinite(end) for end in (extremes.low, extremes.high)):
        return None
    return _known(sight) or _closed(sight) or _range(sight)


def _known(sight: Sight) -> Proposal | None:
    low, high = sight.column.extremes.low, sight.column.extremes.high  # type: ignore[union-attr]
    words = name_words(sight.name)
    if "time" in words and _whole(sight) and 0 <= low <= 600 and 1800 <= high <= 2400 and _on_the_clock(sight):
        return Proposal("between", [0, 2400], "fail")
    for known in KNOWN:
        spans = (high - low) >= known.covers * (known.high - known.low)
        if known.words & words and known.low <= low and high <= known.high and spans and _whole(sight) >= known.whole:
            return Proposal("between", [known.low, known.high], "fail")
    return None


def _on_the_clock(sight: Sight) -> bool:
    """Return whether whole numbers read as hours and minutes, as 1745 does."""
    kept, _ = sight.column.quantiles.cumulative()  # type: ignore[union-attr]
    return bool((kept % 100 < 60).all())


def _whole(sight: Sight) -> bool:
    return sight.column.kind is Kind.INTEGER


def _closed(sight: Sight) -> Proposal | None:
    """Return the values as a set, or as a range without holes, where nothing hints at further ones."""
    counts = sight.listed
    if counts is None or len(counts) < 2 or sight.n < 20 * len(counts):
        return None
    even = sight.n / len(counts)
    low, high = min(counts), max(counts)
    full = _whole(sight) and high - low + 1 == len(counts)
    if len(counts) == 2 and all(value == int(value) for value in counts):
        return Proposal("one_of", sorted(counts), "fail") if min(counts.values()) >= 5 else None
    if min(counts.values()) < 5 or min(counts[low], counts[high]) < THIN * even:
        return None
    if full:
        return Proposal("between", [low, high], "fail")
    return Proposal("one_of", sorted(counts), "fail") if len(counts) <= CLOSED_VALUES else None


def _range(sight: Sight) -> Proposal | None:
    column = sight.column
    assert column.quantiles is not None
    assert column.extremes is not None
    low, high = float(column.extremes.low), float(column.extremes.high)
    below = reach(column.quantiles, low, alarm=sight.alarm, upper=False)
    above = reach(column.quantiles, high, alarm=sight.alarm)
    if below is None or above is None:
        return None
    if _share(sight, low, high):
        return Proposal("between", [0, 1], "fail")
    if _whole(sight) and name_words(sight.name) & EPOCHS and low > 0:
        return None  # seconds since 1970 only go on
    spread = high - low
    tolerate: dict[str, Any] = {}
    if _leans_on_zero(sight, below.bound):
        floor: Decimal | int = 0
    else:
        floor = _written(round_out(below.bound, spread=spread, up=False), whole=_whole(sight), up=False)
        tolerate |= _tolerance(sight) if below.heavy else {}
    ceiling: Decimal | int = 0
    if high <= 0 and above.bound > 0:
        ceiling = 0
    else:
        ceiling = _written(round_out(above.bound, spread=spread, up=True), whole=_whole(sight), up=True)
        tolerate |= _tolerance(sight) if above.heavy else {}
    return Proposal(
        "between", {"at_least": floor, "at_most": ceiling, **tolerate} if tolerate else [floor, ceiling], "warn"
    )


def _share(sight: Sight, low: float, high: float) -> bool:
    """Return whether the values are shares: within [0, 1], and called so or reaching both ends."""
    if sight.column.kind is not Kind.FLOAT or low < 0 or high > 1:
        return False
    return bool(name_words(sight.name) & SHARES) or (high == 1 and low <= 0.1)


def _written(bound: Decimal, *, whole: bool, up: bool) -> Decimal | int:
    if whole:
        return math.ceil(bound) if up else math.floor(bound)
    return int(bound) if bound == bound.to_integral_value() else bound


def _leans_on_zero(sight: Sight, bound: float) -> bool:
    """Return whether 0 is where the values end by nature, and not a point that their lower tail happens to stop above."""
    low, high = float(sight.column.extremes.low), float(sight.column.extremes.high)  # type: ignore[union-attr]
    middle = sight.column.quantiles.at(0.5)  # type: ignore[union-attr]
    if low < 0 or bound > 0 or middle is None:
        return False
    zeros = sight.column.signs.zeros if sight.column.signs is not None else 0
    near = low <= 3 * (high - low) / sight.n
    lopsided = (middle - low) < 0.7 * (high - middle)
    return _whole(sight) or lopsided or near or zeros >= THIN * sight.n / max(len(sight.listed or {}), 12)


def _tolerance(sight: Sight) -> dict[str, Any]:
    """Return how many rows may lie beyond the extremes that were seen.

    Of two samples of n rows each, k rows of the second lie beyond all of the first with a probability of about 2⁻ᵏ.
    """
    return {"tolerate_rows": math.ceil(math.log2(1 / sight.alarm))}
