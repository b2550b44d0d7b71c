"""The OpenAPI description. Routes read their bodies themselves, so the schema of the body is added here."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from globalner_service.hugging_face import HuggingFaceRequest
from globalner_service.schemas import ExtractOptions, ExtractRequest, StreamError, StreamItem, StreamResult
from globalner_service.settings import ServiceSettings, flag
from globalner_service.stream import NDJSON

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


_STREAM_LINES = '{"text": "Peking University is in Beijing.", "id": "1"}\n{"text": "Rust Belt blues"}\n'
_HF_EXAMPLES = {"one": {"summary": "One text", "value": {"inputs": "Peking University is in Beijing."}}}
_OPEN_ROUTES = frozenset({"/health", "/ready", "/metrics"})


def install_openapi(app: FastAPI, settings: ServiceSettings) -> None:
    """Makes `app.openapi()` complete: the bodies, the keys, and the limits of these settings."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(generate(), settings)
        return app.openapi_schema

    # Replacing the method is how FastAPI wants its description extended.
    app.openapi = openapi  # type: ignore[method-assign]


def _completed(description: dict[str, Any], settings: ServiceSettings) -> dict[str, Any]:
    components = description["components"]
    schemas = components["schemas"]
    for model in (ExtractRequest, HuggingFaceRequest, StreamItem, StreamResult, StreamError):
        schema = model.model_json_schema(ref_template=_REFERENCE)
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    _tell_limits(schemas["ExtractRequest"]["properties"]["texts"], settings)
    components["schemas"] = dict(sorted(schemas.items()))
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "Needed where the server was given API keys."}
    }
    paths = description["paths"]
    for path, operations in paths.items():
        if path not in _OPEN_ROUTES:
            for operation in operations.values():
                operation["security"] = [{"key": []}, {}]
    paths["/v1/extract"]["post"]["requestBody"] = _json_body("ExtractRequest", _EXAMPLES)
    paths["/hf"]["post"]["requestBody"] = _json_body("HuggingFaceRequest", _HF_EXAMPLES)
    _describe_stream(paths["/v1/extract/stream"]["post"])
    return description


def _tell_limits(texts: dict[str, Any], settings: ServiceSettings) -> None:
    texts["maxItems"] = settings.max_texts
    texts["description"] += (
        f" At most {settings.max_texts} (`{flag('max_texts')}`), each of at most {settings.max_text_chars} characters "
        f"(`{flag('max_text_chars')}`), in a body of at most {settings.max_body_bytes} "
        f"bytes (`{flag('max_body_bytes')}`)."
    )


def _json_body(model: str, examples: dict[str, Any]) -> dict[str, Any]:
    content = {"schema": {"$ref": _REFERENCE.format(model=model)}, "examples": examples}
    return {"required": True, "content": {"application/json": content}}


def _describe_stream(operation: dict[str, Any]) -> None:
    properties = ExtractOptions.model_json_schema()["properties"]
    operation["parameters"] = [_query_parameter(name, dict(schema)) for name, schema in properties.items()]
    operation["requestBody"] = {
        "required": True,
        "description": "`StreamItem`s, one a line.",
        "content": {
            NDJSON: {
                "schema": {"type": "string"},
                "examples": {"two": {"summary": "Two texts", "value": _STREAM_LINES}},
            }
        },
    }
    operation["responses"]["200"] = {
        "description": "`StreamResult`s and `StreamError`s, one a line, in the order of the lines.",
        "content": {NDJSON: {"schema": {"type": "string"}}},
    }


def _query_parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    parameter = {"name": name, "in": "query", "required": False, "description": schema.pop("description", "")}
    schema.pop("title", None)
    if name == "threshold":
        schema = {"type": "string", "examples": ["0.5", '{"ORG": 0.6}']}
    elif "anyOf" in schema:
        # Nothing in a query is null.
        schema = next(choice for choice in schema["anyOf"] if choice.get("type") != "null")
    return {**parameter, "schema": schema}
