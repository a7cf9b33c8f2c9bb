"""Turn the records of `bench.alarms` into Markdown tables: `python -m bench.alarm_tables FILE [FILE …]`.

A cell says how many windows in a hundred had an alarm. A peer is also judged *matched*: its own threshold, in each table
and size, is moved as one knob (its p-value, its distance, its count of standard deviations) to where at most one in a
hundred of the same clean windows alarms; what power is left is not bought by false alarms. The knob is set on the very
windows that it is counted on, which flatters the peer.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.shifts import SHIFTS

MATCHED = 0.01
OURS = ("assay", "assay_classic", "assay_history")
Record = dict[str, Any]
Judge = Callable[[Record], bool]
Z = 1.959964


def column_alarmed(record: Record) -> bool:
    """Return whether the shifted column is called drifted."""
    return bool(record["column"] in record["alarmed"])


def any_alarmed(record: Record) -> bool:
    """Return whether any column is called drifted."""
    return bool(record["alarmed"])


def half_alarmed(record: Record) -> bool:
    """Return Evidently's own verdict on a table: half of the columns drifted."""
    return bool(len(record["alarmed"]) >= 0.5 * record["columns"])


def above(field: str, limits: dict[tuple[str, int], float]) -> Judge:
    """Return what judges by a score against the matched limit of the table and size."""

    def judge(record: Record) -> bool:
        limit = limits.get((record["dataset"], record["size"]), math.inf)
        return bool(record[field] is not None and record[field] > limit)

    return judge


def limits_of(clean: Iterable[Record]) -> dict[tuple[str, int], float]:
    """Return, by table and size, the score that at most one clean window in a hundred is above."""
    scores: dict[tuple[str, int], list[float]] = {}
    for record in clean:
        scores.setdefault((record["dataset"], record["size"]), []).append(record["most"])
    return {key: sorted(found)[-1 - math.floor(MATCHED * len(found))] for key, found in scores.items()}


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    middle, wide = (hits + Z * Z / 2) / (n + Z * Z), Z * math.sqrt(hits * (n - hits) / n + Z * Z / 4) / (n + Z * Z)
    return max(0.0, middle - wide), min(1.0, middle + wide)


