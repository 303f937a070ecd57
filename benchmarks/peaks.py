"""Measures the peak of Python's memory while requests are answered, above that of before.

It is what Python allocates (``tracemalloc``), which is exact, and the same in each run; resident
memory consists of pages and stays. The client creates each piece of a body when it is requested,
as a server does, and discards the response.
"""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import Any

from .client import PIECE, Client, Message, Receive, ignore


async def peak_of(run: Callable[[], Awaitable[Any]]) -> float:
    """Return the peak of Python's memory meanwhile, above that of before, in KiB."""
    gc.collect()
    tracemalloc.start()
    try:
        await run()
        return tracemalloc.get_traced_memory()[1] / 1024
    finally:
        tracemalloc.stop()


async def peak_of_call(client: Client) -> float:
    """Return the peak of one request, in KiB."""
    if client.wsgi:
        return await peak_of(_wsgi_call(client))
    scope, _, _ = client.call()
    receive = receiving(client.workload.body)

    async def call() -> None:
        await client.app(scope, receive, ignore)

    return await peak_of(call)


def _wsgi_call(client: Client) -> Callable[[], Awaitable[None]]:
    environ = client.environ()

    async def call() -> None:
        body = client.app(environ, lambda *began: None)
        for _ in body:  # It is not kept, because a server sends it.
            pass
        if hasattr(body, "close"):
            body.close()

    return call


def receiving(body: bytes) -> Receive:
    """Make a ``receive`` whose pieces are new memory, as those that a socket gives."""
    view, position = memoryview(body), 0

    async def receive() -> Message:
        nonlocal position
        if position and position >= len(body):
            await asyncio.get_running_loop().create_future()
        piece = bytes(view[position : position + PIECE])
        position += PIECE
        return {"type": "http.request", "body": piece, "more_body": position < len(body)}

    return receive
