"""What can go wrong between a client and a service."""

from __future__ import annotations

from globalner.errors import GlobalNerError

__all__ = ["ServiceError", "ServiceUnreachableError"]


class ServiceError(GlobalNerError):
    """The service answered with an error.

    Args:
        message: What the service says.
        status: HTTP status of the answer.
        kind: The `type` of the error, such as `invalid` or `queue_full`; empty where the answer had none.
    """

    def __init__(self, message: str, *, status: int, kind: str) -> None:
        super().__init__(f"the service answered {status}{f' ({kind})' if kind else ''}: {message}")
        self.message, self.status, self.kind = message, status, kind


class ServiceUnreachableError(GlobalNerError):
    """No answer came, after all tries: the service is not there, or its connections broke."""
