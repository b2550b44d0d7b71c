"""Tagging schemes: one tag a word on one side, labelled spans of words on the other.

One reading serves every scheme, the rule of the CoNLL evaluation script carried on to the others: a tag that opens
(`B-`, `S-`, `U-`) always opens; a tag that goes on (`I-`, `M-`, `E-`, `L-`) goes on with an open entity of its label
and otherwise opens one; a tag that closes (`E-`, `L-`, `S-`, `U-`) closes. So a set of prefixes that fits several
schemes gives the same entities under each of them; only what counts as a repair differs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from globalner.errors import DataError

__all__ = [
    "OUTSIDE",
    "SCHEMES",
    "Repair",
    "SchemeCounter",
    "Span",
    "Tag",
    "TagScheme",
    "parse_tag",
    "scheme_named",
    "spans_of_tags",
    "tags_of_spans",
]

Tag = tuple[str, str]
"""Prefix and label; `("O", "")` outside."""
Span = tuple[int, int, str]
"""First word and last word, both inclusive, and label."""

OUTSIDE: Tag = ("O", "")
_GOES_ON = "IMEL"
_CLOSES = "ESLU"
_TAG = re.compile(r"([BIMESLU])[-_](.+)", re.DOTALL)
_JOINED = re.compile(r"[,;|](?:O(?:[,;|]|$)|[BIMESLU][-_])")


@dataclass(frozen=True, slots=True)
class TagScheme:
    """A scheme: the prefixes of the first word of several, of those between, of the last, and of a word alone.

    In IOB1 the first word takes `B` instead where it touches an entity of the same label.
    """

    name: str
    first: str
    inside: str
    last: str
    single: str

    @property
    def prefixes(self) -> str:
        """All prefixes beside `O`, in a fixed order."""
        used = {self.first, self.inside, self.last, self.single} | ({"B"} if self.name == "IOB1" else set())
        return "".join(prefix for prefix in "BIMESLU" if prefix in used)

    @property
    def parts_touching(self) -> bool:
        """Whether two touching entities of one label stay two."""
        return self.name != "IO"


SCHEMES: dict[str, TagScheme] = {
    scheme.name: scheme
    for scheme in (
        TagScheme("BIO", "B", "I", "I", "B"),
        TagScheme("IOB1", "I", "I", "I", "I"),
        TagScheme("IO", "I", "I", "I", "I"),
        TagScheme("BIOES", "B", "I", "E", "S"),
        TagScheme("BMES", "B", "M", "E", "S"),
        TagScheme("BILUO", "B", "I", "L", "U"),
    )
}
_OTHER_NAMES = {"IOB2": "BIO", "IOBES": "BIOES", "BIEOS": "BIOES", "BILOU": "BILUO", "BMESO": "BMES"}


def scheme_named(name: str) -> TagScheme:
    """The scheme of a name, capital or small letters; common second names (IOB2, BILOU, IOBES) are known.

    Raises:
        DataError: If there is no such scheme; the message lists those there are.
    """
    known = SCHEMES.get(_OTHER_NAMES.get(name.upper(), name.upper()))
    if known is None:
        why = "could be IOB1 or BIO (which is IOB2)" if name.upper() == "IOB" else "is not a tagging scheme"
        raise DataError(f"{name!r} {why}; there are: {', '.join(SCHEMES)}, and 'auto' to find out")
    return known


def parse_tag(text: str) -> Tag:
    """Splits a tag at its first separator, so that `B-creative-work` has the label `creative-work`.

    Raises:
        DataError: If it is neither `O` nor a known prefix, `-` or `_`, and a label, or if it is several tags joined.
    """
    text = text.strip(" ")
    if text == "O":
        return OUTSIDE
    if _JOINED.search(text):
        raise DataError(f"{text!r} joins several tags; a cell holds one tag, so choose one or give each its own column")
    match = _TAG.fullmatch(text)
    if match is None:
        raise DataError(
            f"{text!r} is not a tag; a tag is O, or one of the prefixes B I M E S L U, then - or _, then a label"
        )
    return match[1], match[2]


class Repair(NamedTuple):
    """A tag that its scheme does not allow where it stands: position of the word from 0, and the reason."""

    word: int
    reason: str


def spans_of_tags(tags: Sequence[Tag], scheme: TagScheme) -> tuple[list[Span], list[Repair]]:
    """Entities of a sequence of tags, and the repairs that reading them took.

    Args:
        tags: One tag a word; every prefix must be one of the scheme's.
        scheme: How to read them.

    Returns:
        Spans `(first, last, label)`, both words inclusive, in order; and the repairs, in order.
    """
    spans: list[Span] = []
    repairs: list[Repair] = []
    unclosed = f"entity not closed by {scheme.last}-" if scheme.last != scheme.inside else ""
    open_label = ""
    first = 0
    for index, (prefix, label) in enumerate(tags):
        if open_label and not (prefix in _GOES_ON and label == open_label):
            spans.append((first, index - 1, open_label))
            open_label = ""
            if unclosed:
                repairs.append(Repair(index - 1, unclosed))
        if prefix == "O":
            continue
        if not open_label:
            first, open_label = index, label
            touches = index > 0 and tags[index - 1][1] == label
            reason = _irregular_opening(prefix, touches, scheme)
            if reason:
                repairs.append(Repair(index, reason))
        if prefix in _CLOSES:
            spans.append((first, index, open_label))
            open_label = ""
    if open_label:
        spans.append((first, len(tags) - 1, open_label))
        if unclosed:
            repairs.append(Repair(len(tags) - 1, unclosed))
    return spans, repairs


def _irregular_opening(prefix: str, touches: bool, scheme: TagScheme) -> str:
    if scheme.first == "I":
        return "B- opens an entity that touches none of its label" if prefix == "B" and not touches else ""
    return f"stray {prefix}- opens an entity" if prefix in _GOES_ON else ""


def tags_of_spans(spans: Iterable[Span], length: int, scheme: TagScheme) -> list[str]:
    """Tags of the words of a sentence, with `-` after the prefix.

    Args:
        spans: `(first, last, label)`, both words inclusive.
        length: Number of words.
        scheme: The scheme to write.

    Raises:
        DataError: If two spans overlap, or touch with one label in a scheme that cannot part them.
    """
    tags = ["O"] * length
    previous: Span = (-1, -2, "")
    for span in sorted(spans):
        first, last, label = span
        touches = first == previous[1] + 1 and label == previous[2]
        if first <= previous[1] or (touches and not scheme.parts_touching):
            raise DataError(f"{scheme.name} tags in one column cannot hold both {previous} and {span}")
        tags[first : last + 1] = [f"{scheme.inside}-{label}"] * (last - first + 1)
        tags[last] = f"{scheme.last}-{label}"
        begin = scheme.single if first == last else scheme.first
        tags[first] = f"{'B' if touches and scheme.name == 'IOB1' else begin}-{label}"
        previous = span
    return tags


class SchemeCounter:
    """Collects what tells schemes apart, sentence by sentence, in constant memory.

    Attributes:
        first_lines: The prefixes seen, each with the line of its first occurrence.
    """

    def __init__(self) -> None:
        self.first_lines: dict[str, int] = {}
        self._opening_inside = 0
        self._begin_alone = 0

    def add(self, tags: Sequence[Tag], lines: Sequence[int]) -> None:
        """Counts one sentence's tags of one column.

        Args:
            tags: One a word.
            lines: The line number of each, for messages.
        """
        before = ""
        for index, (prefix, label) in enumerate(tags):
            if label:
                self.first_lines.setdefault(prefix, lines[index])
                if label != before:
                    self._opening_inside += prefix == "I"
                    self._begin_alone += prefix == "B"
            before = label

    def scheme(self) -> TagScheme:
        """The scheme of what was counted.

        Tags of B, I and O are IOB1 where entities open with `I-` and a `B-` that touches no entity of its label is
        rare (at most one for twenty of those), else BIO; both read alike.

        Raises:
            DataError: If no scheme has all the prefixes; the message names the candidates and what each lacks.
        """
        seen = set(self.first_lines)
        if seen <= set("BI"):
            return SCHEMES["IOB1" if self._opening_inside >= max(1, 20 * self._begin_alone) else "BIO"]
        for name in ("BIOES", "BMES", "BILUO"):
            if seen <= set(SCHEMES[name].prefixes):
                return SCHEMES[name]
        raise DataError(self._undecided(seen))

    def _undecided(self, seen: set[str]) -> str:
        found = ", ".join(f"{prefix}- (first in line {line})" for prefix, line in self.first_lines.items())
        lacks = {name: "".join(sorted(seen - set(SCHEMES[name].prefixes))) for name in SCHEMES}
        fewest = min(len(prefixes) for prefixes in lacks.values())
        candidates = ", ".join(
            f"{name} (has no {' '.join(prefixes)})" for name, prefixes in lacks.items() if len(prefixes) == fewest
        )
        return (
            f"the tagging scheme cannot be told: the tags have the prefixes {found}, and no scheme has them all; "
            f"candidates: {candidates}; name the scheme to see the first line that does not fit it"
        )
