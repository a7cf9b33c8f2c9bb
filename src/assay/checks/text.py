"""Checks of texts: patterns, lengths, formats, parsing, personal data, cleanliness. Missing values are not judged here.

Patterns are those of the Rust regex engine: every text is looked at once whatever the pattern, so that there is no
look-around and no back-reference.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import polars as pl

from assay.checks.bounds import phrase
from assay.checks.check import Arguments, Check, Context, RowTest, Rule, rules
from assay.checks.formats import FORMATS, PII, Trace
from assay.checks.patterns import check_pattern, like, shape, whole
from assay.checks.shares import CountRange
from assay.data.kinds import Kind
from assay.data.names import col as column
from assay.errors import nearest

__all__ = ["RULES", "Affix", "CleanText", "Like", "LooksLike", "NoPii", "Parses", "Pattern", "Shapes"]

TEXTS = frozenset({Kind.TEXT, Kind.CATEGORY})
MEASURED = TEXTS | {Kind.BINARY, Kind.LIST}


def words_of(name: str, context: Context) -> pl.Expr:
    """Return a column of texts or categories as texts."""
    x = column(name)
    return x.cast(pl.String) if context.kind(name) is Kind.CATEGORY else x


def _test(check: Check, context: Context, failing: Callable[[pl.Expr], pl.Expr], expected: str) -> RowTest:
    name = check.columns[0]
    return RowTest(failing(words_of(name, context)), expected, judged=column(name).is_not_null(), show=(name,))


class Pattern(Arguments, frozen=True):
    """A regular expression; it must match the whole text, or with `anywhere` any part of it."""

    pattern: str
    anywhere: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_pattern(self.pattern)

    def found(self, x: pl.Expr) -> pl.Expr:
        """Return where the pattern matches."""
        return x.str.contains(self.pattern if self.anywhere else whole(self.pattern))

    @property
    def words(self) -> str:
        """Return the pattern in words."""
        return f"{self.pattern!r} somewhere" if self.anywhere else f"{self.pattern!r}"


def _matches(check: Check, context: Context) -> RowTest:
    told = check.arguments
    assert isinstance(told, Pattern)
    return _test(check, context, lambda x: ~told.found(x), f"matching {told.words}")


def _not_matches(check: Check, context: Context) -> RowTest:
    told = check.arguments
    assert isinstance(told, Pattern)
    return _test(
        check,
        context,
        told.found,
        f"free of {told.pattern!r}" if told.anywhere else f"other than what matches {told.pattern!r}",
    )


class Like(Arguments, frozen=True):
    r"""A pattern of SQL's LIKE: `%` is any text, `_` any character, `\` takes the next character as it is."""

    pattern: str


def _like(check: Check, context: Context) -> RowTest:
    told = check.arguments
    assert isinstance(told, Like)
    return _test(check, context, lambda x: ~x.str.contains(like(told.pattern)), f"like {told.pattern!r}")


def _length(check: Check, context: Context) -> RowTest:
    told, name = check.arguments, check.columns[0]
    assert isinstance(told, CountRange)
    kind, dtype = context.kind(name), context.dtype(name)
    if kind is Kind.BINARY:
        size, unit = column(name).bin.size(), "bytes"
    elif kind is Kind.LIST:
        items = column(name)
        size, unit = (items.arr.len() if isinstance(dtype, pl.Array) else items.list.len()), "items"
    else:
        size, unit = words_of(name, context).str.len_chars(), "characters"
    ends = [size < told.at_least] if told.at_least is not None else []
    ends += [size > told.at_most] if told.at_most is not None else []
    expected = f"{phrase(told.at_least, told.at_most)} {unit} long"
    return RowTest(pl.any_horizontal(ends), expected, judged=column(name).is_not_null(), show=(name,))


