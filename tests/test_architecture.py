"""The house rules that a machine can hold: floors, rooms of heavy packages, sizes, names, clocks, chance, and words for readers.

Each law is a function of one parsed module that returns what breaks it, in sentences. `BREACHES` shows that each law bites.
Only the standard library and pytest are imported, so that this runs before anything else can.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "assay"

# Imports point down: a module may import its own folder and the folders and modules of lower floors, nothing else.
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "verdict", "codec", "store"}),
    frozenset({"data"}),
    frozenset({"profiles"}),
    frozenset({"stats"}),
    frozenset({"checks", "evaluation"}),
    frozenset({"testing"}),
    frozenset({"registry", "gate"}),
    frozenset({"serving"}),
    frozenset({"monitor"}),
    frozenset({"reports"}),
    frozenset({"integrations"}),
    frozenset({"api", "cli", "config", "demo"}),
    frozenset({"__init__", "__main__"}),
)
# Single modules of one floor that may use a neighbour.
NEIGHBOURS = frozenset(
    {
        ("verdict", "errors"),
        ("codec", "errors"),
        ("store", "errors"),
        ("store", "codec"),
        ("gate", "registry"),
        ("api", "config"),
        ("cli", "api"),
        ("cli", "config"),
        ("cli", "demo"),
        ("demo", "api"),
        ("api", "__init__"),  # where the version stands
        ("cli", "__init__"),
        ("__main__", "__init__"),
    }
)
DOORS = frozenset({"api", "cli", "config", "__init__", "__main__"})
BELOW_DOORS = frozenset(name for floor in FLOORS for name in floor) - DOORS


@dataclass(frozen=True)
class Room:
    """Where a third-party package may be imported: at the top of a module, and inside functions."""

    top: frozenset[str] = frozenset()
    inside: frozenset[str] = frozenset()


_MEASURING = frozenset({"data", "profiles", "stats", "checks", "evaluation", "testing"})
# What every installation has. A package that is not here, and not in an extra, needs a decision record first.
ROOMS: dict[str, Room] = {
    "click": Room(top=frozenset({"cli"}), inside=frozenset({"cli"})),
    "jinja2": Room(inside=frozenset({"reports"})),
    "markupsafe": Room(inside=frozenset({"reports"})),  # comes with jinja2: a text that is HTML already
    "msgspec": Room(top=BELOW_DOORS - {"errors"} | {"api", "config"}, inside=BELOW_DOORS | DOORS),
    "numpy": Room(top=_MEASURING, inside=BELOW_DOORS | DOORS),
    "polars": Room(top=_MEASURING - {"stats"} | {"demo"}, inside=BELOW_DOORS | DOORS),
    "pytest": Room(top=frozenset({"testing"})),  # its plugin, which nobody loads but pytest
    "rich": Room(inside=frozenset({"cli", "reports"})),
    "scipy": Room(
        inside=frozenset({"stats", "evaluation", "testing"})
    ),  # scipy.special; scipy.stats takes a second to import
    "typing_extensions": Room(top=BELOW_DOORS, inside=BELOW_DOORS | DOORS),
    "yaml": Room(inside=frozenset({"codec"})),
}
# Optional packages have one door, `require`, inside the function that needs them, and only in these rooms.
OPTIONAL: dict[str, frozenset[str]] = {
    "deltalake": frozenset({"data"}),
    "duckdb": frozenset({"data"}),
    "river": frozenset({"stats"}),
    "sklearn": frozenset({"stats", "evaluation", "testing"}),
    "threadpoolctl": frozenset({"stats", "evaluation", "testing"}),
    "jsonschema": frozenset({"checks"}),
    "pandas": frozenset({"data", "evaluation", "testing"}),
    "psycopg": frozenset({"data"}),
    "pyarrow": frozenset({"data", "evaluation", "testing"}),
    "joblib": frozenset({"evaluation", "testing"}),
    "skops": frozenset({"evaluation", "testing"}),
    "xgboost": frozenset({"evaluation", "testing"}),
    "lightgbm": frozenset({"evaluation", "testing"}),
    "catboost": frozenset({"evaluation", "testing"}),
    "torch": frozenset({"evaluation", "testing"}),
    "onnx": frozenset({"evaluation", "testing"}),
    "onnxruntime": frozenset({"evaluation", "testing"}),
    "mlflow": frozenset({"evaluation", "testing"}),
    "shap": frozenset({"evaluation"}),
    "narwhals": frozenset({"testing"}),
    "cloudpickle": frozenset({"testing"}),
    "hypothesis": frozenset({"testing"}),
    "jax": frozenset({"testing"}),
    "skl2onnx": frozenset({"testing"}),
}
# What a package is called where it is published, if that is not the name it is imported by.
PUBLISHED = {"sklearn": "scikit-learn", "mlflow": "mlflow-skinny"}

FORBIDDEN_NAMES = frozenset({"base", "common", "core", "helpers", "manager", "misc", "utils"})
MODULE_LINES = 600
FUNCTION_LINES = 60
PARAMETERS = 7
CLOCKS = frozenset(
    {
        "time.time",
        "time.time_ns",
        "time.localtime",
        "time.gmtime",
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "date.today",
    }
)
CHANCE = frozenset({"uuid.uuid1", "uuid.uuid4", "os.urandom"})
SEEDED = frozenset({"Generator", "BitGenerator", "SeedSequence", "PCG64", "Philox", "default_rng"})

# Law, file, what: each with its reason. The list may shrink; `test_the_list_of_exceptions_only_shrinks` holds its length.
EXCEPTIONS: frozenset[tuple[str, str, str]] = frozenset(
    {
        # A notebook asks findings for their page; nothing below the reports does.
        ("floors", "verdict.py", "assay.reports.html"),
    }
)
EXCEPTIONS_AT_MOST = 1


@dataclass(frozen=True)
class Module:
    """One parsed source file: `path` is relative to the package, `room` is its first part."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        return self.path.parts[0].removesuffix(".py")

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def is_door_plate(self) -> bool:
        return self.name in {"__init__", "__main__"}


