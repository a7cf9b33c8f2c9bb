"""Rows that the tests of all adapters share: two numbers, and a category that matters."""

from __future__ import annotations

import numpy as np
import polars as pl

N = 240


def numbers(seed: int = 5) -> pl.DataFrame:
    """Return two columns of numbers, b with some missing, beside an id that no model takes."""
    rng = np.random.default_rng(seed)
    return pl.DataFrame({"id": np.arange(N), "a": rng.normal(size=N), "b": rng.normal(size=N)})


def features() -> pl.DataFrame:
    return numbers().select("a", "b")


def binary() -> np.ndarray:
    frame = numbers()
    return (frame["a"] + 0.5 * frame["b"] > 0.2).to_numpy().astype(np.int64)


def three() -> np.ndarray:
    return np.digitize(numbers()["a"].to_numpy(), [-0.5, 0.5])


def amounts() -> np.ndarray:
    frame = numbers()
    return (3 * frame["a"] - frame["b"]).to_numpy()


def mixed() -> pl.DataFrame:
    """Return a number and a category that is a text."""
    kinds = np.random.default_rng(6).choice(["cash", "card", "coupon"], N)
    return numbers().select("id", "a").with_columns(pl.Series("kind", kinds))


def matrix(*names: str) -> np.ndarray:
    return numbers().select(names or ("a", "b")).to_numpy()
