"""One set parted in several."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from globalner.data import read_documents, write_documents
from globalner.data.grouping import Grouping
from globalner.errors import ConfigError, DataError, OutputError
from globalner.types import Document, Entity
from globalner.workflows import FileForm, SplitOptions, split_file

SHARES = {"train": 0.6, "dev": 0.2, "test": 0.2}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    documents = [
        Document(f"Ada {n % 90} left", (Entity(0, 3, "PER" if n % 10 else "ORG"),), id=f"{n // 5}-{n}", extra={"n": n})
        for n in range(100)
    ]
    write_documents(documents, tmp_path / "all.jsonl")
    return tmp_path / "all.jsonl"


def test_parts_hold_everything_once_in_order(source: Path, tmp_path: Path) -> None:
    result = split_file(source, SHARES, tmp_path / "new" / "out")
    assert [part.path.name for part in result.parts] == ["train.jsonl", "dev.jsonl", "test.jsonl"]
    assert [part.documents for part in result.parts] == [60, 20, 20]
    assert [part.labels["ORG"] for part in result.parts] == [6, 2, 2]
    parts = [list(read_documents(part.path)) for part in result.parts]
    assert sorted((one for part in parts for one in part), key=lambda one: str(one.extra["n"])) == sorted(
        read_documents(source), key=lambda one: str(one.extra["n"])
    )
    for part in parts:
        numbers = [one.extra["n"] for one in part]
        assert numbers == sorted(numbers, key=int)
    assert (result.documents, result.units) == (100, 90)
    texts = [{one.text for one in part} for part in parts]
    assert not any(texts[one] & texts[other] for one, other in ((0, 1), (0, 2), (1, 2)))
    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == [
        "dev.jsonl",
        "test.jsonl",
        "train.jsonl",
    ]


def test_the_same_seed_gives_the_same_files(source: Path, tmp_path: Path) -> None:
    texts = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        split_file(source, SHARES, tmp_path / folder, options=SplitOptions(seed=seed))
        texts.append([(tmp_path / folder / f"{name}.jsonl").read_text("utf-8") for name in SHARES])
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("grouping", [Grouping(by_id="-"), Grouping(by_id="-", same_texts=False)])
def test_no_group_is_in_two_parts(source: Path, tmp_path: Path, grouping: Grouping) -> None:
    result = split_file(source, SHARES, tmp_path / "out", options=SplitOptions(grouping=grouping))
    parts_of = Counter(
        group for part in result.parts for group in {str(one.id).split("-")[0] for one in read_documents(part.path)}
    )
    assert len(parts_of) == 20
    assert set(parts_of.values()) == {1}
    assert result.units == (18 if grouping.same_texts else 20)


def test_a_document_without_its_group_is_named(source: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"all\.jsonl:1: document 1 has no further key 'page'"):
        split_file(source, SHARES, tmp_path / "out", options=SplitOptions(grouping=Grouping(by="page")))
    assert not (tmp_path / "out").exists()


def test_nothing_is_replaced_unasked(source: Path, tmp_path: Path) -> None:
    (tmp_path / "dev.jsonl").write_text("mine", "utf-8")
    with pytest.raises(OutputError, match=r"dev\.jsonl is there already.*--overwrite"):
        split_file(source, SHARES, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.jsonl", "dev.jsonl"]
    split_file(source, SHARES, tmp_path, options=SplitOptions(overwrite=True))
    with pytest.raises(OutputError, match="is the file to split"):
        split_file(source, {"all": 0.5, "other": 0.5}, tmp_path, options=SplitOptions(overwrite=True))


def test_what_a_format_cannot_hold_leaves_no_part(tmp_path: Path) -> None:
    nested = (Entity(0, 3, "LOC"), Entity(0, 14, "ORG"))
    write_documents([Document(f"Ulm University {n}", nested) for n in range(9)], tmp_path / "all.jsonl")
    columns = SplitOptions(writing=FileForm("columns"))
    with pytest.raises(DataError, match=rf"{tmp_path.name}/out/train\.conll: .*--lossy"):
        split_file(tmp_path / "all.jsonl", SHARES, tmp_path / "out", options=columns)
    assert not (tmp_path / "out").exists()
    lossy = SplitOptions(writing=FileForm("columns"), lossy=True)
    result = split_file(tmp_path / "all.jsonl", SHARES, tmp_path / "out", options=lossy)
    assert sum(result.write_report.counts[reason] for reason in result.write_report.counts if "nested" in reason) == 9


def test_the_format_of_the_file_may_be_kept(tmp_path: Path) -> None:
    source = tmp_path / "all.iob2"
    source.write_text("".join(f"Ada\tB-PER\n{n}\tO\n\n" for n in range(10)), "utf-8")
    result = split_file(source, {"a": 0.5, "b": 0.5}, tmp_path, options=SplitOptions(writing=FileForm()))
    assert [part.path.name for part in result.parts] == ["a.iob2", "b.iob2"]
    assert result.parts[0].path.read_text("utf-8").startswith("Ada\tB-PER\n")


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"train": 0.8, "dev": 0.3}, "add up to 1.1"),
        ({"train": 1.0}, "at least two parts"),
        ({"train": 1.0, "dev": 0.0}, "share of train is 1"),
        ({"a/b": 0.5, "dev": 0.5}, "named like a file"),
        ({".dev": 0.5, "dev": 0.5}, "named like a file"),
        ({"": 0.5, "dev": 0.5}, "named like a file"),
        ({"a": float("nan"), "dev": 0.5}, "share of a is nan"),
    ],
)
def test_shares_that_cannot_be_are_refused(source: Path, shares: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        split_file(source, shares, source.parent / "out")


def test_a_part_without_a_document_is_refused(tmp_path: Path) -> None:
    write_documents([Document("Ada"), Document("Ada")], tmp_path / "all.jsonl")
    with pytest.raises(DataError, match=r"(train|dev) would be empty: there are 2 documents, 1 when"):
        split_file(tmp_path / "all.jsonl", {"train": 0.5, "dev": 0.5}, tmp_path / "out")
