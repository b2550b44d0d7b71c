"""Our scores and seqeval's are the same on flat data."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.errors import DataError
from globalner.evaluation import evaluate_documents, seqeval_report, seqeval_scores
from globalner.types import Document, Entity

WORDS = ((0, 2), (3, 5), (6, 8), (8, 10), (11, 12))
TEXT = "aa bb ccdd e"


@st.composite
def flat_entities(draw: st.DrawFn, *, on_words: bool) -> tuple[Entity, ...]:
    """Entities without overlap, some touching, over the words or over single characters."""
    units = WORDS if on_words else tuple((index, index + 1) for index in range(len(TEXT)))
    entities, position = [], 0
    while position < len(units):
        length = draw(st.integers(0, 2))
        if length and position + length <= len(units):
            label = draw(st.sampled_from(["PER", "LOC", "creative-work", "B_x"]))
            entities.append(Entity(units[position][0], units[position + length - 1][1], label))
        position += max(length, 1)
    return tuple(entities)


@st.composite
def flat_pairs(draw: st.DrawFn) -> tuple[Document, Document]:
    on_words = draw(st.booleans())
    tokens = WORDS if draw(st.booleans()) else None
    gold = draw(flat_entities(on_words=on_words))
    # Take over some of the gold, so that there are matches.
    predicted = gold if draw(st.booleans()) else draw(flat_entities(on_words=on_words))
    return Document(TEXT, gold, tokens=tokens), Document(TEXT, predicted)


@settings(max_examples=80, deadline=None)
@given(st.lists(flat_pairs(), max_size=4))
def test_micro_macro_and_types_agree(pairs: list[tuple[Document, Document]]) -> None:
    gold, predicted = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    ours = evaluate_documents(gold, predicted, mode="flat", split="test")
    theirs = seqeval_scores(gold, predicted)
    assert ours.micro.to_dict() == pytest.approx(theirs["micro"])
    assert ours.macro.to_dict() == pytest.approx(theirs["macro"])
    types = theirs["types"]
    assert isinstance(types, dict)
    assert list(ours.types) == list(types)
    for label, score in ours.types.items():
        assert score.to_dict() == pytest.approx(types[label])


def test_report_is_seqevals_table() -> None:
    gold = [Document(TEXT, (Entity(0, 2, "PER"), Entity(3, 5, "LOC")), tokens=WORDS)]
    predicted = [Document(TEXT, (Entity(0, 2, "PER"), Entity(3, 8, "LOC")))]
    rows = [line.split() for line in seqeval_report(gold, predicted, digits=3).splitlines() if line.strip()]
    assert rows == [
        ["precision", "recall", "f1-score", "support"],
        ["LOC", "0.000", "0.000", "0.000", "1"],
        ["PER", "1.000", "1.000", "1.000", "1"],
        ["micro", "avg", "0.500", "0.500", "0.500", "2"],
        ["macro", "avg", "0.500", "0.500", "0.500", "2"],
        ["weighted", "avg", "0.500", "0.500", "0.500", "2"],
    ]


def test_report_without_any_entity() -> None:
    assert seqeval_report([Document("abc")], [Document("abc")]).startswith("no entities")
    assert seqeval_scores([], [])["micro"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}


def test_entities_off_the_token_edges_are_compared_over_characters() -> None:
    gold = [Document(TEXT, (Entity(0, 2, "PER"),), tokens=WORDS)]
    assert seqeval_scores(gold, [Document(TEXT, (Entity(0, 1, "PER"),))])["micro"] == {
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0,
        "support": 1,
    }


@pytest.mark.parametrize("second", [Entity(0, 1, "LOC"), Entity(1, 4, "PER"), Entity(0, 2, "LOC")])
def test_nested_crossing_and_doubly_labelled_data_are_refused(second: Entity) -> None:
    nested, flat = Document(TEXT, (Entity(0, 2, "PER"), second)), Document(TEXT, (Entity(0, 2, "PER"),))
    with pytest.raises(DataError, match="gold document 1 is not flat"):
        seqeval_report([nested], [flat])
    with pytest.raises(DataError, match="predicted document 2 is not flat"):
        seqeval_scores([flat, flat], [flat, nested])


def test_texts_must_be_equal() -> None:
    with pytest.raises(DataError, match="document 1 has another text"):
        seqeval_report([Document("abc")], [Document("abd")])
