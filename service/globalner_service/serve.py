"""Runs the service: binds the port, announces readiness, and on SIGTERM or Ctrl-C finishes what was accepted."""

from __future__ import annotations

import asyncio
import errno
import gc
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType

import uvicorn
from fastapi import FastAPI
from prometheus_client import start_http_server

from globalner.errors import ConfigError
from globalner_service.app import create_app
from globalner_service.dependencies import ServiceState
from globalner_service.extractor import Extractor
from globalner_service.free_memory import bound_freed_memory, return_free_memory
from globalner_service.http_protocol import guarded_protocol
from globalner_service.logs import set_up_logs
from globalner_service.settings import ServiceSettings

__all__ = ["run"]

_WATCH_INTERVAL_S = 0.05
# How long a thread may keep the interpreter while another waits for it: a model asks for it at every operation.
_SWITCH_INTERVAL_S = 0.0005
# Searches for garbage come after so many new objects, not every few hundred: each looks at all texts that wait, and
# what an answered request leaves is free without a search.
_GARBAGE_THRESHOLDS = (20_000, 50, 100)
_LAST_ANSWERS_S = 5
_RETURN_MEMORY_EVERY_S = 60.0


def run(
    settings: ServiceSettings,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    extractor: Extractor | None = None,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serves until the process is told to stop.

    The first SIGTERM or SIGINT begins the draining: `/ready` and new work get 503 while accepted work is finished,
    for at most `settings.shutdown_timeout_s`. A second signal ends at once.

    Args:
        settings: How the server runs.
        host: Address to listen on.
        port: Port to listen on; 0 takes any free one.
        extractor: A ready extractor that is used instead of loading `settings.model`.
        on_ready: Called once with the server's URL when the model is warm.

    Raises:
        ConfigError: If the address, or that of the metrics, cannot be listened on.
        GlobalNerError: If the model cannot be loaded.
    """
    bound_freed_memory()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    set_up_logs(level=settings.log_level, json_lines=settings.json_logs, log_texts=settings.log_texts)
    with ExitStack() as stack:
        listener = stack.enter_context(_bind(host, port))
        app = create_app(settings, extractor=extractor)
        state: ServiceState = app.state.service
        if settings.metrics_port is not None:
            stack.callback(_serve_metrics(host, settings.metrics_port, state))
        url = _url(host, listener.getsockname()[1])
        server = _DrainingServer(_config(app, state), state, lambda: on_ready(url) if on_ready else None)
        server.run(sockets=[listener])
    if state.worker.failure is not None:
        raise state.worker.failure


def _config(app: FastAPI, state: ServiceState) -> uvicorn.Config:
    settings, metrics = state.settings, state.metrics
    return uvicorn.Config(
        app,
        http=guarded_protocol(settings, lambda kind: metrics.rejected.labels(kind).inc()),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        root_path=settings.root_path,
        # uvicorn declares whole seconds, but only hands the number to the clock of its loop.
        timeout_keep_alive=settings.keep_alive_timeout_s,  # type: ignore[arg-type]
        timeout_graceful_shutdown=_LAST_ANSWERS_S,
    )


def _serve_metrics(host: str, port: int, state: ServiceState) -> Callable[[], None]:
    """Serves the metrics alone on a port of their own; returns what ends that."""
    try:
        server, _ = start_http_server(port, addr=host, registry=state.metrics.registry)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"cannot listen on port {port} of {host!r}: {reason}; see --metrics-port") from error

    def end() -> None:
        server.shutdown()
        server.server_close()

    return end


class _DrainingServer(uvicorn.Server):
    """Finishes accepted work while it still listens, so that `/ready` can say so; ends if the worker dies."""

    def __init__(self, config: uvicorn.Config, state: ServiceState, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._state = state
        self._on_ready = on_ready
        self._told_to_stop = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Takes a signal. It only notes it: a lock taken here could wait for the very code that it interrupts."""
        if self._told_to_stop:
            super().handle_exit(sig, frame)
            self.force_exit = True
        self._told_to_stop = True

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serves, with a watch over worker and signals beside it."""
        watch = asyncio.create_task(self._watch())
        # Without its watch the server could no longer be stopped.
        watch.add_done_callback(lambda _: setattr(self, "should_exit", True))
        returning = asyncio.create_task(_return_memory())
        try:
            await super().serve(sockets)
        finally:
            watch.cancel()
            returning.cancel()

    async def _watch(self) -> None:
        worker = self._state.worker
        announced = False
        deadline: float | None = None
        while not self.should_exit:
            if worker.is_ready and not announced:
                announced = True
                # What is loaded by now stays: a collection of garbage need not look at it, which takes half a second.
                gc.collect()
                gc.freeze()
                gc.set_threshold(*_GARBAGE_THRESHOLDS)
                self._on_ready()
            if self._told_to_stop and deadline is None:
                worker.begin_drain()
                deadline = time.monotonic() + self._state.settings.shutdown_timeout_s
            drained = deadline is not None and (worker.idle or time.monotonic() >= deadline)
            self.should_exit = self.should_exit or drained or worker.failure is not None
            await asyncio.sleep(_WATCH_INTERVAL_S)


async def _return_memory() -> None:
    while True:
        await asyncio.sleep(_RETURN_MEMORY_EVERY_S)
        await asyncio.to_thread(return_free_memory)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
        # Connections inherit it. asyncio would set it, but not on a socket made like this, and without it each answer
        # waits 40 ms for the client's system to acknowledge its head.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"port {port} of {host} is in use by another program; choose another one: --port {port + 1}, "
                "or --port 0 for any free one"
            ) from error
        reason = error.strerror or str(error)
        raise ConfigError(f"cannot listen on port {port} of {host!r}: {reason}; see --host and --port") from error


def _url(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"
