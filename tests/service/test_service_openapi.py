from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import globalner_service
from globalner_service import ServiceSettings, create_app
from globalner_service.write_openapi import openapi_text

OPENAPI = Path(__file__).parents[2] / "service" / "openapi.json"
VOID = {"meta", "link", "br", "input"}


class Balance(HTMLParser):
    """Collects the text, links and ids of a page, and fails on tags that do not close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.links += [values[name] for name in ("href", "src") if name in values]
        self.ids += [values["id"]] if "id" in values else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_description_in_the_repository_is_the_one_of_the_app():
    assert OPENAPI.read_text(encoding="utf-8") == openapi_text(), (
        "run: python -m globalner_service.write_openapi service/openapi.json"
    )


def test_description_covers_every_route_and_error(client):
    description = client.get("/openapi.json").json()
    work = {"/v1/extract", "/v1/extract/stream", "/hf"}
    assert set(description["paths"]) == work | {"/health", "/ready", "/info", "/metrics"}
    statuses = "200 400 401 404 408 413 415 422 429 431 500 503 504"
    for path in work:
        operation = description["paths"][path]["post"]
        assert set(operation["responses"]) == set(statuses.split())
        assert operation["requestBody"]["content"]
        assert operation["security"] == [{"key": []}, {}]
        for status, response in operation["responses"].items():
            if status != "200":
                assert response["content"]["application/json"]["schema"]["$ref"].endswith("/ErrorResponse")
    assert not any("security" in description["paths"][path]["get"] for path in ("/health", "/ready", "/metrics"))
    names = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(description)))
    written_as_text = {"StreamItem", "StreamError", "StreamResult"}
    assert names | written_as_text == set(description["components"]["schemas"])


def test_examples_of_the_description_are_accepted(client):
    body = client.get("/openapi.json").json()["paths"]["/v1/extract"]["post"]["requestBody"]["content"]
    examples = body["application/json"]["examples"]
    assert examples
    for example in examples.values():
        assert client.post("/v1/extract", json=example["value"]).status_code == 200


def test_description_tells_the_limits_of_this_server():
    app = create_app(ServiceSettings(model="m", max_texts=5, max_text_chars=77, max_body_bytes=999))
    texts = app.openapi()["components"]["schemas"]["ExtractRequest"]["properties"]["texts"]
    assert texts["maxItems"] == 5
    assert all(limit in texts["description"] for limit in ("77", "999", "`--max-text-chars`", "`--max-body-bytes`"))


def test_reference_page_is_whole_and_needs_no_other_host(client):
    response = client.get("/docs")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    page = Balance(response.text)
    for expected in ("/v1/extract", "/ready", "offset_unit", "429", "--max-texts", "curl http"):
        assert expected in page.text
    assert not [link for link in page.links if link.startswith(("http", "//"))]
    anchors = {link.removeprefix("#") for link in page.links if link.startswith("#")}
    assert anchors <= set(page.ids)


def test_page_and_its_files_need_no_other_host(client):
    response = client.get("/")
    assert response.status_code == 200
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    page = Balance(response.text)
    assert "style=" not in response.text
    files = [link for link in page.links if link.startswith("page/")]
    assert sorted(files) == ["page/icon.svg", "page/page.css", "page/page.js"]
    types = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
    scripts = [f"page/{path.name}" for path in (Path(globalner_service.__file__).parent / "page").glob("*.js")]
    assert len(scripts) > 10
    for name in {*files, *scripts}:
        answer = client.get(f"/{name}")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == types[name.rsplit(".", 1)[1]]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert not re.findall(r"(?:https?:)?//(?!www\.w3\.org/2000/svg)[\w.-]+\.\w+/", answer.text)


def test_only_the_files_of_the_page_are_given_out(client):
    for name in ("index.html", "../app.py", "..%2fapp.py", "%2e%2e/app.py", "nothing.js"):
        response = client.get(f"/page/{name}")
        assert response.status_code == 404
        assert response.json()["error"]["type"] == "not_found"
