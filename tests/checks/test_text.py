from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.checks.formats import FORMATS, PII
from assay.checks.patterns import like, shape
from assay.checks.suite import make_check
from assay.checks.text import RULES, reads_as
from assay.errors import ConfigError
from assay.profiles.table import shape as shape_of
from checks.judging import judged


def failing(rule: str, values: list[Any], dtype: Any = pl.String, **told: Any) -> list[Any]:
    """Return the values that break a rule, in their order."""
    frame = pl.DataFrame({"x": pl.Series(values, dtype=dtype)})
    return [example.values["x"] for example in judged(RULES[rule], frame, "x", **told).examples]


def valid(name: str, texts: list[str]) -> list[bool]:
    frame = pl.DataFrame({"x": pl.Series(texts, dtype=pl.String)})
    return frame.select(FORMATS[name].valid(pl.col("x"))).to_series().to_list()


# Patterns -------------------------------------------------------------------------------------------------------------


def test_a_pattern_matches_the_whole_text_unless_told():
    texts = ["ab", "xaby", "ab\n", None]

    assert failing("matches", texts, pattern="a|ab") == ["xaby", "ab\n"]
    assert failing("matches", texts, pattern="a|ab", anywhere=True) == []


def test_a_forbidden_pattern_is_the_whole_text_unless_told():
    assert failing("not_matches", ["1", "a1", "a"], pattern=r"\d") == ["1"]
    assert failing("not_matches", ["1", "a1", "a"], pattern=r"\d", anywhere=True) == ["1", "a1"]


def test_categories_are_texts():
    assert failing("matches", ["a", "b", None], pl.Categorical, pattern="a") == ["b"]
    assert failing("looks_like", ["a@b.org", "b"], pl.Enum(["a@b.org", "b"]), format="email") == ["b"]


