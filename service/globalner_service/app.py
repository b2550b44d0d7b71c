"""`create_app`: puts routes, limits, errors and the worker together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import anyio.to_thread
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

import globalner
from globalner_service.dependencies import ServiceState
from globalner_service.errors import install_error_handlers
from globalner_service.extractor import Extractor, load_extractor
from globalner_service.gate import KeyGate, RateLimiter, WorkGate
from globalner_service.limits import BodyLimit
from globalner_service.metrics import ServiceMetrics
from globalner_service.openapi import install_openapi
from globalner_service.routes import extract, hugging_face, page, status, stream
from globalner_service.settings import ServiceSettings
from globalner_service.sight import Sight
from globalner_service.worker import ExtractionWorker

__all__ = ["create_app"]

_STREAM = "/v1/extract/stream"
_WORK = frozenset({"/v1/extract", _STREAM, "/hf"})
_SUMMARY = "Named entities, flat and nested, over HTTP."


def create_app(settings: ServiceSettings, *, extractor: Extractor | None = None) -> FastAPI:
    """The application. Its model is loaded and warmed in the background when the app starts, not here.

    Args:
        settings: How the server runs.
        extractor: A ready extractor that is used instead of loading `settings.model`.
    """
    metrics = ServiceMetrics()
    worker = ExtractionWorker(_loader(settings, extractor), settings, metrics)
    app = FastAPI(
        title="globalner",
        summary=_SUMMARY,
        version=globalner.__version__,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    state = ServiceState(settings, worker, metrics, RateLimiter(settings.rate_limit_per_s))
    app.state.service = state
    for room in (extract, stream, hugging_face, status, page):
        app.include_router(room.router)
    install_error_handlers(app)
    install_openapi(app, settings)
    _wrap(app, state)
    return app


def _wrap(app: FastAPI, state: ServiceState) -> None:
    """The layers around the routes; the one added last is the outermost."""
    settings = state.settings
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes, unlimited=(_STREAM,))
    app.add_middleware(
        WorkGate,
        worker=state.worker,
        limiter=state.limiter,
        paths=_WORK,
        max_requests=settings.max_concurrent_requests,
    )
    app.add_middleware(KeyGate, keys=settings.api_keys)
    if settings.cors_allow_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_allow_origins,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "Content-Type", "X-API-Key", "X-Request-ID"),
            expose_headers=("Retry-After", "X-Request-ID"),
        )
    app.add_middleware(Sight, metrics=state.metrics, routes=_paths(app), max_header_bytes=settings.max_header_bytes)


def _paths(app: FastAPI) -> frozenset[str]:
    """Paths of all routes, for the metrics; those with a variable part count as the others do."""
    paths = set(app.openapi()["paths"]) | {"/", "/docs", "/openapi.json"}
    return frozenset(path for path in paths if "{" not in path)


def _loader(settings: ServiceSettings, extractor: Extractor | None) -> Callable[[], Extractor]:
    if extractor is None:
        return partial(load_extractor, settings)
    given = extractor
    return lambda: given


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    state: ServiceState = app.state.service
    state.worker.start()
    yield
    await anyio.to_thread.run_sync(state.worker.stop, state.settings.shutdown_timeout_s)
