"""Whether a file can be loaded without running code that lies in it."""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import io
import json
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from assay.errors import UsageError
from assay.testing.contract import broken, contract, held, undecided
from assay.testing.models.declared import DeclaredModel
from assay.testing.models.pickles import Scan, scanned
from assay.testing.models.showing import counted
from assay.verdict import Example, Outcome

__all__ = ["Content", "contents", "is_known", "safe_to_load"]

MOST = 2 << 30  # bytes of a file that is decompressed

# Names that only make values or the objects of a known library, and do nothing else whatever they are given.
_NAMES = {
    "builtins": "set frozenset list dict tuple int float bool str bytes bytearray complex slice range object",
    "collections": "OrderedDict defaultdict deque Counter",
    "copyreg": "_reconstructor",
    "_codecs": "encode",
    "datetime": "datetime date time timedelta timezone",
    "decimal": "Decimal",
    "fractions": "Fraction",
    "uuid": "UUID",
    "zoneinfo.ZoneInfo": "_unpickle",
    "pathlib": "PosixPath PurePosixPath WindowsPath PureWindowsPath",
    "functools": "partial",
    "operator": "itemgetter",
    "types": "SimpleNamespace",
    "numpy": "dtype ndarray matrix float64 float32 float16 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool_ bool str_ "
    "datetime64 log log1p log2 log10 exp expm1 sqrt abs absolute sin cos square sign nan_to_num",
    "numpy.core.multiarray": "_reconstruct scalar",
    "numpy._core.multiarray": "_reconstruct scalar",
    "numpy.core.numeric": "_frombuffer",
    "numpy._core.numeric": "_frombuffer",
    "numpy.random._pickle": "__randomstate_ctor __generator_ctor __bit_generator_ctor",
    "numpy.random._mt19937": "MT19937",
    "numpy.random._pcg64": "PCG64",
    "numpy.random.bit_generator": "SeedSequence __pyx_unpickle_SeedSequence",
    "numpy.ma.core": "_mareconstruct MaskedArray",
    "joblib.numpy_pickle": "NumpyArrayWrapper",
    "sklearn.neighbors._kd_tree": "newObj",
    "sklearn.neighbors._ball_tree": "newObj",
    "sklearn.metrics._dist_metrics": "newObj",
    "pandas.core.indexes.base": "_new_Index",
    "pandas.core.indexes.datetimes": "_new_DatetimeIndex",
    "pandas._libs.internals": "_unpickle_block",
    "pandas.core.internals.blocks": "new_block",
    "torch": "Size device FloatStorage DoubleStorage HalfStorage BFloat16Storage LongStorage IntStorage ShortStorage CharStorage "
    "ByteStorage BoolStorage float32 float64 float16 bfloat16 int64 int32 uint8 bool",
    "torch._utils": "_rebuild_tensor _rebuild_tensor_v2 _rebuild_parameter",
    "torch.storage": "UntypedStorage",
}
KNOWN = frozenset(f"{module}.{name}" for module, names in _NAMES.items() for name in names.split())
# Packages whose classes only hold what was learnt: a name in them is known where it is that of a class.
LIBRARIES = (
    "sklearn.",
    "xgboost.",
    "lightgbm.",
    "catboost.",
    "_catboost.",
    "pandas.",
    "scipy.sparse.",
    "torch.nn.modules.",
)
UNKNOWN_WITHIN = ("._testing", ".datasets.", ".externals", ".tests.", "pandas.io.", "sklearn.utils.fixes")
_CLASS = re.compile(r"_?[A-Z]\w*|__pyx_unpickle_\w+|\w+_(?:matrix|array)")
COMMANDS = (
    "os.",
    "posix.",
    "nt.",
    "subprocess.",
    "pty.",
    "runpy.",
    "importlib.",
    "ctypes.",
    "socket.",
    "shutil.",
    "webbrowser.",
)
BUILTINS = ("eval", "exec", "compile", "open", "getattr", "__import__", "breakpoint", "globals", "setattr")


