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
    assert (options["host"], options["port"], options["log_level"]) == ("127.0.0.1", 8000, "warning")


def test_every_option_reaches_the_settings(served):
    words = (
        "m --host 0.0.0.0 --port 80 --served-model-name ner --max-texts 2 --max-text-chars 3 --max-body-bytes 4 "
        "--max-queue-texts 5 --max-batch-texts 6 --request-timeout 7.5 --shutdown-timeout 0 --no-warmup "
        "--root-path /ner --device cpu --batch-size 8 --precision bf16 --quiet --debug"
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
        max_queue_texts=5,
        max_batch_texts=6,
        request_timeout_s=7.5,
        shutdown_timeout_s=0,
        warmup=False,
        root_path="/ner",
    )
    assert (options["host"], options["port"], options["log_level"]) == ("0.0.0.0", 80, "debug")


def test_flags_named_in_messages_exist():
    command = typer.main.get_command(serve_verb.app)
    flags = {option for parameter in command.params for option in parameter.opts}
    limits = [name for name in ServiceSettings.model_fields if name.startswith("max_") or name.endswith("_timeout_s")]
    assert len(limits) == 7
    assert {flag(name) for name in limits} <= flags


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
    assert "--max-queue-texts 5 is smaller than --max-texts 9" in str(
        invoke("m", "--max-texts", "9", "--max-queue-texts", "5").exception
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
