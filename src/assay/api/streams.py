"""Watch one column in the order of its rows: stream detectors and control charts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assay.api.options import DEFAULTS, Options, inputs_of
from assay.data.sources import dataset
from assay.verdict import Findings, Verdict

if TYPE_CHECKING:
    from assay.checks.control import ControlChart

__all__ = ["control_chart", "detect"]


def detect(
    data: object, *, column: str, detector: str | Sequence[str] | None = None, reference: object = None,
    state: str | Path | None = None, options: Options = DEFAULTS, **parameters: object,
) -> Findings:  # fmt: skip
    """Give a column, in the order of its rows, to stream detectors ("esr" by default), and return what each finds.

    Of bits, 1 is an error and 0 is none. A detector that has a baseline is told it (`baseline=0.1`) or learns it from the
    same column of a reference; `parameters` are its others, such as `average_run_length=10_000`. With `state`, a file, the
    stream goes on where an earlier call with the same file left it.

    >>> import polars as pl
    >>> stream = pl.DataFrame({"error": [0, 0, 0, 0, 1] * 100 + [0, 1] * 100})
    >>> detect(stream, column="error", baseline=0.2, average_run_length=1_000).verdict
    <Verdict.FAIL: 'fail'>
    """
    from assay.checks.columns import check_column
    from assay.checks.streams import changes, sample_of
    from assay.checks.watching import detectors_of, load_stream, resumed, save_stream
    from assay.stats.detectors.table import DEFAULT

    current, names = dataset(data), (detector,) if isinstance(detector, str) else tuple(detector or ())
    check_column(current, column)
    about = None if reference is None else dataset(reference, part="reference")
    sample, marks = (None, ()) if about is None else sample_of(about, column)
    place = "" if about is None else about.name
    if state is not None and Path(state).exists():
        learned = [] if sample is None else detectors_of(names or [DEFAULT], parameters, sample=sample, place=place)
        detectors = resumed(
            load_stream(state), column=column, names=names, parameters=parameters, learned=learned, place=str(state)
        )
    else:
        detectors = detectors_of(names or [DEFAULT], parameters, sample=sample, place=place)
    findings = changes(current, column, detectors, inputs_of(options), known=marks, progress=options.progress)
    if state is not None and findings.verdict is not Verdict.ERROR:
        save_stream(state, column, detectors)
    return findings


def control_chart(
    data: object, *, column: str, chart: ControlChart | None = None, reference: object = None, options: Options = DEFAULTS
) -> Findings:  # fmt: skip
    """Draw a control chart of a column, judge its points, and return the findings.

    `chart` says which kind, of what its points are made and by which rules they are judged; by default each value is a
    point, judged by Shewhart's rule. The limits are learned from the same column of a reference, or from the first points
    of the data where the chart says so.

    >>> import polars as pl
    >>> before = pl.DataFrame({"ms": [9.0, 10.0, 11.0, 10.0, 9.0, 11.0] * 5})
    >>> control_chart(pl.DataFrame({"ms": [10.0, 16.0, 9.5]}), column="ms", reference=before).outcomes[0].n_failing
    1
    """
    from assay.checks.control import ControlChart, charted

    about = None if reference is None else dataset(reference, part="reference")
    return charted(
        dataset(data), column, chart or ControlChart(), inputs_of(options), reference=about, progress=options.progress
    )
