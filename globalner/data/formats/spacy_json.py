"""The JSON that spaCy 2 trained from: documents of paragraphs of sentences of words, each with a tag.

    [{"id": 0, "paragraphs": [{"raw": "Ada met Bob", "sentences": [{"tokens": [
        {"id": 0, "orth": "Ada", "ner": "U-PER"}, {"id": 1, "orth": "met", "ner": "O"}, ...]}]}]}]

Each paragraph is one document, its sentences one after the other. Tags are BILUO, or another scheme as the file shows;
`-` says that spaCy did not know, which is read as outside and counted. Without `raw` the words are joined as those of
column files are. Words of blanks only belong to the text and are no words. Other annotation (parts of speech, heads,
categories) is not read, which the report notes.

Written is one document of one paragraph and one sentence a line, in one array, with BILUO tags. There is no place for
overlapping entities, which are a loss, nor for scores and further keys, which are left out and noted. spaCy itself is
not needed; it reads such a file with `python -m spacy convert`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from globalner.data.formats.format import Carries, Format, Opened, Reading, Sample, Sniff, Source, Writing
from globalner.data.formats.json_stream import JsonStream, sampled_records
from globalner.data.formats.json_values import json_line, kind_of, named, text_id
from globalner.data.formats.tag_schemes import scheme_named
from globalner.data.formats.tagged_words import DocumentParts, TagForm, TaggedWords, tag_form, words_in
from globalner.data.formats.word_spans import flat_tags, words_of
from globalner.data.report import Report
from globalner.errors import DataError
from globalner.types import Document

__all__ = ["SPACY_JSON", "SpacyJsonOptions"]

_READ_KEYS = {
    "document": ("id", "paragraphs"),
    "paragraph": ("raw", "sentences"),
}


@dataclass(frozen=True, slots=True)
class SpacyJsonOptions:
    """Options of spaCy's training JSON.

    Attributes:
        scheme: `BILUO`, `BIO`, `IOB1`, `IO`, `BIOES`, `BMES`, or `auto`: as the file shows; when writing, BILUO.
    """

    scheme: str = "auto"

    def __post_init__(self) -> None:
        if self.scheme != "auto":
            scheme_named(self.scheme)


class _Words(NamedTuple):
    words: list[str]
    tags: list[str]


def _sniff(sample: Sample) -> Sniff:
    first = next(iter(sampled_records(sample, 1)), None)
    if first is None:  # one document may be longer than the sample
        beginning = "\n".join(sample.lines[:200])
        fits = all(f'"{key}"' in beginning for key in ("paragraphs", "sentences", "tokens"))
    else:
        fits = isinstance(first, dict) and isinstance(first.get("paragraphs"), list)
    return Sniff(fits, "the first record has no 'paragraphs'")


def _open(source: Source, options: SpacyJsonOptions) -> Opened:
    form = _form(source, options)
    return Opened(f"documents of paragraphs for spaCy 2, {form.evidence}", partial(_read, form))


def _form(source: Source, options: SpacyJsonOptions) -> TagForm:
    try:
        return tag_form(_tags(source), options.scheme)
    except DataError as error:
        raise DataError(error.message, path=source.path) from None


def _tags(source: Source) -> Iterator[tuple[int, list[str]]]:
    """The tags of each paragraph, as far as the file can be read."""
    with suppress(DataError):
        for line, record in JsonStream(Reading(source, Report())).records():
            with suppress(DataError):
                for paragraph in _paragraphs(record):
                    yield line, _words(paragraph).tags


def _read(form: TagForm, reading: Reading) -> Iterator[Document]:
    tagged = TaggedWords(reading, form)
    try:
        for line, record in JsonStream(reading).records():
            try:
                paragraphs = _paragraphs(record)
            except DataError as error:
                reading.reject(reading.error(error.message, line))
                continue
            for number, paragraph in enumerate(paragraphs, start=1):
                place = f"paragraph {number}: " if len(paragraphs) > 1 else ""
                try:
                    yield _document(tagged, record, paragraph, (line, number if place else 0), reading)
                except DataError as error:
                    reading.reject(reading.error(named(record, place + error.message), line))
    finally:
        tagged.note_joining()


def _paragraphs(record: object) -> list[object]:
    paragraphs = record.get("paragraphs") if isinstance(record, dict) else None
    if not isinstance(paragraphs, list):
        found = kind_of(paragraphs if isinstance(record, dict) else record)
        raise DataError(f"has no list 'paragraphs' but {found}; a document is an object with 'paragraphs'")
    return paragraphs


def _words(paragraph: object) -> _Words:
    """Words and tags of all sentences."""
    words = _Words([], [])
    for sentence in _list_in(paragraph, "sentences"):
        for token in _list_in(sentence, "tokens"):
            orth = token.get("orth") if isinstance(token, dict) else None
            tag = token.get("ner", "-") if isinstance(token, dict) else None
            if not isinstance(orth, str) or not isinstance(tag, str | None):
                raise DataError(f"word {len(words.words) + 1} is {kind_of(token)} without a string 'orth' and 'ner'")
            words.words.append(orth)
            words.tags.append(tag or "-")
    return words


def _list_in(value: object, key: str) -> Sequence[object]:
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, list):
        raise DataError(f"has no list {key!r} where one must be, but {kind_of(found)}")
    return found


def _document(
    tagged: TaggedWords, record: object, paragraph: object, place: tuple[int, int], reading: Reading
) -> Document:
    assert isinstance(record, dict)
    words, tags = _words(paragraph)
    assert isinstance(paragraph, dict)  # else it has no words
    raw = paragraph.get("raw")
    if not isinstance(raw, str | None):
        raise DataError(f"'raw' is {kind_of(raw)}; it must be the text")
    _note_unread(reading, "paragraph", paragraph)
    line, number = place
    name = text_id(record.get("id"), reading)
    if name is not None and number:
        name = f"{name}/{number}"
        reading.report.note("ids of several paragraphs got the paragraph's number")
    text = None if raw is None else (raw, words_in(raw, words))
    return tagged.document(words, tags, DocumentParts(text, name, line=line))


def _note_unread(reading: Reading, kind: str, values: Mapping[str, object]) -> None:
    for key, value in values.items():
        if key not in _READ_KEYS[kind] and value:
            reading.report.add(f"key {key!r} of a {kind}, not read")


def _write(documents: Iterable[Document], writing: Writing, options: SpacyJsonOptions) -> None:
    scheme = scheme_named("BILUO" if options.scheme == "auto" else options.scheme)
    between = "[\n"
    for number, document in enumerate(documents, start=1):
        writing.note_left_out(document, keeps_id=True, keeps_tokens=True)
        words = words_of(document, writing)
        tags = flat_tags(document, words, writing, scheme)
        tokens = [
            {"id": index, "orth": document.text[start:end], "ner": tag}
            for index, ((start, end), tag) in enumerate(zip(words, tags, strict=True))
        ]
        paragraph = {"raw": document.text, "sentences": [{"tokens": tokens}]}
        record: dict[str, object] = {} if document.id is None else {"id": document.id}
        record["paragraphs"] = [paragraph]
        writing.put(between + json_line(record, f"document {number}").removesuffix("\n"))
        between = ",\n"
    writing.put("\n]\n" if writing.started else "[]\n")


SPACY_JSON = Format(
    name="spacy-json",
    description="one JSON array of documents of paragraphs of tagged words, as spaCy 2 trained from",
    suffixes=(),
    options=SpacyJsonOptions,
    sniff=_sniff,
    open=_open,
    write=_write,
    carries=Carries(ids=True, tokens=True),
)
