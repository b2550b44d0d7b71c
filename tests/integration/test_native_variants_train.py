"""Every kind of native encoder trains a step from a recipe, end to end: files, windows, model folder, extractor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from globalner import EntityExtractor
from globalner.cli import main
from globalner.config import NATIVE_PRESETS, NativeEncoderConfig, load_recipe, resolve_recipe_data
from globalner.encoders import NativeEncoderForMaskedLM, build_character_tokenizer
from globalner.model import load_model, native_shape
from globalner.workflows import RunOptions, train_recipe

_TINY = {"hidden_size": 16, "num_layers": 2, "num_heads": 2}
_OPTIONS: dict[str, dict[str, object]] = {
    **{name: {"preset": name, **_TINY} for name in NATIVE_PRESETS},
    "flash-small": {"preset": "flash-small", **_TINY, "chunk_size": 16},
    "gau relu_squared": {"attention": "gau", "normalizer": "relu_squared", "bias": "query_key", **_TINY},
    "gau fixed length": {"attention": "gau", "normalizer": "relu_squared", "normalizer_tokens": 64, **_TINY},
    "gau softmax": {"attention": "gau", "normalizer": "softmax", **_TINY},
    "linear elu": {"attention": "linear", "feature_map": "elu", "norm": "rms_gain", **_TINY},
    "linear double_softmax": {"attention": "linear", "feature_map": "double_softmax", "convolution_width": 3, **_TINY},
    "entropy": {"scale": "entropy_invariant", "bias": "query_key", "norm": "scale", **_TINY},
    "no order": {"rotary": False, "bias": "none", "norm": "rms", **_TINY},
}


def _overrides(options: dict[str, object]) -> list[str]:
    return [f"model.encoder.{key}={json.dumps(value)}" for key, value in options.items()]


@pytest.mark.parametrize("name", _OPTIONS)
def test_it_trains_and_the_model_can_be_used(name: str, tiny_recipe: Path, tmp_path: Path) -> None:
    changes = ["training.epochs=1", "training.batch_size=12", *_overrides(_OPTIONS[name])]
    recipe = resolve_recipe_data(load_recipe(tiny_recipe, changes))
    run = train_recipe(recipe, RunOptions(output_dir=tmp_path / "run", device="cpu"))
    assert run.result is not None
    extractor = EntityExtractor.from_pretrained(str(run.model))
    texts = ["Ana Reis left Porto.", "北京大学的王芳去了北京。" * 12]
    together = extractor.extract(texts, threshold=1e-3)
    assert [document.text for document in together] == texts
    # One alone is a batch of other padding.
    alone = {(e.start, e.end, e.label): e.score for e in extractor.extract(texts[:1], threshold=1e-3)[0].entities}
    found = {(e.start, e.end, e.label): e.score for e in together[0].entities if e.score > 1.1e-3}
    assert found
    assert {span: alone[span] for span in found} == pytest.approx(found, abs=1e-5)


@pytest.mark.parametrize("name", ["roformer-small", "gau-small", "flash-small", "performer-small"])
def test_a_folder_of_a_masked_lm_is_a_pretrained_encoder(name: str, tiny_recipe: Path, tmp_path: Path) -> None:
    tokenizer = build_character_tokenizer([tiny_recipe.with_name("own.jsonl").read_text("utf-8")])
    encoder = NativeEncoderConfig.model_validate({"kind": "native", **_OPTIONS[name]})
    shape = native_shape(encoder, vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id)
    pretrained = NativeEncoderForMaskedLM(shape)
    for part in (pretrained, tokenizer):
        part.save_pretrained(tmp_path / "pretrained")
    own = [f"model.encoder={{kind: pretrained, name: {tmp_path / 'pretrained'}}}", "training.epochs=1"]
    still = ["training.encoder_learning_rate=1e-12", "training.weight_decay=0"]
    recipe = resolve_recipe_data(load_recipe(tiny_recipe, [*own, *still]))
    run = train_recipe(recipe, RunOptions(output_dir=tmp_path / "run", device="cpu"))
    trained, weights = load_model(run.model)[0].encoder.state_dict(), pretrained.encoder.state_dict()
    assert trained.keys() == weights.keys()
    for key, weight in weights.items():
        torch.testing.assert_close(trained[key], weight)
    more = resolve_recipe_data(load_recipe(tiny_recipe, [*own, f"model.init_from={run.model}"]))
    assert train_recipe(more, RunOptions(output_dir=tmp_path / "more", device="cpu")).result is not None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["attention=guu"], "did you mean gau?"),
        (["attention=flash", "chunk_size=65"], "chunks of 65 tokens are longer than the windows, which have 64"),
        (["attention=gau", "key_size=7"], "7 is odd, but rotary position turns pairs of values"),
        (["hidden_size=30"], "30 does not divide into 2 heads of an even width"),
    ],
)
def test_a_kind_that_cannot_be_built_is_one_message_and_exit_code_2(
    changes: list[str], message: str, tiny_recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"model.encoder.{change}" for change in changes]
    assert main(["train", str(tiny_recipe), *words, "--output-dir", str(tmp_path / "run")]) == 2
    printed = " ".join(capsys.readouterr().err.split())
    assert message in printed
    assert printed.count("error: ") == 1
    assert not (tmp_path / "run").exists()
