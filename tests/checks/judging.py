"""Judge one check of one family on one frame, without a suite around it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl

from assay.checks.check import Check, Context, Judged, QuestionTest, RowTest, Rule, StateTest
from assay.checks.judge import rows_judged
from assay.codec import convert
from assay.data.dataset import Dataset
from assay.data.polars_engine import PolarsEngine
from assay.profiles.kernel import Measurement, RowRule
from assay.profiles.profile import Profile, profile_dataset
from assay.verdict import Example

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def dataset_of(frame: pl.DataFrame | pl.LazyFrame) -> Dataset:
    return Dataset("frame", "a frame", frame.lazy)


def profile_of(frame: pl.DataFrame | pl.LazyFrame) -> Profile:
    return profile_dataset(dataset_of(frame), engine=PolarsEngine())


def judged(
    rule: Rule, frame: pl.DataFrame | pl.LazyFrame, *names: str, reference: Profile | None = None, now: datetime = NOON,
    sentinels: Mapping[str, tuple[Any, ...]] | None = None, batch_rows: int = 131_072, **told: Any,
) -> Judged:  # fmt: skip
    common = {key: told.pop(key) for key in ("where", "tolerate_share", "tolerate_rows") if key in told}
    check = Check(rule.name, names, convert(told, rule.arguments, file=rule.name), **common)
    dataset = dataset_of(frame)
    context = Context(
        dataset, dataset.schema, dataset.columns, dataset.roles, now, sentinels=sentinels or {}, reference=reference
    )
    test, engine = rule.plan(check, context), PolarsEngine(batch_rows=batch_rows)
    if isinstance(test, QuestionTest):
        if test.shortcut is not None:
            plan = Measurement(dataset.schema, (test.shortcut.need,), (), sentinels)
            state = engine.fold(dataset, plan).states[test.shortcut.need]
            if (settled := test.shortcut.judge(state)) is not None:
                return settled
        answer = engine.ask(dataset, [test.question], others={})[0]
        assert answer.row is not None, answer.why
        if test.judge is not None:
            return test.judge(answer)
        examples = tuple(_example(row) for row in answer.row.get("examples") or ())
        return rows_judged(
            check, test.expected, judged=answer.row["judged"], failing=answer.row["failing"], examples=examples
        )
    if isinstance(test, StateTest):
        return test.judge(engine.fold(dataset, Measurement(dataset.schema, test.needs, (), sentinels)))
    assert isinstance(test, RowTest)
    rules = (RowRule("0", test.failing, test.judged, test.show, test.raw),)
    tally = engine.fold(dataset, Measurement(dataset.schema, (), rules, sentinels)).tallies["0"]
    return rows_judged(check, test.expected, judged=tally.judged, failing=tally.failing, examples=tally.examples)


def _example(values: dict[str, Any]) -> Example:
    shown = dict(values)
    return Example(shown.pop("__row__"), shown, shown.pop("__why__", "") or "")
