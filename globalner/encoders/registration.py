"""Makes the native encoders known to the Auto classes of transformers."""

from __future__ import annotations

from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM

from globalner.encoders.native import NativeEncoder
from globalner.encoders.native_config import NativeEncoderConfig
from globalner.encoders.native_masked_lm import NativeEncoderForMaskedLM

__all__ = ["register_native_encoders"]


def register_native_encoders() -> None:
    """After it, `AutoModel` and `AutoModelForMaskedLM` load folders of native encoders; may be called again."""
    AutoConfig.register(NativeEncoderConfig.model_type, NativeEncoderConfig, exist_ok=True)
    AutoModel.register(NativeEncoderConfig, NativeEncoder, exist_ok=True)
    AutoModelForMaskedLM.register(NativeEncoderConfig, NativeEncoderForMaskedLM, exist_ok=True)
