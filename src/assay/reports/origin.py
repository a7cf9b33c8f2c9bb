"""Where findings come from: the line of context under a title, and the facts at the foot of a page."""

from __future__ import annotations

from assay.reports import words
from assay.reports.page import Cell, Code, Details, KeyValues, Text
from assay.verdict import Findings, Mark

__all__ = ["context", "notes", "provenance"]


def context(findings: Findings) -> str:
    """Return what was judged, when, and how long it took, as one line."""
    origin = findings.provenance
    # One dataset may be marked twice, as a reference and as another table; the mark that knows its rows says more.
    marks = {(mark.name, mark.source): mark for mark in sorted(origin.datasets, key=lambda mark: mark.rows is not None)}
    datasets = [_dataset(mark) for mark in origin.datasets if marks[mark.name, mark.source] is mark]
    return " · ".join([*datasets, words.instant(origin.started_at), words.duration(origin.seconds)])


def notes(findings: Findings) -> list[Text]:
    """Return what a person should know about how each dataset was read."""
    return [
        Text(words.clean(f"{mark.name}: {note}"), quiet=True)
        for mark in findings.provenance.datasets
        for note in mark.notes
    ]


def _dataset(mark: Mark) -> str:
    size = [f"{mark.rows:,} rows"] if mark.rows is not None else []
    size += [f"{mark.columns:,} columns"] if mark.columns is not None else []
    name = ("reference " if mark.part == "reference" else "") + words.clean(mark.name, most=200)
    return f"{name} ({', '.join(size)})" if size else name


def provenance(findings: Findings) -> Details:
    """Return all that identifies a run, folded: versions, engine, seed, suite and datasets with their fingerprints."""
    origin = findings.provenance
    items: list[tuple[str, Cell]] = [
        ("assay", words.clean(origin.assay)),
        ("started", words.clean(origin.started_at)),
        ("took", words.duration(origin.seconds)),
        ("scans", origin.scans),
        ("engine", words.clean(origin.engine)),
    ]
    items += [("seed", origin.seed)] if origin.seed is not None else []
    items += [("suite", words.clean(origin.suite))] if origin.suite else []
    items += [("suite fingerprint", Code(words.clean(origin.suite_fingerprint)))] if origin.suite_fingerprint else []
    for mark in origin.datasets:
        items.append(
            (words.clean(mark.part), f"{_dataset(mark).removeprefix('reference ')}, from {words.clean(mark.source)}")
        )
        if mark.fingerprint:
            items.append((f"{words.clean(mark.part)} fingerprint", Code(words.clean(mark.fingerprint))))
        items += [(f"{words.clean(mark.part)} was read", words.clean(note)) for note in mark.notes]
    items += [(words.clean(name), words.clean(version)) for name, version in sorted(origin.versions.items())]
    return Details(
        "Where this comes from",
        (KeyValues(tuple(items)),),
        brief=f"assay {words.clean(origin.assay)}, {words.plural(origin.scans, 'scan')}",
    )
