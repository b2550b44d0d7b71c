"""Saving a model with its tokenizer in one folder, and loading it back with nothing missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huggingface_hub.errors import HFValidationError
from safetensors import SafetensorError
from transformers import PreTrainedTokenizerFast

from globalner.encoders import check_attention
from globalner.errors import CheckpointError, GlobalNerError
from globalner.model.config import GlobalPointerConfig
from globalner.model.folder import refuse_other_folders, replaced_folder, write_model_files
from globalner.model.model import GlobalPointerModel
from globalner.model.training_record import TrainingRecord

__all__ = ["load_description", "load_model", "save_model"]


def save_model(
    model: GlobalPointerModel,
    tokenizer: PreTrainedTokenizerFast,
    folder: Path,
    *,
    record: TrainingRecord | None = None,
) -> None:
    """Writes the folder whole or not at all: an older one is replaced only once the new one is complete.

    Args:
        model: Configuration and weights.
        tokenizer: Its tokenizer.
        folder: Where it goes.
        record: What the model card (README.md) tells of the training; `write_model_card` may write it anew later.
    """
    with replaced_folder(folder) as fresh:
        write_model_files(model, tokenizer, fresh, record)


def load_model(name: str | Path, *, revision: str | None = None) -> tuple[GlobalPointerModel, PreTrainedTokenizerFast]:
    """Model and tokenizer from a folder or a hub name, in evaluation mode.

    Raises:
        CheckpointError: If there is no such model, or a file of it is missing, damaged or of another shape.
        ConfigError: If the attention that it was trained with cannot be had here.
    """
    name = str(name)
    refuse_other_folders(name)
    with _named_errors(name):
        loaded: Any = GlobalPointerModel.from_pretrained(
            name, revision=revision or "main", use_safetensors=True, output_loading_info=True
        )
    model, loading = loaded
    wrong = sorted({*loading["missing_keys"], *loading["unexpected_keys"], *map(str, loading["mismatched_keys"])})
    if wrong:
        raise CheckpointError(f"{name}: the weights do not fit the configuration; first of {len(wrong)}: {wrong[0]}")
    check_attention(model.encoder, model.config.attention)
    return model.eval(), _saved_tokenizer(name, revision)


def load_description(name: str | Path) -> tuple[GlobalPointerConfig, PreTrainedTokenizerFast]:
    """Configuration and tokenizer of a model, from a folder or a hub name; no weights are read.

    Raises:
        CheckpointError: As `load_model`, but for the weights.
    """
    name = str(name)
    refuse_other_folders(name)
    with _named_errors(name):
        config = GlobalPointerConfig.from_pretrained(name)
    if not config.encoder or not config.labels:
        raise CheckpointError(f"{name} is not a model of globalner: its configuration has no encoder or no labels")
    return config, _saved_tokenizer(name, None)


@contextmanager
def _named_errors(name: str) -> Iterator[None]:
    try:
        yield
    except GlobalNerError:
        raise
    except (SafetensorError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{name}: a file of the model is damaged or cut off: {error}") from error
    except (OSError, ValueError, RuntimeError, HFValidationError) as error:
        raise CheckpointError(f"{name}: no model could be loaded: {str(error).splitlines()[0]}") from error


def _saved_tokenizer(name: str, revision: str | None) -> PreTrainedTokenizerFast:
    # Not through AutoTokenizer: it would look for a class that goes with our model type.
    try:
        tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(name, revision=revision or "main")
    except Exception as error:  # the tokenizers library raises bare Exception on a damaged file
        raise CheckpointError(f"{name}: the tokenizer is missing or damaged: {error}") from error
    return tokenizer
