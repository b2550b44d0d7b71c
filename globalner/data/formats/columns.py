r"""Column files of the CoNLL family: one word a line with its tags, a blank line after each sentence.

    Ada     B-PER   O
    of      I-PER   O
    Leeds   I-PER   B-LOC

Columns are parted by TAB or by blanks; several tag columns hold layers of nested entities, the outermost or the
innermost first. Each sentence is one document; `-DOCSTART-` lines are borders and hold no word, and the further key
`document` of each sentence behind one is the number of borders before it, so that sentences of one document can be
told. A line that starts with `#` at the start of a sentence and does not have the file's columns is a comment. Tags are
IOB1, BIO, BIOES, BILUO, BMES or IO, with `-` or `_` after the prefix. Broken sequences are read as `tag_schemes` says,
and counted as repairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from globalner.data.formats.column_layout import (
    ColumnLayout,
    ColumnOptions,
    is_border,
    layout_of,
    looks_like_columns,
)
from globalner.data.formats.column_writer import write_columns
from globalner.data.formats.format import Carries, Format, Opened, Reading, Sample, Sniff, Source
from globalner.data.formats.tag_schemes import OUTSIDE, Tag, parse_tag, spans_of_tags
from globalner.data.formats.words import join_words
from globalner.errors import DataError
from globalner.types import Document, Entity

__all__ = ["COLUMNS", "ColumnOptions"]

_SUFFIXES = (".conll", ".bio", ".iob", ".iob2", ".bioes", ".bmes", ".tags")
_Row = tuple[int, list[str]]


def _sniff(sample: Sample) -> Sniff:
    fits, why = looks_like_columns(sample)
    if not fits and sample.suffix in _SUFFIXES:
        return Sniff(True, f"named {sample.suffix}")
    return Sniff(fits, why)


def _open(source: Source, options: ColumnOptions) -> Opened:
    layout = layout_of(source, options)
    return Opened(layout.evidence, partial(_read, layout))


def _read(layout: ColumnLayout, reading: Reading) -> Iterator[Document]:
    sentences = _SentenceReader(layout, reading)
    try:
        for borders, rows in _rows(layout, reading):
            try:
                document = sentences.document(rows, borders)
            except DataError as error:
                reading.reject(error)
            else:
                reading.line = rows[0][0]
                yield document
    finally:
        sentences.note_joining()


def _rows(layout: ColumnLayout, reading: Reading) -> Iterator[tuple[int, list[_Row]]]:
    """Sentences: how many borders stand before each, and its lines with their numbers, comments left out."""
    rows: list[_Row] = []
    broken = False
    borders = 0
    for number, line in reading.lines():
        if not line.strip() or is_border(line):
            if rows and not broken:
                yield borders, rows
            rows, broken = [], False
            borders += is_border(line)
            continue
        cells = layout.split(line)
        if not rows and line[0] == "#" and layout.is_comment(line, cells):
            reading.report.add("comment lines left out", f"line {number}: {line}")
            continue
        if len(cells) != layout.width:
            reading.reject(reading.error(_width_message(layout, cells), number))
            broken = True
        rows.append((number, cells))
    if rows and not broken:
        yield borders, rows


def _width_message(layout: ColumnLayout, cells: list[str]) -> str:
    kind = "TAB" if layout.separator == "\t" else "blank"
    return (
        f"has {len(cells)} column{'s' * (len(cells) != 1)} where the other lines have {layout.width} "
        f"({kind}-separated): {layout.separator.join(cells)[:60]!r}; mend the line"
    )


class _SentenceReader:
    """Turns the lines of one sentence after another into documents."""

    def __init__(self, layout: ColumnLayout, reading: Reading) -> None:
        self._layout = layout
        self._reading = reading
        self._known_tags: dict[str, Tag] = {}
        self._blanks = 0
        self._pairs = 0

    def document(self, rows: list[_Row], borders: int) -> Document:
        words = [cells[self._layout.word] for _, cells in rows]
        if "" in words:
            raise self._reading.error("the word is empty", rows[words.index("")][0])
        text, tokens, blanks = join_words(words)
        self._blanks += blanks
        self._pairs += len(words) - 1
        entities: dict[tuple[int, int, str], Entity] = {}
        for column in self._layout.tags:
            for first, last, label in self._spans(rows, column):
                start, end = tokens[first][0], tokens[last][1]
                entity = Entity(start, end, label, text[start:end])
                if entity.key in entities:
                    self._reading.report.add("entity given twice in tag columns, kept once", f"{label} {entity.text!r}")
                entities[entity.key] = entity
        ordered = sorted(entities.values(), key=lambda entity: (entity.start, -entity.end))
        return Document(text, tuple(ordered), tokens=tokens, extra={"document": borders} if borders else {})

    def note_joining(self) -> None:
        """Says in the report how the words became text."""
        counts = (("one blank", self._blanks), ("nothing", self._pairs - self._blanks))
        ways = " and ".join(f"{way} between them ({count:,} times)" for way, count in counts if count)
        if ways:
            self._reading.report.note(f"words were joined with {ways}")

    def _spans(self, rows: list[_Row], column: int) -> list[tuple[int, int, str]]:
        tags = [self._tag(number, cells[column]) for number, cells in rows]
        if not any(label for _, label in tags):
            return []
        spans, repairs = spans_of_tags(tags, self._layout.scheme)
        for word, reason in repairs:
            number, cells = rows[word]
            self._reading.repair(reason, f"{cells[self._layout.word]} {cells[column]}", number)
        return spans

    def _tag(self, number: int, text: str) -> Tag:
        tag = self._known_tags.get(text)
        if tag is not None:
            return tag
        if text in self._layout.outside_tags:
            self._reading.report.add("word with a tag that marks no entity (outside_tags)", f"line {number}: {text}")
            return OUTSIDE
        try:
            tag = parse_tag(text)
        except DataError as error:
            hint = f"; if it marks no entity, name it (--read outside_tags={text})" if text.isalnum() else ""
            raise self._reading.error(error.message + hint, number) from None
        scheme = self._layout.scheme
        if tag[1] and tag[0] not in scheme.prefixes:
            allowed = ", ".join(f"{prefix}-" for prefix in scheme.prefixes)
            raise self._reading.error(
                f"tag {text!r} has the prefix {tag[0]}-, but the scheme {scheme.name} has {allowed} and O only", number
            )
        self._known_tags[text] = tag
        return tag


COLUMNS = Format(
    name="columns",
    description="one word a line with its tags in further columns, sentences parted by blank lines (CoNLL, BIO, ...)",
    suffixes=_SUFFIXES,
    options=ColumnOptions,
    sniff=_sniff,
    open=_open,
    write=write_columns,
    carries=Carries(nested=True, crossing=True, same_span=True, exact_text=False, tokens=True),
)
