"""Numbers about documents, counted as a stream: what is kept grows with distinct lengths and labels only.

The one exception are fingerprints of the texts, 16 bytes a document, which find the texts that two sets share.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from globalner.data.overlaps import Overlaps, count_overlaps
from globalner.data.text_digests import normal_text, text_digest
from globalner.types import Document

__all__ = ["Bucket", "LabelStatistics", "Lengths", "SetStatistics", "SharedTexts", "shared_texts"]


class Bucket(NamedTuple):
    """How many lengths lie from `first` to `last`, both **inclusive**."""

    first: int
    last: int
    number: int


class Lengths:
    """How often each length occurs, whatever its unit.

    Attributes:
        counts: How often, by length.
    """

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()

    def add(self, length: int) -> None:
        """Counts one."""
        self.counts[length] += 1

    def __len__(self) -> int:
        """How many were counted."""
        return self.counts.total()

    @property
    def total(self) -> int:
        """The sum of all."""
        return sum(length * count for length, count in self.counts.items())

    @property
    def mean(self) -> float:
        """The mean; 0 of none."""
        return self.total / len(self) if self.counts else 0.0

    @property
    def longest(self) -> int:
        """The largest; 0 of none."""
        return max(self.counts, default=0)

    def quantile(self, share: float) -> int:
        """The smallest length that at least this share of all do not exceed; 0 of none."""
        at = 0
        for length, count in sorted(self.counts.items()):
            at += count
            if at >= share * len(self):
                return length
        return 0

    def buckets(self) -> list[Bucket]:
        """The lengths in ranges that grow as they do: 0, 1, 2, 3, 4-5, 6-7, 8-11, ...; with the empty ones between."""
        found: list[Bucket] = []
        ranges = _ranges()
        for length, count in sorted(self.counts.items()):
            while not found or found[-1].last < length:
                found.append(Bucket(*next(ranges), 0))
            found[-1] = found[-1]._replace(number=found[-1].number + count)
        filled = next((place for place, bucket in enumerate(found) if bucket.number), 0)
        return found[filled:]

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "mean": round(self.mean, 4),
            "median": self.quantile(0.5),
            "p90": self.quantile(0.9),
            "p99": self.quantile(0.99),
            "longest": self.longest,
            "total": self.total,
            "buckets": [bucket._asdict() for bucket in self.buckets()],
        }


def _ranges() -> Iterator[tuple[int, int]]:
    yield from ((0, 0), (1, 1))
    first, step = 2, 1
    while True:
        for begin in (first, first + step):
            yield begin, begin + step - 1
        first, step = first * 2, step * 2


@dataclass(slots=True)
class LabelStatistics:
    """The entities of one label.

    Attributes:
        entities: How many.
        chars: Their lengths in characters.
    """

    entities: int = 0
    chars: Lengths = field(default_factory=Lengths)


@dataclass(slots=True)
class SetStatistics:
    """Numbers about the documents of one set.

    Attributes:
        documents: How many.
        without_entities: How many of them have none.
        blank: How many have no text but blanks.
        document_chars: Lengths of documents in characters.
        document_words: Lengths of the documents that have given words, in words.
        labels: By label, its entities.
        entity_chars: Lengths of entities in characters.
        entity_words: Lengths in words of the entities that start and end with given words.
        overlaps: How entities lie to each other.
        texts: Fingerprint of each text that is not blank.
        normal_texts: The same of the text as readers hardly tell it from others.
    """

    documents: int = 0
    without_entities: int = 0
    blank: int = 0
    document_chars: Lengths = field(default_factory=Lengths)
    document_words: Lengths = field(default_factory=Lengths)
    labels: dict[str, LabelStatistics] = field(default_factory=dict)
    entity_chars: Lengths = field(default_factory=Lengths)
    entity_words: Lengths = field(default_factory=Lengths)
    overlaps: Overlaps = field(default_factory=Overlaps)
    texts: array[int] = field(default_factory=lambda: array("Q"))
    normal_texts: array[int] = field(default_factory=lambda: array("Q"))

    @property
    def entities(self) -> int:
        """How many entities there are, repeated ones included."""
        return len(self.entity_chars)

    @property
    def repeated_texts(self) -> int:
        """How many documents repeat the text of an earlier one."""
        return len(self.texts) - len(np.unique(_numbers(self.texts)))

    def add(self, document: Document) -> None:
        """Counts a document."""
        self.documents += 1
        self.without_entities += not document.entities
        self.document_chars.add(len(document.text))
        if document.text.strip():
            self.texts.append(text_digest(document.text))
            self.normal_texts.append(text_digest(normal_text(document.text)))
        else:
            self.blank += 1
        if document.tokens is not None:
            self.document_words.add(len(document.tokens))
        self._add_entities(document)

    def label_share(self, label: str) -> float:
        """The share of the entities that have a label, from 0 to 1."""
        found = self.labels.get(label)
        return found.entities / self.entities if found else 0.0

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        labels = sorted(self.labels.items(), key=lambda item: (-item[1].entities, item[0]))
        return {
            "documents": self.documents,
            "without_entities": self.without_entities,
            "blank": self.blank,
            "repeated_texts": self.repeated_texts,
            "characters": self.document_chars.to_dict(),
            "words": self.document_words.to_dict() if self.document_words.counts else None,
            "entities": self.entities,
            **self.overlaps._asdict(),
            "entity_characters": self.entity_chars.to_dict(),
            "entity_words": self.entity_words.to_dict() if self.entity_words.counts else None,
            "labels": {
                label: {
                    "entities": found.entities,
                    "share": round(self.label_share(label), 6),
                    "characters": found.chars.to_dict(),
                }
                for label, found in labels
            },
        }

    def _add_entities(self, document: Document) -> None:
        if not document.entities:
            return
        first_at = {start: place for place, (start, _) in enumerate(document.tokens or ())}
        last_at = {end: place for place, (_, end) in enumerate(document.tokens or ())}
        for entity in document.entities:
            chars = entity.end - entity.start
            self.entity_chars.add(chars)
            label = self.labels.setdefault(entity.label, LabelStatistics())
            label.entities += 1
            label.chars.add(chars)
            if entity.start in first_at and entity.end in last_at:
                self.entity_words.add(last_at[entity.end] - first_at[entity.start] + 1)
        self.overlaps = self.overlaps.plus(count_overlaps(document))


class SharedTexts(NamedTuple):
    """Documents whose text another set has too; blank texts are left out.

    Attributes:
        first: Name of one set.
        second: Name of the other.
        of_second: Documents of the second whose very text the first has.
        of_second_normal: The same for texts that differ in case, blanks and forms of characters at most.
        of_first: Documents of the first whose very text the second has.
        of_first_normal: The same for texts that differ so little.
    """

    first: str
    second: str
    of_second: int
    of_second_normal: int
    of_first: int
    of_first_normal: int


def shared_texts(first: tuple[str, SetStatistics], second: tuple[str, SetStatistics]) -> SharedTexts:
    """Counts the texts that two sets, given with their names, have in common."""
    (one, ones), (other, others) = first, second
    return SharedTexts(
        one,
        other,
        _found_in(others.texts, ones.texts),
        _found_in(others.normal_texts, ones.normal_texts),
        _found_in(ones.texts, others.texts),
        _found_in(ones.normal_texts, others.normal_texts),
    )


def _numbers(digests: array[int]) -> NDArray[np.uint64]:
    return np.frombuffer(digests, dtype=np.uint64) if digests else np.empty(0, dtype=np.uint64)


def _found_in(digests: array[int], others: array[int]) -> int:
    return int(np.isin(_numbers(digests), _numbers(others)).sum())
