"""Cards of the catalogue: what they may say, and what is wrong with one, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from globalner.config import DataCard, dump_card, load_card, read_card, shipped_cards
from globalner.errors import ConfigError

GOOD = """\
name: own
title: Own
languages: [en]
domain: letters
task: persons
nested: false
licence: CC0
homepage: https://sets.example/own
format: columns
splits: {train: train.conll}
files:
- path: train.conll
  url: https://sets.example/train.conll
  size_bytes: 7
citation: nobody 2020
"""
HASH = "a" * 64


def card_of(tmp_path: Path, text: str = GOOD) -> DataCard:
    path = tmp_path / "own.yaml"
    path.write_text(text, "utf-8")
    return read_card(path)


def problems_of(tmp_path: Path, old: str, new: str) -> str:
    assert old in GOOD
    with pytest.raises(ConfigError) as raised:
        card_of(tmp_path, GOOD.replace(old, new, 1))
    return str(raised.value)


def test_a_card_is_read_and_written(tmp_path: Path) -> None:
    card = card_of(tmp_path)
    assert card.files[0].size_bytes == 7
    assert card.fetchable
    assert card_of(tmp_path, dump_card(card)) == card


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("nested: false", "nested: maybe", 6, "nested"),
        ("licence: CC0\n", "", 1, "licence"),
        ("title: Own", "title: Own\ncolour: red", 3, "colour"),
        ("name: own", "name: Own Set", 1, "small letters"),
        ("size_bytes: 7", "size_byte: 7", 14, "size_byte"),
        ("size_bytes: 7", "sha256: abc", 14, "64 hexadecimal digits"),
        ("[en]", "[english]", 3, "two or three small letters"),
        ("path: train.conll", "path: ../train.conll", 12, "inside the set's folder"),
        ("path: train.conll", "path: /train.conll", 12, "inside the set's folder"),
        ("path: train.conll", "path: a\\\\b", 12, "inside the set's folder"),
        ("https://sets.example/train.conll", "ftp://sets.example/a", 13, "web address"),
        ("https://sets.example/train.conll", "http://sets.example/a", 13, "SHA-256"),
        ("size_bytes: 7", "unpack: true", 12, "archives end in .zip"),
        ("size_bytes: 7", "holds: [{path: a}]", 14, "unpack: true"),
        ("{train: train.conll}", "{train: other.conll}", 10, "no file of the card is 'other.conll'"),
        ("  url: https://sets.example/train.conll\n", "", 1, "how to get the files"),
        ("licence: CC0", "licence: CC0\nrestricted: ask", 1, "terms"),
        ("format: columns\n", "", 1, "how the files are to be read"),
        (
            "- path: train.conll",
            "- path: train.conll\n  url: https://b.example/a\n- path: train.conll",
            11,
            "stands there twice",
        ),
    ],
)
def test_a_problem_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int, words: str) -> None:
    told = problems_of(tmp_path, old, new)
    assert words in told
    assert f"own.yaml:{line}: " in told


def test_all_problems_are_told(tmp_path: Path) -> None:
    told = problems_of(tmp_path, "nested: false\nlicence: CC0", "nested: 3\nlicence: 4")
    assert len(told.splitlines()) == 2


def test_a_file_over_plain_http_needs_a_hash(tmp_path: Path) -> None:
    text = GOOD.replace("https://sets.example/train", "http://sets.example/train").replace(
        "size_bytes: 7", f"sha256: {HASH}"
    )
    assert card_of(tmp_path, text).files[0].sha256 == HASH


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words\n"])
def test_what_is_no_card_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"own\.yaml"):
        card_of(tmp_path, text)


@pytest.mark.parametrize(
    ("wrong", "near"), [("cluner2020", "cluener2020"), ("weibo", "weibo_ner"), ("WNUT17", "wnut17")]
)
def test_the_nearest_names_are_told(wrong: str, near: str) -> None:
    with pytest.raises(ConfigError, match=f"did you mean .*{near}"):
        load_card(wrong)


def test_a_name_that_is_near_nothing_leads_to_the_list() -> None:
    with pytest.raises(ConfigError, match="data list"):
        load_card("zzzzzz")


def test_a_card_under_another_name_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.yaml").write_text(GOOD, "utf-8")
    monkeypatch.setattr("globalner.config.catalog.shipped_cards", lambda: {"other": tmp_path / "other.yaml"})
    with pytest.raises(ConfigError, match="says the name 'own'"):
        load_card("other")


def test_cards_are_listed_in_order() -> None:
    assert list(shipped_cards()) == sorted(shipped_cards())
