"""Recipes for pretraining: told apart from those of `train`, checked as strictly, and their paths found."""

from __future__ import annotations

from pathlib import Path

import pytest

from globalner.config import (
    PretrainRecipe,
    Recipe,
    copy_recipe,
    dump_recipe,
    load_any_recipe,
    load_pretrain_recipe,
    load_recipe,
    pretrain_recipe_schema,
    resolve_pretrain_data,
    shipped_pretrain_recipes,
    shipped_recipes,
)
from globalner.config.keys import all_keys, sections_at
from globalner.errors import ConfigError

RECIPE = """\
kind: pretrain
name: small
data:
  train: [a.txt, b.txt.gz]
  heldout: c.txt
tokenizer: {kind: wordpiece, vocabulary_size: 100}
model:
  encoder: {kind: native, hidden_size: 32, num_heads: 2}
"""


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(RECIPE, "utf-8")
    for name in ("a.txt", "b.txt.gz", "c.txt"):
        (tmp_path / name).touch()
    return path


def test_defaults_and_a_single_file(recipe_file: Path) -> None:
    recipe = load_pretrain_recipe(recipe_file).recipe
    assert (recipe.data.train, recipe.data.heldout) == (["a.txt", "b.txt.gz"], ["c.txt"])
    assert (recipe.masking.rate, recipe.masking.mean_span_words) == (0.15, 1.0)
    assert (recipe.training.epochs, recipe.training.tokens, recipe.training.optimizer) == (1, None, "adamw")
    assert recipe.evaluation.lengths == [128, 256, 512, 1024]


def test_weights_start_smaller_in_deep_encoders_unless_it_says_otherwise(recipe_file: Path) -> None:
    assert load_pretrain_recipe(recipe_file).recipe.model.encoder.initialization == "truncated_normal"
    for change, expected in (("preset=gau-small", "truncated_normal"), ("initialization=fan_in", "fan_in")):
        encoder = load_pretrain_recipe(recipe_file, [f"model.encoder.{change}"]).recipe.model.encoder
        assert encoder.initialization == expected


def test_a_written_recipe_is_read_as_an_equal_one(recipe_file: Path, tmp_path: Path) -> None:
    recipe = load_pretrain_recipe(recipe_file).recipe
    (tmp_path / "again.yaml").write_text(dump_recipe(recipe), "utf-8")
    assert load_pretrain_recipe(tmp_path / "again.yaml").recipe == recipe


def test_each_verb_takes_its_own_recipes(recipe_file: Path) -> None:
    with pytest.raises(ConfigError, match=r"small\.yaml is a recipe for pretraining: `globalner pretrain` takes it"):
        load_recipe(recipe_file)
    with pytest.raises(ConfigError, match="is no recipe for pretraining, which says `kind: pretrain`"):
        load_pretrain_recipe("demo")
    assert isinstance(load_any_recipe(recipe_file).recipe, PretrainRecipe)
    assert isinstance(load_any_recipe("demo").recipe, Recipe)


@pytest.mark.parametrize("name", shipped_pretrain_recipes())
def test_shipped_recipes_load_and_are_named_after_their_files(name: str) -> None:
    loaded = load_pretrain_recipe(name)
    assert (loaded.recipe.name, loaded.path) == (name, shipped_pretrain_recipes()[name])
    assert loaded.recipe.description


@pytest.mark.parametrize("name", shipped_pretrain_recipes())
def test_the_overrides_that_a_recipe_shows_are_valid(name: str) -> None:
    commands = [
        line.removeprefix("#").split()
        for line in shipped_pretrain_recipes()[name].read_text("utf-8").splitlines()
        if line.startswith("#   globalner ")
    ]
    verbs = [words[1] for words in commands]
    assert set(verbs) == {"pretrain", "train"}
    for words in commands:
        load = {"pretrain": load_pretrain_recipe, "train": load_recipe}[words[1]]
        load(words[2], [word for word in words if "=" in word])


