"""Which documents of a set belong together, so that no split parts them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from globalner.data.text_digests import text_digest
from globalner.errors import DataError
from globalner.types import Document

__all__ = ["Grouping", "KeptTogether"]

_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Grouping:
    """What makes documents belong together; each rule by itself is enough.

    Attributes:
        by: Name of a further key: documents with the same value; a dot goes into an object, as in `meta.source`.
        by_id: Separator: documents whose ids are the same up to its last occurrence; an id without it stands alone.
        same_texts: Whether documents with the same text do, so that none is learnt and tested too; blank ones do not.
    """

    by: str | None = None
    by_id: str | None = None
    same_texts: bool = True

    def keys(self, document: Document) -> list[Hashable]:
        """What the document shares with those that it belongs to.

        Raises:
            DataError: If it has no such further key, or no id; the message goes on from the document's name.
        """
        keys: list[Hashable] = []
        if self.same_texts and document.text.strip():
            keys.append(("text", text_digest(document.text, size_bytes=_DIGEST_BYTES)))
        if self.by is not None:
            keys.append(("by", repr(_value_at(document, self.by))))
        if self.by_id is not None:
            if document.id is None:
                raise DataError("has no id to group by")
            head, found, _ = document.id.rpartition(self.by_id)
            keys.append(("id", head if found else document.id))
        return keys


def _value_at(document: Document, key: str) -> object:
    value: object = document.extra
    for name in [key] if key in document.extra else key.split("."):
        if not isinstance(value, Mapping) or name not in value:
            known = ", ".join(map(repr, document.extra)) or "none at all"
            raise DataError(f"has no further key {key!r} to group by; its further keys are {known}")
        value = value[name]
    return value


class KeptTogether:
    """Which documents stay together, since they share a key: a group, or the same text. Keys join groups too."""

    def __init__(self) -> None:
        self._parent: list[int] = []
        self._document_of: dict[Hashable, int] = {}

    def add(self, keys: Sequence[Hashable]) -> None:
        """Takes the next document; it stays with every earlier one that has one of its keys."""
        document = len(self._parent)
        self._parent.append(document)
        for key in keys:
            earlier = self._document_of.setdefault(key, document)
            one, other = self._root(earlier), self._root(document)
            self._parent[max(one, other)] = min(one, other)

    def units(self) -> list[int]:
        """Of each document, the number of its unit, counted from 0 in the order of their first documents."""
        number_of: dict[int, int] = {}
        return [number_of.setdefault(self._root(place), len(number_of)) for place in range(len(self._parent))]

    def _root(self, place: int) -> int:
        while self._parent[place] != place:
            self._parent[place] = self._parent[self._parent[place]]
            place = self._parent[place]
        return place
