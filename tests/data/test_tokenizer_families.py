"""Offsets, and the cuts of `data.alignment`, for each family of fast tokenizers and normaliser."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from globalner import Document, Entity, LabelSet
from globalner.data import Report, TextTokenizer, TokenizedText, align_entities

CORPUS = [
    "Ana Reis left the University of Lisbon, naïve café.",
    "北京大学的王芳2017年去了北京，AB12和CD。",
    "ঢাকা বিশ্ববিদ্যালয় ক্ষমা",
    "กรุงเทพมหานคร นี้กำ",
    "جامعة بغداد القَاهِرَة",
    "wcg2011 iPhone12 ﬁne ㈱ ½ Ａｂｃ 😀",
] * 5
LABELS = LabelSet(("X",))
METASPACE = pre_tokenizers.Metaspace()


def word_piece(**options: bool) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(**options)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=260, special_tokens=["[UNK]"], show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def byte_level(*, add_prefix_space: bool, split: str | None = None) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    plain = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space, use_regex=split is None)
    first = [] if split is None else [pre_tokenizers.Split(Regex(split), behavior="isolated")]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*first, plain])
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=340, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def unigram(normalizer: normalizers.Normalizer, pre_tokenizer: pre_tokenizers.PreTokenizer) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre_tokenizer
    trainer = trainers.UnigramTrainer(vocab_size=160, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def byte_fallback() -> Tokenizer:
    """As Llama 2: no pre-tokenizer, and bytes for what the vocabulary lacks."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    pieces = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=420, special_tokens=["<unk>", *pieces], limit_alphabet=60, show_progress=False
    )
    tokenizer.train_from_iterator(" ".join(CORPUS).split(), trainer)
    return tokenizer


def characters(*steps: normalizers.Normalizer) -> Tokenizer:
    known = sorted({character for text in CORPUS for character in text})
    vocabulary = {token: place for place, token in enumerate(["[UNK]", *known])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="[UNK]", fuse_unk=False))
    tokenizer.normalizer = normalizers.Sequence(list(steps))
    return tokenizer


FAMILIES: dict[str, Callable[[], Tokenizer]] = {
    "WordPiece, lowercase, no accents": lambda: word_piece(lowercase=True),
    "WordPiece, cased": lambda: word_piece(lowercase=False),
    "WordPiece, Chinese not cut": lambda: word_piece(handle_chinese_chars=False),
    "byte BPE": lambda: byte_level(add_prefix_space=False),
    "byte BPE, blank put first": lambda: byte_level(add_prefix_space=True),
    "byte BPE, split as Llama 3": lambda: byte_level(
        add_prefix_space=False, split=r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+(?!\S)|\s+"
    ),
    "Unigram, NFKC": lambda: unigram(normalizers.NFKC(), METASPACE),
    "Unigram, words by blanks": lambda: unigram(
        normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), "▁")]),
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), METASPACE]),
    ),
    "Unigram, NFKD, no accents": lambda: unigram(
        normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]), METASPACE
    ),
    "byte fallback": byte_fallback,
    "characters": characters,
    "characters, NFD, no accents": lambda: characters(
        normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()
    ),
    "characters, NFKC": lambda: characters(normalizers.NFKC()),
}


@pytest.fixture(scope="module", params=FAMILIES)
def backend(request: pytest.FixtureRequest) -> Tokenizer:
    return FAMILIES[request.param]()


SCRIPTS = [
    *"abEÉİßﬁ㈱½①Ａ12.,()'-_ \t\n北京大",
    *("e\u0301", "n\u0303", "\u0315", "ｶﾞ", "\u3000", "\u00ad", "\ufeff", "\ufffd", "\r", "  "),
    *("ক্ষি", "রা", "র\u200d্য", "ষ", "\u09be"),
    *("กำ", "นี้", "ท", "า", "\u0e49"),
    *("جا", "مِ", "ع", "ة", "می\u200cخ"),
    *("각", "\u1100\u1161\u11a8", "\u11a8"),
    *("👩🏽\u200d🚀", "👨\u200d👩\u200d👧", "❤\ufe0f", "🇩🇪", "1\ufe0f\u20e3", "😀", "\u200d"),
]
TEXTS = st.lists(st.sampled_from(SCRIPTS) | st.characters(exclude_categories=["Cs"]), max_size=14).map("".join)
ALIGNMENTS = st.sampled_from(["report", "split", "characters"])
BOUNDARIES = st.sampled_from(["word", "token"])


def edges(tokens: TokenizedText) -> tuple[set[int], set[int]]:
    return set(tokens.char_starts[tokens.may_start].tolist()), set(tokens.char_ends[tokens.may_end].tolist())


