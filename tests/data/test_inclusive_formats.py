"""What the two formats with inclusive ends, `cluener` and `cmeee`, have in common."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.data.documents import read_documents, write_documents
from globalner.data.formats.cmeee import TYPES
from globalner.errors import DataError
from globalner.types import Document, Entity

_CHARACTERS = st.characters(exclude_categories=["Cs"]) | st.sampled_from('\ufeff\u2028\r\n\u0301👩\u200d\x00"\\aa𝔸')
_TEXTS = st.text(_CHARACTERS, max_size=20)


@st.composite
def _documents(draw: st.DrawFn, labels: st.SearchStrategy[str], ids: st.SearchStrategy[str | None]) -> Document:
    """Spans nest and cross, and one span may have several labels; each entity is there once, outer ones first."""
    text = draw(_TEXTS)
    edges = st.lists(st.integers(0, len(text)), min_size=2, max_size=2, unique=True).map(sorted)
    spans = draw(st.lists(st.tuples(edges, labels), max_size=6)) if text else []
    entities = {(start, end, label): Entity(start, end, label) for (start, end), label in spans}
    ordered = sorted(entities.values(), key=lambda entity: (entity.start, -entity.end, entity.label))
    return Document(text, tuple(ordered), id=draw(ids))


def _sorted(document: Document) -> Document:
    by_place = sorted(document.entities, key=lambda entity: (entity.start, -entity.end, entity.label))
    return Document(document.text, tuple(by_place), document.id)


_CLUENER_DOCUMENTS = _documents(st.text(_CHARACTERS, min_size=1, max_size=4), st.none() | _TEXTS)
_CMEEE_DOCUMENTS = _documents(st.sampled_from(TYPES), st.none())


def _read_back(documents: list[Document], form: str) -> list[Document]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.json"
        assert not write_documents(documents, path, form)
        reader = read_documents(path)
        read = list(reader)
    assert reader.format == form
    assert [line for line in reader.report.lines() if "NUL" not in line] == []
    return read


@given(st.lists(_CLUENER_DOCUMENTS, min_size=1, max_size=4))
@settings(derandomize=True, max_examples=80, deadline=None)
def test_cluener_reads_back_what_it_wrote(documents: list[Document]) -> None:
    assert [_sorted(document) for document in _read_back(documents, "cluener")] == documents


@given(st.lists(_CMEEE_DOCUMENTS, min_size=1, max_size=4))
@settings(derandomize=True, max_examples=80, deadline=None)
def test_cmeee_reads_back_what_it_wrote(documents: list[Document]) -> None:
    assert _read_back(documents, "cmeee") == documents


@pytest.mark.parametrize("form", ["cluener", "cmeee"])
def test_what_the_form_has_no_place_for_is_noted(tmp_path: Path, form: str) -> None:
    entities = (Entity(0, 2, "sym", score=0.5),)
    document = Document("头痛", entities, id="7", tokens=((0, 2),), extra={"k": 1}, limited=True)
    report = write_documents([document], tmp_path / "a.json", form)
    assert report.counts == ({"document id left out": 1} if form == "cmeee" else {}) | {
        "given words of a document left out": 1,
        "further key of a document left out": 1,
        "mark 'limited' of a document left out": 1,
        "score of an entity left out": 1,
    }


@pytest.mark.parametrize(
    ("content", "form"),
    [
        ('{"text": "a", "label": {}}', "cluener"),
        ('{"text": "a", "label": "news"}', "native"),
        ('{"text": "a", "entities": [], "label": {}}', "native"),
        ('[{"text": "a", "entities": []}]', "cmeee"),
        ('[\n{"text": "a", "entities": [{"start_idx": 0,', "cmeee"),
    ],
)
@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.txt"])
def test_format_is_told_from_the_content(tmp_path: Path, content: str, form: str, name: str) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    reader = read_documents(tmp_path / name)
    assert (reader.format, bool(reader.evidence)) == (form, True)


def test_json_that_is_neither_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"text": "a", "spans": []}]', "utf-8")
    with pytest.raises(DataError, match="the first record has no 'text' or no 'entities'"):
        read_documents(path)


@pytest.mark.parametrize("form", ["cluener", "cmeee"])
def test_writing_needs_the_format_named(tmp_path: Path, form: str) -> None:
    with pytest.raises(DataError, match=rf"'\.json' names no format; .*{form}"):
        write_documents([Document("a")], tmp_path / "a.json")
