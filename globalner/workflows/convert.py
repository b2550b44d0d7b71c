"""From one file format to another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from globalner.data import Report
from globalner.errors import OutputError
from globalner.types import Document
from globalner.workflows.file_form import FileForm

__all__ = ["ConversionResult", "convert_file"]


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
    """

    documents: int
    entities: int
    format: str
    evidence: str
    read_report: Report
    write_report: Report


def convert_file(
    source: Path,
    target: Path,
    *,
    reading: FileForm | None = None,
    writing: FileForm | None = None,
    lossy: bool = False,
    strict: bool = False,
) -> ConversionResult:
    """Converts a file as a stream: memory does not grow with it. The new file appears whole or not at all.

    Args:
        source: The file to read.
        target: The file to write; replaced if it exists.
        reading: How it is read; None: as it shows.
        writing: How the new one is written; None: by its suffix.
        lossy: Whether to leave out what the new format cannot hold.
        strict: Whether a tag sequence that needs a repair is an error.

    Raises:
        DataError: If the file cannot be read, or the new format cannot hold everything and `lossy` is False.
        OutputError: If the new file cannot be written, or is the one that is read.
    """
    reader = (reading or FileForm()).reader(source, strict=strict)
    if target.exists() and source.exists() and target.samefile(source):
        raise OutputError(f"{target} is the file to convert; name another file for the output")
    counts = _Counts()
    write_report = (writing or FileForm()).write(counts.of(reader), target, lossy=lossy)
    return ConversionResult(
        counts.documents, counts.entities, reader.format, reader.evidence, reader.report, write_report
    )


@dataclass
class _Counts:
    documents: int = 0
    entities: int = 0

    def of(self, documents: Iterable[Document]) -> Iterator[Document]:
        for document in documents:
            self.documents += 1
            self.entities += len(document.entities)
            yield document
