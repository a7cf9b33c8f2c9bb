"""`assay evaluate`: what a model is worth on labelled data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import click

from assay.cli.options import (
    CONFIG,
    data_options,
    limit_options,
    limits_of,
    output_options,
    pair_of,
    progress_of,
    refuse_options,
    refuse_output,
    show,
)
from assay.cli.predictions import TASKS, dataset_of, prediction_columns, prediction_options
from assay.errors import UsageError, nearest

if TYPE_CHECKING:
    from assay.evaluation.models.model import Model
    from assay.evaluation.models.options import ModelOptions
    from assay.evaluation.settings import EvaluationSettings

__all__ = ["command"]


@click.command("evaluate")
@click.argument("data", required=False)
@click.option("--data", "data_option", metavar="DATA", help="The same as DATA.")
@prediction_options
@click.option(
    "--model", "model_source", metavar="MODEL",
    help="The model, where DATA has no predictions: a file, a folder, a URL, or package.module:function.",
)  # fmt: skip
@click.option("--trust", is_flag=True, help="Let code that lies in the model's file run (pickles).")
@click.option(
    "--train", metavar="DATA", help="What the model was fitted on: rows that DATA shares with it are refused."
)
@click.option("--settings", "settings_path", metavar="FILE", help="What to measure and what to keep, as YAML.")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help="A metric to measure; the first one leads; may be given again.",
)
@limit_options
@click.option(
    "--formula",
    "formulas",
    multiple=True,
    metavar="NAME=SQL",
    help="A metric of your own, per row; may be given again.",
)
@click.option(
    "--slice",
    "sliced",
    multiple=True,
    metavar="COL",
    help="Measure each value (or bin) of a column; may be given again.",
)
@click.option(
    "--where",
    multiple=True,
    metavar="NAME=SQL",
    help="Measure the rows for which a predicate holds; may be given again.",
)
@click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="COL",
    help="A sensitive column: compare its groups; may be given again.",
)
@click.option(
    "--without",
    multiple=True,
    metavar="PART",
    help="A part to leave out, such as search or robustness; may be given again.",
)
@click.option("--previous", metavar="COL", help="The column of a previous model's predictions: a baseline.")
@click.option("--previous-score", metavar="COL", help="The column of a previous model's scores.")
@click.option("--threshold", type=float, help="The score from which a row counts as positive (default: 0.5).")
@click.option("--block", metavar="SPAN", help="Draw stretches of time such as 7d together in resamples.")
@click.option("--replicates", type=int, help="How many resamples to draw (default: 1,000).")
@click.option("--confidence", type=float, help="At which confidence intervals hold (default: 0.95).")
@click.option("--shap", is_flag=True, help="Add SHAP values of the model.")
@click.option("--ledger", metavar="FILE", help="Write this look at the labelled set down, and say how many there were.")
@click.option("--use", type=click.Choice(["tuning", "final"]), help="What the figures are for (default: tuning).")
@click.option("--seed", type=int, help="The seed of what is drawn by chance.")
@click.option(
    "--config", "config_path", metavar="FILE", default=CONFIG, show_default=True, help="What to evaluate where no data is given."
)  # fmt: skip
@data_options
@output_options
def command(data: str | None, **told: Any) -> int:
    """Say what a model is worth on DATA, which has labels and what the model said (or give --model).

    Every metric has an interval; it stands beside naive baselines, per slice and per group, with the curves, the calibration,
    the threshold, and where the model is at hand how it holds up and what it goes by. A bound passes or fails by the whole
    interval. --query is for a database URL. Without DATA, every evaluation of assay.yaml is run.
    """
    if told["data_option"] is not None:
        if data is not None:
            raise UsageError("DATA is given twice", hint="leave out --data")
        data = told.pop("data_option")
    told.pop("data_option", None)
    if data is None:
        from assay.cli.project import evaluate_project

        refuse_options({name: told[name] for name in told if name not in ("config_path", "format", "output")})
        return evaluate_project(told["config_path"], format=told["format"], output=told["output"])
    if told["config_path"] != CONFIG:
        raise UsageError("--config is for a run without data", hint="leave out one of them")
    if told["task"] is None:
        raise UsageError("the task is not named", hint=f"give --task, one of {', '.join(TASKS)}")
    from assay.api import SEED, Options, evaluate

    refuse_output(told["output"], told["format"])
    columns = prediction_columns(told, modelled=bool(told["model_source"]))
    settings = settings_of(told)
    if told["shap"] and not told["model_source"]:
        raise UsageError("--shap is about a model, and none was given", hint="give --model")
    model = opened_model(told["model_source"], columns["features"], trust=told["trust"], options=settings.model)
    tested = dataset_of(data, told)
    with progress_of(f"evaluating {tested.name}", parts_of(settings), unit="parts") as progress:
        options = Options(seed=SEED if told["seed"] is None else told["seed"], progress=progress)
        findings = evaluate(
            tested, task=told["task"], model=model, settings=settings, train=told["train"], options=options, **columns
        )
    show(findings, format=told["format"], output=told["output"])
    return findings.exit_code


def parts_of(settings: EvaluationSettings) -> int:
    """Return how many parts an evaluation has."""
    from assay.evaluation.evaluate import PARTS

    return len(PARTS) - len(settings.without)


def opened_model(source: str | None, features: tuple[str, ...], *, trust: bool, options: ModelOptions) -> Model | None:
    """Return the model that a command names; None where it names none."""
    if source is None:
        if trust:
            raise UsageError("--trust is about a model, and none was given", hint="give --model")
        return None
    from assay.evaluation.models.opening import open_model

    return open_model(source, features=features or None, trust=trust, options=options)


def settings_of(told: dict[str, Any]) -> EvaluationSettings:
    """Return the settings of the file with what the options say in their place."""
    from assay.codec import convert, plain
    from assay.evaluation.evaluate import PARTS
    from assay.evaluation.settings import EvaluationSettings, PartName, load_settings

    known = get_args(PartName)
    for name in told["without"]:
        if name not in known:
            raise UsageError(f"--without: there is no part {name!r}", hint=nearest(name, known, most=len(known)))
    for name in told["without"]:
        if name not in PARTS:
            raise UsageError(f"--without names {name!r}, which is no part", hint=nearest(name, PARTS))
    path = told["settings_path"]
    base = load_settings(path) if path else EvaluationSettings()
    changes: dict[str, Any] = {
        name: told[name] for name in ("threshold", "block", "replicates", "confidence") if told[name] is not None
    }
    changes |= {name: told[name] for name in ("metrics", "without") if told[name]}
    record: dict[str, Any] = plain(base) | changes
    _put(record, "bounds", _bounds(told))
    _put(
        record,
        "formulas",
        {name: {"formula": text} for name, text in _pairs(told["formulas"], "--formula", "profit='90 * label'")},
    )
    _put(record, "slices", {"columns": list(told["sliced"])} if told["sliced"] else {})
    if told["where"]:
        record["slices"] = {
            **record.get("slices", {}),
            "where": dict(_pairs(told["where"], "--where", "old='age >= 60'")),
        }
    _put(record, "fairness", {"columns": list(told["groups"])} if told["groups"] else {})
    _put(record, "baselines", {name: told[name] for name in ("previous", "previous_score") if told[name]})
    _put(record, "explanations", {"shap": True} if told["shap"] else {})
    ledger = {"path": told["ledger"]} if told["ledger"] else {}
    _put(record, "ledger", ledger | ({"use": told["use"]} if told["use"] else {}))
    if told["use"] and not record["ledger"].get("path"):
        raise UsageError("--use is about the ledger, and none is named", hint="give --ledger FILE")
    return convert(record, EvaluationSettings, file=path or "the options")


def _put(record: dict[str, Any], key: str, changes: dict[str, Any]) -> None:
    if changes:
        record[key] = {**record.get(key, {}), **changes}


def _bounds(told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, dict[str, float]] = {}
    for option, key in (("--at-least", "at_least"), ("--at-most", "at_most")):
        for name, value in limits_of(told[key], option).items():
            found.setdefault(name, {})[key] = value
    return found


def _pairs(given: tuple[str, ...], option: str, example: str) -> list[tuple[str, str]]:
    return [pair_of(text, option, example) for text in given]
