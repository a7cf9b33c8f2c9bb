"""Count false alarms and power, side by side, on windows cut from real tables.

    python -m bench.alarms --data FOLDER [--windows 200] [--shifted 50] [--sizes 200,1000,5000] [--tools assay,evidently]

Two kinds of clean windows. *Exchangeable*: the rows are shuffled, one half is the reference, windows are drawn from
the other without replacement, so that nothing has drifted and each alarm is false; several references are drawn, for
windows that share one share its luck. *In time*: the reference is the first half of a calm stretch, the windows are
spans that follow; what moves there moves by nature (season, hour, weather), and is reported apart: `assay_history` is
Assay's default told when each row was, so that it learns from the reference's own history what is usual. Shifts of graded
size (`bench/shifts.py`) are put into one column of an exchangeable window, by turns into each that suits.

All tools see the same windows, whichever run they are judged in: they follow from the seed and the options. A peer
runs in an environment of its own (`bench/peers_drift.py`) below the folder that `--peers` or ASSAY_PEERS names. A line
of JSON is kept of each window in `--out`; `python -m bench.alarm_tables FILE …` makes the tables of several runs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from bench.alarm_tables import tables
from bench.datasets import REAL, judged
from bench.shifts import SHIFTS, Shift, about

if TYPE_CHECKING:
    from assay.verdict import Findings

SEED = 20130101
REFERENCE = 20_000  # rows of a reference at most
PER_REFERENCE = 25  # windows that share a reference at most
CHUNKS = 3  # a reference has at least so many times a window's rows
BUILD = Path(__file__).resolve().parent.parent / "build" / "bench"
PEERS = {
    "evidently": "evidently",
    "nannyml": "nannyml",
    "nannyml_quality": "nannyml",
    "alibi": "alibi",
}  # and their environments
Record = dict[str, object]


@dataclass(frozen=True)
class Window:
    """One window as it is judged: a clean one, or a clean one with a shift in one column."""

    name: str
    clean: int
    frame: pl.DataFrame
    shift: Shift | None = None
    column: str = ""


@dataclass(frozen=True)
class Group:
    """Windows of one size that are compared with one reference.

    `times` are all the rows before the windows with their instants, however many, and the instants of each window's rows,
    if they are known.
    """

    dataset: str
    kind: str
    size: int
    number: int
    reference: pl.DataFrame
    clean: tuple[pl.DataFrame, ...]
    shifted: int
    times: tuple[pl.DataFrame, tuple[pl.Series, ...]] | None = None

    @property
    def name(self) -> str:
        """Return what names the group among all of a run."""
        return f"{self.kind}-{self.size}-{self.number}"

    def windows(self) -> Iterator[Window]:
        """Yield the clean windows, then each shift in the first `shifted` of them."""
        for place, frame in enumerate(self.clean):
            yield Window(f"{self.name}-{place}", place, frame)
        facts = {name: about(self.reference[name]) for name in self.reference.columns}
        for kind, shift in enumerate(SHIFTS):
            suited = [name for name, known in facts.items() if shift.suits(known)]
            for place, frame in enumerate(self.clean[: self.shifted] if suited else ()):
                column = suited[(self.number * PER_REFERENCE + place) % len(suited)]
                rng = np.random.default_rng([SEED, self.size, self.number, place, kind])
                values = shift.into(frame[column], facts[column], rng)
                yield Window(f"{self.name}-{place}-{kind}", place, frame.with_columns(values), shift, column)


@dataclass(frozen=True)
class Plan:
    """How much is cut from each table."""

    windows: int
    shifted: int
    sizes: tuple[int, ...]
    reference: int


def exchangeable(dataset: str, table: pl.DataFrame, size: int, plan: Plan) -> Iterator[Group]:
    """Yield groups of windows from shuffled rows; none where the table is too small for the size."""
    rows = min(plan.reference, table.height // 2)
    each = min((table.height - rows) // size, PER_REFERENCE)
    if each < 1 or rows < CHUNKS * size:
        return
    cut = shifted = number = 0
    while cut < plan.windows:
        rng = np.random.default_rng([SEED, sorted(REAL).index(dataset), size, number])
        mixed = table[rng.permutation(table.height)]
        take = min(each, plan.windows - cut)
        clean = tuple(mixed.slice(rows + place * size, size) for place in range(take))
        share = min(take, plan.shifted - shifted)
        yield Group(dataset, "exchangeable", size, number, mixed.head(rows), clean, share)
        cut, shifted, number = cut + take, shifted + share, number + 1


def in_time(dataset: str, stretch: pl.DataFrame, size: int, plan: Plan) -> Iterator[Group]:
    """Yield one group: the first half of a stretch, and spans of the second at even distances."""
    half = stretch.height // 2
    reference = stretch.head(half).tail(plan.reference)
    has_time = "_time" in stretch.columns
    spans = (stretch.height - half) // size
    if spans < 1 or reference.height < CHUNKS * size:
        return
    chosen = np.unique(np.linspace(0, spans - 1, min(spans, plan.windows)).round().astype(int))
    clean = tuple(stretch.slice(half + int(span) * size, size) for span in chosen)
    history = stretch.head(half)
    known = judged(history).with_columns(history["_time"]) if has_time else history
    times = (known, tuple(frame["_time"] for frame in clean)) if has_time else None
    yield Group(dataset, "in time", size, 0, judged(reference), tuple(map(judged, clean)), 0, times)


def groups(dataset: str, folder: Path, plan: Plan) -> Iterator[Group]:
    """Yield all groups of a table, of both kinds and all sizes."""
    real = REAL[dataset]
    frame = real.read(folder)
    for size in plan.sizes:
        yield from exchangeable(dataset, judged(frame), size, plan)
        yield from in_time(dataset, frame.filter(real.calm), size, plan)


Judge = Callable[[Window], dict[str, list[str]]]


def record(tool: str, group: Group, window: Window, *, alarmed: list[str], **more: object) -> Record:
    """Return what is kept of a tool's judgement of a window."""
    shift = {} if window.shift is None else {"shift": window.shift.name, "column": window.column}
    return {
        "tool": tool, "dataset": group.dataset, "kind": group.kind, "size": group.size, "window": window.name,
        "reference": group.reference.height, "columns": group.reference.width, "alarmed": alarmed, **shift, **more,
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------ Assay, in this process


def assay_default(group: Group) -> Judge | None:
    """Return what judges a window by Assay's default."""
    return by_profile(group, "default")


def assay_classic(group: Group) -> Judge | None:
    """Return what judges a window by Assay's preset `classic`."""
    return by_profile(group, "classic")


def assay_history(group: Group) -> Judge | None:
    """Return what judges a window by Assay's default, told when all rows before were; None where nobody knows."""
    from assay.api import dataset, drift
    from assay.data.dataset import Roles

    if group.times is None:
        return None
    told = Roles(time="_time")
    history, spans = group.times
    reference = dataset(history, roles=told)
    return lambda window: split(drift(reference, dataset(window.frame.with_columns(spans[window.clean]), roles=told)))


def by_profile(group: Group, preset: str) -> Judge:
    """Return what judges a window by a preset; the reference's profile is made once."""
    from assay.api import drift, profile

    reference = profile(group.reference)
    return lambda window: split(drift(reference, window.frame, preset=preset))


def split(findings: Findings) -> dict[str, list[str]]:
    """Return the columns that drifted, of the others those that could not be judged, and the checks that failed."""
    from assay.verdict import Verdict

    outcomes = [outcome for outcome in findings.outcomes if not outcome.subject.startswith("_")]
    odd = [outcome for outcome in outcomes if outcome.verdict is Verdict.ERROR]
    assert not odd, odd
    failed, undecided = ([o for o in outcomes if o.verdict is v] for v in (Verdict.FAIL, Verdict.INCONCLUSIVE))
    alarmed = {outcome.subject for outcome in failed}
    return {
        "alarmed": sorted(alarmed),
        "undecided": sorted({outcome.subject for outcome in undecided} - alarmed),
        "checks": [f"{outcome.check} of {outcome.subject}" for outcome in failed],
    }


OURS = {"assay": assay_default, "assay_classic": assay_classic, "assay_history": assay_history}


def run_ours(tool: str, group: Group) -> Iterator[Record]:
    """Yield the records of a group; none where the tool has no use for it."""
    judge = OURS[tool](group)
    for window in group.windows() if judge is not None else ():
        assert judge is not None
        yield record(tool, group, window, **judge(window))


# --------------------------------------------------------------------------------------- peers, each in its own process


def lay_out(group: Group, folder: Path) -> list[dict[str, object]]:
    """Write a group's files and return its jobs: all columns of the clean windows, of the shifted ones the shifted."""
    group.reference.write_parquet(folder / f"{group.name}.parquet")
    stacks: dict[str, list[Window]] = {}
    for window in group.windows():
        stacks.setdefault(window.column, []).append(window)
    jobs = []
    for number, (column, windows) in enumerate(stacks.items()):
        file = f"{group.name}-stack-{number}.parquet"
        frames = [window.frame.select(column) if column else window.frame for window in windows]
        pl.concat(frames, how="vertical_relaxed").write_parquet(folder / file)
        names = [window.name for window in windows]
        jobs.append({"reference": f"{group.name}.parquet", "stack": file, "size": group.size, "windows": names})
    return jobs


def run_peer(tool: str, folder: Path, home: Path, limit: float) -> dict[str, dict[str, tuple[float, bool]]]:
    """Run a peer over a folder; return, by the name of the window, each column's score and whether it alarmed."""
    python = home / PEERS[tool] / "bin" / "python"
    script = Path(__file__).with_name("peers_drift.py")
    command = [str(python), str(script), tool, str(folder), "--limit", str(limit)]
    done = subprocess.run(command, stdout=sys.stderr, check=False)
    if done.returncode:
        print(f"{tool} ended with {done.returncode}: what it judged before is counted", file=sys.stderr)
    lines = (folder / f"{tool}.jsonl").read_text().splitlines()
    return {line["window"]: line["columns"] for line in map(json.loads, lines)}


def of_peer(tool: str, group: Group, said: dict[str, dict[str, tuple[float, bool]]]) -> Iterator[Record]:
    """Yield the records of a group; a shifted window's other columns are judged as in the clean one: none is corrected."""
    for window in group.windows():
        clean, own = said.get(f"{group.name}-{window.clean}"), said.get(window.name)
        if clean is None or own is None:
            continue
        verdicts = {**clean, **own}
        alarmed = sorted(name for name, (_, drifted) in verdicts.items() if drifted)
        most = max(score for score, _ in verdicts.values())
        mine = own[window.column][0] if window.column in own else None
        yield record(tool, group, window, alarmed=alarmed, most=most, own=mine)


# ------------------------------------------------------------------------------------------------------------- the whole


def run(dataset: str, folder: Path, plan: Plan, tools: list[str], peers: Path, limit: float) -> Iterator[Record]:
    """Yield the records of all tools on one table."""
    work = BUILD / "alarms" / dataset
    asked = [tool for tool in tools if tool in PEERS]
    if asked:
        work.mkdir(parents=True, exist_ok=True)
        for old in work.iterdir():
            old.unlink()
    jobs: list[dict[str, object]] = []
    for group in groups(dataset, folder, plan):
        for tool in (tool for tool in tools if tool in OURS):
            yield from run_ours(tool, group)
        if asked:
            jobs += lay_out(group, work)
    if asked:
        (work / "jobs.json").write_text(json.dumps(jobs))
    for tool in asked:
        begun = time.monotonic()
        said = run_peer(tool, work, peers, limit)
        print(f"  {dataset} {tool}: {len(said)} windows, {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        for group in groups(dataset, folder, plan):
            yield from of_peer(tool, group, said)


def main() -> None:
    """Count what is asked for, keep the records, print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.alarms")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the real tables")
    parser.add_argument("--windows", type=int, default=200, help="clean windows of each table and size")
    parser.add_argument("--shifted", type=int, default=50, help="of them, windows that each shift is put into")
    parser.add_argument("--sizes", default="200,1000,5000")
    parser.add_argument("--tools", default=",".join([*OURS, *PEERS]))
    parser.add_argument("--datasets", default=",".join(REAL))
    parser.add_argument("--reference", type=int, default=REFERENCE, help="rows of a reference at most")
    parser.add_argument("--peers", type=Path, default=Path(os.environ.get("ASSAY_PEERS", BUILD / "peers")))
    parser.add_argument("--limit", type=float, default=3600, help="seconds for one peer on one table")
    parser.add_argument("--out", type=Path, default=BUILD / "alarms.jsonl")
    told = parser.parse_args()
    plan = Plan(told.windows, told.shifted, tuple(int(size) for size in told.sizes.split(",")), told.reference)
    tools = told.tools.split(",")
    unknown = set(tools) - set(OURS) - set(PEERS)
    if unknown:
        parser.error(f"--tools has {', '.join(sorted(unknown))}; there are {', '.join([*OURS, *PEERS])}")
    records: list[Record] = []
    told.out.parent.mkdir(parents=True, exist_ok=True)
    with open(told.out, "w", encoding="utf-8") as out:
        for dataset in told.datasets.split(","):
            for line in run(dataset, told.data, plan, tools, told.peers, told.limit):
                records.append(line)
                out.write(json.dumps(line) + "\n")
            out.flush()
    print(tables(records))


if __name__ == "__main__":
    main()
