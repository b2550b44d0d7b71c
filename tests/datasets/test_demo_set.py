"""The demo set keeps its promises: shares, parts that share no name, exact offsets, files as the generator writes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "datasets" / "demo"
PARTS = ("train", "dev", "test")
LABELS = {"PERSON", "TITLE", "ORG", "LOCATION", "DATE", "MONEY", "PRODUCT"}

Record = dict[str, Any]


def read_part(part: str, folder: Path = FOLDER) -> list[Record]:
    return [json.loads(line) for line in (folder / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def records() -> dict[str, list[Record]]:
    return {part: read_part(part) for part in PARTS}


def strings_by_label(lines: list[Record]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        for entity in line["entities"]:
            found[entity["label"]].add(line["text"][entity["start"] : entity["end"]])
    return found


def lies_inside(entity: Record, other: Record) -> bool:
    bounds, other_bounds = (entity["start"], entity["end"]), (other["start"], other["end"])
    return bounds != other_bounds and other_bounds[0] <= bounds[0] and bounds[1] <= other_bounds[1]


def templates_of(lines: list[Record]) -> set[str]:
    return {line["meta"]["template"] for line in lines}


def run_generator(*arguments: str) -> None:
    command = [sys.executable, str(FOLDER / "generate.py"), *arguments]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def test_committed_files_are_what_the_generator_writes(tmp_path: Path) -> None:
    run_generator("--output-dir", str(tmp_path))
    for part in PARTS:
        assert (tmp_path / f"{part}.jsonl").read_bytes() == (FOLDER / f"{part}.jsonl").read_bytes(), part


def test_another_seed_keeps_names_and_sentences_apart_too(tmp_path: Path) -> None:
    run_generator("--output-dir", str(tmp_path), "--seed", "7")
    lines = {part: read_part(part, tmp_path) for part in PARTS}
    assert lines["train"] != read_part("train")
    test_parts_share_no_entity_string_of_a_type(lines)
    test_no_sentence_occurs_twice(lines)


def test_sizes_ids_and_labels(records: dict[str, list[Record]]) -> None:
    assert {part: len(lines) for part, lines in records.items()} == {"train": 4000, "dev": 400, "test": 800}
    for part, lines in records.items():
        assert [line["id"] for line in lines] == [f"demo-{part}-{n:04d}" for n in range(1, len(lines) + 1)]
        assert set(strings_by_label(lines)) == LABELS
        assert all(set(line) == {"id", "text", "entities", "meta"} for line in lines)


def test_the_files_are_small_enough_for_a_wheel() -> None:
    assert sum((FOLDER / f"{part}.jsonl").stat().st_size for part in PARTS) < 2_500_000


def test_the_folder_is_no_package() -> None:
    assert not list(FOLDER.parent.rglob("__init__.py"))


def test_at_least_150_templates_and_30_percent_of_them_in_the_test_part_only(records: dict[str, list[Record]]) -> None:
    known = templates_of(records["train"]) | templates_of(records["dev"])
    every = known | templates_of(records["test"])
    assert len(every) >= 150
    assert len(every - known) >= 0.30 * len(every)
    for language in ("en", "zh"):
        of_language = {name for name in every if name.startswith(language)}
        assert len(of_language) >= 75
        assert len(of_language - known) >= 0.30 * len(of_language)
    for line in (line for lines in records.values() for line in lines):
        assert line["meta"]["unseen_template"] == (line["meta"]["template"] not in known)


def test_half_of_the_test_sentences_come_from_unseen_templates(records: dict[str, list[Record]]) -> None:
    share = sum(line["meta"]["unseen_template"] for line in records["test"]) / len(records["test"])
    assert 0.45 <= share <= 0.55
    assert templates_of(records["dev"]) <= templates_of(records["train"])


def test_parts_share_no_entity_string_of_a_type(records: dict[str, list[Record]]) -> None:
    for one, other in (("train", "test"), ("dev", "test"), ("train", "dev")):
        first, second = strings_by_label(records[one]), strings_by_label(records[other])
        for label in LABELS:
            shared = {text.casefold() for text in first[label]} & {text.casefold() for text in second[label]}
            assert not shared, (one, other, label, sorted(shared)[:5])


def test_no_bare_name_of_a_test_person_is_a_person_of_train(records: dict[str, list[Record]]) -> None:
    known = strings_by_label(records["train"])["PERSON"]
    bare_names = set()
    for line in records["test"]:
        titles = [entity for entity in line["entities"] if entity["label"] == "TITLE"]
        for person in (entity for entity in line["entities"] if entity["label"] == "PERSON"):
            for title in (title for title in titles if lies_inside(title, person)):
                before = line["text"][person["start"] : title["start"]]
                bare_names.add((before + line["text"][title["end"] : person["end"]]).strip())
    assert len(bare_names) > 50
    # A bare family name or a name that is a city too ("Dr. Paris") is short on purpose and may come again.
    long_names = {name for name in bare_names if " " in name or "·" in name}
    assert long_names
    assert not long_names & known


def test_offsets_slice_whole_names(records: dict[str, list[Record]]) -> None:
    for line in (line for lines in records.values() for line in lines):
        for entity in line["entities"]:
            assert 0 <= entity["start"] < entity["end"] <= len(line["text"])
            name = line["text"][entity["start"] : entity["end"]]
            assert name == name.strip()
            assert not set(name) & set("{}[]|“”，。")
        assert "  " not in line["text"]
        assert line["text"] == line["text"].strip()


def test_entities_nest_or_stand_apart_and_never_cross(records: dict[str, list[Record]]) -> None:
    for line in (line for lines in records.values() for line in lines):
        entities = line["entities"]
        assert len({(entity["start"], entity["end"], entity["label"]) for entity in entities}) == len(entities)
        for index, one in enumerate(entities):
            for other in entities[index + 1 :]:
                apart = one["end"] <= other["start"] or other["end"] <= one["start"]
                assert apart or lies_inside(one, other) or lies_inside(other, one), line["id"]


@pytest.mark.parametrize("part", PARTS)
def test_at_least_a_fifth_of_the_entities_lie_inside_another(records: dict[str, list[Record]], part: str) -> None:
    inside = total = 0
    for line in records[part]:
        total += len(line["entities"])
        inside += sum(any(lies_inside(entity, other) for other in line["entities"]) for entity in line["entities"])
    assert inside >= 0.20 * total


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_at_least_15_percent_of_the_sentences_have_no_entity(
    records: dict[str, list[Record]], part: str, language: str
) -> None:
    lines = [line for line in records[part] if line["meta"]["language"] == language]
    assert 0.45 * len(records[part]) <= len(lines) <= 0.55 * len(records[part])
    assert sum(not line["entities"] for line in lines) >= 0.15 * len(lines)


def test_sentences_without_entities_hold_tempting_words(records: dict[str, list[Record]]) -> None:
    plain = [line["text"] for lines in records.values() for line in lines if not line["entities"]]
    for word in ("professor", "university", "company", "English", "教授", "公司", "大学", "银行"):
        assert any(word in text for text in plain), word
    assert sum(any(character.isdigit() for character in text) for text in plain) > 100


def test_some_names_are_people_here_and_places_there(records: dict[str, list[Record]]) -> None:
    found = strings_by_label([line for lines in records.values() for line in lines])
    ambiguous = found["PERSON"] & found["LOCATION"]
    assert len(ambiguous) >= 30
    assert {name.isascii() for name in ambiguous} == {True, False}
    assert {"Florence", "Jackson"} & ambiguous
    in_test = strings_by_label(records["test"])
    known = strings_by_label(records["train"])
    assert len(in_test["PERSON"] & known["LOCATION"]) >= 5
    assert len(in_test["LOCATION"] & known["PERSON"]) >= 5


def test_no_sentence_occurs_twice(records: dict[str, list[Record]]) -> None:
    texts = Counter(line["text"] for lines in records.values() for line in lines)
    assert [text for text, count in texts.items() if count > 1] == []


def test_english_articles_agree(records: dict[str, list[Record]]) -> None:
    for line in (line for lines in records.values() for line in lines if line["meta"]["language"] == "en"):
        words = line["text"].replace("“", "").split()
        for article, noun in pairwise(words):
            if article in {"a", "A"}:
                assert noun[0] not in "aeioAEIO", line["text"]


def test_the_card_explains_every_label_and_gives_the_counts(records: dict[str, list[Record]]) -> None:
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"`{label}`" in card for label in LABELS)
    for part, lines in records.items():
        entities = [(entity, line["entities"]) for line in lines for entity in line["entities"]]
        inside = sum(any(lies_inside(entity, other) for other in others) for entity, others in entities)
        plain = sum(not line["entities"] for line in lines)
        assert f"| {part} | {len(lines)} | {len(entities)} | {inside} | {plain} |" in card
    every = templates_of([line for lines in records.values() for line in lines])
    assert f"{len(every)} templates, of which {len(every - templates_of(records['train']))} " in card
