"""What a person gets who installs Assay and nothing else: it works, and it loads little.

The wheel is built and installed into an environment that holds Assay's own requirements only, linked from the environment of
the tests, so that no network is needed. Python itself (`-X importtime`) says which modules a command loads.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"duckdb", "jinja2", "pandas", "pyarrow", "scipy", "sklearn", "sqlalchemy"}
ROWS = "id,fare,paid_at,city\n" + "".join(
    f"{row},{10 + row % 7}.50,2013-01-{1 + row % 28:02d},{'oslo' if row % 3 else 'lima'}\n" for row in range(200)
)


@dataclass(frozen=True)
class Ran:
    """How a command ended, and which third-party packages it loaded."""

    code: int
    out: str
    err: str
    loaded: frozenset[str]


@dataclass(frozen=True)
class Installed:
    """An environment where Assay is installed."""

    python: Path

    def run(self, *arguments: str, folder: Path) -> Ran:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV_"))}
        command = [str(self.python), "-X", "importtime", *arguments]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        imported = re.findall(r"^import time: +\d+ \| +\d+ \| +([\w.]+)$", done.stderr, flags=re.MULTILINE)
        top = {name.partition(".")[0] for name in imported}
        said = "\n".join(line for line in done.stderr.splitlines() if not line.startswith("import time:"))
        return Ran(
            done.returncode, done.stdout, said, frozenset(top - sys.stdlib_module_names - {"assay", "sitecustomize"})
        )

    def assay(self, *arguments: str, folder: Path) -> Ran:
        return self.run(str(self.python.with_name("assay")), *arguments, folder=folder)


def requirements_of(wheel: metadata.Distribution) -> set[str]:
    """Return the names of all distributions that an installation without extras brings, the wheel's own name left out."""
    found: set[str] = set()
    waiting = [line for line in wheel.requires or () if "extra ==" not in line]
    while waiting:
        wanted = Requirement(waiting.pop())
        if wanted.name in found or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        found.add(wanted.name)
        waiting += [
            line
            for line in metadata.requires(wanted.name) or ()
            if not (marker := Requirement(line).marker)
            or any(marker.evaluate({"extra": extra}) for extra in wanted.extras or {""})
        ]
    return found


def link(names: set[str], packages: Path) -> None:
    """Link installed distributions into another environment's packages."""
    for name in names:
        distribution = metadata.distribution(name)
        for top in sorted({file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}):
            target = packages / top
            if not target.exists():
                target.symlink_to(Path(str(distribution.locate_file(top))).resolve())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--wheel-dir",
        str(folder),
    ]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("assay-*.whl")
    return built


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("bare") / "env"
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, str(wheel)], check=True, capture_output=True, timeout=120)
    (packages,) = folder.glob("lib/python*/site-packages")
    (own,) = packages.glob("assay-*.dist-info")
    link(requirements_of(metadata.Distribution.at(own)), packages)
    return Installed(python)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rides.csv").write_text(ROWS)
    return tmp_path


def loads(ran: Ran, *, at_most: Sequence[str]) -> bool:
    return ran.loaded <= set(at_most)


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()

    assert "assay/py.typed" in names
    assert {name.partition("/")[0] for name in names} == {"assay", "assay-0.1.0.dist-info"}
    assert "assay-0.1.0.dist-info/licenses/LICENSE" in names


def test_the_environment_has_no_optional_package(bare: Installed, folder: Path):
    code = f"import importlib.util as u; print([name for name in {sorted(HEAVY - {'jinja2', 'scipy'})} if u.find_spec(name)])"

    assert bare.run("-c", code, folder=folder).out == "[]\n"


def test_import_assay_loads_no_third_party_package(bare: Installed, folder: Path):
    ran = bare.run("-c", "import assay; print(assay.__name__)", folder=folder)

    assert (ran.code, ran.out, ran.loaded) == (0, "assay\n", frozenset())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["check", "--help"]], ids=" ".join)
def test_help_loads_nothing_but_the_command_line_library(bare: Installed, folder: Path, arguments: list[str]):
    ran = bare.assay(*arguments, folder=folder)

    assert ran.code == 0, ran.err
    assert "assay" in ran.out
    assert loads(ran, at_most=["click"])


def test_a_bare_installation_profiles_suggests_and_checks(bare: Installed, folder: Path):
    profiled = bare.assay("profile", "rides.csv", "-o", "profile.json", folder=folder)
    suggested = bare.assay("suggest", "rides.csv", "-o", "suite.yaml", folder=folder)
    checked = bare.assay(
        "check", "rides.csv", "--suite", "suite.yaml", "-o", "findings.html", "--format", "html", folder=folder
    )

    assert (profiled.code, suggested.code, checked.code) == (0, 0, 0), profiled.err + suggested.err + checked.err
    assert (folder / "profile.json").stat().st_size > 0
    assert "</html>" in (folder / "findings.html").read_text()


def test_a_check_loads_no_heavy_package_even_where_they_are_installed(folder: Path):
    here = Installed(Path(sys.executable))
    assert here.assay("suggest", "rides.csv", "-o", "suite.yaml", folder=folder).code == 0

    ran = here.assay("check", "rides.csv", "--suite", "suite.yaml", folder=folder)

    assert ran.code == 0, ran.err
    assert "polars" in ran.loaded
    assert not ran.loaded & HEAVY


def test_a_missing_extra_is_one_sentence_that_installs_it(bare: Installed, folder: Path):
    ran = bare.assay("profile", "postgresql://nobody@localhost/none", "--query", "rides", folder=folder)

    assert ran.code == 2
    assert ran.err == "assay: the package 'psycopg' is not installed; run: pip install 'assay[postgres]'"
