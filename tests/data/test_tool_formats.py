"""The forms of other tools: what each carries comes back equal, whatever the documents are."""

from __future__ import annotations

import string
import tempfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.data import read_documents, write_documents
from globalner.data.formats import FORMATS
from globalner.data.formats.json_tags import JsonTagsOptions
from globalner.data.formats.label_studio import LabelStudioOptions
from globalner.data.formats.spacy_offsets import SpacyOffsetsOptions
from globalner.data.formats.table_layout import TableOptions
from globalner.types import Document, Entity

TEXT_FORMS = ["doccano", "label-studio", "spacy-json", "spacy-offsets", "json-tags"]
PACKAGE_FORMS = {"docbin": "spacy", "parquet": "pyarrow", "datasets": "datasets"}
CHARS = st.sampled_from("ab é北𝄞\u0301\u200d\n\t \ufeff\u2028.\"\\'-")
LABELS = st.sampled_from(["PER", "ORG", "creative-work", "日期", "a b"])
JSON = st.none() | st.booleans() | st.integers(-9, 9) | st.text(string.ascii_letters, max_size=3)


@st.composite
def documents(draw: st.DrawFn, *, flat: bool = False, with_words: bool = True) -> Document:
    """A document whose given words hold the edges of its entities."""
    text = draw(st.text(CHARS, max_size=24))
    cuts = sorted({0, len(text), *draw(st.lists(st.integers(0, len(text)), max_size=8))})
    pieces = [(start, end) for start, end in pairwise(cuts) if text[start:end].strip()]
    tokens = tuple(_stripped(text, piece) for piece in pieces)
    entities: list[Entity] = []
    if tokens:
        places = st.tuples(st.integers(0, len(tokens) - 1), st.integers(0, len(tokens) - 1), LABELS)
        for one, other, label in draw(st.lists(places, max_size=4)):
            entity = Entity(tokens[min(one, other)][0], tokens[max(one, other)][1], label)
            overlaps = any(entity.start < known.end and known.start < entity.end for known in entities)
            if entity.key not in [known.key for known in entities] and not (flat and overlaps):
                entities.append(entity)
    extra = draw(st.dictionaries(st.sampled_from(["meta", "page"]), JSON.filter(lambda value: value is not None)))
    name = draw(st.none() | st.sampled_from(["7", "a/b", "07"]))
    return Document(text, tuple(entities), id=name, tokens=tokens if with_words else None, extra=extra)


def _stripped(text: str, piece: tuple[int, int]) -> tuple[int, int]:
    start, end = piece
    while text[start].isspace():
        start += 1
    while text[end - 1].isspace():
        end -= 1
    return start, end


def _carried(document: Document, form: str) -> Document:
    """What a document is after a round trip: without what the format has no place for."""
    carries = FORMATS[form].carries
    entities = document.entities
    if not carries.nested or form == "docbin":
        entities = tuple(sorted(entities, key=lambda entity: (entity.start, -entity.end)))
    tokens = document.tokens if carries.tokens else None
    extra = document.extra if carries.extra else {}
    return replace(document, entities=entities, id=document.id if carries.ids else None, tokens=tokens, extra=extra)


def _same(read: Document, form: str) -> Document:
    sorts = form == "docbin"
    return _carried(read, form) if sorts else read


def _round_trip(given_documents: list[Document], form: str, options: object = None) -> list[Document]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        write_documents(given_documents, path, form, options=options)
        assert read_documents(path).format == form
        return list(read_documents(path, form, options=options))


