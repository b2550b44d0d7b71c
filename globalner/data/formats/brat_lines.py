"""The lines of a brat `.ann` file: text-bound annotations, other kinds, and lines that are broken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from globalner.data.formats.offset_entities import Span

__all__ = ["KINDS", "AnnLine", "OtherLine", "TextBound", "ann_lines", "as_written", "same_but_blanks"]

KINDS = {
    "E": "event (E)",
    "R": "relation (R)",
    "A": "attribute (A)",
    "M": "modification (M)",
    "N": "normalisation (N)",
    "*": "equivalence (*)",
    "#": "note (#)",
}
"""Kinds of lines that hold no entity, by their first character."""

_NAME = re.compile(r"T[0-9]+\b")
_OTHER = re.compile(r"[ERAMN][0-9][^\t ]*\t|\*\t|#")
_TEXT_BOUND = re.compile(
    r"(T[0-9][^\t ]*)\t([^\t ]+) ([0-9]{1,15} [0-9]{1,15}(?:;[0-9]{1,15} [0-9]{1,15})*)(?:\t(.*))?"
)
# What ends a line for brat or an editor is a blank in the text of an annotation; a TAB would part columns.
_AS_BLANKS = dict.fromkeys(map(ord, "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"), " ")


@dataclass(slots=True)
class TextBound:
    """A text-bound annotation, `T1<TAB>PER 0 9<TAB>Ada Byron`.

    Attributes:
        line: Its line number.
        name: Such as T1.
        label: Entity type.
        spans: Its pieces in the unit of the file, in order, ends exclusive; several where it is discontinuous.
        text: What the file says that they are; None where it says nothing.
        rest: Lines behind it that begin no annotation: the text may go on there.
    """

    line: int
    name: str
    label: str
    spans: list[Span]
    text: str | None
    rest: list[tuple[int, str]] = field(default_factory=list)

    @property
    def whole_text(self) -> str | None:
        """The text with the lines behind it."""
        return None if self.text is None else "\n".join((self.text, *(line for _, line in self.rest)))

    def __str__(self) -> str:
        """Name, label and offsets, as the file has them."""
        return f"{self.name} {self.label} {';'.join(f'{start} {end}' for start, end in self.spans)}"


@dataclass(frozen=True, slots=True)
class OtherLine:
    """A line that holds no entity.

    Attributes:
        line: Its number.
        content: The line.
        kind: One of `KINDS`; empty where the line is broken.
    """

    line: int
    content: str
    kind: str = ""


AnnLine = TextBound | OtherLine


def ann_lines(lines: Iterable[tuple[int, str]]) -> Iterator[AnnLine]:
    """Takes the lines of an `.ann` file apart.

    A line that begins no annotation goes to the text-bound annotation before it as its `rest`, since editors and
    scripts write texts with line breaks as they are; elsewhere it is broken. Blank lines mean nothing by themselves.

    Args:
        lines: The lines with their numbers.
    """
    current: TextBound | None = None
    for number, line in lines:
        bound, other = _text_bound(number, line), _OTHER.match(line)
        if bound is None and other is None and current is not None and not _NAME.match(line):
            current.rest.append((number, line))
            continue
        if current is not None:
            yield current
        current = bound
        if bound is None and line.strip():
            yield OtherLine(number, line, KINDS[line[0]] if other else "")
    if current is not None:
        yield current


def _text_bound(number: int, line: str) -> TextBound | None:
    found = _TEXT_BOUND.fullmatch(line)
    if found is None:
        return None
    name, label, places, text = found.groups()
    pairs = [place.split(" ") for place in places.split(";")]
    return TextBound(number, name, label, sorted((int(start), int(end)) for start, end in pairs), text)


def as_written(text: str) -> str:
    """A piece of a text as brat writes it behind the offsets: line breaks and TABs are blanks."""
    return text.translate(_AS_BLANKS)


def same_but_blanks(left: str, right: str) -> bool:
    """Whether two texts are the same when white space is left out."""
    return "".join(left.split()) == "".join(right.split())
