"""The machinery of conftest.py: what it finds is real, and what it does not find is never silently green."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).with_name("conftest.py").read_text()
A_TEST = """
import pytest

@pytest.mark.real_part("postgres")
def test_that_asks_a_database():
    assert True
"""


@pytest.fixture
def no_postgres(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    absent = CONFTEST.replace('"postgres": (find_postgres,', '"postgres": (lambda: None,')
    pytester.makeconftest(absent)
    pytester.makeini("[pytest]\nmarkers = real_part(name): as in pyproject.toml")
    pytester.makepyfile(A_TEST)
    monkeypatch.delenv("CI", raising=False)
    return pytester


def test_a_missing_part_is_a_counted_skip(no_postgres: pytest.Pytester):
    result = no_postgres.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["real part missing: postgres: 1 tests skipped; install the package postgresql"])


def test_a_missing_part_fails_where_ci_is_set(no_postgres: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CI", "true")

    result = no_postgres.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*real part missing: postgres; install the package postgresql (CI is set*"])


def test_the_database_is_a_real_one(postgres_url: str):
    psycopg = pytest.importorskip("psycopg")

    with psycopg.connect(postgres_url) as connection:
        answer = connection.execute("select 40 + 2, version()").fetchone()

    assert answer[0] == 42
    assert answer[1].startswith("PostgreSQL ")


def test_the_browser_is_a_real_one(chromium: Path, tmp_path: Path):
    page = tmp_path / "page.html"
    page.write_text("<p id=x></p><script>document.getElementById('x').textContent = 40 + 2</script>")

    command = [
        str(chromium),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path}/profile",
        "--dump-dom",
    ]
    done = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=120, check=True)

    assert '<p id="x">42</p>' in done.stdout
