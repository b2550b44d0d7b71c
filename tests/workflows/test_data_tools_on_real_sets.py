"""Numbers, checks and splits of published sets, compared with what their publishers or our own counts say."""

from __future__ import annotations

from pathlib import Path

import pytest

from globalner.workflows import data_statistics, split_file, validate_files

pytestmark = pytest.mark.data

_COUNTS = [
    # file, documents, without entities, words, entities, inside another, crossing another, spans with several labels
    ("conll2003_en/eng.testa", 3250, 645, 51362, 5942, 0, 0, 0),
    ("cmeee_v2/CMeEE-V2_dev.json", 5000, 18, 0, 26081, 4522, 8, 0),
    ("genia_nested/genia.dev.iob2", 1669, 231, 48932, 4337, 373, 0, 0),
    ("germeval2014/germ.test.iob2", 5100, 2065, 96499, 6693, 512, 4, 1),
    ("wnut17/emerging.dev.conll", 1009, 381, 15733, 836, 0, 0, 0),
]


@pytest.mark.parametrize("row", _COUNTS, ids=[row[0] for row in _COUNTS])
def test_counts_of_published_sets(real_data: Path, row: tuple[str, int, int, int, int, int, int, int]) -> None:
    counts = data_statistics({"set": real_data / row[0]}).sets["set"].counts
    overlaps = counts.overlaps
    assert (counts.documents, counts.without_entities, counts.document_words.total, counts.entities) == row[1:5]
    assert (overlaps.nested, overlaps.crossing, overlaps.several_labels, overlaps.duplicated) == (*row[5:], 0)


def test_checks_find_the_quirks_that_are_known(real_data: Path) -> None:
    found = validate_files([real_data / "cmeee_v2/CMeEE-V2_dev.json"])
    assert found.errors == 0
    assert found.kinds["byte order mark (U+FEFF) inside a text"].count == 21
    assert found.kinds["very long entity"].count == 1
    assert "text given twice" not in found.kinds
    assert "offsets that look inclusive" not in found.kinds


def test_parts_of_a_published_set_have_their_share_of_every_label(real_data: Path, tmp_path: Path) -> None:
    result = split_file(real_data / "germeval2014/germ.test.iob2", {"a": 0.8, "b": 0.2}, tmp_path)
    assert [part.documents for part in result.parts] == [4080, 1020]
    for label in result.labels:
        total = result.label_total(label)
        for part in result.parts:
            assert part.labels[label] == pytest.approx(part.wanted * total, abs=0.01 * total + 2)
