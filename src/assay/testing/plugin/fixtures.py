"""The fixtures of the plugin; each loads what it needs when a test first asks for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from assay.testing.plugin.settings import SETTINGS, name_of

if TYPE_CHECKING:
    import numpy as np

    from assay.testing.plugin.baselines import Baseline
    from assay.testing.plugin.cached import Cached
    from assay.testing.plugin.references import References
    from assay.testing.synthetic import World

__all__ = [
    "ERRORS",
    "SEED",
    "assay_baseline",
    "assay_cached",
    "assay_reference",
    "assay_rng",
    "assay_seed",
    "assay_world",
    "no_network",
]

SEED = pytest.StashKey[int]()
# The names of the errors that a test failed with, each cause too.
ERRORS = pytest.StashKey[frozenset[str]]()


@pytest.fixture
def assay_seed(request: pytest.FixtureRequest) -> int:
    """Return the test's own seed: another for each test, the same each time; printed where the test fails.

    `--assay-seed N` gives every test the seed N, `--assay-seed new` gives new ones. A `unittest.TestCase` that uses this fixture
    finds the seed in `self.assay_seed`.
    """
    seed = request.node.stash[SEED] = request.config.stash[SETTINGS].seed_of(name_of(request.node))
    _attached(request, "assay_seed", seed)
    return seed


@pytest.fixture
def assay_rng(request: pytest.FixtureRequest, assay_seed: int) -> np.random.Generator:
    """Return a numpy generator made of the test's own seed; see `assay_seed`."""
    import numpy as np

    rng = np.random.default_rng(assay_seed)
    _attached(request, "assay_rng", rng)
    return rng


@pytest.fixture
def assay_world(request: pytest.FixtureRequest, assay_rng: np.random.Generator) -> Callable[..., World]:
    """Return a function that makes synthetic data of which it is known what is true: `assay_world("shifted_mean", 500, shift=1.0)`.

    Drift, leakage, an area under the curve, a slice, a gap: `assay.testing.synthetic.WORLDS` lists them. The chance is the test's own.
    """
    from assay.testing.synthetic import world

    def made(name: str, n: int = 1_000, **settings: float) -> World:
        return world(name, n, rng=assay_rng, **settings)

    _attached(request, "assay_world", made)
    return made


@pytest.fixture(scope="session")
def assay_cached(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cached]:
    """Return a function that makes a value once in a whole run, whatever the number of xdist's workers.

    `assay_cached(train, rows, seed=7)` is `train(rows, seed=7)`: a trained model, a dataset, an index. Each call gets a copy of
    its own, so no test can change what another one sees. What is made is known by the function and the content of its arguments.
    """
    from assay.testing.plugin.cached import Cached

    settings = request.config.stash[SETTINGS]
    folder = tmp_path_factory.getbasetemp()
    cached = Cached((folder.parent if settings.worker else folder) / "assay-cached")
    yield cached
    if not settings.worker:  # another worker may still want it, so only a run without workers clears up
        cached.clear()


@pytest.fixture
def assay_reference(request: pytest.FixtureRequest) -> References:
    """Return a function that reads reference data by its name: `assay_reference("orders.parquet")` is a Polars frame.

    The file is looked for in the folders that the key `assay_references` names (default: "references"), beside the test and
    then above it, up to the root of the repository; a name with a folder is a path from the root.
    """
    from assay.testing.plugin.references import References

    config = request.config
    found = References(request.path.parent, config.rootpath, tuple(config.getini("assay_references")))
    _attached(request, "assay_reference", found)
    return found


@pytest.fixture
def assay_baseline(request: pytest.FixtureRequest) -> Baseline:
    """Return a function that compares a value with the one kept beside the test: `assay_baseline(features, rtol=1e-6)`.

    It raises an AssertionError that shows what differs. `--assay-update` writes what is missing or differs.
    """
    from assay.testing.plugin.baselines import Baseline

    settings = request.config.stash[SETTINGS]
    baseline = Baseline(
        folder=request.path.parent / "baselines" / request.path.stem,
        test=name_of(request.node),
        update=settings.update,
    )
    _attached(request, "assay_baseline", baseline)
    return baseline


@pytest.fixture
def no_network(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Refuse every connection that leaves this machine while the test runs; the error names the host.

    Where the code under test swallowed that error, the test fails when it ends. What is yielded lists the hosts that were tried.
    """
    from assay.testing.fakes.network import NetworkTouched
    from assay.testing.fakes.network import no_network as guarded

    try:
        with guarded() as tried:
            yield tried
    except NetworkTouched:
        if NetworkTouched.__name__ not in request.node.stash.get(ERRORS, frozenset()):  # the test did not say so itself
            raise


def _attached(request: pytest.FixtureRequest, name: str, value: object) -> None:
    """Give the value to a unittest.TestCase, whose methods take no fixtures."""
    unittest = sys.modules.get("unittest")  # nobody has a TestCase who did not import it
    if unittest is not None and isinstance(request.instance, unittest.TestCase):
        setattr(request.instance, name, value)
