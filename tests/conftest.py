"""What all tests share: real parts of the machine, chance that is the same each time, and a summary of what was missing.

A test that needs a real database server or a real browser asks for `postgres_url` or `chromium`, or is marked
`real_part("postgres")`. Where the part is missing, the test is skipped and counted in the summary; where the variable CI is
set, it fails, so that a build can't turn green by not looking.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

MISSING = "real part missing: "
FIXTURES = {"postgres_url": "postgres", "chromium": "chromium"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PASSWORD = "correct-horse"

# The same examples each time: a failure that one run finds is found by the next. `--hypothesis-profile=explore` looks further.
settings.register_profile("assay", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("assay")


def find_postgres() -> Path | None:
    """Return the folder of PostgreSQL's programs: the newest that Debian's packages put in, or the one in PATH."""
    packaged = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if packaged:
        return max(packaged, key=lambda path: float(path.parent.name))
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def find_chromium() -> Path | None:
    """Return the first browser in PATH that Chromium's options fit."""
    return next((Path(found) for name in BROWSERS if (found := shutil.which(name))), None)


def find_torch() -> Path | None:
    """Return where torch is: it is no part of the test extra, as its usual wheel brings gigabytes for graphics cards."""
    found = importlib.util.find_spec("torch")
    return Path(found.origin).parent if found is not None and found.origin else None


def find_jax() -> Path | None:
    """Return where jax is: its compiled part takes 350 MB, so that it is no part of the test extra either."""
    found = importlib.util.find_spec("jax") if importlib.util.find_spec("jaxlib") else None
    return Path(found.origin).parent if found is not None and found.origin else None


REAL_PARTS: dict[str, tuple[Callable[[], Path | None], str]] = {
    "postgres": (find_postgres, "install the package postgresql"),
    "chromium": (find_chromium, "install the package chromium"),
    "torch": (find_torch, "install torch, in its build for processors alone"),
    "jax": (find_jax, "install jax, in its build for processors alone"),
}


def real_part(name: str) -> Path:
    """Return where a real part is; skip the test where it is missing, or fail it where CI is set."""
    find, advice = REAL_PARTS[name]
    found = find()
    if found is not None:
        return found
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(f"{MISSING}{name}; {advice} (CI is set, so this is no skip)", pytrace=False)
    pytest.skip(f"{MISSING}{name}; {advice}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture, part in FIXTURES.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.real_part(part))


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("real_part"):
        for name in marker.args:
            real_part(name)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    missing = Counter(name for reason in reasons for name in REAL_PARTS if f"{MISSING}{name};" in reason)
    for name, tests in sorted(missing.items()):
        terminalreporter.write_line(f"{MISSING}{name}: {tests} tests skipped; {REAL_PARTS[name][1]}", yellow=True)


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Return a generator seeded by the test's own name: the same each time, another one for each test."""
    return np.random.default_rng(zlib.crc32(request.node.nodeid.encode()))


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Return the path of a real browser."""
    return real_part("chromium")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Return the URL of an empty database on a private PostgreSQL server, which stops when the tests end."""
    with postgres_server(real_part("postgres")) as url:
        yield url


@contextmanager
def postgres_server(programs: Path) -> Iterator[str]:
    """Start a server of our own on a free loopback port; it refuses to run as root, so root lends it to another user."""
    user = _unprivileged()
    # Not below pytest's temporary folder: that one lets no other user in.
    folder = Path(tempfile.mkdtemp(prefix="assay-postgres-"))
    secret = folder / "password"
    secret.write_text(PASSWORD)
    if user is not None:
        for path in (folder, secret):
            shutil.chown(path, user)
    data = folder / "data"

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), "--pgdata", str(data), *arguments]
        # The server outlives pg_ctl and keeps what it was given as output, so that has to be a file and not a pipe.
        with (folder / "output").open("w+") as output:
            done = subprocess.run(
                command,
                cwd=folder,
                user=user,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=120,
                check=False,
            )
            output.seek(0)
            assert done.returncode == 0, f"{program} answered {done.returncode}: {output.read()}"

    try:
        run(
            "initdb",
            "--username=assay",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-sync",
            "--locale=C",
        )
        port = _free_port()
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=20"
        run("pg_ctl", "start", "--wait", "--log", str(folder / "log"), "--options", options)
        try:
            yield f"postgresql://assay:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "stop", "--wait", "--mode", "immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> str | None:
    # The user to start a server as: None is whoever runs the tests.
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