@pytest.mark.parametrize(
    ("rule", "told", "message"),
    [
        (
            "matches",
            "(?=a)",
            "the pattern '(?=a)' cannot be used: look-around, including look-ahead and look-behind, is not supported",
        ),
        ("matches", "[", "the pattern '[' cannot be used: unclosed character class"),
        ("names_match", r"(a)\1", r"the pattern '(a)\\1' cannot be used: backreferences are not supported"),
        ("starts_with", "", "an empty text is in every text; give one with characters"),
        ("looks_like", "emial", "there is no format 'emial'; did you mean 'email'?"),
        ("no_pii", ["emails"], "there is no kind of personal data 'emails'; did you mean 'email'?"),
        ("parses", {"type": "integer", "format": "%d"}, "integer takes no format; date, datetime and time do"),
        (
            "parses",
            {"type": "date", "format": "%H:%M"},
            "the format '%H:%M' does not tell a date; write it like %d.%m.%Y",
        ),
        ("length", [5, 3], "at_least 5 is more than at_most 3"),
        ("length", {"at_least": -1}, "at_least is -1; counts go from 0 up"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused_when_the_suite_is_read(rule: str, told: Any, message: str):
    columns = () if rule == "names_match" else ("x",)

    with pytest.raises(ConfigError) as caught:
        make_check(rule, columns, told)

    assert message in str(caught.value)


def naive_like(text: str, pattern: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(naive_like(text[start:], pattern[1:]) for start in range(len(text) + 1))
    if pattern[0] == "\\" and len(pattern) > 1:
        return text[:1] == pattern[1] and naive_like(text[1:], pattern[2:])
    return bool(text) and (pattern[0] == "_" or text[0] == pattern[0]) and naive_like(text[1:], pattern[1:])


@given(st.text("ab%_.\\\n", max_size=6), st.text("ab%_.\\\n", max_size=5))
def test_like_is_that_of_sql(text: str, pattern: str):
    assert pl.Series([text]).str.contains(like(pattern)).item() is naive_like(text, pattern)


@given(st.text(max_size=30))
def test_every_text_has_its_own_shape(text: str):
    assert pl.Series([text]).str.contains(shape(shape_of(text))).item()


def test_shapes_tell_one_sign_from_many():
    assert failing("shapes", ["AB-12", "A-12", "ab-12", "AB-1"], shapes=["A+-9+", "a+-9+"]) == ["A-12", "AB-1"]


# Lengths and parts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        (["äöü", "abcd", "", None], pl.String, ["abcd", ""]),
        ([[1, 2, 3], [], [1]], pl.List(pl.Int64), [[]]),
        ([b"abc", b"abcd"], pl.Binary, [b"abcd"]),
    ],
)
def test_lengths_are_characters_items_or_bytes(values: list[Any], dtype: Any, expected: list[Any]):
    assert failing("length", values, dtype, at_least=1, at_most=3) == expected


def test_arrays_have_their_length():
    assert failing("length", [[1, 2]], pl.Array(pl.Int64, 2), at_least=3) == [[1, 2]]


@pytest.mark.parametrize(
    ("rule", "expected"), [("starts_with", ["b.", "xa."]), ("ends_with", ["a.b"]), ("contains", ["b."])]
)
def test_parts_of_texts_are_literal(rule: str, expected: list[str]):
    text = {"starts_with": "a.", "ends_with": ".", "contains": "a."}[rule]

    assert failing(rule, ["a.", "b.", "xa.", "a.b"], text=text) == expected


def test_one_of_several_parts_is_enough_in_any_case_where_told():
    assert failing("starts_with", ["Mr X", "mrs Y", "Dr Z"], text=["mr ", "mrs "], ignore_case=True) == ["Dr Z"]


# Formats --------------------------------------------------------------------------------------------------------------

# Published examples of each format, and texts that come near.
EXAMPLES: dict[str, tuple[list[str], list[str]]] = {
    "email": (
        ["a@b.org", "first.last+tag@sub.example.co.uk", "o'neil@example.com"],
        ["a@b", "a b@c.org", "a@@b.org", ".a@b.org", "a@b.org "],
    ),
    "url": (
        ["https://example.org", "http://localhost:80/a?b=c#d", "ftp://[::1]/x", "HTTPS://a.io/"],
        ["example.org", "http://", "https://a b.org", "mailto:a@b.org"],
    ),
    "domain": (["example.org", "xn--bcher-kva.example"], ["example", "-a.org", "a..org"]),
    "ipv4": (["192.0.2.1", "255.255.255.255"], ["256.0.0.1", "1.2.3", "01.2.3.4"]),
    "ipv6": (["2001:db8::1", "::", "::ffff:192.0.2.1"], ["2001:db8", ":::", "1:2:3:4:5:6:7:8:9"]),
    "ip": (["192.0.2.1", "2001:db8::1"], ["192.0.2", "x"]),
    "mac": (["00:1B:44:11:3a:B7", "00-1b-44-11-3a-b7"], ["00:1B-44:11:3a:B7", "00:1B:44:11:3a"]),
    "uuid": (
        ["123e4567-e89b-12d3-a456-426614174000"],
        ["123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g"],
    ),
    "hex": (["0xFF", "deadbeef"], ["xyz", "0x"]),
    "base64": (["TWFu", "TWE=", "TQ=="], ["TWF", "TQ=", "T?=="]),
    "json": (['{"a": [1, null]}', "null", "1.5", '"a"', " [] "], ["{'a': 1}", "", "nul", "[1,]"]),
    "slug": (["a-b-1"], ["A-b", "-a", "a--b"]),
    "semver": (["1.2.3", "1.0.0-rc.1+build.5"], ["1.2", "01.2.3"]),
    "card": (
        ["4111 1111 1111 1111", "378282246310005", "5555-5555-5555-4444"],
        ["4111111111111112", "1234567812345670", "4111"],
    ),
    "iban": (
        ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "NO9386011117947"],
        ["DE88370400440532013000", "GB82", "de89370400440532013000"],
    ),
    "bic": (["DEUTDEFF", "NEDSZAJJXXX"], ["DEUTZZFF", "DEUTDEF"]),
    "isbn": (["978-0-306-40615-7", "0-306-40615-2", "080442957X"], ["978-0-306-40615-8", "0-306-40615-3"]),
    "phone": (["+49 30 901820", "(212) 555-0123", "0171/1234567"], ["12345", "+49 30 CALL", "1234567890123456"]),
    "us_ssn": (["078-05-1120"], ["000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567", "123-45-0000"]),
    "us_zip": (["10001", "10001-1234"], ["1000", "10001-"]),
    "uk_postcode": (["SW1A 1AA", "M1 1AE", "GIR 0AA"], ["SW1A 1A", "1AA SW1"]),
    "ca_postcode": (["K1A 0B1"], ["D1A 0B1", "K1A-0B"]),
    "de_postcode": (["01067", "80331"], ["00123", "8033"]),
    "country_code": (["DE", "NA"], ["UK", "de", "XX"]),
    "country_code_3": (["DEU", "NAM"], ["GER", "DE"]),
    "currency_code": (["EUR", "USD"], ["EUX", "eur"]),
    "language_code": (["de", "en"], ["xx", "DE"]),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_knows_its_texts_from_those_that_come_near(name: str):
    good, near = EXAMPLES[name]

    assert (valid(name, good), valid(name, near)) == ([True] * len(good), [False] * len(near))


def test_the_outcome_says_what_a_text_is_not():
    frame = pl.DataFrame({"x": ["a@b.org", "c"]})

    assert judged(RULES["looks_like"], frame, "x", format="email").why == "1 of 2 rows (50%) is not an e-mail address"


def is_address(kind: Callable[[str], object], text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return "%" not in text


ADDRESSES = st.ip_addresses().map(str) | st.ip_addresses(v=6).map(lambda a: a.exploded)
GROUPS = st.lists(st.sampled_from(["1", "ab", "", "0", ":", "1.2.3.4", "12345"]), max_size=9).map(":".join)


@given(st.lists(ADDRESSES | GROUPS | st.text("0123456789abcdef:.", max_size=40), min_size=1, max_size=20))
def test_addresses_are_those_of_the_standard_library(texts: list[str]):
    assert valid("ipv4", texts) == [is_address(ipaddress.IPv4Address, text) for text in texts]
    assert valid("ipv6", texts) == [is_address(ipaddress.IPv6Address, text) for text in texts]


def luhn_by_hand(digits: str) -> bool:
    doubled = [int(d) * (1 + place % 2) for place, d in enumerate(reversed(digits))]
    return sum(sum(map(int, str(d))) for d in doubled) % 10 == 0


@given(st.lists(st.from_regex(r"\A4[0-9]{15}\Z"), min_size=1, max_size=20))
def test_cards_end_in_their_check_digit(texts: list[str]):
    assert valid("card", texts) == [luhn_by_hand(text) for text in texts]


@given(st.from_regex(r"\A[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\Z"))
def test_ibans_leave_one_when_divided_by_97(text: str):
    number = "".join(str(int(sign, 36)) for sign in text[4:] + text[:4])

    assert valid("iban", [text]) == [int(number) % 97 == 1]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9) | st.text('ab"\\é\n', max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=lambda word: json.loads(f"not {word}"))
    except ValueError:
        return False
    return True


@given(VALUES, st.integers(0, 40), st.sampled_from(["", ",", "]", "}", "{", "[", '"', "1", "x", " ", "\\", "-", "."]))
def test_json_is_what_the_standard_library_reads(value: Any, place: int, sign: str):
    text = json.dumps(value)
    broken = text[:place] + sign + text[place:]

    assert valid("json", [text, broken]) == [True, is_json(broken)]


# Parsing --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("integer", ["0", "-12", "+007", "9" * 40], ["1.0", "1e3", " 1", "", "0x1F", "٣x"]),
        ("float", ["1", "-.5", "2.", "1e-4", "+1E+10"], ["", ".", "1,5", "nan", "inf", "1e"]),
        ("boolean", ["true", "FALSE"], ["yes", "1", ""]),
        ("date", ["2012-02-29"], ["2013-02-29", "2013-2-1", "29.02.2012", "2013-01-01T00:00"]),
        (
            "datetime",
            ["2012-02-29T23:59", "2013-01-01 00:00:00.123456+01:00", "2013-01-01T00:00:00Z"],
            ["2013-01-01", "2013-02-29T00:00", "2013-01-01T24:00", "2013-01-01T00:00+25:00"],
        ),
        ("time", ["00:00", "23:59:59.999"], ["24:00", "1:00", "12:60"]),
    ],
)
def test_texts_read_as_a_kind_of_value(kind: str, good: list[str], bad: list[str]):
    seen = pl.DataFrame({"x": good + bad}).select(reads_as(pl.col("x"), kind)).to_series().to_list()

    assert seen == [True] * len(good) + [False] * len(bad)


