"""Texts that stand beside a table of offsets: a CSV file of ids and texts, or a folder of text files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from globalner.data.formats.csv_columns import CsvOptions, columns_of, separator_of
from globalner.data.formats.csv_rows import csv_rows
from globalner.data.formats.document_files import natural_order
from globalner.data.formats.format import Reading
from globalner.data.formats.lines import BYTE_ORDER_MARK, Source, check_path
from globalner.errors import DataError

__all__ = ["texts_by_id"]


def texts_by_id(reading: Reading, place: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Streams `(ids, text)`, where `ids` are the names that a row may call the text by, the usual one first.

    Args:
        reading: The pass through the table; the texts are read in the same way.
        place: The file or folder, relative to the table's folder, else to the working directory.

    Raises:
        DataError: If it is missing, or is a file without a column of ids and one of texts.
    """
    beside = reading.path.parent / place
    path = beside if beside.exists() else Path(place)
    check_path(path)
    if not path.is_dir():
        yield from _rows_of(reading.source.at(path), reading)
        return
    for file in sorted(path.glob("*.txt"), key=lambda each: natural_order(each.name)):
        text = reading.source.at(file).text(reading.report)
        yield (file.stem, file.name), text.removeprefix(BYTE_ORDER_MARK)


def _rows_of(source: Source, reading: Reading) -> Iterator[tuple[tuple[str, ...], str]]:
    header = next((line for line in source.sample_lines() if line.strip()), "")
    rows = csv_rows(source, separator_of(CsvOptions(), header), reading.report)
    line, names = next(rows, (1, []))
    try:
        columns = columns_of(names, CsvOptions(), ("id", "text"))
    except DataError as error:
        raise DataError(error.message, path=source.path, line=line) from None
    assert columns.id is not None, "needed"
    assert columns.text is not None, "needed"
    for line, row in rows:
        if len(row) != columns.width:
            problem = f"the row has {len(row)} cells where the header has {columns.width}"
            reading.reject(DataError(problem, path=source.path, line=line))
        else:
            yield (row[columns.id],), row[columns.text]
