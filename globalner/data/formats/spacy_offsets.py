"""Training examples of spaCy as JSON: texts with labelled offsets.

    ["Ada met Bob", {"entities": [[0, 3, "PER"], [8, 11, "PER"]]}]

One example a line, or all in one array, which may stand under `annotations` in an object that also names the `classes`
(as simple annotators of spaCy data write it). Offsets count Unicode code points unless an option says otherwise, the
end exclusive. `spans` may hold further entities by the name of their group, as spaCy's span categoriser learns them;
entities of the group that the option names are read beside `entities`, each once. Other groups, `cats`, `links` and
empty examples (null) are left out, and counted.

Written is one example a line. spaCy refuses entities that overlap, so `entities` holds the outermost, and a text with
others has all of its entities in a group of `spans` too. There is no place for ids, scores, given words and further
keys; these are left out and noted. spaCy itself is not needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from globalner.data.formats.format import Carries, Format, Opened, Reading, Sample, Sniff, Source, Writing
from globalner.data.formats.json_stream import JsonStream, sampled_records
from globalner.data.formats.json_values import json_line, json_value, kind_of, whole_number
from globalner.data.formats.offset_entities import entity_at
from globalner.data.formats.offset_units import OffsetUnit, TextOffsets
from globalner.data.formats.word_spans import outermost, shown
from globalner.errors import DataError
from globalner.types import Document, Entity

__all__ = ["SPACY_OFFSETS", "SpacyOffsetsOptions"]


@dataclass(frozen=True, slots=True)
class SpacyOffsetsOptions:
    """Options of spaCy's examples with offsets.

    Attributes:
        spans_key: Name of the group of `spans` with further entities; empty: none is read or written.
        offset_unit: What offsets count: code_point, utf16 or byte.
    """

    spans_key: str = "sc"
    offset_unit: OffsetUnit = "code_point"


def _sniff(sample: Sample) -> Sniff:
    for record in sampled_records(sample):
        if isinstance(record, dict) and isinstance(record.get("annotations"), list) and "classes" in record:
            return Sniff(True, "examples under 'annotations'")
        if record is None:
            continue
        fits = (
            isinstance(record, list) and len(record) == 2 and isinstance(record[0], str) and isinstance(record[1], dict)
        )
        return Sniff(fits, "the first record is not a text and an object")
    beginning = "\n".join(sample.lines[:50])
    return Sniff('"classes"' in beginning and '"annotations"' in beginning, "no record is a text and an object")


def _open(source: Source, options: SpacyOffsetsOptions) -> Opened:
    first = next((line for line in source.sample_lines() if line.strip()), "")
    by_line = first.lstrip().startswith('["')  # that line may be longer than the sample
    shape = "one a line" if by_line else "in one array"
    return Opened(f"spaCy examples with offsets, {shape}", partial(_read, options, by_line))


def _read(options: SpacyOffsetsOptions, by_line: bool, reading: Reading) -> Iterator[Document]:
    for line, name, record in _line_records(reading) if by_line else _array_records(reading):
        if record is None:
            reading.report.add("example that is null, left out", f"line {line}")
            continue
        try:
            yield _document(record, reading, options)
        except DataError as error:
            reading.reject(reading.error(f"{name}{error.message}", line))


def _line_records(reading: Reading) -> Iterator[tuple[int, str, object]]:
    for line, text in reading.lines():
        if text.strip():
            try:
                yield line, "", json_value(text)
            except DataError as error:
                reading.reject(reading.error(error.message, line))


def _array_records(reading: Reading) -> Iterator[tuple[int, str, object]]:
    for line, value in JsonStream(reading).records():
        if not isinstance(value, dict):
            yield line, "", value
            continue
        examples = value.get("annotations")
        if not isinstance(examples, list):
            raise reading.error(f"'annotations' is {kind_of(examples)}; it must be a list of examples", line)
        for number, example in enumerate(examples, start=1):
            yield line, f"example {number}: ", example


def _document(record: object, reading: Reading, options: SpacyOffsetsOptions) -> Document:
    if not isinstance(record, list) or len(record) != 2 or not isinstance(record[0], str):
        raise DataError(
            f'is {kind_of(record)}; an example is a list of a text and an object: ["...", {{"entities": []}}]'
        )
    text, annotation = record
    if not isinstance(annotation, dict):
        raise DataError(f"the annotation is {kind_of(annotation)}; it must be an object with 'entities'")
    offsets = TextOffsets(text, options.offset_unit)
    for key, value in annotation.items():
        if key not in ("entities", "spans") and value:
            reading.report.add(f"key {key!r} of an example, not read")
    entities: dict[tuple[int, int, str], Entity] = {}
    for name, spans in _groups(annotation, reading, options).items():
        seen: set[tuple[int, int, str]] = set()
        for number, span in enumerate(spans, start=1):
            entity = _entity(offsets, span, f"span {number} of {name!r}")
            if entity.key in seen:
                reading.report.add("span given twice, kept once", shown(entity))
            seen.add(entity.key)
            entities[entity.key] = entity
    return Document(text, tuple(entities.values()))


def _groups(
    annotation: Mapping[str, object], reading: Reading, options: SpacyOffsetsOptions
) -> dict[str, list[object]]:
    """The lists of spans to read, that of the group first, which holds all where there is one."""
    groups = annotation.get("spans") or {}
    if not isinstance(groups, dict):
        raise DataError(f"'spans' is {kind_of(groups)}; it must be an object of groups")
    for key in groups:
        if key != options.spans_key:
            reading.report.add(f"group {key!r} of spans, not read (option spans_key)")
    found = {options.spans_key: groups.get(options.spans_key), "entities": annotation.get("entities")}
    lists: dict[str, list[object]] = {}
    for key, spans in found.items():
        if not isinstance(spans, list | None):
            raise DataError(f"{key!r} is {kind_of(spans)}; it must be a list of [start, end, label]")
        lists[key] = spans or []
    return lists


def _entity(offsets: TextOffsets, span: object, name: str) -> Entity:
    if not isinstance(span, list) or len(span) not in (3, 4):  # the fourth is an id in a knowledge base
        raise DataError(f"{name} is {kind_of(span)}; it must be [start, end, label]")
    start, end = (whole_number(offset, f"an offset of {name}") for offset in span[:2])
    if not isinstance(span[2], str):
        raise DataError(f"{name}: the label is {kind_of(span[2])}; it must be a string")
    try:
        return entity_at(offsets, (start, end), span[2])
    except DataError as error:
        raise DataError(f"{name}: {error.message}") from None


def _write(documents: Iterable[Document], writing: Writing, options: SpacyOffsetsOptions) -> None:
    for number, document in enumerate(documents, start=1):
        writing.note_left_out(document)
        offsets = TextOffsets(document.text, options.offset_unit)
        kept, others = outermost(document.entities)
        if not options.spans_key:
            for entity, reason in others:
                writing.losses.add(f"{reason} (option spans_key)", shown(entity))
        if not others:
            kept = list(document.entities)
        annotation: dict[str, object] = {"entities": [_span(offsets, entity) for entity in kept]}
        if others and options.spans_key:
            annotation["spans"] = {options.spans_key: [_span(offsets, entity) for entity in document.entities]}
            writing.notes.add("text with overlapping entities, all of them in a group", repr(document.text[:40]))
        writing.put(json_line([document.text, annotation], f"document {number}"))


def _span(offsets: TextOffsets, entity: Entity) -> list[object]:
    return [offsets.from_code_point(entity.start), offsets.from_code_point(entity.end), entity.label]


SPACY_OFFSETS = Format(
    name="spacy-offsets",
    description="texts with labelled offsets as JSON lists, as spaCy trains from",
    suffixes=(),
    options=SpacyOffsetsOptions,
    sniff=_sniff,
    open=_open,
    write=_write,
    carries=Carries(nested=True, crossing=True, same_span=True),
)
