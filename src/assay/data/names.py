"""Address columns by their literal names: Polars reads `*` as every column, and `^a$` as a pattern."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl
import polars.selectors as cs

__all__ = ["col", "cols", "unique_names"]


def col(name: str) -> pl.Expr:
    """Return the expression of the one column with exactly this name.

    Use it in place of `pl.col` (and of a bare name in `select`, `drop` or `[...]`) wherever the name comes from data.

    >>> frame = pl.DataFrame({"a": [1], "^a$": [2]})
    >>> frame.select(pl.col("^a$")).columns, frame.select(col("^a$")).columns
    (['a'], ['^a$'])
    """
    if name == "*" or (name.startswith("^") and name.endswith("$")):
        return cs.by_name(name).as_expr()
    return pl.col(name)


def cols(names: Iterable[str]) -> list[pl.Expr]:
    """Return the expressions of the columns with exactly these names, in this order."""
    return [col(name) for name in names]


def unique_names(names: Iterable[str]) -> list[str]:
    """Return names that differ: the second `a` is called `a_2`, or the next number that no other column has.

    >>> unique_names(["a", "b", "a", "a_2", "a"])
    ['a', 'b', 'a_3', 'a_2', 'a_4']
    """
    wanted = list(names)
    taken = set(wanted)
    seen: set[str] = set()
    given = []
    for name in wanted:
        number = 2
        unique = name
        while unique in seen or (unique != name and unique in taken):
            unique = f"{name}_{number}"
            number += 1
        seen.add(unique)
        given.append(unique)
    return given
