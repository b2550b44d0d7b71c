"""What a recipe may say: defaults, limits, keys that depend on each other, and the schema for editors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from globalner.config import (
    DataConfig,
    HeadConfig,
    NativeEncoderConfig,
    PretrainedEncoderConfig,
    Recipe,
    TrainingConfig,
    recipe_schema,
)

SMALLEST: dict[str, Any] = {
    "name": "x",
    "data": {"train": "a", "dev": "b"},
    "model": {"encoder": {"kind": "pretrained", "name": "m"}},
}


def test_defaults() -> None:
    recipe = Recipe.model_validate(SMALLEST)
    assert (recipe.data.test, recipe.data.format, recipe.data.boundary) == (None, "auto", "word")
    assert (recipe.data.window_tokens, recipe.data.overlap_tokens) == (256, 64)
    assert recipe.model.encoder == PretrainedEncoderConfig(kind="pretrained", name="m")
    assert recipe.model.head == HeadConfig(kind="efficient_global_pointer", head_size=64, rotary=True, dropout=0.0)
    assert recipe.training == TrainingConfig(epochs=5, batch_size="auto", encoder_learning_rate=2e-5, seed=0)


def test_options_of_the_format_become_text() -> None:
    options = {"scheme": "BIO", "layers": 2, "whole_file": True, "tag_columns": [2, 3]}
    data = DataConfig.model_validate({"train": "a", "dev": "b", "format_options": options})
    assert data.format_options == {"scheme": "BIO", "layers": "2", "whole_file": "true", "tag_columns": "2,3"}
    for value in ([1.5], {"a": 1}, None, "scheme=BIO"):
        wrong = value if isinstance(value, str) else {"scheme": value}
        with pytest.raises(ValidationError):
            DataConfig.model_validate({"train": "a", "dev": "b", "format_options": wrong})


def test_recipes_cannot_be_changed() -> None:
    recipe = Recipe.model_validate(SMALLEST)
    with pytest.raises(ValidationError, match="frozen"):
        recipe.training.epochs = 7


@pytest.mark.parametrize(("window", "overlap", "good"), [(8, 5, True), (8, 6, False), (7, 0, False), (256, -1, False)])
def test_windows_must_advance(window: int, overlap: int, good: bool) -> None:
    data = {"train": "a", "dev": "b", "window_tokens": window, "overlap_tokens": overlap}
    if good:
        assert DataConfig.model_validate(data).overlap_tokens == overlap
    else:
        with pytest.raises(ValidationError):
            DataConfig.model_validate(data)


@pytest.mark.parametrize(("hidden_size", "num_heads", "good"), [(192, 4, True), (192, 5, False), (12, 4, False)])
def test_native_heads_have_an_even_width(hidden_size: int, num_heads: int, good: bool) -> None:
    if good:
        NativeEncoderConfig(kind="native", hidden_size=hidden_size, num_heads=num_heads)
    else:
        with pytest.raises(ValidationError, match=f"use a multiple of {2 * num_heads}"):
            NativeEncoderConfig(kind="native", hidden_size=hidden_size, num_heads=num_heads)


def test_odd_head_size_only_without_rotary() -> None:
    assert HeadConfig(head_size=63, rotary=False).head_size == 63
    with pytest.raises(ValidationError, match="63 is odd"):
        HeadConfig(head_size=63)


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"epochs": 1.0},
        {"epochs": "1"},
        {"epochs": True},
        {"batch_size": 0},
        {"encoder_learning_rate": 0.0},
        {"encoder_learning_rate": float("inf")},
        {"head_learning_rate": float("nan")},
        {"weight_decay": -0.1},
        {"warmup_fraction": 1.1},
        {"clip_norm": 0.0},
        {"precision": "fp8"},
        {"seed": -1},
        {"max_span_tokens": 0},
        {"learning_rate": 1.0},
    ],
    ids=str,
)
def test_training_values_out_of_range(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TrainingConfig.model_validate(wrong)


def sections(model: type[BaseModel] = Recipe) -> Iterator[type[BaseModel]]:
    yield model
    yield from (DataConfig, HeadConfig, TrainingConfig, NativeEncoderConfig, PretrainedEncoderConfig)


def test_every_key_is_described() -> None:
    bare = [
        f"{section.__name__}.{name}"
        for section in sections()
        for name, field in section.model_fields.items()
        if not field.description
    ]
    assert bare == []


def test_schema_has_limits_meaning_and_kinds() -> None:
    schema = recipe_schema()
    definitions = schema["$defs"]
    assert isinstance(definitions, Mapping)
    assert definitions["TrainingConfig"]["properties"]["epochs"]["minimum"] == 1
    assert definitions["TrainingConfig"]["additionalProperties"] is False
    encoder = definitions["ModelConfig"]["properties"]["encoder"]
    assert set(encoder["discriminator"]["mapping"]) == {"pretrained", "native"}
