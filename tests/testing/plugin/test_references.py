"""Reference data is found beside the test or above it, read once, and never shared."""

from __future__ import annotations

import polars as pl
import pytest

from assay.errors import UsageError
from assay.testing.plugin.references import References

pytest_plugins = ["pytester"]


@pytest.fixture
def root(tmp_path):
    (tmp_path / "tests" / "unit" / "references").mkdir(parents=True)
    (tmp_path / "tests" / "references").mkdir()
    pl.DataFrame({"age": [1]}).write_parquet(tmp_path / "tests" / "references" / "people.parquet")
    (tmp_path / "tests" / "references" / "orders.csv").write_text("n\n1\n")
    (tmp_path / "tests" / "unit" / "references" / "orders.csv").write_text("n\n2\n3\n")
    return tmp_path


def test_the_nearest_file_of_the_name_is_read(root):
    near = References(root / "tests" / "unit", root)

    assert near("orders.csv")["n"].to_list() == [2, 3]
    assert near("people.parquet")["age"].to_list() == [1]
    assert References(root / "tests", root)("orders.csv")["n"].to_list() == [1]


def test_a_path_from_the_root_is_read(root):
    assert References(root / "tests" / "unit", root)("tests/references/orders.csv")["n"].to_list() == [1]


def test_what_one_test_adds_no_other_sees(root):
    read = References(root / "tests", root)

    read("orders.csv").insert_column(0, pl.Series("more", [0]))

    assert read("orders.csv").columns == ["n"]


def test_a_file_that_changed_is_read_again(root):
    read = References(root / "tests", root)
    assert read("orders.csv")["n"].to_list() == [1]

    (root / "tests" / "references" / "orders.csv").write_text("n\n4\n5\n6\n")

    assert read("orders.csv")["n"].to_list() == [4, 5, 6]


def test_a_file_that_is_not_there_is_named_with_those_that_are(root):
    with pytest.raises(UsageError) as caught:
        References(root / "tests" / "unit", root)("order.csv")

    assert str(caught.value) == (
        "there is no reference data 'order.csv' in tests/unit/references, tests/references, references; "
        "there are: orders.csv, people.parquet"
    )


def test_nothing_above_the_root_is_looked_at(root):
    with pytest.raises(UsageError, match=r"in \S+/tests/unit/references; there are: orders.csv$"):
        References(root / "tests" / "unit", root / "tests" / "unit" / "elsewhere")("people.parquet")


def test_the_fixture_reads_from_the_folders_that_the_configuration_names(repository):
    (repository.path / "samples").mkdir()
    (repository.path / "samples" / "sales.csv").write_text("n\n1\n")
    repository.makeini("[pytest]\nassay_references = data samples\n")
    repository.makepyfile(test_it="def test_a(assay_reference): assert assay_reference('sales.csv').height == 1")

    repository.runpytest_inprocess().assert_outcomes(passed=1)
