"""Cancels a task when the client has left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Watch = Callable[[], Awaitable[Any]]


class Guard:
    """Cancels a task when the client leaves.

    Args:
        watch: Returns when the client has left.
        task: The task; by default the one that makes this object.
    """

    def __init__(self, watch: Watch, task: asyncio.Task[Any] | None = None) -> None:
        task = task or asyncio.current_task()
        assert task is not None  # A coroutine that is awaited runs in a task.
        self._streaming = task
        self._already_cancelling = task.cancelling()
        self._stopped = False
        self._cancelled = False
        self._watching = asyncio.get_running_loop().create_task(self._wait(watch))

    async def _wait(self, watch: Watch) -> None:
        await watch()
        if not self._stopped:
            self._cancelled = True
            self._streaming.cancel()

    def cancelled_us(self) -> bool:
        """Tell whether only this guard cancelled the task, and undo it (see asyncio.timeout)."""
        if not self._cancelled:
            return False
        self._cancelled = False
        return self._streaming.uncancel() <= self._already_cancelling

    async def stop(self) -> None:
        """End the watching task; the streaming task is not cancelled any more."""
        self._stopped = True
        self.cancelled_us()  # A body may have swallowed the cancellation.
        watching = self._watching
        del self._watching  # The traceback of its cancellation refers to this object: a cycle.
        if not watching.done():
            watching.cancel()
            await asyncio.wait([watching])
