"""Scores: precision, recall and F1 from counts; micro, macro, and for each type. Rates lie in [0, 1]; 0/0 is 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from globalner.evaluation.counts import SpanCounts

__all__ = [
    "EvaluationResult",
    "InnerScore",
    "SpanScore",
    "macro_score",
    "micro_score",
    "score_from_counts",
    "type_scores",
]


@dataclass(frozen=True, slots=True)
class SpanScore:
    """How good predictions are.

    Attributes:
        precision: Right ones among the predicted.
        recall: Found ones among the gold.
        f1: Harmonic mean of both.
        support: Gold entities.
    """

    precision: float
    recall: float
    f1: float
    support: int

    def to_dict(self) -> dict[str, float | int]:
        """{"precision", "recall", "f1", "support"}."""
        return {"precision": self.precision, "recall": self.recall, "f1": self.f1, "support": self.support}


@dataclass(frozen=True, slots=True)
class InnerScore:
    """Recall of the inner gold entities, and how many there are."""

    recall: float
    support: int


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """What an evaluation found.

    Attributes:
        micro: Over all entities, whatever their type.
        macro: Mean over the types that occur, see `macro_score`.
        types: By type.
        mode: How spans became entities, "nested" or "flat".
        split: Which part of the data was scored, such as "dev" or "test".
        documents: Documents scored.
        inner: Recall of the gold entities strictly inside another, with their number as support; None where the gold
            has none. There is no precision: whether a predicted entity is inner depends on the gold around it.
    """

    micro: SpanScore
    macro: SpanScore
    types: Mapping[str, SpanScore]
    mode: str
    split: str
    documents: int
    inner: InnerScore | None = None

    def to_dict(self) -> dict[str, object]:
        """The form of `metrics.json`: micro, macro, types, mode, split, documents, and inner only if there is one."""
        result: dict[str, object] = {
            "micro": self.micro.to_dict(),
            "macro": self.macro.to_dict(),
            "types": {label: score.to_dict() for label, score in self.types.items()},
            "mode": self.mode,
            "split": self.split,
            "documents": self.documents,
        }
        if self.inner is not None:
            result["inner"] = {"recall": self.inner.recall, "support": self.inner.support}
        return result


def score_from_counts(true_positives: int, predicted: int, gold: int) -> SpanScore:
    """precision = tp / predicted, recall = tp / gold, f1 = 2 tp / (predicted + gold).

    A rate of nothing, 0/0, is 0: where there was nothing to find and nothing was predicted, all three are 0.
    """
    return SpanScore(
        precision=true_positives / predicted if predicted else 0.0,
        recall=true_positives / gold if gold else 0.0,
        f1=2 * true_positives / (predicted + gold) if predicted + gold else 0.0,
        support=gold,
    )


def micro_score(counts: SpanCounts) -> SpanScore:
    """The score of all entities together."""
    return score_from_counts(counts.true_positives.total(), counts.predicted.total(), counts.gold.total())


def macro_score(counts: SpanCounts) -> SpanScore:
    """The plain mean of precision, of recall and of F1 over the types that occur in the gold or in the predictions.

    So a type that was only predicted counts with 0, as in seqeval; support is that of all types together.
    """
    scores = list(type_scores(counts).values())
    if not scores:
        return score_from_counts(0, 0, 0)
    return SpanScore(
        precision=fmean(score.precision for score in scores),
        recall=fmean(score.recall for score in scores),
        f1=fmean(score.f1 for score in scores),
        support=counts.gold.total(),
    )


def type_scores(counts: SpanCounts) -> dict[str, SpanScore]:
    """The score of each type that occurs in the gold or in the predictions, in alphabetical order."""
    return {
        label: score_from_counts(counts.true_positives[label], counts.predicted[label], counts.gold[label])
        for label in counts.types
    }
