"""The embedded engine: Polars' streaming reader finds batches, the plan's kernel measures them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import polars as pl

from assay.data.dataset import Dataset, first_line
from assay.data.engine import ROW, Answer, Batch, Glance, Plan, Progress, Question, State
from assay.data.names import cols
from assay.data.spool import spool
from assay.errors import DataError

__all__ = ["PolarsEngine", "batches"]

S = TypeVar("S", bound=State)
BATCH_ROWS = 131_072
# What Polars raises where data cannot be read: PanicException, which is no Exception, where it did not expect the damage.
FAILURES = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)


class PolarsEngine:
    """Scan with Polars on this machine, in bounded memory; `scans` counts the scans so far."""

    name = "polars"

    def __init__(self, *, batch_rows: int = BATCH_ROWS) -> None:
        self.batch_rows = batch_rows
        self.scans = 0

    def fold(self, dataset: Dataset, plan: Plan[S], *, progress: Progress | None = None) -> S:
        """Return the plan's state of all rows, from one scan; raise `DataError` where a row cannot be read."""
        self.scans += 1
        state = plan.empty()
        for measured, rows in _ahead(plan, batches(dataset, columns=plan.columns, rows=self.batch_rows)):
            state = state.merge(measured)
            if progress is not None:
                progress(rows)
        return state

    def ask(self, dataset: Dataset, questions: Sequence[Question], *, others: Mapping[str, Dataset]) -> list[Answer]:
        """Return an answer to each question, from one scan; a question that cannot be asked says why.

        The scan copies the columns that are asked about into a temporary file, which the queries read as often as
        they need to.
        """
        if not questions:
            return []
        if ROW in dataset.schema:
            return [
                Answer(None, why=f"the column {ROW!r} has a name that Assay needs for row numbers; rename it")
            ] * len(questions)
        self.scans += 1
        asked = {name for question in questions for name in question.columns}
        try:
            copy = spool(
                dataset.scan().with_row_index(ROW).select(ROW, *cols(n for n in dataset.schema if n in asked)),
                place=dataset.source,
            )
        except DataError as error:
            return [Answer(None, why=str(error))] * len(questions)
        opened = {name: other.scan().with_row_index(ROW) for name, other in others.items()}
        answers = _glances(questions, copy.scan(), opened)
        left = [place for place, answer in enumerate(answers) if answer is None]
        for place, answer in zip(left, _asked([questions[place] for place in left], copy.scan(), opened), strict=True):
            answers[place] = answer
        copy.close()
        return [answer for answer in answers if answer is not None]


def _glances(
    questions: Sequence[Question], rows: pl.LazyFrame, others: Mapping[str, pl.LazyFrame]
) -> list[Answer | None]:
    """Return the answers that a cheaper look settles: one whose `failing` is 0; None for questions that must be asked."""
    looks = [question.glance(rows, others) if isinstance(question, Glance) else None for question in questions]
    try:
        frames = iter(pl.collect_all([look for look in looks if look is not None], engine="streaming"))
    except FAILURES:
        return [None] * len(questions)
    seen = [None if look is None else _row(next(frames)) for look in looks]
    return [None if row is None or row["failing"] is None else Answer(row) for row in seen]


def _asked(questions: Sequence[Question], rows: pl.LazyFrame, others: Mapping[str, pl.LazyFrame]) -> list[Answer]:
    try:
        frames = pl.collect_all([question.query(rows, others) for question in questions], engine="streaming")
    except FAILURES:
        return [_alone(question, rows, others) for question in questions]
    return [Answer(_row(frame)) for frame in frames]


def _ahead(plan: Plan[S], parts: Iterator[Batch]) -> Iterator[tuple[S, int]]:
    """Yield the state of each batch in order, and the rows so far, while the next few are measured at the same time."""
    with ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="assay-batch") as pool:
        waiting: deque[tuple[Future[S], int]] = deque()
        for batch in parts:
            waiting.append((pool.submit(plan.measure, batch), batch.offset + batch.frame.height))
            if len(waiting) >= _WORKERS:
                first, rows = waiting.popleft()
                yield first.result(), rows
        for last, rows in waiting:
            yield last.result(), rows


_WORKERS = max(os.cpu_count() or 1, 2)


def _row(frame: pl.DataFrame) -> dict[str, Any]:
    """Return the one row of an answer; without its examples where they hold instants that Python has no type for."""
    try:
        return frame.row(0, named=True)
    except (ValueError, OverflowError, pl.exceptions.PanicException):
        return frame.drop("examples", strict=False).row(0, named=True)


def _alone(question: Question, rows: pl.LazyFrame, others: Mapping[str, pl.LazyFrame]) -> Answer:
    # One question that cannot be asked must not take the others with it, so each is tried by itself.
    try:
        return Answer(_row(question.query(rows, others).collect(engine="streaming")))
    except FAILURES as error:
        return Answer(None, why=first_line(error))


def batches(dataset: Dataset, *, columns: Sequence[str] | None = None, rows: int = BATCH_ROWS) -> Iterator[Batch]:
    """Yield a dataset's rows in their order, as batches of at most `rows`; at least one, which may be empty.

    With no columns asked for, the batches have none but still their height. Raises `DataError` where a row cannot be read.
    """
    offset = 0
    try:
        for part in _parts(dataset, columns, rows):
            yield Batch(part, offset)
            offset += part.height
    except FAILURES as error:
        why = f"row {offset} or one soon after cannot be read: {first_line(error)}"
        raise DataError(why, place=dataset.source) from None


def _parts(dataset: Dataset, columns: Sequence[str] | None, rows: int) -> Iterator[pl.DataFrame]:
    names = list(dataset.schema) if columns is None else list(columns)
    # Rows without columns cannot be scanned, so their number comes with another column, or from the dataset.
    carriers = names or list(dataset.schema)[:1]
    if not carriers:
        yield pl.DataFrame(height=dataset.n_rows or 0)
        return
    frame = dataset.scan() if columns is None else dataset.scan().select(cols(carriers))
    empty = True
    for part in frame.collect_batches(chunk_size=rows, maintain_order=True, engine="streaming"):
        empty = False
        yield part if names else pl.DataFrame(height=part.height)
    if empty:
        yield pl.DataFrame(schema=frame.collect_schema()) if names else pl.DataFrame()