@dataclass(frozen=True, slots=True)
class Content:
    """One part of a file: where it lies, what it is, the names it would import, those it would call, and what is wrong with it.

    `code` says that it is Python that is run when the model is loaded; `unread`, why nothing can be said of it.
    """

    where: str
    what: str
    imports: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    code: bool = False
    unread: str = ""


@contract(
    "model",
    title="its file can be loaded without running code that somebody put in it",
    catches="a pickle that imports os.system, a class of nobody knows whom, Python code beside an MLflow model",
    needs=("path",),
    rubric=(),
)
def safe_to_load(subject: DeclaredModel, data: Any = None, /) -> Outcome:
    """Judge a model's file, or folder, by what loading it would import and call; nothing is loaded.

    Formats without code are fine: ONNX, safetensors, skops (which asks before it makes a type), a library's own. Of a pickle
    (also in joblib's, torch's, NumPy's and MLflow's files, compressed or in an archive) each name that it would import is read from
    its program. Known are names that only make values, and classes of scikit-learn, XGBoost, LightGBM, CatBoost, pandas,
    SciPy's matrices and torch's layers; declare packages of your own by `trusted=`. Any other name breaks the contract, whether
    or not it is called, and so does a file of Python code.

    >>> import pickle
    >>> from assay.testing.models.declared import model
    >>> _ = Path("model.pkl").write_bytes(pickle.dumps(print))
    >>> safe_to_load(model("model.pkl")).why
    'to load model.pkl is to import builtins.print'
    """
    assert subject.path is not None  # the contract needs it
    if not subject.path.exists():
        raise UsageError(f"the model {str(subject.path)!r} is not there", hint="give the path of its file or folder")
    found = list(contents(subject.path))
    strange = [(part, name) for part in found for name in part.imports if not is_known(name, subject.trusted)]
    strange.sort(key=lambda pair: (not _runs(pair[1]), pair[1] not in pair[0].calls))
    programs = [part for part in found if part.code and not subject.trusted]
    if strange:
        part, name = strange[0]
        verb = "import and call" if name in part.calls else "import"
        what = ", which runs commands or code" if _runs(name) else ""
        more = f", and {counted(len(strange) - 1, 'other unknown name')}" if len(strange) > 1 else ""
        return broken(
            f"to load {part.where} is to {verb} {name}{what}{more}",
            examples=[Example(None, {"file": p.where, "name": n, "is": "called" if n in p.calls else "imported"}) for p, n in
                      strange[:12]],
            n_failing=len(strange), note="do not load it, unless you know who made it: then name its packages in trusted=; "
            "skops, ONNX, safetensors and the libraries' own formats hold no code",
        )  # fmt: skip
    if programs:
        return broken(
            f"to load it is to run the Python code in {programs[0].where}", n_failing=len(programs),
            examples=[Example(None, {"file": part.where}) for part in programs[:12]],
            note="read it; where you know who made it, name its packages in trusted=",
        )  # fmt: skip
    unread = [part for part in found if part.unread]
    if unread:
        return undecided(
            f"{unread[0].where} cannot be read: {unread[0].unread}", note="do not load what cannot be read"
        )
    if not found:
        return undecided(f"{subject.path.name} holds no files")
    kinds = ", ".join(dict.fromkeys(part.what for part in found))
    names = {name for part in found for name in part.imports}
    told = f"; its {counted(len(names), 'name')} are known ones" if names else ""
    return held(f"{subject.path.name} holds {kinds}{told}")


