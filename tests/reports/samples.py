"""Findings to show: a half-year of flights with the trouble that is really in them, and names made to disturb a page."""

from __future__ import annotations

from assay.verdict import Estimate, Example, Findings, Mark, Outcome, Provenance, Verdict

N = 170_618
V = Verdict


def provenance(**changes: object) -> Provenance:
    """Return where the sample findings come from."""
    fields: dict[str, object] = {
        "assay": "0.1.0",
        "started_at": "2026-11-22T13:40:05Z",
        "seconds": 0.412,
        "scans": 2,
        "seed": 7,
        "suite": "flights.suite.yaml",
        "suite_fingerprint": "5c1d90aa7be2",
        "datasets": (
            Mark("flights-2", "data/flights-2.parquet", "b7e23ec29af22b0b", rows=N, columns=19),
            Mark("flights-1", "data/flights-1.parquet", "3f9a0c5570d1be44", rows=166_158, columns=19, part="reference"),
        ),
        "versions": {"polars": "2.1.0", "python": "3.11.9"},
    }
    return Provenance(**{**fields, **changes})  # type: ignore[arg-type]


def _flight(row: int, *, why: str = "", **values: object) -> Example:
    return Example(row, values, why)


LATE = (
    _flight(97_218, dep_delay=1005, month=7, day=22, carrier="MQ", flight=3075, origin="JFK", dest="CVG"),
    _flight(153_885, dep_delay=1014, month=9, day=20, carrier="AA", flight=177, origin="JFK", dest="SFO"),
)

LOUD = (
    Outcome(
        "between",
        "dep_delay",
        V.FAIL,
        "between -60 and 720",
        Estimate(1014, N - 3372),
        "12 of 167,246 values lie outside, up to 1014",
        n_rows=167_246,
        n_failing=12,
        examples=LATE,
        family="range",
        id="dep_delay.between",
    ),
    Outcome(
        "mean_shift",
        "dep_delay",
        V.WARN,
        "at most 2 standard deviations from the reference",
        Estimate(2.31, 167_246, low=2.12, high=2.5, confidence=0.95, unit="standard deviations"),
        family="statistics",
        level="warn",
    ),
    Outcome(
        "nulls",
        "dep_time",
        V.FAIL,
        "at most 1%",
        Estimate(0.01976, N, low=0.0191, high=0.0204, confidence=0.95, unit="share"),
        "3,372 of 170,618 rows have no dep_time; a cancelled flight has none",
        n_rows=N,
        n_failing=3_372,
        family="completeness",
        examples=(
            _flight(27_967, dep_time=None, month=10, day=1, carrier="EV", origin="EWR", dest="RDU"),
            _flight(30_928, dep_time=None, month=10, day=4, carrier="MQ", origin="LGA", dest="MIA"),
            _flight(30_929, dep_time=None, month=10, day=4, carrier="9E", origin="JFK", dest="ATL"),
            _flight(30_933, dep_time=None, month=10, day=4, carrier="EV", origin="EWR", dest="RDU"),
            _flight(33_484, dep_time=None, month=10, day=7, carrier="MQ", origin="LGA", dest="MIA"),
        ),
    ),
    Outcome(
        "nulls",
        "tailnum",
        V.WARN,
        "at most 0.1%",
        Estimate(0.00474, N, unit="share"),
        n_rows=N,
        n_failing=809,
        family="completeness",
        level="warn",
        examples=(_flight(27_967, tailnum=None, carrier="EV", flight=4308),),
    ),
    Outcome(
        "in_table",
        "tailnum",
        V.FAIL,
        "each value stands in planes.tailnum",
        Estimate(0.1512, N, unit="share"),
        "25,803 of 169,809 tail numbers are not in planes.tailnum",
        n_rows=169_809,
        n_failing=25_803,
        family="references",
        examples=(
            _flight(0, tailnum="N3ALAA", carrier="AA", flight=301),
            _flight(9, tailnum="N3DUAA", carrier="AA", flight=303),
            _flight(16, tailnum="N542MQ", carrier="MQ", flight=4401),
        ),
    ),
    Outcome(
        "between",
        "distance",
        V.FAIL,
        "at least 80",
        Estimate(17, N),
        "one flight is 17 miles long (EWR to LGA)",
        n_rows=N,
        n_failing=1,
        family="range",
        examples=(_flight(102_787, distance=17, month=7, day=27, carrier="US", flight=1632, origin="EWR", dest="LGA"),),
    ),
    Outcome(
        "new_categories",
        "dest",
        V.WARN,
        "only the 103 values of the reference",
        Estimate(2, N),
        "2 values are new against the reference: ANC and LEX",
        n_rows=N,
        n_failing=9,
        family="set",
        level="warn",
        examples=(
            _flight(88_420, dest="ANC", carrier="UA", origin="EWR"),
            _flight(140_211, dest="LEX", carrier="EV", origin="LGA"),
        ),
    ),
    Outcome(
        "expression",
        "arr_time, dep_time",
        V.WARN,
        "arr_time >= dep_time",
        None,
        "5,229 of 165,900 rows break arr_time >= dep_time (3.2%); they land after midnight",
        n_rows=165_900,
        n_failing=5_229,
        family="cross-column",
        level="warn",
        where="carrier != 'HA'",
        examples=(
            _flight(640, arr_time=3, dep_time=1929, carrier="B6", origin="JFK"),
            _flight(641, arr_time=29, dep_time=1939, carrier="B6", origin="JFK"),
        ),
    ),
    Outcome(
        "gaps",
        "time_hour",
        V.FAIL,
        "no gap above 6h",
        Estimate(9.0, N, unit="hours"),
        "the longest gap is 9h, from 2013-11-28T05:00Z to 2013-11-28T14:00Z",
        n_rows=N,
        n_failing=4,
        family="time",
    ),
    Outcome(
        "fresh",
        "time_hour",
        V.INCONCLUSIVE,
        "at most 2d old",
        Estimate(None, 0, why="no instant to compare with was given"),
        family="time",
    ),
    Outcome(
        "mean",
        "air_time",
        V.INCONCLUSIVE,
        "between 140 and 160",
        Estimate(None, 12, why="only 12 rows match; 30 are needed"),
        n_rows=12,
        where="carrier = 'OO'",
        family="statistics",
    ),
    Outcome(
        "matches",
        "flight",
        V.ERROR,
        "matches [A-Z]{2}[0-9]+",
        None,
        "flight holds integers; a pattern needs text",
        family="pattern",
    ),
)


