"""From gold and predicted documents to scores: counts, then precision, recall and F1, then a report.

seqeval and what it pulls in are loaded when `seqeval_report` or `seqeval_scores` is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from globalner.evaluation.counts import SpanCounts, count_document, inner_keys
from globalner.evaluation.evaluate import evaluate_documents, result_from_counts
from globalner.evaluation.masked_tokens import MaskedScore
from globalner.evaluation.scores import (
    EvaluationResult,
    InnerScore,
    SpanScore,
    macro_score,
    micro_score,
    score_from_counts,
    type_scores,
)

if TYPE_CHECKING:
    from globalner.evaluation.flat_report import seqeval_report, seqeval_scores
from globalner.evaluation.threshold import THRESHOLDS, choose_threshold, decode_again

__all__ = [
    "THRESHOLDS",
    "EvaluationResult",
    "InnerScore",
    "MaskedScore",
    "SpanCounts",
    "SpanScore",
    "choose_threshold",
    "count_document",
    "decode_again",
    "evaluate_documents",
    "inner_keys",
    "macro_score",
    "micro_score",
    "result_from_counts",
    "score_from_counts",
    "seqeval_report",
    "seqeval_scores",
    "type_scores",
]


def __getattr__(name: str) -> object:
    if name in ("seqeval_report", "seqeval_scores"):
        return getattr(import_module("globalner.evaluation.flat_report"), name)
    raise AttributeError(f"module 'globalner.evaluation' has no attribute {name!r}")
