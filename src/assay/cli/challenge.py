"""`assay challenge`: whether a challenger is to take the champion's place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.cli.options import data_options, output_options, refuse_output, show
from assay.cli.predictions import EXAMPLES, TASKS, prediction_columns, prediction_options
from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.data.dataset import Dataset
    from assay.evaluation.challenge.policy import Policy
    from assay.evaluation.settings import EvaluationSettings

__all__ = ["command"]

SAID = ("prediction", "score", "scores", "predictions")


@click.command("challenge")
@click.argument("champion")
@click.argument("challengers", nargs=-1, required=True)
@click.option(
    "--data", "data", metavar="DATA",
    help="Labelled rows: CHAMPION and CHALLENGERS are then models, or names of columns of DATA.",
)  # fmt: skip
@prediction_options
@click.option("--trust", is_flag=True, help="Let code that lies in a model's file run (pickles).")
@click.option("--policy", "policy_path", metavar="FILE", help="What a challenger has to show, as YAML.")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help="A metric to compare; the first one decides; may be given again.",
)
@click.option("--lift-at-least", type=float, help="By how much the metric has to be better (default: 0).")
@click.option("--no-slice-worse-than", type=float, help="By how much it may be worse in any slice.")
@click.option("--flips-at-most", type=float, help="The share of predictions that may change.")
@click.option(
    "--latency-at-most", metavar="SPAN", help="The 95th centile of the challenger's latency of a row, such as 50ms."
)
@click.option(
    "--settings",
    "settings_path",
    metavar="FILE",
    help="How metrics are measured and models are asked, as for evaluate.",
)
@click.option("--seed", type=int, help="The seed of what is drawn by chance.")
@data_options
@output_options
def command(champion: str, challengers: tuple[str, ...], **told: Any) -> int:
    """Say whether a challenger is better than the CHAMPION, how sure that is, for whom it is worse, and at what cost.

    With --data, each is a model, or a column of DATA (a score of a binary task or a ranking, else a prediction). Without it, each
    is a file of predictions with the same columns, the CHAMPION's with the labels; rows are matched by --id.
    """
    from assay.api import SEED, Options, challenge

    if told["task"] is None:
        raise UsageError("the task is not named", hint=f"give --task, one of {', '.join(TASKS)}")
    refuse_output(told["output"], told["format"])
    names = _names(challengers)
    columns = prediction_columns(told, modelled=False)
    settings = _settings(told)
    if told["data"] is not None:
        rows, sides = _of_data(champion, names, columns, {**told, "model": settings.model})
    else:
        rows, sides = _of_files(champion, names, columns, told)
    shared = {name: value for name, value in columns.items() if name not in SAID}
    findings = challenge(
        rows, sides.pop("champion"), sides, task=told["task"], policy=_policy(told),
        settings=settings,
        options=Options(seed=SEED if told["seed"] is None else told["seed"]), **shared,
    )  # fmt: skip
    show(findings, format=told["format"], output=told["output"])
    return findings.exit_code


def _names(challengers: tuple[str, ...]) -> dict[str, str]:
    """Return what reports call each challenger: the stem of its file's name, or what it was called by."""
    found: dict[str, str] = {}
    for each in challengers:
        name = each if "://" in each or ":" in each else Path(each).stem
        while name in found or name == "champion":
            name += "'"
        found[name] = each
    return found


def _settings(told: dict[str, Any]) -> EvaluationSettings:
    import msgspec

    from assay.evaluation.settings import EvaluationSettings, load_settings

    base = load_settings(told["settings_path"]) if told["settings_path"] else EvaluationSettings()
    return msgspec.structs.replace(base, metrics=tuple(told["metrics"])) if told["metrics"] else base


def _policy(told: dict[str, Any]) -> Policy:
    from assay.codec import convert, load_yaml, plain, read_text
    from assay.evaluation.challenge.policy import Policy

    path = told["policy_path"]
    base = load_yaml(read_text(path), Policy, file=path) if path else Policy()
    keys = ("lift_at_least", "no_slice_worse_than", "flips_at_most", "latency_at_most")
    changes = {key: told[key] for key in keys if told[key] is not None}
    changes |= {"metric": told["metrics"][0]} if told["metrics"] else {}
    return convert({**plain(base), **changes}, Policy, file=path or "the options")


def _of_data(
    champion: str, names: dict[str, str], columns: dict[str, Any], told: dict[str, Any]
) -> tuple[Dataset, dict[str, object]]:
    """Return the labelled rows, and each side as a model or as the column that it names."""
    from assay.cli.evaluate import opened_model
    from assay.cli.predictions import dataset_of

    if any(columns.get(name) for name in SAID):
        raise UsageError(
            "--data names the rows, and each side says what was predicted", hint="leave out --prediction and --score"
        )
    rows = dataset_of(told["data"], told)
    role = "score" if told["task"] in ("binary", "ranking") else "prediction"
    sides: dict[str, object] = {}
    for name, source in {"champion": champion, **names}.items():
        if source in rows.schema:
            sides[name] = {role: source}
        else:
            sides[name] = opened_model(source, columns["features"], trust=told["trust"], options=told["model"])
    return rows, sides


def _of_files(
    champion: str, names: dict[str, str], columns: dict[str, Any], told: dict[str, Any]
) -> tuple[Dataset, dict[str, object]]:
    """Return the champion's rows with what the challengers said of the same rows beside it."""
    from assay.cli.predictions import dataset_of
    from assay.data.sources import dataset
    from assay.evaluation.challenge.joining import joined_rows

    said = {name: columns[name] for name in SAID if columns.get(name)}
    if not said:
        example = f"--score {EXAMPLES[told['task']]}" if told["task"] in EXAMPLES else "--score or --prediction"
        raise UsageError("the columns of the predictions are not named", hint=f"give {example}; models need --data")
    rows = dataset_of(champion, told)
    others = {name: dataset(path, part="challenger") for name, path in names.items()}
    made, moved = joined_rows(rows, others, said, key=told["id_columns"], label=columns["label"])
    return made, {"champion": said, **moved}
