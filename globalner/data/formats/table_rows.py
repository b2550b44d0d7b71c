"""Rows of a table to documents, and documents to rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import count, islice
from typing import TYPE_CHECKING

from globalner.data.formats.format import Reading, Writing
from globalner.data.formats.json_values import json_line, json_object, kind_of, text_id, whole_number
from globalner.data.formats.offset_entities import entity_at
from globalner.data.formats.offset_units import TextOffsets
from globalner.data.formats.table_layout import TableLayout, TableOptions, named_tags
from globalner.data.formats.tag_schemes import scheme_named
from globalner.data.formats.tagged_words import DocumentParts, TaggedWords, words_in
from globalner.data.formats.word_spans import flat_tags, words_of
from globalner.errors import DataError
from globalner.types import Document, Entity

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["documents_of_rows", "record_batches", "table_schema"]

_ROWS_AT_ONCE = 1000
_Row = Mapping[str, object]


def documents_of_rows(rows: Iterable[_Row], layout: TableLayout, reading: Reading) -> Iterator[Document]:
    """The documents of a table, row by row.

    Args:
        rows: Values by the name of a column.
        layout: What the columns hold.
        reading: Takes errors and the report; rows are told by their number, from 1.
    """
    tagged = None if layout.form is None else TaggedWords(reading, layout.form)
    for number, row in enumerate(rows, start=1):
        try:
            yield (
                _entity_row(row, layout, reading) if tagged is None else _tag_row(row, layout, tagged, reading, number)
            )
        except DataError as error:
            name = row.get("id")
            place = f"row {number}: " if name is None else f"row {number} (id {name!r}): "
            reading.reject(reading.error(place + error.message))
    if tagged is not None:
        tagged.note_joining()


def _entity_row(row: _Row, layout: TableLayout, reading: Reading) -> Document:
    text = row[layout.text]
    if not isinstance(text, str):
        raise DataError(f"{layout.text!r} is {kind_of(text)}; it must be the text")
    offsets = TextOffsets(text, layout.offset_unit)
    values = _structs(row.get(layout.entities))
    tokens = row.get(layout.tokens)
    return Document(
        text,
        tuple(_entity(offsets, value, number, layout, reading) for number, value in enumerate(values, start=1)),
        id=text_id(row.get("id"), reading),
        tokens=None if not layout.tokens or tokens is None else tuple(map(_place, _structs(tokens))),
        extra=_extra(row, layout, reading),
    )


def _place(token: Mapping[str, object]) -> tuple[int, int]:
    return whole_number(token["start"], "the start of a token"), whole_number(token["end"], "the end of a token")


def _structs(value: object) -> list[dict[str, object]]:
    """A list of structs, which may also be stored as a struct of lists."""
    if isinstance(value, dict):
        keys = list(value)
        return [dict(zip(keys, items, strict=True)) for items in zip(*(value[key] or [] for key in keys), strict=True)]
    return value if isinstance(value, list) else []


def _entity(
    offsets: TextOffsets, value: Mapping[str, object] | None, number: int, layout: TableLayout, reading: Reading
) -> Entity:
    start, end, label = ((value or {}).get(field) for field in layout.fields)
    if isinstance(label, int):
        (label,) = named_tags([label], layout.names)
    if not isinstance(start, int) or not isinstance(end, int) or not isinstance(label, str):
        raise DataError(f"entity {number} has start {start!r}, end {end!r} and label {label!r}; none may be missing")
    assert value is not None
    mention = value.get("text")
    try:
        entity = entity_at(offsets, (start, end), label, mention if isinstance(mention, str) else None)
    except DataError as error:
        raise DataError(f"entity {number}: {error.message}") from None
    for key in value:
        if key not in (*layout.fields, "text", "score"):
            reading.report.add("field of an entity that is not read", key)
    score = value.get("score")
    known = isinstance(score, float) and 0 <= score <= 1
    if score is not None and not known:
        reading.report.add("score that is not a number from 0 to 1, left out", repr(score))
    return Entity(entity.start, entity.end, label, entity.text, score if known else None)  # type: ignore[arg-type]


def _tag_row(row: _Row, layout: TableLayout, tagged: TaggedWords, reading: Reading, number: int) -> Document:
    words, values = row[layout.tokens], row[layout.tags]
    if not isinstance(words, list) or not isinstance(values, list) or not all(isinstance(word, str) for word in words):
        raise DataError("has no words or no tags, or a word is missing")
    text = row.get(layout.text)
    parts = None
    if isinstance(text, str):
        try:
            parts = (text, words_in(text, words))
        except DataError as error:
            reading.report.add("text that is not its words, which are joined instead", f"row {number}: {error.message}")
    name, extra = text_id(row.get("id"), reading), _extra(row, layout, reading)
    tags = named_tags(values, layout.names)
    return tagged.document(words, tags, DocumentParts(parts, name, extra, name=f"row {number}"))


def _extra(row: _Row, layout: TableLayout, reading: Reading) -> dict[str, object]:
    packed = row.get("extra") if layout.own else None
    if isinstance(packed, str):
        return json_object(packed)
    read = ("id", layout.text, layout.entities, layout.tokens, layout.tags)
    extra = {key: value for key, value in row.items() if key not in read and value is not None}
    for key in tuple(extra):
        if not _is_json(extra[key]):
            reading.report.add("value of a column that is not JSON, left out", key)
            del extra[key]
    return extra


def _is_json(value: object) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_is_json, value))
    return value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


def table_schema(options: TableOptions) -> pa.Schema:
    """The schema of the tables that are written."""
    import pyarrow as pa

    place = [("start", pa.int64()), ("end", pa.int64())]
    tagged = options.shape == "tags"
    entity = pa.struct([*place, ("label", pa.string()), ("score", pa.float64())])
    fields = [
        ("id", pa.string()),
        (_named(options.text, "text"), pa.string()),
        (_named(options.tokens, "tokens"), pa.list_(pa.string() if tagged else pa.struct(place))),
        (_named(options.tags, "ner_tags"), pa.list_(pa.string()))
        if tagged
        else (_named(options.entities, "entities"), pa.list_(entity)),
        ("extra", pa.string()),
    ]
    return pa.schema(fields)


def record_batches(documents: Iterable[Document], writing: Writing, options: TableOptions) -> Iterator[pa.RecordBatch]:
    """The rows of documents, some at a time.

    Raises:
        DataError: If a document holds what a table has no form for.
    """
    import pyarrow as pa

    schema = table_schema(options)
    stream = iter(documents)
    for first in count(1, _ROWS_AT_ONCE):
        batch = list(islice(stream, _ROWS_AT_ONCE))
        if not batch:
            return
        rows = [_row(document, number, schema.names, writing, options) for number, document in enumerate(batch, first)]
        try:
            yield pa.RecordBatch.from_pylist(rows, schema=schema)
        except UnicodeEncodeError:
            raise DataError(
                f"one of the documents {first} to {first + len(batch) - 1} holds a lone surrogate, which is no "
                "character; take it out"
            ) from None


def _row(
    document: Document, number: int, columns: list[str], writing: Writing, options: TableOptions
) -> dict[str, object]:
    tagged = options.shape == "tags"
    writing.note_left_out(document, keeps_id=True, keeps_tokens=True, keeps_extra=True, keeps_scores=not tagged)
    extra = json_line(document.extra, f"document {number}") if document.extra else None
    tokens: object = None
    if tagged:
        words = words_of(document, writing)
        scheme = scheme_named("BIO" if options.scheme == "auto" else options.scheme)
        tokens = [document.text[start:end] for start, end in words]
        labels: object = flat_tags(document, words, writing, scheme)
    else:
        if document.tokens is not None:
            tokens = [{"start": start, "end": end} for start, end in document.tokens]
        labels = [{"start": e.start, "end": e.end, "label": e.label, "score": e.score} for e in document.entities]
    return dict(zip(columns, (document.id, document.text, tokens, labels, extra), strict=True))


def _named(option: str, usual: str) -> str:
    return usual if option == "auto" else option
