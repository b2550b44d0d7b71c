"""brat standoff written: what comes back, names of files, and what the form cannot hold."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.data.documents import read_documents, write_documents
from globalner.data.formats.brat import BratOptions
from globalner.data.formats.offset_units import OFFSET_UNITS, OffsetUnit
from globalner.errors import DataError, OutputError
from globalner.types import Document, Entity

_CHARACTERS = st.characters(exclude_categories=["Cs"]) | st.sampled_from("\ufeff\u2028\r\n\t \u0301👩\u200d\x00;\\𝔸")
_TEXTS = st.text(_CHARACTERS, max_size=20)
_LABELS = st.text(_CHARACTERS, min_size=1, max_size=5).filter(lambda label: not any(map(str.isspace, label)))


@st.composite
def _documents(draw: st.DrawFn) -> Document:
    text = draw(_TEXTS)
    edges = st.lists(st.integers(0, len(text)), min_size=2, max_size=2, unique=True).map(sorted)
    spans = draw(st.lists(st.tuples(edges, _LABELS), max_size=6)) if text else []
    entities = {(start, end, label): Entity(start, end, label) for (start, end), label in spans}
    return Document(text, tuple(entities.values()))


@given(st.lists(_documents(), min_size=1, max_size=4), st.sampled_from(OFFSET_UNITS))
@settings(derandomize=True, max_examples=150, deadline=None)
def test_brat_reads_back_what_it_wrote(documents: list[Document], unit: OffsetUnit) -> None:
    named = [Document(each.text, each.entities, id=f"part {at % 2}/{at}.x") for at, each in enumerate(documents)]
    options = BratOptions(offset_unit=unit)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out"
        assert not write_documents(named, path, options=options)
        reader = read_documents(path, options=options)
        read = list(reader)
    with_nul = sum("\0" in each.text for each in documents)
    assert reader.report.counts == ({"document with NUL characters, which are kept": with_nul} if with_nul else {})
    assert sorted(read, key=lambda each: str(each.id)) == sorted(named, key=lambda each: str(each.id))


@given(
    st.lists(st.none() | st.text(st.characters() | st.sampled_from("./\\:~aA. \x00é\u0301"), max_size=9), min_size=1)
)
@settings(derandomize=True, max_examples=150, deadline=None)
def test_no_id_leaves_the_folder_or_replaces_another(ids: list[str | None]) -> None:
    documents = [Document(f"text {at}", id=name) for at, name in enumerate(ids)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out"
        report = write_documents(documents, path, "brat")
        assert [entry.name for entry in Path(folder).iterdir()] == ["out"]
        read = list(read_documents(path))
    assert {document.text for document in read} == {document.text for document in documents}
    written = [str(document.id).casefold() for document in read]
    assert len(set(written)) == len(documents)
    changed = sum(name is not None and name not in {document.id for document in read} for name in ids)
    assert sum(report.counts.values()) >= changed


@pytest.mark.parametrize(
    ("ids", "names"),
    [
        (["../../etc/passwd", "/abs", ".."], ["__/__/etc/passwd", "_/abs", "__"]),
        (["a", "a", "A", "a_2"], ["a", "a_2", "A_3", "a_2_2"]),
        ([None, "000002"], ["000001", "000002"]),
        (["x", "x.txt/y", "con.1", "é" * 200], ["x", "x.txt_/y", "_con.1", "é" * 60]),
        (["a/" * 400], ["a_" * 60]),
    ],
)
def test_names_of_files(tmp_path: Path, ids: list[str | None], names: list[str]) -> None:
    documents = [Document(str(at), id=name) for at, name in enumerate(ids)]
    report = write_documents(documents, tmp_path / "out", "brat")
    read = {document.text: document.id for document in read_documents(tmp_path / "out")}
    assert [read[str(at)] for at in range(len(ids))] == names
    changed = sum(name not in (None, new) for name, new in zip(ids, names, strict=True))
    assert sum(report.counts.values()) == changed


def test_what_brat_cannot_hold(tmp_path: Path) -> None:
    document = Document("Ada", (Entity(0, 3, "a person", score=0.5), Entity(0, 3, "a person")), tokens=((0, 3),))
    with pytest.raises(DataError, match="label with white space"):
        write_documents([document], tmp_path / "out", "brat")
    assert not list(tmp_path.iterdir())
    report = write_documents([document], tmp_path / "out", "brat", lossy=True)
    assert report.counts == {
        "label with white space, which becomes _": 1,
        "given words of a document left out": 1,
        "score of an entity left out": 1,
        "entity given twice, written once": 1,
    }
    assert (tmp_path / "out" / "000001.ann").read_text("utf-8") == "T1\ta_person 0 3\tAda\n"
    with pytest.raises(OutputError, match="new or empty"):
        write_documents([document], tmp_path / "out", "brat", lossy=True)
    with pytest.raises(DataError, match="lone surrogate"):
        write_documents([Document("\ud800")], tmp_path / "bad", "brat")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
