"""Run every task of a suite on every size, in turn, and print a table of ratios.

    python -m bench [checks] [--sizes 1k,100k,5m] [--rounds 3]
    python -m bench drift [--sizes 100k,5m] [--rounds 3] [--peers FOLDER]

A figure is a whole process: imports, reading, work. Each round runs all tasks once, one after another, so that a
machine that grows slower grows slower for all; the ratio is to the bare decode of the same round, the median over rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(os.environ.get("ASSAY_BENCH", Path(__file__).resolve().parent.parent / "build" / "bench"))
ROWS = {"1k": 1_000, "100k": 100_000, "1m": 1_000_000, "5m": 5_000_000}


@dataclass(frozen=True)
class Suite:
    """What is measured together: the module and its tasks, the parts of the data, and what is told of the slow tasks.

    `homes` are the tasks that run in an environment of their own, below the folder of the peers; `prepare` is a task
    that is run once a size, before any is measured; `said` shows in the table what a task printed.
    """

    module: str
    tasks: tuple[str, ...]
    parts: tuple[str, ...]
    sizes: str
    slow: frozenset[str]
    title: str = "{:,} rows x 20 columns"
    homes: frozenset[str] = frozenset()
    prepare: str = ""
    said: frozenset[str] = frozenset()
    own_data: bool = False
    replicates: int = 0


SUITES = {
    "checks": Suite(
        "bench.tasks",
        (
            "decode", "assay_check", "assay_check_command", "assay_profile", "polars_check", "polars_profile", "duckdb_check", "duckdb_profile",
            "pandas_profile", "pandera_check", "dataframely_check", "gx_check", "pointblank_check",
        ),
        parts=("rows",),
        sizes="1k,100k,5m",
        slow=frozenset({"pandas_profile", "gx_check", "pointblank_check", "polars_profile", "duckdb_profile"}),
    ),
    "drift": Suite(
        "bench.drift_tasks",
        (
            "decode", "assay_drift", "assay_drift_command", "assay_drift_profiles", "scipy_loop", "sort_merge", "evidently", "nannyml",
            "alibi", "tfdv",
        ),
        parts=("rows", "current"),
        sizes="100k,5m",
        slow=frozenset({"scipy_loop", "sort_merge", "evidently", "nannyml", "alibi", "tfdv"}),
        title="{:,} rows against as many",
        homes=frozenset({"evidently", "nannyml", "alibi", "tfdv"}),
        prepare="prepare",
        said=frozenset({"assay_drift_profiles"}),
    ),
    "evaluation": Suite(
        "bench.evaluation_tasks",
        (
            "decode", "assay_delong", "assay_bootstrap", "assay_slices", "assay_evaluate", "sklearn_bootstrap", "fairlearn_frame",
        ),
        parts=("scored",),
        sizes="1m",
        slow=frozenset({"sklearn_bootstrap", "fairlearn_frame"}),
        title="{:,} rows, the area under the curve of all and of 20 groups, 1,000 resamples",
        prepare="prepare",
        own_data=True,
        replicates=1000,
    ),
}  # fmt: skip


def once(command: list[str], limit: float) -> dict[str, object]:
    """Run a task once; return its seconds, CPU seconds, greatest memory, and what it printed or why it failed."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    begun = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
    )
    timer = threading.Timer(limit, process.kill)
    timer.start()
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)  # the process's own usage, which a later one cannot blur
    seconds = time.perf_counter() - begun
    timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    words = output.decode(errors="replace").strip().splitlines()
    if process.returncode == -signal.SIGKILL and seconds >= limit:
        return {"failed": f"stopped after {limit:.0f} s"}
    if process.returncode != 0:
        return {"failed": (words or ["no output"])[-1][:160]}
    return {
        "wall": seconds,
        "cpu": usage.ru_utime + usage.ru_stime,
        "rss": usage.ru_maxrss / 1024,
        "said": (words or [""])[-1][:80],
    }


