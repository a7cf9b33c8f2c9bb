"""Comparisons of two samples by how many values of each lie at each place, whatever the order of the places."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.stats import tails
from assay.stats.binning import grouped
from assay.stats.compared import Compared, too_few, undefined
from assay.stats.pair import Pair

__all__ = ["EXPECTED", "GROUPS", "TABLES", "chi_squared", "fisher", "fisher_p", "g_test", "psi", "share_rises"]

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

EXPECTED = 5  # values that a place is to hold by chance in the smaller sample, or it is pooled with others
GROUPS = 10
TABLES = 100_000


def chi_squared(pair: Pair) -> Compared:
    """Return Pearson's comparison of the shares of each place.

    X² = Σ (seen - expected)² / expected over places and samples, ≥ 0, against χ² with one degree less than places.
    Places in which the smaller sample expects fewer than 5 values are pooled into one (with the next rarest, until that
    one expects 5), and `why` says how many. No continuity correction. One place: X² = 0, p = 1. Undefined where all are
    so rare that one pooled place is left. Sources: Pearson 1900; Cochran 1954.

    >>> from assay.stats.pair import of_categories
    >>> round(chi_squared(of_categories({"a": 30, "b": 20}, {"a": 20, "b": 30})).p_value, 4)
    0.0455
    """
    table = _table(pair)
    if isinstance(table, Compared):
        return table
    freedom = table.seen.shape[1] - 1
    statistic = float(((table.seen - table.expected) ** 2 / table.expected).sum())
    return Compared(statistic, tails.chi_squared(statistic, freedom), table.why, float(freedom))


def g_test(pair: Pair) -> Compared:
    """Return the likelihood ratio's comparison of the shares of each place.

    G = 2 Σ seen · ln(seen / expected) over places and samples, ≥ 0; G / q against χ² with one degree less than places,
    q = 1 + (N(1/m + 1/n) - 1)(Σ N/lₖ - 1) / (6N · freedom), Williams' correction. Rare places are pooled as in
    `chi_squared`. One place: G = 0, p = 1. Sources: Wilks 1935; Williams 1976.

    >>> from assay.stats.pair import of_categories
    >>> round(g_test(of_categories({"a": 30, "b": 20}, {"a": 20, "b": 30})).statistic, 4)
    4.0271
    """
    table = _table(pair)
    if isinstance(table, Compared):
        return table
    seen, freedom = table.seen, table.seen.shape[1] - 1
    some = seen > 0
    statistic = 2 * float((seen[some] * np.log(seen[some] / table.expected[some])).sum())
    statistic = max(statistic, 0.0)  # rounding, where all agree
    total = float(seen.sum())
    q = 1 + float(((total / seen.sum(1)).sum() - 1) * ((total / seen.sum(0)).sum() - 1)) / (6 * total * freedom)
    return Compared(statistic, tails.chi_squared(statistic / q, freedom), table.why, float(freedom))


def psi(pair: Pair) -> Compared:
    """Return the population stability index with the p-value that its sample sizes give it.

    PSI = Σ (cₖ - rₖ) ln(cₖ / rₖ), ≥ 0, over the categories, or on a scale over 10 groups between quantiles of the
    reference; each count is raised by one half, so that an empty place is no infinity. PSI / (1/n + 1/m) is about χ² with
    one degree less than groups, so that every group has to be expected 5 times in the smaller sample: there are fewer
    groups where it has fewer than 50 values, and rare categories are pooled as in `chi_squared`. The distance of this
    name keeps 10 groups. One place: PSI = 0, p = 1. The groups are the reference's: the sides can't be swapped.
    Source: Yurdakul & Naranjo 2020.

    >>> from assay.stats.pair import of_categories
    >>> round(psi(of_categories({"a": 50, "b": 50}, {"a": 75, "b": 25})).statistic, 3)
    0.269
    """
    if (few := too_few(pair)) is not None:
        return few
    reference, current, why = _groups(pair) if pair.is_scale else _pooled(pair)
    m, n, k = pair.n_reference, pair.n, len(reference)
    if k < 2:
        return _one_place(pair, why)
    r, c = (reference + 0.5) / (m + k / 2), (current + 0.5) / (n + k / 2)
    statistic = float(((c - r) * np.log(c / r)).sum())
    return Compared(statistic, tails.chi_squared(statistic / (1 / m + 1 / n), k - 1), why, k - 1.0)


def fisher(pair: Pair) -> Compared:
    """Return Fisher's exact comparison of the shares of each place, two-sided.

    p is the probability, given how many values lie at each place in both samples together, of all tables that are no
    more likely than the one seen (Freeman & Halton for more than two places). The statistic is the probability of the
    table seen, in (0, 1]. It keeps its rate always, and is conservative. Undefined where more than 100,000 tables of
    three or more places would have to be counted: compare those by `chi_squared`, or `permuted`.
    Sources: Fisher 1934; Freeman & Halton 1951.

    >>> from assay.stats.pair import of_categories
    >>> round(fisher(of_categories({"a": 3, "b": 1}, {"a": 1, "b": 3})).p_value, 4)
    0.4857
    """
    if (few := too_few(pair)) is not None:
        return few
    pooled = pair.reference + pair.current
    order = np.argsort(pooled, kind="stable")
    order = order[pooled[order] > 0]
    if len(order) == 1:
        return Compared(1.0, 1.0, "all values lie at one place")
    if len(order) == 2:
        first, second = pair.reference[order].tolist(), pair.current[order].tolist()
        return Compared(_seen(pair.reference[order], pooled[order]), fisher_p(first, second))
    tables = math.prod(int(count) + 1 for count in pooled[order[:-1]])
    if tables > TABLES:
        return undefined(f"{len(order)} places make more than {TABLES:,} tables; compare by chi_squared or permuted")
    return _enumerated(pair.reference[order], pooled[order])


def share_rises(pair: Pair) -> Compared:
    """Return the exact comparison of whether any place but the first holds more of the current data, one-sided.

    For each of the k places after the first, p is the hypergeometric probability that so many or more of the pooled
    values there are current ones; the answer is k times the least, at most 1 (Bonferroni). Where a place is what lies
    beyond the reference's greatest value, that is the exact law of how many current values do. The statistic is the
    share of the current data after the first place. Source: Fisher 1934.

    >>> from assay.stats.pair import of_categories
    >>> round(share_rises(of_categories({"seen": 99}, {"seen": 98, "new": 2})).p_value, 3)
    0.251
    """
    if (few := too_few(pair)) is not None:
        return few
    if len(pair.reference) < 2:
        return undefined("there is one place")
    m, n = pair.n_reference, pair.n
    rises = [
        tails.hypergeometric(int(c), marked=int(r + c), others=m + n - int(r + c), drawn=n)
        for r, c in zip(pair.reference[1:], pair.current[1:], strict=True)
    ]
    return Compared(float(pair.current[1:].sum() / n), min(1.0, min(rises) * len(rises)))


class _Table(NamedTuple):
    """Two rows of counts, what chance expects of each, and which places were pooled."""

    seen: Floats
    expected: Floats
    why: str


def _table(pair: Pair) -> _Table | Compared:
    """Return the table to compare, or the answer where there is none."""
    if (few := too_few(pair)) is not None:
        return few
    reference, current, why = _pooled(pair)
    if len(reference) < 2:
        return _one_place(pair, why)
    seen = np.array([reference, current], dtype=np.float64)
    return _Table(seen, seen.sum(1, keepdims=True) * seen.sum(0) / seen.sum(), why)


def _one_place(pair: Pair, why: str) -> Compared:
    if np.count_nonzero(pair.reference + pair.current) == 1:
        return Compared(0.0, 1.0, "all values lie at one place", 0.0)
    return undefined(f"{why or 'the samples are too small'}; compare by fisher or permuted")


def _pooled(pair: Pair) -> tuple[Counts, Counts, str]:
    """Return the counts with the rare places pooled into the last, and what was pooled."""
    pooled = pair.reference + pair.current
    m, n = pair.n_reference, pair.n
    least = EXPECTED * (m + n) / min(m, n)  # values in both samples that make the smaller one expect 5
    some = pooled > 0
    rare = some & (pooled < least)
    if rare.any() and pooled[rare].sum() < least and (some & ~rare).any():
        common = np.flatnonzero(some & ~rare)
        rare[common[np.argmin(pooled[common])]] = True
    if rare.sum() < 2:
        return pair.reference[some], pair.current[some], ""
    kept = some & ~rare
    why = f"{int(rare.sum())} places expected to hold fewer than {EXPECTED} values were pooled"
    reference, current = (np.append(side[kept], side[rare].sum()) for side in (pair.reference, pair.current))
    return reference, current, why


def _groups(pair: Pair) -> tuple[Counts, Counts, str]:
    """Return the counts of groups between quantiles of the reference, apart from what lies beyond where that is one."""
    groups = max(2, min(GROUPS, min(pair.n_reference, pair.n) // EXPECTED))
    cells = grouped(pair, groups=groups)
    if len(cells.reference) == 1:
        cells = grouped(pair, groups=groups, ends_apart=True)
    some = cells.reference + cells.current > 0
    return cells.reference[some], cells.current[some], ""


def fisher_p(reference: Sequence[int], current: Sequence[int]) -> float:
    """Return Fisher's p-value of two places, two-sided: the tables no likelier than the one seen, both tails.

    >>> round(fisher_p((3, 1), (1, 3)), 4)
    0.4857
    """
    seen, drawn = reference[0], sum(reference)
    rare, common = reference[0] + current[0], reference[1] + current[1]
    low, high = max(0, drawn - common), min(drawn, rare)
    whole = tails.log_choose(rare + common, drawn)

    def log(x: int) -> float:
        return tails.log_choose(rare, x) + tails.log_choose(common, drawn - x) - whole

    limit = log(seen) + 1e-7  # tables as likely as the one seen count, whatever the rounding
    mode = min(max((drawn + 1) * (rare + 1) // (rare + common + 2), low), high)
    if log(mode) <= limit:
        return 1.0
    lower, upper = _first(lambda x: log(x) <= limit, mode, low, -1), _first(lambda x: log(x) <= limit, mode, high, 1)
    p = 0.0 if upper is None else tails.hypergeometric(upper, marked=rare, others=common, drawn=drawn)
    if lower is not None:  # so few of the rare are drawn as so many are left
        p += tails.hypergeometric(rare - lower, marked=rare, others=common, drawn=rare + common - drawn)
    return min(p, 1.0)


def _seen(reference: Counts, pooled: Counts) -> float:
    """Return the probability of a table, its margins given."""
    parts = sum(tails.log_choose(int(c), int(r)) for c, r in zip(pooled, reference, strict=True))
    return math.exp(parts - tails.log_choose(int(pooled.sum()), int(reference.sum())))


def _first(holds: Callable[[int], bool], mode: int, end: int, step: int) -> int | None:
    """Return the first number from `mode` towards `end` of which it holds; of all that follow it does too."""
    near, far = 0, (end - mode) * step
    if far < 0 or not holds(end):
        return None
    while near < far:
        middle = (near + far) // 2
        near, far = (near, middle) if holds(mode + step * middle) else (middle + 1, far)
    return mode + step * near


def _enumerated(reference: Counts, pooled: Counts) -> Compared:
    """Return Freeman & Halton's comparison: every table with these counts of places, the greatest place given by the rest."""
    drawn = int(reference.sum())
    whole = tails.log_choose(int(pooled.sum()), drawn)
    used, logs = np.zeros(1, dtype=np.int64), np.zeros(1)
    for count in pooled[:-1].tolist():
        x = np.arange(count + 1)
        used = (used[:, None] + x).ravel()
        logs = (logs[:, None] + np.array([tails.log_choose(count, k) for k in range(count + 1)])).ravel()
        logs, used = logs[used <= drawn], used[used <= drawn]
    last = int(pooled[-1])
    logs, used = logs[drawn - used <= last], used[drawn - used <= last]
    rest = np.array([tails.log_choose(last, k) for k in range(min(last, drawn) + 1)])
    logs = logs + rest[drawn - used] - whole
    seen = _seen(reference, pooled)
    return Compared(seen, min(float(np.exp(logs[logs <= math.log(seen) + 1e-7]).sum()), 1.0))
