"""What a detector's alarms are worth where the drifts are known: how late, how many missed, how many for nothing.

The three are always apart: one number made of them can be bought. A detector that fires every 100 values finds every drift
soon; so `scoreboard` sets detectors beside those that look at nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.stats.intervals import quantile_shares, share
from assay.verdict import Estimate

__all__ = ["ALWAYS", "NEVER", "Drift", "Score", "firing_every", "score", "scoreboard"]

ALWAYS = "fires always"
NEVER = "fires never"
_PER = 10_000


@dataclass(frozen=True, slots=True, order=True)
class Drift:
    """A change that is known: `start` is the first value that it touches, `end` the first with all of it.

    The two are the same where the change is sudden. The stream's first value is 0.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(
                f"a drift goes from {self.start} to {self.end}; it starts at 0 or later, and ends no sooner"
            )


@dataclass(frozen=True, slots=True)
class Score:
    """Counts over one stream, or over several together (`merge`).

    `delays` holds, of each drift that was found, how many values after its start the first alarm in its window came; 0 is
    at once. `n_missed` drifts had no alarm in their window. `n_unfinished` had none yet when the stream ended, before
    the window did: they are neither found nor missed. `n_repeated` alarms came in a window after its first; they are no
    false alarms. `n_false` alarms came among the `n_clean` values that are in no window.
    """

    delays: tuple[int, ...] = ()
    n_missed: int = 0
    n_unfinished: int = 0
    n_repeated: int = 0
    n_false: int = 0
    n_clean: int = 0

    def merge(self, other: Score) -> Score:
        """Return the score of both streams together; `Score()` adds nothing."""
        return Score(
            self.delays + other.delays,
            self.n_missed + other.n_missed,
            self.n_unfinished + other.n_unfinished,
            self.n_repeated + other.n_repeated,
            self.n_false + other.n_false,
            self.n_clean + other.n_clean,
        )

    @property
    def n_found(self) -> int:
        """Return how many drifts had an alarm in their window."""
        return len(self.delays)

    @property
    def missed(self) -> Estimate:
        """Return the share of drifts that were missed, in [0, 1], with Wilson's interval; undefined where none was due."""
        n = self.n_found + self.n_missed
        if n == 0:
            return Estimate(None, n=0, why="there was no drift whose window ended")
        low, high = share(self.n_missed, n)
        return Estimate(self.n_missed / n, n=n, low=low, high=high, confidence=0.95)

    @property
    def delay(self) -> Estimate:
        """Return the median delay of the drifts that were found, in values; undefined where none was.

        The interval has the order statistics of a median. A detector that finds only the easy drifts has short delays:
        read it beside `missed`.
        """
        n = self.n_found
        if n == 0:
            return Estimate(None, n=0, unit="values", why="no drift was found")
        ends = quantile_shares(0.5, n)
        low, middle, high = np.quantile(self.delays, [ends.low, 0.5, ends.high]).tolist()
        return Estimate(middle, n=n, low=low, high=high, confidence=0.95, unit="values")

    @property
    def false_alarms(self) -> Estimate:
        """Return the false alarms per 10,000 clean values; undefined where no value was clean.

        The interval is Garwood's (1936), exact where alarms come at a constant rate and independently.
        """
        if self.n_clean == 0:
            return Estimate(None, n=0, unit="per 10,000 values", why="every value is in the window of a drift")
        from scipy.special import gammaincinv

        low = float(gammaincinv(self.n_false, 0.025)) if self.n_false else 0.0
        ends = [
            _PER * count / self.n_clean for count in (low, self.n_false, float(gammaincinv(self.n_false + 1, 0.975)))
        ]
        return Estimate(ends[1], n=self.n_clean, low=ends[0], high=ends[2], confidence=0.95, unit="per 10,000 values")


