"""The score above which a predicted entity counts, chosen by micro F1."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from globalner.evaluation.counts import paired_documents
from globalner.types import Document

__all__ = ["THRESHOLDS", "above_threshold", "choose_threshold"]

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 16))
"""0.05, 0.10, ... 0.75. The steps are wide, or single entities of a small dev set would decide."""


def choose_threshold(
    gold: Iterable[Document], predicted: Iterable[Document], thresholds: Sequence[float] = THRESHOLDS
) -> float:
    """The threshold with the best micro F1 of nested entities; among equals the one nearest to 0.5, then the lower.

    Args:
        gold: Documents with the right entities.
        predicted: One for each gold one, with every scored entity above the lowest threshold.
        thresholds: To choose from; an entity counts if its score is strictly above.

    Raises:
        DataError: If gold and predicted differ in number or texts.
    """
    right: list[float] = []
    wrong: list[float] = []
    num_gold = 0
    for truth, guess in paired_documents(gold, predicted):
        keys = {entity.key for entity in truth.entities}
        num_gold += len(keys)
        for entity in guess.entities:
            (right if entity.key in keys else wrong).append(1.0 if entity.score is None else entity.score)
    found, strays = np.array(right), np.array(wrong)

    def f1(threshold: float) -> float:
        true, false = int((found > threshold).sum()), int((strays > threshold).sum())
        return 2 * true / max(1, true + false + num_gold)

    return max(thresholds, key=lambda threshold: (f1(threshold), -abs(threshold - 0.5), -threshold))


def above_threshold(documents: Iterable[Document], threshold: float) -> list[Document]:
    """The same documents, each with the entities whose score is strictly above the threshold."""
    return [
        replace(document, entities=tuple(e for e in document.entities if e.score is not None and e.score > threshold))
        for document in documents
    ]
