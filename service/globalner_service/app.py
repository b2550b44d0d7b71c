"""`create_app`: puts routes, limits, errors and the worker together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import anyio.to_thread
from fastapi import FastAPI

import globalner
from globalner_service.dependencies import ServiceState
from globalner_service.errors import install_error_handlers
from globalner_service.extractor import Extractor, load_extractor
from globalner_service.limits import BodyLimit
from globalner_service.openapi import install_openapi
from globalner_service.routes import extract, page, status
from globalner_service.settings import ServiceSettings
from globalner_service.worker import ExtractionWorker

__all__ = ["create_app"]

_SUMMARY = "Named entities, flat and nested, over HTTP."


def create_app(settings: ServiceSettings, *, extractor: Extractor | None = None) -> FastAPI:
    """The application. Its model is loaded and warmed in the background when the app starts, not here.

    Args:
        settings: How the server runs.
        extractor: A ready extractor that is used instead of loading `settings.model`.
    """
    worker = ExtractionWorker(_loader(settings, extractor), settings)
    app = FastAPI(
        title="globalner",
        summary=_SUMMARY,
        version=globalner.__version__,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.service = ServiceState(settings, worker)
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    install_error_handlers(app)
    for room in (extract, status, page):
        app.include_router(room.router)
    install_openapi(app, settings)
    return app


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
