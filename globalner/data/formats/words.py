"""Words of a text: joining them where a file holds words only, and finding them where a file needs words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

__all__ = ["JoinedWords", "is_unspaced", "join_words", "split_words"]

# Blocks of the scripts that are written without blanks between words, with their punctuation and full-width forms.
_UNSPACED_BLOCKS = re.compile(
    "["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"  # Myanmar
    "\u1780-\u17ff\u19e0-\u19ff"  # Khmer
    "\u2e80-\u2fff"  # Han radicals
    "\u3000-\u312f\u3190-\u319f\u31c0-\u31ff"  # CJK punctuation, Hiragana, Katakana, Bopomofo
    "\u3200-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # enclosed and square forms, Han
    "\ufe30-\ufe6f\uff00-\uff9f\uffe0-\uffe6"  # vertical, small, full-width and half-width forms
    "\U0001aff0-\U0001b16f\U00020000-\U0003ffff"  # further Kana, further Han
    "]"
)
_FIRST_UNSPACED = "\u0e00"
# Marks and format characters (joiners, soft hyphens, variation selectors) belong to the character before them.
_ATTACHED = ("Mn", "Mc", "Me", "Cf")


class JoinedWords(NamedTuple):
    """A text made of words.

    Attributes:
        text: The text.
        tokens: Character offsets of each word, end exclusive.
        blanks: How many pairs of words were joined with one blank; the others were joined with nothing.
    """

    text: str
    tokens: tuple[tuple[int, int], ...]
    blanks: int


@lru_cache(maxsize=65536)
def is_unspaced(char: str) -> bool:
    """Whether a character belongs to a script written without blanks: Han, Kana, Thai, Lao, Khmer, Myanmar."""
    return char >= _FIRST_UNSPACED and _UNSPACED_BLOCKS.match(char) is not None


def join_words(words: Sequence[str]) -> JoinedWords:
    """Joins words with nothing between two characters of scripts written without blanks, else with one blank.

    The last character of the left word and the first of the right one decide. No word may be empty.
    """
    pieces: list[str] = []
    tokens: list[tuple[int, int]] = []
    at = blanks = 0
    previous = ""
    for word in words:
        if previous and not (is_unspaced(previous[-1]) and is_unspaced(word[0])):
            pieces.append(" ")
            at += 1
            blanks += 1
        pieces.append(word)
        tokens.append((at, at + len(word)))
        at += len(word)
        previous = word
    return JoinedWords("".join(pieces), tuple(tokens), blanks)


def split_words(text: str) -> tuple[tuple[int, int], ...]:
    """Words of a plain text, as character offsets, end exclusive.

    A word is a run of letters, digits and connectors (`_`); a character of a script written without blanks and any
    other character that is not white space stand alone. Combining marks and joiners stay with what they follow.
    """
    tokens: list[tuple[int, int]] = []
    start = -1
    in_run = False
    for index, char in enumerate(text):
        if char.isspace():
            if start >= 0:
                tokens.append((start, index))
            start, in_run = -1, False
            continue
        category = unicodedata.category(char)
        if start >= 0 and category in _ATTACHED:
            continue
        runs = (category[0] in "LN" or category == "Pc") and not is_unspaced(char)
        if start >= 0 and not (runs and in_run):
            tokens.append((start, index))
            start = -1
        if start < 0:
            start = index
        in_run = runs
    if start >= 0:
        tokens.append((start, len(text)))
    return tuple(tokens)
