"""Encoders: our own, and whatever the Auto classes of transformers can load."""

from globalner.encoders.build import encoder_from_config, read_encoder_config
from globalner.encoders.character_tokenizer import build_character_tokenizer, count_unknown_characters
from globalner.encoders.native import NativeEncoder, NativeEncoderConfig
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
    "build_character_tokenizer",
    "count_unknown_characters",
    "describe_pretrained",
    "encoder_from_config",
    "load_pretrained",
    "load_tokenizer",
    "read_encoder_config",
    "resolve_encoder_name",
]
