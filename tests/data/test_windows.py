from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner import Document, Entity, LabelSet, SpanScores, span_loss
from globalner.data import (
    Report,
    TextTokenizer,
    WindowSize,
    batches_by_length,
    collate,
    document_windows,
    shuffled_batches,
    training_windows,
)
from globalner.data.windows import cut_windows
from globalner.encoders import build_character_tokenizer
from globalner.errors import ConfigError
from globalner.window_ownership import owning_window

LABELS = LabelSet(("A", "B"))
TOKENIZER = TextTokenizer(build_character_tokenizer(["abcdefgh "]).backend_tokenizer, "token")


@given(num_tokens=st.integers(0, 200), room=st.integers(2, 50), data=st.data())
def test_windows_cover_the_text_and_overlap_as_asked(num_tokens: int, room: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, room - 1))
    begins, ends = cut_windows(num_tokens, room, overlap)
    covered = {token for begin, end in zip(begins, ends, strict=True) for token in range(begin, end)}
    assert covered == set(range(num_tokens))
    assert (ends - begins == min(room, num_tokens)).all()
    assert (ends[:-1] - begins[1:] >= overlap).all()
    assert (np.diff(begins) > 0).all()


def test_overlap_must_leave_room() -> None:
    with pytest.raises(ConfigError, match="below 8"):
        WindowSize(10, 8).text_tokens(TOKENIZER)
    assert WindowSize(10, 7).text_tokens(TOKENIZER) == 8


def long_document(seed: int) -> Document:
    random = np.random.default_rng(seed)
    text = "".join(random.choice(list("abcdefgh"), size=40))
    starts = random.integers(0, 34, size=8)
    lengths = random.integers(1, 7, size=8)
    keys = {(int(s), int(s + n), "AB"[int(s) % 2]) for s, n in zip(starts, lengths, strict=True)}
    return Document(text, tuple(Entity(*key) for key in sorted(keys)))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), overlap=st.integers(0, 9))
def test_every_gold_entity_is_learnt_once_and_foreign_cells_are_ignored(seed: int, overlap: int) -> None:
    document, report = long_document(seed), Report()
    size = WindowSize(12, overlap)
    windows = training_windows([document], TOKENIZER, LABELS, size, report)
    learnt = [
        (window.begin - 1 + first, window.begin - 1 + last + 1, LABELS.names[label])
        for window in windows
        for label, first, last in window.gold.tolist()
    ]
    lost = sum(report.counts.values())
    assert len(learnt) == len(set(learnt)) == len(document.entities) - lost
    assert set(learnt) <= {entity.key for entity in document.entities}
    begins, ends = cut_windows(40, 10, overlap)
    for place, window in enumerate(windows):
        cells = [(i, j) for i in range(begins[place], ends[place]) for j in range(i, ends[place])]
        first, last = np.array(cells).T
        foreign = owning_window(first, last, begins, ends, 40) != place
        expected = {
            (-1, i - window.begin + 1, j - window.begin + 1) for (i, j), f in zip(cells, foreign, strict=True) if f
        }
        assert {tuple(row) for row in window.ignore.tolist()} == expected


def test_an_entity_longer_than_a_window_is_reported() -> None:
    document, report = Document("abcdefgh" * 5, (Entity(0, 20, "A"), Entity(0, 4, "B"))), Report()
    windows = training_windows([document], TOKENIZER, LABELS, WindowSize(12, 4, max_span_tokens=3), report)
    assert sum(len(window.gold) for window in windows) == 0
    assert report.counts == {"longer than a window or max_span_tokens": 2}
    assert "A of 20 tokens" in report.examples["longer than a window or max_span_tokens"][0]


def test_a_batch_holds_what_its_windows_hold() -> None:
    report = Report()
    documents = [Document("abc", (Entity(1, 3, "B"),)), Document("a", (Entity(0, 1, "A"),))]
    windows = training_windows(documents, TOKENIZER, LABELS, WindowSize(12, 4), report)
    batch = collate(windows, pad_id=0)
    assert batch.input_ids.shape == (2, 5)
    assert batch.attention_mask.tolist() == [[True] * 5, [True] * 3 + [False] * 2]
    assert batch.start_mask.tolist() == [[False, True, True, True, False], [False, True, False, False, False]]
    assert batch.gold.tolist() == [[0, 1, 2, 3], [1, 0, 1, 1]]
    assert batch.ignore.shape == (0, 4)
    scores = SpanScores(torch.zeros(2, 2, 5, 2), torch.zeros(2, 2, 5, 2), None, None, batch.start_mask, batch.end_mask)
    assert span_loss(scores, batch.gold, ignore=batch.ignore).isfinite()


def test_a_text_without_tokens_has_no_window() -> None:
    tokens = TOKENIZER.tokenize([Document("")])[0]
    assert document_windows(0, tokens, TOKENIZER, WindowSize(12, 4)) == []


@given(lengths=st.lists(st.integers(1, 99), max_size=120), batch_size=st.integers(1, 9), epoch=st.integers(0, 3))
def test_batches_hold_every_index_once(lengths: list[int], batch_size: int, epoch: int) -> None:
    for batches in (
        shuffled_batches(lengths, batch_size, seed=1, epoch=epoch, batches_in_bucket=3),
        batches_by_length(lengths, batch_size),
    ):
        assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
        assert all(len(batch) <= batch_size for batch in batches)


def test_shuffling_derives_from_seed_and_epoch_and_keeps_lengths_together() -> None:
    lengths = np.random.default_rng(0).integers(1, 200, size=640).tolist()
    batches = shuffled_batches(lengths, 8, seed=3, epoch=1)
    assert batches == shuffled_batches(lengths, 8, seed=3, epoch=1)
    assert batches != shuffled_batches(lengths, 8, seed=3, epoch=2)
    assert batches != shuffled_batches(lengths, 8, seed=4, epoch=1)
    spread = np.mean([np.ptp([lengths[index] for index in batch]) for batch in batches])
    assert spread < 20
