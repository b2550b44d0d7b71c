from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.data.documents import read_documents, write_documents
from globalner.data.formats.column_layout import ColumnOptions
from globalner.data.formats.tag_schemes import SCHEMES
from globalner.data.formats.words import join_words, split_words
from globalner.errors import DataError
from globalner.types import Document, Entity


def _found(document: Document) -> list[tuple[str, str]]:
    return [(entity.text, entity.label) for entity in document.entities]


def _document(words: list[str], *spans: tuple[int, int, str]) -> Document:
    """A document of words, with entities from the first to the last word, inclusive."""
    text, tokens, _ = join_words(words)
    return Document(text, tuple(Entity(tokens[a][0], tokens[b][1], label) for a, b, label in spans), tokens=tokens)


@pytest.mark.parametrize(
    ("scheme", "tags"),
    [("auto", "B I I B"), ("IOB1", "I I I B"), ("BIOES", "B I E S"), ("BMES", "B M E S"), ("BILUO", "B I L U")],
)
def test_written_tags(tmp_path: Path, scheme: str, tags: str) -> None:
    path = tmp_path / "out.conll"
    write_documents([_document(list("abcd"), (0, 2, "X"), (3, 3, "X"))], path, options=ColumnOptions(scheme=scheme))
    lines = [f"{word}\t{tag}-X\n" for word, tag in zip("abcd", tags.split(), strict=True)]
    assert path.read_text("utf-8") == "".join(lines) + "\n"


def test_layers_are_written_outermost_first(tmp_path: Path) -> None:
    path = tmp_path / "out.conll"
    document = _document(["Leeds", "Art", "Museum"], (0, 0, "LOC"), (1, 1, "X"), (0, 2, "ORG"))
    write_documents([document], path, options=ColumnOptions(layers=2, separator="space"))
    assert path.read_text("utf-8") == "Leeds B-ORG B-LOC\nArt I-ORG B-X\nMuseum I-ORG O\n\n"
    inner = ColumnOptions(layers=2, separator="space", layer_order="innermost_first")
    write_documents([document], path, options=inner)
    assert path.read_text("utf-8") == "Leeds B-LOC B-ORG\nArt B-X I-ORG\nMuseum O I-ORG\n\n"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (_document(["a", "b", "c"], (0, 2, "X"), (1, 1, "Y"), (2, 2, "Y")), "entity nested in another"),
        (_document(["a", "b"], (0, 0, "X"), (0, 0, "Y")), "entity nested in another"),
        (_document(["a", "b", "c"], (0, 1, "X"), (1, 2, "Y")), "entity that crosses another"),
        (Document("ab cd", (Entity(1, 2, "X"),), tokens=((0, 2), (3, 5))), "entity with an edge inside a word"),
        (Document("ab cd", tokens=((0, 2),)), "text outside the given words"),
        (Document("  "), "document without a word"),
        (Document("a\tb", tokens=((0, 3),)), "word with characters"),
        (Document("-DOCSTART-", tokens=((0, 10),)), "word with characters"),
        (Document("a", (Entity(0, 1, "x\ty"),)), "label with characters"),
        (Document("a", (Entity(0, 1, "x,B-y"),)), "label with characters"),
    ],
)
def test_losses_are_refused_unless_accepted(tmp_path: Path, document: Document, reason: str) -> None:
    path = tmp_path / "out.conll"
    with pytest.raises(DataError, match=reason) as caught:
        write_documents([document], path)
    assert "--lossy" in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    fine = _document(["fine"])
    report = write_documents([fine, document], path, lossy=True)
    assert next(iter(report.counts)).startswith(reason)
    assert next(iter(read_documents(path))) == fine


def test_refusal_says_what_and_how_many(tmp_path: Path) -> None:
    document = _document(["a", "b", "c"], (0, 2, "X"), (1, 1, "Y"), (2, 2, "Z"))
    with pytest.raises(DataError, match=r"\(layers\): 2 \(such as Y 'b'; Z 'c'\)"):
        write_documents([document], tmp_path / "out.conll")


