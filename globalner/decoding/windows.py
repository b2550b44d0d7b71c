"""Joining what was found in the overlapping windows of one text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from globalner.decoding.spans import TokenSpans
from globalner.errors import ShapeError
from globalner.window_ownership import owning_window

__all__ = ["merge_windows"]


def merge_windows(
    found: Sequence[TokenSpans], window_begins: ArrayLike, window_ends: ArrayLike, num_tokens: int
) -> TokenSpans:
    """Spans of the whole text: from each window those that it owns.

    A span that lies in several windows is taken from the one that gives it most context (`owning_window`) and from no
    other, so it comes out at most once for each type.

    Args:
        found: Spans of each window, W of them; token indices count from the window's own first token.
        window_begins: First token of each window in the text, inclusive, (W,), ascending.
        window_ends: One past its last token, **exclusive**, (W,), ascending.
        num_tokens: Tokens of the whole text.

    Returns:
        Spans with token indices of the text, by smaller first, larger last, smaller type index.

    Raises:
        ShapeError: If there is not one window for each item of `found`, a span reaches beyond its window, or the
            windows are not as `owning_window` needs them.
    """
    begins = np.asarray(window_begins, dtype=np.int64)
    ends = np.asarray(window_ends, dtype=np.int64)
    if not begins.shape == ends.shape == (len(found),):
        raise ShapeError(
            f"found holds the spans of {len(found)} windows, but window_begins and window_ends have the shapes "
            f"{begins.shape} and {ends.shape}; give one begin and one end a window"
        )
    spans = TokenSpans.concatenate(found)
    window = np.repeat(np.arange(len(found)), [len(part) for part in found])
    first, last = spans.first + begins[window], spans.last + begins[window]
    beyond = np.flatnonzero(last >= ends[window])
    if beyond.size:
        at = beyond[0]
        raise ShapeError(
            f"a span of window {window[at]} ends at token {spans.last[at]}, but that window has "
            f"{ends[window[at]] - begins[window[at]]} tokens; indices count from the window's own first token"
        )
    owned = owning_window(first, last, begins, ends, num_tokens) == window
    return TokenSpans(first, last, spans.type, spans.logit).take(owned).in_order()
