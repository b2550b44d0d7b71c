"""What looks wrong in a document that can be read: one rule a kind, none of them an error."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from globalner.data.formats.words import is_unspaced
from globalner.data.report import shown_entity
from globalner.types import Document, Entity

__all__ = [
    "BLANK_EDGE",
    "CONTROLS",
    "CONTROL_CHARACTER",
    "CUT_WORD",
    "DUPLICATE_ENTITY",
    "INNER_BYTE_ORDER_MARK",
    "Problem",
    "cuts_word",
    "document_problems",
]

BLANK_EDGE = "entity with blanks at its edges"
CONTROL_CHARACTER = "control character in a text"
CUT_WORD = "entity that starts or ends inside a word"
DUPLICATE_ENTITY = "entity given twice"
INNER_BYTE_ORDER_MARK = "byte order mark (U+FEFF) inside a text"
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Control characters but for tabulators and line ends."""

_JOINERS = frozenset("\u200d\ufe0e\ufe0f")


class Problem(NamedTuple):
    """Something that looks wrong.

    Attributes:
        kind: Which rule it breaks, in plain words.
        message: The case: what, where in the text, and what stands there.
    """

    kind: str
    message: str


def document_problems(document: Document, *, long_entity_chars: int) -> Iterator[Problem]:
    """Yields what looks wrong in a document by itself.

    Args:
        document: The document.
        long_entity_chars: An entity with more characters is reported.
    """
    if not document.text.strip():
        yield Problem("document without text", f"{len(document.text)} characters, all blank")
    yield from _character_problems(document.text)
    starts = None if document.tokens is None else {start for start, _ in document.tokens}
    ends = None if document.tokens is None else {end for _, end in document.tokens}
    seen: set[tuple[int, int, str]] = set()
    for entity in document.entities:
        if entity.key in seen:
            yield Problem(DUPLICATE_ENTITY, shown_entity(entity))
        seen.add(entity.key)
        yield from _entity_problems(entity, long_entity_chars)
        if starts is not None and ends is not None and not (entity.start in starts and entity.end in ends):
            yield Problem("entity that does not start and end with given words", shown_entity(entity))
        elif starts is None and entity.text == entity.text.strip() and _cut_edges(document.text, entity):
            yield Problem(CUT_WORD, _with_surroundings(document.text, entity))


def cuts_word(text: str, place: int) -> bool:
    """Whether a word goes on across a place between two characters.

    Letters and digits go on in letters and digits, unless one of the two belongs to a script that is written without
    blanks; what a combining mark or a joiner attaches to goes on in it, in every script.

    Args:
        text: The text.
        place: Index of the character behind the place.
    """
    if not 0 < place < len(text):
        return False
    before, behind = text[place - 1], text[place]
    if behind in _JOINERS or before == "\u200d" or unicodedata.category(behind)[0] == "M":
        return not before.isspace()
    wordlike = _in_word(behind) and (_in_word(before) or unicodedata.category(before)[0] == "M")
    return wordlike and not (is_unspaced(before) or is_unspaced(behind))


def _in_word(character: str) -> bool:
    # Not isalnum, which takes circled and raised numbers too.
    return character.isalpha() or character.isdecimal()


def _character_problems(text: str) -> Iterator[Problem]:
    for kind, pattern in _CHARACTERS:
        found = pattern.search(text)
        if found is not None:
            count = len(pattern.findall(text))
            more = f", and {count - 1} more" if count > 1 else ""
            yield Problem(kind, f"U+{ord(found.group()):04X} at character {found.start()}{more}")


_CHARACTERS = (
    (CONTROL_CHARACTER, CONTROLS),
    (INNER_BYTE_ORDER_MARK, re.compile("\ufeff")),
    ("replacement character (U+FFFD) in a text, left by a wrong encoding", re.compile("\ufffd")),
)


def _entity_problems(entity: Entity, long_entity_chars: int) -> Iterator[Problem]:
    if entity.text != entity.text.strip():
        yield Problem(BLANK_EDGE, shown_entity(entity))
    if "\n" in entity.text.strip():
        yield Problem("entity over a line break", shown_entity(entity))
    if len(entity.text) > long_entity_chars:
        yield Problem("very long entity", f"{len(entity.text):,} characters: {shown_entity(entity)}")
    if entity.label != entity.label.strip():
        yield Problem("label with blanks at its edges", repr(entity.label))


def _cut_edges(text: str, entity: Entity) -> bool:
    return cuts_word(text, entity.start) or cuts_word(text, entity.end)


def _with_surroundings(text: str, entity: Entity) -> str:
    before, behind = text[max(0, entity.start - 12) : entity.start], text[entity.end : entity.end + 12]
    return f"{shown_entity(entity)} between {before!r} and {behind!r}"
