"""A model behind an adapter: what the adapter gives (a signature, a call, a size), and what all models share."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import polars as pl

from assay.data.dataset import first_line
from assay.errors import AssayError, DataError
from assay.evaluation.models.answer import checked
from assay.evaluation.models.model import Output, Size
from assay.evaluation.models.options import ModelOptions
from assay.evaluation.models.signature import Signature, fit, holds_text

__all__ = ["Adapted", "Opening", "size_of_object", "size_of_path"]


@dataclass(frozen=True, slots=True)
class Opening:
    """What a person said of a model that is opened: the features in order, whether its code may run, and the options.

    `path` is the file or folder that it came from, and `called` what it is called there, if it came from any.
    """

    features: tuple[str, ...] | None = None
    trust: bool = False
    options: ModelOptions = field(default_factory=ModelOptions)
    path: Path | None = None
    called: str = ""

    def named(self, model: object) -> str:
        """Return what reports call the model: what the options say, or its file or name, or its type."""
        return self.options.name or self.called or (self.path.name if self.path else type(model).__name__)

    def sized(self, model: object) -> Callable[[], Size]:
        """Return what tells how large the model is: by its file or folder where it came from one."""
        return partial(size_of_path, self.path) if self.path else partial(size_of_object, model)


@dataclass(frozen=True)
class Adapted:
    """A model that answers a frame of exactly the columns of its signature by `ask`; `sized` says how large it is.

    `batch` is how many rows it is asked for at once in long work.

    Columns are matched by name, types are checked, and what it answers has one prediction for each row, none missing.
    """

    name: str
    kind: str
    signature: Signature
    ask: Callable[[pl.DataFrame], Output]
    sized: Callable[[], Size]
    batch: int = 65_536

    @property
    def features(self) -> tuple[str, ...]:
        """Return the columns that it takes."""
        return self.signature.names

    def size(self) -> Size:
        """Return how large it is where it is kept."""
        return self.sized()

    def predict(self, frame: pl.DataFrame) -> Output:
        """Return what it says of every row; raise DataError where the rows do not fit its signature, or it fails."""
        if not frame.height:
            raise DataError("there are no rows to predict", place=self.name)
        fed, notes = fit(frame, self.signature, model=self.name)
        try:
            output = checked(self.ask(fed), frame.height)
        except AssayError as error:
            error.place = error.place or self.name
            raise
        except Exception as error:  # a model is anyone's code, and may raise anything
            said = f"{type(error).__name__}: {_shortened(first_line(error))}"
            raise DataError(f"it failed on {_rows(frame.height)}: {said}", place=self.name, hint=_texts(fed)) from error
        return replace(output, notes=(*notes, *output.notes))


def _rows(n: int) -> str:
    return "1 row" if n == 1 else f"{n:,} rows"


def _shortened(text: str, most: int = 300) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _texts(fed: pl.DataFrame) -> str:
    texts = [name for name, dtype in fed.schema.items() if holds_text(dtype)]
    shown = ", ".join(map(repr, texts[:8])) + (f" and {len(texts) - 8} more" if len(texts) > 8 else "")
    return f"these columns hold text: {shown}" if texts else ""


def size_of_path(path: str | Path) -> Size:
    """Return the bytes of a file, or of all files in a folder."""
    there = Path(path)
    if there.is_dir():
        return Size(sum(file.stat().st_size for file in there.rglob("*") if file.is_file()), "the folder")
    return Size(there.stat().st_size, "the file")


class _Counter:
    """A file that keeps nothing but how much was written to it."""

    def __init__(self) -> None:
        self.bytes = 0

    def write(self, data: bytes) -> int:
        self.bytes += memoryview(data).nbytes
        return memoryview(data).nbytes


def size_of_object(model: object) -> Size:
    """Return the bytes of an object as it would be pickled."""
    counter = _Counter()
    try:
        pickle.dump(model, counter, protocol=5)
    except Exception as error:  # what cannot be pickled says so in many ways
        return Size(None, why=f"it cannot be pickled: {first_line(error)}")
    return Size(counter.bytes, "the pickled object")
