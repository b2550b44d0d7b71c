"""A text that is read stretch by stretch has the entities that it has when it is read at once, in little memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner import Document, EntityExtractor
from globalner.data.long_texts import StretchSize
from globalner.decoding import TokenSpans
from globalner.encoders import build_character_tokenizer
from globalner.model import GlobalPointerConfig


class MarksPairs:
    """A scorer without a model: each pair of capitals of the row is a span; what it scores depends on the window."""

    def __init__(self, letters: list[int]) -> None:
        self.letters, self.rows = letters, 0

    def find(self, batch: object, threshold_logits: np.ndarray, top_k: int) -> tuple[list[TokenSpans], np.ndarray]:
        parts, more = [], []
        for ids in batch.input_ids.numpy():  # type: ignore[attr-defined]
            self.rows += 1
            first, last = np.triu_indices(len(ids))
            near = (last - first < 9) & np.isin(ids[first], self.letters) & np.isin(ids[last], self.letters)
            first, last = first[near], last[near]
            type_ = (ids[first] == ids[last]).astype(int)
            logit = 4.0 - (last - first) + 0.25 * ((first * 7 + ids[last]) % 5)
            above = logit > threshold_logits[type_]
            spans = TokenSpans(first[above], last[above], type_[above], logit[above])
            best = np.sort(np.argsort(-spans.logit, kind="stable")[:top_k])
            parts.append(spans.take(best))
            more.append(len(spans) > top_k)
        return parts, np.array(more)


def extractor_of(*, window_tokens: int = 32, overlap_tokens: int = 10, stretch: StretchSize) -> EntityExtractor:
    tokenizer = build_character_tokenizer(["ABC xyz."])
    config = GlobalPointerConfig(
        encoder={}, labels=["S", "T"], boundary="token", window_tokens=window_tokens, overlap_tokens=overlap_tokens
    )
    vocabulary = tokenizer.get_vocab()
    extractor = EntityExtractor(MarksPairs([vocabulary[c] for c in "ABC"]), tokenizer, config, batch_size=3)
    extractor._tokenizer.stretch_size = stretch
    return extractor


WHOLE, IN_STRETCHES = StretchSize(), StretchSize(chars=150, margin_chars=16)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    length=st.integers(151, 900),
    mode=st.sampled_from(["nested", "flat"]),
    max_entities=st.sampled_from([3, 1000]),
    overlap_tokens=st.sampled_from([0, 10, 25]),
)
def test_a_long_text_has_the_entities_that_it_has_when_read_at_once(
    seed: int, length: int, mode: str, max_entities: int, overlap_tokens: int
) -> None:
    random = np.random.default_rng(seed)
    text = "".join(random.choice(list("ABCxyz. "), size=length, p=[0.06, 0.05, 0.04, 0.25, 0.2, 0.2, 0.1, 0.1]))
    options = {"mode": mode, "max_entities": max_entities, "threshold": 0.4}
    texts = [text[:40], text, "A B", text[::-1]]
    expected, found = (
        extractor_of(overlap_tokens=overlap_tokens, stretch=stretch).extract(texts, **options)  # type: ignore[arg-type]
        for stretch in (WHOLE, IN_STRETCHES)
    )
    for one, other in zip(found, expected, strict=True):
        assert one.entities == other.entities
        assert (one.windows, one.limited, one.text) == (other.windows, other.limited, other.text)


def test_a_stream_gives_each_document_before_it_reads_all() -> None:
    taken = []

    def documents() -> object:
        for number in range(10_000):
            taken.append(number)
            yield Document(f"A x B {number}")

    stream = extractor_of(stretch=WHOLE).stream(documents())  # type: ignore[arg-type]
    assert next(stream).entities
    assert len(taken) < 5_000


READ = """
import resource, sys, threading
import torch
from globalner import EntityExtractor
from globalner.model import load_model

torch.set_num_threads(1)
model, tokenizer = load_model(sys.argv[1])
model.config.window_tokens = 128
extractor = EntityExtractor.from_model(model, tokenizer, batch_size=16)
unit = "Ana Reis of the University of Lisbon left Porto. 北京大学的王芳去了上海。 It rains again, nothing is here. " * 3

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

def watch():
    while not done.wait(0.01):
        peak[0] = max(peak[0], resident())

text = unit * 500  # libraries are loaded then, and their buffers have the size of a stretch
extractor(text)
text = unit * (int(sys.argv[2]) // len(unit))
before = resident()
peak, done = [before], threading.Event()
watcher = threading.Thread(target=watch)
watcher.start()
document = extractor(text)
done.set()
watcher.join()
print(len(text), document.windows, len(document.entities), (peak[0] - before) / 2**20)
"""


def growth_mib(model: Path, characters: int) -> float:
    """By how much the memory of a process grows beyond the text while it finds the entities of so many characters."""
    command = [sys.executable, "-c", READ, str(model), str(characters)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    length, windows, entities, mib = map(float, printed.split())
    assert length > 0.99 * characters
    assert windows > characters / 128
    assert entities > 100
    return mib


from_proc = pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="memory is read from /proc")


@from_proc
def test_memory_does_not_grow_with_a_million_characters(trained_model: Path) -> None:
    assert growth_mib(trained_model, 1_000_000) < 40


@from_proc
@pytest.mark.slow
def test_memory_does_not_grow_with_ten_million_characters(trained_model: Path) -> None:
    assert growth_mib(trained_model, 10_000_000) < 40