class Affix(Arguments, frozen=True):
    """A text, or several of which one must be there; with `ignore_case` in any case."""

    text: str | tuple[str, ...]
    ignore_case: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(self.texts) or not self.texts:
            raise ValueError("an empty text is in every text; give one with characters")

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the texts of which one must be there."""
        return (self.text,) if isinstance(self.text, str) else self.text

    def fold(self, x: pl.Expr) -> pl.Expr:
        """Return texts in the case in which they are compared."""
        return x.str.to_lowercase() if self.ignore_case else x


def _affix(where: str, has: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> Callable[[Check, Context], RowTest]:
    def plan(check: Check, context: Context) -> RowTest:
        told = check.arguments
        assert isinstance(told, Affix)

        def failing(x: pl.Expr) -> pl.Expr:
            return ~pl.any_horizontal([has(told.fold(x), told.fold(pl.lit(text))) for text in told.texts])

        return _test(check, context, failing, f"{where} {' or '.join(map(repr, told.texts))}")

    return plan


class Shapes(Arguments, frozen=True):
    """Shapes of texts as a profile shows them: A a capital, a a letter, 9 a digit, A+ a+ 9+ two or more of them."""

    shapes: str | tuple[str, ...]

    @property
    def each(self) -> tuple[str, ...]:
        """Return the shapes."""
        return (self.shapes,) if isinstance(self.shapes, str) else self.shapes


def _shapes(check: Check, context: Context) -> RowTest:
    told = check.arguments
    assert isinstance(told, Shapes)
    pattern = "|".join(shape(one) for one in told.each)
    return _test(
        check, context, lambda x: ~x.str.contains(pattern), f"of the shape {' or '.join(map(repr, told.each))}"
    )


class LooksLike(Arguments, frozen=True):
    """A format by name, such as email, url, uuid, ip, iban, card, country_code."""

    format: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.format not in FORMATS:
            raise ValueError(f"there is no format {self.format!r}; {nearest(self.format, FORMATS, most=len(FORMATS))}")


def _looks_like(check: Check, context: Context) -> RowTest:
    told = check.arguments
    assert isinstance(told, LooksLike)
    known = FORMATS[told.format]
    return _test(check, context, lambda x: ~known.valid(x), known.called)


class Parses(Arguments, frozen=True):
    """What texts must read as; `format` is that of dates, instants and times, in strftime's signs (ISO 8601 without)."""

    type: Literal["integer", "float", "boolean", "date", "datetime", "time", "json"]
    format: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.format is None:
            return
        if self.type not in _TEMPORAL:
            raise ValueError(f"{self.type} takes no format; date, datetime and time do")
        sample = datetime(2013, 11, 30, 21, 45)
        try:
            written = pl.Series([sample]).dt.strftime(self.format)
            value = written.str.strptime(_TEMPORAL[self.type], self.format, strict=False).item()
        except pl.exceptions.PolarsError:
            value = None
        read = value in (sample, sample.date(), sample.time())
        if not read:
            raise ValueError(
                f"the format {self.format!r} does not tell a {self.type}; write it like {_SAMPLES[self.type]}"
            )


_TEMPORAL: dict[str, type[pl.Date | pl.Datetime | pl.Time]] = {
    "date": pl.Date,
    "datetime": pl.Datetime,
    "time": pl.Time,
}
_SAMPLES = {"date": "%d.%m.%Y", "datetime": "%Y-%m-%d %H:%M:%S", "time": "%H:%M"}
_CALLED = {
    "integer": "a whole number",
    "float": "a number",
    "boolean": "true or false",
    "json": "a JSON text",
    "time": "a time of day",
}
_OFFSET = r"(?:Z|[+\-](?:[01]\d|2[0-3]):?[0-5]\d)"


def _parses(check: Check, context: Context) -> RowTest:
    told = check.arguments
    assert isinstance(told, Parses)
    called = _CALLED.get(told.type, f"a {told.type}") + (f" like {told.format}" if told.format else "")
    return _test(check, context, lambda x: ~reads_as(x, told.type, told.format), called)


def reads_as(x: pl.Expr, kind: str, written: str | None = None) -> pl.Expr:
    """Return where texts read as a kind of value; dates and instants must exist, so that 2013-02-30 is none.

    >>> pl.select(reads_as(pl.lit("2013-02-30"), "date"), b=reads_as(pl.lit("2013-02-28"), "date")).row(0)
    (False, True)
    """
    if kind in _TEMPORAL and written is not None:
        return x.str.strptime(_TEMPORAL[kind], written, strict=False, exact=True).is_not_null()
    if kind == "json":
        return FORMATS["json"].valid(x)
    if kind == "date":
        return (
            x.str.contains(whole(r"\d{4}-\d\d-\d\d")) & x.str.strptime(pl.Date, "%Y-%m-%d", strict=False).is_not_null()
        )
    if kind == "datetime":
        shaped = x.str.contains(whole(rf"\d{{4}}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?{_OFFSET})?"))
        days = x.str.slice(0, 10).str.strptime(pl.Date, "%Y-%m-%d", strict=False).is_not_null()
        return shaped & days & reads_as(x.str.slice(11).str.replace(rf" ?{_OFFSET}$", ""), "time")
    patterns = {
        "integer": r"[+\-]?\d+",
        "float": r"[+\-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+\-]?\d+)?",
        "boolean": "(?i:true|false)",
        "time": r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?",
    }
    return x.str.contains(whole(patterns[kind]))


class NoPii(Arguments, frozen=True):
    """Which kinds of personal data must not occur; all that are known, unless told."""

    kinds: tuple[str, ...] = tuple(PII)

    def __post_init__(self) -> None:
        super().__post_init__()
        unknown = next((kind for kind in self.kinds if kind not in PII), None)
        if unknown is not None:
            raise ValueError(f"there is no kind of personal data {unknown!r}; {nearest(unknown, PII)}")
        if not self.kinds:
            raise ValueError("no kind of personal data is given")


def _no_pii(check: Check, context: Context) -> RowTest:
    told, name = check.arguments, check.columns[0]
    assert isinstance(told, NoPii)
    x = words_of(name, context)
    failing = pl.any_horizontal([_traced(x, PII[kind]) for kind in told.kinds])
    # The examples name rows and show no value: a report is no place for what should not have been in the data.
    return RowTest(failing, f"free of personal data ({', '.join(told.kinds)})", judged=column(name).is_not_null())


