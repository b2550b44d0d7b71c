"""`globalner profile`: tables, JSON, a picture, and bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from globalner.cli import main


def run(*words: object) -> int:
    return main(["profile", *map(str, words), "--device", "cpu", "--steps", "1"])


def test_tables(tiny_recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    plot = tmp_path / "made.svg"
    assert run(tiny_recipe, "--lengths", 16, 32, "--against", "linear", "--types", 4, "--plot", plot) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0].startswith("tiny: a training step of 1 text(s), 4 types, cpu with ")
    assert [line.split(";")[0] for line in lines if "; weights " in line] == [
        "softmax, 1 layers 32 wide, 2 heads",
        "linear, 1 layers 32 wide, 2 heads, key size 64",
    ]
    rows = [line.split() for line in lines if "feed-forward  " in line]
    formula, counted = rows[0][1:3]
    # Three products of 16 tokens for each of two matrices, forward and backward.
    assert (len(rows), formula, counted) == (4, *[f"{2 * 3 * 2 * 16 * 32 * 128 / 1e9:.6f}"] * 2)
    (pairs,) = [line for line in lines if "all other products" in line]
    assert pairs.split()[-3] == "192"
    assert lines[-1] == "note: vocabulary: 8,000 tokens are assumed, since it comes of the texts"
    assert captured.err.splitlines()[-1] == f"wrote {plot}"
    assert plot.read_text("utf-8").startswith("<?xml")


def test_json(tiny_recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--lengths=32", 16, "model.encoder.attention=gau", "--batch-size", 2, "--precision", "bf16", "--json"]
    assert run(tiny_recipe, *words, "--quiet") == 0
    captured = capsys.readouterr()
    made = json.loads(captured.out)
    assert captured.err == ""
    assert {key: made[key] for key in ("recipe", "types", "texts", "device", "precision", "against")} == {
        "recipe": "tiny",
        "types": 10,
        "texts": 2,
        "device": "cpu",
        "precision": "bf16",
        "against": None,
    }
    assert [length["tokens"] for length in made["lengths"]] == [16, 32]
    gate = next(part for part in made["lengths"][0]["parts"] if part["part"] == "gate")
    assert set(gate) == {
        "part",
        "forward_flops_formula",
        "forward_flops",
        "backward_flops_formula",
        "backward_flops",
        "forward_ms",
        "backward_ms",
        "kept_mib",
    }
    assert gate["forward_flops"] == gate["forward_flops_formula"] == 2 * 2 * 16 * 32 * (3 * 64 + 128)
    assert [set(crossing) for crossing in made["crossings"]] == [
        {"name", "meaning", "tokens", "measured", "measured_tokens"}
    ] * 3


def test_a_recipe_for_pretraining(tiny_pretrain_recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tiny_pretrain_recipe, "--lengths", "16") == 0
    assert capsys.readouterr().out.startswith("tiny: a training step of 1 text(s), cpu")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "error: there is no recipe 'nowhere'"),
        (["nowhere.yaml", "--lengths", "16"], "error: there is no recipe file 'nowhere.yaml'"),
        (["demo", "--lengths", "16", "many"], "error: --lengths: 'many' is no whole number of at least 1"),
        (["demo", "--lengths", "1.5", "--json"], "error: --lengths: '1.5' is no whole number"),
        (["demo", "--lengths", "0"], "error: --lengths: '0' is no whole number"),
        (["demo", "--lengths", "-5"], "error: --lengths: '-5' is no whole number"),
        (["demo", "--lengths"], "requires an argument"),
        (["demo", "--types", "0"], "Invalid value for '--types'"),
        (["demo", "--against", "guu"], "error: there is no attention 'guu' (did you mean gau?)"),
        (["demo", "--against", "softmax"], "error: against softmax: the encoder of the recipe has this attention"),
        (["demo", "model.encoder.attention=guu"], "did you mean gau?"),
        (["demo", "--lengths", "16", "--plot", "made.txt"], "error: made.txt: a picture is written as"),
        ([], "Missing argument 'RECIPE'"),
    ],
)
def test_bad_input_exits_with_2(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 2
    captured = capsys.readouterr()
    assert message in " ".join(captured.err.replace("│", " ").split())
    assert captured.out == ""


def test_a_length_beyond_the_positions_exits_with_2(
    tiny_recipe: Path, bert_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder = f"model.encoder={{kind: pretrained, name: '{bert_folder}'}}"
    assert run(tiny_recipe, encoder, "--lengths", 512, 513) == 2
    assert capsys.readouterr().err == (
        "error: a length of 513 tokens is more than the encoder has positions for: 512\n"
    )
