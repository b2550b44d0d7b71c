"""Texts with tags inside, whatever the tags look like: what formats of inline tags share, read and written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from globalner.data.formats.format import Writing
from globalner.data.report import Report
from globalner.errors import DataError
from globalner.types import Document, Entity

__all__ = ["TaggedText", "Tags", "nested_entities", "tagged"]


class _Open(NamedTuple):
    label: str
    start: int
    place: str


@dataclass(slots=True)
class TaggedText:
    """A text that grows by pieces and tags.

    Attributes:
        report: Counts entities that are given twice.
    """

    report: Report
    _pieces: list[str] = field(default_factory=list)
    _length: int = 0
    _open: list[_Open] = field(default_factory=list)
    _entities: dict[tuple[int, int, str], Entity] = field(default_factory=dict)

    def add(self, text: str) -> None:
        """Adds characters of the text."""
        self._pieces.append(text)
        self._length += len(text)

    def open(self, label: str, place: str) -> None:
        """An entity starts here.

        Args:
            label: Its type.
            place: Where its tag stands, for messages.

        Raises:
            DataError: If the label is empty.
        """
        if not label:
            raise DataError(f"{place}: the tag has no label")
        self._open.append(_Open(label, self._length, place))

    def close(self, label: str | None, place: str) -> None:
        """The innermost entity ends here.

        Args:
            label: Its type as the tag says; None where the tag does not.
            place: Where the tag stands, for messages.

        Raises:
            DataError: If none is open, the innermost has another label, or it holds no character.
        """
        if not self._open:
            raise DataError(f"{place}: nothing is open that {'it' if label is None else repr(label)} could close")
        opened = self._open.pop()
        if label is not None and label != opened.label:
            raise DataError(
                f"{place}: {label!r} is closed while {opened.label!r} ({opened.place}) is open; "
                "tags must nest, so that the one opened last is closed first"
            )
        if opened.start == self._length:
            raise DataError(f"{opened.place}: the tag {opened.label!r} holds no character")
        key = (opened.start, self._length, opened.label)
        if key in self._entities:
            self.report.add("entity given twice, kept once", f"{opened.label} ({opened.place})")
        self._entities[key] = Entity(*key)

    def document(self, *, id: str | None = None) -> Document:
        """The document; its entities in the order of their start, outer ones first.

        Raises:
            DataError: If a tag is not closed.
        """
        if self._open:
            last = self._open[-1]
            raise DataError(f"{last.place}: the tag {last.label!r} is not closed")
        # Of entities on one span the outer one is closed last.
        closed = reversed(self._entities.values())
        ordered = sorted(closed, key=lambda entity: (entity.start, -entity.end))
        return Document("".join(self._pieces), tuple(ordered), id=id)


def nested_entities(document: Document, writing: Writing) -> list[Entity]:
    """The entities that nest, each once, in the order of their start, outer ones first.

    One that crosses an earlier one is counted as a loss and left out.
    """
    kept: dict[tuple[int, int, str], Entity] = {}
    around: list[Entity] = []
    for entity in sorted(document.entities, key=lambda entity: (entity.start, -entity.end)):
        while around and around[-1].end <= entity.start:
            around.pop()
        shown = f"{entity.label} {entity.text!r}"
        if around and entity.end > around[-1].end:
            writing.losses.add("entity that crosses another, where tags must nest", shown)
        elif entity.key in kept:
            writing.notes.add("entity given twice, written once", shown)
        else:
            kept[entity.key] = entity
            around.append(entity)
    return list(kept.values())


@dataclass(frozen=True, slots=True)
class Tags:
    """How tags and text are written.

    Attributes:
        open: The opening tag of a label.
        close: The closing tag of a label.
        escape: A piece of text between two tags.
    """

    open: Callable[[str], str]
    close: Callable[[str], str]
    escape: Callable[[str], str]


def tagged(text: str, entities: list[Entity], tags: Tags) -> str:
    """A text with its tags.

    Args:
        text: The text.
        entities: Entities that nest, in the order of their start, outer ones first.
        tags: How tags and text are written.
    """
    pieces: list[str] = []
    at = 0
    for place, mark in _marks(entities, tags):
        if place > at:
            pieces.append(tags.escape(text[at:place]))
            at = place
        pieces.append(mark)
    pieces.append(tags.escape(text[at:]))
    return "".join(pieces)


def _marks(entities: list[Entity], tags: Tags) -> Iterator[tuple[int, str]]:
    around: list[Entity] = []
    for entity in entities:
        while around and around[-1].end <= entity.start:
            closed = around.pop()
            yield closed.end, tags.close(closed.label)
        yield entity.start, tags.open(entity.label)
        around.append(entity)
    for closed in reversed(around):
        yield closed.end, tags.close(closed.label)
