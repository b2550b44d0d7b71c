"""Graphemes: what a reader takes for one character, such as a letter with its accents or an emoji of several parts."""

from __future__ import annotations

import unicodedata

__all__ = ["extends_grapheme"]

# Not marks by category: joiners, parts of Korean syllables, voicing signs of half width, skin colours, tags of flags.
_EXTENDING = (
    ("\u200c", "\u200d"),
    ("\u1160", "\u11ff"),
    ("\u3131", "\u318e"),
    ("\ud7b0", "\ud7fb"),
    ("\uff9e", "\uffdc"),
    ("\U0001f3fb", "\U0001f3ff"),
    ("\U000e0020", "\U000e007f"),
)


def extends_grapheme(character: str) -> bool:
    """Whether a character may be a part of what stands before it: a mark, or what NFKC may compose with it.

    Source: the property Grapheme_Extend, Unicode Standard Annex 29; Hangul composition, section 3.12 of the standard.
    """
    return unicodedata.category(character)[0] == "M" or any(first <= character <= last for first, last in _EXTENDING)
