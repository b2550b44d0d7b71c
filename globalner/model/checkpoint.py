"""Saving a model with its tokenizer in one folder, and loading it back with nothing missing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from huggingface_hub.errors import HFValidationError
from safetensors import SafetensorError
from transformers import PreTrainedTokenizerFast

from globalner.errors import CheckpointError, GlobalNerError
from globalner.model.config import GlobalPointerConfig
from globalner.model.model import GlobalPointerModel

__all__ = ["load_model", "save_model"]


def save_model(model: GlobalPointerModel, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Writes the folder whole or not at all: an older one is replaced only once the new one is complete."""
    fresh, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    fresh.parent.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(fresh)
    tokenizer.save_pretrained(fresh)
    # Weights are written for their owner only; a server that runs as somebody else must read them too.
    for file in fresh.iterdir():
        file.chmod((fresh / "config.json").stat().st_mode)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def load_model(name: str | Path, *, revision: str | None = None) -> tuple[GlobalPointerModel, PreTrainedTokenizerFast]:
    """Model and tokenizer from a folder or a hub name, in evaluation mode.

    Raises:
        CheckpointError: If there is no such model, or a file of it is missing, damaged or of another shape.
    """
    name = str(name)
    _refuse_other_folders(name)
    try:
        loaded: Any = GlobalPointerModel.from_pretrained(
            name, revision=revision or "main", use_safetensors=True, output_loading_info=True
        )
    except GlobalNerError:
        raise
    except (SafetensorError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{name}: a file of the model is damaged or cut off: {error}") from error
    except (OSError, ValueError, RuntimeError, HFValidationError) as error:
        raise CheckpointError(f"{name}: no model could be loaded: {str(error).splitlines()[0]}") from error
    model, loading = loaded
    wrong = sorted({*loading["missing_keys"], *loading["unexpected_keys"], *map(str, loading["mismatched_keys"])})
    if wrong:
        raise CheckpointError(f"{name}: the weights do not fit the configuration; first of {len(wrong)}: {wrong[0]}")
    return model.eval(), _saved_tokenizer(name, revision)


def _saved_tokenizer(name: str, revision: str | None) -> PreTrainedTokenizerFast:
    # Not through AutoTokenizer: it would look for a class that goes with our model type.
    try:
        tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(name, revision=revision or "main")
    except Exception as error:  # the tokenizers library raises bare Exception on a damaged file
        raise CheckpointError(f"{name}: the tokenizer is missing or damaged: {error}") from error
    return tokenizer


def _refuse_other_folders(name: str) -> None:
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
