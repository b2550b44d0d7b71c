"""`data.alignment` from the recipe to the evaluation: what is said, learnt, stored, found, and counted as missed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from globalner import Document, Entity, EntityExtractor, write_documents
from globalner.config import load_recipe, resolve_recipe_data
from globalner.workflows import RunOptions, TrainedRun, evaluate_file, train_recipe

RECIPE = """
name: cut
data: {train: own.jsonl, dev: own.jsonl, window_tokens: 32, overlap_tokens: 8, mode: flat}
model: {encoder: {kind: pretrained, name: bert}, head: {head_size: 16}}
training: {epochs: 1, batch_size: 1, tune_threshold: false, encoder_learning_rate: 5.0e-3, head_learning_rate: 5.0e-3}
"""


@dataclass
class Trained:
    """A run on four documents with five entities, of which two have an edge inside a token."""

    run: TrainedRun
    own: Path
    said: list[str] = field(default_factory=list)


def documents() -> list[Document]:
    cut = [Document("三星wcg2011赛", (Entity(2, 5, "GAME"),)), Document("王芳cpl2010", (Entity(2, 5, "GAME"),))]
    both = (Entity(0, 2, "LOC"), Entity(2, 5, "GAME"))
    return [*cut, Document("三星在北京", (Entity(3, 5, "LOC"),)), Document("北京cpl", both)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recipe, its data, and a BERT with a WordPiece vocabulary that has the two runs whole."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    pieces = [*special, *"三星赛王芳在北京wcgpl210", "wcg2011", "cpl2010", "wcg", "cpl", "2011", "2010"]
    backend = Tokenizer(models.WordPiece({piece: at for at, piece in enumerate(pieces)}, unk_token="[UNK]"))
    backend.normalizer, backend.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    ends = [("[CLS]", 2), ("[SEP]", 3)]
    backend.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    shape = BertConfig(
        vocab_size=len(pieces), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64
    )
    torch.manual_seed(0)
    BertModel(shape).save_pretrained(tmp_path / "bert")
    PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(tmp_path / "bert")
    write_documents(documents(), tmp_path / "own.jsonl")
    recipe = RECIPE.replace("name: bert", f"name: {tmp_path / 'bert'}")
    (tmp_path / "cut.yaml").write_text(recipe, encoding="utf-8")
    return tmp_path


def trained(folder: Path, *changes: str) -> Trained:
    recipe = resolve_recipe_data(load_recipe(folder / "cut.yaml", changes))
    said: list[str] = []
    run = train_recipe(recipe, RunOptions(output_dir=folder / "run", device="cpu", say=said.append))
    return Trained(run, folder / "own.jsonl", said)


def test_entities_that_are_left_out_are_said_and_count_as_missed(folder: Path) -> None:
    made = trained(folder, "training.epochs=20")
    shown = "ends inside a token: 2 (such as GAME 2:5 'wcg'; GAME 2:5 'cpl')"
    assert f"training entities left out: {shown}" in made.said
    assert f"dev entities that cannot be found and count as missed: {shown}" in made.said
    (hint,) = [line for line in made.said if "data.alignment" in line]
    assert hint.startswith("2 of 5 training entities have an edge inside a token")
    assert all(f"{way} " in hint for way in ("report:", "expand", "split", "characters"))
    assert made.run.training is not None
    assert made.run.training.left_out.counts == {"ends inside a token": 2}
    extractor = EntityExtractor.from_pretrained(made.run.model, device="cpu")
    evaluation = evaluate_file(extractor, made.own)
    assert evaluation.unreachable.counts == {"ends inside a token": 2}
    assert evaluation.result.micro.support == 5
    assert evaluation.result.micro.recall == pytest.approx(3 / 5)
    assert evaluation.result.types["GAME"].recall == pytest.approx(1 / 3)


@pytest.mark.parametrize("alignment", ["split", "characters"])
def test_with_cuts_they_are_learnt_and_found_by_the_saved_model(folder: Path, alignment: str) -> None:
    made = trained(folder, "training.epochs=20", f"data.alignment={alignment}")
    assert not any("left out" in line or "cannot be found" in line for line in made.said)
    assert json.loads((made.run.model / "config.json").read_text("utf-8"))["alignment"] == alignment
    assert "| tokens are cut |" in (made.run.model / "README.md").read_text("utf-8")
    extractor = EntityExtractor.from_pretrained(made.run.model, device="cpu")
    assert extractor.description()["alignment"] == alignment
    assert [entity.text for entity in extractor("三星wcg2011赛").entities] == ["wcg"]
    evaluation = evaluate_file(extractor, made.own)
    assert not evaluation.unreachable
    assert evaluation.result.micro.f1 == 1


def test_expanded_entities_are_learnt_whole_said_and_count_as_missed(folder: Path) -> None:
    made = trained(folder, "training.epochs=20", "data.alignment=expand")
    shown = "ends inside a token: 2 (such as GAME 2:5 'wcg' as 'wcg2011'; GAME 2:5 'cpl' as 'cpl2010')"
    assert f"training entities expanded to the edges of their tokens: {shown}" in made.said
    assert not any("left out" in line for line in made.said)
    assert made.run.training is not None
    assert made.run.training.expanded.counts == {"ends inside a token": 2}
    assert not made.run.training.left_out
    extractor = EntityExtractor.from_pretrained(made.run.model, device="cpu")
    evaluation = evaluate_file(extractor, made.own)
    assert evaluation.unreachable.counts == {"ends inside a token": 2}
    assert (evaluation.result.micro.support, evaluation.result.micro.recall) == (5, pytest.approx(3 / 5))


def test_an_edge_inside_a_word_names_the_boundary(folder: Path) -> None:
    words = [Document("王芳cpl", (Entity(2, 5, "GAME"), Entity(0, 2, "PER")), tokens=((0, 2), (2, 5)))]
    inside = Document("三星在北京", (Entity(3, 4, "LOC"),), tokens=((0, 2), (2, 3), (3, 5)))
    write_documents([*words, inside], folder / "own.jsonl")
    hints = [line for line in trained(folder).said if "data.boundary is word" in line]
    assert hints == [
        "1 of 3 training entities have an edge inside a word and are left out, since data.boundary is word: with token "
        "they may start and end in words"
    ]