@given(st.datetimes(), st.sampled_from(["T", " "]))
def test_every_instant_that_is_written_reads_as_one(instant: datetime, between: str):
    assert pl.select(reads_as(pl.lit(instant.isoformat(between)), "datetime")).item()


def test_dates_may_be_written_in_another_way():
    assert failing("parses", ["31.12.2013", "12/31/2013", "31.12.2013x"], type="date", format="%d.%m.%Y") == [
        "12/31/2013",
        "31.12.2013x",
    ]


# Personal data and clean text -----------------------------------------------------------------------------------------

FOUND = {
    "email": "write to jane.doe@example.org, please",
    "card": "paid with 4111-1111-1111-1111.",
    "iban": "transfer to DE89 3704 0044 0532 0130 00 today",
    "us_ssn": "her number is 078-05-1120",
    "phone": "call (212) 555-0123 or not",
    "ip": "from 192.0.2.17",
}
HARMLESS = [
    "order 4111111111111112",
    "version 1.2.3",
    "2013-01-31 12:00",
    "DE89 is a road",
    "a total of 12345678 rows",
    "3.14159",
]


@pytest.mark.parametrize("kind", PII)
def test_personal_data_is_found_inside_texts(kind: str):
    frame = pl.DataFrame({"x": [FOUND[kind], *HARMLESS, None]})

    seen = judged(RULES["no_pii"], frame, "x", kinds=[kind])

    assert (seen.n_rows, seen.n_failing) == (1 + len(HARMLESS), 1)


