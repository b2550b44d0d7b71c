"""Documents as words with one tag each, with a count of everything that such tags cannot hold."""

from __future__ import annotations

import re
from itertools import pairwise

from globalner.data.formats.format import Writing
from globalner.data.formats.tag_schemes import Span, TagScheme, parse_tag, tags_of_spans
from globalner.data.formats.words import split_words
from globalner.errors import DataError
from globalner.types import Document, Entity

__all__ = ["WordOffsets", "flat_tags", "given_words", "inked", "outermost", "shown", "words_of"]

_INK = re.compile(r"\S+")

WordOffsets = tuple[tuple[int, int], ...]
"""Characters of each word, end **exclusive**."""


def given_words(document: Document, writing: Writing) -> WordOffsets:
    """The given words, else the text split at blanks and punctuation, which is noted."""
    if document.tokens is not None:
        return document.tokens
    writing.notes.add("document without given words, split at blanks and punctuation")
    return tuple(split_words(document.text))


def words_of(document: Document, writing: Writing) -> WordOffsets:
    """The given words, else the text split at blanks and punctuation, which is noted.

    Losses: text outside the given words, which is made words too; given words of blanks only.
    """
    words = given_words(document, writing)
    for start, end in words:
        if not document.text[start:end].strip():
            writing.losses.add("given word of blanks only", repr(document.text[start:end]))
    length = len(document.text)
    between = pairwise(((0, 0), *words, (length, length)))
    found = [match for (_, start), (end, _) in between for match in _INK.finditer(document.text, start, end)]
    for match in found:
        writing.losses.add("text outside the given words, made a word", repr(match[0]))
    return tuple(sorted((*words, *(match.span() for match in found))))


def inked(text: str, words: WordOffsets) -> WordOffsets:
    """The words that are more than blanks."""
    return tuple(word for word in words if text[slice(*word)].strip())


def flat_tags(document: Document, words: WordOffsets, writing: Writing, scheme: TagScheme) -> list[str]:
    """One tag a word.

    Losses: entities that overlap a longer one, those with an edge inside a word, those that touch another of their
    label in a scheme that cannot part them, and labels that cannot be read back from a tag.
    """
    first_at = {start: index for index, (start, _) in enumerate(words)}
    last_at = {end: index for index, (_, end) in enumerate(words)}
    spans: list[Span] = []
    kept, others = outermost(document.entities)
    for entity, reason in others:
        notes = writing.notes if entity in kept else writing.losses
        notes.add("entity given twice, written once" if entity in kept else reason, shown(entity))
    for entity in kept:
        first, last = first_at.get(entity.start), last_at.get(entity.end)
        label = _label(entity, writing)
        if first is None or last is None:
            writing.losses.add("entity with an edge inside a word", shown(entity))
        elif not scheme.parts_touching and spans and spans[-1][1:] == (first - 1, label):
            writing.losses.add(f"entity that touches another of its label, which {scheme.name} cannot part")
        else:
            spans.append((first, last, label))
    return tags_of_spans(spans, len(words), scheme)


def outermost(entities: tuple[Entity, ...]) -> tuple[list[Entity], list[tuple[Entity, str]]]:
    """Entities without overlap, the first and longest ones, in order; and the others with the reason of each."""
    kept: list[Entity] = []
    others: list[tuple[Entity, str]] = []
    for entity in sorted(entities, key=lambda entity: (entity.start, -entity.end)):
        if not kept or entity.start >= kept[-1].end:
            kept.append(entity)
        elif entity.end > kept[-1].end:
            others.append((entity, "entity that crosses another"))
        else:
            same = (entity.start, entity.end) == (kept[-1].start, kept[-1].end)
            others.append((entity, "entity on the span of another" if same else "entity nested in another"))
    return kept, others


def shown(entity: Entity) -> str:
    """An entity for a report."""
    return f"{entity.label} {entity.text!r}"


def _label(entity: Entity, writing: Writing) -> str:
    label = entity.label
    try:
        if parse_tag(f"B-{label}")[1] == label:
            return label
    except DataError:  # it would be read as several tags
        pass
    writing.losses.add("label that a tag cannot hold, written with _", repr(label))
    return re.sub("[,;|]", "_", label.strip(" ")) or "_"
