"""The reference page at `/docs`: plain HTML made from the OpenAPI description, so that it works without internet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

__all__ = ["render_reference"]

Json = Mapping[str, Any]

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} – HTTP reference</title>
<link rel="icon" href="page/icon.svg">
<link rel="stylesheet" href="page/page.css">
</head>
<body class="reference">
<header class="top">
<a class="brand" href="./">{title}</a>
<p class="served">HTTP reference, version {version}</p>
</header>
<main>
<p>{summary} Offsets: start inclusive, end exclusive.
The same as a file for programs: <a href="openapi.json">openapi.json</a>.</p>
{routes}
<h2 id="schemas">Values</h2>
{schemas}
</main>
</body>
</html>
"""


def render_reference(openapi: Json) -> str:
    """An HTML page with every route, field, example and error of an OpenAPI description."""
    operations = [
        (method, path, operation) for path, item in openapi["paths"].items() for method, operation in item.items()
    ]
    return _PAGE.format(
        title=escape(openapi["info"]["title"]),
        version=escape(openapi["info"]["version"]),
        summary=escape(openapi["info"]["summary"]),
        routes="\n".join(_route(method, path, operation) for method, path, operation in operations),
        schemas="\n".join(_schema(name, schema) for name, schema in openapi["components"]["schemas"].items()),
    )


def _route(method: str, path: str, operation: Json) -> str:
    parts = [
        f'<section class="card"><h2><code class="method">{method.upper()}</code> <code>{escape(path)}</code></h2>',
        f"<p>{_prose(operation.get('description', operation['summary']))}</p>",
    ]
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<h3>Body</h3><p>{_type(content['schema'])} as <code>{escape(media_type)}</code></p>")
        parts.extend(_example(path, example) for example in content.get("examples", {}).values())
    rows = ((code, _answer(response)) for code, response in operation["responses"].items())
    parts.append(f"<h3>Answers</h3>{_table(('Status', 'Meaning'), rows)}</section>")
    return "\n".join(parts)


def _example(path: str, example: Json) -> str:
    value = json.dumps(example["value"], ensure_ascii=False).replace("'", "'\\''")
    command = f"curl http://127.0.0.1:8000{path} -H 'Content-Type: application/json' \\\n  -d '{value}'"
    return f"<p>{escape(example['summary'])}</p><pre><code>{escape(command)}</code></pre>"


def _answer(response: Json) -> str:
    schemas = [_type(content["schema"]) for content in response.get("content", {}).values() if content.get("schema")]
    return " ".join([_prose(response["description"]), *schemas])


def _schema(name: str, schema: Json) -> str:
    required = schema.get("required", ())
    rows = (
        (f"<code>{escape(field)}</code>{'' if field in required else ' <small>optional</small>'}", _field(value))
        for field, value in schema.get("properties", {}).items()
    )
    return (
        f'<section class="card" id="{escape(name)}"><h3>{escape(name)}</h3>'
        f"<p>{_prose(schema.get('description', ''))}</p>{_table(('Field', 'Value'), rows)}</section>"
    )


def _field(value: Json) -> str:
    facts = [_type(value)]
    if value.get("default") is not None:
        facts.append(f"default <code>{escape(json.dumps(value['default']))}</code>")
    description = f"<br>{_prose(value['description'])}" if "description" in value else ""
    examples = "".join(
        f" <code>{escape(json.dumps(one, ensure_ascii=False))}</code>" for one in value.get("examples", ())
    )
    return ", ".join(facts) + description + (f"<br>For example{examples}" if examples else "")


def _type(schema: Json) -> str:
    """A schema in a few words, with links to the schemas that it names."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[-1])
        return f'<a href="#{name}">{name}</a>'
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return " or ".join(_type(one) for one in schema[choice])
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(f"<code>{escape(json.dumps(value))}</code>" for value in values)
    if "prefixItems" in schema:
        return f"[{', '.join(_type(one) for one in schema['prefixItems'])}]"
    if "items" in schema:
        return f"list of {_type(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), Mapping):
        return f"map from string to {_type(schema['additionalProperties'])}"
    return " ".join([escape(str(schema.get("type", "any value"))), *_bounds(schema)])


def _bounds(schema: Json) -> list[str]:
    signs = {"exclusiveMinimum": "&gt;", "minimum": "≥", "exclusiveMaximum": "&lt;", "maximum": "≤"}
    return [f"{sign} {schema[key]:g}" for key, sign in signs.items() if key in schema]


def _prose(text: str) -> str:
    """Escaped text, with `code` between back-ticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


def _table(heads: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    body = "".join(f"<tr><td>{first}</td><td>{second}</td></tr>" for first, second in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
