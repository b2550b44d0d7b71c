"""What a file format is: the record that each format file fills in, and what its functions are given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Literal, NamedTuple, TextIO, TypeVar

from globalner.data.formats.lines import BYTE_ORDER_MARK, Source
from globalner.data.report import Report
from globalner.errors import DataError
from globalner.types import Document

__all__ = ["Carries", "Format", "Opened", "Reading", "Sample", "Sniff", "Source", "Writing"]

OptionsT = TypeVar("OptionsT")


@dataclass(frozen=True, slots=True)
class Sample:
    """The beginning of a file or folder, for telling its format.

    Attributes:
        path: The file or folder.
        lines: Its first lines, blank ones included; none where it is a folder or no text.
        head: Its first bytes; none of a folder.
        names: Paths of the files in a folder and its folders, relative to it, in order, some hundreds at most.
    """

    path: Path
    lines: list[str]
    head: bytes = b""
    names: tuple[str, ...] = ()

    @property
    def suffix(self) -> str:
        """The file's suffix in lower case, with its dot."""
        return self.path.suffix.lower()

    @property
    def filled(self) -> list[str]:
        """The lines that are not blank."""
        return [line for line in self.lines if line.strip()]


@dataclass(frozen=True, slots=True)
class Carries:
    """What a format has a place for, beside texts and flat entities.

    Attributes:
        nested: Entities inside others.
        crossing: Entities that overlap and neither holds the other.
        same_span: Several labels on one span.
        exact_text: Any text, line breaks and runs of blanks included.
        scores: Scores of entities.
        ids: Names of documents.
        tokens: Given words.
        extra: Further keys of documents.
    """

    nested: bool = False
    crossing: bool = False
    same_span: bool = False
    exact_text: bool = True
    scores: bool = False
    ids: bool = False
    tokens: bool = False
    extra: bool = False


class Sniff(NamedTuple):
    """Whether a file looks like a format, and why or why not, as the end of a sentence in plain words."""

    fits: bool
    why: str


@dataclass(slots=True)
class Reading:
    """One pass through a file or folder.

    Attributes:
        source: The file or folder.
        report: Where repairs and notes go.
        strict: Whether the first repair is an error.
        rejected: Takes the errors of documents that cannot be read, which are then left out; None: the first is raised.
        line: Number of the line that was read last; a reader that has read on when it gives a document sets it to
            the line where that one begins.
        name: Of a file of a folder: its path in the folder, which reports show before the line.
    """

    source: Source
    report: Report
    strict: bool = False
    rejected: list[DataError] | None = None
    line: int | None = None
    name: str = ""

    @property
    def path(self) -> Path:
        """The file or folder."""
        return self.source.path

    def lines(self) -> Iterator[tuple[int, str]]:
        """The file's lines with their numbers from 1; see `Source.lines`."""
        for number, line in self.source.lines(self.report):
            self.line = number
            yield number, line

    def of(self, path: Path) -> Reading:
        """The same pass, in a file of the folder."""
        name = path.relative_to(self.path).as_posix() if self.path in path.parents else path.name
        return Reading(self.source.at(path), self.report, self.strict, self.rejected, name=name)

    def reject(self, error: DataError) -> None:
        """Says that a document cannot be read; the caller goes on with the next one.

        Raises:
            DataError: The error itself, unless such errors are collected.
        """
        if self.rejected is None:
            raise error
        self.rejected.append(error)

    def error(self, message: str, line: int | None = None) -> DataError:
        """The error to raise for a line of this file."""
        return DataError(message, path=self.path, line=line)

    def repair(self, reason: str, example: str, line: int | None) -> None:
        """Counts a repair; without a line the example says where it was.

        Raises:
            DataError: If reading is strict.
        """
        if self.strict:
            raise self.error(f"{reason}: {example}; mend the line, or read without strict to have it repaired", line)
        self.report.add(reason, example if line is None else f"{self.place(line)}: {example}")

    def place(self, line: int) -> str:
        """A line for a report: with its file where a folder is read."""
        return f"{self.name}:{line}" if self.name else f"line {line}"


@dataclass(slots=True)
class Writing:
    """One file or folder being written.

    Attributes:
        file: The open file (UTF-8, line ends as given); of a format that is no text, None.
        path: Where the file or folder is made that takes its place when it is whole; the folder is there. None where
            text goes to a stream.
        notes: What the format leaves out by its nature, such as scores; never a reason to refuse.
        losses: What the format should hold and cannot; a reason to refuse unless the caller accepts losses.
        started: Whether anything was put.
        suffix: Of the file that is made, lower case with its dot; empty where text goes to a stream.
    """

    file: TextIO | None
    path: Path | None = None
    notes: Report = field(default_factory=Report)
    losses: Report = field(default_factory=Report)
    started: bool = False
    suffix: str = ""

    def put(self, text: str) -> None:
        """Writes a piece of text.

        Raises:
            DataError: If the text holds a lone surrogate, which UTF-8 has no form for.
        """
        assert self.file is not None, "a format that is no text makes its own files"
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

    def note_left_out(
        self,
        document: Document,
        *,
        keeps_id: bool = False,
        keeps_tokens: bool = False,
        keeps_extra: bool = False,
        keeps_scores: bool = False,
    ) -> None:
        """Notes what goes with a document and most formats have no place for."""
        if document.id is not None and not keeps_id:
            self.notes.add("document id left out", document.id)
        if document.tokens is not None and not keeps_tokens:
            self.notes.add("given words of a document left out")
        for key in document.extra if not keeps_extra else ():
            self.notes.add("further key of a document left out", key)
        if document.limited:
            self.notes.add("mark 'limited' of a document left out")
        for entity in document.entities:
            if entity.score is not None and not keeps_scores:
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
        open: Looks at a file or folder as far as needed to know how to read it.
        write: Writes documents, counting what cannot be carried.
        carries: What it has a place for.
        kind: "text": a file of text; "binary": another file; "folder": a folder of files.
        address: How names begin that are no paths and that the format finds by itself; empty: there are none.
        members: Of a folder of files: suffixes of those files that can also be read alone.
    """

    name: str
    description: str
    suffixes: tuple[str, ...]
    options: type[OptionsT]
    sniff: Callable[[Sample], Sniff]
    open: Callable[[Source, OptionsT], Opened]
    write: Callable[[Iterable[Document], Writing, OptionsT], None]
    carries: Carries
    kind: Literal["text", "binary", "folder"] = "text"
    members: tuple[str, ...] = ()
    address: str = ""

    def is_address(self, path: Path) -> bool:
        """Whether a name is no path but one that the format finds by itself."""
        return bool(self.address) and path.as_posix().startswith(self.address)
