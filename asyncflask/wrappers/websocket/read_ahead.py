"""Messages of a websocket that are received before the view asks for them.

The end of a client is a message, ``websocket.disconnect``, after those that it has sent. A view
that does not receive never sees it, so a few messages are received and kept here, in their order.
Their number is limited, so that a view that does not read slows its client down.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from ...typing import Message, Receive

#: Messages, and their characters or bytes, that are kept before reading ahead pauses.
MOST_MESSAGES = 64
MOST_DATA = 64 * 1024


class ReadAhead:
    """Receives messages in its own task, and returns them in their order.

    Args:
        receive: ASGI's ``receive``; no other code may call it while :attr:`is_reading` is true.
        disconnected: Called with the client's ``websocket.disconnect``, as soon as it comes.
    """

    def __init__(
        self,
        receive: Receive,
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
        """Whether reading pauses because enough messages are kept."""
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
        """Tell whether the caller is the task that reads."""
        return self._task is not None and asyncio.current_task() is self._task

    def start(self) -> None:
        """Start reading ahead, if that is not done already and there is room."""
        self._handing_over = False
        if not self.is_reading and not self.is_full:
            self._task = asyncio.get_running_loop().create_task(self._read())

    async def take(self) -> Message | None:
        """Wait for the next message.

        Returns:
            The message. ``None`` when no message is kept and the task has ended: the caller may
            receive itself.
        """
        self._handing_over = True
        task = self._task
        if not self._kept and task is not None:
            # The task is not awaited directly: a cancelled take() must not lose the message.
            await asyncio.wait({task})
        if self._kept:
            return self._kept.popleft()
        if task is not None and self._task is task:
            self._task = None
            if not task.cancelled():
                task.result()  # Raises the server's error.
        return None

    async def close(self) -> None:
        """Stop reading; a caller that waits in :meth:`take` gets ``None``."""
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
