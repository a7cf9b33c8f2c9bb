"""Property tests on rows that look like a person's own: `hypothesis.given`, which also takes data in a strategy's place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from assay.errors import UsageError, require

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["given"]

F = TypeVar("F", bound=Callable[..., Any])


def given(*, edits: int = 3, **drawn: SearchStrategy[Any] | object) -> Callable[[F], F]:
    """Run a test on examples: each argument is drawn from a strategy, or from rows like those of the data that is given for it.

    It is `hypothesis.given` with keywords alone. Data (a frame, a list of dicts, a path) stands for `rows_like(data, edits=edits)`:
    some of its own rows, with at most `edits` cells changed to edge cases. Fixtures fill the arguments that are not named here.

    Raises UsageError where nothing is named.

    >>> @given(rows=[{"age": 41}, {"age": 17}])
    ... def test_every_row_has_an_age(rows):
    ...     assert all("age" in row for row in rows)
    >>> test_every_row_has_an_age()
    """
    if not drawn:
        raise UsageError("given() names nothing to draw", hint="name an argument of the test: given(rows=data)")
    hypothesis = require("hypothesis", extra="testing")
    kinds = hypothesis.strategies.SearchStrategy
    strategies = {name: value if isinstance(value, kinds) else _rows(value, edits) for name, value in drawn.items()}
    made: Callable[[F], F] = hypothesis.given(**strategies)
    return made


def _rows(data: object, edits: int) -> object:
    from assay.testing.strategies.frames import rows_like

    return rows_like(data, edits=edits)
