"""The frozen values: bounds, slicing by code points, equality, messages."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.errors import DataError, GlobalNerError
from globalner.types import Document, Entity, LabelSet


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (3, 3), (4, 2), (0, 0)])
def test_entity_refuses_offsets_that_hold_nothing(start: int, end: int) -> None:
    with pytest.raises(DataError, match=rf"start {start} and end {end}.*0 <= start < end"):
        Entity(start, end, "ORG")


def test_entity_refuses_an_empty_label() -> None:
    with pytest.raises(DataError, match="entity at 2:5 has an empty label"):
        Entity(2, 5, "")


def test_entity_key_leaves_text_and_score_out() -> None:
    assert Entity(0, 4, "ORG", "Acme", 0.9).key == Entity(0, 4, "ORG").key == (0, 4, "ORG")


def test_entities_are_values() -> None:
    entity = Entity(0, 4, "ORG")
    assert entity == Entity(0, 4, "ORG")
    assert entity != Entity(0, 4, "PER")
    assert len({entity, Entity(0, 4, "ORG"), Entity(0, 4, "ORG", score=0.5)}) == 2
    with pytest.raises(FrozenInstanceError):
        entity.start = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "start", "end", "piece"),
    [
        ("\U0001f600 Ada \U0001f44d\U0001f3fd", 2, 5, "Ada"),
        ("\U0001f600 Ada \U0001f44d\U0001f3fd", 6, 8, "\U0001f44d\U0001f3fd"),
        ("Cafe\u0301 Ole\u0301", 0, 5, "Cafe\u0301"),
        ("\ufeff北京大学", 1, 3, "北京"),
        ("one\r\ntwo", 5, 8, "two"),
    ],
)
def test_document_slices_code_points(text: str, start: int, end: int, piece: str) -> None:
    assert Document(text, (Entity(start, end, "X"),)).entities[0].text == piece


@settings(max_examples=100, deadline=None)
@given(st.text(min_size=1, max_size=30), st.data())
def test_document_fills_in_exactly_the_slice(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    assert Document(text, (Entity(start, end, "X"),)).entities[0].text == text[start:end]


def test_document_keeps_order_nesting_and_scores() -> None:
    entities = (Entity(2, 4, "B", score=0.25), Entity(0, 4, "A"), Entity(0, 4, "C"))
    document = Document("北京大学", entities)
    assert [entity.key for entity in document.entities] == [(2, 4, "B"), (0, 4, "A"), (0, 4, "C")]
    assert document.entities[0].score == 0.25


def test_document_refuses_an_entity_outside_the_text() -> None:
    assert Document("four", (Entity(0, 4, "X"),)).entities[0].text == "four"
    with pytest.raises(DataError, match=r"'X' at 0:5 lies outside the text, which has 4 characters"):
        Document("four", (Entity(0, 5, "X"),))


def test_document_refuses_an_entity_that_says_another_text() -> None:
    with pytest.raises(DataError, match=r"says 'Bob', but the text there is 'Ada'"):
        Document("Ada went", (Entity(0, 3, "PER", "Bob"),))


@pytest.mark.parametrize("tokens", [[(0, 0)], [(0, 3), (2, 5)], [(3, 5), (0, 2)], [(0, 9)], [(-1, 2)]])
def test_document_refuses_tokens_that_do_not_ascend_within_the_text(tokens: list[tuple[int, int]]) -> None:
    with pytest.raises(DataError, match="token"):
        Document("Ada went", tokens=tuple(tokens))


def test_document_takes_lists_and_makes_tuples() -> None:
    document = Document("Ada went", [Entity(0, 3, "PER")], tokens=[[0, 3], [4, 8]])  # type: ignore[arg-type]
    assert document == Document("Ada went", (Entity(0, 3, "PER", "Ada"),), tokens=((0, 3), (4, 8)))
    assert document != Document("Ada went", (Entity(0, 3, "PER"),))


def test_label_set_keeps_its_order_and_finds_positions() -> None:
    labels = LabelSet(("PER", "LOC"))
    assert (len(labels), list(labels), labels.index("LOC")) == (2, ["PER", "LOC"], 1)
    assert "PER" in labels
    assert "ORG" not in labels
    assert labels != LabelSet(("LOC", "PER"))


def test_label_set_of_documents_is_alphabetical() -> None:
    documents = [Document("ab", (Entity(0, 1, "PER"), Entity(1, 2, "LOC"))), Document("ab", (Entity(0, 2, "PER"),))]
    assert LabelSet.from_documents(documents).names == ("LOC", "PER")
    assert LabelSet.from_documents([]).names == ()


def test_label_set_names_what_is_wrong() -> None:
    with pytest.raises(DataError, match=r"unknown label 'ORG'; there are: PER, LOC"):
        LabelSet(("PER", "LOC")).index("ORG")
    with pytest.raises(DataError, match="'PER'"):
        LabelSet(("PER", "LOC", "PER"))
    with pytest.raises(DataError, match="''"):
        LabelSet(("PER", ""))


def test_data_error_tells_the_place() -> None:
    assert str(DataError("bad tag", path="a.conll", line=7)) == "a.conll:7: bad tag"
    assert issubclass(DataError, GlobalNerError)
