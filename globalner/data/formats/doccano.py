"""The form of doccano: JSON lines with labelled spans, ends exclusive, in either of its two shapes.

    {"id": 7, "text": "Ada met Bob", "label": [[0, 3, "PER"], [8, 11, "PER"]], "Comments": []}
    {"id": 7, "text": "Ada met Bob", "entities": [{"id": 1, "label": "PER", "start_offset": 0, "end_offset": 3}],
     "relations": [{"id": 1, "from_id": 1, "to_id": 2, "type": "met"}]}

The names of the keys differ between versions and projects: the text stands in `text`, `data` or `column_data`, the
spans in `entities`, `label`, `labels`, `annotations` or `column_label`, each span in either shape; other names are
options. Offsets count Unicode code points unless an option says otherwise. A record without a key of spans has none. A
span given twice is kept once, and counted. Relations refer to entities by numbers of their own and are left out,
counted. Any further key of a record is kept. Records may also spread over several lines, or be one JSON array.

Written is one record a line in the first shape, or the second by option. There is no place for scores and given
words; these are left out and noted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from globalner.data.formats.format import Carries, Format, Opened, Reading, Sample, Sniff, Source, Writing
from globalner.data.formats.json_stream import JsonStream, holds_json_lines, sampled_records
from globalner.data.formats.json_values import json_line, json_object, kind_of, named, text_id, whole_number
from globalner.data.formats.offset_entities import entity_at
from globalner.data.formats.offset_units import OffsetUnit, TextOffsets
from globalner.errors import DataError
from globalner.types import Document, Entity

__all__ = ["DOCCANO", "DoccanoOptions"]

_TEXT_KEYS = ("text", "data", "column_data")
_SPAN_KEYS = ("entities", "label", "labels", "annotations", "column_label")
_OFFSET_KEYS = ("start_offset", "end_offset", "label")
_UNREAD_SPAN_KEYS = ("id", "user", "prob", "manual")


@dataclass(frozen=True, slots=True)
class DoccanoOptions:
    """Options of doccano's form.

    Attributes:
        text_field: Key of the text; auto: one of the usual.
        label_field: Key of the spans; auto: one of the usual.
        offset_unit: What offsets count: code_point, byte, or utf16 as in exports of early versions.
        shape: When writing, `label` for spans as lists, `entities` for spans as objects with numbers.
    """

    text_field: str = "auto"
    label_field: str = "auto"
    offset_unit: OffsetUnit = "code_point"
    shape: Literal["label", "entities"] = "label"

    def text_key(self, record: Mapping[str, object]) -> str:
        """The key of a record's text.

        Raises:
            DataError: If there is none.
        """
        keys = _TEXT_KEYS if self.text_field == "auto" else (self.text_field,)
        for key in keys:
            if isinstance(record.get(key), str):
                return key
        names = " or ".join(map(repr, keys))
        raise DataError(
            f"has no text: {names} must be a string, and it has {', '.join(map(repr, record)) or 'no key at all'}; "
            "name another key with the option text_field"
        )

    def span_key(self, record: Mapping[str, object]) -> str | None:
        """The key of a record's spans, if it has one."""
        keys = _SPAN_KEYS if self.label_field == "auto" else (self.label_field,)
        return next((key for key in keys if record.get(key) is not None), None)


def _sniff(sample: Sample) -> Sniff:
    options = DoccanoOptions()
    empty = False
    for record in sampled_records(sample):
        if not isinstance(record, dict) or not any(isinstance(record.get(key), str) for key in _TEXT_KEYS):
            continue
        key = options.span_key(record)
        spans = record[key] if key else None
        if isinstance(spans, list) and spans:
            fits = all(_looks_like_span(span) for span in spans)
            return Sniff(fits, f"{key!r} does not hold [start, end, label] or objects with 'start_offset'")
        empty = empty or (isinstance(spans, list) and key != "entities")
    return Sniff(empty, "no record is JSON with a text and a list of labels")


def _looks_like_span(span: object) -> bool:
    if isinstance(span, dict):
        return "start_offset" in span and "end_offset" in span
    return isinstance(span, list) and len(span) == 3 and all(isinstance(offset, int) for offset in span[:2])


def _open(source: Source, options: DoccanoOptions) -> Opened:
    by_line = holds_json_lines(source.sample_lines(), "{")
    evidence = "doccano records, one a line" if by_line else "doccano records over several lines"
    return Opened(evidence, partial(_read, options, by_line))


def _read(options: DoccanoOptions, by_line: bool, reading: Reading) -> Iterator[Document]:
    for number, record in _records(reading) if by_line else JsonStream(reading).records():
        try:
            if not isinstance(record, dict):
                raise DataError(f"holds {kind_of(record)}; a record is a JSON object with a text")
            yield _document(record, reading, options)
        except DataError as error:
            reading.reject(reading.error(named(record, error.message), number))


