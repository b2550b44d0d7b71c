"""Parquet: a table with a row for each document, with texts and entities, or with words and tags.

    text          entities                                          tokens                 ner_tags
    Ada met Bob   [{start: 0, end: 3, label: PER}, ...]     or      [Ada, met, Bob]        [B-PER, O, B-PER]

The columns are found by their usual names and types, or named by options. Offsets count Unicode code points unless an
option says otherwise, the end exclusive. Entities may also be a struct of lists; tags are of any scheme of column
files, or labels alone, or numbers, whose names `datasets` keeps in the file or an option gives. Where there is a text
beside words and tags, it is the document's if it holds the words. Other columns are kept as further keys, values that
are no JSON (dates, bytes) are left out and counted.

Written are `id`, `text`, `entities` (with scores), `tokens` (offsets) and `extra` (further keys as JSON), which hold
everything; or by option words and tags, which hold no overlapping entities. Needs the extra `parquet`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from globalner.data.formats.format import Carries, Format, Opened, Reading, Sample, Sniff, Source, Writing
from globalner.data.formats.packages import require_package
from globalner.data.formats.table_layout import TableLayout, TableOptions, table_layout
from globalner.data.formats.table_rows import documents_of_rows, record_batches, table_schema
from globalner.errors import DataError
from globalner.types import Document

if TYPE_CHECKING:
    import pyarrow.parquet as pq

__all__ = ["PARQUET"]

_NAME = "parquet"
_MARK = b"PAR1"


def _sniff(sample: Sample) -> Sniff:
    return Sniff(sample.head.startswith(_MARK), f"it does not begin with {_MARK.decode()}")


def _open(source: Source, options: TableOptions) -> Opened:
    require_package("pyarrow", "parquet", _NAME)
    from pyarrow import parquet

    with _readable(source), source.bytes() as file:
        table = parquet.ParquetFile(file)
        try:
            layout = table_layout(table.schema_arrow, options, partial(_column, table))
        except DataError as error:
            raise DataError(error.message, path=source.path) from None
    return Opened(layout.evidence, partial(_read, layout))


def _read(layout: TableLayout, reading: Reading) -> Iterator[Document]:
    with reading.source.bytes() as file:
        yield from documents_of_rows(_rows(reading.source, file), layout, reading)


def _rows(source: Source, file: BinaryIO) -> Iterator[dict[str, object]]:
    from pyarrow import parquet

    with _readable(source):
        for batch in parquet.ParquetFile(file).iter_batches(batch_size=1000):
            yield from batch.to_pylist()


def _column(table: pq.ParquetFile, name: str) -> Iterator[Sequence[object] | None]:
    for batch in table.iter_batches(columns=[name]):
        yield from batch.column(0).to_pylist()


@contextmanager
def _readable(source: Source) -> Iterator[None]:
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, OSError) as error:
        raise DataError(f"is not a Parquet file that can be read: {error}", path=source.path) from None


def _write(documents: Iterable[Document], writing: Writing, options: TableOptions) -> None:
    require_package("pyarrow", "parquet", _NAME)
    from pyarrow import parquet

    assert writing.path is not None
    with parquet.ParquetWriter(writing.path, table_schema(options)) as file:
        for batch in record_batches(documents, writing, options):
            file.write_batch(batch)


PARQUET = Format(
    name=_NAME,
    description="a table of texts with entities, or of words with tags (Parquet)",
    suffixes=(".parquet",),
    options=TableOptions,
    sniff=_sniff,
    open=_open,
    write=_write,
    carries=Carries(nested=True, crossing=True, same_span=True, scores=True, ids=True, tokens=True, extra=True),
    kind="binary",
)
