"""Documents of the same text made one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from globalner.data.report import Report, shown_entity
from globalner.types import Document, Entity

__all__ = ["MergedText"]


@dataclass
class MergedText:
    """The documents of one text as one: the first of them, with the entities of all.

    Attributes:
        document: The document so far.
    """

    document: Document = field(default_factory=lambda: Document(""))
    _place: str = ""
    _keys: set[tuple[int, int, str]] = field(default_factory=set)

    def add(self, document: Document, place: str, report: Report) -> Iterator[str]:
        """Takes a document in.

        Args:
            document: One with the same text as the others.
            place: Where it stands, for messages.
            report: Counts what is joined, what is left out, and conflicts.

        Yields:
            Each entity of it that an entity of the others speaks against: another label on the same span, or a span
            that crosses. Both stay.
        """
        if not self._place:
            self.document, self._place = document, place
            self._keys = {entity.key for entity in document.entities}
            return
        report.add("document joined to an earlier one with its text", place)
        new = []
        before = self.document.entities
        for entity in document.entities:
            if entity.key in self._keys:
                continue
            self._keys.add(entity.key)
            new.append(entity)
            against = next((other for other in before if _speak_against(entity, other)), None)
            if against is not None:
                report.add("conflict between entities of the same text, both kept", place)
                yield f"{place}: {shown_entity(entity)} against {shown_entity(against)} of {self._place}"
        entities = sorted((*before, *new), key=lambda entity: (entity.start, -entity.end)) if new else before
        self.document = replace(
            self.document,
            entities=tuple(entities),
            id=self.document.id if self.document.id is not None else document.id,
            tokens=self._tokens(document, place, report),
            extra=self._extra(document, place, report),
            limited=self.document.limited or document.limited,
        )

    def _tokens(self, document: Document, place: str, report: Report) -> tuple[tuple[int, int], ...] | None:
        if self.document.tokens is None or document.tokens is None:
            return self.document.tokens if document.tokens is None else document.tokens
        if self.document.tokens != document.tokens:
            report.add("given words left out, since those of the earlier document are others", place)
        return self.document.tokens

    def _extra(self, document: Document, place: str, report: Report) -> dict[str, object]:
        extra = dict(self.document.extra)
        for key, value in document.extra.items():
            if extra.setdefault(key, value) != value:
                report.add(
                    "further key left out, since its value in the earlier document is another", f"{place}: {key}"
                )
        if self.document.id is not None and document.id is not None and document.id != self.document.id:
            report.add("id left out, since the earlier document has another", f"{document.id!r} of {place}")
        return extra


def _speak_against(one: Entity, other: Entity) -> bool:
    if (one.start, one.end) == (other.start, other.end):
        return True
    apart = one.end <= other.start or other.end <= one.start
    inside = (one.start <= other.start and other.end <= one.end) or (other.start <= one.start and one.end <= other.end)
    return not apart and not inside
