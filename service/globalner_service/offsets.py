"""Offsets in three units: code points (Python), UTF-16 units (JavaScript, Java, C#) and UTF-8 bytes (Go, Rust)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Literal

__all__ = ["OffsetUnit", "from_code_points", "to_code_points"]

OffsetUnit = Literal["code_point", "utf16", "byte"]


def _utf16_width(character: str) -> int:
    return 2 if character > "\uffff" else 1


def _byte_width(character: str) -> int:
    if character <= "\x7f":
        return 1
    if character <= "\u07ff":
        return 2
    return 3 if character <= "\uffff" else 4


_WIDTHS: dict[OffsetUnit, Callable[[str], int]] = {"utf16": _utf16_width, "byte": _byte_width}


def _positions(text: str, unit: OffsetUnit) -> Sequence[int]:
    """Offset in `unit` of each code point and of the end: `len(text) + 1` values, strictly ascending from 0."""
    if unit == "code_point" or text.isascii():
        return range(len(text) + 1)
    return list(accumulate(map(_WIDTHS[unit], text), initial=0))


def from_code_points(text: str, spans: Sequence[tuple[int, int]], unit: OffsetUnit) -> list[tuple[int, int]]:
    """Spans of a text, start inclusive and end exclusive, from code points into `unit`."""
    positions = _positions(text, unit)
    return [(positions[start], positions[end]) for start, end in spans]


def to_code_points(text: str, spans: Sequence[tuple[int, int]], unit: OffsetUnit) -> list[tuple[int, int]]:
    """Spans of a text, start inclusive and end exclusive, from `unit` into code points.

    Raises:
        ValueError: If an offset lies outside the text or inside a character; the message says which.
    """
    index_of = {position: index for index, position in enumerate(_positions(text, unit))}
    spelled = []
    for start, end in spans:
        for offset in (start, end):
            if offset not in index_of:
                raise ValueError(f"offset {offset} ({unit}) lies outside the text or inside one of its characters")
        spelled.append((index_of[start], index_of[end]))
    return spelled
