"""Safe repairs: what is meant stays, offsets stay true, a second repair finds nothing."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from globalner.data.problems import document_problems
from globalner.data.repairs import REPAIRABLE, repair_document
from globalner.types import Document, Entity

_CHARACTERS = st.sampled_from("ab北\u0301👩\u200d\ufeff \n\t\x00\x1f\x85\x96\u2028\u00a0")


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(st.text(_CHARACTERS, min_size=1, max_size=30))
    edges = st.integers(0, len(text))
    spans = draw(st.lists(st.tuples(edges, edges).filter(lambda pair: pair[0] < pair[1]), max_size=6))
    cuts = sorted(draw(st.sets(edges, max_size=8)))
    tokens = tuple(itertools.pairwise(cuts)) if draw(st.booleans()) else None
    entities = tuple(Entity(start, end, draw(st.sampled_from(["A", "a"]))) for start, end in spans)
    return Document(text, entities, id="7", tokens=tokens, extra={"meta": 1})


@given(documents())
def test_a_mended_document_has_nothing_left_to_mend_and_keeps_what_was_meant(document: Document) -> None:
    repaired = repair_document(document)
    kinds = {problem.kind for problem in document_problems(repaired.document, long_entity_chars=1000)}
    assert not kinds & set(REPAIRABLE)
    assert repair_document(repaired.document).repairs == []
    assert bool(repaired.repairs) == (repaired.document != document)
    assert (repaired.document.id, repaired.document.extra) == ("7", {"meta": 1})
    meant = {(meant_text(entity.text), entity.label) for entity in document.entities}
    assert {(entity.text, entity.label) for entity in repaired.document.entities} == {key for key in meant if key[0]}


def meant_text(text: str) -> str:
    for control, instead in (("\x00", " "), ("\x1f", " "), ("\x85", "…"), ("\x96", "–"), ("\ufeff", "")):
        text = text.replace(control, instead)
    return text.strip()


def test_every_repair_is_told() -> None:
    entities = (Entity(0, 4, "X"), Entity(1, 4, "X"), Entity(4, 6, "per"), Entity(0, 1, "X"), Entity(9, 10, "X"))
    document = Document("\ufeffAda\x00B\x96C \x1b", entities, tokens=((0, 4), (4, 8), (9, 10)))
    repaired = repair_document(document, {"per": "PER"})
    assert repaired.document.text == "Ada B–C  "
    assert [entity.key for entity in repaired.document.entities] == [(0, 3, "X"), (4, 5, "PER")]
    assert repaired.document.tokens == ((0, 3), (4, 7))
    assert [message for _, message in repaired.repairs] == [
        "U+0000 made ' ', U+0096 made '–', U+001B made ' ', 3 in all",
        "dropped an entity of nothing else: X 0:1 '\\ufeff'",
        "1 taken out",
        "per 3:5 ' B' now 4:5",
        "dropped an entity of blanks only: X 8:9 ' '",
        "per 4:5 'B' now 'PER'",
        "dropped once more: X 0:3 'Ada'",
    ]


def test_a_sound_document_is_the_same_object() -> None:
    document = Document("Ada", (Entity(0, 3, "PER", score=0.5),))
    assert repair_document(document).document is document
