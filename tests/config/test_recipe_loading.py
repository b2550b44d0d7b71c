"""Recipes from files and by name; every problem in one message, each with its place and the way out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.config import (
    DataConfig,
    ModelConfig,
    NativeEncoderConfig,
    PretrainedEncoderConfig,
    Recipe,
    TrainingConfig,
    dump_recipe,
    load_recipe,
    shipped_pretrain_recipes,
    shipped_recipes,
)
from globalner.errors import ConfigError

RECIPE = """\
name: small
data:
  train: train.jsonl
  dev: dev.jsonl
model:
  encoder:
    kind: native
    hidden_size: 32
    num_heads: 2
training:
  epochs: 2
  head_learning_rate: 1e-3
"""


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(RECIPE, "utf-8")
    return path


def problems(path: Path, *overrides: str) -> list[str]:
    """The lines of the error, the recipe's path shortened to its name."""
    with pytest.raises(ConfigError) as caught:
        load_recipe(path, overrides)
    return str(caught.value).replace(f"{path.parent}/", "").splitlines()


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipe_loads_and_is_named_after_its_file(name: str) -> None:
    loaded = load_recipe(name)
    assert loaded.recipe.name == name
    assert loaded.recipe.description
    assert loaded.path == shipped_recipes()[name]
    assert loaded.folder == loaded.path.parent


def test_the_shipped_recipes() -> None:
    kinds = {name: load_recipe(name).recipe.model.encoder.kind for name in shipped_recipes()}
    native, pretrained = ("demo", "cluener", "cmeee"), ("conll2003", "genia", "germeval2014", "wnut17")
    assert kinds == dict.fromkeys(native, "native") | dict.fromkeys(pretrained, "pretrained")


@pytest.mark.parametrize("name", shipped_recipes())
@pytest.mark.parametrize(
    "overrides",
    [
        ["model.encoder.kind=pretrained", "model.encoder.name=bert-base-chinese"],
        ["model.encoder={kind: pretrained, name: bert-base-chinese}"],
    ],
)
def test_any_recipe_takes_a_pretrained_encoder(name: str, overrides: list[str]) -> None:
    encoder = load_recipe(name, overrides).recipe.model.encoder
    assert encoder == PretrainedEncoderConfig(kind="pretrained", name="bert-base-chinese")


@pytest.mark.parametrize("name", shipped_recipes())
def test_the_overrides_that_a_recipe_shows_are_valid(name: str) -> None:
    """Each command of the comments, with the changes that it makes."""
    text = shipped_recipes()[name].read_text("utf-8").replace("\\\n#", "")
    commands = [line.removeprefix("#").split() for line in text.splitlines() if line.startswith("#   globalner ")]
    assert len(commands) >= 2
    for words in commands:
        assert words[:3] == ["globalner", "train", name]
        load_recipe(name, [word for word in words if "=" in word])


@pytest.mark.parametrize("name", ["conll2003", "genia", "germeval2014", "wnut17"])
def test_hub_name_by_one_override(name: str) -> None:
    encoder = load_recipe(name, ["model.encoder.name=bert-base-cased"]).recipe.model.encoder
    assert encoder == PretrainedEncoderConfig(kind="pretrained", name="bert-base-cased")


def test_file_with_byte_order_mark_and_windows_line_ends(recipe_file: Path) -> None:
    recipe_file.write_bytes(b"\xef\xbb\xbf" + RECIPE.replace("\n", "\r\n").encode())
    loaded = load_recipe(str(recipe_file), ["training.epochs=4"])
    assert (loaded.recipe.training.epochs, loaded.recipe.training.head_learning_rate) == (4, 1e-3)
    assert (loaded.source, loaded.folder) == (str(recipe_file), recipe_file.parent)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "training.learning_rat=1",
            "unknown key training.learning_rat; nearest valid key: training.head_learning_rate",
        ),
        ("epochs=1", "unknown key epochs; nearest valid key: training.epochs"),
        ("training.num_layer=1", "unknown key training.num_layer; nearest valid key: model.encoder.num_layers"),
        ("trainin.epochs=1", "unknown key trainin; nearest valid key: training"),
        ("data.xyz=1", "unknown key data.xyz; valid keys of data: train, dev, test, format"),
        ("model.encoder.name=m", "model.encoder.name is a key of kind: pretrained, but model.encoder.kind is native"),
        (
            "model.encoder.hiden_size=1",
            "unknown key model.encoder.hiden_size; nearest valid key: model.encoder.hidden_size",
        ),
        ("model.encoder.kind=nativ", "model.encoder.kind must be 'pretrained' or 'native'; got \"nativ\""),
        ("model.encoder={hidden_size: 1}", "model.encoder.kind is missing; it must be 'pretrained' or 'native'"),
        ("model.encoder=m", 'model.encoder must hold keys of its own; got "m"'),
        ("training=null", "training must hold keys of its own; got null"),
        ("training.epochs=0", "training.epochs must be greater than or equal to 1; got 0"),
        ("training.epochs=two", 'training.epochs must be a valid integer; got "two"'),
        ("model.encoder.dropout=1.5", "model.encoder.dropout must be less than 1; got 1.5"),
        ("data.boundary=words", "data.boundary must be 'word' or 'token'; got \"words\""),
        ("data.alignment=snap", "data.alignment must be 'report', 'expand', 'split' or 'characters'; got \"snap\""),
        ("data.train=''", 'data.train must have at least 1 character; got ""'),
        ("name=17", "name must be text; got 17, so put it in quotes"),
        ("data.overlap_tokens=254", "data.overlap_tokens: 254 leaves windows of 256 tokens"),
        ("model.encoder.hidden_size=33", "model.encoder.hidden_size: 33 does not divide into 2 heads"),
        ("model.head.head_size=5", "model.head.head_size: 5 is odd"),
    ],
)
def test_a_wrong_override_is_told_in_one_line(recipe_file: Path, override: str, message: str) -> None:
    (line,) = problems(recipe_file, override)
    assert line.startswith(f"override {override!r}: {message}")


