"""Encoder, head and labels as one model that saves and loads; the one place that turns a description into modules."""

from globalner.model.adaptation import check_encoder
from globalner.model.build import BuiltModel, build_model
from globalner.model.checkpoint import load_model, save_model
from globalner.model.config import DEFAULT_THRESHOLD, GlobalPointerConfig
from globalner.model.hub import push_model
from globalner.model.init_from import check_init_from
from globalner.model.masked_lm import build_masked_lm, build_tokenizer, keep_tokenizer, save_masked_lm
from globalner.model.model import GlobalPointerModel
from globalner.model.model_card import render_model_card, write_model_card
from globalner.model.native_shape import native_shape
from globalner.model.training_record import DataPart, TrainingRecord, training_record

__all__ = [
    "DEFAULT_THRESHOLD",
    "BuiltModel",
    "DataPart",
    "GlobalPointerConfig",
    "GlobalPointerModel",
    "TrainingRecord",
    "build_masked_lm",
    "build_model",
    "build_tokenizer",
    "check_encoder",
    "check_init_from",
    "keep_tokenizer",
    "load_model",
    "native_shape",
    "push_model",
    "render_model_card",
    "save_masked_lm",
    "save_model",
    "training_record",
    "write_model_card",
]
