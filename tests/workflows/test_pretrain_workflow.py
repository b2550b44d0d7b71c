from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM

from globalner.config import load_pretrain_recipe, load_recipe, resolve_pretrain_data, resolve_recipe_data
from globalner.encoders import build_character_tokenizer, load_pretrained
from globalner.errors import CheckpointError, ConfigError, DataError, OutputError
from globalner.workflows import PretrainedRun, RunOptions, pretrain_recipe, train_recipe

FRESH = """
import sys
import globalner.encoders  # registers the model type
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer
import torch
for folder in sys.argv[1:]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    given = tokenizer(["Ana left [MASK]isbon.", "北京"], return_tensors="pt", padding=True)
    encoder, masked = (kind.from_pretrained(folder).eval() for kind in (AutoModel, AutoModelForMaskedLM))
    hidden = encoder(given.input_ids, given.attention_mask).last_hidden_state
    logits = masked(given.input_ids, given.attention_mask).logits
    torch.save({"ids": given.input_ids, "hidden": hidden, "logits": logits}, f"{folder}/out.pt")
"""


def pretrained(path: Path, *overrides: str, folder: str = "run", **options: object) -> PretrainedRun:
    recipe = resolve_pretrain_data(load_pretrain_recipe(path, overrides))
    return pretrain_recipe(recipe, RunOptions(output_dir=path.parent / folder, device="cpu", **options))  # type: ignore[arg-type]


def test_a_run_leaves_an_encoder_and_what_it_found(tiny_pretrain_recipe: Path) -> None:
    said: list[str] = []
    run = pretrained(tiny_pretrain_recipe, say=said.append)
    made = {path.relative_to(run.folder).as_posix() for path in run.folder.rglob("*") if path.is_file()}
    assert made == {
        "config.yaml",
        "history.csv",
        "metrics.json",
        "checkpoints/last.ckpt",
        "tokenizer/tokenizer.json",
        "tokenizer/tokenizer_config.json",
        "model/tokenizer.json",
        "model/tokenizer_config.json",
        "model/config.json",
        "model/model.safetensors",
    }
    assert run.result is not None
    metrics = json.loads((run.folder / "metrics.json").read_text("utf-8"))
    assert metrics == run.result.to_dict()
    assert (metrics["split"], set(metrics["lengths"])) == ("heldout", {"8", "16", "64"})
    assert set(metrics["lengths"]["8"]) == {"accuracy", "loss", "masked_tokens", "windows"}
    recipe = resolve_pretrain_data(load_pretrain_recipe(tiny_pretrain_recipe))
    assert load_pretrain_recipe(run.folder / "config.yaml").recipe == recipe
    assert said[0] == "train: 20 lines, 228 characters in 1 file(s)"
    assert len([line for line in said if line.startswith("step ")]) == 4
    again = pretrained(tiny_pretrain_recipe, resume=True, say=said.append)
    assert again.result is None
    assert "nothing to do" in said[-1]


def test_the_auto_classes_load_it_in_a_fresh_process_as_it_was(tiny_pretrain_recipe: Path, tmp_path: Path) -> None:
    folders = []
    for kind, size in (("character", ""), ("wordpiece", ", vocabulary_size: 90"), ("unigram", ", vocabulary_size: 90")):
        tokenizer = f"tokenizer={{kind: {kind}, min_count: 1{size}}}"
        folders.append(pretrained(tiny_pretrain_recipe, "training.epochs=1", tokenizer, folder=kind).model)
    subprocess.run([sys.executable, "-c", FRESH, *map(str, folders)], check=True, capture_output=True, cwd=tmp_path)
    for folder in folders:
        out, loaded = torch.load(folder / "out.pt"), load_pretrained(str(folder))
        assert loaded.unused_weights == ("output_bias",)
        given = loaded.tokenizer(["Ana left [MASK]isbon.", "北京"], return_tensors="pt", padding=True)
        assert torch.equal(out["ids"], given.input_ids)
        assert loaded.tokenizer.mask_token_id in given.input_ids
        hidden = loaded.encoder.eval()(given.input_ids, given.attention_mask).last_hidden_state
        assert torch.equal(out["hidden"], hidden)
        again = AutoModelForMaskedLM.from_pretrained(folder).eval()(given.input_ids, given.attention_mask).logits
        assert torch.equal(out["logits"], again)


def test_training_takes_it_as_a_pretrained_encoder(tiny_pretrain_recipe: Path, tiny_recipe: Path) -> None:
    encoder = pretrained(tiny_pretrain_recipe, "training.epochs=1").model
    changes = ["model.encoder.kind=pretrained", f"model.encoder.name={encoder}", "training.epochs=1"]
    frozen = [*changes, "training.encoder_learning_rate=1.0e-12", "training.weight_decay=0.0"]
    recipe = resolve_recipe_data(load_recipe(tiny_recipe, frozen))
    run = train_recipe(recipe, RunOptions(output_dir=tiny_recipe.parent / "ner", device="cpu"))
    before, after = load_file(encoder / "model.safetensors"), load_file(run.model / "model.safetensors")
    carried = [name for name in before if name.startswith("encoder.")]
    assert carried
    for name in carried:
        torch.testing.assert_close(after[name], before[name], rtol=0, atol=1e-8)
    more = [*changes, f"model.init_from={run.model}"]
    recipe = resolve_recipe_data(load_recipe(tiny_recipe, more))
    train_recipe(recipe, RunOptions(output_dir=tiny_recipe.parent / "more", device="cpu"))


