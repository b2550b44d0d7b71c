from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.data.documents import read_documents, write_documents
from globalner.data.formats import FORMATS, format_named
from globalner.data.formats.column_layout import ColumnOptions
from globalner.data.formats.text import TextOptions
from globalner.data.report import MAX_EXAMPLES, Report
from globalner.errors import DataError, OutputError
from globalner.types import Document, Entity


def _file(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# The format


@pytest.mark.parametrize(
    ("name", "content", "format_name"),
    [
        ("a.jsonl", '{"text": "x"}\n', "native"),
        ("a", '\n{"text": "x", "label": "news"}\n', "native"),
        ("a.txt", '{"text": "x"}\n', "native"),
        ("a.txt", "{laughs} hello\n", "text"),
        ("a.txt", "Ada B-PER\nruns O\n", "columns"),
        ("a.txt", "Ada runs.\nBob too.\n", "text"),
        ("a.txt", "\n\n", "text"),
        ("a.train", "Ada\tNN\tI-PER\n", "columns"),
        ("a.dev", "Ada X-PER\nruns O\n", "columns"),
    ],
)
def test_format_is_found(tmp_path: Path, name: str, content: str, format_name: str) -> None:
    reader = read_documents(_file(tmp_path, name, content))
    assert reader.format == format_name
    assert reader.evidence


def test_format_that_cannot_be_told_says_what_was_looked_for(tmp_path: Path) -> None:
    path = _file(tmp_path, "words.test", "Ada\nruns\n\nBob\n")
    with pytest.raises(DataError, match="cannot be told") as caught:
        read_documents(path)
    message = str(caught.value)
    assert "columns: most lines have a single column" in message
    assert "native: the first line is not a JSON object" in message
    with pytest.raises(DataError, match="one column only"):
        read_documents(path, "columns")


def test_json_of_another_kind_is_not_read_as_texts_without_entities(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.jsonl", '{"text": "Ada", "spans": [[0, 3, "PER"]]}\n')
    with pytest.raises(DataError, match="JSON with 'spans', where the native form has 'entities'"):
        read_documents(path)
    assert next(iter(read_documents(path, "native"))).extra == {"spans": [[0, 3, "PER"]]}


def test_unknown_format_names_the_nearest() -> None:
    with pytest.raises(DataError, match="did you mean 'columns'"):
        format_named("colums")
    with pytest.raises(DataError, match=r"native, .*columns, text"):
        read_documents(__file__, "yaml")


def test_options_choose_the_format_or_must_fit_it(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.txt", "Ada runs.\nBob too.\n")
    assert read_documents(path, options=TextOptions(whole_file=True)).format == "text"
    with pytest.raises(DataError, match="takes NativeOptions, not ColumnOptions"):
        read_documents(path, "native", options=ColumnOptions())


@pytest.mark.parametrize("options", [{"separator": "comma"}, {"layers": 0}, {"scheme": "BEEF"}, {"layer_order": "x"}])
def test_bad_column_options(options: dict[str, object]) -> None:
    with pytest.raises(DataError):
        ColumnOptions(**options)  # type: ignore[arg-type]


# Files


def test_missing_file_names_the_nearest(tmp_path: Path) -> None:
    _file(tmp_path, "train.conll", "Ada O\n")
    with pytest.raises(DataError, match=r"no such file; did you mean 'train\.conll'\?"):
        read_documents(tmp_path / "trian.conll")
    with pytest.raises(DataError, match="does not exist either"):
        read_documents(tmp_path / "nowhere" / "train.conll")


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder"):
        read_documents(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"), [("a.jsonl", ""), ("a.txt", ""), ("a.jsonl", "\n\n"), ("a.conll", "\t\n"), ("a.bin", "\ufeff")]
)
def test_empty_file_is_refused(tmp_path: Path, name: str, content: str) -> None:
    with pytest.raises(DataError, match="is empty"):
        list(read_documents(_file(tmp_path, name, content)))


def test_column_file_of_borders_only_is_empty(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is empty"):
        list(read_documents(_file(tmp_path, "a.conll", "-DOCSTART- O\n\n-DOCSTART- O\n")))


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.conll"])
def test_bytes_that_are_not_utf8_are_placed(tmp_path: Path, name: str) -> None:
    path = _file(tmp_path, name, "é O\n".encode() + b"b\xe9 O\n")
    with pytest.raises(DataError, match="byte 0xe9 at offset 6 ") as caught:
        list(read_documents(path))
    assert caught.value.line == 2


def test_utf16_is_recognised(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="UTF-16"):
        read_documents(_file(tmp_path, "a.conll", "Ada O\n".encode("utf-16")))


def test_bytes_far_into_the_file_are_placed_when_reading_gets_there(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.txt", b"line\n" * 5000 + b"\xff\n")
    reader = read_documents(path)
    with pytest.raises(DataError, match="offset 25000 ") as caught:
        list(reader)
    assert caught.value.line == 5001


# Streaming


def test_each_iteration_starts_again_and_two_may_run_at_once(tmp_path: Path) -> None:
    reader = read_documents(_file(tmp_path, "a.txt", "a\nb\nc\n"))
    first = iter(reader)
    assert next(first).text == "a"
    assert [document.text for document in reader] == ["a", "b", "c"]
    assert next(first).text == "b"


@pytest.mark.parametrize(
    ("name", "record"),
    [("a.conll", "Ada\tB-PER\nruns\tO\n\n"), ("a.jsonl", '{"text": "Ada runs"}\n'), ("a.txt", "Ada runs\n")],
)
def test_memory_does_not_grow_with_the_file(tmp_path: Path, name: str, record: str) -> None:
    path = _file(tmp_path, name, record * 20_000)
    read_documents(path)
    tracemalloc.start()
    count = sum(1 for _ in read_documents(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 1_000_000  # bytes; the sample takes most of it


def test_joining_is_noted_when_reading_stops_early(tmp_path: Path) -> None:
    reader = read_documents(_file(tmp_path, "a.conll", "Ada\tO\nruns\tO\n\n" * 9))
    documents = iter(reader)
    list(islice(documents, 2))
    del documents
    assert reader.report.notes == ["words were joined with one blank between them (2 times)"]


# Plain text


def test_every_line_is_a_document_even_empty_ones(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.txt", "\ufeffa \r\n\n\u2028b\rc\r\n\nlast")
    reader = read_documents(path)
    assert [document.text for document in reader] == ["a ", "", "\u2028b\rc", "", "last"]
    assert reader.report.notes == [
        "lines end in CR LF",
        "a byte order mark at the start of the file was skipped",
    ]


def test_whole_file_keeps_its_line_ends(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.txt", "\ufeffa\r\n\nb\n")
    reader = read_documents(path, options=TextOptions(whole_file=True))
    assert [document.text for document in reader] == ["a\r\n\nb\n"]
    assert "whole file" in reader.evidence


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n")), min_size=1, max_size=5))
@settings(derandomize=True, max_examples=60, deadline=None)
def test_lines_of_text_read_back_equal(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    path = tmp_path_factory.mktemp("text") / "a.txt"
    texts = [text.rstrip("\r") for text in texts]
    write_documents([Document(text) for text in texts], path)
    assert [document.text for document in read_documents(path, "text")] == texts


def test_text_refuses_entities_and_line_breaks(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with pytest.raises(DataError, match=r"entity, which plain text cannot hold: 1 \(such as X 'a'\)"):
        write_documents([Document("a", (Entity(0, 1, "X"),))], path)
    with pytest.raises(DataError, match="line breaks"):
        write_documents([Document("a\nb")], path)
    write_documents([Document("a\nb\r")], path, lossy=True)
    assert path.read_bytes() == b"a b \n"
    write_documents([Document("a\r\nb")], path, options=TextOptions(whole_file=True))
    assert path.read_bytes() == b"a\r\nb"
    with pytest.raises(DataError, match="more than one document"):
        write_documents([Document("a"), Document("b")], path, options=TextOptions(whole_file=True))


# Writing


def test_failed_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.jsonl", "old")

    def documents() -> Iterator[Document]:
        yield Document("a")
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError):
        write_documents(documents(), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_may_be_rewritten_from_itself(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.jsonl", '{"text": "a"}\n{"text": "b", "meta": 1}\n')
    before = list(read_documents(path))
    write_documents(read_documents(path), path)
    assert list(read_documents(path)) == before


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'\.xyz' names no format"):
        write_documents([], tmp_path / "a.xyz")
    with pytest.raises(OutputError, match="does not exist"):
        write_documents([], tmp_path / "nowhere" / "a.jsonl")
    (tmp_path / "b.jsonl").mkdir()
    with pytest.raises(OutputError, match="not a file"):
        write_documents([], tmp_path / "b.jsonl")
    assert write_documents([Document("a")], tmp_path / "a.xyz", "native").lines() == []


# The report


def test_report_counts_with_few_examples() -> None:
    report = Report()
    assert not report
    for number in range(1000):
        report.add("odd line", f"line {number} " + "x" * 500)
    assert report.counts == {"odd line": 1000}
    assert len(report.examples["odd line"]) == MAX_EXAMPLES
    assert all(len(example) <= 120 for example in report.examples["odd line"])
    assert report.lines()[0].startswith("odd line: 1,000 (such as line 0 ")


def test_reports_merge() -> None:
    report, other = Report(), Report()
    report.add("a", "1")
    other.add("a", "2")
    other.add("b")
    other.note("once")
    report.merge(other)
    report.merge(other)
    assert report.counts == {"a": 3, "b": 2}
    assert report.examples == {"a": ["1", "2", "2"], "b": []}
    assert report.lines() == ["a: 3 (such as 1; 2; 2)", "b: 2", "once"]


# The room


def test_every_format_describes_itself() -> None:
    for name, form in FORMATS.items():
        assert form.name == name
        assert form.description
        assert all(suffix.startswith(".") for suffix in form.suffixes)
    suffixes = [suffix for form in FORMATS.values() for suffix in form.suffixes]
    assert len(suffixes) == len(set(suffixes))


def test_reading_loads_no_torch_and_no_transformers(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.conll", "Ada\tB-PER\n")
    program = (
        "import sys\n"
        "from globalner import read_documents, write_documents\n"
        f"write_documents(read_documents({str(path)!r}), {str(tmp_path / 'a.jsonl')!r})\n"
        "heavy = {'torch', 'transformers', 'pydantic', 'pytorch_lightning', 'globalner.config'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
