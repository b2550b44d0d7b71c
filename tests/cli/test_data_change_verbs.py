"""`globalner data validate`, `split`, `merge` and `map-labels` as people call them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from globalner.cli.app import main
from globalner.data import read_documents, write_documents
from globalner.types import Document, Entity


def data(*words: object) -> int:
    return main(["data", *map(str, words)])


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    write_documents([Document(f"Ada {n}", (Entity(0, 3, "PER"),), id=str(n)) for n in range(10)], tmp_path / "ok.jsonl")
    return tmp_path / "ok.jsonl"


@pytest.fixture
def untidy(tmp_path: Path) -> Path:
    write_documents([Document("Ada left", (Entity(0, 4, "PER"),), id="7")], tmp_path / "untidy.jsonl")
    return tmp_path / "untidy.jsonl"


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    (tmp_path / "broken.jsonl").write_text('{"text": "Ada"}\n{"text": 1}\n', "utf-8")
    return tmp_path / "broken.jsonl"


def test_the_exit_code_of_validate_says_whether_there_are_errors(
    sound: Path, untidy: Path, broken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert data("validate", sound) == 0
    assert capsys.readouterr().out == "10 documents with 10 entities read: 0 errors, 0 warnings\n"
    assert data("validate", untidy) == 0
    captured = capsys.readouterr()
    assert f"{untidy}:1 (id '7'): PER 0:4 'Ada '" in captured.out
    assert "--fix OUT" in captured.err
    assert data("validate", broken, sound) == 1
    assert f"{broken}:2: 'text' is 1" in capsys.readouterr().out
    assert data("validate", tmp_path / "none.jsonl") == 2


def test_validate_as_json(broken: Path, untidy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert data("validate", broken, untidy, "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["valid"], found["documents"], found["errors"], found["warnings"]) == (False, 2, 1, 1)
    assert [kind["severity"] for kind in found["kinds"]] == ["error", "warning"]
    assert found["kinds"][1]["findings"][0]["document"] == "7"
    assert found["repaired"] is None


def test_fix_lists_every_repair(untidy: Path, broken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "out.jsonl"
    assert data("validate", untidy, "--fix", target) == 0
    out = capsys.readouterr().out
    assert f"mended: {untidy}:1 (id '7'): entity with blanks at its edges: PER 0:4 'Ada ' now 0:3\n" in out
    assert out.endswith(f"{target}: 1 documents, 1 repairs\n")
    assert data("validate", untidy, "--fix", target, "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["repaired"]["repairs"]) == 1
    target.unlink()
    assert data("validate", broken, "--fix", target) == 1
    assert "--drop-unreadable" in capsys.readouterr().err
    assert not target.exists()
    assert data("validate", broken, "--fix", target, "--drop-unreadable") == 1
    assert "1 that cannot be read left out" in capsys.readouterr().out
    assert len(list(read_documents(target))) == 1
    assert data("validate", broken, untidy, "--fix", target) == 2
    assert data("validate", untidy, "--unify-labels") == 2


def test_split_takes_its_parts_either_way(sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder, words in (("a", ["--into", "train=0.8", "dev=0.2"]), ("b", ["train=0.8", "dev=0.2"])):
        assert data("split", sound, *words, "--output-dir", tmp_path / folder) == 0
    assert f"{tmp_path / 'b' / 'train.jsonl'}: 8 documents" in capsys.readouterr().out
    assert (tmp_path / "a" / "dev.jsonl").read_text("utf-8") == (tmp_path / "b" / "dev.jsonl").read_text("utf-8")
    assert data("split", sound, "train=0.8", "dev=0.2", "--output-dir", tmp_path / "c", "--json") == 0
    parts = json.loads(capsys.readouterr().out)["parts"]
    assert parts["train"]["labels"] == {"PER": {"entities": 8, "share": 0.8}}
    assert data("split", sound, "train=0.8", "dev=0.2", "--output-dir", tmp_path / "c") == 2
    assert "--overwrite" in capsys.readouterr().err
    for words, message in (
        (["train"], "must be NAME=SHARE"),
        ([], "name the parts"),
        (["a=.5", "a=.5"], "named twice"),
    ):
        assert data("split", sound, *words, "--output-dir", tmp_path / "d") == 2
        assert message in capsys.readouterr().err


def test_merge_takes_the_new_file_last(
    sound: Path, untidy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "all.jsonl"
    assert data("merge", sound, untidy, target) == 0
    out = capsys.readouterr().out
    assert out.endswith(f"{target}: 11 documents of 11 read, 11 entities\n")
    assert "--unique-ids" in out
    assert data("merge", sound, untidy, target, "--unique-ids", "--json") == 0
    assert json.loads(capsys.readouterr().out)["documents"] == 11
    assert len({document.id for document in read_documents(target)}) == 11
    assert data("merge", sound) == 2


def test_map_labels_tells_what_became_of_each(sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "out.jsonl"
    assert data("map-labels", sound, target, "PER=PERSON", "Per=X") == 0
    out = capsys.readouterr().out
    assert "no entity has the label 'Per' of the mapping; did you mean 'PER'?" in out
    assert out.endswith(f"{target}: 10 documents, 10 entities of 10\n")
    (tmp_path / "m.yaml").write_text("PER:\n", "utf-8")
    assert data("map-labels", sound, target, "--mapping", tmp_path / "m.yaml", "--json") == 0
    assert json.loads(capsys.readouterr().out)["labels"] == {"PER": {"entities": 10, "new": ""}}
    for words, message in (
        (["PER"], "must be OLD=NEW"),
        (["PER=A", "PER=B"], "two new names"),
        (["PRE=A"], "did you mean"),
    ):
        assert data("map-labels", sound, target, *words) == 2
        assert message in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["stats", "validate", "split", "merge", "map-labels"])
def test_each_verb_shows_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert data(verb, "--help") == 0
    assert f"globalner data {verb} " in capsys.readouterr().out.split("Example")[1]