@pytest.mark.parametrize("attention", ["gau", "flash", "linear", "performer"])
def test_every_attention_is_pretrained_and_then_trained_on(
    attention: str, tiny_pretrain_recipe: Path, tiny_recipe: Path
) -> None:
    chunks = ["model.encoder.chunk_size=8"] if attention == "flash" else []
    run = pretrained(tiny_pretrain_recipe, f"model.encoder.attention={attention}", "training.tokens=300", *chunks)
    assert run.result is not None
    assert all(math.isfinite(score.loss) for score in run.result.scores)
    changes = ["model.encoder.kind=pretrained", f"model.encoder.name={run.model}", "training.epochs=1"]
    recipe = resolve_recipe_data(load_recipe(tiny_recipe, changes))
    trained = train_recipe(recipe, RunOptions(output_dir=tiny_recipe.parent / "ner", device="cpu"))
    assert json.loads((trained.model / "config.json").read_text("utf-8"))["encoder"]["attention"] == attention


def test_a_killed_run_ends_with_the_weights_of_one_that_was_not(tiny_pretrain_recipe: Path, tmp_path: Path) -> None:
    changes = ("training.epochs=15", "evaluation.every_steps=5")
    code = "import sys; from globalner.cli import main; sys.exit(main())"
    words = [
        "pretrain",
        str(tiny_pretrain_recipe),
        *changes,
        "--output-dir",
        str(tmp_path / "killed"),
        "--device",
        "cpu",
    ]
    process = subprocess.Popen([sys.executable, "-c", code, *words], stderr=subprocess.DEVNULL)
    checkpoint = tmp_path / "killed" / "checkpoints" / "last.ckpt"
    for _ in range(3000):
        if checkpoint.is_file() or process.poll() is not None:
            break
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    assert checkpoint.is_file()
    assert not (tmp_path / "killed" / "metrics.json").exists()
    resumed = pretrained(tiny_pretrain_recipe, *changes, folder="killed", resume=True)
    whole = pretrained(tiny_pretrain_recipe, *changes, folder="whole")
    assert resumed.result == whole.result
    one, other = (load_file(run.model / "model.safetensors") for run in (resumed, whole))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_is_not_resumed_with_another_recipe(tiny_pretrain_recipe: Path) -> None:
    pretrained(tiny_pretrain_recipe, "training.epochs=1")
    with pytest.raises(OutputError, match=r"training\.epochs: 1 is now 2"):
        pretrained(tiny_pretrain_recipe, resume=True)
    with pytest.raises(OutputError, match="holds a run already"):
        pretrained(tiny_pretrain_recipe)


def test_a_bad_text_does_not_cost_the_old_run(tiny_pretrain_recipe: Path, tmp_path: Path) -> None:
    run = pretrained(tiny_pretrain_recipe, "training.epochs=1")
    (tmp_path / "train.txt").write_bytes(b"good\n\xff\n")
    with pytest.raises(DataError, match=r"train\.txt:2: is not UTF-8"):
        pretrained(tiny_pretrain_recipe, overwrite=True)
    assert (run.model / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("train", "heldout", "shared"),
    [
        ("train.txt", "train.txt", True),
        ("train.txt[:10]", "train.txt[10:]", False),
        ("train.txt[:11]", "train.txt[10:]", True),
        ("train.txt[5:]", "train.txt[:5]", False),
        ("train.txt[2:4]", "train.txt[4:20]", False),
        ("train.txt", "train.txt[4:20]", True),
    ],
)
def test_text_that_is_held_out_is_not_trained_on(
    train: str, heldout: str, shared: bool, tiny_pretrain_recipe: Path
) -> None:
    changes = (f"data.train={train}", f"data.heldout={heldout}", "training.tokens=1", "evaluation.lengths=[8]")
    if shared:
        with pytest.raises(ConfigError, match=r"shares records with data\.train"):
            pretrained(tiny_pretrain_recipe, *changes)
    else:
        pretrained(tiny_pretrain_recipe, *changes)


def test_a_given_tokenizer_is_taken_as_it_is(tiny_pretrain_recipe: Path, tmp_path: Path) -> None:
    given = build_character_tokenizer(["Ana left 北京", "xyz"])
    given.save_pretrained(tmp_path / "given")
    change = f"tokenizer={{kind: pretrained, name: {tmp_path / 'given'}}}"
    run = pretrained(tiny_pretrain_recipe, change, "training.tokens=1")
    taken = load_pretrained(str(run.model)).tokenizer
    assert taken.backend_tokenizer.to_str() == given.backend_tokenizer.to_str()


def test_a_tokenizer_without_a_mask_token_or_none_at_all_is_an_error(
    tiny_pretrain_recipe: Path, tmp_path: Path
) -> None:
    given = build_character_tokenizer(["abc"])
    given.mask_token = None
    given.save_pretrained(tmp_path / "given")
    with pytest.raises(ConfigError, match=r"tokenizer\.name: the tokenizer of '.*given' has no mask token"):
        pretrained(tiny_pretrain_recipe, f"tokenizer={{kind: pretrained, name: {tmp_path / 'given'}}}")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match="no tokenizer"):
        pretrained(tiny_pretrain_recipe, f"tokenizer={{kind: pretrained, name: {tmp_path / 'empty'}}}", folder="b")