@settings(max_examples=30, deadline=None)
@given(text=TEXTS, alignment=ALIGNMENTS, boundary=BOUNDARIES)
def test_tokens_lie_in_the_text_in_order_and_miss_nothing_that_stays(
    backend: Tokenizer, text: str, alignment: str, boundary: str
) -> None:
    (tokens,) = TextTokenizer(backend, boundary, alignment).tokenize([Document(text)])
    pairs = list(zip(tokens.char_starts.tolist(), tokens.char_ends.tolist(), strict=True))
    assert all(0 <= start <= end <= len(text) for start, end in pairs)
    assert sorted(tokens.char_starts) == tokens.char_starts.tolist()
    assert sorted(tokens.char_ends) == tokens.char_ends.tolist()
    covered = {place for start, end in pairs for place in range(start, end)}
    for place in set(range(len(text))) - covered:
        # Blanks have no token, and normalisers drop marks (also those that compatible forms hold) and what is no text.
        kinds = {unicodedata.category(c)[0] for c in unicodedata.normalize("NFKD", text[place])}
        assert text[place].isspace() or kinds & set("CM") or text[place] in "\ufffd▁", ascii(text[place])
    starts, ends = edges(tokens)
    assert not any(start < edge < end for start, end in pairs for edge in starts | ends), "an edge inside a token"


@settings(max_examples=30, deadline=None)
@given(text=TEXTS, alignment=ALIGNMENTS, boundary=BOUNDARIES, data=st.data())
def test_an_aligned_entity_is_sliced_back(
    backend: Tokenizer, text: str, alignment: str, boundary: str, data: st.DataObject
) -> None:
    places = st.integers(0, len(text))
    drawn = {tuple(sorted(pair)) for pair in data.draw(st.lists(st.tuples(places, places), max_size=6))}
    document = Document(text, tuple(Entity(start, end, "X") for start, end in drawn if start < end))
    (tokens,) = TextTokenizer(backend, boundary, alignment).tokenize([document])
    report = Report()
    rows = align_entities(document, tokens, LABELS, report)
    back = {(int(tokens.char_starts[first]), int(tokens.char_ends[last])) for _, first, last in rows}
    assert back <= {(entity.start, entity.end) for entity in document.entities}
    assert len(back) + sum(report.counts.values()) == len(document.entities)


@settings(max_examples=30, deadline=None)
@given(text=TEXTS, alignment=st.sampled_from(["split", "characters"]))
def test_words_are_never_cut_inside_a_grapheme(backend: Tokenizer, text: str, alignment: str) -> None:
    inside = {place for start, end in graphemes(text) for place in range(start + 1, end)}
    (tokens,) = TextTokenizer(backend, "word", alignment).tokenize([Document(text)])
    assert not inside & set.union(*edges(tokens))


def graphemes(text: str) -> list[tuple[int, int]]:
    return [span for _, span in pre_tokenizers.Split(Regex(r"\X"), "isolated").pre_tokenize_str(text)]


BENGALI = ("ক্ষি", "রা")
PLAIN = st.lists(st.sampled_from([*"abzAB019.,()-é 北京大ก😀", "👩🏽\u200d🚀", "e\u0301", *BENGALI]), max_size=14)


@settings(max_examples=30, deadline=None)
@given(parts=PLAIN, boundary=BOUNDARIES)
def test_characters_lets_every_run_of_graphemes_be_an_entity(
    backend: Tokenizer, parts: list[str], boundary: str
) -> None:
    text = "".join(parts)
    (tokens,) = TextTokenizer(backend, boundary, "characters").tokenize([Document(text)])
    filled = [(start, end) for start, end in graphemes(text) if not text[start:end].isspace()]
    starts, ends = edges(tokens)
    assert {start for start, _ in filled if holds(backend, text[start])} <= starts
    assert {end for start, end in filled if holds(backend, text[start])} <= ends


@settings(max_examples=30, deadline=None)
@given(parts=PLAIN, boundary=BOUNDARIES)
def test_split_lets_entities_start_and_end_between_kinds(backend: Tokenizer, parts: list[str], boundary: str) -> None:
    text = "".join(part for part in parts if part not in BENGALI)
    (tokens,) = TextTokenizer(backend, boundary, "split").tokenize([Document(text)])
    starts, ends = edges(tokens)
    for found in re.finditer("(?:[a-zA-Zé]\u0301?)+|[0-9]+|[.,()北京大-]", text):
        assert found.start() in starts
        assert found.end() in ends


def holds(backend: Tokenizer, character: str) -> bool:
    """Whether anything of a character is left behind the normaliser."""
    normalizer = backend.normalizer
    return normalizer is None or bool(normalizer.normalize_str(character).strip("▁ "))


def test_nothing_is_cut_unless_it_is_asked_for(backend: Tokenizer) -> None:
    text = "wcg2011 北京AB12 (Ana) " + CORPUS[2]
    plain = backend.encode(text, add_special_tokens=False).ids
    for alignment in ("report", "expand"):
        (tokens,) = TextTokenizer(backend, "token", alignment).tokenize([Document(text)])
        assert tokens.input_ids.tolist() == plain


def test_cuts_leave_text_as_it_is_where_there_is_nothing_to_cut(backend: Tokenizer) -> None:
    text = "Ana Reis left the University of Lisbon"
    plain = backend.encode(text, add_special_tokens=False).ids
    (tokens,) = TextTokenizer(backend, "token", "split").tokenize([Document(text)])
    assert tokens.input_ids.tolist() == plain
