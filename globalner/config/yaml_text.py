"""YAML as recipes use it: the scalars of YAML 1.2, no key twice, and the line of every key remembered.

PyYAML follows YAML 1.1, where `1e-4` is a string, `no` is false and `1:30` is ninety. Here `1e-4` is a number, and
only `true` and `false` are booleans.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import yaml

from globalner.errors import ConfigError

__all__ = ["KeyPath", "YamlText", "dump_yaml", "parse_yaml"]

KeyPath = tuple[str | int, ...]
"""Where a value stands: keys of mappings and, counted from 0, places in lists."""

_TEXT = "tag:yaml.org,2002:str"
_ODD_LINE_ENDS = frozenset("\x85\u2028\u2029\ufeff")
_FINITE = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
_SCALARS = (  # tag, pattern of the whole scalar, its possible first characters
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", rf"{_FINITE}|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", list("-+0123456789.")),
)


@dataclass(frozen=True)
class YamlText:
    """A parsed text.

    Attributes:
        value: Its content: mappings, lists, strings, numbers, booleans and None.
        lines: Line of each key and list item, counted from 1.
        spans: For each scalar, its first character and one past its last (**exclusive**) in the text.
    """

    value: Any
    lines: dict[KeyPath, int] = field(default_factory=dict)
    spans: dict[KeyPath, tuple[int, int]] = field(default_factory=dict)


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[str, int] = {}
        for key, _ in node.value:
            problem = None
            if key.tag != _TEXT:
                shown = f"the key {key.value}" if isinstance(key, yaml.ScalarNode) else "this key"
                problem = f"{shown} is not text; put it in quotes"
            elif key.value in seen:
                problem = f"the key {key.value!r} stands in line {seen[key.value]} already"
            if problem is not None:
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen[key.value] = key.start_mark.line + 1
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Quotes what either version of YAML would take for something else than a string."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """A string; one with an unusual line end stands in double quotes, where it is escaped and so kept."""
        return self.represent_scalar(_TEXT, text, style='"' if _ODD_LINE_ENDS & set(text) else None)


_Dumper.add_representer(str, _Dumper.represent_text)


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in _SCALARS:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), _first)


def parse_yaml(text: str, *, source: str) -> YamlText:
    """Parses a text.

    Args:
        text: The YAML.
        source: What the text is called in messages: a file, or an override.

    Raises:
        ConfigError: If it is not YAML, with the line, or gives a key twice.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        parsed = YamlText(None if node is None else loader.construct_document(node))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(_readable(error, text, source)) from error
    if node is not None:
        _remember_places(node, (), parsed, set())
    return parsed


def dump_yaml(value: object) -> str:
    """A text that `parse_yaml` reads back as the same value; keys keep their order."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def _remember_places(node: yaml.Node, path: KeyPath, parsed: YamlText, above: set[int]) -> None:
    if id(node) in above:  # an alias of a mapping that holds it
        return
    parsed.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            parsed.lines[(*path, key.value)] = key.start_mark.line + 1
            _remember_places(value, (*path, key.value), parsed, above | {id(node)})
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _remember_places(value, (*path, index), parsed, above | {id(node)})
    else:
        parsed.spans[path] = (node.start_mark.index, node.end_mark.index)


def _readable(error: Exception, text: str, source: str) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and (mark := error.problem_mark or error.context_mark) is not None:
        context = f"{error.context}: " if error.context else ""
        place = f"{source}:{mark.line + 1}" if "\n" in text else source
        return f"{place}: not valid YAML: {context}{error.problem} (column {mark.column + 1})"
    return f"{source}: not valid YAML: {' '.join(str(error).split())}"
