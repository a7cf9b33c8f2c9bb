"""No entity may touch another's values: a store's average holds no sale of another store."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from assay.testing.contract import contract, held, seeded
from assay.testing.features.feature import Feature
from assay.testing.features.ground import Ground, Nothing, on_ground
from assay.testing.features.trials import Case, Edit, Tally, Trial, changing, failed, tried
from assay.verdict import Outcome

__all__ = ["keeps_entities_apart"]


@contract(
    "feature",
    title="a value stays the same when the rows of other entities are changed or left out",
    catches="a window or a shift that forgets the group, a mean over all entities, values put back by position",
    needs=("entity",),
    rubric=("D7",),
)
def keeps_entities_apart(subject: Feature, data: object = None, /, *, rounds: int = 3, seed: int = 0) -> Outcome:
    """Judge that a feature's values depend on rows of their own entity only.

    In each round the entities are parted in two at chance; the rows of one half are changed, then left out, and the values of the
    other half have to stay. INCONCLUSIVE where there is one entity only.

    >>> import polars as pl
    >>> from assay.testing.features.feature import feature
    >>> sales = pl.DataFrame({"store": ["a", "a", "b", "b"], "sales": [1.0, 2.0, 3.0, 4.0]})
    >>> before = feature(lambda rows: rows["sales"].shift(1), name="before", entity="store")
    >>> keeps_entities_apart(before, sales).verdict.value
    'fail'
    >>> before = feature(lambda rows: rows.select(pl.col("sales").shift(1).over("store")), entity="store")
    >>> keeps_entities_apart(before, sales).verdict.value
    'pass'
    """

    def judge(ground: Ground) -> Outcome:
        rng, tally = seeded("keeps_entities_apart", seed), Tally()
        many = len(np.unique(ground.clock.entity))
        if many < 2:
            raise Nothing(f"the rows are of one {', '.join(subject.entity)} only; it takes rows of two or more")
        case = tried(_trials(ground, rounds, many, rng), tally)
        if case is not None:
            return failed(case, _tail(case), note=_NOTE)
        return held(
            f"the rows of half of {many} entities were changed or left out in {tally.trials} trials; {tally.judged:,} values of the "
            "others stayed",
            n_rows=ground.height,
        )

    return on_ground(subject, data, judge)


_NOTE = "compute within the group (pandas: groupby(…).transform, Polars: .over(…)), and sort within it"


def _trials(ground: Ground, rounds: int, many: int, rng: np.random.Generator) -> Iterator[Trial]:
    for place in range(rounds):
        chosen = rng.permutation(many)[: many // 2]
        theirs = np.isin(ground.clock.entity, chosen)
        if place % 2:
            theirs = ~theirs
        others, judged = np.flatnonzero(theirs), np.flatnonzero(~theirs)
        yield changing(ground, others, judged, rng)
        if place < 2:
            yield Trial(ground, Edit("removed", others), judged)


def _tail(case: Case) -> str:
    return f", which is of another {', '.join(case.ground.subject.entity)}"
