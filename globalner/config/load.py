"""From a recipe file, or the name of a shipped one, to a checked recipe; and back to YAML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import ValidationError

from globalner.config.overrides import Override, apply_overrides, parse_override
from globalner.config.pretrain_schema import PretrainRecipe
from globalner.config.problems import describe_problems
from globalner.config.resources import shipped_pretrain_recipes, shipped_recipes
from globalner.config.schema import Recipe
from globalner.config.yaml_text import KeyPath, YamlText, dump_yaml, parse_yaml
from globalner.errors import ConfigError

__all__ = [
    "LoadedRecipe",
    "dump_recipe",
    "find_recipe",
    "load_any_recipe",
    "load_pretrain_recipe",
    "load_recipe",
    "read_recipe_text",
]

_SUFFIXES = (".yaml", ".yml")
_PRETRAIN_KIND = "pretrain"


RecipeT = TypeVar("RecipeT", Recipe, PretrainRecipe, covariant=True)


@dataclass(frozen=True)
class LoadedRecipe(Generic[RecipeT]):
    """A recipe and where it came from.

    Attributes:
        recipe: The recipe, overrides applied.
        path: Its file.
        source: What the user called it: a name or a path.
    """

    recipe: RecipeT
    path: Path
    source: str

    @property
    def folder(self) -> Path:
        """The folder of the file, against which its relative data paths are tried first."""
        return self.path.parent


def find_recipe(name_or_path: str | Path) -> Path:
    """The file of a recipe.

    Args:
        name_or_path: A bare name (`demo`), as a string, means a recipe that comes with globalner; anything else is
            a file.

    Raises:
        ConfigError: If there is none; the message lists those that come with globalner.
    """
    written = str(name_or_path)
    shipped = shipped_recipes() | shipped_pretrain_recipes()
    bare = isinstance(name_or_path, str) and Path(written).name == written and Path(written).suffix not in _SUFFIXES
    if bare and written in shipped:
        return shipped[written]
    if Path(written).is_file():
        return Path(written)
    if Path(written).is_dir():
        raise ConfigError(f"{written} is a folder; name the recipe file inside it")
    near = get_close_matches(Path(written).stem, shipped, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    what = "recipe" if bare else "recipe file"
    raise ConfigError(f"there is no {what} {written!r}{hint}; recipes that come with globalner: {', '.join(shipped)}")


def load_recipe(name_or_path: str | Path, overrides: Sequence[str] = ()) -> LoadedRecipe[Recipe]:
    """Reads and checks a recipe of `globalner train`.

    Args:
        name_or_path: A file, or the name of a recipe that comes with globalner.
        overrides: Changes such as `training.epochs=3`.

    Raises:
        ConfigError: If there is no such recipe, it is not YAML, it is one for pretraining, or it or an override says
            what a recipe may not say. All problems are in the message, a line each, with file and line or the override.
    """
    written = _read(name_or_path)
    if written.is_for_pretraining:
        raise ConfigError(f"{written.path} is a recipe for pretraining: `globalner pretrain` takes it")
    return _loaded(Recipe, written, overrides)


def load_pretrain_recipe(name_or_path: str | Path, overrides: Sequence[str] = ()) -> LoadedRecipe[PretrainRecipe]:
    """Reads and checks a recipe of `globalner pretrain`; see `load_recipe`.

    Raises:
        ConfigError: As `load_recipe`, and for a recipe that does not say `kind: pretrain`.
    """
    written = _read(name_or_path)
    if not written.is_for_pretraining:
        raise ConfigError(
            f"{written.path} is no recipe for pretraining, which says `kind: pretrain`; "
            "`globalner train` takes the others"
        )
    return _loaded(PretrainRecipe, written, overrides)


def load_any_recipe(
    name_or_path: str | Path, overrides: Sequence[str] = ()
) -> LoadedRecipe[Recipe] | LoadedRecipe[PretrainRecipe]:
    """Reads and checks a recipe of either kind, as it says itself; see `load_recipe`."""
    written = _read(name_or_path)
    if written.is_for_pretraining:
        return _loaded(PretrainRecipe, written, overrides)
    return _loaded(Recipe, written, overrides)


def read_recipe_text(path: Path) -> str:
    """The text of a recipe file.

    Raises:
        ConfigError: If it cannot be read or is not UTF-8.
    """
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def dump_recipe(recipe: Recipe | PretrainRecipe) -> str:
    """The recipe as YAML, every key written out; reading it gives an equal recipe."""
    return dump_yaml(recipe.model_dump())


@dataclass(frozen=True)
class _Written:
    """A recipe file as it was written."""

    source: str
    path: Path
    parsed: YamlText

    @property
    def is_for_pretraining(self) -> bool:
        return bool(self.parsed.value.get("kind") == _PRETRAIN_KIND)


def _read(name_or_path: str | Path) -> _Written:
    path = find_recipe(name_or_path)
    parsed = parse_yaml(read_recipe_text(path), source=str(path))
    if not isinstance(parsed.value, dict):
        found = "is empty" if parsed.value is None else "does not hold keys such as name, data and model"
        raise ConfigError(f"{path}: not a recipe: it {found}")
    return _Written(str(name_or_path), path, parsed)


@dataclass(frozen=True)
class _Places:
    path: Path
    parsed: YamlText
    overrides: tuple[Override, ...]

    def __call__(self, key: KeyPath) -> str:
        for override in reversed(self.overrides):
            if key[: len(override.path)] == override.path:
                return f"override {override.text!r}"
        if key not in self.parsed.lines:
            for override in self.overrides:
                if override.path[: len(key)] == key:
                    return f"override {override.text!r}"
        for length in range(len(key), 0, -1):
            if (line := self.parsed.lines.get(key[:length])) is not None:
                return f"{self.path}:{line}"
        return str(self.path)


def _loaded(schema: type[RecipeT], written: _Written, overrides: Sequence[str]) -> LoadedRecipe[RecipeT]:
    mapping = apply_overrides(written.parsed.value, overrides, schema)
    places = _Places(written.path, written.parsed, tuple(parse_override(text) for text in overrides))
    try:
        recipe = schema.model_validate(mapping)
    except ValidationError as error:
        raise ConfigError(describe_problems(error, mapping, places, schema)) from error
    return LoadedRecipe(recipe, written.path, written.source)
