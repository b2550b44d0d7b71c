"""Every shipped recipe trains a step on files of its own kind, under its own file names; and reads the real sets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from globalner.config import load_recipe, resolve_recipe_data, shipped_recipes, split_records
from globalner.workflows import RunOptions, train_recipe
from globalner.workflows.train import read_split

_CITIES = ("Lisbon", "Porto", "Faro", "Braga", "Evora", "Aveiro", "Beja", "Guarda", "Leiria", "Viseu", "Tomar", "Lagos")
_OUTER = ["B-PER", "I-PER", "O", "B-ORG", "I-ORG", "I-ORG", "O"]
_INNER = ["O", "O", "O", "O", "O", "B-LOC", "O"]
_TOWNS = ["北京", "上海", "广州", "成都", "天津", "南京", "杭州", "武汉", "西安", "大连", "青岛", "长沙"]


def _columns(layout: str, begin: str = "") -> str:
    """Twelve sentences, each word laid out with its tags: `outer` and `inner` BIO, `iob1` of the outer ones."""
    text = begin
    for city in _CITIES:
        words = f"Ana Reis left University of {city} .".split()
        for word, outer, inner in zip(words, _OUTER, _INNER, strict=True):
            line = layout.format(word=word, outer=outer, inner=inner, iob1=outer.replace("B-", "I-"))
            text += line + "\n"
        text += "\n"
    return text


def _native() -> str:
    records = [
        {
            "text": f"{city}大学",
            "entities": [{"start": 0, "end": 4, "label": "ORG"}, {"start": 0, "end": 2, "label": "LOC"}],
        }
        for city in _TOWNS
    ]
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _cluener() -> str:
    records = [
        {"text": f"{city}人去{city}", "label": {"address": {city: [[0, 1], [4, 5]]}}, "id": number}
        for number, city in enumerate(_TOWNS)
    ]
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _cmeee() -> str:
    head = {"start_idx": 2, "end_idx": 2, "type": "bod", "entity": "头"}
    ache = {"start_idx": 2, "end_idx": 3, "type": "sym", "entity": "头痛"}
    records = [{"text": f"{city}头痛", "entities": [head, ache]} for city in _TOWNS]
    return json.dumps(records, ensure_ascii=False, indent=2)


# A recipe, its files, entities of each document, and what reading says of them.
_FILES: dict[str, tuple[Callable[[], str], int, str]] = {
    "demo": (_native, 2, "native"),
    "cluener": (_cluener, 2, "cluener"),
    "cmeee": (_cmeee, 2, "cmeee"),
    "wnut17": (
        lambda: _columns("{word}\t{outer}"),
        2,
        "columns (2 TAB-separated columns, words in column 1, BIO tags in column 2)",
    ),
    "conll2003": (
        lambda: _columns("{word} NN I-NP {iob1}", "-DOCSTART- -X- O O\n\n"),
        2,
        "columns (4 blank-separated columns, words in column 1, IOB1 tags in column 4; column 3 holds phrase chunks",
    ),
    "germeval2014": (
        lambda: _columns("{word}\t{outer}\t{inner}"),
        3,
        "columns (3 TAB-separated columns, words in column 1, BIO tags in columns 2 and 3)",
    ),
    "genia": (
        lambda: _columns("{word}\t{inner}\t{outer}\tO\tO"),
        3,
        "columns (5 TAB-separated columns, words in column 1, BIO tags in columns 2, 3, 4 and 5)",
    ),
}
_PARTS = {"train": ("[0:8]", 8), "dev": ("[8:12]", 4), "test": ("[2:12]", 10)}
_SMALL = ["model.encoder.hidden_size=16", "model.encoder.num_layers=1", "model.encoder.num_heads=2"]


def _train(name: str, folder: Path, encoder: list[str]) -> None:
    """One epoch, which is one step, on files of twelve documents, of which parts are taken where the recipe does."""
    content, entities, evidence = _FILES[name]
    changes, expected = ["training.epochs=1", *encoder], []
    for split, (part, count) in _PARTS.items():
        value = getattr(load_recipe(name).recipe.data, split)
        path, _ = split_records(value)
        file = folder / "data" / path.replace("../", "")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content(), "utf-8")
        if path.startswith("../"):
            changes.append(f"data.{split}={file}")
        elif value != path:
            changes.append(f"data.{split}={path}{part}")
        documents = count if value != path else 12
        expected.append(f"{split}: {documents} documents, {documents * entities} entities, read as {evidence}")
    recipe = resolve_recipe_data(load_recipe(name, changes), data_dir=folder / "data")
    said: list[str] = []
    run = train_recipe(recipe, RunOptions(output_dir=folder / "run", device="cpu", say=said.append))
    assert run.result is not None
    assert expected[-1].startswith(f"test: {run.result.documents} documents")
    assert (run.model / "model.safetensors").is_file()
    assert len([line for line in said if line.startswith("epoch 1/1")]) == 1
    assert not [line for line in said if "left out" in line]
    for line in expected:
        assert any(spoken.startswith(line) for spoken in said), (line, said)


def _is_native(name: str) -> bool:
    return load_recipe(name).recipe.model.encoder.kind == "native"


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_recipe_trains(name: str, tmp_path: Path, bert_folder: Path) -> None:
    _train(name, tmp_path, _SMALL if _is_native(name) else [f"model.encoder.name={bert_folder}"])


@pytest.mark.parametrize("name", [name for name in shipped_recipes() if _is_native(name)])
def test_recipes_from_scratch_train_with_a_pretrained_encoder(name: str, tmp_path: Path, bert_folder: Path) -> None:
    _train(name, tmp_path, ["model.encoder.kind=pretrained", f"model.encoder.name={bert_folder}"])


_REAL = {
    "wnut17": ((3394, 1975), (1009, 836), (1287, 1079)),
    "conll2003": ((14041, 23499), (3250, 5942), (3453, 5648)),
    "germeval2014": ((24000, 31545), (2200, 2886), (5100, 6693)),
    "genia": ((1650, 4807), (204, 667), (1669, 4337)),
    "cluener": ((9673, 21596), (1075, 2375), (1343, 3072)),
    "cmeee": ((3500, 17947), (500, 3090), (1000, 5044)),
}


@pytest.mark.data
@pytest.mark.parametrize("name", _REAL)
def test_the_real_sets_are_read(name: str, real_data: Path) -> None:
    recipe = resolve_recipe_data(load_recipe(name), data_dir=real_data)
    read = [read_split(recipe, split, lambda _: None) for split in _PARTS]
    assert tuple((len(part), sum(len(document.entities) for document in part)) for part in read) == _REAL[name]
    labels = [{entity.label for document in part for entity in document.entities} for part in read]
    assert labels[0] >= labels[1] | labels[2]


@pytest.mark.data
@pytest.mark.parametrize("name", ["genia", "cluener", "cmeee"])
def test_parts_of_one_file_do_not_overlap(name: str, real_data: Path) -> None:
    recipe = resolve_recipe_data(load_recipe(name), data_dir=real_data)
    texts = [document.text for split in _PARTS for document in read_split(recipe, split, lambda _: None)]
    assert len(set(texts)) > 0.99 * len(texts)
