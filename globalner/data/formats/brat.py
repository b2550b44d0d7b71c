"""brat standoff: a folder of pairs `NAME.txt` and `NAME.ann`, folders inside it too.

    a/1.txt    Ada Byron left London.
    a/1.ann    T1	PER 0 9	Ada Byron
               T2	LOC 15 21	London

A `T` line is a name, a TAB, the type and the offsets, a TAB, and the text. Offsets count code points of the `.txt` file
as it stands (a CR LF is two), the end **exclusive**; the option `offset_unit` says otherwise. Line breaks in the text
of an entity are written as blanks. A discontinuous entity has several pairs of offsets, `T3<TAB>PER 0 3;10 15<TAB>...`:
with nothing or blanks between the pieces it is one entity, else the option `discontinuous` says what becomes of it.

Documents come in the order of their paths, numbers by value; the id of a document is its path in the folder without the
suffix. A `.txt` without `.ann` is a document without entities, which is counted; files whose name begins with a dot are
not read. Events, relations, attributes, normalisations, equivalences and notes are counted and not read. A broken line
costs no more than itself: it is counted with its file and line. One `.ann` or `.txt` file can be read alone, with its
partner beside it.

Written is one pair a document, under its id as far as that makes a safe path, else a changed or numbered one, which is
noted; a document without an id is named by its number. A label with white space is a loss: brat has no place for it.
The form has no place for scores, given words and further keys; these are left out and noted.

The form is described at https://brat.nlplab.org/standoff.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from globalner.data.formats.brat_entities import AnnReader, BratOptions, count_broken
from globalner.data.formats.brat_lines import TextBound, ann_lines, as_written
from globalner.data.formats.document_files import DocumentFiles, natural_order
from globalner.data.formats.format import Carries, Format, Opened, Reading, Sample, Sniff, Source, Writing
from globalner.data.formats.offset_units import TextOffsets
from globalner.errors import DataError
from globalner.types import Document

__all__ = ["BRAT", "BratOptions"]

_SUFFIXES = (".ann", ".txt")
_BLANKS = re.compile(r"\s")
_Pair = dict[str, Path]


def _sniff(sample: Sample) -> Sniff:
    if sample.path.is_dir():
        return Sniff(any(name.lower().endswith(".ann") for name in sample.names), "no file is named .ann")
    return Sniff(sample.suffix == ".ann", "neither a folder nor named .ann")


def _open(source: Source, options: BratOptions) -> Opened:
    what = "folder of .txt and .ann files" if source.path.is_dir() else "a pair of .txt and .ann"
    return Opened(f"brat standoff, {what}, offsets in {options.offset_unit}", partial(_read, options))


def _read(options: BratOptions, reading: Reading) -> Iterator[Document]:
    for name, pair in _pairs(reading.path):
        try:
            document = _document(name, pair, reading, options)
        except DataError as error:
            reading.reject(error)
        else:
            yield document


def _pairs(path: Path) -> Iterator[tuple[str, _Pair]]:
    """The files of each document, by suffix, with the document's id."""
    if not path.is_dir():
        partners = (path.with_suffix(suffix) for suffix in _SUFFIXES if suffix != path.suffix.lower())
        yield path.stem, {file.suffix.lower(): file for file in (path, *partners) if file.is_file()}
        return
    pairs: dict[str, _Pair] = {}
    for file in path.rglob("*"):
        place = file.relative_to(path)
        hidden = any(part.startswith(".") for part in place.parts)
        if not hidden and file.suffix.lower() in _SUFFIXES and file.is_file():
            pairs.setdefault(place.with_suffix("").as_posix(), {})[file.suffix.lower()] = file
    yield from sorted(pairs.items(), key=lambda item: natural_order(item[0]))


def _document(name: str, pair: _Pair, reading: Reading, options: BratOptions) -> Document:
    if ".txt" not in pair:
        raise DataError(f"has no text beside it: {Path(name).name}.txt is missing", path=pair[".ann"])
    content = reading.of(pair[".txt"]).source.text(reading.report)
    if ".ann" not in pair:
        reading.report.add("text without an .ann file, read as a document without entities", f"{name}.txt")
    ann = AnnReader(reading.of(pair.get(".ann", pair[".txt"])), options)
    bounds = _text_bounds(ann.reading) if ".ann" in pair else []
    offsets = ann.text_for(content, bounds)
    return Document(offsets.text, tuple(ann.entities(offsets, bounds)), id=name)


def _text_bounds(reading: Reading) -> list[TextBound]:
    bounds = []
    for line in ann_lines(reading.lines()):
        if isinstance(line, TextBound):
            bounds.append(line)
        elif line.kind:
            example = f"{reading.place(line.line)}: {line.content}"
            reading.report.add(f"{line.kind} line, which holds no entity, not read", example)
        else:
            count_broken(reading, line.content, line.line)
    return bounds


def _write(documents: Iterable[Document], writing: Writing, options: BratOptions) -> None:
    assert writing.path is not None
    files = DocumentFiles(_SUFFIXES)
    for document in documents:
        writing.note_left_out(document, keeps_id=True)
        name = files.path(document.id)
        if document.id not in (None, name):
            writing.notes.add("document id that is no free file name, changed", f"{document.id!r} to {name!r}")
        folder = (writing.path / name).parent
        folder.mkdir(parents=True, exist_ok=True)
        _put(writing.path / f"{name}.txt", document.text)
        _put(writing.path / f"{name}.ann", "".join(_lines(document, writing, options)))


def _put(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8", newline="") as file:
        Writing(file, path).put(text)


def _lines(document: Document, writing: Writing, options: BratOptions) -> Iterator[str]:
    offsets = TextOffsets(document.text, options.offset_unit)
    written = set()
    for entity in document.entities:
        if entity.key in written:
            writing.notes.add("entity given twice, written once", f"{entity.label} {entity.text!r}")
            continue
        written.add(entity.key)
        label = _BLANKS.sub("_", entity.label)
        if label != entity.label:
            writing.losses.add("label with white space, which becomes _", repr(entity.label))
        start, end = offsets.from_code_point(entity.start), offsets.from_code_point(entity.end)
        yield f"T{len(written)}\t{label} {start} {end}\t{as_written(entity.text)}\n"


BRAT = Format(
    name="brat",
    description="brat standoff: a folder of .txt and .ann files, nested entities included",
    suffixes=(),
    options=BratOptions,
    sniff=_sniff,
    open=_open,
    write=_write,
    carries=Carries(nested=True, crossing=True, same_span=True, ids=True),
    kind="folder",
    members=_SUFFIXES,
)
