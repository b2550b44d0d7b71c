"""Spans as BIO tags of words, and back: what every tagger of the baselines shares. numpy only.

Tags of C types: 0 is O, 1 + 2 c is B of type c, 2 + 2 c is I of type c.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from globalner.data import Window

__all__ = [
    "Span",
    "Words",
    "number_of_tags",
    "outermost_spans",
    "spans_from_tags",
    "tagging_windows",
    "tags_from_spans",
]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Span = tuple[int, int, int]
"""Type, first and last token, both inclusive."""


def number_of_tags(num_types: int) -> int:
    """O, and B and I of each type."""
    return 1 + 2 * num_types


@dataclass(frozen=True)
class Words:
    """The words of B windows, dense: what a tagger tags.

    Attributes:
        first: (B, W) first token of each word, inclusive; W is the number of words of the longest row, at least 1.
        last: (B, W) its last token, inclusive; -1 where the window cuts the word.
        real: (B, W) which of them are words and no padding.
        word_at: (B, L) the word that has begun last at each token; -1 before the first.
    """

    first: Ints
    last: Ints
    real: Bools
    word_at: Ints

    @classmethod
    def from_masks(cls, start_mask: Bools, end_mask: Bools) -> Words:
        """Words begin where an entity may start, and end with the first token at which one may end.

        Args:
            start_mask: (B, L), which tokens may start an entity.
            end_mask: (B, L), which tokens may end one.
        """
        width = max(1, int(start_mask.sum(axis=1).max(initial=0)))
        first = np.argsort(~start_mask, axis=1, kind="stable")[:, :width]
        real = np.take_along_axis(start_mask, first, axis=1)
        word_at = np.cumsum(start_mask, axis=1) - 1
        last = np.full(first.shape, -1, dtype=np.int64)
        rows, ends = np.nonzero(end_mask & (word_at >= 0))
        # Of several values for one place numpy keeps the last, which is the first end in this order.
        last[rows[::-1], word_at[rows, ends][::-1]] = ends[::-1]
        return cls(first, last, real, word_at)


def outermost_spans(spans: Iterable[Span]) -> list[Span]:
    """The spans that a tagger can learn: longest first (ties: smaller first token, then type), none over another."""
    kept: list[Span] = []
    for type_, first, last in sorted(spans, key=lambda span: (span[1] - span[2], span[1], span[0])):
        if all(last < other_first or other_last < first for _, other_first, other_last in kept):
            kept.append((type_, first, last))
    return kept


def tags_from_spans(gold: Ints, words: Words) -> Ints:
    """(B, W) tags of the outermost gold spans; padding is O.

    Args:
        gold: (N, 4): window, type, first, last (inclusive), as in a `Batch`.
        words: The words of the windows.
    """
    of_row: dict[int, list[Span]] = defaultdict(list)
    for row, type_, first, last in gold.tolist():
        of_row[row].append((type_, first, last))
    tags = np.zeros(words.first.shape, dtype=np.int64)
    for row, spans in of_row.items():
        for type_, first, last in outermost_spans(spans):
            begin, end = words.word_at[row, first], words.word_at[row, last]
            tags[row, begin : end + 1] = 2 + 2 * type_
            tags[row, begin] = 1 + 2 * type_
    return tags


def spans_from_tags(tags: Ints, words: Words) -> Ints:
    """(N, 4): window, type, first, last (inclusive), by conlleval's rule: a stray I opens an entity.

    An entity whose last word is cut by the window is left out: a window that has the whole word finds it.

    Args:
        tags: (B, W) tags; those of padding are not looked at.
        words: The words of the windows.
    """
    types = np.where(words.real & (tags > 0), (tags - 1) // 2, -1)
    before = np.pad(types, ((0, 0), (1, 0)), constant_values=-1)[:, :-1]
    opens = (types >= 0) & ((tags % 2 == 1) | (types != before))
    behind = np.pad(types, ((0, 0), (0, 1)), constant_values=-1)[:, 1:]
    closes = (types >= 0) & (np.pad(opens, ((0, 0), (0, 1)))[:, 1:] | (behind < 0))
    (rows, begins), (_, ends) = np.nonzero(opens), np.nonzero(closes)
    spans = np.column_stack([rows, types[rows, begins], words.first[rows, begins], words.last[rows, ends]])
    return spans[spans[:, 3] >= 0]


def tagging_windows(windows: Sequence[Window]) -> list[Window]:
    """The same windows with the gold that a tagger can learn: of each document only the outermost spans.

    A word has the same tag in every window that shows it, whichever window owns the span: a window has the spans of its
    neighbours too, and of a span that its edge cuts, the part that it shows.

    Args:
        windows: What `training_windows` gives.
    """
    of_document: dict[int, set[Span]] = defaultdict(set)
    for window in windows:
        shift = window.begin - window.num_special
        of_document[window.document].update((t, first + shift, last + shift) for t, first, last in window.gold.tolist())
    kept = {document: outermost_spans(spans) for document, spans in of_document.items()}
    return [replace(window, gold=_shown(window, kept[window.document])) for window in windows]


def _shown(window: Window, spans: Iterable[Span]) -> Ints:
    """(N, 3): type, first, last of the words that the window shows of spans in the document's tokens."""
    shift = window.num_special - window.begin
    starts = np.flatnonzero(window.start_mask)
    rows = []
    for type_, first, last in spans:
        inside = starts[(starts >= first + shift) & (starts <= last + shift)]
        if len(inside):
            rows.append((type_, inside[0], min(last + shift, window.num_special + window.text_tokens - 1)))
    return np.array(rows, dtype=np.int64).reshape(-1, 3)
