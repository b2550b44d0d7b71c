"""Score a model on a file of labelled documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from globalner.data import Report, unreachable_entities
from globalner.decoding import DecodingMode
from globalner.errors import DataError
from globalner.evaluation import EvaluationResult, evaluate_documents, seqeval_report
from globalner.extractor import EntityExtractor
from globalner.types import Document
from globalner.workflows.file_form import FileForm

__all__ = ["Evaluation", "evaluate_extractor", "evaluate_file"]


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation of a file found.

    Attributes:
        result: The scores.
        unknown_labels: Gold entities of labels that the model does not have, by label; they count as missed.
        unreachable: Gold entities whose edges lie inside the model's tokens or words, by reason; they count as missed.
        read_report: Repairs and notes of reading.
        seqeval: seqeval's report, where gold and predictions are flat and it was asked for; else None.
    """

    result: EvaluationResult
    unknown_labels: dict[str, int]
    unreachable: Report
    read_report: Report
    seqeval: str | None


def evaluate_file(
    extractor: EntityExtractor,
    path: Path,
    *,
    reading: FileForm | None = None,
    mode: DecodingMode | None = None,
    threshold: float | None = None,
    with_seqeval: bool = False,
) -> Evaluation:
    """Scores a model on a file.

    Args:
        extractor: The model.
        path: Labelled documents.
        reading: How the file is read; None: as it shows.
        mode: "nested", "flat", or None for the model's own.
        threshold: Score above which a span counts; None for the model's own.
        with_seqeval: Whether to make seqeval's report, which flat data has.

    Raises:
        DataError: If the file cannot be read, holds no entity at all, or seqeval is asked for on nested data.
    """
    reader = (reading or FileForm()).reader(path)
    gold = list(reader)
    unknown: dict[str, int] = {}
    for entity in (entity for document in gold for entity in document.entities):
        if entity.label not in extractor.labels:
            unknown[entity.label] = unknown.get(entity.label, 0) + 1
    if not any(document.entities for document in gold):
        raise DataError("holds no entity, so there is nothing to compare with", path=path)
    predicted = extractor.extract(gold, mode=mode, threshold=threshold)
    result = evaluate_documents(gold, predicted, mode=mode or extractor.mode, split=path.stem)
    seqeval = seqeval_report(gold, predicted) if with_seqeval else None
    unreachable = unreachable_entities(gold, extractor.tokenizer, extractor.labels)
    return Evaluation(result, unknown, unreachable, reader.report, seqeval)


def evaluate_extractor(
    extractor: EntityExtractor, gold: Sequence[Document], *, split: str, mode: DecodingMode | None = None
) -> EvaluationResult:
    """Scores a model on documents in memory.

    Args:
        extractor: The model.
        gold: Labelled documents.
        split: What the result calls them.
        mode: "nested", "flat", or None for the model's own.
    """
    return evaluate_documents(gold, extractor.extract(gold, mode=mode), mode=mode or extractor.mode, split=split)
