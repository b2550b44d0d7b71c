"""The Triton kernels against the definition in fp64, on CUDA, or on the CPU where Triton interprets them.

Not collected by itself: Triton reads TRITON_INTERPRET when it is first imported, so that `test_triton_interpreter.py`
and `test_gpu_span_kernels.py` run this file in processes of their own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from globalner import SpanScores, find_spans, span_loss
from globalner.kernels.reference_search import reference_search
from globalner.kernels.triton_grouped_loss import SpanRegion
from globalner.kernels.triton_loss import negative_log_sum
from globalner.kernels.triton_operands import LeftOut, TileSizes
from globalner.kernels.triton_search import triton_search
from globalner.kernels.triton_shared_loss import SharedRegion, shared_sums

DEVICE = "cpu" if os.environ.get("TRITON_INTERPRET") == "1" else "cuda"
SMALL = TileSizes(16, 16, 16)
on_the_device = pytest.mark.skipif(DEVICE == "cpu", reason="the interpreter takes minutes for this size")

# Largest error of a gradient, as a share of its largest value. Half-precision gradients are rounded when they are
# written, and bf16 rounds the weights of the sum too.
GRADIENT_TOLERANCE = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1e-2}


@pytest.fixture(autouse=True)
def nan_in_new_memory() -> Iterator[None]:
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)


@dataclass(frozen=True)
class Case:
    texts: int = 2
    groups: int = 2
    types: int = 2
    length: int = 35
    head: int = 8
    start_bias: bool = True
    end_bias: bool = True
    band: int | None = None
    dtype: torch.dtype = torch.float32
    sizes: TileSizes | None = SMALL

    def scores(self) -> SpanScores:
        """Text 0 has every token; the others have holes; the last of several is shut."""
        generator = torch.Generator().manual_seed(7)

        def draw(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator).to(DEVICE, self.dtype).requires_grad_()

        tokens = (self.texts, self.groups, self.length, self.head)
        biases = (self.texts, self.types, self.length)
        mask = torch.rand(self.texts, self.length, generator=generator) < 0.7
        mask[0] = True
        if self.texts > 1:
            mask[-1] = False
        return SpanScores(
            draw(*tokens),
            draw(*tokens),
            draw(*biases) if self.start_bias else None,
            draw(*biases) if self.end_bias else None,
            mask.to(DEVICE),
            mask.to(DEVICE),
        )

    def left_out(self) -> tuple[Tensor, Tensor]:
        """Diagonal and corner, several in a row, some where no span may be; and some for all types."""
        end = self.length - 1 if self.band is None else min(self.length, self.band) - 1
        excluded = {(0, 0, 0, 0), (0, self.types - 1, 0, end), (0, 0, end, end), (0, 0, 0, end // 2), (0, 0, end, 0)}
        ignored = {(0, 0, end), (0, end // 3, end // 3), (0, end, 0)}
        as_cells = [torch.tensor(sorted(cells), device=DEVICE) for cells in (excluded, ignored)]
        return as_cells[0], as_cells[1]


def factors(scores: SpanScores) -> list[Tensor]:
    return [f for f in (scores.query, scores.key, scores.start_bias, scores.end_bias) if f is not None]


def in_fp64(scores: SpanScores) -> SpanScores:
    names = ("query", "key", "start_bias", "end_bias")
    raised = {
        name: value.detach().double().requires_grad_() for name in names if (value := getattr(scores, name)) is not None
    }
    return replace(scores, **raised)


def log_sum_by_definition(scores: SpanScores, excluded: Tensor, ignored: Tensor, band: int | None) -> Tensor:
    square = scores.square()
    closed = ~scores.allowed(band).repeat(1, scores.num_types, 1, 1)
    closed[tuple(excluded.T)] = True
    closed[ignored[:, 0], :, ignored[:, 1], ignored[:, 2]] = True
    return square.masked_fill(closed, -torch.inf).flatten(2).logsumexp(dim=2)


def value_tolerance(scores: SpanScores) -> float:
    """Largest error of a log sum.

    One query and key for all types makes the sum by matrix products, which a GPU takes in tf32 where the scores are of
    half precision: 2^-11 for each of the two factors.
    """
    in_tf32 = DEVICE == "cuda" and scores.query.dtype != torch.float32 and scores.query.shape[1] < scores.num_types
    return 2**-10 if in_tf32 else 1e-5


def assert_parity(
    scores: SpanScores, excluded: Tensor, ignored: Tensor, band: int | None = None, sizes: TileSizes | None = SMALL
) -> None:
    """Values and all gradients, where the upstream gradient has both signs and the zero class is in the log."""
    raised = in_fp64(scores)
    value = negative_log_sum(scores, excluded, ignored, band, sizes)
    expected = log_sum_by_definition(raised, excluded, ignored, band)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value.double(), expected, rtol=1e-6, atol=value_tolerance(scores))
    upstream = torch.linspace(-1, 2, value.numel(), device=DEVICE).reshape(value.shape)
    gradients = torch.autograd.grad((value.logaddexp(torch.zeros_like(value)) * upstream).sum(), factors(scores))
    closed_texts = expected.isinf()
    filled = expected.masked_fill(closed_texts, -1e9)
    wanted = torch.autograd.grad((filled.logaddexp(torch.zeros_like(filled)) * upstream).sum(), factors(raised))
    for gradient, exact in zip(gradients, wanted, strict=True):
        exact = exact.nan_to_num()
        tolerance = GRADIENT_TOLERANCE[gradient.dtype] * float(exact.abs().max()) + 1e-30
        torch.testing.assert_close(gradient.double(), exact, rtol=0, atol=tolerance)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(Case(), id="grouped"),
        pytest.param(Case(texts=1, start_bias=False, end_bias=False, band=20, head=17), id="grouped, band, no biases"),
        pytest.param(Case(texts=1, groups=1, types=1, length=1), id="one token"),
        pytest.param(Case(groups=1, types=3), id="shared"),
        pytest.param(Case(texts=1, groups=1, types=17, band=5, length=19), id="shared, band, two tiles of types"),
        pytest.param(Case(texts=1, groups=1, types=2, length=17, start_bias=False), id="shared, end bias alone"),
        pytest.param(Case(texts=1, groups=1, types=2, length=17, end_bias=False), id="shared, start bias alone"),
        pytest.param(Case(texts=1, length=17, dtype=torch.bfloat16), id="grouped, bf16"),
        pytest.param(Case(texts=1, length=17, dtype=torch.float16), id="grouped, fp16"),
        pytest.param(Case(texts=1, groups=1, length=17, dtype=torch.bfloat16), id="shared, bf16"),
        pytest.param(Case(texts=1, groups=1, length=17, dtype=torch.float16), id="shared, fp16"),
        *(
            pytest.param(Case(3, groups, 11, 129, head, dtype=dtype, sizes=None), marks=on_the_device)
            for groups in (1, 11)
            for head in (8, 60, 64, 128)
            for dtype in (torch.float32, torch.bfloat16, torch.float16)
        ),
        pytest.param(Case(2, 1, 3000, 200, 64, sizes=None), marks=on_the_device, id="shared, splits of the types"),
    ],
)
def test_log_sum_and_gradients_are_those_of_the_definition(case: Case) -> None:
    assert_parity(case.scores(), *case.left_out(), case.band, sizes=case.sizes)


@pytest.mark.parametrize("groups", [1, 2])
def test_tile_sizes_change_nothing(groups: int) -> None:
    case = Case(texts=1, groups=groups, length=20)
    values = [
        negative_log_sum(case.scores(), *case.left_out(), None, sizes)
        for sizes in (SMALL, TileSizes(32, 16, 16), TileSizes(16, 32, 32))
    ]
    torch.testing.assert_close(values[0], values[1])
    torch.testing.assert_close(values[0], values[2])


@pytest.mark.parametrize("groups", [1, 2])
def test_layout_in_memory_changes_nothing(groups: int) -> None:
    case = Case(texts=1, groups=groups, length=17)
    scores = case.scores()
    turned = replace(scores, query=scores.query.detach().transpose(1, 2).contiguous().transpose(1, 2))
    strided = replace(turned, key=scores.key.detach().transpose(2, 3).contiguous().transpose(2, 3))
    empty = torch.empty(0, 4, dtype=torch.long, device=DEVICE), torch.empty(0, 3, dtype=torch.long, device=DEVICE)
    assert torch.equal(negative_log_sum(scores, *empty, None, SMALL), negative_log_sum(strided, *empty, None, SMALL))


def split_peaks(length: int = 20) -> SpanScores:
    """Queries of text 0 peak at token 5, end biases of type 0 at token 9: no cell is near the sum of both peaks.

    Type 1 has its peak where the queries have theirs, and the row of token 3 a score that dwarfs type 0's other rows.
    """
    query = torch.ones(1, 1, length, 1)
    key = torch.full((1, 1, length, 1), -60.0)
    key[0, 0, 5] = 60
    end_bias = torch.full((1, 2, length), -60.0)
    end_bias[0, 0, 9] = end_bias[0, 1, 5] = 60
    start_bias = torch.zeros(1, 2, length)
    tensors = [tensor.to(DEVICE).requires_grad_() for tensor in (query, key, start_bias, end_bias)]
    return SpanScores(*tensors)


def rows_computed_exactly(scores: SpanScores) -> int:
    none = torch.empty(0, 4, dtype=torch.long, device=DEVICE)
    region = SpanRegion(scores.start_mask, scores.end_mask, None, LeftOut(None, None), SMALL)
    exact = shared_sums(scores, SharedRegion(region, none, none[:, :3])).exact
    return 0 if exact is None else exact.count


def test_peaks_on_different_tokens_do_not_vanish() -> None:
    scores = split_peaks()
    none = torch.empty(0, 4, dtype=torch.long, device=DEVICE)
    assert_parity(scores, none, none[:, :3])
    assert rows_computed_exactly(scores) == 6, "rows 0 to 5 of type 0 have both peaks in their first tile"
    assert_parity(scores, torch.tensor([[0, 0, 2, 9], [0, 1, 3, 5]], device=DEVICE), none[:, :3])


def test_rows_that_cannot_matter_are_not_computed_again() -> None:
    scores = split_peaks()
    with torch.no_grad():
        scores.start_bias[0, 0] = -130.0
    assert rows_computed_exactly(scores) == 0


@pytest.mark.parametrize("groups", [1, 2])
def test_a_confident_gold_span_leaves_the_others_exact(groups: int) -> None:
    scores = Case(texts=1, groups=groups, length=17).scores()
    with torch.no_grad():
        scores.key[0, :, 4] = 40 * torch.nn.functional.normalize(scores.query[0, :, 2], dim=-1)
        scores.start_bias[0] -= 30
    gold = torch.tensor([[0, 0, i, 4] for i in range(5)] + [[0, 1, i, 4] for i in range(5)], device=DEVICE)
    none = torch.empty(0, 3, dtype=torch.long, device=DEVICE)
    value = negative_log_sum(scores, gold, none, None, SMALL)
    assert (value < 0).all(), "with the gold spans the sums would be near e^10"
    torch.testing.assert_close(value.double(), log_sum_by_definition(in_fp64(scores), gold, none, None))


@pytest.mark.parametrize("groups", [1, 2])
def test_logits_of_ten_thousand_stay_finite(groups: int) -> None:
    scores = Case(texts=1, groups=groups, length=17).scores()
    with torch.no_grad():
        scores.query.mul_(3e3)
    raised = in_fp64(scores)
    none = torch.empty(0, 4, dtype=torch.long, device=DEVICE)
    value = negative_log_sum(scores, none, none[:, :3], None, SMALL)
    expected = log_sum_by_definition(raised, none, none[:, :3], None)
    assert expected.abs().max() > 1e4
    torch.testing.assert_close(value.double(), expected, rtol=1e-6, atol=0)
    gradients = torch.autograd.grad(value.sum(), factors(scores))
    for gradient, exact in zip(gradients, torch.autograd.grad(expected.sum(), factors(raised)), strict=True):
        torch.testing.assert_close(gradient.double(), exact, rtol=0, atol=1e-2 * float(exact.abs().max()))


@pytest.mark.parametrize("groups", [1, 2])
def test_a_second_derivative_is_refused(groups: int) -> None:
    case = Case(texts=1, groups=groups, length=2)
    scores = case.scores()
    none = torch.empty(0, 4, dtype=torch.long, device=DEVICE)
    value = negative_log_sum(scores, none, none[:, :3], None, SMALL)
    loss = value.logaddexp(torch.zeros_like(value)).sum()
    (gradient,) = torch.autograd.grad(loss, scores.query, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_autocast_around_it_changes_nothing() -> None:
    case = Case(texts=1, groups=1, length=17)
    scores, left_out = case.scores(), case.left_out()
    plain = negative_log_sum(scores, *left_out, None, SMALL)
    gradient = torch.autograd.grad(plain.sum(), scores.query)[0]
    with torch.autocast(DEVICE, dtype=torch.bfloat16):
        value = negative_log_sum(scores, *left_out, None, SMALL)
        assert torch.equal(torch.autograd.grad(value.sum(), scores.query)[0], gradient)
    assert torch.equal(value, plain)


def test_a_compiled_caller_gets_the_same() -> None:
    case = Case(texts=1, groups=1, length=2)
    scores, left_out = case.scores(), case.left_out()

    def caller(query: Tensor) -> Tensor:
        return negative_log_sum(replace(scores, query=query * 2), *left_out, None, SMALL) + 1

    compiled = torch.compile(caller, backend="eager")
    torch.testing.assert_close(compiled(scores.query), caller(scores.query))


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(Case(), id="grouped"),
        pytest.param(Case(texts=1, length=17, band=3, start_bias=False, end_bias=False), id="grouped, band, no biases"),
        pytest.param(Case(groups=1, types=3, length=20), id="shared"),
        pytest.param(Case(texts=1, groups=1, types=65, length=2), id="shared, two programs of types"),
        pytest.param(Case(texts=1, length=17, dtype=torch.bfloat16), id="bf16"),
        *(
            pytest.param(Case(3, groups, 11, 129, 64, dtype=dtype, sizes=None), marks=on_the_device)
            for groups in (1, 11)
            for dtype in (torch.float32, torch.bfloat16)
        ),
    ],
)
def test_search_finds_what_the_definition_finds(case: Case) -> None:
    with torch.no_grad():
        scores = case.scores()
        thresholds = torch.linspace(0, 3, case.types, device=DEVICE)
        found = triton_search(scores, thresholds, case.band, sizes=case.sizes)
        expected = reference_search(scores.in_full_precision(), thresholds, case.band, None)
    assert len(expected) > 0
    for name in ("batch", "type", "first", "last", "limited"):
        assert torch.equal(getattr(found, name), getattr(expected, name)), name
    torch.testing.assert_close(found.logit, expected.logit, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("groups", [1, 2])
def test_a_logit_at_the_threshold_is_not_above_it(groups: int) -> None:
    ones = torch.ones(1, groups, 2, 1, device=DEVICE)
    scores = SpanScores(ones, ones, torch.ones(1, 2, 2, device=DEVICE))
    assert len(triton_search(scores, torch.tensor([2.0, 2.0], device=DEVICE), None, sizes=SMALL)) == 0
    assert triton_search(scores, torch.tensor([2.0, 1.9], device=DEVICE), None, sizes=SMALL).type.tolist() == [1, 1, 1]


@pytest.mark.parametrize("groups", [1, 3])
def test_the_doors_take_it_by_name(groups: int) -> None:
    scores = Case(groups=groups, types=3, length=17).scores()
    open_ = scores.allowed().expand(-1, 3, -1, -1).nonzero()
    gold, ignore = open_[[3, 40, 90]], open_[[3, 50, 60]].clone()
    ignore[2, 1] = -1
    weight = torch.tensor([1.0, 0.7, 1.0], device=DEVICE)
    raised = in_fp64(scores)
    loss = span_loss(scores, gold, weight, ignore, impl="triton")
    expected = span_loss(raised, gold, weight, ignore, impl="reference")
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=1e-6)
    wanted = torch.autograd.grad(expected, factors(raised))
    for gradient, exact in zip(torch.autograd.grad(loss, factors(scores)), wanted, strict=True):
        torch.testing.assert_close(gradient.double(), exact, rtol=0, atol=1e-5 * float(exact.abs().max()))
    found, wished = (find_spans(scores, -1.0, top_k=5, impl=impl) for impl in ("triton", "reference"))
    for name in ("batch", "type", "first", "last", "limited"):
        assert getattr(found, name).tolist() == getattr(wished, name).tolist()
