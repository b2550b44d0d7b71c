"""`globalner config`: the recipes that come with globalner, and checks of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from globalner.cli.console import Console
from globalner.cli.shared_options import DataDir, Debug, Json, Overrides, Quiet, RecipeName, examples, verb_app

__all__ = ["app"]

app = verb_app("List, show, copy and check recipes.", examples("globalner config list", "globalner config copy demo"))


@app.command("list", epilog=examples("globalner config list"))
def list_recipes(json: Json = False, quiet: Quiet = False, debug: Debug = False) -> None:
    """List the recipes that come with globalner: those of `train`, then those of `pretrain`."""
    from globalner.config import load_any_recipe, shipped_pretrain_recipes, shipped_recipes

    console = Console(quiet=quiet, debug=debug)
    shipped = {"train": shipped_recipes(), "pretrain": shipped_pretrain_recipes()}
    found = [
        {"name": name, "verb": verb, "description": load_any_recipe(path).recipe.description, "path": str(path)}
        for verb, recipes in shipped.items()
        for name, path in recipes.items()
    ]
    if json:
        console.json(found)
        return
    widest = max(len(entry["name"]) for entry in found)
    for entry in found:
        console.result(f"{entry['name']:<{widest}}  {entry['description']}")


@app.command("show", epilog=examples("globalner config show demo", "globalner config show demo --json"))
def show(name: RecipeName, json: Json = False, quiet: Quiet = False, debug: Debug = False) -> None:
    """Print a recipe with its comments. As JSON every default is written out."""
    from globalner.config import find_recipe, load_any_recipe, read_recipe_text

    console = Console(quiet=quiet, debug=debug)
    if json:
        console.json(load_any_recipe(name).recipe.model_dump())
    else:
        console.result(read_recipe_text(find_recipe(name)).rstrip("\n"))


@app.command("copy", epilog=examples("globalner config copy demo", "globalner config copy demo recipes/mine.yaml"))
def copy(
    name: RecipeName,
    destination: Annotated[
        Path | None, typer.Argument(metavar="[DEST]", help="File or folder; the working directory if left out.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there already.")] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Copy a recipe to change it. Its comments are kept, its data paths stay right."""
    from globalner.config import copy_recipe

    console = Console(quiet=quiet, debug=debug)
    console.note(f"wrote {copy_recipe(name, destination, overwrite=overwrite)}")


@app.command(
    "check", epilog=examples("globalner config check demo", "globalner config check mine.yaml training.epochs=3")
)
def check(
    name: RecipeName,
    overrides: Overrides = None,
    data_dir: DataDir = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Check a recipe and that its data are there. Changes to it are checked as `train` or `pretrain` makes them."""
    from globalner.config import data_files, load_any_recipe, resolve_any_data

    console = Console(quiet=quiet, debug=debug)
    loaded = load_any_recipe(name, overrides or ())
    recipe = resolve_any_data(loaded, data_dir=data_dir)
    if json:
        console.json({"valid": True, "path": str(loaded.path), "recipe": recipe.model_dump()})
        return
    console.result(f"{loaded.path}: the recipe is valid")
    files = data_files(recipe)
    widest = max(len(split) for split, _ in files)
    for split, path in files:
        console.result(f"  {split:<{widest}}  {path}")


@app.command("schema", epilog=examples("globalner config schema > recipe.schema.json"))
def schema(
    pretrain: Annotated[bool, typer.Option("--pretrain", help="The schema of recipes for pretraining.")] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Print the JSON Schema of recipes. It has every key with its type, limits, default and meaning."""
    from globalner.config import pretrain_recipe_schema, recipe_schema

    Console(quiet=quiet, debug=debug).json(pretrain_recipe_schema() if pretrain else recipe_schema())
