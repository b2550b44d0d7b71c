"""Wherever the windows come from, and however the documents are read, training is the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import load_file

from globalner import Document, EntityExtractor, read_documents, write_documents
from globalner.config import Recipe, load_recipe, resolve_recipe_data
from globalner.errors import DataError
from globalner.training import TrainingData, TrainingOptions, train, window_source
from globalner.training.run_folder import RunFolder
from globalner.workflows import split_documents
from globalner.workflows.split_documents import read_split, read_training_split


def recipe_of(path: Path, *overrides: str) -> Recipe:
    return resolve_recipe_data(load_recipe(path, overrides))


def weights(recipe: Recipe, path: Path, documents: object, said: list[str]) -> dict:
    folder = RunFolder(path)
    folder.open(resume=False, overwrite=False)
    dev = read_split(recipe, "dev", lambda _: None)
    train(recipe, TrainingData(documents, dev), folder, TrainingOptions("cpu", say=said.append))  # type: ignore[arg-type]
    return load_file(folder.model / "model.safetensors")


def test_the_cache_changes_nothing_and_is_used_again(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLOBALNER_CACHE", str(tmp_path / "cache"))
    recipe = recipe_of(tiny_recipe)
    documents = read_split(recipe, "train", lambda _: None)
    said: list[str] = []
    plain = weights(recipe, tmp_path / "plain", documents, said)
    assert not (tmp_path / "cache").exists()
    monkeypatch.setattr(window_source, "CACHED_CHARS", 100)
    for name, how in (("first", "are kept"), ("second", "were made before")):
        said.clear()
        cached = weights(recipe, tmp_path / name, documents, said)
        assert any(f"12 training windows {how}" in line for line in said)
        assert all((cached[key] == plain[key]).all() for key in plain)
    assert len(list((tmp_path / "cache" / "windows").iterdir())) == 1
    said.clear()
    weights(recipe_of(tiny_recipe, "training.cache=off"), tmp_path / "off", documents, said)
    assert not any("training windows" in line for line in said)


def test_a_cache_that_cannot_be_written_is_said_and_done_without(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GLOBALNER_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(window_source, "CACHED_CHARS", 100)
    recipe, said = recipe_of(tiny_recipe), []
    assert weights(recipe, tmp_path / "run", read_split(recipe, "train", lambda _: None), said)
    assert any(line.startswith("windows are held in memory: ") and "GLOBALNER_CACHE" in line for line in said)


def test_documents_that_are_read_again_train_the_same(tiny_recipe: Path, tmp_path: Path) -> None:
    recipe, said = recipe_of(tiny_recipe, "data.train=own.jsonl[2:11]"), []
    held = read_training_split(recipe, lambda _: None)
    again = read_training_split(recipe, said.append, most_chars=50)
    assert isinstance(held, list)
    assert not isinstance(again, list)
    assert len(again) == len(held) == 9
    assert list(again) == list(again) == held
    assert "read again at each pass" in said[-1]
    one, other = (weights(recipe, tmp_path / name, documents, []) for name, documents in (("a", held), ("b", again)))
    assert all((one[key] == other[key]).all() for key in one)


def test_missing_records_of_a_large_set_are_an_error(tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split_documents, "HELD_CHARS", 50)
    recipe = recipe_of(tiny_recipe, "data.train=own.jsonl[2:20]")
    with pytest.raises(DataError, match=r"holds 12 documents, but data.train asks for the records 2 up to"):
        read_training_split(recipe, lambda _: None, most_chars=50)


def test_a_model_that_learnt_with_context_reads_with_context(tiny_recipe: Path, tmp_path: Path) -> None:
    documents = [
        Document(document.text, document.entities, id=f"d{number // 3}.{number}")
        for number, document in enumerate(read_documents(tmp_path / "own.jsonl"))
    ]
    write_documents(documents, tmp_path / "own.jsonl")
    recipe = recipe_of(tiny_recipe, "data.context=document", "data.context_tokens=9", "training.epochs=1")
    weights(recipe, tmp_path / "run", documents, [])
    extractor = EntityExtractor.from_pretrained(tmp_path / "run" / "model", device="cpu")
    rows: list[list[int]] = []
    find = extractor._scorer.find

    def watched(batch: object, thresholds: object, top_k: int) -> object:
        rows.extend(batch.attention_mask.sum(1).tolist())  # type: ignore[attr-defined]
        return find(batch, thresholds, top_k)  # type: ignore[arg-type]

    extractor._scorer.find = watched  # type: ignore[method-assign, assignment]
    together = extractor.extract(documents[:3], threshold=0.02)
    sizes = [len(document.text) + 2 for document in documents[:3]]
    assert sorted(rows) == sorted(min(64, size + n) for size, n in zip(sizes, (9, 18, 9), strict=True))
    rows.clear()
    alone = [extractor(document, threshold=0.02) for document in documents[:3]]
    assert sorted(rows) == sorted(sizes)
    assert [document.text for document in together] == [document.text for document in alone]
    scores = [[entity.score for entity in document.entities] for document in (*together, *alone)]
    assert scores[:3] != scores[3:]
    for document in (*together, *alone):
        assert all(0 <= entity.start < entity.end <= len(document.text) for entity in document.entities)
    streamed = list(extractor.stream(iter(documents), threshold=0.02))
    assert [d.entities for d in streamed[:2]] == [d.entities for d in extractor.extract(documents, threshold=0.02)[:2]]
