"""What a repository says of itself: the claims in its tests, what its continuous integration runs, and where findings lie."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from assay.testing.score.evidence import Evidence
from assay.testing.score.rubric import RUBRIC, claims_of_contracts

__all__ = ["Repository", "claims_in", "idle_in", "read_repository"]

_SKIPPED = frozenset(
    {
        ".git",
        ".hg",
        ".venv",
        "venv",
        "env",
        "node_modules",
        "__pycache__",
        ".mypy_cache",
        ".ruff_cache",
        ".tox",
        "site-packages",
        "dist",
        "build",
    }
)
# Findings that lie here are what tests compare with, and no record of a run.
_EXAMPLES = frozenset({"tests", "test", "golden", "fixtures", "docs"})
_INTEGRATION = (
    ".github/workflows/*.yml", ".github/workflows/*.yaml", ".gitlab-ci.yml", "Jenkinsfile", "azure-pipelines.yml", ".circleci/config.yml",
    "bitbucket-pipelines.yml", ".drone.yml", ".woodpecker.yml", "cloudbuild.yaml", ".travis.yml", ".ci/*", ".buildkite/*.yml",
)  # fmt: skip
_DEPTH = 8
_LARGEST = 20_000_000
_MOST_FILES = 20_000
_RUNNERS = {
    "pytest": re.compile(r"\b(pytest|tox|nox|hatch (run )?test)\b"),
    **{
        name: re.compile(rf"\bassay\s+{name}\b")
        for name in ("check", "drift", "evaluate", "challenge", "estimate", "faults", "schema")
    },
}
_SCORE_RUNS = re.compile(r"\bassay\s+score\b[^\n]*--run\b")
_MAKE = re.compile(r"\bmake\b((?:\s+[\w.=/-]+)+)")
# What names a program without running it: what is said, installed, or what a step is called.
_SAYS = re.compile(
    r"(?:\b(?:echo|printf)\b|\b(?:pip3?|pipx|uv|poetry|pdm|conda|mamba|apt|apt-get|brew)(?:\s+pip)?\s+(?:install|add)\b)[^\n;&|]*"
    r"|^[ \t-]*(?:name|needs|image|uses|key|description|stage)\s*:.*$|^[ \t]*[\w.-]+\s*:[ \t]*$",
    re.MULTILINE,
)
_SCRIPT = re.compile(r"[\w./-]+\.(?:sh|bash|py)\b|\.ci/[\w-]+")


@dataclass(frozen=True)
class Repository:
    """What was found below a folder: test files, JSON files that may be findings, files of continuous integration, what those run."""

    folder: Path
    tests: tuple[Path, ...] = ()
    records: tuple[Path, ...] = ()
    integration: tuple[Path, ...] = ()
    runs: frozenset[str] = frozenset()


def read_repository(folder: Path) -> Repository:
    """Return what is there, without running anything; environments, caches and what lies deep or is large are passed over."""
    files = list(_files(folder))
    tests = [
        path
        for path in files
        if path.suffix == ".py" and (path.name.startswith("test_") or path.stem.endswith("_test"))
    ]
    records = [
        path
        for path in files
        if path.suffix == ".json"
        and path.stat().st_size <= _LARGEST
        and not _EXAMPLES & {*path.relative_to(folder).parts[:-1]}
    ]
    integration = sorted({path for pattern in _INTEGRATION for path in folder.glob(pattern) if path.is_file()})
    text = _SAYS.sub("", "\n".join(_followed(path, folder) for path in integration).replace("\\\n", " "))
    runs = {name for name, pattern in _RUNNERS.items() if pattern.search(text)}
    if _SCORE_RUNS.search(text):
        runs = set(_RUNNERS)
    return Repository(folder, tuple(tests), tuple(records), tuple(integration), frozenset(runs))


def claims_in(path: Path, *, folder: Path) -> Iterator[Evidence]:
    """Yield what a file of tests claims to cover: by its marks `rubric`, and by the contracts that it calls.

    A claim is worth nothing until a run of it is on record. A file that is no Python claims nothing.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    contracts = claims_of_contracts()
    if (
        "rubric(" not in text
        and "check_contracts" not in text
        and not any(f"{name.partition('.')[2]}(" in text for name in contracts)
    ):
        return
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError):
        return
    where = os.path.relpath(path, folder)
    known = {test.id for test in RUBRIC}
    for node in nodes:
        for name in sorted(set(_marks(node)) & known) if not _is_idle(node) else ():
            yield Evidence(name, "claimed", where, f"marked on line {getattr(node, 'lineno', 0)}", "pytest")
    names = _called(nodes)
    for contract, tests in contracts.items():
        family, _, name = contract.partition(".")
        if name in names or ("check_contracts" in names and family in names):
            yield from (Evidence(test, "claimed", where, f"calls the contract {name}", "pytest") for test in tests)