def per_hundred(records: Sequence[Record], judge: Judge, interval: bool = False) -> str:
    """Return how many in a hundred alarmed, with the interval on request; empty where there is none."""
    if not records:
        return ""
    hits, n = sum(map(judge, records)), len(records)
    low, high = (100 * side for side in wilson(hits, n))
    return (
        f"{100 * hits / n:.1f} ({low:.1f} to {high:.1f})" if interval else f"{100 * hits / n:.{1 if n >= 100 else 0}f}"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
    return "\n".join([*lines, ""])


def ways(records: Sequence[Record], *, whole: bool) -> dict[str, tuple[str, Judge]]:
    """Return the ways to judge, by the name of the column that shows them: the tool, and what calls an alarm."""
    found: dict[str, tuple[str, Judge]] = {}
    default = any_alarmed if whole else column_alarmed
    for tool in dict.fromkeys(record["tool"] for record in records):
        found[tool] = (tool, default)
        if tool == "evidently" and whole:
            found["evidently, its verdict on the table"] = (tool, half_alarmed)
        if tool not in OURS:
            clean = [r for r in records if r["tool"] == tool and r["kind"] == "exchangeable" and "shift" not in r]
            found[f"{tool} matched"] = (tool, above("most" if whole else "own", limits_of(clean)))
    return found


def clean_table(records: Sequence[Record], kind: str) -> str:
    """Return the alarms per hundred clean windows of a kind, by table and size."""
    clean = [r for r in records if r["kind"] == kind and "shift" not in r]
    columns = ways(records, whole=True)
    seen = {r["tool"] for r in clean}
    columns = {
        name: way
        for name, way in columns.items()
        if way[0] in seen and (kind == "exchangeable" or "matched" not in name)
    }
    rows = []
    for dataset, size in sorted({(r["dataset"], r["size"]) for r in clean}):
        here = [r for r in clean if (r["dataset"], r["size"]) == (dataset, size)]
        by_tool = {tool: [r for r in here if r["tool"] == tool] for tool, _ in columns.values()}
        n = max(map(len, by_tool.values()))
        cells = [per_hundred(by_tool[tool], judge) for tool, judge in columns.values()]
        rows.append([dataset, str(here[0]["columns"]), f"{here[0]['reference']:,}", f"{size:,}", str(n), *cells])
    total = [
        per_hundred([r for r in clean if r["tool"] == tool], judge, interval=True) for tool, judge in columns.values()
    ]
    rows.append(["all", "", "", "", str(sum(int(row[4]) for row in rows)), *total])
    return table(["table", "columns", "reference", "window", "n", *columns], rows)


def power_table(records: Sequence[Record], size: int, *, whole: bool) -> str:
    """Return, for windows of a size, in how many of a hundred each shift is seen: in its column, or in the whole table."""
    seen = {r["tool"] for r in records if "shift" in r}
    columns = {name: way for name, way in ways(records, whole=whole).items() if way[0] in seen}
    rows = []
    for shift in dict.fromkeys(shift.name for shift in SHIFTS):
        here = [r for r in records if r.get("shift") == shift and r["size"] == size]
        by_tool = {tool: [r for r in here if r["tool"] == tool] for tool, _ in columns.values()}
        n = max(map(len, by_tool.values()), default=0)
        rows.append([shift, str(n), *(per_hundred(by_tool[tool], judge) for tool, judge in columns.values())])
    return table(["shift", "n", *columns], rows)


def aim_table(records: Sequence[Record]) -> str:
    """Return Assay's power beside that of the best matched peer, on the windows that all judged; worst first."""
    columns = {name: way for name, way in ways(records, whole=False).items() if name == "assay" or "matched" in name}
    rows: list[tuple[float, list[str]]] = []
    for shift, size in {(r["shift"], r["size"]) for r in records if "shift" in r}:
        here = [r for r in records if r.get("shift") == shift and r["size"] == size]
        by_tool = {
            tool: {(r["dataset"], r["window"]): r for r in here if r["tool"] == tool} for tool, _ in columns.values()
        }
        both = set.intersection(*(set(found) for found in by_tool.values() if found))
        if not both:
            continue
        shares: dict[str, float] = {}
        for name, (tool, judge) in columns.items():
            if by_tool[tool]:
                shares[name] = 100 * sum(judge(by_tool[tool][key]) for key in both) / len(both)
        best = max((name for name in shares if name != "assay"), key=shares.__getitem__, default="")
        if best and "assay" in shares:
            off = shares["assay"] - shares[best]
            rows.append(
                (off, [shift, f"{size:,}", f"{shares['assay']:.0f}", f"{shares[best]:.0f}", best, f"{off:+.0f}"])
            )
    head = ["shift", "window", "assay", "best matched peer", "which", "difference"]
    return table(head, [row for _, row in sorted(rows, key=lambda found: found[0])]) if rows else ""


def undecided_note(records: Sequence[Record]) -> str:
    """Return how many columns Assay called too small to judge, where it did."""
    asked = [r for r in records if "undecided" in r and "shift" not in r]
    if not asked:
        return ""
    share = sum(len(r["undecided"]) for r in asked) / sum(r["columns"] for r in asked)
    return f"Of the clean columns, {share:.1%} were judged inconclusive by Assay.\n"


def culprits(records: Sequence[Record]) -> str:
    """Return the checks of ours that raised false alarms, commonest first; empty where there was none."""
    clean = [r for r in records if r["kind"] == "exchangeable" and "shift" not in r and r["tool"] == "assay"]
    found = Counter((r["dataset"], r["size"], check) for r in clean for check in r.get("checks", ()))
    rows = [[name, f"{size:,}", check, str(count)] for (name, size, check), count in found.most_common(20)]
    return table(["table", "window", "false alarm of assay", "times"], rows) if rows else ""


def tables(records: Sequence[Record]) -> str:
    """Return all tables."""
    parts = [
        "## Alarms in a hundred clean windows: exchangeable, each alarm is false",
        clean_table(records, "exchangeable"),
    ]
    parts += [undecided_note(records), culprits(records)]
    if any(r["kind"] == "in time" for r in records):
        parts += ["## Alarms in a hundred windows in time: natural movement", clean_table(records, "in time")]
    for size in sorted({r["size"] for r in records if "shift" in r}):
        parts += [
            f"## The shifted column is called drifted: windows of {size:,} rows",
            power_table(records, size, whole=False),
        ]
        parts += [f"## Any column is called drifted: windows of {size:,} rows", power_table(records, size, whole=True)]
    aim = aim_table(records)
    parts += ["## Power that false alarms do not buy", aim] if aim else []
    return "\n".join(part for part in parts if part)


def main() -> None:
    """Print the tables of the files that are named; of a window that two files have, the later counts."""
    kept: dict[tuple[str, str, str], Record] = {}
    for file in sys.argv[1:]:
        for line in Path(file).read_text().splitlines():
            record = json.loads(line)
            kept[record["tool"], record["dataset"], record["window"]] = record
    print(tables(list(kept.values())))


if __name__ == "__main__":
    main()
