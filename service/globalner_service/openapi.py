"""The OpenAPI description. Routes read their bodies themselves, so the schema of the body is added here."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from globalner_service.schemas import ExtractRequest
from globalner_service.settings import ServiceSettings, flag

__all__ = ["install_openapi"]

_REFERENCE = "#/components/schemas/{model}"
_EXAMPLES = {
    "defaults": {
        "summary": "The model's own mode and thresholds",
        "value": {"texts": ["Peking University is in Beijing."]},
    },
    "flat": {
        "summary": "Flat, one label, its threshold, offsets for JavaScript",
        "value": {
            "texts": ["Peking University is in Beijing."],
            "mode": "flat",
            "labels": ["ORG"],
            "threshold": {"ORG": 0.6},
            "offset_unit": "utf16",
        },
    },
}


def install_openapi(app: FastAPI, settings: ServiceSettings) -> None:
    """Makes `app.openapi()` complete: the request body, and the limits of these settings."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _with_request_body(generate(), settings)
        return app.openapi_schema

    # Replacing the method is how FastAPI wants its description extended.
    app.openapi = openapi  # type: ignore[method-assign]


def _with_request_body(description: dict[str, Any], settings: ServiceSettings) -> dict[str, Any]:
    schema = ExtractRequest.model_json_schema(ref_template=_REFERENCE)
    components = schema.pop("$defs")
    texts = schema["properties"]["texts"]
    texts["maxItems"] = settings.max_texts
    texts["description"] += (
        f" At most {settings.max_texts} (`{flag('max_texts')}`), each of at most {settings.max_text_chars} characters "
        f"(`{flag('max_text_chars')}`), in a body of at most {settings.max_body_bytes} "
        f"bytes (`{flag('max_body_bytes')}`)."
    )
    components["ExtractRequest"] = schema
    description["components"]["schemas"] = dict(sorted({**description["components"]["schemas"], **components}.items()))
    description["paths"]["/v1/extract"]["post"]["requestBody"] = {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": _REFERENCE.format(model="ExtractRequest")}, "examples": _EXAMPLES}
        },
    }
    return description
