"""Detectors of changes in streams, side by side: `python -m bench.detectors [--runs 100] [--data FOLDER]`.

Without a folder: streams of errors drawn from a seed, 1 in 10 wrong, that get worse at value 5,000 or not at all. With a folder that
holds `sea.parquet` (columns f1, f2, f3 and label; the concept changes at rows 12,500, 25,000 and 37,500) and
`elec2_normalised.parquet` (the class is `class`), anywhere below it: also the errors of a model that learns as it goes.

Each table has rows of detectors that look at nothing: a detector that is no better has learned nothing from the stream.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from river import drift, tree

from assay.stats.detectors.charts import Chart, Cusum, Ewma
from assay.stats.detectors.detector import Detector
from assay.stats.detectors.run_length import with_run_length
from assay.stats.detectors.scoring import Drift, Score, score, scoreboard
from assay.stats.detectors.streams import Phase, bits, normal, step
from assay.stats.detectors.table import DETECTORS, learn, make

Values = NDArray[np.float64]

CHANGE, LENGTH = 5_000, 10_000
RATE, WORSE = 0.1, (0.12, 0.15, 0.2)
REFERENCE = 2_000
THEIRS: dict[str, Callable[[], Any]] = {
    "adwin": drift.ADWIN, "ddm": drift.binary.DDM, "eddm": drift.binary.EDDM, "hddm_a": drift.binary.HDDMA,
    "hddm_w": drift.binary.HDDMW, "fhddm": drift.binary.FHDDM, "page_hinkley": drift.PageHinkley,
    "kswin": lambda: drift.KSWIN(seed=1),
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One row of a table: how its detector is made, given a sample of errors without drift."""

    title: str
    name: str
    fresh: Callable[[Values], Detector]


def fixed(title: str, name: str, **options: Any) -> Row:
    return Row(title, name, lambda reference: make(name, **options))


def chart(title: str, name: str, options: Chart) -> Row:
    found = with_run_length(options, 100_000)
    return Row(title, name, lambda reference: DETECTORS[name].make(found))


def rows_told() -> Iterator[Row]:
    """Yield detectors that are told the baseline, where they take one."""
    yield fixed("esr, told 0.105", "esr", baseline=0.105)
    yield fixed("esr, told 0.1", "esr", baseline=0.1)
    yield Row(f"esr, learned from {REFERENCE:,}", "esr", lambda reference: learn("esr", reference))
    yield from (fixed(name, name) for name in THEIRS if name != "kswin")
    # p₀ = 0.1, p₁ = 0.13 and h = 5.5 in log likelihood ratios: ÷ ln(0.13·0.9/0.1·0.87) = 0.2963, then ÷ 0.3 for spreads.
    yield fixed("cusum, 0.1 to 0.13, h 5.5", "cusum", baseline=0.1, direction="up", allowance=0.048, limit=61.9)
    small = Cusum(baseline=0.1, direction="up", allowance=0.048)
    yield chart("cusum, 0.1 to 0.13, run length 100,000", "cusum", small)
    yield chart("ewma 0.02, run length 100,000", "ewma", Ewma(baseline=0.1, direction="up", weight=0.02))


def rows_learned() -> Iterator[Row]:
    """Yield detectors that learn their baseline from a sample, where they take one."""
    yield Row("esr", "esr", lambda reference: learn("esr", reference))
    yield from (fixed(name, name) for name in THEIRS if name != "kswin")
    for name, options in (("cusum", {"allowance": 0.05}), ("ewma", {"weight": 0.02})):
        yield Row(
            f"{name}, run length 100,000",
            name,
            lambda reference, name=name, options=options: learn(
                name, reference, direction="up", average_run_length=100_000, **options
            ),
        )


