from __future__ import annotations

import sys
import unicodedata

import pytest
from tokenizers import Tokenizer, models, normalizers

from globalner import Document
from globalner.data import TextTokenizer
from globalner.data.graphemes import extends_grapheme


def composed_with_one_before() -> set[str]:
    """The characters that NFKC may make one with what stands before them, by the tables of Python."""
    second = {chr(point) for point in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}
    for character in map(chr, range(sys.maxunicode + 1)):
        parts = unicodedata.decomposition(character).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            one, other = (chr(int(part, 16)) for part in parts)
            if unicodedata.normalize("NFC", one + other) == character:
                second.add(other)
    everything = map(chr, range(sys.maxunicode + 1))
    return {character for character in everything if unicodedata.normalize("NFKC", character)[:1] in second}


def test_all_that_a_normaliser_may_compose_belongs_to_what_stands_before_it() -> None:
    composed = composed_with_one_before()
    assert {"\u0301", "\uff9e", "\u11a8", "ㅏ"} <= composed
    assert not [character for character in composed if not extends_grapheme(character)]


@pytest.mark.parametrize("text", ["e\u0301x", "ｶﾞx", "\u1100\u1161\u11a8x", "ㄱㅏx", "ﾡￂx"])
def test_the_token_of_a_composed_character_holds_all_its_parts(text: str) -> None:
    tokenizer = Tokenizer(models.BPE({"[UNK]": 0, "x": 1}, [], unk_token="[UNK]", fuse_unk=False))
    tokenizer.normalizer = normalizers.NFKC()
    (tokens,) = TextTokenizer(tokenizer, "token").tokenize([Document(text)])
    assert tokens.char_starts.tolist() == [0, len(text) - 1]
    assert tokens.char_ends.tolist() == [len(text) - 1, len(text)]


@pytest.mark.parametrize("character", ["a", "北", "1", ".", " ", "カ", "😀", "가"])
def test_what_stands_by_itself_does_not(character: str) -> None:
    assert not extends_grapheme(character)
