"""What a judgement may be told beside its data. The wall clock enters here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.checks.judge import Inputs
    from assay.data.dataset import Dataset
    from assay.data.engine import Progress
    from assay.profiles.profile import Profile

__all__ = ["DEFAULTS", "SEED", "Options", "inputs_of", "instant"]

SEED = 20130101


@dataclass(frozen=True)
class Options:
    """What a judgement may be told beside its data: the instant that counts as now, the stage, other datasets.

    `others` are the tables that keys refer to, by name; `functions` are custom checks, by the name a suite calls them (or metrics);
    `stage` (train, serving, …) chooses the checks that are only for it; `now` is the present instant by default; `seed`
    is for what is drawn by chance.
    """

    others: Mapping[str, object] = field(default_factory=dict)
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    stage: str = ""
    now: datetime | None = None
    progress: Progress | None = None
    seed: int = SEED

    def __post_init__(self) -> None:
        given: object = self.now  # whatever the annotation says
        if given is not None and not (isinstance(given, datetime) and given.tzinfo is not None):
            raise UsageError(
                f"now is {self.now!r}; it is an instant with its zone", hint="such as datetime(2026, 1, 31, tzinfo=UTC)"
            )
        if self.seed < 0:
            raise UsageError(f"the seed is {self.seed}; it is a whole number of at least 0")


DEFAULTS = Options()


def instant(options: Options) -> datetime:
    """Return the instant that counts as now: the one that was told, else the wall clock's."""
    return options.now or datetime.now(UTC)


def inputs_of(
    options: Options, reference: Profile | None = None, *, others: Mapping[str, Dataset] | None = None, seed: int | None = None
) -> Inputs:  # fmt: skip
    """Return what a judgement is given beside its dataset and its suite; `seed` is told where chance is drawn on."""
    from assay import __version__
    from assay.checks.judge import Inputs

    return Inputs(instant(options), reference, others, options.functions, options.stage, seed, __version__)
