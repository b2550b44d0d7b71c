"""Long texts in stretches have the tokens of the whole, for every family of tokenizers."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from globalner import Document
from globalner.data import Report, TextTokenizer, TokenizedText
from globalner.data.long_texts import CUT_ANYWHERE, StretchSize
from globalner.encoders import build_character_tokenizer
from globalner.errors import DataError

CORPUS = ['"Ana Reis" (Lisbon), naïve café', "北京大学的王芳去了北京。", "Ana-Maria left in 2017."] * 5
PIECES = re.findall(r"[北京大学的王芳去了]|\w+|[^\w\s]", " ".join(CORPUS))
SMALL = StretchSize(chars=600, margin_chars=128)


def word_piece() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=120, special_tokens=["[UNK]"]))
    return tokenizer


def byte_level() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=340, initial_alphabet=alphabet))
    return tokenizer


def unigram() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=100, special_tokens=["<unk>"], unk_token="<unk>")
    tokenizer.train_from_iterator(PIECES, trainer)
    return tokenizer


def without_words() -> Tokenizer:
    """As Llama 2 and Gemma: the whole text is one word."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    pieces = [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer.train_from_iterator(PIECES, trainers.BpeTrainer(vocab_size=340, special_tokens=["<unk>", *pieces]))
    return tokenizer


FAMILIES = {
    "word_piece": word_piece,
    "byte_level": byte_level,
    "unigram": unigram,
    "without_words": without_words,
    "character": lambda: build_character_tokenizer(CORPUS).backend_tokenizer,
}


@pytest.fixture(scope="module", params=FAMILIES)
def backend(request: pytest.FixtureRequest) -> Tokenizer:
    return FAMILIES[request.param]()


NAMES = [
    "Ana Reis ",
    "Lisbon",
    ", ",
    "\n\n",
    " ",
    "naïve",
    "cafe\u0301 ",
    "北京大学的王芳",
    "。",
    "2017",
    "😀👩🏽\u200d🚀",
]
LONGER = [
    "😀👩🏽\u200d🚀",
    "http://a.b/c?d=e ",
    "foo_bar_baz",
    "x" * 40,
    "\t \r\n",
    "www.lisbon.example",
    "a@b.co",
    "🚀",
]
FRAGMENT = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(LONGER),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12),
)


@st.composite
def long_texts(draw: st.DrawFn) -> str:
    """Of some thousand characters, with a blank behind every three fragments."""
    fragments = draw(st.lists(FRAGMENT, min_size=3, max_size=30))
    chosen = np.random.default_rng(draw(st.integers(0, 2**32))).integers(0, len(fragments), size=400)
    return "".join(fragments[at] + " " * (place % 3 == 2) for place, at in enumerate(chosen))


@settings(max_examples=30, deadline=None)
@given(
    text=long_texts(),
    boundary=st.sampled_from(["word", "token"]),
    alignment=st.sampled_from(["report", "split", "characters"]),
    with_words=st.booleans(),
)
def test_stretches_join_to_the_tokens_of_the_whole(
    backend: Tokenizer, text: str, boundary: str, alignment: str, with_words: bool
) -> None:
    words = tuple(found.span() for found in re.finditer(r"\S+", text)) if with_words else None
    document, report = Document(text, tokens=words), Report()
    whole = TextTokenizer(backend, boundary, alignment).tokenize([document])[0]
    parts = list(TextTokenizer(backend, boundary, alignment, stretch_size=SMALL).stretches(document, report))
    assert not report
    assert TokenizedText.concatenate(parts).equals(whole)
    assert len(parts) >= len(text) // SMALL.chars


@pytest.mark.parametrize(
    "text", ["\n\n " * 1000, "Ana" + " " * 3000 + "Reis", ("Ana" + " " * 500) * 8, " " * 590 + "Ana" * 7 + " " * 900]
)
def test_blanks_longer_than_a_stretch_are_no_reason_to_cut_anywhere(text: str) -> None:
    document, report, backend = Document(text), Report(), word_piece()
    whole = TextTokenizer(backend, "word").tokenize([document])[0]
    parts = list(TextTokenizer(backend, "word", stretch_size=SMALL).stretches(document, report))
    assert TokenizedText.concatenate(parts).equals(whole)
    assert not report


def test_a_stream_has_the_same_tokens_for_long_and_short_texts(backend: Tokenizer) -> None:
    texts = ["Ana left Lisbon. " * 100, "Ana", "", "北京大学的王芳去了北京。" * 120, "Reis"]
    documents = [Document(text) for text in texts]
    whole = TextTokenizer(backend, "word").tokenize(documents)
    some = list(TextTokenizer(backend, "word", stretch_size=SMALL).stream_stretches(documents))
    assert [tokenized.document for tokenized in some] == documents
    assert [tokenized.tokens is None for tokenized in some] == [True, False, False, True, False]
    for tokenized, expected in zip(some, whole, strict=True):
        assert tokenized.head(3).tolist() == expected.input_ids[:3].tolist()
        assert TokenizedText.concatenate(list(tokenized)).equals(expected)
        assert tokenized.tail(5).tolist() == expected.input_ids[-5:].tolist()


@pytest.mark.parametrize("text", ["a" * 9_001, "😀" * 3_000, "http://" + "a" * 4_000])
def test_a_word_without_end_is_cut_and_reported_and_nothing_is_lost(backend: Tokenizer, text: str) -> None:
    report = Report()
    size = StretchSize(chars=500, margin_chars=32)
    tokens = TokenizedText.concatenate(
        list(TextTokenizer(backend, "token", stretch_size=size).stretches(Document(text), report))
    )
    covered = np.zeros(len(text), dtype=bool)
    for start, end in zip(tokens.char_starts, tokens.char_ends, strict=True):
        covered[start:end] = True
    assert covered.all()
    assert (np.diff(tokens.char_starts) >= 0).all()
    assert set(report.counts) <= {CUT_ANYWHERE}


def test_a_word_that_no_vocabulary_knows_is_cut_where_a_stretch_ends() -> None:
    report = Report()
    text = "a " + "q" * 3_000 + " b"  # for WordPiece one unknown token
    tokenizer = TextTokenizer(word_piece(), "token", stretch_size=SMALL)
    tokens = TokenizedText.concatenate(list(tokenizer.stretches(Document(text), report)))
    assert report.counts[CUT_ANYWHERE] >= 4
    assert "at character 472" in report.examples[CUT_ANYWHERE][0]
    assert 6 <= len(tokens) <= 10
    assert tokens.char_ends[-1] == len(text)


def test_half_characters_are_named() -> None:
    tokenizer = TextTokenizer(word_piece(), "word")
    with pytest.raises(DataError, match=r"document 7: character 1 is the lone surrogate U\+D800"):
        tokenizer.tokenize([Document("ok"), Document("a\ud800b", id="7")])
