"""What a fresh clone has to be: locked to the byte, free of addresses, and led by two commands."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCKS = ("build.lock", "dev.lock")


def locked(name: str) -> list[tuple[Requirement, int]]:
    """Return the requirements of a lock file, each with the number of its hashes."""
    text = re.sub(r"^ *#.*\n", "", (ROOT / "requirements" / name).read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line.partition("--hash=") for line in text.splitlines() if line.strip()]
    return [(Requirement(before), (sign + after).count("--hash=sha256:")) for before, sign, after in lines]


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_pinned_to_one_version_and_to_its_bytes(name: str):
    requirements = locked(name)

    assert len(requirements) > 5
    assert [
        str(r) for r, hashes in requirements if not re.fullmatch(r"==[\w.]+", str(r.specifier)) or hashes == 0
    ] == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_address_and_no_path(name: str):
    text = (ROOT / "requirements" / name).read_text()

    assert re.findall(r"://|--index|--extra-index|--find-links|--trusted|file:| @ |(?<![\w.-])/\w", text) == []


def test_the_lock_keeps_the_bounds_of_the_project():
    wanted = [
        Requirement(line) for line in (*PROJECT["dependencies"], *EXTRAS["test"]) if not line.startswith("assay[")
    ]
    wanted += [
        Requirement(line)
        for extra in ("delta", "demo", "drift", "duckdb", "json", "pandas", "postgres")
        for line in EXTRAS[extra]
    ]
    versions: dict[str, list[str]] = {}
    for requirement, _ in locked("dev.lock"):
        versions.setdefault(canonicalize_name(requirement.name), []).append(
            str(requirement.specifier).removeprefix("==")
        )

    unkept = [
        str(r)
        for r in wanted
        if not all(r.specifier.contains(v) for v in versions.get(canonicalize_name(r.name), ["0.0.0.dev0"]))
    ]

    assert unkept == []


def test_each_dependency_has_an_upper_bound():
    bounded = [
        *PROJECT["dependencies"],
        *(line for name in ("delta", "drift", "duckdb", "json", "pandas", "postgres") for line in EXTRAS[name]),
    ]

    # Time zones are data: a newer year never breaks us.
    assert [line for line in bounded if "<" not in line] == ["tzdata>=2024.1"]


def test_the_peers_of_the_bench_are_not_locked():
    peers = {Requirement(line).name for line in EXTRAS["bench"]} - {"assay"}

    assert peers == {"dataframely", "great_expectations", "pandera", "pointblank"}
    assert {canonicalize_name(r.name) for r, _ in locked("dev.lock")} & {
        canonicalize_name(name) for name in peers
    } == set()


def test_make_says_what_there_is():
    done = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )

    targets = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)[1].split()
    assert [line.split()[1] for line in done.stdout.splitlines()] == targets


def test_continuous_integration_runs_what_a_person_runs():
    script = ROOT / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[-1] == "exec make test"
