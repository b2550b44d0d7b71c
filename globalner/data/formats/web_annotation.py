"""W3C Web Annotation (JSON-LD): pages of annotations beside the text that they stand in.

    [
    {"@context": "http://www.w3.org/ns/anno.jsonld", "type": "AnnotationPage", "id": "7", "text": "Ada Byron",
     "items": [{"type": "Annotation", "id": "#1.1",
                "body": {"type": "TextualBody", "purpose": "tagging", "value": "PER"},
                "target": {"source": "7", "selector": [{"type": "TextPositionSelector", "start": 0, "end": 9},
                                                       {"type": "TextQuoteSelector", "exact": "Ada Byron"}]}}]}
    ]

A file is an array of pages or of annotations, or such objects one after the other, also one a line. `start` is
inclusive, `end` **exclusive**. They count Unicode code points, as the W3C recommendation asks (Web Annotation Data
Model, 2017, section 4.2.4, which 4.2.5 refers to: "in terms of unicode code points, not in terms of code units");
annotations made by scripts in a browser often count UTF-16 units instead: `offset_unit=utf16`. A TextQuoteSelector is
checked against the text.

The recommendation leaves the text outside. It is looked for in `text` of the page, then of the annotation, then in
`value` or `text` of an embedded source, then in a file beside this one that has the source as its name. A page with
`text` is one document and is read as a stream; other annotations are gathered by their source until the end of the
file, since they may come in any order.

The label is the `value` of a body with purpose `tagging` or `classifying`, else of one without purpose; a body that is
an address stands for itself, as its `source` or `id` does. Several such bodies are several entities on one span.
Annotations without a label or without a TextPositionSelector, and further keys of an annotation, are counted and not
read. Further keys of a page are kept.

Written is an array of pages, one a line. The form has no place for scores, given words and further keys; these are left
out and noted. Ids are written as they are, so that they are addresses only if they were.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from globalner.data.formats.format import Carries, Format, Opened, Reading, Sample, Sniff, Source, Writing
from globalner.data.formats.json_stream import JsonStream, sampled_records
from globalner.data.formats.json_values import json_object, kind_of, text_id, text_of
from globalner.data.formats.offset_entities import entity_at
from globalner.data.formats.offset_units import OffsetUnit, TextOffsets
from globalner.data.formats.web_annotation_parts import Mark, labels_of, marks_of, source_of
from globalner.errors import DataError
from globalner.types import Document, Entity

__all__ = ["WEB_ANNOTATION", "WebAnnotationOptions"]

_CONTEXT = "http://www.w3.org/ns/anno.jsonld"
_PAGES = ("AnnotationPage", "AnnotationCollection")
_PAGE_KEYS = ("@context", "id", "type", "text", "items", "partOf", "next", "prev", "startIndex")
_ANNOTATION_KEYS = ("@context", "id", "type", "text", "body", "bodyValue", "target")
_Record = dict[str, object]


@dataclass(frozen=True, slots=True)
class WebAnnotationOptions:
    """Options of Web Annotation.

    Attributes:
        offset_unit: What `start` and `end` count: "code_point", "utf16" or "byte".
    """

    offset_unit: OffsetUnit = "code_point"


def _sniff(sample: Sample) -> Sniff:
    if next(iter(sample.filled), "").lstrip()[:1] not in ("{", "["):
        return Sniff(False, "it does not begin like JSON")
    records = sampled_records(sample, 1)
    if not records:
        return Sniff('"TextPositionSelector"' in "\n".join(sample.lines), "no TextPositionSelector stands in it")
    first = records[0]
    is_page = isinstance(first, dict) and first.get("type") in _PAGES
    is_annotation = isinstance(first, dict) and "target" in first and ("body" in first or "bodyValue" in first)
    return Sniff(is_page or is_annotation, "the first record is no annotation with 'target' and 'body', and no page")


def _open(_source: Source, options: WebAnnotationOptions) -> Opened:
    return Opened(f"Web Annotation, offsets in {options.offset_unit}", partial(_read, options))


def _read(options: WebAnnotationOptions, reading: Reading) -> Iterator[Document]:
    loose = _Loose(reading, options)
    for line, record in _records(reading):
        try:
            page = _page_of(record)
            if page is None:
                loose.add([record], line)
            elif "text" in page:
                document = _page(page, reading, options, line)
                if document is not None:
                    yield document
            else:
                loose.add(_items(page), line)
        except DataError as error:
            reading.reject(reading.error(error.message, line))
    yield from loose.documents()


def _records(reading: Reading) -> Iterator[tuple[int, object]]:
    """The JSON values of the file with their lines; where each stands on a line, a broken one costs only itself."""
    first = next((line for line in reading.source.sample_lines() if line.strip()), "")
    try:
        one_a_line = first.lstrip().startswith("{") and isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        one_a_line = False
    if not one_a_line:
        yield from JsonStream(reading).records()
        return
    for number, line in reading.lines():
        if line.strip():
            try:
                yield number, json_object(line)
            except DataError as error:
                reading.reject(reading.error(error.message, number))


def _page_of(record: object) -> _Record | None:
    """The record as a page; None where it is an annotation."""
    if not isinstance(record, dict):
        raise DataError(f"is {kind_of(record)}; it must be an annotation or a page of annotations")
    if record.get("type") == "AnnotationCollection":
        if not isinstance(record.get("first"), dict):
            raise DataError(f"'first' of the collection is {kind_of(record.get('first'))}; it must be the page itself")
        return _page_of(record["first"])
    return record if record.get("type") == "AnnotationPage" or "items" in record else None


def _items(page: _Record) -> list[object]:
    items = page.get("items", [])
    if not isinstance(items, list):
        raise DataError(f"'items' is {kind_of(items)}; it must be a list of annotations")
    return items


def _page(page: _Record, reading: Reading, options: WebAnnotationOptions, line: int) -> Document | None:
    gathered = _Gathered(TextOffsets(text_of(page), options.offset_unit))
    name = text_id(page.get("id"), reading)
    for number, item in enumerate(_items(page), start=1):
        try:
            gathered.add(_marks(item, reading), reading)
        except DataError as error:
            gathered.broken = True
            reading.reject(reading.error(f"document {name!r}: annotation {number}: {error.message}", line))
    extra = {key: value for key, value in page.items() if key not in _PAGE_KEYS}
    return None if gathered.broken else gathered.document(name, extra)


def _marks(annotation: object, reading: Reading) -> list[Mark]:
    """What an annotation says of a text: labels and places."""
    if not isinstance(annotation, dict):
        raise DataError(f"is {kind_of(annotation)}; it must be an annotation")
    for key in annotation:
        if key not in _ANNOTATION_KEYS:
            reading.report.add("key of an annotation that is not read", str(key))
    labels = labels_of(annotation, reading.report)
    if not labels:
        reading.report.add("annotation without a label, not read", str(annotation.get("id", "")))
        return []
    marks = [mark for label in labels for mark in marks_of(annotation, label)]
    if not marks:
        reading.report.add("annotation without a TextPositionSelector, not read", str(annotation.get("id", "")))
    return marks


@dataclass(slots=True)
class _Gathered:
    """A text with its entities so far; `broken` when one of its annotations cannot be read."""

    offsets: TextOffsets
    entities: dict[tuple[int, int, str], Entity] = field(default_factory=dict)
    broken: bool = False

    def add(self, marks: Iterable[Mark], reading: Reading) -> None:
        for mark in marks:
            entity = entity_at(self.offsets, (mark.start, mark.end), mark.label, mark.exact)
            if entity.key in self.entities:
                reading.report.add("entity given twice, kept once", f"{entity.label} {entity.text!r}")
            self.entities.setdefault(entity.key, entity)

    def document(self, name: str | None, extra: _Record | None = None) -> Document:
        return Document(self.offsets.text, tuple(self.entities.values()), id=name, extra=extra or {})


class _Loose:
    """Annotations that do not stand in a page with its text, gathered by their source."""

    def __init__(self, reading: Reading, options: WebAnnotationOptions) -> None:
        self._reading = reading
        self._options = options
        self._by_place: dict[tuple[str | None, str | None], _Gathered] = {}

    def add(self, items: Iterable[object], line: int) -> None:
        for item in items:
            try:
                self._add(item)
            except DataError as error:
                self._reading.reject(self._reading.error(error.message, line))

    def documents(self) -> Iterator[Document]:
        for (name, _), gathered in self._by_place.items():
            if not gathered.broken:
                yield gathered.document(name)

    def _add(self, item: object) -> None:
        marks = _marks(item, self._reading)
        if not isinstance(item, dict):
            return
        source, text = source_of(item)
        place = (source, text if source is None else None)
        gathered = self._by_place.get(place)
        if gathered is None:
            text = self._text_of_file(source) if text is None else text
            gathered = self._by_place[place] = _Gathered(TextOffsets(text, self._options.offset_unit))
        try:
            if text is not None and text != gathered.offsets.text:
                raise DataError("has another text than an annotation of the same source before it")
            gathered.add(marks, self._reading)
        except DataError as error:
            gathered.broken = True
            raise DataError(f"document {source!r}: annotation {item.get('id')!r}: {error.message}") from None

    def _text_of_file(self, source: str | None) -> str:
        problem = f"no text for the source {source!r}: no 'text' stands beside the annotation"
        if source is None or "://" in source or "\x00" in source:
            raise DataError(f"{problem}; put it there, or into the page")
        folder = self._reading.path.parent.resolve()
        path = Path(folder, PurePosixPath(source))
        if not path.resolve().is_relative_to(folder) or not path.is_file():
            raise DataError(f"{problem}, and no file of that name lies beside this one")
        return self._reading.of(path).source.text(self._reading.report).removeprefix("\ufeff")


def _write(documents: Iterable[Document], writing: Writing, options: WebAnnotationOptions) -> None:
    between = "[\n"
    for number, document in enumerate(documents, start=1):
        writing.note_left_out(document, keeps_id=True)
        page: _Record = {"@context": _CONTEXT, "type": "AnnotationPage"}
        page |= {} if document.id is None else {"id": document.id}
        page |= {"text": document.text, "items": _annotations(document, number, writing, options)}
        writing.put(between + json.dumps(page, ensure_ascii=False))
        between = ",\n"
    writing.put("\n]\n" if writing.started else "[]\n")


def _annotations(
    document: Document, number: int, writing: Writing, options: WebAnnotationOptions
) -> list[dict[str, object]]:
    offsets = TextOffsets(document.text, options.offset_unit)
    source = f"#{number}" if document.id is None else document.id
    annotations: dict[tuple[int, int, str], dict[str, object]] = {}
    for entity in document.entities:
        if entity.key in annotations:
            writing.notes.add("entity given twice, written once", f"{entity.label} {entity.text!r}")
            continue
        start, end = offsets.from_code_point(entity.start), offsets.from_code_point(entity.end)
        selector: list[dict[str, object]] = [
            {"type": "TextPositionSelector", "start": start, "end": end},
            {"type": "TextQuoteSelector", "exact": entity.text},
        ]
        annotations[entity.key] = {
            "type": "Annotation",
            "id": f"#{number}.{len(annotations) + 1}",
            "body": {"type": "TextualBody", "purpose": "tagging", "value": entity.label},
            "target": {"source": source, "selector": selector},
        }
    return list(annotations.values())


WEB_ANNOTATION = Format(
    name="web-annotation",
    description="W3C Web Annotation (JSON-LD): pages of annotations with the text beside them",
    suffixes=(".jsonld",),
    options=WebAnnotationOptions,
    sniff=_sniff,
    open=_open,
    write=_write,
    carries=Carries(nested=True, crossing=True, same_span=True, ids=True),
)
