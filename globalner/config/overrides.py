"""Changes to a recipe from the command line: `training.epochs=3`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from globalner.config.keys import Section, dotted, kinds_of, sections_at
from globalner.config.schema import Recipe
from globalner.config.yaml_text import parse_yaml
from globalner.errors import ConfigError

__all__ = ["Override", "apply_overrides", "parse_override"]


@dataclass(frozen=True)
class Override:
    """One change.

    Attributes:
        text: As written.
        path: The key, part by part.
        value: What it is set to.
    """

    text: str
    path: tuple[str, ...]
    value: Any


def parse_override(text: str) -> Override:
    """Reads `a.b=value`; the value is YAML, so `null`, `1e-4` and `[1, 2]` mean what they mean in a recipe.

    Raises:
        ConfigError: If there is no `=`, a part of the key is empty, or the value is not YAML.
    """
    key, equals, value = text.partition("=")
    path = tuple(part.strip() for part in key.split("."))
    if not equals or not all(path):
        raise ConfigError(f"override {text!r} is not of the form key.key=value; for example: training.epochs=3")
    return Override(text, path, parse_yaml(value, source=f"override {text!r}").value)


def apply_overrides(mapping: Mapping[str, Any], overrides: Sequence[str], root: Section = Recipe) -> dict[str, Any]:
    """A recipe's mapping with changes made, in order; the given mapping stays as it is.

    A change of `model.encoder.kind` also drops those keys of the mapping that the new kind does not have. Keys that
    overrides set are never dropped, whatever their order.

    Args:
        mapping: Content of a recipe file.
        overrides: Texts such as `training.epochs=3`.
        root: The schema of the recipe.

    Raises:
        ConfigError: If an override cannot be read, or goes through a key that holds a plain value.
    """
    changed = deepcopy(dict(mapping))
    parsed = [parse_override(text) for text in overrides]
    for override in parsed:
        if override.path[-1] == "kind":
            _drop_keys_of_other_kinds(changed, override, root)
    for override in parsed:
        _assign(changed, override)
    return changed


def _drop_keys_of_other_kinds(mapping: dict[str, Any], override: Override, root: Section) -> None:
    section: Any = mapping
    for part in override.path[:-1]:
        section = section.get(part) if isinstance(section, dict) else None
    choices = sections_at(override.path[:-1], root)
    chosen = [choice for choice in choices if override.value in kinds_of(choice)]
    if not isinstance(section, dict) or len(choices) < 2 or not chosen or section.get("kind") == override.value:
        return
    for key in [key for key in section if key not in chosen[0].model_fields]:
        del section[key]


def _assign(mapping: dict[str, Any], override: Override) -> None:
    section = mapping
    for depth, part in enumerate(override.path[:-1], start=1):
        if section.get(part) is None:
            section[part] = {}
        if not isinstance(section[part], dict):
            raise ConfigError(
                f"override {override.text!r}: {dotted(override.path[:depth])} holds the value {section[part]!r}, "
                f"so there is no {dotted(override.path)}"
            )
        section = section[part]
    section[override.path[-1]] = override.value
