"""`data.alignment`: what becomes of an entity whose edge lies inside a token."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from globalner import Document, Entity, LabelSet
from globalner.data import (
    Report,
    TextTokenizer,
    WindowSize,
    align_entities,
    training_windows,
    unreachable_entities,
)
from globalner.data.alignment import count_edges_inside
from globalner.errors import ConfigError

LABELS = LabelSet(("GAME", "ORG"))
TEXT = "三星wcg2011赛在北京"
GAME = Entity(2, 5, "GAME")


def chinese_word_piece() -> Tokenizer:
    """As bert-base-chinese: each Chinese character is a word, a run of Latin letters and digits is one."""
    pieces = ["[UNK]", *"三星赛在北京wcg2011()ab.", "wcg2011", "ab", "##cg", "##2011", "##c", "##g", "2011"]
    vocabulary = {piece: place for place, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def aligned(
    document: Document, alignment: str, boundary: str = "word", expanded: Report | None = None
) -> tuple[list[str], Report]:
    tokenizer = TextTokenizer(chinese_word_piece(), boundary, alignment)
    (tokens,) = tokenizer.tokenize([document])
    report = Report()
    rows = align_entities(document, tokens, LABELS, report, expanded)
    return [document.text[tokens.char_starts[first] : tokens.char_ends[last]] for _, first, last in rows], report


@pytest.mark.parametrize("boundary", ["word", "token"])
def test_report_leaves_it_out_and_shows_it(boundary: str) -> None:
    kept, report = aligned(Document(TEXT, (GAME, Entity(0, 2, "ORG"))), "report", boundary)
    assert kept == ["三星"]
    assert report.lines() == ["ends inside a token: 1 (such as GAME 2:5 'wcg')"]
    assert count_edges_inside(report) == (1, 0)


@pytest.mark.parametrize("boundary", ["word", "token"])
def test_expand_takes_the_whole_tokens_and_counts_it(boundary: str) -> None:
    expanded = Report()
    kept, report = aligned(Document(TEXT, (GAME, Entity(0, 2, "ORG"))), "expand", boundary, expanded)
    assert kept == ["wcg2011", "三星"]
    assert not report
    assert expanded.lines() == ["ends inside a token: 1 (such as GAME 2:5 'wcg' as 'wcg2011')"]


@pytest.mark.parametrize("boundary", ["word", "token"])
@pytest.mark.parametrize(("alignment", "pieces"), [("split", ["w", "cg", "2011"]), ("characters", [*"wcg2011"])])
def test_cuts_let_it_be_expressed(alignment: str, pieces: list[str], boundary: str) -> None:
    kept, report = aligned(Document(TEXT, (GAME,)), alignment, boundary)
    assert kept == ["wcg"]
    assert not report
    tokenizer = TextTokenizer(chinese_word_piece(), boundary, alignment)
    (tokens,) = tokenizer.tokenize([Document(TEXT)])
    shown = [TEXT[start:end] for start, end in zip(tokens.char_starts, tokens.char_ends, strict=True)]
    assert [piece for piece in shown if piece.isascii()] == pieces


def test_split_keeps_runs_whole_and_characters_does_not() -> None:
    inside = Document(TEXT, (Entity(3, 5, "GAME"), Entity(5, 7, "ORG")))
    assert aligned(inside, "split")[0] == []
    assert aligned(inside, "characters")[0] == ["cg", "20"]


def test_words_of_the_document_go_before_cuts() -> None:
    document = Document("ab2011", (Entity(0, 2, "ORG"),), tokens=((0, 6),))
    kept, report = aligned(document, "characters")
    assert kept == []
    assert report.counts == {"ends inside a word": 1}
    assert count_edges_inside(report) == (0, 1)
    assert aligned(document, "characters", "token")[0] == ["ab"]


def test_expanded_to_the_words_of_the_document() -> None:
    document = Document("ab.ab ab", (Entity(3, 5, "ORG"), Entity(4, 7, "GAME")), tokens=((0, 5), (6, 8)))
    expanded = Report()
    kept, report = aligned(document, "expand", "word", expanded)
    assert kept == ["ab.ab", "ab.ab ab"]
    assert not report
    assert sum(expanded.counts.values()) == 2


def test_expanding_takes_blanks_off_and_never_reaches_another_word() -> None:
    blanks, between = Entity(2, 6, "ORG"), Entity(2, 3, "ORG")
    document = Document("ab . ab", (Entity(2, 5, "GAME"), blanks, between), tokens=((0, 2), (5, 7)))
    expanded = Report()
    kept, report = aligned(document, "expand", "word", expanded)
    assert kept == []
    assert report.counts == {"starts or ends with a blank": 3}
    free = Document("ab . ab", (Entity(2, 5, "GAME"), between))
    kept, report = aligned(free, "expand", "word", expanded)
    assert kept == ["."]
    assert report.lines() == ["starts or ends with a blank: 1 (such as ORG 2:3 ' ')"]


def test_two_that_expand_to_one_are_one() -> None:
    expanded = Report()
    entities = (GAME, Entity(2, 6, "GAME"), Entity(2, 9, "GAME"))
    kept, report = aligned(Document(TEXT, entities), "expand", "word", expanded)
    assert kept == ["wcg2011"]
    assert report.counts == {"the same span and label twice": 2}
    assert sum(expanded.counts.values()) == 1


def test_a_character_that_the_tokenizer_drops_is_named() -> None:
    document = Document("\ufeff北京", (Entity(0, 3, "ORG"),))
    kept, report = aligned(document, "characters")
    assert kept == []
    assert report.counts == {"starts with a character that the tokenizer drops": 1}
    assert aligned(document, "expand", "word", Report())[0] == ["北京"]


@given(data=st.data(), boundary=st.sampled_from(["word", "token"]))
def test_an_expanded_entity_holds_the_entity_and_ends_at_token_edges(data: st.DataObject, boundary: str) -> None:
    text = data.draw(st.text(alphabet="三wcg201 ab(.北", min_size=1, max_size=15))
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    expanded = Report()
    kept, report = aligned(Document(text, (Entity(start, end, "ORG"),)), "expand", boundary, expanded)
    if not text[start:end].strip():
        assert not kept
        assert sum(report.counts.values()) == 1
    else:
        (span,) = kept
        assert text[start:end].strip() in span
        words = [found.span() for found in re.finditer(r"[a-z0-9]+|\S", text)]
        held = [word for word in words if word[0] < end and start < word[1]]
        assert boundary == "token" or span == text[held[0][0] : held[-1][1]]


def test_training_learns_what_was_expanded_and_nothing_that_was_left_out() -> None:
    documents = [Document(TEXT, (GAME,))]
    tokenizer, size = TextTokenizer(chinese_word_piece(), "word", "expand"), WindowSize(16, 4)
    left_out, expanded = Report(), Report()
    (window,) = training_windows(documents, tokenizer, LABELS, size, left_out)
    assert len(window.gold) == 0
    assert left_out.counts == {"ends inside a token": 1}
    (window,) = training_windows(documents, tokenizer, LABELS, size, Report(), expanded)
    assert window.gold.tolist() == [[0, 2, 2]]
    assert expanded.counts == {"ends inside a token": 1}


def test_unreachable_entities_count_once_and_only_those_of_the_model() -> None:
    document = Document(TEXT, (GAME, GAME, Entity(2, 5, "TEAM"), Entity(0, 2, "ORG")))
    for alignment, count in (("report", 1), ("expand", 1), ("split", 0)):
        tokenizer = TextTokenizer(chinese_word_piece(), "word", alignment)
        assert sum(unreachable_entities([document] * 300, tokenizer, LABELS).counts.values()) == 300 * count


def test_an_unknown_alignment_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'report', 'expand', 'split', 'characters'; got 'snap'"):
        TextTokenizer(chinese_word_piece(), "word", "snap")  # type: ignore[arg-type]
