"""The page to try the model at `/`, its files, and the reference at `/docs`. They fetch nothing from any other host."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException

from globalner_service.reference import render_reference

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_FOLDER = Path(__file__).parents[1] / "page"
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@router.get("/")
def page() -> Response:
    """The page to try the model."""
    return HTMLResponse((_FOLDER / "index.html").read_bytes(), headers=_HEADERS)


@router.get("/page/{name}")
def page_file(name: str) -> Response:
    """A style, script or picture of the page."""
    file = next((path for path in _FOLDER.iterdir() if path.name == name), None)
    if file is None or file.suffix not in _MEDIA_TYPES:
        raise HTTPException(404)
    return Response(file.read_bytes(), media_type=_MEDIA_TYPES[file.suffix], headers=_HEADERS)


@router.get("/docs")
def docs(request: Request) -> Response:
    """The reference of the API, made from its OpenAPI description."""
    return HTMLResponse(render_reference(request.app.openapi()), headers=_HEADERS)
