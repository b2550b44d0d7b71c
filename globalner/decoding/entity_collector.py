"""Decoding of a text that is too long to hold all its spans: they come from one window after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from globalner.decoding.decode import DecodingMode, entities_of_spans
from globalner.decoding.flat import flat_spans
from globalner.decoding.guard import limit_spans
from globalner.decoding.nested import nested_spans
from globalner.decoding.spans import TokenSpans
from globalner.types import Entity

__all__ = ["DecodingRules", "EntityCollector"]


@dataclass(frozen=True, eq=False)
class DecodingRules:
    """How spans become entities; see `decode_entities`.

    Attributes:
        mode: "nested" or "flat".
        threshold_logits: (C,).
        max_entities: Flood guard: keep at most so many, highest scores first.
    """

    mode: DecodingMode
    threshold_logits: NDArray[np.float64]
    max_entities: int


class EntityCollector:
    """Gives what `decode_entities` gives of all spans together, and holds no more of them than it must.

    Of nested spans, those are held that may be kept. Of flat ones also those that overlap, through others, with spans
    that may still come: where no span reaches over a character, the best sets on its two sides do not depend on each
    other.

    Args:
        rules: How spans become entities.
    """

    def __init__(self, rules: DecodingRules) -> None:
        self._rules = rules
        self._kept, self._open = TokenSpans.empty(), TokenSpans.empty()
        self._limited = False

    def add(self, spans: TokenSpans, floor: int) -> None:
        """Takes further spans.

        Args:
            spans: Spans of the text; first and last are characters, both **inclusive**.
            floor: Neither these nor later ones begin before this character.
        """
        if self._rules.mode == "nested":
            if len(spans):
                self._keep(nested_spans(TokenSpans.concatenate([self._kept, spans]), self._rules.threshold_logits))
            return
        self._settle(floor)
        self._open = TokenSpans.concatenate([self._open, spans.above(self._rules.threshold_logits)])

    def entities(self, text: str, labels: Sequence[str]) -> tuple[tuple[Entity, ...], bool]:
        """The entities of all spans that came, and whether the guard left some out.

        Args:
            text: The whole text.
            labels: Name of each type index, C of them.
        """
        self._settle(len(text))
        return entities_of_spans(self._kept, labels, text), self._limited

    def _settle(self, floor: int) -> None:
        """Chooses among the spans that no later one can overlap with."""
        if not len(self._open):
            return
        spans = self._open.in_order()
        reach = np.maximum.accumulate(spans.last)
        closed = (reach < floor) & (np.append(spans.first[1:], reach[-1] + 1) > reach)
        count = int(np.flatnonzero(closed)[-1]) + 1 if closed.any() else 0
        places = np.arange(len(spans))
        self._open = spans.take(places[count:])
        if count:
            chosen = flat_spans(spans.take(places[:count]), self._rules.threshold_logits)
            self._keep(TokenSpans.concatenate([self._kept, chosen]))

    def _keep(self, spans: TokenSpans) -> None:
        self._kept, more = limit_spans(spans, self._rules.max_entities)
        self._limited |= more
