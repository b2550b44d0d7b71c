"""Encoders: our own, and whatever the Auto classes of transformers can load."""

from globalner.encoders.build import encoder_from_config, read_encoder_config
from globalner.encoders.character_tokenizer import build_character_tokenizer, count_unknown_characters
from globalner.encoders.conversion import convert_gau_alpha, convert_roformer, read_checkpoint
from globalner.encoders.native import NativeEncoder
from globalner.encoders.native_config import NativeEncoderConfig
from globalner.encoders.native_masked_lm import NativeEncoderForMaskedLM
from globalner.encoders.piece_tokenizers import build_unigram_tokenizer, build_wordpiece_tokenizer
from globalner.encoders.pretrained import (
    LoadedEncoder,
    describe_pretrained,
    load_pretrained,
    load_tokenizer,
    resolve_encoder_name,
)
from globalner.encoders.registration import register_native_encoders

__all__ = [
    "LoadedEncoder",
    "NativeEncoder",
    "NativeEncoderConfig",
    "NativeEncoderForMaskedLM",
    "build_character_tokenizer",
    "build_unigram_tokenizer",
    "build_wordpiece_tokenizer",
    "convert_gau_alpha",
    "convert_roformer",
    "count_unknown_characters",
    "describe_pretrained",
    "encoder_from_config",
    "load_pretrained",
    "load_tokenizer",
    "read_checkpoint",
    "read_encoder_config",
    "resolve_encoder_name",
]

register_native_encoders()
