"""Two runs in fresh processes give the same result; where they do not: which step first differs, by how much, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.errors import UsageError
from assay.testing.contract import broken, contract, held, seeded, undecided
from assay.testing.pipelines.counting import counted
from assay.testing.pipelines.fresh import Answer, CannotSend, Surroundings, Work, in_fresh_processes
from assay.testing.pipelines.leaves import Difference, Leaf, first_difference, leaves_of, sorted_rows
from assay.testing.pipelines.pipeline import Pipeline
from assay.testing.pipelines.running import Stage, answers, asked, handed, model_rows, rows_in, run, score_of
from assay.testing.rows import Rows, rows_of
from assay.verdict import Outcome, Verdict

__all__ = ["Watched", "reproducible"]

ONE, OTHER = Surroundings(hash_seed=1, threads=1), Surroundings(hash_seed=2, threads=2)
ANSWERS = "answers"
_NO_CAUSE = "It differs only in the two runs together: repeat the contract, the difference is rare."
_CAUSES = {
    "chance": (
        "It differs under the same hash seed and number of threads too: chance without a seed, or a clock. Take the seed as an argument "
        "(a step's parameter `seed` is given it) and hand it to every generator and estimator (random_state=seed)."
    ),
    "hash seed": (
        "The hash seed alone makes the difference: the order of a set, or of a dict that was made from one, comes into the result. Sort it."
    ),
    "threads": (
        "The number of threads alone makes the difference: sums are taken in another order, or work is shared out by it. Fix the number "
        "of threads, or declare rtol= for differences that do not matter."
    ),
    "row order": (
        "The order of the rows alone makes the difference. Sort the rows by a key first, or leave row_order out where it may matter."
    ),
}


@dataclass(frozen=True, eq=False)
class Watched:
    """A step, and the parts of what it returned."""

    name: str
    leaves: tuple[Leaf, ...]


@dataclass(frozen=True, eq=False)
class _Found:
    """The first step that differs, and how."""

    step: str
    difference: Difference


@contract(
    "pipeline",
    title="two runs with the same data and seed, in two fresh processes, give the same result",
    catches="chance without a seed; the order of a set; sums by another number of threads; clocks and files that differ from run to run",
    needs=("steps",),
    rubric=("I1",),
)
def reproducible(
    subject: Pipeline, data: object, /, *, row_order: bool = False, seconds: float = 600.0, seed: int = 0
) -> Outcome:
    """Judge that two runs, in fresh processes of other hash seeds and numbers of threads (1 and 2), give the same result.

    Compared are what each step returned, the model's answers and its score: texts exactly, numbers to the declared tolerance. The inner
    state of a model is compared too, but only told of: it may hold durations and the like. With `row_order` the second run
    gets the rows in another order, and results are compared as sets of rows. Where runs differ, one or two more tell the cause apart.

    Functions of a module are imported afresh in each process. A lambda, or a function of a notebook, travels by its code with the globals
    that it uses: a generator that was made before is the same in both runs, and hides that it is not seeded.

    INCONCLUSIVE where a step cannot be sent to another process, or none ends within `seconds`. Raises nothing else of its own.

    >>> import assay
    >>> stores = [{"store": name} for name in ("Aachen", "Bonn", "Cottbus", "Dresden", "Erfurt", "Freiburg")]
    >>> def names(rows):
    ...     return sorted({row["store"] for row in rows})
    >>> def unordered(rows):
    ...     return list({row["store"] for row in rows})
    >>> reproducible(assay.pipeline([names]), stores).verdict.value
    'pass'
    >>> seen = reproducible(assay.pipeline([unordered]), stores)
    >>> print(seen.why)
    two runs differ, first in the step 'unordered': it differs in ... of 6 rows: the same rows in another order
    >>> print(seen.note)
    The hash seed alone makes the difference: the order of a set, or of a dict that was made from one,
    comes into the result. Sort it.
    """
    if row_order and rows_in(data) is None:
        raise UsageError(
            "row_order shuffles rows, and the data are none", hint="give one frame, or leave row_order out"
        )

    def ran(*around: tuple[Surroundings, bool]) -> list[Answer]:
        about = (*(step.function for step in subject.steps), subject.predict, subject.score)
        bare = replace(subject, kept={}, serve=None, lock=None, split=None, save=None, load=None)
        works = [Work(watched, (bare, data, seed, (row_order, shuffled)), each, about) for each, shuffled in around]
        return in_fresh_processes(works, seconds=seconds)

    try:
        one, other = ran((ONE, False), (OTHER, row_order))
        failed = [answer.error for answer in (one, other) if answer.error]
        if failed:
            return _failed(failed)
        found = _first(one.value, other.value, subject, ordered=not row_order)
        if found is None or not found.difference.leaf.data:
            return _held(one.value, found, row_order=row_order, n_rows=_height(data))
        cause = _cause(found, one, ran, subject, row_order=row_order)
    except CannotSend as error:
        return undecided(
            f"the path cannot be sent to another process: {error}",
            note="Define steps as functions of a module, and open files and connections inside them.",
        )
    place = found.difference.leaf.path
    where = "what the model answers" if found.step == ANSWERS else f"the step {found.step!r}"
    why = f"two runs differ, first in {where}: {_named(place)} {found.difference.said}"
    inner = _inner(found, one.value, other.value, subject) if found.step == ANSWERS else ""
    return broken(
        why + inner, examples=found.difference.examples, note=_CAUSES.get(cause, _NO_CAUSE), n_rows=_height(data)
    )


def watched(subject: Pipeline, data: Any, seed: int, order: tuple[bool, bool]) -> list[Watched]:
    """Return the parts of what each step of a run returned, and of what the model answers. It is called in a fresh process.

    `order` says whether rows are compared as a set, so that answers are shown with their rows, and whether they are shuffled here.
    """
    as_set, shuffled = order
    seen: list[Watched] = []

    def watch(stage: Stage) -> None:
        seen.append(Watched(stage.name, tuple(leaves_of(stage.value))))

    given = _shuffled(data, seed) if shuffled else data
    made = run(subject, given, seed=seed, watch=watch)
    last = []
    if answers(subject, made.model):
        try:
            rows = model_rows(subject, made)
        except UsageError:  # what its rows are is not declared: its answers are no part of the comparison
            rows = None
        if rows is not None:
            table = asked(subject, made.model, rows)
            last.append(Leaf("", rows.frame.hstack(table.rename(lambda n: f"answer {n}")) if as_set else table))
    score = score_of(subject, made)
    if last or score is not None:
        last += [Leaf("score", leaf.table) for leaf in leaves_of(score)] if score is not None else []
        seen.append(Watched(ANSWERS, tuple(last)))
    return seen


def _shuffled(data: Any, seed: int) -> Any:
    rows = rows_of(data)
    return handed(rows.take(seeded("reproducible", seed).permutation(rows.height)).native)


def _first(one: Sequence[Watched], other: Sequence[Watched], subject: Pipeline, *, ordered: bool) -> _Found | None:
    """Return the first step whose data differ; where none do, the first whose inner state does."""
    inner = None
    for a, b in zip(one, other, strict=True):
        left, right = (a.leaves, b.leaves) if ordered else (tuple(map(sorted_rows, w.leaves)) for w in (a, b))
        seen = first_difference(left, right, rtol=subject.rtol, atol=subject.atol)
        if seen is not None and seen.leaf.data:
            return _Found(a.name, seen)
        if seen is not None and inner is None:
            inner = _Found(a.name, seen)
    return inner


def _cause(found: _Found, one: Answer, ran: Any, subject: Pipeline, *, row_order: bool) -> str:
    """Return what made the difference, by runs that differ from the first in one thing: nothing, the hash seed, the threads."""
    trials = {
        "chance": (ONE, False),
        "hash seed": (Surroundings(OTHER.hash_seed, ONE.threads), False),
        "threads": (Surroundings(ONE.hash_seed, OTHER.threads), False),
    }
    if row_order:
        trials["row order"] = (ONE, True)
    for (cause, (_, shuffled)), answer in zip(trials.items(), _pairs(ran, list(trials.values())), strict=True):
        if answer.error:
            continue
        seen = _first(one.value, answer.value, subject, ordered=not shuffled)
        if seen is not None and seen.difference.leaf.data and seen.step == found.step:
            return cause
    return ""


def _pairs(ran: Any, trials: Sequence[tuple[Surroundings, bool]]) -> Iterator[Answer]:
    """Yield the answers to several runs, which are done two at a time, and only when they are asked for."""
    for i in range(0, len(trials), 2):
        yield from ran(*trials[i : i + 2])


def _inner(found: _Found, one: Sequence[Watched], other: Sequence[Watched], subject: Pipeline) -> str:
    """Return which part of a model's state differs, where its answers do."""
    for a, b in zip(one, other, strict=True):
        seen = first_difference(a.leaves, b.leaves, rtol=subject.rtol, atol=subject.atol)
        if seen is not None:
            return f"; in {a.name!r}, {_named(seen.leaf.path)} {seen.said}"
    return ""


