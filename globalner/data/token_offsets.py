"""Where the tokens of many texts lie, and which of them begin or end a word: all texts at once, as arrays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

from globalner.data.code_points import JoinedTexts, are_blank, extend_graphemes, next_true
from globalner.data.own_words import own_word_edges

__all__ = ["FlatTokens", "WordEdges", "word_numbers"]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
_Words = Sequence[tuple[int, int]] | None

# Letters and digits of scripts that put blanks between words: the others must not grow together with a neighbour.
_LETTER = r"(?:(?![_\u0e00-\u109f\u1780-\u17ff\u2e80-\ua4cf\uf900-\ufaff])\w)"
# Each branch begins only where its run of characters begins, and gives nothing back: linear time, whatever the text.
_UNBROKEN = re.compile(
    rf"""(?<![a-z0-9+.-])(?:[a-z][a-z0-9+.-]*+://|www\.)"""
    rf"""(?:{_LETTER}|[_/?\#@!$&*+;=%:.,~()'\[\]-])*(?:{_LETTER}|[_/\#=&%$+~-])"""
    rf"|(?<!{_LETTER})(?<![_.+-])(?:{_LETTER}|[_.+-])++@(?:{_LETTER}|-)++(?:\.(?:{_LETTER}|-)++)+"
    rf"|(?<!{_LETTER}){_LETTER}++(?:_++{_LETTER}++)+",
    re.IGNORECASE,
)
"""Web and mail addresses, and names with underscores: one word each, whatever a pre-tokenizer makes of them."""


@dataclass(frozen=True)
class FlatTokens:
    """The tokens of N texts, one text behind the other. Characters count in the joined texts.

    Attributes:
        counts: Tokens of each text, (N,).
        ids: Vocabulary ids, (T,).
        starts: First character of each token, inclusive, (T,); blanks at the edges of a token are no part of it.
        ends: End of each token, **exclusive**, (T,); what a normaliser took away of a grapheme, or composed with what
            stands before it, is part of the token before it.
        following: First character of the token behind each one, the end of the text for the last one, (T,).
    """

    counts: Ints
    ids: Ints
    starts: Ints
    ends: Ints
    following: Ints

    @classmethod
    def of(cls, encodings: Sequence[Encoding], texts: JoinedTexts) -> FlatTokens:
        """Collects the tokens of encoded texts."""
        counts = np.fromiter(map(len, encodings), dtype=np.int64, count=len(encodings))
        total = int(counts.sum())
        ids = np.fromiter(chain.from_iterable(encoding.ids for encoding in encodings), np.int64, total)
        pairs = chain.from_iterable(chain.from_iterable(encoding.offsets for encoding in encodings))
        offsets = np.fromiter(pairs, np.int64, 2 * total).reshape(-1, 2) + np.repeat(texts.begins, counts)[:, None]
        starts, ends = _without_blanks(offsets[:, 0].copy(), offsets[:, 1].copy(), texts)
        following = np.append(starts[1:], 0)
        filled = counts > 0
        following[np.cumsum(counts)[filled] - 1] = texts.ends[filled]
        return cls(counts, ids, starts, _with_graphemes(starts, ends, following, texts), following)

    def possible_edges(self) -> tuple[Bools, Bools]:
        """(T,) and (T,), which tokens may start and end an entity as far as characters go.

        Pieces of one character (the bytes of an emoji) share their offsets: the first may start, the last may end.
        """
        filled = self.ends > self.starts
        before = np.append(np.zeros(min(1, len(self.ends)), dtype=np.int64), np.maximum.accumulate(self.ends)[:-1])
        return filled & (self.starts >= before), filled & (self.ends <= self.following)


def word_numbers(encodings: Sequence[Encoding], total: int) -> Ints:
    """The word that each token belongs to, counted in its own text; -1 for one of no word. (total,)."""
    numbers = chain.from_iterable(encoding.word_ids for encoding in encodings)
    try:
        return np.fromiter(numbers, np.int64, total)
    except TypeError:
        some = chain.from_iterable(encoding.word_ids for encoding in encodings)
        return np.fromiter((-1 if number is None else number for number in some), np.int64, total)


