"""`globalner data formats`: every format with what it holds and its options."""

from __future__ import annotations

import dataclasses
import json

import pytest

from globalner.cli import main
from globalner.data.formats import FORMATS


def output_of(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["data", "formats", *words]) == 0
    return capsys.readouterr().out


def test_the_table_names_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    head, _, *rows = [line.split() for line in output_of(capsys).splitlines() if line.strip()]
    assert [row[0] for row in rows] == [*FORMATS, *FORMATS]  # what each holds, then what each is
    assert head[3:] == ["nested", "crossing", "labels", "text", "scores", "ids", "words", "keys"]
    for row, form in zip(rows[: len(FORMATS)], FORMATS.values(), strict=True):
        carried = [getattr(form.carries, field.name) for field in dataclasses.fields(form.carries)]
        shown = [cell == "yes" for cell in row[-len(carried) :]]
        assert shown == carried, form.name


def test_json_says_what_each_holds_and_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    described = {form["name"]: form for form in json.loads(output_of(capsys, "--json"))}
    assert list(described) == list(FORMATS)
    for name, form in FORMATS.items():
        shown = described[name]
        assert shown["suffixes"] == list(form.suffixes)
        assert ("nested entities" in shown["holds"]) == form.carries.nested
        assert ("scores" in shown["cannot_hold"]) == (not form.carries.scores)
        assert len(shown["holds"]) + len(shown["cannot_hold"]) == len(dataclasses.fields(form.carries))
        assert [option["name"] for option in shown["options"]] == [f.name for f in dataclasses.fields(form.options)]


def test_every_option_says_what_it_means(capsys: pytest.CaptureFixture[str]) -> None:
    for form in json.loads(output_of(capsys, "--json")):
        assert [option["name"] for option in form["options"] if not option["meaning"]] == [], form["name"]


def test_named_formats_are_told_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    text = output_of(capsys, "columns", "native")
    assert text.startswith("columns: one word a line")
    assert "    layers: When writing, the number of tag columns" in text
    assert "(default: 1)" in text
    assert "\nnative: " in text


def test_an_unknown_format_is_met_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "formats", "colums"]) == 2
    assert "did you mean 'columns'?" in capsys.readouterr().err
