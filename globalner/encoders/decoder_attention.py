"""Decoder-only encoders: masks made here decide who sees whom, whatever flags attention looks at, and are checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedConfig, PreTrainedModel

from globalner.encoders.attention_masks import MASKED_IMPLEMENTATIONS, AttentionMask, Direction, Sight
from globalner.errors import ConfigError

__all__ = ["DECODER_FAMILIES", "attention_name", "check_attention", "check_family", "steer_attention"]

_SAME_AS = {"half": "half_heads"}
_DIRECTIONS: dict[str, tuple[Direction, ...]] = {
    "causal": ("back",),
    "bidirectional": ("both",),
    "half_heads": ("half_heads",),
    "half_layers": ("back", "ahead"),
}
"""What the layers of a mode see, from the first layer on, over and over."""

_CHANGE = 1e-6


@dataclass(frozen=True)
class _Family:
    """Where a family of decoders keeps its attention.

    Attributes:
        layers: Name of the list of layers in the model.
        attention: Name of the attention in a layer.
        windows: Which layers have a sliding window.
    """

    layers: str = "layers"
    attention: str = "self_attn"
    windows: Literal["none", "all", "by type"] = "none"


DECODER_FAMILIES: dict[str, _Family] = {
    "gemma": _Family(),
    "gemma2": _Family(windows="by type"),
    "gemma3_text": _Family(windows="by type"),
    "gpt2": _Family(layers="h", attention="attn"),
    "llama": _Family(),
    "mistral": _Family(windows="all"),
    "qwen2": _Family(windows="by type"),
    "qwen3": _Family(windows="by type"),
}
"""Decoder-only encoders by `model_type` whose attention can be steered."""


def attention_name(mode: str | None) -> str | None:
    """The name under which a mode is stored: `half` is `half_heads`."""
    return None if mode is None else _SAME_AS.get(mode, mode)


def check_family(config: PreTrainedConfig, mode: str | None) -> None:
    """Makes sure that an encoder of that configuration can have a mode of attention; no weights are needed.

    Raises:
        ConfigError: If it cannot.
    """
    mode = attention_name(mode)
    if mode is None:
        return
    if mode not in _DIRECTIONS:
        raise ConfigError(f"unknown attention {mode!r}; there are: {', '.join(_DIRECTIONS)}")
    if config.model_type not in DECODER_FAMILIES:
        raise ConfigError(
            f"attention: {mode} is for decoder-only encoders ({', '.join(DECODER_FAMILIES)}), and this encoder is a "
            f"{config.model_type}; leave attention out (null) to have the attention that it brings"
        )
    parts = {"half_heads": "num_attention_heads", "half_layers": "num_hidden_layers"}
    if mode in parts and getattr(config, parts[mode]) < 2:
        what = mode.removeprefix("half_")
        raise ConfigError(f"attention: {mode} needs at least two {what}, and this {config.model_type} has one")


def steer_attention(encoder: PreTrainedModel, mode: str | None) -> None:
    """Makes an encoder see what the mode says; of other encoders than `DECODER_FAMILIES`, None leaves all as it is.

    From here on the encoder takes a mask (B, L) of real tokens, padding on the left or right; positions count from the
    first real token, and there is no cache. With a mode, each layer's attention is handed a whole mask of its own in
    place of what the model made, so that no flag of model or layer decides:

        causal         each token sees itself and those before it
        bidirectional  each token sees all
        half_heads     the first half of the heads sees back, the other half ahead (of an odd number, one more back)
        half_layers    the first layer sees back, the second ahead, the third back, ...

    Padding is never seen. A sliding window stays, in both directions.

    Args:
        encoder: The encoder; steering it again replaces the earlier mode.
        mode: One of these, or None for the model's own.

    Raises:
        ConfigError: If the encoder is no decoder, or is not built as this release knows it.

    Source: Su, https://kexue.fm/archives/9529 and 9547, for the two halves.
    """
    mode = attention_name(mode)
    check_family(encoder.config, mode)
    if encoder.config.model_type not in DECODER_FAMILIES:
        return
    previous = encoder.__dict__.get("_steering")
    if previous is not None:
        previous.remove()
    encoder.__dict__["_steering"] = steering = _Steering(encoder.config, mode)
    steering.handles.append(encoder.register_forward_pre_hook(steering.enter, with_kwargs=True))
    steering.handles.append(encoder.register_forward_hook(steering.leave))
    if mode is None:
        return
    for place, attention in enumerate(_attentions(encoder)):
        steering.flags.append((attention, bool(attention.is_causal)))
        attention.is_causal = False  # type: ignore[assignment]
        hook = _LayerHook(steering, _sight(encoder.config, mode, place))
        steering.handles.append(attention.register_forward_pre_hook(hook, with_kwargs=True))


def check_attention(encoder: PreTrainedModel, mode: str | None) -> None:
    """Runs three tokens through an encoder, then changes the first or the last and looks at what became of the others.

    Raises:
        ConfigError: If a later token changes an earlier one where it must not, or the other way round; the message
            names family, mode and implementation.
    """
    mode = attention_name(mode)
    if mode is None:
        return
    was_training = encoder.training
    encoder.train(False)
    try:
        ids = torch.arange(1, 4, device=encoder.device)[None]
        whole = _hidden(encoder, ids)
        changed = [_hidden(encoder, ids.index_fill(1, ids.new_tensor([place]), 4)) for place in (0, 2)]
    finally:
        encoder.train(was_training)
    scale = _CHANGE * float(whole.abs().max())
    sees_back = float((whole - changed[0])[:, 1:].abs().max()) > scale
    sees_ahead = float((whole - changed[1])[:, :2].abs().max()) > scale
    if not sees_back or sees_ahead != (mode != "causal"):
        raise ConfigError(
            f"attention: {mode} is not in effect in this {encoder.config.model_type} with "
            f"{encoder.config._attn_implementation}: tokens {'see' if sees_back else 'do not see'} those before and "
            f"{'see' if sees_ahead else 'do not see'} those behind them; try another attention_implementation "
            f"({', '.join(MASKED_IMPLEMENTATIONS)})"
        )


@dataclass
class _Steering:
    """What the hooks of one encoder share.

    Attributes:
        config: The encoder's configuration.
        mode: The mode, or None for the model's own.
        handles: Of the hooks.
        flags: What each attention had for `is_causal`, which counts where there is no mask.
    """

    config: PreTrainedConfig
    mode: str | None
    handles: list[RemovableHandle] = field(default_factory=list)
    flags: list[tuple[nn.Module, bool]] = field(default_factory=list)
    _latest: tuple[Tensor, dict[tuple[Sight, torch.dtype], AttentionMask]] | None = None

    def remove(self) -> None:
        """Takes the hooks away and puts the flags back."""
        for handle in self.handles:
            handle.remove()
        for attention, causal in self.flags:
            attention.is_causal = causal  # type: ignore[assignment]

    def enter(self, encoder: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Before the encoder: positions, no cache, and real tokens in the shape that models hand on untouched."""
        real = named.get("attention_mask")
        if real is None or real.ndim != 2:
            raise ConfigError(f"this {self.config.model_type} needs attention_mask (B, L): which tokens are real")
        real = real.bool()
        named = {**named, "use_cache": False, "position_ids": (real.long().cumsum(1) - 1).clamp(min=0)}
        implementation = self.config._attn_implementation
        if implementation == "flex_attention" and real.device.type == "cpu" and torch.is_grad_enabled():
            _refuse_training_on_cpu(encoder, self.config)
        if self.mode is None:
            return given, {**named, "attention_mask": real.long()}
        if implementation not in MASKED_IMPLEMENTATIONS:
            raise ConfigError(
                f"attention: {self.mode} cannot be had with {implementation} in a {self.config.model_type}, which "
                f"takes no mask of its own; choose model.encoder.attention_implementation from "
                f"{', '.join(MASKED_IMPLEMENTATIONS)}"
            )
        return given, {**named, "attention_mask": real[:, None, None, :]}

    def leave(self, *_: object) -> None:
        """Behind the encoder: masks of this batch are let go."""
        self._latest = None

    def mask(self, real: Tensor, sight: Sight, dtype: torch.dtype) -> AttentionMask:
        """The mask of a layer; layers that see the same share one. `real` is (B, 1, 1, L)."""
        latest = self._latest
        if latest is None or latest[0] is not real:
            self._latest = latest = (real, {})
        if (sight, dtype) not in latest[1]:
            make = MASKED_IMPLEMENTATIONS[str(self.config._attn_implementation)]
            latest[1][sight, dtype] = make(sight, real[:, 0, 0, :], dtype)
        return latest[1][sight, dtype]


