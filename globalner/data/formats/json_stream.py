"""JSON values of a file decoded one by one, as a stream: of one array, or standing one after the other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from globalner.data.formats.format import Reading, Sample
from globalner.data.formats.json_values import check_characters, finite, object_of_pairs, refuse_constant
from globalner.errors import DataError

__all__ = ["JsonStream", "holds_json_lines", "sampled_records"]

_BLANKS = re.compile(r"[ \t\r\n]*")
_LONGEST_EXPONENT = 2  # e-
_LONGEST_MARK = 16  # what a piece's end can cut short beside strings: -Infinity, \uXXXX


class JsonStream:
    """The values of a file; memory holds one of them, and a piece of the file.

    A file that is not UTF-8 throughout and read with such bytes replaced is held line by line.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._pieces = reading.source.pieces(reading.report)
        self._text = ""
        self._at = 0
        self._line = self._column = self._filled_line = 1
        self._decoder = json.JSONDecoder(
            parse_constant=refuse_constant, parse_float=finite, object_pairs_hook=object_of_pairs
        )

    def records(self) -> Iterator[tuple[int, object]]:
        """Yields each value of the array that the file is, or of the values that stand one after the other.

        Yields:
            The line where the value begins, and the value.

        Raises:
            DataError: At what is not JSON, with the line.
        """
        return self.array() if self._peek() == "[" else self._sequence()

    def array(self) -> Iterator[tuple[int, object]]:
        """Yields each value of the array that the file is, with the line where it begins.

        Raises:
            DataError: At what is not JSON of one array, with the line.
        """
        self._take("[")
        number, closed = 0, self._peek() == "]"
        while not closed:
            number += 1
            yield self._next(f"record {number}")
            closed = self._peek() == "]"
            if not closed:
                self._take(",", f"after record {number}")
                self._peek()
        self._take("]")
        if self._peek():
            raise self._error("goes on after the ] that closes the array; one file is one array")

    def _sequence(self) -> Iterator[tuple[int, object]]:
        number = 0
        while self._peek():
            number += 1
            yield self._next(f"record {number}")

    def _next(self, name: str) -> tuple[int, object]:
        line = self._reading.line = self._line
        return line, self._value(name)

    def _value(self, name: str) -> object:
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                line, column = self._place(error.pos)
                if self._is_cut(error) and self._fill():
                    continue
                problem = f"{name} is not complete JSON: {error.msg} at character {column} of this line"
                raise self._reading.error(problem, line) from None
            except DataError as error:
                raise self._error(f"{name}: {error.message}") from None
            except (ValueError, RecursionError) as error:
                raise self._error(f"{name} is not JSON that can be read: {error}") from None
            # A number near the end of a piece may go on behind its point or exponent.
            if len(self._text) - end > _LONGEST_EXPONENT or not self._fill():
                break
        try:
            check_characters(value, self._text[self._at : end])
        except DataError as error:
            raise self._error(f"{name}: {error.message}") from None
        self._move(end)
        self._filled_line = self._line
        return value

    def _is_cut(self, error: json.JSONDecodeError) -> bool:
        """Whether the error may be that of a piece's end rather than the file's."""
        return error.pos >= len(self._text) - _LONGEST_MARK or error.msg.startswith("Unterminated string")

    def _fill(self) -> bool:
        """Reads on, as much as is waiting to be decoded, so that long values cost no more; False at the file's end."""
        wanted = max(1, len(self._text) - self._at)
        pieces = [self._text[self._at :]]
        for piece in self._pieces:
            pieces.append(piece)
            wanted -= len(piece)
            if wanted <= 0:
                break
        if len(pieces) == 1:
            return False
        self._text, self._at = "".join(pieces), 0
        return True

    def _peek(self) -> str:
        """The next character that is not blank; nothing at the end."""
        while True:
            blanks = _BLANKS.match(self._text, self._at)
            self._move(self._at if blanks is None else blanks.end())
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._fill():
                return ""

    def _take(self, mark: str, where: str = "at the start of the file") -> None:
        found = self._peek()
        if found != mark:
            shown = repr(found) if found else "the end of the file"
            problem = f"is not JSON of one array of records: {shown} stands {where}, where {mark!r} must"
            raise self._reading.error(problem, self._line if found else self._filled_line)
        self._move(self._at + 1)
        self._filled_line = self._line

    def _place(self, end: int) -> tuple[int, int]:
        """Line and character of a position, both from 1."""
        breaks = self._text.count("\n", self._at, end)
        column = end - self._text.rfind("\n", self._at, end) if breaks else self._column + end - self._at
        return self._line + breaks, column

    def _move(self, end: int) -> None:
        self._line, self._column = self._place(end)
        self._at = end

    def _error(self, message: str) -> DataError:
        return self._reading.error(message, self._line)


def sampled_records(sample: Sample, count: int = 50) -> list[object]:
    """The first JSON values of a sample, those of an array or standing one after the other; none where there are none.

    Args:
        sample: The beginning of a file.
        count: How many at most.
    """
    text = "\n".join(sample.lines)
    decoder = json.JSONDecoder()
    records: list[object] = []
    at = _after_blanks(text, 0)
    in_array = text[at : at + 1] == "[" and not _is_json(next(iter(sample.filled), ""))
    at += in_array
    while len(records) < count:
        at = _after_blanks(text, at)
        if in_array and text[at : at + 1] == ",":
            at = _after_blanks(text, at + 1)
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        records.append(value)
    one = records[0] if len(records) == 1 else None
    return one[:count] if isinstance(one, list) and one and isinstance(one[0], dict | list) else records


def holds_json_lines(lines: list[str], mark: str) -> bool:
    """Whether the first line that is not blank is a JSON value of its own that begins with `mark`."""
    first = next((line for line in lines if line.strip()), "")
    return first.lstrip().startswith(mark) and _is_json(first)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _after_blanks(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return at if blanks is None else blanks.end()
