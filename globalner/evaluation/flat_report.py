"""seqeval's report for flat data, for comparison with published tables.

Source of the measure: H. Nakayama, seqeval, https://github.com/chakki-works/seqeval, after conlleval of CoNLL-2000.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from seqeval.metrics.sequence_labeling import classification_report, precision_recall_fscore_support

from globalner.errors import DataError
from globalner.evaluation.counts import paired_documents
from globalner.types import Document

__all__ = ["seqeval_report", "seqeval_scores"]

Tags = list[list[str]]


def seqeval_report(gold: Iterable[Document], predicted: Iterable[Document], digits: int = 4) -> str:
    """seqeval's table: precision, recall, F1 and support for each type, and micro, macro and weighted averages.

    Tags are BIO over the gold document's tokens where all entities of both sides lie on token edges, else over
    characters.

    Args:
        gold: Documents with the right entities, without overlap.
        predicted: One document for each gold one, in the same order and with the same text, without overlap.
        digits: Decimal places.

    Raises:
        DataError: If entities of a document overlap, or gold and predicted do not pair up.
    """
    gold_tags, predicted_tags = _tag_sequences(gold, predicted)
    if not _occurring_types(gold_tags, predicted_tags):
        return "no entities, neither in the gold nor in the predictions\n"
    return str(classification_report(gold_tags, predicted_tags, digits=digits, zero_division=0))


def seqeval_scores(gold: Iterable[Document], predicted: Iterable[Document]) -> dict[str, object]:
    """seqeval's numbers in the form of `EvaluationResult.to_dict`, with the keys "micro", "macro" and "types".

    Arguments and errors as for `seqeval_report`.
    """
    gold_tags, predicted_tags = _tag_sequences(gold, predicted)
    types = _occurring_types(gold_tags, predicted_tags)
    if not types:
        return {"micro": _row(0, 0, 0, 0), "macro": _row(0, 0, 0, 0), "types": {}}
    columns = precision_recall_fscore_support(gold_tags, predicted_tags, average=None, zero_division=0)
    averages = {
        average: _row(*precision_recall_fscore_support(gold_tags, predicted_tags, average=average, zero_division=0))
        for average in ("micro", "macro")
    }
    rows = zip(types, *columns, strict=True)
    return {**averages, "types": {label: _row(*values) for label, *values in rows}}


def _row(precision: float, recall: float, f1: float, support: int) -> dict[str, float | int]:
    return {"precision": float(precision), "recall": float(recall), "f1": float(f1), "support": int(support)}


def _tag_sequences(gold: Iterable[Document], predicted: Iterable[Document]) -> tuple[Tags, Tags]:
    gold_tags: Tags = []
    predicted_tags: Tags = []
    for number, (truth, guess) in enumerate(paired_documents(gold, predicted), start=1):
        true_spans = _flat_keys(truth, f"gold document {number}")
        guessed_spans = _flat_keys(guess, f"predicted document {number}")
        units = _units(truth, [*true_spans, *guessed_spans])
        gold_tags.append(_bio(true_spans, units))
        predicted_tags.append(_bio(guessed_spans, units))
    return gold_tags, predicted_tags


def _flat_keys(document: Document, name: str) -> list[tuple[int, int, str]]:
    """(start, end, label) of the entities, each once, in the text's order."""
    keys = sorted({entity.key for entity in document.entities})
    for (start, end, label), (next_start, next_end, next_label) in pairwise(keys):
        if next_start < end:
            raise DataError(
                f"{name} is not flat: {label!r} at {start}:{end} and {next_label!r} at {next_start}:{next_end} "
                "overlap; seqeval's report is for flat data, use evaluate_documents"
            )
    return keys


def _units(document: Document, spans: Sequence[tuple[int, int, str]]) -> Sequence[tuple[int, int]]:
    """What gets a tag each, (start, end) with the end exclusive: tokens where they fit, else characters."""
    tokens = document.tokens or ()
    starts = {start for start, _ in tokens}
    ends = {end for _, end in tokens}
    if tokens and all(start in starts and end in ends for start, end, _ in spans):
        return tokens
    return [(index, index + 1) for index in range(len(document.text))]


def _bio(spans: Sequence[tuple[int, int, str]], units: Sequence[tuple[int, int]]) -> list[str]:
    """One BIO tag a unit; spans and units ascend and do not overlap."""
    tags = ["O"] * len(units)
    remaining = iter(spans)
    span = next(remaining, None)
    for index, (start, end) in enumerate(units):
        if span is None:
            break
        if start < span[0]:
            continue
        tags[index] = f"{'B' if start == span[0] else 'I'}-{span[2]}"
        if end == span[1]:
            span = next(remaining, None)
    return tags


def _occurring_types(*sides: Tags) -> list[str]:
    """The types of the tags, in the order in which seqeval gives its columns."""
    return sorted({tag[2:] for side in sides for tags in side for tag in tags if tag != "O"})
