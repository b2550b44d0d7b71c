"""Several sets made one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from globalner.data import Report
from globalner.data.documents import DocumentReader
from globalner.data.merging import MergedText
from globalner.data.text_digests import entities_digest, text_digest
from globalner.errors import DataError
from globalner.types import Document
from globalner.workflows.file_form import FileForm
from globalner.workflows.output_place import refuse_sources

__all__ = ["MergeOptions", "MergeResult", "SameTexts", "merge_files"]

SameTexts = Literal["refuse", "keep", "union"]
_DIGEST_BYTES = 16


@dataclass(frozen=True)
class MergeOptions:
    """How to merge.

    Attributes:
        same_texts: What to do with documents that have the same text. "refuse": write all of them, but nothing if
            they differ in their entities; "keep": write all of them as they are; "union": write one with the
            entities of all, where the first of them stands.
        unique_ids: Whether an id that an earlier document has is changed: `7` becomes `7-2`.
        writing: How the new file is written; see `FileForm.following` for the format auto.
        lossy: Whether to leave out what the new format cannot hold.
        max_conflicts: How many conflicts are kept for the result; all are counted.
        advance: Called with the number of documents done since the last call.
    """

    same_texts: SameTexts = "refuse"
    unique_ids: bool = False
    writing: FileForm = field(default_factory=FileForm)
    lossy: bool = False
    max_conflicts: int = 100
    advance: Callable[[int], None] = field(default=lambda _: None)


@dataclass(frozen=True)
class MergeResult:
    """What a merge did.

    Attributes:
        read: Documents read, by file.
        documents: Documents written.
        entities: Their entities.
        report: By reason, what was done to documents that share an id or a text; conflicts with examples.
        conflicts: Entities that documents of the same text see differently, the first of them.
        read_reports: Repairs and notes of reading, by file.
        write_report: What the format could not hold.
    """

    read: Mapping[str, int]
    documents: int
    entities: int
    report: Report
    conflicts: tuple[str, ...]
    read_reports: Mapping[str, Report]
    write_report: Report

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "read": dict(self.read),
            "documents": self.documents,
            "entities": self.entities,
            "changes": self.report.counts,
            "conflicts": list(self.conflicts),
            "left_out": self.write_report.counts,
        }


def merge_files(
    sources: Sequence[Path],
    target: Path,
    *,
    reading: FileForm | None = None,
    options: MergeOptions | None = None,
) -> MergeResult:
    """Writes the documents of several files to one, in order; it appears whole or not at all.

    The files are read twice. What is kept between is two numbers for each text, the ids, and the documents whose text
    occurs more than once if they are to be united.

    Args:
        sources: The files; one alone may be given, to unite the texts in it.
        target: The file to write; replaced if it exists.
        reading: How the files are read; None: as each shows.
        options: How to merge.

    Raises:
        DataError: If a file cannot be read, or documents of the same text have other entities and that is refused.
        OutputError: If the new file cannot be written, or is one that is read.
    """
    options = options or MergeOptions()
    refuse_sources(sources, target, "merge")
    readers = [(reading or FileForm()).reader(source) for source in sources]
    merge = _Merge(options)
    read = {str(reader.path): merge.look_at(reader) for reader in readers}
    merge.refuse_conflicts()
    if options.same_texts == "union":
        merge.unite(readers)
    writing = options.writing.following(readers, target)
    write_report = writing.write(merge.documents(readers), target, lossy=options.lossy)
    reports = {str(reader.path): reader.report for reader in readers}
    return MergeResult(read, merge.written, merge.entities, merge.report, tuple(merge.conflicts), reports, write_report)


class _Merge:
    """One merge: a first look at everything, then the documents as they are to be written."""

    def __init__(self, options: MergeOptions) -> None:
        self.report = Report()
        self.conflicts: list[str] = []
        self.written = self.entities = 0
        self._options = options
        self._times: Counter[int] = Counter()
        self._first: dict[int, tuple[str, int]] = {}
        self._ids: Counter[str] = Counter()
        self._united: dict[int, MergedText] = {}
        self._differing = 0

    def look_at(self, reader: DocumentReader) -> int:
        """Takes ids and texts of a file; returns how many documents it has."""
        number = 0
        for number, document in enumerate(reader, start=1):
            if document.id is not None:
                self._ids[document.id] += 1
            digest, entities = _digest(document), entities_digest(document.entities)
            self._times[digest] += 1
            place = _place(reader, number)
            first = self._first.setdefault(digest, (place, entities))
            if first[1] != entities:
                self._differing += 1
                if self._options.same_texts == "keep":
                    self.report.add("document with the text of an earlier one and other entities, kept", place)
                self._conflict(f"{place} and {first[0]} have the same text and other entities: {document.text[:60]!r}")
            self._options.advance(1)
        return number

    def refuse_conflicts(self) -> None:
        if self._options.same_texts == "refuse" and self._differing:
            shown = "\n".join(self.conflicts[:10]) + ("\n..." if self._differing > 10 else "")
            raise DataError(
                f"{self._differing:,} documents have the text of an earlier one and other entities, so nothing was "
                f"written:\n{shown}\nunite their entities (--same-texts union), or keep them all (--same-texts keep)"
            )

    def unite(self, readers: Sequence[DocumentReader]) -> None:
        """Collects the documents whose text occurs more than once."""
        self.conflicts.clear()
        for reader in readers:
            for number, document in enumerate(reader, start=1):
                digest = _digest(document)
                if self._times[digest] < 2 or not document.text.strip():
                    continue
                united = self._united.setdefault(digest, MergedText())
                for conflict in united.add(document, _place(reader, number), self.report):
                    self._conflict(conflict)

    def documents(self, readers: Sequence[DocumentReader]) -> Iterator[Document]:
        """The documents to write, in order."""
        taken: set[str] = set()
        for document in self._united_documents(readers):
            named = self._with_own_id(document, taken)
            self.written += 1
            self.entities += len(named.entities)
            yield named

    def _united_documents(self, readers: Iterable[DocumentReader]) -> Iterator[Document]:
        done: set[int] = set()
        for reader in readers:
            for document in reader:
                digest = _digest(document)
                united = self._united.get(digest)
                if united is None:
                    yield document
                elif digest not in done:
                    done.add(digest)
                    yield united.document

    def _with_own_id(self, document: Document, taken: set[str]) -> Document:
        name = document.id
        if name is None or name not in taken:
            if name is not None:
                taken.add(name)
            return document
        if not self._options.unique_ids:
            self.report.add("id that an earlier document has; --unique-ids gives it another", repr(name))
            return document
        number = 2
        while f"{name}-{number}" in taken or f"{name}-{number}" in self._ids:
            number += 1
        taken.add(f"{name}-{number}")
        self.report.add("id that an earlier document has, made another", f"{name!r} now {f'{name}-{number}'!r}")
        return replace(document, id=f"{name}-{number}")

    def _conflict(self, text: str) -> None:
        if len(self.conflicts) < self._options.max_conflicts:
            self.conflicts.append(text)


def _digest(document: Document) -> int:
    return text_digest(document.text, size_bytes=_DIGEST_BYTES)


def _place(reader: DocumentReader, number: int) -> str:
    return f"{reader.path}:{reader.line}" if reader.line is not None else f"{reader.path}, document {number}"
