"""The benchmarks of alignment: counts of entities that tokens can express, and the encoder that learns with cuts."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
import torch

from benchmarks import alignment, alignment_training
from benchmarks.alignment import LabelledSet, measure_set
from benchmarks.results_file import read_rows
from globalner import Document, Entity, write_documents
from globalner.config import PretrainedEncoderConfig, load_recipe
from globalner.data import TextTokenizer
from globalner.encoders import load_pretrained

TEXT = "三星wcg2011赛"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    entities = (Entity(2, 5, "GAME"), Entity(2, 5, "GAME"), Entity(3, 5, "GAME"), Entity(0, 2, "ORG"))
    marked = Document("cafe\u0301 x", (Entity(0, 4, "ORG"),))
    write_documents(
        [*[Document(TEXT, entities, id=str(number)) for number in range(9)], marked], tmp_path / "own.jsonl"
    )
    return tmp_path


def test_a_row_for_each_tokenizer_boundary_and_alignment_whose_counts_add_up(own: Path) -> None:
    rows = list(measure_set(LabelledSet("own", "own.jsonl", "own.jsonl"), own))
    assert len(rows) == 2 * 2 * 4
    for row in rows:
        assert row["documents"] == 10
        assert row["entities"] == 28, "the same span and label twice counts once"
        assert row["inside_grapheme"] == 1
        assert row["exact"] + row["expanded"] + row["left_out"] == row["entities"]  # type: ignore[operator]
        assert row["exact"] + row["inside_token"] + row["inside_word"] + row["other"] == row["entities"]  # type: ignore[operator]
    exact = {
        row["alignment"]: row["exact"] for row in rows if (row["tokenizer"], row["boundary"]) == ("WordPiece", "word")
    }
    assert exact == {"report": 9, "expand": 9, "split": 18, "characters": 27}
    expanded = [
        row for row in rows if (row["tokenizer"], row["boundary"], row["alignment"]) == ("WordPiece", "word", "expand")
    ]
    assert expanded[0]["expanded"] == 10
    assert expanded[0]["left_out"] == 9


def test_rows_take_the_place_of_older_ones(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alignment, "SETS", (LabelledSet("own", "own.jsonl", "own.jsonl"),))
    monkeypatch.setattr(alignment, "_TABLE", own / "alignment.csv")
    monkeypatch.setattr("sys.argv", ["alignment", "--data-dir", str(own)])
    for _ in range(2):
        assert alignment.main() == 0
        rows = read_rows(own / "alignment.csv")
        assert len(rows) == 16
        assert all(row["commit"] for row in rows)


def test_the_encoder_to_train_loads_and_derives_from_the_seed(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (own / "cluener2020").mkdir()
    documents = [Document(f"{TEXT}第{number}", (Entity(2, 5, "game"),)) for number in range(1935)]
    for name in ("train.json", "dev.json"):
        write_documents(documents, own / "cluener2020" / name, "cluener")
    for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
        alignment_training.write_encoder(own / folder, seed, own)
    monkeypatch.chdir(own)
    loaded = {folder: load_pretrained(folder) for folder in "abc"}
    weights = {folder: next(iter(one.encoder.state_dict().values())) for folder, one in loaded.items()}
    assert torch.equal(weights["a"], weights["b"])
    assert not torch.equal(weights["a"], weights["c"])
    backend = loaded["a"].tokenizer.backend_tokenizer
    (plain,) = TextTokenizer(backend, "token").tokenize([Document(TEXT)])
    (cut,) = TextTokenizer(backend, "token", "characters").tokenize([Document(TEXT)])
    assert len(plain) < len(cut) == len(TEXT)


@pytest.mark.parametrize("choice", alignment_training.ALIGNMENTS)
def test_the_recipe_takes_the_changes(choice: str) -> None:
    recipe = load_recipe("cluener", alignment_training.changes_of(choice, Path("runs", "x"))).recipe
    assert isinstance(recipe.model.encoder, PretrainedEncoderConfig)
    assert (recipe.data.alignment, recipe.model.encoder.name) == (choice, "runs/x")
    assert recipe.data.train.endswith("[0:1935]")


@pytest.mark.data
def test_what_cuts_gain_on_cluener(real_data: Path) -> None:
    one = next(one for one in alignment.SETS if one.name == "CLUENER2020 train")
    rows = [row for row in islice(measure_set(one, real_data), 8) if row["boundary"] == "token"]
    assert {row["tokenizer"] for row in rows} == {"WordPiece"}
    assert {row["entities"] for row in rows} == {23971}
    assert [row["exact"] for row in rows] == [23908, 23908, 23952, 23971]
