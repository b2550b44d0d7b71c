"""Tokenizer and masked-language model that a recipe for pretraining describes, and the folder that they are left in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from transformers import PreTrainedTokenizerFast

from globalner.config import CharacterTokenizerConfig, GivenTokenizerConfig, MaskedModelConfig, TokenizerConfig
from globalner.encoders import (
    NativeEncoderForMaskedLM,
    build_character_tokenizer,
    build_unigram_tokenizer,
    build_wordpiece_tokenizer,
    load_tokenizer,
    resolve_encoder_name,
)
from globalner.errors import ConfigError
from globalner.model.folder import replaced_folder, write_weights
from globalner.model.native_shape import native_shape

__all__ = ["build_masked_lm", "build_tokenizer", "keep_tokenizer", "save_masked_lm"]


def build_tokenizer(tokenizer: TokenizerConfig, texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """Loads the tokenizer that is named, or trains one on texts.

    Raises:
        ConfigError: If the vocabulary is too small for the characters of the texts, the name leads nowhere, or the
            tokenizer has no mask token.
        CheckpointError: If the tokenizer that is named is missing, damaged, or no fast one.
    """
    if isinstance(tokenizer, CharacterTokenizerConfig):
        return build_character_tokenizer(texts, min_count=tokenizer.min_count, lowercase=tokenizer.lowercase)
    if isinstance(tokenizer, GivenTokenizerConfig):
        given = load_tokenizer(resolve_encoder_name(tokenizer.name))
        if given.mask_token_id is None:
            raise ConfigError(
                f"tokenizer.name: the tokenizer of {tokenizer.name!r} has no mask token, so no word can be hidden; "
                "name one that has, or have one trained (tokenizer.kind: character, wordpiece or unigram)"
            )
        return given
    build = build_wordpiece_tokenizer if tokenizer.kind == "wordpiece" else build_unigram_tokenizer
    return build(
        texts,
        vocabulary_size=tokenizer.vocabulary_size,
        min_count=tokenizer.min_count,
        lowercase=tokenizer.lowercase,
    )


def keep_tokenizer(folder: Path, tokenizer: TokenizerConfig, texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """The tokenizer in a folder; if there is none, it is built and put there, so that a resumed run takes the same.

    Raises:
        ConfigError, CheckpointError: As `build_tokenizer`.
    """
    if folder.is_dir():
        return load_tokenizer(str(folder))
    built = build_tokenizer(tokenizer, texts)
    with replaced_folder(folder) as fresh:
        built.save_pretrained(fresh)
    return built


def build_masked_lm(model: MaskedModelConfig, tokenizer: PreTrainedTokenizerFast) -> NativeEncoderForMaskedLM:
    """A model with fresh weights."""
    shape = native_shape(model.encoder, vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id)
    return NativeEncoderForMaskedLM(shape)


def save_masked_lm(model: NativeEncoderForMaskedLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Writes a folder that `kind: pretrained` takes, whole or not at all."""
    with replaced_folder(folder) as fresh:
        write_weights(model, tokenizer, fresh)
