"""Which columns of a CSV table hold what, by name, and the options that say so."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from globalner.data.formats.offset_units import OffsetUnit
from globalner.errors import DataError

__all__ = ["CsvColumns", "CsvOptions", "cells_of", "columns_of", "separator_of"]

_SEPARATORS = {"comma": ",", "tab": "\t", "semicolon": ";", "bar": "|"}
# Names in use for each column, lower case with _ between words; the first one found is taken.
_NAMES = {
    "text": ("text", "document_text", "doc_text", "full_text", "sentence", "content", "body"),
    "id": ("id", "doc_id", "document_id", "docid", "text_id", "sentence_id", "doc", "document", "file", "filename"),
    "start": ("start", "begin", "start_offset", "begin_offset", "start_char", "char_start", "start_idx", "start_pos"),
    "end": ("end", "stop", "end_offset", "stop_offset", "end_char", "char_end", "end_idx", "end_pos"),
    "label": ("label", "type", "entity_type", "entity_label", "tag", "category", "class"),
    "mention": ("mention", "entity_text", "span_text", "surface", "span", "entity"),
    "score": ("score", "confidence", "probability"),
}
_OTHER_WAYS = {"text": "say where the texts are (texts=FILE or FOLDER)"}


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """Options of CSV with offsets.

    Attributes:
        text: Name of the column with the text of the document; empty: found by the names in use.
        id: Name of the column with the document's id; likewise.
        start: Name of the column with the first character; likewise.
        end: Name of the column with the end; likewise.
        label: Name of the column with the entity type; likewise.
        mention: Name of the column with the characters of the entity; likewise.
        score: Name of the column with the score; likewise.
        texts: Reading: where the texts are if the rows have none: a CSV file with an id and a text column, or a folder
            of files named by the id, `.txt`; relative to the file's folder.
        separator: What parts the columns; "auto": reading, as the header shows; writing, a TAB in a file named .tsv,
            else a comma.
        end_inclusive: Whether the end is the last character itself rather than one past it.
        offset_unit: What offsets count: "code_point", "utf16" or "byte".
    """

    text: str = ""
    id: str = ""
    start: str = ""
    end: str = ""
    label: str = ""
    mention: str = ""
    score: str = ""
    texts: str = ""
    separator: Literal["auto", "comma", "tab", "semicolon", "bar"] = "auto"
    end_inclusive: bool = False
    offset_unit: OffsetUnit = "code_point"


@dataclass(frozen=True, slots=True)
class CsvColumns:
    """Positions of the columns in a row, from 0; None where there is no such column."""

    text: int | None
    id: int | None
    start: int | None
    end: int | None
    label: int | None
    mention: int | None
    score: int | None
    width: int

    @property
    def has_place(self) -> bool:
        """Whether a row says which text it belongs to."""
        return self.text is not None or self.id is not None

    @property
    def shown(self) -> str:
        """For people: which column is what."""
        places = {name: getattr(self, name) for name in _NAMES}
        return ", ".join(f"{name} in column {at + 1}" for name, at in places.items() if at is not None)


def separator_of(options: CsvOptions, header: str = "", suffix: str = "") -> str:
    """The character that parts the columns.

    Args:
        options: Name it, or leave it open.
        header: The first line of the table, where it is read: what makes most of the columns known.
        suffix: Of the file, where it is written.
    """
    if options.separator != "auto":
        return _SEPARATORS[options.separator]
    if not header:
        return "\t" if suffix == ".tsv" else ","

    def known(separator: str) -> int:
        columns = _find(cells_of(header, separator), options)
        return sum(getattr(columns, role) is not None for role in _NAMES)

    return max(_SEPARATORS.values(), key=known)  # the first of the best


def columns_of(header: Sequence[str], options: CsvOptions, needed: Sequence[str] = ()) -> CsvColumns:
    """Finds the columns in the header.

    Args:
        header: Names of the columns.
        options: May name some.
        needed: Columns that must be there.

    Raises:
        DataError: If one is not there that is needed or that an option names.
    """
    there = f"there are {', '.join(map(repr, header))}"
    for role in _NAMES:
        name = getattr(options, role)
        if name and name not in header:
            close = difflib.get_close_matches(name, header, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise DataError(f"has no column {name!r}, which the option {role!r} names; {hint}{there}")
    columns = _find(header, options)
    for role in needed:
        if getattr(columns, role) is None:
            ways = " or ".join(filter(None, (f"name it ({role}=COLUMN)", _OTHER_WAYS.get(role))))
            raise DataError(f"has no column for the {role} (such as {', '.join(_NAMES[role][:4])}); {there}; {ways}")
    return columns


def cells_of(line: str, separator: str) -> list[str]:
    """The cells of one line; none where it is no row by itself."""
    try:
        return next(csv.reader([line], delimiter=separator, strict=True), [])
    except csv.Error:
        return []


def _find(header: Sequence[str], options: CsvOptions) -> CsvColumns:
    plain = ["_".join(name.lower().replace("-", " ").replace("_", " ").split()) for name in header]
    places: dict[str, int | None] = {}
    for role, names in _NAMES.items():
        given = getattr(options, role)
        found = [header.index(given)] if given in header else [plain.index(name) for name in names if name in plain]
        places[role] = next((at for at in found if at not in places.values()), None)
    return CsvColumns(**places, width=len(header))
