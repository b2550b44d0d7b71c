from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.data import (
    MaskedBatch,
    MaskingRules,
    PackedText,
    TokenRows,
    TokenStream,
    heldout_batches,
    mask_words,
    training_batch,
)

PAD, UNK, CLS, SEP, MASK = range(5)
RULES = MaskingRules(mask_id=MASK, special_ids=(PAD, UNK, CLS, SEP, MASK), vocabulary_size=50)


def stream(words: int = 4000, longest: int = 3, seed: int = 0) -> TokenStream:
    random = np.random.default_rng(seed)
    lengths = random.integers(1, longest + 1, size=words)
    starts = np.zeros(lengths.sum(), dtype=bool)
    starts[np.cumsum(lengths) - lengths] = True
    ids = random.integers(5, 50, size=len(starts)).astype(np.int32)
    ids[random.random(len(ids)) < 0.03] = UNK
    return TokenStream(ids, starts, (CLS,), (SEP,))


def rows_of(window: int = 128, **options: int) -> TokenRows:
    text = PackedText(stream(**options), window)
    return text.rows(range(len(text)))


def test_about_the_asked_share_is_chosen_row_by_row() -> None:
    rows = rows_of()
    ordinary = rows.attended & ~np.isin(rows.ids, RULES.special_ids)
    for rate in (0.05, 0.15, 0.4):
        rules = MaskingRules(MASK, RULES.special_ids, 50, rate)
        chosen = mask_words(rows, rules, np.random.default_rng(0)).chosen
        share = np.rint(ordinary.sum(axis=1) * rate)
        assert (np.abs(chosen.sum(axis=1) - share) <= 1.5).all()
        assert chosen.sum() / ordinary.sum() == pytest.approx(rate, rel=0.05)


def test_every_place_is_as_likely_as_any_other() -> None:
    rows = rows_of(window=66, words=64 * 2000, longest=1)
    chosen = mask_words(rows, RULES, np.random.default_rng(0)).chosen[:, 1:-1]
    open_places = ~np.isin(rows.ids[:, 1:-1], RULES.special_ids)
    rates = chosen.sum(axis=0) / open_places.sum(axis=0)
    # Four standard deviations of a share of 2000.
    assert np.abs(rates - rates.mean()).max() < 4 * np.sqrt(0.15 * 0.85 / 2000)


def test_chosen_tokens_become_masks_random_tokens_or_stay() -> None:
    rows = rows_of(words=20_000)
    masked = mask_words(rows, RULES, np.random.default_rng(0))
    before, after = rows.ids[masked.chosen], masked.ids[masked.chosen]
    kept = (after == before).mean()
    assert (after == MASK).mean() == pytest.approx(0.8, abs=0.02)
    assert kept == pytest.approx(0.1 + 0.1 / 45, abs=0.02)
    assert set(after[(after != MASK) & (after != before)]) == set(range(5, 50))
    assert np.array_equal(rows.ids[~masked.chosen], masked.ids[~masked.chosen])


def words_of(rows: TokenRows) -> np.ndarray:
    """The number of each token's word; an unknown token parts what stands on its two sides."""
    special = np.isin(rows.ids, RULES.special_ids)
    behind = np.roll(special, 1, axis=1)
    return np.cumsum((rows.word_starts | special | behind).ravel()).reshape(rows.ids.shape)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), window=st.integers(40, 90), mean=st.sampled_from([1.0, 1.7]))
def test_words_are_whole_and_special_tokens_and_padding_stay(seed: int, window: int, mean: float) -> None:
    rows = rows_of(window, seed=seed, words=300)
    rules = MaskingRules(MASK, RULES.special_ids, 50, 0.15, mean)
    masked = mask_words(rows, rules, np.random.default_rng(seed))
    special = np.isin(rows.ids, RULES.special_ids) | ~rows.attended
    assert not masked.chosen[special].any()
    assert np.array_equal(masked.ids[special], rows.ids[special])
    share = np.maximum(1, np.rint((~special).sum(axis=1) * 0.15)).min()
    if mean == 1.0 and share >= 3:  # no word is longer than the share
        chosen_words = set(words_of(rows)[masked.chosen])
        left_words = set(words_of(rows)[~masked.chosen & ~special])
        assert not chosen_words & left_words


