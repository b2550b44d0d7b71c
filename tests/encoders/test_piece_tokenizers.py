from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from globalner import Document
from globalner.data import TextTokenizer
from globalner.encoders import (
    build_character_tokenizer,
    build_unigram_tokenizer,
    build_wordpiece_tokenizer,
)
from globalner.errors import ConfigError

TEXTS = [
    "The university of Lisbon teaches, and the universities of Porto and Braga teach too.",
    "Teaching at a university is 2 things: reading and writing; re-reading is a third.",
    "里斯本大学 and 北京大学 teach. 北京 is far.",
] * 4
BUILD: dict[str, Callable[..., PreTrainedTokenizerFast]] = {
    "wordpiece": build_wordpiece_tokenizer,
    "unigram": build_unigram_tokenizer,
}
BUILT = {kind: build(TEXTS, vocabulary_size=140) for kind, build in BUILD.items()}


@pytest.mark.parametrize("kind", BUILT)
def test_special_tokens_come_first_and_frame_a_text(kind: str) -> None:
    tokenizer = BUILT[kind]
    assert tokenizer.convert_ids_to_tokens([0, 1, 2, 3, 4]) == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    ids = tokenizer("the university").input_ids
    assert (ids[0], ids[-1]) == (tokenizer.cls_token_id, tokenizer.sep_token_id)
    assert tokenizer.unk_token_id not in ids
    assert 50 < len(tokenizer) <= 140


def test_the_same_texts_give_the_same_word_pieces_though_the_trainer_of_the_library_does_not() -> None:
    def trained() -> str:
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        tokenizer.train_from_iterator(TEXTS, trainers.WordPieceTrainer(vocab_size=140, show_progress=False))
        return str(tokenizer.to_str())

    built = [build_wordpiece_tokenizer(TEXTS, vocabulary_size=140).backend_tokenizer.to_str() for _ in range(4)]
    assert len(set(built)) == 1
    assert len({trained() for _ in range(4)}) > 1


def test_frequent_words_are_one_piece_and_inner_pieces_are_marked() -> None:
    pieces = BUILT["wordpiece"].convert_ids_to_tokens(BUILT["wordpiece"]("the university of teaches").input_ids)[1:-1]
    assert pieces[:3] == ["the", "university", "of"]
    assert "".join(piece.removeprefix("##") for piece in pieces[3:]) == "teaches"
    assert all(piece.startswith("##") for piece in pieces[4:])
    unigram = BUILT["unigram"].convert_ids_to_tokens(BUILT["unigram"]("the university").input_ids)
    assert unigram[1].startswith("▁t")


def test_every_kept_character_is_known_by_itself_and_inside_a_word() -> None:
    tokenizer = BUILT["wordpiece"]
    for character in set("".join(TEXTS)) - {" "}:
        assert tokenizer.unk_token_id not in tokenizer(f"{character} x{character}".replace("x", "t")).input_ids


@pytest.mark.parametrize("kind", BUILT)
def test_rare_characters_and_capitals(kind: str) -> None:
    texts = [*TEXTS, "Ω once"]
    tokenizer = BUILD[kind](texts, vocabulary_size=140, min_count=2, lowercase=True)
    assert tokenizer.unk_token_id in tokenizer("Ω").input_ids
    assert tokenizer.unk_token_id not in tokenizer("o").input_ids
    assert tokenizer("THE LISBON").input_ids == tokenizer("the lisbon").input_ids
    assert BUILT[kind]("THE").input_ids != BUILT[kind]("the").input_ids


@pytest.mark.parametrize("kind", BUILT)
def test_a_vocabulary_without_room_for_the_characters_is_an_error(kind: str) -> None:
    with pytest.raises(ConfigError, match=r"a vocabulary of 30 tokens has no room for the 3\d characters"):
        BUILD[kind](TEXTS, vocabulary_size=30)


@pytest.mark.parametrize("kind", BUILT)
def test_words_are_those_of_the_character_tokenizer(kind: str) -> None:
    """Entities that start and end where words do are the same with any tokenizer made here."""
    document = Document("re-reading of 北京大学, Lisbon.\tThe 2nd")
    edges = []
    for tokenizer in (BUILT[kind], build_character_tokenizer([document.text])):
        (tokens,) = TextTokenizer(tokenizer.backend_tokenizer, "word").tokenize([document])
        filled = tokens.char_ends > tokens.char_starts
        starts = tokens.char_starts[tokens.may_start & filled].tolist()
        ends = tokens.char_ends[tokens.may_end & filled].tolist()
        edges.append((starts, ends))
    assert edges[0] == edges[1]


@pytest.mark.parametrize("kind", BUILT)
@settings(max_examples=60, deadline=None)
@given(text=st.text(st.sampled_from("teachTE ,.北京\t\u3000é🙂Ω-▁#[]"), max_size=30))
def test_tokens_cover_each_character_but_blanks_in_order(kind: str, text: str) -> None:
    (tokens,) = TextTokenizer(BUILT[kind].backend_tokenizer, "token").tokenize([Document(text)])
    covered = set()
    for start, end in zip(tokens.char_starts.tolist(), tokens.char_ends.tolist(), strict=True):
        assert 0 <= start <= end <= len(text)
        covered |= set(range(start, end))
    assert covered >= {place for place, character in enumerate(text) if not character.isspace()}
    assert (tokens.char_starts[1:] >= tokens.char_starts[:-1]).all()


@pytest.mark.parametrize("kind", BUILT)
def test_a_saved_tokenizer_loads_as_it_was(kind: str, tmp_path: Path) -> None:
    BUILT[kind].save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert isinstance(loaded, PreTrainedTokenizerFast)
    one, other = (json.loads(each.backend_tokenizer.to_str()) for each in (loaded, BUILT[kind]))
    assert one == other
    assert loaded.mask_token_id == BUILT[kind].mask_token_id == 4
