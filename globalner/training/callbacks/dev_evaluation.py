"""Scores the dev documents after each epoch and keeps the best model."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from transformers import PreTrainedTokenizerFast

from globalner.evaluation import (
    THRESHOLDS,
    EvaluationResult,
    choose_threshold,
    decode_again,
    evaluate_documents,
)
from globalner.extractor import EntityExtractor
from globalner.model import TrainingRecord, save_model
from globalner.training.callbacks.weight_average import WeightAverage
from globalner.training.module import GlobalPointerModule
from globalner.types import Document

__all__ = ["DevEvaluation", "DevOptions"]


@dataclass(frozen=True)
class DevOptions:
    """What is evaluated, and how.

    Attributes:
        tune_threshold: Whether to choose the threshold of all labels by the dev documents; it is saved with the model.
        average: Whose weights are evaluated and saved instead of the latest.
    """

    tune_threshold: bool = False
    average: WeightAverage | None = None


class DevEvaluation(pl.Callback):
    """After each training epoch: extracts from the dev documents as a user would, and saves a model that is better.

    Args:
        documents: The dev documents with their gold entities.
        tokenizer: The model's tokenizer, saved with it.
        extractor: On the very model that is being trained.
        folder: Where the best model goes.
        record: What its card tells of the training; the scores of the epoch are added.
        options: What is evaluated, and how.

    Attributes:
        threshold: Score above which a span counted in the last evaluation.
        result: Scores of the last evaluation.
        best_f1: Best micro F1 so far; below 0 before the first evaluation.
        best_epoch: Epoch of it, counted from 1.
    """

    def __init__(
        self,
        documents: Sequence[Document],
        tokenizer: PreTrainedTokenizerFast,
        extractor: EntityExtractor,
        folder: Path,
        record: TrainingRecord | None = None,
        options: DevOptions = DevOptions(),
    ) -> None:
        self.documents, self.tokenizer, self.extractor, self.folder = documents, tokenizer, extractor, folder
        self.record, self.options, self.threshold = record, options, 0.5
        self.result: EvaluationResult | None = None
        self.best_f1, self.best_epoch = -1.0, 0

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Evaluates, and saves the model if its micro F1 is the best so far; the earlier one wins a tie."""
        assert isinstance(pl_module, GlobalPointerModule)
        mode = pl_module.model.config.mode
        with nullcontext() if self.options.average is None else self.options.average.applied():
            self.result = evaluate_documents(self.documents, self._predicted(pl_module), mode=mode, split="dev")
            if self.result.micro.f1 > self.best_f1:
                self.best_f1, self.best_epoch = self.result.micro.f1, trainer.current_epoch + 1
                record = self.record and replace(self.record, results=(self.result,))
                save_model(pl_module.model, self.tokenizer, self.folder, record=record)

    def _predicted(self, pl_module: GlobalPointerModule) -> list[Document]:
        """The entities at the model's own thresholds, which are chosen first if they are to be."""
        if not self.options.tune_threshold:
            return self.extractor.extract(self.documents)
        config = pl_module.model.config
        predicted = self.extractor.extract(self.documents, mode="nested", threshold=min(THRESHOLDS))
        self.threshold = choose_threshold(self.documents, predicted, config.label_set, config.mode)
        config.thresholds = dict.fromkeys(config.label_set, self.threshold)
        return [decode_again(document, config.label_set, config.mode, self.threshold) for document in predicted]

    def state_dict(self) -> dict[str, Any]:
        """The best so far, for a resumed run."""
        return {"best_f1": self.best_f1, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes up the best of the run that is resumed."""
        self.best_f1, self.best_epoch = state_dict["best_f1"], state_dict["best_epoch"]
