"""`assay drift`: say which columns are not as they were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from assay.cli.options import CONFIG, data_options, output_options, progress_of, refuse_options, show, timed
from assay.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from assay.api import Options
    from assay.checks.drift.settings import DriftSettings
    from assay.data.dataset import Dataset
    from assay.data.engine import Progress
    from assay.stats.budget import Budget
    from assay.verdict import Findings

__all__ = ["command", "load_importances"]

Sides: TypeAlias = "tuple[Dataset | str, Dataset | str]"  # a saved profile is its path
CORRECTIONS = {"bh": "benjamini_hochberg", "holm": "holm", "none": "none"}


@click.command("drift")
@click.argument("reference", required=False)
@click.argument("current", required=False)
@click.option(
    "--preset", type=click.Choice(["default", "classic"]), help="By what to judge (default: what the settings say)."
)
@click.option("--settings", "settings_path", metavar="FILE", help="What counts as drift, for all columns or for one.")
@click.option("--columns", multiple=True, metavar="A,B", help="Compare only these columns; may be given again.")
@click.option("--ignore", multiple=True, metavar="COL", help="A column not to compare; may be given again.")
@click.option("--correction", type=click.Choice(list(CORRECTIONS)), help="How p-values are corrected over all columns.")
@click.option("--alpha", metavar="P", help="The corrected p-value at which a difference is believed.")
@click.option(
    "--importances", metavar="FILE", help="How much a model goes by each column, as JSON or YAML: ranks drift."
)
@click.option("--rows", is_flag=True, help="Compare whole rows too.")
@click.option(
    "--budget",
    metavar="FILE",
    help="The alarm budget that this window spends from; written anew where there is none yet.",
)
@click.option(
    "--alarms", metavar="N/PERIOD", help="What a new budget allows, such as 1/30d (default); false alarms in a period."
)
@click.option("--now", metavar="INSTANT", help="The instant of the window, for the alarm budget.")
@click.option("--seed", type=int, help="The seed of what is drawn by chance.")
@click.option("--reference-query", metavar="SQL", help="For a REFERENCE that is a database URL: a SELECT, or a table.")
@click.option(
    "--config", "config_path", metavar="FILE", default=CONFIG, show_default=True, help="What to compare where no data is given."
)  # fmt: skip
@data_options
@output_options
def command(reference: str | None, current: str | None, **told: Any) -> int:
    """Say which columns of CURRENT are not as in REFERENCE; either is data or a saved profile.

    A column has drifted where a comparison rejects after correction over all columns and the change is large enough to
    count. With --time, a change counts only beyond what windows of the reference itself let expect. --query and --name
    are about CURRENT; --id, --time and --label about both. Without data, every comparison of assay.yaml is run.
    """
    if reference is None:
        from assay.cli.project import drift_project

        refuse_options({name: told[name] for name in told if name not in ("config_path", "format", "output")})
        return drift_project(told["config_path"], format=told["format"], output=told["output"])
    if current is None:
        raise UsageError(
            "REFERENCE was given and CURRENT was not", hint="such as: assay drift train.parquet today.parquet"
        )
    if told["config_path"] != CONFIG:
        raise UsageError("--config is for a run without data", hint="leave out one of them")
    sides = _side(reference, told, part="reference"), _side(current, told, part="current")
    sides, left = _labelled(sides, told["label_column"])
    settings = _settings(told, ignore=left)
    with progress_of(f"comparing {_name(sides[1])}", _rows(sides)) as progress:
        findings = _compared(sides, settings, told, progress=_summed(progress))
    show(findings, format=told["format"], output=told["output"])
    return findings.exit_code


def _compared(
    sides: Sides, settings: DriftSettings, told: dict[str, Any], *, progress: Progress | None
) -> Findings:  # fmt: skip
    from assay.api import SEED, Options, drift

    seed = SEED if told["seed"] is None else told["seed"]
    options = Options(progress=progress, seed=seed, now=timed(told["now"]))
    importances = load_importances(told["importances"]) if told["importances"] else None
    if told["budget"]:
        return _budgeted(sides, settings, told, options=options, importances=importances)
    if told["alarms"]:
        raise UsageError(
            "--alarms was given without --budget", hint="name the file that keeps the budget: --budget FILE"
        )
    return drift(*sides, settings=settings, importances=importances, rows=told["rows"], options=options)


def _budgeted(
    sides: Sides, settings: DriftSettings, told: dict[str, Any], *, options: Options, importances: dict[str, float] | None
) -> Findings:  # fmt: skip
    """Judge a window by the budget in a file, and write down what is left of it."""
    from assay.api import drift_window
    from assay.checks.drift.budgeted import load_budget, save_budget

    if told["rows"]:
        raise UsageError("--rows has a level of its own, which no budget covers", hint="leave out --rows or --budget")
    if Path(told["budget"]).exists():
        if told["alarms"]:
            raise UsageError(
                "the budget is there already, and says what it allows", place=told["budget"], hint="leave out --alarms"
            )
        budget = load_budget(told["budget"])
    else:
        budget = _new_budget(told["alarms"] or "1/30d", options)
    findings, after = drift_window(*sides, budget=budget, settings=settings, importances=importances, options=options)
    save_budget(after, told["budget"])
    return findings


def _new_budget(text: str, options: Options) -> Budget:
    """Return a budget of so many alarms in a period, which begins one part of it ago: a window has something to spend."""
    from datetime import UTC, datetime

    from assay.codec import parse_duration
    from assay.stats.budget import Spending

    count, _, period = text.partition("/")
    try:
        alarms, length = float(count), parse_duration(period)
        now = options.now or datetime.now(UTC)
        return Spending(at=now - length / 30, alarms=alarms, period=length)
    except (ValueError, OverflowError):
        raise UsageError(f"--alarms is {text!r}; it is a number in a period", hint="such as 1/30d, or 2/7d") from None


def _settings(told: dict[str, Any], *, ignore: Sequence[str]) -> DriftSettings:
    """Return the settings of the file, or of the preset, with what the options say in the place of what they say."""
    from assay.checks.drift.settings import DriftSettings, load_settings

    settings = load_settings(told["settings_path"]) if told["settings_path"] else DriftSettings()
    if told["preset"] and told["settings_path"] and told["preset"] != settings.preset:
        raise UsageError(
            f"--preset is {told['preset']}, and the settings say {settings.preset}", place=told["settings_path"],
            hint=f"write preset: {told['preset']} in the file, and checks of that preset",
        )  # fmt: skip
    changes: dict[str, Any] = {"ignore": (*settings.ignore, *told["ignore"], *ignore)}
    changes |= {"preset": told["preset"]} if told["preset"] else {}
    changes |= {"only": _listed(told["columns"])} if told["columns"] else {}
    changes |= {"correction": CORRECTIONS[told["correction"]]} if told["correction"] else {}
    changes |= {"alpha": _level(told["alpha"])} if told["alpha"] is not None else {}
    said = {name: getattr(settings, name) for name in settings.__struct_fields__}
    return DriftSettings(**{**said, **changes})


def _listed(given: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(name.strip() for text in given for name in text.split(","))
    if not all(names):
        raise UsageError(
            f"--columns is given {','.join(given)!r}, which has an empty name", hint="such as: --columns age,fare"
        )
    return names


def _level(text: str) -> Decimal:
    try:
        level = Decimal(text)
    except InvalidOperation:
        level = Decimal("NaN")
    if level.is_nan() or not 0 < level < 1:
        raise UsageError(f"--alpha is {text!r}; it lies between 0 and 1", hint="such as 0.01")
    return level


def _labelled(sides: Sides, label: str | None) -> tuple[Sides, tuple[str, ...]]:
    """Return the sides with the label's role; or the label as a column to leave out, where current data has none yet."""
    from assay.data.dataset import Roles

    reference, current = sides
    if label is None or isinstance(reference, str) or isinstance(current, str):
        return sides, ()
    if label in reference.schema and label not in current.schema:
        return sides, (label,)
    marked = [side.with_roles(Roles(side.roles.id, side.roles.time, label)) for side in (reference, current)]
    return (marked[0], marked[1]), ()


