"""Text to tokens with exact character offsets, and which tokens may start or end an entity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from globalner.data.code_points import JoinedTexts
from globalner.data.own_words import tells_words_apart
from globalner.data.token_offsets import FlatTokens, WordEdges, word_numbers
from globalner.errors import ConfigError
from globalner.types import Document

__all__ = ["Boundary", "TextTokenizer", "TokenizedText"]

Boundary = Literal["word", "token"]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_TEXTS_AT_ONCE, _CHARS_AT_ONCE = 1000, 200_000


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

    Attributes:
        prefix_ids: Special tokens that stand before every text.
        suffix_ids: Special tokens that stand behind every text.

    Raises:
        ConfigError: If `boundary` has no such value.
    """

    def __init__(self, backend: Tokenizer, boundary: Boundary = "word") -> None:
        if boundary not in ("word", "token"):
            raise ConfigError(f"boundary must be 'word' or 'token'; got {boundary!r}")
        self.boundary = boundary
        self._tokenizer = Tokenizer.from_str(backend.to_str())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True
        self._has_words = tells_words_apart(self._tokenizer)
        framed = self._tokenizer.encode("a")
        ordinary = [place for place, special in enumerate(framed.special_tokens_mask) if not special]
        self.prefix_ids: tuple[int, ...] = tuple(framed.ids[: ordinary[0]])
        self.suffix_ids: tuple[int, ...] = tuple(framed.ids[ordinary[-1] + 1 :])

    def tokenize(self, documents: Sequence[Document]) -> list[TokenizedText]:
        """Tokens of each document, in order."""
        return [tokens for _, tokens in self.stream(documents)]

    def stream(self, documents: Iterable[Document]) -> Iterator[tuple[Document, TokenizedText]]:
        """Each document with its tokens, in order; reads ahead by some hundreds.

        While the tokens of some are handed out, the library encodes the next ones in another thread.
        """
        chunks = _chunks(documents)
        first, second = next(chunks, None), next(chunks, None)
        if first is None:
            return
        if second is None:
            yield from zip(first, self._tokenized(first, self._encode(first)), strict=True)
            return
        with ThreadPoolExecutor(max_workers=1) as executor:
            chunk, coming = first, executor.submit(self._encode, first)
            for following in chain([second], chunks):
                encodings = coming.result()
                coming = executor.submit(self._encode, following)
                yield from zip(chunk, self._tokenized(chunk, encodings), strict=True)
                chunk = following
            yield from zip(chunk, self._tokenized(chunk, coming.result()), strict=True)

    def pieces(self, texts: Sequence[str]) -> Iterator[tuple[Ints, Bools]]:
        """For each text, in order, the ids of its tokens, and which of them begin a word of the pre-tokenizer."""
        for encoding in self._tokenizer.encode_batch(list(texts), add_special_tokens=False):
            numbers = word_numbers([encoding], len(encoding))
            yield np.array(encoding.ids, dtype=np.int64), np.diff(numbers, prepend=-2) != 0

    def _encode(self, documents: Sequence[Document]) -> list[Encoding]:
        return self._tokenizer.encode_batch([document.text for document in documents], add_special_tokens=False)

    def _tokenized(self, documents: Sequence[Document], encodings: Sequence[Encoding]) -> list[TokenizedText]:
        texts = [document.text for document in documents]
        words = [document.tokens for document in documents]
        joined = JoinedTexts.of(texts)
        flat = FlatTokens.of(encodings, joined)
        may_start, may_end = flat.possible_edges()
        if self.boundary == "word":
            edges = WordEdges(texts, joined, words)
            numbered = self._has_words and None in words
            edges.mark(flat, word_numbers(encodings, len(flat.ids)) if numbered else None)
            may_start &= edges.starts[flat.starts]
            may_end &= edges.ends[flat.ends]
        shift = np.repeat(joined.begins, flat.counts)
        starts, ends = flat.starts - shift, flat.ends - shift
        borders = [0, *np.cumsum(flat.counts).tolist()]
        return [
            TokenizedText(flat.ids[a:b], starts[a:b], ends[a:b], may_start[a:b], may_end[a:b])
            for a, b in pairwise(borders)
        ]


def _chunks(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Lists of documents that are worth a call of the library and no more."""
    chunk: list[Document] = []
    chars = 0
    for document in documents:
        chunk.append(document)
        chars += len(document.text)
        if len(chunk) == _TEXTS_AT_ONCE or chars >= _CHARS_AT_ONCE:
            yield chunk
            chunk, chars = [], 0
    if chunk:
        yield chunk
