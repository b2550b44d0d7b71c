"""What head, loss, data and Lightning add to the training time of the bare encoder.

    python -m benchmarks.training_overhead wnut17 --data-dir DIR

The yardstick is forward, backward, clipping and optimiser step of the encoder alone, on the same batches with the same
optimiser. Both are run in turn, several times, and the ratio of each pair is taken; results/training_overhead.csv gets
their median.
"""

from __future__ import annotations

import argparse
import copy
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch.optim import AdamW
from torch.utils.data import DataLoader

from benchmarks.results_file import RESULTS, append_row, provenance
from globalner.config import Recipe, load_recipe, resolve_recipe_data
from globalner.data import Report, TextTokenizer, Window, WindowSize, collate, shuffled_batches, training_windows
from globalner.model import GlobalPointerModel, build_model
from globalner.training.batch_size import resolve_batch_size
from globalner.training.callbacks import StepSeeds
from globalner.training.module import GlobalPointerModule
from globalner.training.optimizer import OptimizerSettings, parameter_groups
from globalner.types import LabelSet
from globalner.workflows.train import read_split

_TABLE = RESULTS / "training_overhead.csv"


def main() -> int:
    """Measures, prints and appends the row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("GLOBALNER_DATA"))
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=7)
    options = parser.parse_args()
    recipe = resolve_recipe_data(load_recipe(options.recipe), data_dir=options.data_dir)
    model, windows, pad_id = _prepare(recipe)
    batch_size = resolve_batch_size(recipe.training.batch_size, len(windows), recipe.training.epochs)
    batches = shuffled_batches(list(map(len, windows)), batch_size, seed=0, epoch=0)[: options.batches]
    _bare(recipe, model, windows, batches[:3], pad_id)
    pairs = []
    for _ in range(options.pairs):
        bare_s = _bare(recipe, model, windows, batches, pad_id)
        whole_s = _whole(recipe, model, windows, batches, pad_id)
        pairs.append((bare_s, whole_s, whole_s / bare_s))
        print(f"bare encoder {bare_s:.2f} s, training {whole_s:.2f} s, ratio {whole_s / bare_s:.3f}", flush=True)
    bare, whole, ratio = (statistics.median(column) for column in zip(*pairs, strict=True))
    row = {
        "recipe": options.recipe,
        "batches": len(batches),
        "pairs": options.pairs,
        "bare_encoder_s": bare,
        "training_s": whole,
        "ratio": ratio,
        "lowest_ratio": min(pair[2] for pair in pairs),
        "highest_ratio": max(pair[2] for pair in pairs),
    }
    append_row(_TABLE, {**row, **provenance()})
    print(f"median ratio {ratio:.3f}")
    return 0


def _prepare(recipe: Recipe) -> tuple[GlobalPointerModel, list[Window], int]:
    documents = read_split(recipe, "train", print)
    labels = LabelSet.from_documents(documents)
    built = build_model(recipe.model, recipe.data, labels, [document.text for document in documents])
    tokenizer = TextTokenizer(built.tokenizer.backend_tokenizer, recipe.data.boundary, recipe.data.alignment)
    size = WindowSize(recipe.data.window_tokens, recipe.data.overlap_tokens)
    return (
        built.model,
        training_windows(documents, tokenizer, labels, size, Report()),
        int(built.tokenizer.pad_token_id),
    )


def _settings(recipe: Recipe) -> OptimizerSettings:
    training = recipe.training
    return OptimizerSettings(
        training.encoder_learning_rate, training.head_learning_rate, training.weight_decay, training.warmup_fraction
    )


def _bare(
    recipe: Recipe, model: GlobalPointerModel, windows: list[Window], batches: list[list[int]], pad_id: int
) -> float:
    """Seconds of the encoder alone over the batches, which are made beforehand."""
    model = copy.deepcopy(model).train()
    ready = [collate([windows[index] for index in batch], pad_id) for batch in batches]
    # The first two groups are the encoder's.
    optimizer = AdamW(parameter_groups(model, _settings(recipe))[:2], fused=True)
    began = time.perf_counter()
    for batch in ready:
        hidden = model.encoder(input_ids=batch.input_ids, attention_mask=batch.attention_mask.long()).last_hidden_state
        hidden.square().mean().backward()
        torch.nn.utils.clip_grad_norm_(model.encoder.parameters(), recipe.training.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
    return time.perf_counter() - began


class _Clock(pl.Callback):
    """Times an epoch from its start to its end, everything that Lightning does in between included."""

    seconds = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        self._began = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        self.seconds = time.perf_counter() - self._began


def _whole(
    recipe: Recipe, model: GlobalPointerModel, windows: list[Window], batches: list[list[int]], pad_id: int
) -> float:
    """Seconds of a training epoch over the batches as `globalner train` runs it, evaluation left out."""
    module = GlobalPointerModule(copy.deepcopy(model).train(), _settings(recipe), len(batches))
    clock = _Clock()
    loader: DataLoader[Any] = DataLoader(
        windows,  # type: ignore[arg-type]
        batch_sampler=batches,
        collate_fn=lambda chosen: collate(chosen, pad_id),
    )
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=1,
        gradient_clip_val=recipe.training.clip_norm,
        callbacks=[StepSeeds(0), clock],
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        logger=False,
    )
    trainer.fit(module, loader)
    return clock.seconds


if __name__ == "__main__":
    sys.exit(main())
