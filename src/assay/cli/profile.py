"""`assay profile`: show what is in a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from assay.cli.options import data_options, opened, progress_of, show
from assay.errors import UsageError

__all__ = ["command"]


@click.command("profile")
@click.argument("data", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write to a file: .json saves the profile, .html is the page, .md or .txt a text.",
)
@data_options
def command(data: tuple[str, ...], output: str | None, **told: Any) -> int:
    """Show what is in DATA: files, folders, globs, URLs, or profiles that were saved; several are merged into one."""
    from assay.api import profile
    from assay.profiles.profile import merge_profiles
    from assay.profiles.saved import is_profile, load_profile, save_profile
    from assay.reports.profile import profile_page

    profiles = []
    for source in data:
        if is_profile(source):
            if any(told.values()):
                raise UsageError(
                    "a saved profile takes no --query, --name or role", place=source, hint="leave them out"
                )
            profiles.append(load_profile(source))
            continue
        current = opened(source, told)
        with progress_of(f"profiling {current.name}", current.n_rows) as progress:
            profiles.append(profile(current, edges_from=profiles[0] if profiles else None, progress=progress))
    merged = merge_profiles(profiles)
    if output is not None and Path(output).suffix.lower() == ".json":
        save_profile(merged, output)
        click.echo(f"wrote {output}", err=True)
    else:
        show(profile_page(merged), format=None, output=output)
    return 0
