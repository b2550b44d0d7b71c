from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globalner.data import read_plain_text
from globalner.errors import DataError

TEXT = "\ufeffAna left\n  Lisbon. \n\n\n北京很\r\n大。\n \nEnd"


def written(folder: Path, content: bytes, name: str = "text.txt") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


@pytest.mark.parametrize("name", ["text.txt", "text.txt.gz"])
def test_lines_and_paragraphs(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, TEXT.encode(), name)
    assert read_plain_text(path) == ["Ana left", "Lisbon.", "北京很", "大。", "End"]
    assert read_plain_text(path, unit="paragraph") == ["Ana left Lisbon.", "北京很大。", "End"]


@pytest.mark.parametrize(
    ("records", "kept"),
    [(slice(1, 3), ["Lisbon.", "北京很"]), (slice(0, 1), ["Ana left"]), (slice(3, None), ["大。", "End"])],
)
def test_some_records(tmp_path: Path, records: slice, kept: list[str]) -> None:
    assert read_plain_text(written(tmp_path, TEXT.encode()), records) == kept


@pytest.mark.parametrize(
    ("records", "asked"), [(slice(5, None), "5 up to the end"), (slice(2, 6), "2 up to and without 6")]
)
def test_records_that_are_not_there_are_an_error(tmp_path: Path, records: slice, asked: str) -> None:
    with pytest.raises(DataError, match=f"text.txt: holds 5 lines of text, but asked for are {asked}, counted from 0"):
        read_plain_text(written(tmp_path, TEXT.encode()), records)


@pytest.mark.parametrize("name", ["text.txt", "text.txt.gz"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "(is empty|holds no text)"),
        (b" \n\n\t\n", ": holds no text, only blank lines"),
        (b"good\nb\xffad\n", ":2: is not UTF-8: byte 0xff at offset 6"),
        ("文本".encode("utf-16"), ":1: is not UTF-8: .* it starts like UTF-16"),
        (b"good\n\x00\x01\n", ":2: holds a NUL character: this is no text file"),
    ],
)
def test_what_is_no_text_is_an_error_with_its_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_plain_text(written(tmp_path, content, name))
    assert str(caught.value).startswith(str(tmp_path / name))


def test_a_gzip_file_that_is_none_or_cut_off_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(b"plain text\n")
    with pytest.raises(DataError, match=r"a\.gz: is no whole gzip file"):
        read_plain_text(tmp_path / "a.gz")
    whole = gzip.compress(bytes(range(32, 127)) * 50)
    for name, content in {"b.gz": whole[:-12], "c.gz": whole[:20] + b"\xff" * 20 + whole[40:]}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=rf"{name}: is no whole gzip file"):
            read_plain_text(tmp_path / name)


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    written(tmp_path, b"x")
    with pytest.raises(DataError, match=r"no such file; did you mean 'text\.txt'"):
        read_plain_text(tmp_path / "txet.txt")


@given(lines=st.lists(st.text(st.characters(exclude_characters="\n\0\ufeff", exclude_categories=["Cs"])), max_size=9))
def test_every_line_that_is_not_blank_is_a_record(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    path = tmp_path_factory.mktemp("lines") / "text.txt"
    path.write_bytes("\n".join(["x", *lines]).encode())
    assert read_plain_text(path) == ["x", *(line.strip() for line in lines if line.strip())]