def _traced(x: pl.Expr, trace: Trace) -> pl.Expr:
    if trace.confirm is None:
        return x.str.contains(trace.pattern)
    return x.str.extract_all(trace.pattern).list.eval(trace.confirm(pl.element())).list.any()


Flaw = Literal["edges", "control", "invisible", "replacement", "mojibake"]
_FLAWS: dict[str, str] = {
    "edges": r"\A\s|\s\z",
    "control": r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\u{9f}]",
    "invisible": r"[\u{ad}\u{200b}\u{2028}\u{2029}\u{2060}\u{feff}]",
    "replacement": r"\u{fffd}",
    # UTF-8 that was read as Latin-1 or Windows-1252: a lead byte as a letter, then a following byte as a sign.
    "mojibake": r"[ÂÃÐÑ][\u{80}-\u{bf}€‚ƒ„…†‡ˆ‰‹‘’“”•–—˜™š›œžŸ]|â€[\u{80}-\u{bf}€‚ƒ„…†‡ˆ‰‹‘’“”•–—˜™š›œžŸ¢]|ï»¿|ï¿½",
}
_FLAW_WORDS = {
    "edges": "space at an end", "control": "control characters", "invisible": "invisible characters",
    "replacement": "replacement characters", "mojibake": "text in a wrong encoding",
}  # fmt: skip


class CleanText(Arguments, frozen=True):
    """Which flaws are looked for: space at an end, control, invisible and replacement characters, wrong encodings."""

    flaws: tuple[Flaw, ...] = ("edges", "control", "invisible", "replacement", "mojibake")

    def __post_init__(self) -> None:
        super().__post_init__()
        unknown = next((flaw for flaw in self.flaws if flaw not in _FLAWS), None)
        if unknown is not None or not self.flaws:
            raise ValueError(f"there is no flaw {unknown!r}; there are: {', '.join(_FLAWS)}")


def _clean_text(check: Check, context: Context) -> RowTest:
    told = check.arguments
    assert isinstance(told, CleanText)
    pattern = "|".join(_FLAWS[flaw] for flaw in told.flaws)
    return _test(
        check,
        context,
        lambda x: x.str.contains(pattern),
        f"free of {', '.join(_FLAW_WORDS[flaw] for flaw in told.flaws)}",
    )


_starts = _affix("starting with", lambda x, text: x.str.starts_with(text))
_ends = _affix("ending with", lambda x, text: x.str.ends_with(text))
_contains = _affix("containing", lambda x, text: x.str.contains(text, literal=True))

RULES = rules(
    Rule(
        "matches",
        "text",
        "Texts match a regular expression, whole or anywhere.",
        _matches,
        Pattern,
        bare=("pattern",),
        kinds=TEXTS,
    ),
    Rule(
        "not_matches",
        "text",
        "No text matches a regular expression, whole or anywhere.",
        _not_matches,
        Pattern,
        bare=("pattern",),
        kinds=TEXTS,
    ),
    Rule("like", "text", "Texts match a pattern of SQL's LIKE.", _like, Like, bare=("pattern",), kinds=TEXTS),
    Rule(
        "length",
        "text",
        "Lengths lie in a range: characters of texts, items of lists, bytes.",
        _length,
        CountRange,
        bare=("at_least", "at_most"),
        kinds=MEASURED,
    ),
    Rule(
        "starts_with",
        "text",
        "Texts start with a text, or one of several.",
        _starts,
        Affix,
        bare=("text",),
        kinds=TEXTS,
    ),
    Rule("ends_with", "text", "Texts end with a text, or one of several.", _ends, Affix, bare=("text",), kinds=TEXTS),
    Rule("contains", "text", "Texts contain a text, or one of several.", _contains, Affix, bare=("text",), kinds=TEXTS),
    Rule(
        "shapes",
        "text",
        "Texts have one of the given shapes, such as A+-9+.",
        _shapes,
        Shapes,
        bare=("shapes",),
        kinds=TEXTS,
    ),
    Rule(
        "looks_like",
        "text",
        "Texts have a format, checksum included: email, url, uuid, ip, iban, card, country_code ...",
        _looks_like,
        LooksLike,
        bare=("format",),
        kinds=TEXTS,
    ),
    Rule(
        "parses",
        "text",
        "Texts read as integers, floats, booleans, dates, instants, times or JSON.",
        _parses,
        Parses,
        bare=("type",),
        kinds=TEXTS,
    ),
    Rule(
        "no_pii",
        "text",
        "No text holds personal data: e-mail, card, IBAN, social security, telephone or IP numbers.",
        _no_pii,
        NoPii,
        bare=("kinds",),
        kinds=TEXTS,
    ),
    Rule(
        "clean_text",
        "text",
        "Texts hold no space at an end, no control or invisible characters, no wrong encoding.",
        _clean_text,
        CleanText,
        bare=("flaws",),
        kinds=TEXTS,
    ),
)
