"""What the training room wires together reaches the place it is meant for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from globalner import Document, Entity, EntityExtractor, LabelSet, span_loss
from globalner.config import load_recipe, resolve_recipe_data
from globalner.data import Report, TextTokenizer, WindowSize, collate, read_documents, training_windows
from globalner.encoders import NativeEncoderConfig, build_character_tokenizer
from globalner.model import GlobalPointerConfig, GlobalPointerModel, load_model
from globalner.training import TrainingData, TrainingOptions, train
from globalner.training.callbacks import DevEvaluation
from globalner.training.module import GlobalPointerModule
from globalner.training.optimizer import OptimizerSettings
from globalner.training.run_folder import RunFolder
from globalner.workflows.evaluate import evaluate_extractor

SETTINGS = OptimizerSettings(1e-3, 1e-3, 0.0, 0.0)


def small_model(vocab_size: int) -> GlobalPointerModel:
    torch.manual_seed(0)
    encoder = NativeEncoderConfig(
        vocab_size=vocab_size, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, dropout=0.0
    ).to_dict()
    return GlobalPointerModel(GlobalPointerConfig(encoder=encoder, labels=["A"], head_size=4, boundary="token"))


def test_cells_of_other_windows_are_kept_out_of_the_training_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = build_character_tokenizer(["abcdefgh"])
    document = Document("abcdefgh" * 3, (Entity(2, 5, "A"), Entity(9, 12, "A")))
    text_tokenizer, size = TextTokenizer(tokenizer.backend_tokenizer, "token"), WindowSize(12, 6)
    windows = training_windows([document], text_tokenizer, LabelSet(("A",)), size, Report())
    batch = collate(windows, pad_id=0)
    assert len(batch.ignore) > 0
    module = GlobalPointerModule(small_model(len(tokenizer)), SETTINGS, total_steps=1)
    monkeypatch.setattr(module, "log", lambda *_, **__: None)
    scores = module.model(batch.input_ids, batch.attention_mask, batch.start_mask, batch.end_mask)
    loss = module.training_step(batch, 0)
    torch.testing.assert_close(loss, span_loss(scores, batch.gold, ignore=batch.ignore))
    assert loss < span_loss(scores, batch.gold)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_gradients_are_clipped_to_the_norm_of_the_recipe(
    precision: str, tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []
    clip = torch.nn.utils.clip_grad_norm_

    def recording(parameters: object, max_norm: float, *rest: object, **named: object) -> torch.Tensor:
        seen.append(max_norm)
        return clip(parameters, max_norm, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", recording)
    changes = ["training.epochs=1", "training.clip_norm=0.25", f"training.precision={precision}"]
    recipe = resolve_recipe_data(load_recipe(tiny_recipe, changes))
    documents = list(read_documents(recipe.data.train))
    folder = RunFolder(tmp_path / "run")
    folder.open(resume=False, overwrite=False)
    train(recipe, TrainingData(documents, documents), folder, TrainingOptions(device="cpu"))
    assert set(seen) == {0.25}
    assert len(seen) == 3


class Answers:
    """Stands for an extractor: each call gives the next of its answers."""

    def __init__(self, answers: list[list[Document]]) -> None:
        self.answers = iter(answers)

    def extract(self, documents: list[Document]) -> list[Document]:
        assert documents
        return next(self.answers)


class Epoch:
    """Stands for the trainer of an epoch."""

    def __init__(self, number: int) -> None:
        self.current_epoch = number


def test_the_best_model_is_kept_not_the_last(tmp_path: Path) -> None:
    gold = [Document("ab cd", (Entity(0, 2, "A"), Entity(3, 5, "A")))]
    none, half = [replace(gold[0], entities=())], [replace(gold[0], entities=gold[0].entities[:1])]
    tokenizer = build_character_tokenizer(["abcd "])
    module = GlobalPointerModule(small_model(len(tokenizer)), SETTINGS, total_steps=1)
    answers: EntityExtractor = Answers([half, gold, half, gold, none])  # type: ignore[assignment]
    evaluation = DevEvaluation(gold, tokenizer, answers, tmp_path / "model")
    for number in range(5):
        with torch.no_grad():
            module.model.head.projection.bias.fill_(number)
        evaluation.on_train_epoch_end(Epoch(number), module)  # type: ignore[arg-type]
    assert (evaluation.best_f1, evaluation.best_epoch) == (1.0, 2)
    kept = load_file(tmp_path / "model" / "model.safetensors")["head.projection.bias"]
    assert (kept == 1).all()


@pytest.mark.parametrize("mode", ["nested", "flat"])
@pytest.mark.parametrize("tune", [False, True])
def test_dev_is_evaluated_in_the_mode_of_the_recipe(
    mode: str, tune: bool, trained_model: Path, documents: list[Document], tmp_path: Path
) -> None:
    model, tokenizer = load_model(trained_model)
    model.config.mode = mode
    extractor = EntityExtractor.from_model(model, tokenizer)
    evaluation = DevEvaluation(documents, tokenizer, extractor, tmp_path / "model")
    evaluation.tune_threshold = tune
    evaluation.on_train_epoch_end(Epoch(0), GlobalPointerModule(model, SETTINGS, total_steps=1))  # type: ignore[arg-type]
    assert evaluation.result is not None
    assert evaluation.result.mode == mode
    assert (evaluation.result.micro.recall == 1) == (mode == "nested"), (
        "flat, one of two overlapping entities is missed"
    )
    kept = EntityExtractor.from_pretrained(tmp_path / "model", device="cpu")
    assert (kept.mode, evaluation.result.micro) == (mode, evaluate_extractor(kept, documents, split="dev").micro)


class LongOrShort:
    """Stands for the extractor of a flat model: one long entity at 0.5, the two short ones inside it at less."""

    def extract(
        self, documents: list[Document], mode: str | None = None, threshold: float | None = None
    ) -> list[Document]:
        long, short = Entity(0, 4, "A", score=0.75), (Entity(0, 2, "A", score=0.3), Entity(2, 4, "A", score=0.3))
        flat = (long,) if threshold in (None, 0.5) else short
        return [replace(document, entities=(long, *short) if mode == "nested" else flat) for document in documents]


def test_flat_entities_are_found_anew_at_the_threshold_chosen(tmp_path: Path) -> None:
    gold = [Document("abcd", (Entity(0, 4, "A"),))]
    tokenizer = build_character_tokenizer(["abcd "])
    module = GlobalPointerModule(small_model(len(tokenizer)), SETTINGS, total_steps=1)
    module.model.config.mode = "flat"
    extractor: EntityExtractor = LongOrShort()  # type: ignore[assignment]
    evaluation = DevEvaluation(gold, tokenizer, extractor, tmp_path / "model")
    evaluation.tune_threshold = True
    evaluation.on_train_epoch_end(Epoch(0), module)  # type: ignore[arg-type]
    assert evaluation.threshold == 0.5
    assert evaluation.best_f1 == 1
