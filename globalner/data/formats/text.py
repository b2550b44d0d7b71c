"""Plain text: one document a line, empty lines included, or the whole file as one document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from globalner.data.formats.format import Carries, Format, Opened, Reading, Sample, Sniff, Source, Writing
from globalner.data.formats.lines import BYTE_ORDER_MARK
from globalner.errors import DataError
from globalner.types import Document

__all__ = ["TEXT", "TextOptions"]


@dataclass(frozen=True, slots=True)
class TextOptions:
    """Options of plain text.

    Attributes:
        whole_file: Whether the file is one document, with its line ends as they stand, instead of one a line.
    """

    whole_file: bool = False


def _sniff(sample: Sample) -> Sniff:
    return Sniff(sample.suffix in TEXT.suffixes, "the name does not end in .txt")


def _open(_source: Source, options: TextOptions) -> Opened:
    kind = "the whole file as one document" if options.whole_file else "one document a line"
    return Opened(f"plain text, {kind}", partial(_read, options))


def _read(options: TextOptions, reading: Reading) -> Iterator[Document]:
    if options.whole_file:
        yield Document(_whole(reading))
        return
    for _, line in reading.lines():
        yield Document(line)


def _whole(reading: Reading) -> str:
    text = reading.source.text(reading.report)
    if text.startswith(BYTE_ORDER_MARK):
        reading.report.note("a byte order mark at the start of the file was skipped")
        return text[1:]
    return text


def _write(documents: Iterable[Document], writing: Writing, options: TextOptions) -> None:
    for number, document in enumerate(documents, start=1):
        _count_left_out(document, writing)
        if options.whole_file:
            if number > 1:
                raise DataError("there is more than one document, but whole_file writes one; leave it out")
            writing.put(document.text)
            continue
        line = document.text.replace("\n", " ")
        line = line[:-1] + " " if line.endswith("\r") else line
        if line != document.text:
            writing.losses.add("document with line breaks, which become blanks", repr(document.text[:60]))
        writing.put(line + "\n")


def _count_left_out(document: Document, writing: Writing) -> None:
    for entity in document.entities:
        writing.losses.add("entity, which plain text cannot hold", f"{entity.label} {entity.text!r}")
    if document.id is not None:
        writing.notes.add("document id left out", document.id)
    if document.tokens is not None:
        writing.notes.add("given words of a document left out")
    for key in document.extra:
        writing.notes.add("further key of a document left out", key)


TEXT = Format(
    name="text",
    description="plain text without entities, one document a line (or the whole file as one)",
    suffixes=(".txt",),
    options=TextOptions,
    sniff=_sniff,
    open=_open,
    write=_write,
    carries=Carries(exact_text=False),
)
