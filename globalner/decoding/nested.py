"""Nested decoding: every span above its threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from globalner.decoding.spans import TokenSpans

__all__ = ["nested_spans"]


def nested_spans(spans: TokenSpans, threshold_logits: ArrayLike) -> TokenSpans:
    """All spans strictly above the threshold of their type; they may nest and cross.

    Args:
        spans: Found spans, in any order; the same (first, last, type) may occur more than once.
        threshold_logits: (C,).

    Returns:
        Spans by smaller first, larger last, smaller type index, each once, with its highest logit.

    Raises:
        ShapeError: If a type index has no threshold.
    """
    ordered = spans.above(threshold_logits).in_order()
    new = np.ones(len(ordered), dtype=np.bool_)
    new[1:] = (np.diff(ordered.first) != 0) | (np.diff(ordered.last) != 0) | (np.diff(ordered.type) != 0)
    return ordered.take(new)
