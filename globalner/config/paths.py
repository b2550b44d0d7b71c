"""Where the files that a recipe names lie: relative paths are tried against several folders."""

from __future__ import annotations

import re
from pathlib import Path

from globalner.config.load import LoadedRecipe
from globalner.config.pretrain_schema import PretrainRecipe
from globalner.config.schema import Recipe
from globalner.errors import ConfigError

__all__ = [
    "DATA_SPLITS",
    "PRETRAIN_SPLITS",
    "data_files",
    "resolve_any_data",
    "resolve_data_path",
    "resolve_model_path",
    "resolve_pretrain_data",
    "resolve_recipe_data",
    "split_records",
]

DATA_SPLITS = ("train", "dev", "test")
"""The keys of `data` that are paths."""

PRETRAIN_SPLITS = ("train", "heldout")
"""The keys of `data` that are lists of paths in a recipe for pretraining."""

_HUB_NAME = re.compile(r"^\w[\w.-]*/[\w.-]+$")
_HUB_DATA = "hub:"  # how names of data on a hub begin, which the format datasets reads
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
        An absolute path to something that exists, with the records of it that are meant, as they were written; the
        name of data on a hub (hub:NAME:SPLIT) as it is.

    Raises:
        ConfigError: If nothing is there; the message lists the places that were tried.
    """
    path = split_records(value)[0]
    if path.startswith(_HUB_DATA):
        return value
    places = _places(path, recipe_folder, data_dir)
    if (there := _first_there(places)) is not None:
        return there + value[len(path) :]
    absolute = Path(path).expanduser().is_absolute()
    hint = "" if absolute or data_dir is not None else "; name the folder of your data sets with --data-dir"
    raise ConfigError(f"nothing found at {path!r}; tried: {', '.join(map(str, places))}{hint}")


def resolve_model_path(value: str, *, recipe_folder: Path, data_dir: Path | None = None) -> str:
    """The model folder that `model.init_from` means, tried like a data path; a name of a hub where there is none.

    Args:
        value: The path or name as the recipe has it.
        recipe_folder: Folder of the recipe file.
        data_dir: Where the user keeps data sets, if anywhere.

    Returns:
        An absolute path to something that exists, or the name as it is.

    Raises:
        ConfigError: If nothing is there and it cannot be a name; the message lists the places that were tried.
    """
    places = _places(value, recipe_folder, data_dir)
    if (there := _first_there(places)) is not None:
        return there
    if _HUB_NAME.match(value):
        return value
    tried = ", ".join(map(str, places))
    raise ConfigError(f"no model at {value!r}, which is no hub name (owner/name) either; tried: {tried}")


def resolve_recipe_data(loaded: LoadedRecipe[Recipe], *, data_dir: Path | None = None) -> Recipe:
    """The recipe with its paths of data and model made absolute: it then means the same wherever it is written.

    Args:
        loaded: A recipe and its place.
        data_dir: Where the user keeps data sets, if anywhere.

    Raises:
        ConfigError: If a path leads nowhere; the message has a line for each.
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
    model = loaded.recipe.model
    if model.init_from is not None:
        try:
            start = resolve_model_path(model.init_from, recipe_folder=loaded.folder, data_dir=data_dir)
            model = model.model_copy(update={"init_from": start})
        except ConfigError as error:
            problems.append(f"{loaded.source}: model.init_from: {error}")
    if problems:
        raise ConfigError("\n".join(problems))
    return loaded.recipe.model_copy(update={"data": loaded.recipe.data.model_copy(update=found), "model": model})


def resolve_pretrain_data(loaded: LoadedRecipe[PretrainRecipe], *, data_dir: Path | None = None) -> PretrainRecipe:
    """The recipe for pretraining with the paths of its texts made absolute.

    Args:
        loaded: A recipe and its place.
        data_dir: Where the user keeps data sets, if anywhere.

    Raises:
        ConfigError: If a path leads nowhere; the message has a line for each.
    """
    found: dict[str, list[str]] = {split: [] for split in PRETRAIN_SPLITS}
    problems = []
    for split in PRETRAIN_SPLITS:
        for value in getattr(loaded.recipe.data, split):
            try:
                found[split].append(resolve_data_path(value, recipe_folder=loaded.folder, data_dir=data_dir))
            except ConfigError as error:
                problems.append(f"{loaded.source}: data.{split}: {error}")
    if problems:
        raise ConfigError("\n".join(problems))
    return loaded.recipe.model_copy(update={"data": loaded.recipe.data.model_copy(update=found)})


def resolve_any_data(
    loaded: LoadedRecipe[Recipe] | LoadedRecipe[PretrainRecipe], *, data_dir: Path | None = None
) -> Recipe | PretrainRecipe:
    """The recipe of either kind with its paths made absolute; see `resolve_recipe_data`."""
    recipe, place = loaded.recipe, (loaded.path, loaded.source)
    if isinstance(recipe, PretrainRecipe):
        return resolve_pretrain_data(LoadedRecipe(recipe, *place), data_dir=data_dir)
    return resolve_recipe_data(LoadedRecipe(recipe, *place), data_dir=data_dir)


def data_files(recipe: Recipe | PretrainRecipe) -> list[tuple[str, str]]:
    """The key of `data` and the path of each file that a recipe names."""
    if isinstance(recipe, PretrainRecipe):
        return [(split, path) for split in PRETRAIN_SPLITS for path in getattr(recipe.data, split)]
    return [(split, path) for split in DATA_SPLITS if (path := getattr(recipe.data, split)) is not None]


def _places(path: str, recipe_folder: Path, data_dir: Path | None) -> list[Path]:
    folders = [recipe_folder, Path.cwd(), *([data_dir] if data_dir is not None else [])]
    return list(dict.fromkeys((folder / Path(path).expanduser()).resolve() for folder in folders))


def _first_there(places: list[Path]) -> str | None:
    return next((str(place) for place in places if place.exists()), None)
