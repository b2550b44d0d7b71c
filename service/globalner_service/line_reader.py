"""The lines of a request body, as they arrive: at most one of them is held, however long the body is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.types import Receive

from globalner_service.errors import BodyTimeoutError, DisconnectedError, TooLargeError
from globalner_service.settings import flag

__all__ = ["LineReader"]


class LineReader:
    """Cuts a body at its line feeds.

    Args:
        receive: Gives the parts of the body.
        max_line_bytes: Longest line; of a longer one nothing is kept.
        timeout_s: How long the next line may take to arrive.
    """

    def __init__(self, receive: Receive, *, max_line_bytes: int, timeout_s: float) -> None:
        self._receive, self._max_line_bytes, self._timeout_s = receive, max_line_bytes, timeout_s

    async def lines(self) -> AsyncIterator[bytes | TooLargeError]:
        """Each line without its end; in place of one that is too long, the error that says so.

        Raises:
            BodyTimeoutError: If a line does not arrive in time.
            DisconnectedError: If the client leaves.
        """
        held, skipping, more = bytearray(), False, True
        waiting_since = self._now()
        while more:
            part, more = await self._part(waiting_since + self._timeout_s)
            *ended, rest = part.split(b"\n")
            for piece in ended:
                yield self._line(held + piece, skipping)
                held, skipping = bytearray(), False
                waiting_since = self._now()
            held += rest
            if len(held) > self._max_line_bytes:
                held, skipping = bytearray(), True
        if held or skipping:
            yield self._line(held, skipping)

    async def left(self) -> None:
        """Returns when the client leaves; for the time after the last line."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _line(self, line: bytearray, skipping: bool) -> bytes | TooLargeError:
        if skipping or len(line) > self._max_line_bytes:
            return TooLargeError("the line is too long", limit=self._max_line_bytes, flag=flag("max_body_bytes"))
        return bytes(line)

    async def _part(self, deadline: float) -> tuple[bytes, bool]:
        try:
            async with asyncio.timeout_at(deadline):
                message = await self._receive()
        except TimeoutError:
            raise BodyTimeoutError(f"no complete line arrived within {self._timeout_s:g} s") from None
        if message["type"] == "http.disconnect":
            raise DisconnectedError("the client left before its stream ended")
        return message.get("body", b""), message.get("more_body", False)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