@dataclass(frozen=True)
class Import:
    """One imported module: its dotted name, its line, and whether that is at the module's top."""

    name: str
    line: int
    at_top: bool


def parse(path: str, text: str) -> Module:
    return Module(Path(path), text, ast.parse(text, path))


@cache
def modules() -> tuple[Module, ...]:
    files = sorted(SOURCE.rglob("*.py"))
    return tuple(parse(str(file.relative_to(SOURCE)), file.read_text(encoding="utf-8")) for file in files)


def imports(module: Module) -> Iterator[Import]:
    """Yield every import that runs: those under `if TYPE_CHECKING` don't."""

    def walk(node: ast.AST, at_top: bool) -> Iterator[Import]:
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            return
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, at_top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield Import(f"relative import of {node.module or '.'}", node.lineno, at_top)
            elif node.module == "assay":
                yield from (Import(f"assay.{alias.name}", node.lineno, at_top) for alias in node.names)
            else:
                yield Import(str(node.module), node.lineno, at_top)
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, at_top and not inside)

    yield from walk(module.tree, True)


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def calls(module: Module) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call by its dotted name, with the names of `from x import y` spelled out."""
    origin = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            first, dot, rest = ast.unparse(node.func).partition(".")
            yield origin.get(first, first) + dot + rest, node


def floor_of(room: str) -> int | None:
    return next((number for number, rooms in enumerate(FLOORS) if room in rooms), None)


# The laws -------------------------------------------------------------------------------------------------------------


def floors(module: Module) -> Iterator[tuple[str, str]]:
    """Imports point down the floors, never up and never sideways."""
    here = floor_of(module.room)
    if here is None:
        yield module.room, f"{module.room!r} has no floor; give it one in FLOORS and in docs/decisions/0001"
        return
    for imported in imports(module):
        if imported.name.startswith("relative import"):
            yield imported.name, f"line {imported.line}: {imported.name}; name the module in full"
        if imported.name.partition(".")[0] != "assay":
            continue
        other = [*imported.name.split("."), "__init__"][1]
        there = floor_of(other)
        if there is None:  # a name of the package itself, as in `from assay import check`
            other, there = "__init__", len(FLOORS) - 1
        if other != module.room and there >= here and (module.room, other) not in NEIGHBOURS:
            way = "up" if there > here else "sideways"
            yield (
                imported.name,
                f"line {imported.line}: imports {imported.name}, {way} from floor {here} to floor {there}",
            )


def rooms(module: Module) -> Iterator[tuple[str, str]]:
    """Third-party packages stay in their rooms; optional ones come in through `require`."""
    for imported in imports(module):
        top = imported.name.partition(".")[0]
        if top == "assay" or top in sys.stdlib_module_names or top.startswith("relative import"):
            continue
        where = f"line {imported.line}: imports {imported.name}"
        if top in ROOMS:
            allowed = ROOMS[top].top if imported.at_top else ROOMS[top].inside
            if module.room not in allowed:
                yield (
                    top,
                    f"{where} {'at the top' if imported.at_top else 'inside a function'}; allowed there: {sorted(allowed)}",
                )
        elif top in OPTIONAL:
            yield top, f"{where}; an optional package comes in through assay.errors.require"
        else:
            yield top, f"{where}, which no table in tests/test_architecture.py names; write its decision record first"


def doors_of_optional_packages(module: Module) -> Iterator[tuple[str, str]]:
    """`require(package, extra=…)` names a known package, in its room, and an extra that installs it."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    for name, call in calls(module):
        if name != "assay.errors.require":
            continue
        given = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "extra")]
        if len(given) != 2 or not all(isinstance(part, ast.Constant) for part in given):
            yield "require", f"line {call.lineno}: require takes a literal package and a literal extra"
            continue
        package, extra = (part.value for part in given)
        top = package.partition(".")[0]
        if module.room not in OPTIONAL.get(top, frozenset()):
            yield top, f"line {call.lineno}: {top} has no room in {module.room!r}; see OPTIONAL"
        if not any(line.startswith(PUBLISHED.get(top, top)) for line in extras.get(extra, ())):
            yield top, f"line {call.lineno}: the extra {extra!r} of pyproject.toml does not install {top}"


