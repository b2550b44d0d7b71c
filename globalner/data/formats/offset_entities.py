"""Entities of the formats that say in an option which unit their offsets count."""

from __future__ import annotations

from globalner.data.formats.offset_units import OFFSET_UNITS, TextOffsets
from globalner.errors import DataError
from globalner.types import Entity

__all__ = ["Span", "entity_at", "other_reading", "shown"]

Span = tuple[int, int]
"""Start (inclusive) and end (**exclusive**) in the unit of the format."""

_MAX_SEARCHED_CHARS = 100_000
_SHIFTS = (
    ((0, 1), "if ends are inclusive"),
    ((0, -1), "if ends are exclusive"),
    ((-1, -1), "if offsets count from 1"),
    ((-1, 0), "if offsets count from 1 and ends are inclusive"),
)


def entity_at(offsets: TextOffsets, span: Span, label: str, mention: str | None = None) -> Entity:
    """An entity, its text checked where the file gives it.

    Args:
        offsets: Of the document's text.
        span: Where it stands.
        label: Entity type.
        mention: What the file says that the characters are; None where it does not.

    Raises:
        DataError: If the offsets are in the wrong order, outside the text or inside a character, or the characters
            there are others than `mention`; the message then says how they would fit, if it is easy to see.
    """
    if span[1] <= span[0]:
        raise DataError(
            f"{label!r} has start {span[0]} and end {span[1]}; "
            f"the end must be above the start{other_reading(offsets, span, mention)}"
        )
    try:
        start, end = offsets.to_code_point(span[0]), offsets.to_code_point(span[1])
    except DataError as error:
        raise DataError(f"{label!r}: {error.message}{other_reading(offsets, span, mention)}") from None
    piece = offsets.text[start:end]
    if mention is not None and piece != mention:
        raise DataError(
            f"{label!r} at {span[0]}:{span[1]} ({offsets.unit}, end exclusive) says {shown(mention)}, but the text "
            f"there is {shown(piece)}{other_reading(offsets, span, mention)}"
        )
    return Entity(start, end, label, piece)


def shown(text: str) -> str:
    """A text for a message, cut if it is long."""
    return repr(text if len(text) <= 60 else text[:59] + "…")


def other_reading(offsets: TextOffsets, span: Span, mention: str | None) -> str:
    """How a mention would fit that does not: the end of a sentence, empty where none of a few ways does."""
    if not mention or len(offsets.text) > _MAX_SEARCHED_CHARS:
        return ""
    for unit in OFFSET_UNITS:
        if unit != offsets.unit and _slice(TextOffsets(offsets.text, unit), span) == mention:
            return f"; it fits if offsets count {unit} (offset_unit={unit})"
    for (before, after), condition in _SHIFTS:
        if _slice(offsets, (span[0] + before, span[1] + after)) == mention:
            return f"; it fits {condition}"
    return ""


def _slice(offsets: TextOffsets, span: Span) -> str | None:
    try:
        return offsets.text[offsets.to_code_point(span[0]) : offsets.to_code_point(span[1])]
    except DataError:
        return None
