"""Windows as flat arrays, in memory and in files, are the windows that are cut of each document by itself."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner import Document, Entity, LabelSet
from globalner.data import (
    ContextRule,
    Report,
    ShuffledBatches,
    TextTokenizer,
    TokenizedText,
    Window,
    WindowCache,
    WindowRules,
    WindowSize,
    align_entities,
    document_windows,
    shuffled_batches,
    stream_windows,
    survey_documents,
    windows_in_memory,
)
from globalner.data.long_texts import StretchSize
from globalner.data.windows import cut_windows
from globalner.encoders import build_character_tokenizer
from globalner.window_ownership import neighbourhoods, owning_window

LABELS = LabelSet(("A", "B"))
BACKEND = build_character_tokenizer(["abcdefgh "]).backend_tokenizer
TOKENIZER = TextTokenizer(BACKEND, "token")


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(st.text(alphabet="abcdefgh ", max_size=60))
    spans = draw(st.lists(st.tuples(st.integers(0, 59), st.integers(1, 14), st.sampled_from("AB")), max_size=6))
    keys = {(start, start + length, label) for start, length, label in spans if start + length <= len(text)}
    return Document(text, tuple(Entity(*key) for key in sorted(keys)))


def by_definition(index: int, document: Document, size: WindowSize) -> list[Window]:
    """Each window with its gold, and every cell that another one owns."""
    tokens = TOKENIZER.tokenize([document])[0]
    begins, ends = cut_windows(len(tokens), size.text_tokens(TOKENIZER), size.overlap_tokens)
    gold = align_entities(document, tokens, LABELS, Report())
    owner = owning_window(gold[:, 1], gold[:, 2], begins, ends, len(tokens))
    windows = []
    for place, window in enumerate(document_windows(index, tokens, TOKENIZER, size)):
        shift = np.array([0, 1 - window.begin, 1 - window.begin])
        inside = [
            (i, j)
            for i in range(begins[place], ends[place])
            for j in range(i, ends[place])
            if tokens.may_start[i] and tokens.may_end[j]
        ]
        cells = np.array(inside, dtype=np.int64).reshape(-1, 2)
        foreign = cells[owning_window(cells[:, 0], cells[:, 1], begins, ends, len(tokens)) != place]
        ignore = np.column_stack([np.full(len(foreign), -1), foreign]) + shift
        windows.append(replace(window, gold=gold[owner == place] + shift, ignore=ignore))
    return windows


def same(one: Window, other: Window) -> bool:
    return all(np.array_equal(vars(one)[name], vars(other)[name]) for name in vars(one))


@settings(max_examples=80, deadline=None)
@given(batch=st.lists(documents(), max_size=5), overlap=st.integers(0, 9))
def test_a_store_gives_each_window_by_its_index(batch: list[Document], overlap: int) -> None:
    size = WindowSize(12, overlap)
    store = windows_in_memory(batch, WindowRules(TOKENIZER, LABELS, size), Report())
    expected = [window for index, document in enumerate(batch) for window in by_definition(index, document, size)]
    assert len(store) == len(expected)
    assert store.lengths.tolist() == [len(window) for window in expected]
    assert all(map(same, store, expected))
    backwards = list(range(len(store)))[::-1]
    assert all(map(same, store.windows(backwards), expected[::-1]))


@settings(max_examples=40, deadline=None)
@given(num_tokens=st.integers(1, 120), room=st.integers(2, 20), data=st.data())
def test_neighbours_are_all_that_ownership_needs(num_tokens: int, room: int, data: st.DataObject) -> None:
    begins, ends = cut_windows(num_tokens, room, data.draw(st.integers(0, room - 1)))
    for place, near in enumerate(neighbourhoods(begins, ends, num_tokens)):
        assert (near.begin, near.end) == (begins[place], ends[place])
        first, last = np.array([(i, j) for i in range(near.begin, near.end) for j in range(i, near.end)]).T
        expected = owning_window(first, last, begins, ends, num_tokens) == place
        assert (near.owns(first, last) == expected).all()


@settings(max_examples=80, deadline=None)
@given(lengths=st.lists(st.integers(0, 60), max_size=6), overlap=st.integers(0, 9))
def test_windows_of_a_stream_are_those_of_the_whole(lengths: list[int], overlap: int) -> None:
    text = "abcdefgh" * 50
    tokens = TOKENIZER.tokenize([Document(text)])[0].part(0, sum(lengths))
    edges = np.cumsum([0, *lengths])
    parts = [tokens.part(a, b) for a, b in pairwise(edges.tolist())]
    size = WindowSize(12, overlap)
    placed = list(stream_windows(7, iter(parts), TOKENIZER, size))
    expected = document_windows(7, tokens, TOKENIZER, size)
    assert len(placed) == len(expected)
    assert all(same(one.window, other) for one, other in zip(placed, expected, strict=True))
    begins, ends = cut_windows(len(tokens), 10, overlap)
    for one, near in zip(placed, neighbourhoods(begins, ends, len(tokens)), strict=True):
        assert one.tokens.equals(tokens.part(near.begin, near.end))
        cells = np.array([(i, j) for i in range(near.begin, near.end) for j in range(i, near.end)]).T
        assert (one.neighbourhood.owns(*cells) == near.owns(*cells)).all()


def test_a_stream_of_windows_holds_little() -> None:
    held = 0

    def stretches() -> object:
        nonlocal held
        for _ in range(200):
            held += 1
            yield TokenizedText(*(np.zeros(50, dtype=t) for t in (int, int, int, bool, bool)))

    windows = stream_windows(0, stretches(), TOKENIZER, WindowSize(12, 4))  # type: ignore[arg-type]
    for count, placed in enumerate(windows):
        assert placed.window.begin <= held * 50 <= placed.window.begin + 3 * 50 or count > 1600


@settings(max_examples=20, deadline=None)
@given(batch=st.lists(documents(), min_size=1, max_size=4), chars=st.sampled_from([20, 65_536]))
def test_long_training_texts_are_read_in_stretches_with_the_same_windows(batch: list[Document], chars: int) -> None:
    tokenizer = TextTokenizer(BACKEND, "token", stretch_size=StretchSize(chars, 4))
    size = WindowSize(12, 3)
    one, other = Report(), Report()
    store = windows_in_memory(batch, WindowRules(tokenizer, LABELS, size), one)
    assert all(map(same, store, windows_in_memory(batch, WindowRules(TOKENIZER, LABELS, size), other)))
    assert one.counts == other.counts


def test_work_grows_no_faster_than_the_document() -> None:
    """Each window looks at its neighbours only: with ten times the windows, the last one costs the same."""
    rules = WindowRules(TOKENIZER, LABELS, WindowSize(12, 9))
    store = windows_in_memory([Document("abcdefgh" * 3_000)], rules, Report())
    assert len(store) > 20_000
    assert len(store[len(store) // 2].ignore) < 12 * 12
    assert rules.frame.reach == 10


def test_an_index_outside_is_refused() -> None:
    store = windows_in_memory([Document("abc")], WindowRules(TOKENIZER, LABELS, WindowSize(12, 3)), Report())
    assert same(store[-1], store[0])
    for index in (1, -2):
        with pytest.raises(IndexError, match="of 1"):
            store[index]


def test_files_give_the_windows_that_memory_gives(tmp_path: Path) -> None:
    some = [Document("abcdefgh " * 5, (Entity(0, 4, "A"), Entity(28, 34, "B"), Entity(0, 20, "A"))), Document("ab")]
    rules, told, there = WindowRules(TOKENIZER, LABELS, WindowSize(12, 3)), Report(), Report()
    digest = survey_documents(some).digest
    cache = WindowCache(tmp_path)
    made, found = cache.windows(some, digest, rules, told)
    assert not found
    again, found = cache.windows([], digest, rules, there)  # the documents are not looked at
    assert found
    expected = windows_in_memory(some, rules, Report())
    assert len(made) == len(again) == len(expected)
    assert all(map(same, made, expected))
    assert all(map(same, again, expected))
    assert told.counts == there.counts == {"longer than a window or max_span_tokens": 1}
    assert told.examples == there.examples


def test_documents_without_an_entity_are_kept_too(tmp_path: Path) -> None:
    rules = WindowRules(TOKENIZER, LABELS, WindowSize(12, 3))
    store, _ = WindowCache(tmp_path).windows([Document("ab"), Document("")], "0", rules, Report())
    assert len(store) == 1
    assert store[0].gold.shape == (0, 3)
    nothing, _ = WindowCache(tmp_path).windows([], "1", rules, Report())
    assert len(nothing) == 0


@given(lengths=st.lists(st.integers(1, 99), max_size=90), batch_size=st.integers(1, 9), epoch=st.integers(0, 3))
def test_shuffled_batches_are_the_same_as_arrays_and_as_lists(lengths: list[int], batch_size: int, epoch: int) -> None:
    arrays = ShuffledBatches(np.array(lengths, dtype=np.int32), batch_size, seed=1, epoch=epoch, batches_in_bucket=3)
    lists = shuffled_batches(lengths, batch_size, seed=1, epoch=epoch, batches_in_bucket=3)
    assert list(arrays) == lists
    assert len(arrays) == len(lists)


def test_context_of_other_documents_is_no_part_of_a_window() -> None:
    size = WindowSize(32, 3, context=ContextRule("document", 5))
    some = [Document("abc", id="x.1"), Document("de", id="x.2"), Document("fgh", id="y.1")]
    store = windows_in_memory(some, WindowRules(TOKENIZER, LABELS, size), Report())
    assert [len(window) for window in store] == [7, 7, 5]
