"""One XML file with a root, read as a stream. Nothing outside the file is read, and no entity that it declares."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NoReturn
from xml.parsers import expat

from globalner.data.formats.format import Reading
from globalner.data.formats.tag_nesting import TaggedText
from globalner.data.formats.xml_options import XmlOptions
from globalner.errors import DataError
from globalner.types import Document

__all__ = ["read_xml_file", "xml_file_begins"]


def xml_file_begins(lines: list[str]) -> bool:
    """Whether lines begin an XML file with a root, rather than being lines with tags."""
    filled = [line for line in lines if line.strip()]
    if filled and filled[0].lstrip().startswith(("<?", "<!")):
        return True
    depth = 0

    def enter(_name: str, _attributes: object) -> None:
        nonlocal depth
        depth += 1

    def leave(_name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = enter, leave
    try:
        parser.Parse("\n".join(filled).lstrip() + "\n")
    except expat.ExpatError:
        return depth > 0 and parser.ErrorLineNumber > 1
    return depth > 0 or len(filled) > 1


def read_xml_file(options: XmlOptions, reading: Reading) -> Iterator[Document]:
    """Reads the documents.

    Raises:
        DataError: At what is not well-formed, with the line; nothing behind it can be read.
    """
    content = _Content(options, reading)
    try:
        for piece in reading.source.pieces(reading.report):
            content.feed(piece)
            yield from content.finished()
        content.feed("", last=True)
    except expat.ExpatError as error:
        yield from content.finished()
        problem = expat.ErrorString(error.code)
        raise reading.error(
            f"is not well-formed XML: {problem} at character {error.offset + 1}", error.lineno
        ) from None
    yield from content.finished()


class _Content:
    """What the parser calls."""

    def __init__(self, options: XmlOptions, reading: Reading) -> None:
        self._options = options
        self._reading = reading
        self._finished: deque[tuple[int, Document | str]] = deque()
        self._depth = 0
        self._document: _OpenDocument | None = None
        self._labels: list[str | None] = []
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._enter
        self._parser.EndElementHandler = self._leave
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.EntityDeclHandler = self._entity_declaration
        self._parser.SkippedEntityHandler = self._skipped

    def feed(self, text: str, *, last: bool = False) -> None:
        """Parses a piece."""
        self._parser.Parse(text, last)

    def finished(self) -> Iterator[Document]:
        """The documents that are whole, each once; those that cannot be read are rejected."""
        while self._finished:
            self._reading.line, document = self._finished.popleft()
            if isinstance(document, str):
                self._reading.reject(self._reading.error(document, self._reading.line))
            else:
                yield document

    @property
    def _place(self) -> str:
        return f"line {self._parser.CurrentLineNumber}"

    def _enter(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._document is not None:
            self._open_entity(self._document, self._options.label(name, attributes, self._reading.report))
            return
        wanted = self._options.document_tag
        if name == wanted if wanted else self._depth == 2:
            line = self._parser.CurrentLineNumber
            self._document = _OpenDocument(
                self._depth, line, attributes.pop("id", None), TaggedText(self._reading.report)
            )
            for key in attributes:
                self._reading.report.add("attribute of a document that is not read", key)

    def _leave(self, _name: str) -> None:
        self._depth -= 1
        document = self._document
        if document is None:
            return
        if self._depth >= document.depth:
            self._close_entity(document)
            return
        self._document = None
        self._finished.append((document.line, document.error or document.text.document(id=document.id)))

    def _open_entity(self, document: _OpenDocument, label: str | None) -> None:
        self._labels.append(label or None)
        if label is not None:
            try:
                document.text.open(label, self._place)
            except DataError as error:
                document.error = document.error or error.message

    def _close_entity(self, document: _OpenDocument) -> None:
        label = self._labels.pop()
        if label is None:
            return
        try:
            document.text.close(label, self._place)
        except DataError as error:
            document.error = document.error or error.message

    def _characters(self, text: str) -> None:
        if self._document is not None:
            self._document.text.add(text)
        elif text.strip():
            reason = "text outside the documents, left out (document_tag names what a document is)"
            self._reading.report.add(reason, f"{self._place}: {text.strip()[:60]!r}")

    def _doctype(self, _name: str, _system: str | None, _public: str | None, _internal: bool) -> None:
        self._reading.report.note("the document type that the file names was not read")

    def _entity_declaration(self, name: str, *_further: object) -> NoReturn:
        raise self._reading.error(
            f"declares the entity {name!r} of its own, which is not read for safety; write what it stands for instead",
            self._parser.CurrentLineNumber,
        )

    def _skipped(self, name: str, _is_parameter: bool) -> NoReturn:
        raise self._reading.error(
            f"has &{name}; which the file does not define; write the character or its number",
            self._parser.CurrentLineNumber,
        )


class _OpenDocument:
    """A document that is being read: its depth and line, what it holds so far, and why it cannot be read."""

    def __init__(self, depth: int, line: int, id: str | None, text: TaggedText) -> None:
        self.depth = depth
        self.line = line
        self.id = id
        self.text = text
        self.error: str | None = None
