"""The command line: one command per library function, each loaded when it is called.

Exit codes: 0 pass or warn, 1 fail, 2 wrong usage or configuration, 3 could not judge.
"""

from __future__ import annotations

import os
import sys
import warnings
from importlib import import_module

import click

from assay import __version__
from assay.errors import AssayError

__all__ = ["COMMANDS", "app", "main"]

# name -> (module in this package, the line that --help shows)
COMMANDS = {
    "demo": ("demo", "Find real trouble in a year of real flights, with nothing to set up."),
    "init": ("init", "Look at the data in a folder and write assay.yaml."),
    "profile": ("profile", "Show what is in a dataset: every column, from one scan."),
    "schema": ("schema", "Infer a schema, or say what changed between two."),
    "suggest": ("suggest", "Write the suite of checks that a reference suggests."),
    "check": ("check", "Judge a dataset."),
    "drift": ("drift", "Say which columns are not as they were."),
    "detect": ("detect", "Watch a column as a stream: detectors of change, or a control chart."),
    "estimate": ("estimate", "Say how a model does on data that has no labels yet."),
    "evaluate": (
        "evaluate",
        "Say what a model is worth: metrics with intervals, slices, fairness, calibration, robustness.",
    ),
    "challenge": ("challenge", "Say whether a challenger is better than the champion, for whom, and at what cost."),
    "faults": ("faults", "Test the tests: put faults into data and code, and see what notices."),
    "score": ("score", "Score a repository by the 28 tests of the ML Test Score, and say what to do next."),
    "slice": ("slice", "Pick the few rows that have all that a dataset has, for tests."),
    "checks": ("checks", "List the checks there are, or explain one."),
    "contracts": ("contracts", "List the contracts of code there are, or explain one."),
    "metrics": ("metrics", "List the metrics there are, or explain one."),
    "report": ("report", "Show saved findings again, in any format."),
    "config": ("config", "Check assay.yaml, or print its JSON Schema."),
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"assay.cli.{COMMANDS[cmd_name][0]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # The lines stand in the table, so that help need not load what the commands load.
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="assay")
def app() -> None:
    """Test machine-learning systems: their data, their drift, their models.

    Exit codes: 0 pass or warn, 1 fail, 2 wrong usage or configuration, 3 could not judge.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run a command and leave with its exit code; an error is one sentence on standard error, never a traceback."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # libraries' words to their programmers are no words to a user
    try:
        code = app.main(args=arguments, standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        click.echo("assay: stopped", err=True)
        code = 130
    except AssayError as error:
        click.echo(f"assay: {error}", err=True)
        code = error.exit_code
    except BrokenPipeError:
        # The reader of our output went away; what it has read is all that it wanted.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        click.echo(f"assay: {error.filename or 'standard output'}: {error.strerror}", err=True)
        code = 3
    except Exception as error:  # whatever it is, an exit code of 1 would say that the data failed
        if os.environ.get("ASSAY_DEBUG"):
            raise
        code = _own_error(error)
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # Polars' own, which is no Exception; to name it would load Polars
            raise
        code = _own_error(error)
    sys.exit(code if isinstance(code, int) else 0)


def _own_error(error: BaseException) -> int:
    first = (str(error).splitlines() or [""])[0]
    click.echo(f"assay: an error of its own: {type(error).__name__}: {first}; ASSAY_DEBUG=1 shows where", err=True)
    return 3
