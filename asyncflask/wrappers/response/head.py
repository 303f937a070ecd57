"""When the head of a streamed response is sent: with the first piece of its body.

A body that fails before its first piece is an error that the server can answer with 500, as WSGI
servers do. But a client waits for the head, and may do something that lets the body have its first
piece. So the head of a body that waits for long is sent alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

#: Seconds of waiting for the first piece after which the head is sent alone.
PATIENCE = 0.5


class Head:
    """The start message of a response whose body is not known yet.

    Args:
        start: The message.
        send: ASGI's ``send``.
    """

    __slots__ = ("_send", "_sending", "_timer", "is_sent", "start")

    def __init__(
        self, start: dict[str, Any], send: Callable[[dict[str, Any]], Awaitable[None]]
    ) -> None:
        self.start = start
        self._send = send
        self._timer: asyncio.TimerHandle | None = None
        self._sending: asyncio.Task[None] | None = None
        #: whether nothing has to be sent before the first piece
        self.is_sent = False

    def send_soon(self) -> None:
        """Send the message in a while, if the body has no piece by then."""
        if not self.is_sent and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._send_late)

    def _send_late(self) -> None:
        if not self.is_sent:
            self.is_sent = True
            self._sending = asyncio.get_running_loop().create_task(self._send_alone())

    async def _send_alone(self) -> None:
        await self._send(self.start)
        # Some servers keep the head until they know the first piece.
        await self._send({"type": "http.response.body", "body": b"", "more_body": True})

    async def send(self, first: bytes | None = None) -> None:
        """Send the message if it was not sent, and then the first piece.

        Args:
            first: The first piece, which may be empty; ``None``: the body has none.

        Raises:
            OSError: The client has left.
        """
        if self._sending is not None:
            await asyncio.shield(self._sending)
            self._sending = None
        flushes = first is not None and not self.is_sent
        if not self.is_sent:
            self.is_sent = True
            await self._send(self.start)
        if first or flushes:
            await self._send({"type": "http.response.body", "body": first, "more_body": True})

    async def stop(self) -> None:
        """Send nothing more by itself."""
        if self._timer is not None:
            self._timer.cancel()
        sending, self._sending = self._sending, None
        if sending is not None:
            sending.cancel()
            await asyncio.wait([sending])
            if not sending.cancelled():
                sending.exception()  # It was noticed, or does not matter any more.