def test_personal_data_does_not_reach_the_report():
    seen = judged(RULES["no_pii"], pl.DataFrame({"x": list(FOUND.values())}), "x")

    assert seen.n_failing == len(FOUND)
    assert all(example.values == {} for example in seen.examples)
    assert not any(text in seen.why for text in FOUND.values())


@pytest.mark.parametrize(
    ("flaw", "text"),
    [
        ("edges", "a "),
        ("edges", "\u00a0a"),
        ("control", "a\x00b"),
        ("control", "a\u0085b"),
        ("invisible", "a\u200bb"),
        ("invisible", "\ufeffa"),
        ("replacement", "a\ufffd"),
        ("mojibake", "François".encode().decode("latin-1")),
        ("mojibake", "it’s “so”".encode().decode("cp1252", errors="ignore")),
        ("mojibake", "Москва".encode().decode("latin-1")),
    ],
)
def test_a_flaw_is_found_by_its_name(flaw: str, text: str):
    assert failing("clean_text", [text, "clean"], flaws=[flaw]) == [text]


@pytest.mark.parametrize(
    "text",
    ["François", "Ångström", "SÃO PAULO", "Москва", "naïve", "a\tb\nc", "東京", "Â, wie schön", "ESPAÑA", "100 °C"],
)
def test_letters_of_the_world_are_clean(text: str):
    assert failing("clean_text", [text]) == []


def test_every_format_has_examples_and_a_name_of_its_own():
    assert set(EXAMPLES) == set(FORMATS)
    assert len({entry.called for entry in FORMATS.values()}) == len(FORMATS)
    assert set(FOUND) == set(PII)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in FORMATS)
