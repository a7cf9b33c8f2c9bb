"""The page of a slice: what it covers in all, by aspect, and what found no room."""

from __future__ import annotations

import msgspec
import polars as pl

from assay.api.slicing import slice as sliced
from assay.reports.findings import findings_page
from assay.reports.page import Banner, Bars
from assay.reports.sliced import is_sliced
from assay.reports.terminal import text
from assay.verdict import Findings, Outcome, Verdict

ROWS = pl.DataFrame({"n": [*range(1_000), None], "kind": ["usual"] * 1_000 + ["<b>rare</b>"]})


def findings(rows: int) -> Findings:
    return sliced(ROWS, rows=rows).findings


def test_a_slice_has_a_page_of_its_own():
    assert findings_page(findings(50)).kind == "slice"
    assert not is_sliced(msgspec.structs.replace(findings(50), outcomes=(Outcome("nulls", "n", Verdict.PASS),)))


def test_the_banner_says_that_everything_is_there():
    page = findings_page(findings(50))

    banner = next(block for block in page.blocks if isinstance(block, Banner))
    assert banner.sentence.startswith("The slice has all ")
    assert banner.verdict is Verdict.PASS


def test_each_aspect_has_a_bar_of_what_is_covered():
    page = findings_page(findings(50))

    bars = next(block for block in page.blocks if isinstance(block, Bars))
    assert {bar.label for bar in bars.bars} >= {"column", "category", "extreme", "missing"}
    assert all(bar.length == 1 for bar in bars.bars)


def test_what_found_no_room_is_named_with_how_many_rows_have_it():
    shown = text(findings_page(findings(2)))

    assert "found no room" in shown
    assert "n part of the range: above" in shown
    assert "100 rows" in shown


def test_a_slice_without_its_tables_is_still_shown():
    bare = msgspec.structs.replace(findings(50), exhibits=())

    assert "All " in text(findings_page(bare))


def test_data_without_rows_says_so():
    shown = text(findings_page(sliced(ROWS.head(0)).findings))

    assert "The data has no rows" in shown
