"""The measures of the data benchmark on little data: memory stays flat, and nothing is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.data_cases import EncodingCase, loader_pass, synthetic_sentences, times
from benchmarks.fresh_process import in_fresh_process
from globalner.encoders import build_character_tokenizer

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="memory is read from /proc")
def test_a_pass_of_the_loader_sees_every_sentence_in_flat_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(REPOSITORY))  # the process starts with this one's import path
    done = in_fresh_process(loader_pass, 20_000)
    assert done.windows == 20_000
    assert done.store_mib > 2
    assert done.making_growth_mib < 25
    assert done.pass_growth_mib < 15


def test_synthetic_sentences_are_always_the_same_and_hold_their_entities() -> None:
    one, other = list(synthetic_sentences(50)), list(synthetic_sentences(50))
    assert one == other
    assert len({document.text for document in one}) == 50
    assert all(len(document.entities) == 2 for document in one)
    assert all(entity.text.isalpha() for document in one for entity in document.entities)


def test_all_ways_to_encode_are_timed_in_turns() -> None:
    documents = list(synthetic_sentences(20))
    case = EncodingCase("synthetic", documents, build_character_tokenizer(document.text for document in documents))
    seconds = times([case.alone, case.called, case.encoded, case.windowed], 2)
    assert [len(row) for row in seconds] == [4, 4]
    assert all(second > 0 for row in seconds for second in row)
