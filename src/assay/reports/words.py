"""How names, values and numbers are written for people, so that no data can disturb a page.

Control characters and marks that turn text around become visible escapes; long values are cut; a small share is
never rounded to nothing, nor a large one to all.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from assay.codec import format_duration

__all__ = [
    "clean",
    "cut",
    "duration",
    "instant",
    "listed",
    "name",
    "number",
    "plural",
    "sentence_case",
    "share",
    "value",
]

_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\ufffe\uffff]"
)
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
VALUE_CHARS = 120


def clean(text: str, *, most: int = 2_000) -> str:
    r"""Return text in which every character can be seen, cut to `most` characters.

    >>> print(clean("a\nb\x07\u202ec"))
    a\nb\x07\u202ec
    """
    return _HIDDEN.sub(_escape, cut(text, most))


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    return _NAMED.get(char) or (f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}")


def name(text: str) -> str:
    """Return a column's name as it is shown: cut, every character visible, in quotes where its ends could be missed.

    >>> name("dep_delay"), name(""), name(" age")
    ('dep_delay', '""', '" age"')
    """
    shown = clean(text, most=VALUE_CHARS)
    return shown if text and text == text.strip() else f'"{shown}"'


def cut(text: str, most: int) -> str:
    """Return text of at most `most` characters, with an ellipsis where some were left out.

    >>> cut("abcdef", 4)
    'abc…'
    """
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def number(value: float | int | str | Decimal | None, *, beside: str = "") -> str:
    """Return a number as people read it: about four digits, thousands apart from 10,000 on.

    An integer keeps every digit (up to 24 of them). Where rounding would make it equal to a number that stands in
    `beside`, it is written in full.

    >>> [number(v) for v in (2013, 168_388, 0.0123456, 1234.5678, 1e-9, float("nan"), None)]
    ['2013', '168,388', '0.01235', '1,234.6', '1.00e-09', 'NaN', '–']
    >>> number(0.010001, beside="at most 0.01")
    '0.010001'
    """
    if value is None:
        return "–"
    if isinstance(value, str):
        return clean(value, most=VALUE_CHARS)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _integer(value)
    text = _decimal(float(value))
    exact = repr(value) if isinstance(value, float) else str(value)
    return exact if text != exact and stands(text, beside) else text


def _integer(value: int) -> str:
    if abs(value) < 10_000:
        return str(value)
    return f"{value:,}" if abs(value) < 10**24 else f"{Decimal(value):.3e}"


def _decimal(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    size = abs(value)
    if value == round(value) and size < 1e15:
        return _integer(int(value))
    if size >= 1e15 or size < 1e-4:
        return f"{value:.2e}"
    if size >= 1_000:
        return f"{value:,.0f}" if size >= 10_000 else f"{value:,.1f}"
    return f"{value:.4g}"


def share(value: float, *, beside: str = "") -> str:
    """Return a fraction as a percentage that is 0% or 100% only where it is exactly that.

    Where rounding would make it equal to a percentage that stands in `beside`, it gets the digits that tell them apart.

    >>> [share(v) for v in (0, 0.00001, 0.0007, 0.0421, 0.1512, 0.99996, 1)]
    ['0%', '<0.01%', '0.07%', '4.21%', '15.1%', '>99.99%', '100%']
    >>> share(0.010001, beside="at most 1%")
    '1.0001%'
    """
    if value in (0, 1) or not math.isfinite(value):
        return _decimal(value * 100) + ("%" if math.isfinite(value) else "")
    percent = value * 100
    if not beside and 0 < percent < 0.01:
        return "<0.01%"
    if not beside and 99.99 < percent < 100:
        return ">99.99%"
    for digits in range(1 if 10 <= percent <= 99 else 2, 12):
        text = f"{percent:,.{digits}f}".rstrip("0").rstrip(".")
        if text not in ("0", "100") and not stands(f"{text}%", beside):
            return f"{text}%"
    return f"{percent!r}%"


def stands(text: str, beside: str) -> bool:
    """Return whether a number, as text, stands in other text by itself and not as a part of a longer number."""
    return bool(beside) and re.search(rf"(?<![\d.,]){re.escape(text)}(?!\d|[.,]\d)", beside) is not None


def plural(n: int, word: str, many: str = "") -> str:
    """Return a count with its noun.

    >>> plural(1, "row"), plural(20_000, "row"), plural(2, "query", "queries")
    ('1 row', '20,000 rows', '2 queries')
    """
    return f"{n:,} {word if n == 1 else many or word + 's'}"


def listed(items: Sequence[str], *, most: int = 12) -> str:
    """Return items as a list in words, at most `most` of them.

    >>> listed(["a", "b", "c"]), listed(["a", "b", "c"], most=2)
    ('a, b and c', 'a, b and 1 more')
    """
    if len(items) > most:
        return f"{', '.join(items[:most])} and {len(items) - most:,} more"
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def sentence_case(text: str, *, names: Sequence[str] = ()) -> str:
    """Return text with a capital at its beginning and a full stop at its end.

    A first word that is a name (one of `names`, or it holds an underscore, a digit or a capital) stays as it is.

    >>> sentence_case("no row has a value"), sentence_case("dep_delay rose"), sentence_case("age rose", names=["age"])
    ('No row has a value.', 'dep_delay rose.', 'age rose.')
    """
    text = text.strip()
    if not text:
        return ""
    first = text.split(maxsplit=1)[0]
    is_word = (
        first.isalpha()
        and first.islower()
        and first.isascii()
        and not any(text.startswith(name) for name in names if name)
    )
    begun = text[0].upper() + text[1:] if is_word else text
    return begun if begun[-1] in ".!?…" else begun + "."


def duration(seconds: float) -> str:
    """Return seconds as people say them.

    >>> [duration(s) for s in (0.0421, 1.24, 95, 7_260)]
    ['42 ms', '1.2 s', '1 min 35 s', '2 h 1 min']
    """
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def instant(text: str) -> str:
    """Return an ISO 8601 instant as people read it, in UTC; text that is none comes back as it is.

    >>> instant("2026-11-22T14:40:05+01:00"), instant("yesterday")
    ('2026-11-22 13:40 UTC', 'yesterday')
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return clean(text)
    if moment.tzinfo is None:
        return moment.isoformat(sep=" ", timespec="minutes")
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def value(value: object, *, most: int = VALUE_CHARS) -> str:
    r"""Return a value of the data, whatever it is, as one short line that keeps apart what differs.

    Text that is empty, or begins or ends with a space, or looks like another value, stands in quotes.

    >>> [value(v) for v in (None, "", " a", "null", 9007199254740993, float("nan"), True, b"\x00\xff")]
    ['null', '""', '" a"', '"null"', '9007199254740993', 'NaN', 'true', '0x00ff']
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value, most)
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else ("inf" if value > 0 else "-inf") if math.isinf(value) else repr(value)
    if isinstance(value, bytes | bytearray):
        return cut("0x" + value[:most].hex(), most)
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return clean(_nested(value, most), most=most)


def _text(text: str, most: int) -> str:
    seen = clean(text, most=most)
    return f'"{seen}"' if text != text.strip() or text in ("", "null", "NaN", "true", "false") else seen


def _nested(held: object, most: int) -> str:
    if isinstance(held, Mapping):
        return "{" + ", ".join(f"{key}: {value(item, most=most)}" for key, item in list(held.items())[:most]) + "}"
    if isinstance(held, list | tuple):
        return "[" + ", ".join(value(item, most=most) for item in held[:most]) + "]"
    if isinstance(held, int) and abs(held) >= 10**24:
        return f"{Decimal(held):.3e}"
    return str(held)
