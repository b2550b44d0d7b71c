"""Every shipped recipe for pretraining trains a step on files of its own names; and reads the real texts."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from globalner.config import (
    data_files,
    load_pretrain_recipe,
    resolve_pretrain_data,
    shipped_pretrain_recipes,
    split_records,
)
from globalner.encoders import load_pretrained
from globalner.workflows import RunOptions, pretrain_recipe
from globalner.workflows.pretrain import read_texts

_LINES = ["里斯本大学在里斯本，王芳也在。", "Ana left Lisbon; the university is in Porto.", ""] * 60
_SMALL = ["model.encoder.hidden_size=16", "model.encoder.num_layers=1", "model.encoder.num_heads=2"]


@pytest.mark.parametrize("name", shipped_pretrain_recipes())
def test_every_recipe_trains_a_step(name: str, tmp_path: Path) -> None:
    for _, value in data_files(load_pretrain_recipe(name).recipe):
        file = tmp_path / "data" / split_records(value)[0]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress("\n".join(_LINES).encode()))
    recipe = resolve_pretrain_data(
        load_pretrain_recipe(name, [*_SMALL, "training.tokens=1", "training.batch_size=4"]), data_dir=tmp_path / "data"
    )
    run = pretrain_recipe(recipe, RunOptions(output_dir=tmp_path / "run", device="cpu"))
    assert run.result is not None
    assert run.result.steps == 1
    assert [score.length for score in run.result.scores] == [128, 256, 512, 1024]
    assert load_pretrained(str(run.model)).encoder.config.hidden_size == 16


_REAL = {"pretrain_zh": (176_564, 3_632), "pretrain_en": (71_777, 2_461)}


@pytest.mark.data
@pytest.mark.parametrize("name", _REAL)
def test_the_real_texts_are_read(name: str, real_data: Path) -> None:
    recipe = resolve_pretrain_data(load_pretrain_recipe(name), data_dir=real_data)
    train, heldout = (read_texts(recipe, split, lambda _: None) for split in ("train", "heldout"))
    assert (len(train), len(heldout)) == _REAL[name]
    assert len(set(heldout) & set(train)) < 0.01 * len(heldout)