def is_known(name: str, trusted: Sequence[str] = ()) -> bool:
    """Return whether an imported name only makes values or the objects of a known library, or is of a trusted package.

    >>> [is_known(name) for name in ("sklearn.svm._classes.SVC", "posix.system", "my_package.Model")]
    [True, False, False]
    >>> is_known("my_package.Model", ["my_package"])
    True
    """
    module, _, last = name.rpartition(".")
    if any(name.startswith(f"{package}.") for package in trusted):
        return True
    if name.replace("__builtin__.", "builtins.").replace("copy_reg.", "copyreg.") in KNOWN:
        return True
    within = name.startswith(LIBRARIES) and not any(part in f"{module}." for part in UNKNOWN_WITHIN)
    # The module of a class is in small letters: a capital on the way is an attribute of a class, which may be any function.
    return within and module == module.lower() and _CLASS.fullmatch(last) is not None


def contents(path: Path) -> Iterator[Content]:
    """Yield what a file, or each file of a folder, holds."""
    if path.is_dir():
        for inner in sorted(one for one in path.rglob("*") if one.is_file()):
            yield from contents(inner)
        return
    with path.open("rb") as file:
        yield from _read(file, path.name, path.suffix.lower())


# What a file without code is called; each is known by its ending, once it is no pickle and no archive.
INERT: Mapping[str, str] = {
    ".onnx": "an ONNX graph", ".safetensors": "tensors", ".json": "JSON", ".ubj": "UBJSON", ".txt": "text", ".cbm": "CatBoost's trees",
    ".yaml": "text", ".yml": "text", ".toml": "text", ".md": "text", ".csv": "text", ".parquet": "a table", ".arrow": "a table",
    "": "text", ".lock": "text", ".model": "a library's own format", ".xgb": "a library's own format",
}  # fmt: skip
OPENERS: Mapping[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file), b"BZh": bz2.BZ2File, b"\xfd7zXZ": lzma.LZMAFile, b"]\x00\x00": lzma.LZMAFile,
}  # fmt: skip
PICKLED = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".bin", ".ckpt", ".dill", ".cloudpickle", ".p")


def _read(file: BinaryIO, where: str, suffix: str) -> Iterator[Content]:
    head = file.read(8)
    file.seek(0)
    opener = next((found for magic, found in OPENERS.items() if head.startswith(magic)), None)
    if opener is not None or (head[:1] == b"\x78" and head[1:2] in (b"\x01", b"\x5e", b"\x9c", b"\xda")):
        try:
            inside = _inflated(file) if opener is None else _copied(opener(file))
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
            yield Content(where, "a compressed file", unread=str(error) or type(error).__name__)
            return
        yield from _read(inside, where, suffix)
    elif head.startswith(b"PK\x03\x04"):
        yield from _archive(file, where)
    elif head.startswith(b"\x93NUMPY"):
        yield _array(file, where)
    elif head.startswith(b"\x04\x22\x4d\x18"):
        yield Content(where, "a compressed file", unread="it is compressed by LZ4, which is not read here")
    elif suffix == ".py":
        yield Content(where, "Python code", code=True)
    elif _is_marked(head) or suffix in PICKLED:
        yield _pickle(file, where)
    elif suffix in INERT:
        yield Content(where, INERT[suffix])
    else:
        seen = _pickle(file, where)  # the oldest protocols have no mark: what runs to its end is a pickle
        yield (
            seen
            if seen.imports and not seen.unread
            else Content(where, "a file", unread=f"{suffix or 'its kind'} is not known")
        )


def _pickle(file: BinaryIO, where: str) -> Content:
    """Return what pickles would do, one after another, be they loaded by pickle or by joblib.

    The two read what lies between a pickle's parts differently, so that a file may be one thing to the one and another to the other.
    """
    plain, arrays = _run(file, joblib=False), _run(file, joblib=True)
    scans = [arrays]
    if plain != arrays:
        # A file of joblib's makes no sense to pickle after its first array. What it seems to import there counts where it could be.
        there = tuple(name for name in plain.imports if _is_there(name))
        scans.append(Scan(there, tuple(name for name in plain.calls if name in there), plain.broken))
    imports = dict.fromkeys(name for scan in scans for name in scan.imports)
    calls = dict.fromkeys(name for scan in scans for name in scan.calls)
    unread = f"its pickle breaks off: {arrays.broken}" if all(scan.broken for scan in scans) else ""
    return Content(where, "a pickle", tuple(imports), tuple(calls), unread=unread)


