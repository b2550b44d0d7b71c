"""A server of the page whose answers a test writes, and ways to act in the page that its tests share."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from globalner_service.routes import page as page_route

LABELS = ["GPE", "MISC", "ORG", "PER"]

# The names that the tests of the page look for in their texts, so that offsets need no counting.
Found = tuple[str, str, float]


@dataclass
class Script:
    """What the server answers, and what it was asked.

    Attributes:
        found: Words, their label and score; each is found where it stands first in the text.
        thresholds: The model's own, by label.
        mode: The model's own.
        limited: Whether the server says that it left entities out.
        failures: Answers that come before the first good one: status, message, headers.
        key: API key that is asked for; None for no key.
        asked: Bodies of the requests.
    """

    found: list[Found] = field(default_factory=list)
    thresholds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(LABELS, 0.5))
    mode: str = "nested"
    limited: bool = False
    failures: list[tuple[int, str, dict[str, str]]] = field(default_factory=list)
    key: str | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)

    def entities(self, text: str, floor: float) -> list[dict[str, Any]]:
        found = [
            {"start": start, "end": start + len(words), "label": label, "text": words, "score": score}
            for words, label, score in self.found
            if (start := text.find(words)) >= 0 and score > floor
        ]
        return sorted(found, key=lambda one: (one["start"], -one["end"], LABELS.index(one["label"])))


def scripted_app(holder: dict[str, Script]) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None)

    def refusal(request: Request) -> JSONResponse | None:
        key = holder["script"].key
        if key is None or request.headers.get("Authorization") == f"Bearer {key}":
            return None
        return error(401, "this server asks for an API key", {"WWW-Authenticate": 'Bearer realm="globalner"'})

    def error(status: int, message: str, headers: dict[str, str]) -> JSONResponse:
        return JSONResponse({"error": {"type": "x", "message": message}}, status_code=status, headers=headers)

    @app.get("/info")
    def info(request: Request) -> JSONResponse:
        script = holder["script"]
        description = {"mode": script.mode, "thresholds": script.thresholds}
        limits = {"max_text_chars": 100_000}
        answer = {"model": "scripted", "ready": True, "labels": LABELS, "description": description, "limits": limits}
        return refusal(request) or JSONResponse(answer)

    @app.post("/v1/extract")
    async def extract(request: Request) -> JSONResponse:
        script, body = holder["script"], await request.json()
        if (refused := refusal(request)) is not None:
            return refused
        script.asked.append(body)
        if script.failures:
            return error(*script.failures.pop(0))
        entities = script.entities(body["texts"][0], body["threshold"])
        result = {"entities": entities, "windows": 1, "limited": script.limited}
        return JSONResponse({"model": "scripted", "results": [result]})

    app.include_router(page_route.router)
    return app


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serves an app in a thread; gives its URL."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="session")
def serve_app() -> Any:
    """`serving`, for tests with an app of their own."""
    return serving


@pytest.fixture(scope="session")
def scripted_server() -> Iterator[tuple[str, dict[str, Script]]]:
    """URL of the scripted server, and the holder of its script."""
    holder = {"script": Script()}
    with serving(scripted_app(holder)) as url:
        yield url, holder


@pytest.fixture
def script(scripted_server: tuple[str, dict[str, Script]]) -> Script:
    """The script of this test; change it before the page asks."""
    scripted_server[1]["script"] = Script()
    return scripted_server[1]["script"]


class Reader:
    """The page of the scripted server in the hands of somebody."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def __getattr__(self, name: str) -> Any:
        return getattr(self.page, name)

    def read(self, text: str, summary: str) -> None:
        """Has a text read and waits for the summary."""
        self.write(text)
        self.find("#extract").click()
        self.says(summary)

    def slide(self, value: float) -> None:
        """Moves the slider as a hand does."""
        script = "const [input, value] = arguments; input.value = value; input.dispatchEvent(new Event('input'))"
        self.run(script, self.find("#threshold"), value)

    def shown(self) -> list[str]:
        """Texts in the table."""
        return [row[1] for row in self.rows()]

    def error(self) -> str:
        text: str = self.find("#error").text
        return text

    def tell(self, start: str) -> None:
        """Waits for an error that starts so."""
        self.until(lambda: self.error().startswith(start))

    def take(self, script: str, *arguments: object) -> Any:
        """The value of an asynchronous piece of script, the body of an async function."""
        return self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            f"(async () => {{ {script} }})().then(done, (error) => done(String(error)))",
            *arguments,
        )


@pytest.fixture
def reader_of(page_of: Any) -> Any:
    """The page of the server at a URL, in the hands of somebody; it still has to be opened."""
    return lambda url: Reader(page_of(url))


@pytest.fixture
def reader(reader_of: Any, scripted_server: tuple[str, dict[str, Script]], script: Script) -> Iterator[Reader]:
    """The page of the scripted server, wide and light; no other host is asked, and the console tells of errors only."""
    url, holder = scripted_server
    assert holder["script"] is script
    reader = reader_of(url)
    reader.page.open()
    yield reader
    complaints = [line for line in reader.console() if "the server responded with a status of" not in line]
    assert complaints == []
    foreign = [one for one in reader.requests() if one.startswith(("http", "ws")) and not one.startswith(url)]
    assert foreign == []
