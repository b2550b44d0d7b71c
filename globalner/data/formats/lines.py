"""Lines of a text file with their numbers, read as a stream."""

from __future__ import annotations

import codecs
import difflib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Literal

from globalner.data.report import Report
from globalner.errors import DataError

__all__ = ["BYTE_ORDER_MARK", "ByteErrors", "Source", "check_encoding", "check_path", "decoded_lines"]

ByteErrors = Literal["strict", "replace"]
BYTE_ORDER_MARK = "\ufeff"
_TWO_ENDS = "lines end in CR LF"
_MARK_SKIPPED = "a byte order mark at the start of the file was skipped"
_PIECE_BYTES = 1 << 18
_SAMPLE_LINES = 2000
_SAMPLE_CHARS = 1_000_000
_SAMPLE_BYTES = 4_000_000
_UTF8 = ("utf-8", "utf-8-sig")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def check_path(path: Path) -> None:
    """Refuses what cannot be read as a file or folder of data.

    Raises:
        DataError: If the path is missing (the message names the nearest file of its folder), or an empty file.
    """
    if not path.exists():
        raise DataError(f"no such file{_nearest(path)}", path=path)
    if path.is_file() and path.stat().st_size == 0:
        raise DataError("is empty: it holds no document", path=path)


def check_encoding(name: str) -> None:
    """Refuses what Python knows no encoding of text for.

    Raises:
        DataError: If there is none of that name.
    """
    try:
        "a".encode(name)
    except (LookupError, UnicodeError):
        raise DataError(f"there is no encoding {name!r} of text; such are utf-8, utf-16, latin-1, gb18030") from None


def _nearest(path: Path) -> str:
    if not path.parent.is_dir():
        return f"; the folder {str(path.parent)!r} does not exist either"
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ""
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


@dataclass(frozen=True, slots=True)
class Source:
    """A file of text, or a folder of such files, and how its bytes are read.

    Attributes:
        path: The file or folder.
        encoding: Of its text, a name that Python knows.
        errors: What to do with bytes that are not of that encoding: "strict": an error; "replace": U+FFFD takes their
            place, and the report counts the lines.
    """

    path: Path
    encoding: str = "utf-8"
    errors: ByteErrors = "strict"

    def lines(self, report: Report | None = None) -> Iterator[tuple[int, str]]:
        r"""Streams `(number, line)`, numbers from 1, lines without their end.

        Only `\n` ends a line, so U+2028 and its like stay inside; a `\r` just before it goes with it. A byte order mark
        at the start of the file is skipped and noted in the report; U+FEFF anywhere else is text.

        Raises:
            DataError: If the file cannot be opened, or a line is not of the encoding (with its number and, in UTF-8,
                the byte's place).
        """
        with self.bytes() as file:
            if codecs.lookup(self.encoding).name in _UTF8:
                yield from decoded_lines(file, self.path, report, errors=self.errors)
            else:
                yield from self._lines_of_other_encoding(file, report)

    def pieces(self, report: Report | None = None) -> Iterator[str]:
        """Streams the text of the file in pieces of any length, whatever the length of its lines.

        Line ends stay as they are, unless bytes are replaced: then each is a line feed. A byte order mark at the start
        is skipped and noted.

        Raises:
            DataError: As `lines`.
        """
        if self.errors == "replace":
            yield from (f"{line}\n" for _, line in self.lines(report))
            return
        decoder = codecs.getincrementaldecoder(self.encoding)()
        first = True
        with self.bytes() as file:
            for block in chain(iter(partial(file.read, _PIECE_BYTES), b""), [b""]):
                try:
                    piece = decoder.decode(block, not block)
                except UnicodeError:
                    for _ in self.lines():  # says which line it is
                        pass
                    raise
                if first and piece.startswith(BYTE_ORDER_MARK):
                    piece = piece[1:]
                    if report is not None:
                        report.note(_MARK_SKIPPED)
                first = first and not piece
                if report is not None and "\r\n" in piece:
                    report.note(_TWO_ENDS)
                if piece:
                    yield piece

    def sample_lines(self) -> list[str]:
        """The first lines, at most 2000, and none after the first million characters.

        They are whole, but for one of more than four million bytes, of which these are given as the last.

        Raises:
            DataError: As `lines`.
        """
        lines: list[str] = []
        chars = 0
        for _, line in islice(self._first_lines(), _SAMPLE_LINES):
            lines.append(line)
            chars += len(line)
            if chars > _SAMPLE_CHARS:
                break
        return lines

    def text(self, report: Report | None = None) -> str:
        """The whole text, line ends as they stand; a byte order mark that the encoding leaves is its first character.

        Raises:
            DataError: As `lines`.
        """
        with self.bytes() as file:
            data = file.read()
        try:
            return data.decode(self.encoding)
        except UnicodeError as error:
            if self.errors == "strict":
                for _ in self.lines():  # says which line
                    pass
                raise DataError(f"is not {self.encoding}: {error}", path=self.path) from None
        if report is not None:
            report.add(f"file with bytes that are not {self.encoding}, read as U+FFFD", self.path.name)
        return data.decode(self.encoding, self.errors)

    def _first_lines(self) -> Iterator[tuple[int, str]]:
        if codecs.lookup(self.encoding).name not in _UTF8:
            return self.lines()
        return self._decoded_beginnings()

    def _decoded_beginnings(self) -> Iterator[tuple[int, str]]:
        with self.bytes() as file:
            yield from decoded_lines(_beginnings(file), self.path, errors=self.errors)

    def bytes(self) -> BinaryIO:
        """The open file.

        Raises:
            DataError: If it cannot be opened.
        """
        try:
            return self.path.open("rb")
        except OSError as error:
            raise DataError(f"cannot be opened: {error.strerror}", path=self.path) from error

    def at(self, path: Path) -> Source:
        """Another file, such as one of this folder, read in the same way."""
        return Source(path, self.encoding, self.errors)

    def _lines_of_other_encoding(self, file: BinaryIO, report: Report | None) -> Iterator[tuple[int, str]]:
        number = 0
        try:
            for number, raw in enumerate(io.TextIOWrapper(file, self.encoding, self.errors, newline="\n"), start=1):
                line = raw.removesuffix("\n")
                if raw.endswith("\r\n"):
                    line = line[:-1]
                    if report is not None:
                        report.note(_TWO_ENDS)
                if number == 1:
                    line = line.removeprefix(BYTE_ORDER_MARK)
                if report is not None and self.errors == "replace" and "\ufffd" in line:
                    report.add(f"line with bytes that are not {self.encoding}, read as U+FFFD", f"line {number}")
                yield number, line
        except UnicodeError as error:
            # The decoder reads ahead, so that the line is the first that it may be.
            raise DataError(
                f"is not {self.encoding}: {error}; name the encoding that the file has, or let such bytes be replaced",
                path=self.path,
                line=number + 1,
            ) from None


