"""The form of CMeEE-V2, Chinese medical text: one JSON array of records.

    [{"text": "...", "entities": [{"start_idx": 0, "end_idx": 2, "type": "dis", "entity": "..."}]}]

`start_idx` and `end_idx` count Unicode code points, the end **inclusive**; `entity` must be what they slice. U+FEFF
inside a text is one of its characters. A record without `entities` has none. The types are the nine of the set,
`TYPES`; another one is an error. Entities keep their order. Any further key of a record is kept.

Written is a pretty-printed array. An entity with a label beside the nine is a loss: writing is refused with the label
named, unless losses are accepted; the native form holds any label. The form has no place for ids, scores, given words
and further keys; these are left out and noted.

The text of the file is held in memory while it is read, the documents are not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from globalner.data.formats.format import Carries, Format, Opened, Reading, Sample, Sniff, Source, Writing
from globalner.data.formats.inclusive_offsets import entity_of_inclusive
from globalner.data.formats.json_values import (
    check_characters,
    finite,
    kind_of,
    object_of_pairs,
    refuse_constant,
    text_id,
    text_of,
    whole_number,
)
from globalner.errors import DataError
from globalner.types import Document, Entity

__all__ = ["CMEEE", "TYPES", "CmeeeOptions"]

TYPES = ("bod", "dis", "sym", "pro", "dru", "ite", "mic", "equ", "dep")
"""Body, disease, symptom, procedure, drug, medical test item, microorganism, equipment, department."""

_KEYS = ("id", "text", "entities")
_ENTITY_KEYS = ("start_idx", "end_idx", "type", "entity")
_BLANKS = re.compile(r"[ \t\r\n]*")
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
    for number, (line, record) in enumerate(_Array(reading).values(), start=1):
        try:
            yield _document(record, reading)
        except DataError as error:
            reading.reject(reading.error(f"record {number}: {error.message}", line))


class _Array:
    """The values of a JSON array, decoded one by one."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._text = "\n".join(line for _, line in reading.lines())
        self._at = 0
        self._line = 1
        self._decoder = json.JSONDecoder(
            parse_constant=refuse_constant, parse_float=finite, object_pairs_hook=object_of_pairs
        )

    def values(self) -> Iterator[tuple[int, object]]:
        """Yields each value with the line where it begins.

        Raises:
            DataError: At what is not JSON, with the line.
        """
        self._take("[")
        number, closed = 0, self._peek() == "]"
        while not closed:
            number += 1
            yield self._line, self._value(f"record {number}")
            closed = self._peek() == "]"
            if not closed:
                self._take(",", f"after record {number}")
                self._peek()
        self._take("]")
        if self._peek():
            raise self._error("goes on after the ] that closes the array; one file is one array")

    def _value(self, name: str) -> object:
        try:
            value, end = self._decoder.raw_decode(self._text, self._at)
            check_characters(value, self._text[self._at : end])
        except json.JSONDecodeError as error:
            problem = f"{name} is not complete JSON: {error.msg} at character {error.colno} of this line"
            raise self._reading.error(problem, error.lineno) from None
        except DataError as error:
            raise self._error(f"{name}: {error.message}") from None
        except (ValueError, RecursionError) as error:
            raise self._error(f"{name} is not JSON that can be read: {error}") from None
        self._move(end)
        return value

    def _peek(self) -> str:
        """The next character that is not blank; nothing at the end."""
        blanks = _BLANKS.match(self._text, self._at)
        self._move(self._at if blanks is None else blanks.end())
        return self._text[self._at : self._at + 1]

    def _take(self, mark: str, where: str = "at the start of the file") -> None:
        found = self._peek()
        if found != mark:
            shown = repr(found) if found else "the end of the file"
            raise self._error(f"is not JSON of one array of records: {shown} stands {where}, where {mark!r} must")
        self._move(self._at + 1)

    def _move(self, end: int) -> None:
        self._line += self._text.count("\n", self._at, end)
        self._at = end

    def _error(self, message: str) -> DataError:
        return self._reading.error(message, self._line)


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
