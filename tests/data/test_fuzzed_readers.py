"""Readers take anything: they raise nothing but `DataError`, and what they read is exact. `make fuzz` looks longer."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.data import read_documents
from globalner.data.formats import FORMATS
from globalner.errors import DataError

_PIECES = {
    "lines": [
        b"\t",
        b"\n",
        b"\n\n",
        b"Ada B-PER\n",
        b"Bob\tI-PER\tO\n",
        b"\tO\n",
        b"-DOCSTART- O\n",
        b"# a\n",
        b"O",
        b"I-",
    ],
    "tags": [
        b"{{PER:Ada}}",
        b"{{",
        b"}}",
        b"\\",
        b":",
        b"<PER>Ada</PER>",
        b"<A>",
        b"</A>",
        b"<A b='c'/>",
        b"&amp;",
        b"&#0;",
    ],
    "xml": [
        b"<?xml version='1.0'?>",
        b"<d>",
        b"<t id='1'>Ada <PER>",
        b"</PER></t>\n",
        b"</d>",
        b"<!--",
        b"-->",
        b"<![CDATA[",
    ],
    "json": [
        b'{"text": "Ada", "entities": [{"start": 0, "end": 3, "label": "PER"}]}\n',
        b'{"text": "Ada", "label": {"name": {"Ada": [[0, 2]]}}}\n',
        b'[{"text": "Ada", "entities": [{"start_idx": 0, "end_idx": 2, "type": "bod", "entity": "Ada"}]}]',
        b'"tokens": [[0, 3]], ',
        b'{"text": ',
        b'"\\ud800"',
        b"1e999",
        b"NaN",
        b"[",
        b"}",
        b"\n",
    ],
}
_ANY = st.binary(max_size=4) | st.sampled_from([b"\xef\xbb\xbf", b"\r\n", b"\x00", "é\u2028\ufeff👩".encode(), b"\xff"])
_PATHS = ("data.txt", "data.jsonl", "data.xml", "data.conll", "data")


def _read_all(path: Path, name: str) -> None:
    try:
        reader = read_documents(path, name, errors="replace")
        documents = list(reader.readable([]))
        again = list(reader.readable([]))
    except DataError:
        return
    assert documents == again
    assert all(one.text[e.start : e.end] == e.text for one in documents for e in one.entities)


@pytest.mark.parametrize("kind", _PIECES)
@given(data=st.data())
@settings(derandomize=True, max_examples=120, deadline=None)
def test_readers_of_files_raise_nothing_else(kind: str, data: st.DataObject) -> None:
    content = b"".join(data.draw(st.lists(st.sampled_from(_PIECES[kind]) | _ANY, max_size=12)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / data.draw(st.sampled_from(_PATHS))
        path.write_bytes(content)
        for name in ("auto", *(name for name, form in FORMATS.items() if form.kind == "text")):
            _read_all(path, name)


_ANNOTATIONS = [
    b"T1\tPER 0 3\tAda\n",
    b"T2\tPER 0 1;2 3\tA a\n",
    b"R1\tx Arg1:T1 Arg2:T2\n",
    b"T",
    b"\t",
    b" 0 3",
    b";",
    b"\n",
]


@pytest.mark.skipif("brat" not in FORMATS, reason="there is no format 'brat'")
@given(
    st.lists(st.sampled_from(_ANNOTATIONS) | _ANY, max_size=12), st.sampled_from([b"", b"Ada\r\nByron", b"Ada \xff"])
)
@settings(derandomize=True, max_examples=120, deadline=None)
def test_readers_of_folders_raise_nothing_else(pieces: list[bytes], text: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.txt").write_bytes(text)
        Path(folder, "a.ann").write_bytes(b"".join(pieces))
        for name in ("auto", "brat"):
            _read_all(Path(folder), name)
