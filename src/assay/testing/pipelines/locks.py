"""The lock files that name versions: requirements.txt (with hashes or without), uv.lock, poetry.lock and pylock.toml."""

from __future__ import annotations

import os
import platform
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from assay.codec import read_text
from assay.errors import ConfigError
from assay.testing.pipelines.environments import Environment, load_environment, normal, release

__all__ = ["Lock", "Wanted", "marker_holds", "read_lock", "satisfies"]

_NAME = re.compile(r"(?P<name>[A-Za-z0-9][\w.\-]*)\s*(?:\[[^\]]*\])?\s*(?P<rest>.*)")
_CLAUSE = re.compile(r"(===|==|~=|!=|<=|>=|<|>)\s*([^\s,;]+)")
_TOKEN = re.compile(
    r"\s*(?:(\(|\))|(\bnot\s+in\b|===|==|~=|!=|<=|>=|<|>|\bin\b|\band\b|\bor\b)|'([^']*)'|\"([^\"]*)\"|([\w.]+))"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a lock asks of one package: its exact version, else clauses (`>=2,<3`); both empty where any will do."""

    name: str
    version: str = ""
    clauses: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Lock:
    """What a lock file asks for. Of a `universal` one a package that is not installed may be for another system."""

    place: str
    wanted: tuple[Wanted, ...]
    python: str = ""
    universal: bool = False


def read_lock(path: str | Path | Environment) -> Lock:
    """Return what a lock file, or an environment that was recorded, asks for.

    Raises ConfigError where the file is none of those that are known, or names no package.
    """
    if isinstance(path, Environment):
        return _of_environment(path, "the recorded environment")
    file = Path(path)
    if file.suffix == ".json":
        return _of_environment(load_environment(file), str(path))
    text = read_text(path)
    is_toml = file.suffix in (".lock", ".toml")
    lock = _of_toml(text, str(path)) if is_toml else Lock(str(path), tuple(_requirements(text, file, ())))
    if not lock.wanted:
        raise ConfigError(
            "it names no package", place=str(path), hint="give a lock file, or what record_environment saved"
        )
    return lock


def satisfies(version: str, wanted: Wanted) -> bool:
    """Return whether a version is one that is wanted; an exact one may leave out a build ("2.1" takes "2.1+cpu").

    >>> (
    ...     satisfies("2.4.1", Wanted("numpy", clauses=((">=", "2.0"), ("<", "3")))),
    ...     satisfies("2.4", Wanted("numpy", "2.5")),
    ... )
    (True, False)
    """
    clauses = wanted.clauses or ((("==", wanted.version),) if wanted.version else ())
    return all(_clause(version, operator, bound) for operator, bound in clauses)


def marker_holds(marker: str) -> bool:
    """Return whether an environment marker holds here; one about extras does not, one that cannot be read does.

    >>> marker_holds('python_version >= "3.8" and (sys_platform == "plan9" or implementation_name != "x")')
    True

    Source: PEP 508.
    """
    tokens = [next((part for part in found.groups() if part is not None), "") for found in _TOKEN.finditer(marker)]
    quoted = [found[3] is not None or found[4] is not None for found in _TOKEN.finditer(marker)]
    try:
        return _Marker(list(zip(tokens, quoted, strict=True))).read()
    except (IndexError, ValueError):
        return True


def _of_environment(recorded: Environment, place: str) -> Lock:
    return Lock(place, tuple(Wanted(normal(n), v) for n, v in recorded.packages.items()), recorded.python)


def _of_toml(text: str, place: str) -> Lock:
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"this is not TOML: {error}", place=place) from None
    listed = told.get("package") or told.get("packages")  # uv and poetry; PEP 751
    if not isinstance(listed, list):
        raise ConfigError(
            "it lists no packages", place=place, hint="give uv.lock, poetry.lock, pylock.toml, or requirements.txt"
        )
    wanted = []
    for each in listed:
        own = isinstance(each.get("source"), Mapping) and {"virtual", "editable", "directory"} & set(each["source"])
        if own or not each.get("version") or not marker_holds(str(each.get("marker", ""))):
            continue
        wanted.append(Wanted(normal(str(each["name"])), str(each["version"])))
    return Lock(place, tuple(wanted), universal=True)


def _requirements(text: str, file: Path, inside: tuple[Path, ...]) -> Iterator[Wanted]:
    """Yield what a file of requirements asks for, and the files that it names by -r or -c."""
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        told = re.sub(r"(^|\s)#.*$", "", line).strip()
        told = re.sub(r"\s--(hash|config-settings|global-option)[=\s]\S+", "", f" {told}").strip()
        if not told:
            continue
        if nested := re.fullmatch(r"(?:-r|--requirement|-c|--constraint)[=\s]*(\S+)", told):
            other = (file.parent / nested[1]).resolve()
            if other not in inside:
                yield from _requirements(read_text(other), other, (*inside, file.resolve(), other))
        elif not told.startswith("-"):
            yield from _requirement(told, str(file))


def _requirement(told: str, place: str) -> Iterator[Wanted]:
    spec, _, marker = told.partition(" ;") if " @ " in told else told.partition(";")
    if marker.strip() and not marker_holds(marker):
        return
    found = _NAME.fullmatch(spec.strip())
    if found is None or "://" in spec.partition("@")[0]:
        if re.match(r"[./]|\w+://|\w+\+", spec):
            return  # a folder or URL without a name: nothing to look up
        raise ConfigError(f"{told[:80]!r} is no requirement", place=place, hint="such as numpy==2.4.1")
    rest = found["rest"].strip().strip("()")
    clauses = tuple(_CLAUSE.findall(rest)) if not rest.startswith("@") else ()
    if rest and not clauses and not rest.startswith("@"):
        raise ConfigError(f"{told[:80]!r} is no requirement", place=place, hint="such as numpy==2.4.1")
    exact = (
        clauses[0][1]
        if len(clauses) == 1 and clauses[0][0] in ("==", "===") and not clauses[0][1].endswith("*")
        else ""
    )
    yield Wanted(normal(found["name"]), exact, () if exact else clauses)


def _clause(version: str, operator: str, bound: str) -> bool:
    """Return whether one clause takes a version, by the numbers of both."""
    if operator == "===":
        return version == bound
    if bound.endswith(".*"):
        stem = release(bound[:-2])
        same = _padded(release(version), len(stem))[: len(stem)] == stem
        return same if operator == "==" else not same
    a, b = release(version), release(bound)
    if not a or not b:
        return version == bound
    width = max(len(a), len(b))
    x, y = _padded(a, width), _padded(b, width)
    if operator == "~=":
        return x >= y and x[: len(b) - 1] == b[:-1]
    compared: Mapping[str, Callable[[], bool]] = {
        "==": lambda: x == y and ("+" not in bound or version == bound), "!=": lambda: x != y, "<=": lambda: x <= y, ">=": lambda: x >= y,
        "<": lambda: x < y, ">": lambda: x > y,
    }  # fmt: skip
    return compared[operator]()


def _padded(parts: tuple[int, ...], width: int) -> tuple[int, ...]:
    return (*parts, *[0] * (width - len(parts)))


class _Marker:
    """A reader of markers: `or` of `and` of comparisons and brackets."""

    def __init__(self, tokens: list[tuple[str, bool]]) -> None:
        self.tokens = tokens

    def read(self) -> bool:
        if not self.tokens:
            return True
        value = self._and()
        while self.tokens and self.tokens[0] == ("or", False):
            self.tokens.pop(0)
            value = self._and() or value
        return value

    def _and(self) -> bool:
        value = self._term()
        while self.tokens and self.tokens[0] == ("and", False):
            self.tokens.pop(0)
            value = self._term() and value
        return value

    def _term(self) -> bool:
        if self.tokens[0] == ("(", False):
            self.tokens.pop(0)
            value = self.read()
            if self.tokens.pop(0) != (")", False):
                raise ValueError("a bracket is not closed")
            return value
        (left, left_quoted), (operator, _), (right, right_quoted) = (self.tokens.pop(0) for _ in range(3))
        a = left if left_quoted else _variable(left)
        b = right if right_quoted else _variable(right)
        name = right if left_quoted else left
        if operator.split() == ["not", "in"]:
            return a not in b
        if operator == "in":
            return a in b
        if "version" in name:
            return _clause(a, operator, b) if not left_quoted else _clause(b, _FLIPPED.get(operator, operator), a)
        return {"==": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[operator]


_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def _variable(name: str) -> str:
    """Return the value here of a marker's variable; raise ValueError where there is none of that name."""
    short = ".".join(platform.python_version_tuple()[:2])
    known = {
        "python_version": short, "python_full_version": platform.python_version(), "os_name": os.name, "sys_platform": sys.platform,
        "platform_machine": platform.machine(), "platform_system": platform.system(), "platform_release": platform.release(),
        "platform_version": platform.version(), "platform_python_implementation": platform.python_implementation(),
        "implementation_name": sys.implementation.name, "implementation_version": platform.python_version(), "extra": "",
    }  # fmt: skip
    if name not in known:
        raise ValueError(f"there is no variable {name!r}")
    return known[name]
