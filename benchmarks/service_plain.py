"""What people write first: a FastAPI handler that calls the model for each request. No queue, no batches, no limits."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from globalner import Document, EntityExtractor

__all__ = ["plain_app", "serve_plain"]


def plain_app(extractor: EntityExtractor, *, waits: bool) -> FastAPI:
    """The application.

    Args:
        extractor: The model.
        waits: The handler is a coroutine in which the whole server waits for the model; else FastAPI runs handlers in
            its threads, so that many of them call the model at once.
    """
    from fastapi import FastAPI

    app = FastAPI()

    def answer(body: dict[str, list[str]]) -> dict[str, object]:
        return {"results": [_shown(extractor(text)) for text in body["texts"]]}

    async def answer_alone(body: dict[str, list[str]]) -> dict[str, object]:
        return answer(body)

    app.post("/v1/extract")(answer_alone if waits else answer)
    app.get("/ready")(lambda: {"status": "ready"})
    return app


def _shown(document: Document) -> list[dict[str, object]]:
    found = document.entities
    return [{"start": one.start, "end": one.end, "label": one.label, "score": one.score} for one in found]


def serve_plain(extractor: EntityExtractor, port: int, *, waits: bool) -> None:
    """Serves it until the process is told to stop, and prints its URL first."""
    import uvicorn

    with socket.create_server(("127.0.0.1", port), backlog=2048) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        config = uvicorn.Config(plain_app(extractor, waits=waits), log_level="warning", access_log=False)
        server = uvicorn.Server(config)
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:
            return
