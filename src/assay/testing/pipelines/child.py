"""The fresh process: it reads a function and its arguments from a file, calls it, and writes down what came of it."""

from __future__ import annotations

import pickle
import sys
import traceback
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["Answer", "Request", "main", "peak_memory"]


@dataclass(frozen=True)
class Request:
    """What a fresh process is told: where modules are, the modules that it has to read from files, and a pickled call."""

    path: tuple[str, ...]
    files: tuple[tuple[str, str], ...]
    call: bytes


@dataclass(frozen=True, eq=False)
class Answer:
    """What a fresh process answers: the value, or what went wrong; and its peak of resident memory in bytes where known."""

    value: Any = None
    error: str = ""
    peak: int | None = None


def peak_memory() -> int | None:
    """Return the most resident memory that this process has held so far, in bytes; None where the system does not tell."""
    try:
        # Not getrusage, where there is this: its peak begins with that of the process that started this one.
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main(place: Path) -> None:
    """Do the work of the file `place`.in, and write its answer to `place`.out."""
    request = pickle.loads(place.with_suffix(".in").read_bytes())  # noqa: S301 - the process that started this one wrote it
    sys.path[:] = [*request.path]
    try:
        for name, file in request.files:
            _load(name, file)
        function, arguments = pickle.loads(request.call)  # noqa: S301 - the same
        answer = Answer(function(*arguments), peak=peak_memory())
    except Exception as error:  # a person's code runs here, and may raise anything
        answer = Answer(error=_told(error), peak=peak_memory())
    partial = place.with_suffix(".part")
    partial.write_bytes(pickle.dumps(answer))
    partial.rename(place.with_suffix(".out"))


def _load(name: str, file: str) -> None:
    """Put a module there under its name, from its file: modules of tests are often on no path."""
    import importlib.util
    import types

    parts = name.split(".")
    for i in range(1, len(parts)):
        parent = ".".join(parts[:i])
        if parent not in sys.modules:
            made = types.ModuleType(parent)
            made.__path__ = []
            sys.modules[parent] = made
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


def _told(error: Exception) -> str:
    """Return an error as one line: what, and in which line of which file."""
    said = str(error).strip().splitlines()
    named = f"{type(error).__name__}: {said[0]}" if said else type(error).__name__
    if type(error).__module__.startswith("assay."):
        return str(error)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "site-packages" not in f.filename]
    own = [f for f in frames if str(Path("assay", "testing")) not in f.filename and not f.filename.startswith("<")]
    return f"{named} ({Path(own[-1].filename).name}:{own[-1].lineno})" if own else named


if __name__ == "__main__":
    # Under its own name, so that what is pickled here is what the other process knows.
    import_module("assay.testing.pipelines.child").main(Path(sys.argv[1]))