def generated(runs: int) -> None:
    """Print the table of generated streams of errors."""
    print(f"## Errors at {RATE:g}, worse from value {CHANGE:,} of {LENGTH:,}: {runs} streams of each kind\n")
    print(
        "| detector | clean 10k with an alarm | clean 50k | false alarms per 10,000 |"
        + "".join(f" to {rate:g}: found | delay |" for rate in WORSE)
        + " values a CPU second |\n|"
        + " --- |" * (5 + 2 * len(WORSE))
    )
    for row in rows_told():
        begun, fed = time.process_time(), 0
        alarmed, false = [], Score()
        for length in (10_000, 50_000):
            firsts = []
            for seed in range(runs):
                values, detector = clean(length, seed), row.fresh(sample(seed))
                firsts.append(detector.feed(values).drifts)
                false = false.merge(score(firsts[-1], [], n=length, max_delay=0))
                fed += length
            alarmed.append(np.mean([len(found) > 0 for found in firsts]))
        cells = []
        for rate in WORSE:
            total = Score()
            for seed in range(runs):
                stream = bits(step(RATE, rate, at=CHANGE, length=LENGTH), rng=np.random.default_rng([seed, 3]))
                found = row.fresh(sample(seed)).feed(stream.values).drifts
                total = total.merge(score(found, stream.drifts, n=LENGTH, max_delay=LENGTH - CHANGE - 1))
                fed += LENGTH
            cells += [f"{1 - float(total.missed.value or 0):.2f}", said(total.delay.value)]
        speed = fed / (time.process_time() - begun)
        line = [
            row.title,
            *(f"{share:.2f}" for share in alarmed),
            f"{false.false_alarms.value:.3f}",
            *cells,
            f"{speed:,.0f}",
        ]
        print("| " + " | ".join(line) + " |", flush=True)
    looks_at_nothing()


def looks_at_nothing() -> None:
    drifts = [Drift(CHANGE, CHANGE)]
    board = scoreboard({}, drifts, n=LENGTH, max_delay=1000)
    for name, found in board.items():
        fires = 0 if found.n_missed else 1
        cells = [f"{fires:.2f}", said(found.delay.value)] * len(WORSE)
        line = [name, f"{fires:.2f}", f"{fires:.2f}", f"{found.false_alarms.value:.3f}", *cells, ""]
        print("| " + " | ".join(line) + " |")


def clean(length: int, seed: int) -> Values:
    return bits([Phase(length, RATE)], rng=np.random.default_rng([seed, length])).values


def sample(seed: int) -> Values:
    return clean(REFERENCE, seed + 1_000_000)


def numbers(runs: int) -> None:
    """Print what KSWIN, which takes numbers, does on clean normal values, beside two that take them too."""
    print(f"\n## Normal values that do not change: {runs} streams of 10,000\n")
    print("| detector | false alarms per 10,000 | values a CPU second |\n| --- | --- | --- |")
    options: dict[str, dict[str, Any]] = {"kswin": {}, "adwin": {}, "shewhart": {"baseline": 0.0, "spread": 1.0}}
    for name, told in options.items():
        begun, total = time.process_time(), Score()
        for seed in range(runs):
            values = normal([Phase(10_000, 0.0)], rng=np.random.default_rng([seed, 5])).values
            total = total.merge(score(make(name, **told).feed(values).drifts, [], n=10_000, max_delay=0))
        print(
            f"| {name} | {total.false_alarms.value:.2f} | {runs * 10_000 / (time.process_time() - begun):,.0f} |",
            flush=True,
        )


# Real data ------------------------------------------------------------------------------------------------------------


