from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from globalner import Document, Entity, LabelSet
from globalner.data import Report, TextTokenizer, TokenizedText, align_entities
from globalner.encoders import build_character_tokenizer
from globalner.errors import ConfigError

CORPUS = ["Ana Reis left the University of Lisbon.", "naïve café 北京大学 2017 😀", "resumed resuming resume"] * 5
LABELS = LabelSet(("LOC", "ORG", "PER"))


def byte_level() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=320, initial_alphabet=alphabet))
    return tokenizer


def word_piece() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=120, special_tokens=["[UNK]", "[CLS]", "[SEP]"])
    tokenizer.train_from_iterator(CORPUS, trainer)
    ends = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=8)
    return tokenizer


def sentence_piece() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=80, special_tokens=["<unk>"], unk_token="<unk>")
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def characters() -> Tokenizer:
    return build_character_tokenizer(CORPUS).backend_tokenizer


FAMILIES = {
    "byte_level": byte_level,
    "word_piece": word_piece,
    "sentence_piece": sentence_piece,
    "character": characters,
}


@pytest.fixture(scope="module", params=FAMILIES)
def backend(request: pytest.FixtureRequest) -> Tokenizer:
    return FAMILIES[request.param]()


TEXTS = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("ae \t\n北京\u0301\u200d\ufe0f\ufeff\r😀👩🏽"),
    ),
    max_size=30,
)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), text=TEXTS, boundary=st.sampled_from(["word", "token"]))
def test_encode_then_decode_gives_back_every_kept_entity(
    backend: Tokenizer, data: st.DataObject, text: str, boundary: str
) -> None:
    edges = st.tuples(st.integers(0, len(text)), st.integers(0, len(text)), st.sampled_from(LABELS.names))
    drawn = data.draw(st.lists(edges, max_size=8)) if text else []
    entities = tuple(Entity(min(a, b), max(a, b), label) for a, b, label in drawn if a != b)
    document, report = Document(text, entities), Report()
    tokens = TextTokenizer(backend, boundary).tokenize([document])[0]
    rows = align_entities(document, tokens, LABELS, report)
    back = {
        (int(tokens.char_starts[first]), int(tokens.char_ends[last]), LABELS.names[label])
        for label, first, last in rows
    }
    assert len(back) == len(rows)
    assert back <= {entity.key for entity in entities}
    assert len(rows) + sum(report.counts.values()) == len(entities)


@settings(max_examples=100, deadline=None)
@given(text=TEXTS)
def test_tokens_are_ordered_stretches_of_the_text_without_blanks_at_their_edges(backend: Tokenizer, text: str) -> None:
    tokens = TextTokenizer(backend, "token").tokenize([Document(text)])[0]
    assert ((tokens.char_starts >= 0) & (tokens.char_starts <= tokens.char_ends)).all()
    assert (tokens.char_ends <= len(text)).all()
    for start, end in zip(tokens.char_starts, tokens.char_ends, strict=True):
        assert text[start:end] == text[start:end].strip()
    starts = tokens.char_starts[tokens.may_start].tolist()
    ends = tokens.char_ends[tokens.may_end].tolist()
    assert starts == sorted(set(starts))
    assert ends == sorted(set(ends))


def aligned(backend: Tokenizer, document: Document, boundary: str = "word") -> tuple[list, Report]:
    report = Report()
    tokens = TextTokenizer(backend, boundary).tokenize([document])[0]
    rows = align_entities(document, tokens, LABELS, report)
    return [document.text[tokens.char_starts[first] : tokens.char_ends[last]] for _, first, last in rows], report


def test_whole_words_and_phrases_are_kept_by_every_family(backend: Tokenizer) -> None:
    text = "Ana Reis left the University of Lisbon."
    entities = (Entity(0, 8, "PER"), Entity(18, 38, "ORG"), Entity(32, 38, "LOC"))
    kept, report = aligned(backend, Document(text, entities))
    assert kept == [entity.text for entity in Document(text, entities).entities]
    assert not report.counts


def test_combining_marks_belong_to_the_token_before_them() -> None:
    text = "cafe\u0301 Reis"
    kept, report = aligned(word_piece(), Document(text, (Entity(0, 5, "ORG"), Entity(0, 4, "LOC"))))
    assert kept == ["cafe\u0301"]
    assert report.counts == {"ends inside a token": 1}


def test_bytes_of_an_emoji_make_one_place_to_start_and_one_to_end() -> None:
    text = "😀👩🏽\u200d🚀"
    kept, _ = aligned(byte_level(), Document(text, (Entity(0, 1, "ORG"), Entity(1, 5, "PER"))), "token")
    assert kept == [text[0:1], text[1:5]]


