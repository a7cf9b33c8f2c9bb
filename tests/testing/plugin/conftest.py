"""A small repository for the plugin's tests to run, with contracts whose answers are known.

A session inside this process keeps the packages that it loads, as numpy and Polars cannot be loaded twice, and forgets the
modules of the small repository.
"""

from __future__ import annotations

import pytest
from _pytest import pytester as sessions

KNOWN = """
from dataclasses import dataclass
import pytest
from assay.testing.contract import broken, contract, expect, held, undecided
from assay.verdict import Example

@dataclass(frozen=True)
class Feature:
    name: str = "rolling"

@contract("feature", title="two calls agree", catches="chance")
def repeatable(subject, data):
    return held("two calls agree in 10 rows")

@contract("feature", title="the future is not used", catches="a centred window")
def no_future(subject, data):
    return broken("row 3 changed with row 4", examples=[Example(3, {"sales": 40.0, "before": 25.0, "after": 31.0})],
                  note="shift it by a day")

@contract("feature", title="seven days are used", catches="a window of six")
def uses_window(subject, data):
    return undecided("3 rows are too few: it takes 8")
"""
OWN = ("test_", "known", "conftest")


@pytest.fixture
def repository(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Return a repository with contracts in `known.py`, and no tests yet."""
    for name in ("CI", "BUILD_NUMBER"):  # where they are set, pytest's own summary says every message whole, once more
        monkeypatch.delenv(name, raising=False)
    snapshot = sessions.SysModulesSnapshot
    monkeypatch.setattr(
        sessions, "SysModulesSnapshot", lambda preserve: snapshot(lambda name: not name.startswith(OWN))
    )
    made: pytest.Pytester = request.getfixturevalue("pytester")
    made.makepyfile(known=KNOWN)
    made.makeini("[pytest]\npythonpath = .\n")
    return made
