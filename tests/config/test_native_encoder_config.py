"""Encoders of our own in a recipe: presets, keys that belong together, and what is said of those that do not."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from globalner.config import NATIVE_PRESETS, NativeEncoderConfig, Recipe, dump_recipe, load_recipe
from globalner.errors import ConfigError


def encoder(**values: object) -> NativeEncoderConfig:
    return NativeEncoderConfig.model_validate({"kind": "native", **values})


def test_the_default_is_the_plain_encoder() -> None:
    plain = encoder()
    assert (plain.attention, plain.bias, plain.norm, plain.norm_placement) == ("softmax", "all", "layer", "pre")
    assert (plain.rotary, plain.scale, plain.initialization, plain.preset) == (True, "plain", "fan_in", None)


def test_every_preset_can_be_named_and_is_valid() -> None:
    annotation = NativeEncoderConfig.model_fields["preset"].annotation
    named = {name for choice in get_args(annotation) for name in get_args(choice)}
    assert named == set(NATIVE_PRESETS)
    for name, values in NATIVE_PRESETS.items():
        chosen = encoder(preset=name).model_dump()
        assert {key: chosen[key] for key in values} == dict(values)


def test_what_the_recipe_gives_stands_above_the_preset() -> None:
    chosen = encoder(preset="gau-base", hidden_size=64, normalizer="relu_squared", dropout=0.0)
    assert (chosen.hidden_size, chosen.normalizer, chosen.dropout) == (64, "relu_squared", 0.0)
    assert (chosen.num_layers, chosen.attention, chosen.norm) == (24, "gau", "rms")


@pytest.mark.parametrize("name", NATIVE_PRESETS)
def test_a_preset_written_out_reads_back_equal(name: str, tmp_path: Path) -> None:
    recipe = Recipe.model_validate(
        {"name": "x", "data": {"train": "a", "dev": "b"}, "model": {"encoder": {"kind": "native", "preset": name}}}
    )
    path = tmp_path / "recipe.yaml"
    path.write_text(dump_recipe(recipe), "utf-8")
    assert load_recipe(path).recipe == recipe


RECIPE = """
name: x
data: {train: a, dev: b, window_tokens: 32, overlap_tokens: 4}
model:
  encoder: {kind: native}
"""
GAU, FLASH = "model.encoder.attention=gau", "model.encoder.attention=flash"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["model.encoder.attention=sofmax"],
            "model.encoder.attention must be 'softmax', 'gau', 'flash', 'linear' or 'performer'; got \"sofmax\"; "
            "did you mean softmax?",
        ),
        (["model.encoder.preset=gau_small"], '; got "gau_small"; did you mean gau-small?'),
        (["model.encoder.feature_map=elu1"], "'exp', 'elu' or 'double_softmax'; got \"elu1\"; did you mean elu?"),
        (["model.encoder.bias=7"], "model.encoder.bias must be 'all', 'query_key' or 'none'; got 7"),
        (
            ["model.encoder.num_heads=64"],
            "model.encoder.hidden_size: 192 does not divide into 64 heads of an even width, which rotary position "
            "needs; use a multiple of 128, or another num_heads",
        ),
        (
            ["model.encoder.num_heads=5", "model.encoder.rotary=false"],
            "model.encoder.hidden_size: 192 does not divide into 5 heads; use a multiple of 5",
        ),
        (
            [GAU, "model.encoder.key_size=65"],
            "model.encoder.key_size: 65 is odd, but rotary position turns pairs of values; use 66, or rotary: false",
        ),
        (
            [FLASH, "model.encoder.chunk_size=33"],
            "model.encoder.chunk_size: chunks of 33 tokens are longer than the windows, which have 32 "
            "(data.window_tokens); use at most 32",
        ),
        (["model.encoder.preset=flash-small"], "model.encoder.chunk_size: chunks of 64 tokens are longer"),
        (
            ["model.encoder.chunk_size=16"],
            "model.encoder.chunk_size: belongs to attention: flash, but attention is softmax",
        ),
        (["model.encoder.key_size=16"], "key_size: belongs to attention: gau or flash or linear, but attention is"),
        ([GAU, "model.encoder.feature_map=exp"], "feature_map: belongs to attention: linear, but attention is gau"),
        (["model.encoder.num_features=9"], "num_features: belongs to attention: performer"),
        ([FLASH, "model.encoder.normalizer=softmax"], "normalizer: belongs to attention: gau, but attention is flash"),
        ([GAU, "model.encoder.normalizer_tokens=512"], "normalizer_tokens: belongs to normalizer: relu_squared"),
        (
            [GAU, "model.encoder.scale=entropy_invariant"],
            "model.encoder.scale: entropy_invariant belongs to attention: softmax, but attention is gau; "
            "use normalizer: softmax_plus",
        ),
        (
            ["model.encoder.preset=gau-small", "model.encoder.attention=linear"],
            "model.encoder.attention: the preset gau-small is of attention gau; got 'linear'. Take another preset",
        ),
        (["model.encoder.convolution_width=4"], "model.encoder.convolution_width: 4 is even; use 5, or 0"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(overrides: list[str], message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(RECIPE, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_recipe(path, overrides)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "overrides",
    [
        ["model.encoder.num_heads=64", "model.encoder.rotary=false"],
        [GAU, "model.encoder.num_heads=5"],
        [GAU, "model.encoder.key_size=65", "model.encoder.rotary=false"],
        [GAU, "model.encoder.normalizer=relu_squared", "model.encoder.normalizer_tokens=512"],
        [FLASH, "model.encoder.chunk_size=32"],
        [FLASH],
        ["model.encoder.attention=linear", "model.encoder.num_heads=64", "model.encoder.key_size=6"],
        ["model.encoder.scale=entropy_invariant", "model.encoder.entropy_clamp_tokens=1"],
    ],
)
def test_what_fits_is_taken(overrides: list[str], tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(RECIPE, "utf-8")
    load_recipe(path, overrides)
