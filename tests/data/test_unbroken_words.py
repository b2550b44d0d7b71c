"""Addresses and names with underscores are one word of a text that comes without words."""

from __future__ import annotations

import pytest

from globalner import Document
from globalner.data import TextTokenizer
from globalner.encoders import build_character_tokenizer

TEXTS = [
    ("see http://t.co/a_b/c-d. Now", "http://t.co/a_b/c-d"),
    ("(https://x.org/y?q=1&r=%20#top)", "https://x.org/y?q=1&r=%20#top"),
    ("打开http://a.b/c看看", "http://a.b/c"),
    ("at www.a-b.org, or", "www.a-b.org"),
    ("mail a.b+c@d-e.org, ok", "a.b+c@d-e.org"),
    ("地址ana@b.org吗", "ana@b.org"),
    ("call my_own_name() now", "my_own_name"),
    ("名字foo_bar大学", "foo_bar"),
]


def edges(text: str, boundary: str = "word", tokens: tuple[tuple[int, int], ...] | None = None) -> tuple[set, set]:
    tokenizer = TextTokenizer(build_character_tokenizer([text]).backend_tokenizer, boundary)
    tokenized = tokenizer.tokenize([Document(text, tokens=tokens)])[0]
    starts = set(tokenized.char_starts[tokenized.may_start].tolist())
    return starts, set(tokenized.char_ends[tokenized.may_end].tolist())


@pytest.mark.parametrize(("text", "word"), TEXTS)
def test_an_address_starts_and_ends_where_it_does_and_nowhere_inside(text: str, word: str) -> None:
    begin = text.index(word)
    end = begin + len(word)
    starts, ends = edges(text)
    assert begin in starts
    assert end in ends
    assert not starts & set(range(begin + 1, end))
    assert not ends & set(range(begin + 1, end))
    every = {place for place, character in enumerate(text) if not character.isspace()}
    assert starts >= {place for place in every if not text[place].isalnum() and not begin <= place < end}


@pytest.mark.parametrize("text", ["_Lisbon_ is it", "Lisbon/Porto", "a: //b", "R&D@home", "3.5 of A.B."])
def test_other_text_keeps_the_words_of_the_tokenizer(text: str) -> None:
    starts, ends = edges(text)
    plain = {place for place in range(len(text)) if not text[place].isspace()}
    assert {place for place in plain if not text[place].isalnum()} <= starts & {end - 1 for end in ends}


def test_given_words_and_token_boundaries_go_before() -> None:
    text = "http://a.b"
    assert edges(text, "token")[0] == set(range(len(text)))
    assert edges(text, tokens=((0, 4), (7, 10))) == ({0, 7}, {4, 10})


@pytest.mark.parametrize("part", ["a", "a_", "a.", "a@", "://", "a+", "_", "a@b. ", "www.", "北"])
def test_long_runs_are_read(part: str) -> None:
    # A search that goes back over what it has read would not come to an end here.
    text = "http://" + part * 100_000
    tokenizer = TextTokenizer(build_character_tokenizer(["a"]).backend_tokenizer, "word")
    assert len(tokenizer.tokenize([Document(text)])[0]) == len(text)
