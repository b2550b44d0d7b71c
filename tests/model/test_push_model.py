"""Pushing a model, with only the two calls that reach for the hub replaced: what they are given lands in a folder."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from huggingface_hub import HfApi

from globalner.encoders import NativeEncoderConfig, build_character_tokenizer
from globalner.errors import CheckpointError, ConfigError, OutputError
from globalner.model import GlobalPointerConfig, GlobalPointerModel, load_model, push_model, save_model

TOKENIZER = build_character_tokenizer(["abc"])
IDS = torch.arange(5, 8).reshape(1, 3)


def small_model() -> GlobalPointerModel:
    native = NativeEncoderConfig(
        vocab_size=len(TOKENIZER), hidden_size=16, num_hidden_layers=1, num_attention_heads=2
    ).to_dict()
    return GlobalPointerModel(GlobalPointerConfig(encoder=native, labels=["LOC", "PER"], head_size=8)).eval()


def scores(model: GlobalPointerModel) -> torch.Tensor:
    with torch.no_grad():
        return model(IDS, torch.ones_like(IDS)).dense()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the hub; the calls are held against the signatures of the real ones."""
    root = tmp_path / "hub"
    root.mkdir()

    def stub(name: str, act: Callable[[dict[str, Any]], object]) -> None:
        signature = inspect.signature(getattr(HfApi, name))

        def call(*given: object, **named: object) -> object:
            return act(signature.bind(*given, **named).arguments)

        monkeypatch.setattr(HfApi, name, call)

    def create_repo(given: dict[str, Any]) -> object:
        (root / given["repo_id"]).mkdir(parents=True, exist_ok=given["exist_ok"])
        if given["private"]:
            (root / given["repo_id"] / "private").touch()
        return SimpleNamespace(repo_id=given["repo_id"])

    def upload_folder(given: dict[str, Any]) -> str:
        target = root / given["repo_id"]
        shutil.copytree(given["folder_path"], target, dirs_exist_ok=True)
        return f"https://hub.example/{given['repo_id']}/commit/1"

    stub("create_repo", create_repo)
    stub("upload_folder", upload_folder)
    return root


def test_a_pushed_folder_loads_and_gives_the_same_bits(hub: Path, tmp_path: Path) -> None:
    model = small_model()
    save_model(model, TOKENIZER, tmp_path / "model")
    address = push_model(tmp_path / "model", "ana/places", private=True)
    assert address == "https://hub.example/ana/places/commit/1"
    pushed = hub / "ana" / "places"
    assert (pushed / "private").is_file()
    back, tokenizer = load_model(pushed)
    assert torch.equal(scores(back), scores(model))
    assert tokenizer.backend_tokenizer.to_str() == TOKENIZER.backend_tokenizer.to_str()
    assert (pushed / "README.md").read_bytes() == (tmp_path / "model" / "README.md").read_bytes()


def test_a_model_in_memory_is_pushed_with_its_tokenizer_and_card(hub: Path) -> None:
    model = small_model()
    model.push_to_hub("ana/memory", tokenizer=TOKENIZER)
    back, _ = load_model(hub / "ana" / "memory")
    assert torch.equal(scores(back), scores(model))
    assert "| LOC | 0.5 |" in (hub / "ana" / "memory" / "README.md").read_text("utf-8")
    assert not (hub / "ana" / "memory" / "private").exists()


def test_a_model_without_its_tokenizer_is_not_pushed(hub: Path) -> None:
    with pytest.raises(ConfigError, match=r"push_to_hub\(repo_id, tokenizer=tokenizer\)"):
        small_model().push_to_hub("ana/places")
    assert list(hub.iterdir()) == []


def test_a_folder_without_a_card_gets_one(hub: Path, tmp_path: Path) -> None:
    save_model(small_model(), TOKENIZER, tmp_path / "model")
    (tmp_path / "model" / "README.md").unlink()
    push_model(tmp_path / "model", "ana/places")
    assert (hub / "ana" / "places" / "README.md").is_file()


def test_what_is_no_whole_model_is_not_pushed(hub: Path, tmp_path: Path) -> None:
    save_model(small_model(), TOKENIZER, tmp_path / "run" / "model")
    with pytest.raises(CheckpointError, match="folder of a run"):
        push_model(tmp_path / "run", "ana/places")
    with pytest.raises(CheckpointError, match="no such folder"):
        push_model("runs/nowhere", "ana/places")
    (tmp_path / "run" / "model" / "tokenizer.json").unlink()
    with pytest.raises(CheckpointError, match="tokenizer is missing"):
        push_model(tmp_path / "run" / "model", "ana/places")
    assert list(hub.iterdir()) == []


@pytest.mark.parametrize("repo_id", ["ana/places", "not a name!"])
def test_a_hub_that_refuses_is_an_error_with_the_way_out(repo_id: str, tmp_path: Path) -> None:
    save_model(small_model(), TOKENIZER, tmp_path / "model")
    with pytest.raises(OutputError, match=rf"could not be pushed to '{repo_id}'.*hf auth login"):
        push_model(tmp_path / "model", repo_id)
