"""What readers of every format have in common: errors that are collected, other encodings, folders and binary files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from globalner.data import read_documents, write_documents
from globalner.data.formats import FORMATS
from globalner.data.formats.format import Carries, Format, Opened, Reading, Sample, Sniff, Source, Writing
from globalner.errors import DataError, OutputError
from globalner.types import Document, Entity


@dataclass(frozen=True, slots=True)
class NoOptions:
    pass


def read_folder(reading: Reading) -> Iterator[Document]:
    for path in sorted(reading.path.iterdir()):
        for _, line in reading.of(path).lines():
            yield Document(line, id=path.stem)


def write_folder(documents: Iterable[Document], writing: Writing, _options: NoOptions) -> None:
    assert writing.path is not None
    for document in documents:
        (writing.path / f"{document.id}.one").write_text(document.text, "utf-8")
        if document.entities:
            writing.losses.add("entity")


def read_binary(reading: Reading) -> Iterator[Document]:
    with reading.source.bytes() as file:
        yield Document(file.read()[2:].decode("utf-16-le"))


def write_binary(documents: Iterable[Document], writing: Writing, _options: NoOptions) -> None:
    assert writing.path is not None
    writing.path.write_bytes(b"\xff\x00" + "".join(document.text for document in documents).encode("utf-16-le"))


FOLDER = Format(
    name="folder of tests",
    description="a folder",
    suffixes=(".many",),
    options=NoOptions,
    sniff=lambda sample: Sniff(any(name.endswith(".one") for name in sample.names), "no file is named .one"),
    open=lambda _source, _options: Opened("files named .one", read_folder),
    write=write_folder,
    carries=Carries(),
    kind="folder",
)
BINARY = Format(
    name="binary of tests",
    description="a binary file",
    suffixes=(".bin",),
    options=NoOptions,
    sniff=lambda sample: Sniff(sample.head.startswith(b"\xff\x00"), "it does not begin with FF 00"),
    open=lambda _source, _options: Opened("it begins with FF 00", read_binary),
    write=write_binary,
    carries=Carries(),
    kind="binary",
)


@pytest.fixture(autouse=True)
def formats_of_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    for form in (FOLDER, BINARY):
        monkeypatch.setitem(FORMATS, form.name, form)


def test_a_folder_is_told_written_whole_and_read(tmp_path: Path) -> None:
    documents = [Document("Ada", id="1"), Document("Bob", id="2")]
    target = tmp_path / "new.many"
    write_documents(documents, target)
    reader = read_documents(target)
    assert (reader.format, list(reader)) == ("folder of tests", documents)
    with pytest.raises(OutputError, match="new or empty"):
        write_documents(documents, target)
    with pytest.raises(DataError, match="nothing was written"):
        write_documents([Document("Ada", (Entity(0, 3, "PER"),))], tmp_path / "lost.many")
    assert [path.name for path in tmp_path.iterdir()] == ["new.many"]
    (tmp_path / "empty").mkdir()
    write_documents(documents, tmp_path / "empty", "folder of tests")
    assert list(read_documents(tmp_path / "empty")) == documents


def test_a_folder_of_nothing_that_is_known_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.two").write_text("Ada", "utf-8")
    with pytest.raises(DataError, match=r"is a folder.*folder of tests: no file is named \.one"):
        read_documents(tmp_path)
    with pytest.raises(DataError, match="is a folder"):
        read_documents(tmp_path, "native")
    with pytest.raises(DataError, match="is a file, but"):
        read_documents(tmp_path / "a.two", "folder of tests")


def test_a_binary_file_is_told_by_its_first_bytes(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    write_documents([Document("Łódź")], target)
    moved = target.rename(tmp_path / "b")
    reader = read_documents(moved)
    assert (reader.format, [document.text for document in reader]) == ("binary of tests", ["Łódź"])
    moved.write_bytes(b"\xfe\x00\x81")
    with pytest.raises(DataError, match="is not UTF-8"):
        read_documents(moved)


NATIVE = [{"text": "Ada"}, {"txt": "Bob"}, {"text": "Cy", "entities": [{"start": 0, "end": 9, "label": "PER"}]}]


@pytest.mark.parametrize(
    ("name", "content", "lines", "texts"),
    [
        ("a.jsonl", "\n".join(map(json.dumps, [*NATIVE, {"text": "Di"}])), [2, 3], ["Ada", "Di"]),
        ("a.conll", "Ada\tO\n\nBob\tO\tO\nx\tO\n\nCy\tB-\nDi\tO\n\nEd\tO\n\nFay\tO\n", [3, 6], ["Ada", "Ed", "Fay"]),
    ],
)
def test_all_errors_can_be_had_at_once(
    tmp_path: Path, name: str, content: str, lines: list[int], texts: list[str]
) -> None:
    path = tmp_path / name
    path.write_text(content, "utf-8")
    reader, rejected = read_documents(path), list[DataError]()
    assert [document.text for document in reader.readable(rejected)] == texts
    assert [error.line for error in rejected] == lines
    with pytest.raises(DataError) as first:
        list(reader)
    assert str(first.value) == str(rejected[0])


def test_the_line_is_that_of_the_document(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('\n{"text": "Ada"}\n\n{"text": "Bob"}\n', "utf-8")
    reader = read_documents(path)
    assert reader.line is None
    assert [(document.text, reader.line) for document in reader] == [("Ada", 2), ("Bob", 4)]


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "gb18030", "utf-8-sig", "UTF8"])
def test_lines_are_the_same_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("né\r\n\n x\u00a0y\n".encode(encoding))
    assert list(Source(path, encoding).lines()) == [(1, "né"), (2, ""), (3, " x\u00a0y")]
    assert [document.text for document in read_documents(path, encoding=encoding)] == ["né", "", " x\u00a0y"]


def test_bytes_of_another_encoding_are_refused_or_replaced_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"Ada\nB\xf6b\nCy\n")
    with pytest.raises(DataError, match=r"a\.txt:2: is not UTF-8.*--encoding"):
        read_documents(path)
    reader = read_documents(path, errors="replace")
    assert [document.text for document in reader] == ["Ada", "B\ufffdb", "Cy"]
    assert list(reader.report.counts.values()) == [1]
    with pytest.raises(DataError, match=r"is not ascii"):
        list(read_documents(path, "text", encoding="ascii"))
    reader = read_documents(path, encoding="ascii", errors="replace")
    assert [document.text for document in reader][1] == "B\ufffdb"
    assert list(reader.report.counts.values()) == [1]


def test_samples_know_suffix_and_filled_lines() -> None:
    sample = Sample(Path("a.TXT"), ["", "x", " "])
    assert (sample.suffix, sample.filled) == (".txt", ["x"])
