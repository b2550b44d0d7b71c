"""Offsets and edges that are found for all texts at once are those of each token by itself."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from globalner import Document
from globalner.data import TextTokenizer
from globalner.data.code_points import JoinedTexts, are_blank, extend_graphemes, next_true
from globalner.data.graphemes import extends_grapheme
from globalner.data.own_words import WORD_PATTERN, own_word_edges
from globalner.data.token_cuts import cut_word_pattern, with_cuts
from globalner.data.token_offsets import unbroken_spans
from globalner.encoders import build_character_tokenizer

CORPUS = ["Ana Reis left the University of Lisbon.", "naïve café 北京大学 2017 😀", "foo_bar a@b.org"] * 5


def byte_level() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet))
    return tokenizer


def word_piece() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=120, special_tokens=["[UNK]"]))
    return tokenizer


FAMILIES = {
    "byte_level": byte_level,
    "word_piece": word_piece,
    "character": lambda: build_character_tokenizer(CORPUS).backend_tokenizer,
}


@pytest.fixture(scope="module", params=FAMILIES)
def backend(request: pytest.FixtureRequest) -> Tokenizer:
    return FAMILIES[request.param]()


def by_definition(
    backend: Tokenizer, document: Document, boundary: str, alignment: str
) -> tuple[list, list, list, list, list]:
    """Ids, starts, ends, which may start, which may end: token by token."""
    text, encoding = document.text, with_cuts(backend, alignment).encode(document.text, add_special_tokens=False)
    starts, ends = [], []
    for start, end in encoding.offsets:
        piece = text[start:end]
        starts.append(start + len(piece) - len(piece.lstrip()))
        ends.append(max(starts[-1], start + len(piece.rstrip())))
    following = [*starts[1:], len(text)][: len(starts)]
    for place, limit in enumerate(following):
        while starts[place] < ends[place] < limit and extends_grapheme(text[ends[place]]):
            ends[place] += 1
    filled = [start < end for start, end in zip(starts, ends, strict=True)]
    may_start = [full and starts[i] >= max([0, *ends[:i]]) for i, full in enumerate(filled)]
    may_end = [full and ends[i] <= following[i] for i, full in enumerate(filled)]
    if boundary == "word":
        first, last = word_edges(backend, document, starts, ends, alignment)
        may_start = [may and start in first for may, start in zip(may_start, starts, strict=True)]
        may_end = [may and end in last for may, end in zip(may_end, ends, strict=True)]
    return encoding.ids, starts, ends, may_start, may_end


def word_edges(backend: Tokenizer, document: Document, starts: list, ends: list, alignment: str) -> tuple[set, set]:
    text = document.text
    if document.tokens is not None:
        return {start for start, _ in document.tokens}, {end for _, end in document.tokens}
    pattern = cut_word_pattern(alignment)
    if pattern or backend.pre_tokenizer.__class__.__name__ == "ByteLevel":
        first, last = (set(edges.tolist()) for edges in own_word_edges(text, pattern or WORD_PATTERN))
    else:
        words = backend.encode(text, add_special_tokens=False).word_ids
        first = {starts[i] for i, word in enumerate(words) if i == 0 or words[i - 1] != word}
        last = {ends[i] for i, word in enumerate(words) if i + 1 == len(words) or words[i + 1] != word}
    inside = {place for begin, end in unbroken_spans(text) for place in range(begin + 1, end)}
    return first - inside, last - inside


CHARACTERS = st.one_of(
    st.sampled_from("ae \t\n北京\u0301\u200d\ufe0f\ufeff\r😀👩🏽ก9_-.@:/w\0\u3000É"),
    st.characters(exclude_categories=["Cs"]),
)
WORDS = st.sampled_from(["http://a.b/c ", "WWW.x", "foo_bar", "a@b.co", "cafe\u0301 "])
TEXTS = st.lists(st.one_of(CHARACTERS, WORDS), max_size=20).map("".join)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(TEXTS)
    if draw(st.booleans()):
        return Document(text)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    return Document(text, tokens=tuple(zip(cuts[::2], cuts[1::2], strict=False)))


@settings(max_examples=120, deadline=None)
@given(
    batch=st.lists(documents(), max_size=5),
    boundary=st.sampled_from(["word", "token"]),
    alignment=st.sampled_from(["report", "split", "characters"]),
)
def test_many_texts_at_once_have_the_tokens_of_each_by_itself(
    backend: Tokenizer, batch: list[Document], boundary: str, alignment: str
) -> None:
    found = TextTokenizer(backend, boundary, alignment).tokenize(batch)
    assert len(found) == len(batch)
    for document, tokens in zip(batch, found, strict=True):
        columns = (tokens.input_ids, tokens.char_starts, tokens.char_ends, tokens.may_start, tokens.may_end)
        expected = by_definition(backend, document, boundary, alignment)
        assert [column.tolist() for column in columns] == list(map(list, expected))


def test_long_lists_come_out_in_order(backend: Tokenizer) -> None:
    documents = [Document("Ana " * (number % 7) + str(number)) for number in range(3500)]
    tokenizer = TextTokenizer(backend, "word")
    pairs = list(tokenizer.stream(iter(documents)))
    assert [document for document, _ in pairs] == documents
    for place in (0, 999, 1000, 2001, 3499):
        assert pairs[place][1].equals(tokenizer.tokenize([documents[place]])[0])


def test_a_stream_reads_no_further_than_it_must(backend: Tokenizer) -> None:
    taken = []
    stream = TextTokenizer(backend, "word").stream(Document(f"Ana {taken.append(n)}") for n in range(10**9))
    for _ in range(1500):
        next(stream)
    stream.close()
    assert len(taken) <= 5000


def test_blanks_and_parts_of_graphemes_are_those_of_single_characters() -> None:
    codes = np.arange(sys.maxunicode + 1, dtype=np.uint32)
    assert are_blank(codes).tolist() == [chr(code).isspace() for code in codes]
    assert extend_graphemes(codes).tolist() == [extends_grapheme(chr(code)) for code in codes]


@given(flags=st.lists(st.booleans(), max_size=20))
def test_the_next_true_one_is_found(flags: list[bool]) -> None:
    expected = [next((j for j in range(i, len(flags)) if flags[j]), len(flags)) for i in range(len(flags))]
    assert next_true(np.array(flags, dtype=bool)).tolist() == expected


@given(texts=st.lists(st.text(max_size=5), max_size=5))
def test_joined_texts_hold_each_text(texts: list[str]) -> None:
    joined = JoinedTexts.of(texts)
    held = ["".join(map(chr, joined.codes[a:b])) for a, b in zip(joined.begins, joined.ends, strict=True)]
    assert held == texts
    assert len(joined.codes) == sum(map(len, texts)) + len(texts)
