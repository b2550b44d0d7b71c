"""What people's files hold beside data: one clear message, or a count in the report, and the text stays exact."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

import pytest

from globalner.data import read_documents, write_documents
from globalner.data.formats import FORMATS
from globalner.data.formats.columns import ColumnOptions
from globalner.errors import DataError, OutputError
from globalner.types import Document, Entity

TEXTUAL = [form for form in FORMATS.values() if form.kind == "text"]
"""Formats of one value or table, in which a line end is a blank like others."""
DOCUMENTS = [Document("Ada met Bob", (Entity(0, 3, "pro"),)), Document("Cy", (Entity(0, 2, "pro"),))]


def _written(tmp_path: Path, name: str, documents: list[Document] = DOCUMENTS) -> Path:
    path = tmp_path / f"data{(*FORMATS[name].suffixes, '')[0]}"
    write_documents(documents, path, name, lossy=True)
    return path


@pytest.mark.parametrize("name", [form.name for form in TEXTUAL])
def test_a_byte_order_mark_and_cr_lf_are_noted(tmp_path: Path, name: str) -> None:
    path = _written(tmp_path, name)
    expected = list(read_documents(path, name))
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes().replace(b"\n", b"\r\n"))
    reader = read_documents(path, name)
    assert list(reader) == expected
    notes = " ".join(reader.report.notes)
    assert "a byte order mark at the start of the file was skipped" in notes
    cells_keep_line_ends = name == "csv"
    assert ("lines end in CR LF" in notes) == (b"\r\n" in path.read_bytes() and not cells_keep_line_ends)


@pytest.mark.parametrize("name", [form.name for form in TEXTUAL])
def test_bytes_that_are_not_of_the_encoding_are_placed_or_replaced(tmp_path: Path, name: str) -> None:
    path = _written(tmp_path, name)
    content = path.read_bytes()
    at = content.index(b"Bob")
    path.write_bytes(content.replace(b"Bob", b"B\xe9b"))
    with pytest.raises(DataError, match=f"byte 0xe9 at offset {at + 1} of the file") as caught:
        list(read_documents(path, name))
    assert caught.value.line == content.count(b"\n", 0, at) + 1
    reader = read_documents(path, name, errors="replace")
    assert next(iter(reader)).text == "Ada met B\ufffdb"
    assert [count for reason, count in reader.report.counts.items() if "U+FFFD" in reason] == [1]
    assert next(iter(read_documents(path, name, encoding="latin-1"))).text == "Ada met Béb"


@pytest.mark.parametrize("name", [name for name, form in FORMATS.items() if form.carries.exact_text and name != "xml"])
def test_nul_is_kept_and_counted(tmp_path: Path, name: str) -> None:
    document = Document("Ada\x00met", (Entity(4, 7, "pro"),))
    reader = read_documents(_written(tmp_path, name, [document]), name)
    (read,) = reader
    assert (read.text, read.entities) == (document.text, document.entities)
    assert reader.report.counts == {"document with NUL characters, which are kept": 1}


@pytest.mark.parametrize("name", FORMATS)
def test_a_folder_a_missing_and_an_empty_file_are_one_message(tmp_path: Path, name: str) -> None:
    folder, empty = tmp_path / "folder", tmp_path / "empty"
    folder.mkdir()
    empty.touch()
    for path, message in (
        (folder, "is a folder|holds no|no document|is neither"),
        (empty, "is empty"),
        (tmp_path / "x", "no such"),
    ):
        with pytest.raises(DataError, match=message):
            list(read_documents(path, name))
    (folder / "kept").touch()
    with pytest.raises(OutputError):
        write_documents(DOCUMENTS, folder, name, lossy=True)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["empty", "folder", "kept"]


@pytest.mark.skipif(os.geteuid() == 0, reason="the user may read everything")
def test_a_file_that_may_not_be_read_is_one_message(tmp_path: Path) -> None:
    path = _written(tmp_path, "native")
    path.chmod(0)
    with pytest.raises(DataError, match="cannot be opened: Permission denied"):
        read_documents(path)


def test_what_is_no_data_says_what_was_looked_for(tmp_path: Path) -> None:
    path = tmp_path / "letter.doc"
    path.write_text("Dear Ada,\nhow are you?\n", "utf-8")
    with pytest.raises(DataError, match="the format cannot be told") as caught:
        read_documents(path)
    for name, form in FORMATS.items():
        assert (f"{name}: " in str(caught.value)) == (form.kind != "folder"), name
    path.write_bytes(bytes(range(256)) * 9)
    with pytest.raises(DataError, match="is not UTF-8"):
        read_documents(path)


MILLIONS = 10_000_000
LONG = [form.name for form in TEXTUAL if form.name not in ("columns", "cmeee")]
LENGTHS = [
    *(pytest.param(name, MILLIONS if name == "native" else MILLIONS // 20, id=name) for name in LONG),
    *(pytest.param(name, MILLIONS, id=f"{name}, whole", marks=pytest.mark.slow) for name in LONG if name != "native"),
]


@pytest.mark.parametrize(("name", "chars"), LENGTHS)
def test_millions_of_characters_on_one_line(tmp_path: Path, name: str, chars: int) -> None:
    """What takes the square of the length does not come to an end here."""
    entities = tuple(Entity(10 * at, 10 * at + 3, "PER") for at in range(0, chars // 10, 10_000))
    document = Document("Ada Byron " * (chars // 10), entities)
    (read,) = read_documents(_written(tmp_path, name, [document]), name)
    assert read.text == document.text
    assert len(read.entities) == (0 if name == "text" else len(entities))


def test_a_word_of_a_million_characters(tmp_path: Path) -> None:
    """Where the format is told, lines are cut at four megabytes, and the tag behind a longer word is not seen."""
    million = MILLIONS // 10
    path = tmp_path / "a.conll"
    path.write_text("a" * million + "\tB-PER\nb\tO\n", "utf-8")
    (read,) = read_documents(path)
    assert [(entity.start, entity.end) for entity in read.entities] == [(0, million)]


def _counts(names: list[str], whole: int) -> list[object]:
    """The whole count for the native form, a fiftieth for the others, and theirs in the slow tier."""
    few = [pytest.param(name, whole if name == "native" else whole // 50, id=name) for name in names]
    return few + [
        pytest.param(name, whole, id=f"{name}, whole", marks=pytest.mark.slow) for name in names if name != "native"
    ]


WITH_LABELS = [name for name in FORMATS if name not in ("text", "cmeee")]


@pytest.mark.parametrize(
    ("name", "count"), _counts([name for name in WITH_LABELS if FORMATS[name].kind == "text"], 100_000)
)
def test_a_hundred_thousand_labels(tmp_path: Path, name: str, count: int) -> None:
    """All in one document, each once, of one mention: whatever is looked up for each entity must not take long."""
    document = Document("a " * count, tuple(Entity(2 * at, 2 * at + 1, f"L{at}") for at in range(count)))
    path = tmp_path / "data"
    assert not {reason for reason in write_documents([document], path, name).counts if "words" not in reason}
    (read,) = read_documents(path, name, options=ColumnOptions(scheme="BIO") if name == "columns" else None)
    assert len({entity.label for entity in read.entities}) == count


@pytest.mark.parametrize(("name", "count"), _counts(WITH_LABELS, 50_000))
def test_a_mention_that_occurs_very_often(tmp_path: Path, name: str, count: int) -> None:
    document = Document("a " * count, tuple(Entity(2 * at, 2 * at + 1, "L") for at in range(count)))
    write_documents([document], tmp_path / "data", name)
    (read,) = read_documents(tmp_path / "data", name)
    assert len(read.entities) == count


def test_a_writer_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = _written(tmp_path, "native")
    before = path.read_bytes()

    def broken():  # type: ignore[no-untyped-def]
        yield DOCUMENTS[0]
        raise DataError("stopped")

    for name in FORMATS:
        if FORMATS[name].kind != "folder":
            with pytest.raises(DataError, match="stopped"):
                write_documents(broken(), path, name, lossy=True)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == before
