"""Encoder, head and labels as one model that saves and loads; the one place that turns a description into modules."""

from globalner.model.build import BuiltModel, build_model
from globalner.model.checkpoint import load_model, save_model
from globalner.model.config import GlobalPointerConfig
from globalner.model.model import GlobalPointerModel

__all__ = ["BuiltModel", "GlobalPointerConfig", "GlobalPointerModel", "build_model", "load_model", "save_model"]
