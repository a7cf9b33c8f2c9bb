"""Work in fresh processes: a function and its arguments go out, its answer and its peak of memory come back."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from assay.errors import require
from assay.testing.pipelines.child import Answer, Request

__all__ = ["Answer", "CannotSend", "Surroundings", "Work", "in_fresh_processes"]

THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    "POLARS_MAX_THREADS", "RAYON_NUM_THREADS",
)  # fmt: skip


class CannotSend(Exception):
    """Say why something cannot be sent to another process."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What differs between processes though nothing in the code does: the seed of hashes, and the number of threads."""

    hash_seed: int
    threads: int


@dataclass(frozen=True, eq=False)
class Work:
    """A function and its arguments, to be called in a fresh process; `about` are functions of a person, whose modules it needs."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    surroundings: Surroundings | None = None
    about: tuple[Any, ...] = ()


def in_fresh_processes(works: Sequence[Work], *, seconds: float = 600.0) -> list[Answer]:
    """Return the answers to several pieces of work, each done in a new process of this Python, side by side.

    Functions travel by cloudpickle: those of an importable module by its name, others by their code. A process that does not
    answer within `seconds` is ended, and its answer says so.

    Raises CannotSend where an argument cannot be pickled.
    """
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        places = [Path(folder, str(i)) for i in range(len(works))]
        for place, work in zip(places, works, strict=True):
            place.with_suffix(".in").write_bytes(_packed(work))
        begun = time.monotonic()
        started = [_started(place, work.surroundings) for place, work in zip(places, works, strict=True)]
        try:
            return [_answer(p, place, begun + seconds, seconds) for p, place in zip(started, places, strict=True)]
        finally:
            for process in started:
                if process.poll() is None:
                    process.kill()
                    process.wait()


def _packed(work: Work) -> bytes:
    cloudpickle = require("cloudpickle", extra="testing")
    try:
        call = cloudpickle.dumps((work.function, work.arguments))
    except Exception as error:  # what cannot be pickled says so in many ways
        raise CannotSend(f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else error!r}") from error
    return pickle.dumps(Request(tuple(sys.path), _files(work.about), call))


def _files(about: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    """Return the name and file of each module that a new process would not find by its name: a test's, as a rule."""
    found = {}
    for each in about:
        inner = getattr(each, "func", each)  # a partial
        name = getattr(inner, "__module__", None) or type(inner).__module__
        module = sys.modules.get(name)
        file = getattr(module, "__file__", None)
        if name not in ("__main__", "__mp_main__") and file and not _findable(name):
            found[name] = file
    return tuple(found.items())


def _findable(name: str) -> bool:
    """Return whether the path of modules leads to this one."""
    path: Any = None
    parts = name.split(".")
    for i in range(len(parts)):
        spec = PathFinder.find_spec(".".join(parts[: i + 1]), path)
        if spec is None:
            return parts[0] in sys.builtin_module_names
        path = spec.submodule_search_locations
        if path is None and i < len(parts) - 1:
            return False
    return True


def _started(place: Path, around: Surroundings | None) -> subprocess.Popen[bytes]:
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    if around is not None:
        environment["PYTHONHASHSEED"] = str(around.hash_seed)
        environment.update(dict.fromkeys(THREADS, str(around.threads)))
    command = [sys.executable, "-m", "assay.testing.pipelines.child", str(place)]
    with place.with_suffix(".said").open("wb") as said:
        return subprocess.Popen(  # noqa: S603 - this Python, and a module of our own
            command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )


def _answer(process: subprocess.Popen[bytes], place: Path, until: float, seconds: float) -> Answer:
    try:
        code = process.wait(max(until - time.monotonic(), 0.0))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return Answer(error=f"it did not end within {seconds:g} s")
    file = place.with_suffix(".out")
    if file.exists():
        found: Answer = pickle.loads(file.read_bytes())  # noqa: S301 - our own process wrote it
        return found
    said = place.with_suffix(".said").read_text("utf-8", "replace").strip().splitlines()
    how = f"a signal ended it ({-code}; 9 is often too little memory)" if code < 0 else f"it ended with {code}"
    return Answer(error=how + (f": {said[-1][:300]}" if said else ""))
