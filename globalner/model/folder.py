"""The folder of a model: what stands in it, and how to tell that another folder is none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from globalner.errors import CheckpointError
from globalner.model.config import GlobalPointerConfig
from globalner.model.model_card import write_model_card
from globalner.model.training_record import TrainingRecord

__all__ = ["refuse_other_folders", "replaced_folder", "write_model_files", "write_weights"]


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """A new folder to write in; behind the block it takes the place of an older one: whole or not at all."""
    fresh, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    fresh.mkdir(parents=True)
    yield fresh
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def write_model_files(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: Path, record: TrainingRecord | None
) -> None:
    """Writes configuration, weights, tokenizer and card."""
    write_weights(model, tokenizer, folder)
    write_model_card(folder, record)


def write_weights(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Writes configuration, weights and tokenizer."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    # Weights are written for their owner only; a server that runs as somebody else must read them too.
    for file in folder.iterdir():
        file.chmod((folder / "config.json").stat().st_mode)


def refuse_other_folders(name: str) -> None:
    """Makes sure that a name is a model folder, or may be one on a hub.

    Raises:
        CheckpointError: If it is neither; the message says what it is instead.
    """
    folder = Path(name)
    if not folder.exists():
        if name.startswith((".", "/", "~")) or name.count("/") != 1:
            raise CheckpointError(f"{name}: there is no such folder")
        return
    if not folder.is_dir():
        raise CheckpointError(f"{name} is a file; a model is a folder with config.json and model.safetensors")
    if (folder / "model" / "config.json").is_file() and not (folder / "config.json").is_file():
        raise CheckpointError(f"{name} is the folder of a run; its model is in {folder / 'model'}")
    if not (folder / "config.json").is_file():
        raise CheckpointError(f"{name}: no config.json there, so this is no model folder")
    try:
        description = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{folder / 'config.json'} is damaged: {error}") from error
    if description.get("model_type") != GlobalPointerConfig.model_type:
        raise CheckpointError(
            f"{name} holds a {description.get('model_type')!r} model, not one of globalner; "
            "an encoder becomes one through `globalner train`"
        )
    if not any(folder.glob("*.safetensors")):
        raise CheckpointError(f"{name}: the weights are missing, there is no model.safetensors")
