"""The frozen values that travel through the whole house: `Entity`, `Document`, `LabelSet`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from globalner.errors import DataError

__all__ = ["INCLUSIVE_HINT", "Document", "Documents", "Entity", "LabelSet"]

INCLUSIVE_HINT = "the end looks inclusive"
"""Stands in the error of an entity whose offsets fit when its end is taken for its last character."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A labelled stretch of a text.

    Attributes:
        start: First character, a Unicode code point index, inclusive.
        end: One past the last character, **exclusive**.
        label: Entity type.
        text: The characters themselves; `Document` fills it in.
        score: Confidence in (0, 1) where a model made the entity, else None.

    Raises:
        DataError: If `start` is negative, `end` is not after `start`, or the label is empty.
    """

    start: int
    end: int
    label: str
    text: str = ""
    score: float | None = None

    def __post_init__(self) -> None:
        if self.start < 0 or self.end <= self.start:
            hint = f" ({INCLUSIVE_HINT})" if 0 <= self.start == self.end else ""
            raise DataError(
                f"entity {self.label!r} has start {self.start} and end {self.end}; "
                f"offsets are characters from 0 and the end is exclusive, so 0 <= start < end{hint}"
            )
        if not self.label:
            raise DataError(f"entity at {self.start}:{self.end} has an empty label")

    @property
    def key(self) -> tuple[int, int, str]:
        """(start, end, label): what makes two entities the same in an evaluation."""
        return self.start, self.end, self.label


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its entities.

    Attributes:
        text: The text; all offsets count its Unicode code points.
        entities: Entities, in the order given. They may nest, cross and repeat a span with another label.
        id: The document's own name, if it has one.
        tokens: Word offsets `(start, end)`, end exclusive, ascending and without overlap; None where unknown.
        extra: Further keys of the native form (`meta`, ...), kept through read, predict and convert.
        windows: Into how many windows the text was cut when a model read it; None where no model did.
        limited: True when a flood guard kept only the entities with the highest scores.

    Raises:
        DataError: If an entity or token lies outside the text, or an entity's `text` is not what its offsets slice.
    """

    text: str
    entities: tuple[Entity, ...] = ()
    id: str | None = None
    tokens: tuple[tuple[int, int], ...] | None = None
    extra: Mapping[str, object] = field(default_factory=dict)
    windows: int | None = None
    limited: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "entities", tuple(self._sliced(entity) for entity in self.entities))
        if self.tokens is not None:
            object.__setattr__(self, "tokens", tuple((start, end) for start, end in self.tokens))
            self._check_tokens()

    def _sliced(self, entity: Entity) -> Entity:
        if entity.end > len(self.text):
            raise DataError(
                f"entity {entity.label!r} at {entity.start}:{entity.end} lies outside the text, "
                f"which has {len(self.text)} characters"
            )
        piece = self.text[entity.start : entity.end]
        if entity.text == piece:
            return entity
        if entity.text:
            hint = f" ({INCLUSIVE_HINT})" if entity.text == self.text[entity.start : entity.end + 1] else ""
            raise DataError(
                f"entity {entity.label!r} at {entity.start}:{entity.end} says {entity.text!r}, "
                f"but the text there is {piece!r}{hint}"
            )
        return replace(entity, text=piece)

    def _check_tokens(self) -> None:
        previous = 0
        for start, end in self.tokens or ():
            if not previous <= start < end <= len(self.text):
                raise DataError(
                    f"token {start}:{end} is empty, overlaps the one before it, or lies outside the text, "
                    f"which has {len(self.text)} characters"
                )
            previous = end


class Documents(Protocol):
    """Documents that can be gone through more than once: a list, or what reads them again each time."""

    def __iter__(self) -> Iterator[Document]: ...

    def __len__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The entity types of a model, in a fixed order; a type's position is its index `c` in the scores.

    Raises:
        DataError: If a name occurs twice or is empty.
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice or "" in self.names:
            raise DataError(f"labels must be distinct and not empty; got {', '.join(map(repr, twice)) or repr('')}")

    @classmethod
    def from_documents(cls, documents: Iterable[Document]) -> LabelSet:
        """All labels of the documents, in alphabetical order."""
        return cls(tuple(sorted({entity.label for document in documents for entity in document.entities})))

    def index(self, name: str) -> int:
        """Position of a label.

        Raises:
            DataError: If there is no such label; the message lists those there are.
        """
        try:
            return self.names.index(name)
        except ValueError:
            raise DataError(f"unknown label {name!r}; there are: {', '.join(self.names)}") from None

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names
