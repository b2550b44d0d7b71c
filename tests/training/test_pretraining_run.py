from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.optim import AdamW

from globalner.config import PretrainRecipe, load_pretrain_recipe, resolve_pretrain_data
from globalner.data import MaskingRules, PackedText, TokenStream, heldout_batches, training_batch
from globalner.encoders import NativeEncoderConfig, NativeEncoderForMaskedLM, build_character_tokenizer
from globalner.errors import DataError
from globalner.evaluation import MaskedScore
from globalner.training.callbacks import FeatureRedraw, HeldOutEvaluation
from globalner.training.lamb import Lamb
from globalner.training.pretraining.module import MaskedLMModule, PretrainOptimizer
from globalner.training.pretraining.run import PretrainOptions, PretrainResult, PretrainTexts, pretrain
from globalner.training.run_folder import RunFolder
from globalner.workflows.pretrain import read_texts

SETTINGS = PretrainOptimizer("adamw", 1e-3, 0.1, 0.0)


def recipe_of(path: Path, *overrides: str) -> PretrainRecipe:
    return resolve_pretrain_data(load_pretrain_recipe(path, overrides))


def run(recipe: PretrainRecipe, path: Path, **options: object) -> tuple[RunFolder, PretrainResult]:
    folder = RunFolder(path)
    folder.open(resume=True, overwrite=False)
    texts = PretrainTexts(*(read_texts(recipe, split, lambda _: None) for split in ("train", "heldout")))
    return folder, pretrain(recipe, texts, folder, PretrainOptions(device="cpu", **options))  # type: ignore[arg-type]


def history(folder: RunFolder) -> list[dict[str, str]]:
    with folder.history.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class CutOffError(Exception):
    pass


def cut_after_round(step: int):
    def say(line: str) -> None:
        if line.startswith(f"step {step}/"):
            raise CutOffError

    return say


def same_weights(*folders: RunFolder) -> bool:
    one, other = (load_file(folder.model / "model.safetensors") for folder in folders)
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    "changes",
    [
        (),
        ("training.optimizer=lamb", "tokenizer={kind: unigram, vocabulary_size: 90, min_count: 1}"),
        ("model.encoder.attention=performer",),
    ],
    ids=["adamw", "lamb, unigram", "performer"],
)
def test_a_resumed_run_ends_like_an_unbroken_one(
    changes: tuple[str, ...], tiny_pretrain_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FeatureRedraw.__init__, "__defaults__", (4,))
    recipe = recipe_of(tiny_pretrain_recipe, *changes)
    broken = tmp_path / "broken"
    with pytest.raises(CutOffError):
        run(recipe, broken, say=cut_after_round(6))
    rows = history(RunFolder(broken))
    assert [row["step"] for row in rows] == ["3", "6"]  # the second round was evaluated, not completed
    if "unigram" in str(changes):  # the library trains another Unigram tokenizer each time
        (tmp_path / "whole").mkdir()
        (tmp_path / "whole" / "tokenizer").symlink_to(broken / "tokenizer")
    whole, result = run(recipe, tmp_path / "whole")
    resumed, again = run(recipe, broken)
    assert again == result
    assert same_weights(whole, resumed)
    for column in ("step", "tokens", "loss", "accuracy_8", "accuracy_16"):
        assert [row[column] for row in history(resumed)] == [row[column] for row in history(whole)]
    assert not list(tmp_path.rglob("*.new"))


def test_a_run_that_was_cut_off_behind_its_last_round_gives_the_same_result(
    tiny_pretrain_recipe: Path, tmp_path: Path
) -> None:
    recipe = recipe_of(tiny_pretrain_recipe, "training.epochs=1")
    folder, result = run(recipe, tmp_path / "run")
    assert run(recipe, tmp_path / "run")[1] == result
    assert history(folder)[-1]["step"] == str(result.steps)


