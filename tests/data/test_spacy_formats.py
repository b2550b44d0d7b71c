"""spaCy's forms: training JSON, examples with offsets, and its binary file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from globalner.data import read_documents, write_documents
from globalner.data.formats.docbin import DocBinOptions
from globalner.data.formats.spacy_offsets import SpacyOffsetsOptions
from globalner.errors import DataError, MissingExtraError
from globalner.types import Document, Entity

NESTED = Document("Ulm City met", (Entity(0, 8, "ORG", "Ulm City"), Entity(0, 3, "LOC", "Ulm")))


def _tokens(*pairs: str) -> dict[str, object]:
    return {"tokens": [dict(zip(("orth", "ner"), pair.split("/"), strict=True)) for pair in pairs]}


def _file(folder: Path, content: object) -> Path:
    path = folder / "a.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_training_json_of_several_paragraphs_and_sentences(tmp_path: Path) -> None:
    first = {
        "raw": "Ada  Byron\nleft.",
        "sentences": [_tokens("Ada/B-PER", "Byron/L-PER", "\n/O"), _tokens("left/O", "./-")],
    }
    second = {"sentences": [_tokens("In/O", "Ulm/U-LOC")], "cats": [1]}
    reader = read_documents(_file(tmp_path, [{"id": 3, "paragraphs": [first, second]}]))
    assert reader.format == "spacy-json"
    assert "BILUO" in reader.evidence
    assert list(reader) == [
        Document("Ada  Byron\nleft.", (Entity(0, 10, "PER"),), "3/1", ((0, 3), (5, 10), (11, 15), (15, 16))),
        Document("In Ulm", (Entity(3, 6, "LOC"),), "3/2", ((0, 2), (3, 6))),
    ]
    assert reader.report.counts == {
        "word without a tag, read as outside": 1,
        "key 'cats' of a paragraph, not read": 1,
    }
    assert any("joined with one blank" in note for note in reader.report.notes)


def test_training_json_with_other_schemes_and_repairs(tmp_path: Path) -> None:
    path = _file(tmp_path, [{"paragraphs": [{"sentences": [_tokens("Ada/B-PER", "Byron/I-PER", "Ulm/I-LOC")]}]}])
    reader = read_documents(path)
    assert "BIO tags" in reader.evidence
    assert [[entity.text for entity in document.entities] for document in reader] == [["Ada Byron", "Ulm"]]
    assert reader.report.counts == {"stray I- opens an entity": 1}
    with pytest.raises(DataError, match="stray I- opens an entity"):
        list(read_documents(path, strict=True))


@pytest.mark.parametrize(
    ("paragraph", "message"),
    [
        ({"sentences": 3}, "has no list 'sentences' where one must be, but 3"),
        ({"sentences": [{"tokens": [{"ner": "O"}]}]}, "word 1 is an object without a string 'orth'"),
        ({"raw": "Ada", "sentences": [_tokens("Bob/O")]}, "word 1 'Bob' is not in the text"),
        ({"raw": "Ada Bob", "sentences": [_tokens("Bob/O")]}, "the text holds 'Ada', which is none of the words"),
        ({"sentences": [_tokens("Ada/PER")]}, "'PER' is not a tag"),
        ({"sentences": [_tokens("Ada/S-PER")]}, "has the prefix S-, but the scheme BILUO"),
        ({"sentences": [_tokens("/O")]}, "word 1 is empty"),
    ],
)
def test_broken_paragraphs_are_told_one_by_one(tmp_path: Path, paragraph: object, message: str) -> None:
    good = {"sentences": [_tokens("Ulm/U-LOC")]}
    records = [{"id": "a", "paragraphs": [good]}, {"id": "b", "paragraphs": [good, paragraph]}, {"paragraphs": 3}]
    path = _file(tmp_path, "[" + ",\n".join(map(json.dumps, records)) + "]")
    reader, rejected = read_documents(path), list[DataError]()
    assert [document.id for document in reader.readable(rejected)] == ["a", "b/1"]
    assert [error.line for error in rejected] == [2, 3]
    assert rejected[0].message.startswith("document 'b': paragraph 2: ")
    assert message in rejected[0].message
    assert "has no list 'paragraphs' but 3" in rejected[1].message


EXAMPLE = ["Ada met Bob", {"entities": [[0, 3, "PER"], [8, 11, "PER"]]}]
READ = Document("Ada met Bob", (Entity(0, 3, "PER"), Entity(8, 11, "PER")))


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(EXAMPLE) + "\n" + json.dumps(EXAMPLE),
        json.dumps([EXAMPLE, EXAMPLE]),
        json.dumps([EXAMPLE, EXAMPLE], indent=2),
        json.dumps({"classes": ["PER"], "annotations": [EXAMPLE, None, EXAMPLE]}),
    ],
)
def test_shapes_of_examples(tmp_path: Path, content: str) -> None:
    reader = read_documents(_file(tmp_path, content))
    assert (reader.format, list(reader)) == ("spacy-offsets", [READ, READ])
    assert reader.report.counts == ({"example that is null, left out": 1} if "null" in content else {})


def test_overlapping_entities_stand_in_a_group(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_documents([NESTED, READ], path, "spacy-offsets")
    first, second = map(json.loads, path.read_text("utf-8").splitlines())
    assert first[1] == {"entities": [[0, 8, "ORG"]], "spans": {"sc": [[0, 8, "ORG"], [0, 3, "LOC"]]}}
    assert second == EXAMPLE
    reader = read_documents(path, options=SpacyOffsetsOptions(spans_key=""))
    assert [len(document.entities) for document in reader] == [1, 2]
    assert reader.report.counts == {"group 'sc' of spans, not read (option spans_key)": 1}
    with pytest.raises(DataError, match="entity nested in another"):
        write_documents([NESTED], tmp_path / "b", options=SpacyOffsetsOptions(spans_key=""))


@pytest.mark.parametrize(
    ("example", "message"),
    [
        (["Ada"], "is a list of 1; an example is a list of a text and an object"),
        (["Ada", []], "the annotation is a list of 0"),
        (["Ada", {"entities": {}}], "'entities' is an object; it must be a list"),
        (["Ada", {"entities": [[0, 4, "PER"]]}], "offset 4 lies outside the text"),
        (["Ada", {"entities": [[0, 3, 1]]}], "the label is 1"),
        (["Ada", {"entities": [[0, 3]]}], "span 1 of 'entities' is a list of 2"),
        (["Ada", {"spans": 1}], "'spans' is 1"),
    ],
)
def test_broken_examples_are_told_one_by_one(tmp_path: Path, example: object, message: str) -> None:
    path = _file(tmp_path, "\n".join(map(json.dumps, [EXAMPLE, example, EXAMPLE])))
    reader, rejected = read_documents(path), list[DataError]()
    assert list(reader.readable(rejected)) == [READ, READ]
    assert [(error.line, message in error.message) for error in rejected] == [(2, True)], rejected


def test_docbin_is_what_spacy_reads(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy")
    path = tmp_path / "a.spacy"
    words = Document("Ada  met", (Entity(0, 3, "PER"),), tokens=((0, 3), (5, 8)))
    write_documents([NESTED, words, Document(" Ulmers ", (Entity(1, 4, "LOC"),))], path)
    nested, given, cut = spacy.tokens.DocBin().from_disk(path).get_docs(spacy.blank("en").vocab)
    assert [(span.text, span.label_) for span in nested.ents] == [("Ulm City", "ORG")]
    assert [(span.text, span.label_) for span in nested.spans["sc"]] == [("Ulm City", "ORG"), ("Ulm", "LOC")]
    assert [(word.text, word.whitespace_) for word in given] == [("Ada", " "), (" ", ""), ("met", "")]
    assert [word.text_with_ws for word in cut] == [" ", "Ulm", "ers "]
    assert all(doc.has_annotation("ENT_IOB") for doc in (nested, given, cut))


def test_docbin_of_spacy_is_read(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy")
    nlp = spacy.blank("en")
    known, unknown = nlp("Ada met Bob."), spacy.tokens.Doc(nlp.vocab, words=["Ulm", "."])
    known.ents = [spacy.tokens.Span(known, 0, 1, "PER", kb_id="Q1")]
    known.spans["sc"] = [spacy.tokens.Span(known, 2, 3, "PER")]
    known.spans["other"] = []
    known.cats = {"news": 1.0}
    spacy.tokens.DocBin(docs=[known, unknown]).to_disk(tmp_path / "a")
    reader = read_documents(tmp_path / "a")
    assert reader.format == "docbin"
    first, second = reader
    assert [entity.text for entity in first.entities] == ["Bob", "Ada"]
    assert (second.text, second.tokens) == ("Ulm . ", ((0, 3), (4, 5)))
    assert set(reader.report.counts) == {
        "group 'other' of spans, not read (option spans_key)",
        "link of an entity to a knowledge base, not read",
        "categories of a document, not read",
        "document without known blanks, its words joined with one",
        "document with words without a tag, read as outside",
    }
    reader = read_documents(tmp_path / "a", options=DocBinOptions(spans_key="other"))
    assert [len(document.entities) for document in reader] == [1, 0]


def test_damaged_docbin_and_unknown_language(tmp_path: Path) -> None:
    pytest.importorskip("spacy")
    path = tmp_path / "a.spacy"
    write_documents([READ] * 50, path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="is not a DocBin that spaCy can read"):
        list(read_documents(path, "docbin"))
    with pytest.raises(DataError, match="no language 'qq'"):
        write_documents([READ], path, options=DocBinOptions(language="qq"))


@pytest.mark.parametrize(
    ("form", "package", "extra"),
    [("docbin", "spacy", "spacy"), ("parquet", "pyarrow", "parquet"), ("datasets", "datasets", "datasets")],
)
def test_a_missing_package_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, package: str, extra: str
) -> None:
    monkeypatch.setattr("globalner.data.formats.packages.find_spec", lambda _: None)
    told = rf'{form!r} needs {package}; install: pip install "globalner\[{extra}\]"'
    with pytest.raises(MissingExtraError, match=told):
        write_documents([READ], tmp_path / "a", form)
    assert not list(tmp_path.iterdir())
    place = tmp_path / "b"
    place.mkdir() if form == "datasets" else place.write_bytes(b"a")
    with pytest.raises(MissingExtraError, match=told):
        read_documents(place, form)


def test_a_folder_named_like_a_package_is_not_taken_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from globalner.data.formats.packages import require_package

    (tmp_path / "no_such_package").mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    with pytest.raises(MissingExtraError, match="needs no_such_package"):
        require_package("no_such_package", "x", "y")
