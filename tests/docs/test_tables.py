"""The tables of the pages on strategies and slices leave nothing out."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.cli.slice import command
from assay.testing.slicing.targets import ASPECTS
from assay.testing.strategies.edge_cases import EDGES
from assay.testing.synthetic import WORLDS

DOCS = Path(__file__).resolve().parents[2] / "docs"
STRATEGIES = (DOCS / "strategies.md").read_text(encoding="utf-8")
SLICE = (DOCS / "slice.md").read_text(encoding="utf-8")


def rows(page: str, head: str) -> dict[str, list[str]]:
    """Return the cells of the table that begins with a head, by their first."""
    lines = page[page.index(head) :].splitlines()[2:]
    table = [line.strip("|").split("|") for line in lines[: next(i for i, line in enumerate(lines) if not line)]]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in table}


def test_every_world_stands_in_the_table_and_no_other():
    assert [name.strip("`") for name in rows(STRATEGIES, "| world |")] == list(WORLDS)


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_is_told_by_its_title_and_what_is_exact_is_in_bold(name: str):
    title, _, known = rows(STRATEGIES, "| world |")[f"`{name}`"]

    assert title == WORLDS[name].title
    assert ("**" in known) == bool(WORLDS[name].exact)


def test_every_kind_of_column_has_its_edge_cases_in_the_table():
    told = " ".join(rows(STRATEGIES, "| kind |"))
    words = {
        "integer": "whole numbers",
        "float": "floats",
        "decimal": "decimals",
        "text": "text",
        "category": "categories",
    }
    words |= {
        "date": "dates",
        "datetime": "instants",
        "time": "times of day",
        "duration": "spans",
        "boolean": "booleans",
    }
    words |= {"binary": "bytes", "list": "lists"}

    assert [kind.value for kind in EDGES if words[kind.value] not in told] == []


def test_every_aspect_of_a_slice_stands_in_the_table_with_its_weight():
    table = rows(SLICE, "| aspect |")

    assert {name: float(cells[-1]) for name, cells in table.items()} == {a.name: a.weight for a in ASPECTS.values()}


def test_every_option_of_a_slice_is_told():
    options = {name for one in command.params for name in one.opts if name.startswith("--")}

    assert {name for name in options - {"--now", "--output"} if f"`{name}" not in SLICE} == set()
