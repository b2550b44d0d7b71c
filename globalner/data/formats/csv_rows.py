"""Rows of a CSV file with their lines, read as a stream: cells keep their line breaks as they are."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator

from globalner.data.formats.lines import BYTE_ORDER_MARK, Source
from globalner.data.report import Report
from globalner.errors import DataError

__all__ = ["csv_rows"]

_LONGEST_CELL_CHARS = 2**31 - 1  # what the csv module takes on every system


def csv_rows(source: Source, separator: str, report: Report | None = None) -> Iterator[tuple[int, list[str]]]:
    """Streams the rows with the number of the line where each begins, from 1; blank lines are no rows.

    The csv module's limit of a cell's length, which holds for the process, is lifted: texts are long.

    Args:
        source: The file.
        separator: What parts the cells.
        report: Takes notes.

    Raises:
        DataError: If the file cannot be opened, is not of the encoding, or a row's quotation marks are not paired.
    """
    csv.field_size_limit(_LONGEST_CELL_CHARS)
    with source.bytes() as file:
        text = io.TextIOWrapper(file, source.encoding, source.errors, newline="")
        reader = csv.reader(_without_mark(text, report), delimiter=separator, strict=True)
        line = 1
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:
                problem = f"is not CSV: {error}; put cells with quotation marks in such marks, and write each one twice"
                raise DataError(problem, path=source.path, line=line) from None
            except UnicodeError as error:
                for _ in source.lines():  # says which line
                    pass
                raise DataError(f"is not {source.encoding}: {error}", path=source.path, line=line) from None
            if row is None:
                return
            if row:
                if report is not None and source.errors == "replace" and any("\ufffd" in cell for cell in row):
                    name = codecs.lookup(source.encoding).name
                    report.add(f"row with bytes that are not {name}, read as U+FFFD", f"line {line}")
                yield line, row
            line = reader.line_num + 1


def _without_mark(lines: Iterator[str], report: Report | None) -> Iterator[str]:
    first = next(lines, "")
    if first.startswith(BYTE_ORDER_MARK):
        if report is not None:
            report.note("a byte order mark at the start of the file was skipped")
        first = first[1:]
    yield first
    yield from lines