def test_words_of_the_document_set_the_boundaries() -> None:
    text = "x-ray of Lisbon"
    given_words = Document(text, (Entity(0, 5, "ORG"), Entity(2, 5, "ORG")), tokens=((0, 5), (6, 8), (9, 15)))
    kept, report = aligned(characters(), given_words)
    assert kept == ["x-ray"]
    assert report.counts == {"starts inside a word": 1}
    assert aligned(characters(), Document(text, given_words.entities))[0] == ["x-ray", "ray"]


def test_each_reason_is_named_and_counted() -> None:
    entities = (
        Entity(0, 8, "PER"),
        Entity(0, 8, "PER"),
        Entity(0, 8, "MISC"),
        Entity(3, 8, "PER"),
        Entity(1, 8, "PER"),
    )
    _, report = aligned(word_piece(), Document("Ana Reis", entities), "token")
    assert report.counts["the same span and label twice"] == 1
    assert report.counts["label 'MISC' is not known to the model"] == 1
    assert report.counts["starts or ends with a blank"] == 1
    assert "PER 3:8 ' Reis'" in report.examples["starts or ends with a blank"]


def test_special_tokens_in_a_text_are_plain_text() -> None:
    tokenizer = TextTokenizer(word_piece(), "word")
    tokens = tokenizer.tokenize([Document("a [SEP] b " * 20)])[0]
    assert tokenizer.prefix_ids == (1,)
    assert tokenizer.suffix_ids == (2,)
    assert not {1, 2} & set(tokens.input_ids.tolist())
    assert len(tokens) > 60  # the tokenizer's own truncation and padding to 8 are off


def test_unknown_boundary_is_refused() -> None:
    with pytest.raises(ConfigError, match="'word' or 'token'"):
        TextTokenizer(characters(), "sentence")  # type: ignore[arg-type]


@st.composite
def _tokens_of_a_text(draw: st.DrawFn) -> TokenizedText:
    """Tokens in order, some of them empty, some sharing their characters, with gaps between them."""
    starts, ends, at = list[int](), list[int](), 0
    for _ in range(draw(st.integers(0, 8))):
        at += draw(st.integers(0, 2))
        size = draw(st.integers(0, 3))
        for _ in range(draw(st.integers(1, 2))):
            starts.append(at)
            ends.append(at + size)
        at += size
    flags = st.lists(st.booleans(), min_size=len(starts), max_size=len(starts))
    may_start, may_end = (np.array(draw(flags), dtype=bool) for _ in range(2))
    offsets = (np.array(places, dtype=np.int64) for places in (starts, ends))
    return TokenizedText(np.zeros(len(starts), dtype=np.int64), *offsets, may_start, may_end)


def _span_around(tokens: TokenizedText, start: int, end: int) -> tuple[int, int] | None:
    """What expanding finds, by looking at every token."""
    places = range(len(tokens))
    inside = [
        place
        for place in places
        if tokens.char_starts[place] < tokens.char_ends[place]
        and tokens.char_ends[place] > start
        and tokens.char_starts[place] < end
    ]
    firsts = [place for place in places if inside and place <= inside[0] and tokens.may_start[place]]
    lasts = [place for place in places if inside and place >= inside[-1] and tokens.may_end[place]]
    if not firsts or not lasts:
        return None
    first, last = firsts[-1], lasts[0]
    if any(tokens.may_end[first : inside[0]]) or any(tokens.may_start[inside[-1] + 1 : last + 1]):
        return None
    return first, last


@given(tokens=_tokens_of_a_text(), edges=st.lists(st.integers(0, 30), min_size=2, max_size=2, unique=True).map(sorted))
@settings(derandomize=True, max_examples=500, deadline=None)
def test_expanding_finds_what_looking_at_every_token_finds(tokens: TokenizedText, edges: list[int]) -> None:
    document = Document("x" * 40, (Entity(*edges, "PER"),))
    report, expanded = Report(), Report()
    rows = align_entities(document, tokens, LabelSet(("PER",)), report, expanded)
    first_at = {int(tokens.char_starts[place]): place for place in np.flatnonzero(tokens.may_start)}
    last_at = {int(tokens.char_ends[place]): place for place in np.flatnonzero(tokens.may_end)}
    exact = first_at.get(edges[0], 99), last_at.get(edges[1], -1)
    wanted = exact if exact[0] <= exact[1] else _span_around(tokens, *edges)
    assert [tuple(row[1:]) for row in rows.tolist()] == ([wanted] if wanted else [])
    assert bool(report) == (wanted is None)
    assert bool(expanded) == (wanted is not None and wanted != exact)