@dataclass(frozen=True)
class _LayerHook:
    """Before the attention of a layer: puts the layer's mask in the place of the real tokens."""

    steering: _Steering
    sight: Sight

    def __call__(
        self, attention: nn.Module, given: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        real, hidden = named.get("attention_mask"), given[0] if given else named.get("hidden_states")
        if not isinstance(real, Tensor) or real.dtype != torch.bool or real.ndim != 4 or not isinstance(hidden, Tensor):
            raise ConfigError(
                f"attention: {self.steering.mode} cannot be had in a {self.steering.config.model_type} with "
                f"{self.steering.config._attn_implementation}: {type(attention).__name__} of this release of "
                "transformers is not handed the mask as it was expected"
            )
        return given, {**named, "attention_mask": self.steering.mask(real, self.sight, hidden.dtype)}


def _attentions(encoder: PreTrainedModel) -> list[nn.Module]:
    family = DECODER_FAMILIES[encoder.config.model_type]
    layers = getattr(encoder, family.layers, None)
    found = [getattr(layer, family.attention, None) for layer in layers or ()]
    if not found or not all(isinstance(attention, nn.Module) for attention in found):
        raise ConfigError(
            f"{type(encoder).__name__} is not built as this release of globalner knows a {encoder.config.model_type}: "
            f"its layers have no {family.attention!r}, so its attention cannot be steered"
        )
    return cast("list[nn.Module]", found)


def _sight(config: PreTrainedConfig, mode: str, place: int) -> Sight:
    directions = _DIRECTIONS[mode]
    windows = DECODER_FAMILIES[config.model_type].windows
    kind = config.layer_types[place] if windows == "by type" else "full_attention"
    if kind not in ("full_attention", "sliding_attention"):
        raise ConfigError(f"attention: {mode} knows no layers of the type {kind!r}, which this {config.model_type} has")
    sliding = windows == "all" or kind == "sliding_attention"
    window = config.sliding_window if sliding else None
    return Sight(directions[place % len(directions)], window, config.num_attention_heads)


def _refuse_training_on_cpu(encoder: nn.Module, config: PreTrainedConfig) -> None:
    if any(weight.requires_grad for weight in encoder.parameters()):
        raise ConfigError(
            f"flex_attention of this {config.model_type} cannot be trained on a CPU, only used; choose another "
            "model.encoder.attention_implementation (sdpa, eager), or a GPU"
        )


def _hidden(encoder: PreTrainedModel, ids: Tensor) -> Tensor:
    with torch.inference_mode():
        hidden: Tensor = encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
    return hidden.float()
