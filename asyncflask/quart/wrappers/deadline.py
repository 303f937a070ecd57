"""A body that has to be sent within a time (``RESPONSE_TIMEOUT``, ``response.timeout``)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from time import monotonic
from typing import Any


def _too_late(seconds: float) -> TimeoutError:
    return TimeoutError(
        f"The response was cut off: its body was not sent within {seconds} s (RESPONSE_TIMEOUT)."
        " Set `response.timeout = None` on a stream without an end, or a longer time, on the"
        " response or in app.config['RESPONSE_TIMEOUT']."
    )


class TimedChunks:
    """The chunks of a synchronous body, in a worker thread.

    Args:
        body: The body.
        seconds: The time.
    """

    def __init__(self, body: Iterable[Any], seconds: float) -> None:
        self._body = body
        self._seconds = seconds

    def __iter__(self) -> Iterator[Any]:
        deadline = monotonic() + self._seconds
        for chunk in self._body:
            if monotonic() > deadline:
                raise _too_late(self._seconds)
            yield chunk

    def close(self) -> None:
        """Close the body."""
        close = getattr(self._body, "close", None)
        if close is not None:
            close()


async def timed_chunks(
    body: AbstractAsyncContextManager[AsyncIterable[Any]], seconds: float | None
) -> AsyncIterator[Any]:
    """Open a body, and iterate over its chunks.

    Args:
        body: The body.
        seconds: The time; ``None``: no limit.

    Returns:
        The chunks.

    Raises:
        TimeoutError: The time is over. The server aborts the connection then, so that the client
            notices that something is missing.
    """
    deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
    async with body as chunks:
        iterator = aiter(chunks)
        while True:
            try:
                async with asyncio.timeout_at(deadline) as limit:
                    chunk = await anext(iterator)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if seconds is None or not limit.expired():
                    raise
                raise _too_late(seconds) from None
            yield chunk
