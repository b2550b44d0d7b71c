"""Recipes: typed YAML, dotted overrides, and where the files that travel with the program lie. No torch."""

from __future__ import annotations

from globalner.config.copying import copy_recipe
from globalner.config.load import LoadedRecipe, dump_recipe, find_recipe, load_recipe, read_recipe_text
from globalner.config.native_encoder import NativeEncoderConfig
from globalner.config.native_presets import NATIVE_PRESETS
from globalner.config.overrides import apply_overrides
from globalner.config.paths import (
    DATA_SPLITS,
    resolve_data_path,
    resolve_model_path,
    resolve_recipe_data,
    split_records,
)
from globalner.config.resources import resource_folder, shipped_recipes
from globalner.config.schema import (
    DataConfig,
    EncoderConfig,
    HeadConfig,
    LoraConfig,
    ModelConfig,
    PretrainedEncoderConfig,
    Recipe,
    TrainingConfig,
    recipe_schema,
)

__all__ = [
    "DATA_SPLITS",
    "NATIVE_PRESETS",
    "DataConfig",
    "EncoderConfig",
    "HeadConfig",
    "LoadedRecipe",
    "LoraConfig",
    "ModelConfig",
    "NativeEncoderConfig",
    "PretrainedEncoderConfig",
    "Recipe",
    "TrainingConfig",
    "apply_overrides",
    "copy_recipe",
    "dump_recipe",
    "find_recipe",
    "load_recipe",
    "read_recipe_text",
    "recipe_schema",
    "resolve_data_path",
    "resolve_model_path",
    "resolve_recipe_data",
    "resource_folder",
    "shipped_recipes",
    "split_records",
]
