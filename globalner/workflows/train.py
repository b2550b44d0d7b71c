"""Train what a recipe describes, and score the model that was kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from globalner.config import Recipe
from globalner.errors import OutputError
from globalner.evaluation import EvaluationResult
from globalner.extractor import EntityExtractor
from globalner.model import check_encoder, check_init_from, training_record, write_model_card
from globalner.training import TrainingData, TrainingOptions, TrainingResult, train
from globalner.training.run_folder import RunFolder
from globalner.workflows.evaluate import evaluate_extractor
from globalner.workflows.run_config import keep_config
from globalner.workflows.split_documents import read_split, read_training_split

__all__ = ["RunOptions", "TrainedRun", "read_split", "train_recipe"]


@dataclass(frozen=True)
class RunOptions:
    """How to run a recipe.

    Attributes:
        output_dir: The run's folder; None for `runs/NAME`.
        resume: Go on with a run that was cut off.
        overwrite: Throw away a run that is there.
        device: "auto", "cpu", "cuda" or "mps".
        progress_bar: Whether to draw a bar on the terminal.
        say: Takes lines of progress and notes.
        written: The recipe before its paths were made absolute, as the model card shows it; None: the card shows the
            last two components of absolute paths.
    """

    output_dir: Path | None = None
    resume: bool = False
    overwrite: bool = False
    device: str = "auto"
    progress_bar: bool = False
    say: Callable[[str], None] = field(default=lambda _: None)
    written: Recipe | None = None


@dataclass(frozen=True)
class TrainedRun:
    """A finished run.

    Attributes:
        folder: Its folder.
        model: Folder of the best model.
        result: Scores on test, or on dev where the recipe has no test; None where the run was finished before.
        training: What training did; None where the run was finished before.
    """

    folder: Path
    model: Path
    result: EvaluationResult | None
    training: TrainingResult | None


def train_recipe(recipe: Recipe, options: RunOptions) -> TrainedRun:
    """Trains, keeps the best model by dev micro F1, and scores it on dev and test.

    Args:
        recipe: What to train, its data paths absolute (`globalner.config.resolve_recipe_data`).
        options: Where and how.

    Raises:
        GlobalNerError: If a file cannot be read, the folder holds a run already, or the recipe cannot be built.
    """
    folder = RunFolder(options.output_dir or Path("runs") / recipe.name)
    # Everything is read before the folder is touched: --overwrite must not throw a run away for a typo.
    data = TrainingData(read_training_split(recipe, options.say), read_split(recipe, "dev", options.say))
    test = read_split(recipe, "test", options.say) if recipe.data.test else None
    check_encoder(recipe.model)
    check_init_from(recipe.model)
    _refuse_own_model(recipe, folder)
    folder.open(resume=options.resume, overwrite=options.overwrite)
    keep_config(folder, recipe)
    if folder.finished:
        options.say(f"{folder.path} is finished already; nothing to do")
        return TrainedRun(folder.path, folder.model, None, None)
    documents = {"train": data.train, "dev": data.dev} | ({"test": test} if test is not None else {})
    record = training_record(options.written or recipe, documents)
    trained = train(recipe, data, folder, TrainingOptions(options.device, options.progress_bar, options.say, record))
    options.say(f"best dev F1 {trained.best_dev_f1:.4f} in epoch {trained.best_epoch}; model in {folder.model}")
    extractor = EntityExtractor.from_pretrained(
        folder.model, device=options.device, precision=recipe.training.precision
    )
    results = [evaluate_extractor(extractor, data.dev, split="dev")]
    folder.write_json(folder.metrics_dev, results[0].to_dict())
    if test is not None:
        results.append(evaluate_extractor(extractor, test, split="test"))
    write_model_card(folder.model, replace(record, results=tuple(reversed(results))))
    folder.write_json(folder.metrics, results[-1].to_dict())
    return TrainedRun(folder.path, folder.model, results[-1], trained)


def _refuse_own_model(recipe: Recipe, folder: RunFolder) -> None:
    start = recipe.model.init_from
    if start is not None and Path(start).resolve().is_relative_to(folder.model.resolve()):
        raise OutputError(
            f"model.init_from is {start}, which this run would replace; name another folder for it (--output-dir)"
        )
