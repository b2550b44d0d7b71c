r"""XML-like tags in the text: lines with tags, one document each, or one XML file with a root.

    <PER>Ada</PER> left the <ORG>University of <LOC>Leeds</LOC></ORG> &amp; came home.

    <documents>
    <document id="7"><PER>Ada</PER> left.</document>
    </documents>

The label is the name of the tag, or with `label_attribute` what that attribute says, as in
`<ENAMEX TYPE="PERSON">`. Tags nest. `&lt;`, `&gt;`, `&amp;`, `&quot;`, `&apos;` and numbers such as `&#10;` stand for
their characters. With `labels`, tags of other names are left out and counted, their text stays.

In lines, a `<` that opens no tag and an `&` that begins no such reference mean themselves, which is counted as a
repair. In an XML file, documents are the elements named `document_tag`, or if that is not given those right below the
root; its text is kept exactly, line breaks and blanks included. A file that declares entities of its own is refused,
and nothing outside the file is ever read.

Written are texts, nested entities and in an XML file ids. An entity that crosses another, a label that cannot be a
name of a tag (give `label_attribute`, then any can), and in an XML file characters that XML has no form for are
losses. The form has no place for scores, given words and further keys; these are left out and noted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial

from globalner.data.formats.format import Carries, Format, Opened, Reading, Sample, Sniff, Source, Writing
from globalner.data.formats.tag_nesting import TaggedText, Tags, nested_entities, tagged
from globalner.data.formats.xml_file import read_xml_file, xml_file_begins
from globalner.data.formats.xml_names import NAME, NOT_XML, attribute_text, element_text, referenced
from globalner.data.formats.xml_options import XmlOptions
from globalner.data.report import Report
from globalner.errors import DataError
from globalner.types import Document

__all__ = ["XML", "XmlOptions"]

_ATTRIBUTE = rf"({NAME})\s*=\s*(?:\"([^\"<>]*)\"|'([^'<>]*)')"
_TAG = re.compile(rf"<(/?)({NAME})((?:\s+{_ATTRIBUTE})*)\s*(/?)>")
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_MARK = re.compile(r"<[^<>]*>|&([^;&<>\s]{1,32});|[<&]")
_CLOSED_TAG = re.compile(rf"<({NAME})(?:\s[^<>]*)?>[^<>]+</")
_HTML = frozenset(
    ("a", "b", "big", "body", "br", "code", "div", "em", "font", "h1", "h2", "h3", "html", "i", "li", "ol")
)
_HTML |= frozenset(("p", "pre", "small", "span", "strong", "sub", "sup", "table", "td", "th", "tr", "tt", "u", "ul"))
_NAME = re.compile(NAME)
_NOT_IN_NAME = re.compile(rf"[^{NAME[1 : NAME.index(']')]}.0-9\u00b7\u0300-\u036f\u203f-\u2040-]")


def _sniff(sample: Sample) -> Sniff:
    if sample.suffix in XML.suffixes:
        return Sniff(True, f"named {sample.suffix}")
    if xml_file_begins(sample.lines):
        declared = sample.filled[0].lstrip().startswith("<?xml")
        return Sniff(declared or bool(_labels_in(sample.lines)), "its tags are those of HTML")
    lines = [line for line in sample.lines if _CLOSED_TAG.search(line)]
    if not _labels_in(lines):
        return Sniff(False, "no line has a tag such as <PER>Ada</PER>")
    return Sniff(2 * sum(map(_parses, lines)) >= len(lines), "the tags of most lines do not nest")


def _labels_in(lines: list[str]) -> set[str]:
    return {name for line in lines for name in _CLOSED_TAG.findall(line)} - _HTML


def _parses(line: str) -> bool:
    try:
        _LineReader(line, XmlOptions(), Report()).document()
    except DataError:
        return False
    return True


def _open(source: Source, options: XmlOptions) -> Opened:
    if _is_file(source, options):
        which = f"named {options.document_tag!r}" if options.document_tag else "below the root"
        return Opened(f"one XML file, its documents the elements {which}", partial(read_xml_file, options))
    return Opened("one document a line, entities tagged <LABEL>text</LABEL>", partial(_read_lines, options))


def _is_file(source: Source, options: XmlOptions) -> bool:
    if options.layout != "auto":
        return options.layout == "file"
    lines = source.sample_lines()
    # One line that is one element may be either.
    alone = sum(bool(line.strip()) for line in lines) == 1 and source.path.suffix.lower() in XML.suffixes
    return xml_file_begins([*lines, "<!-- -->"] if alone else lines)


def _read_lines(options: XmlOptions, reading: Reading) -> Iterator[Document]:
    for number, line in reading.lines():
        try:
            document = _document(line, options, reading, number)
        except DataError as error:
            reading.reject(error)
        else:
            yield document


def _document(line: str, options: XmlOptions, reading: Reading, number: int) -> Document:
    parsed = _LineReader(line, options, reading.report)
    try:
        document = parsed.document()
    except DataError as error:
        raise reading.error(error.message, number) from None
    for reason, shown in parsed.repairs:
        reading.repair(reason, shown, number)
    return document


class _LineReader:
    """Turns one line into a document."""

    def __init__(self, line: str, options: XmlOptions, report: Report) -> None:
        self._line = line
        self._options = options
        self._report = report
        self._tagged = TaggedText(report)
        self._names: list[tuple[str, str | None]] = []
        self.repairs: list[tuple[str, str]] = []

    def document(self) -> Document:
        """The document.

        Raises:
            DataError: If the tags do not nest, or one holds no character.
        """
        at = 0
        for mark in _MARK.finditer(self._line):
            self._tagged.add(self._line[at : mark.start()])
            at = mark.end()
            place = f"character {mark.start() + 1} ({mark[0][:40]!r})"
            tag = _TAG.fullmatch(mark[0])
            if tag is not None:
                self._tag(tag, place)
            elif mark[0].startswith("<"):
                self.repairs.append(("< that opens no tag, read as itself", place))
                self._tagged.add(mark[0])
            else:
                self._tagged.add(self._reference(mark, place))
        self._tagged.add(self._line[at:])
        if self._names and self._names[-1][1] is None:
            raise DataError(f"the tag {self._names[-1][0]!r} is not closed")
        return self._tagged.document()

    def _tag(self, tag: re.Match[str], place: str) -> None:
        closes, name, alone = bool(tag[1]), tag[2], bool(tag[7])
        if not closes:
            given = {found[1]: self._value(found[2] or found[3] or "", place) for found in _ATTRIBUTES.finditer(tag[3])}
            label = self._options.label(name, given, self._report)
            self._names.append((name, label))
            if label is not None:
                self._tagged.open(label, place)
        if closes or alone:
            self._close(name, place)

    def _close(self, name: str, place: str) -> None:
        if not self._names:
            raise DataError(f"{place}: nothing is open that {name!r} could close")
        opened, label = self._names.pop()
        if opened != name:
            raise DataError(
                f"{place}: {name!r} is closed while {opened!r} is open; "
                "tags must nest, so that the one opened last is closed first"
            )
        if label is not None:
            self._tagged.close(label, place)

    def _value(self, text: str, place: str) -> str:
        return _MARK.sub(lambda mark: self._reference(mark, place), text)

    def _reference(self, mark: re.Match[str], place: str) -> str:
        char = referenced(mark[1]) if mark[1] else None
        if char is None:
            self.repairs.append(("& that begins no reference of XML, read as itself", place))
        return mark[0] if char is None else char


def _write(documents: Iterable[Document], writing: Writing, options: XmlOptions) -> None:
    is_file = options.layout != "lines"
    tags = _tags(writing, options, is_file=is_file)
    if is_file:
        writing.put('<?xml version="1.0" encoding="UTF-8"?>\n<documents>\n')
    for document in documents:
        writing.note_left_out(document, keeps_id=is_file)
        body = tagged(document.text, nested_entities(document, writing), tags)
        if is_file:
            id = "" if document.id is None else f' id="{attribute_text(_held(document.id, writing))}"'
            body = f"<document{id}>{body}</document>"
        writing.put(body + "\n")
    if is_file:
        writing.put("</documents>\n")


def _tags(writing: Writing, options: XmlOptions, *, is_file: bool) -> Tags:
    attribute = options.label_attribute

    def opening(label: str) -> str:
        if attribute is None:
            return f"<{_tag_name(label, writing)}>"
        return f'<entity {attribute}="{attribute_text(_held(label, writing) if is_file else label)}">'

    def closing(label: str) -> str:
        return "</entity>" if attribute is not None else f"</{_name_for(label)}>"

    def escape(text: str) -> str:
        return element_text(_held(text, writing)) if is_file else element_text(text).replace("\n", "&#10;")

    return Tags(opening, closing, escape)


def _tag_name(label: str, writing: Writing) -> str:
    name = _name_for(label)
    if name != label:
        writing.losses.add("label that cannot be a tag, written with _ (label_attribute holds any)", repr(label))
    return name


def _name_for(label: str) -> str:
    if _NAME.fullmatch(label):
        return label
    name = _NOT_IN_NAME.sub("_", label)
    return name if _NAME.match(name) else f"_{name}"


def _held(text: str, writing: Writing) -> str:
    held = NOT_XML.sub("\ufffd", text)
    if held != text:
        writing.losses.add("character that XML has no form for, written as U+FFFD", repr(text[:60]))
    return held


XML = Format(
    name="xml",
    description="tags such as <PER>Ada</PER> in the text: an XML file with a root, or one document a line",
    suffixes=(".xml",),
    options=XmlOptions,
    sniff=_sniff,
    open=_open,
    write=_write,
    carries=Carries(nested=True, same_span=True, ids=True),
)
