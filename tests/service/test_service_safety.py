"""Keys, rates, other origins, headers, and what the log says of a request."""

from __future__ import annotations

import base64
import json
import logging
import time

import pytest

from globalner.errors import ConfigError
from globalner_service.api_keys import ApiKeys, read_key_file
from globalner_service.gate import RateLimiter

FIRST, SECOND = "first-key-0123456789", "second-key-0123456789"
KEYS = ApiKeys.of([FIRST, SECOND])
CLOSED = ["/", "/docs", "/openapi.json", "/info", "/page/page.js", "/nothing", "//health", "/health/"]


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def basic(key: str, user: str = "me") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{key}".encode()).decode()}


def extract(client, headers=None, text: str = "Bern"):
    return client.post("/v1/extract", json={"texts": [text]}, headers=headers)


@pytest.mark.parametrize("path", CLOSED)
def test_every_route_but_three_asks_for_a_key(start, path):
    client = start(api_keys=KEYS)
    response = client.get(path)
    assert response.status_code == 401
    assert response.json()["error"]["type"] == "unauthorized"
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert client.get(path, headers=bearer(FIRST)).status_code != 401


def test_status_needs_no_key_and_work_does(start, fake):
    client = start(api_keys=KEYS)
    assert [client.get(path).status_code for path in ("/health", "/ready", "/metrics")] == [200] * 3
    for path in ("/v1/extract", "/v1/extract/stream", "/hf"):
        assert client.post(path, content=b"not even JSON").status_code == 401
    assert fake.prepared == []


@pytest.mark.parametrize("headers", [bearer(FIRST), bearer(SECOND), {"X-API-Key": SECOND}, basic(FIRST)])
def test_each_key_opens_in_each_way(start, headers):
    assert extract(start(api_keys=KEYS), headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer(""),
        bearer(FIRST[:-1]),
        bearer(FIRST + "x"),
        bearer(FIRST.upper()),
        bearer("b\xe4r".encode("latin-1").decode("latin-1")),
        {"Authorization": FIRST},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()},
        basic("wrong"),
        {"X-API-Key": "wrong"},
        {"Cookie": f"key={FIRST}"},
    ],
)
def test_wrong_keys_do_not_open(start, headers):
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}
    assert extract(start(api_keys=KEYS), encoded).status_code == 401


def test_a_browser_is_asked_for_the_key_in_its_own_way(start):
    response = start(api_keys=KEYS).get("/", headers={"Accept": "text/html,*/*"})
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, 'Basic realm="globalner"')


def test_keys_are_kept_as_digests_only():
    for shown in (repr(KEYS), str(vars(type(KEYS)))):
        assert FIRST not in shown
    assert len(ApiKeys.of([FIRST, FIRST])) == 1
    assert KEYS.name_of(FIRST) != KEYS.name_of(SECOND) != None  # noqa: E711
    assert KEYS.name_of("other") is None


def test_a_file_of_keys(tmp_path):
    path = tmp_path / "keys"
    path.write_text(f"# keys\n\n  {FIRST}  \n{SECOND}\n")
    assert read_key_file(path) == [FIRST, SECOND]
    path.write_text("# none\n")
    with pytest.raises(ConfigError, match="holds no key"):
        read_key_file(path)
    path.write_bytes(b"\xff\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_key_file(path)


def test_rate_is_limited_for_each_key(start):
    client = start(api_keys=KEYS, rate_limit_per_s=3)
    assert [extract(client, bearer(FIRST)).status_code for _ in range(3)] == [200] * 3
    refused = extract(client, bearer(FIRST))
    assert refused.status_code == 429
    assert refused.json()["error"]["type"] == "rate_limited"
    assert "--rate-limit" in refused.json()["error"]["message"]
    assert refused.headers["Retry-After"] == "1"
    assert extract(client, bearer(SECOND)).status_code == 200
    assert client.get("/info", headers=bearer(FIRST)).status_code == 200, "only work is counted"


def test_a_bucket_fills_again(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    limiter = RateLimiter(0.5)
    assert limiter.wait_s("a") == 0
    assert limiter.wait_s("a") == pytest.approx(2.0)
    now[0] += 1
    assert limiter.wait_s("a") == pytest.approx(1.0)
    now[0] += 1
    assert limiter.wait_s("a") == 0
    now[0] += 1000
    assert [limiter.wait_s("a") for _ in range(2)] == [0, 2.0], "it never holds more than its size"
    assert RateLimiter(None).wait_s("a") == limiter.wait_s(None) == 0


def test_a_stream_is_slowed_down_to_the_rate_of_its_key(start):
    client = start(api_keys=KEYS, rate_limit_per_s=20)
    body = b'{"text": "Bern"}\n' * 30
    headers = {**bearer(FIRST), "Content-Type": "application/x-ndjson"}
    began = time.monotonic()
    response = client.post("/v1/extract/stream", content=body, headers=headers)
    assert len(response.text.splitlines()) == 30
    assert time.monotonic() - began > 0.4


def test_other_origins_are_let_in_only_when_named(start):
    origin = {"Origin": "https://a.example"}
    closed = extract(start(), origin)
    assert closed.status_code == 200
    assert not [name for name in closed.headers if name.startswith("access-control")]
    client = start(cors_allow_origins=("https://a.example",), api_keys=KEYS)
    asked = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "Authorization"}
    assert client.options("/v1/extract", headers=asked).headers["Access-Control-Allow-Origin"] == "https://a.example"
    answer = extract(client, {**origin, **bearer(FIRST)})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    refused = extract(client, origin)
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] == "https://a.example", "so that a page can read why"
    assert "Access-Control-Allow-Origin" not in extract(client, {"Origin": "https://b.example"}).headers


