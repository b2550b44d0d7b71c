"""Plain text without labels, as masked-language models are trained on: a line or a paragraph a record."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

from globalner.data.formats.lines import check_path, decoded_lines
from globalner.data.formats.words import join_words
from globalner.errors import DataError

__all__ = ["TextUnit", "read_plain_text"]

TextUnit = Literal["line", "paragraph"]

_EVERYTHING = slice(0, None)


def read_plain_text(path: str | Path, records: slice = _EVERYTHING, unit: TextUnit = "line") -> list[str]:
    """Records of a UTF-8 text file, `.gz` too, without blanks at their edges; none is empty.

    Args:
        path: The file.
        records: Which records to take, counted from 0.
        unit: "line": each line that is not blank is a record. "paragraph": lines with no blank line between them are
            one, put together as words are: with nothing between two characters of scripts written without blanks, else
            with one blank.

    Raises:
        DataError: If the file is missing, empty, no text (not UTF-8, or with a NUL in it; the message has the line),
            cut off or damaged (.gz), or has not the records that are asked for.
    """
    path = Path(path)
    check_path(path)
    if path.is_dir():
        raise DataError("is a folder; name a file in it", path=path)
    found = list(islice(_records(_lines(path), unit), records.stop))
    if not found:
        raise DataError("holds no text, only blank lines", path=path)
    if len(found) <= records.start or len(found) < (records.stop or 0):
        asked = f"{records.start} up to " + ("the end" if records.stop is None else f"and without {records.stop}")
        raise DataError(f"holds {len(found):,} {unit}s of text, but asked for are {asked}, counted from 0", path=path)
    return found[records]


def _lines(path: Path) -> Iterator[str]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in decoded_lines(file, path):
                if "\0" in line:
                    raise DataError("holds a NUL character: this is no text file", path=path, line=number)
                yield line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"is no whole gzip file: {error}", path=path) from error
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", path=path) from error


def _records(lines: Iterable[str], unit: TextUnit) -> Iterator[str]:
    paragraph: list[str] = []
    for line in lines:
        text = line.strip()
        if text and unit == "paragraph":
            paragraph.append(text)
        elif text:
            yield text
        elif paragraph:
            yield join_words(paragraph).text
            paragraph = []
    if paragraph:
        yield join_words(paragraph).text
