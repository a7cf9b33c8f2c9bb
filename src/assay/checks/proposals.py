"""Which checks to propose for a dataset: few, each saying something, from its profile and those of its stretches.

Nothing here has been tried: `assay.checks.heldout` does that, and `assay.checks.suggest` decides what stays.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from assay.checks.check import Check
from assay.checks.domains import CODES, PLACES, Proposal, Sight, name_words, number_domain
from assay.checks.standins import without
from assay.checks.suite import Suite, make_check
from assay.checks.tails import poisson_most, round_out, share_at_most
from assay.codec import format_duration
from assay.data.dataset import Roles
from assay.data.kinds import Kind
from assay.profiles.profile import ColumnProfile, Profile
from assay.stats.intervals import normal_quantile

__all__ = ["ALARM", "Learned", "key_candidates", "propose"]

ALARM = 0.05  # the share of fresh samples of the same size on which the whole suite may alarm
LEAST_ROWS = 50
SET_VALUES = 30
WORD_LENGTH = 40
MOST_ONCE = 3  # with more words seen once only, a set is not closed
SLICES = 20
RECENT = timedelta(days=2)


@dataclass(frozen=True)
class Learned:
    """What proposals are made from: the profile of all rows, the profiles of stretches of them in order, the roles.

    `missing` gives for a column the values that stand for a missing one.
    """

    whole: Profile
    stretches: tuple[Profile, ...]
    roles: Roles
    missing: Mapping[str, tuple[Any, ...]]
    now: datetime

    @property
    def alarm(self) -> float:
        """Return the probability with which one check may alarm on a fresh sample of the same size."""
        return ALARM / max(10, 4 * len(self.whole.columns))

    def sight(self, name: str) -> Sight:
        """Return what is known of one column, with the values that stand for missing taken out."""
        column, values = self.whole.columns[name], self.missing.get(name, ())
        parts = tuple(part.columns[name] for part in self.stretches)
        return Sight(without(column, values), tuple(without(part, values) for part in parts), self.alarm)


def propose(learned: Learned) -> Suite:
    """Return the suite that a careful person would write down for what was learned, not yet tried."""
    checks: list[Check] = []
    for name in learned.whole.columns:
        checks += [_check(name, one) for one in _of_column(learned.sight(name), learned)]
    names = list(learned.whole.columns)
    table = [make_check("columns", (), {"require": names})] if names else []
    if learned.whole.rows >= LEAST_ROWS:
        least = round_out(learned.whole.rows / 100, spread=learned.whole.rows / 10, up=False)
        table.append(make_check("row_count", (), {"at_least": max(int(least), 1), "level": "warn"}))
    return Suite((*checks, *table), learned.whole.name, dict(learned.missing), learned.roles)


def _check(name: str, proposal: Proposal) -> Check:
    told = proposal.told
    if proposal.level == "warn":
        mapping = told if isinstance(told, dict) else _named(proposal.rule, told)
        return make_check(proposal.rule, (name,), {**mapping, "level": "warn"})
    return make_check(proposal.rule, (name,), told)


def _named(rule: str, told: Any) -> dict[str, Any]:
    from assay.checks.table import get_rule

    bare = get_rule(rule).bare
    if told is True:
        return {}
    return {bare[0]: told} if len(bare) == 1 else dict(zip(bare, told, strict=True))


def _of_column(sight: Sight, learned: Learned) -> Iterator[Proposal]:
    column, roles = sight.column, learned.roles
    if column.kind is Kind.NULL or column.counts.n == 0:
        return
    yield Proposal("type_is", column.kind.value, "fail")
    yield from _missing(sight)
    if sight.n < LEAST_ROWS:
        return
    if column.kind.is_number:
        domain = None if sight.name in roles.id or _may_be_key(column) else number_domain(sight)
        if domain is not None and (domain.level == "fail" or not name_words(sight.name) & CODES - PLACES):
            yield domain
            yield from _middle(sight, domain, is_label=sight.name == roles.label)
    elif column.kind.is_text and column.distinct is not None and column.distinct.count > 1:
        yield from _words(sight)
    elif column.kind is Kind.BOOLEAN and column.trues is not None and 0 < column.trues.trues < column.trues.n:
        yield Proposal("not_constant", True, "warn")
    if column.kind.is_instant:
        yield from _instants(sight, learned)


def _missing(sight: Sight) -> Iterator[Proposal]:
    counts = sight.column.counts
    if counts.missing == 0:
        yield Proposal("no_missing", True, "fail" if counts.n >= LEAST_ROWS else "warn")
        return
    parts = [part.counts for part in sight.stretches if part.counts.n]
    fresh = max(counts.n // SLICES, 1)
    bound = max(
        [
            share_at_most(counts.missing, counts.n, rows=fresh, alarm=sight.alarm),
            *(_rise(p.missing, p.n) for p in parts),
        ]
    )
    if bound < 0.95:
        yield Proposal("missing_share", {"at_most": round_out(bound, spread=4 * bound, up=True)}, "warn")


def _rise(part: int, n: int) -> float:
    """Return the share of one stretch, with two of its standard errors: another stretch may show as much."""
    share = part / n
    return share + 2 * math.sqrt(share * (1 - share) / n)


def _words(sight: Sight) -> Iterator[Proposal]:
    closed = _set(sight)
    if closed is not None:
        yield closed
        return
    written = _written_as(sight.column)
    if written is not None:
        yield Proposal("parses", written, "fail")
        return
    shape = _shape(sight.column)
    if shape is not None:
        yield Proposal("matches", shape, "fail")
        return
    lengths = sight.column.lengths
    if lengths is not None and lengths.high:
        low = 1 if (lengths.low or 0) >= 1 else 0
        high = int(round_out(2.0 * lengths.high, spread=2.0 * lengths.high, up=True))
        yield Proposal("length", [low, high], "warn")


def _set(sight: Sight) -> Proposal | None:
    """Return the set of words, where it is closed as far as can be seen.

    The share of rows with a word not seen yet is about that of the words seen once (Good 1953, after Turing).
    """
    counts = sight.listed
    if counts is None or not 2 <= len(counts) <= SET_VALUES or sight.n < 20 * len(counts):
        return None
    if max(len(str(word)) for word in counts) > WORD_LENGTH:
        return None
    once = sum(count == 1 for count in counts.values())
    known = [word for word, _ in sorted(counts.items(), key=lambda item: str(item[0]))]
    if min(counts.values()) >= 5:
        return Proposal("one_of", known, "fail")
    if once > MOST_ONCE:
        return None
    rows = poisson_most(once + 1, alarm=sight.alarm)
    return Proposal("one_of", {"values": known, "tolerate_rows": rows}, "warn")


_DAY = r"9\+-9\+-9\+"
_AS = (
    ("date", re.compile(_DAY)),
    ("datetime", re.compile(_DAY + r"[ A]9\+:9\+(:9\+(\.9\+)?)?(A|\+9\+:?9?\+?)?")),
    ("integer", re.compile(r"-?9\+?")),
    ("float", re.compile(r"-?9\+?\.9\+?")),
)


def _written_as(column: ColumnProfile) -> str | None:
    """Return what all texts seem to be written as: a date, an instant, a number; None where they are no such thing."""
    shapes = list(column.patterns.counts) if column.patterns is not None else []
    for kind, form in _AS:
        if shapes and all(form.fullmatch(shape) for shape in shapes):
            codes = kind == "integer" and column.lengths is not None and column.lengths.low == column.lengths.high
            return None if codes else kind
    return None


_RUNS = {"A": "[A-Z]", "a": "[a-z]", "9": "[0-9]"}
_TOKEN = re.compile(r"([Aa9])(\+?)|([-_.:/#])")


def _shape(column: ColumnProfile) -> str | None:
    r"""Return a pattern that short codes have in common, from their shapes and lengths; None for anything like a text."""
    lengths, patterns = column.lengths, column.patterns
    if lengths is None or patterns is None or not lengths.low or lengths.high is None or lengths.high > 40:
        return None
    shapes = list(patterns.counts)
    if (
        not shapes
        or len(shapes) > 40
        or any("".join(m[0] for m in _TOKEN.finditer(shape)) != shape for shape in shapes)
    ):
        return None
    span = f"{{{lengths.low}}}" if lengths.low == lengths.high else f"{{{lengths.low},{lengths.high}}}"
    if len(shapes) == 1:
        return _one_shape(shapes[0], lengths.low, lengths.high)
    signs = {sign for shape in shapes for sign in shape if sign != "+"}
    letters = "".join(_RUNS[sign][1:-1] for sign in ("A", "a", "9") if sign in signs)
    others = "".join(sorted(signs - set("Aa9"), key=lambda sign: (sign == "-", sign)))  # a hyphen last is itself
    loose = "9" not in signs and not others
    return None if loose or lengths.high > 2 * lengths.low else f"[{letters}{others}]{span}"


def _one_shape(shape: str, low: int, high: int) -> str | None:
    tokens = list(_TOKEN.finditer(shape))
    runs = sum(bool(token[2]) for token in tokens)
    if runs == 1 and not (len(tokens) == 1 and shape == "a+" and low != high):
        fixed = len(tokens) - 1
        span = f"{{{low - fixed}}}" if low == high else f"{{{low - fixed},{high - fixed}}}"
    elif len(tokens) == 1 and runs:
        return None
    else:
        span = "+"
    return "".join(_RUNS[t[1]] + (span if t[2] else "") if t[1] else re.sub(r"\.", r"\.", t[3]) for t in tokens)


def _middle(sight: Sight, domain: Proposal, *, is_label: bool) -> Iterator[Proposal]:
    """Return a band for the mean, or for the median where the tails are heavy: soft, and as wide as its stretches need.

    The mean of codes, places and instants says nothing.
    """
    column = sight.column
    different = column.distinct.count if column.distinct is not None else 0
    closed = domain.level == "fail" and domain.told not in ([0, 1], [0, 100])
    if not is_label and (closed or different <= 12 or name_words(sight.name) & CODES):
        return
    heavy = isinstance(domain.told, dict)
    middles = [m for part in sight.stretches if (m := _middle_of(part, heavy=heavy)) is not None]
    middle = _middle_of(column, heavy=heavy)
    spread = _spread(column, heavy=heavy)
    if middle is None or spread == 0 or len(middles) < 2 or sight.least_in_stretch < 10:
        return
    around = sum(middles) / len(middles)
    between = math.sqrt(sum((m - around) ** 2 for m in middles) / (len(middles) - 1))
    chance = normal_quantile(1 - sight.alarm / 2) * spread * math.sqrt(2 / sight.least_in_stretch)
    half = max(0.2 * spread, chance, 4 * between)
    if half > 2 * spread:
        return
    low, high = round_out(middle - half, spread=4 * half, up=False), round_out(middle + half, spread=4 * half, up=True)
    if column.signs is not None and not column.signs.negatives and low <= 0:
        yield Proposal("median" if heavy else "mean", {"at_most": _plain(high)}, "warn")
    else:
        yield Proposal("median" if heavy else "mean", [_plain(low), _plain(high)], "warn")


def _plain(bound: Decimal) -> Decimal | int:
    return int(bound) if bound == bound.to_integral_value() else bound


def _middle_of(column: ColumnProfile, *, heavy: bool) -> float | None:
    if heavy:
        return column.quantiles.at(0.5) if column.quantiles is not None else None
    return column.moments.mean if column.moments is not None and column.moments.n else None


def _spread(column: ColumnProfile, *, heavy: bool) -> float:
    if not heavy:
        return (column.moments.std or 0.0) if column.moments is not None else 0.0
    ends = column.quantiles.many([0.16, 0.84]) if column.quantiles is not None else None
    return 0.0 if ends is None else float(ends[1] - ends[0]) / 2


def _instants(sight: Sight, learned: Learned) -> Iterator[Proposal]:
    order = sight.column.order
    if learned.roles.time == sight.name:
        yield Proposal("no_future", True, "fail")
        yield from _fresh(sight, learned.now)
    if order is not None and len(order.segments) == 1:
        whole = order.whole
        if whole.n >= LEAST_ROWS and whole.falls == 0 and whole.rises >= 2:
            yield Proposal("rising", True, "warn")


def _fresh(sight: Sight, now: datetime) -> Iterator[Proposal]:
    """Return how old the newest row may be, where the reference itself is fresh; of old data nothing follows."""
    newest = sight.column.extremes.high if sight.column.extremes is not None else None
    if not isinstance(newest, datetime):
        return
    age = now - (newest if newest.tzinfo else newest.replace(tzinfo=UTC))
    if timedelta(0) <= age <= RECENT:
        days = max(3 * age, timedelta(days=1))
        yield Proposal("fresh", format_duration(timedelta(days=math.ceil(days / timedelta(days=1)))), "warn")


def key_candidates(learned: Learned) -> Sequence[tuple[str, ...]]:
    """Return columns (or several together) that may tell rows apart, to be asked exactly."""
    found: list[tuple[str, ...]] = []
    if learned.roles.id:
        found.append(learned.roles.id)
    for name, column in learned.whole.columns.items():
        if column.counts.present >= LEAST_ROWS and column.distinct is not None and _may_be_key(column):
            found.append((name,))
    return list(dict.fromkeys(found))


def _may_be_key(column: ColumnProfile) -> bool:
    """Return whether values seem all different, and would not be so by chance or by being measured finely."""
    n, different = column.counts.present, column.distinct.count if column.distinct is not None else 0
    if different < n if not (column.distinct and column.distinct.full) else different < 0.93 * n:
        return False
    if column.kind is Kind.INTEGER and column.extremes is not None and column.extremes.low is not None:
        return int(column.extremes.high) - int(column.extremes.low) < n * n / 20
    return column.kind.is_text and column.lengths is not None and (column.lengths.high or 0) <= 40