def _passed(check: str, family: str, subjects: str, expected: str) -> tuple[Outcome, ...]:
    return tuple(
        Outcome(check, name, V.PASS, expected, Estimate(0.0, N, unit="share"), n_rows=N, n_failing=0, family=family)
        for name in subjects.split()
    )


QUIET = (
    *_passed(
        "nulls",
        "completeness",
        "year month day sched_dep_time sched_arr_time carrier flight origin dest distance hour minute",
        "at most 0%",
    ),
    *_passed("one_of", "set", "origin carrier", "only values of the reference"),
    *_passed("between", "range", "month day hour minute", "within the range of the reference"),
    Outcome(
        "unique",
        "year, month, day, carrier, flight, origin",
        V.PASS,
        "no key twice",
        Estimate(0, N),
        n_rows=N,
        n_failing=0,
        family="uniqueness",
    ),
    Outcome("row_count", "table", V.PASS, "between 150,000 and 190,000", Estimate(N, N), n_rows=N, family="table"),
    Outcome("columns", "table", V.PASS, "the 19 columns of the reference", Estimate(19, N), family="schema"),
    Outcome(
        "label_present",
        "arr_delay",
        V.SKIP,
        "present in training",
        None,
        "the label is absent at serving",
        family="schema",
    ),
)

FLIGHTS = Findings("flights, July to December", LOUD + QUIET, provenance())
GREEN = Findings("flights, January to June", QUIET[:-1], provenance())
EMPTY = Findings("flights, January to June", (), provenance(datasets=()))

