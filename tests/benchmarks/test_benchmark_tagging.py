"""Spans to BIO tags of words, and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.baselines.tagging import (
    Words,
    outermost_spans,
    spans_from_tags,
    tagging_windows,
    tags_from_spans,
)
from globalner import Document, Entity
from globalner.data import Report, TextTokenizer, Window, WindowSize, training_windows
from globalner.encoders import build_character_tokenizer
from globalner.types import LabelSet

TYPES = 2
OUT, B0, I0, B1, I1 = range(5)


def words(*rows: str) -> Words:
    """Of pieces: ( starts a word, ) ends one, | does both, + is inside one, and a dot is no word's."""
    width = max(map(len, rows))
    pieces = np.array([list(row.ljust(width, ".")) for row in rows])
    return Words.from_masks(np.isin(pieces, ["(", "|"]), np.isin(pieces, [")", "|"]))


def flat_spans(draw: st.DrawFn, row: int, count: int) -> list[list[int]]:
    """[row, type, first word, last word] without overlap."""
    edges = sorted(draw(st.sets(st.integers(0, count), max_size=count + 1)))
    kept = draw(st.lists(st.integers(-1, TYPES - 1), min_size=len(edges), max_size=len(edges)))
    pairs = zip(edges, edges[1:], kept, strict=False)
    return [[row, type_, begin, end - 1] for begin, end, type_ in pairs if type_ >= 0]


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[str], np.ndarray]:
    """Rows of pieces, and flat gold in tokens."""
    rows, gold = [], []
    for row in range(draw(st.integers(1, 3))):
        shapes = draw(st.lists(st.sampled_from(["|", "()", "(+)", "|.", "(++)"]), max_size=6))
        lengths = np.cumsum([1, *map(len, shapes)])
        rows.append("." + "".join(shapes) + ".")
        firsts = lengths[:-1]
        lasts = [int(at) + shape.replace(".", "").__len__() - 1 for at, shape in zip(firsts, shapes, strict=True)]
        gold += [[row, type_, int(firsts[a]), lasts[b]] for _, type_, a, b in flat_spans(draw, row, len(shapes))]
    return rows, np.array(gold, dtype=np.int64).reshape(-1, 4)


@given(batches())
@settings(max_examples=100)
def test_flat_spans_of_words_survive(batch: tuple[list[str], np.ndarray]) -> None:
    rows, gold = batch
    found = spans_from_tags(tags_from_spans(gold, words(*rows)), words(*rows))
    assert sorted(found.tolist()) == sorted(gold.tolist())


def test_tags_stand_on_words() -> None:
    row = words(".(+)||().")
    assert row.first.tolist() == [[1, 4, 5, 6]]
    assert row.last.tolist() == [[3, 4, 5, 7]]
    gold = np.array([[0, 1, 1, 4], [0, 0, 6, 7]])
    assert tags_from_spans(gold, row).tolist() == [[B1, I1, OUT, B0]]


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ([I0, I0, OUT, OUT], [[0, 0, 0, 1]]),
        ([OUT, I1, I0, OUT], [[0, 1, 1, 1], [0, 0, 2, 2]]),
        ([B0, B0, I0, B1], [[0, 0, 0, 0], [0, 0, 1, 2], [0, 1, 3, 3]]),
        ([B0, I1, I1, OUT], [[0, 0, 0, 0], [0, 1, 1, 2]]),
    ],
)
def test_a_stray_inside_tag_opens_an_entity(tags: list[int], spans: list[list[int]]) -> None:
    assert spans_from_tags(np.array([tags]), words("||||")).tolist() == spans


def test_tags_of_padding_and_of_cut_words_give_nothing() -> None:
    rows = words("|||", "|", ")|(")
    tags = np.array([[OUT, OUT, B0], [OUT, B0, I0], [B1, B0, I0]])
    assert spans_from_tags(tags, rows).tolist() == [[0, 0, 2, 2], [2, 1, 1, 1]]


def test_the_longest_of_overlapping_spans_stays() -> None:
    assert outermost_spans([(0, 1, 1), (1, 0, 3), (0, 3, 5), (1, 6, 6)]) == [(1, 0, 3), (1, 6, 6)]
    assert outermost_spans([(0, 2, 3), (1, 1, 2)]) == [(1, 1, 2)]
    assert outermost_spans([(1, 1, 2), (0, 1, 2)]) == [(0, 1, 2)]
    assert sorted(outermost_spans([(0, 0, 1), (0, 2, 3)])) == [(0, 0, 1), (0, 2, 3)]


def windows_of(document: Document, window_tokens: int, overlap_tokens: int) -> list[Window]:
    backend = build_character_tokenizer([document.text], min_count=1).backend_tokenizer
    size = WindowSize(window_tokens, overlap_tokens)
    labels = LabelSet.from_documents([document])
    return training_windows([document], TextTokenizer(backend, "token"), labels, size, Report())


@given(st.integers(0, 20), st.integers(1, 6), st.integers(9, 14), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_a_word_has_the_same_tag_in_all_windows(
    start: int, length: int, window_tokens: int, overlap_tokens: int
) -> None:
    entity = Entity(start, start + length, "X")
    windows = windows_of(Document("abcdefghijklmnopqrstuvwxyz", (entity,)), window_tokens, overlap_tokens)
    if not any(len(window.gold) for window in windows):
        return
    for window in tagging_windows(windows):
        row = Words.from_masks(window.start_mask[None], window.end_mask[None])
        places = row.first[0] - window.num_special + window.begin
        inside = (places >= start) & (places < start + length)
        tags = tags_from_spans(np.pad(window.gold, ((0, 0), (1, 0))), row)[0]
        assert tags[~inside].tolist() == [OUT] * int((~inside).sum())
        assert tags[inside].tolist() == [B0, *[I0] * 5][: int(inside.sum())]


def test_a_span_inside_that_of_another_window_is_not_learnt() -> None:
    outer, inner = Entity(3, 12, "A"), Entity(10, 12, "B")
    windows = windows_of(Document("abcdefghijklmnopqrstuvwxyz", (outer, inner)), 16, 8)
    assert [window.gold[:, 0].tolist() for window in windows[:2]] == [[0], [1]], "of one window: tests nothing"
    prepared = tagging_windows(windows)
    assert [window.gold[:, 0].tolist() for window in prepared[:2]] == [[0], [0]]
    first, second = (window.gold[0, 1:] - window.num_special + window.begin for window in prepared[:2])
    assert first.tolist() == [3, 11]
    assert second.tolist() == [prepared[1].begin, 11]
