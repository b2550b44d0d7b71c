"""The tiled loss against the definition on the square, in fp64 and fp32, at odd sizes and at the edges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner import SpanScores, find_spans, span_loss
from globalner.errors import ConfigError
from globalner.kernels.gold_cells import complete_cells
from globalner.kernels.tiled_grouped import GroupedScorersSum
from globalner.kernels.tiled_loss import tiled_loss
from globalner.kernels.tiled_shared import SharedScorerSum
from globalner.kernels.tiles import TileSize

SMALL = TileSize(rows=8, columns=16, cells=1 << 9)


@pytest.fixture(autouse=True)
def poisoned_memory() -> Iterator[None]:
    """Memory that was never written holds NaN."""
    torch.use_deterministic_algorithms(True)
    assert torch.utils.deterministic.fill_uninitialized_memory
    yield
    torch.use_deterministic_algorithms(False)


def scores_of(
    seed: int,
    shape: tuple[int, int, int, int] = (2, 3, 17, 8),
    *,
    shared: bool = False,
    biases: bool = True,
    mask: str = "holes",
    height: float = 3.0,
) -> SpanScores:
    """fp64 scores of about -`height` to `height`; mask "none", "holes" or "empty" (and its first text is)."""
    generator = torch.Generator().manual_seed(seed)
    batch, types, length, width = shape

    def draw(*size: int, scale: float) -> torch.Tensor:
        return (scale * torch.randn(*size, generator=generator, dtype=torch.float64)).requires_grad_()

    open_ = torch.rand(batch, length, generator=generator) < 0.7
    if mask == "empty":
        open_[0] = False
    groups = 1 if shared else types
    return SpanScores(
        draw(batch, groups, length, width, scale=height / width**0.5 / 2),
        draw(batch, groups, length, width, scale=1),
        draw(batch, types, length, scale=height / 4) if shared or biases else None,
        draw(batch, types, length, scale=height / 4) if shared or biases else None,
        None if mask == "none" else open_,
        None if mask == "none" else open_.roll(1, 1),
    )


def in_dtype(scores: SpanScores, dtype: torch.dtype) -> SpanScores:
    factors = (scores.query, scores.key, scores.start_bias, scores.end_bias)
    cast = [None if part is None else part.detach().to(dtype).requires_grad_() for part in factors]
    return SpanScores(*cast, scores.start_mask, scores.end_mask)  # type: ignore[arg-type]


def loss_and_gradients(scores: SpanScores, impl: str, **cells: Any) -> list[torch.Tensor]:
    factors = [part for part in (scores.query, scores.key, scores.start_bias, scores.end_bias) if part is not None]
    for part in factors:
        part.grad = None
    if impl == "small tiles":
        losses = tiled_loss(scores.in_full_precision(), complete_cells(scores.in_full_precision(), **cells), SMALL)
    else:
        losses = span_loss(scores, reduction="none", impl=impl, **cells)
    weights = torch.linspace(0.5, 2, losses.numel(), dtype=losses.dtype).view(losses.shape)
    (losses * weights).sum().backward()
    return [losses.detach(), *(part.grad for part in factors)]  # type: ignore[misc]


def relative_errors(found: list[torch.Tensor], expected: list[torch.Tensor]) -> list[float]:
    """Of the losses one by one, of each gradient by its largest entry."""
    loss = ((found[0] - expected[0]).abs() / expected[0].abs().clamp(min=1e-3)).max()
    rest = [(a - b).abs().max() / b.abs().max().clamp(min=1e-6) for a, b in zip(found[1:], expected[1:], strict=True)]
    return [float(loss), *map(float, rest)]


def sums_of_sizes(scores: SpanScores, **cells: Any) -> list[torch.Tensor]:
    """What the gradients would be if no two terms of their sums cancelled: rounding is relative to this."""
    square = scores.square().detach()
    one = torch.eye(square.shape[-1], dtype=square.dtype).expand_as(square)
    spelled = SpanScores(square.requires_grad_(), one, None, None, scores.start_mask, scores.end_mask)
    of_cells = loss_and_gradients(spelled, "reference", **cells)[1].abs()
    query, key = scores.query.detach().abs(), scores.key.detach().abs()
    of_groups = of_cells.sum(1, keepdim=True) if query.shape[1] == 1 else of_cells
    biases = [] if scores.start_bias is None else [of_cells.sum(-1), of_cells.sum(-2)]
    return [of_groups @ key, of_groups.mT @ query, *biases]


@st.composite
def cases(draw: st.DrawFn) -> tuple[SpanScores, dict[str, Any]]:
    shape = (
        draw(st.integers(1, 3)),
        draw(st.sampled_from([1, 3, 11])),
        draw(st.sampled_from([1, 2, 17, 63, 129])),
        draw(st.sampled_from([8, 60, 64])),
    )
    scores = scores_of(
        draw(st.integers(0, 10_000)), shape, shared=draw(st.booleans()), biases=draw(st.booleans()),
        mask=draw(st.sampled_from(["none", "holes", "empty"])), height=draw(st.sampled_from([1.0, 10.0, 40.0])),
    )  # fmt: skip
    limit = draw(st.sampled_from([None, None, 1, 5]))
    cells = scores.allowed(limit).expand(*shape[:2], -1, -1).nonzero()
    order = torch.randperm(len(cells), generator=torch.Generator().manual_seed(draw(st.integers(0, 99))))
    gold = cells[order[: draw(st.sampled_from([0, 4, 40, len(cells)]))]]
    diagonal_and_corner = cells[(cells[:, 2] == cells[:, 3]) | (cells[:, 3] - cells[:, 2] == shape[2] - 1)][:5]
    gold = torch.cat([gold, diagonal_and_corner, gold[:2]]) if draw(st.booleans()) else gold
    anywhere = torch.ones(*shape[:2], shape[2], shape[2]).nonzero()[:: max(1, shape[2] ** 2 // 7)]
    ignore = torch.cat([cells[order[-draw(st.sampled_from([1, 9])) :]], anywhere])
    ignore[::2, 1] = -1
    weight = (0.1 + 0.9 * torch.rand(len(gold), generator=torch.Generator().manual_seed(1))).double()
    return scores, {
        "gold": gold,
        "ignore": ignore if draw(st.booleans()) else None,
        "weight": weight if draw(st.booleans()) else None,
        "max_span_tokens": limit,
    }


@settings(max_examples=120, deadline=None)
@given(case=cases(), impl=st.sampled_from(["tiled", "small tiles"]))
def test_loss_and_gradients_are_those_of_the_square(case: tuple[SpanScores, dict[str, Any]], impl: str) -> None:
    scores, cells = case
    expected = loss_and_gradients(scores, "reference", **cells)
    for found, wanted in zip(loss_and_gradients(scores, impl, **cells), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-10)
    if float(scores.square().detach().abs().max()) > 100:
        return
    single = in_dtype(scores, torch.float32)
    expected = loss_and_gradients(in_dtype(single, torch.float64), "reference", **cells)
    found = loss_and_gradients(single, impl, **cells)
    assert relative_errors(found, expected)[0] < 1e-5
    sizes = sums_of_sizes(in_dtype(single, torch.float64), **cells)
    for one, other, size in zip(found[1:], expected[1:], sizes, strict=True):
        assert (one - other).abs().max() < 1e-5 * size.max().clamp(min=1e-6)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("height", [300.0, 2000.0, 1e4])
def test_huge_logits_stay_finite_and_are_as_exact_as_on_the_square(height: float, shared: bool) -> None:
    scores = scores_of(1, (2, 3, 63, 8), shared=shared, height=height)
    gold = scores.allowed().expand(2, 3, -1, -1).nonzero()[[3, 700, 2000]]
    expected = loss_and_gradients(scores, "reference", gold=gold)
    single = in_dtype(scores, torch.float32)
    on_square = relative_errors(loss_and_gradients(single, "reference", gold=gold), expected)
    for found, error, allowed in zip(
        loss_and_gradients(single, "small tiles", gold=gold),
        relative_errors(loss_and_gradients(single, "small tiles", gold=gold), expected),
        on_square,
        strict=True,
    ):
        assert found.isfinite().all()
        assert error <= 2 * allowed + 1e-5


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_inputs_lose_only_their_own_rounding(dtype: torch.dtype, shared: bool) -> None:
    scores = in_dtype(scores_of(2, (2, 3, 63, 64), shared=shared, height=6), dtype)
    gold = scores.allowed().expand(2, 3, -1, -1).nonzero()[[5, 900]]
    expected = loss_and_gradients(in_dtype(scores, torch.float64), "reference", gold=gold)
    found = loss_and_gradients(scores, "tiled", gold=gold)
    assert found[0].dtype == torch.float32
    loss_error, *gradient_errors = relative_errors([part.double() for part in found], expected)
    assert loss_error < 1e-5
    # Gradients are handed back in the dtype of the inputs.
    assert all(error < torch.finfo(dtype).eps for error in gradient_errors)


@pytest.mark.parametrize("impl", ["tiled", "reference"])
def test_autocast_around_the_loss_does_not_make_it_coarse(impl: str) -> None:
    scores = in_dtype(scores_of(3, shared=True, height=20), torch.float32)
    gold = scores.allowed().expand(2, 3, -1, -1).nonzero()[[5]]
    expected = span_loss(scores, gold, impl=impl)
    (gradient,) = torch.autograd.grad(expected, scores.query)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = span_loss(scores, gold, impl=impl)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(torch.autograd.grad(found, scores.query)[0], gradient)


def test_the_search_is_as_exact_under_autocast() -> None:
    scores = in_dtype(scores_of(3, shared=True, height=20), torch.float32)
    expected = find_spans(scores, 1.0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(find_spans(scores, 1.0).logit, expected.logit)


def test_peaks_on_different_tokens_do_not_vanish_in_the_factored_sum() -> None:
    # The row's highest product lies on token 1, the type's highest bias on token 2: e^-60 e^-60 is 0 in fp32.
    query, key = torch.ones(1, 1, 3, 1), torch.tensor([0.0, 60.0, -60.0]).view(1, 1, 3, 1)
    end = torch.tensor([[[0.0, -60.0, 60.0], [0.0, 0.0, 0.0]]])
    start = torch.tensor([[[9.0, -200.0, -200.0], [-5.0, -5.0, -5.0]]])
    scores = SpanScores(query, key, start, end)
    sums = SharedScorerSum(complete_cells(scores, torch.empty(0, 4, dtype=torch.long)), 2, TileSize())
    expected = loss_and_gradients(in_dtype(scores, torch.float64), "reference", gold=torch.empty(0, 4).long())
    loss = sums.log_sums(scores, with_gradients=False)
    assert sums.recomputed_rows == 1
    torch.testing.assert_close(loss[0, 0].double(), torch.tensor([9.0, 9.0, 9.0]).double().logsumexp(0))
    found = loss_and_gradients(in_dtype(scores, torch.float32), "tiled", gold=torch.empty(0, 4).long())
    assert max(relative_errors([part.double() for part in found], expected)) < 1e-5


def test_ordinary_scores_are_all_trusted() -> None:
    scores = in_dtype(scores_of(4, (2, 11, 63, 64), shared=True, height=20), torch.float32)
    sums = SharedScorerSum(complete_cells(scores, torch.empty(0, 4, dtype=torch.long)), 11, TileSize())
    sums.log_sums(scores, with_gradients=True)
    assert sums.recomputed_rows == 0


def test_a_square_whose_bound_is_too_loose_is_visited_again() -> None:
    # |q| |k| is 1e4, and no two vectors point the same way.
    query = torch.zeros(1, 1, 2, 2)
    query[..., 0] = 100.0
    key = torch.zeros(1, 1, 2, 2)
    key[..., 1] = 100.0
    scores = SpanScores(query, key)
    sums = GroupedScorersSum(complete_cells(scores, torch.empty(0, 4, dtype=torch.long)), 1, TileSize())
    torch.testing.assert_close(sums.log_sums(scores, with_gradients=False), torch.tensor([[3.0]]).log())
    assert sums.visited_again == 1


@pytest.mark.parametrize("shared", [False, True])
def test_gradients_pass_gradcheck(shared: bool) -> None:
    scores = scores_of(5, (2, 2, 7, 4), shared=shared, mask="none", height=2)
    gold = torch.tensor([[0, 1, 2, 4], [1, 0, 0, 6], [1, 0, 3, 3]])
    weight = torch.tensor([1.0, 0.7, 1.0], dtype=torch.float64)
    ignore = torch.tensor([[0, -1, 1, 1], [1, 1, 2, 5]])

    def loss(*factors: torch.Tensor) -> torch.Tensor:
        made = SpanScores(*factors)
        return tiled_loss(made, complete_cells(made, gold, weight, ignore), SMALL)

    assert torch.autograd.gradcheck(loss, (scores.query, scores.key, scores.start_bias, scores.end_bias))


@pytest.mark.parametrize("shared", [False, True])
def test_going_back_twice_gives_the_same_and_second_derivatives_are_refused(shared: bool) -> None:
    scores = scores_of(6, shared=shared)
    gold = scores.allowed().expand(2, 3, -1, -1).nonzero()[[1, 20]]
    loss = span_loss(scores, gold, impl="tiled")
    (once,) = torch.autograd.grad(loss, scores.query, retain_graph=True)
    once = once.clone()
    (twice,) = torch.autograd.grad(loss, scores.query)
    torch.testing.assert_close(once, twice)
    with pytest.raises(ConfigError, match="impl='reference' can"):
        torch.autograd.grad(span_loss(scores, gold, impl="tiled"), scores.query, create_graph=True)


@pytest.mark.parametrize("shared", [False, True])
def test_a_text_gets_the_same_alone_in_a_batch_and_with_more_padding(shared: bool) -> None:
    scores = scores_of(7, (3, 3, 29, 8), shared=shared)
    gold = scores.allowed().expand(3, 3, -1, -1).nonzero()
    gold = gold[gold[:, 0] == 1][:4]
    together = span_loss(scores, gold, reduction="none", impl="tiled")[1]
    padded = [
        None if part is None else torch.cat([part[1:2], torch.full_like(part[1:2], 7)], axis)
        for part, axis in ((scores.query, 2), (scores.key, 2), (scores.start_bias, 2), (scores.end_bias, 2))
    ]
    masks = [torch.cat([mask[1:2], torch.zeros_like(mask[1:2])], 1) for mask in (scores.start_mask, scores.end_mask)]  # type: ignore[index, arg-type]
    gold = gold.clone()
    gold[:, 0] = 0
    alone = span_loss(SpanScores(*padded, *masks), gold, reduction="none", impl="tiled")[0]  # type: ignore[arg-type]
    torch.testing.assert_close(alone, together)


@pytest.mark.parametrize("shared", [False, True])
def test_no_gradient_is_made_where_none_is_asked_for(shared: bool) -> None:
    scores = scores_of(10, shared=shared)
    gold = scores.allowed().expand(2, 3, -1, -1).nonzero()[[1]]
    expected = span_loss(scores, gold, impl="reference")
    with torch.no_grad():
        torch.testing.assert_close(span_loss(scores, gold, impl="tiled"), expected)
