"""Entities in characters to spans in tokens, with a report of those that tokens cannot express."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from globalner.data.report import Report, shown_entity
from globalner.data.tokenization import TextTokenizer
from globalner.data.tokenized_text import TokenizedText
from globalner.types import Document, Entity, LabelSet

__all__ = ["align_entities", "count_edges_inside", "unreachable_entities"]

_INSIDE_TOKEN, _INSIDE_WORD, _DROPPED = "inside a token", "inside a word", "with a character that the tokenizer drops"
_TWICE = "the same span and label twice"


def align_entities(
    document: Document, tokens: TokenizedText, labels: LabelSet, report: Report, expanded: Report | None = None
) -> NDArray[np.int64]:
    """Token spans of the document's entities.

    Args:
        document: The text with its entities.
        tokens: Its tokens.
        labels: The types of the model; entities of others are left out and counted.
        report: Takes each entity that cannot be kept, by reason.
        expanded: Takes each entity that had to be expanded to the edges of its tokens (with `boundary` "word": of its
            words) to be kept, by reason. None: none is, and such entities go to `report`.

    Returns:
        (N, 3): type, first, last token (both inclusive), each span and type once. Slicing the text from the first
        token's start to the last token's end gives back the entity exactly, unless it was expanded.
    """
    edges = _Edges(tokens)
    rows: dict[tuple[int, int, int], None] = {}
    for entity in document.entities:
        if entity.label not in labels:
            report.add(f"label {entity.label!r} is not known to the model", shown_entity(entity))
            continue
        span = edges.exact(entity)
        kept = edges.around(entity) if span is None and expanded is not None else span
        if kept is None:
            report.add(edges.reason(document.text, entity), shown_entity(entity))
        elif (row := (labels.index(entity.label), *kept)) in rows:
            report.add(_TWICE, shown_entity(entity))
        else:
            rows[row] = None
            if span is None and expanded is not None:
                now = document.text[tokens.char_starts[kept[0]] : tokens.char_ends[kept[1]]]
                expanded.add(edges.reason(document.text, entity), f"{shown_entity(entity)} as {now[:60]!r}")
    return np.array(list(rows), dtype=np.int64).reshape(-1, 3)


def unreachable_entities(documents: Iterable[Document], tokenizer: TextTokenizer, labels: LabelSet) -> Report:
    """Gold entities that no prediction can equal, whatever the weights, since no tokens have their edges.

    Args:
        documents: Documents with their gold entities; the same span and label twice in one counts once.
        tokenizer: Of the model.
        labels: The types of the model; entities of others are not looked at.

    Returns:
        Such entities by reason.
    """
    report = Report()
    for document, tokens in tokenizer.stream(documents):
        edges = _Edges(tokens)
        for entity in {entity.key: entity for entity in document.entities}.values():
            if entity.label in labels and edges.exact(entity) is None:
                report.add(edges.reason(document.text, entity), shown_entity(entity))
    return report


def count_edges_inside(report: Report) -> tuple[int, int]:
    """Of a report of alignment: how many entities had an edge inside a token, and how many only inside a word."""
    inside = [
        sum(count for reason, count in report.counts.items() if reason.endswith(place))
        for place in (_INSIDE_TOKEN, _INSIDE_WORD)
    ]
    return inside[0], inside[1]


class _Edges:
    """Where entities may start and end in one text."""

    def __init__(self, tokens: TokenizedText) -> None:
        self._tokens = tokens
        self._first_at = {int(tokens.char_starts[place]): place for place in np.flatnonzero(tokens.may_start).tolist()}
        self._last_at = {int(tokens.char_ends[place]): place for place in np.flatnonzero(tokens.may_end).tolist()}

    def exact(self, entity: Entity) -> tuple[int, int] | None:
        """First and last token (both inclusive) of the entity as it is."""
        first, last = self._first_at.get(entity.start), self._last_at.get(entity.end)
        return None if first is None or last is None or first > last else (first, last)

    def around(self, entity: Entity) -> tuple[int, int] | None:
        """First and last token (both inclusive) of the least span that holds all tokens with a part in the entity.

        None where there are none, or where some lie in no word.
        """
        filled, starts, ends = self._filled
        one, other = np.searchsorted(ends, entity.start, "right"), np.searchsorted(starts, entity.end) - 1
        if one > other:
            return None
        inner = int(filled[one]), int(filled[other])
        may_start, may_end = self._open
        before, behind = np.searchsorted(may_start, inner[0], "right") - 1, np.searchsorted(may_end, inner[1])
        if before < 0 or behind == len(may_end):
            return None
        first, last = int(may_start[before]), int(may_end[behind])
        # A word that ends before the entity, or starts behind it, is none of the entity's own.
        ended = np.searchsorted(may_end, first) < np.searchsorted(may_end, inner[0])
        started = np.searchsorted(may_start, inner[1], "right") < np.searchsorted(may_start, last, "right")
        return None if ended or started else (first, last)

    @cached_property
    def _filled(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Tokens that hold characters, where they start and where they end, all ascending."""
        places = np.flatnonzero(self._tokens.char_ends > self._tokens.char_starts)
        return places, self._tokens.char_starts[places], self._tokens.char_ends[places]

    @cached_property
    def _open(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Tokens with which entities may start, and with which they may end, ascending."""
        return np.flatnonzero(self._tokens.may_start), np.flatnonzero(self._tokens.may_end)

    def reason(self, text: str, entity: Entity) -> str:
        """Why the entity cannot be expressed as it is."""
        piece = text[entity.start : entity.end]
        if piece != piece.strip():
            return "starts or ends with a blank"
        at_start = entity.start not in self._first_at
        side = "starts" if at_start else "ends"
        return f"{side} {self._place(entity.start, entity.end, at_start)}"

    def _place(self, start: int, end: int, at_start: bool) -> str:
        _, starts, ends = self._filled
        edges, edge = (starts, start) if at_start else (ends, end)
        place = np.searchsorted(edges, edge)
        if place < len(edges) and edges[place] == edge:
            return _INSIDE_WORD
        outermost = start if at_start else end - 1
        place = np.searchsorted(ends, outermost, "right")
        covered = place < len(starts) and starts[place] <= outermost
        return _INSIDE_TOKEN if covered else _DROPPED
