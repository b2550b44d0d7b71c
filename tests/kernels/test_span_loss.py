from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner import SpanScores, span_loss
from globalner.errors import ConfigError, ShapeError


def random_scores(seed: int, batch: int = 2, types: int = 3, length: int = 6, dtype=torch.float64) -> SpanScores:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=dtype).requires_grad_()

    mask = torch.rand(batch, length, generator=generator) < 0.8
    mask[:, 0] = True
    return SpanScores(
        draw(batch, 1, length, 4), draw(batch, 1, length, 4), draw(batch, types, length), draw(batch, types, length),
        start_mask=mask, end_mask=mask,
    )  # fmt: skip


def loss_by_loops(scores: SpanScores, gold: dict, ignore: set, max_span_tokens: int | None) -> list[list[float]]:
    square, length = scores.square().tolist(), scores.query.shape[2]
    losses = []
    for b in range(scores.query.shape[0]):
        losses.append([])
        for c in range(scores.num_types):
            positive = negative = 1.0
            for i in range(length):
                for j in range(i, length):
                    cell = (b, c, i, j)
                    too_long = max_span_tokens is not None and j - i + 1 > max_span_tokens
                    if cell in ignore or too_long or not (scores.start_mask[b, i] and scores.end_mask[b, j]):
                        continue
                    t, s = gold.get(cell, 0.0), square[b][c][i][j]
                    positive += t * math.exp(-s)
                    negative += (1 - t) * math.exp(s)
            losses[-1].append(math.log(positive) + math.log(negative))
    return losses


def possible_cells(scores: SpanScores, max_span_tokens: int | None) -> list[tuple[int, ...]]:
    allowed = scores.allowed(max_span_tokens).expand_as(scores.square())
    return [tuple(cell) for cell in allowed.nonzero().tolist()]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), limit=st.sampled_from([None, 1, 3]), data=st.data())
def test_loss_is_its_definition(seed: int, limit: int | None, data: st.DataObject) -> None:
    scores = random_scores(seed)
    cells = possible_cells(scores, limit)
    gold = data.draw(st.dictionaries(st.sampled_from(cells), st.sampled_from([1.0, 0.9, 0.25]), max_size=5))
    ignore = data.draw(st.sets(st.sampled_from(cells), max_size=5))
    loss = span_loss(
        scores,
        torch.tensor(list(gold), dtype=torch.long).reshape(-1, 4),
        torch.tensor(list(gold.values()), dtype=torch.float64),
        torch.tensor(sorted(ignore), dtype=torch.long).reshape(-1, 4),
        max_span_tokens=limit,
        reduction="none",
    )
    expected = torch.tensor(loss_by_loops(scores, gold, ignore, limit), dtype=torch.float64)
    torch.testing.assert_close(loss, expected)
    assert (loss >= 0).all()
    loss.sum().backward()
    assert scores.query.grad.isfinite().all()


def test_mean_is_over_texts_and_types() -> None:
    scores = random_scores(1)
    gold = torch.tensor([possible_cells(scores, None)[3]])
    assert span_loss(scores, gold).item() == pytest.approx(span_loss(scores, gold, reduction="none").mean().item())


def test_a_cell_given_twice_counts_once_with_its_largest_weight() -> None:
    scores = random_scores(2)
    cell = possible_cells(scores, None)[2]
    twice = span_loss(scores, torch.tensor([cell, cell]), torch.tensor([0.3, 0.8]))
    assert twice.item() == pytest.approx(span_loss(scores, torch.tensor([cell]), torch.tensor([0.8])).item())


def test_type_minus_one_ignores_the_cell_for_every_type() -> None:
    scores = random_scores(3)
    gold = torch.tensor([possible_cells(scores, None)[0]])
    b, _, i, j = possible_cells(scores, None)[5]
    written_out = torch.tensor([[b, c, i, j] for c in range(scores.num_types)])
    short = span_loss(scores, gold, ignore=torch.tensor([[b, -1, i, j]]))
    assert short == span_loss(scores, gold, ignore=written_out)
    assert short != span_loss(scores, gold)


