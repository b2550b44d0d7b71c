"""The form of CMeEE-V2, Chinese medical text: one JSON array of records.

    [{"text": "...", "entities": [{"start_idx": 0, "end_idx": 2, "type": "dis", "entity": "..."}]}]

`start_idx` and `end_idx` count Unicode code points, the end **inclusive**; `entity` must be what they slice. U+FEFF
inside a text is one of its characters. A record without `entities` has none. The types are the nine of the set,
`TYPES`; another one is an error. Entities keep their order. Any further key of a record is kept.

Written is a pretty-printed array. An entity with a label beside the nine is a loss: writing is refused with the label
named, unless losses are accepted; the native form holds any label. The form has no place for ids, scores, given words
and further keys; these are left out and noted.

The file is read as a stream.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from globalner.data.formats.format import Carries, Format, Opened, Reading, Sample, Sniff, Source, Writing
from globalner.data.formats.inclusive_offsets import entity_of_inclusive
from globalner.data.formats.json_stream import JsonStream
from globalner.data.formats.json_values import kind_of, text_id, text_of, whole_number
from globalner.errors import DataError
from globalner.types import Document, Entity

__all__ = ["CMEEE", "TYPES", "CmeeeOptions"]

TYPES = ("bod", "dis", "sym", "pro", "dru", "ite", "mic", "equ", "dep")
"""Body, disease, symptom, procedure, drug, medical test item, microorganism, equipment, department."""

_KEYS = ("id", "text", "entities")
_ENTITY_KEYS = ("start_idx", "end_idx", "type", "entity")
_BEGINNING = re.compile(r"\s*\[\s*(?=\{)")


@dataclass(frozen=True, slots=True)
class CmeeeOptions:
    """The form has no options."""


def _sniff(sample: Sample) -> Sniff:
    text = "\n".join(sample.lines)
    beginning = _BEGINNING.match(text)
    if beginning is None:
        return Sniff(False, "it does not begin with a JSON array of objects")
    try:
        record, _ = json.JSONDecoder().raw_decode(text, beginning.end())
    except (ValueError, RecursionError):
        return Sniff('"start_idx"' in text, "the first record is not complete JSON")
    return Sniff("text" in record and "entities" in record, "the first record has no 'text' or no 'entities'")


def _open(_source: Source, _options: CmeeeOptions) -> Opened:
    return Opened("one JSON array of records, entities from 'start_idx' to 'end_idx', ends inclusive", _read)


def _read(reading: Reading) -> Iterator[Document]:
    for number, (line, record) in enumerate(JsonStream(reading).array(), start=1):
        try:
            document = _document(record, reading)
        except DataError as error:
            reading.reject(reading.error(f"record {number}: {error.message}", line))
        else:
            reading.line = line
            yield document


def _document(record: object, reading: Reading) -> Document:
    if not isinstance(record, dict):
        raise DataError(f"is {kind_of(record)}; it must be an object with 'text' and 'entities'")
    text = text_of(record)
    entities = record.get("entities", [])
    if not isinstance(entities, list):
        raise DataError(f"'entities' is {kind_of(entities)}; it must be a list")
    return Document(
        text,
        tuple(_entity(text, item, f"entity {number}", reading) for number, item in enumerate(entities, start=1)),
        id=text_id(record.get("id"), reading),
        extra={key: value for key, value in record.items() if key not in _KEYS},
    )


def _entity(text: str, item: object, name: str, reading: Reading) -> Entity:
    if not isinstance(item, dict):
        raise DataError(f"{name} is {kind_of(item)}; it must be an object with {', '.join(map(repr, _ENTITY_KEYS))}")
    for key in _ENTITY_KEYS:
        if key not in item:
            raise DataError(f"{name} has no {key!r}; it has {', '.join(map(repr, item)) or 'no key at all'}")
    for key in item:
        if key not in _ENTITY_KEYS:
            reading.report.add("key of an entity that is not read", str(key))
    label, mention = item["type"], item["entity"]
    if label not in TYPES:
        raise DataError(f"{name}: 'type' is {kind_of(label)}, which is none of the nine: {', '.join(TYPES)}")
    if not isinstance(mention, str):
        raise DataError(f"{name}: 'entity' is {kind_of(mention)}; it must be the characters of the entity")
    start, last = (whole_number(item[key], f"{name}: {key!r}") for key in ("start_idx", "end_idx"))
    try:
        return entity_of_inclusive(text, start, last, label, mention)
    except DataError as error:
        raise DataError(f"{name} ({label}) {error.message}") from None


def _write(documents: Iterable[Document], writing: Writing, _options: CmeeeOptions) -> None:
    between = "[\n  "
    for document in documents:
        writing.note_left_out(document)
        record = {"text": document.text, "entities": _entity_records(document, writing)}
        # Line ends inside a string are escaped, so each one found here is a line of the layout.
        writing.put(between + json.dumps(record, ensure_ascii=False, indent=2).replace("\n", "\n  "))
        between = ",\n  "
    writing.put("\n]\n" if writing.started else "[]\n")


def _entity_records(document: Document, writing: Writing) -> list[dict[str, object]]:
    records: list[dict[str, object]] = []
    for entity in document.entities:
        if entity.label in TYPES:
            values = (entity.start, entity.end - 1, entity.label, entity.text)
            records.append(dict(zip(_ENTITY_KEYS, values, strict=True)))
        else:
            reason = f"entity with a label that is none of {', '.join(TYPES)}"
            writing.losses.add(reason, f"{entity.label} {entity.text!r}")
    return records


CMEEE = Format(
    name="cmeee",
    description="one JSON array of texts with entities, ends inclusive, nine medical types (CMeEE-V2)",
    suffixes=(),
    options=CmeeeOptions,
    sniff=_sniff,
    open=_open,
    write=_write,
    carries=Carries(nested=True, crossing=True, same_span=True),
)
