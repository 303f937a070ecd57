"""A deadline that holds even if a client library takes long to be cancelled."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import Any, TypeVar

from .._contextvars import make_current

T = TypeVar("T")


async def within(seconds: float | None, coro: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns, if it does so in time.

    Unlike ``asyncio.wait_for()`` this does not wait for the end of what it cancels: asyncpg and
    redis-py talk to the server first, and a server that hangs does not answer.

    In the coroutine no app and no request is current. A connection that it opens keeps its context
    for as long as it lasts, and would keep the request with it.

    Args:
        seconds: The time; ``None``: no limit.
        coro: The coroutine; it has not begun.

    Raises:
        TimeoutError: The time is over.
        BaseException: What the coroutine raises.
    """
    context = contextvars.copy_context()
    context.run(make_current, None)
    task = asyncio.create_task(coro, context=context)
    try:
        done, _ = await asyncio.wait([task], timeout=seconds)
    except asyncio.CancelledError:
        _abandon(task)
        raise
    if done:
        return task.result()
    _abandon(task)
    raise TimeoutError


def _abandon(task: asyncio.Task[Any]) -> None:
    task.cancel()
    task.add_done_callback(lambda task: task.cancelled() or task.exception())
