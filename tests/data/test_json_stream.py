"""JSON read as a stream gives what the whole text gives, wherever its pieces end."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from globalner.data.formats import lines
from globalner.data.formats.format import Reading, Sample, Source
from globalner.data.formats.json_stream import JsonStream, sampled_records
from globalner.data.report import Report
from globalner.errors import DataError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(-1e9, 1e9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def _stream(path: Path, **how: object) -> JsonStream:
    return JsonStream(Reading(Source(path, **how), Report()))  # type: ignore[arg-type]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(VALUES, max_size=5),
    indent=st.none() | st.integers(0, 2),
    piece=st.integers(1, 40),
    escaped=st.booleans(),
    in_array=st.booleans(),
)
def test_values_are_those_of_the_whole_text(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    values: list[object],
    indent: int | None,
    piece: int,
    escaped: bool,
    in_array: bool,
) -> None:
    monkeypatch.setattr(lines, "_PIECE_BYTES", piece)
    path = tmp_path / "a.json"
    texts = [json.dumps(value, indent=indent, ensure_ascii=escaped) for value in values]
    in_array = in_array or (bool(texts) and texts[0].startswith("["))
    text = "[" + ",\n".join(texts) + "]" if in_array else "\n".join(texts)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert [value for _, value in _stream(path).records()] == values


def test_lines_are_those_where_values_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'\xef\xbb\xbf[\r\n{"a":\r\n 1}, {"b": 2},\r\n\r\n{"c": 3}]')
    for piece in (1, 2, 7, 1000):
        monkeypatch.setattr(lines, "_PIECE_BYTES", piece)
        assert [line for line, _ in _stream(path).array()] == [2, 3, 5]


@pytest.mark.parametrize("piece", [1, 5, 1000])
@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b'{"a": 1}\n {"b" 2}', 2, "':' delimiter at character 7"),
        (b'[{"a": 1},\n{"b": "c', 2, "Unterminated string starting at at character 7"),
        (b'[{"a": 1}\n;', 2, "';' stands after record 1"),
        (b'[{"a": 1}]\n{"a": 1}', 2, "goes on after the ]"),
        (b'[{"a": "\xff"}]', 1, "is not UTF-8: byte 0xff at offset 8"),
    ],
)
def test_errors_have_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int, content: bytes, line: int, message: str
) -> None:
    monkeypatch.setattr(lines, "_PIECE_BYTES", piece)
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        list(_stream(path).records())
    assert (caught.value.line, message in caught.value.message) == (line, True), caught.value


def test_other_encodings_and_replaced_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes('[{"a": "é𝄞"}]'.encode("utf-16"))
    assert [value for _, value in _stream(path, encoding="utf-16").array()] == [{"a": "é𝄞"}]
    path.write_bytes(b'[{"a": "\xff"}]')
    assert [value for _, value in _stream(path, errors="replace").array()] == [{"a": "\ufffd"}]


@pytest.mark.parametrize(
    "lines",
    [
        ['{"a": 1}', '{"a": 2}'],
        ["{", '"a": 1}', '{"a": 2}', '{"a": '],
        ['[{"a": 1},', '{"a": 2}, {"a'],
        ['[{"a": 1}, {"a": 2}]'],
        ['[{"a": 1}, {"a": 2}, {"a'],
    ],
)
def test_first_records_of_a_sample(lines: list[str]) -> None:
    assert sampled_records(Sample(Path("a"), lines)) == [{"a": 1}, {"a": 2}]


def test_a_sample_of_one_long_line_does_not_hold_it(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(("[" + '{"a": "é"},' * 600_000).encode())
    (line,) = Source(path).sample_lines()
    assert 3_000_000 < len(line) < 4_000_000
    assert len(sampled_records(Sample(path, [line]))) == 50
    path.write_bytes(("é\n" * 3_000_000).encode())
    assert Source(path).sample_lines() == ["é"] * 2000


def test_memory_does_not_grow_with_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_PIECE_BYTES", 1 << 14)
    path = tmp_path / "a.json"
    path.write_text("[" + ",".join('{"a": "Ada met Bob"}' for _ in range(50_000)) + "]", "utf-8")
    tracemalloc.start()
    count = sum(1 for _ in _stream(path).array())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 50_000
    assert peak < 500_000  # bytes; the line has a million