@pytest.mark.parametrize("path", ["/", "/docs", "/health", "/nothing", "/page/page.css"])
def test_every_answer_carries_the_headers_of_safety(client, path):
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "Server" not in headers


def test_a_large_head_is_431_and_names_its_limit(start):
    client = start(max_header_bytes=2048)
    for request in ({"headers": {"X-Bomb": "y" * 3000}}, {"params": {"q": "y" * 3000}}):
        response = client.get("/health", **request)
        assert response.status_code == 431
        assert response.json()["error"]["type"] == "header_too_large"
        assert "--max-header-bytes" in response.json()["error"]["message"]


def test_only_safetensors_are_loaded(tmp_path, trained_model):
    import shutil

    from globalner.errors import CheckpointError
    from globalner_service import ServiceSettings
    from globalner_service.extractor import load_extractor

    folder = tmp_path / "model"
    shutil.copytree(trained_model, folder)
    for weights in folder.glob("*.safetensors"):
        weights.rename(folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"no model\.safetensors"):
        load_extractor(ServiceSettings(model=str(folder), device="cpu"))


def lines_of_log(capsys) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]


@pytest.fixture
def logs():
    """Sets up the server's log, and takes it down again."""
    from globalner_service.logs import set_up_logs

    names = ("globalner_service", "uvicorn")
    yield lambda **options: set_up_logs(**{"level": "info", "json_lines": True, "log_texts": False, **options})
    for name in names:
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_each_request_is_one_line_of_json_with_its_id_and_without_its_text(start, logs, capsys):
    logs()
    client = start(api_keys=KEYS)
    response = extract(client, {**bearer(FIRST), "X-Request-ID": "abc-1"}, text="secret Bern")
    assert response.headers["X-Request-ID"] == "abc-1"
    extract(client, text="secret Bern")
    lines = [line for line in lines_of_log(capsys) if line.get("route") == "/v1/extract"]
    assert [(line["status"], line.get("error")) for line in lines] == [(200, None), (401, "unauthorized")]
    assert lines[0]["request_id"] == "abc-1"
    assert lines[0]["key"] == KEYS.name_of(FIRST)
    assert lines[0]["duration_ms"] > 0
    assert "secret" not in json.dumps(lines)
    assert FIRST not in json.dumps(lines)


@pytest.mark.parametrize("sent", ["", "a b", "x" * 200, "é", '"}\\n{"level": "error'])
def test_an_id_that_is_not_plain_is_replaced(client, sent):
    got = client.get("/health", headers={"X-Request-ID": sent.encode("latin-1")}).headers["X-Request-ID"]
    assert len(got) == 32
    assert got != sent


@pytest.mark.parametrize("log_texts", [False, True])
def test_a_failure_is_logged_with_its_place_and_its_message_only_if_asked(start, logs, capsys, log_texts):
    logs(log_texts=log_texts)
    client = start()
    assert extract(client, {"X-Request-ID": "abc-2"}, text="crash").status_code == 500
    (line,) = [line for line in lines_of_log(capsys) if "failure" in line]
    assert line["request_id"] == "abc-2"
    assert "conftest.py" in line["failure"]
    assert "RuntimeError" in line["failure"]
    assert line["failure"].endswith("RuntimeError: the fake model broke") == log_texts


def test_plain_lines_are_for_people(start, logs, capsys):
    logs(json_lines=False)
    client = start()
    extract(client)
    assert extract(client, text="crash").status_code == 500
    log = capsys.readouterr().err
    assert "INFO request request_id=" in log
    assert "status=200" in log
    assert "RuntimeError (its message may hold text of a request: --log-texts shows it)" in log
