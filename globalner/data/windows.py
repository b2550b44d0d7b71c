"""Long texts cut in overlapping windows; each span belongs to the window that gives it most context."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from globalner.data.context import NO_CONTEXT, ContextRule, TextInContext
from globalner.data.tokenization import TextTokenizer
from globalner.data.tokenized_text import TokenizedText
from globalner.errors import ConfigError
from globalner.window_ownership import Neighbourhood

__all__ = [
    "PlacedWindow",
    "Window",
    "WindowSize",
    "cells_owned_elsewhere",
    "cut_windows",
    "document_windows",
    "stream_windows",
]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
_NO_CELLS: Ints = np.empty((0, 3), dtype=np.int64)


@dataclass(frozen=True)
class WindowSize:
    """How long windows are.

    Attributes:
        window_tokens: Tokens of a window, special tokens included.
        overlap_tokens: Tokens that neighbouring windows share, at least.
        max_span_tokens: Longest entity in tokens, both ends counted; None for no limit but the window.
        context: What else stands in the window of a text that leaves room in it.
    """

    window_tokens: int
    overlap_tokens: int
    max_span_tokens: int | None = None
    context: ContextRule = NO_CONTEXT

    def text_tokens(self, tokenizer: TextTokenizer) -> int:
        """Room for tokens of the text beside the special tokens.

        Raises:
            ConfigError: If the overlap does not fit in it.
        """
        room = self.window_tokens - len(tokenizer.prefix_ids) - len(tokenizer.suffix_ids)
        if not 0 <= self.overlap_tokens < room:
            raise ConfigError(
                f"overlap_tokens {self.overlap_tokens} must be from 0 to below {room}, the tokens of the text that a "
                f"window of {self.window_tokens} tokens has room for beside the special tokens"
            )
        return room


@dataclass(frozen=True)
class Window:
    """A stretch of a tokenized text, ready to be batched. Token indices count from the window's first token.

    Attributes:
        document: Index of the document.
        begin: Index, in the text's tokens, of the first text token of this window.
        text_tokens: How many text tokens it holds.
        num_special: Tokens that stand before them: special ones and those of the context.
        input_ids: (L,), special tokens and context included.
        start_mask: (L,), which tokens may start an entity.
        end_mask: (L,), which tokens may end one.
        gold: (N, 3): type, first, last (inclusive), the gold spans that this window owns.
        ignore: (M, 3): -1 (every type), first, last: the cells that another window owns.
    """

    document: int
    begin: int
    text_tokens: int
    num_special: int
    input_ids: Ints
    start_mask: Bools
    end_mask: Bools
    gold: Ints
    ignore: Ints

    def __len__(self) -> int:
        return len(self.input_ids)


@dataclass(frozen=True, eq=False)
class PlacedWindow:
    """A window of a text whose end is not known yet, with all that its spans need to become entities.

    Attributes:
        window: The window, without gold.
        tokens: Its text tokens, with the characters of the whole text.
        neighbourhood: The windows that it overlaps.
    """

    window: Window
    tokens: TokenizedText
    neighbourhood: Neighbourhood


def cut_windows(num_tokens: int, room: int, overlap_tokens: int) -> tuple[Ints, Ints]:
    """Begins (inclusive) and ends (**exclusive**) of windows of `room` tokens that cover a text; the last one is full.

    A text without tokens has no window.
    """
    if num_tokens <= room:
        count = 1 if num_tokens else 0
        return np.zeros(count, dtype=np.int64), np.full(count, num_tokens, dtype=np.int64)
    begins = np.arange(0, num_tokens - overlap_tokens, room - overlap_tokens, dtype=np.int64)
    begins[-1] = num_tokens - room
    return begins, begins + room


def document_windows(
    index: int, tokens: TokenizedText, tokenizer: TextTokenizer, size: WindowSize, context: TextInContext | None = None
) -> list[Window]:
    """The windows of one text, without gold.

    Args:
        index: Of the document.
        tokens: Of its text.
        tokenizer: What made them.
        size: How long windows are.
        context: What stands around the text; None for nothing.
    """
    begins, ends = cut_windows(len(tokens), size.text_tokens(tokenizer), size.overlap_tokens)
    pairs = zip(begins.tolist(), ends.tolist(), strict=True)
    return [_window(index, begin, tokens.part(begin, end), tokenizer, context) for begin, end in pairs]


def stream_windows(
    index: int, stretches: Iterator[TokenizedText], tokenizer: TextTokenizer, size: WindowSize
) -> Iterator[PlacedWindow]:
    """The windows of a text whose tokens come in stretches: those of `document_windows`, each as soon as it is known.

    No more tokens are held than two windows and a stretch have.
    """
    room, overlap = size.text_tokens(tokenizer), size.overlap_tokens
    step = room - overlap
    held, held_from, seen = TokenizedText.empty(), 0, 0
    bounds: list[tuple[int, int]] = []  # of windows that are known, from the first that overlaps one to come
    place = known = 0  # of `bounds`, the next window to come; how many windows are known in all

    def ready(finished: bool) -> Iterator[PlacedWindow]:
        nonlocal place
        while place < len(bounds) and (finished or bounds[-1][0] >= bounds[place][1]):
            begin, end = bounds[place]
            first, last = place, place + 1
            while first > 0 and bounds[first - 1][1] > begin:
                first -= 1
            while last < len(bounds) and bounds[last][0] < end:
                last += 1
            begins, ends = np.array(bounds[first:last], dtype=np.int64).T
            part = held.part(begin - held_from, end - held_from)
            neighbourhood = Neighbourhood(begins, ends, place - first, seen)
            place += 1
            yield PlacedWindow(_window(index, begin, part, tokenizer, None), part, neighbourhood)

    for stretch in stretches:
        held, seen = TokenizedText.concatenate([held, stretch]), seen + len(stretch)
        while known * step + room < seen:
            bounds.append((known * step, known * step + room))
            known += 1
        yield from ready(finished=False)
        next_begin = bounds[place][0] if place < len(bounds) else max(0, min(known * step, seen - room))
        held, held_from = held.part(next_begin - held_from, len(held)), next_begin
        past = sum(1 for _, end in bounds[:place] if end <= next_begin)
        bounds, place = bounds[past:], place - past
    if seen:
        bounds.append((max(0, seen - room), seen))
    yield from ready(finished=True)


def cells_owned_elsewhere(window: Window, neighbourhood: Neighbourhood) -> Ints:
    """(M, 3): -1, first, last, in the window's tokens, of the cells inside it that another window owns.

    Only windows that overlap it are looked at, so that the work for a text grows with its windows and no faster.
    """
    begin, end = neighbourhood.begin, neighbourhood.end
    begins, ends, place = neighbourhood.begins, neighbourhood.ends, neighbourhood.place
    shift = window.num_special - window.begin
    shared = []
    if place > 0:
        shared.append((begin, int(ends[place - 1])))
    if place + 1 < len(begins):
        shared.append((int(begins[place + 1]), end))
    if not shared:
        return _NO_CELLS
    cells = np.concatenate([_cells_between(window, low + shift, high + shift) for low, high in shared])
    if len(shared) == 2 and shared[0][1] > shared[1][0]:
        cells = np.unique(cells, axis=0)
    foreign = cells[~neighbourhood.owns(cells[:, 0] - shift, cells[:, 1] - shift)]
    return np.column_stack([np.full(len(foreign), -1, dtype=np.int64), foreign])


def _window(
    index: int, begin: int, tokens: TokenizedText, tokenizer: TextTokenizer, context: TextInContext | None
) -> Window:
    around = ((), ()) if context is None else (context.before, context.behind)
    before = np.concatenate([tokenizer.prefix_ids, around[0]]).astype(np.int64)
    behind = np.concatenate([around[1], tokenizer.suffix_ids]).astype(np.int64)
    padding = (len(before), len(behind))
    return Window(
        document=index,
        begin=begin,
        text_tokens=len(tokens),
        num_special=len(before),
        input_ids=np.concatenate([before, tokens.input_ids, behind]),
        start_mask=np.pad(tokens.may_start, padding),
        end_mask=np.pad(tokens.may_end, padding),
        gold=_NO_CELLS,
        ignore=_NO_CELLS,
    )


def _cells_between(window: Window, begin: int, end: int) -> Ints:
    """(K, 2): first and last tokens of all possible spans inside [begin, end), in order."""
    first = begin + np.flatnonzero(window.start_mask[begin:end])
    last = begin + np.flatnonzero(window.end_mask[begin:end])
    cells = np.stack(np.meshgrid(first, last, indexing="ij"), axis=-1).reshape(-1, 2)
    return cells[cells[:, 0] <= cells[:, 1]]
