"""Marks: slow tests wait to be asked for, and a mark that says nothing fails its own test and no other."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

SLOW = """
import pytest

@pytest.mark.slow_ml
def test_trains_for_an_hour():
    pass

def test_adds():
    pass
"""


@pytest.mark.parametrize(
    ("asked", "passed", "skipped"),
    [
        ((), 1, 1),
        (("--slow-ml",), 2, 0),
        (("-m", "slow_ml"), 1, 0),
        (("-m", "not slow_ml"), 1, 0),
        (("-m", "data"), 0, 0),
    ],
)
def test_a_slow_test_runs_where_it_is_asked_for(repository, asked, passed, skipped):
    repository.makepyfile(test_slow=SLOW)

    ran = repository.runpytest_inprocess(*asked)

    ran.assert_outcomes(passed=passed, skipped=skipped, deselected=2 - passed - skipped)


def test_a_slow_test_says_how_to_run_it(repository):
    repository.makepyfile(test_slow=SLOW)

    ran = repository.runpytest_inprocess("-rs")

    ran.stdout.fnmatch_lines(["SKIPPED * slow_ml: run it with --slow-ml, or -m slow_ml"])


def test_the_marks_are_known_where_marks_are_strict(repository):
    repository.makepyfile(
        test_marks="""
        import pytest

        @pytest.mark.data
        @pytest.mark.model
        @pytest.mark.pipeline
        @pytest.mark.rubric("D7", "I1")
        @pytest.mark.assay_budget(time="1m", memory="4GiB")
        def test_marked():
            pass
        """
    )

    repository.runpytest_inprocess("--strict-markers").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ("rubric('D9')", "*rubric('D9'): there is no such test in the ML Test Score; there are D1 to D7, M1 to M7*"),
        ("assay_budget(tme='1s')", "*assay_budget takes time= and memory=, either or both; it was given tme=*"),
        ("assay_budget('1s')", "*assay_budget takes time= and memory=, either or both; it was given '1s'*"),
        ("assay_budget()", "*either or both; it was given nothing*"),
        ("assay_budget(time='soon')", "*assay_budget: 'soon' is not a duration; write a number and w, d, h*"),
        ("assay_budget(time=0)", "*assay_budget: * is no duration; write 200ms, 1m30s, a number of seconds above 0*"),
        (
            "assay_budget(memory='800')",
            "*assay_budget: '800' is no amount of memory; write a number above 0 and its unit*",
        ),
        ("assay_budget(memory=True)", "*assay_budget: True is no amount of memory*"),
    ],
)
def test_a_mark_that_says_nothing_fails_its_own_test_alone(repository, mark, said):
    repository.makepyfile(
        test_marks=f"import pytest\n\n@pytest.mark.{mark}\ndef test_a(): pass\n\ndef test_b(): pass\n"
    )

    ran = repository.runpytest_inprocess()

    ran.assert_outcomes(passed=1, errors=1)
    ran.stdout.fnmatch_lines([said])


def test_the_marks_are_listed_with_what_they_say(repository):
    ran = repository.runpytest_inprocess("--markers")

    ran.stdout.fnmatch_lines(["@pytest.mark.slow_ml: trains or evaluates at length; skipped unless --slow-ml*"])
