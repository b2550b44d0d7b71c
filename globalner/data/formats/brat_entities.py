"""From the text-bound annotations of a brat file to entities: which text they count in, and what cannot be kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from globalner.data.formats.brat_lines import TextBound, as_written, same_but_blanks
from globalner.data.formats.format import Reading
from globalner.data.formats.lines import BYTE_ORDER_MARK
from globalner.data.formats.offset_entities import Span, other_reading, shown
from globalner.data.formats.offset_units import OffsetUnit, TextOffsets
from globalner.errors import DataError
from globalner.types import Entity

__all__ = ["AnnReader", "BratOptions", "count_broken"]


@dataclass(frozen=True, slots=True)
class BratOptions:
    """Options of brat standoff.

    Attributes:
        discontinuous: What becomes of an entity in pieces with text between them: "hull": it reaches from its first
            character to its last; "drop": it is left out. Either is counted.
        text_mismatch: What becomes of an entity whose text is not what its offsets slice: "drop": it is left out;
            "keep": the offsets are believed. Either is counted.
        offset_unit: What offsets count: "code_point", "utf16" or "byte".
    """

    discontinuous: Literal["hull", "drop"] = "hull"
    text_mismatch: Literal["drop", "keep"] = "drop"
    offset_unit: OffsetUnit = "code_point"


@dataclass(frozen=True, slots=True)
class AnnReader:
    """Makes the entities of one document.

    Attributes:
        reading: The pass through the `.ann` file; where faults are counted.
        options: Of the format.
    """

    reading: Reading
    options: BratOptions

    def text_for(self, content: str, bounds: Sequence[TextBound]) -> TextOffsets:
        """The text that the offsets count in, from the content of the `.txt` file.

        A byte order mark is no part of it, and line ends are as they stand. Some tools count otherwise: where more
        annotations agree with their offsets when the mark is a character, or CR LF is one, the text is read so.
        """
        plain = content.removeprefix(BYTE_ORDER_MARK)
        ways = [(plain, "")]
        if plain != content:
            self.reading.report.note("a byte order mark at the start of the file was skipped")
            ways.append((content, "text whose offsets count its byte order mark, kept as a character"))
        if "\r\n" in content:
            reason = "text whose offsets count CR LF as one character, read with LF"
            ways += [(text.replace("\r\n", "\n"), reason) for text, _ in ways]
        best, why = TextOffsets(plain, self.options.offset_unit), ""
        if bounds and len(ways) > 1:
            readings = [(TextOffsets(text, self.options.offset_unit), why) for text, why in ways]
            best, why = max(readings, key=lambda way: _agreeing(way[0], bounds))  # the first of the best
        if why:
            self.reading.report.add(why, self.reading.name)
        return best

    def entities(self, offsets: TextOffsets, bounds: Sequence[TextBound]) -> Iterator[Entity]:
        """The entities that can be kept, in the order of the file, each once."""
        seen = set()
        for bound in bounds:
            entity = self._entity(offsets, bound)
            if entity is not None and entity.key in seen:
                place = f"{self.reading.place(bound.line)}: {bound}"
                self.reading.report.add("entity given twice, kept once", place)
            elif entity is not None:
                seen.add(entity.key)
                yield entity

    def _entity(self, offsets: TextOffsets, bound: TextBound) -> Entity | None:
        try:
            pieces = _pieces(offsets, bound)
        except DataError as error:
            facts = error.message + _hint(offsets, bound)
            self._fault("annotation whose offsets do not fit the text, left out", facts, bound)
            self._broken(bound)
            return None
        if not self._text_fits(offsets, bound, pieces):
            return None
        between = [offsets.text[left:right] for (_, left), (right, _) in pairwise(pieces)]
        if any(gap.strip() for gap in between):
            way = "read as its hull" if self.options.discontinuous == "hull" else "left out"
            self._fault(f"discontinuous entity, {way}", shown(as_written(_text(offsets, pieces))), bound)
            if self.options.discontinuous == "drop":
                return None
        elif between:
            place = f"{self.reading.place(bound.line)}: {bound}"
            self.reading.report.add("entity in pieces with at most blanks between them, read as one", place)
        return Entity(pieces[0][0], max(end for _, end in pieces), bound.label)

    def _text_fits(self, offsets: TextOffsets, bound: TextBound, pieces: list[Span]) -> bool:
        """Whether the entity is to be kept, given what the file says of its text."""
        expected = as_written(_text(offsets, pieces))
        own = None if bound.text is None else as_written(bound.text)
        if own != expected and any(line.strip() for _, line in bound.rest):
            whole = bound.whole_text
            if whole is not None and same_but_blanks(whole, expected):
                self._fault("text of an annotation that goes on in the next line, joined", shown(whole), bound)
                return True
        self._broken(bound)
        if own == expected:
            return True
        if own is None:
            self._fault("annotation without its text, kept by its offsets", shown(expected), bound)
            return True
        if same_but_blanks(own, expected):
            says = f"says {shown(own)}, the text there is {shown(expected)}"
            self._fault("text of an annotation with other blanks than the document, kept by its offsets", says, bound)
            return True
        return self._mismatch(offsets, bound, expected)

    def _mismatch(self, offsets: TextOffsets, bound: TextBound, expected: str) -> bool:
        says = f"says {shown(bound.text or '')}, but the text there is {shown(expected)}{_hint(offsets, bound)}"
        keep = self.options.text_mismatch == "keep"
        way = "kept by its offsets" if keep else "left out"
        self._fault(f"annotation whose text is not what its offsets slice, {way}", says, bound)
        return keep

    def _fault(self, reason: str, facts: str, bound: TextBound) -> None:
        _count(self.reading, reason, f"{bound}: {facts}", bound.line)

    def _broken(self, bound: TextBound) -> None:
        for number, line in bound.rest:
            if line.strip():
                count_broken(self.reading, line, number)


def count_broken(reading: Reading, line: str, number: int) -> None:
    """Counts a line that cannot be read and goes on.

    Raises:
        DataError: If reading is strict.
    """
    _count(reading, "broken line, left out (an entity is NAME<TAB>TYPE START END<TAB>TEXT)", shown(line), number)


def _count(reading: Reading, reason: str, example: str, line: int) -> None:
    try:
        reading.repair(reason, example, line)
    except DataError as error:  # a strict reader that collects errors keeps the document
        reading.reject(error)


def _pieces(offsets: TextOffsets, bound: TextBound) -> list[Span]:
    pieces = []
    for start, end in bound.spans:
        if end <= start:
            raise DataError(f"the end {end} must be above the start {start}")
        pieces.append((offsets.to_code_point(start), offsets.to_code_point(end)))
    return pieces


def _hint(offsets: TextOffsets, bound: TextBound) -> str:
    return other_reading(offsets, bound.spans[0], bound.text) if len(bound.spans) == 1 else ""


def _text(offsets: TextOffsets, pieces: Sequence[Span]) -> str:
    return " ".join(offsets.text[start:end] for start, end in pieces)


def _agreeing(offsets: TextOffsets, bounds: Sequence[TextBound]) -> int:
    """How many annotations say what their offsets slice."""
    count = 0
    for bound in bounds:
        try:
            expected = _text(offsets, _pieces(offsets, bound))
        except DataError:
            continue
        count += any(text is not None and same_but_blanks(text, expected) for text in (bound.text, bound.whole_text))
    return count
