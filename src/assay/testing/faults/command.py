"""A team's own script as what must notice: each fault is written to a file, and the script is run on it."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from assay.errors import UsageError
from assay.testing.faults.fault import Attempt, Caught, Fault

__all__ = ["PLACE", "Script", "end_group", "judged_by", "written"]

PLACE = "{data}"
_WARNS = re.compile(r"\b(warn|warning|alert|alarm|drift|anomal\w*|suspicious)\b", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?\d[\d.,:eE+-]*")
_TRACEBACK = "Traceback (most recent call last):"


@dataclass(frozen=True)
class Script:
    """A command with `{data}` where the file goes, the suffix of that file, the folder it runs in, and its time limit in seconds.

    `said` are the lines that it says of clean data, numbers left out: what it says of those is no warning.
    """

    command: str
    suffix: str = ".parquet"
    folder: Path = Path()
    limit: float = 60.0
    said: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if PLACE not in self.command:
            raise UsageError(
                f"the command {self.command!r} is given no data", hint=f"write {PLACE} where the file's path goes"
            )


def judged_by(
    script: Script, frame: pl.DataFrame, fault: Fault | None, *, path: Path
) -> tuple[Attempt, frozenset[str]]:
    """Return what a script makes of a frame that is written to `path`, and the lines that it said, numbers left out.

    It caught the fault where it ended with another code than 0: by an assertion, or with no traceback of Python at all. Another
    error is a crash. Code 0 with a line that warns, which clean data does not bring, is a warning; else the fault survived.
    A script that runs longer than its limit has crashed.

    Raises UsageError where the command cannot be started, or the suffix is of no format that can be written.
    """
    written(frame, path)
    command = [part.replace(PLACE, str(path.resolve())) for part in _words(script.command)]
    start = time.perf_counter()
    try:
        ended = _ran(command, script)
    except subprocess.TimeoutExpired:
        took = time.perf_counter() - start
        why = f"it did not end within {script.limit:g} s"
        return Attempt(
            fault, Caught.CRASH, why=why, ran=1, seconds=took, runner="command", by=(script.command,)
        ), frozenset()
    except OSError as error:
        raise UsageError(
            f"the command {command[0]!r} cannot be started: {error.strerror}", hint="give a program that is there"
        ) from None
    took = time.perf_counter() - start
    caught, why = _read(ended, script.said)
    by = (script.command,) if caught is not Caught.SURVIVED else ()
    first = 0 if caught.counts else None
    attempt = Attempt(fault, caught, by=by, why=why, first=first, ran=1, seconds=took, runner="command")
    return attempt, frozenset(_bare(line) for line in _lines(ended))


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise UsageError(
            f"the command {command!r} cannot be read: {str(error).lower()}", hint="close what is quoted"
        ) from None


def _ran(command: Sequence[str], script: Script) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; what it started ends with it where it is late, or where this process is stopped."""
    with subprocess.Popen(  # noqa: S603 - the command is the person's own
        command, cwd=script.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        errors="replace", start_new_session=True,
    ) as process:  # fmt: skip
        try:
            out, err = process.communicate(timeout=script.limit)
        finally:
            end_group(process)
        return subprocess.CompletedProcess(command, process.returncode, out, err)


def end_group(process: subprocess.Popen[Any]) -> None:
    """End a process that was started in a session of its own, and all that it has started and left behind."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (AttributeError, OSError):  # a system without groups of processes; or all have ended
        process.kill()


def written(frame: pl.DataFrame, path: Path) -> None:
    """Write a frame in the format that the path's suffix names; raise UsageError where it names none.

    A column that the format cannot hold (a list in CSV) is written as text.
    """
    suffix = path.suffix.lower()
    if suffix not in _WRITERS:
        raise UsageError(
            f"data cannot be written as {suffix or 'a file without a suffix'}",
            hint=f"one of {', '.join(sorted(_WRITERS))}",
        )
    _WRITERS[suffix](frame, path)


def _read(ended: subprocess.CompletedProcess[str], said: frozenset[str]) -> tuple[Caught, str]:
    lines = _lines(ended)
    if ended.returncode == 0:
        new = [line for line in lines if _WARNS.search(line) and _bare(line) not in said]
        return (Caught.WARNING, new[0]) if new else (Caught.SURVIVED, "")
    last = lines[-1] if lines else f"it ended with code {ended.returncode}"
    if ended.returncode < 0:
        return Caught.CRASH, f"it was ended by signal {-ended.returncode}"
    if _TRACEBACK not in ended.stderr:
        return Caught.ASSERTION, last
    raised = next(
        (line for line in reversed(ended.stderr.splitlines()) if line and not line.startswith((" ", "\t"))), last
    )
    named = raised.partition(":")[0].rpartition(".")[2]
    return (Caught.ASSERTION if named in ("AssertionError", "ContractBroken") else Caught.CRASH), raised


def _lines(ended: subprocess.CompletedProcess[str]) -> list[str]:
    return [line.strip() for line in (*ended.stdout.splitlines(), *ended.stderr.splitlines()) if line.strip()]


def _bare(line: str) -> str:
    """Return a line without its numbers, by which a line of one run is known again in another."""
    return _NUMBER.sub("#", line)


def _write_csv(frame: pl.DataFrame, path: Path) -> None:
    nested = [name for name, dtype in frame.schema.items() if dtype.is_nested() or dtype == pl.Binary]
    texts = frame.with_columns(
        pl.Series(name, [None if v is None else str(v) for v in frame[name].to_list()], dtype=pl.String)
        for name in nested
    )
    texts.write_csv(path, separator="\t" if path.suffix.lower() == ".tsv" else ",")


_WRITERS: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    ".parquet": pl.DataFrame.write_parquet,
    ".csv": _write_csv,
    ".tsv": _write_csv,
    ".jsonl": pl.DataFrame.write_ndjson,
    ".ndjson": pl.DataFrame.write_ndjson,
    ".json": pl.DataFrame.write_json,
    ".arrow": pl.DataFrame.write_ipc,
    ".feather": pl.DataFrame.write_ipc,
}
