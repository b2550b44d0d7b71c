from __future__ import annotations

import json
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.data.documents import read_documents, write_documents
from globalner.data.formats.native import NativeOptions
from globalner.errors import DataError
from globalner.types import Document, Entity

_CHARACTERS = st.characters(exclude_categories=["Cs"]) | st.sampled_from('\ufeff\u2028\r\n\u0301👩\u200d\x00"\\')
_TEXTS = st.text(_CHARACTERS, max_size=30)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=5,
)
_NATIVE_KEYS = {"id", "text", "entities", "tokens", "windows", "limited"}


@st.composite
def _documents(draw: st.DrawFn) -> Document:
    text = draw(_TEXTS)
    edges = st.lists(st.integers(0, len(text)), min_size=2, max_size=2, unique=True).map(sorted)
    spans = draw(st.lists(edges, max_size=4)) if text else []
    scores = st.none() | st.floats(0, 1).map(lambda score: round(score, 6))
    labels = st.text(_CHARACTERS, min_size=1, max_size=5)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    return Document(
        text,
        tuple(Entity(start, end, draw(labels), score=draw(scores)) for start, end in spans),
        id=draw(st.none() | _TEXTS),
        tokens=draw(st.sampled_from([None, tuple(pairwise(cuts))])),
        extra=draw(st.dictionaries(_TEXTS.filter(lambda key: key not in _NATIVE_KEYS), _VALUES, max_size=2)),
        windows=draw(st.none() | st.integers(0, 9)),
        limited=draw(st.booleans()),
    )


def _file(folder: Path, *lines: str) -> Path:
    path = folder / "data.jsonl"
    path.write_bytes("\n".join(lines).encode())
    return path


