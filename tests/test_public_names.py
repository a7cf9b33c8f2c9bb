"""Every public name is what it was, however much of the package is loaded."""

import importlib
import importlib.resources
import pkgutil

import polars as pl
import pytest

import assay


@pytest.mark.parametrize("name", [name for name in assay.__all__ if name != "__version__"])
def test_a_public_name_is_no_module_even_when_all_modules_are_loaded(name):
    for module in pkgutil.walk_packages(assay.__path__, "assay."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    assert callable(getattr(assay, name))


def test_a_profile_can_be_made_twice():
    frame = pl.DataFrame({"a": [1, 2]})

    assert assay.profile(frame).rows == assay.profile(frame).rows == 2


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="assay has no 'profiel'"):
        assay.profiel  # noqa: B018


def test_the_listed_names_are_those_of_the_type_checker():
    source = (importlib.resources.files("assay") / "__init__.py").read_text()
    declared = {line.split(" as ")[1] for line in source.splitlines() if line.startswith("    from assay.")}

    assert declared == set(assay.__all__) - {"__version__"}
