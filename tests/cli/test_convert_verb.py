"""`globalner convert` and the workflow behind it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from globalner.cli.app import app, main
from globalner.data import read_documents
from globalner.errors import DataError, OutputError
from globalner.workflows import FileForm, convert_file

RUNNER = CliRunner()
COLUMNS = "Ada\tI-PER\nin\tO\nParis\tB-LOC\n\nNobody\tO\n"
NESTED = {
    "text": "Ulm University",
    "entities": [{"start": 0, "end": 3, "label": "LOC"}, {"start": 0, "end": 14, "label": "ORG"}],
    "meta": {"page": 7},
}


@pytest.fixture
def columns(tmp_path: Path) -> Path:
    path = tmp_path / "in.conll"
    path.write_text(COLUMNS, "utf-8")
    return path


@pytest.fixture
def nested(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps(NESTED) + "\n", "utf-8")
    return path


def test_columns_become_the_native_form(columns: Path, tmp_path: Path) -> None:
    result = convert_file(columns, tmp_path / "out.jsonl")
    assert (result.documents, result.entities, result.format) == (2, 2, "columns")
    assert "2" in result.evidence
    assert result.read_report
    assert not result.write_report.counts
    first, second = read_documents(tmp_path / "out.jsonl")
    assert [(entity.text, entity.label) for entity in first.entities] == [("Ada", "PER"), ("Paris", "LOC")]
    assert second.entities == ()


def test_unknown_keys_survive(nested: Path, tmp_path: Path) -> None:
    convert_file(nested, tmp_path / "out.txt", writing=FileForm("native"))
    (line,) = (tmp_path / "out.txt").read_text("utf-8").splitlines()
    assert json.loads(line)["meta"] == {"page": 7}


def test_nothing_is_lost_unasked(nested: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    with pytest.raises(DataError, match="--lossy"):
        convert_file(nested, target)
    assert not target.exists()
    result = convert_file(nested, target, lossy=True)
    assert target.read_text("utf-8") == "Ulm University\n"
    assert result.write_report.counts


def test_a_file_is_not_converted_onto_itself(columns: Path) -> None:
    with pytest.raises(OutputError, match="name another file"):
        convert_file(columns, columns.parent / "." / columns.name, writing=FileForm("native"))
    assert columns.read_text("utf-8") == COLUMNS


def test_strict_refuses_a_repair(tmp_path: Path) -> None:
    stray = tmp_path / "stray.conll"
    stray.write_text("a\tB-X\nb\tO\nc\tI-X\n", "utf-8")
    assert convert_file(stray, tmp_path / "out.jsonl").entities == 2
    with pytest.raises(DataError, match=r"stray\.conll:3"):
        convert_file(stray, tmp_path / "strict.jsonl", strict=True)
    assert not (tmp_path / "strict.jsonl").exists()


def test_the_verb_reports_to_people(columns: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    result = RUNNER.invoke(app, ["convert", str(columns), str(target)], catch_exceptions=False)
    assert result.exit_code == 0
    assert result.stdout == f"{target}: 2 documents, 2 entities\n"
    assert result.stderr.startswith(f"{columns}: read as columns (")
    quiet = RUNNER.invoke(app, ["convert", str(columns), str(target), "--quiet"], catch_exceptions=False)
    assert (quiet.stdout, quiet.stderr) == (result.stdout, "")


def test_the_verb_reports_as_json(nested: Path, tmp_path: Path) -> None:
    words = ["convert", str(nested), str(tmp_path / "out"), "--from", "native", "--to", "text", "--lossy", "--json"]
    result = RUNNER.invoke(app, words, catch_exceptions=False)
    report = json.loads(result.stdout)
    assert (report["documents"], report["entities"], report["format"]) == (1, 2, "native")
    assert sum(report["left_out"].values()) >= 2
    assert result.stderr == ""


def convert(*words: object) -> int:
    return main(["convert", *map(str, words)])


def test_options_of_both_formats_are_given_by_name(
    nested: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, back = tmp_path / "out.conll", tmp_path / "back.jsonl"
    assert convert(nested, target, "--write", "layers=2", "--write", "scheme=IOB1", "--lossy") == 0
    assert target.read_text("utf-8").splitlines()[0].split("\t") == ["Ulm", "I-ORG", "I-LOC"]
    assert convert(target, back, "--read", "tag_columns=2,3") == 0
    assert len(json.loads(back.read_text("utf-8"))["entities"]) == 2
    capsys.readouterr()
    for pair, message in (("layer=2", "did you mean 'layers'"), ("layers=no", "layers='no'"), ("layers", "KEY=VALUE")):
        assert convert(nested, tmp_path / "no.conll", "--write", pair) == 2
        assert message in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_other_encodings_are_read_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = tmp_path / "latin.conll", tmp_path / "out.jsonl"
    source.write_bytes("Müller\tB-PER\nKöln\tB-LOC\n".encode("latin-1"))
    assert convert(source, target) == 2
    assert "--encoding" in capsys.readouterr().err
    assert convert(source, target, "--encoding", "latin-1") == 0
    assert json.loads(target.read_text("utf-8"))["text"] == "Müller Köln"
    assert convert(source, target, "--errors", "replace") == 0
    assert json.loads(target.read_text("utf-8"))["text"] == "M\ufffdller K\ufffdln"
    assert "not UTF-8" in capsys.readouterr().err
    assert convert(source, target, "--encoding", "latin-x") == 2
    assert "no encoding 'latin-x'" in capsys.readouterr().err
