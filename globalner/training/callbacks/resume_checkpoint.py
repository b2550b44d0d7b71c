"""Leaves one checkpoint behind each complete epoch, from which `--resume` goes on."""

from __future__ import annotations

from pathlib import Path

import pytorch_lightning as pl

__all__ = ["ResumeCheckpoint"]


class ResumeCheckpoint(pl.Callback):
    """After each training epoch, behind all other callbacks: replaces the checkpoint in one step.

    Args:
        path: The checkpoint; while it is being written, a file with `.new` behind its name stands beside it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Writes the checkpoint under another name, then renames it: a kill never leaves half of one."""
        fresh = self.path.with_name(self.path.name + ".new")
        trainer.save_checkpoint(fresh)
        fresh.replace(self.path)
