"""Native encoders from public PyTorch checkpoints of GAU-alpha and RoFormer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from globalner.encoders.native import NativeEncoder
from globalner.encoders.native_config import NativeEncoderConfig
from globalner.errors import CheckpointError
from globalner.layers import Normalizer

__all__ = ["convert_gau_alpha", "convert_roformer", "read_checkpoint"]

_NORMALIZERS: dict[str, Normalizer] = {
    "softmax_plus": "softmax_plus",
    "softmax": "softmax",
    "squared_relu": "relu_squared",
}
_PARTS = ("query", "key", "value")


def read_checkpoint(folder: str | Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Configuration and weights of a folder with config.json and model.safetensors or pytorch_model.bin.

    Raises:
        CheckpointError: If a file is missing or damaged.
    """
    folder = Path(folder)
    safe, pickled = folder / "model.safetensors", folder / "pytorch_model.bin"
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
        if safe.exists():
            return config, load_file(safe)
        return config, torch.load(pickled, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(
            f"{folder} is no checkpoint, it needs config.json and model.safetensors or pytorch_model.bin: {error}"
        ) from error
    except (ValueError, SafetensorError, UnpicklingError, RuntimeError, EOFError) as error:
        raise CheckpointError(f"{folder}: a file of the checkpoint is damaged: {error}") from error


def convert_gau_alpha(config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> NativeEncoder:
    """GAU-alpha in the layout of its PyTorch port, as an encoder.

    The segment of a text is always the first one, so its vector is added to the token vectors. log_512(n) has no
    clamp, as when the published weights were trained.

    Args:
        config: What config.json says: hidden_size, intermediate_size, attention_key_size, num_hidden_layers, ...
        weights: Tensors by name, with `gau_alpha.` before the names of the encoder or without; a head is left out.

    Raises:
        CheckpointError: If a tensor is missing, of another shape than the configuration says, or has no place, or the
            configuration asks for what the native encoder has not.

    Source: github.com/JunnYu/GAU-alpha-pytorch; kexue.fm/archives/9052.
    """
    checkpoint = _Checkpoint(config, weights, prefix="gau_alpha.")
    checkpoint.require("hidden_act", "swish", "silu")
    checkpoint.require("attention_scale", True)
    checkpoint.require("normalization", *_NORMALIZERS)
    biased = bool(config.get("use_bias", False))
    shape = NativeEncoderConfig(
        **checkpoint.shared_shape(),
        attention="gau",
        key_size=checkpoint.size("attention_key_size"),
        normalizer=_NORMALIZERS[config.get("normalization", "softmax_plus")],
        entropy_clamp_tokens=1,
        bias="all" if biased else "none",
        norm="rms",
    )
    width, inner, keys = shape.hidden_size, shape.intermediate_size, checkpoint.size("attention_key_size")
    state = {"embedding.weight": checkpoint.token_vectors(shape)}
    for layer in range(shape.num_hidden_layers):
        unit, block = f"encoder.layer.{layer}.gau.", f"blocks.{layer}.attention."
        state[f"{block}projection.weight"] = checkpoint.take(f"{unit}i_dense.weight", 2 * inner + keys, width)
        state[f"{block}output.weight"] = checkpoint.take(f"{unit}o_dense.weight", width, inner)
        for ours, theirs in (("query_scale", "q_scaleoffset"), ("key_scale", "k_scaleoffset")):
            state[f"{block}{ours}.gain"] = checkpoint.take(f"{unit}{theirs}.weight", keys)
            if biased:
                state[f"{block}{ours}.offset"] = checkpoint.take(f"{unit}{theirs}.bias", keys)
        if biased:
            state[f"{block}projection.bias"] = checkpoint.take(f"{unit}i_dense.bias", 2 * inner + keys)
            state[f"{block}output.bias"] = checkpoint.take(f"{unit}o_dense.bias", width)
    return checkpoint.encoder(shape, state)


def convert_roformer(config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> NativeEncoder:
    """RoFormer in the layout of transformers, as an encoder; segments as of `convert_gau_alpha`.

    Args:
        config: What config.json says: hidden_size, num_attention_heads, intermediate_size, num_hidden_layers, ...
        weights: Tensors by name, with `roformer.` before the names of the encoder or without; a head is left out.

    Raises:
        CheckpointError: As `convert_gau_alpha`.

    Source: transformers.RoFormerModel; arXiv 2104.09864.
    """
    checkpoint = _Checkpoint(config, weights, prefix="roformer.")
    checkpoint.require("hidden_act", "gelu")
    checkpoint.require("rotary_value", False)
    checkpoint.require("is_decoder", False)
    heads = checkpoint.size("num_attention_heads")
    shape = NativeEncoderConfig(**checkpoint.shared_shape(), num_attention_heads=heads)
    width, inner = shape.hidden_size, shape.intermediate_size
    state = {"embedding.weight": checkpoint.token_vectors(shape)}
    state |= checkpoint.layer("embedding_norm", "embeddings.LayerNorm", width)
    for layer in range(shape.num_hidden_layers):
        theirs, block = f"encoder.layer.{layer}.", f"blocks.{layer}."
        parts = [checkpoint.layer("", f"{theirs}attention.self.{part}", width, width) for part in _PARTS]
        for kind in ("weight", "bias"):
            state[f"{block}attention.query_key_value.{kind}"] = torch.cat([part[f".{kind}"] for part in parts])
        state |= checkpoint.layer(f"{block}attention.output", f"{theirs}attention.output.dense", width, width)
        state |= checkpoint.layer(f"{block}attention_norm", f"{theirs}attention.output.LayerNorm", width)
        state |= checkpoint.layer(f"{block}feed_forward.0", f"{theirs}intermediate.dense", inner, width)
        state |= checkpoint.layer(f"{block}feed_forward.2", f"{theirs}output.dense", width, inner)
        state |= checkpoint.layer(f"{block}feed_forward_norm", f"{theirs}output.LayerNorm", width)
    return checkpoint.encoder(shape, state)


class _Checkpoint:
    """Takes tensors out of a checkpoint, each with the shape that it must have, and sees what is left."""

    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, Tensor], *, prefix: str) -> None:
        self._config = config
        self._weights = {name.removeprefix(prefix): weight for name, weight in weights.items()}
        self._taken: set[str] = set()

    def require(self, key: str, *allowed: object) -> None:
        if self._config.get(key, allowed[0]) not in allowed:
            shown = " or ".join(str(value) for value in allowed)
            raise CheckpointError(f"the native encoder has {key} {shown}; the checkpoint has {self._config[key]}")

    def size(self, key: str) -> int:
        if not isinstance(value := self._config.get(key), int):
            raise CheckpointError(f"the configuration of the checkpoint has no number {key}; got {value!r}")
        return value

    def shared_shape(self) -> dict[str, Any]:
        """What configurations of both kinds say, for encoders with their norms behind."""
        width = self.size("hidden_size")
        self.require("embedding_size", width, None)
        sizes = {key: self.size(key) for key in ("vocab_size", "num_hidden_layers", "intermediate_size")}
        return {
            "hidden_size": width,
            **sizes,
            "norm_placement": "post",
            "norm_eps": float(self._config.get("layer_norm_eps", 1e-12)),
            "dropout": float(self._config.get("hidden_dropout_prob", 0.1)),
            "initialization": "truncated_normal",
            "pad_token_id": self._config.get("pad_token_id", 0),
        }

    def take(self, name: str, *shape: int) -> Tensor:
        weight = self._weights.get(name)
        if weight is None:
            raise CheckpointError(f"the checkpoint has no tensor {name!r}, which its configuration asks for")
        if tuple(weight.shape) != shape:
            raise CheckpointError(
                f"tensor {name!r} of the checkpoint has the shape {tuple(weight.shape)}, but its configuration asks "
                f"for {shape}"
            )
        self._taken.add(name)
        return weight

    def layer(self, ours: str, theirs: str, *shape: int) -> dict[str, Tensor]:
        """Weight and bias of a layer, by our names."""
        return {
            f"{ours}.weight": self.take(f"{theirs}.weight", *shape),
            f"{ours}.bias": self.take(f"{theirs}.bias", shape[0]),
        }

    def token_vectors(self, shape: NativeEncoderConfig) -> Tensor:
        words = self.take("embeddings.word_embeddings.weight", shape.vocab_size, shape.hidden_size)
        segments = self._config.get("type_vocab_size", 2)
        return words + self.take("embeddings.token_type_embeddings.weight", segments, shape.hidden_size)[0]

    def encoder(self, shape: NativeEncoderConfig, state: Mapping[str, Tensor]) -> NativeEncoder:
        tables = ("encoder.embed_positions.", "encoder.sin_pos", "encoder.cos_pos", "embeddings.position_ids")
        left = [
            name
            for name in self._weights.keys() - self._taken
            if name.startswith(("embeddings", "encoder.")) and not name.startswith(tables)
        ]
        if left:
            raise CheckpointError(
                f"{len(left)} tensors of the checkpoint have no place in the encoder that its configuration "
                f"describes; first: {min(left)!r} {tuple(self._weights[min(left)].shape)}"
            )
        encoder = NativeEncoder(shape)
        encoder.load_state_dict(state)
        encoder.train(False)
        return encoder
