"""The versions at training against those at serving."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path

import pytest

from assay.errors import ConfigError, UsageError
from assay.testing.explaining import explained
from assay.testing.pipelines.environments import (
    Environment,
    change,
    load_environment,
    normal,
    record_environment,
    release,
    save_environment,
)
from assay.testing.pipelines.locks import Wanted, marker_holds, read_lock, satisfies
from assay.testing.pipelines.pipeline import pipeline
from assay.testing.pipelines.versions import environment
from assay.verdict import Outcome, Verdict

NUMPY, POLARS = metadata.version("numpy"), metadata.version("polars")


def locked(lock: object, **settings: object) -> Outcome:
    return environment(pipeline(len, name="churn", lock=lock), None, **settings)  # type: ignore[arg-type]


def other(version: str, place: int) -> str:
    """Return a version whose number at this place is one higher."""
    numbers = [*release(version), 0, 0][:3]
    numbers[place] += 1
    return ".".join(map(str, numbers))


def test_what_was_recorded_here_holds_here(tmp_path: Path):
    save_environment(record_environment(), tmp_path / "environment.json")

    seen = locked(tmp_path / "environment.json")

    assert seen.verdict is Verdict.PASS
    assert "with the version of" in seen.why


def test_a_recorded_environment_names_python_and_what_was_imported():
    recorded = record_environment()

    assert recorded.python == platform.python_version()
    assert recorded.packages["numpy"] == NUMPY


def test_a_package_is_named_as_it_is_published_or_imported():
    assert (
        record_environment(["pyyaml"]).packages
        == record_environment(["yaml"]).packages
        == {"pyyaml": metadata.version("pyyaml")}
    )


def test_a_package_that_is_not_there_cannot_be_recorded():
    with pytest.raises(UsageError, match="'no-such-package' is not installed"):
        record_environment(["no-such-package"])


def test_an_environment_survives_its_file(tmp_path: Path):
    one = Environment("3.11.2", {"numpy": "2.4.1"}, system="Linux")
    save_environment(one, tmp_path / "e.json")

    assert load_environment(tmp_path / "e.json") == one


@pytest.mark.parametrize(
    ("place", "verdict", "step"), [(0, Verdict.FAIL, "major"), (1, Verdict.FAIL, "minor"), (2, Verdict.WARN, "patch")]
)
def test_the_step_between_versions_decides(place: int, verdict: Verdict, step: str):
    lock = Environment(platform.python_version(), {"polars": other(POLARS, place), "numpy": NUMPY})

    seen = locked(lock)

    assert seen.verdict is verdict
    assert seen.examples[0].values == {
        "package": "polars",
        "trained": other(POLARS, place),
        "serving": POLARS,
        "step": step,
    }


def test_what_is_allowed_is_a_warning():
    lock = Environment(platform.python_version(), {"polars": other(POLARS, 1)})

    assert locked(lock, allow="minor").verdict is Verdict.WARN
    assert (
        locked(Environment(platform.python_version(), {"polars": other(POLARS, 2)}), allow="build").verdict
        is Verdict.FAIL
    )


def test_a_missing_package_fails_and_stands_first():
    seen = locked(
        Environment(platform.python_version(), {"polars": other(POLARS, 0), "no-such-package": "1.0", "numpy": NUMPY})
    )

    assert seen.verdict is Verdict.FAIL
    assert "2 versions of the recorded environment not here: no-such-package 1.0 is missing" in seen.why
    assert "no-such-package" in explained(seen)


def test_another_python_fails():
    seen = locked(Environment("3.8.1", {"numpy": NUMPY}))

    assert seen.verdict is Verdict.FAIL
    assert f"python is {platform.python_version()}, it was 3.8.1 (minor)" in seen.why


def test_two_recorded_environments_are_compared_without_this_one(tmp_path: Path):
    trained = Environment("3.11.2", {"scikit-learn": "1.6.1"})
    save_environment(Environment("3.11.2", {"scikit_learn": "1.7.0"}), tmp_path / "serving.json")

    seen = locked(trained, serving=tmp_path / "serving.json")

    assert "scikit-learn is 1.7.0, it was 1.6.1 (minor)" in seen.why
    assert locked(trained, serving=trained).verdict is Verdict.PASS


def test_packages_that_matter_are_judged_alone():
    lock = Environment(platform.python_version(), {"polars": other(POLARS, 0), "numpy": NUMPY})

    assert locked(lock, packages=["numpy"]).verdict is Verdict.PASS
    with pytest.raises(UsageError, match="did you mean 'numpy'"):
        locked(lock, packages=["numpi"])


def test_a_lock_of_nothing_that_is_here_is_inconclusive(tmp_path: Path):
    (tmp_path / "uv.lock").write_text('version = 1\n[[package]]\nname = "no-such-package"\nversion = "1.0"\n')

    assert locked(tmp_path / "uv.lock").verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("trained", "serving", "kind"),
    [
        ("1.0", "1.0.0", None),
        ("2.13.0+cpu", "2.13.0+cpu", None),
        ("2.13.0+cpu", "2.13.0", "build"),
        ("1.0rc1", "1.0", "patch"),
        ("1.0.post1", "1.0", "patch"),
        ("0.4.1", "0.5.0", "major"),
        ("1.4", "1.5", "minor"),
        ("1.4", "1.4.1", "patch"),
        ("3", "4", "major"),
        ("main", "1.0", "other"),
        ("1.0", None, "missing"),
    ],
)
def test_a_step_is_named(trained: str, serving: str | None, kind: str | None):
    found = change("x", trained, serving)

    assert (found.kind if found else None) == kind


REQUIREMENTS = """
# what training ran with
numpy==2.4.1 \\
    --hash=sha256:aaaa \\
    --hash=sha256:bbbb
