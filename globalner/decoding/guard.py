"""The guard against floods: at most so many entities a text."""

from __future__ import annotations

import numpy as np

from globalner.decoding.spans import TokenSpans
from globalner.errors import ConfigError

__all__ = ["limit_spans"]


def limit_spans(spans: TokenSpans, max_entities: int | None) -> tuple[TokenSpans, bool]:
    """Keeps the spans with the highest logits.

    Args:
        spans: Spans in any order.
        max_entities: How many may stay; None for no limit. Of equal logits, the span with smaller first, larger last,
            smaller type index stays.

    Returns:
        The spans that stay, in the order they came, and whether any was left out.

    Raises:
        ConfigError: If `max_entities` is below 1.
    """
    if max_entities is None:
        return spans, False
    if max_entities < 1:
        raise ConfigError(f"max_entities is {max_entities}; give at least 1, or None for no limit")
    if len(spans) <= max_entities:
        return spans, False
    best_first = np.lexsort((spans.type, -spans.last, spans.first, -spans.logit))
    return spans.take(np.sort(best_first[:max_entities])), True
