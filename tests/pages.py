"""Read a Markdown page as a thing that runs: its blocks in order, in one empty folder, as a reader would type them.

    ```python             runs; the blocks of a page share their names; a block with `>>>` shows what it really prints
    ```console            each line that starts with `$ ` is typed into a shell; the lines below it are what it answers
    ```bash               runs as one script, which has to end well
    anything else         is only shown

A comment on the line above a block says more about it:

    <!-- file: suite.yaml -->      the block is written into the folder under that name, and not run
    <!-- not run: the reason -->   the block is only shown, and the page says why

`...` in shown output stands for any text. A command with no shown output has to answer 0 or 1 (a judgement, either way).
A comment of the form `<!-- before:` … `-->` holds Python that the page needs and a reader does not: it makes the example's files.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Block", "blocks", "run"]

_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_PIECE = re.compile(
    r"""
    ^<!--[ ]before:\n (?P<before>.*?) ^-->$
    |
    (?: ^[ ]*<!--[ ](?P<word>file|not[ ]run):[ ]*(?P<note>.*?)[ ]*-->\n )?
    ^(?P<indent>[ ]*) (?P<fence>```+) (?P<kind>[\w-]*) [^\n]*\n (?P<body>.*?) ^(?P=indent) (?P=fence)$
    """,
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True)
class Block:
    """One block of a page: `kind` is its language, `word` and `note` come from the comment above it."""

    kind: str
    body: str
    line: int
    word: str = ""
    note: str = ""


def blocks(text: str) -> Iterator[Block]:
    for found in _PIECE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        if found["before"] is not None:
            yield Block("before", found["before"], line)
        else:
            body = re.sub(rf"^{found['indent']}", "", found["body"], flags=re.MULTILINE)
            yield Block(found["kind"], body, line, found["word"] or "", found["note"] or "")


def run(text: str, *, name: str, folder: Path) -> int:
    """Run a page in a folder and return how many of its blocks were run; raise AssertionError where it shows an untruth."""
    names: dict[str, Any] = {"__name__": "__main__"}
    ran = 0
    for block in blocks(text):
        place = f"{name}:{block.line}"
        if block.word == "not run":
            assert block.note, f"{place}: say why the block is not run"
        elif block.word == "file":
            (folder / block.note).write_text(block.body, encoding="utf-8")
        elif block.kind in {"python", "before"}:
            _python(block, names, place)
            ran += 1
        elif block.kind == "console":
            _console(block, folder, place)
            ran += 1
        elif block.kind in {"bash", "sh"}:
            _type(f"set -e\n{block.body}", folder, place, answers=(0,))
            ran += 1
    return ran


def _python(block: Block, names: dict[str, Any], place: str) -> None:
    if ">>>" not in block.body:
        exec(compile(block.body, place, "exec"), names)
        return
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=_OPTIONS)
    test = doctest.DocTestParser().get_doctest(block.body, names, place, place, 0)
    runner.run(test, out=said.append, clear_globs=False)
    names.update(test.globs)
    assert runner.failures == 0, "".join(said)


def _console(block: Block, folder: Path, place: str) -> None:
    before, *typed = re.split(r"^\$ ", block.body, flags=re.MULTILINE)
    assert not before.strip(), f"{place}: a console block starts with a command"
    for part in typed:
        command, answer = _split(part)
        said = _type(command, folder, place, answers=range(256) if answer.strip() else (0, 1))
        same = doctest.OutputChecker().check_output(answer, said, _OPTIONS)
        assert same or not answer.strip(), f"{place}: $ {command}\nshown:\n{answer}\nanswered:\n{said}"


def _split(part: str) -> tuple[str, str]:
    # A command goes on where its line ends in a backslash.
    lines = part.splitlines(keepends=True)
    last = next(number for number, line in enumerate(lines) if not line.rstrip().endswith("\\"))
    return "".join(lines[: last + 1]).rstrip(), "".join(lines[last + 1 :])


def _type(script: str, folder: Path, place: str, *, answers: range | tuple[int, ...]) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "120", "NO_COLOR": "1", "HOME": str(folder)}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode in answers, f"{place}: {script}\nanswered {done.returncode}:\n{said}"
    return said
