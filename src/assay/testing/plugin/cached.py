"""Values that are made once in a run of tests, whatever the number of its processes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import shutil
import types
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any, ParamSpec, TypeVar

import numpy as np

from assay.errors import require

__all__ = ["Cached", "fingerprint"]

P = ParamSpec("P")
R = TypeVar("R")


class Cached:
    """Call a function once for all tests, workers and fixtures that ask for the same; each gets a copy of its own.

    A value is known by the function (its name and code, and what it closes over) and by the content of its arguments. It is kept
    as a pickle, in a folder of this run alone: the next run makes it anew, as the code that it depends on may have changed. A
    value that cannot be pickled is made once in each process, and handed out as it is.

    >>> import tempfile
    >>> cached = Cached(Path(tempfile.mkdtemp()) / "cached")
    >>> cached(sorted, [3, 1, 2])
    [1, 2, 3]
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[str, Any] = {}
        self._names: dict[str, str] = {}

    def __call__(self, make: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what the function answers for these arguments; errors that it raises are raised, and nothing is kept."""
        key = _digest(make, args, kwargs)
        if key in self._kept:
            found: R = self._kept[key]
            return found
        file = self._folder / f"{key}.pickle"
        if not file.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            with _locked(self._folder / f"{key}.lock"):
                if not file.exists():
                    value = make(*args, **kwargs)
                    if not _stored(value, file):
                        self._kept[key] = value
                        return value
        loaded: R = pickle.loads(file.read_bytes())  # noqa: S301 - this run wrote it, into its own folder
        return loaded

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        shutil.rmtree(self._folder, ignore_errors=True)


def fingerprint(value: object) -> str:
    """Return a digest of a value's content: the same in each process of a run.

    Raises TypeError, with the type, where the content cannot be told: the value can neither be read nor pickled.

    >>> fingerprint({"b": {2, 1}}) == fingerprint({"b": {1, 2}}), fingerprint(1) == fingerprint(1.0)
    (True, False)
    """
    digest = hashlib.sha256()
    for part in _parts(value, ()):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def _digest(make: Callable[..., object], args: tuple[object, ...], kwargs: Mapping[str, object]) -> str:
    return fingerprint((make, args, dict(sorted(kwargs.items()))))[:32]


def _parts(value: Any, inside: tuple[int, ...]) -> Iterator[bytes]:
    if id(value) in inside:
        yield b"itself"
        return
    deeper = (*inside, id(value))
    yield f"{type(value).__module__}.{type(value).__qualname__}".encode()
    if isinstance(value, types.FunctionType):
        yield f"{value.__module__}.{value.__qualname__}".encode()
        yield from _code(value.__code__)
        closed = [_content(cell) for cell in value.__closure__ or ()]
        yield from _parts([value.__defaults__, value.__kwdefaults__, closed], deeper)
    elif isinstance(value, partial):
        yield from _parts([value.func, value.args, value.keywords], deeper)
    elif isinstance(value, types.MethodType):
        yield from _parts([value.__func__, value.__self__], deeper)
    elif isinstance(value, dict):
        for key, held in value.items():
            yield from _parts(key, deeper)
            yield from _parts(held, deeper)
        yield b"end"
    elif isinstance(value, list | tuple):
        for held in value:
            yield from _parts(held, deeper)
        yield b"end"
    elif isinstance(value, set | frozenset):
        yield from (each.encode() for each in sorted(map(fingerprint, value)))
    else:
        yield _bytes(value)


def _code(code: types.CodeType) -> Iterator[bytes]:
    yield code.co_code
    yield " ".join(code.co_names).encode()
    for constant in code.co_consts:
        yield from _code(constant) if isinstance(constant, types.CodeType) else iter([repr(constant).encode()])


def _content(cell: types.CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # the name has no value yet
        return None


def _bytes(value: Any) -> bytes:
    kind = type(value).__module__.partition(".")[0]
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return f"{value.dtype.str} {value.shape}".encode() + np.ascontiguousarray(value).tobytes()
    if kind == "polars" and hasattr(value, "serialize") and hasattr(value, "rechunk"):
        frame = value.to_frame() if type(value).__name__ == "Series" else value
        packed: bytes = frame.rechunk().write_ipc(None).getvalue()
        return packed
    try:
        return pickle.dumps(value, protocol=5)
    except Exception as error:  # pickle raises what the object's own code raises
        raise TypeError(
            f"assay_cached cannot tell what is in a {type(value).__module__}.{type(value).__qualname__} ({error}); "
            "give it what the value is made of, and make it inside"
        ) from error


def _stored(value: object, file: Path) -> bool:
    """Write a value, whole or not at all; return whether it could be pickled and comes out again."""
    try:
        packed = _pickled(value)
    except Exception:  # pickle raises what the object's own code raises; the value is kept in this process then
        return False
    part = file.with_suffix(f".{os.getpid()}")
    part.write_bytes(packed)
    part.replace(file)
    return True


def _pickled(value: object) -> bytes:
    try:
        return pickle.dumps(value, protocol=5)
    except Exception:  # a class or a function that was made inside a test; the other package can write those
        packed: bytes = require("cloudpickle", extra="testing").dumps(value, protocol=5)
        return packed


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that other processes wait for; the system lets go of it where this process dies."""
    with path.open("a+b") as file:
        _lock(file)
        try:
            yield
        finally:
            _unlock(file)


try:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)

    def _unlock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)

except ImportError:  # Windows
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        while True:
            with contextlib.suppress(OSError):  # it gives up after ten seconds; training may take longer
                file.seek(0)
                return msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined,no-any-return]

    def _unlock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]
