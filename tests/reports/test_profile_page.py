from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from assay.data.dataset import Dataset, Roles
from assay.data.polars_engine import PolarsEngine
from assay.profiles.profile import Profile, profile_dataset
from assay.reports import profile_page, render, write
from assay.reports.page import Bars, Block, Card, Code, Details, Histogram, KeyValues, Share, StackedShare, Table, Text
from assay.reports.profile import column_card
from reports.browser import browser


def profiled(frame: pl.DataFrame, **roles: object) -> Profile:
    data = Dataset(name="toy", source="a frame", open=frame.lazy, fingerprint="", roles=Roles(**roles))
    return profile_dataset(data, engine=PolarsEngine())


def card_of(values: list | pl.Series | np.ndarray) -> Card:
    return column_card(profiled(pl.DataFrame({"x": values})).columns["x"])


def facts_of(card: Card) -> dict[str, object]:
    return dict(next(block for block in card.blocks if isinstance(block, KeyValues)).items)


def picture_of(card: Card, kind: type[Block]) -> Block:
    return next(block for block in card.blocks if isinstance(block, kind))


def test_a_card_of_numbers_tells_what_a_hand_can_count():
    facts = facts_of(card_of([1, 2, 2, 3, None]))

    assert facts["missing"] == Share(0.2, "20%, 1 null")
    assert facts["distinct"] == "3"
    assert facts["range"] == "1 to 3"
    # The mean of 1, 2, 2, 3 is 2; the squares of the differences sum to 2, and 2 / 3 has the root 0.8165.
    assert facts["mean"] == "2 ± 0.8165"
    assert facts["quantiles"] == "1% 1 · 5% 1 · 25% 1 · 50% 2 · 75% 2 · 95% 3 · 99% 3"
    assert facts["frequent"] == "2 (50%), 1 (25%), 3 (25%)"


def test_null_and_nan_are_missing_but_told_apart_and_infinity_is_a_sign():
    facts = facts_of(card_of([None, float("nan"), float("nan"), float("inf"), float("-inf"), 0.0, -1.0, 1.0]))

    assert facts["missing"] == Share(0.375, "37.5%, 1 null, 2 NaN")
    # Minus infinity is negative too.
    assert facts["signs"] == "1 zero, 2 negative, 1 ∞, 1 -∞"


def test_a_histogram_of_whole_numbers_gives_each_its_bin():
    picture = picture_of(card_of([1, 1, 1, 2, 4]), Histogram)

    assert np.diff(picture.edges).tolist() == [1, 1, 1, 1]
    assert picture.counts == pytest.approx((0.6, 0.2, 0, 0.2))
    assert (picture.start, picture.end) == ("1", "4")


def test_a_long_tail_is_left_out_of_the_picture_and_said():
    picture = picture_of(card_of([*range(1_000), 10**6]), Histogram)

    assert picture.note == "without the outer 1%, which reaches from 0 to 1,000,000"
    assert sum(picture.counts) == pytest.approx(0.99, abs=0.005)
    assert (picture.start, picture.end) == ("5", "995")


def test_the_picture_holds_every_row_where_nothing_is_left_out(rng: np.random.Generator):
    picture = picture_of(card_of(rng.normal(size=20_000)), Histogram)

    assert sum(picture.counts) == pytest.approx(1)
    assert len(picture.counts) == 40
    assert picture.note == ""


def test_whole_numbers_far_from_zero_keep_their_differences():
    picture = picture_of(card_of([2**62, 2**62 + 1, 2**62 + 3]), Histogram)

    assert picture.counts == pytest.approx((1 / 3, 1 / 3, 0, 1 / 3))
    assert (picture.start, picture.end) == ("4,611,686,018,427,387,904", "4,611,686,018,427,387,907")


def test_the_whole_width_of_whole_numbers_and_of_floats_can_be_drawn():
    page = profile_page(profiled(pl.DataFrame({"int": [-(2**63), 0, 2**63 - 1], "float": [-1.7e308, 0.0, 1.7e308]})))

    html = render(page, "html")

    assert "nan" not in html.lower().replace("nano", "")
    assert "-9,223,372,036,854,775,808 … 0 … 9,223,372,036,854,775,807" in html


def test_a_constant_says_so():
    facts = facts_of(card_of([7, 7, 7]))

    assert facts["range"] == "always 7"
    assert "quantiles" not in facts


def test_two_values_that_look_alike_are_not_taken_for_a_constant():
    assert facts_of(card_of([1.00001, 1.00002]))["range"] == "1.00001 to 1.00002"


def test_a_boolean_is_a_whole_of_parts():
    picture = picture_of(card_of([True, True, False, None]), StackedShare)

    assert [(part.label, part.text) for part in picture.parts] == [
        ("true", "50%"),
        ("false", "25%"),
        ("missing", "25%"),
    ]


