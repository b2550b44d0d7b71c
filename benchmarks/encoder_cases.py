"""The encoders that are held against each other: their kinds, their sizes, and how they are pretrained."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "BIASES",
    "SIZES",
    "VARIANTS",
    "Pretraining",
    "Size",
    "Variant",
    "causal_pretraining",
    "encoder_changes",
    "masked_pretraining",
    "shape_changes",
]


@dataclass(frozen=True)
class Variant:
    """A kind of encoder.

    Attributes:
        title: What the tables call it.
        keys: What sets it apart, KEY=VALUE below `model.encoder`; all else is the same for all.
        gated: Whether it is made of gated units, two of which stand for a block of attention and feed-forward.
    """

    title: str
    keys: tuple[str, ...]
    gated: bool = False


VARIANTS: Mapping[str, Variant] = {
    "roformer": Variant("softmax (RoFormer)", ("attention=softmax",)),
    "roformer-entropy": Variant("softmax, entropy-invariant scale", ("attention=softmax", "scale=entropy_invariant")),
    "gau-relu-squared": Variant("GAU, relu squared", ("attention=gau", "normalizer=relu_squared"), gated=True),
    "gau-softmax": Variant("GAU, softmax", ("attention=gau", "normalizer=softmax"), gated=True),
    "gau-softmax-plus": Variant("GAU, softmax plus", ("attention=gau", "normalizer=softmax_plus"), gated=True),
    "flash": Variant("FLASH", ("attention=flash",), gated=True),
    "linear-exp": Variant("linear, exp", ("attention=linear", "feature_map=exp")),
    "performer": Variant("Performer", ("attention=performer",)),
}

BIASES: Mapping[str, str] = {"no-bias": "no bias", "query-key-bias": "bias of queries and keys"}
"""Decoders, and what the tables call them; only those without a bias go on to named entities."""


@dataclass(frozen=True)
class Size:
    """How large encoders are, and how long they are trained.

    Attributes:
        name: As it stands in the rows.
        width: Of a token's vector.
        blocks: Of attention and feed-forward.
        heads: In a block.
        gate_keys: Width of the single head of a gated unit; chosen so that two units are as large as a block, within a
            tenth.
        chunk: Tokens of a chunk of FLASH, shorter than the windows, so that training has several of them.
        masked: How long encoders are pretrained, as changes to the recipe, by name; the kinds are compared after the
            first.
        causal: How long decoders are pretrained.
    """

    name: str
    width: int
    blocks: int
    heads: int
    gate_keys: int
    chunk: int
    masked: Mapping[str, tuple[str, ...]]
    causal: tuple[str, ...]


# Small batches: two million tokens are then a thousand steps and not 250. One evaluation, at the end.
_TWO_MILLION = ("training.tokens=2000000", "training.batch_size=16")
_SELDOM = ("evaluation.every_steps=2000", "evaluation.tokens=131072")

SIZES: dict[str, Size] = {
    "small": Size(
        "small",
        width=128,
        blocks=2,
        heads=4,
        gate_keys=64,
        chunk=64,
        masked={
            "2 million tokens": (*_TWO_MILLION, *_SELDOM),
            "one pass": ("training.epochs=1", "training.batch_size=16", *_SELDOM),
        },
        causal=("tokenizer.vocabulary_size=4000", *_TWO_MILLION, *_SELDOM),
    ),
    "large": Size(
        "large",
        width=256,
        blocks=4,
        heads=4,
        gate_keys=64,
        chunk=64,
        masked={"one pass": ("training.epochs=1", "training.batch_size=64", *_SELDOM)},
        causal=("training.epochs=3", "training.batch_size=64", *_SELDOM),
    ),
}
"""small for two cores, large for a GPU."""


@dataclass(frozen=True)
class Pretraining:
    """How an encoder or a decoder comes to its weights.

    Attributes:
        recipe: "pretrain_zh" for encoders, "pretrain_en" for decoders.
        variant: One of `VARIANTS`, or of `BIASES`.
        changes: Changes to the recipe, KEY=VALUE each.
    """

    recipe: str
    variant: str
    changes: tuple[str, ...]

    @property
    def settings(self) -> str:
        """All that decides it but the seed."""
        return " ".join(self.changes)

    def folder_name(self, seed: int) -> str:
        """The same for the same settings, another for others."""
        digest = hashlib.sha256(f"{self.recipe} {self.settings}".encode()).hexdigest()[:8]
        return f"{self.recipe}-{self.variant}-{digest}-seed{seed}"


def shape_changes(size: Size, *, gated: bool = False) -> tuple[str, ...]:
    """Width, depth and heads of a size, as changes to a recipe."""
    values = {"hidden_size": size.width, "num_layers": size.blocks * (2 if gated else 1), "num_heads": size.heads}
    return tuple(f"model.encoder.{key}={value}" for key, value in values.items())


def encoder_changes(size: Size, variant: str) -> tuple[str, ...]:
    """The encoder of a kind and size, as changes to a recipe for pretraining."""
    kind = VARIANTS[variant]
    keys = [*kind.keys]
    keys += [f"key_size={size.gate_keys}"] if kind.gated else []
    keys += [f"chunk_size={size.chunk}"] if variant == "flash" else []
    return (*shape_changes(size, gated=kind.gated), *(f"model.encoder.{key}" for key in keys))


def masked_pretraining(size: Size, variant: str, how_long: str | None = None) -> Pretraining:
    """Pretraining of an encoder with hidden tokens.

    Args:
        size: How large.
        variant: One of `VARIANTS`.
        how_long: One of `size.masked`; None for the first.
    """
    changes = size.masked[how_long or next(iter(size.masked))]
    return Pretraining("pretrain_zh", variant, (*encoder_changes(size, variant), *changes))


def causal_pretraining(size: Size, variant: str) -> Pretraining:
    """Pretraining of a decoder on the next token; `variant` is one of `BIASES`."""
    return Pretraining("pretrain_en", variant, (*shape_changes(size), *size.causal))
