"""Seeds: another one for each test, the same each time, and on a failure the line that brings it back."""

from __future__ import annotations

import re

import pytest

from assay.testing.plugin.settings import Settings

pytest_plugins = ["pytester"]

TOLD = """
def test_one(assay_seed, record_property):
    print("one", assay_seed)

def test_two(assay_seed):
    print("two", assay_seed)
"""


def seeds(repository: pytest.Pytester, *asked: str) -> dict[str, int]:
    """Return the seeds that the two tests got."""
    repository.makepyfile(test_seeds=TOLD)
    ran = repository.runpytest_inprocess("-s", *asked)
    ran.assert_outcomes(passed=2)
    return {name: int(seed) for name, seed in re.findall(r"(one|two) (\d+)", ran.stdout.str())}


def test_each_test_has_a_seed_of_its_own_and_the_same_each_time(repository):
    first, second = seeds(repository), seeds(repository)

    assert first == second
    assert first["one"] != first["two"]


def test_a_seed_that_is_given_is_every_tests_seed(repository):
    assert seeds(repository, "--assay-seed=7") == {"one": 7, "two": 7}


def test_new_seeds_are_new_each_time(repository):
    first, second = seeds(repository, "--assay-seed=new"), seeds(repository, "--assay-seed=new")

    assert len({*first.values(), *second.values()}) == 4


def test_a_name_that_is_no_text_of_its_own_still_has_a_seed():
    assert 0 <= Settings().seed_of("tests/test_a.py::test_b[\udce4]") < 2**32


FAILING = """
import unittest
import numpy as np
import pytest

def test_draws(assay_rng):
    assert assay_rng.normal() > 100

class TestOld(unittest.TestCase):
    @pytest.mark.usefixtures("assay_rng", "assay_seed")
    def test_old(self):
        assert self.assay_rng.normal() == np.random.default_rng(self.assay_seed).normal()
        assert self.assay_seed < 0

@pytest.mark.parametrize("name", ["a b"])
def test_named(name, assay_seed):
    assert not assay_seed

def test_without():
    assert 0
"""


def test_a_failure_prints_the_seed_and_the_line_that_repeats_it(repository):
    repository.makepyfile(test_draws=FAILING)

    ran = repository.runpytest_inprocess()
    lines = re.findall(
        r"assay_seed was (\d+); to repeat: pytest (.+) --assay-seed=(\d+)$", ran.stdout.str(), re.MULTILINE
    )

    assert [(seed == again, name) for seed, name, again in lines] == [
        (True, "test_draws.py::test_draws"),
        (True, "test_draws.py::TestOld::test_old"),
        (True, "'test_draws.py::test_named[a b]'"),
    ]


def test_the_printed_line_repeats_what_was_drawn(repository):
    repository.makepyfile(test_draws="def test_draws(assay_rng):\n    assert assay_rng.integers(1 << 40) == -1\n")

    first = repository.runpytest_inprocess("--assay-seed=new").stdout.str()
    seed = re.search(r"--assay-seed=(\d+)", first)
    assert seed is not None
    again = repository.runpytest_inprocess("test_draws.py::test_draws", seed[0]).stdout.str()

    drawn = [re.findall(r"assert np.int64\((\d+)\) == -1|assert (\d+) == -1", text)[0] for text in (first, again)]
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("seed", ["-1", "4294967296", "old", "1.5", ""])
def test_what_is_no_seed_is_refused(repository, seed):
    ran = repository.runpytest_inprocess(f"--assay-seed={seed}")

    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines([f"ERROR: --assay-seed is '{seed}'; give a whole number from 0 to 4294967295, or new"])


def test_the_header_says_that_seeds_are_not_the_usual_ones(repository):
    assert "every test has the seed 7" in repository.runpytest_inprocess("--assay-seed=7").stdout.str()
    assert "assay:" not in repository.runpytest_inprocess().stdout.str()


def test_a_world_is_made_by_the_tests_own_chance_and_says_what_is_true(repository):
    repository.makepyfile(
        test_worlds="""
        import unittest
        import pytest

        def test_a_shift(assay_world):
            world = assay_world("shifted_mean", 500, shift=1.0)
            assert world.frames["current"].height == 500
            assert round(world.truth["ks"], 4) == 0.3829

        @pytest.mark.usefixtures("assay_world")
        class TestShift(unittest.TestCase):
            def test_a_shift(self):
                self.assertEqual(set(self.assay_world("shifted_mean").frames), {"reference", "current"})
        """
    )

    repository.runpytest_inprocess("-q").assert_outcomes(passed=2)