def test_io_cannot_part_touching_entities(tmp_path: Path) -> None:
    document = _document(["a", "b", "c"], (0, 0, "X"), (1, 1, "X"), (2, 2, "Y"))
    path = tmp_path / "out.conll"
    options = ColumnOptions(scheme="IO")
    with pytest.raises(DataError, match="touches another of its label"):
        write_documents([document], path, options=options)
    write_documents([document], path, options=options, lossy=True)
    assert _found(*read_documents(path)) == [("a", "X"), ("c", "Y")]


def test_scores_ids_and_spacing_are_noted_but_not_refused(tmp_path: Path) -> None:
    document = Document("Hi, Ada", (Entity(4, 7, "PER", score=0.5),), id="7", extra={"meta": 1})
    path = tmp_path / "out.conll"
    report = write_documents([document], path)
    assert path.read_text("utf-8") == "Hi\tO\n,\tO\nAda\tB-PER\n\n"
    assert set(report.counts) == {
        "document without given words, split at blanks and punctuation",
        "document whose spacing between words changes",
        "document id left out",
        "further key of a document left out",
        "score of an entity left out",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ada_1 isn't 3.5\u00adm", ["Ada_1", "isn", "'", "t", "3", ".", "5\u00adm"]),
        ("北京abc大学。", ["北", "京", "abc", "大", "学", "。"]),
        ("বাংলা ভাষা", ["বাংলা", "ভাষা"]),
        ("cafe\u0301s 👍🏽!!", ["cafe\u0301s", "👍", "🏽", "!", "!"]),
        ("ที่", ["ที่"]),
        ("", []),
    ],
)
def test_words_of_plain_text(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in split_words(text)] == words


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("a 北ไ\u0301\u200d\ufeff\n"), max_size=30))
@settings(derandomize=True, max_examples=100)
def test_words_cover_all_but_white_space(text: str) -> None:
    tokens = split_words(text)
    inside = {index for start, end in tokens for index in range(start, end)}
    assert inside == {index for index, char in enumerate(text) if not char.isspace()}
    assert Document(text, tokens=tokens).tokens == tokens


_CELL = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\t\r\n")
    | st.sampled_from("#-_ \ufeff\u2028\u3000北ไ1O"),
    min_size=1,
    max_size=6,
)
_LABELS = st.sampled_from(["PER", "creative-work", "cell_type", "O", "B-X", "a b", "場所"])


@st.composite
def _layered(draw: st.DrawFn, cells: st.SearchStrategy[str]) -> list[Document]:
    """Documents whose entities fit into three tag columns of any scheme."""
    documents = []
    for words in draw(st.lists(st.lists(cells, min_size=1, max_size=6), min_size=1, max_size=3)):
        spans: dict[tuple[int, int, str], None] = {}
        for _ in range(3):
            at = draw(st.integers(0, 2))
            while at < len(words):
                last = min(at + draw(st.integers(0, 2)), len(words) - 1)
                spans[at, last, draw(_LABELS)] = None
                at = last + 2 + draw(st.integers(0, 3))
        documents.append(_document(words, *sorted(spans, key=lambda span: (span[0], -span[1]))))
    return documents


@given(_layered(_CELL.filter(lambda cell: cell != "-DOCSTART-")), st.sampled_from(sorted(SCHEMES)))
@settings(derandomize=True, max_examples=100, deadline=None)
def test_written_columns_read_back_equal(documents: list[Document], scheme: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.conll"
        report = write_documents(documents, path, options=ColumnOptions(scheme=scheme, layers=6))
        assert list(read_documents(path, strict=True)) == documents
        assert not report


@given(_layered(_CELL.filter(lambda cell: " " not in cell and not cell.isspace())))
@settings(derandomize=True, max_examples=40, deadline=None)
def test_columns_parted_by_blanks_read_back_equal(documents: list[Document]) -> None:
    renamed = [
        Document(d.text, tuple(Entity(e.start, e.end, e.label.replace(" ", "_")) for e in d.entities), tokens=d.tokens)
        for d in documents
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.conll"
        write_documents(renamed, path, options=ColumnOptions(separator="space", layers=6))
        assert list(read_documents(path)) == renamed
