"""Findings to show: a half-year of flights with the trouble that is really in them, and names made to disturb a page."""

from __future__ import annotations

from assay.verdict import Estimate, Evidence, Example, Findings, Mark, Outcome, Provenance, Shape, Verdict

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


# Drift ----------------------------------------------------------------------------------------------------------------


def drift(
    column: str,
    check: str = "distribution_drift",
    verdict: Verdict = V.FAIL,
    size: float | None = 0.21,
    *,
    why: str = "",
    examples: tuple[Example, ...] = (),
    **evidence: object,
) -> Outcome:
    """Return one judgement of drift; `evidence` changes what a comparison of 12,000 with 3,000 values says."""
    told: dict[str, object] = {
        "comparison": "smooth",
        "distance": "ks",
        "n_reference": 12_000,
        "n": 3_000,
        "p_value": 3.2e-14,
        "adjusted": 6.4e-13,
        "correction": "benjamini_hochberg",
        "among": 20,
        "alpha": 0.01,
        "at_least": 0.03,
        "detectable": 0.041,
    }
    told |= evidence
    unit = "share" if told["distance"] in ("share_change", "total_variation") else ""
    seen = Estimate(size, 3_000, unit=unit, why="" if size is not None else "one side has no value")
    if size is not None:
        seen = Estimate(size, 3_000, low=size * 0.88, high=size * 1.1, confidence=0.95, unit=unit)
    return Outcome(
        check, column, verdict, "ks below 0.03 or p above 0.01", seen, why or f"{column} is not as it was",
        family="drift", id=f"{column}.{check}", evidence=Evidence(**told), examples=examples,  # type: ignore[arg-type]
    )  # fmt: skip


def bell(middle: float, width: float, *, bins: int = 24, low: float = -60.0, high: float = 180.0) -> tuple[float, ...]:
    """Return the shares of a bell curve in bins of one width."""
    step = (high - low) / bins
    tall = [2.718281828 ** (-0.5 * ((low + (i + 0.5) * step - middle) / width) ** 2) for i in range(bins)]
    return tuple(round(each / sum(tall), 6) for each in tall)


BINS = tuple(-60.0 + 10 * i for i in range(25))
MOVED = Shape(bell(12, 22), bell(38, 30), edges=BINS)
STEADY = Shape(bell(12, 22), bell(12.5, 22), edges=BINS)
TAILED = Shape((0.9, 0.09, 0.01), (0.7, 0.2, 0.1), edges=(0.0, 1.0, 10.0, 1e6))
CARRIERS = Shape(
    (0.21, 0.19, 0.17, 0.14, 0.1, 0.08, 0.05, 0.03, 0.02, 0.006, 0.004, 0.0),
    (0.12, 0.28, 0.17, 0.1, 0.1, 0.08, 0.05, 0.03, 0.02, 0.006, 0.004, 0.04),
    labels=("UA", "B6", "EV", "DL", "AA", "MQ", "US", "9E", "WN", "VX", "other (4)", "ZZ"),
)
SHARES = {"comparison": "fisher", "distance": "share_change", "at_least": 0.01, "detectable": 0.008}


def missing(column: str, before: float, now: float, verdict: Verdict = V.PASS) -> Outcome:
    """Return a judgement of the share of missing values."""
    shape = Shape((1 - before, before), (1 - now, now), labels=("present", "missing"))
    changed = {} if verdict is V.FAIL else {"p_value": 0.6, "adjusted": 0.84}
    return drift(column, "missing_drift", verdict, now - before, shape=shape, **SHARES, **changed)


