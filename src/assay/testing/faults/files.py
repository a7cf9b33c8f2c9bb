"""Files that arrive broken: cut off, or written in another charset."""

from __future__ import annotations

import numpy as np

from assay.testing.faults.cells import choice
from assay.testing.faults.fault import Fault, Layer, NotApplicable, Operator

__all__ = ["FILES"]


def _truncated(content: bytes, fault: Fault, rng: np.random.Generator) -> bytes:
    if not 0 < fault.severity <= 1:
        raise NotApplicable(f"the severity is {fault.severity:g}; it is a share of the bytes, above 0 and at most 1")
    if not content:
        raise NotApplicable("the file is empty already")
    return content[: len(content) - max(1, round(fault.severity * len(content)))]


def _file_encoding(content: bytes, fault: Fault, rng: np.random.Generator) -> bytes:
    how = choice(fault.settings.get("how", "latin-1"), "how", ("latin-1", "mark", "utf-16"))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise NotApplicable("the file holds no text in UTF-8, so that its charset cannot be another") from None
    if how == "mark":
        return b"\xef\xbb\xbf" + content
    if how == "utf-16":
        return text.encode("utf-16")
    if text.isascii():
        raise NotApplicable("the file holds ASCII alone, which is the same bytes in Latin-1")
    return text.encode("latin-1", "replace")


FILES: dict[str, Operator] = {
    "truncated_file": Operator(
        "truncated_file", Layer.DATA, "a file ends too early", "a copy broke off, or the disk was full", _truncated,
        ladder=(0.01, 0.1, 0.5, 1.0), unit="share of the bytes, at the end, that are gone", on="bytes", keeps=(),

        chance=False, caught_by="row_count, and reading the file at all",
    ),
    "file_encoding": Operator(
        "file_encoding", Layer.DATA, "a file is written in another charset", "a spreadsheet saved it in Latin-1", _file_encoding,
        unit="the whole file", on="bytes", settings={"how": "latin-1"}, keeps=(),

        chance=False, caught_by="clean_text, one_of, and reading the file at all",
    ),
}  # fmt: skip
