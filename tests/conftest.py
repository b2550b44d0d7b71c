"""What the tests of several rooms share: no model hub is asked, and small models that are made once."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"

REPOSITORY = Path(__file__).resolve().parent.parent
REAL_DATA = REPOSITORY.parent / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets, which are no part of the project."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"the real data sets are not there ({REAL_DATA})")
    return REAL_DATA


def own_documents() -> list:
    """Twelve documents with nested entities, enough to learn by heart."""
    from globalner import Document, Entity

    documents = []
    for city in ("Lisbon", "Porto", "Faro", "Braga"):
        text = f"Ana Reis of the University of {city} left {city}."
        start, again = text.index(city), text.rindex(city)
        entities = (
            Entity(0, 8, "PER"),
            Entity(16, start + len(city), "ORG"),
            Entity(start, start + len(city), "LOC"),
            Entity(again, again + len(city), "LOC"),
        )
        documents.append(Document(text, entities, id=city))
    for city in ("北京", "上海", "广州", "成都"):
        text = f"{city}大学的王芳去了{city}。"
        entities = (Entity(0, 4, "ORG"), Entity(0, 2, "LOC"), Entity(5, 7, "PER"), Entity(9, 11, "LOC"))
        documents.append(Document(text, entities, id=city))
    documents += [Document(text, ()) for text in ("Nothing here.", "It rains again.", "今天下雨。", "没有什么。")]
    return documents


@pytest.fixture
def documents() -> list:
    """See `own_documents`."""
    return own_documents()


@pytest.fixture(scope="session")
def trained_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a native model that has learnt `own_documents` by heart."""
    from globalner import write_documents
    from globalner.config import load_recipe, resolve_recipe_data
    from globalner.workflows import RunOptions, train_recipe

    folder = tmp_path_factory.mktemp("trained")
    write_documents(own_documents(), folder / "own.jsonl")
    (folder / "tiny.yaml").write_text(TINY_RECIPE, encoding="utf-8")
    recipe = resolve_recipe_data(load_recipe(folder / "tiny.yaml", ["training.epochs=60"]))
    run = train_recipe(recipe, RunOptions(output_dir=folder / "run", device="cpu"))
    assert run.result is not None
    assert run.result.micro.f1 > 0.95
    return run.model


@pytest.fixture(scope="session")
def flat_run(trained_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run whose recipe says `data.mode=flat`; its model still scores the entities inside others high."""
    from globalner import write_documents
    from globalner.config import load_recipe, resolve_recipe_data
    from globalner.workflows import RunOptions, train_recipe

    folder = tmp_path_factory.mktemp("flat")
    write_documents(own_documents(), folder / "own.jsonl")
    (folder / "tiny.yaml").write_text(TINY_RECIPE, encoding="utf-8")
    start = [f"model.init_from={trained_model}", "training.epochs=1", "training.head_learning_rate=1.0e-9"]
    changes = ["data.mode=flat", "data.test=own.jsonl[:8]", "training.encoder_learning_rate=1.0e-9", *start]
    recipe = resolve_recipe_data(load_recipe(folder / "tiny.yaml", changes))
    return train_recipe(recipe, RunOptions(output_dir=folder / "run", device="cpu")).folder


@pytest.fixture(scope="session")
def bert_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT with a character tokenizer, as the Auto classes find it in a folder."""
    from transformers import BertConfig, BertModel

    from globalner.encoders import build_character_tokenizer

    folder = tmp_path_factory.mktemp("bert")
    tokenizer = build_character_tokenizer(["abc"])
    shape = BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    BertModel(shape).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def decoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama in bf16 with a byte-level tokenizer that has an end token and no other special one."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("llama")
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=330, special_tokens=[], initial_alphabet=alphabet)
    # From words and Chinese characters, so that no token ends inside a character.
    words = re.findall(r"[\u4e00-\u9fff]|\w+|[^\w\s]", " ".join(document.text for document in own_documents()))
    backend.train_from_iterator(words, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|endoftext|>")
    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        initializer_range=0.1,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )
    LlamaForCausalLM(shape).to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


TINY_RECIPE = """
name: tiny
data: {train: own.jsonl, dev: own.jsonl, window_tokens: 64, overlap_tokens: 16, boundary: token}
model:
  encoder: {kind: native, hidden_size: 32, num_layers: 1, num_heads: 2, dropout: 0.0, min_count: 1}
  head: {head_size: 16}
training: {epochs: 2, batch_size: 4, tune_threshold: false, encoder_learning_rate: 5.0e-3, head_learning_rate: 5.0e-3}
"""


@pytest.fixture
def tiny_recipe(tmp_path: Path) -> Path:
    """A recipe file that trains in a second, with its data beside it."""
    from globalner import write_documents

    write_documents(own_documents(), tmp_path / "own.jsonl")
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY_RECIPE, encoding="utf-8")
    return path


PRETRAIN_RECIPE = """
kind: pretrain
name: tiny
data: {train: train.txt, heldout: heldout.txt, window_tokens: 16}
tokenizer: {kind: character, min_count: 1}
masking: {mean_span_words: 1.5}
model:
  encoder: {kind: native, hidden_size: 16, num_layers: 1, num_heads: 2, dropout: 0.1}
training: {epochs: 2, batch_size: 4, learning_rate: 1.0e-2}
evaluation: {every_steps: 3, lengths: [8, 16, 64], tokens: null}
"""
PLAIN_LINES = ["里斯本大学在里斯本。", "Ana left Lisbon.", "", "北京大学在北京。", "The rain in Porto.", "今天下雨。"]


@pytest.fixture
def tiny_pretrain_recipe(tmp_path: Path) -> Path:
    """A recipe file that pretrains in a second, with its texts beside it."""
    (tmp_path / "train.txt").write_text("\n".join(PLAIN_LINES * 4), encoding="utf-8")
    (tmp_path / "heldout.txt").write_text("\n".join(PLAIN_LINES[::-1]), encoding="utf-8")
    path = tmp_path / "tiny_pretrain.yaml"
    path.write_text(PRETRAIN_RECIPE, encoding="utf-8")
    return path
