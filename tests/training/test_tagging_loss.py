from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from globalner.data import Batch, Window, collate
from globalner.training.tagging_loss import TaggingLoss

WIDTH, TYPES = 3, 2


def window(
    length: int, gold: list[tuple[int, int, int]], *, starts: list[int] | None = None, ignore: tuple[int, ...] = ()
) -> Window:
    mask = np.isin(np.arange(length), range(length) if starts is None else starts)
    cells = [(-1, first, last) for first in ignore for last in ignore if first <= last]
    return Window(
        document=0,
        begin=0,
        text_tokens=length,
        num_special=0,
        input_ids=np.ones(length, dtype=np.int64),
        start_mask=mask,
        end_mask=mask,
        gold=np.array(gold, dtype=np.int64).reshape(-1, 3),
        ignore=np.array(cells, dtype=np.int64).reshape(-1, 3),
    )


def fresh_loss() -> TaggingLoss:
    torch.manual_seed(0)
    return TaggingLoss(hidden_size=WIDTH, num_types=TYPES).double()


def vectors_of(batch: Batch) -> torch.Tensor:
    return torch.randn(*batch.input_ids.shape, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def by_hand(loss: TaggingLoss, hidden: torch.Tensor, windows: list[Window]) -> float:
    of_words = []
    for row, one in enumerate(windows):
        alone = {first for _, first, last in one.ignore.tolist() if first == last}
        for word in np.flatnonzero(one.start_mask).tolist():
            if word in alone:
                continue
            right = {(c, word > first) for c, first, last in one.gold.tolist() if first <= word <= last}
            scores = loss.tags(hidden[row, word]).tolist()
            tags = {(c, going_on): scores[2 * c + going_on] for c, going_on in product(range(TYPES), (False, True))}
            low = math.log(1 + sum(math.exp(-score) for tag, score in tags.items() if tag in right))
            of_words.append(low + math.log(1 + sum(math.exp(s) for tag, s in tags.items() if tag not in right)))
    return sum(of_words) / len(of_words)


SPANS = st.lists(st.tuples(st.integers(0, TYPES - 1), st.integers(0, 5), st.integers(0, 5)), max_size=5)


@given(spans=SPANS, others=SPANS, starts=st.sets(st.integers(0, 5), min_size=1), ignore=st.sets(st.integers(4, 5)))
def test_it_is_the_mean_over_the_words_of_all_windows(
    spans: list[tuple[int, int, int]], others: list[tuple[int, int, int]], starts: set[int], ignore: set[int]
) -> None:
    ordered, also = ([(c, min(a, b), max(a, b)) for c, a, b in some] for some in (spans, others))
    windows = [window(6, ordered, starts=sorted(starts)), window(9, also, ignore=tuple(sorted(ignore)))]
    loss, batch = fresh_loss(), collate(windows, pad_id=0)
    hidden = vectors_of(batch)
    assert loss(hidden, batch).item() == pytest.approx(by_hand(loss, hidden, windows), rel=1e-9)


def test_entities_in_each_other_are_tagged_all() -> None:
    loss = fresh_loss()
    with torch.no_grad():
        loss.tags.weight.zero_()
        loss.tags.bias.copy_(torch.tensor([20.0, 20.0, 20.0, 20.0]))
    # Of the four tags two are right for the first word and all for the second.
    both = collate([window(2, [(0, 0, 1), (0, 1, 1), (1, 1, 1), (1, 0, 1)])], pad_id=0)
    none = collate([window(2, [])], pad_id=0)
    high = loss(vectors_of(both), both).item()
    assert high < loss(vectors_of(none), none).item() == pytest.approx(20.0 + math.log(4.0), abs=1e-6)
    assert high == pytest.approx((20.0 + math.log(2.0)) / 2, abs=1e-6)


def test_without_words_it_is_zero_and_can_be_learnt_from() -> None:
    loss, batch = fresh_loss(), collate([window(4, [], starts=[])], pad_id=0)
    hidden = vectors_of(batch).requires_grad_()
    value = loss(hidden, batch)
    value.backward()
    assert value.item() == 0.0
    assert torch.equal(hidden.grad, torch.zeros_like(hidden))


def test_it_is_computed_in_full_precision() -> None:
    loss, batch = fresh_loss().bfloat16(), collate([window(4, [(1, 1, 2)])], pad_id=0)
    assert loss(vectors_of(batch).bfloat16(), batch).dtype == torch.float32
