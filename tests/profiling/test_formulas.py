"""The formulas by hand: BERT base and large as Su Jianlin counts them, gated units, heads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globalner.encoders import NativeEncoderConfig
from globalner.profiling.crossings import comparisons, measured_crossing
from globalner.profiling.encoder_formulas import encoder_flops, layer_products
from globalner.profiling.encoder_shape import Attention, EncoderShape, shape_of
from globalner.profiling.head_formulas import HeadShape, loss_keeps_bytes, span_head_flops, token_head_flops


def bert(width: int, heads: int, layers: int = 1) -> EncoderShape:
    size = width // heads
    return EncoderShape("softmax", width, layers, heads, size, size, 4 * width)


BASE, LARGE = bert(768, 12), bert(1024, 16)
UNIT = EncoderShape("gau", 768, 1, 1, 128, 1536, 0)


def forward(shape: EncoderShape, tokens: int) -> dict[str, int]:
    """Multiplications of the parts."""
    return {part: flops.forward // 2 for part, flops in encoder_flops(shape, tokens).items() if flops.forward}


def test_a_layer_of_bert_base() -> None:
    assert forward(BASE, 512) == {
        "attention_projections": 4 * 512 * 768**2,  # 1,207,959,552
        "attention_mixing": 2 * 512**2 * 768,  # 402,653,184
        "feed_forward": 8 * 512 * 768**2,  # 2,415,919,104
    }
    assert sum(flops.forward for flops in encoder_flops(bert(768, 12, layers=12), 512).values()) == 96_636_764_160


@pytest.mark.parametrize(("tokens", "share"), [(128, 2.7), (512, 10.0), (1536, 25.0), (4608, 50.0)])
def test_the_share_of_pairs_in_bert_base(tokens: int, share: float) -> None:
    made = forward(BASE, tokens)
    assert 100 * made["attention_mixing"] / sum(made.values()) == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize("tokens", [128, 1024])
def test_two_gated_units_and_flash(tokens: int) -> None:
    width, key, gate, chunk = 768, 128, 1536, 256
    two = 2 * sum(forward(UNIT, tokens).values())
    assert two == 12 * tokens * width**2 + 2 * tokens * width * key + tokens**2 * (2 * key + 4 * width)
    flash = EncoderShape("flash", width, 1, 1, key, gate, 0, chunk_size=chunk)
    local = min(chunk, tokens)
    assert forward(flash, tokens)["attention_mixing"] == tokens * local * (key + gate) + 2 * tokens * key * gate
    assert forward(flash, tokens)["gate"] == forward(UNIT, tokens)["gate"]


def test_linear_attention_and_performer() -> None:
    linear = EncoderShape("linear", 768, 1, 12, 256, 64, 3072, denominator=False)
    assert forward(linear, 100)["attention_mixing"] == 12 * 2 * 100 * 256 * 64
    assert forward(linear, 100)["attention_projections"] == 100 * 768 * (2 * 12 * 256 + 2 * 768)
    performer = EncoderShape("performer", 768, 1, 12, 64, 64, 3072, num_features=266)
    made = forward(performer, 100)["attention_mixing"]
    assert made == 12 * 100 * (2 * 64 * 266 + 2 * 266 * 64 + 266)
    flops = encoder_flops(performer, 100)["attention_mixing"]
    assert flops.backward == 2 * flops.forward - 2 * 12 * 100 * 2 * 64 * 266  # the features themselves learn nothing


def test_a_fused_kernel_makes_the_logits_once_more() -> None:
    plain, fused = (encoder_flops(BASE, 300, fused=fused)["attention_mixing"] for fused in (False, True))
    assert plain.backward == 2 * plain.forward
    assert fused.forward == plain.forward
    assert fused.backward == 5 * plain.forward // 2


@pytest.mark.parametrize("types", [3, 100])
def test_heads(types: int) -> None:
    width, size, tokens = 768, 64, 512
    full = span_head_flops(HeadShape(False, width, size, types), tokens, rows=0)
    assert full["head"].forward == 2 * 2 * tokens * width * size * types
    efficient = span_head_flops(HeadShape(True, width, size, types), tokens, rows=0)
    assert efficient["head"].forward == 2 * (2 * tokens * width * size + 4 * tokens * size * types)
    # The post's squares, n^2 d T and n^2 d and twice as much backward, are halved by leaving out the lower triangle.
    assert full["loss"].step == pytest.approx(2 * 3 * tokens**2 * size * types / 2, rel=0.2)
    shared = 2 * tokens**2 * (4 * size + 3 * types) / 2
    assert efficient["loss"].step == pytest.approx(shared, rel=0.2)


def test_only_short_spans_and_what_the_loss_keeps() -> None:
    banded = span_head_flops(HeadShape(False, 8, 4, 2, max_span_tokens=1), 128, rows=0)["loss"]
    assert banded.forward == 2 * 2 * 2 * 64 * 64 * (3 * 4 + 2)  # two tiles on the diagonal
    assert loss_keeps_bytes(HeadShape(False, 8, 4, 2), 10) == 4 * 2 * (2 * 10 * 4)
    assert loss_keeps_bytes(HeadShape(True, 8, 4, 2), 10) == 4 * 2 * 10
    assert token_head_flops(8, 50, 7)["head"].step == 3 * 2 * 7 * 8 * 50


def crossing(shape: EncoderShape, name: str) -> float | None:
    return next(one.tokens for one in comparisons(shape) if one.name == name)


@pytest.mark.parametrize(("shape", "width"), [(BASE, 768), (LARGE, 1024)])
def test_crossing_points_of_bert(shape: EncoderShape, width: int) -> None:
    assert crossing(shape, "attention_over_feed_forward") == 2 * width
    assert crossing(shape, "pairs_over_rest") == 6 * width
    assert crossing(shape, "linear_same_keys") == 64
    assert crossing(shape, "linear_wider_keys") == 256
    assert crossing(shape, "linear_wider_keys_and_values") == 1024
    assert crossing(shape, "linear_layer_wider_keys") == 3 * width + 256


def test_crossing_points_of_gated_units() -> None:
    assert crossing(UNIT, "pairs_over_gate") == pytest.approx((3 * 768 * 1536 + 768 * 128) / (128 + 1536))
    assert crossing(UNIT, "flash_mixing") == pytest.approx(256 + 2 * 128 * 1536 / (128 + 1536))
    assert crossing(EncoderShape("gau", 768, 2, 1, 128, 1536, 0), "gau_over_softmax_blocks") == 0
    flash = EncoderShape("flash", 768, 2, 1, 128, 1536, 0, chunk_size=256)
    blocks = crossing(flash, "softmax_blocks_over_own")
    assert blocks == pytest.approx(128 + (256 * (128 + 1536) + 2 * 128 * 1536) / 768)
    assert crossing(flash, "gau_mixing_over_own") == crossing(UNIT, "flash_mixing")


def test_crossing_points_of_linear_attention() -> None:
    linear = EncoderShape("linear", 768, 1, 12, 256, 64, 3072)
    assert crossing(linear, "softmax_mixing_over_own") == 256 + 2  # a product with the sum of keys for the denominator
    assert crossing(linear, "softmax_layer_over_own") == 3 * 768 + 256 + 2
    assert crossing(linear, "pairs_over_rest") == 6 * 768
    performer = EncoderShape("performer", 768, 1, 12, 64, 64, 3072, num_features=266)
    assert crossing(performer, "softmax_mixing_over_own") == pytest.approx(2 * 266 + 266 / 128)


ATTENTIONS: tuple[Attention, ...] = ("softmax", "gau", "flash", "linear", "performer")


@given(
    attention=st.sampled_from(ATTENTIONS),
    heads=st.integers(1, 8),
    size=st.integers(1, 32).map(lambda half: 2 * half),
    layers=st.integers(1, 6),
)
def test_behind_a_crossing_point_and_nowhere_else_the_first_side_is_dearer(
    attention: Attention, heads: int, size: int, layers: int
) -> None:
    config = NativeEncoderConfig(
        attention=attention,
        hidden_size=heads * size,
        num_attention_heads=heads,
        num_hidden_layers=layers,
        intermediate_size=4 * heads * size,
    )
    shape = shape_of(config)
    assert shape is not None
    for comparison in comparisons(shape):
        for tokens in (1, 7, 200, 5000, 10**7):
            dearer, cheaper = (
                side.shape.layers
                * sum(
                    one.multiplications(tokens)
                    for part, products in layer_products(side.shape).items()
                    if part in side.parts
                    for one in products
                )
                for side in (comparison.dearer, comparison.cheaper)
            )
            point = comparison.tokens
            behind = point is not None and tokens > point * (1 + 1e-9)
            before = point is None or tokens < point * (1 - 1e-9)
            assert not behind or dearer > cheaper
            assert not before or dearer <= cheaper


def test_measured_crossings() -> None:
    tokens = [128, 512, 2048]
    assert measured_crossing(tokens, [2.0, 3.0, 4.0], [1.0, 1.0, 1.0]) == ("below", 128)
    assert measured_crossing(tokens, [2.0, 3.0, 4.0], [1.0, 1.0, 4.0]) == ("above", 2048)
    word, at = measured_crossing(tokens, [0.5, 2.0, 3.0], [1.0, 1.0, 1.0])
    assert (word, at) == ("about", pytest.approx(256))
    # A single swing in front of the last crossing does not count.
    assert measured_crossing(tokens, [2.0, 0.5, 2.0], [1.0, 1.0, 1.0]) == ("about", pytest.approx(1024))


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=6))
def test_a_measured_crossing_lies_between_lengths_of_which_it_tells_apart(ratios: list[float]) -> None:
    tokens = [100 * 2**place for place in range(len(ratios))]
    word, at = measured_crossing(tokens, ratios, [1.0] * len(ratios))
    behind = [ratio for length, ratio in zip(tokens, ratios, strict=True) if length > at]
    assert tokens[0] <= at <= tokens[-1] * (1 + 1e-9)
    assert all(ratio > 1 for ratio in behind)
    assert (word == "below") == all(ratio > 1 for ratio in ratios)
    assert (word == "above") == (ratios[-1] <= 1)
