"""One task, one process: `python -m bench.tasks NAME FILE`. Each ends by printing what it found, so that nothing is skipped."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path

warnings.filterwarnings("ignore")

NUMBERS = ["normal", "lognormal", "exponential", "uniform", "two_humps", "heavy_tail", "five_missing", "third_missing", "mostly_zero", "price", "id", "count", "code", "hash"]  # fmt: skip
TEXTS = ["colour", "country", "sku", "user"]
COUNTRIES = [f"country_{i:02d}" for i in range(50)]
COLOURS = ["red", "green", "blue"]
PRESENT = ["normal", "lognormal", "id", "count", "colour", "sku", "user", "at", "flag"]
RANGES = {
    "uniform": (0, 1),
    "lognormal": (0, 10**9),
    "price": (0, 10**9),
    "count": (0, 50),
    "code": (0, 9999),
    "exponential": (0, 10**9),
}
SUITE = Path(__file__).with_name("suite.yaml")


def decode(file: str) -> object:
    """Read and touch every column, streaming: the floor that everything is compared with."""
    import polars as pl

    touched = [pl.col(*NUMBERS).sum(), pl.col(*TEXTS).str.len_bytes().sum(), pl.col("at").max(), pl.col("flag").sum()]
    return pl.scan_parquet(file).select(touched).collect(engine="streaming").height


def assay_check(file: str) -> object:
    """Judge 34 checks through the library."""
    import assay

    findings = assay.check(file, SUITE)
    assert findings.verdict.value == "pass", [o for o in findings.outcomes if o.verdict.value != "pass"]
    return len(findings.outcomes), findings.provenance.scans


def assay_check_command(file: str) -> object:
    """Judge the same through the command, report and all."""
    from assay.cli import main

    main(["check", file, "--suite", str(SUITE)])
    return "unreachable"


def assay_profile(file: str) -> object:
    """Profile every column: mergeable states."""
    import assay

    return assay.profile(file).rows


def polars_check(file: str) -> object:
    """The 34 checks by hand, as one lazy select."""
    import polars as pl

    c = pl.col
    wanted = {f"present_{n}": c(n).null_count() == 0 for n in PRESENT}
    wanted |= {f"range_{n}": c(n).is_between(low, high).all() for n, (low, high) in RANGES.items()}
    wanted |= {
        "colours": c("colour").is_in(COLOURS).all(), "countries": c("country").is_in(COUNTRIES).all(),
        "unique": c("id").n_unique() == pl.len(), "sku": c("sku").str.contains(r"^sku-\d{4}$").all(),
        "user": c("user").str.contains(r"^user_\d{10}$").all(), "length": (c("country").str.len_chars() == 10).all(),
        "mean": c("normal").mean().is_between(-0.1, 0.1), "mean_2": c("five_missing").mean().is_between(49, 51),
        "median": c("exponential").quantile(0.5).is_between(1, 2), "missing": c("five_missing").null_count() / pl.len() <= 0.08,
        "missing_2": c("third_missing").null_count() / pl.len() <= 0.35, "rising": (c("at").diff() >= pl.duration()).all(),
        "rows": pl.len() > 0, "std": c("normal").std().is_between(0.9, 1.1),
    }  # fmt: skip
    frame = pl.scan_parquet(file)
    schema = frame.collect_schema()
    assert [schema[n].is_numeric() for n in ("normal", "id")] == [True, True]
    row = frame.select(**wanted).collect(engine="streaming").row(0, named=True)
    assert all(row.values()), row
    return len(row)


def polars_profile(file: str) -> object:
    """What people write by hand: moments, extremes, distinct, quantiles; not mergeable."""
    import polars as pl

    wanted = []
    for n in NUMBERS:
        c = pl.col(n)
        made = [
            c.null_count(),
            c.min(),
            c.max(),
            c.mean(),
            c.std(),
            c.skew(),
            c.kurtosis(),
            c.approx_n_unique(),
            (c == 0).sum(),
            (c < 0).sum(),
        ]
        made += [c.quantile(q) for q in (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)]
        wanted += [e.alias(f"{n}_{i}") for i, e in enumerate(made)]
    for n in TEXTS:
        c = pl.col(n)
        made = [
            c.null_count(),
            c.approx_n_unique(),
            c.str.len_chars().min(),
            c.str.len_chars().max(),
            c.value_counts(sort=True).head(10).implode(),
        ]
        wanted += [e.alias(f"{n}_{i}") for i, e in enumerate(made)]
    return pl.scan_parquet(file).select(wanted).collect(engine="streaming").width


def duckdb_check(file: str) -> object:
    """The 34 checks by hand, as one query and one window query."""
    import duckdb

    wanted = [f"count(*) = count({n})" for n in PRESENT]
    wanted += [f"bool_and({n} between {low} and {high})" for n, (low, high) in RANGES.items()]
    listed = ", ".join(f"'{c}'" for c in COUNTRIES)
    wanted += [
        "bool_and(colour in ('red', 'green', 'blue'))", f"bool_and(country in ({listed}))", "count(distinct id) = count(*)",
        r"bool_and(regexp_full_match(sku, 'sku-\d{4}'))", r"bool_and(regexp_full_match(\"user\", 'user_\d{10}'))".replace("\\\"", '"'),
        "bool_and(length(country) = 10)", "avg(normal) between -0.1 and 0.1", "avg(five_missing) between 49 and 51",
        "median(exponential) between 1 and 2", "1 - count(five_missing) / count(*) <= 0.08", "1 - count(third_missing) / count(*) <= 0.35",
        "count(*) > 0", "stddev(normal) between 0.9 and 1.1",
    ]  # fmt: skip
    wanted = [w.replace("count(user)", 'count("user")').replace("count(at)", 'count("at")') for w in wanted]
    source = f"read_parquet('{file}')"
    connection = duckdb.connect()
    row = connection.execute(f"select {', '.join(wanted)} from {source}").fetchone()
    falls = connection.execute(
        f'select count(*) from (select "at" < lag("at") over () as fell from {source}) where fell'
    ).fetchone()
    assert row and all(row) and falls == (0,), (row, falls)
    return len(row) + 1


def duckdb_profile(file: str) -> object:
    """DuckDB's own profile."""
    import duckdb

    return len(duckdb.connect().execute(f"summarize select * from read_parquet('{file}')").fetchall())


