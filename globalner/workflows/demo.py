"""The demo: a small model from scratch on the demo set, held against a dictionary and looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from globalner.config import DATA_SPLITS, Recipe, load_recipe, resolve_recipe_data
from globalner.decoding import DecodingMode
from globalner.evaluation import EvaluationResult, evaluate_documents
from globalner.extractor import EntityExtractor
from globalner.types import Document
from globalner.workflows.dictionary_baseline import DictionaryBaseline
from globalner.workflows.train import RunOptions, read_split, train_recipe

__all__ = ["DemoResult", "run_demo"]

_EXAMPLES = 2


@dataclass(frozen=True)
class DemoResult:
    """What the demo shows.

    Attributes:
        model: Folder of the model.
        test: Scores on the test part.
        unseen: Scores on its documents whose template never occurs in training; None if there is no such document.
        baseline: Scores of the dictionary on the whole test part.
        baseline_unseen: Scores of the dictionary on the documents with unseen templates.
        examples: Test documents with nested entities, as the model reads them.
    """

    model: Path
    test: EvaluationResult
    unseen: EvaluationResult | None
    baseline: EvaluationResult
    baseline_unseen: EvaluationResult | None
    examples: tuple[Document, ...]


def run_demo(options: RunOptions, overrides: Sequence[str] = (), max_documents: int | None = None) -> DemoResult:
    """Trains the `demo` recipe, unless the folder holds a finished run of it to resume, and scores the model.

    Args:
        options: Where and how; the folder is `runs/demo` unless it says otherwise.
        overrides: Changes to the recipe such as `training.epochs=1`.
        max_documents: Take only the first so many documents of each part, for a quick look.

    Raises:
        GlobalNerError: As `train_recipe`.
    """
    loaded = load_recipe("demo", overrides)
    recipe = _first_documents(resolve_recipe_data(loaded), max_documents)
    run = train_recipe(recipe, replace(options, written=_first_documents(loaded.recipe, max_documents)))
    extractor = EntityExtractor.from_pretrained(run.model, device=options.device)
    gold = read_split(recipe, "test", _silent)
    predicted = extractor.extract(gold)
    looked_up = DictionaryBaseline(read_split(recipe, "train", _silent)).extract(gold)
    return DemoResult(
        model=run.model,
        test=evaluate_documents(gold, predicted, mode=extractor.mode, split="test"),
        unseen=_unseen(gold, predicted, extractor.mode),
        baseline=evaluate_documents(gold, looked_up, mode="nested", split="test"),
        baseline_unseen=_unseen(gold, looked_up, "nested"),
        examples=_nested_examples(predicted),
    )


def _first_documents(recipe: Recipe, count: int | None) -> Recipe:
    if count is None:
        return recipe
    records = {split: f"{getattr(recipe.data, split)}[:{count}]" for split in DATA_SPLITS}
    return recipe.model_copy(update={"data": recipe.data.model_copy(update=records)})


def _silent(_: str) -> None:
    """Says nothing: training has said it already."""


def _unseen(gold: Sequence[Document], predicted: Sequence[Document], mode: DecodingMode) -> EvaluationResult | None:
    pairs = [pair for pair in zip(gold, predicted, strict=True) if _has_unseen_template(pair[0])]
    if not pairs:
        return None
    return evaluate_documents(*zip(*pairs, strict=True), mode=mode, split="unseen templates")


def _has_unseen_template(document: Document) -> bool:
    meta = document.extra.get("meta")
    return isinstance(meta, dict) and bool(meta.get("unseen_template"))


def _nested_examples(documents: Sequence[Document]) -> tuple[Document, ...]:
    """For each language, the first document with an entity inside another and several labels."""
    chosen: dict[object, Document] = {}
    for document in documents:
        meta = document.extra.get("meta")
        language = meta.get("language") if isinstance(meta, dict) else None
        if language not in chosen and _nests(document) and len({entity.label for entity in document.entities}) > 2:
            chosen[language] = document
    return tuple(chosen.values())[:_EXAMPLES]


def _nests(document: Document) -> bool:
    return any(
        outer.start <= inner.start and inner.end <= outer.end and (outer.start, outer.end) != (inner.start, inner.end)
        for outer in document.entities
        for inner in document.entities
    )
