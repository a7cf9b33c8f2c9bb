"""Checks of which different values a column holds, how many, how often, and in how many spellings.

They read the sketches of a profile: exact up to some hundreds (values listed) or thousands (values counted), and beyond
that a judgement is made only where the sketch's stated error leaves no doubt.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import polars as pl

from assay.checks.bounds import fit, listed, phrase, shown
from assay.checks.check import Arguments, Bound, Check, Context, Judged, Rule, StateTest, rules
from assay.checks.shares import CountRange, Share, ShareRange, check_counts, check_shares, count_in, percent, share_in
from assay.data.kinds import Kind
from assay.profiles.column import Need
from assay.profiles.kernel import Measured
from assay.profiles.sketches import VALUES, Distinct, Frequent
from assay.verdict import Estimate

__all__ = ["RULES", "DistinctSet", "Spelling", "TopValue"]

COUNTABLE = frozenset(Kind) - {Kind.LIST, Kind.STRUCT, Kind.NULL, Kind.OTHER}
NAMED = COUNTABLE - {Kind.BINARY}
DOUBT = 4  # standard errors of a distinct count beyond which it is not doubted


class DistinctSet(Arguments, frozen=True):
    """A set of values, and how the column's different values stand to it."""

    values: tuple[Bound, ...]
    how: Literal["within", "contains", "equals"] = "equals"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.values:
            raise ValueError("no value is given")
        if None in self.values:
            raise ValueError("null stands among the values; missing values are judged by no_missing")


def _distinct_set(check: Check, context: Context) -> StateTest:
    told, name = check.arguments, check.columns[0]
    assert isinstance(told, DistinctSet)
    dtype = context.dtype(name)
    wanted = {_key(fit(value, dtype, column=name), dtype): value for value in told.values}
    frequent, distinct = Need("frequent", (name,)), Need("distinct", (name,))
    words = {"within": "only values among", "contains": "each of", "equals": "exactly the values"}

    def judge(measured: Measured) -> Judged:
        seen, count = measured.states[frequent], measured.states[distinct]
        if seen.n == 0:
            return _nothing()
        observed = Estimate(count.count, n=seen.n, unit="different values")
        keys = {_key(value, dtype): value for value in seen.counts}
        strange = [value for key, value in keys.items() if key not in wanted] if told.how != "contains" else []
        absent = [value for key, value in wanted.items() if key not in keys] if told.how != "within" else []
        return _set_judged(seen, count, strange, absent, len(wanted), observed)

    return StateTest((frequent, distinct), judge, f"of {words[told.how]} {listed(told.values)}")


def _set_judged(
    seen: Frequent, count: Distinct, strange: list[Any], absent: list[Any], size: int, observed: Estimate
) -> Judged:
    said = [f"{listed(strange)} {'is' if len(strange) == 1 else 'are'} not in the set"] if strange else []
    said += [f"{listed(absent)} {'does' if len(absent) == 1 else 'do'} not occur"] if absent and seen.exact else []
    if said:
        return Judged(False, observed, "; ".join(said))
    if seen.exact:
        return Judged(True, observed, f"the column holds {len(seen.counts):,} different values, as expected")
    if not absent and _surely(count)[0] > size:
        return Judged(
            False, observed, f"the column holds about {count.count:,} different values and the set only {size:,}"
        )
    why = f"more than {VALUES} different values are in the column, so that rare ones are not listed; one_of looks at each row"
    return Judged(None, observed, why)


def _key(value: Any, dtype: pl.DataType) -> Any:
    """Return a value as a sketch lists it: numbers of a float column are floats there, instants have a zone."""
    if dtype.is_float():
        return float(value)
    if isinstance(dtype, pl.Datetime) and not hasattr(value, "hour"):
        from datetime import datetime

        value = datetime(value.year, value.month, value.day)
        return value if dtype.time_zone is None else _in_zone(value, dtype.time_zone)
    return value


def _in_zone(value: Any, zone: str) -> Any:
    from zoneinfo import ZoneInfo

    return value.replace(tzinfo=ZoneInfo(zone))


def _nothing() -> Judged:
    return Judged(None, Estimate(None, n=0, why="no row has a value"), "no row has a value to judge", 0)


def _surely(count: Distinct) -> tuple[int, int]:
    """Return what the number of different values surely lies between: itself where it is exact."""
    slack = DOUBT * count.relative_error
    return math.floor(count.count * (1 - slack)), math.ceil(count.count * (1 + slack))


