"""The environment at serving has the versions of training: which package differs, by how great a step, and what is missing."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from assay.errors import UsageError, nearest
from assay.testing.contract import broken, contract, held, undecided
from assay.testing.pipelines.counting import counted
from assay.testing.pipelines.environments import (
    Environment,
    Kind,
    VersionChange,
    change,
    installed,
    load_environment,
    normal,
)
from assay.testing.pipelines.locks import Lock, Wanted, read_lock, satisfies
from assay.testing.pipelines.pipeline import Pipeline
from assay.verdict import Example, Outcome, Verdict

__all__ = ["environment"]

SHOWN = 12
KINDS: tuple[Kind, ...] = ("build", "patch", "minor", "major", "other", "missing")


@contract(
    "pipeline",
    title="the packages at serving have the versions that the lock of training names",
    catches="a package that was upgraded on one side only; one that is missing; another Python; a lock that nobody installs from",
    needs=("lock",),
    rubric=("O1",),
)
def environment(
    subject: Pipeline, data: object = None, /, *, serving: Environment | str | Path | None = None, allow: Kind = "patch",
    packages: Sequence[str] = (),
) -> Outcome:  # fmt: skip
    """Judge that the versions here, or those of `serving` (recorded there, or its file), are those of the pipeline's `lock`.

    A difference of at most the step `allow` (build, patch, minor, major) is a WARN, a greater one and a missing package a FAIL. `packages`
    are those that matter; all by default. In a lock for every system (uv.lock, poetry.lock, pylock.toml) a package that is not installed
    may be for another one: it is told of, and is no failure. INCONCLUSIVE where the lock names nothing that is installed.

    >>> import assay
    >>> trained = Environment("3.12.4", {"numpy": "2.1.0", "polars": "1.9.0"})
    >>> told = assay.pipeline(None, model=len, lock=trained)
    >>> environment(told, serving=trained).verdict.value
    'pass'
    >>> seen = environment(told, serving=Environment("3.12.4", {"numpy": "1.26.4", "polars": "1.9.0"}))
    >>> seen.verdict.value, seen.why
    ('fail', '1 version of the recorded environment not here: numpy is 1.26.4, it was 2.1.0 (major)')
    """
    assert subject.lock is not None
    if allow not in get_args(Kind)[:4]:
        raise UsageError(f"allow is {allow!r}", hint=nearest(str(allow), get_args(Kind)[:4]))
    lock = read_lock(subject.lock)
    there = load_environment(serving) if isinstance(serving, str | Path) else serving
    wanted = [one for one in lock.wanted if not packages or one.name in {normal(name) for name in packages}]
    unknown = [name for name in packages if normal(name) not in {one.name for one in lock.wanted}]
    if unknown:
        raise UsageError(
            f"{lock.place} does not name {unknown[0]!r}", hint=nearest(unknown[0], [one.name for one in lock.wanted])
        )
    changes = [found for one in wanted if (found := _change(one, _version(one.name, there))) is not None]
    absent = [found for found in changes if found.kind == "missing"] if lock.universal else []
    if len(absent) == len(wanted) or not wanted:
        return undecided(
            f"{lock.place} names {counted(len(wanted), 'package')}, of which none is installed here",
            note="Run it where the model is served.",
        )
    changes = [*_python(lock, there), *(found for found in changes if found not in absent)]
    return _outcome(lock, changes, len(wanted) - len(absent), allow, absent)


def _version(name: str, there: Environment | None) -> str | None:
    return installed(name) if there is None else {normal(n): v for n, v in there.packages.items()}.get(name)


def _change(wanted: Wanted, version: str | None) -> VersionChange | None:
    if wanted.version:
        if version is not None and "+" not in wanted.version and satisfies(version, wanted):
            # a lock that does not say which build takes any
            return change(wanted.name, wanted.version, version.partition("+")[0])
        return change(wanted.name, wanted.version, version)
    asked = ",".join(operator + bound for operator, bound in wanted.clauses)
    if version is None:
        return VersionChange(wanted.name, "missing", asked, "")
    return None if satisfies(version, wanted) else VersionChange(wanted.name, "other", asked, version)


def _python(lock: Lock, there: Environment | None) -> list[VersionChange]:
    found = change("python", lock.python, there.python if there else platform.python_version()) if lock.python else None
    return [] if found is None else [found]


def _outcome(lock: Lock, changes: list[VersionChange], n: int, allow: Kind, absent: Sequence[VersionChange]) -> Outcome:
    changes.sort(key=lambda found: (-KINDS.index(found.kind), found.package != "python", found.package))
    far = [found for found in changes if KINDS.index(found.kind) > KINDS.index(allow)]
    shown = tuple(
        Example(None, {"package": c.package, "trained": c.trained, "serving": c.serving or "missing", "step": c.kind})
        for c in changes[:SHOWN]
    )
    more = f" {counted(len(absent), 'package')} of the lock not installed: maybe for another system." if absent else ""
    if not changes:
        return held(f"{counted(n, 'package')} with the version of {lock.place}", n_rows=n, note=more.strip())
    first = changes[0]
    said = f"{first.package} is {first.serving}, it was {first.trained} ({first.kind})"
    if first.kind == "missing":
        said = f"{first.package} {first.trained} is missing"
    if far:
        return broken(
            f"{counted(len(far), 'version')} of {lock.place} not here: {said}", examples=shown, n_rows=n, n_failing=len(far),
            note=f"Install from the lock, or train again here and record the environment again.{more}",
        )  # fmt: skip
    step = "1 package differs" if len(changes) == 1 else f"{len(changes)} of {n} packages differ"
    return Outcome(
        "", "", Verdict.WARN, why=f"{step} by no more than a {allow} step from {lock.place}: {said}", examples=shown, n_rows=n,
        n_failing=len(changes), note=more.strip(),
    )  # fmt: skip
