"""Values that are made once in a run: one for all workers, a copy for each that asks."""

from __future__ import annotations

import threading
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest

from assay.testing.plugin.cached import Cached, fingerprint

pytest_plugins = ["pytester"]


@pytest.fixture
def cached(tmp_path) -> Cached:
    return Cached(tmp_path / "cached")


def train(calls, rows, *, seed):
    with calls.open("a") as file:
        file.write(f"{rows} {seed}\n")
    return [seed, *sorted(rows)]


def test_a_value_is_made_once_for_the_same_arguments_and_again_for_others(cached, tmp_path):
    calls = tmp_path / "calls"

    made = [cached(train, calls, rows, seed=seed) for rows, seed in (([2, 1], 0), ([2, 1], 0), ([2, 1], 1), ([3], 0))]

    assert made == [[0, 1, 2], [0, 1, 2], [1, 1, 2], [0, 3]]
    assert calls.read_text().splitlines() == ["[2, 1] 0", "[2, 1] 1", "[3] 0"]


def test_each_caller_gets_a_copy_of_its_own(cached):
    first = cached(dict, a=[1])
    first["a"].append(2)

    assert cached(dict, a=[1]) == {"a": [1]}


def test_an_error_is_raised_and_nothing_is_kept(cached, tmp_path):
    with pytest.raises(ZeroDivisionError):
        cached(divmod, 1, 0)

    assert list((tmp_path / "cached").glob("*.pickle")) == []


def test_a_value_that_cannot_be_pickled_is_made_once_in_this_process(cached):
    first = cached(_lock_of, "a")

    assert cached(_lock_of, "a") is first
    assert cached(_lock_of, "b") is not first


def _lock_of(name: str):
    return threading.Lock()


def test_a_function_made_in_a_test_can_be_kept(cached):
    assert cached(_adder, 2)(40) == 42
    assert cached(_adder, 2)(40) == 42


def _adder(a: int):
    return lambda b: a + b


FRAME = {"a": [1, 2], "b": ["x", None]}
SAME = [
    (np.arange(4.0), np.arange(8.0)[::2] / 2),
    (pl.DataFrame(FRAME), pl.DataFrame(FRAME)),
    (pd.DataFrame(FRAME), pd.DataFrame(FRAME)),
    ({"b", "a", "c"}, {"c", "b", "a"}),
    (partial(max, 1), partial(max, 1)),
    (_adder(1), _adder(1)),
]
OTHER = [
    (np.arange(4.0), np.arange(4)),
    (np.arange(4.0), np.arange(4.0).reshape(2, 2)),
    (pl.DataFrame(FRAME), pl.DataFrame(FRAME).rename({"a": "c"})),
    (pl.Series([1]), pl.DataFrame({"": [1]})),
    ([1, [2]], [[1], 2]),
    ({"a": 1, "b": 2}, {"a": 2, "b": 1}),
    ((1,), [1]),
    (partial(max, 1), partial(min, 1)),
    (_adder(1), _adder(2)),
    (lambda: 1, lambda: 2),
    (lambda: [1, 2], lambda: (1, 2)),
    ("a", b"a"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_content_has_the_same_fingerprint(one, other):
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_other_content_has_another_fingerprint(one, other):
    assert fingerprint(one) != fingerprint(other)


def test_a_value_that_holds_itself_has_a_fingerprint():
    loop: list[object] = [1]
    loop.append(loop)

    assert fingerprint(loop) == fingerprint(loop)


def test_what_cannot_be_told_apart_is_refused_by_its_type():
    with pytest.raises(TypeError, match=r"cannot tell what is in a _thread.lock .*; give it what the value is made of"):
        fingerprint(threading.Lock())


TRAINED = """
import os
from pathlib import Path
import pytest

def train(rows, *, seed):
    with Path("trainings.txt").open("a") as file:
        file.write(f"{seed}\\n")
    return {"mean": sum(rows) / len(rows)}

@pytest.fixture(scope="session")
def model(assay_cached):
    return assay_cached(train, [1, 2, 3], seed=7)

@pytest.mark.parametrize("n", range(8))
def test_predicts(model, n):
    assert model == {"mean": 2}

@pytest.mark.parametrize("n", range(4))
def test_predicts_from_another_fixture(assay_cached, n):
    assert assay_cached(train, [1, 2, 3], seed=7) == {"mean": 2}
"""


@pytest.mark.parametrize("asked", [(), ("-n2",)])
def test_a_model_is_trained_once_in_a_run_and_anew_in_the_next(repository, asked):
    repository.makepyfile(test_model=TRAINED)

    for _ in range(2):
        repository.runpytest_subprocess(*asked).assert_outcomes(passed=12)

    assert (repository.path / "trainings.txt").read_text() == "7\n7\n"
