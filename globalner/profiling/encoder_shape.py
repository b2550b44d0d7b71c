"""The sizes of an encoder that its cost follows from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from transformers import PreTrainedConfig

from globalner.encoders import Attention, NativeEncoderConfig
from globalner.layers import default_num_features

__all__ = ["EncoderShape", "shape_of"]

_LIKE_BERT = ("bert", "camembert", "electra", "ernie", "roberta", "roformer", "xlm-roberta")
_GATED_DECODERS = ("gemma", "gemma2", "gemma3_text", "llama", "mistral", "qwen2", "qwen3")


@dataclass(frozen=True)
class EncoderShape:
    """Sizes of an encoder.

    Attributes:
        attention: "softmax", "gau", "flash", "linear" or "performer".
        width: w, width of a token's vector.
        layers: Number of blocks, or of gated units.
        heads: h, heads of queries; 1 for gated units.
        key_size: Width of the queries and keys of a head.
        value_size: Width of the values of a head; of gated units that of the gate, e.
        inner_size: Width inside the feed-forward part; 0 where there is none.
        key_heads: Heads of keys and values, where they are fewer than those of queries; None for h.
        inner_matrices: Matrices of the feed-forward part: 2, or 3 with a gate in it.
        chunk_size: Of flash: tokens of a chunk.
        num_features: Of performer: random features.
        denominator: Of linear and performer: whether a sum over all keys divides.
        embedding_size: Width of the embedding where a projection leads from it to w; None for w.
        convolution_width: Tokens under a convolution before the blocks; 0 for none.
    """

    attention: Attention
    width: int
    layers: int
    heads: int
    key_size: int
    value_size: int
    inner_size: int
    key_heads: int | None = None
    inner_matrices: int = 2
    chunk_size: int = 256
    num_features: int = 0
    denominator: bool = True
    embedding_size: int | None = None
    convolution_width: int = 0

    @property
    def gated(self) -> bool:
        """Whether it is made of gated units."""
        return self.attention in ("gau", "flash")


def shape_of(config: PreTrainedConfig) -> EncoderShape | None:
    """The sizes of an encoder of that configuration; None for a family that nothing is known of."""
    if isinstance(config, NativeEncoderConfig):
        return _native(config)
    family = config.model_type
    if family in _LIKE_BERT:
        return replace(_softmax(config, config.intermediate_size), embedding_size=_embedding_size(config))
    if family == "distilbert":
        return _softmax(config, config.hidden_dim)
    if family == "gpt2":
        return _softmax(config, config.n_inner or 4 * config.hidden_size)
    if family in _GATED_DECODERS:
        head_size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        return replace(
            _softmax(config, config.intermediate_size),
            key_size=head_size,
            value_size=head_size,
            key_heads=config.num_key_value_heads,
            inner_matrices=3,
        )
    return None


def _softmax(config: PreTrainedConfig, inner_size: int) -> EncoderShape:
    head_size = config.hidden_size // config.num_attention_heads
    return EncoderShape(
        attention="softmax",
        width=config.hidden_size,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        key_size=head_size,
        value_size=head_size,
        inner_size=inner_size,
    )


def _embedding_size(config: PreTrainedConfig) -> int | None:
    size = getattr(config, "embedding_size", None)
    return None if size == config.hidden_size else size


def _native(config: NativeEncoderConfig) -> EncoderShape:
    shape = replace(
        _softmax(config, config.intermediate_size),
        attention=config.attention,
        convolution_width=config.convolution_width,
    )
    if shape.gated:
        return replace(
            shape,
            heads=1,
            key_size=config.key_size or 0,
            value_size=config.intermediate_size,
            inner_size=0,
            chunk_size=config.chunk_size or shape.chunk_size,
        )
    if config.attention == "linear":
        return replace(
            shape,
            key_size=config.key_size or shape.key_size,
            denominator=config.feature_map != "double_softmax",
        )
    if config.attention == "performer":
        return replace(shape, num_features=config.num_features or default_num_features(shape.key_size))
    return shape
