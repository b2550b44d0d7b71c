"""How a column file is laid out: separator, number of columns, which hold words and tags, and the tagging scheme."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from globalner.data.formats.format import Sample, Source
from globalner.data.formats.tag_schemes import OUTSIDE, SchemeCounter, Tag, TagScheme, parse_tag, scheme_named
from globalner.errors import DataError

__all__ = ["ColumnLayout", "ColumnOptions", "is_border", "layout_of", "looks_like_columns"]

# Phrase chunks, which some column files carry in tags of the same look as entities.
_CHUNKS = frozenset(("NP", "VP", "PP", "ADVP", "SBAR", "ADJP", "PRT", "CONJP", "INTJ", "LST", "UCP", "NC", "VC", "PC"))
_TAG_LIKE = re.compile(r"O|[A-Za-z]{1,2}[-_].+")
_TAG_LIKE_SHARE = 0.5  # a column of tags may hold some that are wrong; columns of other things hold next to none
_BORDER = re.compile(r"-DOCSTART-(?:[ \t]|$)")
_SEPARATORS = {"tab": "\t", "space": " "}
_SEPARATOR_NAMES = {"\t": "TAB", " ": "blank"}


@dataclass(frozen=True, slots=True)
class ColumnOptions:
    """Options of column files. Columns are counted from 1, the first on the left.

    Attributes:
        separator: `tab`, `space` (one or more), or `auto`: as the file shows; when writing, TAB.
        word_column: Where the words stand; None: column 1, or column 2 where column 1 numbers the words.
        tag_columns: Where the tags stand; None: the last column, and those left of it that hold tags of entities too.
        scheme: `BIO`, `IOB1`, `IO`, `BIOES`, `BMES`, `BILUO`, or `auto`: as the file shows; when writing, BIO.
        outside_tags: When reading, tags that mark no entity, beside `O`; their words are counted.
        layers: When writing, the number of tag columns; overlapping entities need one each.
        layer_order: When writing, which of overlapping entities stands further left: `outermost_first` as in GermEval,
            or `innermost_first` as in GENIA. Reading takes either.
    """

    separator: Literal["auto", "tab", "space"] = "auto"
    word_column: int | None = None
    tag_columns: tuple[int, ...] | None = None
    scheme: str = "auto"
    outside_tags: tuple[str, ...] = ()
    layers: int = 1
    layer_order: Literal["outermost_first", "innermost_first"] = "outermost_first"

    def __post_init__(self) -> None:
        if self.separator not in ("auto", *_SEPARATORS):
            raise DataError(f"separator {self.separator!r} is unknown; there are: auto, tab, space")
        if self.layer_order not in ("outermost_first", "innermost_first"):
            raise DataError(f"layer_order {self.layer_order!r} is unknown; there are: outermost_first, innermost_first")
        if self.layers < 1:
            raise DataError(f"layers is {self.layers}; a column file has at least one column of tags")
        if self.scheme != "auto":
            scheme_named(self.scheme)


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """The layout of one file. `word` and `tags` are column indices from 0."""

    separator: str
    width: int
    word: int
    tags: tuple[int, ...]
    scheme: TagScheme
    outside_tags: tuple[str, ...] = ()
    remark: str = ""

    @property
    def evidence(self) -> str:
        """The layout in plain words, columns counted from 1."""
        *others, final = (str(column + 1) for column in self.tags)
        tags = f"{', '.join(others)} and {final}" if others else final
        return (
            f"{self.width} {_SEPARATOR_NAMES[self.separator]}-separated columns, words in column {self.word + 1}, "
            f"{self.scheme.name} tags in column{'s' * bool(others)} {tags}{self.remark}"
        )

    def split(self, line: str) -> list[str]:
        """The cells of a line."""
        return _split(line, self.separator)

    def is_comment(self, line: str, cells: Sequence[str]) -> bool:
        """Whether a line at the start of a sentence is a comment rather than a word.

        It is when it starts with `#` and has another number of columns, or when it starts with `#` and a blank or TAB
        and has nothing like a tag in its last tag column (`# id 7 domain=news`).
        """
        if len(cells) != self.width:
            return line.startswith("#")
        return line.startswith(("# ", "#\t")) and not _TAG_LIKE.fullmatch(cells[self.tags[-1]])


def is_border(line: str) -> bool:
    """Whether a line parts documents (`-DOCSTART-`, with any further columns)."""
    return line.startswith("-DOCSTART-") and _BORDER.match(line) is not None


def _split(line: str, separator: str) -> list[str]:
    if separator == "\t":
        return line.split("\t")
    cells = line.split(" ")
    return cells if "" not in cells and "\t" not in line else re.findall(r"[^ \t]+", line)


def looks_like_columns(sample: Sample) -> tuple[bool, str]:
    """Whether the lines of a sample have columns, with tags in the last; and why or why not."""
    lines = _content(sample.lines)
    if not lines:
        return False, "it has no line with columns"
    separator, width = _shape(lines, "auto")
    if width < 2:
        return False, "most lines have a single column"
    last = [cells[-1] for line in lines if len(cells := _split(line, separator)) == width]
    share = _tag_share(last)
    if share < _TAG_LIKE_SHARE:
        odd = next(value for value in last if not _TAG_LIKE.fullmatch(value))
        return False, f"the last column of most lines is not a tag such as O or B-PER (there is {odd[:40]!r})"
    return True, f"{width} columns with tags in the last"


def layout_of(source: Source, options: ColumnOptions) -> ColumnLayout:
    """Finds the layout of a file: columns from its first lines, the scheme from all of it, in one pass.

    Raises:
        DataError: If there is only one column, an option names a column that is not there, or no scheme fits.
    """
    path, sample = source.path, source.sample_lines()
    lines = _content(sample)
    if not lines:
        raise DataError("is empty: it has no line with a word and a tag", path=path)
    separator, width = _shape(lines, options.separator)
    if width < 2:
        raise DataError(
            "most lines have one column only; a column file needs a word and at least one tag on each line; "
            "text without tags is read with the format 'text'",
            path=path,
        )
    cells = [row for line in lines if len(row := _split(line, separator)) == width]
    numbered = (
        width > 2 and _tag_share([row[1] for row in cells]) < _TAG_LIKE_SHARE and _numbers_words(sample, separator)
    )
    word = int(numbered) if options.word_column is None else _checked(options.word_column, width, path) - 1
    tags, remark = _tag_columns(cells, word, options.tag_columns, path)
    scheme = scheme_named("BIO" if options.scheme == "auto" else options.scheme)
    layout = ColumnLayout(separator, width, word, tags, scheme, options.outside_tags, remark)
    return layout if options.scheme != "auto" else replace(layout, scheme=_scheme(source, layout))


def _content(lines: Sequence[str]) -> list[str]:
    """Lines that hold words: not blank, no borders, and no comments unless there is nothing else."""
    filled = [line for line in lines if line.strip() and not is_border(line)]
    return [line for line in filled if not line.startswith("#")] or filled


def _shape(lines: Sequence[str], separator: str) -> tuple[str, int]:
    """Separator and number of columns of most lines."""
    if separator == "auto":
        char = "\t" if 2 * sum("\t" in line for line in lines) >= len(lines) else " "
    else:
        char = _SEPARATORS[separator]
    widths = Counter(len(_split(line, char)) for line in lines)
    return char, widths.most_common(1)[0][0]


def _tag_share(values: Sequence[str]) -> float:
    return sum(_TAG_LIKE.fullmatch(value) is not None for value in values) / len(values)


def _numbers_words(sample: Sequence[str], separator: str) -> bool:
    """Whether the first column counts the words of each sentence from 1."""
    expected = 1
    for line in sample:
        if not line.strip() or is_border(line):
            expected = 1
        elif not line.startswith("#"):
            if _split(line, separator)[0] != str(expected):
                return False
            expected += 1
    return True


def _tag_columns(
    rows: Sequence[Sequence[str]], word: int, wanted: tuple[int, ...] | None, path: Path
) -> tuple[tuple[int, ...], str]:
    """Indices of the tag columns, and what to remark about them."""
    width = len(rows[0])
    if wanted is not None:
        columns = tuple(sorted({_checked(column, width, path) - 1 for column in wanted}))
        if not columns or word in columns:
            raise DataError(f"tag columns {wanted} must be some, and not the column of the words", path=path)
        return columns, ""
    first = width - 1
    while first - 1 > word:
        values = [row[first - 1] for row in rows]
        if _tag_share(values) < _TAG_LIKE_SHARE:
            break
        labels = {value[2:] for value in values if _TAG_LIKE.fullmatch(value)} - {""}
        if labels and labels <= _CHUNKS:
            shown = ", ".join(sorted(labels)[:3])
            return tuple(range(first, width)), f"; column {first} holds phrase chunks ({shown}), not entities"
        first -= 1
    return tuple(range(first, width)), ""


def _checked(column: int, width: int, path: Path) -> int:
    if not 1 <= column <= width:
        raise DataError(f"there is no column {column}; columns are counted from 1 and there are {width}", path=path)
    return column


def _scheme(source: Source, layout: ColumnLayout) -> TagScheme:
    counter = SchemeCounter()
    for numbers, rows in _sentences(source, layout):
        for column in layout.tags:
            counter.add([_tag_or_outside(row[column], layout.outside_tags) for row in rows], numbers)
    try:
        return counter.scheme()
    except DataError as error:
        raise DataError(error.message, path=source.path) from None


def _sentences(source: Source, layout: ColumnLayout) -> Iterator[tuple[list[int], list[list[str]]]]:
    """Sentences as line numbers and cells, without the lines that reading will refuse."""
    numbers: list[int] = []
    rows: list[list[str]] = []
    for number, line in source.lines():
        if not line.strip() or is_border(line):
            if rows:
                yield numbers, rows
                numbers, rows = [], []
        elif len(cells := layout.split(line)) == layout.width:
            numbers.append(number)
            rows.append(cells)
    if rows:
        yield numbers, rows


def _tag_or_outside(text: str, outside_tags: tuple[str, ...]) -> Tag:
    if text == "O" or text in outside_tags:
        return OUTSIDE
    try:
        return parse_tag(text)
    except DataError:
        return OUTSIDE
