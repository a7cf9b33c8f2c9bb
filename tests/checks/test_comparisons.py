"""What data is compared with its reference by, where nobody has said."""

import numpy as np
import polars as pl
import pytest

from assay import Suite, Verdict, check, column
from assay.api import profile
from assay.checks.comparisons import comparisons
from assay.profiles.saved import save_profile

N = 2000
RNG = np.random.default_rng(5)
REFERENCE = pl.DataFrame(
    {
        "id": np.arange(N),
        "at": pl.datetime_range(pl.datetime(2026, 1, 1), pl.datetime(2026, 3, 25, 7), "1h", eager=True),
        "pay": RNG.lognormal(3, 0.5, N),
        "colour": RNG.choice(["red", "green"], N),
        "name": [f"person {i}" for i in range(N)],
    }
)


def loud(current):
    return {
        (o.check, o.subject): o.verdict
        for o in check(current, reference=profile(REFERENCE)).outcomes
        if o.verdict is not Verdict.PASS
    }


def test_the_reference_itself_is_silent():
    assert loud(REFERENCE) == {}


def test_a_fresh_sample_is_silent():
    fresh = REFERENCE.with_columns(
        pay=pl.Series(np.random.default_rng(6).lognormal(3, 0.5, N)),
        id=pl.col("id") + N,
        at=pl.col("at").dt.offset_by("90d"),
    )

    assert loud(fresh) == {}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"colour": pl.lit("blue")}, ("new_categories", "colour")),
        ({"pay": pl.col("pay") * 100}, ("unit_change", "pay")),
        ({"pay": pl.col("pay") + 200}, ("mean_shift", "pay")),
        ({"pay": pl.when(pl.col("id") % 5 > 0).then("pay")}, ("missing_share_change", "pay")),
        ({"extra": pl.lit(1)}, ("new_columns", "table")),
    ],
)
def test_a_change_is_told(change, told):
    assert told in loud(REFERENCE.with_columns(**change))


def test_what_counts_up_is_not_compared_and_names_are_no_set():
    subjects = {
        made.subject for made in comparisons(profile(REFERENCE)) if made.rule in ("mean_shift", "new_categories")
    }

    assert subjects == {"pay", "colour"}


def test_values_that_stand_for_missing_stand_for_it_in_the_reference_too():
    days = pl.DataFrame({"days": [999] * 1900 + [i % 20 for i in range(100)]})
    suite = Suite((column("days").mean_shift(), column("days").missing_share_change()), "days", {"days": (999,)})

    assert check(days, suite, reference=days).verdict is Verdict.PASS


def test_a_reference_of_which_only_the_profile_is_left_still_compares(tmp_path):
    save_profile(profile(REFERENCE), tmp_path / "reference.json")

    findings = check(REFERENCE.with_columns(colour=pl.lit("blue")), reference=str(tmp_path / "reference.json"))

    assert [(o.check, o.subject) for o in findings.outcomes if o.verdict is Verdict.WARN] == [
        ("new_categories", "colour")
    ]


def test_months_and_hours_are_not_compared_by_their_mean():
    calendar = pl.DataFrame(
        {"month": [1 + i // 200 for i in range(2000)], "year": [2013 + i // 1000 for i in range(2000)]}
    )

    assert {made.rule for made in comparisons(profile(calendar))} == {"missing_share_change", "new_columns"}