def _distinct_count(check: Check, context: Context) -> StateTest:
    told, name = check.arguments, check.columns[0]
    assert isinstance(told, CountRange)
    counts, distinct = Need("counts", (name,)), Need("distinct", (name,))
    expected = f"of {phrase(told.at_least, told.at_most)} different values"

    def judge(measured: Measured) -> Judged:
        n, count = measured.states[counts].present, measured.states[distinct]
        if n == 0:
            return _nothing()
        low, high = _surely(count)
        holds = _decided([count_in(end, told.at_least, told.at_most) for end in (low, count.count, min(high, n))])
        observed = _about(count, n, low, min(high, n))
        return Judged(holds, observed, _count_words(count, n, holds, expected))

    return StateTest((counts, distinct), judge, expected)


def _decided(held: list[bool]) -> bool | None:
    return held[0] if len(set(held)) == 1 else None


def _about(count: Distinct, n: int, low: int, high: int) -> Estimate:
    if not count.full:
        return Estimate(count.count, n=n, unit="different values")
    return Estimate(min(count.count, n), n, low, high, 0.9999, "different values")


def _count_words(count: Distinct, n: int, holds: bool | None, expected: str) -> str:
    about = "about " if count.full else ""
    words = f"{n:,} values are {about}{min(count.count, n):,} different ones"
    if holds is None:
        return f"{words}; the count is estimated, and too near the bound to tell"
    return words if holds else f"{words}; expected a column {expected}"


def _distinct_share(check: Check, context: Context) -> StateTest:
    told, name = check.arguments, check.columns[0]
    assert isinstance(told, ShareRange)
    counts, distinct = Need("counts", (name,)), Need("distinct", (name,))
    expected = f"of {phrase(told.at_least, told.at_most)} different values a value"

    def judge(measured: Measured) -> Judged:
        n, count = measured.states[counts].present, measured.states[distinct]
        if n == 0:
            return _nothing()
        low, high = (min(end, n) for end in _surely(count))
        holds = _decided([share_in(end, n, told.at_least, told.at_most) for end in (low, min(count.count, n), high)])
        share = min(count.count, n) / n
        observed = Estimate(share, n=n, unit="different values a value")
        if count.full:
            observed = Estimate(share, n, low / n, high / n, 0.9999, "different values a value")
        return Judged(holds, observed, _count_words(count, n, holds, expected))

    return StateTest((counts, distinct), judge, expected)


class TopValue(Arguments, frozen=True):
    """What the most frequent value may be, and the range of its share of the values."""

    one_of: tuple[Bound, ...] = ()
    at_most: Share | None = None
    at_least: Share | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_shares(at_most=self.at_most, at_least=self.at_least)
        if not self.one_of and self.at_most is None and self.at_least is None:
            raise ValueError("nothing is asked; give one_of, at_most or at_least")


def _top_value(check: Check, context: Context) -> StateTest:
    told, name = check.arguments, check.columns[0]
    assert isinstance(told, TopValue)
    dtype, need = context.dtype(name), Need("frequent", (name,))
    wanted = {_key(fit(value, dtype, column=name), dtype) for value in told.one_of}
    parts = [f"most often one of {listed(told.one_of)}"] if wanted else []
    ends = [None if end is None else percent(float(end)) for end in (told.at_least, told.at_most)]
    parts += [f"its most frequent value at most {ends[1]} of all"] if ends[1] else []
    parts += [f"its most frequent value at least {ends[0]} of all"] if ends[0] else []

    def judge(measured: Measured) -> Judged:
        return _top_judged(measured.states[need], told, wanted, dtype)

    return StateTest((need,), judge, " and ".join(parts))


def _top_judged(seen: Frequent, told: TopValue, wanted: set[Any], dtype: pl.DataType) -> Judged:
    if seen.n == 0:
        return _nothing()
    best = max(seen.counts.values(), default=0)
    ranges = [share_in(end, seen.n, told.at_least, told.at_most) for end in (best, min(best + seen.error, seen.n))]
    holds = _decided(ranges)
    observed = Estimate(
        best / seen.n, seen.n, best / seen.n, min(best + seen.error, seen.n) / seen.n, 1, "share of values"
    )
    if not seen.counts:
        return Judged(holds, observed, f"no value occurs in more than {percent(seen.error, seen.n)} of {seen.n:,}")
    tops = [value for value, count in seen.counts.items() if count == best]
    rivals = [value for value, count in seen.counts.items() if count + seen.error >= best]
    words = f"{shown(tops[0])} is the most frequent value, in {best:,} of {seen.n:,} ({percent(best, seen.n)})"
    if holds and wanted:
        hits = {_key(value, dtype) in wanted for value in rivals}
        tied = any(_key(value, dtype) in wanted for value in tops)
        holds = tied if seen.exact else hits == {True} or (None if True in hits else False)
    doubt = "; the counts are estimates, and too near to tell" if holds is None else ""
    return Judged(holds, observed, words + doubt)


