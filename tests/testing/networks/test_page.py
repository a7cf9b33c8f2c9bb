"""The page of networks shows what happens; its code needs torch, so that it runs here and not with the other pages."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import pages
from assay.testing.networks.table import NETWORK_CONTRACTS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "networks.md").read_text(encoding="utf-8")


@pytest.mark.real_part("torch")
def test_the_example_shows_what_it_really_prints():
    blocks = [block for block in pages.blocks(PAGE) if block.kind == "python"]
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    said: list[str] = []

    for block in blocks:
        runner.run(
            doctest.DocTestParser().get_doctest(block.body, {}, "networks.md", None, block.line), out=said.append
        )

    assert blocks
    assert runner.failures == 0, "".join(said)


def test_the_page_names_every_contract_and_no_other():
    assert re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE) == list(NETWORK_CONTRACTS)
