"""Scores as a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from globalner.cli.console import Console

if TYPE_CHECKING:
    from globalner.evaluation import EvaluationResult, SpanScore

__all__ = ["print_scores", "score_row"]

COLUMNS = ("", "precision", "recall", "F1", "support")


def print_scores(console: Console, result: EvaluationResult) -> None:
    """A row for each label, then micro and macro; below them how many documents, and how spans became entities."""
    rows = [score_row(label, score) for label, score in result.types.items()]
    rows += [score_row("micro", result.micro), score_row("macro", result.macro)]
    console.table((result.split, *COLUMNS[1:]), rows)
    console.result(f"{result.documents:,} documents, {result.mode} decoding")
    if result.inner is not None:
        console.result(f"entities inside others: {result.inner.recall:.4f} of {result.inner.support:,} found")


def score_row(name: str, score: SpanScore) -> tuple[str, ...]:
    """One row of the table."""
    return (name, f"{score.precision:.4f}", f"{score.recall:.4f}", f"{score.f1:.4f}", f"{score.support:,}")
