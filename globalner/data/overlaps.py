"""How the entities of a document lie to each other: inside, across, on the same span."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from globalner.types import Document

__all__ = ["Overlaps", "count_overlaps", "crossing_spans", "inner_keys"]

Span = tuple[int, int]


class Overlaps(NamedTuple):
    """Entities of a document, or of many.

    Attributes:
        nested: Entities strictly inside another one (`inner_keys`), each span and label once.
        crossing: Entities that overlap another where neither holds the other, each span and label once.
        duplicated: Entities that repeat the span and label of an earlier one.
        several_labels: Spans that have more than one label.
    """

    nested: int = 0
    crossing: int = 0
    duplicated: int = 0
    several_labels: int = 0

    def plus(self, other: Overlaps) -> Overlaps:
        """The sum."""
        return Overlaps(*(one + more for one, more in zip(self, other, strict=True)))


def count_overlaps(document: Document) -> Overlaps:
    """Counts the entities of a document by how they lie to others."""
    keys = {entity.key for entity in document.entities}
    labels_at = Counter((start, end) for start, end, _ in keys)
    crossing = crossing_spans(labels_at)
    return Overlaps(
        nested=len(inner_keys(document)),
        crossing=sum(labels_at[span] for span in crossing),
        duplicated=len(document.entities) - len(keys),
        several_labels=sum(count > 1 for count in labels_at.values()),
    )


def inner_keys(document: Document) -> frozenset[tuple[int, int, str]]:
    """Keys (start inclusive, end exclusive, label) of the entities strictly inside another entity of the document.

    Strictly: the other one covers all its characters and at least one more. Two labels on the same span are not inside
    each other.
    """
    inner: set[tuple[int, int, str]] = set()
    furthest = outer_furthest = 0
    span: tuple[int, int] | None = None
    for start, end, label in sorted({entity.key for entity in document.entities}, key=lambda key: (key[0], -key[1])):
        if (start, end) != span:
            span, outer_furthest = (start, end), furthest
            furthest = max(furthest, end)
        # Every span before this one starts no later, so it holds this one if it also reaches as far.
        if end <= outer_furthest:
            inner.add((start, end, label))
    return frozenset(inner)


def crossing_spans(spans: Iterable[Span]) -> frozenset[Span]:
    """The spans (start inclusive, end exclusive) that overlap another one where neither holds the other."""
    ordered = sorted(set(spans))
    mirrored = sorted((-end, -start) for start, end in ordered)
    crossing = set(_left_out_of(ordered))
    return frozenset(crossing | {(-end, -start) for start, end in _left_out_of(mirrored)})


def _left_out_of(spans: list[Span]) -> list[Span]:
    """Of spans in order, those out of whose middle another one reaches over the end."""
    starts, ends = [start for start, _ in spans], [end for _, end in spans]
    found = []
    for start, end in spans:
        low, high = bisect_right(starts, start), bisect_left(starts, end)
        if low < high and max(ends[low:high]) > end:
            found.append((start, end))
    return found
