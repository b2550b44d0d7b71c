"""Spans in the unit that a client counts in: code points, UTF-16 units or UTF-8 bytes."""

from __future__ import annotations

from collections.abc import Sequence

from globalner.data.formats.offset_units import OffsetUnit, TextOffsets
from globalner.errors import DataError

__all__ = ["OffsetUnit", "from_code_points", "to_code_points"]


def from_code_points(text: str, spans: Sequence[tuple[int, int]], unit: OffsetUnit) -> list[tuple[int, int]]:
    """Spans of a text, start inclusive and end exclusive, from code points into `unit`."""
    offsets = TextOffsets(text, unit)
    return [(offsets.from_code_point(start), offsets.from_code_point(end)) for start, end in spans]


def to_code_points(text: str, spans: Sequence[tuple[int, int]], unit: OffsetUnit) -> list[tuple[int, int]]:
    """Spans of a text, start inclusive and end exclusive, from `unit` into code points.

    Raises:
        ValueError: If an offset lies outside the text or inside a character; the message says which.
    """
    offsets = TextOffsets(text, unit)
    try:
        return [(offsets.to_code_point(start), offsets.to_code_point(end)) for start, end in spans]
    except DataError as error:
        raise ValueError(error.message) from None
