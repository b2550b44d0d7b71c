"""Runs Lightning's trainer as every run here needs it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytorch_lightning as pl
from pytorch_lightning.callbacks import RichProgressBar

from globalner.extractor import choose_device
from globalner.training.run_folder import RunFolder

__all__ = ["FitSettings", "fit"]

_PRECISION = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}
_ACCELERATOR = {"cpu": "cpu", "cuda": "gpu", "mps": "mps"}


@dataclass(frozen=True)
class FitSettings:
    """How long and how to train.

    Attributes:
        epochs: How often Lightning asks for batches; a checkpoint goes behind each.
        precision: "fp32", "bf16" or "fp16".
        clip_norm: Longest gradient of a step.
        device: "auto", "cpu", "cuda" or "mps".
        progress_bar: Whether to draw a bar on the terminal.
    """

    epochs: int
    precision: str
    clip_norm: float
    device: str
    progress_bar: bool


def fit(
    module: pl.LightningModule,
    data: pl.LightningDataModule,
    callbacks: Sequence[pl.Callback],
    folder: RunFolder,
    settings: FitSettings,
) -> None:
    """Trains, from the folder's checkpoint on if there is one.

    Args:
        module: What is trained.
        data: Gives the batches of each epoch.
        callbacks: In the order in which they are called.
        folder: Where the run is.
        settings: How long and how.
    """
    bar = [RichProgressBar(refresh_rate=5)] if settings.progress_bar else []
    with _quiet_lightning():
        trainer = pl.Trainer(
            accelerator=_ACCELERATOR[choose_device(settings.device).type],
            devices=1,
            max_epochs=settings.epochs,
            precision=_PRECISION[settings.precision],  # type: ignore[arg-type]
            gradient_clip_val=settings.clip_norm,
            callbacks=[*callbacks, *bar],
            enable_progress_bar=settings.progress_bar,
            enable_model_summary=False,
            enable_checkpointing=False,
            logger=False,
            reload_dataloaders_every_n_epochs=1,
            num_sanity_val_steps=0,
            default_root_dir=str(folder.path),
        )
        module.train()
        checkpoint = folder.checkpoint if folder.checkpoint.is_file() else None
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=False)


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Without Lightning's lines about hardware and advice on workers."""
    logger = logging.getLogger("pytorch_lightning")
    level = logger.level
    logger.setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"pytorch_lightning\..*")
        warnings.filterwarnings("ignore", module=r"lightning_fabric\..*")
        try:
            yield
        finally:
            logger.setLevel(level)
