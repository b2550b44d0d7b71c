"""The shape of a native encoder."""

from __future__ import annotations

from typing import Any, Literal

from transformers import PreTrainedConfig

from globalner.layers import AttentionScale, Bias, FeatureMap, Normalizer, NormPlacement

__all__ = ["ATTENTIONS", "INITIALIZATIONS", "NORMS", "NativeEncoderConfig"]

Attention = Literal["softmax", "gau", "flash", "linear", "performer"]
Norm = Literal["layer", "rms", "rms_gain", "scale"]
Initialization = Literal["fan_in", "truncated_normal"]

ATTENTIONS: tuple[Attention, ...] = ("softmax", "gau", "flash", "linear", "performer")
NORMS: tuple[Norm, ...] = ("layer", "rms", "rms_gain", "scale")
INITIALIZATIONS: tuple[Initialization, ...] = ("fan_in", "truncated_normal")


class NativeEncoderConfig(PreTrainedConfig):
    """Shape of a `NativeEncoder`.

    Attributes:
        vocab_size: Number of token ids.
        hidden_size: H.
        num_hidden_layers: Number of blocks.
        num_attention_heads: Heads of softmax, linear and Performer attention, which have to divide H.
        intermediate_size: Width inside the feed-forward parts; with gau and flash, which have none, that of the gate.
        attention: "softmax", "gau" (gated attention unit), "flash" (mixed chunks), "linear" or "performer".
        normalizer: Of gau: "relu_squared", "softmax" or "softmax_plus"; None for the last.
        normalizer_tokens: Of gau with relu_squared: a fixed n; None for the number of real tokens.
        feature_map: Of linear: "exp", "elu" or "double_softmax"; None for the first.
        num_features: Of performer: random features; None for D ln D.
        chunk_size: Of flash: tokens of a chunk; None for 256.
        key_size: Of gau and flash: width of the single head, None for 128. Of linear: width of queries and keys of a
            head; None for H / heads.
        rotary: Whether positions are rotated in. Without, the encoder knows no order but that of a convolution.
        scale: Of softmax: "plain" or "entropy_invariant".
        entropy_clamp_tokens: Shorter texts count as this long in log_512(n), with entropy_invariant and softmax_plus.
        bias: "all", "query_key" (those of queries and keys only) or "none"; norms go by `norm`.
        norm: "layer", "rms" (no gain), "rms_gain" or "scale" (one gain).
        norm_placement: "pre" or "post".
        norm_eps: Added to the variance or mean square.
        convolution_width: Tokens under a convolution before the blocks, an odd number; 0 for none.
        dropout: Share dropped in training, everywhere.
        initialization: "fan_in": normal with 1 / sqrt(fan-in), and 1 for embeddings; "truncated_normal": that of
            RoFormerV2 and GAU-alpha.
        pad_token_id: Id of the padding token.
    """

    model_type = "globalner_native"

    vocab_size: int = 1000
    hidden_size: int = 192
    num_hidden_layers: int = 3
    num_attention_heads: int = 4
    intermediate_size: int = 768
    attention: Attention = "softmax"
    normalizer: Normalizer | None = None
    normalizer_tokens: int | None = None
    feature_map: FeatureMap | None = None
    num_features: int | None = None
    chunk_size: int | None = None
    key_size: int | None = None
    rotary: bool = True
    scale: AttentionScale = "plain"
    entropy_clamp_tokens: int = 16
    bias: Bias = "all"
    norm: Norm = "layer"
    norm_placement: NormPlacement = "pre"
    norm_eps: float = 1e-5
    convolution_width: int = 0
    dropout: float = 0.1
    initialization: Initialization = "fan_in"
    pad_token_id: int | None = 0

    def __post_init__(self, **kwargs: Any) -> None:
        super().__post_init__(**kwargs)  # type: ignore[no-untyped-call]
        gated = self.attention in ("gau", "flash")
        if self.attention == "gau" and self.normalizer is None:
            self.normalizer = "softmax_plus"
        if self.attention == "linear" and self.feature_map is None:
            self.feature_map = "exp"
        if self.attention == "flash" and self.chunk_size is None:
            self.chunk_size = 256
        if self.key_size is None and (gated or self.attention == "linear"):
            self.key_size = 128 if gated else self.hidden_size // self.num_attention_heads

    @property
    def rotary_width(self) -> int:
        """Width of the queries and keys that positions are rotated into."""
        if self.attention in ("gau", "flash", "linear") and self.key_size is not None:
            return self.key_size
        return self.hidden_size // self.num_attention_heads
