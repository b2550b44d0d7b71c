"""What a recipe may say of a pretrained encoder, and how it is told what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from globalner.config import Recipe, load_recipe
from globalner.config.load import dump_recipe
from globalner.errors import ConfigError

RECIPE = """
name: decoder
data: {train: a, dev: b}
model:
  encoder:
    kind: pretrained
    name: some/decoder
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "decoder.yaml"
    path.write_text(RECIPE, "utf-8")
    return path


def problem(path: Path, *overrides: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load_recipe(path, overrides)
    return str(raised.value)


@pytest.mark.parametrize("name", ["causal", "bidirectional", "half", "half_heads", "half_layers", "null"])
def test_names_of_attention(path: Path, name: str) -> None:
    encoder = load_recipe(path, [f"model.encoder.attention={name}"]).recipe.model.encoder
    assert encoder.attention == (None if name == "null" else name)


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("bidirectonal", "bidirectional"),
        ("Casual", "causal"),
        ("half-layers", "half_layers"),
        ("xyz", ""),
    ],
)
def test_another_name_is_refused_and_the_nearest_told(path: Path, wrong: str, nearest: str) -> None:
    names = "'causal', 'bidirectional', 'half', 'half_heads' or 'half_layers'"
    said = problem(path, f"model.encoder.attention={wrong}")
    hint = f"; did you mean {nearest}?" if nearest else ""
    assert said.endswith(f'model.encoder.attention must be {names}; got "{wrong}"{hint}')


def test_lora_has_keys_of_its_own_and_reads_back(path: Path) -> None:
    changes = ["model.encoder.lora.rank=4", "model.encoder.lora.alpha=8", "model.encoder.lora.targets=[q_proj, v_proj]"]
    recipe = load_recipe(path, [*changes, "model.encoder.trainable_layers=2"]).recipe
    lora = recipe.model.encoder.lora
    assert (lora.rank, lora.alpha, lora.dropout, lora.targets) == (4, 8.0, 0.0, ["q_proj", "v_proj"])
    path.write_text(dump_recipe(recipe), "utf-8")
    assert load_recipe(path).recipe == recipe
    assert isinstance(recipe, Recipe)
    assert load_recipe(path, ["model.encoder.lora=null"]).recipe.model.encoder.lora is None
    assert "nearest valid key: model.encoder.lora.rank" in problem(path, "model.encoder.lora.rnk=4")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("lora.rank=0", "rank must be greater than or equal to 1"),
        ("lora.dropout=1.0", "dropout must be less than 1"),
        ("lora.targets=[]", "targets must be auto, or a list of names such as [q_proj, v_proj]; got a list"),
        ("lora.targets=all", "targets must be auto, or a list of names"),
        ("trainable_layers=-1", "trainable_layers must be greater than or equal to 0"),
    ],
)
def test_values_out_of_range(path: Path, change: str, message: str) -> None:
    assert f"model.encoder.{change.partition('=')[0].rpartition('.')[0]}" in problem(path, f"model.encoder.{change}")
    assert message in problem(path, f"model.encoder.{change}")


def test_keys_that_exclude_each_other(path: Path) -> None:
    rank = "model.encoder.lora.rank=4"
    assert "model.encoder.trainable_layers: 0 leaves no layer for lora" in problem(
        path, rank, "model.encoder.trainable_layers=0"
    )
    pushed = "training.adversarial_norm=0.5"
    for frozen in (rank, "model.encoder.trainable_layers=3"):
        assert "training.adversarial_norm: pushes the encoder's token vectors" in problem(path, frozen, pushed)
    assert load_recipe(path, [pushed]).recipe.training.adversarial_norm == 0.5


def test_a_native_encoder_has_none_of_it(path: Path) -> None:
    said = problem(path, "model.encoder.kind=native", "model.encoder.attention=causal")
    assert "attention" in said
