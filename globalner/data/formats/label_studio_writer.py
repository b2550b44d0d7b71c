"""Writing tasks for Label Studio, with annotations or predictions."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

from globalner.data.formats.format import Writing
from globalner.data.formats.json_values import json_line
from globalner.data.formats.label_studio_options import LabelStudioOptions
from globalner.data.formats.offset_units import TextOffsets
from globalner.types import Document

__all__ = ["write_label_studio"]

_SCORE_DIGITS = 6


def write_label_studio(documents: Iterable[Document], writing: Writing, options: LabelStudioOptions) -> None:
    """Writes one JSON array, a task a line.

    Predictions hold the score of each entity, and their mean for Label Studio to sort tasks by. A further key of a
    document with the name of the text's is a loss.
    """
    as_predictions = options.use == "predictions"
    text_key = "text" if options.text_field == "auto" else options.text_field
    between = "[\n"
    for number, document in enumerate(documents, start=1):
        writing.note_left_out(document, keeps_id=True, keeps_extra=True, keeps_scores=as_predictions)
        task: dict[str, object] = {} if document.id is None else {"id": _task_id(document.id)}
        extra = dict(document.extra)
        if extra.pop(text_key, None) is not None:
            writing.losses.add("further key that is named like the text's", text_key)
        task["data"] = {text_key: document.text, **extra}
        results = _results(document, options)
        if as_predictions:
            prediction: dict[str, object] = {"model_version": options.model_version or "globalner", "result": results}
            scores = [entity.score for entity in document.entities if entity.score is not None]
            if scores:
                prediction["score"] = round(fmean(scores), _SCORE_DIGITS)
            task["predictions"] = [prediction]
        else:
            task["annotations"] = [{"result": results}]
        writing.put(between + json_line(task, f"document {number}").removesuffix("\n"))
        between = ",\n"
    writing.put("\n]\n" if writing.started else "[]\n")


def _task_id(name: str) -> int | str:
    """Numbers, which Label Studio's own ids are, as numbers."""
    return int(name) if name.isascii() and name.isdecimal() and str(int(name)) == name else name


def _results(document: Document, options: LabelStudioOptions) -> list[dict[str, object]]:
    offsets = TextOffsets(document.text, options.offset_unit)
    results: list[dict[str, object]] = []
    for number, entity in enumerate(document.entities, start=1):
        result: dict[str, object] = {
            "id": f"entity-{number}",
            "from_name": "label" if options.label_name == "auto" else options.label_name,
            "to_name": options.text_name,
            "type": "labels",
            "value": {
                "start": offsets.from_code_point(entity.start),
                "end": offsets.from_code_point(entity.end),
                "text": entity.text,
                "labels": [entity.label],
            },
        }
        if options.use == "predictions" and entity.score is not None:
            result["score"] = round(entity.score, _SCORE_DIGITS)
        results.append(result)
    return results