def sizes(module: Module) -> Iterator[tuple[str, str]]:
    """Modules, functions and parameter lists stay small."""
    lines = module.text.count("\n")
    if lines > MODULE_LINES:
        yield module.name, f"has {lines} lines; at most {MODULE_LINES}"
    for function in functions(module):
        length = (function.end_lineno or 0) - function.lineno + 1
        if ast.get_docstring(function) is not None:
            length -= (function.body[0].end_lineno or 0) - function.body[0].lineno + 1
        if length > FUNCTION_LINES:
            yield function.name, f"line {function.lineno}: {function.name} has {length} lines; at most {FUNCTION_LINES}"
        given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        taken = sum(argument.arg not in {"self", "cls"} for argument in given)
        # A command has one parameter for each option that a person can type.
        if taken > PARAMETERS and not _is_command(function):
            yield (
                function.name,
                f"line {function.lineno}: {function.name} takes {taken} parameters; at most {PARAMETERS}",
            )


def _is_command(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("command(" in ast.unparse(decorator) for decorator in function.decorator_list)


def names(module: Module) -> Iterator[tuple[str, str]]:
    """A module's name says what it is for."""
    for part in (*module.path.parts[:-1], module.name):
        if part.strip("_") in FORBIDDEN_NAMES:
            yield part, f"{part!r} says nothing; name it by what is in it"


def prints(module: Module) -> Iterator[tuple[str, str]]:
    """Only the command line and the terminal renderer write to the terminal."""
    if module.room in DOORS or module.path == Path("reports/terminal.py"):
        return
    for name, call in calls(module):
        if name in {"print", "sys.stdout.write", "sys.stderr.write"}:
            yield name, f"line {call.lineno}: {name}; return the text, or raise"


def clocks_and_chance(module: Module) -> Iterator[tuple[str, str]]:
    """Below the doors, time and chance are arguments."""
    if module.room in DOORS:
        return
    for imported in imports(module):
        if imported.name.partition(".")[0] in {"random", "secrets"}:
            yield imported.name, f"line {imported.line}: imports {imported.name}; take rng as an argument"
    for name, call in calls(module):
        tail = ".".join(name.split(".")[-2:])
        if tail in CLOCKS:
            yield tail, f"line {call.lineno}: {tail}; take now as an argument"
        if tail in CHANCE:
            yield tail, f"line {call.lineno}: {tail}; take rng as an argument"
        before, _, last = name.rpartition(".")
        if before in {"np.random", "numpy.random"} and last not in SEEDED:
            yield name, f"line {call.lineno}: {name} draws from global chance; take rng as an argument"
        if last == "default_rng" and not call.args and not call.keywords:
            yield name, f"line {call.lineno}: default_rng without a seed; take rng as an argument"


def broad_excepts(module: Module) -> Iterator[tuple[str, str]]:
    """An except that catches everything says why, on its line or the next, or raises again what it caught."""
    lines = module.text.splitlines()
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = ast.unparse(node.type) if node.type else ""
        broad = not caught or any(word in {"Exception", "BaseException"} for word in caught.strip("()").split(", "))
        last = node.body[-1]
        if isinstance(last, ast.Raise) and last.exc is None:
            continue
        if broad and not any("#" in line for line in lines[node.lineno - 1 : node.lineno + 1]):
            yield "except", f"line {node.lineno}: catches {caught or 'everything'} and does not say why"


def public_names(module: Module) -> Iterator[tuple[str, str]]:
    """A module lists its public names, and has each of them."""
    listed = next((node.value for node in module.tree.body if _assigns(node, "__all__")), None)
    if listed is None:
        if not module.is_door_plate:
            yield "__all__", "has no __all__"
        return
    if not isinstance(listed, ast.List | ast.Tuple) or module.is_door_plate:
        return  # a door's names may be a table, resolved when they are asked for
    there = {name for node in ast.walk(module.tree) for name in _bound(node)}
    for name in ast.literal_eval(listed):
        if name not in there:
            yield name, f"__all__ names {name}, which is not there"


def _assigns(node: ast.stmt, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def _bound(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name for alias in node.names)


def docstrings(module: Module) -> Iterator[tuple[str, str]]:
    """A module that holds something, and each function and class that it lists as public, says what it is for."""
    listed = next((node.value for node in module.tree.body if _assigns(node, "__all__")), None)
    public = {part.value for part in ast.walk(listed) if isinstance(part, ast.Constant)} if listed else None
    if module.tree.body and ast.get_docstring(module.tree) is None:
        yield module.name, "the module has no docstring"
    for node in module.tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        if public is not None and node.name not in public:
            continue
        if ast.get_docstring(node) is None:
            yield node.name, f"line {node.lineno}: {node.name} has no docstring"


Law = Callable[[Module], Iterator[tuple[str, str]]]
LAWS: tuple[Law, ...] = (
    floors, rooms, doors_of_optional_packages, sizes, names, prints, clocks_and_chance, broad_excepts, public_names, docstrings,
)  # fmt: skip


def breaches(law: Law, module: Module) -> list[str]:
    return [
        f"src/assay/{module.path}: {sentence}"
        for what, sentence in law(module)
        if (law.__name__, str(module.path), what) not in EXCEPTIONS
    ]


# The tests ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_the_package_keeps_the_law(law: Law):
    broken = [line for module in modules() for line in breaches(law, module)]

    assert not broken, f"{law.__doc__}\n" + "\n".join(broken)


def test_the_list_of_exceptions_only_shrinks():
    used = {
        (law.__name__, str(module.path), what) for law in LAWS for module in modules() for what, _ in law(module)
    } & EXCEPTIONS

    assert len(EXCEPTIONS) <= EXCEPTIONS_AT_MOST
    assert used == EXCEPTIONS, f"no longer needed, so take it off the list: {sorted(EXCEPTIONS - used)}"


# Law, file, source: each source breaks its law once.
BREACHES = (
    (floors, "data/engine.py", "from assay.profiles.table import Profile"),
    (floors, "data/engine.py", "def later():\n    import assay.checks"),
    (floors, "checks/table.py", "from assay.evaluation.metrics import METRICS"),
    (floors, "checks/table.py", "from assay import check"),
    (floors, "checks/table.py", "from .suite import Suite"),
    (floors, "reports/html.py", "from assay.integrations.slack import post"),
    (floors, "tools.py", ""),
    (rooms, "profiles/kernel.py", "import pandas as pd"),
    (rooms, "profiles/kernel.py", "def f():\n    import pyarrow.compute"),
    (rooms, "reports/html.py", "import jinja2"),
    (rooms, "checks/table.py", "def f():\n    from rich import box"),
    (rooms, "errors.py", "import msgspec"),
    (rooms, "cli/check.py", "import polars as pl"),
    (rooms, "data/open.py", "import fsspec"),
    (doors_of_optional_packages, "data/open.py", "from assay.errors import require\nrequire('duckdb', extra='delta')"),
    (
        doors_of_optional_packages,
        "checks/sql.py",
        "from assay.errors import require\nrequire('duckdb', extra='duckdb')",
    ),
    (doors_of_optional_packages, "data/open.py", "from assay.errors import require\nrequire(name, extra='delta')"),
    (sizes, "data/open.py", "x = 1\n" * 601),
    (sizes, "data/open.py", "def f():\n" + "    x = 1\n" * 60),
    (sizes, "data/open.py", "class C:\n    def f(self, a, b, c, d, *, e, f, g, h): ..."),
    (names, "data/utils.py", ""),
    (names, "core/open.py", ""),
    (prints, "data/open.py", "print('hello')"),
    (clocks_and_chance, "data/open.py", "import time\nt = time.time()"),
    (clocks_and_chance, "data/open.py", "from time import time\nt = time()"),
    (clocks_and_chance, "data/open.py", "import datetime as dt\nt = dt.datetime.now(dt.UTC)"),
    (clocks_and_chance, "data/open.py", "from datetime import date\nt = date.today()"),
    (clocks_and_chance, "data/open.py", "import random"),
    (clocks_and_chance, "data/open.py", "import numpy as np\nnp.random.seed(0)"),
    (clocks_and_chance, "data/open.py", "import numpy as np\nr = np.random.default_rng()"),
    (clocks_and_chance, "data/open.py", "import uuid\nu = uuid.uuid4()"),
    (broad_excepts, "data/open.py", "try:\n    x = 1\nexcept (OSError, Exception):\n    x = 2"),
    (broad_excepts, "data/open.py", "try:\n    x = 1\nexcept:\n    x = 2"),
    (public_names, "data/open.py", "x = 1"),
    (public_names, "data/open.py", "__all__ = ['y']"),
    (docstrings, "data/open.py", "x = 1"),
    (docstrings, "data/open.py", "'''Open.'''\ndef f(): ..."),
    (docstrings, "data/open.py", "'''Open.'''\nclass C: ..."),
)
KEPT = (
    (floors, "data/engine.py", "from assay.errors import DataError\nfrom assay.data.kinds import Kind"),
    (
        floors,
        "data/engine.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from assay.profiles.table import Profile",
    ),
    (floors, "cli/__init__.py", "from assay.config import Config"),
    (floors, "cli/__init__.py", "from assay import __version__\nfrom assay.api import check"),
    (floors, "__init__.py", "def f():\n    from assay.checks.table import CHECKS"),
    (rooms, "reports/html.py", "def f():\n    import jinja2"),
    (doors_of_optional_packages, "data/open.py", "from assay.errors import require\nrequire('duckdb', extra='duckdb')"),
    (sizes, "data/open.py", "def f():\n    '''Say.\n" + "\n" * 60 + "    '''\n"),
    (sizes, "cli/check.py", "@click.command()\ndef f(a, b, c, d, e, f, g, h): ..."),
    (prints, "cli/check.py", "print('hello')"),
    (clocks_and_chance, "cli/check.py", "import datetime as dt\nt = dt.datetime.now(dt.UTC)"),
    (clocks_and_chance, "stats/intervals.py", "import numpy as np\nr = np.random.default_rng(7)"),
    (broad_excepts, "data/open.py", "try:\n    x = 1\nexcept Exception:  # a plugin may raise anything\n    x = 2"),
    (broad_excepts, "data/open.py", "try:\n    x = 1\nexcept BaseException:\n    undo()\n    raise"),
)


@pytest.mark.parametrize(("law", "path", "text"), BREACHES)
def test_a_law_bites(law: Law, path: str, text: str):
    assert len(breaches(law, parse(path, text))) == 1


@pytest.mark.parametrize(("law", "path", "text"), KEPT)
def test_a_law_leaves_good_code_alone(law: Law, path: str, text: str):
    assert breaches(law, parse(path, text)) == []


def test_every_law_is_shown_to_bite():
    assert {law for law, _, _ in BREACHES} == set(LAWS)
