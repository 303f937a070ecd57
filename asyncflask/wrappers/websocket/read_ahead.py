"""Messages of a websocket that are received before the view asks for them.

A client that goes is a message, ``websocket.disconnect``, after those that it has sent. A view
that does not receive would never see it, so a few messages are taken out of the server and kept
here, in their order. The number is bounded: a view that does not read holds its client back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

Message = dict[str, Any]

#: Messages, and their characters or bytes, that are kept before reading ahead pauses.
MOST_MESSAGES = 64
MOST_DATA = 64 * 1024


class ReadAhead:
    """Receives in a task of its own, and hands the messages out in their order.

    Args:
        receive: ASGI's ``receive``; no other code may call it while this :attr:`is_reading`.
        disconnected: Called with the client's ``websocket.disconnect``, as soon as it comes.
    """

    def __init__(
        self,
        receive: Callable[[], Awaitable[Message]],
        disconnected: Callable[[Message], object],
    ) -> None:
        self._receive = receive
        self._disconnected = disconnected
        self._kept: deque[Message] = deque()
        self._task: asyncio.Task[None] | None = None
        self._handing_over = False

    @property
    def is_reading(self) -> bool:
        """Whether the task waits for a message."""
        return self._task is not None and not self._task.done()

    @property
    def is_full(self) -> bool:
        """Whether so much is kept that nothing more is read."""
        return len(self._kept) >= MOST_MESSAGES or sum(map(_size, self._kept)) >= MOST_DATA

    @property
    def size(self) -> int:
        """How many messages are kept."""
        return len(self._kept)

    @property
    def has_messages(self) -> bool:
        """Whether :meth:`take` returns at once."""
        return bool(self._kept)

    def is_current_task(self) -> bool:
        """Tell whether this is called by the task that reads."""
        return self._task is not None and asyncio.current_task() is self._task

    def start(self) -> None:
        """Read ahead, unless that is done already or enough is kept."""
        self._handing_over = False
        if not self.is_reading and not self.is_full:
            self._task = asyncio.get_running_loop().create_task(self._read())

    async def take(self) -> Message | None:
        """Wait for the next message.

        Returns:
            The message. ``None`` when nothing is kept and nothing is being read: the caller may
            receive by itself.
        """
        self._handing_over = True
        task = self._task
        if not self._kept and task is not None:
            # Not awaited itself: a take() that is cancelled must not lose the message.
            await asyncio.wait({task})
        if self._kept:
            return self._kept.popleft()
        if task is not None and self._task is task:
            self._task = None
            if not task.cancelled():
                task.result()  # What the server has raised.
        return None

    async def close(self) -> None:
        """End reading; a caller that waits in :meth:`take` gets ``None``."""
        task = self._task
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task})

    async def _read(self) -> None:
        while True:
            message = await self._receive()
            self._kept.append(message)
            if message["type"] == "websocket.disconnect":
                self._disconnected(message)
                return
            if self._handing_over or self.is_full:
                return


def _size(message: Message) -> int:
    return len(message.get("text") or message.get("bytes") or b"")