def _records(reading: Reading) -> Iterator[tuple[int, object]]:
    for number, line in reading.lines():
        if not line.strip():
            continue
        try:
            record = json_object(line)
        except DataError as error:
            reading.reject(reading.error(error.message, number))
        else:
            yield number, record


def _document(record: dict[str, object], reading: Reading, options: DoccanoOptions) -> Document:
    text_key, span_key = options.text_key(record), options.span_key(record)
    spans = [] if span_key is None else record[span_key]
    if not isinstance(spans, list):
        raise DataError(f"{span_key!r} is {kind_of(spans)}; it must be a list of spans")
    offsets = TextOffsets(str(record[text_key]), options.offset_unit)
    entities: dict[tuple[int, int, str], Entity] = {}
    for number, span in enumerate(spans, start=1):
        entity = _entity(offsets, span, f"span {number} of {span_key!r}", reading)
        if entity.key in entities:
            reading.report.add("span given twice, kept once", f"{entity.label} {entity.start}:{entity.end}")
        entities[entity.key] = entity
    relations = record.get("relations")
    for relation in relations if isinstance(relations, list) else ():
        reading.report.add("relation left out", json.dumps(relation, ensure_ascii=False))
    known = {"id", text_key, span_key, "relations"}
    return Document(
        offsets.text,
        tuple(entities.values()),
        id=text_id(record.get("id"), reading),
        extra={key: value for key, value in record.items() if key not in known},
    )


def _entity(offsets: TextOffsets, span: object, name: str, reading: Reading) -> Entity:
    if isinstance(span, dict):
        for key in _OFFSET_KEYS:
            if key not in span:
                raise DataError(f"{name} has no {key!r}; it has {', '.join(map(repr, span)) or 'no key at all'}")
        for key in span:
            if key not in (*_OFFSET_KEYS, *_UNREAD_SPAN_KEYS):
                reading.report.add("key of a span that is not read", str(key))
        span = [span[key] for key in _OFFSET_KEYS]
    if not isinstance(span, list) or len(span) != 3:
        raise DataError(f"{name} is {kind_of(span)}; it must be [start, end, label], or an object with 'start_offset'")
    start, end = (whole_number(offset, f"an offset of {name}") for offset in span[:2])
    label = span[2]
    if isinstance(label, int) and not isinstance(label, bool):
        reading.report.note("labels that are numbers were read as text")
        label = str(label)
    if not isinstance(label, str):
        raise DataError(f"{name}: the label is {kind_of(label)}; it must be a string")
    try:
        return entity_at(offsets, (start, end), label)
    except DataError as error:
        raise DataError(f"{name}: {error.message}") from None


def _write(documents: Iterable[Document], writing: Writing, options: DoccanoOptions) -> None:
    text_key = "text" if options.text_field == "auto" else options.text_field
    span_key = options.shape if options.label_field == "auto" else options.label_field
    taken = {"id", "relations", text_key, span_key, *(_SPAN_KEYS if options.label_field == "auto" else ())}
    next_id = 0
    for number, document in enumerate(documents, start=1):
        writing.note_left_out(document, keeps_id=True, keeps_extra=True)
        record: dict[str, object] = {} if document.id is None else {"id": document.id}
        record[text_key] = document.text
        spans = _spans(document, writing, options.offset_unit)
        if options.shape == "entities":
            record[span_key] = [{"id": next_id + at, **span} for at, span in enumerate(spans)]
            record["relations"] = []
            next_id += len(spans)
        else:
            record[span_key] = [[span[key] for key in _OFFSET_KEYS] for span in spans]
        for key, value in document.extra.items():
            if key in taken:
                writing.losses.add("further key that is named like one of doccano's", key)
            else:
                record[key] = value
        writing.put(json_line(record, f"document {number}"))


def _spans(document: Document, writing: Writing, unit: OffsetUnit) -> list[dict[str, object]]:
    offsets = TextOffsets(document.text, unit)
    spans: dict[tuple[int, int, str], dict[str, object]] = {}
    for entity in document.entities:
        if entity.key in spans:
            writing.notes.add("entity given twice, written once", f"{entity.label} {entity.text!r}")
        ends = (offsets.from_code_point(entity.start), offsets.from_code_point(entity.end))
        spans[entity.key] = dict(zip(_OFFSET_KEYS, (*ends, entity.label), strict=True))
    return list(spans.values())


DOCCANO = Format(
    name="doccano",
    description="JSON lines with labelled spans, as doccano imports and exports them",
    suffixes=(),
    options=DoccanoOptions,
    sniff=_sniff,
    open=_open,
    write=_write,
    carries=Carries(nested=True, crossing=True, same_span=True, ids=True, extra=True),
)
