"""Text to tokens with exact character offsets, and which tokens may start or end an entity."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, pairwise
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from globalner.data.code_points import JoinedTexts
from globalner.data.long_texts import StretchSize, stretches
from globalner.data.own_words import WORD_PATTERN, tells_words_apart
from globalner.data.report import Report
from globalner.data.token_cuts import Alignment, cut_word_pattern, with_cuts
from globalner.data.token_offsets import FlatTokens, WordEdges, word_numbers
from globalner.data.tokenized_text import TokenizedDocument, TokenizedText
from globalner.errors import ConfigError, DataError
from globalner.types import Document

__all__ = ["Boundary", "TextTokenizer"]

Boundary = Literal["word", "token"]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Words = tuple[tuple[int, int], ...]

_STRETCHES = StretchSize()
_TEXTS_AT_ONCE, _CHARS_AT_ONCE = 1000, 200_000


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
        stretch_size: How long texts are read.

    Attributes:
        prefix_ids: Special tokens that stand before every text.
        suffix_ids: Special tokens that stand behind every text.

    Raises:
        ConfigError: If `boundary` or `alignment` has no such value.
    """

    def __init__(
        self,
        backend: Tokenizer,
        boundary: Boundary = "word",
        alignment: Alignment = "report",
        *,
        stretch_size: StretchSize = _STRETCHES,
    ) -> None:
        if boundary not in get_args(Boundary):
            raise ConfigError(f"boundary must be 'word' or 'token'; got {boundary!r}")
        if alignment not in get_args(Alignment):
            raise ConfigError(
                f"alignment must be one of {', '.join(map(repr, get_args(Alignment)))}; got {alignment!r}"
            )
        self.boundary, self.alignment, self.stretch_size = boundary, alignment, stretch_size
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
        return [tokens for _, tokens in self.stream(documents)]

    def stream(self, documents: Iterable[Document]) -> Iterator[tuple[Document, TokenizedText]]:
        """Each document with its tokens, in order; reads ahead by some hundreds."""
        for tokenized in self.stream_stretches(documents):
            yield tokenized.document, tokenized.whole()

    def stream_stretches(
        self, documents: Iterable[Document], report: Report | None = None
    ) -> Iterator[TokenizedDocument]:
        """Each document with its tokens, in order, those of long texts in stretches that are made when asked for.

        Reads ahead by some hundreds: while the tokens of some documents are handed out, the library encodes the next
        ones in another thread.

        Args:
            documents: The documents.
            report: Takes places in long texts where no two stretches agreed, so that tokens may not be those that the
                whole text has; see `globalner.data.long_texts`.
        """
        report = Report() if report is None else report
        chunks = _chunks(documents, self.stretch_size.chars)
        first, second = next(chunks, None), next(chunks, None)
        if first is None:
            return
        if second is None:
            yield from self._tokenized_chunk(first, self._encode_chunk(first), report)
            return
        with ThreadPoolExecutor(max_workers=1) as executor:
            chunk, coming = first, executor.submit(self._encode_chunk, first)
            for following in chain([second], chunks):
                encodings = coming.result()
                coming = executor.submit(self._encode_chunk, following)
                yield from self._tokenized_chunk(chunk, encodings, report)
                chunk = following
            yield from self._tokenized_chunk(chunk, coming.result(), report)

    def stretches(self, document: Document, report: Report | None = None) -> Iterator[TokenizedText]:
        """The tokens of a document, a long one's some at a time; see `globalner.data.long_texts`."""

        def read(begin: int, end: int) -> TokenizedText:
            part = Document(document.text[begin:end], tokens=_words_inside(document.tokens, begin, end))
            tokens = self._tokenized([part], self._encode([part]))[0]
            return tokens.shifted(begin)

        report = Report() if report is None else report
        return stretches(len(document.text), read, self.stretch_size, report)

    def description(self) -> str:
        """All that its tokens depend on."""
        parts = {"tokenizer": self._tokenizer.to_str(), "boundary": self.boundary, "alignment": self.alignment}
        return json.dumps(parts)

    def pieces(self, texts: Sequence[str]) -> Iterator[tuple[Ints, Bools]]:
        """For each text, in order, the ids of its tokens, and which of them begin a word of the pre-tokenizer."""
        for encoding in self._tokenizer.encode_batch(list(texts), add_special_tokens=False):
            numbers = word_numbers([encoding], len(encoding))
            yield np.array(encoding.ids, dtype=np.int64), np.diff(numbers, prepend=-2) != 0

    def _encode_chunk(self, documents: Sequence[Document]) -> list[Encoding] | None:
        """None for a long text, which is read when it is asked for."""
        return None if len(documents[0].text) > self.stretch_size.chars else self._encode(documents)

    def _tokenized_chunk(
        self, documents: Sequence[Document], encodings: Sequence[Encoding] | None, report: Report
    ) -> Iterator[TokenizedDocument]:
        if encodings is None:
            return iter([TokenizedDocument(documents[0], self.stretches(documents[0], report))])
        return map(TokenizedDocument.of, documents, self._tokenized(documents, encodings))

    def _encode(self, documents: Sequence[Document]) -> list[Encoding]:
        try:
            return self._tokenizer.encode_batch([document.text for document in documents], add_special_tokens=False)
        except TypeError:
            raise _unencodable(documents) from None

    def _tokenized(self, documents: Sequence[Document], encodings: Sequence[Encoding]) -> list[TokenizedText]:
        texts = [document.text for document in documents]
        words = [document.tokens for document in documents]
        joined = JoinedTexts.of(texts)
        flat = FlatTokens.of(encodings, joined)
        may_start, may_end = flat.possible_edges()
        if self.boundary == "word":
            edges = WordEdges(texts, joined, words, self._word_pattern)
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


def _chunks(documents: Iterable[Document], long_chars: int) -> Iterator[list[Document]]:
    """Lists of documents that are worth a call of the library and no more; a long text is in one by itself."""
    chunk: list[Document] = []
    chars = 0
    for document in documents:
        size = len(document.text)
        full = len(chunk) == _TEXTS_AT_ONCE or chars + size > _CHARS_AT_ONCE
        if chunk and (full or size > long_chars):
            yield chunk
            chunk, chars = [], 0
        if size > long_chars:
            yield [document]
            continue
        chunk.append(document)
        chars += size
    if chunk:
        yield chunk


def _words_inside(words: Words | None, begin: int, end: int) -> Words | None:
    """Those of given words that lie whole in a stretch of the text, counted from its first character."""
    if words is None:
        return None
    low, high = bisect_left(words, (begin, begin)), bisect_left(words, (end, end))
    return tuple((first - begin, last - begin) for first, last in words[low:high] if last <= end)


def _unencodable(documents: Sequence[Document]) -> DataError:
    """The library takes no text with half characters, and does not say which one it was."""
    for document in documents:
        for place, character in enumerate(document.text):
            if "\ud800" <= character <= "\udfff":
                name = "" if document.id is None else f"document {document.id}: "
                return DataError(
                    f"{name}character {place:,} is the lone surrogate U+{ord(character):04X}, half a character that no "
                    "tokenizer can read; take it out of the text"
                )
    return DataError("the tokenizer cannot read a text")
