"""The documents of one part of a recipe's data: held in memory, or read again at each pass where they are many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from globalner.config import Recipe, split_records
from globalner.data.documents import DocumentReader
from globalner.errors import DataError
from globalner.types import Document, Documents
from globalner.workflows.file_form import FileForm

__all__ = ["HELD_CHARS", "read_split", "read_training_split"]

HELD_CHARS = 50_000_000
"""Most characters of training texts that are held in memory; a text of 40 takes about a thousand bytes there."""


class _FileDocuments:
    """Records of a file, read again whenever they are gone through."""

    def __init__(self, reader: DocumentReader, records: slice, count: int) -> None:
        self._reader, self._records, self._count = reader, records, count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Document]:
        return _taken(self._reader, self._records)


def read_split(recipe: Recipe, split: str, say: Callable[[str], None]) -> list[Document]:
    """The documents of one part of a recipe's data.

    Args:
        recipe: Its data paths absolute.
        split: "train", "dev" or "test".
        say: Takes lines about what was read.

    Raises:
        DataError: If the file cannot be read, or has not the records that are asked for.
    """
    documents = _read(recipe, split, say, most_chars=None)
    assert isinstance(documents, list)
    return documents


def read_training_split(recipe: Recipe, say: Callable[[str], None], *, most_chars: int = HELD_CHARS) -> Documents:
    """The training documents: a list, or, of more characters than that, what reads them again at each pass.

    Args:
        recipe: Its data paths absolute.
        say: Takes lines about what was read.
        most_chars: Most characters that are held in memory.

    Raises:
        DataError: If the file cannot be read, or has not the records that are asked for.
    """
    return _read(recipe, "train", say, most_chars=most_chars)


def _read(recipe: Recipe, split: str, say: Callable[[str], None], *, most_chars: int | None) -> Documents:
    path, records = split_records(getattr(recipe.data, split))
    reader = FileForm(recipe.data.format, recipe.data.format_options, recipe.data.encoding).reader(Path(path))
    held: list[Document] | None = []
    count = entities = chars = 0
    for document in _taken(reader, records):
        count, entities = count + 1, entities + len(document.entities)
        chars += len(document.text)
        if held is not None:
            held.append(document)
            held = held if most_chars is None or chars <= most_chars else None
    if not count or count < (records.stop or 0) - records.start:
        raise _missing(path, records, split, records.start + count if count else _count(reader))
    say(f"{split}: {count:,} documents, {entities:,} entities, read as {reader.format} ({reader.evidence})")
    for line in reader.report.lines():
        say(f"  {line}")
    if held is None:
        say(f"  {chars:,} characters are more than are held in memory: the file is read again at each pass over it")
        return _FileDocuments(reader, records, count)
    return held


def _taken(reader: DocumentReader, records: slice) -> Iterator[Document]:
    for place, document in enumerate(reader):
        if place >= records.start:
            yield document
        if place + 1 == records.stop:
            return


def _count(reader: DocumentReader) -> int:
    return sum(1 for _ in reader)


def _missing(path: str, records: slice, split: str, there: int) -> DataError:
    asked = f"{records.start} up to " + ("the end" if records.stop is None else f"and without {records.stop}")
    return DataError(
        f"holds {there:,} documents, but data.{split} asks for the records {asked}, counted from 0", path=path
    )
