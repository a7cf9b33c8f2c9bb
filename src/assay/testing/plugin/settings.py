"""What the plugin can be told: its options, the marks that it knows, and what was asked of this run."""

from __future__ import annotations

import os
import time
import zlib
from pathlib import Path
from typing import NamedTuple

import pytest

__all__ = ["MARKS", "SETTINGS", "Settings", "add_options", "name_of", "settings_of"]

# Each mark with what it says; `pytest --markers` shows them.
MARKS = {
    "data": "data: a test of data",
    "model": "model: a test of a model",
    "pipeline": "pipeline: a test of a pipeline",
    "slow_ml": "slow_ml: trains or evaluates at length; skipped unless --slow-ml is given or -m names it",
    "rubric": "rubric(*tests): evidence of these tests of the ML Test Score, such as D7",
    "assay_budget": "assay_budget(time=, memory=): the most that the test may take, such as '200ms' and '800MiB'",
}
# The formats of a report by the suffix of its file; a folder gets the first three.
SUFFIXES = (".json", ".html", ".xml", ".md", ".txt", ".htm", ".markdown")


class Settings(NamedTuple):
    """What was asked of this run; a named tuple, as that is made in a tenth of the time that a dataclass takes to be made.

    `seed` is every test's own, where one is given; otherwise a test's seed follows from its name, and from `fresh` where new
    seeds were asked for.
    """

    seed: int | None = None
    fresh: int | None = None
    inconclusive: str = "fail"
    report: Path | None = None
    update: bool = False
    slow: bool = False
    loaded: bool = False
    worker: str = ""

    def seed_of(self, nodeid: str) -> int:
        """Return the seed of a test: in [0, 2^32), the same each time unless new ones were asked for.

        >>> Settings().seed_of("tests/test_sales.py::test_rolling")
        2558411704
        >>> Settings(seed=7).seed_of("tests/test_sales.py::test_rolling")
        7
        """
        if self.seed is not None:
            return self.seed
        return zlib.crc32(nodeid.encode("utf-8", "surrogatepass"), 0 if self.fresh is None else self.fresh)


SETTINGS = pytest.StashKey[Settings]()


def name_of(item: pytest.Item) -> str:
    """Return the name by which pytest knows a test, however it is run: xdist adds "@group" to those that it keeps together."""
    mark = item.get_closest_marker("xdist_group")
    if mark is None:
        return item.nodeid
    group = mark.args[0] if mark.args else mark.kwargs.get("name", "default")
    return item.nodeid.removesuffix(f"@{group}")


def add_options(parser: pytest.Parser) -> None:
    """Add the plugin's options and its keys of the configuration file."""
    group = parser.getgroup("assay", "tests of machine learning (assay)")
    group.addoption("--slow-ml", action="store_true", help="run the tests marked slow_ml too")
    group.addoption(
        "--assay-seed", metavar="N|new", help="give every test the seed N (a failure prints it), or new seeds"
    )
    group.addoption(
        "--assay-inconclusive", choices=("fail", "warn"), default=None,
        help="what a contract that could not be judged does to its test (default: fail)",
    )  # fmt: skip
    group.addoption(
        "--assay-report", metavar="PATH",
        help="write findings of the run: a folder (JSON, HTML and JUnit), or a file whose suffix says the format",
    )  # fmt: skip
    group.addoption("--assay-update", action="store_true", help="write the baselines that are missing or differ")
    group.addoption(
        "--assay-budgets", action="store_true", help="judge budgets of time under xdist too, where workers load the machine"
    )  # fmt: skip
    parser.addini("assay_inconclusive", "fail or warn: as --assay-inconclusive", default="fail")
    parser.addini(
        "assay_references", "the folders of reference data, beside tests or above them", "args", ["references"]
    )


def settings_of(config: pytest.Config) -> Settings:
    """Return what the options and the configuration file ask for.

    Raises pytest.UsageError where one of them cannot be.
    """
    given = config.getoption
    worker = getattr(config, "workerinput", None)
    seed, fresh = _seeds(given("--assay-seed"))
    if worker is not None and "assay_fresh" in worker:
        fresh = worker["assay_fresh"]
    policy = given("--assay-inconclusive") or config.getini("assay_inconclusive")
    if policy not in ("fail", "warn"):
        raise pytest.UsageError(f"assay_inconclusive is {policy!r}; it is fail or warn")
    return Settings(
        seed=seed, fresh=fresh, inconclusive=policy, report=_report(config, given("--assay-report")),
        update=given("--assay-update"), slow=given("--slow-ml"), loaded=given("--assay-budgets"),
        worker="" if worker is None else worker["workerid"],
    )  # fmt: skip


def _seeds(text: str | None) -> tuple[int | None, int | None]:
    if text is None:
        return None, None
    if text == "new":
        return None, zlib.crc32(f"{time.monotonic_ns()} {os.getpid()}".encode())
    if not (text.isascii() and text.isdigit() and int(text) < 2**32):
        raise pytest.UsageError(f"--assay-seed is {text!r}; give a whole number from 0 to {2**32 - 1}, or new")
    return int(text), None


def _report(config: pytest.Config, text: str | None) -> Path | None:
    if text is None:
        return None
    path = (config.invocation_params.dir / text).resolve()
    if path.suffix and path.suffix.lower() not in SUFFIXES and not path.is_dir():
        raise pytest.UsageError(
            f"--assay-report: the suffix {path.suffix!r} says no format; end the file's name with one of {', '.join(SUFFIXES)}, "
            "or give a folder"
        )
    if path.suffix.lower() in SUFFIXES and path.is_dir():
        raise pytest.UsageError(f"--assay-report: {text} is a folder, and its name ends as a file's does")
    if not path.suffix and path.is_file():
        raise pytest.UsageError(f"--assay-report: {text} is a file without a suffix that says a format")
    return path
