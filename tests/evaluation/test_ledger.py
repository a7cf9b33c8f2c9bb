"""The ledger counts the looks at a labelled set, keeps every line, and says how much wider intervals have to be."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from scipy import stats

from assay.errors import ConfigError, UsageError
from assay.evaluation.ledger import Entry, LedgerSettings, append, looked, read, widths
from assay.verdict import Verdict


def an_entry(fingerprint: str = "f1", *, use: str = "tuning", model: str = "m") -> Entry:
    return Entry("2026-11-22T12:00:00Z", fingerprint, use, "test set", 500, model, {"auc": 0.8})  # type: ignore[arg-type]


def append_many(path: str, model: str) -> None:
    for _ in range(50):
        append(an_entry(model=model), path)


def test_a_ledger_that_is_not_there_yet_is_empty(tmp_path: Path):
    assert read(tmp_path / "ledger.jsonl") == ()


def test_what_is_appended_is_read_back_in_its_order(tmp_path: Path):
    path = tmp_path / "kept" / "ledger.jsonl"

    append(an_entry(model="first"), path)
    append(an_entry(model="second"), path)

    assert [entry.model for entry in read(path)] == ["first", "second"]


def test_no_line_is_lost_where_two_processes_write_at_once(tmp_path: Path):
    path = str(tmp_path / "ledger.jsonl")
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=append_many, args=(path, f"m{i}")) for i in range(2)]

    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert sorted(entry.model for entry in read(path)) == ["m0"] * 50 + ["m1"] * 50


def test_a_line_that_is_no_evaluation_is_named_with_its_place(tmp_path: Path):
    path = tmp_path / "ledger.jsonl"
    append(an_entry(), path)
    path.write_bytes(path.read_bytes() + b"{half\n")

    with pytest.raises(ConfigError, match=r"ledger\.jsonl:2"):
        read(path)


def test_a_ledger_that_cannot_be_written_is_an_error_with_its_place(tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(UsageError, match="ledger cannot be written"):
        append(an_entry(), tmp_path / "file" / "ledger.jsonl")


def test_the_first_look_needs_no_wider_interval():
    assert widths(1).named == pytest.approx(1.0)
    assert widths(1).adaptive == pytest.approx(1.0)


@pytest.mark.parametrize("looks", [2, 7, 40])
def test_widths_are_those_of_bonferroni_over_the_looks_and_over_the_ways_to_come_there(looks: int):
    z = stats.norm.isf(0.025)

    assert widths(looks).named == pytest.approx(stats.norm.isf(0.025 / looks) / z)
    assert widths(looks).adaptive == pytest.approx(stats.norm.isf(0.025 / 2 ** (looks - 1)) / z)


def test_widths_of_thousands_of_looks_are_finite_and_still_rise():
    assert widths(800).adaptive < widths(2_000).adaptive < 100


def test_an_eleventh_look_is_a_warning_that_says_how_much_wider():
    part = looked([an_entry()] * 10, an_entry(), settings=LedgerSettings())

    (outcome,) = part.outcomes
    assert outcome.verdict is Verdict.WARN
    assert outcome.observed is not None
    assert outcome.observed.value == 11
    assert "1.45 times as wide" in outcome.why  # z(0.025/11) / z(0.025) = 2.838 / 1.960


def test_looks_at_another_set_do_not_count():
    part = looked([an_entry("other")] * 10, an_entry(), settings=LedgerSettings())

    assert part.outcomes[0].verdict is Verdict.PASS
    assert part.exhibits[0].columns["at"] == ("2026-11-22T12:00:00Z",)


def test_a_final_look_at_a_set_that_was_tuned_on_is_a_warning():
    part = looked([an_entry()], an_entry(use="final"), settings=LedgerSettings(use="final"))

    assert part.outcomes[0].verdict is Verdict.WARN
    assert "no model was chosen by" in part.outcomes[0].why
