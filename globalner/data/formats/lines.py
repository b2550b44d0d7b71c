"""Lines of a UTF-8 file with their numbers, read as a stream."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from globalner.data.report import Report
from globalner.errors import DataError

__all__ = ["BYTE_ORDER_MARK", "check_file", "decoded_lines", "numbered_lines", "sample_lines"]

BYTE_ORDER_MARK = "\ufeff"
_SAMPLE_LINES = 2000
_SAMPLE_CHARS = 1_000_000
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def check_file(path: Path) -> None:
    """Refuses what cannot be read as a data file.

    Raises:
        DataError: If the path is missing (the message names the nearest file of its folder), a folder, or empty.
    """
    if path.is_dir():
        raise DataError("is a folder; name a file in it", path=path)
    if not path.exists():
        raise DataError(f"no such file{_nearest(path)}", path=path)
    if path.is_file() and path.stat().st_size == 0:
        raise DataError("is empty: it holds no document", path=path)


def _nearest(path: Path) -> str:
    if not path.parent.is_dir():
        return f"; the folder {str(path.parent)!r} does not exist either"
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ""
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def numbered_lines(path: Path, report: Report | None = None) -> Iterator[tuple[int, str]]:
    r"""Streams `(number, line)`, numbers from 1, lines without their end.

    Only `\n` ends a line, so U+2028 and its like stay inside; a `\r` just before it goes with it. A byte order mark at
    the start of the file is skipped and noted in the report; U+FEFF anywhere else is text.

    Raises:
        DataError: If the file cannot be opened, or a line is not UTF-8 (with its number and the byte's place).
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise DataError(f"cannot be opened: {error.strerror}", path=path) from error
    with file:
        yield from decoded_lines(file, path, report)


def decoded_lines(file: Iterable[bytes], path: Path, report: Report | None = None) -> Iterator[tuple[int, str]]:
    """The lines of an open file as `numbered_lines` gives them.

    Args:
        file: Gives each line with its end.
        path: What the file is called in messages.
        report: Takes notes.

    Raises:
        DataError: If a line is not UTF-8.
    """
    offset = 0
    for number, raw in enumerate(file, start=1):
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _not_utf8(path, number, offset, error) from None
        if line.endswith("\r\n"):
            line = line[:-2]
        elif line.endswith("\n"):
            line = line[:-1]
        if number == 1 and line.startswith(BYTE_ORDER_MARK):
            line = line[1:]
            if report is not None:
                report.note("a byte order mark at the start of the file was skipped")
        yield number, line
        offset += len(raw)


def _not_utf8(path: Path, number: int, offset: int, error: UnicodeDecodeError) -> DataError:
    raw: bytes = error.object
    hint = "save the file as UTF-8"
    if number == 1 and raw.startswith(_UTF16_MARKS):
        hint = "it starts like UTF-16; save it as UTF-8"
    return DataError(
        f"is not UTF-8: byte 0x{raw[error.start]:02x} at offset {offset + error.start} of the file; {hint}",
        path=path,
        line=number,
    )


def sample_lines(path: Path) -> list[str]:
    """The first lines of a file: whole lines, at most 2000, and none after the first million characters.

    Raises:
        DataError: As `numbered_lines`.
    """
    lines: list[str] = []
    chars = 0
    for _, line in islice(numbered_lines(path), _SAMPLE_LINES):
        lines.append(line)
        chars += len(line)
        if chars > _SAMPLE_CHARS:
            break
    return lines
