"""From a recipe to a profile: which lengths, what is left out, counterparts, and crossing points as measured."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from globalner.config import NATIVE_PRESETS, load_any_recipe, load_recipe, shipped_recipes
from globalner.errors import ConfigError, MissingExtraError, OutputError
from globalner.profiling import EncoderProfile, LengthProfile, PartProfile, find_crossings, run
from globalner.profiling.counterpart import counterpart, counterpart_config
from globalner.profiling.encoder_formulas import encoder_flops
from globalner.profiling.encoder_shape import EncoderShape, shape_of
from globalner.profiling.plot import check_plot, draw_profile
from globalner.workflows import ProfileOptions, profile_recipe
from globalner.workflows.profile import default_lengths

KINDS = ("softmax", "gau", "flash", "linear", "performer")
QUICK = ProfileOptions(lengths=[16, 32], types=3, steps=1, device="cpu")


def test_default_lengths() -> None:
    assert default_lengths(256, None) == [128, 256, 512, 1024, 2048, 4096, 8192]
    assert default_lengths(300, 512) == [128, 256, 300, 512]
    assert default_lengths(64, 64) == [64]
    assert default_lengths(256, 100) == [100]


@pytest.mark.parametrize("attention", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_the_counterpart_is_built_as_its_sizes_say(attention: str, other: str, native: Callable) -> None:
    config = native(attention=attention, num_hidden_layers=4, intermediate_size=64 if attention == "gau" else 128)
    shape = shape_of(config)
    assert shape is not None
    described = shape_of(counterpart_config(config, other))
    wanted = counterpart(shape, other)
    assert described is not None
    own, expected = (encoder_flops(one, 100) for one in (described, wanted))
    assert own == expected
    assert (described.layers, described.heads) == (wanted.layers, wanted.heads)
    assert described.layers == {True: 4, False: 8 if wanted.gated else 2}[wanted.gated == shape.gated]


@pytest.mark.parametrize("preset", NATIVE_PRESETS)
def test_every_preset_can_be_described(preset: str, tiny_recipe: Path) -> None:
    from globalner.profiling import plan_profile

    recipe = load_recipe(tiny_recipe, [f"model.encoder={{kind: native, preset: {preset}}}", "data.window_tokens=128"])
    shape = shape_of(plan_profile(recipe.recipe, types=2).encoder)
    assert shape is not None
    assert shape.attention == NATIVE_PRESETS[preset]["attention"]


def test_a_profile_holds_every_length_and_part_and_the_data_are_not_needed(tiny_recipe: Path) -> None:
    (tiny_recipe.parent / "own.jsonl").unlink()
    before = torch.random.get_rng_state()
    lines: list[str] = []
    recipe = load_recipe(tiny_recipe).recipe
    made = profile_recipe(recipe, replace(QUICK, against="linear", texts=2, say=lines.append))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert [length.tokens for length in made.encoder.lengths] == [16, 32]
    assert len(lines) == 4
    parts = ["embedding", "attention_projections", "attention_mixing", "feed_forward", "rest", "head", "loss"]
    for profile in (made.encoder, made.against):
        assert profile is not None
        for length in profile.lengths:
            assert [part.part for part in length.parts] == parts
            assert length.steps == 1
            assert length.step_ms is not None
            assert (length.time_ms(parts) or 0) > 0
            for part in length.parts:
                assert part.formula == part.counted
                assert part.kept_mib is not None
    loss = made.encoder.lengths[0].parts[-1]
    assert (loss.kept_mib or 0) > 4 * 2 * 3 * 16 / 2**20  # the sums of all rows, which autograd does not see
    weights = made.encoder.weights_mib
    assert weights["embedding"] == pytest.approx(8000 * 32 * 4 / 2**20)
    assert weights["head"] == pytest.approx(4 * ((32 + 1) * 32 + (32 + 1) * 6) / 2**20)
    named = {crossing.name: crossing for crossing in made.crossings}
    assert named["pairs_over_rest"].tokens == 6 * 32
    assert named["pairs_over_rest"].measured in ("below", "about", "above")
    assert named["linear_layer_wider_keys"].measured is not None  # measured against it
    assert named["linear_same_keys"].measured is None
    assert json.loads(json.dumps(made.to_dict())) == made.to_dict()


def test_a_recipe_for_pretraining(tiny_pretrain_recipe: Path) -> None:
    made = profile_recipe(load_any_recipe(tiny_pretrain_recipe).recipe, replace(QUICK, against="gau"))
    assert made.types is None
    (head,) = [part for part in made.encoder.lengths[0].parts if part.part == "head"]
    assert head.formula == head.counted
    assert head.formula is not None
    assert head.formula.forward == 2 * 2 * 16 * 8000  # two of sixteen tokens are hidden
    assert made.against is not None
    assert made.against.shape is not None
    assert made.against.shape.attention == "gau"


@pytest.mark.parametrize("shared", ["bert_folder", "decoder_folder"])
def test_pretrained_encoders_from_a_folder(shared: str, tiny_recipe: Path, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(shared)
    (folder / "model.safetensors").rename(folder / "hidden")  # weights are not needed
    try:
        encoder = f"model.encoder={{kind: pretrained, name: '{folder}'}}"
        recipe = load_recipe(tiny_recipe, [encoder]).recipe
        made = profile_recipe(recipe, QUICK)
    finally:
        (folder / "hidden").rename(folder / "model.safetensors")
    assert all(part.formula == part.counted for length in made.encoder.lengths for part in length.parts)
    assert made.notes == []
    assert [crossing.name for crossing in made.crossings][:2] == ["attention_over_feed_forward", "pairs_over_rest"]
    with pytest.raises(ConfigError, match="only a native encoder can be compared"):
        profile_recipe(recipe, replace(QUICK, against="linear"))
    frozen = load_recipe(tiny_recipe, [encoder, "model.encoder.trainable_layers=1"]).recipe
    made = profile_recipe(frozen, QUICK)
    assert "counted only" in made.notes[0]
    first = made.encoder.lengths[0].parts[1]
    assert (first.part, first.formula) == ("attention_projections", None)
    assert first.counted_flops
    longest = {"bert_folder": 512, "decoder_folder": 256}[shared]
    with pytest.raises(
        ConfigError, match=f"a length of 600 tokens is more than the encoder has positions for: {longest}"
    ):
        profile_recipe(recipe, replace(QUICK, lengths=[16, 600]))


def test_positions_that_begin_behind_the_padding(family: Callable, span_subject: Callable) -> None:
    from globalner.profiling import longest_tokens

    subject = span_subject(family("roberta", intermediate_size=48, type_vocab_size=1))
    longest = longest_tokens(subject.encoder)
    assert longest == 127
    subject.step(longest, 1)(lambda _part, compute: compute()).backward()
    with pytest.raises((IndexError, RuntimeError), match="out of"):
        subject.step(longest + 1, 1)(lambda _part, compute: compute())


def test_what_would_not_fit_in_memory_is_left_out(tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "free_bytes", lambda _device: 1 << 20)
    made = profile_recipe(load_recipe(tiny_recipe).recipe, replace(QUICK, lengths=[16, 32, 512, 600]))
    assert [length.steps for length in made.encoder.lengths] == [1, 1, 0, 0]
    left_out = made.encoder.lengths[2]
    assert left_out.step_ms is None
    assert left_out.time_ms(["loss"]) is None
    assert {(part.formula is None, part.counted) for part in left_out.parts} == {(False, None)}
    assert "from 512 tokens on nothing was measured" in made.notes[-1]
    assert "1 were free" in made.notes[-1]


def test_crossing_points_as_timed() -> None:
    shape = EncoderShape("softmax", 64, 2, 4, 16, 16, 256)

    def length(tokens: int) -> LengthProfile:
        times = {"attention_projections": 1.0, "attention_mixing": tokens / 100, "feed_forward": 3.0}
        parts = [PartProfile(part, None, None, time / 3, time * 2 / 3, 0.0) for part, time in times.items()]
        return LengthProfile(tokens, parts, 1, 1.0)

    found = find_crossings(EncoderProfile("", shape, {}, [length(n) for n in (50, 100, 400, 800)]), None)
    timed = {crossing.name: (crossing.measured, crossing.measured_tokens) for crossing in found}
    assert timed["attention_over_feed_forward"] == ("about", pytest.approx(200, rel=0.1))
    assert timed["pairs_over_rest"] == ("about", pytest.approx(400))
    assert timed["linear_layer_wider_keys"] == (None, None)
    assert find_crossings(EncoderProfile("", None, {}, []), None) == []


def test_a_picture(tiny_recipe: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "made.svg"
    made = profile_recipe(
        load_recipe(tiny_recipe).recipe, replace(QUICK, lengths=[64, 128, 256], against="linear", plot=path)
    )
    text = path.read_text("utf-8")
    for shown in ("operations", "forward and backward, ms", "attention: mixing of tokens", "linear wider keys", "256"):
        assert shown in text
    draw_profile(made, tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_text("utf-8") == text
    unmeasured = [LengthProfile(16, [PartProfile("head", None)])]
    nothing = replace(made, encoder=EncoderProfile("", None, {}, unmeasured), against=None, crossings=[])
    draw_profile(nothing, tmp_path / "nothing.png")
    assert (tmp_path / "nothing.png").stat().st_size > 0


def test_a_picture_that_cannot_be_is_refused_before_anything_is_measured(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, lines = load_recipe(tiny_recipe).recipe, []
    for path, message in (
        (tmp_path / "made.txt", ".svg, .png, .pdf"),
        (tmp_path / "nowhere" / "made.svg", "there is no folder"),
    ):
        with pytest.raises(OutputError, match=message):
            profile_recipe(recipe, replace(QUICK, plot=path, say=lines.append))
    monkeypatch.setattr("globalner.profiling.plot.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"globalner\[plots\]"):
        check_plot(tmp_path / "made.svg")
    assert lines == []


def test_every_shipped_recipe_can_be_planned() -> None:
    from globalner.profiling import plan_profile

    for name in shipped_recipes():
        recipe = load_recipe(name).recipe
        if recipe.model.encoder.kind == "native":
            assert plan_profile(recipe, types=4).window_tokens == recipe.data.window_tokens
