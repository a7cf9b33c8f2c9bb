"""The catalogue of contracts: every family is there, and the page is what the tables say."""

from __future__ import annotations

import inspect
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from pkgutil import walk_packages

import pytest

import assay.testing
from assay.cli import main
from assay.errors import UsageError
from assay.testing.catalogue import FAMILIES, contracts_markdown, explain, family_of, listing
from assay.testing.contract import Judgement

ROOT = Path(__file__).resolve().parents[2]
JUDGES = [(family, judge) for family, table in FAMILIES.items() for judge in table().values()]


@pytest.mark.parametrize(
    ("family", "judge"), JUDGES, ids=lambda each: getattr(getattr(each, "contract", None), "name", each)
)
def test_a_contract_says_what_it_demands_and_what_breaks_it(family: str, judge: Judgement):
    told = judge.contract

    assert told.about == family
    assert told.title[0].islower()
    assert not told.title.endswith(".")
    assert told.catches
    assert (inspect.getdoc(judge) or "").startswith("Judge")


def test_every_contract_has_an_example_that_runs():
    without = [
        f"{family}.{judge.contract.name}" for family, judge in JUDGES if ">>>" not in (inspect.getdoc(judge) or "")
    ]

    assert without == []  # tests/docs/test_docstrings.py runs them


def test_no_contract_is_forgotten():
    known = {(judge.contract.about, judge.contract.name) for _, judge in JUDGES}
    found = {
        (told.about, told.name)
        for info in walk_packages(assay.testing.__path__, "assay.testing.")
        if ".faults.pytest_worker" not in info.name
        for each in vars(import_module(info.name)).values()
        if (told := getattr(each, "contract", None)) is not None and hasattr(told, "catches")
    }

    assert {one for one in found if one[0] != "fake"} == known


def test_the_page_of_contracts_is_what_the_tables_say():
    assert (ROOT / "docs" / "catalogue.md").read_text() == contracts_markdown(), (
        "run: assay contracts --format markdown > docs/catalogue.md"
    )


def test_every_row_of_the_page_has_as_many_cells_as_its_head():
    lines = contracts_markdown().replace("\\|", "").splitlines()

    for line, after in pairwise(lines):
        if line.startswith("|") and after.startswith("|"):
            assert line.count("|") == after.count("|"), after


def test_the_list_names_every_contract():
    text = listing()

    assert [judge.contract.name for _, judge in JUDGES if f"  {judge.contract.name} " not in text] == []


def test_a_name_that_several_families_have_is_explained_for_each():
    text = explain("repeatable")

    assert [f"{family}.repeatable:" in text for family in ("feature", "model", "network")] == [True] * 3
    assert explain("model.repeatable").count(".repeatable:") == 1


def test_a_name_that_is_not_there_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="there is no contract 'no_futur'; did you mean 'no_future'"):
        explain("no_futur")


def test_what_is_no_subject_is_refused():
    with pytest.raises(UsageError, match="str is nothing that contracts judge"):
        family_of("rolling")  # type: ignore[arg-type]


@pytest.mark.parametrize("arguments", [(), ("no_future",), ("--format", "markdown")], ids=str)
def test_the_command_lists_and_explains(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        main(["contracts", *arguments])

    assert stopped.value.code == 0
    assert "no_future" in capsys.readouterr().out
