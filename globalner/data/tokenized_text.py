"""The tokens of a text as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from globalner.types import Document

__all__ = ["TokenizedDocument", "TokenizedText"]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class TokenizedText:
    """The tokens of one text, special tokens left out. All arrays have one entry a token.

    Never changed once it is made, and yet no frozen dataclass: to make one takes as long as to find the tokens of a
    sentence.

    Attributes:
        input_ids: Vocabulary ids.
        char_starts: First character of each token, inclusive.
        char_ends: End of each token, **exclusive**.
        may_start: Whether an entity may start with the token.
        may_end: Whether an entity may end with the token.
    """

    __slots__ = ("char_ends", "char_starts", "input_ids", "may_end", "may_start")

    def __init__(self, input_ids: Ints, char_starts: Ints, char_ends: Ints, may_start: Bools, may_end: Bools) -> None:
        self.input_ids, self.char_starts, self.char_ends = input_ids, char_starts, char_ends
        self.may_start, self.may_end = may_start, may_end

    def __len__(self) -> int:
        return len(self.input_ids)

    @classmethod
    def empty(cls) -> TokenizedText:
        """No tokens."""
        ids, flags = np.empty(0, dtype=np.int64), np.empty(0, dtype=bool)
        return cls(ids, ids, ids, flags, flags)

    @classmethod
    def concatenate(cls, parts: Sequence[TokenizedText]) -> TokenizedText:
        """The tokens of all parts, one part after the other; at least one part."""
        return cls(*(np.concatenate(columns) for columns in zip(*(part.columns for part in parts), strict=True)))

    @property
    def columns(self) -> tuple[Ints, Ints, Ints, Bools, Bools]:
        """The arrays, in the order of the attributes."""
        return self.input_ids, self.char_starts, self.char_ends, self.may_start, self.may_end

    def part(self, begin: int, end: int) -> TokenizedText:
        """The tokens from one index up to and without another; character offsets stay those of the text."""
        return TokenizedText(
            self.input_ids[begin:end],
            self.char_starts[begin:end],
            self.char_ends[begin:end],
            self.may_start[begin:end],
            self.may_end[begin:end],
        )

    def shifted(self, chars: int) -> TokenizedText:
        """The same tokens of a text with so many characters more before them."""
        return TokenizedText(
            self.input_ids, self.char_starts + chars, self.char_ends + chars, self.may_start, self.may_end
        )

    def equals(self, other: TokenizedText) -> bool:
        """Whether all arrays are the same."""
        return all(map(np.array_equal, self.columns, other.columns))


class TokenizedDocument:
    """A document with its tokens; those of a long one are made stretch by stretch, and can be walked through once.

    Args:
        document: The document.
        stretches: Its tokens: one item, or of a long text several.
        tokens: All its tokens, where they are there; then `stretches` is not looked at.

    Attributes:
        document: The document.
        tokens: All its tokens; None of a long text.
    """

    __slots__ = ("_last", "_stretches", "document", "tokens")

    def __init__(
        self, document: Document, stretches: Iterable[TokenizedText], tokens: TokenizedText | None = None
    ) -> None:
        self.document, self.tokens = document, tokens
        self._stretches = stretches
        self._last: tuple[TokenizedText, ...] = ()

    @classmethod
    def of(cls, document: Document, tokens: TokenizedText) -> TokenizedDocument:
        """A document whose tokens are there."""
        return cls(document, (), tokens)

    def __iter__(self) -> Iterator[TokenizedText]:
        if self.tokens is not None:
            yield self.tokens
            return
        for stretch in self._stretches:
            self._last = (*self._last[-1:], stretch)
            yield stretch

    def whole(self) -> TokenizedText:
        """All tokens at once."""
        return self.tokens if self.tokens is not None else TokenizedText.concatenate(list(self))

    def head(self, count: int) -> Ints:
        """Ids of the first tokens, at most so many; to be asked before the tokens are walked through."""
        if self.tokens is not None:
            return self.tokens.input_ids[:count]
        stretches = iter(self._stretches)
        first = next(stretches)
        self._stretches = chain([first], stretches)
        return first.input_ids[:count]

    def tail(self, count: int) -> Ints:
        """Ids of the last tokens, at most so many; to be asked when the tokens were walked through."""
        last = self._last if self.tokens is None else (self.tokens,)
        ids = np.concatenate([stretch.input_ids for stretch in last])
        return ids[max(0, len(ids) - count) :]
