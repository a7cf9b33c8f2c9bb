"""The model, packaged and loaded in a fresh process, answers as it did: what a serving machine does with it."""

from __future__ import annotations

import pickle
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from assay.errors import UsageError, nearest, require
from assay.testing.contract import Crashed, broken, call, contract, held, undecided
from assay.testing.outputs import differing
from assay.testing.pipelines.fresh import CannotSend, Surroundings, Work, in_fresh_processes
from assay.testing.pipelines.pipeline import Pipeline
from assay.testing.pipelines.running import answers, asked, built, model_rows
from assay.testing.rows import Rows
from assay.verdict import Example, Outcome, Verdict

__all__ = ["KINDS", "Package", "packages"]

SHOWN = 8
_TESTS = re.compile(r"test_.*|conftest")


@dataclass(frozen=True, slots=True)
class Package:
    """A format that models are kept in: how one is saved to a file, and loaded from it."""

    save: Callable[[Any, Path], object]
    load: Callable[[Path], Any]


def _dump_pickle(model: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps(model))


def _load_pickle(path: Path) -> Any:
    return pickle.loads(path.read_bytes())  # noqa: S301 - the contract wrote it itself


def _dump_joblib(model: Any, path: Path) -> None:
    require("joblib", extra="sklearn").dump(model, path)


def _load_joblib(path: Path) -> Any:
    return require("joblib", extra="sklearn").load(path)


def _dump_cloudpickle(model: Any, path: Path) -> None:
    path.write_bytes(require("cloudpickle", extra="testing").dumps(model))


def _dump_skops(model: Any, path: Path) -> None:
    require("skops.io", extra="sklearn").dump(model, path)


def _load_skops(path: Path) -> Any:
    skops = require("skops.io", extra="sklearn")
    return skops.load(path, trusted=list(skops.get_untrusted_types(file=path)))


KINDS: Mapping[str, Package] = {
    "pickle": Package(_dump_pickle, _load_pickle),
    "joblib": Package(_dump_joblib, _load_joblib),
    "cloudpickle": Package(_dump_cloudpickle, _load_pickle),
    "skops": Package(_dump_skops, _load_skops),
}


@contract(
    "pipeline",
    title="the model that was saved and loaded in a fresh process answers as the one in this process does",
    catches="code that lives in a notebook or a test; state that is not saved; a format that rounds; a global that training set",
    rubric=("I3",),
)
def packages(subject: Pipeline, data: object, /, *, rows: int = 500, seconds: float = 300.0, seed: int = 0) -> Outcome:
    """Judge that the model, saved by `save` or in the format `kind`, and loaded in a fresh process, gives the same answers.

    The process knows what a serving machine would know: modules that can be imported, not the notebook or the test that trained
    the model. At most `rows` rows are asked. SKIP where the path ends in nothing that answers; INCONCLUSIVE where how the model is
    asked cannot be sent to a process.

    >>> import assay
    >>> from sklearn.dummy import DummyClassifier
    >>> rows = [{"x": 1.0, "left": 0}, {"x": 2.0, "left": 1}, {"x": 3.0, "left": 1}]
    >>> told = assay.pipeline(DummyClassifier(), label="left")
    >>> print(packages(told, rows).why)
    3 answers are the same from a fresh process; the package has ... bytes
    >>> seen = packages(assay.pipeline(lambda rows: lambda asked: [0.5 for _ in asked], name="half"), rows)
    >>> print(seen.why)
    the model cannot be saved: ...
    """
    if subject.kind not in KINDS:
        raise UsageError(f"{subject.name} is packaged as {subject.kind!r}", hint=nearest(subject.kind, KINDS))
    package = Package(subject.save, subject.load) if subject.save and subject.load else KINDS[subject.kind]
    made = built(subject, data, seed=seed)
    if not answers(subject, made.model):
        kind = type(made.model).__qualname__
        why = f"there is no model to package: the path ends in {kind}, which answers nothing"
        return Outcome("", "", Verdict.SKIP, why=why)
    given = model_rows(subject, made)
    given = given.take(range(min(given.height, rows)))
    bare = Pipeline((), subject.name, predict=subject.predict)
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        path = Path(folder, "model")
        try:
            call(package.save, made.model, path, what="save")
        except Crashed as crash:
            return broken(f"the model cannot be saved: {crash}", note=_WAYS)
        if not path.exists():
            return broken("save returned and wrote nothing to the path that it was given")
        size = _size(path)
        here = asked(subject, made.model, given)
        work = Work(_there, (package.load, path, bare, given), Surroundings(2, 1), (subject.load, subject.predict))
        try:
            answer = in_fresh_processes([work], seconds=seconds)[0]
        except CannotSend as error:
            return undecided(
                f"how the model is asked cannot be sent to a process: {error}", note="Define predict= in a module."
            )
    if answer.error:
        return broken(f"a fresh process cannot use the model: {answer.error}", note=_WAYS, n_rows=given.height)
    there, tests = answer.value
    if tests:
        why = f"the model cannot be loaded without {tests[0]}, a module of tests, which no serving machine has"
        return broken(why, note=_WAYS, n_rows=given.height)
    return _compared(here, there, given, subject, size)


_WAYS = "Define what the model is made of (classes, functions) in a module of the package that is deployed, or give save= and load=."


def _there(
    load: Callable[[Path], Any], path: Path, subject: Pipeline, rows: Rows
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return what the saved model answers, and the modules of tests that it was loaded with. It is called in a fresh process."""
    before = set(sys.modules)
    model = call(load, path, what="load")
    tests = [name for name in sys.modules if name not in before and _of_tests(name)]
    return asked(subject, model, rows), tuple(sorted(tests))


def _of_tests(name: str) -> bool:
    """Return whether a module is one of a person's tests."""
    file = getattr(sys.modules[name], "__file__", None) or ""
    return _TESTS.fullmatch(name.rpartition(".")[2]) is not None and "site-packages" not in file


def _compared(here: pl.DataFrame, there: pl.DataFrame, rows: Rows, subject: Pipeline, size: int) -> Outcome:
    if here.shape != there.shape:
        shapes = f"{there.height} by {there.width} answers, and {here.height} by {here.width} before it was saved"
        return broken(f"the model that was loaded gives {shapes} (rows by columns)")
    cells = differing(
        here, there.rename(dict(zip(there.columns, here.columns, strict=True))), rtol=subject.rtol, atol=subject.atol
    )
    wrong = np.flatnonzero(cells.any(axis=1))
    if not len(wrong):
        return held(
            f"{rows.height:,} answers are the same from a fresh process; the package has {size:,} bytes",
            n_rows=rows.height,
        )
    shown = tuple(
        Example(int(row), {"before": here.row(int(row))[column], "after": there.row(int(row))[column]})
        for row in wrong[:SHOWN]
        for column in [int(np.flatnonzero(cells[row])[0])]
    )
    return broken(
        f"{len(wrong):,} of {rows.height:,} answers are others once the model was saved and loaded", examples=shown, n_rows=rows.height,
        n_failing=len(wrong), note="See what the model holds that is not saved with it, or declare rtol= for a format of less precision.",
    )  # fmt: skip


def _size(path: Path) -> int:
    return sum(f.stat().st_size for f in path.rglob("*") if f.is_file()) if path.is_dir() else path.stat().st_size
