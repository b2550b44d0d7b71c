"""The memory that training says it will take, held against what autograd keeps, and against what it must depend on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import BertConfig

from globalner.config import Recipe, load_recipe
from globalner.data import Window, collate
from globalner.encoders import NativeEncoderConfig
from globalner.model import GlobalPointerConfig, GlobalPointerModel
from globalner.training.data_module import WindowDataModule
from globalner.training.memory_estimate import MemoryEstimate, estimate_memory
from globalner.training.module import GlobalPointerModule
from globalner.training.optimizer import OptimizerSettings

ENCODERS = {
    "native": NativeEncoderConfig(vocab_size=20, hidden_size=16, num_hidden_layers=2, num_attention_heads=2),
    "bert": BertConfig(
        vocab_size=20, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    ),
}
MIB = 1 << 20


def module_of(encoder: str = "native", samples: int = 1, **changes: object) -> GlobalPointerModule:
    torch.manual_seed(0)
    config = GlobalPointerConfig(
        encoder=ENCODERS[encoder].to_dict(), labels=["A", "B"], head_size=4, boundary="token", **changes
    )
    settings = OptimizerSettings(1e-3, 1e-3, 0.0, 0.0)
    return GlobalPointerModule(GlobalPointerModel(config), settings, 1, dropout_samples=samples)


def window_of(length: int) -> Window:
    ids = np.arange(length) % 19 + 1
    inner = (np.arange(length) > 0) & (np.arange(length) < length - 1)
    no_cells = np.zeros((0, 3), dtype=np.int64)
    gold = np.array([[0, 1, 2], [1, 2, 2]])
    return Window(0, ids, np.zeros((length, 2), dtype=np.int64), inner, inner, gold=gold, ignore=no_cells)


def data_of(batch_size: int, *lengths: int) -> WindowDataModule:
    return WindowDataModule([window_of(length) for length in lengths], batch_size=batch_size, pad_id=0, seed=0)


def recipe_of(*changes: str) -> Recipe:
    return load_recipe("demo", changes).recipe


def estimate(*, module: GlobalPointerModule | None = None, data: WindowDataModule | None = None, changes: tuple[str, ...] = ()) -> MemoryEstimate:
    return estimate_memory(module or module_of(), data or data_of(4, *[24] * 8), recipe_of(*changes))
