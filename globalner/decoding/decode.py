"""From the spans of one text to its entities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from globalner.decoding.flat import flat_spans
from globalner.decoding.guard import limit_spans
from globalner.decoding.nested import nested_spans
from globalner.decoding.scores import score_from_logit
from globalner.decoding.spans import TokenSpans
from globalner.errors import ConfigError, ShapeError
from globalner.types import Entity

__all__ = [
    "DECODING_MODES",
    "DecodingMode",
    "TokenOffsets",
    "decode_entities",
    "entities_of_spans",
    "spans_in_characters",
]

DecodingMode = Literal["nested", "flat"]
DECODING_MODES: tuple[DecodingMode, ...] = get_args(DecodingMode)


@dataclass(frozen=True, eq=False)
class TokenOffsets:
    """Where the tokens of a text are.

    Attributes:
        text: The text.
        char_starts: First character of each token, a code point index, (L,).
        char_ends: One past the last character of each token, **exclusive**, (L,).
    """

    text: str
    char_starts: ArrayLike
    char_ends: ArrayLike


def decode_entities(
    spans: TokenSpans,
    offsets: TokenOffsets,
    labels: Sequence[str],
    *,
    mode: DecodingMode,
    threshold_logits: ArrayLike,
    max_entities: int | None,
) -> tuple[tuple[Entity, ...], bool]:
    """The entities of one text.

    Overlap, order and repetition are judged in characters, because two tokens may share some. A span without
    characters (a tokenizer may place a token on no text) is no entity and is left out.

    Args:
        spans: Spans of the whole text, token indices first and last **inclusive**.
        offsets: The text and the characters of its tokens.
        labels: Name of each type index, C of them.
        mode: "nested" keeps every span above its threshold, "flat" the best set without overlap.
        threshold_logits: A span takes part if its logit is strictly above that of its type, (C,).
        max_entities: Flood guard: keep at most so many, highest scores first; None for no limit.

    Returns:
        Entities by smaller start, larger end, label order, and whether the guard left some out.

    Raises:
        ConfigError: If there is no such mode, or `max_entities` is below 1.
        DataError: If flat decoding meets an infinite logit or threshold.
        ShapeError: If a span has no token or no threshold, a token lies outside the text, or labels and thresholds do
            not pair up.
    """
    if mode not in DECODING_MODES:
        raise ConfigError(f"there is no mode {mode!r}; choose one of: {', '.join(DECODING_MODES)}")
    thresholds = np.asarray(threshold_logits, dtype=np.float64)
    if thresholds.shape != (len(labels),):
        raise ShapeError(
            f"threshold_logits has the shape {thresholds.shape}, but there are {len(labels)} labels; "
            "give one threshold a label"
        )
    choose = flat_spans if mode == "flat" else nested_spans
    chosen, limited = limit_spans(choose(spans_in_characters(spans, offsets), thresholds), max_entities)
    return entities_of_spans(chosen, labels, offsets.text), limited


def spans_in_characters(spans: TokenSpans, offsets: TokenOffsets) -> TokenSpans:
    """The same record with characters in place of tokens, first and last inclusive as before.

    Spans without characters are left out.

    Raises:
        ShapeError: If a span has no token, or there is not one start for each end.
    """
    starts = np.asarray(offsets.char_starts, dtype=np.int64)
    ends = np.asarray(offsets.char_ends, dtype=np.int64)
    if starts.ndim != 1 or starts.shape != ends.shape:
        raise ShapeError(
            f"char_starts and char_ends have the shapes {starts.shape} and {ends.shape}; give one offset a token"
        )
    if len(spans) and spans.last.max() >= len(starts):
        raise ShapeError(f"a span ends at token {spans.last.max()}, but there are offsets of {len(starts)} tokens only")
    first, last = starts[spans.first], ends[spans.last] - 1
    visible = first <= last
    return TokenSpans(first[visible], last[visible], spans.type[visible], spans.logit[visible])


def entities_of_spans(spans: TokenSpans, labels: Sequence[str], text: str) -> tuple[Entity, ...]:
    """The entities that chosen spans stand for.

    Args:
        spans: First and last are characters, both **inclusive**.
        labels: Name of each type index.
        text: The text.

    Raises:
        ShapeError: If a span lies outside the text.
    """
    if len(spans) and spans.last.max() >= len(text):
        raise ShapeError(
            f"a token ends at character {spans.last.max() + 1}, but the text has {len(text)}; "
            "give the offsets of this very text"
        )
    scores = score_from_logit(spans.logit)
    columns = (spans.first.tolist(), (spans.last + 1).tolist(), spans.type.tolist(), scores.tolist())
    return tuple(
        Entity(start, end, labels[type_index], text[start:end], score)
        for start, end, type_index, score in zip(*columns, strict=True)
    )
