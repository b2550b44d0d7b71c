"""From how many tokens on one thing costs more than another, by the formulas and by what was measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from globalner.profiling.counterpart import counterpart
from globalner.profiling.encoder_formulas import layer_products
from globalner.profiling.encoder_shape import EncoderShape
from globalner.profiling.part import LAYER_PARTS, Part

__all__ = ["Comparison", "Side", "comparisons", "crossing_tokens", "measured_crossing"]

_ATTENTION: tuple[Part, ...] = ("attention_projections", "attention_mixing")
_MIXING: tuple[Part, ...] = ("attention_mixing",)


@dataclass(frozen=True)
class Side:
    """Some parts of all layers of an encoder."""

    shape: EncoderShape
    parts: tuple[Part, ...]

    def growth(self) -> tuple[float, float]:
        """Multiplications forward: a and b of a n + b n^2. Of FLASH, whole chunks."""
        products = [one for part, some in layer_products(self.shape).items() if part in self.parts for one in some]
        per_token, per_pair = sum(one.per_token for one in products), sum(one.per_pair for one in products)
        return self.shape.layers * per_token, self.shape.layers * per_pair


@dataclass(frozen=True)
class Comparison:
    """Two sides, of which the first grows faster.

    Attributes:
        name: For programs.
        meaning: For people; it goes on with "from n tokens on".
        dearer: What costs more in the end.
        cheaper: What costs less then.
    """

    name: str
    meaning: str
    dearer: Side
    cheaper: Side

    @property
    def tokens(self) -> float | None:
        """The crossing point by the formulas; see `crossing_tokens`."""
        return crossing_tokens(self.dearer, self.cheaper)


def crossing_tokens(dearer: Side, cheaper: Side) -> float | None:
    """From how many tokens on the first side takes more multiplications; 0 for any number, None for never."""
    (own, own_pairs), (other, other_pairs) = dearer.growth(), cheaper.growth()
    if own_pairs > other_pairs:
        return max(0.0, (other - own) / (own_pairs - other_pairs))
    return 0.0 if own_pairs == other_pairs and own > other else None


def comparisons(shape: EncoderShape) -> list[Comparison]:
    """What is worth knowing of an encoder's shape; w its width, d that of a head's values.

    Source: Su Jianlin, kexue.fm/archives/8610 and 8338.
    """
    if shape.attention == "softmax":
        return list(_of_softmax(shape))
    if shape.attention == "gau":
        return list(_of_gau(shape))
    if shape.attention == "flash":
        return list(_of_flash(shape))
    return list(_of_linear(shape))


def measured_crossing(tokens: Sequence[int], dearer: Sequence[float], cheaper: Sequence[float]) -> tuple[str, float]:
    """Where measured values of two sides cross, between the lengths that were tried.

    Args:
        tokens: Lengths, rising; at least one.
        dearer: What the first side took at each, above 0.
        cheaper: What the second side took.

    Returns:
        "below" and the least length, where the first side took more at each; "above" and the greatest, where it did not
        there; else "about" and a number of tokens, behind which it took more at all greater lengths. Between two
        lengths the logarithm of the ratio is taken to be straight over that of the length.
    """
    ratios = [math.log(own / other) for own, other in zip(dearer, cheaper, strict=True)]
    last = max((place for place, ratio in enumerate(ratios) if ratio <= 0), default=-1)
    if last == -1:
        return "below", float(tokens[0])
    if last == len(ratios) - 1:
        return "above", float(tokens[-1])
    share = -ratios[last] / (ratios[last + 1] - ratios[last])
    return "about", tokens[last] * (tokens[last + 1] / tokens[last]) ** share


def _of_softmax(shape: EncoderShape) -> Iterator[Comparison]:
    mixing, head = Side(shape, _MIXING), shape.value_size
    wider = replace(counterpart(replace(shape, key_heads=None), "linear"), denominator=False)
    yield Comparison(
        "attention_over_feed_forward",
        "attention with its projections costs more than feed-forward (as in BERT: n > 2 w)",
        Side(shape, _ATTENTION),
        Side(shape, ("feed_forward",)),
    )
    yield _pairs_over_rest(shape, "mixing all pairs of tokens costs more than all other products (as in BERT: n > 6 w)")
    yield Comparison(
        "linear_same_keys",
        "linear attention mixes tokens cheaper, with keys as wide (n > d)",
        mixing,
        Side(replace(wider, key_size=head), _MIXING),
    )
    yield Comparison(
        "linear_wider_keys",
        "linear attention mixes tokens cheaper, with keys 4 times as wide (n > 4 d)",
        mixing,
        Side(wider, _MIXING),
    )
    yield Comparison(
        "linear_wider_keys_and_values",
        "linear attention mixes tokens cheaper, with keys and values 4 times as wide, as the post counts (n > 16 d)",
        mixing,
        Side(replace(wider, value_size=wider.key_size), _MIXING),
    )
    yield Comparison(
        "linear_layer_wider_keys",
        "a whole layer is cheaper with linear attention and keys 4 times as wide, projections counted (n > 3 w + 4 d)",
        Side(shape, LAYER_PARTS),
        Side(wider, LAYER_PARTS),
    )


def _of_linear(shape: EncoderShape) -> Iterator[Comparison]:
    keys = f"{shape.num_features} features" if shape.attention == "performer" else f"keys of {shape.key_size}"
    softmax = counterpart(shape, "softmax")
    yield Comparison(
        "softmax_mixing_over_own",
        f"softmax attention mixes tokens at a higher price than this encoder with its {keys}",
        Side(softmax, _MIXING),
        Side(shape, _MIXING),
    )
    yield Comparison(
        "softmax_layer_over_own",
        "a whole layer with softmax attention costs more than one of this encoder, projections counted",
        Side(softmax, LAYER_PARTS),
        Side(shape, LAYER_PARTS),
    )
    yield _pairs_over_rest(
        softmax, "softmax attention would cost more than all other products of its layers (as in BERT: n > 6 w)"
    )


def _of_gau(shape: EncoderShape) -> Iterator[Comparison]:
    flash, blocks = counterpart(shape, "flash"), counterpart(shape, "softmax")
    yield Comparison(
        "pairs_over_gate",
        "mixing all pairs of tokens costs more than gate, values and output",
        Side(shape, _MIXING),
        Side(shape, ("gate",)),
    )
    yield Comparison(
        "flash_mixing",
        f"FLASH with chunks of {flash.chunk_size} mixes tokens cheaper (n > c + 2 s e / (s + e))",
        Side(shape, _MIXING),
        Side(flash, _MIXING),
    )
    yield Comparison(
        "gau_over_softmax_blocks",
        f"these {shape.layers} gated units cost more than {blocks.layers} softmax blocks of the same width",
        Side(shape, LAYER_PARTS),
        Side(blocks, LAYER_PARTS),
    )


def _of_flash(shape: EncoderShape) -> Iterator[Comparison]:
    gau, blocks = counterpart(shape, "gau"), counterpart(shape, "softmax")
    yield Comparison(
        "gau_mixing_over_own",
        f"a gated unit mixes all pairs at a higher price than chunks of {shape.chunk_size} (n > c + 2 s e / (s + e))",
        Side(gau, _MIXING),
        Side(shape, _MIXING),
    )
    yield Comparison(
        "softmax_blocks_over_own",
        f"{blocks.layers} softmax blocks of the same width cost more than these {shape.layers} units",
        Side(blocks, LAYER_PARTS),
        Side(shape, LAYER_PARTS),
    )


def _pairs_over_rest(shape: EncoderShape, meaning: str) -> Comparison:
    rest: tuple[Part, ...] = ("attention_projections", "feed_forward")
    return Comparison("pairs_over_rest", meaning, Side(shape, _MIXING), Side(shape, rest))
