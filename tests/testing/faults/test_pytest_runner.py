"""A person's own tests under faults: real runs of pytest in a process of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.api.trying import Terms, try_tests
from assay.errors import UsageError
from assay.testing.faults.fault import Attempt, Caught, Fault
from assay.testing.faults.plan import Wanted
from assay.testing.faults.pytest_runner import PytestRun, run_tests, sources_of

FEATURES = """
import pandas as pd

def load():
    return pd.DataFrame({"age": range(20, 70), "kind": ["a", "b"] * 25, "day": pd.date_range("2026-01-01", periods=50)})

def doubled(rows):
    return rows["age"] * 2

def yesterday(rows):
    return rows["age"].shift(1)
"""
TESTS = """
import os
import pytest
import features
from features import doubled, load, yesterday

@pytest.fixture(scope="session")
def people():
    return load()

def test_ages_are_possible(people):
    assert people["age"].between(0, 120).all()

class TestKinds:
    def test_kinds_are_known(self, people):
        assert set(people["kind"]) <= {"a", "b"}

def test_the_mean(people):
    people["age"].mean() + 1

def test_doubled():
    assert doubled(load())[0] == 40

def test_yesterday():
    assert yesterday(load())[5] == 24
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "features.py").write_text(FEATURES, encoding="utf-8")
    (tmp_path / "test_people.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "conftest.py").write_text("", encoding="utf-8")
    return tmp_path


def tried(
    folder: Path,
    *faults: Fault,
    fixtures: tuple[str, ...] = ("people",),
    functions: tuple[str, ...] = (),
    **told: object,
) -> list[Attempt]:
    tests = PytestRun(("test_people.py",), sources_of(fixtures, functions, ()), folder=folder, **told)  # type: ignore[arg-type]
    wanted = Wanted(faults=faults) if faults else Wanted(operators=("unit_change", "new_category"), seeds=1)
    return list(run_tests(tests, wanted).attempts)


def test_clean_runs_come_first_and_catch_nothing(repository: Path) -> None:
    attempts = tried(repository, clean=3)
    clean = attempts[:3]
    assert [attempt.fault for attempt in clean] == [None] * 3
    assert {attempt.caught for attempt in clean} == {Caught.SURVIVED}
    assert clean[0].ran == 5


def test_each_fault_is_caught_by_the_test_that_looks_at_it(repository: Path) -> None:
    attempts = {attempt.fault.id: attempt for attempt in tried(repository) if attempt.fault is not None}
    hundredfold = attempts["unit_change(age, 100)"]
    assert hundredfold.caught is Caught.ASSERTION
    assert [name.rpartition("::")[2] for name in hundredfold.by] == ["test_ages_are_possible"]
    assert hundredfold.first == 0
    new = attempts["new_category(kind, 0.5)"]
    assert [name.rpartition("::")[2] for name in new.by] == ["test_kinds_are_known"]
    assert (new.first, new.ran) == (1, 3)  # of the five tests, three use the fixture


def test_a_crash_of_a_test_is_no_catch(repository: Path) -> None:
    (repository / "test_people.py").write_text(
        TESTS.replace('assert people["age"].between(0, 120).all()', "pass"), encoding="utf-8"
    )
    gone = [a for a in tried(repository, Fault("drop_column", "age", 1.0, source="people")) if a.fault is not None]
    assert [(a.caught, a.why) for a in gone] == [(Caught.CRASH, "KeyError: 'age'")]


def test_a_function_is_replaced_wherever_it_was_imported(repository: Path) -> None:
    late = Fault("stale_feature", "", 1.0, settings={"time": "day"}, source="features:yesterday")
    nowhere = Fault("stale_feature", "", 1.0, settings={"time": "hour"}, source="features:yesterday")
    first, second = (
        a for a in tried(repository, late, nowhere, fixtures=(), functions=("features:yesterday",)) if a.fault
    )
    assert first.caught is Caught.ASSERTION
    assert first.by[0].endswith("test_yesterday")
    assert second.caught is Caught.NOT_APPLICABLE


def test_a_process_that_dies_under_a_fault_is_a_crash_and_the_rest_goes_on(repository: Path) -> None:
    (repository / "test_people.py").write_text(
        TESTS.replace('people["age"].mean() + 1', "people['age'].max() < 1_000 or os._exit(3)"), encoding="utf-8"
    )
    faults = [Fault("unit_change", "age", factor, source="people") for factor in (1.8, 1000.0, 3.2808)]
    attempts = [a for a in tried(repository, *faults) if a.fault is not None]
    assert [a.fault.severity for a in attempts if a.fault] == [1.8, 1000.0, 3.2808]
    assert [a.caught for a in attempts] == [Caught.ASSERTION, Caught.CRASH, Caught.ASSERTION]


def test_a_fixture_that_no_test_uses_is_refused(repository: Path) -> None:
    with pytest.raises(UsageError, match="no test uses a fixture 'animals'"):
        tried(repository, fixtures=("animals",))


def test_tests_that_cannot_be_collected_are_refused(repository: Path) -> None:
    (repository / "test_people.py").write_text("import no_such_module", encoding="utf-8")
    with pytest.raises(UsageError, match="tests could not be collected"):
        tried(repository)


def test_a_function_that_is_not_there_is_refused(repository: Path) -> None:
    with pytest.raises(UsageError):
        tried(repository, fixtures=(), functions=("features:tripled",))


def test_a_test_that_fails_now_and_then_is_found_out_and_catches_nothing(repository: Path) -> None:
    (repository / "test_people.py").write_text(
        TESTS + "\nRUNS = []\n\ndef test_flaky(people):\n    RUNS.append(1)\n    assert len(RUNS) % 3\n",
        encoding="utf-8",
    )
    wanted = Wanted(operators=("column_shuffle",), columns=("day",), seeds=1)
    found = try_tests(PytestRun(("test_people.py",), sources_of(("people",), (), ()), folder=repository),
        terms=Terms(wanted, advise=False))  # fmt: skip
    assert found.table("faults")["caught"].to_list() == ["survived"]
    rows = found.table("fault_killers").select("check", "alarms").rows()
    assert [name.rpartition("::")[2] for name, alarms in rows if alarms] == ["test_flaky"]


def test_what_caught_something_is_run_again_without_a_fault(repository: Path) -> None:
    fault = Fault("unit_change", "age", 100, source="people")
    attempts = tried(repository, fault, fault)
    assert [attempt.fault is None for attempt in attempts] == [True, True, False, False, True, True]
    assert [(attempt.ran, attempt.caught) for attempt in attempts[4:]] == [(1, Caught.SURVIVED)] * 2


def test_a_fixture_that_can_have_no_fault_is_refused_with_what_it_is(repository: Path) -> None:
    (repository / "test_people.py").write_text(
        "import pytest\n\n@pytest.fixture\ndef people():\n    return {'n': 3}\n\ndef test_n(people):\n    assert people['n'] == 3\n",
        encoding="utf-8",
    )
    with pytest.raises(UsageError, match="'people' cannot be used: no fault can be put into a builtins"):
        tried(repository)


@pytest.mark.parametrize(
    ("name", "said"),
    [("features:Nothing.fit", "cannot be found"), ("pathlib:Path.exists", "is held by a class")],
)
def test_a_function_that_cannot_be_replaced_is_refused(repository: Path, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        tried(repository, fixtures=(), functions=(name,))
