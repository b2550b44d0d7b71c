"""What looks wrong in documents, one by one and together."""

from __future__ import annotations

from collections import Counter

import pytest

from globalner.data.problems import cuts_word, document_problems
from globalner.data.set_problems import ALIKE_LABELS, INCLUSIVE_ENDS, SetProblems, alike_labels
from globalner.types import Document, Entity


def kinds(document: Document, long_entity_chars: int = 20) -> list[str]:
    return [problem.kind for problem in document_problems(document, long_entity_chars=long_entity_chars)]


@pytest.mark.parametrize(
    ("text", "entities", "kind"),
    [
        ("Ada left", [(0, 4)], "entity with blanks at its edges"),
        ("Ada left", [(0, 2)], "entity that starts or ends inside a word"),
        ("Ada left", [(5, 6)], "entity that starts or ends inside a word"),
        ("Ada left", [(0, 3), (0, 3)], "entity given twice"),
        ("Ada\nleft", [(0, 8)], "entity over a line break"),
        ("Ada " * 9, [(0, 35)], "very long entity"),
        (" \t", [], "document without text"),
        ("Ada\x00", [(0, 3)], "control character in a text"),
        ("Ada \x96 Bob", [], "control character in a text"),
        ("\ufeffAda", [], "byte order mark (U+FEFF) inside a text"),
        ("M\ufffdller", [], "replacement character (U+FFFD) in a text, left by a wrong encoding"),
    ],
)
def test_each_rule_is_broken_alone(text: str, entities: list[tuple[int, int]], kind: str) -> None:
    assert kinds(Document(text, tuple(Entity(start, end, "PER") for start, end in entities))) == [kind]


def test_sound_documents_have_no_problem() -> None:
    text = "O'Neill\t(Köln-Süd) 3.5\r\n王芳在IBM。👩‍👩‍👧"
    spans = [(0, 7), (9, 13), (14, 17), (24, 26), (27, 30), (31, 36)]
    assert kinds(Document(text, tuple(Entity(start, end, "X") for start, end in spans))) == []
    assert kinds(Document("")) == ["document without text"]


def test_labels_with_blanks_and_given_words_are_looked_at() -> None:
    document = Document("Ada left", (Entity(0, 2, "PER "),), tokens=((0, 3), (4, 8)))
    assert kinds(document) == ["label with blanks at its edges", "entity that does not start and end with given words"]
    assert kinds(Document("c-fos", (Entity(0, 1, "X"),), tokens=((0, 1), (1, 2), (2, 5)))) == []


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("ab", True), ("a1", True), ("1a", True), ("a b", False), ("a-b", False), ("北京", False), ("在IBM", False),
        ("①IV", False), ("e\u0301", True), ("ก\u0e34", True), ("\U0001f469\u200d\U0001f469", True), ("é", False),
        ("كتاب", True), ("বাংলা", True),
    ],
)  # fmt: skip
def test_words_go_on_in_letters_marks_and_joiners(text: str, cut: bool) -> None:
    assert cuts_word(text, 1) is cut
    assert not cuts_word(text, 0)
    assert not cuts_word(text, len(text))


def test_a_mark_behind_a_letter_keeps_the_word_whole() -> None:
    assert cuts_word("a\u0301b", 2)


def whole(*documents: Document) -> list[tuple[str, str]]:
    problems = SetProblems()
    found = [problem for place, document in enumerate(documents) for problem in problems.add(document, place)]
    return [tuple(problem) for problem in [*found, *problems.whole()]]


def test_ids_and_texts_given_twice_are_found() -> None:
    ada = (Entity(0, 3, "PER"),)
    found = whole(
        Document("Ada", ada, id="1"), Document("Bob", id="1"), Document("Ada", ada), Document("Ada"), Document(" ")
    )
    assert [kind for kind, _ in found] == [
        "id given twice",
        "text given twice",
        "text given twice, with other entities",
    ]
    assert all("first at line 0" in message for _, message in found)
    assert whole(Document(" "), Document(" "), Document("")) == []


def test_one_text_with_several_labels_is_told_the_most_lopsided_first() -> None:
    documents = [Document("Ada Bob", (Entity(0, 3, "PER"), Entity(4, 7, "PER")), id=str(n)) for n in range(9)]
    odd = Document("Ada Bob!", (Entity(0, 3, "ORG"), Entity(4, 7, "PER")))
    even = [Document(f"Ulm {n}", (Entity(0, 3, label),)) for n, label in enumerate(("LOC", "ORG"))]
    found = [message for kind, message in whole(*documents, odd, *even) if kind == "same text labelled differently"]
    assert found == ["'Ada': PER 9, ORG 1", "'Ulm': ORG 1, LOC 1"]


def test_labels_that_are_alike_are_told() -> None:
    counts = Counter({"PER": 5, "per": 7, "Per ": 1, "LOC": 2, "B_C": 1, "b-c": 1, "B C": 1})
    assert alike_labels(counts) == [["per", "PER", "Per "], ["B C", "B_C", "b-c"]]
    document = Document("Ada Bob", (Entity(0, 3, "PER"), Entity(4, 7, "per")))
    assert (ALIKE_LABELS, "'PER' (1) and 'per' (1)") in whole(document)


def test_ends_that_miss_a_character_are_told_from_those_that_do_not() -> None:
    text = "Ada met Bob in Ulm and Eve in Bonn."
    exclusive = [(0, 3), (8, 11), (15, 18), (23, 26), (30, 34)]
    sound = Document(text, tuple(Entity(start, end, "X") for start, end in exclusive))
    short = Document(text, tuple(Entity(start, end - 1, "X") for start, end in exclusive))
    assert INCLUSIVE_ENDS not in [kind for kind, _ in whole(sound)]
    assert INCLUSIVE_ENDS in [kind for kind, _ in whole(short)]
    compounds = Document(text, (Entity(0, 2, "X"), Entity(8, 11, "X"), Entity(15, 18, "X"), Entity(23, 26, "X")))
    assert INCLUSIVE_ENDS not in [kind for kind, _ in whole(compounds)]
