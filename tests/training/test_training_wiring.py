"""What the training room wires together reaches the place it is meant for."""

from __future__ import annotations

import csv
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from globalner import Document, Entity, EntityExtractor, LabelSet, span_loss
from globalner.config import load_recipe, resolve_recipe_data
from globalner.data import Batch, Report, TextTokenizer, WindowSize, collate, read_documents, training_windows
from globalner.encoders import NativeEncoderConfig, build_character_tokenizer
from globalner.evaluation import evaluate_documents
from globalner.model import GlobalPointerConfig, GlobalPointerModel, load_model
from globalner.training import TrainingData, TrainingOptions, train
from globalner.training.callbacks import AdversarialTraining, DevEvaluation, WeightAverage
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


def batch_of(text: str, span: tuple[int, int]) -> tuple[Batch, int]:
    tokenizer = build_character_tokenizer([text])
    text_tokenizer = TextTokenizer(tokenizer.backend_tokenizer, "token")
    document = Document(text, (Entity(*span, "A"),))
    windows = training_windows([document], text_tokenizer, LabelSet(("A",)), WindowSize(64, 8), Report())
    return collate(windows, pad_id=0), len(tokenizer)


def test_dropout_samples_average_the_loss_over_as_many_drops(monkeypatch: pytest.MonkeyPatch) -> None:
    batch, size = batch_of("abcdefgh", (2, 5))
    module = GlobalPointerModule(small_model(size), SETTINGS, total_steps=1, dropout_samples=3)
    module.model.dropout.p = 0.5
    encoded = []
    encode = module.model.encode
    monkeypatch.setattr(module.model, "encode", lambda *given: encoded.append(1) or encode(*given))
    torch.manual_seed(5)
    loss = module.batch_loss(batch)
    assert len(encoded) == 1
    torch.manual_seed(5)
    hidden = module.model.encode(batch.input_ids, batch.attention_mask)
    singles = [span_loss(module.model.score(hidden, batch.start_mask, batch.end_mask), batch.gold) for _ in range(3)]
    assert len({single.item() for single in singles}) == 3
    torch.testing.assert_close(loss, torch.stack(singles).mean())


def test_tagging_adds_its_loss_and_nothing_to_the_model() -> None:
    batch, size = batch_of("abcdefgh", (2, 5))
    plain, tagging = (
        GlobalPointerModule(small_model(size), SETTINGS, total_steps=1, tagging_weight=weight) for weight in (0.0, 0.5)
    )
    assert plain.tagging is None
    assert tagging.tagging is not None
    hidden = tagging.model.encode(batch.input_ids, batch.attention_mask)
    added = tagging.batch_loss(batch) - plain.batch_loss(batch)
    torch.testing.assert_close(added, 0.5 * tagging.tagging(hidden, batch))
    assert tagging.model.state_dict().keys() == plain.model.state_dict().keys()
    tagging.batch_loss(batch).backward()
    assert tagging.tagging.tags.weight.grad.abs().sum() > 0


class Precision:
    """Stands for Lightning's plugin of full precision."""

    def forward_context(self) -> AbstractContextManager[None]:
        return nullcontext()

    def pre_backward(self, loss: torch.Tensor, module: object) -> torch.Tensor:  # noqa: ARG002
        return loss


def test_adversarial_training_adds_the_gradient_at_the_pushed_embeddings() -> None:
    batch, size = batch_of("abcdefgh", (2, 5))
    module = GlobalPointerModule(small_model(size), SETTINGS, total_steps=1)
    table = module.model.encoder.get_input_embeddings().weight
    before = table.detach().clone()
    module.batch_loss(batch).backward()
    plain = module.model.head.projection.weight.grad.clone()
    push = 0.3 * table.grad / table.grad.norm()
    callback = AdversarialTraining(0.3)
    trainer = type("Trainer", (), {"precision_plugin": Precision()})()
    callback.on_train_batch_start(trainer, module, batch, 0)
    callback.on_after_backward(trainer, module)
    assert torch.equal(table, before)
    both = module.model.head.projection.weight.grad.clone()
    module.zero_grad()
    table.data.add_(push)
    module.batch_loss(batch).backward()
    torch.testing.assert_close(both, plain + module.model.head.projection.weight.grad)
    assert module.batch_loss(batch) > 0


def test_the_average_follows_the_weights_and_is_put_in_their_place_for_a_while() -> None:
    layer = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        layer.weight.fill_(0.0)
    average = WeightAverage(layer, decay=0.5)
    expected = 0.0
    for step, value in enumerate((1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 13.0, 15.0, 17.0, 19.0), start=1):
        with torch.no_grad():
            layer.weight.fill_(value)
        average.on_train_batch_end()
        kept = min(0.5, (1 + step) / (10 + step))
        expected = kept * expected + (1 - kept) * value
    with average.applied():
        assert layer.weight.item() == pytest.approx(expected)
    assert layer.weight.item() == 19.0
    other = WeightAverage(layer, decay=0.5)
    other.load_state_dict(average.state_dict())
    with other.applied():
        assert layer.weight.item() == pytest.approx(expected)


def test_a_run_saves_the_averaged_weights(tiny_recipe: Path, tmp_path: Path) -> None:
    weights = {}
    for decay in (0.0, 0.9):
        changes = ["training.epochs=1", f"training.average_decay={decay}"]
        recipe = resolve_recipe_data(load_recipe(tiny_recipe, changes))
        documents = list(read_documents(recipe.data.train))
        folder = RunFolder(tmp_path / f"run{decay}")
        folder.open(resume=False, overwrite=False)
        train(recipe, TrainingData(documents, documents), folder, TrainingOptions(device="cpu"))
        weights[decay] = load_file(folder.model / "model.safetensors")
    assert any(not torch.equal(weights[0.0][name], weights[0.9][name]) for name in weights[0.0])


def test_a_tuned_threshold_is_saved_and_scores_what_dev_scored(tiny_recipe: Path, tmp_path: Path) -> None:
    changes = ["training.epochs=12", "training.tune_threshold=true"]
    recipe = resolve_recipe_data(load_recipe(tiny_recipe, changes))
    documents = list(read_documents(recipe.data.train))
    folder = RunFolder(tmp_path / "run")
    folder.open(resume=False, overwrite=False)
    result = train(recipe, TrainingData(documents, documents), folder, TrainingOptions(device="cpu"))
    with folder.history.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    best = rows[result.best_epoch - 1]
    extractor = EntityExtractor.from_pretrained(folder.model, device="cpu")
    thresholds = set(extractor.description()["thresholds"].values())
    assert thresholds == {float(best["threshold"])}
    assert {float(row["threshold"]) for row in rows} != {0.5}
    scored = evaluate_documents(documents, extractor.extract(documents), mode="nested", split="dev")
    assert scored.micro.f1 == pytest.approx(float(best["dev_f1"]), abs=1e-6)