def test_all_problems_of_a_file_are_told_at_once_with_their_lines(recipe_file: Path) -> None:
    wrong = RECIPE.replace("train: train.jsonl", "trian: train.jsonl").replace("hidden_size: 32", "hidden_size: big")
    recipe_file.write_text(wrong.replace("epochs: 2", "epoch: 2") + "extra: 1\n", "utf-8")
    assert problems(recipe_file, "training.batch_size=0") == [
        "small.yaml:2: data.train is missing; it is needed: File of training documents; "
        "a relative path is tried against several folders.",
        "small.yaml:3: unknown key data.trian; nearest valid key: data.train",
        'small.yaml:8: model.encoder.hidden_size must be a valid integer; got "big"',
        "override 'training.batch_size=0': training.batch_size must be a whole number of at least 1, or auto; got 0",
        "small.yaml:11: unknown key training.epoch; nearest valid key: training.epochs",
        "small.yaml:13: unknown key extra; valid keys of a recipe: name, description, data, model, training",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "small.yaml: not a recipe: it is empty"),
        (b"# only a comment\n", "small.yaml: not a recipe: it is empty"),
        (b"- 1\n", "small.yaml: not a recipe: it does not hold keys such as name, data and model"),
        (b"name: \xff\n", "small.yaml: byte 6 is not UTF-8; save the file as UTF-8"),
        (b"name: x\ndata: [\n", "small.yaml:3: not valid YAML"),
        (RECIPE.encode() + b"1: x\n", "small.yaml:13: not valid YAML: the key 1 is not text; put it in quotes"),
    ],
)
def test_a_file_that_is_no_recipe(recipe_file: Path, content: bytes, message: str) -> None:
    recipe_file.write_bytes(content)
    (line,) = problems(recipe_file)
    assert line.startswith(message)


@pytest.mark.parametrize("name", ["wnut", "configs/wnut71.yaml", "wnut17.yaml"])
def test_a_missing_recipe_names_the_nearest_and_all(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load_recipe(name)
    message, _, known = str(caught.value).partition("; recipes that come with globalner: ")
    assert message.endswith(f"{name!r} (did you mean wnut17?)")
    assert known.split(", ") == [*shipped_recipes(), *shipped_pretrain_recipes()]


def test_a_folder_is_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder"):
        load_recipe(tmp_path)


def test_a_name_prefers_the_shipped_recipe_and_a_path_the_file(
    recipe_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recipe_file.parent)
    recipe_file.rename("demo")
    assert load_recipe("demo").recipe.name == "demo"
    assert load_recipe("./demo").recipe.name == "small"
    assert load_recipe(Path("demo")).recipe.name == "small"


NATIVE = st.builds(
    NativeEncoderConfig,
    kind=st.just("native"),
    hidden_size=st.sampled_from([8, 64]),
    dropout=st.floats(0.0, 0.9),
    intermediate_size=st.none() | st.integers(1, 9),
)
TEXT = st.text(min_size=1)
PRETRAINED = st.builds(PretrainedEncoderConfig, kind=st.just("pretrained"), name=TEXT, revision=st.none() | TEXT)
RECIPES = st.builds(
    Recipe,
    name=TEXT,
    description=st.text(),
    data=st.builds(DataConfig, train=TEXT, dev=TEXT, test=st.none() | TEXT, format=TEXT),
    model=st.builds(ModelConfig, encoder=NATIVE | PRETRAINED),
    training=st.builds(TrainingConfig, epochs=st.integers(1), encoder_learning_rate=st.floats(1e-300, 1e300)),
)


@settings(max_examples=60, deadline=None)
@given(recipe=RECIPES)
def test_a_written_recipe_reads_back_equal(tmp_path_factory: pytest.TempPathFactory, recipe: Recipe) -> None:
    path = tmp_path_factory.mktemp("written") / "recipe.yaml"
    path.write_bytes(dump_recipe(recipe).encode())
    assert load_recipe(path).recipe == recipe
