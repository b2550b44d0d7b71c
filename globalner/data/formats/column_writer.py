"""Writing column files, with a count of everything that such a file cannot hold."""

from __future__ import annotations

import re
from collections.abc import Iterable

from globalner.data.formats.column_layout import ColumnOptions, is_border
from globalner.data.formats.format import Writing
from globalner.data.formats.tag_schemes import Span, TagScheme, parse_tag, scheme_named, tags_of_spans
from globalner.data.formats.word_spans import WordOffsets, given_words, shown
from globalner.data.formats.words import join_words
from globalner.errors import DataError
from globalner.types import Document

__all__ = ["write_columns"]


def write_columns(documents: Iterable[Document], writing: Writing, options: ColumnOptions) -> None:
    """Writes one sentence a document: each word with its tags, outer (or inner) entities in the left tag columns.

    Losses, counted in `writing.losses`: entities that overlap another and find no free column, entities with an edge
    inside a word, text outside the given words, words and labels with characters that a cell cannot hold (they become
    `_`), documents without words. Scores, ids, further keys and the exact spacing between words are noted only.
    """
    writer = _ColumnWriter(writing, options)
    for document in documents:
        writer.write(document)


class _ColumnWriter:
    def __init__(self, writing: Writing, options: ColumnOptions) -> None:
        self._writing = writing
        self._scheme = scheme_named("BIO" if options.scheme == "auto" else options.scheme)
        self._separator = " " if options.separator == "space" else "\t"
        self._forbidden = re.compile(r"[ \t\r\n]" if options.separator == "space" else r"[\t\r\n]")
        self._layers = options.layers
        self._innermost_first = options.layer_order == "innermost_first"

    def write(self, document: Document) -> None:
        tokens = given_words(document, self._writing)
        if not tokens:
            self._writing.losses.add("document without a word", repr(document.text))
            return
        self._check_text(document, tokens)
        self._writing.note_left_out(document, keeps_tokens=True)
        layers = self._place(self._spans(document, tokens), document, tokens)
        columns = [tags_of_spans(spans, len(tokens), self._scheme) for spans in layers]
        words = [self._cell(document.text[start:end], "word") for start, end in tokens]
        lines = (self._separator.join(cells) for cells in zip(words, *columns, strict=True))
        self._writing.put("\n".join(lines) + "\n\n")

    def _check_text(self, document: Document, tokens: WordOffsets) -> None:
        at = 0
        gaps = []
        for start, end in tokens:
            gaps.append(document.text[at:start])
            at = end
        gaps.append(document.text[at:])
        for gap in gaps:
            if gap.strip():
                self._writing.losses.add("text outside the given words", repr(gap.strip()))
        if join_words([document.text[start:end] for start, end in tokens]).text != document.text:
            self._writing.notes.add("document whose spacing between words changes")

    def _spans(self, document: Document, tokens: WordOffsets) -> list[Span]:
        """Entities as spans of words, outermost first, each once."""
        first_at = {start: index for index, (start, _) in enumerate(tokens)}
        last_at = {end: index for index, (_, end) in enumerate(tokens)}
        spans: dict[Span, None] = {}
        for entity in sorted(document.entities, key=lambda entity: (entity.start, -entity.end)):
            first, last = first_at.get(entity.start), last_at.get(entity.end)
            if first is None or last is None:
                self._writing.losses.add("entity with an edge inside a word", shown(entity))
                continue
            span = (first, last, self._cell(entity.label, "label"))
            if span in spans:
                self._writing.notes.add("entity given twice, written once", shown(entity))
            spans[span] = None
        return list(spans)

    def _place(self, spans: list[Span], document: Document, tokens: WordOffsets) -> list[list[Span]]:
        """Gives each span the leftmost tag column that is free there."""
        layers: list[list[Span]] = [[] for _ in range(self._layers)]
        for span in sorted(spans, key=lambda span: (span[1], -span[0])) if self._innermost_first else spans:
            free = next((layer for layer in layers if _fits(layer, span, self._scheme)), None)
            if free is not None:
                free.append(span)
                continue
            first, last, label = span
            text = document.text[tokens[first][0] : tokens[last][1]]
            self._writing.losses.add(_why_not(layers, span), f"{label} {text!r}")
        return layers

    def _cell(self, text: str, kind: str) -> str:
        cell = self._forbidden.sub("_", text)
        if is_border(cell):
            cell = f"_{cell[1:]}"
        if kind == "label":
            cell = _label_cell(cell)
        if cell != text:
            self._writing.losses.add(f"{kind} with characters that a cell cannot hold, written with _", repr(text))
        return cell


def _label_cell(label: str) -> str:
    label = label.strip(" ") or "_"
    try:
        parse_tag(f"B-{label}")
    except DataError:  # it would be read as several tags
        return re.sub(r"[,;|]", "_", label)
    return label


def _fits(layer: list[Span], span: Span, scheme: TagScheme) -> bool:
    # Spans come in order of their first word, or of their last: the layer's last one alone can be in the way.
    if not layer:
        return True
    _, last, label = layer[-1]
    return span[0] > last and (scheme.parts_touching or span[0] > last + 1 or span[2] != label)


def _why_not(layers: list[list[Span]], span: Span) -> str:
    first, last, _ = span
    taken = [other for layer in layers for other in layer if other[0] <= last and first <= other[1]]
    if not taken:
        return "entity that touches another of its label, which the scheme IO cannot part"
    if any(other[0] < first <= other[1] < last for other in taken):
        return "entity that crosses another and has no tag column of its own (layers)"
    return "entity nested in another without a tag column of its own (layers)"