CALM = {"p_value": 0.31, "adjusted": 0.62}
DRIFTED = Findings(
    "flights, July",
    (
        drift("dep_delay", size=0.41, shape=MOVED, usual=0.028, windows=26, why="dep_delay: the Kolmogorov-Smirnov distance is 0.41"),
        missing("dep_delay", 0.021, 0.094, V.FAIL),
        drift("carrier", size=0.13, shape=CARRIERS, comparison="chi_squared", distance="total_variation", detectable=0.035),
        drift("carrier", "new_category_drift", size=0.04, shape=Shape((1.0, 0.0), (0.96, 0.04), labels=("seen", "new")), **SHARES),
        missing("carrier", 0.0, 0.0),
        drift("air_time", verdict=V.WARN, size=0.055, shape=MOVED),
        drift("distance", verdict=V.PASS, size=0.01, shape=STEADY, **CALM),
        missing("distance", 0.0, 0.0),
        drift("hour", verdict=V.PASS, size=0.02, shape=STEADY, **CALM),
        drift("gate", verdict=V.INCONCLUSIVE, size=0.11, n=35, detectable=0.34, shape=MOVED, **CALM,
              why="the Kolmogorov-Smirnov distance is 0.11; too few values to say more: 35 beside 12,000 would have shown 0.34"),
        drift("notes", verdict=V.INCONCLUSIVE, size=None, p_value=None, adjusted=None, n=0, detectable=None,
              why="the two cannot be compared: the current data has no value"),
        Outcome("distribution_drift", "flight", V.SKIP, why="nearly all values differ and count up, as an identifier's do", family="drift"),
        Outcome("distribution_drift", "time_hour", V.SKIP, why="instants move on by their nature; their hours and weekdays are compared",
                family="drift"),
    ),
    provenance(suite="drift"),
)  # fmt: skip
UNCHANGED = Findings(
    "flights, February",
    tuple(drift(name, verdict=V.PASS, size=0.004 * i, shape=STEADY, **CALM) for i, name in enumerate(("hour", "month", "day"))),
    provenance(suite="drift"),
)  # fmt: skip
IMPORTANT = Findings(
    "flights, with a model",
    (
        drift("dep_delay", size=0.41, shape=MOVED, importance=0.02),
        drift("carrier", size=0.13, shape=CARRIERS, importance=0.61),
        drift("distance", verdict=V.PASS, size=0.01, shape=STEADY, importance=0.37, **CALM),
        drift("hour", verdict=V.PASS, size=0.02, shape=STEADY, **CALM),
        drift(
            "table", "row_drift", size=0.71, comparison="classifier", distance="auc", at_least=0.55, detectable=0.53,
            why="a classifier tells current rows from the reference's with an AUC of 0.71; what gives them away: carrier, dep_delay",
            shape=Shape((0.55, 0.25, 0.12, 0.08), (0.2, 0.2, 0.25, 0.35), edges=(0.0, 0.25, 0.5, 0.75, 1.0)),
            examples=tuple(_flight(i, why=f"score 0.9{9 - i}", dep_delay=300 + i, carrier="ZZ", dest="ANC") for i in range(3)),
        ),
    ),
    provenance(suite="drift"),
)  # fmt: skip
ODD_DRIFT = Findings(
    'odd <names> & "values"\n',
    (
        *(
            drift(name, size=0.1 + i, shape=Shape((0.5, 0.3, 0.2), (0.2, 0.2, 0.6), labels=(name, "<b>", "‮x")), why=f"{name} moved")
            for i, name in enumerate(ODD_NAMES)
        ),
        drift("tailed", shape=TAILED, size=4_812.0),
        drift("infinite", shape=Shape((0.5, 0.5), (0.1, 0.9), edges=(float("-inf"), 0.0, float("inf")))),
        drift("huge", size=1e300, shape=Shape((0.5, 0.5), (0.1, 0.9), edges=(-1.7e308, 0.0, 1.7e308))),
        drift("one value", shape=Shape((1.0,), (1.0,), edges=(5.0, 5.0)), size=0.0),
        drift("nothing", shape=Shape((0.0, 0.0), (0.0, 0.0), edges=(0.0, 1.0, 2.0))),
        drift("torn", shape=Shape((0.5, 0.5), (1.0,), edges=(0.0, 1.0, 2.0))),
        drift("unsized", verdict=V.ERROR, size=None, p_value=None, adjusted=None, at_least=None, why="it crashed: <b>"),
        Outcome("distribution_drift", "<i>skipped</i>", V.SKIP, why="because `of` it", family="drift"),
    ),
    provenance(suite="<i>drift</i>"),
)  # fmt: skip
MIXED = Findings("flights, July", (*DRIFTED.outcomes[:4], *LOUD[:2], *QUIET[:3]), provenance())


def wide(n: int, *, drifted: int) -> Findings:
    """Return drift of n columns, of which the first so many have drifted."""
    return Findings(
        "wide",
        tuple(
            drift(f"column_{i}", verdict=V.FAIL, size=0.5 - 0.4 * i / n, shape=MOVED) if i < drifted
            else drift(f"column_{i}", verdict=V.PASS, size=0.02 * i / n, shape=STEADY, **CALM)
            for i in range(n)
        ),
        provenance(suite="drift"),
    )  # fmt: skip
