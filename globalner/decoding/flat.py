"""Flat decoding: the best set of spans of which no two overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globalner.decoding.nested import nested_spans
from globalner.decoding.spans import TokenSpans
from globalner.errors import DataError

__all__ = ["flat_spans"]


def flat_spans(spans: TokenSpans, threshold_logits: ArrayLike) -> TokenSpans:
    """Weighted interval scheduling, exact, in O(N log N).

    Of the spans strictly above the threshold of their type, chooses the set without overlap that maximises

        sum of (logit - threshold logit of its type)

    Two spans overlap if they share an index; touching ones, `next.first == last + 1`, do not. Of several sets with the
    greatest sum, those with the fewest spans remain, and of these the one whose keys (smaller first, larger last,
    smaller type index), in ascending order, come first when compared position by position.

    The sum is that of the exact real numbers the doubles stand for, never rounded, so the choice depends neither on an
    order of summation nor on other spans of the text.

    Args:
        spans: Found spans, in any order; repeated ones count once, with their highest logit.
        threshold_logits: (C,).

    Returns:
        The chosen spans by ascending first.

    Raises:
        DataError: If the logit or the threshold of a span that takes part is infinite.
        ShapeError: If a type index has no threshold.
    """
    candidates = nested_spans(spans, threshold_logits)
    thresholds = np.asarray(threshold_logits, dtype=np.float64)[candidates.type]
    following = np.searchsorted(candidates.first, candidates.last, side="right")
    worths = _worths(candidates.logit, thresholds)
    return candidates.take(_best_chain(worths, following.tolist()))


def _worths(logit: NDArray[np.float64], threshold: NDArray[np.float64]) -> list[int]:
    """Integers that compare sets first by their exact sum of logit - threshold, then by fewer spans.

    A double is an integer times a power of two; brought to one power, all are integers. Times N + 1, less one, a sum
    of at most N of them keeps the count in its last place.
    """
    count = len(logit)
    values = np.concatenate([logit, threshold])
    if not np.all(np.isfinite(values)):
        raise DataError(
            f"flat decoding needs finite logits and thresholds, but met {values[~np.isfinite(values)][0]}; "
            "give a finite threshold, or use mode 'nested'"
        )
    fraction, exponent = np.frexp(values)
    integers = np.ldexp(fraction, 53).astype(np.int64).tolist()
    shifts = (exponent - exponent.min(initial=0)).tolist()
    scaled = [integer << shift for integer, shift in zip(integers, shifts, strict=True)]
    return [(gain - price) * (count + 1) - 1 for gain, price in zip(scaled[:count], scaled[count:], strict=True)]


def _best_chain(worths: list[int], following: list[int]) -> NDArray[np.int64]:
    """Positions of the best chain; `following[i]` is the first position that may come after `i` in one.

    Goes from the last span to the first. Where taking a span and leaving it are worth the same, taking it wins: its
    key precedes those of all later spans, so the chain that holds it comes first.
    """
    count = len(worths)
    best = [0] * (count + 1)
    taken = bytearray(count)
    for position in range(count - 1, -1, -1):
        with_it = worths[position] + best[following[position]]
        taken[position] = with_it >= best[position + 1]
        best[position] = max(with_it, best[position + 1])
    chain: list[int] = []
    position = 0
    while position < count:
        if taken[position]:
            chain.append(position)
        position = following[position] if taken[position] else position + 1
    return np.array(chain, dtype=np.int64)
