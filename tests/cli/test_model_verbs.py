"""The verbs that train and use models, as a user types them."""

from __future__ import annotations

import io
import json
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from globalner import write_documents
from globalner.cli import main


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*words: object) -> int:
    return main([str(word) for word in words])


def test_train_then_evaluate_then_predict(tiny_recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train", tiny_recipe, "training.epochs=1", "--device", "cpu", "--batch-size", 3) == 0
    printed = capsys.readouterr()
    assert "micro" in printed.out
    told = [line.partition(" ")[0] for line in printed.err.splitlines()]
    assert told.count("memory:") == 1
    assert told.index("memory:") < told.index("epoch")
    assert "batch_size: 3" in Path("runs/tiny/config.yaml").read_text()
    assert run("evaluate", "runs/tiny/model", "own.jsonl", "--json", "--quiet") == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["documents"] == 12
    assert printed.err == ""
    assert run("predict", "runs/tiny/model", "--text", "Ana Reis") == 0
    assert json.loads(capsys.readouterr().out)["text"] == "Ana Reis"


def test_a_second_run_is_refused_then_resumed_then_overwritten(
    tiny_recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("train", tiny_recipe, "training.epochs=1", "--output-dir", "run", "--quiet")
    assert run(*words) == 0
    assert capsys.readouterr().err == ""
    assert run(*words) == 2
    assert "holds a run already" in capsys.readouterr().err
    assert run(*words, "--resume") == 0
    assert run(*words, "--overwrite") == 0


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ("[5:5]", "takes no record"),
        ("[7:3]", "takes no record"),
        ("[-3:-1]", "does not say which records to take"),
        ("[7:30]", "holds 12 documents, but data.train asks for the records 7 up to and without 30"),
        ("[12:]", "holds 12 documents, but data.train asks for the records 12 up to the end"),
    ],
)
def test_train_on_records_that_a_file_has_not(
    tiny_recipe: Path, capsys: pytest.CaptureFixture[str], records: str, message: str
) -> None:
    assert run("train", tiny_recipe, f"data.train=own.jsonl{records}") == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert "own.jsonl" in printed.err
    assert not Path("runs").exists()


def test_resume_of_nothing_starts_from_the_beginning(tiny_recipe: Path) -> None:
    assert run("train", tiny_recipe, "training.epochs=1", "--output-dir", "run", "--resume", "--quiet") == 0
    assert Path("run/model/model.safetensors").is_file()


def test_predict_reads_stdin_line_by_line(
    trained_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stdin = io.TextIOWrapper(io.BytesIO("北京大学的王芳去了北京。\n\n今天下雨。\n".encode()), encoding="utf-8")
    monkeypatch.setattr("sys.stdin", stdin)
    assert run("predict", trained_model, "-") == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["text"] for record in records] == ["北京大学的王芳去了北京。", "", "今天下雨。"]
    assert {"start": 0, "end": 4, "label": "ORG", "text": "北京大学"}.items() <= records[0]["entities"][0].items()


def test_predict_flat_to_a_file(trained_model: Path, documents: list) -> None:
    write_documents(documents, "in.jsonl")
    assert run("predict", trained_model, "in.jsonl", "--output", "out.jsonl", "--mode", "flat", "--quiet") == 0
    for line in Path("out.jsonl").read_text(encoding="utf-8").splitlines():
        spans = sorted((entity["start"], entity["end"]) for entity in json.loads(line)["entities"])
        assert all(one[1] <= other[0] for one, other in pairwise(spans))


def test_the_mode_is_the_models_own_unless_asked(
    flat_run: Path, documents: list, capsys: pytest.CaptureFixture[str]
) -> None:
    write_documents(documents, "in.jsonl")
    for words, mode, most in (((), "flat", 3), (("--mode", "nested"), "nested", 4)):
        assert run("evaluate", flat_run / "model", "in.jsonl", "--json", *words) == 0
        scores = json.loads(capsys.readouterr().out)
        assert scores["mode"] == mode
        assert (scores["micro"]["recall"] == 1) == (mode == "nested")
        assert run("evaluate", flat_run / "model", "in.jsonl", *words) == 0
        assert f"12 documents, {mode} decoding" in capsys.readouterr().out
        assert run("predict", flat_run / "model", "in.jsonl", *words) == 0
        printed = capsys.readouterr()
        assert max(len(json.loads(line)["entities"]) for line in printed.out.splitlines()) == most
        assert printed.err == f"12 documents, {mode} decoding\n"
        assert run("predict", flat_run / "model", "in.jsonl", "--output", f"{mode}.jsonl", *words) == 0
        assert capsys.readouterr().err == f"{mode}.jsonl: 12 documents, {mode} decoding\n"


