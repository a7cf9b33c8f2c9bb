"""Options that say in which columns labels and predictions stand: what `evaluate` and `challenge` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from assay.cli.options import pair_of
from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.data.dataset import Dataset

__all__ = ["TASKS", "dataset_of", "prediction_columns", "prediction_options"]

Command = TypeVar("Command", bound=Callable[..., Any])
TASKS = ("binary", "multiclass", "multilabel", "regression", "quantile", "ranking")


def prediction_options(command: Command) -> Command:
    """Add what says what a model does, and the columns of what it said."""
    options = (
        click.option("--task", type=click.Choice(TASKS), help="What the model does."),
        click.option("--prediction", metavar="COL", help="What the model said: a class, or a number."),
        click.option(
            "--score", "scores", multiple=True, metavar="COL",
            help="The score of the positive class, or of a document; CLASS=COL for each class, LEVEL=COL for each quantile.",
        ),
        click.option("--positive", metavar="VALUE", help="The label of the positive class, where labels are not 0 and 1."),
        click.option("--labels", metavar="A,B", help="Multilabel: the columns of labels, each 0 or 1; --score A=COL is of A."),
        click.option("--said", multiple=True, metavar="LABEL=COL", help="Multilabel: what the model said of a label; may be given again."),
        click.option("--by", "query_column", metavar="COL", help="Ranking: the column of the query that a document belongs to."),
        click.option("--weight", metavar="COL", help="How much a row counts."),
        click.option("--entity", metavar="COL", help="Rows of one entity are drawn together in resamples."),
        click.option("--features", multiple=True, metavar="A,B", help="What the model looks at (default: all without a role)."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def prediction_columns(told: dict[str, Any], *, modelled: bool) -> dict[str, Any]:
    """Return the columns that the options name, by their roles; raise `UsageError` where they do not fit the task."""
    task, scores = told["task"], tuple(told["scores"])
    labels = _listed(told["labels"], "--labels") if told["labels"] else ()
    if not told["label_column"] and not labels:
        raise UsageError("the label is not named", hint="give --label, the column that holds the truth")
    if modelled and (scores or told["prediction"] or told["said"]):
        raise UsageError(
            "--model says what is predicted, and a column of predictions is named too", hint="give one of them"
        )
    if not modelled and not told.get("data") and not (scores or told["prediction"] or told["said"]):
        raise UsageError(
            "what the model said is not named", hint="give --score or --prediction, its columns, or --model"
        )
    if told["query_column"] and task != "ranking":
        raise UsageError(
            f"--by is about the queries of a ranking, and the task is {task}", hint="rows of one kind: --entity"
        )
    named: dict[str, Any] = {
        "label": told["label_column"] or "", "labels": labels, "prediction": told["prediction"] or "", "positive": told["positive"],
        "query": told["query_column"] or "", "weight": told["weight"] or "", "entity": told["entity"] or "",
        "time": told["time_column"] or "", "features": tuple(name for text in told["features"] for name in _listed(text, "--features")),
        "predictions": dict(pair_of(text, "--said", "sad=p_sad") for text in told["said"]),
    }  # fmt: skip
    if task in ("multiclass", "multilabel", "quantile"):
        return named | {"scores": dict(pair_of(text, "--score", EXAMPLES[task]) for text in scores)}
    if len(scores) > 1:
        raise UsageError(f"a {task} task has one column of scores", hint="leave out the others")
    return named | {"score": scores[0] if scores else ""}


EXAMPLES = {"multiclass": "setosa=p_setosa", "multilabel": "sad=p_sad", "quantile": "0.9=p90"}


def _listed(text: str, option: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise UsageError(f"{option} is given {text!r}, which has an empty name", hint=f"such as: {option} age,fare")
    return names


def dataset_of(data: str, told: dict[str, Any]) -> Dataset:
    """Return DATA as the data options say, without the roles that predictions have."""
    from assay.data.dataset import Roles
    from assay.data.sources import dataset

    return dataset(data, name=told["name"], query=told["query"], roles=Roles(id=tuple(told["id_columns"])))
