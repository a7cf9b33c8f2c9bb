"""Whether a model that is saved and read back is the same model: in each format that it can be saved in."""

from __future__ import annotations

import logging
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assay.errors import UsageError, nearest
from assay.testing.contract import broken, contract, held, seeded, undecided
from assay.testing.models.answers import REPEAT, SINGLE, Answer, differing
from assay.testing.models.asking import Refusal, attempt, is_file
from assay.testing.models.declared import DeclaredModel
from assay.testing.models.formats import FORMATS, Format, Saved, single
from assay.testing.models.showing import counted, not_asked, sampled, shown, too_few
from assay.testing.rows import Rows
from assay.verdict import Outcome

__all__ = ["survives_saving"]


@dataclass(frozen=True)
class _Trip:
    """What became of one format: an outcome where it broke the contract, else a sentence; `done` where it was tried."""

    said: str
    done: bool = False
    wrong: Outcome | None = None


@contract(
    "model",
    title="saved and read back, it answers the same, in each format",
    catches="state that is not saved, a lambda in a pipeline, a conversion that answers otherwise",
    rubric=("I2",),
)
def survives_saving(
    subject: DeclaredModel, data: Any = None, /, *, formats: Sequence[str] = (), rows: int = 200, branches: float = 0.01,
    seed: int = 0,
) -> Outcome:  # fmt: skip
    """Judge that a model survives a round trip through each format: pickle, joblib, skops, ONNX, MLflow, torch, the library's own.

    Without `formats`, each is tried that is for this kind of model and installed; a model that one of them cannot write breaks the
    contract only where it is the usual one (joblib for scikit-learn, say). Those that are named must all work.

    The answers are the same to within 1e-9 of the greatest. ONNX keeps numbers in single precision: there the rows are rounded to it
    first, the answers are the same to within 1e-4, and at most the share `branches` of the rows may be further off, as a tree takes
    another branch for a value that lies on a threshold.

    >>> from assay.testing.models.declared import model
    >>> survives_saving(model(lambda rows: rows[:, 0]), np.ones((2, 1))).why
    'it is a function, which is kept in its module and not in a file'
    """
    for name in formats:
        if name not in FORMATS:
            raise UsageError(f"there is no format {name!r}", hint=nearest(name, FORMATS))
    if is_file(subject.source):
        return not_asked("it is a file already: give the object, to see whether it survives being saved")
    given = sampled(subject.inputs(data), rows, seeded("survives_saving", seed))
    if not given.height:
        return too_few(given, 1)
    tried = [FORMATS[name] for name in formats] or [one for one in FORMATS.values() if one.takes(subject.source)]
    if not tried:
        return not_asked("it is a function, which is kept in its module and not in a file")
    whole = subject.ask(given)
    trips = [_travelled(subject, one, given, whole, branches=branches, must=bool(formats)) for one in tried]
    for trip in trips:
        if trip.wrong is not None:
            return trip.wrong
    done = [trip.said for trip in trips if trip.done]
    told = "; ".join([*done, *(trip.said for trip in trips if not trip.done)])
    return (
        held(f"{counted(given.height)} are answered alike after {told}", n_rows=given.height)
        if done
        else undecided(told)
    )


def _travelled(
    subject: DeclaredModel, form: Format, given: Rows, whole: Answer, *, branches: float, must: bool
) -> _Trip:
    """Return what became of a model that was saved in one format and read back."""
    lacking = form.lacks()
    if lacking:
        if must:
            raise UsageError(f"{form.name} needs {lacking}, which is not installed", hint=f"pip install {lacking}")
        return _Trip(f"{form.name} was not tried: {lacking} is not installed")
    saved = Saved(subject.source, subject.name, given, whole.kind, subject.classes, subject.options)
    fed = single(given) if form.single else given
    expected = subject.ask(fed) if form.single else whole
    with tempfile.TemporaryDirectory() as folder, _quiet():
        try:
            ask = form.travel(saved, Path(folder))
        except Exception as error:  # a model that cannot be saved says so in any way
            said = str(error).strip().splitlines()
            line = f"{type(error).__name__}: {said[0][:160]}" if said else type(error).__name__
            if not (must or form.own):
                return _Trip(f"{form.name} was not tried, as it cannot write it ({line})")
            return _Trip(
                "", wrong=broken(f"{form.title} cannot save it: {line}", n_rows=given.height, note=_note(line))
            )
        answer = attempt(ask, fed)
    if isinstance(answer, Refusal):
        if not (must or form.own):
            return _Trip(f"{form.name} was not tried, as what it wrote cannot be asked ({answer.said})")
        return _Trip(
            "", wrong=broken(f"read back from {form.title}, it refuses the rows: {answer.said}", n_rows=given.height)
        )
    return _compared(form, fed, expected, answer, branches)


def _compared(form: Format, given: Rows, expected: Answer, answer: Answer, branches: float) -> _Trip:
    share = SINGLE if form.single else REPEAT["single" if expected.single else "double"]
    off = np.flatnonzero(differing(expected, answer, share=share))
    if len(off) <= (branches * given.height if form.single else 0):
        far = f", but for {counted(len(off))} on another branch" if len(off) else ""
        return _Trip(f"{form.name}{f' (to {share:g}{far})' if form.single else ''}", done=True)
    return _Trip("", wrong=broken(
        f"read back from {form.title}, {len(off):,} of {given.height:,} answers differ"
        + (f" by more than {share:g}, in single precision" if form.single else ""),
        examples=shown(given, off, {"before": expected.take(off), "after": answer.take(off)}), n_rows=given.height,
        n_failing=len(off), note=f"where it is never served as {form.name}, name the formats that it is: formats=" if form.single
        else "see what the object keeps outside its attributes: files, globals, a cache",
    ))  # fmt: skip


def _note(line: str) -> str:
    if "lambda" in line or "pickle" in line.lower() or "local" in line:
        return "put functions and classes at the top of a module, so that they can be found by name"
    return ""


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what formats say of themselves from the terminal: warnings of versions, of pickles, of shapes."""
    runtime = sys.modules.get("onnxruntime")
    loggers = [logging.getLogger(f"mlflow.{name}") for name in ("sklearn", "pytorch")]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.ERROR)
    if runtime is not None:
        runtime.set_default_logger_severity(4)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)
        if runtime is not None:
            runtime.set_default_logger_severity(2)
