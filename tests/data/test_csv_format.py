"""CSV with offsets: columns by many names, texts in the rows or elsewhere, every unit of offsets."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.data.documents import read_documents, write_documents
from globalner.data.formats.csv_offsets import CsvOptions
from globalner.data.formats.offset_units import OFFSET_UNITS, OffsetUnit
from globalner.errors import DataError
from globalner.types import Document, Entity

ADA = Document("Ada left London.", (Entity(0, 3, "PER"), Entity(9, 15, "LOC", score=0.5)), id="7")
TABLE = """id,text,start,end,label,mention,score
7,Ada left London.,0,3,PER,Ada,
7,Ada left London.,9,15,LOC,London,0.5

8,"Nothing, here.",,,,,
"""


def _file(folder: Path, content: str, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode("utf-8"))
    return path


def test_a_table_is_told_by_its_header(tmp_path: Path) -> None:
    reader = read_documents(_file(tmp_path, TABLE, "a.dat"))
    lines = [(document, reader.line) for document in reader]
    assert reader.format == "csv"
    assert "text in column 2" in reader.evidence
    assert lines == [(ADA, 2), (Document("Nothing, here.", id="8"), 5)]
    assert not reader.report


@pytest.mark.parametrize("separator", ["\t", ";", "|", ","])
@pytest.mark.parametrize(
    "header",
    [
        ("Text", "Begin", "End", "Entity Type"),
        ("sentence", "start_offset", "end_offset", "label"),
        ("document-text", "START_CHAR", "END_CHAR", "type"),
    ],
)
def test_names_and_separators_in_use(tmp_path: Path, header: tuple[str, ...], separator: str) -> None:
    rows = [header, ("Ada, Bob; Cy", "0", "3", "PER"), ("Ada, Bob; Cy", "10.0", "12.0", "PER"), ("x", "", "", "")]
    quoted = "\r\n".join(separator.join(f'"{cell}"' for cell in row) for row in rows)
    reader = read_documents(_file(tmp_path, "\ufeff" + quoted, "a.tsv"))
    documents = list(reader)
    assert reader.format == "csv"
    assert [[entity.text for entity in document.entities] for document in documents] == [["Ada", "Cy"], []]
    assert [document.id for document in documents] == [None, None]
    assert reader.report.lines() == ["a byte order mark at the start of the file was skipped"]


def test_columns_by_option(tmp_path: Path) -> None:
    path = _file(tmp_path, "a,b,c,d,more\nAda,0,2,PER,x\n")
    options = CsvOptions(text="a", start="b", end="c", label="d", end_inclusive=True)
    reader = read_documents(path, options=options)
    assert list(reader) == [Document("Ada", (Entity(0, 3, "PER"),))]
    assert reader.report.counts == {"column that is not read": 1}
    with pytest.raises(DataError, match=r"a\.csv:1: has no column 'Text', which the option 'text' names"):
        read_documents(path, options=replace(options, text="Text"))
    with pytest.raises(DataError, match=r"has no column for the start \(such as start, begin.*there are 'a', 'b'"):
        read_documents(path, "csv")


@pytest.mark.parametrize("unit", OFFSET_UNITS)
def test_texts_that_stand_elsewhere(tmp_path: Path, unit: OffsetUnit) -> None:
    start = {"code_point": 2, "utf16": 3, "byte": 5}[unit]
    path = _file(tmp_path, f"doc,start,end,label\nb,0,1,X\na,{start},{start + 3},PER\nz,0,1,X\nz,0,1,Y\n")
    _file(tmp_path, 'document_id;content\na;"🎉 Ada"\nc;Cy\nb;Bob\nbroken\n', "texts.csv")
    folder = tmp_path / "texts"
    folder.mkdir()
    for name, text in (("a.txt", "🎉 Ada"), ("c.txt", "Cy"), ("b.txt", "\ufeffBob")):
        _file(folder, text, name)
    for texts in ("texts.csv", "texts", str(folder)):
        reader = read_documents(path, options=CsvOptions(texts=texts, offset_unit=unit))
        rejected: list[DataError] = []
        documents = sorted(reader.readable(rejected), key=lambda document: str(document.id))
        assert [(document.id, len(document.entities)) for document in documents] == [("a", 1), ("b", 1), ("c", 0)]
        assert documents[0].entities[0].text == "Ada"
        assert "no text for the id 'z'" in str(rejected[-1])
        assert len(rejected) == (2 if texts == "texts.csv" else 1)
    with pytest.raises(DataError, match=r"has no column for the text .* or say where the texts are"):
        read_documents(path, "csv")
    with pytest.raises(DataError, match="no such file"):
        list(read_documents(path, options=CsvOptions(texts="nowhere.csv")))
    with pytest.raises(DataError, match=r"a\.csv:1: has no column for the text"):
        list(read_documents(path, options=CsvOptions(texts="a.csv")))


BAD = [
    ("7,Ada,x,3,PER,,", "document '7': the start is 'x'; it must be a whole number"),
    ("7,Ada,0,-3,PER,,", "the end is '-3'"),
    ("7,Ada,0," + "9" * 20 + ",PER,,", "the end is '9+'; it must be"),
    ("7,Ada,0,,PER,,", "the end is ''"),
    ("7,Ada,0,3,,,", "the label is empty"),
    ("7,Ada,0,9,PER,,", "offset 9 lies outside the text"),
    ("7,Ada,3,3,PER,,", "the end must be above the start"),
    ("7,Ada,0,2,PER,Ada,", "says 'Ada', but the text there is 'Ad'; it fits if ends are inclusive"),
    ("7,Ada,0,3,PER,,2", "the score is '2'"),
    ("7,Ada,0,3,PER,,nan", "the score is 'nan'"),
    ("7,Ada,0,3,PER", "the row has 5 cells where the header has 7"),
    ("7", "the row has 1 cells where the header has 7"),
    ("6,Ad,,,,,", "rows of the document '6' stood before other rows already; sort the table"),
]


@pytest.mark.parametrize(("row", "message"), BAD)
def test_a_row_that_cannot_be_read_costs_its_document(tmp_path: Path, row: str, message: str) -> None:
    table = f"id,text,start,end,label,mention,score\n6,Ad,,,,,\n7,Ada,0,1,X,,\n{row}\n8,Ed,,,,,\n"
    reader, rejected = read_documents(_file(tmp_path, table)), list[DataError]()
    left = [document.id for document in reader.readable(rejected)]
    assert left in (["6", "8"], ["6", "7", "8"])
    assert [error.line for error in rejected] == [4]
    with pytest.raises(DataError, match=message):
        list(reader)


def test_an_entity_without_text_belongs_to_the_row_above(tmp_path: Path) -> None:
    table = (
        "id,text,start,end,label\n7,Ada left London.,0,3,PER\n7,,9,15,LOC\n,,0,1,X\n8,,,,\n"
        "9,Bob left.,0,3,PER\n10,,0,3,PER\n"
    )
    reader, rejected = read_documents(_file(tmp_path, table)), list[DataError]()
    documents = list(reader.readable(rejected))
    assert [(document.id, len(document.entities)) for document in documents] == [("7", 3), ("8", 0), ("9", 1)]
    assert [error.line for error in rejected] == [7]


def test_broken_quotation_is_named_by_its_row(tmp_path: Path) -> None:
    reader = read_documents(_file(tmp_path, 'text,start,end,label\n"a\nb",0,1,X\n"cut off,0,1,X\n\n'))
    with pytest.raises(DataError, match=r"a\.csv:4: is not CSV: unexpected end of data"):
        list(reader)


def test_documents_that_look_alike(tmp_path: Path) -> None:
    table = "text,start,end,label\nAda,0,3,PER\nAda,0,3,PER\nBob,0,3,PER\nAda,0,1,X\n"
    reader = read_documents(_file(tmp_path, table))
    assert [len(document.entities) for document in reader] == [1, 1, 1]
    assert list(reader.report.counts) == [
        "entity given twice, kept once",
        "text without id that stood in rows before, read as another document",
    ]


def test_long_texts_and_other_encodings(tmp_path: Path) -> None:
    text = "Zoë\r\n" + "x" * 300_000
    write_documents([Document(text, (Entity(0, 3, "PER"),))], tmp_path / "a.csv")
    assert [document.text for document in read_documents(tmp_path / "a.csv")] == [text]
    raw = (tmp_path / "a.csv").read_text("utf-8")
    (tmp_path / "b.csv").write_bytes(raw.encode("utf-16"))
    assert len(list(read_documents(tmp_path / "b.csv", encoding="utf-16"))) == 1
    (tmp_path / "c.csv").write_bytes("text,start,end,label\nZoë,0,2,PER\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"c\.csv:2: is not UTF-8"):
        list(read_documents(tmp_path / "c.csv", "csv"))
    reader = read_documents(tmp_path / "c.csv", errors="replace")
    assert [document.text for document in reader] == ["Zo\ufffd"]
    assert reader.report.counts == {"row with bytes that are not utf-8, read as U+FFFD": 1}


@pytest.mark.parametrize(
    "content", ["x" * 200_000, '"' + "x" * 200_000, "start,end,label\n", "text,start,label\n", '"']
)
def test_other_files_are_not_taken_for_tables(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError, match="csv: the first line names no columns of start, end, label and text"):
        read_documents(_file(tmp_path, content + "\nx\n", "a.dat"))


# Writing

_CHARACTERS = st.characters(exclude_categories=["Cs"]) | st.sampled_from("\ufeff\u2028\r\n\t,;|'\"\\👩\u200d\x00𝔸")
_TEXTS = st.text(_CHARACTERS, max_size=20)


@st.composite
def _documents(draw: st.DrawFn) -> Document:
    text = draw(_TEXTS)
    edges = st.lists(st.integers(0, len(text)), min_size=2, max_size=2, unique=True).map(sorted)
    cells = st.tuples(edges, st.text(_CHARACTERS, min_size=1, max_size=4), st.none() | st.floats(0, 1))
    spans = draw(st.lists(cells, max_size=6)) if text else []
    entities = {(start, end, label): Entity(start, end, label, "", score) for (start, end), label, score in spans}
    return Document(text, tuple(entities.values()), id=draw(st.none() | _TEXTS.filter(bool)))


@given(
    st.lists(_documents(), min_size=1, max_size=4, unique_by=lambda document: document.text),
    st.sampled_from(OFFSET_UNITS),
    st.booleans(),
    st.sampled_from(["auto", "comma", "tab", "semicolon", "bar"]),
)
@settings(derandomize=True, max_examples=200, deadline=None)
def test_csv_reads_back_what_it_wrote(
    documents: list[Document], unit: OffsetUnit, end_inclusive: bool, separator: str
) -> None:
    options = CsvOptions(offset_unit=unit, end_inclusive=end_inclusive, separator=separator)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out.tsv"
        assert not write_documents(documents, path, options=options)
        reader = read_documents(path, options=options)
        assert list(reader) == documents
        assert not [reason for reason in reader.report.counts if "NUL" not in reason]
        told = read_documents(path, options=replace(options, separator="auto"))
        assert list(told) == documents
        assert read_documents(path).format == "csv"


def test_what_is_written(tmp_path: Path) -> None:
    write_documents([ADA, Document("x\ty")], tmp_path / "a.tsv")
    assert (tmp_path / "a.tsv").read_text("utf-8") == (
        '"id"\t"text"\t"start"\t"end"\t"label"\t"mention"\t"score"\n'
        '"7"\t"Ada left London."\t0\t3\t"PER"\t"Ada"\t""\n'
        '"7"\t""\t9\t15\t"LOC"\t"London"\t0.5\n'
        '""\t"x\ty"\t""\t""\t""\t""\t""\n'
    )
    options = CsvOptions(text="T", label="L", end_inclusive=True)
    write_documents([ADA], tmp_path / "a.csv", options=options)
    assert (tmp_path / "a.csv").read_text("utf-8").startswith('"id","T","start","end","L","mention","score"\n')
    assert list(read_documents(tmp_path / "a.csv", options=options)) == [ADA]


def test_what_a_table_cannot_hold(tmp_path: Path) -> None:
    twice = [ADA, Document("x", id="1"), ADA, Document("y"), Document("y"), Document("x"), Document("y")]
    with pytest.raises(DataError, match="document with the id and text of one before it, left out: 2"):
        write_documents(twice, tmp_path / "a.csv")
    report = write_documents(twice, tmp_path / "a.csv", lossy=True)
    assert report.counts == {"document with the id and text of one before it, left out": 2}
    assert [document.text for document in read_documents(tmp_path / "a.csv")] == [ADA.text, "x", "y", "x", "y"]
    full = Document("Ada", (Entity(0, 3, "P"), Entity(0, 3, "P")), id="", tokens=((0, 3),), extra={"meta": 1})
    assert sum(write_documents([full], tmp_path / "b.csv").counts.values()) == 4
    with pytest.raises(DataError, match="is for reading"):
        write_documents([ADA], tmp_path / "c.csv", options=CsvOptions(texts="x"))


_PIECES = st.sampled_from(["Ada", ",", "\t", "\n", '"', "0", "3", "PER", "1.0", " ", "\r", "x", "\x00"])


@given(st.lists(_PIECES | st.text(max_size=2), max_size=40).map("".join))
@settings(derandomize=True, max_examples=300, deadline=None)
def test_any_rows_give_documents_or_an_error(rows: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(("text,start,end,label\nAda,0,3,PER\n" + rows).encode("utf-8", "surrogatepass"))
        rejected: list[DataError] = []
        try:
            documents = list(read_documents(path, "csv").readable(rejected))
        except DataError as error:  # broken quotation, behind which nothing can be read
            rejected.append(error)
        else:
            assert documents or rejected
