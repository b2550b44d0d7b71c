"""Small subjects of every kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import AutoConfig, PreTrainedConfig

from globalner.encoders import NativeEncoderConfig
from globalner.model import GlobalPointerConfig, GlobalPointerModel
from globalner.profiling.subject import SpanSubject

SMALL = {
    "vocab_size": 50,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "dropout": 0.0,
    "convolution_width": 3,
}


@pytest.fixture
def native() -> Callable[..., NativeEncoderConfig]:
    """The configuration of a small encoder of our own."""

    def describe(**options: object) -> NativeEncoderConfig:
        return NativeEncoderConfig(**{**SMALL, **options})

    return describe


@pytest.fixture
def family() -> Callable[..., PreTrainedConfig]:
    """The configuration of a small encoder of a family."""

    def describe(model_type: str, **options: object) -> PreTrainedConfig:
        sizes: dict[str, Any] = {
            "vocab_size": 50,
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "max_position_embeddings": 128,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "pad_token_id": 0,
        }
        return AutoConfig.for_model(model_type, **sizes, **options)

    return describe


@pytest.fixture
def span_subject() -> Callable[..., SpanSubject]:
    """A subject on an encoder, with ten types."""

    def build(encoder: PreTrainedConfig, *, types: int = 10, samples: int = 1, **options: object) -> SpanSubject:
        torch.manual_seed(0)
        labels = [f"T{number}" for number in range(types)]
        config = GlobalPointerConfig(encoder=encoder.to_dict(), labels=labels, **{"head_size": 16, **options})
        return SpanSubject(GlobalPointerModel(config).train(), dropout_samples=samples)

    return build
