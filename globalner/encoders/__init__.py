"""Encoders: our own, and whatever the Auto classes of transformers can load."""

from globalner.encoders.build import encoder_from_config, read_encoder_config
from globalner.encoders.character_tokenizer import build_character_tokenizer, count_unknown_characters
from globalner.encoders.initial_weights import initialise_by_depth
from globalner.encoders.masked_lm import NativeEncoderForMaskedLM
from globalner.encoders.native import NativeEncoder, NativeEncoderConfig
from globalner.encoders.piece_tokenizers import build_unigram_tokenizer, build_wordpiece_tokenizer
from globalner.encoders.pretrained import (
    LoadedEncoder,
    describe_pretrained,
    load_pretrained,
    load_tokenizer,
    resolve_encoder_name,
)

__all__ = [
    "LoadedEncoder",
    "NativeEncoder",
    "NativeEncoderConfig",
    "NativeEncoderForMaskedLM",
    "build_character_tokenizer",
    "build_unigram_tokenizer",
    "build_wordpiece_tokenizer",
    "count_unknown_characters",
    "describe_pretrained",
    "encoder_from_config",
    "initialise_by_depth",
    "load_pretrained",
    "load_tokenizer",
    "read_encoder_config",
    "resolve_encoder_name",
]
