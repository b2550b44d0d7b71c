"""Trains a baseline as `globalner train` trains its own model: a plain loop with the same data, seeds and optimiser."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from benchmarks.baselines.crf import CrfTagger
from benchmarks.baselines.tagger import Tagger, TagScorer
from benchmarks.baselines.tagging import tagging_windows
from benchmarks.baselines.token_classification import TokenClassifier
from globalner.config import Recipe
from globalner.data import (
    ContextRule,
    Report,
    TextTokenizer,
    Window,
    WindowSize,
    collate,
    shuffled_batches,
    training_windows,
)
from globalner.encoders import padding_id
from globalner.errors import ConfigError, DataError
from globalner.evaluation import evaluate_documents
from globalner.extractor import EntityExtractor, autocast, choose_device
from globalner.model import BuiltModel, build_model
from globalner.training import TrainingData, TrainingOptions
from globalner.training.batch_size import resolve_batch_size
from globalner.training.callbacks.step_seeds import step_seed
from globalner.training.optimizer import OptimizerSettings, parameter_groups, warmup_then_linear_decay
from globalner.types import Document, Documents, LabelSet

__all__ = ["BASELINES", "TrainedBaseline", "train_baseline"]

BASELINES: dict[str, type[TokenClassifier] | type[CrfTagger]] = {
    "token_classification": TokenClassifier,
    "crf": CrfTagger,
}


@dataclass(frozen=True)
class TrainedBaseline:
    """What a training left.

    Attributes:
        extractor: On the model of the best epoch.
        best_dev_f1: Its micro F1 on dev.
        best_epoch: Its epoch, counted from 1.
        batch_size: Windows in a step.
        steps: Optimiser steps of the whole training.
        train_s: Seconds of the epochs, evaluation left out.
    """

    extractor: EntityExtractor
    best_dev_f1: float
    best_epoch: int
    batch_size: int
    steps: int
    train_s: float


def train_baseline(name: str, recipe: Recipe, data: TrainingData, options: TrainingOptions) -> TrainedBaseline:
    """Trains, evaluates on dev after each epoch, and keeps the best epoch by micro F1; the earlier one wins a tie.

    Args:
        name: One of `BASELINES`.
        recipe: What to train and how; its head is not used.
        data: Training and dev documents.
        options: Device, and who is told of the progress.

    Raises:
        ConfigError: If the precision is fp16.
        DataError: If the training documents hold no entity.
    """
    _check(recipe)
    labels = LabelSet.from_documents(data.train)
    if not labels:
        raise DataError("the training documents hold no entity, so there is nothing to learn")
    torch.manual_seed(recipe.training.seed)
    built = build_model(recipe.model, recipe.data, labels, [document.text for document in data.train])
    tagger = BASELINES[name](built.model.encoder, len(labels)).to(choose_device(options.device))
    scorer = TagScorer(tagger, recipe.training.precision)
    extractor = EntityExtractor(scorer, built.tokenizer, built.model.config, name=name)
    loop = _Loop(tagger, recipe, _windows(recipe, data.train, built, labels), padding_id(built.tokenizer))
    return _fit(loop, extractor, data.dev, options.say)


def _check(recipe: Recipe) -> None:
    if recipe.training.precision == "fp16":
        raise ConfigError(
            "training.precision is 'fp16', for which the baselines have no loss scaling; use fp32 or bf16"
        )


def _windows(recipe: Recipe, documents: Documents, built: BuiltModel, labels: LabelSet) -> list[Window]:
    data = recipe.data
    tokenizer = TextTokenizer(built.tokenizer.backend_tokenizer, data.boundary, data.alignment)
    context = ContextRule(data.context, data.context_tokens)
    size = WindowSize(data.window_tokens, data.overlap_tokens, recipe.training.max_span_tokens, context)
    expanded = Report() if data.alignment == "expand" else None
    return tagging_windows(training_windows(documents, tokenizer, labels, size, Report(), expanded))


class _Loop:
    """One epoch after the other, over a tagger and its optimiser."""

    def __init__(self, tagger: Tagger, recipe: Recipe, windows: list[Window], pad_id: int) -> None:
        self.tagger, self.training, self.windows, self.pad_id = tagger, recipe.training, windows, pad_id
        self.batch_size = resolve_batch_size(recipe.training.batch_size, len(windows), recipe.training.epochs)
        settings = OptimizerSettings(
            encoder_learning_rate=self.training.encoder_learning_rate,
            head_learning_rate=self.training.head_learning_rate,
            weight_decay=self.training.weight_decay,
            warmup_fraction=self.training.warmup_fraction,
            layer_decay=self.training.layer_decay,
        )
        self.optimizer = AdamW(parameter_groups(tagger, settings), fused=True)  # type: ignore[arg-type]
        total_steps = self.training.epochs * len(self._batches(0))
        self.schedule = LambdaLR(self.optimizer, warmup_then_linear_decay(total_steps, settings.warmup_fraction))
        self.steps = 0

    def epoch(self, number: int) -> tuple[float, float]:
        """Trains one epoch, counted from 0; the mean loss of its steps, and seconds."""
        began = time.perf_counter()
        self.tagger.train()
        losses = [self._step(number, place, batch) for place, batch in enumerate(self._batches(number))]
        return sum(losses) / len(losses), time.perf_counter() - began

    def _step(self, epoch: int, place: int, chosen: list[int]) -> float:
        torch.manual_seed(step_seed(self.training.seed, epoch, place))
        batch = collate([self.windows[index] for index in chosen], self.pad_id)
        with autocast(self.tagger.device, self.training.precision):
            loss = self.tagger.loss(batch)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.tagger.parameters(), self.training.clip_norm)
        self.optimizer.step()
        self.schedule.step()
        self.steps += 1
        return float(loss.detach())

    def _batches(self, epoch: int) -> list[list[int]]:
        lengths = list(map(len, self.windows))
        return shuffled_batches(lengths, self.batch_size, seed=self.training.seed, epoch=epoch)


def _fit(
    loop: _Loop, extractor: EntityExtractor, dev: Sequence[Document], say: Callable[[str], None]
) -> TrainedBaseline:
    best_f1, best_epoch, seconds = -1.0, 0, 0.0
    best: dict[str, torch.Tensor] = {}
    epochs = loop.training.epochs
    for epoch in range(epochs):
        loss, epoch_s = loop.epoch(epoch)
        seconds += epoch_s
        f1 = evaluate_documents(dev, extractor.extract(dev), mode=extractor.mode, split="dev").micro.f1
        say(f"epoch {epoch + 1}/{epochs}  loss {loss:.4f}  dev F1 {f1:.4f}  {epoch_s:.0f} s")
        if f1 > best_f1:
            best_f1, best_epoch = f1, epoch + 1
            best = {name: weight.detach().cpu().clone() for name, weight in loop.tagger.state_dict().items()}
    loop.tagger.load_state_dict(best)
    return TrainedBaseline(extractor, best_f1, best_epoch, loop.batch_size, loop.steps, seconds)
