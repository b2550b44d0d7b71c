"""A fake extractor that knows a few words, and servers around it."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from fastapi.testclient import TestClient

from globalner.types import Document, Entity, LabelSet
from globalner_service import ServiceSettings, create_app

# "Lisbon Hospital" and "Hospital of Bern" cross in "Lisbon Hospital of Bern", and cities nest in both.
WORDS = (
    ("Lisbon Hospital", "ORG", 0.97),
    ("Hospital of Bern", "ORG", 0.55),
    ("Lisbon", "GPE", 0.99),
    ("Bern", "GPE", 0.9),
    ("Maya", "PER", 0.8),
    ("北京大学", "ORG", 0.96),
    ("北京", "GPE", 0.98),
    ("🎉", "MISC", 0.6),
)


PROGRAM = """
import runpy, sys
from globalner_service import ServiceSettings
from globalner_service.serve import run
fake = runpy.run_path(sys.argv[1])["FakeExtractor"]()
fake.slow_s = float(sys.argv[2])
settings = ServiceSettings(model="unused", root_path=sys.argv[3])
run(settings, port=0, extractor=fake, on_ready=lambda url: print(url, flush=True))
"""


class FakeExtractor:
    """Answers at once; `gate` holds it back. "slow" in a text takes time, "crash" breaks the call, "die" the thread."""

    def __init__(self) -> None:
        self.name = "fake"
        self.labels = LabelSet(("GPE", "MISC", "ORG", "PER"))
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.slow_s = 0.0
        self.calls: list[list[str]] = []
        self.options: list[dict[str, object]] = []

    def description(self) -> dict[str, object]:
        return {"encoder": "fake", "head": "efficient_global_pointer", "device": "cpu"}

    def extract(self, texts, /, *, mode="nested", threshold=None, labels=None, max_entities=1000):  # type: ignore[no-untyped-def]
        documents = [Document(text) if isinstance(text, str) else text for text in texts]
        self.calls.append([document.text for document in documents])
        self.options.append({"mode": mode, "threshold": threshold, "labels": labels, "max_entities": max_entities})
        self.entered.set()
        assert self.gate.wait(20)
        if any("slow" in document.text for document in documents):
            time.sleep(self.slow_s)
        if any("crash" in document.text for document in documents):
            raise RuntimeError("the fake model broke")
        if any("die" in document.text for document in documents):
            raise SystemExit("the fake worker died")
        return [self._read(document, mode, threshold, labels, max_entities) for document in documents]

    def _read(self, document, mode, threshold, labels, max_entities):  # type: ignore[no-untyped-def]
        found = [
            Entity(match.start(), match.end(), label, score=score)
            for word, label, score in WORDS
            for match in re.finditer(re.escape(word), document.text)
            if score > (threshold.get(label, 0.5) if isinstance(threshold, dict) else threshold or 0.5)
            and (labels is None or label in labels)
        ]
        if mode == "flat":
            kept: list[Entity] = []
            for entity in sorted(found, key=lambda one: one.start - one.end):
                if all(entity.end <= other.start or other.end <= entity.start for other in kept):
                    kept.append(entity)
            found = kept
        best = sorted(found, key=lambda entity: -(entity.score or 0))[:max_entities]
        ordered = tuple(sorted(best, key=lambda entity: (entity.start, -entity.end)))
        return Document(document.text, ordered, windows=1, limited=len(found) > len(best))


@pytest.fixture
def fake() -> Iterator[FakeExtractor]:
    extractor = FakeExtractor()
    yield extractor
    extractor.gate.set()


@pytest.fixture
def start(fake: FakeExtractor) -> Iterator[Callable[..., TestClient]]:
    """Starts a server around the fake extractor; keywords are settings; `ready=False` does not wait for it."""
    with ExitStack() as stack:
        stack.callback(fake.gate.set)

        def started(*, ready: bool = True, **settings: object) -> TestClient:
            app = create_app(ServiceSettings(model="unused", **settings), extractor=fake)
            client = stack.enter_context(TestClient(app, raise_server_exceptions=False))
            if ready:
                wait_until(lambda: client.get("/ready").status_code == 200)
                fake.calls.clear()
                fake.options.clear()
                fake.entered.clear()
            return client

        yield started


@pytest.fixture(scope="session")
def spawn_server() -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    """Starts servers around a fake extractor in processes of their own; each comes with its URL."""
    running: list[subprocess.Popen[str]] = []

    def spawn(slow_s: float = 0.0, root_path: str = "") -> tuple[subprocess.Popen[str], str]:
        words = [sys.executable, "-c", PROGRAM, __file__, str(slow_s), root_path]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, process.communicate()[1]
        return process, url

    yield spawn
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def client(start: Callable[..., TestClient]) -> TestClient:
    return start()


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    return wait_until


def wait_until(condition: Callable[[], bool]) -> None:
    """Returns once the condition holds; fails after ten seconds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)