@pytest.mark.parametrize("form", TEXT_FORMS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_round_trips_are_equal(form: str, data: st.DataObject) -> None:
    flat = not FORMATS[form].carries.nested
    documents_given = data.draw(st.lists(documents(flat=flat), min_size=1, max_size=3))
    if form in ("json-tags",) and not documents_given[0].tokens:
        documents_given.insert(0, Document("a b", tokens=((0, 1), (2, 3))))
    assert _round_trip(documents_given, form) == [_carried(document, form) for document in documents_given]


@pytest.mark.parametrize("form", PACKAGE_FORMS)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_round_trips_of_packages_are_equal(form: str, data: st.DataObject) -> None:
    pytest.importorskip(PACKAGE_FORMS[form])
    documents_given = data.draw(st.lists(documents(), min_size=1, max_size=3))
    read = [_same(document, form) for document in _round_trip(documents_given, form)]
    assert read == [_carried(document, form) for document in documents_given]


@settings(max_examples=25, deadline=None)
@given(document=documents(with_words=False))
def test_texts_without_words_keep_text_and_entities_in_a_docbin(document: Document) -> None:
    pytest.importorskip("spacy")
    (read,) = _round_trip([document], "docbin")
    assert read.text == document.text
    assert sorted(entity.key for entity in read.entities) == sorted(entity.key for entity in document.entities)


def _options(unit: str) -> list[tuple[str, object]]:
    return [
        ("label-studio", LabelStudioOptions(offset_unit=unit, use="predictions")),  # type: ignore[arg-type]
        ("spacy-offsets", SpacyOffsetsOptions(offset_unit=unit)),  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize(("form", "options"), [*_options("utf16"), *_options("byte")])
@settings(max_examples=30, deadline=None)
@given(document=documents())
def test_offsets_of_other_units_come_back(form: str, options: object, document: Document) -> None:
    assert [d.entities for d in _round_trip([document], form, options)] == [document.entities]


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("json-tags", JsonTagsOptions(scheme="BIO")),
        ("json-tags", JsonTagsOptions(scheme="BIOES")),
        ("parquet", TableOptions(shape="tags")),
        ("parquet", TableOptions(shape="tags", scheme="BILUO", tags="labels", tokens="words")),
    ],
)
@settings(max_examples=25, deadline=None)
@given(document=documents(flat=True))
def test_other_shapes_come_back(form: str, options: object, document: Document) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    elif not document.tokens:
        return
    (read,) = _round_trip([document], form, options)
    ordered = sorted(document.entities, key=lambda entity: entity.start)
    assert (read.text, read.tokens, list(read.entities)) == (document.text, document.tokens, ordered)


@pytest.mark.parametrize("form", ["label-studio", "parquet", "datasets"])
def test_scores_come_back(form: str) -> None:
    pytest.importorskip(PACKAGE_FORMS.get(form, "json"))
    document = Document("Ada met Bob", (Entity(0, 3, "PER", score=0.75), Entity(8, 11, "PER")))
    options = LabelStudioOptions(use="predictions") if form == "label-studio" else None
    assert [e.score for d in _round_trip([document], form, options) for e in d.entities] == [0.75, None]


LOSSES: list[tuple[str, Document, str]] = [
    ("spacy-json", Document("Ulm City", (Entity(0, 8, "ORG"), Entity(0, 3, "LOC"))), "entity nested in another: 1"),
    ("json-tags", Document("a b c", (Entity(0, 3, "X"), Entity(2, 5, "X"))), "entity that crosses another: 1"),
    ("json-tags", Document("a b", (Entity(0, 1, "X"), Entity(0, 1, "Y"))), "entity on the span of another: 1"),
    ("json-tags", Document("abc", (Entity(0, 1, "X"),)), "entity with an edge inside a word: 1 (such as X 'a')"),
    ("json-tags", Document("a b", tokens=((0, 1),)), "text outside the given words, made a word: 1 (such as 'b')"),
    ("json-tags", Document("a", (Entity(0, 1, "X,O"),)), "label that a tag cannot hold, written with _: 1"),
    ("native", Document("a", extra={"entities": 1}), "further key that is named like one of the format's: 1"),
    ("doccano", Document("a", extra={"labels": 1}), "further key that is named like one of doccano's: 1"),
    ("docbin", Document("abc", (Entity(0, 1, "X"),), tokens=((0, 3),)), "entity with an edge inside a word: 1"),
]


@pytest.mark.parametrize(("form", "document", "told"), LOSSES)
def test_what_cannot_be_held_is_refused_and_counted(
    form: str,
    document: Document,
    told: str,
    tmp_path: Path,
) -> None:
    pytest.importorskip(PACKAGE_FORMS.get(form, "json"))
    with pytest.raises(Exception, match="nothing was written") as caught:
        write_documents([document], tmp_path / "a", form)
    assert told in str(caught.value)
    assert not list(tmp_path.iterdir())
    write_documents([document], tmp_path / "a", form, lossy=True)
    assert [read.text for read in read_documents(tmp_path / "a", form)] == [document.text]


def test_lone_surrogates_are_refused(tmp_path: Path) -> None:
    for form, package in PACKAGE_FORMS.items():
        pytest.importorskip(package)
        with pytest.raises(Exception, match="lone surrogate"):
            write_documents([Document("a\ud800")], tmp_path / form, form)
    assert not list(tmp_path.iterdir())
