"""The stages that a text passes on its way through an extractor, so that each may run in a thread of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from globalner.data import TextInContext, TextTokenizer, TokenizedText, Window, WindowSize, document_windows
from globalner.decoding import DecodingMode, DecodingRules, TokenOffsets, TokenSpans, decode_entities, merge_windows
from globalner.types import Document, LabelSet

__all__ = ["PreparedText", "ReadingOptions", "WindowSpans", "decode_text", "prepare_texts", "window_spans"]

# Flat decoding chooses among more spans than it keeps.
_CANDIDATES_PER_FLAT_ENTITY = 20


@dataclass(frozen=True, eq=False)
class ReadingOptions:
    """How texts are read, checked.

    Attributes:
        mode: How spans become entities.
        thresholds: (C,) logits above which a span counts; infinite for labels that are not asked for.
        max_entities: Guard against floods, per text.
    """

    mode: DecodingMode
    thresholds: NDArray[np.float64]
    max_entities: int

    @property
    def top_k(self) -> int:
        """Spans of one window that may leave the search."""
        return self.max_entities * (_CANDIDATES_PER_FLAT_ENTITY if self.mode == "flat" else 1)

    @property
    def rules(self) -> DecodingRules:
        """How spans become entities."""
        return DecodingRules(self.mode, self.thresholds, self.max_entities)

    @property
    def search_key(self) -> tuple[bytes, int]:
        """Equal for options whose windows may share one search."""
        return self.thresholds.tobytes(), self.top_k


@dataclass(frozen=True, eq=False)
class PreparedText:
    """A text that is ready for the model.

    Attributes:
        document: The text.
        tokens: Its tokens.
        windows: The windows that cover them, in order; none for a text without tokens.
    """

    document: Document
    tokens: TokenizedText
    windows: Sequence[Window]


@dataclass(frozen=True, eq=False)
class WindowSpans:
    """What the model found in one window.

    Attributes:
        spans: Token indices count from the window's first text token, both inclusive.
        limited: Whether there were more than the search gives out.
    """

    spans: TokenSpans
    limited: bool


def prepare_texts(texts: Iterable[TextInContext], tokenizer: TextTokenizer, size: WindowSize) -> list[PreparedText]:
    """Texts with all their tokens and windows.

    Args:
        texts: Tokenized documents, and what stands around them.
        tokenizer: Of the model.
        size: How long windows are.
    """
    prepared = []
    for index, text in enumerate(texts):
        tokens = text.tokenized.whole()
        windows = document_windows(index, tokens, tokenizer, size, text)
        prepared.append(PreparedText(text.tokenized.document, tokens, windows))
    return prepared


def window_spans(
    windows: Sequence[Window], found: Sequence[TokenSpans], limited: NDArray[np.bool_]
) -> list[WindowSpans]:
    """The rows of a search, counted from the first text token of each window instead of from what stands before it."""
    return [
        WindowSpans(
            TokenSpans(spans.first - window.num_special, spans.last - window.num_special, spans.type, spans.logit),
            bool(is_limited),
        )
        for window, spans, is_limited in zip(windows, found, limited, strict=True)
    ]


def decode_text(
    prepared: PreparedText, found: Sequence[WindowSpans], labels: LabelSet, options: ReadingOptions
) -> Document:
    """The document with the entities of its windows merged, chosen and limited."""
    spans, tokens = TokenSpans.empty(), prepared.tokens
    if prepared.windows:
        begins = [window.begin for window in prepared.windows]
        ends = [window.begin + window.text_tokens for window in prepared.windows]
        spans = merge_windows([part.spans for part in found], begins, ends, len(tokens))
    entities, more = decode_entities(
        spans,
        TokenOffsets(prepared.document.text, tokens.char_starts, tokens.char_ends),
        labels.names,
        mode=options.mode,
        threshold_logits=options.thresholds,
        max_entities=options.max_entities,
    )
    limited = more or any(part.limited for part in found)
    return replace(prepared.document, entities=entities, windows=len(prepared.windows), limited=limited)