def pandas_profile(file: str) -> object:
    """describe, nunique, value_counts."""
    import pandas as pd

    frame = pd.read_parquet(file)
    return (
        frame.describe(include="all").shape,
        frame.nunique().sum(),
        [frame[n].value_counts().head(10).sum() for n in TEXTS],
    )


def pandera_check(file: str) -> object:
    """pandera on Polars, all errors collected."""
    import pandera.polars as pa
    import polars as pl

    one, between = pa.Check, pa.Check.in_range
    columns = {n: pa.Column(nullable=False) for n in PRESENT}
    columns |= {n: pa.Column(checks=[between(low, high)], nullable=False) for n, (low, high) in RANGES.items()}
    columns["colour"] = pa.Column(pl.String, checks=[one.isin(COLOURS)])
    columns["country"] = pa.Column(pl.String, checks=[one.isin(COUNTRIES), one.str_length(10, 10)], nullable=True)
    columns["sku"] = pa.Column(pl.String, checks=[one.str_matches(r"^sku-\d{4}$")])
    columns["user"] = pa.Column(pl.String, checks=[one.str_matches(r"^user_\d{10}$")])
    columns["id"] = pa.Column(pl.Int64, unique=True)
    whole = [
        lambda d: d.lazyframe.select(pl.col("normal").mean().is_between(-0.1, 0.1)),
        lambda d: d.lazyframe.select(pl.col("five_missing").mean().is_between(49, 51)),
        lambda d: d.lazyframe.select(pl.col("exponential").quantile(0.5).is_between(1, 2)),
        lambda d: d.lazyframe.select((pl.col("five_missing").null_count() / pl.len()) <= 0.08),
        lambda d: d.lazyframe.select((pl.col("third_missing").null_count() / pl.len()) <= 0.35),
        lambda d: d.lazyframe.select((pl.col("at").diff() >= pl.duration()).all()),
        lambda d: d.lazyframe.select(pl.len() > 0),
        lambda d: d.lazyframe.select(pl.col("normal").std().is_between(0.9, 1.1)),
    ]
    schema = pa.DataFrameSchema(columns, checks=[one(w) for w in whole])
    return schema.validate(pl.read_parquet(file), lazy=True).height


