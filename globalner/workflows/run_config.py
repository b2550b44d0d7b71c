"""The recipe that a run keeps in its folder."""

from __future__ import annotations

from globalner.config import PretrainRecipe, Recipe, dump_recipe, load_any_recipe
from globalner.errors import OutputError
from globalner.training.run_folder import RunFolder

__all__ = ["keep_config"]


def keep_config(folder: RunFolder, recipe: Recipe | PretrainRecipe) -> None:
    """Writes the recipe in the folder of its run, or makes sure that a run that goes on is of the same one.

    Raises:
        OutputError: If the run is of another recipe; the message has every key that differs.
    """
    if not folder.config.is_file():
        folder.write_text(folder.config, dump_recipe(recipe))
        return
    before, now = _flat(load_any_recipe(folder.config).recipe.model_dump()), _flat(recipe.model_dump())
    changed = [f"{key}: {before.get(key)!r} is now {now.get(key)!r}" for key in now if before.get(key) != now[key]]
    if changed or before.keys() != now.keys():
        raise OutputError(
            f"{folder.path} holds a run of another recipe, so it cannot be resumed: {'; '.join(changed)}. "
            "Resume with the same recipe, or start over with --overwrite"
        )


def _flat(values: dict[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
