"""Counting: what was right, what was predicted, what there was to find. Exact (start, end, label) matches, as sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

from globalner.data.overlaps import inner_keys
from globalner.errors import DataError
from globalner.types import Document

__all__ = ["SpanCounts", "count_document", "inner_keys", "paired_documents"]


@dataclass(slots=True)
class SpanCounts:
    """A running sum of counts over documents.

    Attributes:
        true_positives: By type, predicted entities that the gold has too.
        predicted: By type, predicted entities.
        gold: By type, gold entities.
        inner_true_positives: Inner gold entities (`inner_keys`) that were predicted.
        inner_gold: Inner gold entities.
        documents: Documents counted.
    """

    true_positives: Counter[str] = field(default_factory=Counter)
    predicted: Counter[str] = field(default_factory=Counter)
    gold: Counter[str] = field(default_factory=Counter)
    inner_true_positives: int = 0
    inner_gold: int = 0
    documents: int = 0

    def merge(self, other: SpanCounts) -> None:
        """Adds the counts of further documents to these."""
        self.true_positives.update(other.true_positives)
        self.predicted.update(other.predicted)
        self.gold.update(other.gold)
        self.inner_true_positives += other.inner_true_positives
        self.inner_gold += other.inner_gold
        self.documents += other.documents

    @property
    def types(self) -> list[str]:
        """Types that occur in the gold or in the predictions, in alphabetical order."""
        return sorted(self.gold.keys() | self.predicted.keys())


def count_document(gold: Document, predicted: Document) -> SpanCounts:
    """Counts of one document; an entity given twice counts once."""
    gold_keys = {entity.key for entity in gold.entities}
    predicted_keys = {entity.key for entity in predicted.entities}
    inner = inner_keys(gold)
    return SpanCounts(
        true_positives=Counter(label for _, _, label in gold_keys & predicted_keys),
        predicted=Counter(label for _, _, label in predicted_keys),
        gold=Counter(label for _, _, label in gold_keys),
        inner_true_positives=len(inner & predicted_keys),
        inner_gold=len(inner),
        documents=1,
    )


def paired_documents(gold: Iterable[Document], predicted: Iterable[Document]) -> Iterator[tuple[Document, Document]]:
    """Gold and predicted documents side by side, each read once.

    Raises:
        DataError: If the two differ in number, or in the text of a document.
    """
    for number, (truth, guess) in enumerate(zip_longest(gold, predicted), start=1):
        if truth is None or guess is None:
            shorter, longer = ("gold", "predicted") if truth is None else ("predicted", "gold")
            raise DataError(
                f"there are {number - 1} {shorter} documents but more {longer} ones; give one prediction for each "
                "gold document, in the same order"
            )
        if truth.text != guess.text:
            raise DataError(
                f"document {number} has another text in the gold than in the predictions: {_difference(truth, guess)}; "
                "give the documents in the same order, with the same texts"
            )
        yield truth, guess


def _difference(gold: Document, predicted: Document) -> str:
    """The two texts from a little before the first character that differs."""
    pairs = enumerate(zip(gold.text, predicted.text, strict=False))
    shortest = min(len(gold.text), len(predicted.text))
    place = next((index for index, (one, other) in pairs if one != other), shortest)
    shown = slice(max(place - 10, 0), place + 20)
    return f"at character {place}, {gold.text[shown]!r} against {predicted.text[shown]!r}"
