"""`assay faults`: test the tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.cli.options import opened, output_options, progress_of, refuse_output, show
from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.api.options import Options
    from assay.api.trying import Terms
    from assay.evaluation.trial import Trial
    from assay.verdict import Findings

__all__ = ["command"]


@click.command("faults")
@click.argument("data", required=False)
@click.option("--suite", metavar="FILE", help="A suite that must notice.")
@click.option("--drift", is_flag=True, help="The comparison with DATA must notice.")
@click.option(
    "--command", "script", metavar="COMMAND", help="A command that must notice; {data} is where the file goes."
)
@click.option("--pytest", "tests", metavar="ARGS", help="Tests that must notice: pytest's arguments, such as tests/.")
@click.option(
    "--fixture", "fixtures", multiple=True, metavar="NAME", help="A fixture of the tests that gets the fault."
)
@click.option("--function", "functions", multiple=True, metavar="MODULE:NAME", help="A function that the tests call.")
@click.option(
    "--loader", "loaders", multiple=True, metavar="MODULE:NAME", help="A function whose result gets the fault."
)
@click.option(
    "--operator", "operators", multiple=True, metavar="NAME", help="Try this kind of fault; may be given again."
)
@click.option("--but", "but", multiple=True, metavar="NAME", help="Leave this kind out; may be given again.")
@click.option("--column", "columns", multiple=True, metavar="COL", help="Hit this column; may be given again.")
@click.option("--entity", metavar="COL", help="The column that says whose row it is.")
@click.option("--time", "time_column", metavar="COL", help="The column that says when a row happened.")
@click.option("--label", "label_column", metavar="COL", help="The column to be predicted.")
@click.option("--id", "id_columns", multiple=True, metavar="COL", help="A column that identifies a row.")
@click.option("--name", help="What reports call the dataset.")
@click.option("--query", help="For a database URL: a SELECT, or a table's name.")
@click.option("--model", "model_source", metavar="MODEL", help="A model, by which harmless faults are set apart.")
@click.option("--task", type=click.Choice(("binary", "multiclass", "regression")), help="What the model does.")
@click.option("--trust", is_flag=True, help="Let the model's file run code when it is loaded.")
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True, help="How often each severity is tried.")
@click.option("--clean", type=click.IntRange(1), help="Runs without a fault, first (20 for checks, 5, 2 for pytest).")
@click.option("--rows", type=click.IntRange(1), help="How many rows a run judges.")
@click.option("--at-most", type=click.IntRange(1), default=300, show_default=True, help="How many faults in all.")
@click.option("--at-least", type=click.FloatRange(0, 1), metavar="SHARE", help="Fail where fewer faults are caught.")
@click.option("--no-advice", is_flag=True, help="Do not look for the checks that would have caught what survived.")
@click.option(
    "--limit", type=click.FloatRange(0.1), default=120.0, show_default=True, help="Seconds an attempt may take."
)
@click.option("--first-only", is_flag=True, help="End each run of tests at the first that catches the fault.")
@click.option("--list", "listed", is_flag=True, help="List the kinds of faults there are.")
@output_options
def command(data: str | None, **told: Any) -> int:
    """Put realistic faults into DATA, or into what tests use, and say which were noticed, by what, and which were not.

    What must notice is a suite, the comparison with DATA, a command, or tests: give one. Runs without a fault come first. For each
    fault that survived, the check that would have caught it is looked for, and tried.
    """
    if told["listed"]:
        return _listed(told["format"])
    _refuse(data, told)
    refuse_output(told["output"], told["format"])
    from assay.api import Options

    with progress_of("trying faults", 100, unit="%") as progress:
        findings = _tried(data, told, Options(progress=progress))
    show(findings, format=told["format"], output=told["output"])
    return findings.exit_code


def _refuse(data: str | None, told: dict[str, Any]) -> None:
    ways = [name for name in ("script", "tests") if told[name]] + (["checks"] if told["suite"] or told["drift"] else [])
    if len(ways) != 1:
        raise UsageError(
            "nothing is given that must notice" if not ways else "more than one thing is given that must notice",
            hint="give --suite or --drift, or --command, or --pytest",
        )
    sources = told["fixtures"] or told["functions"] or told["loaders"]
    if told["tests"] and not sources:
        raise UsageError("--pytest needs to know where the fault goes", hint="give --fixture, --function or --loader")
    if sources and not told["tests"]:
        raise UsageError("--fixture, --function and --loader are about tests", hint="give --pytest, or leave them out")
    if told["first_only"] and not told["tests"]:
        raise UsageError("--first-only is about tests", hint="give --pytest, or leave it out")
    if told["tests"] and data is not None and not told["model_source"]:
        raise UsageError(
            "with --pytest the faults go into what the tests use", hint="leave DATA out, or give --model too"
        )
    if not told["tests"] and data is None:
        raise UsageError("there is no data to put a fault into", hint="name the data first: assay faults DATA …")
    if told["model_source"] and not (told["label_column"] and told["task"]):
        raise UsageError("--model needs to know what it predicts", hint="give --task and --label")
    if not told["model_source"] and (told["task"] or told["trust"]):
        raise UsageError("--task and --trust are about a model, and none was given", hint="give --model")


def _tried(data: str | None, told: dict[str, Any], options: Options) -> Findings:
    from assay.api.trying import try_checks, try_command, try_tests

    about = opened(data, told) if data is not None else None
    terms = _terms(about, told)
    if told["tests"]:
        from assay.testing.faults.pytest_runner import PytestRun, sources_of

        sources = sources_of(told["fixtures"], told["functions"], told["loaders"])
        return try_tests(
            PytestRun(_words(told["tests"]), sources, limit=told["limit"], first_only=told["first_only"]),
            terms=terms,
            options=options,
        )
    if told["script"]:
        suffix = Path(str(data)).suffix if "://" not in str(data) and not Path(str(data)).is_dir() else ".parquet"
        return try_command(told["script"], about, suffix=suffix, limit=told["limit"], terms=terms, options=options)
    return try_checks(about, suite=told["suite"], drift=told["drift"], terms=terms, options=options)


def _words(arguments: str) -> tuple[str, ...]:
    import shlex

    try:
        return tuple(shlex.split(arguments))
    except ValueError as error:
        raise UsageError(
            f"--pytest {arguments!r} cannot be read: {str(error).lower()}", hint="close what is quoted"
        ) from None


def _terms(about: Any, told: dict[str, Any]) -> Terms:
    from assay.api.trying import Terms
    from assay.testing.faults.plan import Wanted

    wanted = Wanted(
        operators=told["operators"], but=told["but"], columns=told["columns"], time=told["time_column"] or "",
        entity=told["entity"] or "", label=told["label_column"] or "", keys=told["id_columns"], seeds=told["seeds"],
        at_most=told["at_most"],
    )  # fmt: skip
    trial = _trial(about, told) if told["model_source"] else None
    return Terms(wanted, told["clean"], told["rows"] or 0, trial, not told["no_advice"], told["at_least"])


def _trial(about: Any, told: dict[str, Any]) -> Trial:
    from assay.api.trying import trial_of
    from assay.cli.evaluate import opened_model
    from assay.evaluation.models.options import ModelOptions

    model = opened_model(told["model_source"], (), trust=told["trust"], options=ModelOptions())
    assert model is not None  # a source was named
    return trial_of(about, model, task=told["task"], label=told["label_column"])


def _listed(format: str | None) -> int:
    from assay.testing.faults.catalogue import listing, operators_markdown

    if format not in (None, "text", "markdown"):
        raise UsageError(f"the kinds of faults are not listed as {format}", hint="--format text or markdown")
    click.echo(operators_markdown() if format == "markdown" else listing(), nl=False)
    return 0
