"""brat standoff: folders of texts and annotations, whole and broken."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.data.documents import read_documents, write_documents
from globalner.data.formats.brat import BratOptions
from globalner.data.formats.offset_units import OffsetUnit
from globalner.errors import DataError
from globalner.types import Document, Entity

ADA = "Ada Byron left London."
ADA_ANN = "T1\tPER 0 9\tAda Byron\nT2\tLOC 15 21\tLondon\n"


def _folder(folder: Path, **files: str) -> Path:
    """A folder of files; `_` before the suffix in a name stands for the dot."""
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content.encode("utf-8"))
    return folder


def _spans(document: Document) -> list[tuple[str, str]]:
    return [(entity.label, entity.text) for entity in document.entities]


def test_a_folder_and_its_folders_are_read_in_order_of_numbers(tmp_path: Path) -> None:
    _folder(tmp_path, a10_txt="B", a10_ann="", a2_txt=ADA, a2_ann=ADA_ANN, readme_md="x")
    (tmp_path / "more").mkdir()
    _folder(tmp_path / "more", x_txt="Ed", x_ann="T1\tPER 0 2\tEd")
    (tmp_path / ".stats").mkdir()
    _folder(tmp_path / ".stats", x_ann="broken")
    reader = read_documents(tmp_path)
    documents = list(reader)
    assert reader.format == "brat"
    assert [document.id for document in documents] == ["a2", "a10", "more/x"]
    assert _spans(documents[0]) == [("PER", "Ada Byron"), ("LOC", "London")]
    assert not reader.report


@pytest.mark.parametrize("name", ["a.ann", "a.txt"])
def test_one_file_is_read_with_its_partner(tmp_path: Path, name: str) -> None:
    _folder(tmp_path, a_txt=ADA, a_ann=ADA_ANN, b_txt="x")
    (document,) = read_documents(tmp_path / name, "brat")
    assert (document.id, len(document.entities)) == ("a", 2)
    (tmp_path / "a.ann").write_text(ADA_ANN + "T3 broken", "utf-8")
    reader = read_documents(tmp_path / "a.ann")
    assert [len(document.entities) for document in reader] == [2]
    assert "such as a.ann:3: 'T3 broken'" in reader.report.lines()[0]
    assert reader.format == "brat"
    assert read_documents(tmp_path / "a.txt").format == "text"


def test_folders_of_something_else_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no known format.*brat: no file is named \.ann"):
        read_documents(tmp_path)
    with pytest.raises(DataError, match="is empty: it holds no document"):
        list(read_documents(tmp_path, "brat"))
    with pytest.raises(DataError, match="is a file, but the format 'brat'"):
        read_documents(_folder(tmp_path, a_jsonl="{}") / "a.jsonl", "brat")


def test_files_without_partner(tmp_path: Path) -> None:
    reader = read_documents(_folder(tmp_path, a_txt="\ufeffno one", b_ann=ADA_ANN, c_txt="", c_ann=""))
    rejected: list[DataError] = []
    assert list(reader.readable(rejected)) == [Document("no one", id="a"), Document("", id="c")]
    assert reader.report.counts == {"text without an .ann file, read as a document without entities": 1}
    assert reader.report.notes == ["a byte order mark at the start of the file was skipped"]
    assert [str(error) for error in rejected] == [f"{tmp_path / 'b.ann'}: has no text beside it: b.txt is missing"]
    with pytest.raises(DataError, match=r"b\.ann: has no text"):
        list(reader)


LINES = [
    ("T1\tPER 0 9\tAda Byron\textra", [], "annotation whose text is not what its offsets slice, left out"),
    ("T1\tPER 0 3", [("PER", "Ada")], "annotation without its text, kept by its offsets"),
    ("T1\tPER 0 8\tAda Byron", [], "it fits if ends are inclusive"),
    ("T1\tPER 1 10\tAda Byron", [], "it fits if offsets count from 1"),
    ("T1\tPER 0 99\tAda", [], "offset 99 lies outside the text"),
    ("T1\tPER 5 5\t", [], "the end 5 must be above the start 5"),
    ("T1\tPER 5 2\tx", [], "the end 2 must be above the start 5"),
    ("T1\tPER -1 2\tx", [], "broken line"),
    ("T1\tPER 0 1e3\tx", [], "broken line"),
    ("T1 PER 0 3 Ada", [], "broken line"),
    ("T1\tPER", [], "broken line"),
    ("T1\tPER 0 " + "9" * 20 + "\tAda", [], "broken line"),
    ("Q1\tPER 0 3\tAda", [], "broken line"),
    ("\x00\x01", [], "broken line"),
    ("E1\tBirth:T1 Child:T2", [], "event (E) line, which holds no entity, not read"),
    ("R1\tFamily Arg1:T1 Arg2:T2\t", [], "relation (R) line"),
    ("A1\tNegation E1", [], "attribute (A) line"),
    ("M1\tNegation E1", [], "modification (M) line"),
    ("N1\tReference T1 Wikipedia:1\tAda", [], "normalisation (N) line"),
    ("*\tEquiv T1 T2", [], "equivalence (*) line"),
    ("#1\tAnnotatorNotes T1\tsure?", [], "note (#) line"),
    ("T1\tPER 0 3;4 9\tAda Byron", [("PER", "Ada Byron")], "entity in pieces with at most blanks between them"),
    ("T1\tPER 0 3;15 21\tAda London", [("PER", ADA[:21])], "discontinuous entity, read as its hull"),
    ("T1\tPER 15 21;0 3\tAda London", [("PER", ADA[:21])], "discontinuous entity, read as its hull"),
    ("T1\tPER 0 9\tAdaByron", [("PER", "Ada Byron")], "other blanks than the document"),
    ("T1\tPER 0 9\tAda\nByron", [("PER", "Ada Byron")], "goes on in the next line, joined"),
    ("T1\tPER 0 3\tAda\nByron", [("PER", "Ada")], "broken line"),
]


@pytest.mark.parametrize(("line", "spans", "reason"), LINES)
def test_a_line_costs_no_more_than_itself(tmp_path: Path, line: str, spans: list[tuple[str, str]], reason: str) -> None:
    ann = f"T8\tLOC 15 21\tLondon\n\n{line}\n\nT9\tACT 10 14\tleft\n"
    reader = read_documents(_folder(tmp_path, a_txt=ADA, a_ann=ann))
    (document,) = reader
    assert _spans(document) == [("LOC", "London"), *spans, ("ACT", "left")]
    (shown,) = reader.report.lines()
    assert reason in shown
    assert "a.ann:" in shown
    assert reader.report.counts.keys() == reader.report.examples.keys()


FAULTS = [(line, reason) for line, _, reason in LINES if ") line" not in reason and "at most blanks" not in reason]


@pytest.mark.parametrize(("line", "reason"), FAULTS)
def test_strict_names_the_line_and_collects_all(tmp_path: Path, line: str, reason: str) -> None:
    ann = f"{line}\nT9\tACT 10 14\tleft\nT77 broken\n"
    reader = read_documents(_folder(tmp_path, a_txt=ADA, a_ann=ann), strict=True)
    rejected: list[DataError] = []
    assert [document.id for document in reader.readable(rejected)] == ["a"]
    assert {error.path for error in rejected} == {str(tmp_path / "a.ann")}
    assert len(rejected) == 2
    mine, last = sorted(rejected, key=lambda error: error.line or 0)
    assert last.message.startswith("broken line, left out")
    assert mine.line in (1, 2)
    assert reason in mine.message
    with pytest.raises(DataError, match=r"a\.ann:\d: "):
        list(reader)


def test_choices(tmp_path: Path) -> None:
    ann = "T1\tPER 0 3;15 21\tAda London\nT2\tPER 4 9\tBiron\n"
    path = _folder(tmp_path, a_txt=ADA, a_ann=ann)
    reader = read_documents(path, options=BratOptions(discontinuous="drop", text_mismatch="keep"))
    (document,) = reader
    assert _spans(document) == [("PER", "Byron")]
    assert list(reader.report.counts) == [
        "discontinuous entity, left out",
        "annotation whose text is not what its offsets slice, kept by its offsets",
    ]


def test_line_breaks_and_tabs_in_entities_stand_as_blanks(tmp_path: Path) -> None:
    text = "Ada\nByron\tand\r\nCy\u2028D"
    document = Document(text, (Entity(0, 9, "PER"), Entity(4, 13, "PER"), Entity(10, 19, "X")), id="a")
    write_documents([document], tmp_path / "out", "brat")
    ann = (tmp_path / "out" / "a.ann").read_text("utf-8")
    assert ann == "T1\tPER 0 9\tAda Byron\nT2\tPER 4 13\tByron and\nT3\tX 10 19\tand  Cy D\n"
    reader = read_documents(tmp_path / "out")
    assert list(reader) == [document]
    assert not reader.report


def test_annotations_twice_are_kept_once(tmp_path: Path) -> None:
    reader = read_documents(_folder(tmp_path, a_txt=ADA, a_ann="T1\tPER 0 3\tAda\nT2\tPER 0 3\tAda\nT3\tX 0 3\tAda\n"))
    (document,) = reader
    assert _spans(document) == [("PER", "Ada"), ("X", "Ada")]
    assert reader.report.counts == {"entity given twice, kept once": 1}


@pytest.mark.parametrize(
    ("text", "ann", "read", "reason"),
    [
        ("A\r\nBob\r\n", "T1\tP 3 6\tBob\r\n", "A\r\nBob\r\n", None),
        (
            "A\r\nBob\r\n",
            "T1\tP 2 5\tBob\n",
            "A\nBob\n",
            "text whose offsets count CR LF as one character, read with LF",
        ),
        ("\ufeffBob", "\ufeffT1\tP 0 3\tBob\n", "Bob", None),
        ("\ufeffBob", "T1\tP 1 4\tBob", "\ufeffBob", "text whose offsets count its byte order mark"),
        ("\ufeffA\r\n\r\nBob", "T1\tP 4 7\tBob", "\ufeffA\n\nBob", "text whose offsets count CR LF as one character"),
    ],
)
def test_the_text_is_read_as_the_offsets_count_it(
    tmp_path: Path, text: str, ann: str, read: str, reason: str | None
) -> None:
    reader = read_documents(_folder(tmp_path, a_txt=text, a_ann=ann))
    (document,) = reader
    assert document.text == read
    assert _spans(document) == [("P", "Bob")]
    assert len(reader.report.counts) == (reason is not None)
    assert (reason or "") in "".join(reader.report.counts)


@pytest.mark.parametrize(("unit", "start", "end"), [("code_point", 2, 5), ("utf16", 3, 6), ("byte", 5, 8)])
def test_offsets_in_every_unit(tmp_path: Path, unit: OffsetUnit, start: int, end: int) -> None:
    path = _folder(tmp_path, a_txt="🎉 Bob", a_ann=f"T1\tP {start} {end}\tBob\n")
    (document,) = read_documents(path, options=BratOptions(offset_unit=unit))
    assert _spans(document) == [("P", "Bob")]
    if unit != "code_point":
        reader = read_documents(path)
        assert [document.entities for document in reader] == [()]
        assert f"it fits if offsets count {unit}" in str(_strict_error(path))


def _strict_error(path: Path) -> DataError:
    rejected: list[DataError] = []
    list(read_documents(path, strict=True).readable(rejected))
    (error,) = rejected
    return error


def test_other_encodings_and_bytes_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("Zoë\r\nx".encode("latin-1"))
    (tmp_path / "a.ann").write_bytes("T1\tP 0 3\tZoë\n".encode("latin-1"))
    (tmp_path / "b.txt").write_bytes(b"Bob")
    (document, _) = read_documents(tmp_path, encoding="latin-1")
    assert (document.text, _spans(document)) == ("Zoë\r\nx", [("P", "Zoë")])
    reader, rejected = read_documents(tmp_path), list[DataError]()
    assert [document.id for document in reader.readable(rejected)] == ["b"]
    assert "a.txt:1: is not UTF-8: byte 0xeb at offset 2" in str(rejected[0])
    reader = read_documents(tmp_path, errors="replace")
    assert [document.text for document in reader] == ["Zo\ufffd\r\nx", "Bob"]
    assert reader.report.counts["file with bytes that are not utf-8, read as U+FFFD"] == 1


# Anything may stand in a file

_PIECES = st.sampled_from(
    ["T1", "T2", "\t", " ", "\n", "PER", "0", "3", "4 9", ";", "Ada", "Byron", "#", "*", "R1", "E", "\r\n", "-", "\x00"]
)


@given(st.lists(_PIECES | st.text(max_size=3), max_size=40).map("".join), st.booleans())
@settings(derandomize=True, max_examples=300, deadline=None)
def test_any_ann_file_gives_a_document_or_an_error(ann: str, strict: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.txt").write_bytes(ADA.encode())
        (Path(folder) / "a.ann").write_bytes(ann.encode("utf-8", "surrogatepass"))
        reader, rejected = read_documents(Path(folder), "brat", strict=strict), list[DataError]()
        documents = list(reader.readable(rejected))
    assert documents or rejected
    for document in documents:
        assert all(ADA[entity.start : entity.end] == entity.text for entity in document.entities)
