"""A training run: from documents and a recipe to a folder with the best model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytorch_lightning as pl
import torch

from globalner.config import Recipe
from globalner.data import Report, Survey, WindowStore, survey_documents
from globalner.encoders import padding_id
from globalner.errors import DataError
from globalner.extractor import EntityExtractor, choose_device
from globalner.model import BuiltModel, TrainingRecord, build_model, training_record
from globalner.training.alignment_lines import alignment_lines, dev_alignment_lines
from globalner.training.batch_size import resolve_batch_size
from globalner.training.callbacks import (
    AdversarialTraining,
    DevEvaluation,
    DevOptions,
    History,
    ResumeCheckpoint,
    StepSeeds,
    WeightAverage,
)
from globalner.training.data_module import WindowDataModule
from globalner.training.lightning import FitSettings, fit
from globalner.training.memory_estimate import estimate_memory
from globalner.training.module import GlobalPointerModule
from globalner.training.optimizer import OptimizerSettings
from globalner.training.run_folder import RunFolder
from globalner.training.window_source import context_rule, training_store, window_rules
from globalner.types import Document, Documents, LabelSet

__all__ = ["TrainingData", "TrainingOptions", "TrainingResult", "train"]


@dataclass(frozen=True)
class TrainingData:
    """Documents with their gold entities."""

    train: Documents
    dev: Sequence[Document]


@dataclass(frozen=True)
class TrainingOptions:
    """How to run, apart from what decides the outcome.

    Attributes:
        device: "auto", "cpu", "cuda" or "mps".
        progress_bar: Whether to draw a bar on the terminal.
        say: Takes lines of progress and notes.
        record: What the model card tells of recipe and data; None takes both from what is trained on.
    """

    device: str = "auto"
    progress_bar: bool = False
    say: Callable[[str], None] = lambda _: None
    record: TrainingRecord | None = None


@dataclass(frozen=True)
class TrainingResult:
    """What a run did.

    Attributes:
        best_dev_f1: Micro F1 of the model that was kept.
        best_epoch: Its epoch, counted from 1.
        batch_size: Windows in a step.
        left_out: Training entities that could not be learnt, by reason.
        expanded: Training entities that were learnt with the edges of their tokens, by reason; empty unless
            `data.alignment` is "expand".
    """

    best_dev_f1: float
    best_epoch: int
    batch_size: int
    left_out: Report
    expanded: Report


def train(recipe: Recipe, data: TrainingData, folder: RunFolder, options: TrainingOptions) -> TrainingResult:
    """Trains, evaluates after each epoch, and leaves the best model in the folder.

    Goes on from the folder's checkpoint if there is one.

    Args:
        recipe: What to train and how.
        data: Training and dev documents.
        folder: Where everything goes; see `RunFolder`.
        options: Device and how to show progress.

    Raises:
        DataError: If the training documents hold no entity, or there are no dev documents.
        ConfigError, CheckpointError: As `build_model`.
    """
    survey = survey_documents(data.train, context_rule(recipe))
    _refuse_nothing(survey, data)
    torch.manual_seed(recipe.training.seed)
    texts = _Texts(data.train)
    limit = recipe.training.max_span_tokens
    built = build_model(recipe.model, recipe.data, survey.labels, texts, max_span_tokens=limit)
    for note in (*built.notes, *_strange_labels(data.dev, built.model.config.label_set)):
        options.say(note)
    windows = training_store(recipe, data.train, survey, window_rules(built), options.say)
    left_out, expanded = windows.left_out, windows.expanded
    module_data = _data_module(recipe, windows.store, built)
    for line in alignment_lines(survey.entities, built.model.config, left_out, expanded):
        options.say(line)
    if recipe.training.batch_size == "auto":
        steps = recipe.training.epochs * module_data.steps_per_epoch
        options.say(f"batch size {module_data.batch_size} for {len(windows.store):,} windows: {steps:,} steps in all")
    module = _module(recipe, built, module_data.steps_per_epoch).to(choose_device(options.device))
    options.say(estimate_memory(module, module_data, recipe).line())
    record = options.record or training_record(recipe, {"train": data.train, "dev": data.dev})
    evaluation = _evaluation(recipe, data.dev, built, folder, record)
    for line in dev_alignment_lines(data.dev, built.model.config, evaluation.extractor.tokenizer):
        options.say(line)
    _fit(recipe, module, module_data, evaluation, folder, options)
    return TrainingResult(evaluation.best_f1, evaluation.best_epoch, module_data.batch_size, left_out, expanded)


class _Texts:
    """The texts of documents, each time they are gone through."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def __iter__(self) -> Iterator[str]:
        return (document.text for document in self._documents)


