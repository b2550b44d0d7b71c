"""Each baseline learns a handful of documents by heart, through the very extractor of globalner."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.baselines.tagger import Tagger, TagScorer
from benchmarks.baselines.tagging import tagging_windows
from benchmarks.baselines.training_loop import BASELINES, train_baseline
from globalner import Document, Entity, EntityExtractor
from globalner.config import Recipe, load_recipe
from globalner.data import Batch, TextTokenizer, WindowSize, collate, training_windows
from globalner.data.report import Report
from globalner.errors import ConfigError
from globalner.model import build_model
from globalner.training import TrainingData, TrainingOptions
from globalner.types import LabelSet


def outermost(document: Document) -> Document:
    kept = [
        entity
        for entity in document.entities
        if not any(
            other.start <= entity.start and entity.end <= other.end and other != entity for other in document.entities
        )
    ]
    return replace(document, entities=tuple(kept))


def keys(documents: list[Document]) -> list[set[tuple[int, int, str]]]:
    return [{entity.key for entity in document.entities} for document in documents]


def recipe_of(path: Path, *changes: str) -> Recipe:
    return load_recipe(path, changes).recipe


@pytest.mark.parametrize("name", BASELINES)
def test_learns_the_outermost_entities_by_heart(name: str, documents: list[Document], tiny_recipe: Path) -> None:
    # Windows that cut the longer texts, and entities in them.
    recipe = recipe_of(tiny_recipe, "training.epochs=40", "data.window_tokens=40", "data.overlap_tokens=30")
    said: list[str] = []
    data = TrainingData(documents, [outermost(document) for document in documents])
    trained = train_baseline(name, recipe, data, TrainingOptions("cpu", say=said.append))
    found = trained.extractor.extract(documents)
    assert max(document.windows or 0 for document in found) > 1
    assert keys(found) == keys([outermost(document) for document in documents])
    assert trained.best_dev_f1 == 1.0
    assert f"epoch {trained.best_epoch}/40 " in said[trained.best_epoch - 1]
    assert len(said) == 40
    assert trained.steps % 40 == 0
    assert trained.train_s > 0


@pytest.mark.parametrize("name", BASELINES)
def test_training_is_repeatable_and_depends_on_the_seed(
    name: str, documents: list[Document], tiny_recipe: Path
) -> None:
    def losses(seed: int) -> list[str]:
        said: list[str] = []
        recipe = recipe_of(tiny_recipe, f"training.seed={seed}", "model.encoder.dropout=0.1")
        train_baseline(name, recipe, TrainingData(documents, documents), TrainingOptions("cpu", say=said.append))
        return [line.split("  ")[1] for line in said]

    assert losses(3) == losses(3) != losses(4)


def test_runs_in_bf16_and_refuses_what_it_cannot(documents: list[Document], tiny_recipe: Path) -> None:
    data = TrainingData(documents, documents)
    for name in BASELINES:
        recipe = recipe_of(tiny_recipe, "training.precision=bf16", "training.epochs=1")
        assert train_baseline(name, recipe, data, TrainingOptions("cpu")).steps > 0
    with pytest.raises(ConfigError, match="fp16"):
        train_baseline("crf", recipe_of(tiny_recipe, "training.precision=fp16"), data, TrainingOptions("cpu"))


@pytest.fixture(params=BASELINES)
def tagger(request: pytest.FixtureRequest, documents: list[Document], tiny_recipe: Path) -> Tagger:
    """Untrained, with random scores in all parts of its head."""
    torch.manual_seed(0)
    recipe = recipe_of(tiny_recipe)
    labels = LabelSet.from_documents(documents)
    built = build_model(recipe.model, recipe.data, labels, [document.text for document in documents])
    made: Tagger = BASELINES[request.param](built.model.encoder, len(labels)).eval()
    made.tokenizer, made.labels = built.tokenizer, labels
    with torch.no_grad():
        for parameter in made.head.parameters():
            parameter.normal_()
    return made


def batch_of(tagger: Tagger, documents: list[Document]) -> Batch:
    tokenizer = TextTokenizer(tagger.tokenizer.backend_tokenizer, "token")
    windows = training_windows(documents, tokenizer, tagger.labels, WindowSize(64, 16), Report())
    return collate(tagging_windows(windows), 0)


def test_a_batch_is_worth_its_members(tagger: Tagger, documents: list[Document]) -> None:
    texts = sorted(documents, key=lambda document: len(document.text))
    scorer = TagScorer(tagger)
    thresholds = np.zeros(len(tagger.labels))
    together, _ = scorer.find(batch_of(tagger, texts), thresholds, 1000)
    for row, document in enumerate(texts):
        (alone,), _ = scorer.find(batch_of(tagger, [document]), thresholds, 1000)
        for name in ("first", "last", "type"):
            assert getattr(alone, name).tolist() == getattr(together[row], name).tolist()
    sizes = [sum(not character.isspace() for character in document.text) for document in texts]
    with torch.no_grad():
        parts = [float(tagger.loss(batch_of(tagger, [document]))) for document in texts]
        whole = float(tagger.loss(batch_of(tagger, texts)))
    assert whole == pytest.approx(np.average(parts, weights=sizes), rel=1e-5)


def test_thresholds_and_limits_are_kept(tagger: Tagger, documents: list[Document]) -> None:
    scorer, batch = TagScorer(tagger), batch_of(tagger, documents)
    types = len(tagger.labels)
    everything, limited = scorer.find(batch, np.zeros(types), 1000)
    assert not limited.any()
    assert max(map(len, everything)) > 2
    two, limited = scorer.find(batch, np.zeros(types), 2)
    assert [len(spans) for spans in two] == [min(2, len(spans)) for spans in everything]
    assert limited.tolist() == [len(spans) > 2 for spans in everything]
    first_only = np.where(np.arange(types) == 0, 0.0, np.inf)
    chosen, _ = scorer.find(batch, first_only, 1000)
    assert [len(spans) for spans in chosen] == [int((spans.type == 0).sum()) for spans in everything]


def test_a_batch_without_words_has_no_loss(tagger: Tagger) -> None:
    loss = tagger.loss(batch_of(tagger, [Document("   ")]))
    assert loss.item() == 0.0
    loss.backward()
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in tagger.parameters())


def test_given_words_and_raw_text(tiny_recipe: Path) -> None:
    """The extractor's words are the tagger's: an entity ends where a word ends."""
    recipe = recipe_of(tiny_recipe, "data.boundary=word", "training.epochs=40")
    text = "Ana Reis left Faro-Norte."
    given = Document(
        text, (Entity(0, 8, "PER"), Entity(14, 18, "LOC")), tokens=((0, 3), (4, 8), (9, 13), (14, 18), (18, 24))
    )
    data = TrainingData([given], [given])
    extractor: EntityExtractor = train_baseline("token_classification", recipe, data, TrainingOptions("cpu")).extractor
    assert keys(extractor.extract([given])) == keys([given])
    raw = extractor.extract([replace(given, tokens=None)])[0]
    assert all(text[entity.end : entity.end + 1] in ("", " ", "-", ".") for entity in raw.entities)
