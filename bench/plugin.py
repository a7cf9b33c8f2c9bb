"""What it costs a repository of 300 tests to have Assay installed, when no test uses it.

    python -m bench.plugin [--rounds 20]

Two environments hold pytest and what it needs; one holds Assay's wheel too, as an installation would. Each round runs the same 300
small tests in both, one after the other, in turn first; the figure is the median over rounds of the ratio of the two times, with
its distribution-free 95 % interval, so that a machine that grows slower grows slower for both. The start is the same of a
folder with one test.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from importlib import metadata
from math import comb
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
MODULES, TESTS = 15, 20
TEST = """
import json
import math

import pytest


@pytest.fixture
def sales():
    return [40.0, 25.0, 31.0, 28.0, 55.0, 12.0, 44.0, 39.0]


@pytest.mark.parametrize("window", range(1, {n}))
def test_a_mean_lies_between_the_least_and_the_greatest(sales, window):
    means = [math.fsum(sales[max(0, i - window + 1) : i + 1]) / min(window, i + 1) for i in range(len(sales))]
    assert min(sales) <= min(means)
    assert max(means) <= max(sales)


def test_rows_come_back_as_they_went(sales):
    assert json.loads(json.dumps(sales)) == sales
"""


def linked(folder: Path) -> Path:
    """Make a folder of packages that holds pytest and what it needs, linked from this environment; return it."""
    folder.mkdir(parents=True)
    waiting, seen = ["pytest"], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        wanted = [Requirement(line) for line in metadata.requires(name) or ()]
        waiting += [each.name for each in wanted if not each.marker or each.marker.evaluate({"extra": ""})]
        found = metadata.distribution(name)
        for top in {Path(str(file)).parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            if not (folder / top).exists():
                (folder / top).symlink_to(Path(str(found.locate_file(top))))
    return folder


def installed(folder: Path) -> Path:
    """Build Assay's wheel and unpack it, as an installation does; return the folder."""
    with tempfile.TemporaryDirectory() as built:
        command = [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            built,
            str(ROOT),
        ]
        subprocess.run(command, check=True)
        with zipfile.ZipFile(next(Path(built).glob("*.whl"))) as wheel:
            wheel.extractall(folder)
    return folder


def repository(folder: Path, modules: int, tests: int) -> Path:
    """Write a repository of as many modules of as many tests; return it."""
    (folder / "tests").mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n")
    for number in range(modules):
        (folder / "tests" / f"test_sales_{number}.py").write_text(TEST.format(n=tests))
    return folder


def once(repository: Path, packages: list[Path]) -> tuple[float, float]:
    """Return the seconds that a run took, by the wall and by the processor."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, packages))
    command = [sys.executable, "-S", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    used, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=repository, env=environment, check=True, stdout=subprocess.DEVNULL)
    wall, now = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime


def interval(values: list[float]) -> tuple[float, float]:
    """Return order statistics that hold the median with a probability of at least 0.95, by the binomial distribution."""
    n, rank, mass = len(values), 0, 0.0
    while rank < n // 2 and (mass := mass + comb(n, rank) / 2**n) <= 0.025:
        rank += 1
    ordered = sorted(values)
    return ordered[max(rank - 1, 0)], ordered[n - max(rank, 1)]


def told(what: str, unit: str, values: list[float], digits: int) -> str:
    low, high = interval(values)
    return f"| {what} | {statistics.median(values):+.{digits}f} {unit} | {low:+.{digits}f} to {high:+.{digits}f} |"


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.plugin")
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    folder = Path(tempfile.mkdtemp(prefix="assay-plugin-"))
    try:
        without = [linked(folder / "without")]
        sides = {"without": without, "with": [installed(folder / "with"), *without]}
        lines = ["| what | cost of having Assay installed (median) | 95 % interval |", "| --- | --- | --- |"]
        for name, modules, tests in (("300 tests", MODULES, TESTS), ("start", 1, 1)):
            where = repository(folder / name.replace(" ", "-"), modules, tests)
            found: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
            for turn in range(rounds + 1):  # the first round writes compiled files, and does not count
                for side in sorted(sides, reverse=bool(turn % 2)):
                    run = once(where, sides[side])
                    if turn:
                        found[side].append(run)
            for place, clock in enumerate(("wall", "processor")):
                pairs = [(a[place], b[place]) for a, b in zip(found["with"], found["without"], strict=True)]
                lines.append(told(f"{name}, {clock}", "%", [100 * (a / b - 1) for a, b in pairs], 1))
                lines.append(told(f"{name}, {clock}", "ms", [1000 * (a - b) for a, b in pairs], 1))
            print(f"{name}: {statistics.median(wall for wall, _ in found['without']):.3f} s without, {rounds} rounds")
        print("\n".join(["", *lines]))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