def test_evaluate_prints_a_table_and_seqeval(trained_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("flat.conll").write_text("Ana B-PER\nReis I-PER\nleft O\nPorto B-LOC\n. O\n", encoding="utf-8")
    assert run("evaluate", trained_model, "flat.conll", "--mode", "flat", "--seqeval") == 0
    printed = capsys.readouterr().out
    assert "precision" in printed
    assert "weighted avg" in printed


BAD_FILES = {
    "missing.jsonl": (None, "no such file"),
    "empty.jsonl": (b"", "is empty"),
    "latin.jsonl": ('{"text": "caf\xe9", "entities": []}\n'.encode("latin-1"), "latin.jsonl:1: "),
    "half.jsonl": (b'{"text": "ok", "entities": []}\n{"text": "ha', "half.jsonl:2: is not complete JSON"),
    "outside.jsonl": (b'{"text": "ab", "entities": [{"start": 0, "end": 9, "label": "A"}]}', "outside the text"),
    "backwards.jsonl": (b'{"text": "ab", "entities": [{"start": 2, "end": 1, "label": "A"}]}', "start 2 and end 1"),
    "prefix.conll": (b"Ana X-PER\nleft O\n", "prefix.conll:1: "),
    "columns.conll": (b"Ana\tB-PER\nleft\tx\tO\n", "columns.conll:2: "),
}


@pytest.mark.parametrize("verb", ["evaluate", "predict", "train", "convert"])
@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_one_message_and_exit_code_2(
    verb: str, name: str, trained_model: Path, tiny_recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, message = BAD_FILES[name]
    if content is not None:
        Path(name).write_bytes(content)
    words = {
        "evaluate": ("evaluate", trained_model, name),
        "predict": ("predict", trained_model, name, "--output", "out.jsonl"),
        "train": ("train", tiny_recipe, f"data.dev={name}"),
        "convert": ("convert", name, "out.jsonl"),
    }[verb]
    assert run(*words) == 2
    printed = capsys.readouterr()
    assert printed.err.count("error: ") == 1
    assert "Traceback" not in printed.err
    if not (verb == "train" and content is None):  # a recipe's missing file lists the places that were tried
        assert message in printed.err
    assert not Path("out.jsonl").exists()
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "tiny.yaml", "training.epoch=3"), "nearest valid key: training.epochs"),
        (("train", "demoo"), "did you mean demo?"),
        (("evaluate", "nowhere", "own.jsonl"), "no such folder"),
        (("predict", "nowhere", "own.jsonl"), "no such folder"),
        (("train", "tiny.yaml", "--resume", "--overwrite"), "choose one"),
        (("train", "tiny.yaml", "--device", "cuda"), "device 'cuda' is not here"),
    ],
)
def test_bad_arguments_are_one_message_and_exit_code_2(
    words: tuple[str, ...], message: str, tiny_recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tiny_recipe.name == "tiny.yaml"
    if "cuda" in words:
        torch = pytest.importorskip("torch")
        if torch.cuda.is_available():
            pytest.skip("there is a GPU here")
    assert run(*words) == 2
    assert message in capsys.readouterr().err


def test_predict_needs_one_input(trained_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("predict", trained_model) == 2
    assert run("predict", trained_model, "a.txt", "--text", "b") == 2
    assert run("predict", trained_model, "--text", "b", "--threshold", "2") == 2
    assert "between 0 and 1" in capsys.readouterr().err


def test_damaged_models_are_refused(trained_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(trained_model, tmp_path / "cut")
    weights = tmp_path / "cut" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-50])
    assert run("predict", "cut", "--text", "a") == 2
    assert "damaged or cut off" in capsys.readouterr().err
    weights.unlink()
    assert run("predict", "cut", "--text", "a") == 2
    assert "weights are missing" in capsys.readouterr().err
