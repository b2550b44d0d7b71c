"""Everything that can be set about a server, with the limits in force and the flag that changes each."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from globalner.errors import ConfigError
from globalner_service.api_keys import ApiKeys

__all__ = ["ServiceSettings", "flag"]


class ServiceSettings(BaseModel):
    """How one server runs. Times are seconds; sizes carry their unit in the name.

    Attributes:
        model: Folder or hub name of the model.
        served_name: Name under which requests and answers speak of the model; None: the model's own name.
        device: `auto`, `cpu`, `cuda`, `mps`.
        precision: `fp32`, `bf16`, `fp16`.
        batch_size: Windows that go through the model at once, at most.
        max_batch_tokens: Tokens of a batch, padding counted; one window goes through whatever its size.
        max_batch_cells: Scores that the search of a batch computes over all types; likewise.
        model_threads: Threads that run the model, each a batch on its share of the cores; None: one on a GPU, on a CPU
            one a core, at most four.
        tokenization_workers: Threads that turn texts into windows.
        max_texts: Texts in one request.
        max_text_chars: Code points in one text.
        max_body_bytes: Bytes in one request body, or in one line of a stream.
        max_queue_windows: Windows of work that may wait; a request that does not fit is refused as a whole.
        max_concurrent_requests: Requests for work that may be inside at once, bodies on their way counted.
        max_connections: Connections that may be open at once.
        max_header_bytes: Bytes in the head of one request.
        request_timeout_s: From the complete body of a request to its answer.
        header_timeout_s: For the head of a request to arrive.
        body_timeout_s: For the body of a request to arrive, and for each line of a stream.
        write_timeout_s: For a client to take what was written to it.
        keep_alive_timeout_s: How long an idle connection stays open; longer than that of a proxy in front.
        shutdown_timeout_s: For finishing accepted work when the server is told to stop.
        warmup: Run the model, and time its batches, before the server calls itself ready.
        root_path: Path under which a proxy shows the server, such as `/ner`; the proxy takes it off.
        api_keys: Digests of the keys of which a request has to bring one; none: everybody may ask.
        rate_limit_per_s: Requests a second for each key; a stream counts each line. None: no limit.
        cors_allow_origins: Origins whose pages may ask from a browser; `*` for all.
        metrics_port: Port of `/metrics` alone; None: on the port of the service.
        log_level: What is logged; `info` has a line for each request.
        json_logs: Log JSON lines instead of plain ones.
        log_texts: Also log the texts of requests and the messages of failures, which may hold some.

    Raises:
        ConfigError: If two settings do not fit together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    model: str
    served_name: str | None = None
    device: str = "auto"
    precision: str = "fp32"
    batch_size: int = Field(default=32, ge=1)
    max_batch_tokens: int = Field(default=16_384, ge=1)
    max_batch_cells: int = Field(default=1 << 27, ge=1)
    model_threads: int | None = Field(default=None, ge=1, le=64)
    tokenization_workers: int = Field(default=2, ge=1, le=64)
    max_texts: int = Field(default=32, ge=1)
    max_text_chars: int = Field(default=100_000, ge=1)
    max_body_bytes: int = Field(default=2 * 1024 * 1024, ge=1)
    max_queue_windows: int = Field(default=1024, ge=1)
    max_concurrent_requests: int = Field(default=512, ge=1)
    max_connections: int = Field(default=900, ge=1)
    max_header_bytes: int = Field(default=16 * 1024, ge=1024)
    request_timeout_s: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    header_timeout_s: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    body_timeout_s: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    write_timeout_s: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    keep_alive_timeout_s: float = Field(default=75.0, gt=0, allow_inf_nan=False)
    shutdown_timeout_s: float = Field(default=30.0, ge=0, allow_inf_nan=False)
    warmup: bool = True
    root_path: str = ""
    api_keys: ApiKeys = ApiKeys()
    rate_limit_per_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    cors_allow_origins: tuple[str, ...] = ()
    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    json_logs: bool = False
    log_texts: bool = False

    @model_validator(mode="after")
    def _settings_fit_together(self) -> ServiceSettings:
        if self.max_queue_windows < self.max_texts:
            raise ConfigError(
                f"{flag('max_queue_windows')} {self.max_queue_windows} is smaller than {flag('max_texts')} "
                f"{self.max_texts}, so a full request could never be accepted beside another; "
                "raise the first or lower the second"
            )
        if self.rate_limit_per_s is not None and not self.api_keys:
            raise ConfigError(
                f"{flag('rate_limit_per_s')} holds for each key; name keys with --api-key or --api-key-file"
            )
        return self

    def limits(self) -> dict[str, int | float | None]:
        """Every limit in force, for `/info`; null where there is none."""
        bounds = (name for name in type(self).model_fields if name.startswith("max_") or name.endswith("_timeout_s"))
        return {name: getattr(self, name) for name in (*bounds, "batch_size", "rate_limit_per_s")}


def flag(field: str) -> str:
    """Command line flag of a field: `max_texts` -> `--max-texts`, `request_timeout_s` -> `--request-timeout`."""
    return "--" + field.removesuffix("_per_s").removesuffix("_s").replace("_", "-")
