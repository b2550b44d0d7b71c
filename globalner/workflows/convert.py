"""From one file format to another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from globalner.data import Report
from globalner.data.documents import DocumentReader
from globalner.errors import DataError
from globalner.types import Document
from globalner.workflows.file_form import FileForm
from globalner.workflows.output_place import refuse_sources

__all__ = ["ConversionResult", "ConvertOptions", "convert_file"]

_SHOWN_ERRORS = 20
_DOCUMENTS_AT_ONCE = 256


@dataclass(frozen=True)
class ConvertOptions:
    """What to do on the way.

    Attributes:
        lossy: Whether to leave out what the new format cannot hold, rather than write nothing.
        strict: Whether a repair on reading is an error.
        skip_unreadable: Whether to leave out documents that cannot be read, rather than stop at the first.
        advance: Called with the number of documents done since the last call.
    """

    lossy: bool = False
    strict: bool = False
    skip_unreadable: bool = False
    advance: Callable[[int], None] = field(default=lambda _: None)


@dataclass(frozen=True)
class ConversionResult:
    """What a conversion did.

    Attributes:
        documents: Number of documents read.
        entities: Number of entities read.
        format: The format that was read.
        evidence: Why it was taken for that, in plain words.
        read_report: Repairs and notes of reading.
        write_report: What the new format could not hold.
        unreadable: Number of documents that could not be read and were left out.
        first_errors: Why, for the first of these.
    """

    documents: int
    entities: int
    format: str
    evidence: str
    read_report: Report
    write_report: Report
    unreadable: int = 0
    first_errors: tuple[str, ...] = ()


def convert_file(
    source: Path,
    target: Path,
    *,
    reading: FileForm | None = None,
    writing: FileForm | None = None,
    options: ConvertOptions | None = None,
) -> ConversionResult:
    """Converts a file as a stream: memory does not grow with it. The new file appears whole or not at all.

    Args:
        source: The file to read.
        target: The file to write; replaced if it exists.
        reading: How it is read; None: as it shows.
        writing: How the new one is written; None: by its suffix.
        options: What to do on the way; None: refuse losses and documents that cannot be read, count repairs.

    Raises:
        DataError: If the file cannot be read, or of its documents none.
        LossError: If the new format cannot hold everything and that is not accepted.
        OutputError: If the new file cannot be written, is the one that is read, or lies in the folder that is read.
    """
    chosen = options or ConvertOptions()
    reader = (reading or FileForm()).reader(source, strict=chosen.strict)
    refuse_sources([source], target, "convert")
    errors = _FirstErrors()
    counts = _Counts(chosen.advance)
    documents = counts.of(_readable(reader, errors) if chosen.skip_unreadable else reader)
    write_report = (writing or FileForm()).write(documents, target, lossy=chosen.lossy)
    return ConversionResult(
        counts.documents,
        counts.entities,
        reader.format,
        reader.evidence,
        reader.report,
        write_report,
        errors.total,
        tuple(map(str, errors)),
    )


def _readable(reader: DocumentReader, errors: _FirstErrors) -> Iterator[Document]:
    found = False
    for document in reader.readable(errors):
        found = True
        yield document
    if not found:
        raise DataError(f"no document can be read, {errors.total:,} cannot; the first: {errors[0]}", path=reader.path)


class _FirstErrors(list[DataError]):
    """Counts all errors and keeps the first ones."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def append(self, error: DataError) -> None:
        """Counts an error."""
        self.total += 1
        if len(self) < _SHOWN_ERRORS:
            super().append(error)


@dataclass
class _Counts:
    advance: Callable[[int], None]
    documents: int = 0
    entities: int = 0

    def of(self, documents: Iterable[Document]) -> Iterator[Document]:
        for document in documents:
            self.documents += 1
            self.entities += len(document.entities)
            yield document
            if self.documents % _DOCUMENTS_AT_ONCE == 0:
                self.advance(_DOCUMENTS_AT_ONCE)
        self.advance(self.documents % _DOCUMENTS_AT_ONCE)