class Spelling(Arguments, frozen=True):
    """How many values may stand in more than one spelling."""

    at_most: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(at_most=self.at_most)


def _spelling(check: Check, context: Context) -> StateTest:
    told, name = check.arguments, check.columns[0]
    assert isinstance(told, Spelling)
    need = Need("frequent", (name,))
    words = "in one spelling each" if told.at_most == 0 else f"in one spelling each, but for {told.at_most:,}"

    def judge(measured: Measured) -> Judged:
        seen = measured.states[need]
        if seen.n == 0:
            return _nothing()
        found = variants(seen.counts)
        holds: bool | None = len(found) <= told.at_most
        if holds and not seen.exact:
            holds = None
        return Judged(
            holds,
            Estimate(len(found), n=seen.n, unit="values in several spellings"),
            _spelling_words(found, seen, holds),
        )

    return StateTest((need,), judge, words)


def variants(counts: Mapping[str, int]) -> list[list[tuple[str, int]]]:
    """Return the groups of values that differ only in case, space or punctuation, most frequent spelling first.

    >>> variants({"USA": 812, "usa ": 3, "U.S.A.": 1, "UK": 9, "C": 1, "C++": 1})
    [[('USA', 812), ('usa ', 3), ('U.S.A.', 1)]]
    """
    groups: dict[str, list[tuple[str, int]]] = {}
    for value, count in counts.items():
        groups.setdefault(spelled(value), []).append((value, count))
    found = [
        sorted(group, key=lambda pair: (-pair[1], pair[0])) for key, group in groups.items() if key and len(group) > 1
    ]
    return sorted(found, key=lambda group: (-sum(count for _, count in group), group[0][0]))


def spelled(text: str) -> str:
    """Return a text as it sounds: compatible forms, one case, single spaces, no dots in words, signs only where they tell.

    Dashes, underscores and slashes between letters or digits read as a space; `+`, `#` and a sign at an end stay, for
    they tell C++ from C; a dot between digits stays, for 1.5 is not 15.

    >>> spelled(" New-York"), spelled("U.S.A."), spelled("C++"), spelled("1.5"), spelled("A-")
    ('new york', 'usa', 'c++', '1.5', 'a-')
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    text = re.sub(r"(?<!\d)[.,'’`´]|[.,'’`´](?!\d)", lambda m: "" if m[0] != "," else " ", text)
    text = re.sub(r"(?<=\w)[-‐‑–—_/](?=\w)", " ", text)
    return re.sub(r"\s+", " ", text).strip()


def _spelling_words(found: Iterable[list[tuple[str, int]]], seen: Frequent, holds: bool | None) -> str:
    groups = [" and ".join(f"{value!r} ({count:,})" for value, count in group[:3]) for group in found]
    if groups:
        more = f"; and {len(groups) - 3:,} more" if len(groups) > 3 else ""
        return f"{'; '.join(groups[:3])} look like spellings of one value{more}"
    if holds is None:
        return f"none of the {len(seen.counts)} most frequent values has two spellings; rarer ones were not listed"
    return f"each of {len(seen.counts):,} values has one spelling"


RULES = rules(
    Rule(
        "distinct_set",
        "values",
        "The different values equal a set, lie within it, or contain it.",
        _distinct_set,
        DistinctSet,
        bare=("values",),
        kinds=NAMED,
    ),
    Rule(
        "distinct_count",
        "values",
        "The number of different values lies in a range.",
        _distinct_count,
        CountRange,
        bare=("at_least", "at_most"),
        kinds=COUNTABLE,
    ),
    Rule(
        "distinct_share",
        "values",
        "The number of different values, as a share of all values, lies in a range.",
        _distinct_share,
        ShareRange,
        bare=("at_least", "at_most"),
        kinds=COUNTABLE,
    ),
    Rule(
        "top_value",
        "values",
        "The most frequent value is one of a set, and its share lies in a range.",
        _top_value,
        TopValue,
        bare=("at_most",),
        kinds=NAMED,
    ),
    Rule(
        "spelling",
        "values",
        "No value stands in two spellings that differ in case, space or punctuation.",
        _spelling,
        Spelling,
        bare=("at_most",),
        kinds=frozenset({Kind.TEXT, Kind.CATEGORY}),
    ),
)
