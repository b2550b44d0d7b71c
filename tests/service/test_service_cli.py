from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

import globalner_service.serve
from globalner.cli import serve_verb
from globalner.errors import ConfigError, MissingExtraError
from globalner_service import ServiceSettings
from globalner_service.api_keys import ApiKeys
from globalner_service.settings import flag


def invoke(*arguments: str, **environment: str):
    return CliRunner().invoke(serve_verb.app, list(arguments), env=environment)


@pytest.fixture
def served(monkeypatch):
    """What `run` was called with, instead of running it."""
    calls = []
    monkeypatch.setattr(globalner_service.serve, "run", lambda settings, **options: calls.append((settings, options)))
    return calls


def test_defaults_are_those_of_the_settings(served):
    result = invoke("runs/demo/model")
    assert result.exit_code == 0, result.output
    ((settings, options),) = served
    assert settings == ServiceSettings(model="runs/demo/model")
    assert (options["host"], options["port"]) == ("127.0.0.1", 8000)


KEYS = ("first-key-0123456789", "second-key-0123456789", "third-key-0123456789")


def test_every_option_reaches_the_settings(served, tmp_path):
    (tmp_path / "keys.txt").write_text(f"# one a line\n\n{KEYS[2]}\n")
    words = (
        "m --host 0.0.0.0 --port 80 --served-model-name ner --max-texts 2 --max-text-chars 3 --max-body-bytes 4 "
        "--max-queue-windows 5 --max-batch-tokens 6 --max-batch-cells 7 --model-threads 2 --tokenization-workers 3 "
        "--max-concurrent-requests 9 --max-connections 10 --max-header-bytes 2048 --request-timeout 7.5 "
        "--header-timeout 1 --body-timeout 2 --write-timeout 3 --keep-alive-timeout 4 --shutdown-timeout 0 "
        f"--api-key {KEYS[0]} --api-key {KEYS[1]} --api-key-file {tmp_path / 'keys.txt'} --rate-limit 2.5 "
        "--cors-allow-origin https://a.example --metrics-port 9000 --json-logs --log-level error --log-texts "
        "--no-warmup --root-path /ner --device cpu --batch-size 8 --precision bf16 --quiet --debug"
    )
    result = invoke(*words.split())
    assert result.exit_code == 0, result.output
    ((settings, options),) = served
    assert settings == ServiceSettings(
        model="m",
        served_name="ner",
        device="cpu",
        precision="bf16",
        batch_size=8,
        max_texts=2,
        max_text_chars=3,
        max_body_bytes=4,
        max_queue_windows=5,
        max_batch_tokens=6,
        max_batch_cells=7,
        model_threads=2,
        tokenization_workers=3,
        max_concurrent_requests=9,
        max_connections=10,
        max_header_bytes=2048,
        request_timeout_s=7.5,
        header_timeout_s=1,
        body_timeout_s=2,
        write_timeout_s=3,
        keep_alive_timeout_s=4,
        shutdown_timeout_s=0,
        api_keys=ApiKeys.of(KEYS),
        rate_limit_per_s=2.5,
        cors_allow_origins=("https://a.example",),
        metrics_port=9000,
        json_logs=True,
        log_level="error",
        log_texts=True,
        warmup=False,
        root_path="/ner",
    )
    assert set(settings.model_fields_set) == set(ServiceSettings.model_fields), "a setting without an option"
    assert (options["host"], options["port"]) == ("0.0.0.0", 80)


def test_names_of_other_servers_and_the_environment_are_understood(served):
    words = "m --max-client-batch-size 2 --max-queue-size 5 --payload-limit 99"
    environment = {
        "GLOBALNER_API_KEY": " ".join(KEYS[:2]),
        "GLOBALNER_MAX_BATCH_TOKENS": "77",
        "GLOBALNER_JSON_LOGS": "1",
    }
    result = invoke(*words.split(), **environment)
    assert result.exit_code == 0, result.output
    settings = served[0][0]
    assert (settings.max_texts, settings.max_queue_windows, settings.max_body_bytes) == (2, 5, 99)
    assert (settings.max_batch_tokens, settings.json_logs, settings.log_level) == (77, True, "info")
    assert settings.api_keys == ApiKeys.of(KEYS[:2])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--api-key", "short"], "an API key has 5 characters; use at least 16"),
        (["--api-key", "with a blank 0123456789"], "holds a blank"),
        (["--api-key-file", "nowhere.txt"], "nowhere.txt: cannot read the file of API keys: No such file"),
        (["--rate-limit", "5"], "--rate-limit holds for each key"),
    ],
)
def test_keys_that_cannot_be_used_are_said_without_being_shown(served, words, says):
    error = invoke("m", *words).exception
    assert isinstance(error, ConfigError)
    assert says in str(error)
    assert words[1] not in str(error).replace("nowhere.txt", "", 1) or words[0] != "--api-key"
    assert served == []


def test_flags_named_in_messages_exist():
    command = typer.main.get_command(serve_verb.app)
    flags = {option for parameter in command.params for option in parameter.opts}
    limits = [name for name in ServiceSettings.model_fields if name.startswith("max_") or name.endswith("_timeout_s")]
    assert len(limits) == 15
    assert {flag(name) for name in (*limits, "rate_limit_per_s", "batch_size")} <= flags


def test_model_may_come_from_the_environment(served):
    assert invoke(GLOBALNER_MODEL="/model").exit_code == 0
    assert served[0][0].model == "/model"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["m", "--port", "70000"],
        ["m", "--max-texts", "0"],
        ["m", "--request-timeout", "-1"],
        ["m", "--device", "tpu"],
    ],
)
def test_bad_arguments_are_exit_code_2(served, words):
    assert invoke(*words).exit_code == 2
    assert served == []


def test_settings_that_cannot_be_used_are_said(served):
    assert "--max-queue-windows 5 is smaller than --max-texts 9" in str(
        invoke("m", "--max-texts", "9", "--max-queue-windows", "5").exception
    )
    error = invoke("m", "--request-timeout", "inf").exception
    assert isinstance(error, ConfigError)
    assert "request_timeout_s" in str(error)
    assert served == []


def test_port_in_use_is_an_error_of_the_user():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        error = invoke("m", "--port", str(listener.getsockname()[1])).exception
    assert isinstance(error, ConfigError)
    assert "is in use by another program" in str(error)


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(
        serve_verb, "find_spec", lambda name: None if name == "uvicorn" else importlib.util.find_spec(name)
    )
    error = invoke("m").exception
    assert isinstance(error, MissingExtraError)
    assert str(error) == 'serving needs uvicorn; install: pip install "globalner[serve]"'


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import globalner.cli.serve_verb", {"fastapi", "uvicorn", "torch", "transformers", "pydantic"}),
        ("import globalner_service", {"torch", "transformers", "pytorch_lightning", "lightning"}),
        (
            "from globalner_service import *; import globalner_service.serve; import globalner.extractor; "
            "create_app(ServiceSettings(model='m')).openapi()",
            {"pytorch_lightning", "lightning", "globalner.training"},
        ),
    ],
)
def test_imports_stay_light(statement, absent):
    program = f"{statement}\nimport sys\nprint(sorted({absent!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
