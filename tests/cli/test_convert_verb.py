"""`globalner convert` and the workflow behind it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from globalner.cli.app import app, main
from globalner.data import read_documents, write_documents
from globalner.data.formats import FORMATS
from globalner.data.formats.columns import ColumnOptions
from globalner.errors import DataError, OutputError
from globalner.types import Document, Entity
from globalner.workflows import ConvertOptions, FileForm, convert_file

RUNNER = CliRunner()
LAYERS = ColumnOptions(layers=2)
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
    result = convert_file(nested, target, options=ConvertOptions(lossy=True))
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
        convert_file(stray, tmp_path / "strict.jsonl", options=ConvertOptions(strict=True))
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


BROKEN = [{"text": "Ada"}, {"txt": "Bob"}, {"text": "Cy", "entities": [{"start": 0, "end": 9, "label": "PER"}]}]


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.jsonl"
    path.write_text("\n".join(map(json.dumps, [*BROKEN, {"text": "Di"}])), "utf-8")
    return path


def test_documents_that_cannot_be_read_are_left_out_when_asked(
    broken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.txt"
    assert convert(broken, target) == 2
    assert not target.exists()
    assert capsys.readouterr().err.startswith(f"error: {broken}:2: has no 'text'")
    assert convert(broken, target, "--skip-unreadable") == 0
    assert target.read_text("utf-8") == "Ada\nDi\n"
    shown = capsys.readouterr().err
    assert "documents that cannot be read, left out: 2" in shown
    assert f"{broken}:3: entity 'PER' at 0:9 lies outside" in shown


def test_many_broken_documents_are_counted_and_the_first_shown(tmp_path: Path) -> None:
    source = tmp_path / "broken.jsonl"
    source.write_text('{"text": "Ada"}\n' + '{"txt": "Bob"}\n' * 50, "utf-8")
    result = convert_file(source, tmp_path / "out.txt", options=ConvertOptions(skip_unreadable=True))
    assert (result.documents, result.unreadable, len(result.first_errors)) == (1, 50, 20)
    source.write_text('{"txt": "Bob"}\n' * 3, "utf-8")
    with pytest.raises(DataError, match=r"no document can be read, 3 cannot; the first: .*:1: has no 'text'"):
        convert_file(
            source, tmp_path / "none.txt", reading=FileForm("native"), options=ConvertOptions(skip_unreadable=True)
        )
    assert not (tmp_path / "none.txt").exists()


def test_losses_are_shown_as_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.conll"
    entities = [
        {"start": 0, "end": 14, "label": "ORG", "score": 0.5},
        {"start": 0, "end": 3, "label": "LOC"},
        {"start": 4, "end": 17, "label": "X"},
    ]
    source.write_text(json.dumps({"text": "Ulm University in Ulm", "entities": entities}), "utf-8")
    assert convert(source, target) == 2
    captured = capsys.readouterr()
    rows = [line.split() for line in captured.err.splitlines()]
    kinds = [(row[0], row[2], "refused" in row, "noted" in row) for row in rows if row and row[0].isdigit()]
    assert ("1", "nested", True, False) in kinds
    assert ("1", "that", True, False) in kinds  # that crosses another
    assert ("1", "of", False, True) in kinds  # score of an entity
    assert captured.err.splitlines()[-1].startswith(f"error: {target}: was not written")
    assert captured.out == ""
    assert not target.exists()
    assert convert(source, target, "--json") == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["written"], len(told["cannot_hold"]), len(told["leaves_out"])) == (False, 2, 2)
    assert convert(source, target, "--lossy") == 0
    assert captured.err.count("left out") + capsys.readouterr().err.count("left out") >= 3
    assert convert(source, target, "--write", "layers=3") == 0


def test_an_output_inside_the_folder_that_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    form = replace(FORMATS["native"], name="folder of tests", kind="folder")
    monkeypatch.setitem(FORMATS, form.name, form)
    with pytest.raises(OutputError, match="lies in the folder to convert"):
        convert_file(tmp_path, tmp_path / "in" / "out.jsonl", reading=FileForm(form.name))


MEASURED = """
import re, sys
from pathlib import Path
from globalner.types import Document, Entity
from globalner.workflows import ConvertOptions, FileForm, convert_file

def resident(key):
    return int(re.search(key + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024

def convert(source, target):
    return convert_file(Path(source), Path(target), options=ConvertOptions(lossy=True)).documents

small, large, target = sys.argv[1:]
convert(small, target)
before = resident("VmHWM")
print(convert(large, target), resident("VmHWM") - before, before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the memory of a process is read from /proc")
@pytest.mark.parametrize(
    ("suffix", "target", "count"),
    [
        (".jsonl", "out.conll", 8_000),
        (".conll", "out.jsonl", 8_000),
        (".jsonl", "out.xml", 30_000),
        (".xml", "out.inline", 30_000),
    ],
)
def test_memory_does_not_grow_with_the_file(tmp_path: Path, suffix: str, target: str, count: int) -> None:
    """A reader or writer that kept its documents would need tens of MiB more for the large file."""
    text, entities = "Ada Byron left London for the country house " * 4, (Entity(0, 9, "PER"), Entity(0, 3, "F"))
    small, large = tmp_path / f"small{suffix}", tmp_path / f"large{suffix}"
    for path, copies in ((small, 2500), (large, count)):
        documents = (Document(text, entities) for _ in range(copies))
        write_documents(documents, path, options=LAYERS if suffix == ".conll" else None)
    command = [sys.executable, "-c", MEASURED, str(small), str(large), str(tmp_path / target)]
    done = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert int(done[0]) == count
    assert float(done[1]) < 4  # MiB
