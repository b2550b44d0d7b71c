"""Characters of texts as numbers, and what kind each is: for work on whole arrays of characters at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from globalner.data.graphemes import extends_grapheme

__all__ = ["JoinedTexts", "are_blank", "extend_graphemes", "next_true"]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.uint32]

_BLANKS_END = 0x3001
_UNKNOWN = 2
_EXTENDING = np.full(0x110000, _UNKNOWN, dtype=np.uint8)


@dataclass(frozen=True)
class JoinedTexts:
    """The characters of N texts in one array, a character that belongs to none behind each.

    Attributes:
        codes: Code points, (T + N,).
        begins: First character of each text in `codes`, inclusive, (N,).
        ends: End of each text in `codes`, **exclusive**, (N,).
    """

    codes: Codes
    begins: Ints
    ends: Ints

    @classmethod
    def of(cls, texts: Sequence[str]) -> JoinedTexts:
        """Joins texts."""
        lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        joined = "\0".join((*texts, "")).encode("utf-32-le", errors="surrogatepass")
        ends = np.cumsum(lengths + 1) - 1
        return cls(np.frombuffer(joined, dtype="<u4"), ends - lengths, ends)


def are_blank(codes: Codes) -> Bools:
    """Which characters are white space, as `str.isspace` says; any shape."""
    return np.asarray(_blanks()[np.minimum(codes, _BLANKS_END)])


def extend_graphemes(codes: Codes) -> Bools:
    """Which characters may be a part of what stands before them, as `extends_grapheme` says; any shape."""
    for code in np.unique(codes[_EXTENDING[codes] == _UNKNOWN]).tolist():
        _EXTENDING[code] = extends_grapheme(chr(code))
    return np.asarray(_EXTENDING[codes] == 1)


def next_true(flags: Bools) -> Ints:
    """The next place, itself included, where a flag is set; `len(flags)` where none follows. (T,)."""
    places = np.where(flags, np.arange(len(flags)), len(flags))
    return np.asarray(np.minimum.accumulate(places[::-1])[::-1])


@cache
def _blanks() -> Bools:
    """(0x3002,), whether a code point is white space; the last stands for all that follow."""
    return np.array([chr(code).isspace() for code in range(_BLANKS_END)] + [False])
