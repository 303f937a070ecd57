"""A synchronous body that a worker thread iterates ahead of what is sent.

A hop to the worker for each chunk costs more than most chunks take to make. Here one hop makes the
chunks of a moment, up to :data:`SIZE` bytes, and they are sent as one message. No chunk waits for
a later one: after the moment the loop sends what there is, while the worker waits for the next. The
worker makes no more before all of it is sent, so a slow client slows the body down.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from .bodies import Run, to_bytes
from .head import Head

#: Name of an ASGI extension: each chunk is made when the one before was sent, and is one message.
PIECES = "asyncflask.pieces"

#: bytes after which the worker makes no more before they are sent
SIZE = 64 * 1024
#: chunks after which it makes no more, which counts for empty ones
COUNT = 1024
#: seconds after which the worker makes no more, and what there is is sent
MOMENT = 0.002
#: seconds after which the loop looks what there is: never before the moment is over, although
#: uvloop counts in whole milliseconds
LOOK = MOMENT + 0.0015

_END: Any = object()


class _Ahead:
    """The chunks that the worker has made and the loop has not sent.

    The worker appends to a list and the loop takes from it, both by single operations.

    Args:
        body: A synchronous iterable of bytes or text.
        head: The start message.
        send: ASGI's ``send``.
    """

    def __init__(
        self,
        body: Iterable[bytes | str],
        head: Head,
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        self._body = body
        self._head = head
        self._send = send
        self._iterator: Iterator[bytes | str] | None = None
        self._made: list[bytes] = []
        self._sending: asyncio.Task[None] | None = None
        self._is_begun = False
        self.has_ended = False
        self.client_left = False
        #: what the body has raised; it is raised when all chunks before are sent
        self.error: BaseException | None = None

    # -- in the worker -----------------------------------------------------------------------------

    def make(self, size: int, end: float) -> None:
        """Make chunks until there are enough, or a moment is over.

        Args:
            size: Number of bytes that are enough.
            end: Of the moment. It is the loop's, which then sends what there is; the worker may
                begin late.
        """
        try:
            if self._iterator is None:
                self._iterator = iter(self._body)
            for _ in range(COUNT):
                chunk = next(self._iterator, _END)
                if chunk is _END:
                    self.has_ended = True
                    return
                data = to_bytes(chunk)
                self._made.append(data)
                size -= len(data)
                if size <= 0 or self.client_left or time.monotonic() >= end:
                    return
        except BaseException as error:
            self.error = error
            self.has_ended = True

    def fail(self) -> None:
        """Raise what the body has raised, where a ``SystemExit`` does not end the loop."""
        error, self.error = self.error, None
        assert error is not None  # The caller has seen it.
        try:
            raise error
        finally:
            del error  # Its traceback refers to this frame: a cycle.

    # -- on the loop -------------------------------------------------------------------------------

    def send_soon(self) -> None:
        """Send what there is in a task: the one that waits for the worker cannot be stepped."""
        if self._made and self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._send_made())

    async def _send_made(self) -> None:
        made = self._made
        size = len(made)  # The worker may append meanwhile.
        data = made[0] if size == 1 else b"".join(made[:size])
        del made[:size]
        if self.client_left:
            return
        try:
            if not self._is_begun:
                self._is_begun = True
                await self._head.send(data)
            elif data:
                await self._send({"type": "http.response.body", "body": data, "more_body": True})
        except OSError:
            self.client_left = True

    async def send_all(self) -> None:
        """Send everything that was made, in order."""
        if self._sending is not None:
            await self._sending
            self._sending = None
        if self._made:
            await self._send_made()

    async def stop(self) -> None:
        """Send no more: the request was cancelled."""
        self.client_left = True
        self.error = None  # Its traceback refers to this object: a cycle.
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait([self._sending])


async def pump_ahead(
    body: Iterable[bytes | str],
    head: Head,
    send: Callable[[dict[str, Any]], Awaitable[None]],
    run: Run,
) -> None:
    """Send a response whose body may block while it is iterated.

    Args:
        body: A synchronous iterable.
        head: The start message, which is sent with the first chunk.
        send: ASGI's ``send``; an :exc:`OSError` from it means that the client has left.
        run: ``run(func, *args)`` calls off the loop.

    Raises:
        BaseException: What the body raises, after the chunks before it were sent.
    """
    ahead = _Ahead(body, head, send)
    loop = asyncio.get_running_loop()
    size = 1  # The first chunk waits for no second one.
    try:
        while not ahead.has_ended and not ahead.client_left:
            timer = loop.call_later(LOOK, ahead.send_soon)
            try:
                await run(ahead.make, size, time.monotonic() + MOMENT)
            finally:
                timer.cancel()
            await ahead.send_all()
            size = SIZE
    except BaseException:
        await ahead.stop()
        raise
    if ahead.error is not None:
        await run(ahead.fail)
    if not ahead.client_left:
        try:
            await head.send()
            await send({"type": "http.response.body", "body": b""})
        except OSError:
            pass
