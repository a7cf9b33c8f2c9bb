"""A cheaper look settles a question where it can, and no question harms another."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl
import pytest

from assay.checks.keys import near
from assay.checks.questions import Look, Repeats
from assay.checks.suite import make_check
from assay.data.engine import ROW
from assay.data.polars_engine import PolarsEngine
from assay.verdict import Verdict
from checks.asked import dataset_of, outcome_of

FRAME = {"a": [1, 2, 2], "b": [1, 2, 3]}


def repeats(name: str) -> Repeats:
    return Repeats(Look({name: pl.Int64()}), (pl.col(name),), (name,))


@dataclass
class Counted:
    """A question that counts how often it is asked in full."""

    question: Repeats
    asked: list[str] = field(default_factory=list)

    @property
    def columns(self):
        return self.question.columns

    def glance(self, rows, others):
        return self.question.glance(rows, others)

    def query(self, rows, others):
        self.asked.append("query")
        return self.question.query(rows, others)

    def failing(self, rows, others):
        return self.question.failing(rows, others)


@pytest.mark.parametrize(("name", "failing", "asked"), [("b", 0, []), ("a", 1, ["query"])])
def test_a_question_is_asked_in_full_only_where_a_glance_does_not_settle_it(name, failing, asked):
    question = Counted(repeats(name))

    (answer,) = PolarsEngine().ask(dataset_of(FRAME), [question], others={})

    assert (answer.row["failing"], answer.row["judged"]) == (failing, 3)
    assert question.asked == asked


def test_answers_come_in_the_order_of_the_questions():
    answers = PolarsEngine().ask(dataset_of(FRAME), [repeats("a"), repeats("b"), repeats("a")], others={})

    assert [answer.row["failing"] for answer in answers] == [1, 0, 1]


def test_a_question_that_cannot_be_asked_does_not_harm_the_others():
    answers = PolarsEngine().ask(dataset_of(FRAME), [repeats("nowhere"), repeats("a"), repeats("b")], others={})

    assert answers[0].row is None
    assert "nowhere" in answers[0].why
    assert [answer.row["failing"] for answer in answers[1:]] == [1, 0]


def test_a_glance_says_nothing_where_something_may_be_wrong():
    rows = dataset_of(FRAME).scan().with_row_index(ROW)

    row = repeats("a").glance(rows, {}).collect().row(0, named=True)

    assert row == {"failing": None, "judged": 3}


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("unique", None), ("determines", {"then": "b"}), ("no_shared_groups", {"split": "part"}),
        ("no_shared_rows", {"other": "o", "columns": ["a"]}), ("in_table", {"other": "o"}), ("duplicates", None),
    ],
)  # fmt: skip
def test_nothing_wrong_is_said_of_a_clean_table_by_a_glance_as_by_the_question(rule, told, monkeypatch):
    frame = pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "y"], "part": ["train", "test", "test"]})
    others = {"o": {"a": [1, 2, 3] if rule == "in_table" else [7]}}
    check = make_check(rule, ("a",) if "columns" not in (told or {}) and rule != "duplicates" else (), told)

    glanced = outcome_of(frame, check, others=others)
    monkeypatch.setattr("assay.data.polars_engine._glances", lambda questions, rows, others: [None] * len(questions))
    asked = outcome_of(frame, check, others=others)

    assert glanced.verdict is Verdict.PASS
    assert glanced == asked


def test_near_text_keeps_letters_digits_and_decimal_points():
    words = ["Straße 1.2.3", "  e-mail:A.B@c ", "½", "Ａ", ""]

    shown = pl.DataFrame({"t": words}).select(near(pl.col("t"), pl.String(), decimals=2))["t"].to_list()

    assert shown == ["straße1\x012\x013", "emailabc", "12", "a", ""]