def test_the_same_seed_gives_the_same_model_and_another_does_not(tiny_pretrain_recipe: Path, tmp_path: Path) -> None:
    folders = [
        run(recipe_of(tiny_pretrain_recipe, f"training.seed={seed}"), tmp_path / str(place))[0]
        for place, seed in enumerate((0, 0, 1))
    ]
    assert same_weights(folders[0], folders[1])
    assert not same_weights(folders[0], folders[2])


@pytest.mark.parametrize(("optimizer", "rate"), [("adamw", 1e-2), ("lamb", 3e-2)])
def test_hidden_words_of_a_small_text_are_learnt(
    optimizer: str, rate: float, tiny_pretrain_recipe: Path, tmp_path: Path
) -> None:
    changes = ["training.epochs=30", "evaluation.every_steps=50", "model.encoder.dropout=0.0"]
    changes += [f"training.optimizer={optimizer}", f"training.learning_rate={rate}"]
    folder, _ = run(recipe_of(tiny_pretrain_recipe, *changes), tmp_path / "run")
    losses = [float(row["loss"]) for row in history(folder)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.85 * losses[0]


def test_training_ends_with_the_tokens_asked_for(tiny_pretrain_recipe: Path, tmp_path: Path) -> None:
    folder, result = run(recipe_of(tiny_pretrain_recipe, "training.tokens=150"), tmp_path / "run")
    assert (result.steps, result.tokens) == (3, 156)
    assert [row["tokens"] for row in history(folder)] == ["156"]
    assert float(history(folder)[0]["tokens_per_s"]) > 0


def test_a_length_that_held_out_text_does_not_fill_is_said(tiny_pretrain_recipe: Path, tmp_path: Path) -> None:
    said: list[str] = []
    run(
        recipe_of(tiny_pretrain_recipe, "training.tokens=1", "evaluation.lengths=[8,999]"),
        tmp_path / "a",
        say=said.append,
    )
    assert any(line.startswith("held-out text is not evaluated at 999: ") for line in said)
    with pytest.raises(DataError, match=r"fill no window of evaluation\.lengths \(999\)"):
        run(recipe_of(tiny_pretrain_recipe, "evaluation.lengths=[999]"), tmp_path / "b")


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_both_optimisers_run_in_mixed_precision(precision: str, tiny_pretrain_recipe: Path, tmp_path: Path) -> None:
    for optimizer in ("adamw", "lamb"):
        changes = ["training.tokens=200", f"training.precision={precision}", f"training.optimizer={optimizer}"]
        folder, _ = run(recipe_of(tiny_pretrain_recipe, *changes), tmp_path / optimizer)
        weights = load_file(folder.model / "model.safetensors")
        assert all(weight.dtype == torch.float32 and weight.isfinite().all() for weight in weights.values())


def small_module(settings: PretrainOptimizer = SETTINGS) -> MaskedLMModule:
    torch.manual_seed(0)
    config = NativeEncoderConfig(vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, dropout=0.0)
    return MaskedLMModule(NativeEncoderForMaskedLM(config), settings, total_steps=10)


def small_text(window: int, whole: bool = False) -> PackedText:
    random = torch.Generator().manual_seed(0)
    ids = torch.randint(5, 50, (300,), generator=random, dtype=torch.int32).numpy()
    return PackedText(TokenStream(ids, ids > 0, (2,), (3,)), window, whole=whole)


RULES = MaskingRules(4, (0, 1, 2, 3, 4), 50)


def test_the_loss_is_that_of_the_hidden_tokens_and_padding_changes_nothing() -> None:
    module, text = small_module().double().eval(), small_text(21)
    last = len(text) - 1
    batch = training_batch(text, [0, last], RULES, pad_id=0, seeds=(0, 0, 0))
    assert not batch.attention_mask.all()
    labels = torch.full_like(batch.input_ids, -100).flatten().index_copy(0, batch.places, batch.targets)
    output = module.model(batch.input_ids, batch.attention_mask, labels=labels.view_as(batch.input_ids))
    expected = output.logits.flatten(0, 1)[batch.places]
    torch.testing.assert_close(module.logits(batch), expected, rtol=1e-9, atol=1e-9)
    module.log = lambda *_, **__: None  # type: ignore[method-assign, assignment]
    torch.testing.assert_close(module.training_step(batch, 0), output.loss, rtol=1e-9, atol=1e-9)
    alone = module.model(batch.input_ids[1:, : text.lengths[last]], torch.ones(1, int(text.lengths[last])))
    both = output.logits[1, : text.lengths[last]]
    torch.testing.assert_close(both, alone.logits[0], rtol=1e-9, atol=1e-9)


def test_biases_and_norms_neither_decay_nor_adapt() -> None:
    for kind, expected in (("adamw", AdamW), ("lamb", Lamb)):
        module = small_module(PretrainOptimizer(kind, 1e-3, 0.1, 0.0))  # type: ignore[arg-type]
        module._trainer = type("Trainer", (), {"precision": "32-true"})()  # type: ignore[assignment]
        optimizer = module.configure_optimizers()["optimizer"]
        assert type(optimizer) is expected
        matrices, vectors = optimizer.param_groups
        assert {weight.ndim for weight in vectors["params"]} == {1}
        assert (matrices["weight_decay"], vectors["weight_decay"]) == (0.1, 0.0)
        assert kind == "adamw" or (matrices["adapt"], vectors["adapt"]) == (True, False)
        counted = sum(len(group["params"]) for group in optimizer.param_groups)
        assert counted == len(list(module.parameters()))


def test_performers_look_through_new_features_now_and_then() -> None:
    torch.manual_seed(0)
    config = NativeEncoderConfig(
        vocab_size=9, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, attention="performer"
    )
    module = MaskedLMModule(NativeEncoderForMaskedLM(config), SETTINGS, total_steps=10)
    features = [buffer for name, buffer in module.named_buffers() if name.endswith("features")]
    assert len(features) == 2
    drawn = []
    for step in range(7):
        FeatureRedraw(every_steps=3).on_train_batch_start(
            type("Trainer", (), {"global_step": step})(), module, None, step
        )
        drawn.append(features[0].clone())
    changed = [not torch.equal(*pair) for pair in pairwise(drawn)]
    assert changed == [False, False, True, False, False, True]


def test_held_out_scores_are_counts_over_all_windows(tmp_path: Path) -> None:
    module, tokenizer = small_module(), build_character_tokenizer(["abc"])
    texts = {length: small_text(length, whole=True) for length in (10, 32)}
    scores = []
    for batch_tokens in (1, 10_000):
        batches = {
            length: heldout_batches(text, RULES, most_tokens=None, batch_tokens=batch_tokens)
            for length, text in texts.items()
        }
        evaluation = HeldOutEvaluation(batches, tokenizer, tmp_path / "model", "fp32")
        evaluation.on_train_epoch_end(None, module)  # type: ignore[arg-type]
        scores.append(evaluation.scores)
    for one, other in zip(*scores, strict=True):
        assert (one.length, one.windows, one.masked, one.correct) == (
            other.length,
            other.windows,
            other.masked,
            other.correct,
        )
        assert one.loss_sum == pytest.approx(other.loss_sum, rel=1e-5)
        assert one.windows == len(texts[one.length])
    restored = HeldOutEvaluation({}, tokenizer, tmp_path, "fp32")
    restored.load_state_dict(evaluation.state_dict())
    assert restored.scores == evaluation.scores
    assert module.training


def test_a_score_tells_rates() -> None:
    score = MaskedScore(length=128, windows=2, masked=40, correct=10, loss_sum=60.0)
    assert score.to_dict() == {"accuracy": 0.25, "loss": 1.5, "masked_tokens": 40, "windows": 2}
    assert MaskedScore(128, 1, 0, 0, 0.0).accuracy == 0.0
