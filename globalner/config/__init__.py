"""Recipes: typed YAML, dotted overrides, and where the files that travel with the program lie. No torch."""

from __future__ import annotations

from globalner.config.catalog import dump_card, load_card, read_card, shipped_cards
from globalner.config.copying import copy_recipe
from globalner.config.data_card import ARCHIVE_SUFFIXES, CardFile, DataCard, FileCheck
from globalner.config.load import (
    LoadedRecipe,
    dump_recipe,
    find_recipe,
    load_any_recipe,
    load_pretrain_recipe,
    load_recipe,
    read_recipe_text,
)
from globalner.config.native_encoder import NativeEncoderConfig, NativeShapeConfig
from globalner.config.native_presets import NATIVE_PRESETS
from globalner.config.overrides import apply_overrides
from globalner.config.paths import (
    DATA_SPLITS,
    PRETRAIN_SPLITS,
    data_files,
    resolve_any_data,
    resolve_data_path,
    resolve_model_path,
    resolve_pretrain_data,
    resolve_recipe_data,
    split_records,
)
from globalner.config.pretrain_schema import (
    CharacterTokenizerConfig,
    GivenTokenizerConfig,
    MaskedModelConfig,
    PieceTokenizerConfig,
    PretrainRecipe,
    TokenizerConfig,
    pretrain_recipe_schema,
)
from globalner.config.resources import resource_folder, shipped_pretrain_recipes, shipped_recipes
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
    "ARCHIVE_SUFFIXES",
    "DATA_SPLITS",
    "NATIVE_PRESETS",
    "PRETRAIN_SPLITS",
    "CardFile",
    "CharacterTokenizerConfig",
    "DataCard",
    "DataConfig",
    "EncoderConfig",
    "FileCheck",
    "GivenTokenizerConfig",
    "HeadConfig",
    "LoadedRecipe",
    "LoraConfig",
    "MaskedModelConfig",
    "ModelConfig",
    "NativeEncoderConfig",
    "NativeShapeConfig",
    "PieceTokenizerConfig",
    "PretrainRecipe",
    "PretrainedEncoderConfig",
    "Recipe",
    "TokenizerConfig",
    "TrainingConfig",
    "apply_overrides",
    "copy_recipe",
    "data_files",
    "dump_card",
    "dump_recipe",
    "find_recipe",
    "load_any_recipe",
    "load_card",
    "load_pretrain_recipe",
    "load_recipe",
    "pretrain_recipe_schema",
    "read_card",
    "read_recipe_text",
    "recipe_schema",
    "resolve_any_data",
    "resolve_data_path",
    "resolve_model_path",
    "resolve_pretrain_data",
    "resolve_recipe_data",
    "resource_folder",
    "shipped_cards",
    "shipped_pretrain_recipes",
    "shipped_recipes",
    "split_records",
]
