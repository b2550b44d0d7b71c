"""What is wrong with a recipe, one readable line for each problem, all of them at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from globalner.config.keys import Section, dotted, kinds_of, nearest_key, sections_at
from globalner.config.yaml_text import KeyPath

__all__ = ["describe_problems"]

_LONGEST_VALUE_CHARS = 60


def describe_problems(
    error: ValidationError, mapping: Mapping[str, Any], place: Callable[[KeyPath], str], root: Section
) -> str:
    """One line for each problem.

    Args:
        error: What validation found.
        mapping: What was validated.
        place: Says where a key was given: file and line, or an override.
        root: The schema of the recipe.
    """
    lines = []
    for details in error.errors(include_url=False):
        path = _written_path(details, mapping)
        lines.append(f"{place(path)}: {_sentence(path, details, mapping, root)}")
    return "\n".join(dict.fromkeys(lines))


def _written_path(details: ErrorDetails, mapping: Mapping[str, Any]) -> KeyPath:
    """The path as the recipe has it: without the kind that validation adds where a kind chooses."""
    path: list[str | int] = []
    here: Any = mapping
    for part in details["loc"]:
        if isinstance(here, Mapping) and part not in here and here.get("kind") == part:
            continue
        path.append(part)
        here = here.get(part) if isinstance(here, Mapping) else None
    if details["type"] == "between_keys":
        path.extend(details["ctx"]["key"].split("."))
    elif details["type"] in ("union_tag_invalid", "union_tag_not_found"):
        path.append("kind")
    return tuple(path)


def _sentence(path: KeyPath, details: ErrorDetails, mapping: Mapping[str, Any], root: Section) -> str:
    key, value = dotted(path), details["input"]
    match details["type"]:
        case "extra_forbidden":
            return _unknown_key(path, mapping, root)
        case "missing":
            return f"{key} is missing; it is needed: {_description(path, root)}"
        case "between_keys":
            return f"{key}: {details['msg']}"
        case "union_tag_not_found":
            return f"{key} is missing; it must be {_kinds(path, root)}"
        case "union_tag_invalid":
            return f"{key} must be {_kinds(path, root)}; got {_shown(value.get('kind'))}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{key or 'a recipe'} must hold keys of its own; got {_shown(value)}"
        case "string_type":
            hint = ", so put it in quotes" if isinstance(value, bool | int | float) else ""
            return f"{key} must be text; got {_shown(value)}{hint}"
    return f"{key} {_rule(details)}; got {_shown(value)}{_nearest_choice(details)}"


def _nearest_choice(details: ErrorDetails) -> str:
    """The one of some fixed values that was probably meant."""
    if details["type"] != "literal_error" or not isinstance(details["input"], str):
        return ""
    choices = re.findall(r"'([^']*)'", details["ctx"]["expected"])
    near = get_close_matches(details["input"], choices, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def _unknown_key(path: KeyPath, mapping: Mapping[str, Any], root: Section) -> str:
    candidates = sections_at(path[:-1], root)
    kind = _at(path[:-1], mapping).get("kind")
    chosen = [section for section in candidates if kind in (kinds_of(section) or (kind,))] or list(candidates)
    for section in candidates:
        if section not in chosen and path[-1] in section.model_fields:
            owner = " or ".join(kinds_of(section))
            return f"{dotted(path)} is a key of kind: {owner}, but {dotted(path[:-1])}.kind is {kind}"
    siblings = [name for section in chosen for name in section.model_fields]
    if (nearest := nearest_key(path, siblings, root)) is not None:
        return f"unknown key {dotted(path)}; nearest valid key: {dotted(nearest)}"
    where = dotted(path[:-1]) or "a recipe"
    return f"unknown key {dotted(path)}; valid keys of {where}: {', '.join(siblings)}"


def _at(path: KeyPath, mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    here: Any = mapping
    for part in path:
        here = here[part]
    return here  # type: ignore[no-any-return]


def _kinds(path: KeyPath, root: Section) -> str:
    return " or ".join(f"'{kind}'" for section in sections_at(path[:-1], root) for kind in kinds_of(section))


def _description(path: KeyPath, root: Section) -> str:
    fields = [section.model_fields.get(str(path[-1])) for section in sections_at(path[:-1], root)]
    return next((field.description for field in fields if field is not None and field.description), "see the schema")


def _rule(details: ErrorDetails) -> str:
    """Validation's own sentence, turned to follow the name of a key."""
    return re.sub(r"^\w+ should", "must", details["msg"])


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE_CHARS else f"{text[:_LONGEST_VALUE_CHARS]}..."
