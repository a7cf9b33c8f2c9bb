"""A script as what must notice: how what it says and how it ends is read."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from assay.errors import UsageError
from assay.testing.faults.command import Script, judged_by, written
from assay.testing.faults.fault import Caught, Fault

FRAME = pl.DataFrame({"age": [31, 44, 130], "tags": [["a"], [], ["b", "c"]]})
FAULT = Fault("unit_change", "age", 100.0)


def script(folder: Path, body: str, **told: object) -> Script:
    (folder / "judge.py").write_text(body, encoding="utf-8")
    return Script(f"{sys.executable} {folder / 'judge.py'} {{data}}", folder=folder, **told)  # type: ignore[arg-type]


def judged(folder: Path, body: str, **told: object) -> tuple[Caught, str]:
    attempt, _ = judged_by(script(folder, body, **told), FRAME, FAULT, path=folder / "data.parquet")
    return attempt.caught, attempt.why


def test_an_assertion_of_the_script_is_a_catch(tmp_path: Path) -> None:
    assert judged(tmp_path, "assert False, 'age is out of range'") == (
        Caught.ASSERTION,
        "AssertionError: age is out of range",
    )


def test_another_error_is_a_crash_and_no_catch(tmp_path: Path) -> None:
    caught, why = judged(tmp_path, "{}['age']")
    assert (caught, why) == (Caught.CRASH, "KeyError: 'age'")
    assert not caught.counts


def test_a_code_other_than_0_without_a_traceback_is_a_catch(tmp_path: Path) -> None:
    assert judged(tmp_path, "print('rejected: age'); raise SystemExit(1)") == (Caught.ASSERTION, "rejected: age")


def test_a_script_that_says_nothing_lets_the_fault_survive(tmp_path: Path) -> None:
    assert judged(tmp_path, "print('ok')") == (Caught.SURVIVED, "")


def test_a_warning_that_clean_data_does_not_bring_is_a_warning(tmp_path: Path) -> None:
    body = "print('WARNING: drift of age, p=0.0001')"
    assert judged(tmp_path, body) == (Caught.WARNING, "WARNING: drift of age, p=0.0001")
    assert not Caught.WARNING.counts


def test_a_warning_that_clean_data_brings_too_says_nothing(tmp_path: Path) -> None:
    body = "print('WARNING: drift of age, p=0.0001')"
    _, said = judged_by(
        script(tmp_path, "print('WARNING: drift of age, p=0.73')"), FRAME, None, path=tmp_path / "data.parquet"
    )
    assert judged(tmp_path, body, said=said) == (Caught.SURVIVED, "")


def test_a_script_that_does_not_end_has_crashed(tmp_path: Path) -> None:
    assert judged(tmp_path, "while True: pass", limit=0.5) == (Caught.CRASH, "it did not end within 0.5 s")


def test_the_script_is_given_the_changed_data(tmp_path: Path) -> None:
    body = (
        "import sys, polars; frame = polars.read_parquet(sys.argv[1]); raise SystemExit(int(frame['age'].max() != 130))"
    )
    assert judged(tmp_path, body) == (Caught.SURVIVED, "")


def test_a_command_without_a_place_for_the_data_is_refused() -> None:
    with pytest.raises(UsageError, match=r"is given no data; write \{data\} where the file's path goes"):
        Script("python validate.py")


def test_a_command_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'no-such-program' cannot be started"):
        judged_by(Script("no-such-program {data}"), FRAME, None, path=tmp_path / "x.parquet")


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".json", ".arrow", ".feather", ".ndjson"])
def test_a_frame_is_written_in_the_format_of_its_suffix(tmp_path: Path, suffix: str) -> None:
    from assay.data.sources import dataset

    written(FRAME, tmp_path / f"x{suffix}")
    assert dataset(tmp_path / f"x{suffix}").scan().collect()["age"].to_list() == [31, 44, 130]


def test_a_list_is_written_to_csv_as_its_text(tmp_path: Path) -> None:
    written(FRAME, tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text(encoding="utf-8").splitlines()[1] == "31,['a']"


def test_a_suffix_of_no_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"data cannot be written as \.xlsx"):
        written(FRAME, tmp_path / "x.xlsx")


def test_a_late_command_ends_with_all_that_it_started(tmp_path: Path) -> None:
    (tmp_path / "inner.py").write_text(
        "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(600)\n",
        encoding="utf-8",
    )
    script = Script(f"sh -c '{sys.executable} inner.py; true' {{data}}", ".csv", tmp_path, limit=1.5)
    attempt, _ = judged_by(script, pl.DataFrame({"a": [1]}), None, path=tmp_path / "x.csv")
    assert attempt.caught is Caught.CRASH
    inner = int((tmp_path / "pid").read_text(encoding="utf-8"))
    ended = False
    until = time.monotonic() + 10
    while not ended and time.monotonic() < until:  # a signal takes its time
        ended = not _is_running(inner)
    assert ended


def _is_running(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    if Path("/proc").is_dir():
        return stat.is_file() and stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_command_with_an_open_quote_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no closing quotation"):
        judged_by(Script("x '{data}", ".csv"), pl.DataFrame({"a": [1]}), None, path=tmp_path / "x.csv")
