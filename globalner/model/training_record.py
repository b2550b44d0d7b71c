"""What a model card tells of a training: recipe, data and scores, without the paths of the machine it ran on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from globalner.config import Recipe
from globalner.config.yaml_text import dump_yaml
from globalner.evaluation import EvaluationResult
from globalner.types import Documents

__all__ = ["DataPart", "TrainingRecord", "training_record"]

_KEPT_OF_A_PATH = 2


@dataclass(frozen=True)
class DataPart:
    """One part of the data.

    Attributes:
        split: "train", "dev" or "test".
        file: Its file, as the recipe names it.
        documents: Number of documents.
        entities: Number of their gold entities.
    """

    split: str
    file: str
    documents: int
    entities: int


@dataclass(frozen=True)
class TrainingRecord:
    """What is known of a model's training; `training_record` makes it.

    Attributes:
        name: The recipe's name.
        recipe: The recipe as YAML.
        parts: The data.
        results: Scores of this very model, each with its split and mode; empty before it was scored.
    """

    name: str
    recipe: str
    parts: tuple[DataPart, ...]
    results: tuple[EvaluationResult, ...] = ()


def training_record(recipe: Recipe, documents: Mapping[str, Documents]) -> TrainingRecord:
    """A record without scores, in which no absolute path is left.

    Args:
        recipe: The recipe, best as it was written; of an absolute path only the last two components are kept.
        documents: What was read, by split.
    """
    shown = _without_folders(recipe.model_dump())
    parts = tuple(
        DataPart(split, shown["data"][split], len(read), sum(len(document.entities) for document in read))
        for split, read in documents.items()
    )
    return TrainingRecord(recipe.name, dump_yaml(shown), parts)


def _without_folders(value: object) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_folders(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_folders(inner) for inner in value]
    if isinstance(value, str) and Path(value).is_absolute():
        return "/".join(Path(value).parts[1:][-_KEPT_OF_A_PATH:])
    return value
