"""Reads held-out text after each round of pretraining and leaves the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedTokenizerFast

from globalner.data import MaskedBatch
from globalner.evaluation import MaskedScore
from globalner.extractor import autocast
from globalner.model import save_masked_lm
from globalner.training.pretraining.module import MaskedLMModule

__all__ = ["HeldOutEvaluation"]


class HeldOutEvaluation(pl.Callback):
    """After each round: counts hidden tokens that are found, at each length, and saves the model.

    Args:
        batches: Masked windows by their length.
        tokenizer: The model's tokenizer, saved with it.
        folder: Where the model goes.
        precision: Arithmetic, as in training.

    Attributes:
        scores: What the last evaluation counted, a score for each length.
    """

    def __init__(
        self,
        batches: Mapping[int, Sequence[MaskedBatch]],
        tokenizer: PreTrainedTokenizerFast,
        folder: Path,
        precision: str,
    ) -> None:
        self.batches, self.tokenizer, self.folder, self.precision = batches, tokenizer, folder, precision
        self.scores: tuple[MaskedScore, ...] = ()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Evaluates and saves."""
        assert isinstance(pl_module, MaskedLMModule)
        pl_module.eval()
        self.scores = tuple(self._score(pl_module, length) for length in self.batches)
        pl_module.train()
        save_masked_lm(pl_module.model, self.tokenizer, self.folder)

    @torch.inference_mode()
    def _score(self, module: MaskedLMModule, length: int) -> MaskedScore:
        windows = masked = correct = 0
        loss_sum = 0.0
        for held in self.batches[length]:
            batch = held.to(module.device)
            with autocast(module.device, self.precision):
                logits = module.logits(batch)
            windows += len(batch.input_ids)
            masked += len(batch.targets)
            correct += int((logits.argmax(-1) == batch.targets).sum())
            loss_sum += float(cross_entropy(logits, batch.targets, reduction="sum"))
        return MaskedScore(length, windows, masked, correct, loss_sum)

    def state_dict(self) -> dict[str, Any]:
        """The scores, for a run that was cut off behind its last round."""
        return {"scores": [asdict(score) for score in self.scores]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes up the scores of the run that is resumed."""
        self.scores = tuple(MaskedScore(**score) for score in state_dict["scores"])
