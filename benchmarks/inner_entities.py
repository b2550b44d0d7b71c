"""Scores of the entities inside others, apart from the rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from globalner.evaluation import SpanScore, inner_keys, score_from_counts
from globalner.types import Document

__all__ = ["InnerOuterScores", "inner_outer_scores"]


@dataclass(frozen=True)
class InnerOuterScores:
    """Scores of a set of documents in two parts.

    Attributes:
        inner: Of the entities that lie inside another.
        outer: Of all others.
    """

    inner: SpanScore
    outer: SpanScore


def inner_outer_scores(gold: Iterable[Document], predicted: Iterable[Document]) -> InnerOuterScores | None:
    """Scores inner and outer entities apart; None where the gold has no inner ones.

    An entity is inner if it lies strictly inside another one of its side (`globalner.evaluation.inner_keys`): a gold
    one inside a gold one, a predicted one inside a predicted one. A true positive of the inner score is inner on both
    sides; of the outer score, on neither. So recall counts over inner gold, precision over inner predictions, and an
    inner entity found without the one around it helps neither score.

    Args:
        gold: Documents with the right entities.
        predicted: One document for each gold one, in the same order.

    Raises:
        ValueError: If the two differ in number.
    """
    inner, outer = [0, 0, 0], [0, 0, 0]
    for truth, guess in zip(gold, predicted, strict=True):
        inner_gold, inner_predicted = inner_keys(truth), inner_keys(guess)
        outer_gold = {entity.key for entity in truth.entities} - inner_gold
        outer_predicted = {entity.key for entity in guess.entities} - inner_predicted
        for counts, right, found in ((inner, inner_gold, inner_predicted), (outer, outer_gold, outer_predicted)):
            for place, keys in enumerate((right & found, found, right)):
                counts[place] += len(keys)
    if not inner[2]:
        return None
    return InnerOuterScores(score_from_counts(*inner), score_from_counts(*outer))
