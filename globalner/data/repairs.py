"""Repairs of documents that lose nothing anybody meant: each one is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from globalner.data.problems import (
    BLANK_EDGE,
    CONTROL_CHARACTER,
    CONTROLS,
    DUPLICATE_ENTITY,
    INNER_BYTE_ORDER_MARK,
    Problem,
)
from globalner.data.report import shown_entity as shown
from globalner.data.set_problems import ALIKE_LABELS
from globalner.types import Document, Entity

__all__ = ["REPAIRABLE", "Repaired", "repair_document"]

REPAIRABLE = (BLANK_EDGE, CONTROL_CHARACTER, DUPLICATE_ENTITY, INNER_BYTE_ORDER_MARK)
"""The kinds of problems that `repair_document` mends by itself."""

_MARK = "\ufeff"
_Span = tuple[int, int]


@dataclass
class Repaired:
    """A document and what was mended in it.

    Attributes:
        document: The document as it is now.
        repairs: What was done, in order; `kind` is that of the problem.
    """

    document: Document
    repairs: list[Problem] = field(default_factory=list)


def repair_document(document: Document, new_labels: Mapping[str, str] | None = None) -> Repaired:
    """Mends a document: characters, then edges of entities, then labels, then entities given twice.

    U+FEFF is taken out and all offsets move. A control character becomes one blank, or, from U+0080 to U+009F, what
    the byte is in Windows-1252, from where it comes ("–" of U+0096), so that offsets stay. Blanks at the edges of
    entities are left out of them; an entity or word of nothing else is dropped.

    Args:
        document: The document.
        new_labels: New name by old name of a label; other labels stay.
    """
    repaired = Repaired(document)
    _replace_control_characters(repaired)
    _take_marks_out(repaired)
    entities = list(_trimmed(repaired))
    entities = list(_renamed(entities, new_labels or {}, repaired))
    kept = list(_once(entities, repaired))
    if repaired.repairs:
        repaired.document = replace(repaired.document, entities=tuple(kept))
    return repaired


def _replace_control_characters(repaired: Repaired) -> None:
    document = repaired.document
    found = CONTROLS.findall(document.text)
    if not found:
        return
    text = CONTROLS.sub(lambda match: _instead_of(match.group()), document.text)
    changes = dict.fromkeys(f"U+{ord(character):04X} made {_instead_of(character)!r}" for character in found)
    repaired.repairs.append(Problem(CONTROL_CHARACTER, f"{', '.join(changes)}, {len(found)} in all"))
    entities = tuple(replace(entity, text="") for entity in document.entities)
    repaired.document = replace(document, text=text, entities=entities, tokens=_stripped_spans(text, document.tokens))


def _instead_of(control: str) -> str:
    try:
        character = control.encode("latin-1").decode("cp1252")
    except UnicodeDecodeError:
        return " "
    return character if character.isprintable() else " "


def _take_marks_out(repaired: Repaired) -> None:
    document = repaired.document
    count = document.text.count(_MARK)
    if not count:
        return
    moved, at = [], 0
    for character in document.text:
        moved.append(at)
        at += character != _MARK
    moved.append(at)
    entities = []
    for entity in document.entities:
        start, end = moved[entity.start], moved[entity.end]
        if start < end:
            entities.append(replace(entity, start=start, end=end, text=""))
        else:
            repaired.repairs.append(
                Problem(INNER_BYTE_ORDER_MARK, f"dropped an entity of nothing else: {shown(entity)}")
            )
    tokens = document.tokens and tuple(
        (moved[start], moved[end]) for start, end in document.tokens if moved[start] < moved[end]
    )
    repaired.repairs.append(Problem(INNER_BYTE_ORDER_MARK, f"{count} taken out"))
    text = document.text.replace(_MARK, "")
    repaired.document = replace(document, text=text, entities=tuple(entities), tokens=tokens)


def _stripped_spans(text: str, spans: tuple[_Span, ...] | None) -> tuple[_Span, ...] | None:
    """Given words without blanks at their edges; those of blanks only are left out."""
    if spans is None:
        return None
    return tuple(found for start, end in spans if (found := _stripped(text, start, end)) is not None)


def _stripped(text: str, start: int, end: int) -> _Span | None:
    piece = text[start:end]
    kept = piece.strip()
    first = start + len(piece) - len(piece.lstrip())
    return (first, first + len(kept)) if kept else None


def _trimmed(repaired: Repaired) -> Iterator[Entity]:
    for entity in repaired.document.entities:
        span = _stripped(repaired.document.text, entity.start, entity.end)
        if span is None:
            repaired.repairs.append(Problem(BLANK_EDGE, f"dropped an entity of blanks only: {shown(entity)}"))
        elif span == (entity.start, entity.end):
            yield entity
        else:
            repaired.repairs.append(Problem(BLANK_EDGE, f"{shown(entity)} now {span[0]}:{span[1]}"))
            yield replace(entity, start=span[0], end=span[1], text=entity.text.strip())


def _renamed(entities: list[Entity], new_labels: Mapping[str, str], repaired: Repaired) -> Iterator[Entity]:
    for entity in entities:
        label = new_labels.get(entity.label, entity.label)
        if label != entity.label:
            repaired.repairs.append(Problem(ALIKE_LABELS, f"{shown(entity)} now {label!r}"))
            entity = replace(entity, label=label)
        yield entity


def _once(entities: list[Entity], repaired: Repaired) -> Iterator[Entity]:
    seen: set[tuple[int, int, str]] = set()
    for entity in entities:
        if entity.key in seen:
            repaired.repairs.append(Problem(DUPLICATE_ENTITY, f"dropped once more: {shown(entity)}"))
        else:
            seen.add(entity.key)
            yield entity
