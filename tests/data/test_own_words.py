"""Tokenizers as decoders have them, without special tokens around the text and without words worth the name."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from globalner import Document, Entity, LabelSet
from globalner.data import Report, TextTokenizer, WindowSize, align_entities, document_windows, training_windows
from globalner.data.own_words import own_word_edges, tells_words_apart
from globalner.encoders import build_character_tokenizer

CORPUS = ['"Ana Reis" (Lisbon), naïve café', "北京大学的王芳去了北京。", "Ana-Maria left in 2017."] * 5
# Vocabularies are made from words, so that no token joins a name to a bracket; real ones have few that do.
PIECES = re.findall(r"[北京大学的王芳去了]|\w+|[^\w\s]", " ".join(CORPUS))
LABELS = LabelSet(("LOC", "ORG", "PER"))
GLUE = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def byte_level(split: str | None = None) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    plain = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=split is None)
    first = [] if split is None else [pre_tokenizers.Split(Regex(split), behavior="isolated")]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*first, plain])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(PIECES, trainers.BpeTrainer(vocab_size=340, initial_alphabet=alphabet))
    return tokenizer


def sentence_piece() -> Tokenizer:
    """As Llama 2 and Gemma: blanks become marks, nothing is split, and a first token stands before the text."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    pieces = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=340, special_tokens=["<unk>", "<s>", *pieces])
    tokenizer.train_from_iterator(PIECES, trainer)
    start = ("<s>", tokenizer.token_to_id("<s>"))
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[start])
    return tokenizer


def metaspace() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=100, special_tokens=["<unk>"], unk_token="<unk>")
    tokenizer.train_from_iterator(PIECES, trainer)
    return tokenizer


FAMILIES: dict[str, Callable[[], Tokenizer]] = {
    "like GPT-2": byte_level,
    "like Llama 3 and Qwen": lambda: byte_level(GLUE),
    "like Llama 2 and Gemma": sentence_piece,
    "like XLM-R": metaspace,
}


@pytest.fixture(scope="module", params=FAMILIES)
def backend(request: pytest.FixtureRequest) -> Tokenizer:
    return FAMILIES[request.param]()


def kept(backend: Tokenizer, document: Document, boundary: str = "word") -> list[str]:
    tokens = TextTokenizer(backend, boundary).tokenize([document])[0]
    rows = align_entities(document, tokens, LABELS, Report())
    return [document.text[tokens.char_starts[first] : tokens.char_ends[last]] for _, first, last in rows]


def test_these_tokenizers_do_not_tell_words_apart(backend: Tokenizer) -> None:
    assert not tells_words_apart(backend)


def test_those_of_bert_and_of_characters_do() -> None:
    bert = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1, "##b": 2}, unk_token="[UNK]"))
    bert.normalizer = normalizers.BertNormalizer()
    bert.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    assert tells_words_apart(bert)
    assert tells_words_apart(build_character_tokenizer(CORPUS).backend_tokenizer)
    bert.normalizer = normalizers.BertNormalizer(handle_chinese_chars=False)
    assert not tells_words_apart(bert)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('"Ana Reis" (Lisbon), café', ["Ana Reis", "Lisbon", "café"]),
        ("北京大学的王芳去了北京。", ["北京大学", "王芳", "去"]),
        ("Ana-Maria left in 2017.", ["Ana-Maria", "Maria", "2017"]),
    ],
)
def test_names_beside_punctuation_and_inside_chinese_are_kept(backend: Tokenizer, text: str, names: list[str]) -> None:
    entities = tuple(Entity(text.index(name), text.index(name) + len(name), "LOC") for name in names)
    assert kept(backend, Document(text, entities)) == names


def test_inside_of_words_nothing_starts_or_ends(backend: Tokenizer) -> None:
    text = "naïvety cafés"
    inside = tuple(Entity(a, b, "LOC") for a in range(len(text)) for b in range(a + 1, len(text) + 1))
    assert kept(backend, Document(text, inside)) == ["naïvety", "naïvety cafés", "cafés"]
    assert len(kept(backend, Document(text, inside), "token")) > 3


def test_words_of_the_document_still_go_first(backend: Tokenizer) -> None:
    document = Document("Ana-Maria", (Entity(0, 9, "PER"), Entity(4, 9, "PER")), tokens=((0, 9),))
    assert kept(backend, document) == ["Ana-Maria"]


@given(text=st.text(alphabet=st.sampled_from("aé\u0301 \t.-(北京กๆ9😀_"), max_size=20))
def test_words_cover_the_text_without_gaps(text: str) -> None:
    starts, ends = own_word_edges(text)
    assert starts.tolist() == [0, *ends[:-1].tolist()][: len(starts)]
    assert (ends[-1] if len(ends) else 0) == len(text)
    for start, end in zip(starts, ends, strict=True):
        word = text[start:end].replace("\u0301", "")
        assert len(word) <= 1 or word.isalnum()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a👩🏽\u200d🚀b", ["a", "👩🏽\u200d🚀", "b"]),
        ("🇩🇪🇫🇷", ["🇩🇪", "🇫🇷"]),
        ("1\ufe0f\u20e3!", ["1\ufe0f\u20e3", "!"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("র\u200d্যাব ঢাকা", ["র\u200d্যাব", " ", "ঢাকা"]),
        ("กำนี้", ["กำ", "นี้"]),
    ],
)
def test_no_word_ends_inside_a_grapheme_or_at_a_joiner(text: str, words: list[str]) -> None:
    starts, ends = own_word_edges(text)
    assert [text[start:end] for start, end in zip(starts, ends, strict=True)] == words


def test_windows_have_only_the_special_tokens_that_the_tokenizer_adds(backend: Tokenizer) -> None:
    tokenizer = TextTokenizer(backend, "word")
    before = (backend.token_to_id("<s>"),) if backend.token_to_id("<s>") is not None else ()
    assert (tokenizer.prefix_ids, tokenizer.suffix_ids) == (before, ())
    text = "Ana left (Lisbon). " * 8
    document = Document(
        text, tuple(Entity(at, at + 6, "LOC") for at in range(len(text)) if text[at:].startswith("Lis"))
    )
    size = WindowSize(16, 15 - len(before))
    tokens = tokenizer.tokenize([document])[0]
    for window in document_windows(0, tokens, tokenizer, size):
        assert len(window) == 16
        assert window.num_special == len(before)
        assert (
            window.input_ids[len(before) :].tolist() == tokens.input_ids[window.begin :][: window.text_tokens].tolist()
        )
    report = Report()
    windows = training_windows([document], tokenizer, LABELS, size, report)
    assert sum(len(window.gold) for window in windows) == 8
    assert not report.counts
