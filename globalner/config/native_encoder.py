"""What a recipe may say of an encoder of our own: its attention, its shape, and presets of both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from globalner.config.native_presets import NATIVE_PRESETS
from globalner.config.section import Count, Dropout, Section, wrong

__all__ = ["NativeEncoderConfig", "NativeShapeConfig", "refuse_long_chunks"]

_OWNERS = {
    "normalizer": ("gau",),
    "normalizer_tokens": ("gau",),
    "feature_map": ("linear",),
    "num_features": ("performer",),
    "chunk_size": ("flash",),
    "key_size": ("gau", "flash", "linear"),
}
"""Keys that only some kinds of attention have, and which."""


class NativeShapeConfig(Section):
    """The shape of an encoder of our own, trained from scratch."""

    kind: Literal["native"] = Field(description="native: an encoder of our own over characters, trained from scratch.")
    preset: (
        Literal["roformer-small", "gau-small", "gau-base", "flash-small", "linear-small", "performer-small"] | None
    ) = Field(default=None, description="Named shape whose values stand where the recipe gives none, or null.")
    attention: Literal["softmax", "gau", "flash", "linear", "performer"] = Field(
        default="softmax",
        description="softmax; gau: gated attention unit; flash: the same in chunks; linear; performer.",
    )
    hidden_size: Count = Field(default=192, description="Width of a token's vector; num_heads times an even number.")
    num_layers: Count = Field(default=3, description="Number of blocks; two gated units are as large as one block.")
    num_heads: Count = Field(default=4, description="Heads of softmax, linear and performer; gau and flash have one.")
    intermediate_size: Count | None = Field(
        default=None,
        description="Width inside the feed-forward part, null: four times hidden_size; of gau and flash, null: twice.",
    )
    key_size: Count | None = Field(
        default=None,
        description="Width of queries and keys: of gau and flash, null: 128; of linear, a head's, null: its values'.",
    )
    normalizer: Literal["relu_squared", "softmax", "softmax_plus"] | None = Field(
        default=None, description="Of gau: how logits become weights; null: softmax_plus, which goes by length."
    )
    normalizer_tokens: Count | None = Field(
        default=None, description="Of gau with relu_squared: a fixed length to divide by; null: each text's own."
    )
    feature_map: Literal["exp", "elu", "double_softmax"] | None = Field(
        default=None, description="Of linear: what makes queries and keys positive; null: exp."
    )
    num_features: Count | None = Field(
        default=None, description="Of performer: random features; null: d ln d for heads of width d."
    )
    chunk_size: Count | None = Field(
        default=None, description="Of flash: tokens of a chunk, at most window_tokens; null: 256."
    )
    rotary: bool = Field(default=True, description="Whether attention knows how far tokens are apart.")
    scale: Literal["plain", "entropy_invariant"] = Field(
        default="plain", description="Of softmax: entropy_invariant attends as sharply in long texts as in short ones."
    )
    entropy_clamp_tokens: Count = Field(
        default=16, description="Shorter texts count as this long, for entropy_invariant and softmax_plus."
    )
    bias: Literal["all", "query_key", "none"] = Field(
        default="all", description="Which layers have biases; query_key: those of queries and keys only."
    )
    norm: Literal["layer", "rms", "rms_gain", "scale"] = Field(
        default="layer", description="layer; rms: root mean square, no gain; rms_gain: with one; scale: one for all."
    )
    norm_placement: Literal["pre", "post"] = Field(
        default="pre", description="Whether norms stand before each part or behind it."
    )
    initialization: Literal["fan_in", "truncated_normal"] = Field(
        default="fan_in", description="Numbers to start with; truncated_normal: smaller in deep encoders, as GAU-alpha."
    )
    convolution_width: int = Field(
        default=0, ge=0, description="Tokens under a convolution before the blocks, an odd number; 0: no convolution."
    )
    dropout: Dropout = Field(default=0.1, description="Share of values dropped in training, from 0 to below 1.")

    @model_validator(mode="before")
    @classmethod
    def _preset_below(cls, values: Any) -> Any:
        name = values.get("preset") if isinstance(values, Mapping) else None
        if not isinstance(name, str) or name not in NATIVE_PRESETS:
            return values
        preset = NATIVE_PRESETS[name]
        if values.get("attention", preset["attention"]) != preset["attention"]:
            raise wrong(
                "attention",
                f"the preset {name} is of attention {preset['attention']}; got {values['attention']!r}. Take another "
                "preset, or none",
            )
        return {**preset, **values}

    @model_validator(mode="after")
    def _keys_fit_the_attention(self) -> Self:
        for key, owners in _OWNERS.items():
            if getattr(self, key) is not None and self.attention not in owners:
                raise wrong(key, f"belongs to attention: {' or '.join(owners)}, but attention is {self.attention}")
        if self.normalizer_tokens is not None and self.normalizer != "relu_squared":
            raise wrong("normalizer_tokens", "belongs to normalizer: relu_squared; leave it out, or set that")
        if self.scale != "plain" and self.attention != "softmax":
            advice = "; use normalizer: softmax_plus" if self.attention == "gau" else ""
            raise wrong(
                "scale", f"{self.scale} belongs to attention: softmax, but attention is {self.attention}{advice}"
            )
        return self

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.attention in ("softmax", "linear", "performer"):
            self._heads_divide()
        if self.rotary and self.key_size is not None and self.key_size % 2:
            raise wrong(
                "key_size",
                f"{self.key_size} is odd, but rotary position turns pairs of values; use {self.key_size + 1}, or "
                "rotary: false",
            )
        if self.convolution_width and self.convolution_width % 2 == 0:
            raise wrong(
                "convolution_width", f"{self.convolution_width} is even; use {self.convolution_width + 1}, or 0"
            )
        return self

    def _heads_divide(self) -> None:
        turned = self.rotary and self.key_size is None
        if turned and self.hidden_size % (2 * self.num_heads):
            raise wrong(
                "hidden_size",
                f"{self.hidden_size} does not divide into {self.num_heads} heads of an even width, which rotary "
                f"position needs; use a multiple of {2 * self.num_heads}, or another num_heads",
            )
        if self.hidden_size % self.num_heads:
            raise wrong(
                "hidden_size",
                f"{self.hidden_size} does not divide into {self.num_heads} heads; use a multiple of {self.num_heads}",
            )


class NativeEncoderConfig(NativeShapeConfig):
    """An encoder of our own over characters, trained from scratch."""

    lowercase: bool = Field(default=False, description="Whether the tokenizer lowers letters.")
    min_count: Count = Field(
        default=2, description="Characters seen fewer times in the training text share one unknown token."
    )


def refuse_long_chunks(encoder: NativeShapeConfig, window_tokens: int) -> None:
    """Raises the error of a recipe whose chunks are longer than its windows."""
    if (encoder.chunk_size or 0) > window_tokens:
        raise wrong(
            "model.encoder.chunk_size",
            f"chunks of {encoder.chunk_size} tokens are longer than the windows, which have {window_tokens} "
            f"(data.window_tokens); use at most {window_tokens}",
        )
