from __future__ import annotations

import pytest
import torch

from globalner import EfficientGlobalPointer, GlobalPointer, SpanScores, span_loss
from globalner.errors import ShapeError


def fill(shape: tuple[int, ...], a: float) -> torch.Tensor:
    """sin(a (t + 1)) in row-major order: the generator of the golden values."""
    count = torch.Size(shape).numel()
    return torch.sin(a * torch.arange(1, count + 1, dtype=torch.float64)).reshape(shape)


def load(layer: torch.nn.Linear, weight: torch.Tensor, bias: torch.Tensor) -> None:
    with torch.no_grad():
        layer.weight.copy_(weight.T)
        layer.bias.copy_(bias)


def golden_scores(kind: str, dtype: torch.dtype) -> SpanScores:
    if kind == "global_pointer":
        head: torch.nn.Module = GlobalPointer(hidden_size=8, num_types=2, head_size=4).double()
        load(head.projection, 0.5 * fill((8, 16), 0.3), 0.1 * fill((16,), 0.11))
    else:
        head = EfficientGlobalPointer(hidden_size=8, num_types=2, head_size=4).double()
        load(head.projection, 0.5 * fill((8, 8), 0.3), 0.1 * fill((8,), 0.11))
        load(head.type_bias, 0.5 * fill((8, 4), 0.23), 0.1 * fill((4,), 0.17))
    mask = torch.tensor([[True, True, True, True, False]])
    return head.to(dtype)(fill((1, 5, 8), 0.7).to(dtype), start_mask=mask, end_mask=mask)


GOLDEN = {
    "global_pointer": {
        (0, 0, 0): 0.0338584264, (0, 0, 3): -0.00457047936, (0, 1, 2): 0.0311018963,
        (1, 1, 2): -0.00375202695, (1, 2, 3): -0.00584048123,
    },
    "efficient_global_pointer": {
        (0, 0, 0): 0.1356495122, (0, 0, 3): 0.0587170027, (0, 1, 2): 0.1229775683,
        (1, 1, 2): 0.1367461819, (1, 2, 3): 0.1133455467,
    },
}  # fmt: skip
TOLERANCE = {torch.float64: {"rel": 1e-6}, torch.float32: {"rel": 1e-4, "abs": 1e-6}}


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("kind", GOLDEN)
def test_scores_equal_the_golden_values(kind: str, dtype: torch.dtype) -> None:
    square = golden_scores(kind, dtype).dense()
    for (type_, first, last), expected in GOLDEN[kind].items():
        assert square[0, type_, first, last].item() == pytest.approx(expected, **TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_loss_equals_the_golden_values(dtype: torch.dtype) -> None:
    scores, close = golden_scores("global_pointer", dtype), TOLERANCE[dtype]
    gold = torch.tensor([[0, 0, 1, 2], [0, 1, 0, 3], [0, 1, 2, 2]])
    losses = span_loss(scores, gold, reduction="none")
    assert losses.tolist()[0] == pytest.approx([2.9991150128, 3.2872162785], **close)
    assert span_loss(scores, gold).item() == pytest.approx(3.1431656456, **close)
    none = span_loss(scores, gold[1:], reduction="none")
    assert none[0, 0].item() == pytest.approx(2.4178315033, **close)
    soft = span_loss(scores, torch.tensor([[0, 0, 1, 2], [0, 0, 0, 0]]), torch.tensor([0.9, 0.2]), reduction="none")
    assert soft[0, 0].item() == pytest.approx(3.0366744232, **close)


@pytest.mark.parametrize("head_class", [GlobalPointer, EfficientGlobalPointer])
def test_scores_depend_on_the_distance_of_the_ends_only(head_class: type) -> None:
    head = head_class(hidden_size=8, num_types=2, head_size=4).double()
    hidden = torch.randn(1, 4, 8, dtype=torch.float64)
    shifted = torch.cat([torch.randn(1, 3, 8, dtype=torch.float64), hidden], dim=1)
    torch.testing.assert_close(head(shifted).dense()[..., 3:, 3:], head(hidden).dense())


@pytest.mark.parametrize("head_class", [GlobalPointer, EfficientGlobalPointer])
def test_without_rotary_the_position_does_not_matter(head_class: type) -> None:
    head = head_class(hidden_size=8, num_types=2, head_size=3, rotary=False).double()
    hidden = torch.randn(1, 1, 8, dtype=torch.float64).expand(1, 4, 8)
    square = head(hidden).square()
    torch.testing.assert_close(square, square[..., :1, :1].expand_as(square))


@pytest.mark.parametrize("head_class", [GlobalPointer, EfficientGlobalPointer])
def test_every_parameter_learns(head_class: type) -> None:
    head = head_class(hidden_size=8, num_types=2, head_size=4)
    span_loss(head(torch.randn(2, 5, 8)), torch.tensor([[0, 0, 1, 2], [1, 1, 0, 3]])).backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in head.parameters())


