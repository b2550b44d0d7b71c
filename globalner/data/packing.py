"""Records of plain text, one behind another, cut into windows that are full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from globalner.data.tokenization import TextTokenizer
from globalner.errors import DataError

__all__ = ["PackedText", "TokenRows", "TokenStream", "token_stream"]

_RECORDS_AT_ONCE = 1000


@dataclass(frozen=True)
class TokenStream:
    """The tokens of many records, one behind another, with the tokenizer's suffix ([SEP]) behind each record.

    Attributes:
        ids: (T,) int32, vocabulary ids.
        word_starts: (T,) bool, whether a word begins with the token.
        prefix_ids: Special tokens that stand before every window.
        suffix_ids: Special tokens that stand behind every window.
    """

    ids: NDArray[np.int32]
    word_starts: NDArray[np.bool_]
    prefix_ids: tuple[int, ...]
    suffix_ids: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.ids)


class TokenRows(NamedTuple):
    """Windows as rows, padded on the right to L tokens.

    Attributes:
        ids: (B, L) int64.
        word_starts: (B, L) bool.
        attended: (B, L) bool, True for real tokens.
    """

    ids: NDArray[np.int64]
    word_starts: NDArray[np.bool_]
    attended: NDArray[np.bool_]

    def part(self, rows: slice) -> TokenRows:
        """Some of the rows."""
        return TokenRows(self.ids[rows], self.word_starts[rows], self.attended[rows])


def token_stream(records: Sequence[str], tokenizer: TextTokenizer) -> TokenStream:
    """Tokenizes records, a thousand at a time: what the library keeps of a text is far larger than its ids."""
    ids, starts = [], []
    border = np.array(tokenizer.suffix_ids, dtype=np.int32)
    for place in range(0, len(records), _RECORDS_AT_ONCE):
        for pieces, word_starts in tokenizer.pieces(records[place : place + _RECORDS_AT_ONCE]):
            ids += [pieces.astype(np.int32), border]
            starts += [word_starts, np.ones(len(border), dtype=bool)]
    return TokenStream(
        np.concatenate([*ids, np.zeros(0, dtype=np.int32)]),
        np.concatenate([*starts, np.zeros(0, dtype=bool)]),
        tokenizer.prefix_ids,
        tokenizer.suffix_ids,
    )


class PackedText:
    """A stream cut into windows of one length, special tokens included; only the last one may be shorter.

    Short records share a window, long ones go on in the next.

    Args:
        stream: The tokens.
        window_tokens: Tokens of a window.
        whole: Whether a shorter last window is left out.

    Attributes:
        lengths: Tokens of each window.

    Raises:
        DataError: If there is no window, or no room for text beside the special tokens.
    """

    def __init__(self, stream: TokenStream, window_tokens: int, *, whole: bool = False) -> None:
        self.stream, self.window_tokens = stream, window_tokens
        self._body = window_tokens - len(stream.prefix_ids) - len(stream.suffix_ids)
        if self._body < 1:
            raise DataError(f"a window of {window_tokens} tokens has no room for text beside the special tokens")
        self._count = len(stream) // self._body if whole else -(-len(stream) // self._body)
        if self._count == 0:
            raise DataError(f"{len(stream):,} tokens of text fill no window of {window_tokens}")
        self.lengths = np.full(self._count, window_tokens)
        self.lengths[-1] -= max(0, self._count * self._body - len(stream))

    def __len__(self) -> int:
        return self._count

    def evenly(self, most_tokens: int | None) -> NDArray[np.int64]:
        """Numbers of windows, evenly taken, that hold about so many tokens together; of all windows for None."""
        count = len(self) if most_tokens is None else min(len(self), -(-most_tokens // self.window_tokens))
        return np.linspace(0, len(self) - 1, count).round().astype(np.int64)

    def rows(self, indices: Sequence[int] | NDArray[np.int64], pad_id: int = 0) -> TokenRows:
        """The windows of these numbers, as rows.

        Args:
            indices: Which windows.
            pad_id: Id of the padding token.
        """
        prefix, suffix = (np.array(ids, dtype=np.int64) for ids in (self.stream.prefix_ids, self.stream.suffix_ids))
        places = np.asarray(indices, dtype=np.int64)
        lengths = self.lengths[places]
        columns = np.arange(lengths.max())
        attended = columns < lengths[:, None]
        inner = (columns >= len(prefix)) & (columns < (lengths - len(suffix))[:, None])
        sources = np.where(inner, places[:, None] * self._body + columns - len(prefix), 0)
        ids = np.where(inner, self.stream.ids[sources], pad_id).astype(np.int64)
        # A word that was cut by the edge of a window begins anew behind it.
        starts = ~inner | self.stream.word_starts[sources]
        starts[:, len(prefix)] = True
        ids[:, : len(prefix)] = prefix
        for offset, token in enumerate(suffix):
            ids[np.arange(len(places)), lengths - len(suffix) + offset] = token
        return TokenRows(ids, starts, attended)
