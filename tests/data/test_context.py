"""Neighbours as context: which, how much, and that nothing but the encoder sees them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner import Document, Entity, LabelSet
from globalner.data import ContextRule, Report, TextTokenizer, WindowRules, WindowSize, windows_in_memory, with_context
from globalner.data.long_texts import StretchSize
from globalner.encoders import build_character_tokenizer
from globalner.errors import ConfigError

BACKEND = build_character_tokenizer(["abcdefgh "]).backend_tokenizer
TOKENIZER = TextTokenizer(BACKEND, "token")
LABELS = LabelSet(("A",))


def inside(text: str) -> Document:
    """A text of a document that all of them are from."""
    return Document(text, extra={"document": "d"})


def contexts(texts: list[Document], rule: ContextRule, room: int) -> list[tuple[str, str, str]]:
    """Each text with the characters before and behind it."""
    shown = []
    for text in with_context(TOKENIZER.stream_stretches(texts), rule, room):
        sides = ("".join(BACKEND.id_to_token(int(i)) for i in ids) for ids in (text.before, text.behind))
        before, behind = sides
        shown.append((before, text.tokenized.document.text, behind))
    return shown


def test_neighbours_of_the_same_document_stand_around_a_text() -> None:
    texts = [
        Document(text, extra={"document": number}) for number, text in ((1, "ab"), (1, "cd"), (1, "ef"), (2, "gh"))
    ]
    assert contexts(texts, ContextRule("document", 3), room=20) == [
        ("", "ab", "cde"),
        ("ab", "cd", "ef"),
        ("bcd", "ef", ""),
        ("", "gh", ""),
    ]


def test_room_is_shared_and_given_to_the_side_that_needs_it() -> None:
    texts = [inside(text) for text in ("abcd", "efgh", "abcd", "ef")]
    shown = contexts(texts, ContextRule("document", 4), room=8)
    assert shown == [("", "abcd", "efgh"), ("cd", "efgh", "ab"), ("gh", "abcd", "ef"), ("abcd", "ef", "")]
    assert contexts(texts, ContextRule("document", 4), room=4)[1] == ("", "efgh", "")
    assert contexts(texts, ContextRule("document", 0), room=9)[1] == ("", "efgh", "")
    assert contexts([inside("ab"), inside(""), inside("cd")], ContextRule("document", 4), room=9) == [
        ("", "ab", "cd"),
        ("", "", ""),
        ("ab", "cd", ""),
    ]


@pytest.mark.parametrize(
    ("one", "other", "joined"),
    [
        ("report-7.3", "report-7.4", True),
        ("a:1", "a:12", True),
        ("wnut 1", "wnut 2", True),
        ("a/b/1", "a/b/2", True),
        ("a/b/1", "a/c/2", False),
        ("d1-s1", "d1-s2", True),
        ("7", "8", False),
        ("x7", "x8", False),
        ("", "", False),
        (None, None, False),
    ],
)
def test_ids_tell_what_belongs_together(one: str | None, other: str | None, joined: bool) -> None:
    assert ContextRule("document", 1).joins(Document("a", id=one), Document("b", id=other)) is joined
    assert not ContextRule("none", 1).joins(Document("a", id="x.1"), Document("b", id="x.2"))


def test_a_key_goes_before_the_id() -> None:
    rule = ContextRule("document", 1)
    assert not rule.joins(
        Document("a", id="x.1", extra={"document": 1}), Document("b", id="x.2", extra={"document": 2})
    )
    assert rule.joins(Document("a", extra={"document": "m"}), Document("b", extra={"document": "m"}))


TEXTS = st.lists(st.tuples(st.text(alphabet="abcdefgh ", max_size=25), st.integers(0, 2)), max_size=7)


@settings(max_examples=60, deadline=None)
@given(drawn=TEXTS, tokens=st.integers(1, 9), overlap=st.integers(0, 9))
def test_nothing_starts_or_ends_in_the_context_and_the_text_itself_is_as_without(
    drawn: list[tuple[str, int]], tokens: int, overlap: int
) -> None:
    texts = [
        Document(
            text,
            (Entity(0, min(3, len(text)), "A"),) if text.strip()[:1] == text[:1] != "" else (),
            extra={"document": n},
        )
        for text, n in drawn
    ]
    plain, around = (
        windows_in_memory(texts, WindowRules(TOKENIZER, LABELS, WindowSize(14, overlap, context=rule)), Report())
        for rule in (ContextRule(), ContextRule("document", tokens))
    )
    assert len(plain) == len(around)
    for one, other in zip(plain, around, strict=True):
        assert len(other) <= 14
        shift = other.num_special - one.num_special
        inside = slice(other.num_special, other.num_special + other.text_tokens)
        assert other.start_mask.sum() == other.start_mask[inside].sum() == one.start_mask.sum()
        assert other.end_mask.sum() == other.end_mask[inside].sum() == one.end_mask.sum()
        assert other.input_ids[inside].tolist() == one.input_ids[1 : 1 + one.text_tokens].tolist()
        assert (other.gold == one.gold + np.array([0, shift, shift])).all()
        assert (one.document, one.begin, one.text_tokens) == (other.document, other.begin, other.text_tokens)
        if one.begin or one.text_tokens == 12:
            assert shift == 0
            assert np.array_equal(one.input_ids, other.input_ids)


def test_a_long_text_has_no_context_and_is_one() -> None:
    tokenizer = TextTokenizer(BACKEND, "token", stretch_size=StretchSize(30, 4))
    texts = [inside("ab"), inside("cdefgh" * 20), inside("ab")]
    shown = list(with_context(_walked(tokenizer, texts), ContextRule("document", 3), 10))
    assert [(len(text.before), len(text.behind)) for text in shown] == [(0, 3), (0, 0), (3, 0)]
    assert [BACKEND.id_to_token(int(i)) for i in (*shown[0].behind, *shown[2].before)] == list("cdefgh")


def _walked(tokenizer: TextTokenizer, texts: list[Document]) -> object:
    for text in tokenizer.stream_stretches(texts):
        yield text
        list(text)


def test_bad_rules_are_refused() -> None:
    with pytest.raises(ConfigError, match="none, document"):
        ContextRule("page", 3)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="at least 0"):
        ContextRule("document", -1)
