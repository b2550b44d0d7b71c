"""Text to tokens with exact character offsets, and which tokens may start or end an entity."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from globalner.data.graphemes import extends_grapheme
from globalner.data.own_words import WORD_PATTERN, own_word_edges, tells_words_apart
from globalner.data.token_cuts import Alignment, cut_word_pattern, with_cuts
from globalner.errors import ConfigError
from globalner.types import Document

__all__ = ["Boundary", "TextTokenizer", "TokenizedText"]

Boundary = Literal["word", "token"]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

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
class TokenizedText:
    """The tokens of one text, special tokens left out. All arrays have one entry a token.

    Attributes:
        input_ids: Vocabulary ids.
        char_starts: First character of each token, inclusive.
        char_ends: End of each token, **exclusive**.
        may_start: Whether an entity may start with the token.
        may_end: Whether an entity may end with the token.
    """

    input_ids: Ints
    char_starts: Ints
    char_ends: Ints
    may_start: Bools
    may_end: Bools

    def __len__(self) -> int:
        return len(self.input_ids)


class TextTokenizer:
    """Wraps a fast tokenizer: nothing is cut, padded or taken for a special token.

    Args:
        backend: The tokenizer of the model; it is copied, not changed.
        boundary: "word": an entity starts on the first piece of a word and ends on the last piece of one; words are
            the given `tokens` of a document, else the words of the tokenizer's own pre-tokenizer if it tells words
            from punctuation and Chinese characters from each other, else runs of letters and digits and single other
            characters; web and mail addresses and names with underscores are one word each.
            "token": it may start and end on any piece.
        alignment: "report" and "expand" leave the tokens as they are. "split" and "characters" cut them, as `with_cuts`
            says, so that more entities can be expressed; words of a text without given `tokens` are then what stands
            between two cuts or blanks.

    Attributes:
        prefix_ids: Special tokens that stand before every text.
        suffix_ids: Special tokens that stand behind every text.

    Raises:
        ConfigError: If `boundary` or `alignment` has no such value.
    """

    def __init__(self, backend: Tokenizer, boundary: Boundary = "word", alignment: Alignment = "report") -> None:
        if boundary not in get_args(Boundary):
            raise ConfigError(f"boundary must be 'word' or 'token'; got {boundary!r}")
        if alignment not in get_args(Alignment):
            raise ConfigError(
                f"alignment must be one of {', '.join(map(repr, get_args(Alignment)))}; got {alignment!r}"
            )
        self.boundary = boundary
        self._tokenizer = with_cuts(backend, alignment)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True
        cut_words = cut_word_pattern(alignment)
        self._has_words = cut_words is None and tells_words_apart(self._tokenizer)
        self._word_pattern = cut_words or WORD_PATTERN
        framed = self._tokenizer.encode("a")
        ordinary = [place for place, special in enumerate(framed.special_tokens_mask) if not special]
        self.prefix_ids: tuple[int, ...] = tuple(framed.ids[: ordinary[0]])
        self.suffix_ids: tuple[int, ...] = tuple(framed.ids[ordinary[-1] + 1 :])

    def tokenize(self, documents: Sequence[Document]) -> list[TokenizedText]:
        """Tokens of each document, in order."""
        encodings = self._tokenizer.encode_batch([document.text for document in documents], add_special_tokens=False)
        return [self._tokenized(*pair) for pair in zip(documents, encodings, strict=True)]

    def pieces(self, texts: Sequence[str]) -> Iterator[tuple[Ints, Bools]]:
        """For each text, in order, the ids of its tokens, and which of them begin a word of the pre-tokenizer."""
        for encoding in self._tokenizer.encode_batch(list(texts), add_special_tokens=False):
            yield np.array(encoding.ids, dtype=np.int64), np.diff(_word_numbers(encoding), prepend=-2) != 0

    def _tokenized(self, document: Document, encoding: Encoding) -> TokenizedText:
        starts, ends = _exact_offsets(document.text, encoding)
        # Pieces of one character (the bytes of an emoji) share their offsets: the first may start, the last may end.
        filled = ends > starts
        may_start = filled & (starts >= np.concatenate([[0], np.maximum.accumulate(ends)[:-1]]))
        may_end = filled & (ends <= np.concatenate([starts[1:], [len(document.text)]]))
        if self.boundary == "word":
            word_starts, word_ends = self._word_edges(document, encoding, starts, ends)
            may_start &= np.isin(starts, word_starts)
            may_end &= np.isin(ends, word_ends)
        return TokenizedText(np.array(encoding.ids, dtype=np.int64), starts, ends, may_start, may_end)

    def _word_edges(self, document: Document, encoding: Encoding, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
        """Characters at which words start and end (exclusive)."""
        if document.tokens is not None:
            given = np.array(document.tokens, dtype=np.int64).reshape(-1, 2)
            return given[:, 0], given[:, 1]
        if self._has_words:
            words = _word_numbers(encoding)
            starts, ends = starts[np.diff(words, prepend=-2) != 0], ends[np.diff(words, append=-2) != 0]
        else:
            starts, ends = own_word_edges(document.text, self._word_pattern)
        return _outside_unbroken(starts, document.text), _outside_unbroken(ends, document.text)


def _word_numbers(encoding: Encoding) -> Ints:
    """Of each piece; -1 for one of no word."""
    return np.array([-1 if word is None else word for word in encoding.word_ids], dtype=np.int64)


def _exact_offsets(text: str, encoding: Encoding) -> tuple[Ints, Ints]:
    """Offsets without blanks at the edges, and with the rest of a grapheme that a normaliser took away or composed."""
    offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
    starts, ends = offsets[:, 0].copy(), offsets[:, 1].copy()
    for place, (start, end) in enumerate(encoding.offsets):
        piece = text[start:end]
        if piece[:1].isspace() or piece[-1:].isspace():
            starts[place] = start + len(piece) - len(piece.lstrip())
            ends[place] = max(int(starts[place]), start + len(piece.rstrip()))
    following = np.concatenate([starts[1:], [len(text)]])
    for place in np.flatnonzero((ends < following) & (ends > starts)).tolist():
        end, limit = int(ends[place]), int(following[place])
        while end < limit and extends_grapheme(text[end]):
            end += 1
        ends[place] = end
    return starts, ends


def _outside_unbroken(edges: Ints, text: str) -> Ints:
    """The edges of words that lie in no address or name that is one word; its own two edges stay."""
    spans = [(0, 0), *(found.span() for found in _UNBROKEN.finditer(text))]
    begins, ends = np.array(spans, dtype=np.int64).T
    nearest = np.searchsorted(begins, edges, side="left") - 1
    kept: Ints = edges[edges >= ends[np.maximum(nearest, 0)]]
    return kept
