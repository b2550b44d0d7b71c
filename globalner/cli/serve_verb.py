"""`globalner serve`: a model over HTTP, with a page to try it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

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

_NEEDED = ("fastapi", "uvicorn")

ServedModel = Annotated[
    str,
    typer.Argument(metavar="MODEL", envvar="GLOBALNER_MODEL", help="Folder of a model, or its name on the hub."),
]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes any free one.")]
MaxTexts = Annotated[int, typer.Option("--max-texts", min=1, help="Texts in one request.")]
MaxTextChars = Annotated[int, typer.Option("--max-text-chars", min=1, help="Characters in one text.")]
MaxBodyBytes = Annotated[int, typer.Option("--max-body-bytes", min=1, help="Bytes in the body of one request.")]
MaxQueueTexts = Annotated[
    int, typer.Option("--max-queue-texts", min=1, help="Texts that may wait; more are refused with 429.")
]
MaxBatchTexts = Annotated[
    int, typer.Option("--max-batch-texts", min=1, help="Texts of different requests that are read together.")
]
RequestTimeout = Annotated[
    float, typer.Option("--request-timeout", min=0.001, help="Seconds from a request to its answer; then 504.")
]
ShutdownTimeout = Annotated[
    float, typer.Option("--shutdown-timeout", min=0.0, help="Seconds for finishing accepted work when told to stop.")
]


@app.command(
    epilog=examples("globalner serve runs/demo/model", "globalner serve runs/demo/model --host 0.0.0.0 --port 8080")
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
    max_queue_texts: MaxQueueTexts = 1024,
    max_batch_texts: MaxBatchTexts = 32,
    request_timeout: RequestTimeout = 60.0,
    shutdown_timeout: ShutdownTimeout = 30.0,
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
    from pydantic import ValidationError

    from globalner_service import ServiceSettings
    from globalner_service.serve import run

    console = Console(quiet=quiet, debug=debug)
    console.quiet_libraries()
    try:
        settings = ServiceSettings(
            model=model,
            served_name=served_model_name,
            device=device.value,
            precision=(precision or PrecisionName.fp32).value,
            batch_size=batch_size or 32,
            max_texts=max_texts,
            max_text_chars=max_text_chars,
            max_body_bytes=max_body_bytes,
            max_queue_texts=max_queue_texts,
            max_batch_texts=max_batch_texts,
            request_timeout_s=request_timeout,
            shutdown_timeout_s=shutdown_timeout,
            warmup=warmup,
            root_path=root_path,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}; got {first['input']!r}") from error
    console.note(f"loading {model} ...")
    run(
        settings,
        host=host,
        port=port,
        on_ready=lambda url: console.note(f"{model} is ready: {url} (page), {url}/docs (reference); Ctrl-C stops"),
        log_level="debug" if debug else "warning",
    )
