"""A model of the size that the goals speak of: the MiniLM encoder, trained for a minute on a part of wnut17."""

from __future__ import annotations

from pathlib import Path

__all__ = ["read_texts", "train_model"]

_CHANGES = (
    "data.train=wnut17/wnut17train.conll[:1200]",
    "data.dev=wnut17/emerging.dev.conll[:200]",
    "data.test=null",
    "training.epochs=1",
)


def read_texts(data_dir: Path, count: int) -> tuple[str, ...]:
    """The first texts of wnut17's test set."""
    from globalner import read_documents

    documents = list(read_documents(data_dir / "wnut17" / "emerging.test.annotated"))
    return tuple(document.text for document in documents[:count])


def train_model(data_dir: Path, folder: Path) -> Path:
    """Trains the recipe wnut17 for one epoch on a part of the set, on the CPU; the folder of the model."""
    from globalner.config import load_recipe, resolve_recipe_data
    from globalner.workflows import RunOptions, train_recipe

    recipe = load_recipe("wnut17", list(_CHANGES))
    run = train_recipe(resolve_recipe_data(recipe, data_dir=data_dir), RunOptions(output_dir=folder, device="cpu"))
    return run.model
