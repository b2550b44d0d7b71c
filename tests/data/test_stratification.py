"""Parts of a set: every label has its share in each, and what belongs together stays so."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globalner.data.grouping import Grouping, KeptTogether
from globalner.data.stratification import Unit, label_balance, stratified_parts
from globalner.errors import DataError
from globalner.types import Document

_UNITS = st.lists(
    st.builds(Unit, st.integers(1, 5), st.dictionaries(st.sampled_from("abc"), st.integers(1, 4)).map(Counter)),
    min_size=1,
    max_size=40,
)
_SHARES = st.sampled_from([(0.5, 0.5), (0.8, 0.1, 0.1), (0.99, 0.01)])


@given(_UNITS, _SHARES, st.integers(0, 9))
def test_every_unit_has_one_part_and_the_seed_decides(units: list[Unit], shares: tuple[float, ...], seed: int) -> None:
    parts = stratified_parts(units, shares, seed=seed)
    assert len(parts) == len(units)
    assert set(parts) <= set(range(len(shares)))
    assert stratified_parts(units, shares, seed=seed) == parts
    balance = label_balance(units, parts, len(shares))
    for label in {label for unit in units for label in unit.labels}:
        assert sum(balance[label]) == sum(unit.labels[label] for unit in units)
    sizes = Counter[int]()
    for unit, part in zip(units, parts, strict=True):
        sizes[part] += unit.documents
    total, largest = sum(sizes.values()), max(unit.documents for unit in units)
    assert all(sizes[part] < share * total + largest for part, share in enumerate(shares))


def test_rare_and_frequent_labels_have_their_share_in_each_part() -> None:
    maker = random.Random(1)
    units = []
    for _ in range(2000):
        labels = Counter(maker.choices(["often", "some", "rare", "none"], [60, 30, 1, 9], k=maker.randint(0, 4)))
        del labels["none"]
        units.append(Unit(1, labels))
    parts = stratified_parts(units, [0.8, 0.1, 0.1], seed=3)
    sizes = Counter(parts)
    assert (sizes[0], sizes[1], sizes[2]) == (1600, 200, 200)
    for counts in label_balance(units, parts, 3).values():
        for count, share in zip(counts, (0.8, 0.1, 0.1), strict=True):
            assert count == pytest.approx(share * sum(counts), abs=0.01 * sum(counts) + 1)
    assert stratified_parts(units, [0.8, 0.1, 0.1], seed=4) != parts


def test_keys_keep_documents_together_across_each_other() -> None:
    together = KeptTogether()
    for keys in (["a"], ["b"], [], ["c"], ["b", "c"], [], ["d", "a"]):
        together.add(keys)
    assert together.units() == [0, 1, 2, 1, 1, 3, 0]


def test_groups_come_from_texts_further_keys_and_ids() -> None:
    document = Document("Ada", id="news-7-2", extra={"meta": {"source": "x"}, "a.b": 1, "list": [1, 2]})
    (text,) = Grouping().keys(document)
    assert text == Grouping().keys(Document("Ada"))[0] != Grouping().keys(Document("ada"))[0]
    assert Grouping().keys(Document(" ")) == Grouping(same_texts=False).keys(document) == []
    assert Grouping("meta.source", "-", same_texts=False).keys(document) == [("by", "'x'"), ("id", "news-7")]
    assert Grouping("a.b", same_texts=False).keys(document) == [("by", "1")]
    assert Grouping("list", "+", same_texts=False).keys(document) == [("by", "[1, 2]"), ("id", "news-7-2")]
    for missing in ("meta.page", "page", "meta.source.x"):
        with pytest.raises(DataError, match=rf"no further key '{missing}'.*'meta'"):
            Grouping(missing).keys(document)
    with pytest.raises(DataError, match="has no id"):
        Grouping(by_id="-").keys(Document("Ada"))
