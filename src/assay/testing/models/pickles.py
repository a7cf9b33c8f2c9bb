"""What a pickle would import, found without importing anything: its program is run with nothing behind the names.

To load a pickle is to run a program that may import and call whatever it likes. Here the same program is run by the standard
library's own interpreter, with every name replaced by an inert stand-in: it can be called, and nothing happens. So names are
found that are put together on the way (by memo, or by concatenation of opcodes), which a search for texts would miss.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, ClassVar

import numpy as np

__all__ = ["Scan", "scanned"]

WRAPPERS = ("joblib.numpy_pickle.NumpyArrayWrapper", "joblib.numpy_pickle.NDArrayWrapper")
PLAIN = (str, int, float, bytes, bool, type(None))
NESTED = 20


@dataclass(frozen=True, slots=True)
class Scan:
    """What a pickle would do: the names that it imports, those of them that it calls, and why it could not be read to its end."""

    imports: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    broken: str = ""


def scanned(file: BinaryIO, *, joblib: bool = False, depth: int = 0) -> Scan:
    """Return what the pickle at the place of a file would import and call; `joblib` reads arrays that lie between its parts.

    A pickle that breaks off has already run what stands before: what it imports until there is returned, with `broken`.

    >>> import io
    >>> class Evil:
    ...     def __reduce__(self):
    ...         return print, ("hello",)
    >>> scanned(io.BytesIO(pickle.dumps(Evil())))
    Scan(imports=('builtins.print',), calls=('builtins.print',), broken='')
    """
    reader = _Reader(file, joblib=joblib, depth=depth)
    try:
        reader.load()
    except Exception as error:  # bytes that nobody vouches for break the interpreter in every way there is
        said = str(error).strip().splitlines()
        reader.broken = f"{type(error).__name__}: {said[0][:120]}" if said else type(error).__name__
    return Scan(tuple(reader.imports), tuple(reader.calls), reader.broken)


class _Inert:
    """What stands for anything that a pickle imports or makes: it keeps its name and what it was called with, and does nothing."""

    def __init__(self, name: str, calls: dict[str, None], args: tuple[Any, ...] = ()) -> None:
        self.name = name
        self.calls = calls
        self.args = args
        self.state: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> _Inert:
        self.calls[self.name] = None
        return _Inert(self.name, self.calls, args)

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def append(self, value: Any) -> None:
        """Take a value, as a list does."""

    def extend(self, values: Any) -> None:
        """Take values, as a list does."""

    def __setitem__(self, key: Any, value: Any) -> None:
        """Take a value, as a dictionary does."""


class _Reader(pickle._Unpickler):
    """The interpreter of pickles in Python, with inert names, and without the hashing of what the pickle makes."""

    stack: list[Any]
    append: Callable[[Any], None]
    read: Callable[[int], bytes]
    pop_mark: Callable[[], list[Any]]

    def __init__(self, file: BinaryIO, *, joblib: bool, depth: int) -> None:
        super().__init__(file)
        self.file = file
        self.joblib = joblib
        self.depth = depth
        self.imports: dict[str, None] = {}
        self.calls: dict[str, None] = {}
        self.broken = ""

    def find_class(self, module: str, name: str) -> Any:
        self.imports[f"{module}.{name}"] = None
        return _Inert(f"{module}.{name}", self.calls)

    def persistent_load(self, pid: Any) -> Any:
        return _Inert("persistent", {})

    def get_extension(self, code: int) -> None:
        self.append(self.find_class("copyreg", f"extension {code}"))

    def new_object(self) -> None:
        args = self.stack.pop()
        made = self.stack.pop()
        self.stack.append(made(*args))

    def new_object_of_names(self) -> None:
        names, args = self.stack.pop(), self.stack.pop()
        made = self.stack.pop()
        self.stack.append(made(*args, **names))

    def put_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        _put(self.stack[-1], key, value)

    def put_items(self) -> None:
        items = self.pop_mark()
        for place in range(0, len(items) - 1, 2):
            _put(self.stack[-1], items[place], items[place + 1])

    def make_dict(self) -> None:
        items = self.pop_mark()
        made: dict[Any, Any] = {}
        for place in range(0, len(items) - 1, 2):
            _put(made, items[place], items[place + 1])
        self.append(made)

    def drop_items(self) -> None:
        self.pop_mark()  # a set's items: to hash what a pickle makes may take for ever

    def make_frozen(self) -> None:
        self.pop_mark()
        self.append(frozenset())

    def bytes_changeable(self) -> None:
        size = int.from_bytes(self.read(8), "little")
        self.append(self.read(size))  # what is there: the room for what is only promised is never taken

    def build(self) -> None:
        pickle._Unpickler.dispatch[pickle.BUILD[0]](self)  # type: ignore[arg-type]
        top = self.stack[-1]
        if self.joblib and isinstance(top, _Inert) and top.name in WRAPPERS:
            self._array(top)

    def _array(self, wrapper: _Inert) -> None:
        """Pass over the array that joblib keeps between the opcodes; one of objects is a pickle of its own."""
        state = wrapper.state if isinstance(wrapper.state, Mapping) else {}
        shape, dtype = state.get("shape"), state.get("dtype")
        if not isinstance(shape, tuple) or not isinstance(dtype, _Inert):
            raise pickle.UnpicklingError("an array of joblib's is not described")
        if not dtype.args or not isinstance(dtype.args[0], str):
            raise pickle.UnpicklingError("an array of joblib's has a type that is not known")
        described = np.dtype(dtype.args[0])
        if described.hasobject:
            if self.depth >= NESTED:
                raise pickle.UnpicklingError(f"pickles lie within each other, {NESTED} deep")
            inner = scanned(self.file, joblib=False, depth=self.depth + 1)
            self.imports |= dict.fromkeys(inner.imports)
            self.calls |= dict.fromkeys(inner.calls)
            if inner.broken:
                raise pickle.UnpicklingError(f"within an array: {inner.broken}")
            return
        if state.get("numpy_array_alignment_bytes") is not None:
            padding = self.file.read(1)
            self.file.read(padding[0] if padding else 0)
        left = int(np.prod([int(size) for size in shape], dtype=object)) * described.itemsize
        while left > 0:
            read = len(self.file.read(min(left, 1 << 20)))
            if not read:
                raise EOFError("an array is cut short")
            left -= read

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        **pickle._Unpickler.dispatch,
        pickle.NEWOBJ[0]: new_object,
        pickle.NEWOBJ_EX[0]: new_object_of_names,
        pickle.SETITEM[0]: put_item,
        pickle.SETITEMS[0]: put_items,
        pickle.DICT[0]: make_dict,
        pickle.ADDITEMS[0]: drop_items,
        pickle.FROZENSET[0]: make_frozen,
        pickle.BYTEARRAY8[0]: bytes_changeable,
        pickle.BUILD[0]: build,
    }


def _put(target: Any, key: Any, value: Any) -> None:
    if isinstance(key, PLAIN):
        target[key] = value
