"""Where the data of a recipe lies: relative paths are tried against several folders."""

from __future__ import annotations

import re
from pathlib import Path

from globalner.config.load import LoadedRecipe
from globalner.config.schema import Recipe
from globalner.errors import ConfigError

__all__ = ["DATA_SPLITS", "resolve_data_path", "resolve_recipe_data", "split_records"]

DATA_SPLITS = ("train", "dev", "test")
"""The keys of `data` that are paths."""

_RECORDS = re.compile(r"(?P<path>.+)\[(?P<begin>[0-9]{0,18}):(?P<end>[0-9]{0,18})\]")
_MEANT_AS_RECORDS = re.compile(r".+\[(?:[^\[\]]*:[^\[\]]*|[-+ 0-9]*)\]")


def split_records(value: str) -> tuple[str, slice]:
    """A data path and the records of it that are meant: `file.jsonl[100:200]` is 100 up to and without 200.

    Args:
        value: The path as the recipe has it; either side of the colon may be left out, and the whole bracket.

    Returns:
        The path without the bracket, and the records, counted from 0; all of them where there is no bracket.

    Raises:
        ConfigError: If the bracket takes no record, or is not of the form `[a:b]` with numbers from 0.
    """
    match = _RECORDS.fullmatch(value)
    if match is None:
        if _MEANT_AS_RECORDS.fullmatch(value):
            raise ConfigError(
                f"{value!r} does not say which records to take: write FILE[a:b], whole numbers counted from 0, the "
                "end exclusive; leave a or b out for the start or the end of the file"
            )
        return value, slice(0, None)
    begin, end = int(match["begin"] or 0), int(match["end"]) if match["end"] else None
    if end is not None and end <= begin:
        raise ConfigError(f"{value!r} takes no record: the end is exclusive, so it must be above {begin}")
    return match["path"], slice(begin, end)


def resolve_data_path(value: str, *, recipe_folder: Path, data_dir: Path | None = None) -> str:
    """The file or folder that a data path means.

    Args:
        value: The path as the recipe has it, perhaps with records behind it (`split_records`). A relative one is
            tried against `recipe_folder`, the working directory and `data_dir`, in this order.
        recipe_folder: Folder of the recipe file.
        data_dir: Where the user keeps data sets, if anywhere.

    Returns:
        An absolute path to something that exists, with the records of it that are meant, as they were written.

    Raises:
        ConfigError: If nothing is there; the message lists the places that were tried.
    """
    folders = [recipe_folder, Path.cwd(), *([data_dir] if data_dir is not None else [])]
    path = split_records(value)[0]
    written = Path(path).expanduser()
    places = list(dict.fromkeys((folder / written).resolve() for folder in folders))
    for place in places:
        if place.exists():
            return str(place) + value[len(path) :]
    tried = ", ".join(str(place) for place in places)
    hint = (
        "" if written.is_absolute() or data_dir is not None else "; name the folder of your data sets with --data-dir"
    )
    raise ConfigError(f"nothing found at {path!r}; tried: {tried}{hint}")


def resolve_recipe_data(loaded: LoadedRecipe, *, data_dir: Path | None = None) -> Recipe:
    """The recipe with its data paths made absolute: it then means the same wherever it is written.

    Args:
        loaded: A recipe and its place.
        data_dir: Where the user keeps data sets, if anywhere.

    Raises:
        ConfigError: If a data path leads nowhere; the message has a line for each.
    """
    found: dict[str, str] = {}
    problems = []
    for split in DATA_SPLITS:
        value = getattr(loaded.recipe.data, split)
        if value is None:
            continue
        try:
            found[split] = resolve_data_path(value, recipe_folder=loaded.folder, data_dir=data_dir)
        except ConfigError as error:
            problems.append(f"{loaded.source}: data.{split}: {error}")
    if problems:
        raise ConfigError("\n".join(problems))
    return loaded.recipe.model_copy(update={"data": loaded.recipe.data.model_copy(update=found)})
