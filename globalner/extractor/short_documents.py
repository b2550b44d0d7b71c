"""Entities of texts that are held at once, their windows batched by length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from globalner.data import TextInContext, TokenizedText, Window, batches_by_length, document_windows
from globalner.decoding import TokenOffsets, TokenSpans, decode_entities, merge_windows
from globalner.extractor.reading import Reading
from globalner.types import Document

__all__ = ["read_short_documents"]

_Pieces = tuple[list[Window], list[TokenSpans]]


def read_short_documents(texts: Sequence[TextInContext], reading: Reading) -> list[Document]:
    """The documents with their entities.

    Args:
        texts: The documents with all their tokens.
        reading: With what they are read.
    """
    tokenized = [text.tokenized.whole() for text in texts]
    windows = [
        window
        for index, (text, tokens) in enumerate(zip(texts, tokenized, strict=True))
        for window in document_windows(index, tokens, reading.tokenizer, reading.size, text)
    ]
    parts: list[TokenSpans] = [TokenSpans.empty()] * len(windows)
    limited = np.zeros(len(texts), dtype=bool)
    for batch in batches_by_length([len(window) for window in windows], reading.batch_size):
        found, full = reading.find([windows[place] for place in batch])
        for place, spans, is_full in zip(batch, found, full, strict=True):
            parts[place] = spans
            limited[windows[place].document] |= is_full
    pieces = _by_document(windows, parts, len(texts))
    documents = [text.tokenized.document for text in texts]
    return [_decoded(*item, reading) for item in zip(documents, tokenized, pieces, limited.tolist(), strict=True)]


def _decoded(document: Document, tokens: TokenizedText, pieces: _Pieces, limited: bool, reading: Reading) -> Document:
    windows, parts = pieces
    spans = TokenSpans.empty()
    if windows:
        begins = [window.begin for window in windows]
        ends = [window.begin + window.text_tokens for window in windows]
        spans = merge_windows(list(_without_special(windows, parts)), begins, ends, len(tokens))
    entities, more = decode_entities(
        spans,
        TokenOffsets(document.text, tokens.char_starts, tokens.char_ends),
        reading.labels.names,
        mode=reading.rules.mode,
        threshold_logits=reading.rules.threshold_logits,
        max_entities=reading.rules.max_entities,
    )
    return replace(document, entities=entities, windows=len(windows), limited=limited or more)


def _by_document(windows: Sequence[Window], parts: Sequence[TokenSpans], count: int) -> list[_Pieces]:
    pieces: list[_Pieces] = [([], []) for _ in range(count)]
    for window, spans in zip(windows, parts, strict=True):
        pieces[window.document][0].append(window)
        pieces[window.document][1].append(spans)
    return pieces


def _without_special(windows: Sequence[Window], parts: Sequence[TokenSpans]) -> Iterator[TokenSpans]:
    """Token indices counted from the window's first text token instead of from what stands before it."""
    for window, spans in zip(windows, parts, strict=True):
        shift = window.num_special
        yield TokenSpans(spans.first - shift, spans.last - shift, spans.type, spans.logit)
