from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner import SpanScores, find_spans
from globalner.errors import ConfigError, ShapeError


def scores_of(seed: int, batch: int = 2, types: int = 3, length: int = 5) -> SpanScores:
    generator = torch.Generator().manual_seed(seed)
    query = torch.randn(batch, types, length, 4, generator=generator)
    key = torch.randn(batch, types, length, 4, generator=generator)
    mask = torch.rand(batch, length, generator=generator) < 0.8
    return SpanScores(query, key, start_mask=mask, end_mask=mask)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), limit=st.sampled_from([None, 2]), per_type=st.booleans())
def test_search_finds_what_lies_above_the_threshold(seed: int, limit: int | None, per_type: bool) -> None:
    scores = scores_of(seed)
    thresholds = torch.tensor([-1.0, 0.0, 1.0]) if per_type else torch.tensor([0.5, 0.5, 0.5])
    found = find_spans(scores, thresholds if per_type else 0.5, max_span_tokens=limit)
    square = scores.dense()
    expected = [
        (b, c, i, j)
        for b in range(2)
        for c in range(3)
        for i in range(5)
        for j in range(i, 5)
        if square[b, c, i, j] > thresholds[c] and (limit is None or j - i < limit)
    ]
    cells = torch.stack([found.batch, found.type, found.first, found.last], dim=1)
    assert [tuple(cell) for cell in cells.tolist()] == expected
    torch.testing.assert_close(found.logit, square[tuple(cells.T)])
    assert not found.limited.any()


def test_a_logit_equal_to_the_threshold_is_not_above_it() -> None:
    scores = SpanScores(torch.ones(1, 1, 1, 1), torch.ones(1, 1, 1, 1))
    assert len(find_spans(scores, 1.0)) == 0
    assert len(find_spans(scores, 0.999)) == 1


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), top_k=st.integers(1, 8))
def test_top_k_keeps_the_highest_of_each_text_in_order(seed: int, top_k: int) -> None:
    scores = scores_of(seed)
    everything, some = find_spans(scores, -1.0), find_spans(scores, -1.0, top_k=top_k)
    for b in range(2):
        logits = everything.logit[everything.batch == b]
        kept = some.logit[some.batch == b]
        assert sorted(kept.tolist()) == sorted(logits.sort(descending=True).values[:top_k].tolist())
        assert some.limited[b] == (len(logits) > top_k)
    order = torch.stack([some.batch, some.type, some.first, some.last], dim=1).tolist()
    assert order == sorted(order)


def test_padding_changes_nothing() -> None:
    scores = scores_of(3)
    pad = torch.nn.functional.pad
    padded = SpanScores(
        pad(scores.query, (0, 0, 0, 4), value=9.0),
        pad(scores.key, (0, 0, 0, 4), value=9.0),
        start_mask=pad(scores.start_mask, (0, 4)),
        end_mask=pad(scores.end_mask, (0, 4)),
    )
    one, other = find_spans(scores), find_spans(padded)
    for name in ("batch", "type", "first", "last"):
        assert torch.equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"threshold": torch.zeros(2)}, ShapeError),
        ({"threshold": torch.zeros(1, 3)}, ShapeError),
        ({"top_k": 0}, ShapeError),
        ({"impl": "fast"}, ConfigError),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict, error: type[Exception]) -> None:
    with pytest.raises(error):
        find_spans(scores_of(1), **arguments)


@pytest.mark.parametrize(
    "fields",
    [
        {"key": torch.zeros(1, 2, 3, 5)},
        {"start_bias": torch.zeros(1, 3, 3)},
        {"end_bias": torch.zeros(1, 2, 4)},
        {"start_mask": torch.zeros(1, 4, dtype=torch.bool)},
        {"end_mask": torch.zeros(1, 3)},
    ],
)
def test_scores_that_do_not_fit_together_are_refused(fields: dict) -> None:
    with pytest.raises(ShapeError):
        SpanScores(**{"query": torch.zeros(1, 2, 3, 4), "key": torch.zeros(1, 2, 3, 4), **fields})


def test_dense_is_the_lowest_finite_value_where_no_span_may_be() -> None:
    square = scores_of(2).dense()
    lowest = torch.finfo(square.dtype).min
    assert square.isfinite().all()
    assert torch.equal(square == lowest, ~scores_of(2).allowed().expand_as(square))
