"""The tiled search against the definition on the square."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner import SpanScores, find_spans
from globalner.kernels.tiled_search import tiled_search
from globalner.kernels.tiles import TileSize

SMALL = TileSize(rows=4, columns=8, cells=1 << 7)


def scores_of(seed: int, length: int, types: int, *, shared: bool, biases: bool) -> SpanScores:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        # Whole numbers: sums in any order are exact, so both searches see the same logits.
        return torch.randint(-3, 4, shape, generator=generator).float()

    groups = 1 if shared else types
    start, end = (torch.rand(2, length, generator=generator) < 0.7 for _ in range(2))
    bias = (draw(2, types, length), draw(2, types, length)) if shared or biases else (None, None)
    return SpanScores(draw(2, groups, length, 4), draw(2, groups, length, 4), *bias, start, end)


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    length=st.sampled_from([1, 2, 17, 33]),
    types=st.sampled_from([1, 3, 7]),
    shared=st.booleans(),
    biases=st.booleans(),
    limit=st.sampled_from([None, 1, 5]),
    top_k=st.sampled_from([None, 1, 10]),
    threshold=st.sampled_from([-torch.inf, -5.0, 4.0, 20.0, torch.inf]),
)
def test_it_finds_what_the_square_holds(
    seed: int, length: int, types: int, shared: bool, biases: bool, limit: int | None, top_k: int | None,
    threshold: float,
) -> None:  # fmt: skip
    scores = scores_of(seed, length, types, shared=shared, biases=biases)
    thresholds = torch.full((types,), threshold)
    thresholds[0] += 1
    expected = find_spans(scores, thresholds, limit, top_k, impl="reference")
    for found in (
        find_spans(scores, thresholds, limit, top_k, impl="tiled"),
        tiled_search(scores, thresholds, limit, top_k, SMALL),
    ):
        for name in ("batch", "type", "first", "last", "logit", "limited"):
            torch.testing.assert_close(getattr(found, name), getattr(expected, name), rtol=0, atol=0)


@pytest.mark.parametrize("shared", [False, True])
def test_a_flood_is_held_back_while_it_is_found(shared: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("globalner.kernels.span_collection._HELD", 100)
    scores = scores_of(3, 33, 3, shared=shared, biases=True)
    held = []
    sort = "globalner.kernels.span_collection.SpanCollection._sort"
    from globalner.kernels.span_collection import SpanCollection

    original = SpanCollection._sort

    def watched(self: SpanCollection) -> None:
        held.append(self._held)
        original(self)

    monkeypatch.setattr(sort, watched)
    thresholds = torch.full((3,), -torch.inf)
    found = tiled_search(scores, thresholds, None, 5, SMALL)
    assert len(held) > 2
    assert max(held) < 100 + 2 * 10 + SMALL.cells + 1
    assert found.limited.all()
    assert len(found) == 10


def test_spans_of_all_types_come_out_in_order_from_inference_mode() -> None:
    scores = scores_of(5, 33, 7, shared=True, biases=True)
    with torch.inference_mode():
        found = find_spans(scores, 6.0)
    order = torch.stack([found.batch, found.type, found.first, found.last], 1).tolist()
    assert order == sorted(order)
    assert order
