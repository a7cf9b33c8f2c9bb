"""An environment: the versions of Python and of packages, recorded at training and compared at serving."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from assay.codec import convert
from assay.errors import ConfigError, UsageError

__all__ = [
    "Environment",
    "VersionChange",
    "load_environment",
    "normal",
    "record_environment",
    "release",
    "save_environment",
]

_VERSION = re.compile(
    r"v?(?:\d+!)?(?P<release>\d+(?:\.\d+)*)(?P<rest>[^+]*)(?:\+(?P<local>.*))?", re.IGNORECASE
)  # PEP 440, as far as versions are compared here
Kind = Literal["major", "minor", "patch", "build", "missing", "other"]
FORMAT = 1


class Environment(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The versions that something ran with: of Python, of the system, and of each package, by its normal name."""

    python: str
    packages: dict[str, str] = {}
    implementation: str = "CPython"
    system: str = ""
    machine: str = ""
    format: int = FORMAT


class VersionChange(NamedTuple):
    """A package of which another version is there: how great the step is, from the version at training to that at serving."""

    package: str
    kind: Kind
    trained: str
    serving: str


def record_environment(packages: Iterable[str] = ()) -> Environment:
    """Return the environment of this process: the versions of these packages, else of all that have been imported so far.

    A package is named as it is published ("scikit-learn") or as it is imported ("sklearn").

    Raises UsageError where one is not installed.

    >>> record_environment(["numpy"]).packages.keys()
    dict_keys(['numpy'])
    """
    provided = metadata.packages_distributions()
    asked = list(packages)
    names = {d for module in {name.partition(".")[0] for name in sys.modules} for d in provided.get(module, ())}
    if asked:
        names = {d for name in asked for d in provided.get(name, [name])}
    found = {}
    for name in names:
        version = installed(name)
        if version is None:
            raise UsageError(
                f"the package {name!r} is not installed", hint="name packages as they are published or imported"
            )
        found[normal(name)] = version
    return Environment(
        platform.python_version(),
        dict(sorted(found.items())),
        platform.python_implementation(),
        platform.system(),
        platform.machine(),
    )


def installed(package: str) -> str | None:
    """Return the version of a package that is installed; None where it is not."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def save_environment(environment: Environment, path: str | Path) -> None:
    """Write an environment as JSON, to lie beside the model."""
    text = msgspec.json.format(msgspec.json.encode(environment), indent=2)
    Path(path).write_bytes(text + b"\n")


def load_environment(path: str | Path) -> Environment:
    """Return an environment that was saved; raise ConfigError where the file holds none."""
    try:
        return convert(msgspec.json.decode(Path(path).read_bytes()), Environment, file=str(path))
    except FileNotFoundError:
        raise UsageError("there is no such file", place=str(path)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"this is no environment: {error}", place=str(path)) from None


def normal(name: str) -> str:
    """Return a package's name as packages are compared by: small letters, runs of dots, dashes and underscores as a dash.

    >>> normal("Ruamel.YAML"), normal("typing_extensions")
    ('ruamel-yaml', 'typing-extensions')

    Source: PEP 503.
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def release(version: str) -> tuple[int, ...]:
    """Return the numbers of a version; none where it has none.

    >>> release("2.13.0+cpu"), release("1.0rc2"), release("main")
    ((2, 13, 0), (1, 0), ())
    """
    found = _VERSION.fullmatch(version.strip())
    return tuple(int(part) for part in found["release"].split(".")) if found else ()


def change(package: str, trained: str, serving: str | None) -> VersionChange | None:
    """Return by what step two versions of a package differ; None where they are the same.

    Below version 1 the second number is as the first: 0.4 to 0.5 is a major step. Where the numbers are the same, a pre-release is a
    patch, and what follows a plus sign is a build.

    >>> change("numpy", "2.4.1", "2.5.0").kind, change("torch", "2.13.0+cpu", "2.13.0").kind
    ('minor', 'build')
    """
    if serving is None:
        return VersionChange(package, "missing", trained, "")
    if trained == serving:
        return None
    a, b = release(trained), release(serving)
    if not a or not b:
        return VersionChange(package, "other", trained, serving)
    width = max(len(a), len(b), 3)
    a, b = (*a, *[0] * (width - len(a))), (*b, *[0] * (width - len(b)))
    if a == b:
        one, two = _VERSION.fullmatch(trained), _VERSION.fullmatch(serving)
        assert one is not None
        assert two is not None
        if one["rest"].lower() != two["rest"].lower():
            return VersionChange(package, "patch", trained, serving)
        return (
            None if (one["local"] or "") == (two["local"] or "") else VersionChange(package, "build", trained, serving)
        )
    first = next(i for i in range(width) if a[i] != b[i])
    kinds: Sequence[Kind] = ("major", "major" if a[0] == b[0] == 0 else "minor")
    return VersionChange(package, kinds[first] if first < 2 else "patch", trained, serving)
