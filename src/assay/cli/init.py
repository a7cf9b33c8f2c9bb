"""`assay init`: look at the data in a folder and write assay.yaml."""

from __future__ import annotations

from pathlib import Path

import click

from assay.errors import UsageError

__all__ = ["command"]


@click.command("init")
@click.argument("folder", default=".")
@click.option("--force", is_flag=True, help="Replace an assay.yaml that is there.")
def command(folder: str, force: bool) -> int:
    """Look at the data in FOLDER and write assay.yaml: a dataset for each file, judged by a first look."""
    from assay.codec import atomic
    from assay.config import Config, DatasetConfig, Judgement, ReportConfig, dump_config
    from assay.data.sources import dataset

    target = Path(folder) / "assay.yaml"
    if target.exists() and not force:
        raise UsageError("the file is there already", place=str(target), hint="pass --force to replace it")
    found = _found(Path(folder))
    if not found:
        raise UsageError(
            "there is no data here that Assay reads",
            place=folder,
            hint="Parquet, CSV, JSON lines, Arrow IPC or Delta; assay.yaml may also name a database",
        )
    datasets = {name: DatasetConfig(source) for name, source in found.items()}
    for name, source in found.items():
        kinds = dataset(str(Path(folder) / source)).columns
        click.echo(f"{name}: {source}, {len(kinds)} columns")
    config = Config(
        datasets, checks=tuple(Judgement(name) for name in datasets), report=ReportConfig(formats=("html", "json"))
    )
    with atomic(target) as stream:
        stream.write(dump_config(config))
    click.echo(f"wrote {target}; judge it all with: assay check" + ("" if folder == "." else f" --config {target}"))
    return 0


def _found(folder: Path) -> dict[str, str]:
    """Return the datasets below a folder, two levels deep, by name, as paths seen from it; JSON may be anything and is left out."""
    from assay.data.files import format_of

    if not folder.is_dir():
        raise UsageError("there is no such folder", place=str(folder))
    found: dict[str, str] = {}
    for path in sorted(
        [
            *folder.iterdir(),
            *(inner for part in folder.iterdir() if part.is_dir() and not _is_table(part) for inner in part.iterdir()),
        ]
    ):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        if _is_table(path) or (path.is_file() and format_of(path.name) not in (None, "json")):
            name = path.name.split(".")[0]
            found[name if name not in found else str(path.relative_to(folder))] = str(path.relative_to(folder))
    return found


def _is_table(path: Path) -> bool:
    """Return whether a folder is one dataset: a Delta table, or partitions named key=value."""
    return path.is_dir() and (
        (path / "_delta_log").is_dir() or any("=" in part.name for part in path.iterdir() if part.is_dir())
    )
