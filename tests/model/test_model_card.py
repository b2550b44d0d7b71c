from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner import Document, Entity, __version__
from globalner.config import Recipe
from globalner.encoders import NativeEncoderConfig, build_character_tokenizer
from globalner.evaluation import evaluate_documents
from globalner.model import (
    GlobalPointerConfig,
    GlobalPointerModel,
    TrainingRecord,
    load_model,
    render_model_card,
    save_model,
    training_record,
    write_model_card,
)

NATIVE = NativeEncoderConfig(vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=2).to_dict()
GOLD = [Document("Ana in Faro", (Entity(0, 3, "PER"), Entity(7, 11, "LOC"))), Document("Porto", (Entity(0, 5, "LOC"),))]
FOUND = [Document("Ana in Faro", (Entity(0, 3, "PER"),)), Document("Porto", (Entity(0, 5, "LOC"),))]


def config(*labels: str, **rest: object) -> GlobalPointerConfig:
    return GlobalPointerConfig(encoder=NATIVE, labels=list(labels or ("LOC", "PER")), head_size=8, **rest)


def recipe(**data: object) -> Recipe:
    values = {"train": "sets/train.jsonl[:10]", "dev": "/srv/sets/dev.jsonl", **data}
    encoder = {"kind": "pretrained", "name": "/srv/models/bert/base"}
    return Recipe.model_validate({"name": "own", "data": values, "model": {"encoder": encoder}})


def scored(record: TrainingRecord) -> TrainingRecord:
    result = evaluate_documents(GOLD, FOUND, mode="flat", split="test")
    return TrainingRecord(record.name, record.recipe, record.parts, (result,))


def section(card: str, heading: str) -> str:
    return card.split(f"## {heading}\n")[1].split("\n## ")[0]


def test_scores_stand_by_type_with_their_split_and_mode() -> None:
    card = render_model_card(config(), scored(training_record(recipe(), {"train": GOLD, "dev": GOLD})))
    scores = section(card, "Scores on test")
    assert "2 documents, flat decoding" in scores
    assert "| type | precision | recall | F1 | support |" in scores
    assert "| LOC | 1.0000 | 0.5000 | 0.6667 | 2 |" in scores
    assert "| **micro** | 1.0000 | 0.6667 | 0.8000 | 3 |" in scores
    assert "| **macro** | 1.0000 | 0.7500 | 0.8333 | 3 |" in scores


def test_the_models_own_mode_is_among_the_facts() -> None:
    for mode, meaning in (("nested", "entities may lie in each other"), ("flat", "the best set without overlap")):
        shape = section(render_model_card(config(mode=mode)), "Shape")
        assert f"| mode, unless a call says otherwise | {mode}: {meaning} |" in shape


def test_a_model_that_cuts_tokens_says_where() -> None:
    shape = section(render_model_card(config(alignment="split")), "Shape")
    assert "| tokens are cut | between letters, numbers and other characters |" in shape
    assert "tokens are cut" not in section(render_model_card(config(alignment="expand")), "Shape")


def test_a_hub_can_read_the_metadata() -> None:
    card = ModelCard(render_model_card(config(), scored(training_record(recipe(), {"train": GOLD}))))
    assert card.data.library_name == "globalner"
    assert card.data.pipeline_tag == "token-classification"
    assert "language" not in card.data.to_dict()
    found = {(entry.metric_name, entry.metric_value) for entry in card.data.eval_results}
    assert ("micro f1 (flat)", 0.8) in found
    assert {entry.dataset_split for entry in card.data.eval_results} == {"test"}
    assert {entry.metric_type for entry in card.data.eval_results} == {"precision", "recall", "f1"}


def test_data_are_named_as_written_and_counted_and_no_folder_leaks() -> None:
    card = render_model_card(config(), training_record(recipe(), {"train": GOLD, "dev": GOLD[:1]}))
    data = section(card, "Data")
    assert "| train | sets/train.jsonl\\[:10\\] | 2 | 3 |" in data
    assert "| dev | sets/dev.jsonl | 1 | 2 |" in data
    shown = yaml.safe_load(section(card, "Recipe").split("```yaml\n")[1].split("```")[0])
    assert shown["data"]["train"] == "sets/train.jsonl[:10]"
    assert shown["data"]["dev"] == "sets/dev.jsonl"
    assert shown["model"]["encoder"]["name"] == "bert/base"
    assert shown["training"]["seed"] == 0
    assert "/srv" not in card


def test_a_recipe_with_a_fence_in_it_stays_inside_its_block() -> None:
    fenced = recipe().model_copy(update={"description": "before\n```\nafter ```` end"})
    card = render_model_card(config(), training_record(fenced, {"train": GOLD}))
    block = section(card, "Recipe").split("`````yaml\n")[1].split("\n`````")[0]
    assert yaml.safe_load(block)["description"] == fenced.description


@settings(max_examples=60, deadline=None)
@given(label=st.text(min_size=1, max_size=8).filter(lambda text: text != "PER"))
def test_no_label_breaks_a_table(label: str) -> None:
    card = render_model_card(config(label, "PER"))
    lines = section(card, "Labels").strip().split("\n")
    assert len(lines) == 4
    inner = lines[2].removeprefix("| ").removesuffix(" | 0.5 |")
    unescaped = iter(inner)
    assert not any(next(unescaped, "") == "" if c == "\\" else c in "|`<*_[]~" for c in unescaped)


def test_odd_labels_are_escaped() -> None:
    card = render_model_card(config("A|B", "`c`", "two\nlines", thresholds={"`c`": 0.25}))
    labels = section(card, "Labels")
    assert r"| A\|B | 0.5 |" in labels
    assert r"| \`c\` | 0.25 |" in labels
    assert r"| two\\nlines | 0.5 |" in labels


def test_saving_writes_a_card_without_scores(tmp_path: Path) -> None:
    save_model(GlobalPointerModel(config()), build_character_tokenizer(["abc"]), tmp_path / "model")
    card = (tmp_path / "model" / "README.md").read_text("utf-8")
    assert "| LOC | 0.5 |" in section(card, "Labels")
    assert 'EntityExtractor.from_pretrained("MODEL")' in card
    assert 'globalner predict MODEL --text "' in card
    assert r"| hidden\_size | 16 |" in section(card, "Shape")
    assert f"| globalner | {__version__} |" in section(card, "Versions")
    assert "## Scores" not in card
    assert "model-index" not in card
    load_model(tmp_path / "model")


def test_a_card_that_cannot_be_written_leaves_the_older_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer, folder = build_character_tokenizer(["abc"]), tmp_path / "model"
    save_model(GlobalPointerModel(config(window_tokens=99)), tokenizer, folder)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("globalner.model.folder.write_model_card", full)
    with pytest.raises(OSError, match="no space"):
        save_model(GlobalPointerModel(config()), tokenizer, folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_a_card_is_written_anew_and_the_rest_stays(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    save_model(GlobalPointerModel(config()), build_character_tokenizer(["abc"]), folder)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    write_model_card(folder, scored(training_record(recipe(), {"train": GOLD})))
    after = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert {name for name in after if after[name] != before.get(name)} == {"README.md"}
    assert before.keys() == after.keys()
    assert b"## Scores on test" in after["README.md"]
