"""How many operations the matrix products of an encoder take, by its sizes and the number of tokens.

A multiplication comes with an addition, so FLOPs are twice the multiplications. Softmax, norms, activations, sums and
the lookup of token vectors are no matrix products and not counted. Source: Su Jianlin, kexue.fm/archives/8610.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from globalner.profiling.encoder_shape import EncoderShape
from globalner.profiling.part import Part

__all__ = ["Flops", "Products", "encoder_flops", "layer_products"]

_EACH_WAY = 2.0


@dataclass(frozen=True)
class Flops:
    """Operations of a part.

    Attributes:
        forward: Of its matrix products.
        backward: Of those that give the gradients.
    """

    forward: int
    backward: int

    @property
    def step(self) -> int:
        """Of a training step."""
        return self.forward + self.backward

    def __add__(self, other: Flops) -> Flops:
        return Flops(self.forward + other.forward, self.backward + other.backward)

    def times(self, factor: int) -> Flops:
        """Of so many texts, layers, ..."""
        return Flops(factor * self.forward, factor * self.backward)


@dataclass(frozen=True)
class Products:
    """Some matrix products of one layer and text of n tokens: per_token n + per_pair n^2 multiplications.

    Attributes:
        per_token: Multiplications for each token.
        per_pair: Multiplications for each pair of tokens.
        backward: Multiplications of the backward pass for each one of these. A product of two matrices that both have
            a gradient has 2.
    """

    per_token: float = 0.0
    per_pair: float = 0.0
    backward: float = _EACH_WAY

    def multiplications(self, tokens: float) -> float:
        """Forward, of n tokens."""
        return self.per_token * tokens + self.per_pair * tokens**2


def layer_products(shape: EncoderShape, *, fused: bool = False) -> dict[Part, tuple[Products, ...]]:
    """The matrix products of one layer, with w, h, k, v, f, c, m, e of the shape (s = k of a gated unit):

        softmax     projections n w (h k + g k + g v) + n h v w     mixing n^2 h (k + v)        feed-forward 2 n w f
        linear      as softmax                                      mixing 2 n h k v + n h k    the same
        performer   as softmax                                      mixing 2 n h k m + 2 n h m v + n h m
        gau         gate 3 n w e + n w s                            mixing n^2 (s + e)
        flash       as gau                                          mixing n c (s + e) + 2 n s e

    g are the heads of keys and values, and n h k is what a denominator costs. With k = v = w / h and f = 4 w, a softmax
    layer is the 12 n w^2 + 2 n^2 w of the post. FLASH here is that of whole chunks.

    Args:
        shape: Sizes of the encoder.
        fused: Whether one kernel computes softmax attention: its backward pass makes the logits once more.
    """
    if shape.gated:
        projected = 3 * shape.width * shape.value_size + shape.width * shape.key_size
        return {"gate": (Products(projected),), "attention_mixing": _mixing(shape, fused)}
    key_heads = shape.key_heads or shape.heads
    keys, values = shape.heads * shape.key_size, shape.heads * shape.value_size
    shared = key_heads * (shape.key_size + shape.value_size)
    return {
        "attention_projections": (Products(shape.width * (keys + shared + values)),),
        "attention_mixing": _mixing(shape, fused),
        "feed_forward": (Products(shape.inner_matrices * shape.width * shape.inner_size),),
    }


def encoder_flops(shape: EncoderShape, tokens: int, *, fused: bool = False) -> dict[Part, Flops]:
    """Operations of all layers and of the embedding, by part, for one text.

    Args:
        shape: Sizes of the encoder.
        tokens: n.
        fused: As of `layer_products`.
    """
    parts = layer_products(shape, fused=fused)
    counted: dict[Part, Flops] = {"embedding": _embedding(shape, tokens), "rest": Flops(0, 0)}
    for part, products in parts.items():
        counted[part] = _flops(products, tokens).times(shape.layers)
    if shape.attention == "flash":
        # The last chunk is filled up, and a text shorter than a chunk is one chunk.
        chunk = min(shape.chunk_size, tokens)
        filled = -(-tokens // chunk) * chunk
        counted["attention_mixing"] = _flops(_flash(shape, chunk), filled).times(shape.layers)
    return counted


def _flops(products: Iterable[Products], tokens: int) -> Flops:
    multiplications = [(one.multiplications(tokens), one.backward) for one in products]
    forward = 2 * sum(made for made, _ in multiplications)
    return Flops(round(forward), round(2 * sum(made * backward for made, backward in multiplications)))


def _embedding(shape: EncoderShape, tokens: int) -> Flops:
    convolved = shape.convolution_width * shape.width**2
    projected = 0 if shape.embedding_size is None else shape.embedding_size * shape.width
    return _flops((Products(convolved + projected),), tokens)


def _mixing(shape: EncoderShape, fused: bool) -> tuple[Products, ...]:
    heads, key, value = shape.heads, shape.key_size, shape.value_size
    if shape.attention in ("softmax", "gau"):
        # Fused, of logits, weights and their two sides: k v, and again k, v, k.
        backward = (3 * key + 2 * value) / (key + value) if fused else _EACH_WAY
        return (Products(per_pair=heads * (key + value), backward=backward),)
    if shape.attention == "flash":
        return _flash(shape, shape.chunk_size)
    features = shape.num_features if shape.attention == "performer" else key
    sums = 2 * heads * features * value + (heads * features if shape.denominator else 0)
    if shape.attention == "linear":
        return (Products(sums),)
    # The random features have no gradient.
    return (Products(2 * heads * key * features, backward=1.0), Products(sums))


def _flash(shape: EncoderShape, chunk: int) -> tuple[Products, ...]:
    key, value = shape.key_size, shape.value_size
    return (Products(chunk * (key + value) + 2 * key * value),)
