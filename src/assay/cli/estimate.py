"""`assay estimate`: how a model does on data that has no labels yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from assay.cli.options import data_options, limit_options, limits_of, output_options, pair_of, show
from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.data.dataset import Dataset

__all__ = ["command"]

TASKS = ("binary", "multiclass", "regression")


@click.command("estimate")
@click.argument("reference")
@click.argument("current")
@click.option("--task", type=click.Choice(TASKS), required=True, help="What the model does.")
@click.option("--prediction", metavar="COL", help="What the model said: a class, or a number.")
@click.option(
    "--score", "scores", multiple=True, metavar="COL",
    help="The probability of the positive class; of several classes, CLASS=COL for each.",
)  # fmt: skip
@click.option("--positive", metavar="VALUE", help="The label of the positive class, where labels are not 0 and 1.")
@click.option(
    "--features", multiple=True, metavar="A,B",
    help="What a model's errors may depend on (default of a regression: all columns but those of --id); may be given again.",
)  # fmt: skip
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help="A metric to estimate (default: all); may be given again.",
)
@click.option(
    "--drop",
    type=float,
    metavar="SHARE",
    help="Fail where the metric is worse by more than this share of the reference's.",
)
@limit_options
@click.option("--seed", type=int, help="The seed of what is drawn by chance.")
@click.option("--reference-query", metavar="SQL", help="For a REFERENCE that is a database URL: a SELECT, or a table.")
@data_options
@output_options
def command(reference: str, current: str, **told: Any) -> int:
    """Say how a model does on CURRENT, whose labels are not there yet, by REFERENCE, which has them.

    REFERENCE must not be what the model was trained on. Without a bound, the area under the curve, or the mean absolute
    error, may be worse by a tenth of what it is on REFERENCE. The report says on what the estimates rest, and where CURRENT
    has labels after all, whether they came true. --query and --name are about CURRENT, --time about REFERENCE.
    """
    from assay.api import SEED, Options, estimate
    from assay.evaluation.estimation.performance import bounds_of

    if not told["label_column"]:
        raise UsageError("the label is not named", hint="give --label, the column of REFERENCE that holds the truth")
    bounds = bounds_of(
        told["task"], told["metrics"], worse_at_most=_share(told["drop"]), at_least=limits_of(told["at_least"], "--at-least"),
        at_most=limits_of(told["at_most"], "--at-most"),
    )  # fmt: skip
    findings = estimate(
        _side(reference, told, part="reference"), _side(current, told, part="current"), task=told["task"],
        label=told["label_column"], metrics=told["metrics"], bounds=bounds,
        options=Options(seed=SEED if told["seed"] is None else told["seed"]), **_columns(told),
    )  # fmt: skip
    show(findings, format=told["format"], output=told["output"])
    return findings.exit_code


def _side(source: str, told: dict[str, Any], *, part: str) -> Dataset:
    from assay.data.dataset import Roles
    from assay.data.sources import dataset

    if part == "reference":
        roles = Roles(id=tuple(told["id_columns"]), time=told["time_column"])
        return dataset(source, query=told["reference_query"], roles=roles, part=part)
    return dataset(source, name=told["name"], query=told["query"], roles=Roles(id=tuple(told["id_columns"])))


def _columns(told: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that were named, by their roles."""
    features = tuple(name.strip() for text in told["features"] for name in text.split(","))
    if not all(features):
        raise UsageError("--features has an empty name", hint="such as: --features age,fare")
    named: dict[str, Any] = {"prediction": told["prediction"] or "", "features": features, "positive": told["positive"]}
    scores: tuple[str, ...] = told["scores"]
    if told["task"] == "regression" and not told["prediction"]:
        raise UsageError("a regression's predictions are not named", hint="give --prediction, their column")
    if told["task"] == "binary" and not scores:
        raise UsageError(
            "the scores are not named", hint="give --score, the column of the positive class's probability"
        )
    if told["task"] == "multiclass" and len(scores) < 2:
        raise UsageError("the scores of the classes are not named", hint="give --score CLASS=COL for each class")
    if told["task"] == "multiclass":
        return named | {"scores": dict(pair_of(text, "--score", "setosa=p_setosa") for text in scores)}
    if told["task"] == "regression" and scores:
        raise UsageError("a regression has no scores", hint="give --prediction")
    if len(scores) > 1:
        raise UsageError(
            "a binary classification has one column of scores: that of the positive class", hint="leave out the other"
        )
    return named | {"score": scores[0] if scores else ""}


def _share(drop: float | None) -> float | None:
    if drop is not None and not 0 <= drop < float("inf"):
        raise UsageError(f"--drop is {drop:g}; it is a share of 0 or more", hint="0.1 is a tenth")
    return drop
