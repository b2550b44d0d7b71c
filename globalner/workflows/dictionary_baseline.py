"""The baseline that a trained model has to beat: looking up the entities of the training documents."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace

from globalner.types import Document, Entity

__all__ = ["DictionaryBaseline"]


class DictionaryBaseline:
    """Finds every occurrence of an entity text seen in training, and gives it the label it most often had there.

    An occurrence does not start or end inside a Latin word or a number. Nested occurrences are all found.

    Args:
        documents: The training documents.
    """

    def __init__(self, documents: Iterable[Document]) -> None:
        seen: dict[str, Counter[str]] = defaultdict(Counter)
        for document in documents:
            for entity in document.entities:
                seen[entity.text][entity.label] += 1
        self._label_of = {text: min(labels, key=lambda label: (-labels[label], label)) for text, labels in seen.items()}
        self._lengths = sorted({len(text) for text in seen})

    def extract(self, documents: Iterable[Document]) -> list[Document]:
        """The documents with the entities that the dictionary knows."""
        return [replace(document, entities=tuple(self._found(document.text))) for document in documents]

    def _found(self, text: str) -> Iterable[Entity]:
        for start in range(len(text)):
            for length in self._lengths:
                end = start + length
                label = self._label_of.get(text[start:end]) if end <= len(text) else None
                if label is not None and not (_inside_word(text, start) or _inside_word(text, end)):
                    yield Entity(start, end, label)


def _inside_word(text: str, place: int) -> bool:
    around = text[max(0, place - 1) : place + 1]
    return len(around) == 2 and place > 0 and around.isascii() and around.isalnum()
