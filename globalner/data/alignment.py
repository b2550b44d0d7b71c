"""Entities in characters to spans in tokens, with a report of those that tokens cannot express."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from globalner.data.report import Report
from globalner.data.tokenized_text import TokenizedText
from globalner.types import Document, Entity, LabelSet

__all__ = ["align_entities"]


def align_entities(document: Document, tokens: TokenizedText, labels: LabelSet, report: Report) -> NDArray[np.int64]:
    """Token spans of the document's entities.

    Args:
        document: The text with its entities.
        tokens: Its tokens.
        labels: The types of the model; entities of others are left out and counted.
        report: Takes each entity that cannot be kept, by reason.

    Returns:
        (N, 3): type, first, last token (both inclusive), each span and type once. Slicing the text from the first
        token's start to the last token's end gives back the entity exactly.
    """
    first_at = {int(tokens.char_starts[place]): place for place in np.flatnonzero(tokens.may_start).tolist()}
    last_at = {int(tokens.char_ends[place]): place for place in np.flatnonzero(tokens.may_end).tolist()}
    rows: dict[tuple[int, int, int], None] = {}
    for entity in document.entities:
        first, last = first_at.get(entity.start), last_at.get(entity.end)
        if entity.label not in labels:
            report.add(f"label {entity.label!r} is not known to the model", _shown(entity))
        elif first is None or last is None or first > last:
            report.add(_reason(document.text, entity, tokens, first is None), _shown(entity))
        elif (row := (labels.index(entity.label), first, last)) in rows:
            report.add("the same span and label twice", _shown(entity))
        else:
            rows[row] = None
    return np.array(list(rows), dtype=np.int64).reshape(-1, 3)


def _reason(text: str, entity: Entity, tokens: TokenizedText, at_start: bool) -> str:
    piece = text[entity.start : entity.end]
    if piece != piece.strip():
        return "starts or ends with a blank"
    edges, place = (tokens.char_starts, entity.start) if at_start else (tokens.char_ends, entity.end)
    side = "starts" if at_start else "ends"
    if place in edges:
        return f"{side} inside a word"
    return f"{side} inside a token"


def _shown(entity: Entity) -> str:
    return f"{entity.label} {entity.start}:{entity.end} {entity.text[:60]!r}"
