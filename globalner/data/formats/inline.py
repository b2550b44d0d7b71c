r"""Tags in double braces inside the text: one document a line.

    {{PER:Ada}} left {{ORG:University of {{LOC:Leeds}}}} in 1842.

Tags nest. A backslash takes from the next character its meaning: `\{`, `\}`, `\\`, in a label also `\:`; `\n` and
`\r` are line breaks, so that a document of several lines is one line of the file. A brace that stands alone means
itself. A backslash before another character means itself, which is counted as a repair. An empty line is a document
without characters.

Written are texts and nested entities. An entity that crosses another is a loss: it is counted, and writing refused
unless losses are accepted. The form has no place for ids, scores, given words and further keys; these are left out
and noted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from globalner.data.formats.format import Carries, Format, Opened, Reading, Sample, Sniff, Source, Writing
from globalner.data.formats.tag_nesting import TaggedText, Tags, nested_entities, tagged
from globalner.data.report import Report
from globalner.errors import DataError
from globalner.types import Document

__all__ = ["INLINE", "InlineOptions"]

_MARK = re.compile(r"\\(.?)|\{\{|\}\}", re.DOTALL)
_LABEL_MARK = re.compile(r"\\(.?)|:|\{\{|\}\}", re.DOTALL)
_MEANING = {"\\": "\\", "{": "{", "}": "}", "n": "\n", "r": "\r"}
_LABEL_MEANING = _MEANING | {":": ":"}
_TEXT_NEEDS_ESCAPE = re.compile(r"\\|\{(?=\{|\Z)|\}(?=\}|\Z)|[\r\n]")
_LABEL_NEEDS_ESCAPE = re.compile(r"[\\{}:\r\n]")
_ESCAPED = {"\n": "\\n", "\r": "\\r"}
_TAG = re.compile(r"\{\{[^{}:\s][^{}:]{0,80}:")
_SHOWN_CHARS = 30


@dataclass(frozen=True, slots=True)
class InlineOptions:
    """The form has no options."""


def _sniff(sample: Sample) -> Sniff:
    if sample.suffix in INLINE.suffixes:
        return Sniff(True, f"named {sample.suffix}")
    lines = [line for line in sample.lines if _TAG.search(line)]
    if not lines:
        return Sniff(False, "no line has a tag such as {{PER:Ada}}")
    return Sniff(2 * sum(map(_parses, lines)) >= len(lines), "most lines with {{ are not closed by }}")


def _parses(line: str) -> bool:
    try:
        _LineReader(line, Report()).document()
    except DataError:
        return False
    return True


def _open(_source: Source, _options: InlineOptions) -> Opened:
    return Opened("one document a line, entities tagged {{label:text}}", _read)


def _read(reading: Reading) -> Iterator[Document]:
    for number, line in reading.lines():
        try:
            document = _document(line, reading, number)
        except DataError as error:
            reading.reject(error)
        else:
            yield document


def _document(line: str, reading: Reading, number: int) -> Document:
    parsed = _LineReader(line, reading.report)
    try:
        document = parsed.document()
    except DataError as error:
        raise reading.error(error.message, number) from None
    for shown in parsed.needless:
        reading.repair("backslash before a character that needs none, read as itself", shown, number)
    return document


class _LineReader:
    """Turns one line into a document."""

    def __init__(self, line: str, report: Report) -> None:
        self._line = line
        self._at = 0
        self._tagged = TaggedText(report)
        self.needless: list[str] = []

    def document(self) -> Document:
        """The document.

        Raises:
            DataError: If a tag is not closed, has no label or no text, or nothing is open where one is closed.
        """
        while mark := _MARK.search(self._line, self._at):
            self._tagged.add(self._line[self._at : mark.start()])
            self._at = mark.end()
            place = self._place(mark.start())
            if mark[0] == "{{":
                self._tagged.open(self._label(place), place)
            elif mark[0] == "}}":
                self._close(place)
            else:
                self._tagged.add(self._meaning(mark, _MEANING))
        self._tagged.add(self._line[self._at :])
        return self._tagged.document()

    def _close(self, place: str) -> None:
        try:
            self._tagged.close(None, place)
        except DataError as error:
            raise DataError(f"{error.message}; the characters themselves are written \\{{{{ and \\}}}}") from None

    def _label(self, place: str) -> str:
        pieces = []
        while mark := _LABEL_MARK.search(self._line, self._at):
            pieces.append(self._line[self._at : mark.start()])
            self._at = mark.end()
            if mark[0] == ":":
                return "".join(pieces)
            if mark[0] in ("{{", "}}"):
                break
            pieces.append(self._meaning(mark, _LABEL_MEANING))
        raise DataError(
            f"{place}: a tag is {{{{label:text}}}}, and this one has no colon; \\{{{{ is written for braces"
        )

    def _meaning(self, mark: re.Match[str], meanings: dict[str, str]) -> str:
        if mark[1] in meanings:
            return meanings[mark[1]]
        self.needless.append(mark[0])
        return mark[0]

    def _place(self, at: int) -> str:
        return f"character {at + 1} ({self._line[at : at + _SHOWN_CHARS]!r})"


def _write(documents: Iterable[Document], writing: Writing, _options: InlineOptions) -> None:
    for document in documents:
        writing.note_left_out(document)
        writing.put(tagged(document.text, nested_entities(document, writing), _TAGS) + "\n")


def _escape(text: str) -> str:
    return _TEXT_NEEDS_ESCAPE.sub(_escaped, text)


def _opening(label: str) -> str:
    return "{{" + _LABEL_NEEDS_ESCAPE.sub(_escaped, label) + ":"


def _escaped(found: re.Match[str]) -> str:
    return _ESCAPED.get(found[0], "\\" + found[0])


_TAGS = Tags(_opening, lambda _label: "}}", _escape)

INLINE = Format(
    name="inline",
    description="one document a line with tags such as {{PER:Ada}} in the text",
    suffixes=(".inline",),
    options=InlineOptions,
    sniff=_sniff,
    open=_open,
    write=_write,
    carries=Carries(nested=True, same_span=True),
)
