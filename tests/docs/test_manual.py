"""What is written from the tables is up to date, and nothing is left out of it."""

from pathlib import Path

import pytest

from assay.checks.manual import explain, page
from assay.checks.table import FAMILIES, load_rules
from assay.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_of_checks_is_what_the_table_says():
    assert (ROOT / "docs" / "checks.md").read_text() == page(load_rules()), (
        "run: assay checks --format markdown > docs/checks.md"
    )


def test_no_two_families_have_a_rule_of_the_same_name():
    from importlib import import_module

    names = [name for family in FAMILIES for name in import_module(f"assay.checks.{family}").RULES]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", sorted(load_rules()))
def test_every_rule_explains_itself(name):
    assert explain(load_rules()[name]).startswith(f"{name}: ")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name):
    assert f"assay {name}" in (ROOT / "docs" / "commands.md").read_text()