def test_parameter_counts_are_the_published_ones() -> None:
    def count(head: torch.nn.Module) -> int:
        return sum(parameter.numel() for parameter in head.parameters())

    assert count(GlobalPointer(hidden_size=768, num_types=9)) == 885_888
    assert count(EfficientGlobalPointer(hidden_size=768, num_types=9)) == 100_754


@pytest.mark.parametrize("head_class", [GlobalPointer, EfficientGlobalPointer])
@pytest.mark.parametrize("sizes", [{"num_types": 0}, {"head_size": 5}, {"hidden_size": 0}])
def test_impossible_sizes_are_refused(head_class: type, sizes: dict) -> None:
    with pytest.raises(ShapeError):
        head_class(**{"hidden_size": 8, "num_types": 2, "head_size": 4, **sizes})


@pytest.mark.parametrize("kind", [GlobalPointer, EfficientGlobalPointer])
@pytest.mark.parametrize("more", [0, 1, 3])
def test_types_that_are_taken_over_score_the_same_to_the_bit(kind: type, more: int) -> None:
    """With whole numbers, so that no sum is rounded however a wider matrix product orders it."""
    torch.manual_seed(0)
    old = kind(hidden_size=8, num_types=2, head_size=4, rotary=False)
    new = kind(hidden_size=8, num_types=2 + more, head_size=4, rotary=False)
    with torch.no_grad():
        for parameter in (*old.parameters(), *new.parameters()):
            parameter.copy_(torch.randint(-3, 4, parameter.shape))
    fresh = [parameter.clone() for parameter in new.parameters()]
    new.take_types(old)
    hidden = torch.randint(-3, 4, (2, 5, 8)).float()
    assert torch.equal(new(hidden).dense()[:, :2], old(hidden).dense())
    for before, after, known in zip(fresh, new.parameters(), old.parameters(), strict=True):
        assert torch.equal(after[len(known) :], before[len(known) :])


@pytest.mark.parametrize("kind", [GlobalPointer, EfficientGlobalPointer])
@pytest.mark.parametrize("sizes", [{"num_types": 4}, {"hidden_size": 16}])
def test_types_that_do_not_fit_are_not_taken(kind: type, sizes: dict[str, int]) -> None:
    shape = {"hidden_size": 8, "num_types": 3, "head_size": 4}
    with pytest.raises(ShapeError, match="does not fit into"):
        kind(**shape).take_types(kind(**shape | sizes))


def test_an_efficient_head_starts_its_scores_at_the_initial_logit() -> None:
    hidden = torch.randn(2, 5, 12)
    heads = []
    for initial in (0.0, -4.0):
        torch.manual_seed(0)
        heads.append(EfficientGlobalPointer(hidden_size=12, num_types=3, head_size=4, initial_logit=initial))
    plain, low = (head(hidden).dense() for head in heads)
    allowed = plain > torch.finfo(plain.dtype).min
    torch.testing.assert_close(low[allowed], plain[allowed] - 4.0)
