"""Words with one tag each, as values rather than lines, to documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from globalner.data.formats.format import Reading
from globalner.data.formats.tag_schemes import (
    OUTSIDE,
    SCHEMES,
    SchemeCounter,
    Tag,
    TagScheme,
    parse_tag,
    scheme_named,
    spans_of_tags,
)
from globalner.data.formats.word_spans import inked
from globalner.data.formats.words import join_words
from globalner.errors import DataError
from globalner.types import Document, Entity

__all__ = ["DocumentParts", "TagForm", "TaggedWords", "tag_form", "words_in"]

_MISSING = ("", "-")  # spaCy writes - where it does not know


@dataclass(frozen=True, slots=True)
class TagForm:
    """How the tags of a file are read.

    Attributes:
        scheme: Their scheme.
        plain: Whether tags are labels without a prefix; then words with one label that touch are one entity.
    """

    scheme: TagScheme
    plain: bool = False

    @property
    def evidence(self) -> str:
        """In plain words."""
        return "tags without prefixes" if self.plain else f"{self.scheme.name} tags"

    def parse(self, text: str) -> Tag:
        """Prefix and label of a tag.

        Raises:
            DataError: If it is no tag, or one of another scheme.
        """
        if text in (*_MISSING, "O"):
            return OUTSIDE
        if self.plain:
            return "I", text
        tag = parse_tag(text)
        if tag[1] and tag[0] not in self.scheme.prefixes:
            allowed = ", ".join(f"{prefix}-" for prefix in self.scheme.prefixes)
            raise DataError(
                f"tag {text!r} has the prefix {tag[0]}-, but the scheme {self.scheme.name} has {allowed} and O only"
            )
        return tag


def tag_form(sequences: Iterable[tuple[int, Sequence[str]]], scheme: str, names: Sequence[str] = ()) -> TagForm:
    """How tags are read.

    Args:
        sequences: The tags of documents, each with its line or number; taken until only one scheme can be meant.
        scheme: Name of the scheme, or `auto`: as the tags show.
        names: All tags, where they are known; then the sequences do not matter.

    Raises:
        DataError: If there is no such scheme, or none fits.
    """
    if scheme != "auto":
        return TagForm(scheme_named(scheme))
    counter = SchemeCounter()
    plain = False
    for number, tags in ((0, [name]) for name in names) if names else sequences:
        parsed = []
        for text in tags:
            try:
                parsed.append(OUTSIDE if text in _MISSING else parse_tag(text))
            except DataError:
                plain = True
                parsed.append(OUTSIDE)
        counter.add(parsed, [number] * len(parsed))
        if sum(set(counter.first_lines) <= set(known.prefixes) for known in SCHEMES.values()) == 1:
            break
    return TagForm(SCHEMES["IO"], plain=True) if plain and not counter.first_lines else TagForm(counter.scheme())


@dataclass(frozen=True, slots=True)
class DocumentParts:
    """What a document has beside words and tags.

    Attributes:
        text: Its text with the place of each word; None: the words are joined.
        id: Its name.
        extra: Further keys.
        line: Where it stands.
        name: What to call it in reports where there are no lines.
    """

    text: tuple[str, tuple[tuple[int, int], ...]] | None = None
    id: str | None = None
    extra: Mapping[str, object] = field(default_factory=dict)
    line: int | None = None
    name: str = ""


class TaggedWords:
    """Turns the words and tags of one document after another into documents."""

    def __init__(self, reading: Reading, form: TagForm) -> None:
        self._reading = reading
        self._form = form
        self._blanks = 0
        self._pairs = 0

    def document(self, words: Sequence[str], tags: Sequence[str], parts: DocumentParts) -> Document:
        """The document.

        Args:
            words: Its words.
            tags: One a word.
            parts: What else there is.

        Raises:
            DataError: If their numbers differ, a word is empty, a tag is none, or reading is strict and a tag does not
                fit where it stands.
        """
        if len(words) != len(tags):
            raise DataError(f"has {len(words)} words and {len(tags)} tags; each word must have one")
        if "" in words:
            raise DataError(f"word {words.index('') + 1} is empty")
        if parts.text is None:
            text, tokens, blanks = join_words(words)
            self._blanks += blanks
            self._pairs += max(0, len(words) - 1)
        else:
            text, tokens = parts.text
        entities = []
        for first, last, label in self._spans(words, tags, parts):
            start, end = tokens[first][0], tokens[last][1]
            entities.append(Entity(start, end, label, text[start:end]))
        tokens = inked(text, tokens)  # to some tools blanks are words
        return Document(text, tuple(entities), id=parts.id, tokens=tokens, extra=parts.extra)

    def note_joining(self) -> None:
        """Says in the report how the words became text, where they were joined."""
        counts = (("one blank", self._blanks), ("nothing", self._pairs - self._blanks))
        ways = " and ".join(f"{way} between them ({count:,} times)" for way, count in counts if count)
        if ways:
            self._reading.report.note(f"words were joined with {ways}")

    def _spans(self, words: Sequence[str], tags: Sequence[str], parts: DocumentParts) -> list[tuple[int, int, str]]:
        for text in tags:
            if text in _MISSING:
                self._reading.report.add("word without a tag, read as outside", self._at(parts))
        spans, repairs = spans_of_tags([self._form.parse(text) for text in tags], self._form.scheme)
        for word, reason in repairs:
            example = f"{words[word]} {tags[word]}"
            self._reading.repair(reason, example if parts.line else f"{parts.name}: {example}", parts.line)
        return spans

    def _at(self, parts: DocumentParts) -> str:
        return f"line {parts.line}" if parts.line else parts.name


def words_in(text: str, words: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Where words stand in their text, each after the one before it.

    Returns:
        Character offsets, end exclusive.

    Raises:
        DataError: If a word is not there, or something else than blanks stands between two.
    """
    places: list[tuple[int, int]] = []
    at = 0
    for number, word in enumerate(words, start=1):
        start = text.find(word, at)
        if start < 0:
            raise DataError(f"word {number} {word!r} is not in the text after {text[max(0, at - 20) : at]!r}")
        places.append((start, start + len(word)))
        at = start + len(word)
    for (_, end), (start, _) in pairwise(((0, 0), *places, (len(text), len(text)))):
        if gap := text[end:start].strip():
            raise DataError(f"the text holds {gap[:40]!r}, which is none of the words")
    return tuple(places)