def test_spans_of_words_have_the_asked_mean_length() -> None:
    rows = rows_of(window=512, words=60_000, longest=1)
    for mean in (1.0, 1.7, 3.0):
        rules = MaskingRules(MASK, RULES.special_ids, 50, 0.02, mean)
        chosen = mask_words(rows, rules, np.random.default_rng(0)).chosen
        runs = [len(list(run)) for row in chosen for is_chosen, run in groupby(row) if is_chosen]
        # Unknown tokens part some spans, and now and then two spans touch.
        assert np.mean(runs) == pytest.approx(mean, rel=0.12)


def test_a_word_longer_than_the_share_is_cut_and_still_found() -> None:
    starts = np.zeros(60, dtype=bool)
    starts[0] = True
    text = PackedText(TokenStream(np.full(60, 7, dtype=np.int32), starts, (CLS,), (SEP,)), 62)
    chosen = mask_words(text.rows([0]), RULES, np.random.default_rng(0)).chosen
    assert 1 <= chosen.sum() <= 9


def test_a_row_of_special_tokens_has_nothing_to_find() -> None:
    rows = TokenRows(np.full((1, 5), UNK), np.ones((1, 5), dtype=bool), np.ones((1, 5), dtype=bool))
    assert mask_words(rows, RULES, np.random.default_rng(0)).chosen.sum() == 0


def equal(one: MaskedBatch, other: MaskedBatch) -> bool:
    return torch.equal(one.input_ids, other.input_ids) and torch.equal(one.targets, other.targets)


def test_masks_of_training_derive_from_seed_pass_and_step_alone() -> None:
    text, windows = PackedText(stream(), 64), [3, 1, 4, 15]
    batch = training_batch(text, windows, RULES, pad_id=PAD, seeds=(1, 2, 3))
    np.random.default_rng(0).random(100)
    assert equal(batch, training_batch(text, windows, RULES, pad_id=PAD, seeds=(1, 2, 3)))
    for other in ((0, 2, 3), (1, 0, 3), (1, 2, 0)):
        assert not equal(batch, training_batch(text, windows, RULES, pad_id=PAD, seeds=other))


def test_a_batch_says_what_stood_where_it_is_asked() -> None:
    text, windows = PackedText(stream(), 64), [0, 5, len(PackedText(stream(), 64)) - 1]
    batch = training_batch(text, windows, RULES, pad_id=PAD, seeds=(0, 0, 0))
    rows = text.rows(windows, PAD)
    assert torch.equal(torch.from_numpy(rows.ids).flatten()[batch.places], batch.targets)
    restored = batch.input_ids.flatten().index_copy(0, batch.places, batch.targets)
    assert torch.equal(restored, torch.from_numpy(rows.ids).flatten())
    assert batch.tokens == int(batch.attention_mask.sum()) == int(text.lengths[windows].sum())


@pytest.mark.parametrize("most_tokens", [None, 640])
def test_held_out_windows_are_the_same_whatever_the_batch(most_tokens: int | None) -> None:
    text = PackedText(stream(), 64, whole=True)
    few, many = (heldout_batches(text, RULES, most_tokens=most_tokens, batch_tokens=n) for n in (1, 1000))
    assert {len(batch.input_ids) for batch in few} == {1}
    for name in ("input_ids", "targets"):
        assert torch.equal(*(torch.cat([getattr(batch, name) for batch in batches]) for batches in (few, many)))
    assert len(few) == (len(text) if most_tokens is None else 10)
    assert all(batch.attention_mask.all() for batch in few)
    assert sum(len(batch.targets) for batch in few) == sum(len(batch.places) for batch in many)
