"""Pages that list what there is list all of it."""

from __future__ import annotations

import re
from pathlib import Path

from globalner.config import load_pretrain_recipe, load_recipe, shipped_pretrain_recipes, shipped_recipes
from globalner.data.formats import FORMATS

GUIDE = Path(__file__).resolve().parents[2] / "docs/guide"


def test_the_page_on_data_names_every_format() -> None:
    sentence = re.search(r"the formats are (.+?);", (GUIDE / "data.md").read_text("utf-8"), re.DOTALL)
    assert sentence is not None
    assert set(re.findall("`(.+?)`", sentence[1])) == set(FORMATS)


def test_the_page_on_training_names_every_recipe_and_its_encoder() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([\w ]+) \|$", (GUIDE / "training.md").read_text("utf-8"), re.MULTILINE)
    kinds = {name: load_recipe(name).recipe.model.encoder.kind for name in shipped_recipes()}
    assert dict(rows) == {name: {"native": "from scratch"}.get(kind, kind) for name, kind in kinds.items()}


def test_the_page_on_pretraining_names_every_recipe_and_its_tokens() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([\w ]+) \|$", (GUIDE / "pretraining.md").read_text("utf-8"), re.MULTILINE)
    kinds = {name: load_pretrain_recipe(name).recipe.tokenizer.kind for name in shipped_pretrain_recipes()}
    names = {"character": "characters", "wordpiece": "word pieces"}
    assert dict(rows) == {name: names[kind] for name, kind in kinds.items()}
