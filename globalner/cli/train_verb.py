"""`globalner train`: from a recipe to a model."""

from __future__ import annotations

from globalner.cli.console import Console
from globalner.cli.shared_options import (
    BatchSize,
    DataDir,
    Debug,
    Device,
    DeviceName,
    Json,
    OutputDir,
    Overrides,
    Overwrite,
    Precision,
    Quiet,
    RecipeName,
    Resume,
    changes_of,
    examples,
    verb_app,
)

__all__ = ["app"]

app = verb_app()


@app.command(
    epilog=examples(
        "globalner train demo",
        "globalner train wnut17 --data-dir data training.epochs=3",
        "globalner train mine.yaml --output-dir runs/mine --resume",
    )
)
def train(
    recipe: RecipeName,
    overrides: Overrides = None,
    output_dir: OutputDir = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    data_dir: DataDir = None,
    device: Device = DeviceName.auto,
    batch_size: BatchSize = None,
    precision: Precision = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train a model as a recipe says, keep the best by dev micro F1, and score it."""
    from globalner.cli.metrics_table import print_scores
    from globalner.config import load_recipe, resolve_recipe_data
    from globalner.workflows import RunOptions, train_recipe

    console = Console(quiet=quiet, debug=debug)
    loaded = load_recipe(recipe, changes_of(overrides, batch_size, precision))
    resolved = resolve_recipe_data(loaded, data_dir=data_dir)
    console.quiet_libraries()
    run = train_recipe(
        resolved,
        RunOptions(
            output_dir=output_dir,
            resume=resume,
            overwrite=overwrite,
            device=device.value,
            progress_bar=console.draws_progress,
            say=console.note,
            written=loaded.recipe,
        ),
    )
    if run.result is None:
        return
    if json:
        console.json(run.result.to_dict())
        return
    print_scores(console, run.result)
    console.note(f'try it: globalner predict {run.model} --text "..."   or   globalner serve {run.model}')