def test_ignored_and_closed_cells_get_no_gradient() -> None:
    scores = random_scores(4)
    square = scores.square().detach().requires_grad_()
    gold = torch.tensor([possible_cells(scores, None)[0]])
    ignored = torch.tensor([possible_cells(scores, None)[0], possible_cells(scores, None)[4]])
    probe = _WithSquare(square, scores)
    span_loss(probe, gold, ignore=ignored, impl="reference").backward()  # type: ignore[arg-type]
    touched = square.grad != 0
    assert not touched[tuple(ignored.T)].any()
    assert not (touched & ~scores.allowed()).any()
    assert touched.any()


class _WithSquare:
    """Stands for scores whose square is a leaf, to look at the gradient of each cell."""

    def __init__(self, square: torch.Tensor, scores: SpanScores) -> None:
        self._square, self._scores = square, scores
        self.square = lambda: square
        self.in_full_precision = lambda: self

    def __getattr__(self, name: str) -> object:
        return getattr(self._scores, name)


@pytest.mark.parametrize("height", [5.0, 15.0, 20.0, 30.0, 200.0])
def test_a_confident_gold_span_keeps_the_loss_exact_in_fp32(height: float) -> None:
    # The published sparse form loses all digits here: -0.071 at 12, 13.88 at 30 instead of about 5e-6.
    length = 63
    start = torch.full((1, 1, length), -20.0)
    query = torch.zeros(1, 1, length, 1)
    query[0, 0, 0, 0] = 1.0
    key = torch.zeros(1, 1, length, 1)
    key[0, 0, 0, 0] = height + 20
    query.requires_grad_()
    loss = span_loss(SpanScores(query, key, start), torch.tensor([[0, 0, 0, 0]]))
    expected = math.log1p(math.exp(-height)) + math.log1p((length * (length + 1) // 2 - 1) * math.exp(-20))
    spacing_at_one = torch.finfo(torch.float32).eps
    assert loss.item() == pytest.approx(expected, rel=1e-4, abs=2 * spacing_at_one)
    loss.backward()
    assert query.grad[0, 0, 0, 0].item() <= 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_scores_give_a_finite_fp32_loss(dtype: torch.dtype) -> None:
    query = (100 * torch.randn(1, 2, 8, 4)).to(dtype).requires_grad_()
    loss = span_loss(SpanScores(query, torch.ones_like(query)), torch.tensor([[0, 1, 2, 3]]))
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert query.grad.isfinite().all()


def test_text_without_tokens_that_may_hold_a_span_costs_nothing() -> None:
    shut = torch.zeros(1, 4, dtype=torch.bool)
    query = torch.randn(1, 2, 4, 2, requires_grad=True)
    loss = span_loss(SpanScores(query, query, start_mask=shut, end_mask=shut), torch.empty(0, 4, dtype=torch.long))
    loss.backward()
    assert loss == 0
    assert (query.grad == 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gold": [[0, 0, 3, 2]]}, "last before first"),
        ({"gold": [[0, 0, 0, 3]], "max_span_tokens": 2}, "max_span_tokens"),
        ({"gold": [[0, 9, 0, 0]]}, "3 types"),
        ({"gold": [[2, 0, 0, 0]]}, "2 texts"),
        ({"gold": [[0, 0, 0, 6]]}, "6 tokens"),
        ({"gold": [[0, -1, 0, 0]]}, "out of range"),
        ({"gold": [[0, 0, 0]]}, r"\(N, 4\)"),
        ({"ignore": [[0, -2, 0, 0]]}, "ignore"),
        ({"weight": [0.0]}, "above 0"),
        ({"weight": [1.5]}, "at most 1"),
        ({"weight": [math.nan]}, "above 0"),
        ({"weight": [1.0, 1.0]}, "one for each"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict, message: str) -> None:
    arguments = {"gold": [[0, 0, 0, 0]], **change}
    tensors = {name: torch.tensor(value) if isinstance(value, list) else value for name, value in arguments.items()}
    with pytest.raises(ShapeError, match=message):
        span_loss(random_scores(5), **tensors)


def test_gold_on_a_masked_token_is_refused() -> None:
    scores = random_scores(6)
    b, i = (~scores.start_mask).nonzero()[0].tolist()
    with pytest.raises(ShapeError, match="masks close"):
        span_loss(scores, torch.tensor([[b, 0, i, i]]))


@pytest.mark.parametrize("arguments", [{"impl": "triton"}, {"reduction": "sum"}])
def test_unknown_names_are_refused(arguments: dict) -> None:
    with pytest.raises(ConfigError):
        span_loss(random_scores(7), torch.empty(0, 4, dtype=torch.long), **arguments)
