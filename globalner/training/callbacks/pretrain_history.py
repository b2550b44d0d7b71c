"""Writes a row per evaluation of pretraining to history.csv."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytorch_lightning as pl

from globalner.training.callbacks.heldout_evaluation import HeldOutEvaluation
from globalner.training.history_file import HistoryFile
from globalner.training.pretraining.plan import PretrainPlan

__all__ = ["PretrainHistory"]


class PretrainHistory(pl.Callback):
    """Around each round; must stand behind `HeldOutEvaluation`.

    Args:
        path: The CSV file. Rows of rounds that are trained again are taken out first.
        plan: Tells how many tokens were seen.
        evaluation: Gives the held-out scores.
        say: Takes one line of progress a round.
    """

    def __init__(
        self, path: Path, plan: PretrainPlan, evaluation: HeldOutEvaluation, say: Callable[[str], None]
    ) -> None:
        accuracies = [f"accuracy_{length}" for length in evaluation.batches]
        columns = ("step", "tokens", "loss", "tokens_per_s", *accuracies, "train_s", "heldout_s")
        self.file, self.plan, self.evaluation, self.say = HistoryFile(path, columns), plan, evaluation, say
        self._round_began = self._training_ended = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Keeps the rows of the rounds that are done."""
        self.file.begin("step", trainer.global_step)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Starts the clock."""
        self._round_began = time.perf_counter()

    def on_train_batch_end(self, *_: object) -> None:
        """Moves the end of training behind the latest batch."""
        self._training_ended = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Appends the row and says it."""
        loss = float(trainer.callback_metrics["loss_epoch"])
        train_s = self._training_ended - self._round_began
        heldout_s = time.perf_counter() - self._training_ended
        steps = self.plan.steps(trainer.current_epoch)
        tokens = self.plan.tokens_before(steps.stop)
        speed = (tokens - self.plan.tokens_before(steps.start)) / train_s
        accuracies = [score.accuracy for score in self.evaluation.scores]
        self.file.append((steps.stop, tokens, loss, speed, *accuracies, train_s, heldout_s))
        found = "  ".join(f"{score.length}: {score.accuracy:.4f}" for score in self.evaluation.scores)
        self.say(
            f"step {steps.stop:,}/{self.plan.total_steps:,}  loss {loss:.4f}  found at {found}  "
            f"{speed:,.0f} tokens/s  {train_s:.0f} s + {heldout_s:.0f} s"
        )
