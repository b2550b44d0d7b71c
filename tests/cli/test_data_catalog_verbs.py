"""`globalner data list` and `globalner data get`: what they print, and how they fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from globalner.cli import main
from globalner.config import load_card, shipped_cards

CARD = """\
name: own
title: Own letters
languages: [en]
domain: letters
task: persons
nested: false
licence: CC0
terms: https://sets.example/terms
homepage: https://sets.example/own
obtain: write to us.
format: columns
splits: {train: train.conll, dev: dev.conll}
files:
- {path: train.conll, size_bytes: 18}
- {path: dev.conll}
labels: {PER: persons}
citation: nobody 2020
note: All of it was written by nobody.
"""


@pytest.fixture
def own_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A catalogue of one card, the working directory empty, and a folder with the files of the set."""
    monkeypatch.delenv("GLOBALNER_DATA", raising=False)
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "own.yaml").write_text(CARD, "utf-8")
    monkeypatch.setattr("globalner.config.catalog.shipped_cards", lambda: {"own": tmp_path / "cards" / "own.yaml"})
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    source = tmp_path / "mine"
    source.mkdir()
    for name in ("train", "dev"):
        (source / f"{name}.conll").write_text("Ada B-PER\nleft O\n\n", "utf-8")
    return source


def test_the_table_has_a_row_for_each_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()][2:]
    assert [row[0] for row in rows] == list(shipped_cards())


def test_sets_are_chosen_by_language_and_kind(capsys: pytest.CaptureFixture[str]) -> None:
    cards = [load_card(name) for name in shipped_cards()]
    for words, expected in (
        (["--language", "zh"], [card.name for card in cards if "zh" in card.languages]),
        (["--nested"], [card.name for card in cards if card.nested]),
        (["--flat", "--language", "de"], [card.name for card in cards if not card.nested and "de" in card.languages]),
    ):
        assert main(["data", "list", "--json", *words]) == 0
        assert [card["name"] for card in json.loads(capsys.readouterr().out)] == expected
        assert expected


def test_an_unknown_language_is_an_error_that_names_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list", "--language", "xx"]) == 2
    assert "there are: am, ar, bn" in capsys.readouterr().err


def test_json_has_the_whole_card(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list", "wnut17", "--json"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)
    assert shown.pop("get") == "download"
    assert shown == load_card("wnut17").model_dump()


def test_a_named_set_is_told_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list", "ace2005"]) == 0
    shown = capsys.readouterr().out
    card = load_card("ace2005")
    assert all(text in shown for text in (card.title, card.homepage, card.restricted or "", *card.labels.values()))
    assert "by hand, restricted" in shown


def test_get_puts_a_set_into_the_data_folder(own_card: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "get", "own", "--from", str(own_card)]) == 0
    shown = capsys.readouterr()
    assert "data/own: Own letters is there: 2 files, 36 bytes" in shown.out
    assert "globalner train demo data.train=data/own/train.conll data.dev=data/own/dev.conll" in shown.out
    assert all(text in shown.err for text in ("licence: CC0", "https://sets.example/terms", "written by nobody"))
    assert "no SHA-256 of train.conll, dev.conll" in shown.err
    assert Path("data/own/train.conll").is_file()
    assert main(["data", "get", "own"]) == 0
    assert "is there already, and whole" in capsys.readouterr().out


def test_get_takes_the_data_folder_of_the_environment_or_the_options(
    own_card: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLOBALNER_DATA", str(tmp_path / "all"))
    assert main(["data", "get", "own", "--from", str(own_card), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["folder"] == str(tmp_path / "all" / "own")
    assert told["splits"] == {name: f"{told['folder']}/{name}.conll" for name in ("train", "dev")}
    assert [file["size_bytes"] for file in told["files"]] == [18, 18]
    assert told["already_there"] is False
    assert main(["data", "get", "own", "--from", str(own_card), "--output-dir", "elsewhere", "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    assert Path("elsewhere/train.conll").is_file()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nothing"], "there is no set 'nothing'"),
        (["own"], "cannot be downloaded: write to us. Then name the folder with --from"),
        (["own", "--from", "missing"], "missing: is no folder"),
    ],
)
@pytest.mark.usefixtures("own_card")
def test_get_fails_with_one_message(capsys: pytest.CaptureFixture[str], words: list[str], told: str) -> None:
    assert main(["data", "get", *words]) == 2
    shown = capsys.readouterr()
    assert told in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""
    assert not Path("data/own").exists()


def test_get_refuses_a_restricted_set_without_a_yes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "conll"
    assert main(["data", "get", "conll2003_en", "--output-dir", str(target)]) == 2
    told = capsys.readouterr().err
    assert "--accept-terms" in told
    assert (load_card("conll2003_en").terms or "") in told
    assert not target.exists()
