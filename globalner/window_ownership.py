"""Which window of a long text a span belongs to: one rule for learning and for prediction.

Training learns a gold entity in the window that owns it and ignores its cell elsewhere; prediction keeps a found span
only where it is owned. Both ask this module, so a model is asked about a span where it was taught about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globalner.errors import ShapeError

__all__ = ["Neighbourhood", "neighbourhoods", "owning_window"]

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """A window among all those that it overlaps: all that has to be known to say which of its spans it owns.

    Attributes:
        begins: First token of each of them, itself included, document-level indices, inclusive, (W,), ascending.
        ends: One past the last token of each, **exclusive**, (W,), ascending.
        place: Which of them it is.
        num_tokens: Tokens of the whole text; where the text goes on further than is known yet, any number above `ends`.
    """

    begins: IntArray
    ends: IntArray
    place: int
    num_tokens: int

    @property
    def begin(self) -> int:
        """First token of the window, inclusive."""
        return int(self.begins[self.place])

    @property
    def end(self) -> int:
        """One past its last token, **exclusive**."""
        return int(self.ends[self.place])

    def owns(self, first: ArrayLike, last: ArrayLike) -> NDArray[np.bool_]:
        """Which spans of the window (document-level tokens, both **inclusive**, (N,)) it owns, (N,) bool."""
        return np.asarray(owning_window(first, last, self.begins, self.ends, self.num_tokens) == self.place)


def neighbourhoods(window_begins: IntArray, window_ends: IntArray, num_tokens: int) -> Iterator[Neighbourhood]:
    """The neighbourhood of each window of a text, in order; the arguments are those of `owning_window`."""
    low = np.searchsorted(window_ends, window_begins, side="right").tolist()
    high = np.searchsorted(window_begins, window_ends, side="left").tolist()
    for place, (one, other) in enumerate(zip(low, high, strict=True)):
        yield Neighbourhood(window_begins[one:other], window_ends[one:other], place - one, num_tokens)


def owning_window(
    first: ArrayLike, last: ArrayLike, window_begins: ArrayLike, window_ends: ArrayLike, num_tokens: int
) -> IntArray:
    """The window that gives each span the most context.

    Among the windows `w` that contain the span, `begin_w <= first` and `last < end_w`, the owner has the largest

        context_w = min(left_w, right_w)
        left_w    = first - begin_w      (infinite where begin_w = 0: the text itself has nothing more to show)
        right_w   = end_w - 1 - last     (infinite where end_w = num_tokens)

    and of windows with equal context the earliest.

    Args:
        first: First tokens, **inclusive**, document-level indices, (N,).
        last: Last tokens, **inclusive**, (N,).
        window_begins: First token of each window, inclusive, (W,), ascending.
        window_ends: One past the last token of each window, **exclusive**, (W,), ascending.
        num_tokens: Tokens of the whole text.

    Returns:
        Index of the owning window, (N,) int64; -1 where no window contains the span.

    Raises:
        ShapeError: If the arrays do not pair up, a span ends before it starts, or the windows are empty, not in
            ascending order, or outside the text.
    """
    first, last = _as_pair(first, last, "first and last")
    begins, ends = _as_pair(window_begins, window_ends, "window_begins and window_ends")
    _check_spans(first, last)
    _check_windows(begins, ends, num_tokens)
    # Windows are sorted, so those that contain a span are neighbours: low .. high - 1.
    low = np.searchsorted(ends, last, side="right")
    high = np.searchsorted(begins, first, side="right")
    owner = np.full(first.shape, -1, dtype=np.int64)
    most = np.full(first.shape, -1, dtype=np.int64)
    pending = np.flatnonzero(low < high)
    step = 0
    while pending.size:
        window = low[pending] + step
        context = _context(first[pending], last[pending], begins[window], ends[window], num_tokens)
        better = context > most[pending]
        owner[pending[better]] = window[better]
        most[pending[better]] = context[better]
        step += 1
        pending = pending[low[pending] + step < high[pending]]
    return owner


def _context(first: IntArray, last: IntArray, begin: IntArray, end: IntArray, num_tokens: int) -> IntArray:
    """min(left, right) of each (span, window) pair; `num_tokens`, above every finite context, stands for infinite."""
    left = np.where(begin == 0, num_tokens, first - begin)
    right = np.where(end == num_tokens, num_tokens, end - 1 - last)
    return np.minimum(left, right)


def _as_pair(one: ArrayLike, other: ArrayLike, names: str) -> tuple[IntArray, IntArray]:
    pair = np.asarray(one, dtype=np.int64), np.asarray(other, dtype=np.int64)
    if pair[0].ndim != 1 or pair[0].shape != pair[1].shape:
        raise ShapeError(
            f"{names} have the shapes {pair[0].shape} and {pair[1].shape}; give two flat arrays of one length"
        )
    return pair


def _check_spans(first: IntArray, last: IntArray) -> None:
    wrong = np.flatnonzero((first < 0) | (last < first))
    if wrong.size:
        at = wrong[0]
        raise ShapeError(
            f"span {at} goes from token {first[at]} to {last[at]}; both are inclusive, so 0 <= first <= last"
        )


def _check_windows(begins: IntArray, ends: IntArray, num_tokens: int) -> None:
    wrong = np.flatnonzero((begins < 0) | (ends <= begins) | (ends > num_tokens))
    if wrong.size:
        at = wrong[0]
        raise ShapeError(
            f"window {at} is [{begins[at]}, {ends[at]}) in a text of {num_tokens} tokens; the end is exclusive, "
            "so 0 <= begin < end <= num_tokens"
        )
    unsorted = np.flatnonzero((np.diff(begins) < 0) | (np.diff(ends) < 0))
    if unsorted.size:
        at = unsorted[0] + 1
        raise ShapeError(f"window {at}, [{begins[at]}, {ends[at]}), begins or ends before window {at - 1}; sort them")
