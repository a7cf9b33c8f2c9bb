"""Files that run nothing, and files that do, however well they hide it."""

from __future__ import annotations

import bz2
import collections
import datetime as dt
import gzip
import io
import json
import lzma
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io

from assay.errors import UsageError
from assay.testing.explaining import explained
from assay.testing.models.declared import model
from assay.testing.models.loading import contents, is_known, safe_to_load
from assay.testing.models.pickles import scanned
from assay.verdict import Outcome, Verdict
from testing.models.zoo import CHURN, COLUMNS, logistic


class Evil:
    """What runs a command when it is unpickled."""

    def __init__(self, function: Any = os.system, *args: Any) -> None:
        self.function, self.args = function, args or ("exit 0",)

    def __reduce__(self) -> Any:
        return self.function, self.args


def judged(path: Path, content: bytes | None = None, **declared: Any) -> Outcome:
    if content is not None:
        path.write_bytes(content)
    return safe_to_load(model(path, **declared))


def test_a_pickle_of_scikit_learn_is_known(tmp_path: Path):
    outcome = judged(tmp_path / "m.pkl", pickle.dumps(logistic()))

    assert outcome.verdict is Verdict.PASS
    assert "its 7 names are known ones" in outcome.why or "known ones" in outcome.why


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)])
def test_what_joblib_writes_is_read_through_its_arrays(tmp_path: Path, compress: Any):
    path = tmp_path / "m.joblib"
    joblib.dump(
        {"model": logistic(), "rows": CHURN[COLUMNS].to_numpy(), "names": np.array(COLUMNS, dtype=object)},
        path,
        compress=compress,
    )

    assert judged(path).verdict is Verdict.PASS

    joblib.dump([np.arange(1000.0), np.array([Evil()], dtype=object), logistic()], path, compress=compress)
    assert "import and call posix.system, which runs commands or code" in explained(judged(path))


def test_a_model_that_is_nobodys_is_named_until_it_is_trusted(tmp_path: Path):
    path = tmp_path / "m.pkl"
    content = pickle.dumps(collections.Counter).replace(b"collections", b"my_packages").replace(b"Counter", b"Ranking")

    outcome = judged(path, content)

    assert outcome.verdict is Verdict.FAIL
    assert "to load m.pkl is to import my_packages.Ranking" in outcome.why
    assert judged(path, trusted="my_packages")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_command_is_found_in_every_protocol_and_not_run(tmp_path: Path, protocol: int):
    mark = tmp_path / "was-run"

    outcome = judged(tmp_path / "m.pkl", pickle.dumps([1, Evil(os.system, f"touch {mark}")], protocol=protocol))

    assert outcome.verdict is Verdict.FAIL
    assert "posix.system" in outcome.why
    assert not mark.exists()


def _hidden() -> dict[str, tuple[str, bytes]]:
    """Return files in which a command hides: the file's name, and its bytes."""
    evil = pickle.dumps(Evil(), protocol=4)
    array = io.BytesIO()
    np.save(array, np.array([Evil()], dtype=object), allow_pickle=True)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("archive/data.pkl", evil)
        file.writestr("archive/data/0", b"\x00" * 64)
    return {
        "cut off after the call": ("m.pkl", evil[:-1]),
        "named as tensors": ("m.safetensors", evil),
        "named as a graph": ("m.onnx", evil),
        "gzip": ("m.pkl", gzip.compress(evil)),
        "bz2": ("m.pkl", bz2.compress(evil)),
        "lzma": ("m.pkl", lzma.compress(evil)),
        "an array of objects": ("m.npy", array.getvalue()),
        "torch's archive": ("m.pt", archive.getvalue()),
        "an archive in an archive": ("m.skops", _zipped("inner.zip", archive.getvalue())),
        "the second pickle": ("m.pt", pickle.dumps(1) + evil),
        "no mark of a pickle": ("m.weights", pickle.dumps(Evil(), protocol=0)),
        "names from the memo": ("m.pkl", _memo()),
        "by eval": ("m.pkl", pickle.dumps(Evil(eval, "1"))),
        "a registered number": ("m.pkl", b"\x80\x02\x82\x07."),
    }


def _text(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


def _memo() -> bytes:
    """Return a pickle that keeps the names of posix.system in its memo, in the wrong order, and takes them out again."""
    return (
        b"\x80\x04"
        + _text("system")
        + b"\x94"
        + b"0"
        + _text("posix")
        + b"\x94"
        + b"0"
        + b"h\x01"
        + b"h\x00"
        + b"\x93"
        + b"."
    )


def _zipped(name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("schema.json", json.dumps({}))
        file.writestr(name, content)
    return made.getvalue()


@pytest.mark.parametrize("where", _hidden())
def test_a_command_is_found_wherever_it_hides(tmp_path: Path, where: str):
    name, content = _hidden()[where]

    assert judged(tmp_path / name, content).verdict is Verdict.FAIL


def test_a_command_between_an_array_and_its_bytes_is_found_for_both_readers(tmp_path: Path):
    # joblib passes over the array's bytes, and pickle does not: what one reader skips, the other runs.
    path = tmp_path / "m.joblib"
    joblib.dump(np.frombuffer(pickle.dumps(Evil(), protocol=2).ljust(256, b"."), dtype=np.uint8), path)
    content = path.read_bytes()
    start = content.index(b"\x80\x02")
    path.write_bytes(content[: content.rindex(b"b", 0, start) + 1] + content[start:])

    assert judged(path).verdict is not Verdict.PASS


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.onnx", b"\x08\x07\x12\x08skl2onnx"),
        ("m.safetensors", struct.pack("<Q", 2) + b"{}"),
        ("m.json", b'{"learner": {}}'),
        ("m.txt", b"tree\nversion=v4\n"),
        ("m.cbm", b"CBM1"),
        ("m.ubj", b"{L\x00"),
    ],
)
def test_formats_without_code_are_fine(tmp_path: Path, name: str, content: bytes):
    assert judged(tmp_path / name, content).verdict is Verdict.PASS


