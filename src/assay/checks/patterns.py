"""Patterns of text: regular expressions of the Rust regex engine, SQL's LIKE, and shapes, each as one expression.

The engine looks at each character once whatever the pattern, and therefore knows no look-around and no back-references.
"""

from __future__ import annotations

import re

import polars as pl

__all__ = ["check_pattern", "like", "shape", "whole"]


def check_pattern(pattern: str) -> None:
    r"""Raise ValueError where a pattern does not compile, with the pattern and what is wrong with it.

    >>> check_pattern(r"(?=x)")
    Traceback (most recent call last):
    ValueError: the pattern '(?=x)' cannot be used: look-around, including look-ahead and look-behind, is not supported
    """
    try:
        for tried in (pattern, whole(pattern)):
            pl.Series([""]).str.contains(tried)
    except pl.exceptions.ComputeError as error:
        lines = str(error).splitlines()
        reason = next((line.removeprefix("error: ") for line in lines if line.startswith("error: ")), lines[0])
        raise ValueError(
            f"the pattern {pattern!r} cannot be used: {reason.removeprefix('regex error: ').rstrip('.')}"
        ) from None


def whole(pattern: str) -> str:
    r"""Return the pattern that matches where this one matches the whole text.

    >>> whole("a|b")
    '\\A(?:a|b)\\z'
    """
    return rf"\A(?:{pattern})\z"


def like(pattern: str) -> str:
    r"""Return the regular expression of an SQL LIKE pattern: `%` is any text, `_` any character, `\` takes the next one as it is.

    >>> like("A_%")
    '(?s)\\AA..*\\z'
    """
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    signs = {"%": ".*", "_": "."}
    return r"(?s)\A" + "".join(signs.get(part) or _literal(part[-1]) for part in parts) + r"\z"


_SIGNS = frozenset("\\.+*?()|[]{}^$#&-~")


def _literal(text: str) -> str:
    """Return text in which every sign that means something in a pattern stands for itself."""
    return "".join(rf"\{sign}" if sign in _SIGNS else sign for sign in text)


def shape(pattern: str) -> str:
    r"""Return the regular expression of a shape: A a capital, a a letter, 9 a digit, a + behind one of them a run of them.

    The shapes are those that a profile shows: a run has two or more, and any other sign stands for itself. As a profile
    shows C+ like AB, each of the two matches A+.

    >>> pl.Series(["C-12", "C-1", "AB-12"]).str.contains(shape("A-9+")).to_list()
    [True, False, False]
    """
    classes = {"A": r"\p{Uppercase}", "a": r"[\p{L}--\p{Uppercase}]", "9": r"\p{Nd}"}
    parts = re.findall(r"[Aa9]\+|.", pattern, re.DOTALL)
    marks = (_run(classes[p[0]]) if p[1:] else classes.get(p) or _literal(p) for p in parts)
    return rf"\A{''.join(marks)}\z"


def _run(sign: str) -> str:
    return rf"(?:{sign}{{2,}}|{sign}\+)"
