"""Baselines beside tests: what a value was, kept in a file, and how it differs now."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assay.codec import atomic, read_text
from assay.errors import UsageError, nearest
from assay.testing.contract import ContractBroken
from assay.testing.plugin.differences import Tolerance, compared
from assay.testing.plugin.snapshots import Snapshot, parsed, snapshot, written
from assay.testing.record import noted
from assay.verdict import Example, Outcome, Verdict

__all__ = ["FAMILY", "Baseline"]

FAMILY = "baseline"
_NAME = re.compile(r"[^\w.\-]+")


@dataclass
class Baseline:
    """Compare values with what files beside the test keep of them; see the fixture `assay_baseline`.

    `folder` holds the files of the test's module, `test` is the name of the test in pytest. With `update` the files are written.
    """

    folder: Path
    test: str
    update: bool = False
    _times: dict[str, int] = field(default_factory=dict, repr=False)

    def __call__(
        self, value: object, *, name: str = "", rtol: float = 1e-6, atol: float = 1e-9,
        within: Mapping[str, float] | None = None, key: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Raise ContractBroken (an AssertionError), which shows the cells that differ, unless the value is its baseline.

        Numbers may differ by atol + rtol |baseline|, or by what `within` gives for their column, or for their name in a dict;
        everything else has to be equal, dtypes and the order of columns too. `key` names the columns by which rows are told
        apart; without it, by their place. `name` tells several baselines of one test apart (default: their order).

        Raises UsageError where the value cannot be kept, or where `within` or `key` names what is not there.
        """
        __tracebackhide__ = True
        file = self._file(name)
        taken = snapshot(value)
        _refuse_unknown(taken, within or {}, key)
        outcome = self._judged(file, taken, Tolerance(rtol, atol, within or {}), tuple(key))
        told = noted(outcome)
        if not told:
            raise ContractBroken([outcome])

    def _judged(self, file: Path, taken: Snapshot, tolerance: Tolerance, key: tuple[str, ...]) -> Outcome:
        shown = os.path.relpath(file).replace(os.sep, "/")
        before = parsed(read_text(file), file=shown) if file.exists() else None
        if before is None:
            if self.update:
                return self._write(file, taken, f"{shown} is new")
            why = f"there is no {shown} yet"
            return self._outcome(
                Verdict.INCONCLUSIVE, why, note="look at the value, then run the test with --assay-update"
            )
        told = compared(before, taken, tolerance, key=key)
        if told is None:
            return self._outcome(Verdict.PASS, f"all {_cells(taken)} are as in {shown}")
        why, examples, cells = told
        if self.update:
            return self._write(file, taken, f"{shown} was written anew: {why}", examples)
        note = "if that is meant, run the test with --assay-update"
        return self._outcome(Verdict.FAIL, f"{why}, by {shown}", note=note, examples=examples, n_failing=cells)

    def _write(self, file: Path, taken: Snapshot, why: str, examples: Sequence[Example] = ()) -> Outcome:
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic(file) as stream:
            stream.write(written(taken))
        return self._outcome(Verdict.WARN, why, examples=examples)

    def _outcome(
        self,
        verdict: Verdict,
        why: str,
        *,
        note: str = "",
        examples: Sequence[Example] = (),
        n_failing: int | None = None,
    ) -> Outcome:
        return Outcome(
            "baseline",
            self.test,
            verdict,
            why=why,
            note=note,
            examples=tuple(examples),
            n_failing=n_failing,
            family=FAMILY,
        )

    def _file(self, name: str) -> Path:
        """Return the file of the next baseline of the test: named by the test, and by its name or its place in the test."""
        test = self.test.partition("::")[2].replace("::", ".")
        self._times[name] = times = self._times.get(name, 0) + 1
        if name and times > 1:
            raise UsageError(f"{self.test}: two baselines are called {name!r}", hint="give each a name of its own")
        part = f".{name}" if name else f".{times}" if times > 1 else ""
        safe = _NAME.sub("-", f"{test}{part}")
        # Names that only differ in what a file's name cannot hold, or are too long for one, are told apart by a digest.
        if safe != f"{test}{part}" or len(safe) > 120:
            safe = f"{safe[:120].rstrip('-')}-{zlib.crc32(f'{test}{part}'.encode()):08x}"
        return self.folder / f"{safe}.json"


def _refuse_unknown(taken: Snapshot, within: Mapping[str, float], key: Sequence[str]) -> None:
    known = list(taken.columns) if taken.shape == "frame" else [str(path) for path, _ in taken.rows]
    for what, names in (("within", within), ("key", key)):
        for name in names:
            if name not in known:
                raise UsageError(f"{what}: there is no {name!r}", hint=nearest(name, known))
    if key and taken.shape != "frame":
        raise UsageError("key= is for frames", hint="leave it out: what is in this value is told apart by its path")


def _cells(taken: Snapshot) -> str:
    if taken.shape == "value":
        return f"{len(taken.rows)} values"
    return f"{len(taken.rows)} rows of {len(taken.columns)} columns"
