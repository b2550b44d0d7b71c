"""Entities of one long text: its tokens, windows and spans come and go, and only text and entities stay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from globalner.data import PlacedWindow, TokenizedDocument, stream_windows
from globalner.decoding import EntityCollector, TokenOffsets, TokenSpans, spans_in_characters
from globalner.extractor.reading import Reading
from globalner.types import Document

__all__ = ["read_long_document"]


def read_long_document(text: TokenizedDocument, reading: Reading) -> Document:
    """The document with its entities.

    Args:
        text: The document; its tokens are walked through.
        reading: With what it is read.
    """
    collector = EntityCollector(reading.options.rules)
    windows = stream_windows(0, iter(text), reading.tokenizer, reading.size)
    count, limited = 0, False
    for batch in _batches(windows, reading.batch_size):
        found = reading.find([placed.window for placed in batch])
        spans = [_owned(placed, part.spans) for placed, part in zip(batch, found, strict=True)]
        collector.add(TokenSpans.concatenate(spans), floor=int(batch[0].tokens.char_starts[0]))
        count, limited = count + len(batch), limited or any(part.limited for part in found)
    entities, more = collector.entities(text.document.text, reading.labels.names)
    return replace(text.document, entities=entities, windows=count, limited=limited or more)


def _batches(windows: Iterator[PlacedWindow], batch_size: int) -> Iterator[list[PlacedWindow]]:
    while batch := list(islice(windows, batch_size)):
        yield batch


def _owned(placed: PlacedWindow, spans: TokenSpans) -> TokenSpans:
    """Those that no other window owns, in characters of the text."""
    own = placed.neighbourhood.owns(spans.first + placed.window.begin, spans.last + placed.window.begin)
    tokens = TokenOffsets("", placed.tokens.char_starts, placed.tokens.char_ends)
    return spans_in_characters(spans.take(own), tokens)