def real(folder: Path) -> None:
    """Print the tables of the two data sets."""
    sea = errors_of(folder, "sea.parquet", ["f1", "f2", "f3"], "label")
    drifts = [Drift(place, place) for place in (12_500, 25_000, 37_500)]
    print("\n## SEA: errors of a Hoeffding tree that learns as it goes\n")
    ends = [REFERENCE, 12_500, 25_000, 37_500, len(sea)]
    shares = [f"{sea[a:b].mean():.3f}" for a, b in pairwise(ends)]
    print(
        f"{len(sea):,} values; share of errors from {', '.join(f'{end:,}' for end in ends[:-1])} on: {', '.join(shares)}."
    )
    print(
        f"Drifts at 12,500, 25,000 and 37,500; an alarm within 2,500 finds one. The first {2 * REFERENCE:,} values are for learning.\n"
    )
    print(
        "| detector | found | delays | false alarms per 10,000 | repeated | values a CPU second | as river |\n|"
        + " --- |" * 7
    )
    alarms, speeds = fired(sea)
    for name, found in scoreboard(alarms, drifts, n=len(sea), max_delay=2_500, since=2 * REFERENCE).items():
        line = [
            name, f"{found.n_found}/3", " ".join(map(str, found.delays)) or "none", f"{found.false_alarms.value:.2f}",
            str(found.n_repeated), speeds.get(name, ""), as_river(name, sea),
        ]  # fmt: skip
        print("| " + " | ".join(line) + " |", flush=True)
    columns = ["period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer", "day"]
    electricity = errors_of(folder, "elec2_normalised.parquet", columns, "class")
    print("\n## Electricity: errors of the same model; nobody knows where it drifts\n")
    close = float(np.corrcoef(electricity[:-1], electricity[1:])[0, 1])
    print(
        f"{len(electricity):,} values, {electricity.mean():.3f} of them errors; the correlation of neighbours is {close:.2f}, so that no"
    )
    print(
        "detector's error rate holds here that takes values for independent. Alarms are not judged: none is known to be false.\n"
    )
    print("| detector | alarms | per 10,000 | values a CPU second | as river |\n|" + " --- |" * 5)
    alarms, speeds = fired(electricity)
    watched = len(electricity) - 2 * REFERENCE
    for name, found in scoreboard(alarms, [], n=len(electricity), max_delay=1_000, since=2 * REFERENCE).items():
        line = [
            name,
            str(found.n_false),
            f"{10_000 * found.n_false / watched:.2f}",
            speeds.get(name, ""),
            as_river(name, electricity),
        ]
        print("| " + " | ".join(line) + " |", flush=True)


def errors_of(folder: Path, file: str, columns: list[str], label: str) -> Values:
    """Return 1 for each row that a Hoeffding tree, which has learned from the rows before it, gets wrong."""
    import polars as pl

    frame = pl.read_parquet(next(folder.rglob(file)))
    columns = [column for column in columns if column in frame.columns]
    model, errors = tree.HoeffdingTreeClassifier(), np.zeros(frame.height)
    for i, (row, truth) in enumerate(zip(frame[columns].iter_rows(named=True), frame[label].to_list(), strict=True)):
        errors[i] = model.predict_one(row) != truth
        model.learn_one(row, truth)
    return errors


def fired(errors: Values) -> tuple[dict[str, NDArray[np.int64]], dict[str, str]]:
    """Return the alarms of each detector and its speed; one with a baseline learns it anew after each alarm."""
    alarms, speeds = {}, {}
    for row in rows_learned():
        begun = time.process_time()
        if row.name in THEIRS:
            alarms[row.title] = row.fresh(errors).feed(errors).drifts
        else:
            alarms[row.title] = learning_anew(row, errors)
        speeds[row.title] = f"{len(errors) / (time.process_time() - begun):,.0f}"
    return alarms, speeds


def learning_anew(row: Row, errors: Values) -> NDArray[np.int64]:
    places, start = [], 2 * REFERENCE
    while start < len(errors):
        found = row.fresh(errors[start - REFERENCE : start]).feed(errors[start:]).first
        if found is None:
            break
        places.append(start + found)
        start += found + 1 + REFERENCE
    return np.array(places, dtype=np.int64)


def as_river(name: str, errors: Values) -> str:
    """Return whether our alarms on a stream are those of river's own loop."""
    if name not in THEIRS:
        return ""
    theirs, found = THEIRS[name](), []
    for i, x in enumerate((1 - errors if name == "fhddm" else errors).tolist()):  # river's FHDDM takes 1 for a success
        theirs.update(x)
        if theirs.drift_detected:
            found.append(i)
    return "yes" if make(name).feed(errors).drifts.tolist() == found else "NO"


def said(value: object) -> str:
    return "none" if value is None else f"{float(str(value)):,.0f}"


def main() -> None:
    """Run what is asked for and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.detectors")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--data", type=Path)
    told = parser.parse_args()
    generated(told.runs)
    numbers(max(told.runs // 25, 1))
    if told.data is not None:
        real(told.data)


if __name__ == "__main__":
    main()