def test_skops_asks_before_it_makes_a_type(tmp_path: Path):
    skops.io.dump(logistic(), tmp_path / "m.skops")

    assert "whose types are asked for before they are made" in judged(tmp_path / "m.skops").why


def test_python_code_beside_a_model_is_code(tmp_path: Path):
    folder = tmp_path / "model"
    (folder / "code").mkdir(parents=True)
    (folder / "MLmodel").write_text("flavors: {}")
    (folder / "model.pkl").write_bytes(pickle.dumps(logistic()))
    assert safe_to_load(model(folder)).verdict is Verdict.PASS

    (folder / "code" / "loader.py").write_text("import os")

    assert "to load it is to run the Python code in loader.py" in explained(safe_to_load(model(folder)))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("m.pkl", b"\x80\x04nonsense", "its pickle breaks off"),
        ("m.pkl", b"", "its pickle breaks off"),
        ("m.weights", b"\x01\x02\x03", ".weights is not known"),
        ("m.joblib", gzip.compress(b"x" * 100, mtime=0)[:20], "cannot be read"),
        ("m.skops", b"PK\x03\x04broken", "cannot be read"),
        ("m.joblib", b"\x04\x22\x4d\x18....", "LZ4"),
    ],
)
def test_what_cannot_be_read_is_not_called_safe(tmp_path: Path, name: str, content: bytes, said: str):
    outcome = judged(tmp_path / name, content)

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert said in outcome.why


def test_a_pickle_that_would_hash_for_ever_is_scanned_at_once():
    nested: Any = ()
    for _ in range(60):
        nested = (nested, nested)  # 2^60 leaves, to a hash
    program = pickle.dumps(nested, protocol=4)[:-1]

    assert scanned(io.BytesIO(b"\x80\x04}" + program[2:] + b"K\x01s.")).broken == ""


def test_a_promise_of_room_is_not_taken():
    assert scanned(io.BytesIO(b"\x80\x05\x96" + struct.pack("<Q", 1 << 60) + b"abc.")).broken != ""


def test_plain_values_are_known(tmp_path: Path):
    values = [
        dt.date(2026, 1, 1),
        {1, 2},
        collections.OrderedDict(a=1),
        np.float64(1),
        np.random.default_rng(0),
        1 + 2j,
        slice(3),
    ]

    assert judged(tmp_path / "v.pkl", pickle.dumps(values)).verdict is Verdict.PASS


@pytest.mark.parametrize(
    "name",
    [
        "sklearn.utils._testing.SkipTest", "sklearn.datasets._base.Bunch", "pandas.io.pickle.Unpickler", "numpy.f2py.crackfortran.x",
        "sklearn.svm.SVC.fit", "functools.reduce", "builtins.getattr", "torch.hub.load", "operator.methodcaller", "joblib.load",
    ],
)  # fmt: skip
def test_names_that_could_run_code_are_not_known(name: str):
    assert not is_known(name)


def test_a_trusted_package_is_not_every_package_of_that_beginning():
    assert is_known("mine.models.Churn", ["mine"])
    assert not is_known("mine_too.Churn", ["mine"])


def test_a_file_that_is_not_there_is_said(tmp_path: Path):
    with pytest.raises(UsageError, match="is not there"):
        safe_to_load(model(tmp_path / "no.pkl"))


def test_the_model_is_not_opened_to_be_judged(tmp_path: Path):
    assert [part.imports for part in contents(_written(tmp_path, pickle.dumps(Evil())))] == [("posix.system",)]


def _written(folder: Path, content: bytes) -> Path:
    path = folder / "m.pkl"
    path.write_bytes(content)
    return path


@pytest.mark.real_part("torch")
def test_files_of_torch(tmp_path: Path):
    import torch

    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.BatchNorm1d(4))
    torch.save(net, tmp_path / "net.pt")
    torch.save(net.state_dict(), tmp_path / "state.pt")
    torch.save(net.state_dict(), tmp_path / "old.pt", _use_new_zipfile_serialization=False)

    assert [judged(tmp_path / name).verdict.value for name in ("net.pt", "state.pt", "old.pt")] == ["pass"] * 3

    torch.save({"net": net, "evil": Evil()}, tmp_path / "evil.pt")
    torch.save([Evil()], tmp_path / "old_evil.pt", _use_new_zipfile_serialization=False)
    assert "posix.system" in judged(tmp_path / "evil.pt").why
    assert "posix.system" in judged(tmp_path / "old_evil.pt").why
