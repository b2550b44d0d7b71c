"""Encoders: our own, and whatever the Auto classes of transformers can load."""

from globalner.encoders.build import encoder_from_config
from globalner.encoders.character_tokenizer import build_character_tokenizer
from globalner.encoders.native import NativeEncoder, NativeEncoderConfig
from globalner.encoders.pretrained import LoadedEncoder, load_pretrained, load_tokenizer, resolve_encoder_name

__all__ = [
    "LoadedEncoder",
    "NativeEncoder",
    "NativeEncoderConfig",
    "build_character_tokenizer",
    "encoder_from_config",
    "load_pretrained",
    "load_tokenizer",
    "resolve_encoder_name",
]
