"""Writes a row per evaluation to history.csv."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytorch_lightning as pl

from globalner.training.callbacks.dev_evaluation import DevEvaluation
from globalner.training.history_file import HistoryFile

__all__ = ["History"]

_COLUMNS = ("epoch", "step", "loss", "dev_precision", "dev_recall", "dev_f1", "threshold", "train_s", "dev_s")


class History(pl.Callback):
    """Around each training epoch; must stand behind `DevEvaluation`.

    Args:
        path: The CSV file. Rows of epochs that are trained again are taken out first.
        evaluation: Gives the dev scores.
        say: Takes one line of progress an epoch.
    """

    def __init__(self, path: Path, evaluation: DevEvaluation, say: Callable[[str], None]) -> None:
        self.file, self.evaluation, self.say = HistoryFile(path, _COLUMNS), evaluation, say
        self._epoch_began = self._training_ended = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Keeps the rows of the epochs that are done."""
        self.file.begin("epoch", trainer.current_epoch)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Starts the clock."""
        self._epoch_began = time.perf_counter()

    def on_train_batch_end(self, *_: object) -> None:
        """Moves the end of training behind the latest batch."""
        self._training_ended = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Appends the row and says it."""
        assert self.evaluation.result is not None
        micro = self.evaluation.result.micro
        loss = float(trainer.callback_metrics["loss_epoch"])
        train_s = self._training_ended - self._epoch_began
        dev_s = time.perf_counter() - self._training_ended
        epoch = trainer.current_epoch + 1
        scores = (micro.precision, micro.recall, micro.f1, self.evaluation.threshold)
        self.file.append((epoch, trainer.global_step, loss, *scores, train_s, dev_s))
        best = " (best so far)" if self.evaluation.best_epoch == epoch else ""
        self.say(
            f"epoch {epoch}/{trainer.max_epochs}  loss {loss:.4f}  dev precision {micro.precision:.4f} "
            f"recall {micro.recall:.4f} F1 {micro.f1:.4f} above {self.evaluation.threshold:.2f}  "
            f"{train_s:.0f} s + {dev_s:.0f} s{best}"
        )