class WordEdges:
    """At which characters of joined texts words start and end.

    Args:
        texts: The texts.
        joined: The same, joined.
        words: The words of each text where they are given (character offsets, end exclusive), else None.
        pattern: What a word of our own is, as a regular expression; see `own_word_edges`.
    """

    def __init__(self, texts: Sequence[str], joined: JoinedTexts, words: Sequence[_Words], pattern: str) -> None:
        self._texts, self._joined, self._words, self._pattern = texts, joined, words, pattern
        self.starts = np.zeros(len(joined.codes) + 1, dtype=bool)
        self.ends = np.zeros(len(joined.codes) + 1, dtype=bool)

    def mark(self, tokens: FlatTokens, numbers: Ints | None) -> None:
        """Marks them.

        Args:
            tokens: The tokens of the texts.
            numbers: (T,), the word of each token, where the words of the tokenizer count; None: words of our own.
        """
        own = np.array([words is None for words in self._words], dtype=bool)
        if own.any():
            if numbers is None:
                self._mark_own_words()
            else:
                self._mark_numbered(tokens, numbers)
            if not own.all():
                for text in np.flatnonzero(~own).tolist():
                    place = slice(self._joined.begins[text], self._joined.ends[text] + 1)
                    self.starts[place] = self.ends[place] = False
            self._join_unbroken(own)
        self._mark_given(np.flatnonzero(~own).tolist())

    def _mark_own_words(self) -> None:
        # No word and no grapheme reaches over what stands between two texts.
        starts, ends = own_word_edges("\0".join(self._texts), self._pattern)
        self.starts[starts] = True
        self.ends[ends] = True

    def _mark_numbered(self, tokens: FlatTokens, numbers: Ints) -> None:
        text = np.repeat(np.arange(len(tokens.counts)), tokens.counts)
        new = np.ones(len(numbers) + 1, dtype=bool)
        new[1:-1] = (np.diff(numbers) != 0) | (np.diff(text) != 0)
        self.starts[tokens.starts[new[:-1]]] = True
        self.ends[tokens.ends[new[1:]]] = True

    def _mark_given(self, places: list[int]) -> None:
        if not places:
            return
        given = [self._words[place] or () for place in places]
        lengths = np.fromiter(map(len, given), np.int64, len(given))
        edges = np.fromiter(chain.from_iterable(chain.from_iterable(given)), np.int64, 2 * int(lengths.sum()))
        at = edges.reshape(-1, 2) + np.repeat(self._joined.begins[places], lengths)[:, None]
        self.starts[at[:, 0]] = True
        self.ends[at[:, 1]] = True

    def _join_unbroken(self, own: Bools) -> None:
        """Takes away the edges inside an address or name that is one word; its own two edges stay."""
        signs = np.searchsorted(self._joined.ends, _signs_of_unbroken(self._joined.codes))
        for place in np.unique(signs[own[signs]]).tolist():
            for begin, end in unbroken_spans(self._texts[place]):
                inside = slice(int(self._joined.begins[place]) + begin + 1, int(self._joined.begins[place]) + end)
                self.starts[inside] = self.ends[inside] = False


def unbroken_spans(text: str) -> Iterator[tuple[int, int]]:
    """Addresses and names with underscores in a text, as characters, end exclusive."""
    return (found.span() for found in _UNBROKEN.finditer(text))


def _signs_of_unbroken(codes: NDArray[np.uint32]) -> Ints:
    """Characters without which there is no address and no such name: to find them is far cheaper than to search."""
    single = (codes == ord("_")) | (codes == ord("@"))
    slashes = (codes[:-2] == ord(":")) & (codes[1:-1] == ord("/")) & (codes[2:] == ord("/"))
    letter = (codes | 32) == ord("w")
    www = letter[:-3] & letter[1:-2] & letter[2:-1] & (codes[3:] == ord("."))
    return np.concatenate([np.flatnonzero(single), np.flatnonzero(slashes), np.flatnonzero(www)])


def _without_blanks(starts: Ints, ends: Ints, texts: JoinedTexts) -> tuple[Ints, Ints]:
    """Offsets without blanks at the edges; a token of blanks alone is empty and lies at its end."""
    blank = are_blank(texts.codes)
    filled = ends > starts
    edged = np.flatnonzero(filled & (blank[np.minimum(starts, len(blank) - 1)] | blank[ends - 1]))
    if edged.size:
        first = next_true(~blank)[starts[edged]]
        last = len(blank) - next_true(~blank[::-1])[len(blank) - ends[edged]]
        starts[edged] = np.minimum(first, ends[edged])
        ends[edged] = np.maximum(starts[edged], last)
    return starts, ends


def _with_graphemes(starts: Ints, ends: Ints, following: Ints, texts: JoinedTexts) -> Ints:
    gap = np.flatnonzero((ends < following) & (ends > starts))
    gap = gap[extend_graphemes(texts.codes[ends[gap]])]
    if gap.size:
        others = next_true(~extend_graphemes(texts.codes))
        ends[gap] = np.minimum(others[ends[gap]], following[gap])
    return ends
