r"""spaCy's binary file of documents, `DocBin`, which spaCy 3 trains from (`train.spacy`).

A compressed table of words, each with its tag, and groups of spans, which may overlap:

    words   Ada    met  Bob    Byron         doc.ents         Ada PER, Bob Byron PER
    tags    B-PER  O    B-PER  I-PER         doc.spans["sc"]  Ada PER, Bob Byron PER, Byron NAME

The text of a document is its words with the blanks that spaCy kept; words of blanks only belong to the text and are no
words. Entities are those of `doc.ents` and of the group that the option names, each once; other groups, links to a
knowledge base, categories, parts of speech and the like are left out, and counted or noted. The whole file is held in
memory, since its form leaves no other way.

Written are words, blanks, `doc.ents` and, where entities overlap, a group with all of them; `doc.ents` then holds the
outermost. Without given words the text is split by spaCy's rules of a language, and cut where an entity begins or
ends. There is no place for ids, scores and further keys; these are left out and noted. Needs the extra `spacy`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from globalner.data.formats.format import Carries, Format, Opened, Reading, Sample, Sniff, Source, Writing
from globalner.data.formats.packages import require_package
from globalner.data.formats.spacy_words import spacy_words
from globalner.data.formats.word_spans import WordOffsets, inked, outermost, shown, words_of
from globalner.errors import DataError
from globalner.types import Document, Entity

if TYPE_CHECKING:
    from spacy.tokens import Doc, DocBin, Span
    from spacy.vocab import Vocab

__all__ = ["DOCBIN", "DocBinOptions"]

_NAME = "docbin"
_PARTS = (b"version", b"attrs", b"tokens")  # what the packed file begins with


@dataclass(frozen=True, slots=True)
class DocBinOptions:
    """Options of spaCy's binary file.

    Attributes:
        spans_key: Name of the group of spans with overlapping entities; empty: none is read or written.
        language: Code of the language whose rules split texts without given words when writing, such as `en`; `xx` for
            any.
    """

    spans_key: str = "sc"
    language: str = "xx"


def _sniff(sample: Sample) -> Sniff:
    beginning = b""
    with suppress(zlib.error):
        beginning = zlib.decompressobj().decompress(sample.head, 4096)
    return Sniff(all(key in beginning for key in _PARTS), "it is not a packed DocBin of spaCy")


def _open(_source: Source, options: DocBinOptions) -> Opened:
    require_package("spacy", "spacy", _NAME)
    return Opened("a DocBin of spaCy", partial(_read, options))


def _read(options: DocBinOptions, reading: Reading) -> Iterator[Document]:
    from spacy.vocab import Vocab

    vocab = Vocab()
    docs = _unpacked(reading).get_docs(vocab)
    number = 0
    while True:
        number += 1
        try:
            doc = next(docs, None)
        except Exception as error:  # spaCy raises many kinds of a file that is damaged
            raise reading.error(f"document {number} cannot be read by spaCy: {_first_line(error)}") from None
        if doc is None:
            return
        try:
            yield _document(doc, number, reading, options)
        except DataError as error:
            reading.reject(reading.error(f"document {number}: {error.message}"))


def _unpacked(reading: Reading) -> DocBin:
    from spacy.tokens import DocBin

    with reading.source.bytes() as file:
        data = file.read()
    try:
        return DocBin().from_bytes(data)
    except Exception as error:  # spaCy raises many kinds of what is none
        raise reading.error(f"is not a DocBin that spaCy can read: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def _document(doc: Doc, number: int, reading: Reading, options: DocBinOptions) -> Document:
    entities: dict[tuple[int, int, str], Entity] = {}
    for span in _spans(doc, reading, options):
        if not span.label_:
            raise DataError(f"the entity {span.text!r} at {span.start_char}:{span.end_char} has no label")
        if span.kb_id_:
            reading.report.add("link of an entity to a knowledge base, not read", span.kb_id_)
        entity = Entity(span.start_char, span.end_char, span.label_, span.text)
        entities[entity.key] = entity
    report = reading.report
    if doc.has_unknown_spaces:
        report.add("document without known blanks, its words joined with one", f"document {number}")
    if any(not word.ent_iob for word in doc):
        report.add("document with words without a tag, read as outside", f"document {number}")
    if doc.cats:
        report.add("categories of a document, not read", f"document {number}")
    if any(doc.has_annotation(name) for name in ("TAG", "POS", "DEP", "LEMMA", "MORPH")):
        report.note("other annotation of words (parts of speech, lemmas, ...) is not read")
    tokens = tuple((word.idx, word.idx + len(word)) for word in doc if word.text.strip())
    return Document(doc.text, tuple(entities.values()), tokens=tokens)


def _spans(doc: Doc, reading: Reading, options: DocBinOptions) -> Iterator[Span]:
    """Those of the group first, which holds all where there is one."""
    for key in doc.spans:
        if key != options.spans_key:
            reading.report.add(f"group {key!r} of spans, not read (option spans_key)")
    if options.spans_key in doc.spans:
        yield from doc.spans[options.spans_key]
    yield from doc.ents


def _write(documents: Iterable[Document], writing: Writing, options: DocBinOptions) -> None:
    require_package("spacy", "spacy", _NAME)
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    assert writing.path is not None
    packed = DocBin(attrs=["ENT_IOB", "ENT_TYPE"])
    vocab = Vocab()
    for number, document in enumerate(documents, start=1):
        writing.note_left_out(document, keeps_tokens=True)
        try:
            packed.add(_doc(document, vocab, writing, options))
        except UnicodeEncodeError:
            raise DataError(f"document {number} holds a lone surrogate, which is no character; take it out") from None
    writing.path.write_bytes(packed.to_bytes())


def _doc(document: Document, vocab: Vocab, writing: Writing, options: DocBinOptions) -> Doc:
    from spacy.tokens import Doc

    words, entities = _words(document, writing, options)
    pieces, blanks = _pieces(document.text, words, entities)
    doc = Doc(vocab, words=[document.text[start:end] for start, end in pieces], spaces=blanks)
    spans = {entity: _span(doc, entity) for entity in entities}
    kept, others = outermost(entities)
    doc.set_ents([spans[entity] for entity in kept])
    if others and options.spans_key:
        doc.spans[options.spans_key] = list(spans.values())
        writing.notes.add("document with overlapping entities, all of them in a group", repr(document.text[:40]))
    elif others:
        for entity, reason in others:
            writing.losses.add(f"{reason} (option spans_key)", shown(entity))
    return doc


def _span(doc: Doc, entity: Entity) -> Span:
    span = doc.char_span(entity.start, entity.end, label=entity.label)
    assert span is not None, "words are cut where entities begin and end"
    return span


def _words(document: Document, writing: Writing, options: DocBinOptions) -> tuple[WordOffsets, tuple[Entity, ...]]:
    """Words and, each once, the entities that can be told from them."""
    entities: dict[tuple[int, int, str], Entity] = {}
    for entity in document.entities:
        if entity.key in entities:
            writing.notes.add("entity given twice, written once", shown(entity))
        entities[entity.key] = entity
    if document.tokens is None:
        writing.notes.add(f"document without given words, split by spaCy's rules of {options.language}")
        return inked(document.text, spacy_words(options.language)(document.text)), tuple(entities.values())
    words = words_of(document, writing)
    inside = {place for start, end in words for place in range(start + 1, end)}
    for key, entity in tuple(entities.items()):
        if entity.start in inside or entity.end in inside:
            writing.losses.add("entity with an edge inside a word", shown(entity))
            del entities[key]
    return words, tuple(entities.values())


def _pieces(text: str, words: WordOffsets, entities: Iterable[Entity]) -> tuple[list[tuple[int, int]], list[bool]]:
    """What spaCy calls the words of a text, which together are all of it, and whether a blank follows each.

    Everything is cut where a word or an entity begins or ends. A blank that is no part of an entity's edge goes with
    what stands before it; other blanks are words of their own.
    """
    starts, ends = {entity.start for entity in entities}, {entity.end for entity in entities}
    cuts = sorted({0, len(text), *starts, *ends, *(place for word in words for place in word)})
    firsts = {start for start, _ in words}
    pieces: list[tuple[int, int]] = []
    blanks: list[bool] = []
    for start, end in pairwise(cuts):
        free = start not in starts and start not in firsts and start + 1 not in ends
        if text[start] == " " and pieces and not blanks[-1] and free:
            blanks[-1] = True
            start += 1
        if start < end:
            pieces.append((start, end))
            blanks.append(False)
    return pieces, blanks


DOCBIN = Format(
    name=_NAME,
    description="spaCy's binary file of documents (DocBin, .spacy)",
    suffixes=(".spacy",),
    options=DocBinOptions,
    sniff=_sniff,
    open=_open,
    write=_write,
    carries=Carries(nested=True, crossing=True, same_span=True, tokens=True),
    kind="binary",
)