def _run(file: BinaryIO, *, joblib: bool) -> Scan:
    """Return what the pickles from this place on would do, as one; torch's old files are several, of which the fourth is the model."""
    start = file.tell()
    first = scan = scanned(file, joblib=joblib)
    imports, calls = dict.fromkeys(scan.imports), dict.fromkeys(scan.calls)
    while not scan.broken:
        place = file.tell()
        if not _is_marked(file.read(2)):
            break
        file.seek(place)
        scan = scanned(file, joblib=joblib)
        imports |= dict.fromkeys(scan.imports)
        calls |= dict.fromkeys(scan.calls)
    file.seek(start)
    return Scan(tuple(imports), tuple(calls), first.broken)


def _is_there(name: str) -> bool:
    """Return whether the package of a name is installed; nothing is imported to find out."""
    try:
        return importlib.util.find_spec(name.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return True


def _is_marked(head: bytes) -> bool:
    """Return whether bytes begin as a pickle of protocol 2 or later does."""
    return head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")


def _archive(file: BinaryIO, where: str) -> Iterator[Content]:
    """Yield the parts of an archive that could run code; what is left is tensors, tables and text."""
    try:
        with zipfile.ZipFile(file) as archive:
            parts = [info for info in archive.infolist() if not info.is_dir()]
            if any(info.filename == "schema.json" for info in parts):
                yield _skops(archive, where)
            for info in parts:
                inner, suffix = f"{where}/{info.filename}", Path(info.filename).suffix.lower()
                if info.file_size > MOST:
                    yield Content(inner, "a file", unread="it is larger than 2 GiB")
                elif suffix in (*PICKLED, ".py") or _may_run(archive, info):
                    yield from _read(io.BytesIO(archive.read(info)), inner, suffix)
    except (zipfile.BadZipFile, OSError, RuntimeError, zlib.error) as error:
        yield Content(where, "an archive", unread=str(error) or type(error).__name__)
        return
    yield Content(where, "an archive")


def _may_run(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bool:
    with archive.open(info) as part:
        head = part.read(8)
    return _is_marked(head) or head.startswith((b"\x93NUMPY", b"PK\x03\x04"))


def _skops(archive: zipfile.ZipFile, where: str) -> Content:
    try:
        json.loads(archive.read("schema.json"))
    except ValueError as error:
        return Content(where, "a skops file", unread=f"its schema is no JSON: {error}")
    return Content(where, "a skops file, whose types are asked for before they are made")


def _array(file: BinaryIO, where: str) -> Content:
    """Return what an array in NumPy's format holds: numbers, or a pickle where it is one of objects."""
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        _, _, dtype = read(file)
    except ValueError as error:
        return Content(where, "an array", unread=str(error))
    return _pickle(file, where) if dtype.hasobject else Content(where, "an array of numbers")


def _inflated(file: BinaryIO) -> BinaryIO:
    made, worker = io.BytesIO(), zlib.decompressobj()
    while chunk := file.read(1 << 20):
        while chunk:
            made.write(worker.decompress(chunk, 1 << 24))
            chunk = worker.unconsumed_tail
            if made.tell() > MOST:
                raise ValueError("it is larger than 2 GiB")
    made.seek(0)
    return made


def _copied(file: Any) -> BinaryIO:
    made = io.BytesIO()
    while chunk := file.read(1 << 24):
        made.write(chunk)
        if made.tell() > MOST:
            raise ValueError("it is larger than 2 GiB")
    made.seek(0)
    return made


def _runs(name: str) -> bool:
    return name.startswith(COMMANDS) or name in {
        f"{module}.{each}" for module in ("builtins", "__builtin__") for each in BUILTINS
    }
