"""Formats of text by name: an expression each that is true where a whole text is one, checksums included.

`looks_like` judges whole texts by them; `no_pii` looks for some of them inside texts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from assay.checks.codes import COUNTRIES, COUNTRIES_3, CURRENCIES, LANGUAGES
from assay.checks.patterns import whole

__all__ = ["FORMATS", "PII", "Format", "Trace", "luhn"]


@dataclass(frozen=True, slots=True)
class Format:
    """One format: its name, what a text in it is called, and where texts are in it."""

    name: str
    called: str
    valid: Callable[[pl.Expr], pl.Expr]


@dataclass(frozen=True, slots=True)
class Trace:
    """One kind of personal data: its name, the pattern that finds candidates in a text, and what confirms one."""

    name: str
    pattern: str
    confirm: Callable[[pl.Expr], pl.Expr] | None = None


def _matching(pattern: str) -> Callable[[pl.Expr], pl.Expr]:
    return lambda x: x.str.contains(whole(pattern))


def _listed(words: str) -> Callable[[pl.Expr], pl.Expr]:
    return lambda x: x.is_in(pl.Series(words.split(), dtype=pl.String).implode())


def luhn(x: pl.Expr) -> pl.Expr:
    """Return where texts of at most 19 digits end in the check digit of ISO/IEC 7812-1, annex B (Luhn 1960).

    >>> pl.select(luhn(pl.lit("79927398713")), no=luhn(pl.lit("79927398714"))).row(0)
    (True, False)
    """
    number = x.cast(pl.UInt64, strict=False)
    total = pl.lit(0, dtype=pl.UInt64)
    for place in range(19):
        digit = number // pl.lit(10**place, dtype=pl.UInt64) % 10
        total = total + (digit if place % 2 == 0 else digit * 2 - pl.when(digit > 4).then(9).otherwise(0))
    return total % 10 == 0


def _card(x: pl.Expr) -> pl.Expr:
    digits = x.str.replace_all(r"[ -]", "")
    issued = digits.str.contains(
        r"\A(?:4\d{12}|4\d{15}|4\d{18}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3[068]\d{12}|6\d{13,18}|35\d{14}|50\d{14})\z"
    )
    return issued & x.str.contains(r"\A\d+(?:[ -]\d+)*\z") & luhn(digits)


def _iban(x: pl.Expr) -> pl.Expr:
    """Check ISO 13616: the first four signs moved to the end, letters as 10 to 35, leave 1 when divided by 97."""
    signs = x.str.replace_all(" ", "")
    shaped = signs.str.contains(r"\A[A-Z]{2}\d{2}[A-Z0-9]{11,30}\z")
    moved = signs.str.slice(4) + signs.str.slice(0, 4)
    letters = [chr(code) for code in range(ord("A"), ord("Z") + 1)]
    digits = moved.str.replace_many(letters, [str(number) for number in range(10, 36)]).str.zfill(72)
    rest = pl.lit(0, dtype=pl.Int64)
    for start in range(0, 72, 9):
        rest = (rest * 10**9 + digits.str.slice(start, 9).cast(pl.Int64, strict=False)) % 97
    return shaped & (rest == 1)


def _isbn(x: pl.Expr) -> pl.Expr:
    """Check ISO 2108: thirteen digits with weights 1 and 3, or ten with weights 10 to 1 and X for a last 10."""
    signs = x.str.replace_all(r"[ -]", "")
    long = signs.str.contains(r"\A97[89]\d{10}\z") & (_weighted(signs, [1, 3] * 6 + [1]) % 10 == 0)
    last = pl.when(signs.str.slice(9, 1) == "X").then(10).otherwise(signs.str.slice(9, 1).cast(pl.Int64, strict=False))
    short = signs.str.contains(r"\A\d{9}[0-9X]\z") & ((_weighted(signs, list(range(10, 1, -1))) + last) % 11 == 0)
    return long | short


def _weighted(x: pl.Expr, weights: list[int]) -> pl.Expr:
    return pl.sum_horizontal(
        [x.str.slice(place, 1).cast(pl.Int64, strict=False) * weight for place, weight in enumerate(weights)]
    )


def _json(x: pl.Expr) -> pl.Expr:
    # The root of a JSON text is that text; of anything else there is none. A root that is null reads as none, too.
    return x.str.json_path_match("$").is_not_null() | x.str.contains(whole(r"\s*null\s*"))


def _base64(x: pl.Expr) -> pl.Expr:
    return x.str.contains(
        whole(r"(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?|[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=")
    )


def _phone(x: pl.Expr) -> pl.Expr:
    digits = x.str.count_matches(r"\d")
    return x.str.contains(whole(r"\+?[0-9(][0-9 ().\-/]*[0-9]")) & digits.is_between(7, 15)


_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_H16 = "[0-9A-Fa-f]{1,4}"
_LS32 = rf"(?:{_H16}:{_H16}|{_IPV4})"
# RFC 3986, appendix A: a run of zero groups may be left out once; n groups stand before it, the rest after.
_IPV6 = "|".join(
    [rf"(?:{_H16}:){{6}}{_LS32}", rf"::(?:{_H16}:){{5}}{_LS32}", rf"(?:{_H16})?::(?:{_H16}:){{4}}{_LS32}"]
    + [rf"(?:(?:{_H16}:){{0,{n}}}{_H16})?::(?:{_H16}:){{{4 - n}}}{_LS32}" for n in (1, 2, 3, 4)]
    + [rf"(?:(?:{_H16}:){{0,5}}{_H16})?::{_H16}", rf"(?:(?:{_H16}:){{0,6}}{_H16})?::"]
)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*\.(?:[A-Za-z]{{2,63}}|xn--[A-Za-z0-9\-]{{2,59}})"
_EMAIL = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~\-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~\-]+)*@{_DOMAIN}"
_URL = rf"(?i:https?|ftp)://(?:[^\s/?#@]+@)?(?:{_DOMAIN}|localhost|{_IPV4}|\[(?:{_IPV6})\])(?::\d{{1,5}})?(?:[/?#]\S*)?"
_UUID = r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
_SSN = r"(?:00[1-9]|0[1-9]\d|[1-57-8]\d\d|6[0-57-9]\d|66[0-57-9])-(?:0[1-9]|[1-9]\d)-(?:000[1-9]|00[1-9]\d|0[1-9]\d\d|[1-9]\d{3})"
_UK = r"[A-Z]{1,2}\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{2}|GIR ?0AA"
_CANADA = r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z][ -]?\d[ABCEGHJ-NPRSTV-Z]\d"

FORMATS: dict[str, Format] = {
    entry.name: entry
    for entry in (
        Format("email", "an e-mail address", lambda x: x.str.contains(whole(_EMAIL)) & (x.str.len_chars() <= 254)),
        Format("url", "a web address", _matching(_URL)),
        Format("domain", "a domain name", lambda x: x.str.contains(whole(_DOMAIN)) & (x.str.len_chars() <= 253)),
        Format("ipv4", "an IPv4 address", _matching(_IPV4)),
        Format("ipv6", "an IPv6 address", _matching(_IPV6)),
        Format("ip", "an IP address", _matching(rf"{_IPV4}|{_IPV6}")),
        Format("mac", "a MAC address", _matching(r"[0-9A-Fa-f]{2}(?:(?::[0-9A-Fa-f]{2}){5}|(?:-[0-9A-Fa-f]{2}){5})")),
        Format("uuid", "a UUID", _matching(_UUID)),
        Format("hex", "a hexadecimal number", _matching("(?:0x)?[0-9A-Fa-f]+")),
        Format("base64", "a base64 text", _base64),
        Format("json", "a JSON text", _json),
        Format("slug", "a slug", _matching("[a-z0-9]+(?:-[a-z0-9]+)*")),
        Format(
            "semver",
            "a semantic version",
            _matching(r"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}(?:-[0-9A-Za-z.\-]+)?(?:\+[0-9A-Za-z.\-]+)?"),
        ),
        Format("card", "a card number", _card),
        Format("iban", "an IBAN", _iban),
        Format(
            "bic",
            "a BIC",
            lambda x: x.str.contains(whole("[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")) & _country_at(x, 4),
        ),
        Format("isbn", "an ISBN", _isbn),
        Format("phone", "a telephone number", _phone),
        Format("us_ssn", "a US social security number", _matching(_SSN)),
        Format("us_zip", "a US ZIP code", _matching(r"\d{5}(?:-\d{4})?")),
        Format("uk_postcode", "a UK postcode", _matching(_UK)),
        Format("ca_postcode", "a Canadian postal code", _matching(_CANADA)),
        Format("de_postcode", "a German postal code", _matching(r"0[1-9]\d{3}|[1-9]\d{4}")),
        Format("country_code", "an ISO 3166-1 alpha-2 country code", _listed(COUNTRIES)),
        Format("country_code_3", "an ISO 3166-1 alpha-3 country code", _listed(COUNTRIES_3)),
        Format("currency_code", "an ISO 4217 currency code", _listed(CURRENCIES)),
        Format("language_code", "an ISO 639-1 language code", _listed(LANGUAGES)),
    )
}


def _country_at(x: pl.Expr, place: int) -> pl.Expr:
    return x.str.slice(place, 2).is_in(pl.Series([*COUNTRIES.split(), "XK"], dtype=pl.String).implode())


PII: dict[str, Trace] = {
    trace.name: trace
    for trace in (
        Trace("email", rf"\b{_EMAIL}\b"),
        Trace("card", r"\b\d(?:[ -]?\d){12,18}\b", _card),
        Trace("iban", r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b", _iban),
        Trace("us_ssn", rf"\b{_SSN}\b"),
        Trace(
            "phone",
            r"(?:\+\d{1,3}[ .\-]?(?:\(\d{1,4}\)[ .\-]?)?\d{2,4}(?:[ .\-]?\d{2,4}){1,4}\b|(?:\(\d{3}\) ?|\b\d{3}[.\-])\d{3}[.\-]\d{4}\b)",
        ),
        Trace("ip", rf"\b{_IPV4}\b"),
    )
}
