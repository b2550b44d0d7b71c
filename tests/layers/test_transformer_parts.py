from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn.functional import gelu

from globalner.errors import ConfigError, ShapeError
from globalner.layers import (
    FeedForward,
    GatedAttentionUnit,
    RmsNorm,
    ScaleNorm,
    SoftmaxAttention,
    TokenConvolution,
    TransformerBlock,
    make_rotation,
)


def block_of(placement: str, dropout: float = 0.0) -> TransformerBlock:
    torch.manual_seed(0)
    return TransformerBlock(
        attention=SoftmaxAttention(hidden_size=8, num_heads=2, dropout=dropout),
        attention_norm=nn.LayerNorm(8),
        feed_forward=FeedForward(hidden_size=8, intermediate_size=16),
        feed_forward_norm=nn.LayerNorm(8),
        placement=placement,
        dropout=dropout,
    ).double()


@pytest.mark.parametrize("placement", ["pre", "post"])
def test_padding_changes_nothing_in_a_block(padding_changes_nothing: Callable[..., None], placement: str) -> None:
    padding_changes_nothing(block_of(placement, dropout=0.5), 8, 4, (1, 4, 9))


def test_norms_stand_before_or_behind() -> None:
    hidden, mask, rotation = torch.randn(2, 5, 8).double(), torch.ones(2, 5, dtype=torch.bool), make_rotation(5, 4)
    pre, post = block_of("pre"), block_of("post")
    middle = hidden + pre.attention(pre.attention_norm(hidden), mask, rotation)
    expected = middle + pre.feed_forward(pre.feed_forward_norm(middle))
    torch.testing.assert_close(pre(hidden, mask, rotation), expected)
    middle = post.attention_norm(hidden + post.attention(hidden, mask, rotation))
    expected = post.feed_forward_norm(middle + post.feed_forward(middle))
    torch.testing.assert_close(post(hidden, mask, rotation), expected)


@pytest.mark.parametrize("placement", ["pre", "post"])
def test_a_gated_unit_stands_alone(placement: str) -> None:
    unit = GatedAttentionUnit(hidden_size=8, expanded_size=12, key_size=4)
    block = TransformerBlock(attention=unit, attention_norm=RmsNorm(width=8), placement=placement).double()
    hidden, mask = torch.randn(2, 5, 8).double(), torch.ones(2, 5, dtype=torch.bool)
    norm = block.attention_norm
    expected = hidden + unit(norm(hidden), mask) if placement == "pre" else norm(hidden + unit(hidden, mask))
    torch.testing.assert_close(block(hidden, mask), expected)


def test_a_placement_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"no norm placement 'pots' \(did you mean post\?\)"):
        block_of("pots")


def test_feed_forward_is_the_formula() -> None:
    part, x = FeedForward(hidden_size=3, intermediate_size=5), torch.randn(2, 3)
    first, _, second = part
    expected = gelu(x @ first.weight.T + first.bias) @ second.weight.T + second.bias
    torch.testing.assert_close(part(x), expected)
    bare = FeedForward(hidden_size=3, intermediate_size=5, bias=False)
    assert [name for name, _ in bare.named_parameters()] == ["0.weight", "2.weight"]


@pytest.mark.parametrize("gain", [True, False])
def test_rms_norm_is_the_formula(gain: bool) -> None:
    norm, x = RmsNorm(width=6, gain=gain, eps=0.1).double(), torch.randn(2, 6).double()
    expected = x / (x.square().mean(-1, keepdim=True) + 0.1).sqrt()
    if gain:
        nn.init.normal_(norm.gain)
        expected = expected * norm.gain
    torch.testing.assert_close(norm(x), expected)
    norm.reset_parameters()
    assert all(torch.equal(parameter, torch.ones(6).double()) for parameter in norm.parameters())


def test_scale_norm_gives_all_vectors_one_length() -> None:
    norm, x = ScaleNorm(eps=0.0).double(), torch.randn(3, 6).double()
    nn.init.constant_(norm.gain, 0.5)
    lengths = norm(x).norm(dim=-1)
    torch.testing.assert_close(lengths, torch.full_like(lengths, 0.5 * 6**0.5))
    torch.testing.assert_close(norm(x), 0.5 * 6**0.5 * x / x.norm(dim=-1, keepdim=True))


@pytest.mark.parametrize("norm", [RmsNorm(width=4096), ScaleNorm()], ids=["rms", "scale"])
def test_norms_are_computed_in_single_precision(norm: nn.Module) -> None:
    """The square of 300 is no number in fp16, and a mean of 4096 values is coarse in bf16."""
    x = 300 * torch.randn(2, 4096)
    for dtype, close in ((torch.float16, 2e-3), (torch.bfloat16, 1e-2)):
        torch.testing.assert_close(norm.to(dtype)(x.to(dtype)).float(), norm.float()(x), rtol=close, atol=close)


def test_a_convolution_adds_what_it_makes_of_the_neighbours() -> None:
    torch.manual_seed(0)
    layer = TokenConvolution(hidden_size=2, width=3).double()
    hidden = torch.randn(1, 4, 2, dtype=torch.float64)
    mask = torch.tensor([[True, True, True, False]])
    kernel, bias = layer.convolution.weight, layer.convolution.bias
    inputs = [torch.zeros(2, dtype=torch.float64), *hidden[0, :3], torch.zeros(2, dtype=torch.float64)]
    for place in range(3):
        made = bias + sum(kernel[:, :, k] @ inputs[place + k] for k in range(3))
        expected = hidden[0, place] + gelu(made)
        torch.testing.assert_close(layer(hidden, mask)[0, place], expected)


@pytest.mark.parametrize("width", [0, 4])
def test_a_convolution_needs_a_middle(width: int) -> None:
    with pytest.raises(ShapeError, match="odd"):
        TokenConvolution(hidden_size=2, width=width)
