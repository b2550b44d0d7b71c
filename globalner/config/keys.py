"""The valid keys of a recipe, read from its schema: which there are at a place, and which is nearest to a typo."""

from __future__ import annotations

from difflib import get_close_matches
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from globalner.config.yaml_text import KeyPath

__all__ = ["Section", "all_keys", "dotted", "kinds_of", "nearest_key", "sections_at"]

Section = type[BaseModel]


def dotted(path: KeyPath) -> str:
    """A path as people write it: `training.epochs`."""
    return ".".join(str(part) for part in path)


def sections_at(path: KeyPath, root: Section) -> tuple[Section, ...]:
    """The sections that may stand at a path of a recipe: several where a `kind` chooses, none at a plain value.

    Args:
        path: The path.
        root: The schema of the recipe.
    """
    sections: tuple[Section, ...] = (root,)
    for part in path:
        fields = [section.model_fields.get(str(part)) for section in sections]
        sections = tuple(inner for field in fields if field is not None for inner in _sections_in(field))
    return sections


def kinds_of(section: Section) -> tuple[str, ...]:
    """The values of `kind` that choose a section; none for one that needs no choice."""
    field = section.model_fields.get("kind")
    return tuple(str(kind) for kind in get_args(field.annotation)) if field is not None else ()


def all_keys(root: Section, path: KeyPath = ()) -> list[KeyPath]:
    """Every key of a recipe below a path, those of every kind included."""
    names = dict.fromkeys(name for section in sections_at(path, root) for name in section.model_fields)
    return [key for name in names for key in ((*path, name), *all_keys(root, (*path, name)))]


def nearest_key(path: KeyPath, siblings: list[str], root: Section) -> KeyPath | None:
    """The valid key that an unknown one was probably meant to be.

    Args:
        path: The unknown key.
        siblings: Valid keys of the section that it stands in; they are preferred.
        root: The schema of the recipe.
    """
    unknown = str(path[-1])
    if match := get_close_matches(unknown, siblings, n=1):
        return (*path[:-1], match[0])
    keys = all_keys(root)
    by_name = {str(key[-1]): key for key in reversed(keys)}
    by_path = {dotted(key): key for key in keys if key != path[: len(key)]}
    if match := get_close_matches(unknown, by_name, n=1, cutoff=0.8):
        return by_name[match[0]]
    match = get_close_matches(dotted(path), by_path, n=1, cutoff=0.8)
    return by_path[match[0]] if match else None


def _sections_in(field: FieldInfo) -> list[Section]:
    choices = get_args(field.annotation) or (field.annotation,)
    return [choice for choice in choices if isinstance(choice, type) and issubclass(choice, BaseModel)]
