"""Entities of texts that are held at once, their windows batched by length."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from globalner.data import TextInContext, batches_by_length
from globalner.decoding import TokenSpans
from globalner.extractor.reading import Reading
from globalner.extractor.stages import WindowSpans, decode_text, prepare_texts
from globalner.types import Document

__all__ = ["read_short_documents"]


def read_short_documents(texts: Sequence[TextInContext], reading: Reading) -> list[Document]:
    """The documents with their entities.

    Args:
        texts: The documents with all their tokens.
        reading: With what they are read.
    """
    prepared = prepare_texts(texts, reading.tokenizer, reading.size)
    windows = [window for text in prepared for window in text.windows]
    found: list[WindowSpans] = [WindowSpans(TokenSpans.empty(), False)] * len(windows)
    for batch in batches_by_length([len(window) for window in windows], reading.batch_size):
        for place, spans in zip(batch, reading.find([windows[place] for place in batch]), strict=True):
            found[place] = spans
    parts = iter(found)
    return [
        decode_text(text, list(islice(parts, len(text.windows))), reading.labels, reading.options) for text in prepared
    ]