def measure(suite: Suite, size: str, tasks: list[str], told: argparse.Namespace) -> dict[str, list[dict[str, object]]]:
    """Return every run of every task on one size, after one round that is not counted."""
    # A child's greatest memory starts at its parent's, so this process must stay small: the files are made by another.
    files = [str(FOLDER / f"{part}_{size}.parquet") for part in suite.parts]
    if not suite.own_data:
        subprocess.run([sys.executable, "-m", "bench.data", str(FOLDER), size, *suite.parts], check=True)
    if suite.prepare:
        subprocess.run([sys.executable, "-m", suite.module, suite.prepare, *files], check=True, stdout=sys.stderr)
    pythons = {
        task: str(told.peers / task / "bin" / "python") if task in suite.homes else sys.executable for task in tasks
    }
    runs: dict[str, list[dict[str, object]]] = {task: [] for task in tasks}
    for turn in range(told.rounds + 1):
        for task in tasks:
            failed = any("failed" in run for run in runs[task])
            if failed or (turn and task in suite.slow and len(runs[task]) >= 2 and size == "5m"):
                continue
            there = Path(pythons[task]).exists()
            command = [pythons[task], "-m", suite.module, task, *files]
            run = once(command, told.limit) if there else {"failed": "not installed here"}
            run |= scaled(run, suite.replicates)
            print(f"  {size:>5} {task:<22} {json.dumps(run)}", file=sys.stderr, flush=True)
            if turn or "failed" in run:
                runs[task].append(run)
    return runs


def scaled(run: dict[str, object], replicates: int) -> dict[str, object]:
    """Return the seconds that a task would have taken with all resamples, where it said that it drew a few."""
    said = re.search(r"(\d+) resamples in ([\d.]+) s", str(run.get("said", "")))
    if not replicates or said is None or "wall" not in run:
        return {}
    more = float(said[2]) * (replicates / int(said[1]) - 1)
    return {"wall": float(str(run["wall"])) + more, "cpu": float(str(run["cpu"])) + more}


def table(suite: Suite, size: str, runs: dict[str, list[dict[str, object]]]) -> str:
    """Return the table of one size, as Markdown."""
    floor = [run["wall"] for run in runs["decode"] if "wall" in run]
    lines = [
        f"### {suite.title.format(ROWS[size])}",
        "",
        "| task | wall s | x decode | CPU s | peak MiB |",
        "| --- | --- | --- | --- | --- |",
    ]
    for task, found in runs.items():
        good = [run for run in found if "wall" in run]
        if not good:
            lines.append(f"| {task} | {found[0]['failed'] if found else 'not run'} | | | |")
            continue
        middle = {key: statistics.median(float(run[key]) for run in good) for key in ("wall", "cpu", "rss")}  # type: ignore[arg-type]
        ratio = statistics.median(float(run["wall"]) / float(f) for run, f in zip(good, floor, strict=False))  # type: ignore[arg-type]
        lines.append(f"| {task} | {middle['wall']:.2f} | {ratio:.1f} | {middle['cpu']:.2f} | {middle['rss']:.0f} |")
    return "\n".join([*lines, ""])


def main() -> None:
    """Run what is asked for and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("suite", nargs="?", choices=SUITES, default="checks")
    parser.add_argument("--sizes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks")
    parser.add_argument("--limit", type=float, default=240)
    parser.add_argument("--peers", type=Path, default=Path(os.environ.get("ASSAY_PEERS", FOLDER / "peers")))
    told = parser.parse_args()
    suite = SUITES[told.suite]
    FOLDER.mkdir(parents=True, exist_ok=True)
    tasks = ["decode", *(t for t in (told.tasks.split(",") if told.tasks else suite.tasks) if t != "decode")]
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors, {told.rounds} rounds\n")
    for size in (told.sizes or suite.sizes).split(","):
        runs = measure(suite, size, tasks, told)
        print(table(suite, size, runs), flush=True)
        for task in suite.said & runs.keys():
            print(f"{task}: {'; '.join(str(run.get('said', run.get('failed'))) for run in runs[task])}\n", flush=True)


if __name__ == "__main__":
    main()
