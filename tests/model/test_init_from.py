"""Going on from a model: what it has learnt stays, bit by bit, and what it is must be what the recipe describes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel

from globalner import LabelSet
from globalner.config import DataConfig, ModelConfig
from globalner.encoders import build_character_tokenizer
from globalner.errors import CheckpointError, ConfigError
from globalner.model import BuiltModel, GlobalPointerModel, build_model, load_model, save_model

HEADS = ["efficient_global_pointer", "global_pointer"]
NATIVE = {"kind": "native", "hidden_size": 16, "num_layers": 1, "num_heads": 2, "min_count": 1}
DATA = DataConfig(train="a", dev="b", window_tokens=64, overlap_tokens=8, boundary="token")
IDS = torch.arange(5, 17).reshape(2, 6)
TEXTS = ["Ana lives in Faro."]


def recipe(kind: str = HEADS[0], encoder: dict | None = None, **rest: object) -> ModelConfig:
    sections = {"encoder": encoder or NATIVE, "head": {"kind": kind, "head_size": 8}}
    return ModelConfig.model_validate(sections | rest)


def build(model: ModelConfig, *labels: str, texts: list[str] = TEXTS, seed: int = 0) -> BuiltModel:
    torch.manual_seed(seed)
    return build_model(model, DATA, LabelSet(labels), texts)


def scores(model: GlobalPointerModel) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(IDS, torch.ones_like(IDS)).dense()


def saved(folder: Path, model: ModelConfig, thresholds: dict[str, float] | None = None) -> str:
    built = build(model, "PER", "LOC", seed=1)
    for parameter in built.model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    built.model.config.thresholds = thresholds
    save_model(built.model, built.tokenizer, folder)
    return str(folder)


@pytest.fixture
def bert(tmp_path: Path) -> dict[str, object]:
    tokenizer = build_character_tokenizer(TEXTS)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(tokenizer), **sizes)).save_pretrained(tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")
    return {"kind": "pretrained", "name": str(tmp_path / "bert")}


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("kind", ["native", "bert"])
def test_without_a_new_label_nothing_is_lost(head: str, kind: str, tmp_path: Path, bert: dict[str, object]) -> None:
    encoder = bert if kind == "bert" else NATIVE
    start = saved(tmp_path / "old", recipe(head, encoder))
    built = build(recipe(head, encoder, init_from=start), "LOC")
    assert built.model.config.labels == ["PER", "LOC"]
    assert torch.equal(scores(built.model), scores(load_model(start)[0]))
    assert any("no training document has: PER" in note for note in built.notes)


@pytest.mark.parametrize("head", HEADS)
def test_new_labels_stand_behind_the_old_ones_whose_rows_stay(head: str, tmp_path: Path) -> None:
    start = saved(tmp_path / "old", recipe(head))
    built = build(recipe(head, init_from=start), "EVENT", "LOC", "ORG")
    assert built.model.config.labels == ["PER", "LOC", "EVENT", "ORG"]
    assert built.notes[0].endswith("new labels: EVENT, ORG")
    old, new = load_model(start)[0].state_dict(), built.model.state_dict()
    assert old.keys() == new.keys()
    for name, weight in old.items():
        assert torch.equal(new[name][: len(weight)], weight), name
    grown = {name for name in old if len(new[name]) > len(old[name])}
    layer = "projection" if head == "global_pointer" else "type_bias"
    assert grown == {f"head.{layer}.weight", f"head.{layer}.bias"}
    fresh = new[f"head.{layer}.weight"][len(old[f"head.{layer}.weight"]) :]
    assert fresh.std() > 0
    # Not to the bit: a wider matrix product may round otherwise. `take_types` is tested where nothing is rounded.
    torch.testing.assert_close(scores(built.model)[:, :2], scores(load_model(start)[0]), rtol=1e-5, atol=1e-5)


def test_thresholds_stay_and_reading_rules_come_from_the_recipe(tmp_path: Path) -> None:
    start = saved(tmp_path / "old", recipe(), {"LOC": 0.7})
    changed = recipe(init_from=start, encoder={**NATIVE, "dropout": 0.4, "min_count": 3})
    data = DataConfig(train="a", dev="b", window_tokens=40, overlap_tokens=4, boundary="word")
    config = build_model(changed, data, LabelSet(("ORG",)), TEXTS, max_span_tokens=7).model.config
    assert config.thresholds == {"LOC": 0.7}
    assert (config.window_tokens, config.overlap_tokens, config.boundary, config.max_span_tokens) == (40, 4, "word", 7)
    assert config.encoder["dropout"] == 0.4


def test_the_old_tokenizer_is_taken_and_its_gaps_are_counted(tmp_path: Path) -> None:
    start = saved(tmp_path / "old", recipe())
    built = build(recipe(init_from=start), "PER", "LOC", texts=["Ana Żuk: żż"])
    assert built.tokenizer.get_vocab() == load_model(start)[1].get_vocab()
    assert built.notes[-1] == (
        f"6 characters of the training texts (5 different ones: 'ż', 'Ż', 'u', 'k', ':') are not in the tokenizer "
        f"of {start} and are read as [UNK]"
    )
    assert len(build(recipe(init_from=start), "PER", "LOC").notes) == 1


def test_capitals_are_known_to_a_tokenizer_that_lowers(tmp_path: Path) -> None:
    low = {**NATIVE, "lowercase": True}
    start = saved(tmp_path / "old", recipe(encoder=low))
    assert len(build(recipe(encoder=low, init_from=start), "PER", "LOC", texts=["ANA"]).notes) == 1


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"encoder": {**NATIVE, "hidden_size": 32}}, ["see hidden_size, intermediate_size:", "hidden_size 32"]),
        ({"encoder": {**NATIVE, "convolution_width": 3}}, ["convolution_width 0", "convolution_width 3"]),
        ({"encoder": {**NATIVE, "lowercase": True}}, ["lowercase false", "lowercase true"]),
        ({"encoder": {**NATIVE, "attention": "gau"}}, ["see intermediate_size, attention,", "attention gau"]),
        ({"encoder": {**NATIVE, "norm_placement": "post"}}, ["see norm_placement:", "norm_placement post"]),
        ({"encoder": {**NATIVE, "rotary": False}}, ["see encoder_rotary:", "encoder_rotary false"]),
        ({"head": {"kind": "global_pointer", "head_size": 8}}, ["head efficient_global", "head global_pointer"]),
        ({"head": {"head_size": 4}}, ["see head_size:", "head_size 8", "head_size 4"]),
        ({"head": {"head_size": 8, "rotary": False}}, ["see rotary:", "rotary true", "rotary false"]),
    ],
)
def test_another_shape_is_an_error_that_shows_both(change: dict, shown: list[str], tmp_path: Path) -> None:
    start = saved(tmp_path / "old", recipe())
    with pytest.raises(ConfigError) as caught:
        build(recipe(init_from=start, **change), "PER")
    for part in shown:
        assert part in str(caught.value)


@pytest.mark.parametrize("attention", ["gau", "flash", "linear", "performer"])
def test_encoders_of_every_kind_go_on(attention: str, tmp_path: Path) -> None:
    encoder = {**NATIVE, "attention": attention, "dropout": 0.0}
    start = saved(tmp_path / "old", recipe(encoder=encoder))
    built = build(recipe(encoder=encoder, init_from=start), "LOC")
    assert torch.equal(scores(built.model), scores(load_model(start)[0]))
    with pytest.raises(ConfigError, match=f"attention {attention}"):
        build(recipe(encoder=NATIVE, init_from=start), "LOC")


def test_native_and_pretrained_do_not_fit(tmp_path: Path, bert: dict[str, object]) -> None:
    start = saved(tmp_path / "old", recipe(encoder=bert))
    with pytest.raises(ConfigError, match=r"it has encoder bert.*vocabulary 18.*asks for encoder native"):
        build(recipe(init_from=start), "PER")
    start = saved(tmp_path / "native", recipe())
    with pytest.raises(ConfigError, match=r"it has encoder native.*asks for encoder bert"):
        build(recipe(encoder=bert, init_from=start), "PER")


def test_another_tokenizer_of_the_same_size_is_an_error(tmp_path: Path, bert: dict[str, object]) -> None:
    start = saved(tmp_path / "old", recipe(encoder=bert))
    other = build_character_tokenizer([TEXTS[0].replace("F", "G")])
    other.save_pretrained(str(bert["name"]))
    with pytest.raises(ConfigError, match=r"another tokenizer \(18 tokens\).*they differ in: model"):
        build(recipe(encoder=bert, init_from=start), "PER")


def test_weights_of_the_recipes_encoder_are_not_read(tmp_path: Path, bert: dict[str, object]) -> None:
    start = saved(tmp_path / "old", recipe(encoder=bert))
    (Path(str(bert["name"])) / "model.safetensors").unlink()
    build(recipe(encoder=bert, init_from=start), "PER")


def test_the_attention_of_the_recipe_is_set(tmp_path: Path, bert: dict[str, object]) -> None:
    start = saved(tmp_path / "old", recipe(encoder=bert))
    eager = recipe(encoder={**bert, "attention_implementation": "eager"}, init_from=start)
    assert build(eager, "PER").model.encoder.config._attn_implementation == "eager"
    unheard = recipe(encoder={**bert, "attention_implementation": "unheard"}, init_from=start)
    with pytest.raises(ConfigError, match="attention_implementation"):
        build(unheard, "PER")


def test_labels_in_another_order_are_not_mixed_up(tmp_path: Path) -> None:
    known = load_model(saved(tmp_path / "old", recipe()))[0]
    config = build(recipe(), "LOC", "PER").model.config
    with pytest.raises(CheckpointError, match="do not begin with"):
        GlobalPointerModel.going_on_from(config, known)