def _beginnings(file: BinaryIO) -> Iterator[bytes]:
    """Lines up to the first that is very long, of which the beginning is given."""
    while raw := file.readline(_SAMPLE_BYTES):
        if len(raw) < _SAMPLE_BYTES or raw.endswith(b"\n"):
            yield raw
            continue
        cut = next((back for back in range(1, 4) if raw[-back] >= 0xC0), 0)  # a character may be cut
        yield raw[: len(raw) - cut]
        return


def decoded_lines(
    file: Iterable[bytes], path: Path, report: Report | None = None, *, errors: ByteErrors = "strict"
) -> Iterator[tuple[int, str]]:
    """The lines of an open UTF-8 file as `Source.lines` gives them.

    Args:
        file: Gives each line with its end.
        path: What the file is called in messages.
        report: Takes notes.
        errors: As of `Source`.

    Raises:
        DataError: If a line is not UTF-8.
    """
    offset = 0
    noted = report is None
    for number, raw in enumerate(file, start=1):
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            if errors == "strict":
                raise _not_utf8(path, number, offset, error) from None
            line = raw.decode("utf-8", "replace")
            if report is not None:
                report.add("line with bytes that are not UTF-8, read as U+FFFD", f"line {number}")
        if line.endswith("\r\n"):
            line = line[:-2]
            if not noted and report is not None:
                report.note(_TWO_ENDS)
                noted = True
        elif line.endswith("\n"):
            line = line[:-1]
        if number == 1 and line.startswith(BYTE_ORDER_MARK):
            line = line[1:]
            if report is not None:
                report.note(_MARK_SKIPPED)
        yield number, line
        offset += len(raw)


def _not_utf8(path: Path, number: int, offset: int, error: UnicodeDecodeError) -> DataError:
    raw: bytes = error.object
    hint = "name the encoding that it has (--encoding), or let such bytes be replaced (--errors replace)"
    if number == 1 and raw.startswith(_UTF16_MARKS):
        hint = "it starts like UTF-16; name that (--encoding utf-16), or save it as UTF-8"
    return DataError(
        f"is not UTF-8: byte 0x{raw[error.start]:02x} at offset {offset + error.start} of the file; {hint}",
        path=path,
        line=number,
    )