@given(st.lists(_documents(), min_size=1, max_size=4), st.booleans())
@settings(derandomize=True, max_examples=80, deadline=None)
def test_written_documents_read_back_equal(documents: list[Document], entity_text: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.jsonl"
        report = write_documents(documents, path, options=NativeOptions(entity_text=entity_text))
        assert list(read_documents(path)) == documents
        assert not report


def test_form_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    document = Document(
        "京都 office",
        (Entity(0, 2, "LOC", score=0.12345678),),
        id="7",
        tokens=((0, 2), (3, 9)),
        extra={"meta": {"source": "letter"}},
    )
    write_documents([document], path, options=NativeOptions(entity_text=True))
    assert path.read_text("utf-8") == (
        '{"id": "7", "text": "京都 office", '
        '"entities": [{"start": 0, "end": 2, "label": "LOC", "text": "京都", "score": 0.123457}], '
        '"tokens": [[0, 2], [3, 9]], "meta": {"source": "letter"}}\n'
    )


def test_optional_keys_may_be_absent_or_null(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        '{"text": "a"}',
        "",
        '{"id": null, "tokens": null, "text": "ab", "entities": [{"start": 0, "end": 1, "label": "X", "score": null}]}',
    )
    assert list(read_documents(path)) == [Document("a"), Document("ab", (Entity(0, 1, "X"),))]


def test_unknown_keys_survive_and_those_of_entities_are_counted(tmp_path: Path) -> None:
    path = _file(
        tmp_path, '{"text": "ab", "meta": [1, null], "entities": [{"start": 0, "end": 1, "label": "X", "note": "n"}]}'
    )
    reader = read_documents(path)
    documents = list(reader)
    assert documents[0].extra == {"meta": [1, None]}
    assert reader.report.counts == {"key of an entity that is not read": 1}
    out = tmp_path / "out.jsonl"
    write_documents(documents, out)
    assert json.loads(out.read_text("utf-8"))["meta"] == [1, None]


def test_byte_order_mark_goes_and_later_ones_stay(tmp_path: Path) -> None:
    path = _file(tmp_path, '\ufeff{"text": "\ufeffa\u2028b"}\r', '{"text": "c"}')
    reader = read_documents(path)
    assert [document.text for document in reader] == ["\ufeffa\u2028b", "c"]
    assert any("byte order mark" in note for note in reader.report.notes)


def test_number_as_id_becomes_text_and_is_noted(tmp_path: Path) -> None:
    reader = read_documents(_file(tmp_path, '{"id": 12, "text": "a"}'))
    assert [document.id for document in reader] == ["12"]
    assert reader.report.notes == ["ids that are numbers were read as text"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "ab", "entities": [{"start": 0,', "not complete JSON"),
        ('{"text": "a', "cut off"),
        ("{", "stands whole on one line"),
        ("[1, 2]", "a list of 2"),
        ("12", "holds 12"),
        ('{"txt": "ab"}', "no 'text'; it has 'txt'"),
        ("{}", "no key at all"),
        ('{"text": 5}', "'text' is 5"),
        ('{"text": null}', "'text' is null"),
        ('{"text": "ab", "entities": {}}', "'entities' is an object"),
        ('{"text": "ab", "entities": null}', "'entities' is null"),
        ('{"text": "ab", "entities": [[0, 1, "X"]]}', "entity 1 is a list of 3"),
        (
            '{"text": "ab", "entities": [{"start_offset": 0, "end": 1, "label": "X"}]}',
            "no 'start'; it has 'start_offset'",
        ),
        ('{"text": "ab", "entities": [{"start": "0", "end": 1, "label": "X"}]}', "'start' is \"0\""),
        ('{"text": "ab", "entities": [{"start": 0.0, "end": 1, "label": "X"}]}', "'start' is 0.0"),
        ('{"text": "ab", "entities": [{"start": 0, "end": true, "label": "X"}]}', "'end' is true"),
        ('{"text": "ab", "entities": [{"start": 0, "end": 1, "label": 3}]}', "'label' is 3"),
        ('{"text": "ab", "entities": [{"start": 0, "end": 1, "label": ""}]}', "empty label"),
        ('{"text": "ab", "entities": [{"start": 0, "end": 3, "label": "X"}]}', "outside the text"),
        ('{"text": "ab", "entities": [{"start": 1, "end": 0, "label": "X"}]}', "start 1 and end 0"),
        ('{"text": "ab", "entities": [{"start": -1, "end": 1, "label": "X"}]}', "start -1"),
        ('{"text": "ab", "entities": [{"start": 0, "end": 1, "label": "X", "text": "b"}]}', "says 'b'"),
        ('{"text": "ab", "entities": [{"start": 0, "end": 1, "label": "X", "text": ""}]}', "'text' is \"\""),
        ('{"text": "ab", "entities": [{"start": 0, "end": 1, "label": "X", "score": 1.5}]}', "'score' is 1.5"),
        ('{"text": "ab", "entities": [{"start": 0, "end": 1, "label": "X", "score": NaN}]}', "NaN"),
        ('{"text": "ab", "entities": [{"start": 0, "end": 1, "label": "X", "score": 1e999}]}', "1e999"),
        ('{"text": "ab", "entities": [{"start": 0, "end": 1, "label": "X", "score": true}]}', "'score' is true"),
        ('{"text": "ab", "id": true}', "'id' is true"),
        ('{"text": "ab", "tokens": [[0, 1], [0, 2]]}', "overlaps the one before"),
        ('{"text": "ab", "tokens": [[0, 1, 2]]}', "token 1 is a list of 3"),
        ('{"text": "ab", "tokens": "ab"}', "'tokens' is \"ab\""),
        ('{"text": "ab", "limited": 1}', "'limited' is 1"),
        ('{"text": "ab", "windows": "1"}', "'windows' is \"1\""),
        ('{"text": "a\\ud83d"}', "lone surrogate"),
        ('{"text": "a", "meta": {"\\uDE00": 1}}', "lone surrogate"),
        ('{"text": "a", "n": ' + "1" * 5000 + "}", "not JSON that can be read"),
        ('{"text": "a", "n": ' + "[" * 100000 + "}", "JSON"),
    ],
)
def test_bad_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = _file(tmp_path, '{"text": "fine"}', line, '{"text": "fine"}')
    with pytest.raises(DataError) as caught:
        list(read_documents(path, "native"))
    assert message in str(caught.value)
    assert (caught.value.line, caught.value.path) == (2, str(path))


def test_surrogate_pair_in_escapes_is_a_character(tmp_path: Path) -> None:
    path = _file(tmp_path, r'{"text": "\ud83d\ude00!", "entities": [{"start": 0, "end": 1, "label": "X"}]}')
    (document,) = read_documents(path)
    assert document.entities[0].text == "😀"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (Document("a", extra={"meta": {1, 2}}), "document 1 has a further key"),
        (Document("a", extra={"meta": float("nan")}), "document 1 has a further key"),
        (Document("abc\ud800"), "lone surrogate U+D800"),
    ],
)
def test_what_json_cannot_hold_is_refused(tmp_path: Path, document: Document, message: str) -> None:
    with pytest.raises(DataError) as caught:
        write_documents([document], tmp_path / "out.jsonl", lossy=True)
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []
