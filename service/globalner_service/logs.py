"""The server's log: plain lines or JSON lines on standard error, with the id of the request, without its text."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

__all__ = ["JsonFormatter", "PlainFormatter", "set_up_logs"]

_OWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}


class _QuietFormatter(logging.Formatter):
    """Shows where a failure happened; its message only where texts may be logged, since it may hold some.

    Args:
        log_texts: Whether messages of failures are shown.
    """

    def __init__(self, *, log_texts: bool) -> None:
        super().__init__()
        self.log_texts = log_texts

    def failure(self, record: logging.LogRecord) -> str | None:
        """The traceback of a record; without the messages of its exceptions unless texts may be logged."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return None
        if self.log_texts:
            return "".join(traceback.format_exception(error)).rstrip()
        frames = "".join(traceback.format_tb(error.__traceback__))
        return f"{frames}{type(error).__name__} (its message may hold text of a request: --log-texts shows it)"

    @staticmethod
    def facts(record: logging.LogRecord) -> dict[str, Any]:
        """What the caller of the logger added, such as the request id."""
        return {name: value for name, value in vars(record).items() if name not in _OWN_FIELDS}


class JsonFormatter(_QuietFormatter):
    """One JSON object a line: time, level, logger, message, request id and what else is known."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON, in ASCII, so that no line break of any kind is left in it."""
        facts: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **self.facts(record),
        }
        if failure := self.failure(record):
            facts["failure"] = failure
        return json.dumps(facts, default=str)


class PlainFormatter(_QuietFormatter):
    """`TIME LEVEL MESSAGE name=value ...`, for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line, and a traceback under it where something failed."""
        time = datetime.fromtimestamp(record.created).astimezone().isoformat(sep=" ", timespec="milliseconds")
        facts = [f"{name}={value}" for name, value in self.facts(record).items()]
        line = " ".join([time, record.levelname, record.getMessage(), *facts])
        failure = self.failure(record)
        return line if failure is None else f"{line}\n{failure}"


def set_up_logs(*, level: str, json_lines: bool, log_texts: bool) -> None:
    """Sends the logs of the service and of its HTTP server to standard error.

    Args:
        level: `debug`, `info` (a line for each request), `warning` or `error`.
        json_lines: JSON instead of plain lines.
        log_texts: Also show what may hold text of a request.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter((JsonFormatter if json_lines else PlainFormatter)(log_texts=log_texts))
    # uvicorn warns of every broken request, which is for the metrics to count and not for anybody to flood a disk with.
    for name, own_level in (("globalner_service", level), ("uvicorn", level if level == "debug" else "error")):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(own_level.upper())
