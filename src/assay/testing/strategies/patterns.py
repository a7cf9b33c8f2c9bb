"""Texts that a regular expression matches, drawn by chance: the plain part of the Rust engine's patterns, by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from assay.errors import UsageError

__all__ = ["shaped_like", "texts_like"]

Rng: TypeAlias = np.random.Generator
Part: TypeAlias = Callable[[Rng], str]

MOST = 6  # characters more than it must have, of a run that has no end
_LOWER, _UPPER, _DIGIT = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
_CLASSES = {
    "d": _DIGIT, "w": _LOWER + _UPPER + _DIGIT + "_", "s": " \t", "D": _LOWER + "-", "W": " -.,", "S": _LOWER + _DIGIT + "-",
    "L": _LOWER + _UPPER, "Lu": _UPPER, "Ll": _LOWER, "N": _DIGIT, "Nd": _DIGIT, "Uppercase": _UPPER, "Lowercase": _LOWER,
    "Alphabetic": _LOWER + _UPPER, "P": ".,;:-", "Z": " ", "Letter": _LOWER + _UPPER,
}  # fmt: skip
_POSIX = {
    "alpha": _LOWER + _UPPER, "digit": _DIGIT, "alnum": _LOWER + _UPPER + _DIGIT, "upper": _UPPER, "lower": _LOWER, "space": " ",
    "xdigit": _DIGIT + "abcdefABCDEF", "punct": ".,;:-!?",
}  # fmt: skip
_ANY = _LOWER + _UPPER + _DIGIT + " -_.,"
_SIGNS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}


def texts_like(pattern: str, n: int, rng: Rng) -> list[str]:
    r"""Return n texts that a pattern should match as a whole; a caller that must be sure asks the pattern's own engine.

    Known are literals, `.`, classes (`[a-z]`, `\d`, `\p{Lu}`), groups, alternatives, and all counts.

    Raises UsageError, with the pattern, where it has something else: look-around, back-references.

    >>> texts_like(r"[A-C]\d{2}", 3, np.random.default_rng(0))
    ['C65', 'A30', 'A01']
    """
    reader = _Reader(pattern)
    part = reader.alternatives()
    if reader.at < len(pattern):
        raise reader.refused()
    return [part(rng) for _ in range(n)]


def shaped_like(shape: str, rng: Rng) -> str:
    """Return a text of a profile's shape: A a capital, a a letter, 9 a digit, a + behind one of them a run of them.

    >>> shaped_like("A-99", np.random.default_rng(1))
    'M-57'
    """
    letters = {"A": _UPPER, "a": _LOWER, "9": _DIGIT}
    made = []
    for piece in re.findall(r"[Aa9]\+|.", shape, re.DOTALL):
        several = int(rng.integers(2, 7)) if len(piece) == 2 else 1
        made.append("".join(rng.choice(list(letters[piece[0]]), several)) if piece[0] in letters else piece)
    return "".join(made)


@dataclass
class _Reader:
    """Reads a pattern from left to right into functions that draw a text of each part."""

    pattern: str
    at: int = 0

    def refused(self) -> UsageError:
        return UsageError(
            f"no texts can be made up for the pattern {self.pattern!r}, from {self.pattern[self.at : self.at + 12]!r} on",
            hint="give rows like those that the code will see, or leave the column out with columns=",
        )

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def took(self, text: str) -> bool:
        if not self.pattern.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

    def alternatives(self) -> Part:
        ways = [self.sequence()]
        while self.took("|"):
            ways.append(self.sequence())
        return ways[0] if len(ways) == 1 else lambda rng: ways[int(rng.integers(len(ways)))](rng)

    def sequence(self) -> Part:
        parts: list[Part] = []
        while self.at < len(self.pattern) and self.peek() not in "|)":
            parts.append(self.counted(self.atom()))
        return lambda rng: "".join(part(rng) for part in parts)

    def counted(self, part: Part) -> Part:
        found = re.compile(r"(\*|\+|\?|\{(\d+)(,(\d*))?\})\??").match(self.pattern, self.at)
        if found is None:
            return part
        self.at = found.end()
        sign = found[1]
        if sign[0] in "*+?":
            least, most = {"*": (0, MOST), "+": (1, 1 + MOST), "?": (0, 1)}[sign]
        else:
            least = int(found[2])
            most = least if found[3] is None else int(found[4]) if found[4] else least + MOST
        return lambda rng: "".join(part(rng) for _ in range(int(rng.integers(least, most + 1))))

    def atom(self) -> Part:
        if self.took("("):
            if self.took("?"):
                named = re.compile(r"(P?<\w+>|:)").match(self.pattern, self.at)
                if named is None:
                    raise self.refused()
                self.at = named.end()
            inside = self.alternatives()
            if not self.took(")"):
                raise self.refused()
            return inside
        if self.took("["):
            return _one_of(self.members())
        if self.took("."):
            return _one_of(_ANY)
        if self.peek() in "^$":
            self.at += 1
            return lambda rng: ""
        if self.took("\\"):
            return self.escaped()
        if self.peek() in "*+?{":
            raise self.refused()
        self.at += 1
        literal = self.pattern[self.at - 1]
        return lambda rng: literal

    def escaped(self) -> Part:
        if self.peek() in "AzbB" and self.peek():
            self.at += 1
            return lambda rng: ""
        return _one_of(self.after_slash())

    def after_slash(self) -> str:
        """Return the characters that stand for what follows a backslash."""
        found = re.compile(r"p\{?\^?(\w+)\}?|([dwsDWS])|([^\w\s]|[ntrfv])", re.ASCII).match(self.pattern, self.at)
        if found is None or (found[1] and found[1] not in _CLASSES):
            raise self.refused()
        self.at = found.end()
        return _CLASSES[found[1] or found[2]] if found[3] is None else _SIGNS.get(found[3], found[3])

    def members(self) -> str:
        """Return the characters of a class in brackets."""
        without = self.took("^")
        held = ""
        first = True
        while first or not self.took("]"):
            if self.at >= len(self.pattern) or self.pattern.startswith(("&&", "--", "~~"), self.at):
                raise self.refused()
            first = False
            posix = re.compile(r"\[:(\w+):\]").match(self.pattern, self.at)
            if posix is not None and posix[1] in _POSIX:
                self.at = posix.end()
                held += _POSIX[posix[1]]
                continue
            one = self.member()
            if len(one) == 1 and self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                held += "".join(chr(code) for code in range(ord(one), ord(self.member()[0]) + 1))
            else:
                held += one
        kept = "".join(sign for sign in _ANY if sign not in held) if without else held
        if not kept:
            raise self.refused()
        return kept

    def member(self) -> str:
        if self.took("\\"):
            return self.after_slash()
        self.at += 1
        return self.pattern[self.at - 1]


def _one_of(signs: str) -> Part:
    return lambda rng: signs[int(rng.integers(len(signs)))]