def dataframely_check(file: str) -> object:
    """dataframely on Polars."""
    import dataframely as dy
    import polars as pl

    class Rows(dy.Schema):
        normal = dy.Float64(nullable=False)
        lognormal = dy.Float64(nullable=False, min=0, max=1e9)
        exponential = dy.Float64(nullable=True, min=0, max=1e9)
        uniform = dy.Float64(nullable=True, min=0, max=1)
        price = dy.Float64(nullable=True, min=0, max=1e9)
        five_missing = dy.Float64(nullable=True)
        third_missing = dy.Float64(nullable=True)
        id = dy.Int64(nullable=False)
        count = dy.Int64(nullable=False, min=0, max=50)
        code = dy.Int64(nullable=True, min=0, max=9999)
        colour = dy.String(nullable=False)
        country = dy.String(nullable=True, min_length=10, max_length=10)
        sku = dy.String(nullable=False, regex=r"^sku-\d{4}$")
        user = dy.String(nullable=False, regex=r"^user_\d{10}$")
        at = dy.Datetime(nullable=False)
        flag = dy.Bool(nullable=False)

        @dy.rule()
        def colours(cls) -> pl.Expr:
            return pl.col("colour").is_in(COLOURS)

        @dy.rule()
        def countries(cls) -> pl.Expr:
            return pl.col("country").is_in(COUNTRIES)

        @dy.rule()
        def unique(cls) -> pl.Expr:
            return pl.col("id").is_unique()

        @dy.rule()
        def whole(cls) -> pl.Expr:
            c = pl.col
            return (
                c("normal").mean().is_between(-0.1, 0.1) & c("five_missing").mean().is_between(49, 51) & c("exponential").quantile(0.5).is_between(1, 2)
                & (c("five_missing").null_count() / pl.len() <= 0.08) & (c("third_missing").null_count() / pl.len() <= 0.35)
                & (c("at").diff() >= pl.duration()).all() & c("normal").std().is_between(0.9, 1.1)
            )  # fmt: skip

    return Rows.validate(pl.read_parquet(file), cast=False).height


def gx_check(file: str) -> object:
    """Great Expectations on pandas."""
    import great_expectations as gx
    import great_expectations.expectations as e
    import pandas as pd

    context = gx.get_context(mode="ephemeral")
    batch = context.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
    wanted = [e.ExpectColumnValuesToNotBeNull(column=n) for n in PRESENT]
    wanted += [
        e.ExpectColumnValuesToBeBetween(column=n, min_value=low, max_value=high) for n, (low, high) in RANGES.items()
    ]
    wanted += [
        e.ExpectColumnValuesToBeInSet(column="colour", value_set=COLOURS), e.ExpectColumnValuesToBeInSet(column="country", value_set=COUNTRIES),
        e.ExpectColumnValuesToBeUnique(column="id"), e.ExpectColumnValuesToMatchRegex(column="sku", regex=r"^sku-\d{4}$"),
        e.ExpectColumnValuesToMatchRegex(column="user", regex=r"^user_\d{10}$"), e.ExpectColumnValueLengthsToEqual(column="country", value=10),
        e.ExpectColumnMeanToBeBetween(column="normal", min_value=-0.1, max_value=0.1), e.ExpectColumnMeanToBeBetween(column="five_missing", min_value=49, max_value=51),
        e.ExpectColumnMedianToBeBetween(column="exponential", min_value=1, max_value=2), e.ExpectColumnValuesToNotBeNull(column="five_missing", mostly=0.92),
        e.ExpectColumnValuesToNotBeNull(column="third_missing", mostly=0.65), e.ExpectColumnValuesToBeIncreasing(column="at"),
        e.ExpectTableRowCountToBeBetween(min_value=1), e.ExpectColumnStdevToBeBetween(column="normal", min_value=0.9, max_value=1.1),
    ]  # fmt: skip
    suite = gx.ExpectationSuite(name="s", expectations=wanted)
    result = batch.get_batch({"dataframe": pd.read_parquet(file)}).validate(suite)
    return len(result.results), result.success


def pointblank_check(file: str) -> object:
    """pointblank on Polars."""
    import pointblank as pb
    import polars as pl

    steps = pb.Validate(pl.read_parquet(file)).col_vals_not_null(columns=PRESENT)
    for n, (low, high) in RANGES.items():
        steps = steps.col_vals_between(columns=n, left=low, right=high)
    steps = steps.col_vals_in_set(columns="colour", set=COLOURS).col_vals_in_set(
        columns="country", set=[*COUNTRIES, None]
    )
    steps = steps.rows_distinct(columns_subset="id").col_vals_regex(columns="sku", pattern=r"^sku-\d{4}$")
    steps = steps.col_vals_regex(columns="user", pattern=r"^user_\d{10}$").row_count_match(
        count=pl.scan_parquet(file).select(pl.len()).collect().item()
    )
    done = steps.interrogate()
    return done.n_passed().__len__(), done.all_passed()


TASKS: dict[str, Callable[[str], object]] = {
    task.__name__: task
    for task in (
        decode, assay_check, assay_check_command, assay_profile, polars_check, polars_profile, duckdb_check, duckdb_profile,
        pandas_profile, pandera_check, dataframely_check, gx_check, pointblank_check,
    )
}  # fmt: skip

if __name__ == "__main__":
    print(TASKS[sys.argv[1]](sys.argv[2]))
