"""Long texts cut in overlapping windows; each span belongs to the window that gives it most context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from globalner.data.alignment import align_entities
from globalner.data.report import Report
from globalner.data.tokenization import TextTokenizer, TokenizedText
from globalner.errors import ConfigError
from globalner.types import Document, LabelSet
from globalner.window_ownership import owning_window

__all__ = ["Window", "WindowSize", "cut_windows", "document_windows", "training_windows"]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class WindowSize:
    """How long windows are.

    Attributes:
        window_tokens: Tokens of a window, special tokens included.
        overlap_tokens: Tokens that neighbouring windows share, at least.
        max_span_tokens: Longest entity in tokens, both ends counted; None for no limit but the window.
    """

    window_tokens: int
    overlap_tokens: int
    max_span_tokens: int | None = None

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
        num_special: Special tokens that stand before them.
        input_ids: (L,), special tokens included.
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


def document_windows(index: int, tokens: TokenizedText, tokenizer: TextTokenizer, size: WindowSize) -> list[Window]:
    """The windows of one text, without gold."""
    begins, ends = cut_windows(len(tokens), size.text_tokens(tokenizer), size.overlap_tokens)
    none = np.empty((0, 3), dtype=np.int64)
    return [_window(index, tokens, tokenizer, (int(b), int(e)), none, none) for b, e in zip(begins, ends, strict=True)]


def training_windows(
    documents: Sequence[Document],
    tokenizer: TextTokenizer,
    labels: LabelSet,
    size: WindowSize,
    report: Report,
    expanded: Report | None = None,
) -> list[Window]:
    """The windows of all documents with the gold spans that each owns.

    Args:
        documents: Documents with their gold entities.
        tokenizer: Of the model.
        labels: Types of the model.
        size: How long windows and entities are.
        report: Takes each entity that cannot be kept.
        expanded: Takes each that is expanded to the edges of its tokens; None: none is. See `align_entities`.
    """
    windows: list[Window] = []
    for index, (document, tokens) in enumerate(zip(documents, tokenizer.tokenize(documents), strict=True)):
        gold = align_entities(document, tokens, labels, report, expanded)
        begins, ends = cut_windows(len(tokens), size.text_tokens(tokenizer), size.overlap_tokens)
        owner = owning_window(gold[:, 1], gold[:, 2], begins, ends, len(tokens))
        if size.max_span_tokens is not None:
            owner[gold[:, 2] - gold[:, 1] >= size.max_span_tokens] = -1
        for type_, first, last in gold[owner == -1]:
            span = document.text[tokens.char_starts[first] : tokens.char_ends[last]]
            reason = "longer than a window or max_span_tokens"
            report.add(reason, f"{labels.names[type_]} of {last - first + 1} tokens {span[:60]!r}")
        for place, bounds in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
            foreign = _cells_owned_elsewhere(place, tokens, begins, ends)
            windows.append(_window(index, tokens, tokenizer, bounds, gold[owner == place], foreign))
    return windows


def _window(
    index: int, tokens: TokenizedText, tokenizer: TextTokenizer, bounds: tuple[int, int], gold: Ints, ignore: Ints
) -> Window:
    begin, end = bounds
    before, after = len(tokenizer.prefix_ids), len(tokenizer.suffix_ids)
    shift = np.array([0, before - begin, before - begin], dtype=np.int64)
    ids = np.concatenate([tokenizer.prefix_ids, tokens.input_ids[begin:end], tokenizer.suffix_ids]).astype(np.int64)
    return Window(
        document=index,
        begin=begin,
        text_tokens=end - begin,
        num_special=before,
        input_ids=ids,
        start_mask=np.pad(tokens.may_start[begin:end], (before, after)),
        end_mask=np.pad(tokens.may_end[begin:end], (before, after)),
        gold=gold + shift,
        ignore=ignore + shift,
    )


def _cells_owned_elsewhere(place: int, tokens: TokenizedText, begins: Ints, ends: Ints) -> Ints:
    """(M, 3): -1, first, last, in the text's tokens, of the cells inside window `place` that another window owns."""
    begin, end = int(begins[place]), int(ends[place])
    shared = []
    if place > 0:
        shared.append(_cells_between(tokens, begin, int(ends[place - 1])))
    if place + 1 < len(begins):
        shared.append(_cells_between(tokens, int(begins[place + 1]), end))
    if not shared:
        return np.empty((0, 3), dtype=np.int64)
    cells = np.unique(np.concatenate(shared), axis=0)
    foreign = cells[owning_window(cells[:, 0], cells[:, 1], begins, ends, len(tokens)) != place]
    return np.column_stack([np.full(len(foreign), -1, dtype=np.int64), foreign])


def _cells_between(tokens: TokenizedText, begin: int, end: int) -> Ints:
    """(K, 2): first and last tokens of all possible spans inside [begin, end)."""
    first = begin + np.flatnonzero(tokens.may_start[begin:end])
    last = begin + np.flatnonzero(tokens.may_end[begin:end])
    cells = np.stack(np.meshgrid(first, last, indexing="ij"), axis=-1).reshape(-1, 2)
    return cells[cells[:, 0] <= cells[:, 1]]