def idle_in(path: Path, *, folder: Path) -> frozenset[str]:
    """Return the tests of a file that do nothing, by pytest's names: no call, no fixture, and no assertion that could fail."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8", errors="replace"))
    except (SyntaxError, ValueError):
        return frozenset()
    where = path.relative_to(folder).as_posix()
    found = {f"{where}::{node.name}" for node in tree.body if _is_test(node) and _is_idle(node)}
    for group in tree.body:
        if isinstance(group, ast.ClassDef) and not group.bases:
            found |= {f"{where}::{group.name}::{node.name}" for node in group.body if _is_test(node) and _is_idle(node)}
    return frozenset(found)


def _is_test(node: ast.AST) -> TypeGuard[ast.FunctionDef | ast.AsyncFunctionDef]:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")


def _is_idle(node: ast.AST) -> bool:
    """Return whether a function cannot fail: it takes nothing but itself, calls nothing, and asserts at most what is constant."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or [a for a in node.args.args if a.arg != "self"]:
        return False
    if any(
        isinstance(each, ast.Call) and ast.unparse(each.func).endswith("usefixtures") for each in node.decorator_list
    ):
        return False
    return all(_says_nothing(each) for each in node.body)


def _says_nothing(line: ast.stmt) -> bool:
    told = (
        line.test if isinstance(line, ast.Assert) else line.value if isinstance(line, ast.Expr | ast.Return) else None
    )
    return isinstance(line, ast.Pass) or (
        isinstance(line, ast.Assert | ast.Expr | ast.Return) and (told is None or isinstance(told, ast.Constant))
    )


def _marks(node: ast.AST) -> Iterator[str]:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    for each in node.decorator_list:
        if isinstance(each, ast.Call) and ast.unparse(each.func).endswith("mark.rubric"):
            yield from (str(arg.value) for arg in each.args if isinstance(arg, ast.Constant))


def _called(nodes: Sequence[ast.AST]) -> set[str]:
    """Return the names that a file calls, where it imports Assay; nothing otherwise, as the names are common words."""
    imported = any(
        (isinstance(node, ast.Import) and any(alias.name.partition(".")[0] == "assay" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "assay")
        for node in nodes
    )
    calls = [node.func for node in nodes if isinstance(node, ast.Call)]
    names = {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}
    return names if imported else set()


def _followed(path: Path, folder: Path, seen: frozenset[Path] = frozenset()) -> str:
    """Return the text of a file of continuous integration, with the scripts and targets of make that it names, each once."""
    if path in seen or not path.is_file() or path.stat().st_size > 1_000_000:
        return ""
    text = _without_comments(path.read_text(encoding="utf-8", errors="replace"))
    more = [_followed(folder / name, folder, seen | {path}) for name in set(_SCRIPT.findall(text))]
    targets = {word for found in _MAKE.findall(text) for word in found.split() if "=" not in word}
    makefile = next(
        (folder / name for name in ("Makefile", "makefile", "GNUmakefile") if (folder / name).is_file()), None
    )
    if makefile is not None and targets:
        more.append(_recipes(makefile, targets))
    return "\n".join([text, *more])


def _recipes(makefile: Path, targets: set[str]) -> str:
    """Return the recipes of these targets, and of those that they need."""
    rules: Mapping[str, tuple[list[str], list[str]]] = _rules(makefile)
    wanted, lines, done = list(targets), [], set()
    while wanted:
        target = wanted.pop()
        if target in done or target not in rules:
            continue
        done.add(target)
        needs, recipe = rules[target]
        lines += recipe
        wanted += needs
    return "\n".join(lines)


def _rules(makefile: Path) -> dict[str, tuple[list[str], list[str]]]:
    rules: dict[str, tuple[list[str], list[str]]] = {}
    current = ""
    for line in _without_comments(makefile.read_text(encoding="utf-8", errors="replace")).splitlines():
        head = re.match(r"^([\w./-]+)\s*:(?!=)(.*)$", line)
        if head:
            current = head[1]
            rules[current] = (head[2].split(), [])
        elif line.startswith("\t") and current:
            rules[current][1].append(line.strip())
    return rules


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(("#", "//")))


def _files(folder: Path) -> Iterator[Path]:
    count = 0
    top = len(folder.parts)
    for place, folders, names in os.walk(folder):
        here = Path(place)
        deep = len(here.parts) - top >= _DEPTH
        folders[:] = (
            []
            if deep
            else sorted(name for name in folders if name not in _SKIPPED and not (here / name / "pyvenv.cfg").exists())
        )
        for name in sorted(names):
            count += 1
            if count > _MOST_FILES:
                return
            yield here / name