ODD_NAMES = (
    "<script>alert(1)</script>",
    "quote \" and ' mark",
    "line\nbreak\ttab",
    "a|b`c",
    "right‮left",
    "",
    "  spaces  ",
    "größe 温度 🛫",
    "x" * 300,
    "<img src=x onerror=alert(1)>",
    "{{ 7*7 }}",
    "[bold]x[/bold]",
    "</style><b>",
    "&amp;",
    "a, b",
    "nul\x00\x1b[31m",
)
ODD_VALUES = (
    None,
    "",
    "null",
    " lead",
    9007199254740993,
    -(2**63),
    1e308,
    5e-324,
    True,
    [1, [2, "x"]],
    {"a": {"b": None}},
    "<b>" * 90,
    "‮abc",
    "\x00\x1b[31m",
    "]]>",
    "`|`",
)

ODD = Findings(
    'odd <names> & "values"\n',
    tuple(
        Outcome(
            "between",
            name,
            V.FAIL,
            f"at most {name}",
            Estimate(1e300, 3, low=-1e300, why=name),
            why=f"{name} is out of range",
            n_rows=16,
            n_failing=16,
            examples=(Example(i, {name: ODD_VALUES[i], "other": name}, why=name), Example(None, {name: name})),
            where=f"{name} > 1",
            family=name,
            id=name,
        )
        for i, name in enumerate(ODD_NAMES)
    ),
    provenance(suite="<i>suite</i>", versions={"<b>": "]]>"}),
)


def many(n: int, *, verdict: Verdict = V.FAIL, subjects: int = 500) -> Findings:
    """Return `n` outcomes over some columns."""
    example = (Example(3, {"value": 1, "other": "x"}),)
    return Findings(
        "wide",
        tuple(
            Outcome(
                "between",
                f"column_{i % subjects}",
                verdict,
                "between 0 and 1",
                Estimate(1.5, 100),
                n_rows=100,
                n_failing=3,
                examples=example,
                family="range",
            )
            for i in range(n)
        ),
        provenance(),
    )


GOLDEN = {
    "pass": Findings(
        "orders",
        (
            Outcome(
                "nulls",
                "amount",
                V.PASS,
                "at most 0%",
                Estimate(0.0, 200, unit="share"),
                "all 200 rows have a value",
                n_rows=200,
                n_failing=0,
                family="completeness",
                id="0",
            ),
        ),
        Provenance(
            "0.1.0",
            "2026-11-22T13:40:05Z",
            seconds=0.02,
            scans=1,
            datasets=(Mark("orders", "orders.parquet", "b7e23ec2", rows=200, columns=3),),
        ),
    ),
    "fail": Findings(
        "orders",
        (
            Outcome(
                "between",
                "age",
                V.FAIL,
                "between 0 and 120",
                Estimate(0.015, 200, unit="share of rows failing"),
                "3 of 200 rows (1.5%) are not between 0 and 120",
                n_rows=200,
                n_failing=3,
                family="values",
                id="0",
                examples=(
                    Example(7, {"age": -1, "id": 9007199254740993}),
                    Example(None, {"age": 130.5, "id": None}, "two rules at once"),
                ),
            ),
            Outcome(
                "mean",
                "age",
                V.WARN,
                "at most 40",
                Estimate(41.25, 197, low=40.5, high=42.0, confidence=0.95, unit="years"),
                level="warn",
                where="country = 'DE'",
                family="statistics",
                id="1",
            ),
        ),
        provenance(),
    ),
    "inconclusive": Findings(
        "orders",
        (
            Outcome(
                "mean",
                "age",
                V.INCONCLUSIVE,
                "at most 40",
                Estimate(None, 12, why="only 12 rows match; 30 are needed"),
                n_rows=12,
            ),
            Outcome("matches", "id", V.ERROR, "matches A[0-9]+", why="id holds integers; a pattern needs text"),
            Outcome("nulls", "label", V.SKIP, why="only judged in training"),
            Outcome("max", "at", V.PASS, "at most 2026-01-31", Estimate("2026-01-30T23:59:59Z", 200)),
        ),
        provenance(seed=None, versions={}),
    ),
    "odd": ODD,
}
