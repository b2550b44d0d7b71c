"""Everything that can be set about a server, with the limits in force and the flag that changes each."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from globalner.errors import ConfigError

__all__ = ["ServiceSettings", "flag"]


class ServiceSettings(BaseModel):
    """How one server runs. Times are seconds; sizes carry their unit in the name.

    Attributes:
        model: Folder or hub name of the model.
        served_name: Name under which requests and answers speak of the model; None: the model's own name.
        device: `auto`, `cpu`, `cuda`, `mps`.
        precision: `fp32`, `bf16`, `fp16`.
        batch_size: Windows that go through the model at once.
        max_texts: Texts in one request.
        max_text_chars: Code points in one text.
        max_body_bytes: Bytes in one request body.
        max_queue_texts: Texts that may wait; a request that does not fit is refused as a whole.
        max_batch_texts: Texts of different requests that are put into one call of the model.
        request_timeout_s: From the arrival of a request to its answer.
        shutdown_timeout_s: For finishing accepted work when the server is told to stop.
        warmup: Run the model once before the server calls itself ready.
        root_path: Path under which a proxy shows the server, such as `/ner`; the proxy takes it off.

    Raises:
        ConfigError: If a full request would not fit into the queue.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    served_name: str | None = None
    device: str = "auto"
    precision: str = "fp32"
    batch_size: int = Field(default=32, ge=1)
    max_texts: int = Field(default=32, ge=1)
    max_text_chars: int = Field(default=100_000, ge=1)
    max_body_bytes: int = Field(default=2 * 1024 * 1024, ge=1)
    max_queue_texts: int = Field(default=1024, ge=1)
    max_batch_texts: int = Field(default=32, ge=1)
    request_timeout_s: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    shutdown_timeout_s: float = Field(default=30.0, ge=0, allow_inf_nan=False)
    warmup: bool = True
    root_path: str = ""

    @model_validator(mode="after")
    def _full_request_fits_queue(self) -> ServiceSettings:
        if self.max_queue_texts < self.max_texts:
            raise ConfigError(
                f"{flag('max_queue_texts')} {self.max_queue_texts} is smaller than "
                f"{flag('max_texts')} {self.max_texts}, so a full request could never be accepted; "
                "raise the first or lower the second"
            )
        return self

    def limits(self) -> dict[str, int | float]:
        """The limits that a client can run into, for `/info`."""
        return {
            "max_texts": self.max_texts,
            "max_text_chars": self.max_text_chars,
            "max_body_bytes": self.max_body_bytes,
            "max_queue_texts": self.max_queue_texts,
            "request_timeout_s": self.request_timeout_s,
        }


def flag(field: str) -> str:
    """Command line flag of a field: `max_texts` -> `--max-texts`, `request_timeout_s` -> `--request-timeout`."""
    return "--" + field.removesuffix("_s").replace("_", "-")
