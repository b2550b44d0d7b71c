"""What a file format is: the record that each format file fills in, and what its functions are given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, NamedTuple, TextIO, TypeVar

from globalner.data.formats.lines import BYTE_ORDER_MARK, numbered_lines
from globalner.data.report import Report
from globalner.errors import DataError
from globalner.types import Document

__all__ = ["Format", "Opened", "Reading", "Sample", "Sniff", "Writing"]

OptionsT = TypeVar("OptionsT")


@dataclass(frozen=True, slots=True)
class Sample:
    """The beginning of a file, for telling its format: its path and its first lines (blank ones included)."""

    path: Path
    lines: list[str]

    @property
    def suffix(self) -> str:
        """The file's suffix in lower case, with its dot."""
        return self.path.suffix.lower()

    @property
    def filled(self) -> list[str]:
        """The lines that are not blank."""
        return [line for line in self.lines if line.strip()]


class Sniff(NamedTuple):
    """Whether a file looks like a format, and why or why not, as the end of a sentence in plain words."""

    fits: bool
    why: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One pass through a file.

    Attributes:
        path: The file.
        report: Where repairs and notes go.
        strict: Whether the first repair is an error.
    """

    path: Path
    report: Report
    strict: bool = False

    def lines(self) -> Iterator[tuple[int, str]]:
        """The file's lines with their numbers from 1; see `numbered_lines`."""
        return numbered_lines(self.path, self.report)

    def error(self, message: str, line: int | None = None) -> DataError:
        """The error to raise for a line of this file."""
        return DataError(message, path=self.path, line=line)

    def repair(self, reason: str, example: str, line: int) -> None:
        """Counts a repair.

        Raises:
            DataError: If reading is strict.
        """
        if self.strict:
            raise self.error(f"{reason}: {example}; mend the line, or read without strict to have it repaired", line)
        self.report.add(reason, f"line {line}: {example}")


@dataclass(slots=True)
class Writing:
    """One file being written.

    Attributes:
        file: The open file (UTF-8, line ends as given).
        notes: What the format leaves out by its nature, such as scores; never a reason to refuse.
        losses: What the format should hold and cannot; a reason to refuse unless the caller accepts losses.
    """

    file: TextIO
    notes: Report = field(default_factory=Report)
    losses: Report = field(default_factory=Report)
    started: bool = False

    def put(self, text: str) -> None:
        """Writes a piece of text.

        Raises:
            DataError: If the text holds a lone surrogate, which UTF-8 has no form for.
        """
        try:
            if not self.started and text.startswith(BYTE_ORDER_MARK):
                self.file.write(BYTE_ORDER_MARK)  # readers skip one such mark; the second is the text's own
            self.file.write(text)
        except UnicodeEncodeError as error:
            place = text[max(0, error.start - 20) : error.start]
            raise DataError(
                f"a document holds a lone surrogate U+{ord(text[error.start]):04X} after {place!r}; "
                "such half characters cannot be written as UTF-8; take them out of the text"
            ) from None
        self.started = self.started or bool(text)

    def note_left_out(self, document: Document, *, keeps_id: bool = False, keeps_tokens: bool = False) -> None:
        """Notes what goes with a document and most formats have no place for."""
        if document.id is not None and not keeps_id:
            self.notes.add("document id left out", document.id)
        if document.tokens is not None and not keeps_tokens:
            self.notes.add("given words of a document left out")
        for key in document.extra:
            self.notes.add("further key of a document left out", key)
        if document.limited:
            self.notes.add("mark 'limited' of a document left out")
        for entity in document.entities:
            if entity.score is not None:
                self.notes.add("score of an entity left out")


class Opened(NamedTuple):
    """A file whose form is known: the evidence for it, and what reads the documents of one pass."""

    evidence: str
    read: Callable[[Reading], Iterator[Document]]


@dataclass(frozen=True, slots=True)
class Format(Generic[OptionsT]):
    """A file format.

    Attributes:
        name: The name that people give.
        description: One line for people.
        suffixes: File suffixes, lower case with the dot, the usual one first; none where people must name the format.
        options: Makes the default options; also the class that the format's options must be of.
        sniff: Says whether the beginning of a file looks like this format.
        open: Looks at a file as far as needed to know how to read it.
        write: Writes documents, counting what cannot be carried.
    """

    name: str
    description: str
    suffixes: tuple[str, ...]
    options: type[OptionsT]
    sniff: Callable[[Sample], Sniff]
    open: Callable[[Path, OptionsT], Opened]
    write: Callable[[Iterable[Document], Writing, OptionsT], None]
