"""The example repository, as a stranger uses it: its pages and tests run, and each mistake is caught by the contract that should."""

from __future__ import annotations

import importlib
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import pages
from assay.testing.explaining import explained
from assay.verdict import Verdict

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "churn"
CONTRACTS = Path(__file__).resolve().parents[2] / "docs" / "contracts.md"

# What each message has to say: the words by which a person finds the mistake.
SAID = {
    "window_of_six": r"uses_window .* at the oldest edge of the look-back of 7 days .* the oldest row that matters is \d days old",
    "window_of_eight": r"looks_back .* which is 7 days later; the look-back is 7 days",
    "rows_for_days": r"looks_back .* which is (8|9|\d\d) days later; the look-back is 7 days",
    "published_rolling_avg_7d": r"looks_back .* days later; the look-back is 7 days",
    "centred_window": r"no_future .* changing sales of row \d+ .* moved sales_avg_7d of row \d+ .* which is [123] days? earlier",
    "shifted_back": r"no_future .* moved sales_avg_7d of row \d+ .* earlier",
    "filled_by_all": r"no_future .* moved sales_avg_7d of row \d+ .* earlier",
    "ignores_the_customer": r"keeps_entities_apart .* moved sales_avg_7d .* which is of another customer",
    "fills_in_place": r"keeps_input .* changed income of row \d+ of the rows that it was given from null to 0.0",
    "scaled_together": r"fits_on_train_only .* test rows moved \w+ of row \d+ of the training rows",
    "split_by_row": r"splits_apart .* break no_shared_groups .*the same customer",
    "serves_its_own_default": r"skew .* income differs in \d+ of 300 rows: .* in training and 0.0 in serving .*two defaults",
    "serves_swapped": r"skew .*age and income are swapped",
    "answers_errors_with_200": r"serves .* 200: .*error",
    "codes_of_a_set": r"reproducible .* two runs differ, first in the step 'codes_of_a_set': .* in plan_code",
    "draws_its_rows": r"reproducible .* two runs differ, first in the step 'draws_its_rows'",
    "ModelByPosition": r"extra_features .* which stands first it answers without a word, and 100 of 100 answers change",
    "ModelThatReadsTheLabel": r"better_than_a_dummy .* it loses 0.5 a row and the best constant 0.4",
    "LoadedModel": r"safe_to_load .* import and call posix.system, which runs commands or code",
}
IN_OTHER_PROCESSES = ("codes_of_a_set", "draws_its_rows")
CASES = [pytest.param(name, marks=[pytest.mark.slow] if name in IN_OTHER_PROCESSES else []) for name in SAID]


@pytest.fixture(scope="module")
def caught() -> Iterator[ModuleType]:
    """Return the example's table of mistakes, imported as from its own folder."""
    sys.path.insert(0, str(EXAMPLE))
    try:
        yield importlib.import_module("churn.caught")
    finally:
        sys.path.remove(str(EXAMPLE))
        for name in [name for name in sys.modules if name.partition(".")[0] == "churn"]:
            del sys.modules[name]


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_caught_by_the_contract_that_should(name: str, caught: ModuleType):
    seen = caught.judged(name)

    assert seen.verdict is Verdict.FAIL
    assert re.search(f"^FAIL {SAID[name]}", explained(seen).splitlines()[0]), explained(seen)


@pytest.mark.parametrize("name", CASES)
def test_the_right_code_keeps_the_same_contract(name: str, caught: ModuleType):
    seen = caught.judged(name, mistake=False)

    assert seen.verdict is Verdict.PASS, explained(seen)


def test_no_mistake_of_the_example_is_forgotten(caught: ModuleType):
    names = set(importlib.import_module("churn.bugs").__all__)

    assert set(caught.CAUGHT) == names == set(SAID)


@pytest.mark.parametrize("name", SAID)
def test_the_docs_show_each_mistake_with_its_message(name: str):
    lines = CONTRACTS.read_text(encoding="utf-8").splitlines()

    assert any(f"`{name}`" in line for line in lines)
    assert any(re.search(f"^FAIL {SAID[name]}", line) for line in lines)


@pytest.mark.slow
def test_its_page_runs_as_it_is_written(tmp_path: Path):
    folder = tmp_path / "churn"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", "data", "reports", ".*cache"))

    pages.run((EXAMPLE / "README.md").read_text(encoding="utf-8"), name="examples/churn/README.md", folder=folder)

    kept = {path.name for path in (folder / "reports").glob("*.json")}
    assert kept >= {"pytest.json", "check.json", "drift.json", "faults.json", "advised.json"}


def test_its_page_leads_where_it_says():
    links = re.findall(r"\]\(([^)\s#]+)", (EXAMPLE / "README.md").read_text(encoding="utf-8"))

    assert links
    assert [link for link in links if not (EXAMPLE / link).exists()] == []
