"""A fake extractor that knows a few words, and servers around it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

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


FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --disable-dev-shm-usage --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)

PROGRAM = """
import json, runpy, sys
from globalner_service import ServiceSettings
from globalner_service.api_keys import ApiKeys
from globalner_service.serve import run
fake = runpy.run_path(sys.argv[1])["FakeExtractor"]()
fake.slow_s, fake.mode = float(sys.argv[2]), sys.argv[3]
values = json.loads(sys.argv[4])
settings = ServiceSettings(model="unused", **values, api_keys=ApiKeys.of(sys.argv[5:]))
run(settings, port=0, extractor=fake, on_ready=lambda url: print(url, flush=True))
"""


@dataclass
class FakeWindow:
    text: str

    def __len__(self) -> int:
        return len(self.text) + 2


@dataclass
class FakeText:
    document: Document
    windows: list[FakeWindow]


@dataclass
class FakeOptions:
    mode: str | None
    threshold: float | dict[str, float] | None
    labels: frozenset[str] | None
    max_entities: int

    @property
    def search_key(self) -> str:
        return repr(self)


class FakeExtractor:
    """Answers at once; `gate` holds it back. "slow" in a text takes time, "crash" breaks the call, "die" the thread.

    `calls` holds the windows of each batch, `options` how each batch was to be read.
    """

    def __init__(self) -> None:
        self.name = "fake"
        self.mode = "nested"
        self.labels = LabelSet(("GPE", "MISC", "ORG", "PER"))
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.slow_s = 0.0
        self.window_chars = 1_000_000
        self.prepared: list[Document] = []
        self.calls: list[list[str]] = []
        self.options: list[dict[str, object]] = []

    def description(self) -> dict[str, object]:
        return {"encoder": "fake", "head": "efficient_global_pointer", "mode": self.mode, "device": "cpu"}

    def reading_options(self, *, mode=None, threshold=None, labels=None, max_entities=1000):  # type: ignore[no-untyped-def]
        return FakeOptions(mode, threshold, labels, max_entities)

    def model_threads(self) -> int:
        return 1

    def share_cores(self, threads: int) -> None:
        assert threads >= 1

    def search_work(self, length: int) -> int:
        return len(self.labels) * length**2

    def prepare(self, documents):  # type: ignore[no-untyped-def]
        self.prepared.extend(documents)
        return [FakeText(document, self._windows(document.text)) for document in documents]

    def _windows(self, text: str) -> list[FakeWindow]:
        size = self.window_chars
        return [FakeWindow(text[start : start + size]) for start in range(0, max(1, len(text)), size)]

    def find(self, windows, options):  # type: ignore[no-untyped-def]
        texts = [window.text for window in windows]
        self.calls.append(texts)
        self.options.append(vars(options))
        self.entered.set()
        assert self.gate.wait(20)
        if any("slow" in text for text in texts):
            time.sleep(self.slow_s)
        if any("crash" in text for text in texts):
            raise RuntimeError("the fake model broke")
        if any("die" in text for text in texts):
            raise SystemExit("the fake worker died")
        return [re.findall("Bern", text) for text in texts]

    def decode(self, text, found, options):  # type: ignore[no-untyped-def]
        assert [len(part) for part in found] == [window.text.count("Bern") for window in text.windows]
        read = self._read(
            text.document, options.mode or self.mode, options.threshold, options.labels, options.max_entities
        )
        return replace(read, windows=len(text.windows))

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
                fake.prepared.clear()
            return client

        yield started


@pytest.fixture(scope="session")
def spawn_server() -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    """Starts servers around a fake extractor in processes of their own; each comes with its URL."""
    running: list[subprocess.Popen[str]] = []

    def spawn(
        slow_s: float = 0.0, mode: str = "nested", keys: tuple[str, ...] = (), **settings: object
    ) -> tuple[subprocess.Popen[str], str]:
        words = [sys.executable, "-c", PROGRAM, __file__, str(slow_s), mode, json.dumps(settings), *keys]
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


class Page:
    """The page as a person uses it."""

    def __init__(self, driver: Any, url: str) -> None:
        self.driver, self.url, self.until = driver, url, wait_until

    def open(self, width: int = 1200, height: int = 900, dark: bool = False) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.driver.get(self.url)
        self.until(lambda: self.run("return document.getElementById('served').dataset.ready") == "true")

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def write(self, text: str) -> None:
        # The driver types characters of the basic plane only.
        script = (
            "const box = arguments[0]; box.value = arguments[1]; box.dispatchEvent(new Event('input')); box.focus()"
        )
        self.run(script, self.find("#text"), text)

    def says(self, summary: str) -> None:
        self.until(lambda: self.find("#summary").text == summary)

    def rows(self) -> list[list[str]]:
        cells = "(row) => [...row.cells].map((cell) => cell.innerText)"
        return self.run(f"return [...document.querySelectorAll('#rows tr')].map({cells})")

    def console(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        events = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Debian's chromium, headless, by its chromium-driver."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    program = shutil.which("chromedriver")
    if chromium is None or program is None:
        pytest.skip("chromium or chromedriver is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('chromium')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    running = webdriver.Chrome(options=options, service=webdriver.ChromeService(program))
    yield running
    running.quit()


@pytest.fixture
def page_of(driver: Any) -> Callable[[str], Page]:
    """The page of the server at a URL, with nothing left of earlier pages; it still has to be opened."""

    def made(url: str) -> Page:
        page = Page(driver, url)
        page.console()
        page.requests()
        return page

    return made