def _refuse_nothing(survey: Survey, data: TrainingData) -> None:
    if not survey.labels:
        raise DataError("the training documents hold no entity, so there is nothing to learn")
    if not data.dev:
        raise DataError("there are no dev documents; they decide which epoch's model is kept")


def _strange_labels(dev: Sequence[Document], labels: LabelSet) -> Iterator[str]:
    strange = Counter(entity.label for document in dev for entity in document.entities if entity.label not in labels)
    for label, count in sorted(strange.items()):
        yield f"label {label!r} occurs {count} times in dev and never in train: it cannot be found and counts as missed"


def _data_module(recipe: Recipe, windows: WindowStore, built: BuiltModel) -> WindowDataModule:
    training = recipe.training
    return WindowDataModule(
        windows,
        batch_size=resolve_batch_size(training.batch_size, len(windows), training.epochs),
        pad_id=padding_id(built.tokenizer),
        seed=training.seed,
    )


def _evaluation(
    recipe: Recipe, dev: Sequence[Document], built: BuiltModel, folder: RunFolder, record: TrainingRecord
) -> DevEvaluation:
    extractor = EntityExtractor.from_model(built.model, built.tokenizer, precision=recipe.training.precision)
    decay = recipe.training.average_decay
    average = WeightAverage(built.model, decay) if decay else None
    options = DevOptions(recipe.training.tune_threshold, average)
    return DevEvaluation(dev, built.tokenizer, extractor, folder.model, record, options)


def _module(recipe: Recipe, built: BuiltModel, steps_per_epoch: int) -> GlobalPointerModule:
    training = recipe.training
    settings = OptimizerSettings(
        encoder_learning_rate=training.encoder_learning_rate,
        head_learning_rate=training.head_learning_rate,
        weight_decay=training.weight_decay,
        warmup_fraction=training.warmup_fraction,
        layer_decay=training.layer_decay,
    )
    steps = training.epochs * steps_per_epoch
    return GlobalPointerModule(
        built.model,
        settings,
        steps,
        dropout_samples=recipe.model.head.dropout_samples,
        tagging_weight=training.tagging_weight,
    )


def _fit(
    recipe: Recipe,
    module: GlobalPointerModule,
    data: WindowDataModule,
    evaluation: DevEvaluation,
    folder: RunFolder,
    options: TrainingOptions,
) -> None:
    training = recipe.training
    settings = FitSettings(
        training.epochs, training.precision, training.clip_norm, options.device, options.progress_bar
    )
    fit(module, data, _callbacks(recipe, evaluation, folder, options), folder, settings)


def _callbacks(
    recipe: Recipe, evaluation: DevEvaluation, folder: RunFolder, options: TrainingOptions
) -> list[pl.Callback]:
    """In the order in which they are called; the evaluation looks at weights that are averaged already."""
    norm = recipe.training.adversarial_norm
    return [
        StepSeeds(recipe.training.seed),
        *([AdversarialTraining(norm)] if norm else []),
        *([evaluation.options.average] if evaluation.options.average else []),
        evaluation,
        History(folder.history, evaluation, options.say),
        ResumeCheckpoint(folder.checkpoint),
    ]
