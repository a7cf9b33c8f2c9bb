"""`assay detect`: watch a column as a stream."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from assay.cli.options import data_options, opened, output_options, progress_of, show
from assay.errors import UsageError, nearest

if TYPE_CHECKING:
    from assay.checks.control import ControlChart
    from assay.data.dataset import Dataset
    from assay.verdict import Findings

__all__ = ["command"]

# The customary names of charts and rules beside those that reports use.
CHARTS = {"individuals": "individuals", "means": "means", "xbar": "means", "shares": "shares", "p": "shares"}
RULES = {"shewhart": "shewhart", "sigma": "shewhart", "western_electric": "western_electric", "nelson": "nelson"}


@click.command("detect")
@click.argument("data")
@click.option(
    "--column", required=True, metavar="COL", help="The column to watch: numbers, or bits, where 1 is an error."
)
@click.option(
    "--detector", "detectors", multiple=True, metavar="NAME",
    help="The detector (default: esr); may be given again. There are: esr, adwin, ddm, eddm, hddm_a, hddm_w, fhddm, kswin, "
    "page_hinkley, shewhart, cusum, ewma.",
)  # fmt: skip
@click.option("--baseline", type=float, metavar="X", help="The mean while nothing has changed; of errors, their share.")
@click.option(
    "--reference", metavar="DATA", help="Data without change, whose column teaches the baseline, or a chart's limits."
)
@click.option("--reference-query", metavar="SQL", help="For a REFERENCE that is a database URL: a SELECT, or a table.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A parameter of the detector; may be given again."
)
@click.option("--state", metavar="FILE", help="Go on where an earlier run with the same FILE left the stream.")
@click.option("--chart", metavar="KIND", help="Draw a control chart: individuals, means (xbar) or shares (p).")
@click.option("--size", type=int, metavar="N", help="So many rows make a point of the chart.")
@click.option("--by", metavar="COL", help="Rows with the same value of COL make a point of the chart.")
@click.option(
    "--rules", metavar="NAME", help="Judge the points by: shewhart (sigma; the default), western_electric, nelson."
)
@click.option("--learn", type=int, metavar="N", help="Learn the limits from the first N points instead of a reference.")
@data_options
@output_options
def command(data: str, column: str, **told: Any) -> int:
    """Watch a column of DATA as a stream, in the order of the rows, and say where it changed.

    Of bits, 1 is an error and 0 is none: turn a column of successes over first. The detector esr is told the usual share
    of errors (--baseline) or learns it (--reference), and states how seldom it cries wolf. With --chart, the points of a
    control chart are judged instead.
    """
    if told["label_column"]:
        raise UsageError("a stream has no label", hint="leave out --label; --column says what is watched")
    current = opened(data, told)
    reference = _reference(told)
    with progress_of(f"watching {column} of {current.name}", current.n_rows) as progress:
        from assay.api import Options

        options = Options(progress=progress)
        judge = _charted if told["chart"] else _detected
        findings = judge(current, column, reference, told, options)
    show(findings, format=told["format"], output=told["output"])
    return findings.exit_code


def _reference(told: dict[str, Any]) -> Dataset | None:
    if told["reference"] is None:
        if told["reference_query"]:
            raise UsageError("--reference-query is about a reference, and none is given", hint="give --reference")
        return None
    from assay.data.sources import dataset

    return dataset(told["reference"], query=told["reference_query"], part="reference")


def _detected(current: Dataset, column: str, reference: Dataset | None, told: dict[str, Any], options: Any) -> Findings:
    from assay.api import detect
    from assay.verdict import Verdict

    _refuse(told, ("size", "by", "rules", "learn"), "is about a control chart", "give --chart, or leave it out")
    parameters = dict(_parameter(text) for text in told["settings"])
    if told["baseline"] is not None:
        parameters["baseline"] = told["baseline"]
    findings = detect(
        current, column=column, detector=told["detectors"] or None, reference=reference, state=told["state"], options=options,
        **parameters,
    )  # fmt: skip
    if told["state"] and findings.verdict is Verdict.ERROR:
        click.echo(f"{told['state']}: left as it was, as a value was refused", err=True)
    return findings


def _charted(current: Dataset, column: str, reference: Dataset | None, told: dict[str, Any], options: Any) -> Findings:
    from assay.api import control_chart

    _refuse(
        told, ("detectors", "baseline", "settings", "state"), "is about detectors", "leave it out, or leave out --chart"
    )
    return control_chart(current, column=column, chart=_chart(told), reference=reference, options=options)


def _refuse(told: dict[str, Any], names: tuple[str, ...], what: str, hint: str) -> None:
    for name in names:
        if told[name] not in (None, ()):
            option = {"detectors": "detector", "settings": "set"}.get(name, name)
            raise UsageError(f"--{option} {what}", hint=hint)


def _chart(told: dict[str, Any]) -> ControlChart:
    from assay.checks.control import ControlChart

    rules = told["rules"] or "shewhart"
    for name, known, what in ((told["chart"], CHARTS, "chart"), (rules, RULES, "set of rules")):
        if name not in known:
            raise UsageError(f"there is no {what} {name!r}", hint=nearest(name, known))
    return ControlChart(CHARTS[told["chart"]], told["size"], told["by"], RULES[rules], told["learn"])


def _parameter(text: str) -> tuple[str, Any]:
    """Return KEY=VALUE as a name and a value: a number where it is one."""
    from assay.codec import scalar

    key, sign, value = text.partition("=")
    if not sign or not key.strip() or not value.strip():
        raise UsageError(f"--set is given {text!r}; expected KEY=VALUE", hint="such as: --set average_run_length=10000")
    found = scalar(value.strip())
    return key.strip(), float(found) if isinstance(found, Decimal) else found
