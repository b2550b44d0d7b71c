"""Writes a row per evaluation to history.csv."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path

import pytorch_lightning as pl

from globalner.training.callbacks.dev_evaluation import DevEvaluation

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
        self.path, self.evaluation, self.say = path, evaluation, say
        self._epoch_began = self._training_ended = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Keeps the rows of the epochs that are done."""
        rows = []
        if self.path.exists():
            with self.path.open(encoding="utf-8", newline="") as file:
                rows = [row for row in csv.DictReader(file) if int(row["epoch"]) <= trainer.current_epoch]
        with self.path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, _COLUMNS)
            writer.writeheader()
            writer.writerows(rows)

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
        row = (epoch, trainer.global_step, loss, *scores, train_s, dev_s)
        with self.path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file).writerow([f"{value:.6f}" if isinstance(value, float) else value for value in row])
        best = " (best so far)" if self.evaluation.best_epoch == epoch else ""
        self.say(
            f"epoch {epoch}/{trainer.max_epochs}  loss {loss:.4f}  dev precision {micro.precision:.4f} "
            f"recall {micro.recall:.4f} F1 {micro.f1:.4f} above {self.evaluation.threshold:.2f}  "
            f"{train_s:.0f} s + {dev_s:.0f} s{best}"
        )
