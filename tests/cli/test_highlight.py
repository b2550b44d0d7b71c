from __future__ import annotations

import pytest

from globalner import Document, Entity
from globalner.cli.highlight import highlighted_lines, print_highlighted


def test_bars_lie_under_their_characters_also_where_those_are_wide() -> None:
    document = Document("在北京大学 Lab", (Entity(1, 5, "ORG", score=0.987), Entity(1, 3, "LOC"), Entity(6, 9, "X")))
    assert highlighted_lines(document) == [
        ("在北京大学 Lab", ""),
        ("  ──────── ORG 0.99", "ORG"),
        ("  ──── LOC", "LOC"),
        ("           ─── X", "X"),
    ]


def test_drawing_shows_every_entity(capsys: pytest.CaptureFixture[str]) -> None:
    print_highlighted(Document("a\tb [x]", (Entity(0, 3, "P"), Entity(2, 7, "Q"))))
    assert capsys.readouterr().out.splitlines() == ["a b [x]", "─── P", "  ───── Q"]
