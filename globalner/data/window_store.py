"""The windows of training documents as a few flat arrays, in memory or in files.

Each document's tokens are there once; a window says which of them it shows, and is put together when it is asked for.
Files are looked at through a memory map that lives no longer than one batch: what a process has touched of a file
counts as its memory for as long as the map is there.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from globalner.data.windows import Window, cells_owned_elsewhere
from globalner.window_ownership import Neighbourhood

__all__ = ["GOLD", "MAY_END", "MAY_START", "TOKEN", "WINDOW", "WindowFrame", "WindowStore"]

Ints = NDArray[np.int64]
_Source = BinaryIO | bytes

TOKEN = np.dtype("<u4")
"""A token: its vocabulary id, and two flags in the bits above it."""
MAY_START, MAY_END = 1 << 30, 1 << 31
_ID_BITS = MAY_START - 1
WINDOW = np.dtype(
    [
        ("document", "<i8"),
        ("begin", "<i8"),
        ("place", "<i8"),
        ("gold", "<i8"),
        ("text_tokens", "<i4"),
        ("before", "<i4"),
        ("behind", "<i4"),
        ("num_gold", "<i4"),
        ("ends_text", "<i4"),
    ]
)
"""A window: index of its document, first text token in the document's and in all tokens, first row of its gold; how
many text tokens, tokens of context before and behind, rows of gold it has; whether the text ends with it."""
GOLD = np.dtype(("<i4", (3,)))
"""A gold span: type, first and last token, both inclusive, counted from the window's first text token."""
_ROWS_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class WindowFrame:
    """What all windows have in common.

    Attributes:
        prefix_ids: Special tokens before each.
        suffix_ids: Special tokens behind each.
        reach: How many windows behind one may overlap it.
    """

    prefix_ids: tuple[int, ...]
    suffix_ids: tuple[int, ...]
    reach: int


class _Arrays(NamedTuple):
    tokens: NDArray[np.uint32]
    table: NDArray[np.void]
    gold: NDArray[np.int32]


class WindowStore(Sequence[Window]):
    """Windows by index.

    Args:
        sources: Tokens, windows and gold spans of all documents, each an open file or the bytes themselves.
        frame: What all windows have in common.

    Attributes:
        lengths: Tokens of each window, special tokens and context included, (W,) int32.
    """

    def __init__(self, sources: tuple[_Source, _Source, _Source], frame: WindowFrame) -> None:
        self._sources, self._frame = sources, frame
        special = len(frame.prefix_ids) + len(frame.suffix_ids)
        table = self._arrays().table
        self.lengths = np.empty(len(table), dtype=np.int32)
        for place in range(0, len(table), _ROWS_AT_ONCE):
            rows = table[place : place + _ROWS_AT_ONCE]
            self.lengths[place : place + len(rows)] = rows["before"] + rows["text_tokens"] + rows["behind"] + special

    @classmethod
    def from_folder(cls, folder: Path, names: tuple[str, str, str], frame: WindowFrame) -> WindowStore:
        """A store on files of a folder, which stay open: where the system allows, they may be deleted meanwhile."""
        tokens, table, gold = ((folder / name).open("rb") for name in names)
        return cls((tokens, table, gold), frame)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> Window:  # type: ignore[override]
        if not -len(self) <= index < len(self):
            raise IndexError(f"window {index} of {len(self)}")
        return self.windows([index % len(self)])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Window]:
        """Several windows at once: what a torch `DataLoader` asks for."""
        return self.windows(indices)

    def __iter__(self) -> Iterator[Window]:
        for place in range(0, len(self), 256):
            yield from self.windows(range(place, min(place + 256, len(self))))

    def windows(self, indices: Sequence[int]) -> list[Window]:
        """The windows of these indices, each from 0."""
        arrays = self._arrays()
        return [self._window(index, arrays) for index in indices]

    def _arrays(self) -> _Arrays:
        tokens, table, gold = self._sources
        return _Arrays(_array(tokens, TOKEN), _array(table, WINDOW), _array(gold, GOLD))

    def _window(self, index: int, arrays: _Arrays) -> Window:
        row = arrays.table[index].item()
        document, begin, place, first_gold, text_tokens, before, behind, num_gold, ends_text = row
        prefix, suffix = self._frame.prefix_ids, self._frame.suffix_ids
        around = (len(prefix) + before, len(suffix) + behind)
        length = around[0] + text_tokens + around[1]
        tokens = arrays.tokens[place - before : place + text_tokens + behind]
        ids = np.empty(length, dtype=np.int64)
        ids[: len(prefix)] = prefix
        ids[len(prefix) : length - len(suffix)] = tokens & _ID_BITS
        ids[length - len(suffix) :] = suffix
        flags = np.zeros((2, length), dtype=bool)
        text = tokens[before : before + text_tokens]
        flags[0, around[0] : around[0] + text_tokens] = text & MAY_START
        flags[1, around[0] : around[0] + text_tokens] = text & MAY_END
        gold = arrays.gold[first_gold : first_gold + num_gold].astype(np.int64)
        gold[:, 1:] += around[0]
        none = np.empty((0, 3), dtype=np.int64)
        window = Window(document, begin, text_tokens, around[0], ids, flags[0], flags[1], gold, none)
        if begin or not ends_text:
            foreign = cells_owned_elsewhere(window, self._neighbourhood(index, arrays.table))
            object.__setattr__(window, "ignore", foreign)
        return window

    def _neighbourhood(self, index: int, table: NDArray[np.void]) -> Neighbourhood:
        low = max(0, index - self._frame.reach)
        rows = table[low : index + self._frame.reach + 1]
        begins = rows["begin"].astype(np.int64)
        ends = begins + rows["text_tokens"]
        at = index - low
        near = np.flatnonzero((rows["document"] == rows["document"][at]) & (begins < ends[at]) & (ends > begins[at]))
        last = int(ends[near[-1]])
        known = last if rows["ends_text"][near[-1]] else last + 1
        return Neighbourhood(begins[near], ends[near], at - int(near[0]), known)


def _array(source: _Source, dtype: np.dtype[Any]) -> NDArray[Any]:
    if isinstance(source, bytes):
        return np.frombuffer(source, dtype=dtype)
    size = source.seek(0, 2)
    # An empty file cannot be mapped.
    content = mmap.mmap(source.fileno(), size, access=mmap.ACCESS_READ) if size else b""
    return np.frombuffer(content, dtype=dtype)
