"""Every public module, class, function and method says what it is; an override may leave it to its base."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Iterator
from types import FunctionType, ModuleType

PACKAGES = ("globalner", "globalner_service")


def module_names() -> list[str]:
    """All modules of the two packages whose dotted name has no private part."""
    found = []
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        assert spec is not None, f"{package} is not installed"
        below = pkgutil.walk_packages(spec.submodule_search_locations, f"{package}.")
        found += [package, *(module.name for module in below)]
    return [name for name in found if not any(part.startswith("_") for part in name.split("."))]


def undocumented(module: ModuleType) -> Iterator[str]:
    """Dotted names of what a module defines in public without a docstring."""
    if not inspect.getdoc(module):
        yield module.__name__
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if isinstance(value, type):
            yield from (f"{module.__name__}.{name}{member}" for member in undocumented_members(value))
        elif isinstance(value, FunctionType) and not inspect.getdoc(value):
            yield f"{module.__name__}.{name}"


def undocumented_members(cls: type) -> Iterator[str]:
    if not cls.__doc__:
        yield ""
    for name, value in vars(cls).items():
        is_default = isinstance(value, FunctionType) and value.__qualname__ != f"{cls.__qualname__}.{name}"
        is_member = isinstance(value, FunctionType | classmethod | staticmethod | property) and not is_default
        if not name.startswith("_") and is_member and not inspect.getdoc(getattr(cls, name)):
            yield f".{name}"


def test_public_names_are_documented() -> None:
    assert [missing for name in module_names() for missing in undocumented(importlib.import_module(name))] == []


def test_a_missing_docstring_is_noticed() -> None:
    module = ModuleType("sample", "A module.")
    exec("def bare(): ...\nclass Bare:\n    def method(self): ...\n", vars(module))
    assert list(undocumented(module)) == ["sample.bare", "sample.Bare", "sample.Bare.method"]