def test_shipped_recipes_are_of_one_kind_or_the_other() -> None:
    assert set(shipped_pretrain_recipes()) == {"pretrain_en", "pretrain_zh"}
    assert not set(shipped_recipes()) & set(shipped_pretrain_recipes())


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.token=1", "unknown key training.token; nearest valid key: training.tokens"),
        ("model.encoder.min_count=2", "unknown key model.encoder.min_count; nearest valid key: tokenizer.min_count"),
        ("tokenizer.name=x", "tokenizer.name is a key of kind: pretrained, but tokenizer.kind is wordpiece"),
        (
            "tokenizer.kind=words",
            "tokenizer.kind must be 'character' or 'wordpiece' or 'unigram' or 'pretrained'; got \"words\"",
        ),
        ("training.optimizer=sgd", "training.optimizer must be 'adamw' or 'lamb'; got \"sgd\""),
        ("masking.rate=1.0", "masking.rate must be less than 1; got 1.0"),
        ("data.train=[]", "data.train must have at least 1 item"),
        ("data.train=['']", 'data.train.0 must have at least 1 character; got ""'),
        ("model.encoder.attention=gua", "model.encoder.attention must be 'softmax', 'gau', 'flash', 'linear' or"),
        (
            "model.encoder={kind: native, preset: flash-small, chunk_size: 256}",
            "model.encoder.chunk_size: chunks of 256 tokens are longer than the windows, which have 128",
        ),
        ("evaluation.lengths=[4]", "evaluation.lengths.0 must be greater than or equal to 8; got 4"),
    ],
)
def test_a_wrong_override_is_told_in_one_line(recipe_file: Path, override: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_pretrain_recipe(recipe_file, [override])
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"override {override!r}: {message}")


def test_another_kind_of_tokenizer_drops_the_keys_of_the_first(recipe_file: Path) -> None:
    tokenizer = load_pretrain_recipe(recipe_file, ["tokenizer.kind=character"]).recipe.tokenizer
    assert tokenizer.model_dump() == {"kind": "character", "lowercase": False, "min_count": 2}
    unigram = load_pretrain_recipe(recipe_file, ["tokenizer.kind=unigram"]).recipe.tokenizer
    assert unigram.model_dump()["vocabulary_size"] == 100


def test_paths_are_made_absolute_and_missing_ones_are_all_named(recipe_file: Path, tmp_path: Path) -> None:
    loaded = load_pretrain_recipe(recipe_file, ["data.heldout=c.txt[0:5]"])
    data = resolve_pretrain_data(loaded).data
    assert data.train == [str(tmp_path / "a.txt"), str(tmp_path / "b.txt.gz")]
    assert data.heldout == [f"{tmp_path / 'c.txt'}[0:5]"]
    with pytest.raises(ConfigError) as caught:
        resolve_pretrain_data(load_pretrain_recipe(recipe_file, ["data.train=[x.txt,a.txt,y.txt]"]))
    assert [line.partition("; tried")[0] for line in str(caught.value).splitlines()] == [
        f"{recipe_file}: data.train: nothing found at 'x.txt'",
        f"{recipe_file}: data.train: nothing found at 'y.txt'",
    ]


def test_a_copy_means_the_same_files(recipe_file: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    copy = copy_recipe(recipe_file, tmp_path / "elsewhere")
    data = load_pretrain_recipe(copy).recipe.data
    assert data.train == [str(tmp_path / "a.txt"), str(tmp_path / "b.txt.gz")]
    assert data.heldout == [str(tmp_path / "c.txt")]


def test_every_key_is_described() -> None:
    keys = all_keys(PretrainRecipe)
    fields = [
        (key, section.model_fields[str(key[-1])])
        for key in keys
        for section in sections_at(key[:-1], PretrainRecipe)
        if str(key[-1]) in section.model_fields
    ]
    assert ("tokenizer", "vocabulary_size") in keys
    assert [key for key, field in fields if not field.description] == []


def test_the_schema_has_limits_and_kinds() -> None:
    schema = pretrain_recipe_schema()
    assert schema["additionalProperties"] is False
    kinds = schema["properties"]["tokenizer"]["discriminator"]["mapping"]  # type: ignore[index]
    assert set(kinds) == {"character", "wordpiece", "unigram", "pretrained"}
