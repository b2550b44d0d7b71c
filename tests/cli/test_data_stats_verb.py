"""`globalner data stats` and its page."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from globalner.cli.app import main
from globalner.cli.statistics_tables import percent
from globalner.cli.svg_bars import Bar, column_chart, row_chart
from globalner.data import write_documents
from globalner.types import Document, Entity

EVIL = "<script>alert('x')</script>&"


def stats(*words: object) -> int:
    return main(["data", "stats", *map(str, words)])


@pytest.fixture
def splits(tmp_path: Path) -> list[str]:
    nested = (Entity(0, 3, "LOC"), Entity(0, 14, EVIL))
    write_documents([Document("Ulm University", nested), Document("Ada", (Entity(0, 3, "PER"),))], tmp_path / "a.jsonl")
    write_documents([Document("ulm university "), Document("Ada")], tmp_path / "b.jsonl")
    return [f"train={tmp_path / 'a.jsonl'}", f"{EVIL}={tmp_path / 'b.jsonl'}"]


def test_tables_tell_counts_labels_and_shared_texts(splits: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert stats(*splits) == 0
    lines = [re.split(r"\s{2,}", line.strip()) for line in capsys.readouterr().out.splitlines()]
    assert ["", "train", EVIL] in lines or ["train", EVIL] in lines
    for row in (
        ["documents", "2", "2"],
        ["without entities", "0", "2"],
        ["inside another", "1", "0"],
        ["inside another, %", "33.3"],
        ["LOC", "1", "33.3", "0", "0.0", "3", "3"],
        [f"{EVIL} in train", "1", "50.0", "2", "100.0"],
    ):
        assert row in lines
    assert any(line[0].startswith(f"{EVIL} has no entity of: ") for line in lines)


def test_json_has_every_number(splits: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert stats(*splits, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    train = found["sets"]["train"]
    assert (train["documents"], train["entities"], train["nested"], train["tokenizer"]) == (2, 3, 1, None)
    assert train["labels"][EVIL] == {
        "entities": 1,
        "share": 0.333333,
        "characters": train["labels"][EVIL]["characters"],
    }
    assert found["shared_texts"][0]["of_second_normal"] == 2
    assert set(found["missing_labels"]) == {EVIL}


class Reader(HTMLParser):
    """Collects the tags and texts of a page, and every attribute that could load something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [
            f"{name}={value}" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")
        ]
        if tag not in ("meta", "rect", "line"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "line"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_escaped_and_loads_nothing(splits: list[str], tmp_path: Path) -> None:
    page = tmp_path / "stats.html"
    assert stats(*splits, "--html", page, "--quiet") == 0
    text = page.read_text("utf-8")
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert (reader.open, reader.links) == ([], [])
    assert "script" not in reader.seen
    assert {"svg", "table", "title"} <= reader.seen
    assert EVIL in reader.text
    assert "prefers-color-scheme: dark" in text
    assert not re.search(r"https?:|url\(|@import", text)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_bad_input_is_told_before_anything_is_counted(
    splits: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stats(*splits, "--html", tmp_path / "none" / "x.html") == 2
    assert "does not exist; make it first" in capsys.readouterr().err
    assert stats(tmp_path / "a.jsonl", tmp_path / "b.jsonl", f"a={tmp_path / 'b.jsonl'}") == 2
    assert "would both be called 'a'" in capsys.readouterr().err
    assert stats(tmp_path / "c.jsonl") == 2
    assert "no such file; did you mean" in capsys.readouterr().err


@pytest.mark.usefixtures("splits")
def test_tokens_and_windows_are_counted(bert_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    windows = ("--window-tokens", 8, "--overlap-tokens", 2)
    assert stats(tmp_path / "a.jsonl", "--tokenizer", bert_folder, *windows, "--boundary", "token", "--json") == 0
    tokens = json.loads(capsys.readouterr().out)["sets"]["a"]["tokenizer"]
    # 14 and 3 characters, each a token; 6 tokens of text a window.
    assert (tokens["tokens"]["total"], tokens["windows"]["total"]) == (17, 4)
    assert tokens["entity_tokens"]["total"] == 3 + 14 + 3
    assert tokens["lost_entities"] == {"longer than a window": 1}
    assert stats(tmp_path / "a.jsonl", "--tokenizer", bert_folder, "--window-tokens", 8) == 2
    assert "overlap_tokens 64" in capsys.readouterr().err


def test_charts_bear_nothing_much_and_very_many() -> None:
    assert "NaN" not in column_chart([], "none") + row_chart([], "none")
    bars = [Bar(str(number), number, f"{number} {EVIL}", number) for number in range(500)]
    for picture in (column_chart(bars, EVIL), row_chart([(EVIL * 9, bars)], EVIL)):
        assert picture.count("<rect") == 500
        assert "<script" not in picture


def test_small_shares_are_not_shown_as_none() -> None:
    assert [percent(share) for share in (0.0, 1e-9, 0.0001, 0.0005, 0.5)] == ["0.0", "0.0001", "0.0100", "0.1", "50.0"]
