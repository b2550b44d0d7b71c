"""What schemathesis has to be told about the service: how lines of JSON are written."""

from __future__ import annotations

import schemathesis

__all__ = ["filter_body", "ndjson"]


@schemathesis.serializer("application/x-ndjson")
def ndjson(_context: object, value: object) -> bytes:
    """A stream as the schema describes it is a text; anything else goes out as the text of it."""
    return (value if isinstance(value, str) else str(value)).encode("utf-8", "surrogatepass")


@schemathesis.hook
def filter_body(context: schemathesis.HookContext, body: object) -> bool:
    """Bodies of a stream are texts: on the wire there is nothing else, so no type can be wrong."""
    return isinstance(body, str) or context.operation is None or context.operation.path != "/v1/extract/stream"