def _side(source: str, told: dict[str, Any], *, part: str) -> Dataset | str:
    """Return one side as a dataset, or as the path of its profile, which takes none of the options about data."""
    current = part == "current"
    query = told["query"] if current else told["reference_query"]
    if not _is_profile(source):
        from assay.data.dataset import Roles
        from assay.data.sources import dataset

        roles = Roles(id=tuple(told["id_columns"]), time=told["time_column"])
        return dataset(source, name=told["name"] if current else None, query=query, roles=roles, part=part)
    said = {"--query" if current else "--reference-query": query, "--name": told["name"] if current else None}
    said |= {"--id": told["id_columns"], "--label": told["label_column"]}
    for option, value in said.items():
        if value:
            raise UsageError(f"a saved profile takes no {option}", place=source, hint="leave it out")
    if told["time_column"] and not current:
        hint = "give the reference as data, or leave out --time"
        raise UsageError("a saved profile has no windows to calibrate on", place=source, hint=hint)
    return source


def _is_profile(source: str) -> bool:
    from assay.profiles.saved import is_profile

    return is_profile(source)


def _name(side: Dataset | str) -> str:
    return side if isinstance(side, str) else side.name


def _rows(sides: Sequence[Dataset | str]) -> int | None:
    """Return how many rows will be read, where that is known beforehand."""
    counts = [side.n_rows for side in sides if not isinstance(side, str)]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _summed(progress: Callable[[int], None] | None) -> Progress | None:
    """Return what several scans may call one after the other, each from 0 up, so that one bar shows their sum."""
    if progress is None:
        return None
    done, last = 0, 0

    def update(rows: int) -> None:
        nonlocal done, last
        done += last if rows < last else 0
        last = rows
        progress(done + rows)

    return update


def load_importances(path: str) -> dict[str, float]:
    """Return the importances in a JSON or YAML file: a mapping from columns to numbers from 0 up.

    Raises `ConfigError` with file, line and column where one is no such number.
    """
    from assay.codec import line_of, load_yaml, read_text

    text = read_text(path)
    found = load_yaml(text, dict[str, float], file=path)
    for name, value in found.items():
        if not isfinite(value) or value < 0:
            place = f"{path}:{line_of(text, [name])}: {name}"
            raise ConfigError(f"the importance is {value}; it is a number from 0 up", place=place)
    if not found:
        raise ConfigError("there is no importance", place=path, hint="write a line such as: age: 0.4")
    return found
