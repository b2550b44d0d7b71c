"""How a request waits for its answer: until it is there, the time is up, or the client has gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any

from starlette.types import Message

from globalner_service.errors import DisconnectedError, OutOfTimeError

__all__ = ["wait_for_answer"]


async def wait_for_answer(
    answer: Future[bytes], timeout_s: float, receive: Callable[[], Awaitable[Message]] | None = None
) -> bytes:
    """The answer of a job. In every other case the job is given up, so that no work is done for it any more.

    Args:
        answer: The answer of the job.
        timeout_s: How long to wait.
        receive: Tells of the client's leaving, once the body is read; None where somebody else listens for that.

    Raises:
        OutOfTimeError: If the answer is not there in time.
        DisconnectedError: If the client has gone.
    """
    waited = asyncio.wrap_future(answer)
    gone = None if receive is None else asyncio.ensure_future(_disconnect(receive))
    either: list[asyncio.Future[Any]] = [waited] if gone is None else [waited, gone]
    try:
        done, _ = await asyncio.wait(either, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if waited in done:
            return waited.result()
        if done:
            raise DisconnectedError("the client left before its answer was ready")
        raise OutOfTimeError(f"no answer within {timeout_s:g} s; send fewer or shorter texts")
    finally:
        answer.cancel()
        if gone is not None:
            gone.cancel()


async def _disconnect(receive: Callable[[], Awaitable[Message]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
