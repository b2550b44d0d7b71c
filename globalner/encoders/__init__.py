"""Encoders: our own, and whatever the Auto classes of transformers can load."""

from globalner.encoders.adapters import LoraSettings, add_lora, merged_state_dict, require_peft, train_last_layers
from globalner.encoders.build import encoder_from_config, read_encoder_config
from globalner.encoders.character_tokenizer import build_character_tokenizer, count_unknown_characters
from globalner.encoders.conversion import convert_gau_alpha, convert_roformer, read_checkpoint
from globalner.encoders.decoder_attention import attention_name, check_attention, check_family, steer_attention
from globalner.encoders.layer_numbers import layer_numbers
from globalner.encoders.native import NativeEncoder
from globalner.encoders.native_config import ATTENTIONS, Attention, NativeEncoderConfig
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
from globalner.encoders.token_ids import padding_id

__all__ = [
    "ATTENTIONS",
    "Attention",
    "LoadedEncoder",
    "LoraSettings",
    "NativeEncoder",
    "NativeEncoderConfig",
    "NativeEncoderForMaskedLM",
    "add_lora",
    "attention_name",
    "build_character_tokenizer",
    "build_unigram_tokenizer",
    "build_wordpiece_tokenizer",
    "check_attention",
    "check_family",
    "convert_gau_alpha",
    "convert_roformer",
    "count_unknown_characters",
    "describe_pretrained",
    "encoder_from_config",
    "layer_numbers",
    "load_pretrained",
    "load_tokenizer",
    "merged_state_dict",
    "padding_id",
    "read_checkpoint",
    "read_encoder_config",
    "require_peft",
    "resolve_encoder_name",
    "steer_attention",
    "train_last_layers",
]

register_native_encoders()
