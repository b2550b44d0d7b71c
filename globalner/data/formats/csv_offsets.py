"""CSV with offsets: a table with a header and one entity a row, beside its text or the id of its text.

    id,text,start,end,label,mention,score
    7,Ada Byron left London.,0,9,PER,Ada Byron,0.98
    7,,15,21,LOC,London,
    8,Nothing here.,,,,,

The columns are found by the names in use (`begin`, `entity_type`, `doc_id`, ...), or named by options; others are
counted and not read. Cells are parted by commas, TABs, semicolons or bars, as the header shows, and quoted as RFC 4180
says. Rows of one document stand together: the same id and text, or the same text where no id is; an entity whose text
is empty belongs to the row above. A row with empty offsets and label is a document without entities. Where the rows
hold an id only, the option `texts` says where the texts are, and documents come in their order; the entities of the
whole table are then held in memory.

`start` is inclusive, `end` **exclusive** unless `end_inclusive`; they count Unicode code points unless `offset_unit`
says otherwise. The characters of an entity (`mention`) are checked if they are given.

Written is the table above, each text once (repeated, it would take the square of a long document). Given words and
further keys are left out and noted. A second document with the id and text of one before it is a loss, as is one
without id behind its equal: they would read as one.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from globalner.data.formats.csv_columns import CsvColumns, CsvOptions, cells_of, columns_of, separator_of
from globalner.data.formats.csv_rows import csv_rows
from globalner.data.formats.csv_texts import texts_by_id
from globalner.data.formats.format import Carries, Format, Opened, Reading, Sample, Sniff, Source, Writing
from globalner.data.formats.offset_entities import entity_at, shown
from globalner.data.formats.offset_units import TextOffsets
from globalner.errors import DataError
from globalner.types import Document, Entity

__all__ = ["CSV", "CsvOptions"]

_HEADER = ("id", "text", "start", "end", "label", "mention", "score")
# Spreadsheets and data frames write whole numbers as 12.0 in columns with empty cells.
_WHOLE_NUMBER = re.compile(r"\s*([0-9]{1,15})(?:\.0+)?\s*")
_Key = tuple[str, str]


def _sniff(sample: Sample) -> Sniff:
    header = next(iter(sample.filled), "")
    separator = separator_of(CsvOptions(), header)
    columns = columns_of(cells_of(header, separator), CsvOptions())
    fits = None not in (columns.start, columns.end, columns.label) and columns.has_place
    return Sniff(fits, "the first line names no columns of start, end, label and text")


def _open(source: Source, options: CsvOptions) -> Opened:
    header = next((line for line in source.sample_lines() if line.strip()), "")
    separator = separator_of(options, header)
    line, names = next(csv_rows(source, separator), (1, []))
    needed = ("start", "end", "label", "id" if options.texts else "text")
    try:
        columns = columns_of(names, options, needed)
    except DataError as error:
        raise DataError(error.message, path=source.path, line=line) from None
    end = "inclusive" if options.end_inclusive else "exclusive"
    evidence = f"CSV with a header: {columns.shown}; offsets in {options.offset_unit}, ends {end}"
    return Opened(evidence, _Table(columns, separator, options).documents)


@dataclass(slots=True)
class _Group:
    """The rows of one document so far; `broken` when one of them cannot be read."""

    key: _Key
    line: int
    offsets: TextOffsets
    entities: dict[tuple[int, int, str], Entity] = field(default_factory=dict)
    broken: bool = False

    @property
    def document(self) -> Document:
        return Document(self.key[1], tuple(self.entities.values()), id=self.key[0] or None)


@dataclass(frozen=True, slots=True)
class _Table:
    columns: CsvColumns
    separator: str
    options: CsvOptions

    def documents(self, reading: Reading) -> Iterator[Document]:
        groups = self._by_id(reading) if self.options.texts else self._together(reading)
        for group in groups:
            if not group.broken:
                reading.line = group.line
                yield group.document

    def _together(self, reading: Reading) -> Iterator[_Group]:
        """Groups of rows with the text in each."""
        seen: set[int] = set()
        group: _Group | None = None
        for line, row in self._rows(reading):
            key = (self._cell(row, self.columns.id), self._cell(row, self.columns.text))
            if group is not None and not key[1] and key[0] in ("", group.key[0]) and self._has_entity(row):
                key = group.key
            if group is None or key != group.key:
                if group is not None:
                    yield group
                group = self._group(key, line)
                self._check_new(key, line, seen, group, reading)
            self._take(row, line, group, reading)
        if group is not None:
            yield group

    def _by_id(self, reading: Reading) -> Iterator[_Group]:
        """Groups in the order of the texts, which stand elsewhere."""
        rows: dict[str, list[tuple[int, list[str]]]] = {}
        for line, row in self._rows(reading):
            rows.setdefault(self._cell(row, self.columns.id), []).append((line, row))
        for names, text in texts_by_id(reading, self.options.texts):
            name = next((name for name in names if name in rows), names[0])
            own = rows.pop(name, [])
            group = self._group((name, text), own[0][0] if own else 0)
            for line, row in own:
                self._take(row, line, group, reading)
            yield group
        for name, left in rows.items():
            problem = f"no text for the id {name!r} in {self.options.texts!r} ({len(left)} rows)"
            reading.reject(reading.error(problem, left[0][0]))

    def _rows(self, reading: Reading) -> Iterator[tuple[int, list[str]]]:
        rows = csv_rows(reading.source, self.separator, reading.report)
        _, header = next(rows)
        known = {getattr(self.columns, role) for role in _HEADER}
        for at, name in enumerate(header):
            if at not in known:
                reading.report.add("column that is not read", name)
        for line, row in rows:
            reading.line = line
            yield line, row

    def _group(self, key: _Key, line: int) -> _Group:
        return _Group(key, line, TextOffsets(key[1], self.options.offset_unit))

    def _check_new(self, key: _Key, line: int, seen: set[int], group: _Group, reading: Reading) -> None:
        if hash(key) in seen and key[0]:
            group.broken = True
            problem = f"rows of the document {key[0]!r} stood before other rows already; sort the table by document"
            reading.reject(reading.error(problem, line))
        elif hash(key) in seen:
            reading.report.add("text without id that stood in rows before, read as another document", f"line {line}")
        seen.add(hash(key))

    def _take(self, row: list[str], line: int, group: _Group, reading: Reading) -> None:
        try:
            entity = self._entity(row, group.offsets)
        except DataError as error:
            group.broken = True
            where = f"document {shown(group.key[0])}: " if group.key[0] else ""
            reading.reject(reading.error(f"{where}{error.message}", line))
            return
        if entity is None:
            return
        if entity.key in group.entities:
            reading.report.add("entity given twice, kept once", f"line {line}: {entity.label} {entity.text!r}")
        group.entities.setdefault(entity.key, entity)

    def _has_entity(self, row: list[str]) -> bool:
        return any(self._cell(row, at).strip() for at in (self.columns.start, self.columns.end)) or bool(
            self._cell(row, self.columns.label)
        )

    def _entity(self, row: list[str], offsets: TextOffsets) -> Entity | None:
        if len(row) != self.columns.width:
            raise DataError(f"the row has {len(row)} cells where the header has {self.columns.width}")
        start, end, label = (self._cell(row, at) for at in (self.columns.start, self.columns.end, self.columns.label))
        if not self._has_entity(row):
            return None
        if not label:
            raise DataError("the label is empty")
        span = (_whole(start, "start"), _whole(end, "end") + self.options.end_inclusive)
        found = entity_at(offsets, span, label, self._cell(row, self.columns.mention) or None)
        return Entity(found.start, found.end, label, found.text, _score(self._cell(row, self.columns.score)))

    @staticmethod
    def _cell(row: list[str], at: int | None) -> str:
        return "" if at is None or at >= len(row) else row[at]


def _whole(cell: str, name: str) -> int:
    found = _WHOLE_NUMBER.fullmatch(cell)
    if found is None:
        raise DataError(f"the {name} is {shown(cell)}; it must be a whole number")
    return int(found[1])


def _score(cell: str) -> float | None:
    if not cell.strip():
        return None
    try:
        score = float(cell)
    except ValueError:
        score = math.nan
    if not 0 <= score <= 1:
        raise DataError(f"the score is {shown(cell)}; it must be a number from 0 to 1")
    return score


class _Lines:
    """Where the csv module writes to."""

    def __init__(self, writing: Writing) -> None:
        self.write = writing.put


def _write(documents: Iterable[Document], writing: Writing, options: CsvOptions) -> None:
    if options.texts:
        raise DataError("texts=... is for reading; a table is written with its texts")
    separator = separator_of(options, suffix=writing.suffix)
    # All text is quoted: the module would leave a lone carriage return bare.
    table = csv.writer(_Lines(writing), delimiter=separator, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    table.writerow(getattr(options, role) or role for role in _HEADER)
    seen: set[int] = set()
    previous: _Key | None = None
    for document in documents:
        key = (document.id or "", document.text)
        if key == previous or (document.id and hash(key) in seen):
            writing.losses.add("document with the id and text of one before it, left out", shown(document.text))
            continue
        previous = key
        seen.add(hash(key))
        writing.note_left_out(document, keeps_id=bool(document.id), keeps_scores=True)
        text = document.text
        for cells in _cells(document, options, writing):
            table.writerow((key[0], text, *cells))
            text = ""


def _cells(document: Document, options: CsvOptions, writing: Writing) -> Iterator[tuple[object, ...]]:
    """The cells behind id and text of each row: one an entity, or empty ones where there is none."""
    offsets = TextOffsets(document.text, options.offset_unit)
    written: set[tuple[int, int, str]] = set()
    for entity in document.entities:
        if entity.key in written:
            writing.notes.add("entity given twice, written once", f"{entity.label} {entity.text!r}")
            continue
        written.add(entity.key)
        start, end = offsets.from_code_point(entity.start), offsets.from_code_point(entity.end)
        score = "" if entity.score is None else entity.score
        yield start, end - options.end_inclusive, entity.label, entity.text, score
    if not written:
        yield "", "", "", "", ""


CSV = Format(
    name="csv",
    description="CSV or TSV with a header and one entity a row: text or id, start, end, label",
    suffixes=(".csv", ".tsv"),
    options=CsvOptions,
    sniff=_sniff,
    open=_open,
    write=_write,
    carries=Carries(nested=True, crossing=True, same_span=True, scores=True, ids=True),
)