def _failed(errors: Sequence[str]) -> Outcome:
    if len(errors) == 2:
        return Outcome("", "", Verdict.ERROR, why=f"the path does not run in a fresh process: {errors[0]}")
    return broken(
        f"one of two runs fails: {errors[0]}",
        note="The two had the same data and seed; other were the hash seed and the number of threads.",
    )


def _held(seen: Sequence[Watched], inner: _Found | None, *, row_order: bool, n_rows: int | None) -> Outcome:
    steps = [watched.name for watched in seen]
    parts = sum(leaf.data for each in seen for leaf in each.leaves)
    if not parts:
        return undecided(
            f"no step of {', '.join(steps)} returned anything that can be compared",
            note="Declare inputs=, rows that the model is asked with, or predict=.",
        )
    others = "hash seeds, threads and orders of rows" if row_order else "hash seeds and threads"
    note = ""
    if inner is not None:
        how = f"{_named(inner.difference.leaf.path)} {inner.difference.said}"
        note = f"The state of the object in {inner.step!r} differs ({how}), and nothing that it answers."
    return held(
        f"two runs in fresh processes of other {others} agree in {counted(parts, 'part')} of {', '.join(steps)}",
        n_rows=n_rows,
        note=note,
    )


def _named(path: str) -> str:
    return path.lstrip(".") if path else "it"


def _height(data: Any) -> int | None:
    rows: Rows | None = rows_in(data)
    return None if rows is None else rows.height
