"""`globalner serve`: a model over HTTP, with a page to try it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from globalner.cli.console import Console
from globalner.cli.shared_options import (
    BatchSize,
    Debug,
    Device,
    DeviceName,
    Precision,
    PrecisionName,
    Quiet,
    examples,
    verb_app,
)
from globalner.errors import ConfigError, MissingExtraError

__all__ = ["app"]

app = verb_app()

_NEEDED = ("fastapi", "prometheus_client", "uvicorn")


class LogLevel(StrEnum):
    """Choices of `--log-level`."""

    debug = "debug"
    info = "info"
    warning = "warning"
    error = "error"


def _option(names: str, help: str, minimum: float | None = None) -> Any:
    """An option with its other names, which people know from other servers, and its environment variable."""
    flags = names.split()
    variable = "GLOBALNER_" + flags[0].partition("/")[0].removeprefix("--").replace("-", "_").upper()
    return typer.Option(*flags, help=help, envvar=variable, min=minimum)


ServedModel = Annotated[
    str,
    typer.Argument(metavar="MODEL", envvar="GLOBALNER_MODEL", help="Folder of a model, or its name on the hub."),
]
# No environment variable: Kubernetes sets GLOBALNER_PORT to an address where a service is called globalner.
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes any free one.")]
MaxTexts = Annotated[int, _option("--max-texts --max-client-batch-size", "Texts in one request.", 1)]
MaxTextChars = Annotated[int, _option("--max-text-chars", "Characters in one text.", 1)]
MaxBodyBytes = Annotated[int, _option("--max-body-bytes --payload-limit", "Bytes in one body.", 1)]
MaxQueueWindows = Annotated[
    int,
    _option("--max-queue-windows --max-queue-size", "Windows of text that may wait; more: 429.", 1),
]
MaxConcurrent = Annotated[int, _option("--max-concurrent-requests", "Requests inside at once; more: 429.", 1)]
MaxConnections = Annotated[int, _option("--max-connections", "Open connections; more: 503.", 1)]
MaxHeaderBytes = Annotated[int, _option("--max-header-bytes", "Bytes in the head of one request.", 1024)]
MaxBatchTokens = Annotated[
    int, _option("--max-batch-tokens", "Tokens that go through the model at once, padding counted.", 1)
]
MaxBatchCells = Annotated[
    int, _option("--max-batch-cells", "Scores of spans that one batch computes, over all types.", 1)
]
ModelThreads = Annotated[
    int | None,
    _option("--model-threads", "Threads that run the model; one on a GPU, on a CPU one a core, at most four.", 1),
]
Tokenizers = Annotated[int, _option("--tokenization-workers", "Threads that tokenise.", 1)]
RequestTimeout = Annotated[float, _option("--request-timeout", "Seconds for an answer; then 504.", 0.001)]
HeaderTimeout = Annotated[float, _option("--header-timeout", "Seconds for the head of a request.", 0.001)]
BodyTimeout = Annotated[float, _option("--body-timeout", "Seconds for a body, or a line of a stream.", 0.001)]
WriteTimeout = Annotated[float, _option("--write-timeout", "Seconds for a client to take its answer.", 0.001)]
KeepAlive = Annotated[
    float, _option("--keep-alive-timeout", "Seconds an idle connection lives; above that of a proxy.", 0.001)
]
ShutdownTimeout = Annotated[
    float, _option("--shutdown-timeout", "Seconds for finishing accepted work when told to stop.", 0.0)
]
ApiKey = Annotated[
    list[str] | None,
    _option("--api-key", "Key that a request has to bring; repeat for several. Others see it: prefer a file."),
]
ApiKeyFile = Annotated[Path | None, _option("--api-key-file", "File of such keys, one a line.")]
RateLimit = Annotated[float | None, _option("--rate-limit", "Requests a second for each key; more: 429.")]
CorsOrigin = Annotated[
    list[str] | None, _option("--cors-allow-origin", "Origin whose pages may ask; repeat for several.")
]
MetricsPort = Annotated[int | None, _option("--metrics-port", "Port of /metrics alone.", 0)]
JsonLogs = Annotated[bool, _option("--json-logs/--no-json-logs", "Log JSON lines, one for each request.")]
Level = Annotated[LogLevel | None, _option("--log-level", "Default: info with --json-logs, else warning.")]
LogTexts = Annotated[bool, _option("--log-texts/--no-log-texts", "Also log what may hold request text.")]


@app.command(
    epilog=examples(
        "globalner serve runs/demo/model",
        "globalner serve runs/demo/model --host 0.0.0.0 --port 8080 --api-key-file keys.txt --json-logs",
    )
)
def serve(
    model: ServedModel,
    host: Annotated[str, typer.Option("--host", help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Port = 8000,
    served_model_name: Annotated[
        str | None, typer.Option("--served-model-name", help="Name in requests and answers; else as MODEL is given.")
    ] = None,
    max_texts: MaxTexts = 32,
    max_text_chars: MaxTextChars = 100_000,
    max_body_bytes: MaxBodyBytes = 2 * 1024 * 1024,
    max_queue_windows: MaxQueueWindows = 1024,
    max_concurrent_requests: MaxConcurrent = 512,
    max_connections: MaxConnections = 900,
    max_header_bytes: MaxHeaderBytes = 16 * 1024,
    max_batch_tokens: MaxBatchTokens = 16_384,
    max_batch_cells: MaxBatchCells = 1 << 27,
    model_threads: ModelThreads = None,
    tokenization_workers: Tokenizers = 2,
    request_timeout: RequestTimeout = 60.0,
    header_timeout: HeaderTimeout = 10.0,
    body_timeout: BodyTimeout = 30.0,
    write_timeout: WriteTimeout = 30.0,
    keep_alive_timeout: KeepAlive = 75.0,
    shutdown_timeout: ShutdownTimeout = 30.0,
    api_key: ApiKey = None,
    api_key_file: ApiKeyFile = None,
    rate_limit: RateLimit = None,
    cors_allow_origin: CorsOrigin = None,
    metrics_port: MetricsPort = None,
    json_logs: JsonLogs = False,
    log_level: Level = None,
    log_texts: LogTexts = False,
    warmup: Annotated[bool, typer.Option("--warmup/--no-warmup", help="Run the model once before being ready.")] = True,
    root_path: Annotated[str, typer.Option("--root-path", help="Path under which a proxy shows the server.")] = "",
    device: Device = DeviceName.auto,
    batch_size: BatchSize = None,
    precision: Precision = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Serve a model over HTTP: POST /v1/extract, a page to try it at /, a reference at /docs."""
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise MissingExtraError(f'serving needs {" and ".join(missing)}; install: pip install "globalner[serve]"')
    values: dict[str, object] = {
        "model": model,
        "served_name": served_model_name,
        "device": device.value,
        "precision": (precision or PrecisionName.fp32).value,
        "batch_size": batch_size or 32,
        "max_texts": max_texts,
        "max_text_chars": max_text_chars,
        "max_body_bytes": max_body_bytes,
        "max_queue_windows": max_queue_windows,
        "max_concurrent_requests": max_concurrent_requests,
        "max_connections": max_connections,
        "max_header_bytes": max_header_bytes,
        "max_batch_tokens": max_batch_tokens,
        "max_batch_cells": max_batch_cells,
        "model_threads": model_threads,
        "tokenization_workers": tokenization_workers,
        "request_timeout_s": request_timeout,
        "header_timeout_s": header_timeout,
        "body_timeout_s": body_timeout,
        "write_timeout_s": write_timeout,
        "keep_alive_timeout_s": keep_alive_timeout,
        "shutdown_timeout_s": shutdown_timeout,
        "rate_limit_per_s": rate_limit,
        "cors_allow_origins": tuple(cors_allow_origin or ()),
        "metrics_port": metrics_port,
        "json_logs": json_logs,
        "log_level": _level(log_level, json_logs=json_logs, debug=debug),
        "log_texts": log_texts,
        "warmup": warmup,
        "root_path": root_path,
    }
    keys = _Keys(tuple(api_key or ()), api_key_file)
    _serve(values, keys, (host, port), Console(quiet=quiet, debug=debug))


@dataclass(frozen=True)
class _Keys:
    """API keys as they were given."""

    given: tuple[str, ...]
    file: Path | None


def _serve(values: dict[str, object], keys: _Keys, address: tuple[str, int], console: Console) -> None:
    from pydantic import ValidationError

    from globalner_service import ServiceSettings
    from globalner_service.api_keys import ApiKeys, read_key_file
    from globalner_service.serve import run

    console.quiet_libraries()
    known = ApiKeys.of([*keys.given, *(read_key_file(keys.file) if keys.file else ())])
    try:
        settings = ServiceSettings.model_validate({**values, "api_keys": known})
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}; got {first['input']!r}") from error
    model = settings.model
    console.note(f"loading {model} ...")
    run(
        settings,
        host=address[0],
        port=address[1],
        on_ready=lambda url: console.note(f"{model} is ready: {url} (page), {url}/docs (reference); Ctrl-C stops"),
    )


def _level(asked: LogLevel | None, *, json_logs: bool, debug: bool) -> Literal["debug", "info", "warning", "error"]:
    if asked is not None:
        return asked.value
    return "debug" if debug else "info" if json_logs else "warning"
