"""`globalner data get` with a server: what is said on the way, and the one message when it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from globalner.cli import main
from globalner.config import DataCard, dump_card


@pytest.fixture
def catalogue(card: DataCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue of one set that a server has; the working directory is empty."""
    monkeypatch.delenv("GLOBALNER_DATA", raising=False)
    (tmp_path / "own.yaml").write_text(dump_card(card), "utf-8")
    monkeypatch.setattr("globalner.config.catalog.shipped_cards", lambda: {"own": tmp_path / "own.yaml"})
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.mark.usefixtures("catalogue")
def test_a_download_is_told_line_by_line(server, capsys: pytest.CaptureFixture[str]) -> None:
    server.files["train.conll"].cuts.append(5)
    assert main(["data", "get", "own"]) == 0
    shown = capsys.readouterr()
    assert shown.err.count("train.conll: 18 bytes") == 1
    assert "train.conll: the connection was closed 13 bytes before the end; again in 1 s" in shown.err
    assert "data/own: Own letters is there: 2 files, 37 bytes" in shown.out
    assert "SHA-256" not in shown.err


@pytest.mark.usefixtures("catalogue")
def test_a_failure_is_one_message(server, capsys: pytest.CaptureFixture[str]) -> None:
    server.files["dev.conll"].status = 404
    assert main(["data", "get", "own", "--quiet"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"error: {server.url}/dev.conll: the server answers 404 Not Found; ")
    assert "https://sets.example/own; files that you have are taken with --from" in shown.err
    assert len(shown.err.splitlines()) == 1
    assert not Path("data/own").exists()


@pytest.mark.usefixtures("catalogue")
def test_progress_is_drawn_on_a_terminal(
    server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("globalner.cli.console.Console.draws_progress", True)
    assert main(["data", "get", "own"]) == 0
    assert "data/own" in capsys.readouterr().out
    assert [name for name, _ in server.asked] == ["train.conll", "dev.conll"]
