"""What the tests of formats share: a document as a format can hold it, by what the format says it carries."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from globalner.data.formats import FORMATS
from globalner.data.formats.cmeee import TYPES
from globalner.data.formats.column_layout import ColumnOptions
from globalner.data.formats.format import Carries
from globalner.data.formats.words import join_words, split_words
from globalner.data.formats.xml_names import NOT_XML
from globalner.data.formats.xml_tags import XmlOptions
from globalner.types import Document, Entity

HOW_TO_WRITE: dict[str, object] = {
    "columns": ColumnOptions(scheme="BIO", layers=12),
    "xml": XmlOptions(label_attribute="label"),
}
"""Options of a format, for writing and reading, with which it carries all that it says."""


def _in_words(document: Document) -> Document | None:
    """Words with the blanks that reading gives them; entities with an edge inside a word are left out."""
    tokens = split_words(document.text) if document.tokens is None else document.tokens
    if not tokens:
        return None
    text, placed, _ = join_words([document.text[start:end] for start, end in tokens])
    starts = {start: new for (start, _), (new, _) in zip(tokens, placed, strict=True)}
    ends = {end: new for (_, end), (_, new) in zip(tokens, placed, strict=True)}
    kept = [
        Entity(starts[entity.start], ends[entity.end], entity.label)
        for entity in document.entities
        if entity.start in starts and entity.end in ends
    ]
    return Document(text, tuple(kept), document.id, placed)


def _at_words(document: Document) -> Document:
    """The text as it is; entities with an edge inside a word are left out."""
    tokens = split_words(document.text) if document.tokens is None else document.tokens
    starts, ends = {start for start, _ in tokens}, {end for _, end in tokens}
    kept = tuple(entity for entity in document.entities if entity.start in starts and entity.end in ends)
    return replace(document, entities=kept)


def _on_one_line(document: Document) -> Document:
    return Document(document.text.replace("\n", " ").rstrip("\r"))


def _with_nine_labels(document: Document) -> Document:
    labels = {
        label: TYPES[sum(label.encode()) % len(TYPES)] for label in {entity.label for entity in document.entities}
    }
    return replace(document, entities=tuple(replace(e, label=labels[e.label]) for e in document.entities))


def _with_characters_of_xml(document: Document) -> Document:
    entities = tuple(Entity(entity.start, entity.end, entity.label) for entity in document.entities)
    return replace(document, text=NOT_XML.sub("?", document.text), entities=entities)


# What `Carries` does not say of a format.
_LIMITS: dict[str, Callable[[Document], Document | None]] = {
    "columns": _in_words,
    "json-tags": _at_words,
    "spacy-json": _at_words,
    "text": _on_one_line,
    "cmeee": _with_nine_labels,
    "xml": _with_characters_of_xml,
}


def _overlap_as(entities: Iterable[Entity], carries: Carries) -> list[Entity]:
    """Each entity once, without overlaps that the format has no place for, as other writers and readers order them."""
    kept: list[Entity] = []
    for entity in sorted(entities, key=lambda entity: (entity.start, -entity.end)):
        near = [other for other in kept if other.end > entity.start]
        same = [other for other in near if (other.start, other.end) == (entity.start, entity.end)]
        crossing = [other for other in near if other.start < entity.start < other.end < entity.end]
        if entity.key in {other.key for other in same}:
            continue
        if (not same or carries.same_span) and (not crossing or carries.crossing) and (not near or carries.nested):
            kept.append(entity)
    return kept


def _as_carried(document: Document, name: str, number: int) -> Document | None:
    carries = FORMATS[name].carries
    held = _LIMITS[name](document) if name in _LIMITS else document
    if held is None:
        return None
    entities = _overlap_as(held.entities, carries)
    return Document(
        held.text,
        tuple(entities if carries.scores else [replace(entity, score=None) for entity in entities]),
        id=(document.id or f"d{number}") if carries.ids else None,
        tokens=held.tokens if carries.tokens else None,
        extra=document.extra if carries.extra else {},
    )


def _facts(document: Document, name: str, *, with_tokens: bool) -> tuple[Any, ...]:
    carries = FORMATS[name].carries
    return (
        document.text,
        sorted((*entity.key, entity.score if carries.scores else None) for entity in document.entities),
        document.id if carries.ids else None,
        document.tokens if with_tokens else None,
        document.extra if carries.extra else None,
    )


@pytest.fixture(scope="session")
def as_carried() -> Callable[[Document, str, int], Document | None]:
    """Makes of a document, the name of a format and the document's number what the format holds of it, if anything."""
    return _as_carried


@pytest.fixture(scope="session")
def differences() -> Callable[[Iterable[Document], Iterable[Document], str], list[tuple[Any, ...]]]:
    """Finds the first pairs of documents, written and read, that differ in something that the format carries."""

    def find(written: Iterable[Document], read: Iterable[Document], name: str) -> list[tuple[Any, ...]]:
        found = []
        for one, other in zip(written, read, strict=True):
            facts = [_facts(each, name, with_tokens=one.tokens is not None) for each in (one, other)]
            if facts[0] != facts[1] and len(found) < 3:
                found.append(tuple(facts))
        return found

    return find


@pytest.fixture(scope="session")
def how_to_write() -> dict[str, object]:
    """See `HOW_TO_WRITE`."""
    return HOW_TO_WRITE
