"""Evaluation of predicted against gold documents, in one pass."""

from __future__ import annotations

from collections.abc import Iterable

from globalner.evaluation.counts import SpanCounts, count_document, paired_documents
from globalner.evaluation.scores import (
    EvaluationResult,
    InnerScore,
    macro_score,
    micro_score,
    score_from_counts,
    type_scores,
)
from globalner.types import Document

__all__ = ["evaluate_documents", "result_from_counts"]


def evaluate_documents(
    gold: Iterable[Document],
    predicted: Iterable[Document],
    *,
    labels: Iterable[str] | None = None,
    mode: str,
    split: str,
) -> EvaluationResult:
    """Scores predictions; both iterables are read once, side by side, and not kept.

    Args:
        gold: Documents with the right entities.
        predicted: One document for each gold one, in the same order and with the same text.
        labels: Types that the result lists first, in this order, also those that do not occur (all zero). Types beyond
            them follow in alphabetical order: labels never narrow what is counted.
        mode: How spans became entities, "nested" or "flat"; copied into the result.
        split: Which part of the data this is; copied into the result.

    Raises:
        DataError: If gold and predicted differ in number, or in the text of a document.
    """
    counts = SpanCounts()
    for truth, guess in paired_documents(gold, predicted):
        counts.merge(count_document(truth, guess))
    return result_from_counts(counts, labels=labels, mode=mode, split=split)


def result_from_counts(
    counts: SpanCounts, *, labels: Iterable[str] | None = None, mode: str, split: str
) -> EvaluationResult:
    """The result for counts already summed; arguments as for `evaluate_documents`."""
    inner = (
        InnerScore(counts.inner_true_positives / counts.inner_gold, counts.inner_gold) if counts.inner_gold else None
    )
    return EvaluationResult(
        micro=micro_score(counts),
        macro=macro_score(counts),
        types=dict.fromkeys(labels or (), score_from_counts(0, 0, 0)) | type_scores(counts),
        mode=mode,
        split=split,
        documents=counts.documents,
        inner=inner,
    )
