"""The examples in docstrings run, and show what they really print."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MODULES = sorted(
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
    for path in SOURCE.rglob("*.py")
    if path.stem != "__main__"
)


# Their examples are functions of JAX, which is no part of the usual installation.
NEEDS_JAX = {f"assay.testing.networks.{name}" for name in ("answers", "learning", "modes")}
CASES = [pytest.param(name, marks=pytest.mark.real_part("jax")) if name in NEEDS_JAX else name for name in MODULES]


@pytest.mark.parametrize("name", CASES)
def test_the_examples_in_a_module_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS)

    for test in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name), name):
        runner.run(test, out=said.append)

    assert runner.failures == 0, "".join(said)


def test_an_example_that_shows_something_else_is_seen():
    example = doctest.DocTestParser().get_doctest(">>> 40 + 2\n41\n", {}, "wrong", None, 0)
    runner = doctest.DocTestRunner(optionflags=OPTIONS)

    runner.run(example, out=lambda _: None)

    assert runner.failures == 1
