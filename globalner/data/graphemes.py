"""Graphemes: what a reader takes for one character, such as a letter with its accents or an emoji of several parts."""

from __future__ import annotations

import unicodedata

__all__ = ["extends_grapheme"]

# Not marks by category, and yet nothing that could stand by itself: joiners, the vowels and final consonants of Korean
# syllables in parts, voicing signs of half width, skin colours, tags of flags.
_EXTENDING = (
    ("\u200c", "\u200d"),
    ("\u1160", "\u11ff"),
    ("\ud7b0", "\ud7fb"),
    ("\uff9e", "\uff9f"),
    ("\U0001f3fb", "\U0001f3ff"),
    ("\U000e0020", "\U000e007f"),
)


def extends_grapheme(character: str) -> bool:
    """Whether a character belongs to the one before it, if there is one.

    Source: the property Grapheme_Extend and Hangul_Syllable_Type, Unicode Standard Annex 29; marks by their category.
    """
    return unicodedata.category(character)[0] == "M" or any(first <= character <= last for first, last in _EXTENDING)
