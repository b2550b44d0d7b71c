"""Offsets in three units: code points (Python), UTF-16 units (JavaScript, Java, C#) and UTF-8 bytes (Go, Rust)."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from globalner.errors import DataError

__all__ = ["OFFSET_UNITS", "OffsetUnit", "TextOffsets"]

OffsetUnit = Literal["code_point", "utf16", "byte"]
OFFSET_UNITS: tuple[OffsetUnit, ...] = get_args(OffsetUnit)

_UNIT_NAMES = {"code_point": "code points", "utf16": "UTF-16 units", "byte": "UTF-8 bytes"}
# The first code point that takes one unit more than the one before it.
_WIDER_FROM = {"utf16": (0x10000,), "byte": (0x80, 0x800, 0x10000)}


class TextOffsets:
    """The boundaries between the characters of one text, in code points and in another unit.

    Making it costs one pass over the text, each offset after that a binary search or less. A lone surrogate counts as
    one UTF-16 unit and three bytes.

    Attributes:
        text: The text.
        unit: The unit.
    """

    __slots__ = ("_positions", "text", "unit")

    def __init__(self, text: str, unit: OffsetUnit = "code_point") -> None:
        self.text = text
        self.unit = unit
        self._positions = _positions(text, unit)

    @property
    def length(self) -> int:
        """Length of the text in the unit."""
        return len(self.text) if self._positions is None else int(self._positions[-1])

    def from_code_point(self, index: int) -> int:
        """The offset in the unit of a boundary that is given in code points, from 0 to the length of the text."""
        return index if self._positions is None else int(self._positions[index])

    def to_code_point(self, offset: int) -> int:
        """The boundary in code points of an offset in the unit.

        Raises:
            DataError: If the offset lies outside the text or inside one of its characters; the message says which.
        """
        if not 0 <= offset <= self.length:
            raise DataError(
                f"offset {offset} lies outside the text, which has {self.length} {_UNIT_NAMES[self.unit]} ({self.unit})"
            )
        if self._positions is None:
            return offset
        index = int(self._positions.searchsorted(offset))
        if self._positions[index] != offset:
            character = self.text[index - 1]
            start = int(self._positions[index - 1])
            raise DataError(
                f"offset {offset} ({self.unit}) lies inside the character {character!r} (U+{ord(character):04X}), "
                f"which takes the {_UNIT_NAMES[self.unit]} {start} to {int(self._positions[index]) - 1}"
            )
        return index


def _positions(text: str, unit: OffsetUnit) -> NDArray[np.int64] | None:
    """Offset in `unit` of each code point and of the end, strictly ascending from 0; None where all are the index."""
    if unit == "code_point" or text.isascii():
        return None
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    widths = np.ones(len(codes), dtype=np.int64)
    for first in _WIDER_FROM[unit]:
        widths += codes >= first
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(widths)))
