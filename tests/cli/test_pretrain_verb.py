"""`globalner pretrain`: what it prints, and bad input."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from globalner.cli import main
from globalner.encoders import build_character_tokenizer


def run(recipe: Path, *words: str) -> int:
    return main(["pretrain", str(recipe), "--output-dir", str(recipe.parent / "run"), "--device", "cpu", *words])


def test_it_prints_what_was_found_and_how_to_use_it(
    tiny_pretrain_recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tiny_pretrain_recipe, "training.epochs=1") == 0
    captured = capsys.readouterr()
    lines = [line.split() for line in captured.out.splitlines() if line.strip()]
    assert lines[0][:4] == ["held-out", "text", "after", "5"]
    assert [line[0] for line in lines[-3:]] == ["8", "16", "64"]
    model = tiny_pretrain_recipe.parent / "run" / "model"
    assert captured.err.splitlines()[-1].endswith(f"model.encoder.kind=pretrained model.encoder.name={model}")
    assert run(tiny_pretrain_recipe, "training.epochs=1", "--resume", "--quiet") == 0
    assert tuple(capsys.readouterr()) == ("", "")


def test_json_batch_size_and_precision(tiny_pretrain_recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["training.epochs=1", "--batch-size", "20", "--precision", "bf16", "--json", "--quiet"]
    assert run(tiny_pretrain_recipe, *words) == 0
    assert json.loads(capsys.readouterr().out)["steps"] == 1
    config = (tiny_pretrain_recipe.parent / "run" / "config.yaml").read_text("utf-8")
    assert "batch_size: 20" in config
    assert "precision: bf16" in config


def without_mask(folder: Path) -> str:
    tokenizer = build_character_tokenizer(["abc"])
    tokenizer.mask_token = None
    tokenizer.save_pretrained(folder / "given")
    return f"tokenizer={{kind: pretrained, name: {folder / 'given'}}}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "train.txt: is empty"),
        (b"\n\n", "train.txt: holds no text, only blank lines"),
        (b"a\nb\nc\xe9\n", "train.txt:3: is not UTF-8: byte 0xe9"),
        (gzip.compress(b"text", mtime=0), "train.txt:1: is not UTF-8"),
    ],
)
def test_a_text_that_is_none_exits_with_2(
    content: bytes, message: str, tiny_pretrain_recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tiny_pretrain_recipe.parent / "train.txt").write_bytes(content)
    assert run(tiny_pretrain_recipe) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"error: {tiny_pretrain_recipe.parent}/{message}")
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    assert not (tiny_pretrain_recipe.parent / "run").exists()


def test_other_bad_input_exits_with_2(tiny_pretrain_recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = {
        without_mask(tiny_pretrain_recipe.parent): "has no mask token, so no word can be hidden",
        "tokenizer={kind: wordpiece, vocabulary_size: 20, min_count: 1}": "has no room for the",
        "evaluation.lengths=[4096]": "fill no window of evaluation.lengths (4096)",
        "data.train=nowhere.txt": "nothing found at 'nowhere.txt'",
        "data.train=train.txt[0:999]": "holds 20 lines of text, but asked for are 0 up to and without 999",
    }
    for change, message in cases.items():
        assert run(tiny_pretrain_recipe, change, "--overwrite", "--quiet") == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: ")
        assert message in line
    assert main(["pretrain", "demo"]) == 2
    assert "is no recipe for pretraining" in capsys.readouterr().err
    assert main(["train", str(tiny_pretrain_recipe)]) == 2
    assert "`globalner pretrain` takes it" in capsys.readouterr().err