def test_text_shows_its_frequent_values_lengths_and_patterns():
    card = card_of(["AB", "AB", "AB", "c1", "", None])

    bars, facts = picture_of(card, Bars), facts_of(card)
    assert [(bar.label[0].text, bar.text) for bar in bars.bars] == [("AB", "60%"), ('""', "20%"), ("c1", "20%")]
    assert facts["length"] == "0 to 2 characters, 1.6 on average; 1 empty"
    assert facts["patterns"].startswith("A+ (60%)")


def test_values_that_all_differ_have_no_frequent_ones():
    card = card_of([f"id-{i}" for i in range(500)])

    assert not [block for block in card.blocks if isinstance(block, Bars)]


def test_instants_show_their_order_and_widest_step_in_words():
    start = datetime(2026, 1, 1, tzinfo=UTC)

    facts = facts_of(
        card_of([start, start + timedelta(hours=1), start + timedelta(hours=10), start + timedelta(hours=10)])
    )

    assert facts["range"] == "2026-01-01 to 2026-01-01 10:00Z"
    assert facts["order"] == "no row is earlier than the one before"
    assert facts["widest step"] == "9h, to row 2"


def test_steps_back_in_time_are_counted():
    assert facts_of(card_of([date(2026, 1, 3), date(2026, 1, 1), date(2026, 1, 2)]))["order"] == "1 of 2 steps go back"


@pytest.mark.parametrize(
    ("values", "span"),
    [
        ([date(2026, 1, 1), date(2026, 1, 9)], "2026-01-01 to 2026-01-09"),
        ([datetime(2026, 1, 1, 12, 30), datetime(2026, 1, 2)], "2026-01-01 12:30 to 2026-01-02"),
        ([time(1, 2), time(3, 4)], "01:02:00 to 03:04:00"),
        ([timedelta(seconds=90.5), timedelta(days=2)], "1m30s to 2d"),
        ([Decimal("1.10"), Decimal("2.20")], "1.1 to 2.2"),
        (pl.Series([0, 3_600_000_000_000]).cast(pl.Datetime("ns")), "1970-01-01 to 1970-01-01 01:00"),
    ],
    ids=["date", "datetime", "time", "duration", "decimal", "nanoseconds"],
)
def test_every_kind_of_number_shows_its_range_as_values(values: list, span: str):
    card = card_of(values)

    assert facts_of(card)["range"] == span
    assert picture_of(card, Histogram)


FRAME = pl.DataFrame(
    {
        "<script>alert(1)</script>": [1.5, None, 2.5],
        "a|b`c\n": ["<i>", "|", None],
        "list": [[1], [], [1, 2]],
        "struct": [{"a": 1}, {"a": 2}, None],
        "binary": [b"\x00", b"\xff" * 99, None],
        "null": [None, None, None],
        "flag": [True, None, True],
    }
)


@pytest.mark.parametrize(
    "frame",
    [FRAME, FRAME.clear(), pl.DataFrame(), pl.DataFrame({"x": pl.Series([None, None], dtype=pl.Float64)})],
    ids=["every kind", "no rows", "no columns", "all null"],
)
@pytest.mark.parametrize("format", ["text", "markdown", "html", "json"])
def test_any_dataset_has_a_page_in_every_format(frame: pl.DataFrame, format: str):
    page = profile_page(profiled(frame))

    shown = render(page, format)

    assert "toy" in shown
    assert ("<script>alert" in shown) <= (format in ("text", "json"))


def test_a_page_shows_missing_values_first_then_every_column():
    page = profile_page(profiled(FRAME, label="flag", id=("list",)))

    bars, table, details = (
        next(block for block in page.blocks if isinstance(block, kind)) for kind in (Bars, Table, Details)
    )
    assert bars.bars[0].label == (Code("null"),)
    assert [row[0].text for row in table.rows] == [
        "<script>alert(1)</script>",
        '"a|b`c\\n"',
        "list",
        "struct",
        "binary",
        "null",
        "flag",
    ]
    assert [card.note.split(", ")[-1] for card in details.blocks[0].blocks[2::4]] == ["id", "label"]


def test_a_dataset_without_columns_says_so():
    assert profile_page(profiled(pl.DataFrame())).blocks == (Text("The dataset has no columns."),)


def test_the_page_opens_in_a_browser_without_a_complaint(chromium: Path, tmp_path: Path, rng: np.random.Generator):
    numbers = pl.DataFrame(
        {"wide": rng.normal(size=999) * 1e300, "tail": rng.lognormal(sigma=3, size=999), "const": [1] * 999}
    )
    write(profile_page(profiled(numbers)), tmp_path / "numbers.html")
    write(profile_page(profiled(FRAME)), tmp_path / "odd.html")

    with browser(chromium) as tab:
        for name in ("numbers.html", "odd.html"):
            tab.open(tmp_path / name, width=375, dark=True)
            assert tab.complaints == []
            assert tab.requests == [(tmp_path / name).as_uri()]
            assert tab.ask("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