Scikit_Learn[alldeps] == 1.9.0 ; python_version >= "3.8"  # pinned
polars>=2,<3
pywin32==306 ; sys_platform == "plan9"
mypkg @ https://host.example/mypkg-1.0.whl
-e .
--index-url https://host.example/simple
-r more.txt
"""


def test_requirements_are_read_with_hashes_markers_and_files(tmp_path: Path):
    (tmp_path / "requirements.txt").write_text(REQUIREMENTS)
    (tmp_path / "more.txt").write_text("pandas~=3.0\n-r requirements.txt\n")

    lock = read_lock(tmp_path / "requirements.txt")

    assert lock.wanted == (
        Wanted("numpy", "2.4.1"),
        Wanted("scikit-learn", "1.9.0"),
        Wanted("polars", clauses=((">=", "2"), ("<", "3"))),
        Wanted("mypkg"),
        Wanted("pandas", clauses=(("~=", "3.0"),)),
    )
    assert not lock.universal


def test_a_range_that_does_not_hold_fails(tmp_path: Path):
    (tmp_path / "requirements.txt").write_text(f"polars>={POLARS}\nnumpy<1.0\n")

    seen = locked(tmp_path / "requirements.txt")

    assert seen.verdict is Verdict.FAIL
    assert f"numpy is {NUMPY}, it was <1.0 (other)" in seen.why


def test_a_lock_without_a_build_takes_any(tmp_path: Path):
    (tmp_path / "requirements.txt").write_text("torch==2.13.0\n")

    assert (
        locked(tmp_path / "requirements.txt", serving=Environment("3.11.2", {"torch": "2.13.0+cpu"})).verdict
        is Verdict.PASS
    )


UV = f"""
version = 1
[[package]]
name = "churn"
version = "0.1.0"
source = {{ editable = "." }}
[[package]]
name = "numpy"
version = "{NUMPY}"
source = {{ registry = "https://host.example/simple" }}
[[package]]
name = "pywin32"
version = "306"
"""
PYLOCK = f"""
lock-version = "1.0"
[[packages]]
name = "numpy"
version = "{NUMPY}"
[[packages]]
name = "colorama"
version = "0.4"
marker = "sys_platform == 'plan9'"
"""


@pytest.mark.parametrize(
    ("name", "text"), [("uv.lock", UV), ("poetry.lock", UV.replace("editable", "directory")), ("pylock.toml", PYLOCK)]
)
def test_locks_for_every_system_are_read(name: str, text: str, tmp_path: Path):
    (tmp_path / name).write_text(text)

    seen = locked(tmp_path / name)

    assert seen.verdict is Verdict.PASS
    assert seen.n_rows == 1
    assert ("1 package of the lock not installed" in seen.note) == (name != "pylock.toml")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("uv.lock", "[[", "this is not TOML"),
        ("pyproject.toml", "[project]\nname = 'x'\n", "lists no packages"),
        ("requirements.txt", "# nothing\n", "names no package"),
        ("requirements.txt", "numpy 2.4.1\n", "is no requirement"),
        ("environment.json", "[]", "expected a mapping"),
        ("environment.json", "no", "no environment"),
    ],
)
def test_what_is_no_lock_is_refused_with_its_place(name: str, text: str, said: str, tmp_path: Path):
    (tmp_path / name).write_text(text)

    with pytest.raises(ConfigError, match=said) as raised:
        locked(tmp_path / name)

    assert name in str(raised.value)


def test_a_lock_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="there is no such file"):
        locked("no/such/requirements.txt")


@pytest.mark.parametrize(
    ("version", "clause", "holds"),
    [
        ("2.4.1", ("==", "2.4.1"), True), ("2.4.1", ("==", "2.4.*"), True), ("2.5.0", ("==", "2.4.*"), False),
        ("2.5.0", ("!=", "2.4.*"), True), ("2.4", ("~=", "2.2"), True), ("3.0", ("~=", "2.2"), False), ("2.4.9", ("~=", "2.4.5"), True),
        ("2.5", ("~=", "2.4.5"), False), ("2.10", (">", "2.9"), True), ("1.0.0", ("<=", "1"), True), ("1.0", ("===", "1.0.0"), False),
        ("2.1+cpu", ("==", "2.1"), True), ("2.1+cpu", ("==", "2.1+cu"), False),
    ],
)  # fmt: skip
def test_clauses_are_those_of_pep_440(version: str, clause: tuple[str, str], holds: bool):
    packaging = pytest.importorskip("packaging.specifiers")

    assert satisfies(version, Wanted("x", clauses=(clause,))) is holds
    assert packaging.SpecifierSet("".join(clause)).contains(version, prereleases=True) is holds


@pytest.mark.parametrize(
    "marker",
    [
        'python_version >= "3.8"', 'python_version < "3.8"', 'sys_platform == "win32"', 'sys_platform != "win32" and python_version > "3"',
        '(sys_platform == "win32" or python_full_version >= "3.8.0") and implementation_name == "cpython"', 'extra == "test"',
        'python_version in "3.8 3.9"', 'platform_machine not in "sparc mips"', '"linux" in sys_platform', '"3.8" <= python_version',
        'python_version >= "3.8" or sys_platform == "win32" and extra == "x"', "python_version ~= '3.0'",
    ],
)  # fmt: skip
def test_markers_are_those_of_pep_508(marker: str):
    markers = pytest.importorskip("packaging.markers")

    assert marker_holds(marker) is markers.Marker(marker).evaluate({"extra": ""})


def test_a_marker_that_cannot_be_read_holds():
    assert marker_holds("colour == 'blue'")
    assert marker_holds("(python_version > '3'")


def test_names_are_compared_as_pep_503_does():
    assert normal("Foo__Bar.-baz") == "foo-bar-baz"
