"""JSON lines of words with a tag each, such as BILUO.

    {"id": "7", "text": "Ada met Bob.", "tokens": ["Ada", "met", "Bob", "."], "tags": ["U-PER", "O", "U-PER", "O"]}
    [["Ada", "met", "Bob", "."], ["U-PER", "O", "U-PER", "O"]]
    ["Ada met Bob.", ["U-PER", "O", "U-PER", "O"]]

One document a line, in any of the three shapes. The words of an object stand in `tokens` or `words`, its tags in
`tags`, `ner_tags`, `ner`, `labels` or `label`; without `text` the words are joined as those of column files are. In the
third shape the words have to be found again: as the option `words` says, split at blanks, at punctuation too, or by
spaCy's rules of a language; the way that fits most of the first lines is taken. A line whose tags are of another number
is an error. Any scheme of column files is read; `-` for a tag that is not known is read as outside, and counted.

Written are objects with `text`, or by option the third shape, then with a loss counted for each document whose words
cannot be found again. There is no place for overlapping entities, which are a loss, nor for scores.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Literal, NamedTuple

from globalner.data.formats.format import Carries, Format, Opened, Reading, Sample, Sniff, Source, Writing
from globalner.data.formats.json_values import json_line, json_value, kind_of, named, text_id
from globalner.data.formats.packages import require_package
from globalner.data.formats.tag_schemes import scheme_named
from globalner.data.formats.tagged_words import DocumentParts, TagForm, TaggedWords, tag_form, words_in
from globalner.data.formats.word_spans import WordOffsets, flat_tags, inked, words_of
from globalner.data.formats.words import split_words
from globalner.data.report import Report
from globalner.errors import DataError
from globalner.types import Document

__all__ = ["JSON_TAGS", "JsonTagsOptions"]

_WORD_KEYS = ("tokens", "words")
_TAG_KEYS = ("tags", "ner_tags", "ner", "labels", "label")


@dataclass(frozen=True, slots=True)
class JsonTagsOptions:
    """Options of JSON lines with tags.

    Attributes:
        scheme: `BILUO`, `BIO`, `IOB1`, `IO`, `BIOES`, `BMES`, or `auto`: as the file shows; when writing, BILUO.
        words: Where a line has a text and tags but no words, how the text is split: `blanks`, `punctuation`, the name
            of a language for spaCy's rules (`en`, `bn`, `xx` for any; extra spacy), or `auto`: the one of the first
            two that fits more lines.
        shape: When writing, `object`, or `pair` for lists of a text and its tags.
    """

    scheme: str = "auto"
    words: str = "auto"
    shape: Literal["object", "pair"] = "object"

    def __post_init__(self) -> None:
        if self.scheme != "auto":
            scheme_named(self.scheme)


_Splitter = Callable[[str], WordOffsets]
_BLANKS = re.compile(r"\S+")


def _split_at_blanks(text: str) -> WordOffsets:
    return tuple(match.span() for match in _BLANKS.finditer(text))


_SPLITTERS: dict[str, _Splitter] = {"blanks": _split_at_blanks, "punctuation": split_words}


class _Record(NamedTuple):
    """A line in one form: words is None where they have to be found in the text."""

    text: str | None
    words: list[str] | None
    tags: list[str]
    id: str | None
    extra: dict[str, object]


def _sniff(sample: Sample) -> Sniff:
    record = None
    with suppress(DataError):
        record = json_value(next(iter(sample.filled), ""))
    fits = _is_pair(record) or (
        isinstance(record, dict)
        and isinstance(record.get(_key_of(record, _WORD_KEYS)), list)
        and _are_strings(record.get(_key_of(record, _TAG_KEYS)))
    )
    return Sniff(fits, "the first line is not a list or object of words and tags")


def _is_pair(record: object) -> bool:
    if not isinstance(record, list) or len(record) != 2 or not _are_strings(record[1]):
        return False
    return isinstance(record[0], str) or _are_strings(record[0])


def _are_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _key_of(record: Mapping[str, object], keys: Sequence[str]) -> str:
    """The first of the keys that the record has a list for; the first of all where it has none."""
    return next((key for key in keys if isinstance(record.get(key), list)), keys[0])


def _open(source: Source, options: JsonTagsOptions) -> Opened:
    records = [record for _, record in _readable(source.sample_lines())]
    finder, how = _word_finder(records, options.words)
    try:
        form = tag_form(((number, tags) for number, tags in _tags(source)), options.scheme)
    except DataError as error:
        raise DataError(error.message, path=source.path) from None
    return Opened(f"JSON lines of words with {form.evidence}{how}", partial(_read, form, finder))


def _word_finder(records: Sequence[_Record], wanted: str) -> tuple[_Splitter, str]:
    """How words are found in a text that has none, and what to say of it."""
    without = [record for record in records if record.words is None and record.text is not None]
    if wanted != "auto":
        return _splitter(wanted), f", words found by {wanted}"
    fits = {
        name: sum(len(split(record.text or "")) == len(record.tags) for record in without)
        for name, split in _SPLITTERS.items()
    }
    best = max(fits, key=lambda name: fits[name])
    if not without:
        return _SPLITTERS[best], ""
    return _SPLITTERS[best], f", words found by {best} (fits {fits[best]:,} of the first {len(without):,} lines)"


@cache
def _splitter(name: str) -> _Splitter:
    if name in _SPLITTERS:
        return _SPLITTERS[name]
    require_package("spacy", "spacy", "json-tags")
    from globalner.data.formats.spacy_words import spacy_words

    return spacy_words(name)


def _tags(source: Source) -> Iterator[tuple[int, list[str]]]:
    for number, record in _readable(line for _, line in source.lines()):
        yield number, record.tags


def _readable(lines: Iterable[str]) -> Iterator[tuple[int, _Record]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            with suppress(DataError):
                yield number, _record(json_value(line), Reading(Source(Path()), Report()))


def _read(form: TagForm, finder: _Splitter, reading: Reading) -> Iterator[Document]:
    tagged = TaggedWords(reading, form)
    try:
        for number, line in reading.lines():
            if not line.strip():
                continue
            value: object = None
            try:
                value = json_value(line)
                yield _document(tagged, finder, _record(value, reading), number)
            except DataError as error:
                reading.reject(reading.error(named(value, error.message), number))
    finally:
        tagged.note_joining()


def _record(value: object, reading: Reading) -> _Record:
    if isinstance(value, list):
        if not _is_pair(value):
            raise DataError("is a list, but not a text or list of words with a list of tags")
        first, tags = value
        return _Record(
            first if isinstance(first, str) else None, None if isinstance(first, str) else first, tags, None, {}
        )
    if not isinstance(value, dict):
        raise DataError(f"holds {kind_of(value)}; a line is a list or an object of words and tags")
    word_key, tag_key = _key_of(value, _WORD_KEYS), _key_of(value, _TAG_KEYS)
    words, tags, text = value.get(word_key), value.get(tag_key), value.get("text")
    for key, found in ((tag_key, tags), *(((word_key, words),) if words is not None or text is None else ())):
        if not _are_strings(found):
            raise DataError(f"{key!r} is {kind_of(found)}; it must be a list of strings")
    if not isinstance(text, str | None):
        raise DataError(f"'text' is {kind_of(text)}; it must be a string")
    extra = {key: item for key, item in value.items() if key not in ("id", "text", word_key, tag_key)}
    return _Record(text, words, tags, text_id(value.get("id"), reading), extra)  # type: ignore[arg-type]


def _document(tagged: TaggedWords, finder: _Splitter, record: _Record, line: int) -> Document:
    text, words, tags, name, extra = record
    if text is None:
        assert words is not None
        return tagged.document(words, tags, DocumentParts(None, name, extra, line))
    places = finder(text) if words is None else words_in(text, words)
    if words is None and len(places) != len(tags):
        raise DataError(
            f"has {len(tags)} tags, but {len(places)} words are found in its text {text[:40]!r}; name the way to split "
            "texts that its tags were made with: words=blanks, words=punctuation or a language for spaCy's, words=en"
        )
    found = words if words is not None else [text[start:end] for start, end in places]
    return tagged.document(found, tags, DocumentParts((text, places), name, extra, line))


def _write(documents: Iterable[Document], writing: Writing, options: JsonTagsOptions) -> None:
    scheme = scheme_named("BILUO" if options.scheme == "auto" else options.scheme)
    pairs = options.shape == "pair"
    finder = _splitter("punctuation" if options.words == "auto" else options.words)
    for number, document in enumerate(documents, start=1):
        writing.note_left_out(document, keeps_id=not pairs, keeps_tokens=True, keeps_extra=not pairs)
        words = words_of(document, writing)
        if pairs and inked(document.text, found := finder(document.text)) == words:
            words = found
        elif pairs:
            writing.losses.add("document whose words cannot be found again in its text", repr(document.text[:40]))
        tags = flat_tags(document, words, writing, scheme)
        if pairs:
            writing.put(json_line([document.text, tags], f"document {number}"))
            continue
        record: dict[str, object] = {} if document.id is None else {"id": document.id}
        record |= {"text": document.text, "tokens": [document.text[start:end] for start, end in words], "tags": tags}
        for key in document.extra:
            if key in (*record, *_WORD_KEYS, *_TAG_KEYS):
                writing.losses.add("further key that is named like one of the format's", key)
        writing.put(json_line({**document.extra, **record}, f"document {number}"))


JSON_TAGS = Format(
    name="json-tags",
    description="JSON lines of words with a tag each (BILUO, BIO, ...)",
    suffixes=(),
    options=JsonTagsOptions,
    sniff=_sniff,
    open=_open,
    write=_write,
    carries=Carries(ids=True, tokens=True, extra=True),
)
