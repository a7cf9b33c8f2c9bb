"""Find the record that breaks a delimited file: too many or too few fields, a quote left open, text that is not UTF-8."""

from __future__ import annotations

import codecs

import numpy as np

from assay.data.files import File, pieces
from assay.errors import DataError

__all__ = ["check_records"]

LONGEST = 1 << 26
_QUOTES = "close the quote that it opens, or double it where it is text"
_NEWLINE, _RETURN, _QUOTE = 10, 13, 34


def check_records(file: File, *, fields: int, delimiter: str) -> int | None:
    """Return how many records follow the header; raise `DataError` at the first that has not `fields` fields.

    Blank lines at the end are no records; one before another record is. None for zstandard, which is not unpacked here.
    The bytes are looked at in pieces with numpy: delimiters and line ends count where the quotes before them are even.
    """
    if file.path.name.lower().endswith(".zst"):
        return None
    walk = _Walk(file, fields, ord(delimiter))
    for piece in pieces(file):
        walk.take(piece)
    return walk.end()


class _Walk:
    """The state of one walk over a file's bytes."""

    def __init__(self, file: File, fields: int, delimiter: int) -> None:
        self.file, self.fields, self.delimiter = file, fields, delimiter
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.offset = self.records = 0
        self.line = 1
        self.quoted = False
        self.quoted_since = 1
        self.rest = b""
        self.blank: int | None = None

    def take(self, piece: bytes) -> None:
        """Look at the next bytes; records that end in them are judged."""
        try:
            self.decoder.decode(piece)
        except UnicodeDecodeError as error:
            line = self.line + self.rest.count(b"\n") + piece.count(b"\n", 0, error.start)
            before = len(error.object) - len(piece)
            raise self._error(
                line, f"byte {self.offset + error.start - before} is not UTF-8", "save the file as UTF-8"
            ) from None
        self.offset += len(piece)
        self._judge(self.rest + piece)

    def end(self) -> int:
        """Judge the last record, which may lack a line end, and return how many records follow the header."""
        if self.rest:
            if self.rest.count(b'"') % 2:
                raise self._error(
                    self.line, "a quote that opens here is never closed", "close it, or double it where it is text"
                )
            self._judge(self.rest + b"\n")
        return max(self.records - 1, 0)

    def _judge(self, raw: bytes) -> None:
        data = np.frombuffer(raw, dtype=np.uint8)
        ends, marks = data == _NEWLINE, data == self.delimiter
        if b'"' in raw:
            outside = (np.cumsum(data == _QUOTE, dtype=np.uint8) & 1) == 0
            ends, marks = ends & outside, marks & outside
        ends, marks = np.flatnonzero(ends), np.flatnonzero(marks)
        if not ends.size:
            self.rest = raw
            if len(raw) > LONGEST:
                raise self._error(self.line, f"the record that begins here is longer than {LONGEST >> 20} MiB", _QUOTES)
            return
        counts = np.diff(np.searchsorted(marks, ends), prepend=0) + 1
        starts = np.concatenate(([0], ends[:-1] + 1))
        lengths = ends - starts
        # In a file of one column, a blank line is an empty value.
        blank = ((lengths == 0) | ((lengths == 1) & (data[starts] == _RETURN))) & (self.fields > 1)
        self._complain(data, starts, counts, blank)
        self.records += int((~blank).sum())
        self.line += int((data[: ends[-1] + 1] == _NEWLINE).sum())
        self.rest = raw[ends[-1] + 1 :]

    def _complain(self, data: np.ndarray, starts: np.ndarray, counts: np.ndarray, blank: np.ndarray) -> None:
        full = np.flatnonzero(~blank)
        if self.blank is not None and full.size:
            raise self._error(
                self.blank, f"the line is blank; a row of {self.fields} fields is expected", "delete the line"
            )
        if blank.any():
            first = int(np.flatnonzero(blank)[0])
            self.blank = self.blank or self._line_of(data, int(starts[first]))
            if full.size and int(full[-1]) > first:
                raise self._error(
                    self.blank, f"the line is blank; a row of {self.fields} fields is expected", "delete the line"
                )
        odd = np.flatnonzero((counts != self.fields) & ~blank)
        if odd.size:
            at = int(odd[0])
            few = "few" if counts[at] < self.fields else "many"
            why = f"the row has too {few} fields: {counts[at]}; the header has {self.fields}"
            raise self._error(
                self._line_of(data, int(starts[at])),
                why,
                "quote values that contain the delimiter" if few == "many" else "fill them, or end the file before it",
            )

    def _line_of(self, data: np.ndarray, start: int) -> int:
        return self.line + int((data[:start] == _NEWLINE).sum())

    def _error(self, line: int, why: str, hint: str) -> DataError:
        return DataError(why, place=f"{self.file.place}:{line}", hint=hint)
