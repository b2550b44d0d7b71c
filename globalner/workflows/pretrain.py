"""Pretrain what a recipe describes: a tokenizer and an encoder on plain text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from globalner.config import PRETRAIN_SPLITS, PretrainRecipe, split_records
from globalner.data import read_plain_text
from globalner.errors import ConfigError
from globalner.training.pretraining.run import PretrainOptions, PretrainResult, PretrainTexts, pretrain
from globalner.training.run_folder import RunFolder
from globalner.workflows.run_config import keep_config
from globalner.workflows.train import RunOptions

__all__ = ["PretrainedRun", "pretrain_recipe", "read_texts"]


@dataclass(frozen=True)
class PretrainedRun:
    """A finished run.

    Attributes:
        folder: Its folder.
        model: Folder of the encoder: what `model.encoder.name` of a recipe of `globalner train` takes.
        result: What pretraining did; None where the run was finished before.
    """

    folder: Path
    model: Path
    result: PretrainResult | None


def pretrain_recipe(recipe: PretrainRecipe, options: RunOptions) -> PretrainedRun:
    """Trains tokenizer and encoder, and measures how many hidden tokens of the held-out text it finds.

    Args:
        recipe: What to train, its data paths absolute (`globalner.config.resolve_pretrain_data`).
        options: Where and how; `written` is not used.

    Raises:
        GlobalNerError: If a file cannot be read, the folder holds a run already, or the recipe cannot be built.
    """
    folder = RunFolder(options.output_dir or Path("runs") / recipe.name)
    _refuse_shared_text(recipe)
    # Everything is read before the folder is touched: --overwrite must not throw a run away for a typo.
    texts = PretrainTexts(*(read_texts(recipe, split, options.say) for split in PRETRAIN_SPLITS))
    folder.open(resume=options.resume, overwrite=options.overwrite)
    keep_config(folder, recipe)
    if folder.finished:
        options.say(f"{folder.path} is finished already; nothing to do")
        return PretrainedRun(folder.path, folder.model, None)
    result = pretrain(recipe, texts, folder, PretrainOptions(options.device, options.progress_bar, options.say))
    folder.write_json(folder.metrics, result.to_dict())
    return PretrainedRun(folder.path, folder.model, result)


def read_texts(recipe: PretrainRecipe, split: str, say: Callable[[str], None]) -> list[str]:
    """The records of one part of a recipe's text, file behind file.

    Args:
        recipe: Its data paths absolute.
        split: "train" or "heldout".
        say: Takes a line about what was read.

    Raises:
        DataError: If a file cannot be read, is empty or no text, or has not the records that are asked for.
    """
    files = getattr(recipe.data, split)
    texts = [text for file in files for text in read_plain_text(*split_records(file), unit=recipe.data.unit)]
    characters = sum(map(len, texts))
    say(f"{split}: {len(texts):,} {recipe.data.unit}s, {characters:,} characters in {len(files)} file(s)")
    return texts


def _refuse_shared_text(recipe: PretrainRecipe) -> None:
    for heldout in recipe.data.heldout:
        path, held = split_records(heldout)
        for train in recipe.data.train:
            other, learnt = split_records(train)
            if path == other and _overlap(held, learnt):
                raise ConfigError(
                    f"data.heldout {heldout} shares records with data.train {train}; part them: FILE[:a] and FILE[a:]"
                )


def _overlap(one: slice, other: slice) -> bool:
    ends = [part.stop for part in (one, other) if part.stop is not None]
    return not ends or max(one.start, other.start) < min(ends)
