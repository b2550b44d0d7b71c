from __future__ import annotations

from pathlib import Path

import pytest

from globalner.config import resolve_data_path, split_records
from globalner.errors import ConfigError


@pytest.mark.parametrize(
    ("value", "path", "records"),
    [
        ("a.jsonl", "a.jsonl", slice(0, None)),
        ("a.jsonl[10:20]", "a.jsonl", slice(10, 20)),
        ("a.jsonl[:20]", "a.jsonl", slice(0, 20)),
        ("a.jsonl[10:]", "a.jsonl", slice(10, None)),
        ("a.jsonl[:]", "a.jsonl", slice(0, None)),
        ("b[1:2].jsonl[3:4]", "b[1:2].jsonl", slice(3, 4)),
        ("strange[x].jsonl", "strange[x].jsonl", slice(0, None)),
    ],
)
def test_records_stand_behind_the_path(value: str, path: str, records: slice) -> None:
    assert split_records(value) == (path, records)


@pytest.mark.parametrize("value", ["a.jsonl[5:5]", "a.jsonl[9:3]", "a.jsonl[:0]"])
def test_a_range_without_records_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match="takes no record"):
        split_records(value)


@pytest.mark.parametrize(
    "value",
    ["[-1:3]", "[:-1]", "[x:y]", "[1:2:3]", "[ 1:2]", "[3]", "[]", f"[:{'9' * 5000}]"],
    ids=lambda value: value[:9],
)
def test_a_range_that_cannot_be_read_is_refused(value: str) -> None:
    value = f"a.jsonl{value}"
    with pytest.raises(ConfigError, match=r"which records to take: write FILE\[a:b\]") as caught:
        split_records(value)
    assert repr(value) in str(caught.value)


def test_a_resolved_path_keeps_its_records(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").touch()
    found = resolve_data_path("a.jsonl[2:4]", recipe_folder=tmp_path)
    assert found == f"{tmp_path / 'a.jsonl'}[2:4]"