def score(alarms: ArrayLike, drifts: Sequence[Drift], *, n: int, max_delay: int, since: int = 0) -> Score:
    """Return what the alarms on one stream of n values are worth, where the drifts are known.

    The window of a drift goes from its start to `max_delay` values after its end, both included, and stops where the next
    drift starts. The first alarm in it finds the drift; later ones repeat it; an alarm in no window is false. Values
    before `since` were used to learn a baseline: alarms and clean values are counted from there on.

    >>> found = score([40, 130, 135, 300], [Drift(120, 120)], n=1000, max_delay=100)
    >>> found.delays, found.n_repeated, found.n_false, found.n_clean
    ((10,), 1, 2, 899)

    Raises ValueError for alarms that do not rise or lie outside of the stream, and for drifts that do, or overlap.
    """
    fired, known = _alarms(alarms, n), _drifts(drifts, n, since)
    if max_delay < 0:
        raise ValueError(f"max_delay is {max_delay}; it is at least 0")
    fired = fired[fired >= since]
    delays: list[int] = []
    missed = unfinished = inside = watched = 0
    for place, drift in enumerate(known):
        is_last = place + 1 == len(known)
        due = drift.end + max_delay + 1
        stop = min(due, n if is_last else known[place + 1].start)
        found = fired[(fired >= drift.start) & (fired < stop)]
        inside += len(found)
        watched += stop - drift.start
        if len(found):
            delays.append(int(found[0]) - drift.start)
        elif is_last and due > n:
            unfinished += 1
        else:
            missed += 1
    return Score(
        tuple(delays), missed, unfinished, n_repeated=inside - len(delays), n_false=len(fired) - inside,
        n_clean=n - since - watched,
    )  # fmt: skip


def scoreboard(
    alarms: Mapping[str, ArrayLike], drifts: Sequence[Drift], *, n: int, max_delay: int, since: int = 0
) -> dict[str, Score]:
    """Return the score of each detector's alarms on one stream, and of three that look at nothing.

    Those fire at every value, never, and every `max_delay` values: the last finds every drift at the lowest price. A
    detector that is no better than they are has learned nothing from the stream.

    >>> board = scoreboard({"mine": [125]}, [Drift(120, 120)], n=1000, max_delay=50)
    >>> [(name, found.n_missed, found.n_false) for name, found in board.items()]
    [('mine', 0, 0), ('fires every 50', 0, 19), ('fires always', 0, 949), ('fires never', 1, 0)]
    """
    every = max(max_delay, 1)
    rows = {**alarms, f"fires every {every}": firing_every(every, n=n), ALWAYS: firing_every(1, n=n), NEVER: ()}
    return {name: score(fired, drifts, n=n, max_delay=max_delay, since=since) for name, fired in rows.items()}


def firing_every(values: int, *, n: int) -> NDArray[np.int64]:
    """Return the alarms on a stream of n values of a detector that looks at nothing and fires every so many `values`."""
    return np.arange(values - 1, n, values, dtype=np.int64)


def _alarms(alarms: ArrayLike, n: int) -> NDArray[np.int64]:
    given: NDArray[Any] = np.asarray(alarms)
    fired = given.astype(np.int64)
    if fired.ndim != 1 or not (fired == given).all() or (np.diff(fired) <= 0).any():
        raise ValueError("alarms are whole numbers of values, each above the one before")
    if len(fired) and not (fired[0] >= 0 and fired[-1] < n):
        raise ValueError(f"alarms go from {fired[0]} to {fired[-1]}; the stream has values 0 to {n - 1}")
    return fired


def _drifts(drifts: Sequence[Drift], n: int, since: int) -> list[Drift]:
    known = list(drifts)
    for drift, following in pairwise(known):
        if following.start <= drift.start or following.start < drift.end:
            raise ValueError(f"{following} starts before {drift} has ended")
    if known and not (known[0].start >= since and known[-1].start < n):
        raise ValueError(
            f"drifts start from {known[0].start} to {known[-1].start}; the stream counts from {since} to {n - 1}"
        )
    return known
