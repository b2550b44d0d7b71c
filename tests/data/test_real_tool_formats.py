"""Published files of annotation tools and of spaCy, read whole: counts as their publishers or our own count give."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from globalner.data import read_documents, write_documents
from globalner.data.documents import DocumentReader
from globalner.data.formats.json_tags import JsonTagsOptions
from globalner.errors import DataError
from globalner.types import Document

pytestmark = pytest.mark.data

TWICE = {"span given twice, kept once": 1}
DOCBINS = [("train", 8986, 147344, 3786), ("val", 999, 17032, 438)]


def _labels(documents: list[Document]) -> Counter[str]:
    return Counter(entity.label for document in documents for entity in document.entities)


def _readable(reader: DocumentReader) -> tuple[list[Document], list[DataError]]:
    rejected: list[DataError] = []
    return list(reader.readable(rejected)), rejected


@pytest.mark.parametrize(
    ("name", "documents", "entities", "counts"),
    [
        ("data_import/pipeline/examples/sequence_labeling/example.jsonl", 3, 3, {}),
        ("data_import/pipeline/examples/relation_extraction/example.jsonl", 1, 4, {"relation left out": 3}),
        ("data_import/tests/data/relation_extraction/example.jsonl", 1, 4, {"relation left out": 3}),
        ("data_export/pipeline/examples/relation_extraction/example.jsonl", 1, 4, {"relation left out": 3}),
        ("data_export/pipeline/examples/sequence_labeling/example.jsonl", 3, 4, {}),
        (
            "data_import/tests/data/sequence_labeling/example_overlapping.jsonl",
            1,
            1,
            {"span given twice, kept once": 1},
        ),
    ],
)
def test_doccano(real_data: Path, name: str, documents: int, entities: int, counts: dict[str, int]) -> None:
    reader = read_documents(real_data / "doccano_examples" / "backend" / name)
    read = list(reader)
    assert (reader.format, len(read), sum(_labels(read).values())) == ("doccano", documents, entities)
    assert reader.report.counts == counts


def test_doccano_record_without_a_text(real_data: Path) -> None:
    folder = real_data / "doccano_examples/backend/data_import/tests/data/sequence_labeling"
    read, rejected = _readable(read_documents(folder / "example.jsonl"))
    assert [len(document.entities) for document in read] == [1, 0]
    assert [(error.line, "has no text" in error.message) for error in rejected] == [(3, True)]


def test_label_studio(real_data: Path) -> None:
    reader = read_documents(real_data / "label_studio_examples/completions/348.json")
    (document,) = reader
    assert (reader.format, document.id, len(document.text)) == ("label-studio", "348", 920)
    assert _labels([document]) == {"INGREDIENT": 38}
    assert reader.report.counts == {"entity with blanks at its edges, kept": 1}


def test_spacy_json(real_data: Path) -> None:
    reader = read_documents(real_data / "multiconer_bn/bn_dev.json")
    documents = list(reader)
    assert (reader.format, len(documents), sum(len(d.tokens or ()) for d in documents)) == ("spacy-json", 799, 10321)
    assert _labels(documents) == {"PROD": 190, "PER": 144, "CORP": 126, "CW": 120, "GRP": 118, "LOC": 101}
    assert not reader.report.counts


def test_json_tags_find_the_words_again(real_data: Path) -> None:
    path = real_data / "bangla_spacy/main.jsonl"
    reader = read_documents(path)
    documents, rejected = _readable(reader)
    assert "BILUO tags, words found by punctuation" in reader.evidence
    # The tags were made with spaCy's rules for Bengali, so that ours fit most lines only; the others are told.
    assert (len(documents), len(rejected)) == (3371, 174)
    assert all("words are found in its text" in error.message for error in rejected)
    pytest.importorskip("spacy")
    documents, rejected = _readable(read_documents(path, options=JsonTagsOptions(words="bn")))
    assert (len(documents), len(rejected)) == (3538, 7)
    assert _labels(documents).keys() == {"ORG", "PERSON", "GPE", "DATE", "LAW"}
    first, second = documents[0].entities[0], documents[3].entities[0]
    assert (first.label, first.start, second.label) == ("ORG", 0, "ORG")


@pytest.mark.parametrize(
    ("name", "documents", "words", "entities"), [("train", 8986, 147344, 3786), ("val", 999, 17032, 438)]
)
def test_docbin(real_data: Path, name: str, documents: int, words: int, entities: int) -> None:
    """SOURCE.md has 3480 and 417 entities: it took the mark 1 for B, which is I in spaCy; B is 3."""
    pytest.importorskip("spacy")
    reader = read_documents(real_data / f"bangla_spacy/{name}.spacy")
    read = list(reader)
    assert (reader.format, len(read), sum(len(document.tokens or ()) for document in read)) == (
        "docbin",
        documents,
        words,
    )
    assert _labels(read) == {"PER": entities}
    assert reader.report.counts == {"document without known blanks, its words joined with one": documents}
    going_on = sum(
        sum(entity.start < start and end <= entity.end for start, end in document.tokens or ())
        for document in read
        for entity in document.entities
    )
    assert going_on == {"train": 3480, "val": 417}[name]


def test_columns_with_a_mark_and_broken_lines(real_data: Path) -> None:
    """SOURCE.md has 6561 sentences: those with a broken line or an empty word are told and left out."""
    reader = read_documents(real_data / "bangla_spacy/all_data.txt")
    documents, rejected = _readable(reader)
    assert any("byte order mark" in note for note in reader.report.notes)
    assert {2816, 7277, 97471} <= {error.line for error in rejected}
    sentences = len({error.line for error in rejected})
    assert len(documents) <= 6561 <= len(documents) + sentences


@pytest.mark.parametrize("form", ["doccano", "label-studio", "spacy-offsets", "docbin", "parquet", "datasets"])
@pytest.mark.parametrize("name", ["genia_nested/genia.dev.iob2", "cluener2020/dev.json"])
def test_nested_sets_come_back(real_data: Path, tmp_path: Path, name: str, form: str) -> None:
    pytest.importorskip({"docbin": "spacy", "parquet": "pyarrow", "datasets": "datasets"}.get(form, "json"))
    documents = list(read_documents(real_data / name))[:400]
    write_documents(documents, tmp_path / "a", form)
    for before, after in zip(documents, read_documents(tmp_path / "a", form), strict=True):
        assert after.text == before.text
        assert sorted(entity.key for entity in after.entities) == sorted(entity.key for entity in before.entities)
        assert form != "docbin" or before.tokens in (after.tokens, None)


@pytest.mark.parametrize("form", ["spacy-json", "json-tags"])
@pytest.mark.parametrize("name", ["conll2003_en/eng.testb", "peoples_daily/example.dev"])
def test_flat_sets_come_back(real_data: Path, tmp_path: Path, name: str, form: str) -> None:
    documents = list(read_documents(real_data / name))[:400]
    if form == "spacy-json":  # which has no place for the number of the document that a sentence is of
        documents = [replace(document, extra={}) for document in documents]
    write_documents(documents, tmp_path / "a", form)
    assert list(read_documents(tmp_path / "a", form)) == documents
