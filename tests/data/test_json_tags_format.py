"""JSON lines of words and tags: their three shapes, and words that have to be found again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from globalner.data import read_documents, write_documents
from globalner.data.formats.json_tags import JsonTagsOptions
from globalner.errors import DataError
from globalner.types import Document, Entity

TAGS = ["U-PER", "O", "B-LOC", "L-LOC", "O"]
TEXT = "Ada left New York."
WORDS = ["Ada", "left", "New", "York", "."]
READ = Document(TEXT, (Entity(0, 3, "PER"), Entity(9, 17, "LOC")), tokens=((0, 3), (4, 8), (9, 12), (13, 17), (17, 18)))


def _file(folder: Path, *records: object) -> Path:
    path = folder / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, records)), "utf-8")
    return path


@pytest.mark.parametrize("words", ["tokens", "words"])
@pytest.mark.parametrize("tags", ["tags", "ner_tags", "ner", "labels", "label"])
def test_objects(tmp_path: Path, words: str, tags: str) -> None:
    with_text = {"id": "7", "text": TEXT, words: WORDS, tags: TAGS, "page": 3}
    reader = read_documents(_file(tmp_path, with_text, {words: WORDS, tags: TAGS}))
    first, second = reader
    assert reader.format == "json-tags"
    assert (first.text, first.entities, first.tokens, first.id, first.extra) == (
        *(READ.text, READ.entities, READ.tokens, "7", {"page": 3}),
    )
    assert second.text == "Ada left New York ."
    assert reader.report.notes == ["words were joined with one blank between them (4 times)"]


def test_pairs(tmp_path: Path) -> None:
    reader = read_documents(_file(tmp_path, [TEXT, TAGS], ["Ulm", ["U-LOC"]]))
    assert reader.format == "json-tags"
    assert "found by punctuation (fits 2 of the first 2 lines)" in reader.evidence
    assert next(iter(reader)) == READ
    reader = read_documents(_file(tmp_path, ["Ada left New-York.", ["U-PER", "O", "U-LOC"]]))
    assert "found by blanks" in reader.evidence
    assert [entity.text for entity in next(iter(reader)).entities] == ["Ada", "New-York."]
    assert [document.text for document in read_documents(_file(tmp_path, [WORDS, TAGS]))] == ["Ada left New York ."]


def test_words_by_rules_of_spacy(tmp_path: Path) -> None:
    pytest.importorskip("spacy")
    path = _file(tmp_path, ["Mr. O'Neil can't", ["O", "U-PER", "O", "O"]])
    with pytest.raises(DataError, match="has 4 tags, but 3 words are found in its text"):
        list(read_documents(path, options=JsonTagsOptions(words="blanks")))
    (document,) = read_documents(path, options=JsonTagsOptions(words="en"))
    assert [entity.text for entity in document.entities] == ["O'Neil"]
    with pytest.raises(DataError, match="no language 'qq'"):
        read_documents(path, options=JsonTagsOptions(words="qq"))


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [(["B-PER", "O", "B-LOC", "I-LOC", "O"], "BIO"), (["S-PER", "O", "B-LOC", "E-LOC", "O"], "BIOES"), (TAGS, "BILUO")],
)
def test_schemes_are_told(tmp_path: Path, tags: list[str], scheme: str) -> None:
    reader = read_documents(_file(tmp_path, [WORDS, ["O"] * 5], [WORDS, tags]))
    assert f"{scheme} tags" in reader.evidence
    assert [[entity.text for entity in document.entities] for document in reader] == [[], ["Ada", "New York"]]


def test_tags_without_prefixes(tmp_path: Path) -> None:
    reader = read_documents(_file(tmp_path, [WORDS, ["PER", "O", "LOC", "LOC", "O"]]))
    assert "tags without prefixes" in reader.evidence
    assert [entity.text for document in reader for entity in document.entities] == ["Ada", "New York"]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ([TEXT, TAGS[1:]], "has 4 tags, but 5 words are found"),
        ([WORDS, TAGS[1:]], "has 5 words and 4 tags"),
        ([TEXT, TAGS, 3], "is a list, but not a text or list of words with a list of tags"),
        ([[""], ["O"]], "word 1 is empty"),
        ({"tokens": WORDS}, "'tags' is null; it must be a list of strings"),
        ({"tokens": WORDS, "tags": [1, 2, 3, 4, 5]}, "'tags' is a list of 5; it must be a list of strings"),
        ({"text": 3, "tokens": WORDS, "tags": TAGS}, "'text' is 3"),
        ({"id": "x", "text": "Ada", "tokens": ["Bob"], "tags": ["O"]}, "document 'x': word 1 'Bob' is not in the text"),
        ([WORDS, ["X-PER", "O", "O", "O", "O"]], "'X-PER' is not a tag"),
        (3, "holds 3; a line is a list or an object"),
    ],
)
def test_broken_lines_are_told_one_by_one(tmp_path: Path, record: object, message: str) -> None:
    path = _file(tmp_path, [TEXT, TAGS], record, [TEXT, TAGS])
    reader, rejected = read_documents(path), list[DataError]()
    assert list(reader.readable(rejected)) == [READ, READ]
    assert [(error.line, message in error.message) for error in rejected] == [(2, True)], rejected


def test_lines_as_written(tmp_path: Path) -> None:
    document = Document(TEXT, READ.entities, "7", READ.tokens, {"page": 3})
    path = tmp_path / "a"
    write_documents([document], path, "json-tags")
    written = json.loads(path.read_text("utf-8"))
    assert written == {"page": 3, "id": "7", "text": TEXT, "tokens": WORDS, "tags": TAGS}
    write_documents([READ], path, options=JsonTagsOptions(shape="pair", scheme="BIO"))
    assert json.loads(path.read_text("utf-8")) == [TEXT, ["B-PER", "O", "B-LOC", "I-LOC", "O"]]
    assert list(read_documents(path)) == [READ]
    with pytest.raises(DataError, match="whose words cannot be found again"):
        write_documents([READ], path, options=JsonTagsOptions(shape="pair", words="blanks"))
