"""Pretrained encoders through the Auto classes: a hub name, a folder, or a folder inside an installed package."""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from globalner.encoders.build import drop_pooler
from globalner.encoders.token_ids import highest_text_id
from globalner.errors import CheckpointError, ConfigError

__all__ = ["LoadedEncoder", "describe_pretrained", "load_pretrained", "load_tokenizer", "resolve_encoder_name"]

_PACKAGE_PREFIX = "package:"


@dataclass(frozen=True)
class LoadedEncoder:
    """An encoder with its weights.

    Attributes:
        encoder: The module.
        tokenizer: Its fast tokenizer.
        unused_weights: Names in the checkpoint that the encoder has no place for (a masked-LM head, say).
    """

    encoder: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    unused_weights: tuple[str, ...]


def resolve_encoder_name(name: str) -> str:
    """A hub name or folder as it is; `package:MODULE/PATH` as the folder inside that package, which is not imported.

    Raises:
        ConfigError: If the package is not installed or has no such folder.
    """
    if not name.startswith(_PACKAGE_PREFIX):
        return name
    module, _, inner = name.removeprefix(_PACKAGE_PREFIX).partition("/")
    spec = find_spec(module) if module.isidentifier() else None
    if spec is None:
        raise ConfigError(
            f"{name!r}: no package {module!r} is installed; `pip install` it, or name a folder or hub model"
        )
    for location in spec.submodule_search_locations or ():
        folder = Path(location, inner)
        if folder.is_dir():
            return str(folder)
    raise ConfigError(f"{name!r}: the package {module!r} has no folder {inner!r}")


def load_pretrained(
    name: str, *, revision: str | None = None, attention_implementation: str | None = None
) -> LoadedEncoder:
    """Loads encoder and tokenizer and makes sure that every weight came from the checkpoint.

    Args:
        name: A hub name, a folder, or `package:MODULE/PATH`.
        revision: Branch, tag or commit of a hub model.
        attention_implementation: As `attn_implementation` of transformers; None lets it choose.

    Raises:
        ConfigError: If the name leads nowhere, or there is no such implementation.
        CheckpointError: If weights are damaged, missing or of another shape, or the tokenizer is not a fast one.
    """
    source = _existing_source(name)
    # Checkpoints of decoders are in bf16 as a rule. Weights that are trained stay in fp32; a recipe says what computes.
    options: dict[str, Any] = {"dtype": torch.float32} | ({"revision": revision} if revision else {})
    if attention_implementation:
        _refuse_unknown_implementation(attention_implementation)
        options["attn_implementation"] = attention_implementation
    try:
        encoder, loading = AutoModel.from_pretrained(
            source, output_loading_info=True, use_safetensors=True, trust_remote_code=False, **options
        )
    except (SafetensorError, json.JSONDecodeError, RuntimeError) as error:
        raise CheckpointError(f"the encoder {name!r} cannot be loaded, a file of it is damaged: {error}") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"no encoder {name!r}: {_first_line(error)}") from error
    _refuse_missing_weights(name, loading)
    unused = tuple(sorted(key for key in loading["unexpected_keys"] if "pooler" not in key))
    tokenizer = load_tokenizer(source, revision=revision)
    if highest_text_id(tokenizer) >= encoder.config.vocab_size:
        raise CheckpointError(
            f"the tokenizer of {name!r} has {len(tokenizer)} tokens and the encoder knows {encoder.config.vocab_size}: "
            "they do not belong together"
        )
    return LoadedEncoder(drop_pooler(encoder), tokenizer, unused)


def describe_pretrained(name: str, *, revision: str | None = None) -> tuple[PreTrainedConfig, PreTrainedTokenizerFast]:
    """Configuration and tokenizer of an encoder; no weights are read.

    Args:
        name: A hub name, a folder, or `package:MODULE/PATH`.
        revision: Branch, tag or commit of a hub model.

    Raises:
        ConfigError: If the name leads nowhere.
        CheckpointError: If the tokenizer is missing or not a fast one.
    """
    source = _existing_source(name)
    try:
        config: PreTrainedConfig = AutoConfig.from_pretrained(
            source, revision=revision or "main", trust_remote_code=False
        )
    except (OSError, ValueError) as error:
        raise ConfigError(f"no encoder {name!r}: {_first_line(error)}") from error
    return config, load_tokenizer(source, revision=revision)


def load_tokenizer(source: str, *, revision: str | None = None) -> PreTrainedTokenizerFast:
    """The fast tokenizer of a hub name or folder.

    Raises:
        CheckpointError: If there is none, or it has no fast form.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, revision=revision or "main", trust_remote_code=False)
    except Exception as error:  # the tokenizer libraries raise bare Exception on a damaged file
        raise CheckpointError(f"no tokenizer could be loaded from {source!r}: {_first_line(error)}") from error
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise CheckpointError(
            f"the tokenizer of {source!r} has no fast form (tokenizer.json), which exact character offsets need"
        )
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):
        # What AutoTokenizer makes of a folder that has a configuration and no vocabulary.
        raise CheckpointError(f"the tokenizer of {source!r} has no vocabulary; tokenizer.json or vocab.txt is missing")
    return tokenizer


def _existing_source(name: str) -> str:
    source = resolve_encoder_name(name)
    if source.startswith((".", "/", "~")) and not Path(source).is_dir():
        raise ConfigError(f"no encoder {name!r}: there is no such folder")
    return source


def _refuse_unknown_implementation(name: str) -> None:
    known = ["eager", *ALL_ATTENTION_FUNCTIONS.valid_keys()]
    if name not in known and "/" not in name:  # one with a slash is a kernel on the hub
        near = get_close_matches(name, known, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise ConfigError(f"there is no attention_implementation {name!r}{hint}; there are: {', '.join(known)}")


def _refuse_missing_weights(name: str, loading: dict[str, Any]) -> None:
    missing = sorted(key for key in loading["missing_keys"] if "pooler" not in key and "position_ids" not in key)
    mismatched = sorted(str(entry[0] if isinstance(entry, tuple) else entry) for entry in loading["mismatched_keys"])
    problems = [f"{key} is missing" for key in missing] + [f"{key} has another shape" for key in mismatched]
    if problems:
        shown = "; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
        raise CheckpointError(
            f"the weights of encoder {name!r} did not all load, and an untrained encoder would give poor results "
            f"in silence: {shown}"
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
