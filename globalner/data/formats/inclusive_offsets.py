"""Entities of formats whose ends are inclusive, with the text of each beside its offsets."""

from __future__ import annotations

from globalner.errors import DataError
from globalner.types import Entity

__all__ = ["entity_of_inclusive"]


def entity_of_inclusive(text: str, start: int, last: int, label: str, mention: str) -> Entity:
    """An entity, its text checked against the offsets.

    Args:
        text: The text of the document.
        start: First character, a code point index, inclusive.
        last: Last character, **inclusive**.
        label: Entity type.
        mention: What the file says that the characters are.

    Raises:
        DataError: If the offsets lie outside the text or are in the wrong order, or the characters there are others.
    """
    if last < start:
        raise DataError(
            f"has start {start} and end {last}; the end is the last character itself (inclusive), so it must not "
            "be below the start"
        )
    if start < 0 or last >= len(text):
        raise DataError(
            f"has start {start} and end {last}, which lie outside the text: it has {len(text)} characters, "
            f"counted from 0, and ends are inclusive, so the last one is {len(text) - 1}"
        )
    piece = text[start : last + 1]
    if piece != mention:
        raise DataError(
            f"says {mention!r}, but the characters {start} to {last} of the text are {piece!r}; "
            "ends are inclusive in this format: the end is the last character itself"
        )
    return Entity(start, last + 1, label, piece)
