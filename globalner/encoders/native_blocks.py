"""From the shape of a native encoder to its blocks, its norms, and the numbers that they start with."""

from __future__ import annotations

from torch import nn

from globalner.encoders.native_config import ATTENTIONS, INITIALIZATIONS, NORMS, NativeEncoderConfig
from globalner.errors import ShapeError
from globalner.layers import (
    FeedForward,
    GatedAttentionUnit,
    LinearAttention,
    MixedChunkAttention,
    PerformerAttention,
    RmsNorm,
    ScaleNorm,
    ScaleOffset,
    SoftmaxAttention,
    TransformerBlock,
    check_option,
)

__all__ = ["build_block", "build_norm", "check_shape", "initialize"]

_TRUNCATED_AT = 2.0
_TRUNCATION = 1.13684723
"""What a normal distribution is widened by so that it has its deviation back after it is cut at two of them."""


def check_shape(config: NativeEncoderConfig) -> None:
    """Makes sure that names exist and that positions can be rotated in.

    Raises:
        ConfigError: If there is no such attention, norm or initialisation; the message names the nearest.
        ShapeError: If heads do not divide the width, or a width to rotate is odd.
    """
    check_option("attention", config.attention, ATTENTIONS)
    check_option("norm", config.norm, NORMS)
    check_option("initialization", config.initialization, INITIALIZATIONS)
    if config.attention in ("softmax", "performer") and config.rotary:
        if config.hidden_size % (2 * config.num_attention_heads):
            raise ShapeError(
                f"hidden_size {config.hidden_size} must divide into {config.num_attention_heads} heads of an even width"
            )
    elif config.rotary and config.rotary_width % 2:
        raise ShapeError(f"key_size {config.rotary_width} is odd, but rotary position turns pairs of values")


def build_block(config: NativeEncoderConfig) -> TransformerBlock:
    """One block: attention with a feed-forward part, or a gated unit alone."""
    norm, gated = build_norm(config), config.attention in ("gau", "flash")
    attention = _gated_attention(config) if gated else _headed_attention(config)
    if gated:
        return TransformerBlock(
            attention=attention, attention_norm=norm, placement=config.norm_placement, dropout=config.dropout
        )
    return TransformerBlock(
        attention=attention,
        attention_norm=norm,
        feed_forward=FeedForward(
            hidden_size=config.hidden_size,
            intermediate_size=config.intermediate_size,
            bias=config.bias == "all",
        ),
        feed_forward_norm=build_norm(config),
        placement=config.norm_placement,
        dropout=config.dropout,
    )


def build_norm(config: NativeEncoderConfig) -> nn.Module:
    """A norm of the kind that the configuration asks for."""
    if config.norm == "layer":
        return nn.LayerNorm(config.hidden_size, eps=config.norm_eps)
    if config.norm == "scale":
        return ScaleNorm(eps=config.norm_eps)
    return RmsNorm(width=config.hidden_size, gain=config.norm == "rms_gain", eps=config.norm_eps)


def initialize(module: nn.Module, config: NativeEncoderConfig) -> None:
    """The numbers that one module starts with.

        fan_in             normal, deviation 1 / sqrt(fan-in); embeddings 1
        truncated_normal   cut at two deviations of 1.13684723 / sqrt(fan-in) L^(-1 / order); embeddings as of fan-in H

    L is the number of blocks, the order that of the product of weights in one of them: 3 for gated units, else 2.

    Source: Su Jianlin, kexue.fm/archives/8990, 9052; RoFormerV2.
    """
    if isinstance(module, (nn.LayerNorm, RmsNorm, ScaleNorm, ScaleOffset)):
        module.reset_parameters()
    elif isinstance(module, PerformerAttention):
        module.redraw()
    elif isinstance(module, (nn.Linear, nn.Embedding, nn.Conv1d)):
        if config.initialization == "truncated_normal":
            _truncated_normal(module, config)
        else:
            _fan_in(module)


def _fan_in(module: nn.Linear | nn.Embedding | nn.Conv1d) -> None:
    # The scale that keeps activations of a narrow network near one; 0.02 is meant for a width of 768.
    if isinstance(module, nn.Conv1d):
        module.reset_parameters()
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight)
    else:
        nn.init.normal_(module.weight, std=module.in_features**-0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _truncated_normal(module: nn.Linear | nn.Embedding | nn.Conv1d, config: NativeEncoderConfig) -> None:
    order = 3 if config.attention in ("gau", "flash") else 2
    fan_in = module.weight[0].numel()
    std = _TRUNCATION * fan_in**-0.5 * config.num_hidden_layers ** (-1 / order)
    nn.init.trunc_normal_(module.weight, std=std, a=-_TRUNCATED_AT * std, b=_TRUNCATED_AT * std)
    if not isinstance(module, nn.Embedding) and module.bias is not None:
        nn.init.zeros_(module.bias)


def _headed_attention(config: NativeEncoderConfig) -> nn.Module:
    width, heads = config.hidden_size, config.num_attention_heads
    if config.attention == "linear":
        assert config.feature_map is not None  # filled in by the configuration, as all widths below
        return LinearAttention(
            hidden_size=width,
            num_heads=heads,
            key_size=config.key_size,
            feature_map=config.feature_map,
            bias=config.bias,
        )
    if config.attention == "performer":
        return PerformerAttention(
            hidden_size=width, num_heads=heads, num_features=config.num_features, bias=config.bias
        )
    return SoftmaxAttention(
        hidden_size=width,
        num_heads=heads,
        bias=config.bias,
        scale=config.scale,
        clamp_tokens=config.entropy_clamp_tokens,
        dropout=config.dropout,
    )


def _gated_attention(config: NativeEncoderConfig) -> nn.Module:
    assert config.key_size is not None
    if config.attention == "flash":
        assert config.chunk_size is not None
        return MixedChunkAttention(
            hidden_size=config.hidden_size,
            expanded_size=config.intermediate_size,
            key_size=config.key_size,
            chunk_size=config.chunk_size,
            bias=config.bias,
            dropout=config.dropout,
        )
    assert config.normalizer is not None
    return GatedAttentionUnit(
        hidden_size=config.hidden_size,
        expanded_size=config.intermediate_size,
        key_size=config.key_size,
        normalizer=config.normalizer,
        normalizer_tokens=config.normalizer_tokens,
        clamp_tokens=config.entropy_clamp_tokens,
        bias=config.bias,
        dropout=config.dropout,
    )
