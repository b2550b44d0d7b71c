"""What travels with the program: recipes, catalogue and demo set, found in an installed wheel or in a source tree."""

from __future__ import annotations

from pathlib import Path

from globalner.errors import ConfigError

__all__ = ["resource_folder", "shipped_pretrain_recipes", "shipped_recipes"]

_PRETRAIN = "pretrain_"
_PACKAGE = Path(__file__).resolve().parent.parent


def resource_folder(name: str) -> Path:
    """The folder of a resource.

    Args:
        name: Its path from the root of the source tree: "configs", "datasets/demo".

    Raises:
        ConfigError: If this installation lacks it.
    """
    carried, source_tree = _PACKAGE / "_resources", _PACKAGE.parent
    if (carried / name).is_dir():
        return carried / name
    # In site-packages a folder of that name may belong to somebody else.
    if (source_tree / "pyproject.toml").is_file() and (source_tree / name).is_dir():
        return source_tree / name
    raise ConfigError(f"this installation of globalner lacks its folder {name!r} ({carried / name}); install it again")


def shipped_recipes() -> dict[str, Path]:
    """The recipes of `globalner train` that come with globalner: name to file, in alphabetical order."""
    return {path.stem: path for path in _recipe_files() if not path.stem.startswith(_PRETRAIN)}


def shipped_pretrain_recipes() -> dict[str, Path]:
    """The recipes of `globalner pretrain` that come with globalner: name to file, in alphabetical order."""
    return {path.stem: path for path in _recipe_files() if path.stem.startswith(_PRETRAIN)}


def _recipe_files() -> list[Path]:
    return sorted(resource_folder("configs").glob("*.yaml"))
