"""The form of CLUENER2020: JSON lines with the entities keyed by type and mention.

    {"id": "7", "text": "Ada met Ada", "label": {"name": {"Ada": [[0, 2], [8, 10]]}}}

Offsets count Unicode code points, the end **inclusive**; each mention must be what its offsets slice. `id` is
optional. A line without `label` has no entities, as in the unlabelled part of that set. Entities are read in the
order of their start, outer ones first; any further key of a line is kept.

Written are `id`, `text` and `label`. The form has no place for scores, given words, further keys and the order of
entities; these are left out and noted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from globalner.data.formats.format import Carries, Format, Opened, Reading, Sample, Sniff, Source, Writing
from globalner.data.formats.inclusive_offsets import entity_of_inclusive
from globalner.data.formats.json_values import json_object, kind_of, text_id, text_of, whole_number
from globalner.errors import DataError
from globalner.types import Document, Entity

__all__ = ["CLUENER", "CluenerOptions"]

_KEYS = ("id", "text", "label")
_Positions = dict[str, dict[str, list[tuple[int, int]]]]


@dataclass(frozen=True, slots=True)
class CluenerOptions:
    """The form has no options."""


def _sniff(sample: Sample) -> Sniff:
    for line in sample.filled:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            break
        if not isinstance(record, dict) or "text" not in record or "entities" in record:
            break
        if "label" in record:
            return Sniff(isinstance(record["label"], dict), "'label' is not an object of types and mentions")
    return Sniff(False, "no line is JSON with 'text' and 'label'")


def _open(_source: Source, _options: CluenerOptions) -> Opened:
    return Opened("JSON lines with 'label': types, their mentions and positions, ends inclusive", _read)


def _read(reading: Reading) -> Iterator[Document]:
    for number, line in reading.lines():
        if not line.strip():
            continue
        try:
            yield _document(json_object(line, unique_keys=True), reading)
        except DataError as error:
            reading.reject(reading.error(error.message, number))


def _document(record: dict[str, object], reading: Reading) -> Document:
    text = text_of(record)
    if "entities" in record:
        raise DataError("has 'entities', where this form has 'label'; the format 'native' reads such lines")
    entities: dict[tuple[int, int, str], Entity] = {}
    for entity in _entities(text, record.get("label", {})):
        if entity.key in entities:
            reading.report.add("position given twice, kept once", f"{entity.label} {entity.text!r}")
        entities[entity.key] = entity
    return Document(
        text,
        tuple(sorted(entities.values(), key=lambda entity: (entity.start, -entity.end))),
        id=text_id(record.get("id"), reading),
        extra={key: value for key, value in record.items() if key not in _KEYS},
    )


def _entities(text: str, types: object) -> Iterator[Entity]:
    if not isinstance(types, dict):
        raise DataError(f"'label' is {kind_of(types)}; it must be an object of types")
    for label, mentions in types.items():
        if not isinstance(mentions, dict):
            raise DataError(f"the type {label!r} is {kind_of(mentions)}; it must be an object of mentions")
        for mention, positions in mentions.items():
            name = f"mention {mention!r} of type {label!r}"
            if not isinstance(positions, list) or not positions:
                raise DataError(f"{name} is {kind_of(positions)}; it must be a list of [start, end] pairs")
            for position in positions:
                yield _entity(text, label, mention, position)


def _entity(text: str, label: str, mention: str, position: object) -> Entity:
    name = f"mention {mention!r} of type {label!r}"
    if not isinstance(position, list) or len(position) != 2:
        raise DataError(f"a position of the {name} is {kind_of(position)}; it must be a pair [start, end]")
    start, last = (whole_number(value, f"an offset of the {name}") for value in position)
    try:
        return entity_of_inclusive(text, start, last, label, mention)
    except DataError as error:
        raise DataError(f"the {name} {error.message}") from None


def _write(documents: Iterable[Document], writing: Writing, _options: CluenerOptions) -> None:
    for document in documents:
        writing.note_left_out(document, keeps_id=True)
        record: dict[str, object] = {} if document.id is None else {"id": document.id}
        record |= {"text": document.text, "label": _positions(document, writing)}
        writing.put(json.dumps(record, ensure_ascii=False) + "\n")


def _positions(document: Document, writing: Writing) -> _Positions:
    positions: _Positions = {}
    seen: set[tuple[int, int, str]] = set()
    for entity in sorted(document.entities, key=lambda entity: (entity.start, -entity.end)):
        if entity.key in seen:
            writing.notes.add("entity given twice, written once", f"{entity.label} {entity.text!r}")
            continue
        seen.add(entity.key)
        positions.setdefault(entity.label, {}).setdefault(entity.text, []).append((entity.start, entity.end - 1))
    return positions


CLUENER = Format(
    name="cluener",
    description="JSON lines with entities keyed by type and mention, ends inclusive (CLUENER2020)",
    suffixes=(),
    options=CluenerOptions,
    sniff=_sniff,
    open=_open,
    write=_write,
    carries=Carries(nested=True, crossing=True, same_span=True, ids=True),
)
